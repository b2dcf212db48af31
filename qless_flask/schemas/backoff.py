"""Back-off on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import INCLUDE, ValidationError, post_dump

from qless_flask.models import Backoff
from qless_flask.models.backoff import TAKEN
from qless_flask.schemas.noun import Noun
from qless_flask.schemas.values import Object, Text
from qless_flask.schemas.wire import opened


class BackoffSchema(Noun):
    """How long a retry that names no delay is put off: a strategy, and what that takes, whatever it is."""

    model = Backoff
    sparse = False

    strategy = Text()

    class Meta:
        unknown = INCLUDE

    def make(self, values: dict[str, Any]) -> object:
        return Backoff.of(opened(values))

    @post_dump(pass_original=True)
    def _write(self, message: dict[str, Any], backoff: Backoff, **kwargs: Any) -> dict[str, Any]:
        return backoff.as_message()


class AnswerBackoffSchema(BackoffSchema):
    """The same as a server answers it: a newer one may say more than is known here."""

    def make(self, values: dict[str, Any]) -> object:
        taken = TAKEN.get(values.get("strategy", ""), values)
        return super().make({name: value for name, value in values.items() if name == "strategy" or name in taken})


class BackoffsByKlass(Object):
    """The back-off of each klass, as a server answers it."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return {klass: value[klass].as_message() for klass in sorted(value)}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> dict[str, Any]:
        found, wrong = {}, {}
        for klass, message in super()._deserialize(opened(value), attr, data, **kwargs).items():
            try:
                found[klass] = _ANSWER.load(message)
            except ValidationError as error:
                wrong[klass] = error.messages
        if wrong:
            raise ValidationError(wrong)
        return found


_ANSWER = AnswerBackoffSchema()
