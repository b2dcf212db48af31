"""JSON in and out, with what is opaque cut out as it came: huge numbers, duplicate keys and all stay themselves."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from msgspec import Raw

from qless_flask.errors import Invalid, Malformed

OPAQUE = frozenset({"data", "progress", "result", "records"})
"""The fields, at any depth of a message, whose values nobody decodes or, of records, only their own schema."""

MAX_DEPTH = 48
"""How deep a message may be nested, what is opaque not counted."""

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_SCALAR = msgspec.json.Decoder()


def decode(body: bytes) -> object:
    """Read a message; opaque values are Raw. Of a key that stands twice in one object, the last one counts.

    Raise Malformed for what is no JSON in UTF-8, and Invalid for half surrogate pairs, naming the field.
    """
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"the body is not UTF-8: {error.reason} at byte {error.start}") from error
    try:
        return _read(body)
    except RecursionError:
        pass
    # How deep one can read depends on how deep one stands already: a thread of its own begins at the top.
    with ThreadPoolExecutor(1) as thread:
        try:
            return thread.submit(_read, body).result()
        except RecursionError as error:
            raise Malformed("the body is nested too deep") from error


def encode(message: object) -> bytes:
    """Write a message; Raw values go out as they are. Raise ValueError for text that is no Unicode."""
    return msgspec.json.encode(message)


def opened(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Read what stands in a value under the name of something opaque, where it is none: an option of that name."""
    if isinstance(value, Raw):
        value = _read(bytes(value))
    if not isinstance(value, (dict, list)):
        return value
    if not depth:
        raise Malformed(f"the body is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        return {name: opened(each, depth - 1) for name, each in value.items()}
    return [opened(each, depth - 1) for each in value]


def _read(body: bytes) -> object:
    try:
        return _opened(body.strip(b" \t\r\n"), MAX_DEPTH)
    except msgspec.DecodeError as error:
        raise _fault(body, error) from error


def _opened(text: bytes | Raw, depth: int) -> object:
    text = bytes(text)
    first = text[:1]
    if first not in (b"{", b"["):
        return _scalar(text)
    if not depth:
        raise Malformed(f"the body is nested deeper than {MAX_DEPTH} levels")
    if first == b"[":
        return [_opened(value, depth - 1) for value in _LIST.decode(text)]
    return {
        name: value if name in OPAQUE else _opened(value, depth - 1) for name, value in _OBJECT.decode(text).items()
    }


def _scalar(text: bytes) -> object:
    try:
        return _SCALAR.decode(text)
    except msgspec.ValidationError:
        # A number that no machine word holds. It is JSON, so it is for the bounds of its field to refuse it.
        return float(text)


def _fault(body: bytes, error: msgspec.DecodeError) -> Malformed | Invalid:
    # The decoder is quick but does not tell everything well: the slow one is asked what it was.
    try:
        field = _half_surrogate(json.loads(body, parse_int=float))
    except RecursionError:
        return Malformed("the body is nested too deep")
    except ValueError as fault:
        return Malformed(f"the body is not valid JSON: {fault}")
    if field is None:
        return Malformed(f"the body is not valid JSON: {error}")
    return Invalid.of({field or "body": ["holds half a surrogate pair, which is no character"]})


def _half_surrogate(value: object) -> str | None:
    """Find where a text holds one: the way to it, as far as it is not opaque; None where there is none."""
    if isinstance(value, str):
        return "" if _is_broken(value) else None
    if not isinstance(value, (dict, list)):
        return None
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if _is_broken(str(name)):
            return ""
        found = _half_surrogate(inner)
        if found is not None:
            return str(name) if name in OPAQUE or not found else f"{name}.{found}"
    return None


def _is_broken(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
