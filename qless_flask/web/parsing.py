"""Requests parsed: webargs' Flask parser, made to leave what is opaque as it came and to raise our errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from flask import Request, request
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge

from qless_flask.errors import Invalid, TooLarge, UnsupportedMediaType
from qless_flask.models import AnyRecord, NewJob
from qless_flask.schemas import wire
from qless_flask.schemas.jobs import NewJobSchema
from qless_flask.schemas.noun import Noun, invalid
from qless_flask.schemas.operations import JobsArguments
from qless_flask.schemas.transfer import NDJSON, read_lines
from qless_flask.schemas.values import Flag, Seconds, Wait, Whole
from qless_flask.web.current import current_service

_FLAGS = {"true": True, "false": False}
_NOTHING = (b"", b"{}")
_WHOLE = re.compile(r"-?[0-9]{1,15}")


class Parser(FlaskParser):
    """Reads the names in the path along with the body (location `body`) or with the query (`query`)."""

    DEFAULT_UNKNOWN_BY_LOCATION = {}
    __location_map__ = {"json": "load_json", "body": "load_body", "jobs": "load_jobs", "query": "load_query"}

    def load_json(self, req: Request, schema: Schema | None = None) -> Any:
        """Read the body as JSON; none at all is `{}`. What stands in the query is refused, for it would be lost."""
        body = _read_alone(req)
        if not body:
            return {}
        if not req.is_json:
            announced = req.mimetype or "no Content-Type"
            raise UnsupportedMediaType(f"send JSON, with Content-Type: application/json; this came with {announced}")
        return wire.decode(body)

    def load_body(self, req: Request, schema: Schema) -> Any:
        """Read the body, and what the path names."""
        return _addressed(self.load_json(req), req)

    def load_jobs(self, req: Request, schema: Schema) -> Any:
        """Read a body that is a list of jobs, each for the queue that the path names."""
        try:
            jobs = self.load_json(req)
        except Invalid as error:
            raise Invalid.of({f"jobs.{name}": said for name, said in error.fields.items()}) from error
        errors: dict[int, Any] = {}
        for index, job in enumerate(jobs):
            try:
                jobs[index] = _addressed(job, req)
            except ValidationError as error:
                errors[index] = error.messages
        if errors:
            raise ValidationError({"jobs": errors})
        return {"jobs": jobs}

    def load_query(self, req: Request, schema: Schema) -> Any:
        """Read the query, and what the path names. What stands in the body is refused, for it would be lost."""
        if read_body(req).strip() not in _NOTHING:
            raise ValidationError("must be empty: what this takes belongs in the query")
        twice = {name: ["must be given once"] for name, values in req.args.lists() if len(values) > 1}
        if twice:
            raise ValidationError(twice)
        return _addressed(req.args.to_dict(), req)

    def handle_error(self, error: ValidationError, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise Invalid, naming each field."""
        # Webargs has put the messages under the location, but a name at fault is the same wherever it stands.
        [messages] = error.messages.values()  # type: ignore[union-attr]
        raise invalid(ValidationError(messages)) from error


class QueryWhole(Whole):
    """A whole number in a query, where everything is text."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if isinstance(value, str) and _WHOLE.fullmatch(value):
            value = int(value)
        return super()._deserialize(value, attr, data, **kwargs)


class QuerySeconds(Seconds):
    """A time or a duration, in a query."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> float:
        try:
            seconds = float(value)
        except ValueError as error:
            raise self.make_error("type") from error
        return super()._deserialize(seconds, attr, data, **kwargs)


class QueryFlag(Flag):
    """True or false in a query."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        return super()._deserialize(_FLAGS.get(value, value), attr, data, **kwargs)


class QueryWait(QuerySeconds, Wait):
    """How long a poll may wait, in a query."""


def read_body(req: Request) -> bytes:
    """Read the body. Raise TooLarge where it has more bytes than the settings allow, without reading it all."""
    limit = current_service().settings.max_body_bytes
    # One more than allowed: of a chunked body werkzeug reads as much as it may, and says nothing of the rest.
    req.max_content_length = limit + 1
    try:
        body = req.get_data()
    except RequestEntityTooLarge:
        body = None
    if body is None or len(body) > limit:
        raise TooLarge(f"the body may have {limit:,} bytes: send less at once")
    return body


def load_message(schema: Noun) -> Any:
    """Load what the body says."""
    return _PARSER.parse(schema, request, location="json")


def load_body(schema: Noun) -> Any:
    """Load what the body and the path say."""
    return _PARSER.parse(schema, request, location="body")


def load_query(schema: Noun) -> Any:
    """Load what the query and the path say."""
    return _PARSER.parse(schema, request, location="query")


def load_jobs() -> tuple[NewJob, ...]:
    """Load one job or a list of them, for the queue in the path."""
    if not read_body(request).lstrip().startswith(b"["):
        return (load_body(_NEW_JOB),)
    jobs: tuple[NewJob, ...] = _PARSER.parse(_NEW_JOBS, request, location="jobs")["jobs"]
    return jobs


def load_records() -> tuple[AnyRecord, ...]:
    """Load records of a dump, a line each; the line that ends an export is passed over."""
    try:
        body = _read_alone(request)
        if request.mimetype != NDJSON:
            announced = request.mimetype or "no Content-Type"
            raise UnsupportedMediaType(f"send lines of JSON, with Content-Type: {NDJSON}; this came with {announced}")
        return read_lines(body)
    except ValidationError as error:
        raise invalid(error) from error


def _read_alone(req: Request) -> bytes:
    """Read the body of a request that has nothing in its query: there it would be lost."""
    if req.args:
        raise ValidationError({name: ["belongs in the body, not in the query"] for name in req.args})
    return read_body(req)


def _addressed(message: Any, req: Request) -> Any:
    """Add the names in the path to a message, which may repeat but not gainsay them."""
    if not isinstance(message, dict):
        return message
    names = {name: value for name, value in (req.view_args or {}).items() if name != "namespace"}
    for name, value in names.items():
        if message.get(name, value) != value:
            raise ValidationError({name: [f"the address says {value}: leave it out"]})
    return {**message, **names}


_PARSER = Parser()
_NEW_JOB = NewJobSchema()
_NEW_JOBS = JobsArguments()
