"""The fields that schemas are made of. They see to the type; the bounds are the models'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields
from msgspec import Raw

from qless_flask.errors import QlessError
from qless_flask.schemas.noun import Noun
from qless_flask.schemas.problems import dump_problem, load_problem

MAX_POLL_SECONDS = 60
"""How long one request may wait; who wants to wait longer asks again."""

_ANY = {"required": "is missing", "null": "must not be null"}


class Text(fields.Field[str]):
    """A name or a text."""

    default_error_messages = {**_ANY, "type": "must be text"}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("type")
        return value


class Whole(fields.Field[int]):
    """A whole number; true and 1.0 are none."""

    default_error_messages = {**_ANY, "type": "must be a whole number"}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if type(value) is not int:
            raise self.make_error("type")
        return value


class Seconds(fields.Field[float]):
    """A duration, or a time in Unix seconds."""

    default_error_messages = {**_ANY, "type": "must be a number of seconds"}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> float:
        if type(value) not in (int, float):
            raise self.make_error("type")
        try:
            return float(value)
        except OverflowError as error:
            raise self.make_error("type") from error


class Wait(Seconds):
    """How long a poll may wait."""

    default_error_messages = {"wait": f"must be 0 to {MAX_POLL_SECONDS} seconds: to wait longer, ask again"}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> float:
        seconds = super()._deserialize(value, attr, data, **kwargs)
        if not 0 <= seconds <= MAX_POLL_SECONDS:
            raise self.make_error("wait")
        return seconds


class HeldFor(Seconds):
    """How long a unique key is held: so many seconds, or `alive`, which is None inside."""

    default_error_messages = {"type": 'must be "alive" or a number of seconds'}

    def _serialize(self, value: float | None, attr: str | None, obj: Any, **kwargs: Any) -> float | str:
        return "alive" if value is None else value

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return None if value == "alive" else super()._deserialize(value, attr, data, **kwargs)


class Flag(fields.Field[bool]):
    """True or false."""

    default_error_messages = {**_ANY, "type": "must be true or false"}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("type")
        return value


class Opaque(fields.Field[str]):
    """JSON that nobody decodes: Raw on the wire, its text inside."""

    default_error_messages = {**_ANY, "type": "must be JSON"}

    def _serialize(self, value: str | None, attr: str | None, obj: Any, **kwargs: Any) -> Raw | None:
        return None if value is None else Raw(value.encode())

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        if not isinstance(value, Raw):
            raise self.make_error("type")
        return bytes(value).decode()


class Object(fields.Field[dict[str, Any]]):
    """An object whose names and values the operation judges."""

    default_error_messages = {**_ANY, "type": "must be an object"}

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value if value is None else dict(value)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.make_error("type")
        return value


class Listed(fields.List[Any]):
    """A list, loaded as a tuple."""

    default_error_messages = {**_ANY, "invalid": "must be a list"}

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        # A text is no list of letters: it goes out as it is, and is refused.
        return value if isinstance(value, str) else super()._serialize(value, attr, obj, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return tuple(super()._deserialize(value, attr, data, **kwargs))


class One(fields.Nested):
    """An object of a shape of its own."""

    default_error_messages = {**_ANY, "type": "must be an object"}


class Outcome(fields.Field[object]):
    """What became of one item: as its schema says, or the error, as `{"jid", "problem"}`."""

    def __init__(self, schema: Noun, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.schema = schema

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        if not isinstance(value, QlessError):
            return self.schema.dump(value)
        jid = {} if value.subject is None else {"jid": value.subject}
        return {**jid, "problem": dump_problem(value)}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> object:
        if not isinstance(value, dict):
            raise ValidationError("must be an object")
        return load_problem(value["problem"]) if "problem" in value else self.schema.load(value)
