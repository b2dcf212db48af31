"""Lets in only jobs whose data is as a JSON Schema says (draft 2020-12, https://json-schema.org).

{"name": "json_schema", "klass": "Crawl", "schema": {"type": "object", "required": ["url"]}}
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from qless_flask.bounds import Checks
from qless_flask.errors import Rejected
from qless_flask.hookspecs import Policy, Space
from qless_flask.models import NewJob
from qless_flask.patterns import matches

if TYPE_CHECKING:
    from jsonschema.exceptions import SchemaError, ValidationError

OF_NAMES = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
"""The keywords whose objects hold schemas by names that somebody gave."""
MOST_TOLD = 10
MOST_LETTERS = 200


class JSONSchema(Policy):
    """Refuse a job of a klass whose data is not as the schema says, and name each place that is not (`data.url`).

    It looks at what is put; what a worker makes of the data later is the worker's to answer for. A `$ref` leads to a
    place within the schema, never to the network.
    """

    def __init__(self, klass: str, schema: Mapping[str, Any] | bool) -> None:
        # Imported when there is such a policy: it takes longer than all that a command line does.
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import SchemaError
        from referencing import Registry

        check = Checks()
        check.text("klass", klass)
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            check.wrong(_place("schema", error), _short(error.message))
        except RecursionError:
            check.wrong("schema", "is nested too deep")
        for ref in _refs(schema):
            if not _leads(schema, ref):
                check.wrong("schema", f"$ref {ref} must lead to a place within the schema: begin it with #/")
        check.done()
        self._klass = klass
        # A registry of our own, which fetches nothing.
        registry: Registry[Any] = Registry()
        self._validator = Draft202012Validator(schema, registry=registry)

    def check_put(self, namespace: Space, job: NewJob) -> NewJob:
        if matches(self._klass, job.klass):
            wrong = self._wrong(job.data)
            if wrong:
                raise Rejected.of(wrong)
        return job

    def _wrong(self, data: str) -> dict[str, list[str]]:
        wrong: dict[str, list[str]] = {}
        try:
            value = json.loads(data, parse_int=_integer)
            for error in islice(self._validator.iter_errors(value), MOST_TOLD):
                for field, said in _told(error):
                    if said not in wrong.setdefault(field, []):
                        wrong[field].append(said)
        except RecursionError:
            wrong["data"] = ["is nested too deep"]
        return wrong


def _told(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Say what is wrong, and where; what is missing is told where it would be."""
    place = _place("data", error)
    if error.validator == "required" and isinstance(error.instance, dict):
        required: Any = error.validator_value
        for name in required:
            if name not in error.instance:
                yield f"{place}.{name}", "must be there"
        return
    yield place, _short(error.message)


def _place(root: str, error: ValidationError | SchemaError) -> str:
    return ".".join([root, *map(str, error.absolute_path)])


def _short(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}…"


def _integer(text: str) -> int | Decimal:
    # Python makes no int of over 4,300 digits, lest that take long.
    return int(text) if len(text) < 1000 else Decimal(text)


def _refs(schema: object) -> Iterator[str]:
    """Find the references within a schema."""
    if isinstance(schema, Mapping):
        for name, value in schema.items():
            if name in ("$ref", "$dynamicRef") and isinstance(value, str):
                yield value
            elif name in OF_NAMES and isinstance(value, Mapping):
                for each in value.values():
                    yield from _refs(each)
            elif name not in ("const", "enum", "default", "examples"):
                yield from _refs(value)
    elif isinstance(schema, list):
        for each in schema:
            yield from _refs(each)


def _leads(schema: object, ref: str) -> bool:
    """Tell whether a reference is to a place that is there: by JSON Pointer (RFC 6901), or to an anchor."""
    if not ref.startswith("#/"):
        # The schema itself, or an anchor; what stands before a # is an address.
        return ref == "#" or (ref.startswith("#") and ref[1:] in _anchors(schema))
    found = schema
    for word in unquote(ref[2:]).split("/"):
        name = word.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            return False
    return True


def _anchors(schema: object) -> set[str]:
    if isinstance(schema, Mapping):
        own = {schema[name] for name in ("$anchor", "$dynamicAnchor") if isinstance(schema.get(name), str)}
        return own.union(*map(_anchors, schema.values()))
    return set().union(*map(_anchors, schema)) if isinstance(schema, list) else set()
