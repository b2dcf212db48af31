"""What all schemas share: a shape for each noun, and a model that judges what is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, ValidationError, post_dump, post_load

from qless_flask.errors import FieldErrors, Internal, Invalid

TOLD = 10
"""How many fields at fault an error's message speaks of; its `errors` name them all."""


class Noun(Schema):
    """The shape of one noun. With a `model`, loading makes one; what the model finds Invalid becomes field errors."""

    error_messages = {"type": "must be an object"}
    model: ClassVar[Any] = None
    sparse: ClassVar[bool] = True
    """Leave out what is None when dumped."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        known = ", ".join(field.data_key or name for name, field in self.load_fields.items())
        self.error_messages = {**self.error_messages, "unknown": f"is no field here; there are {known or 'none'}"}

    def make(self, values: dict[str, Any]) -> object:
        """Build what stands for the fields that were loaded; `values` is its own to take apart."""
        return values if self.model is None else self.model(**values)

    def handle_error(self, error: ValidationError, data: Any, *, many: bool, **kwargs: Any) -> None:
        """Add what the model has to say about the other fields, so that one answer tells all that is wrong."""
        if self.model is None or not isinstance(error.messages, dict) or "_schema" in error.messages:
            return
        absent = {name: None for name, field in self.load_fields.items() if field.required}
        try:
            self.make({**absent, **(error.valid_data or {})})  # type: ignore[dict-item]
        except Invalid as invalid:
            for name, said in _nested(invalid.fields).items():
                error.messages.setdefault(name, said)

    @post_load
    def _make(self, values: dict[str, Any], **kwargs: Any) -> object:
        try:
            return self.make(dict(values))
        except Invalid as error:
            raise ValidationError(_nested(error.fields)) from error

    @post_dump
    def _leave_out(self, message: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {name: value for name, value in message.items() if value is not None} if self.sparse else message


class AnswerNoun(Noun):
    """The shape of what a server answers: a newer one may say more than is known here."""

    sparse = False

    class Meta:
        unknown = EXCLUDE


def load(schema: Schema, message: object) -> Any:
    """Load a message by its schema. Raise Invalid, naming each field at fault."""
    try:
        return schema.load(message)  # type: ignore[arg-type]
    except ValidationError as error:
        raise invalid(error) from error


def load_answer(schema: Schema, message: object) -> Any:
    """Load what a server answered. Raise Internal if it is not what the schema says."""
    try:
        return load(schema, message)
    except Invalid as error:
        raise Internal(f"the server's answer cannot be understood: {error.message}") from error


def invalid(error: ValidationError) -> Invalid:
    """Turn marshmallow's error into ours: `{"jobs.3.priority": ["…"]}`."""
    fields = dict(_flat(error.messages))
    told = [f"{name}: {' '.join(said)}" for name, said in list(fields.items())[:TOLD]]
    more = [f"and {len(fields) - TOLD} more"] if len(fields) > TOLD else []
    return Invalid("; ".join(told + more), fields=fields)


def _flat(messages: object, path: str = "") -> Iterator[tuple[str, list[str]]]:
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            # "_schema" is marshmallow's word for the object itself.
            yield from _flat(inner, path if name == "_schema" else f"{path}.{name}" if path else str(name))
    else:
        yield path or "body", [str(each) for each in messages] if isinstance(messages, list) else [str(messages)]


def _nested(fields: FieldErrors) -> dict[str, Any]:
    """Turn `{"tags.3": […]}` into `{"tags": {"3": […]}}`, as marshmallow keeps them."""
    nested: dict[str, Any] = {}
    for path, said in fields.items():
        *ways, last = path.split(".")
        place = nested
        for way in ways:
            place = place.setdefault(way, {})
            if not isinstance(place, dict):
                break
        else:
            place[last] = list(said)
    return nested
