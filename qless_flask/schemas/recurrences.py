"""Recurrences on the wire: their rules, and how they stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, post_dump, pre_dump

from qless_flask.bounds import MAX_BATCH
from qless_flask.models import Catchup, Recurrence, Recurring
from qless_flask.schemas.backoff import AnswerBackoffSchema, BackoffSchema
from qless_flask.schemas.byhand import ByHandSchema
from qless_flask.schemas.noun import AnswerNoun, Noun
from qless_flask.schemas.values import Flag, Listed, One, Opaque, Seconds, Text, Whole


class CatchupField(fields.Field[Catchup]):
    """`one`, `none`, or `{"all": n}`, which is n inside."""

    default_error_messages = {"type": 'must be "one", "none" or {{"all": so many}}', "null": "must not be null"}

    def _serialize(self, value: Catchup | None, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return {"all": value} if isinstance(value, int) else value

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Catchup:
        if value in ("one", "none"):
            word: Catchup = value
            return word
        if isinstance(value, dict) and value.keys() == {"all"} and type(value["all"]) is int:
            # Not left to the model: it knows the number alone, and would ask for one where an object must stand.
            if not 1 <= value["all"] <= MAX_BATCH:
                raise ValidationError(f"all must be a whole number from 1 to {MAX_BATCH}")
            return int(value["all"])
        raise self.make_error("type")


class TimesSchema(Noun):
    """When a rule is due."""

    interval = Seconds(allow_none=True)
    cron = Text(allow_none=True)
    timezone = Text()
    first_at = Seconds(allow_none=True)


class RulePartsSchema(TimesSchema):
    """What can be changed of a rule."""

    queue = Text()
    klass = Text()
    data = Opaque()
    overlap = Text()
    catchup = CatchupField()
    count = Whole(allow_none=True)
    priority = Whole()
    tags = Listed(Text())
    retries = Whole(allow_none=True)
    pipeline = Listed(Text())
    backoff = One(BackoffSchema, allow_none=True)
    max_run = Seconds(allow_none=True)
    expires_in = Seconds(allow_none=True)
    requires = Listed(Text())
    key = Text(allow_none=True)


class RuleSchema(RulePartsSchema):
    """A rule by which jobs are put."""

    model = Recurrence

    id = Text(allow_none=True)
    queue = Text(required=True)
    klass = Text(required=True)

    @post_dump
    def _leave_out_defaults(self, message: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {name: value for name, value in message.items() if name not in _DEFAULTS or value != _DEFAULTS[name]}


class RecurSchema(ByHandSchema):
    """The rule to make, or to put in place of that of its id."""

    rule = One(RuleSchema, required=True)


class OneRecurrenceSchema(ByHandSchema):
    """The recurrence to pause, resume, run or delete."""

    id = Text(required=True)


class RecurrencesSchema(Noun):
    """Which recurrences to list."""

    ids = Listed(Text(), allow_none=True)
    due = Flag()
    after = Text(allow_none=True)
    limit = Whole()


class FireSchema(Noun):
    """The recurrence to fire, and for which time."""

    id = Text(required=True)
    expected = Seconds(required=True)


class RecurringSchema(AnswerNoun):
    """A recurrence as it stands: its rule, and how far it is."""

    id = Text(required=True)
    queue = Text(required=True)
    klass = Text(required=True)
    data = Opaque(required=True)
    interval = Seconds(required=True, allow_none=True)
    cron = Text(required=True, allow_none=True)
    timezone = Text(required=True)
    first_at = Seconds(required=True, allow_none=True)
    overlap = Text(required=True)
    catchup = CatchupField(required=True)
    count = Whole(required=True, allow_none=True)
    priority = Whole(required=True)
    tags = Listed(Text(), required=True)
    retries = Whole(required=True, allow_none=True)
    pipeline = Listed(Text(), required=True)
    backoff = One(AnswerBackoffSchema, required=True, allow_none=True)
    max_run = Seconds(required=True, allow_none=True)
    expires_in = Seconds(required=True, allow_none=True)
    requires = Listed(Text(), required=True)
    key = Text(required=True, allow_none=True)
    next_at = Seconds(required=True, allow_none=True)
    paused = Flag(required=True)
    fired = Whole(required=True)
    last_at = Seconds(required=True, allow_none=True)
    last_jid = Text(required=True, allow_none=True)

    def make(self, values: dict[str, Any]) -> object:
        stands = {name: values.pop(name) for name in _STANDS}
        return Recurring(Recurrence(**values), **stands)

    @pre_dump
    def _spread(self, recurring: Recurring, **kwargs: Any) -> dict[str, Any]:
        return {name: getattr(recurring if name in _STANDS else recurring.rule, name) for name in self.fields}


_STANDS = ("next_at", "paused", "fired", "last_at", "last_jid")
_DEFAULTS: dict[str, object] = {
    "timezone": "UTC",
    "overlap": "allow",
    "catchup": "one",
    "priority": 0,
    "tags": [],
    "pipeline": [],
    "requires": [],
}
