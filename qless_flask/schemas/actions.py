"""The actions that a change does to all jobs that match, as they come over the wire."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, post_dump

from qless_flask.errors import Invalid
from qless_flask.models import Cancel, Changed, Move, Timeout, Update
from qless_flask.schemas.byhand import ActorSchema, EndSchema
from qless_flask.schemas.jobs import ChangesSchema, FilterSchema
from qless_flask.schemas.noun import AnswerNoun, Noun, load
from qless_flask.schemas.values import Flag, One, Seconds, Text, Whole


class MoveActionSchema(Noun):
    """Into a queue, or each back into its own."""

    model = Move

    queue = Text(allow_none=True)
    delay = Seconds()


class CancelActionSchema(Noun):
    """Stop for good."""

    model = Cancel

    dependents = Text()


class UpdateActionSchema(Noun):
    """Change what is named."""

    model = Update

    changes = One(ChangesSchema, required=True)


class TimeoutActionSchema(Noun):
    """Take the leases away."""

    model = Timeout


ACTIONS: dict[str, Noun] = {
    "move": MoveActionSchema(),
    "cancel": CancelActionSchema(),
    "update": UpdateActionSchema(),
    "timeout": TimeoutActionSchema(),
    "finish": EndSchema(),
}


class StepSchema(Noun):
    """Which jobs to do what to; beside the name of the action stands what it takes."""

    filter = One(FilterSchema, required=True)
    action = Text(required=True)
    limit = Whole()
    cursor = Text(allow_none=True)
    dry_run = Flag()

    class Meta:
        unknown = INCLUDE

    def make(self, values: dict[str, Any]) -> object:
        schema = ACTIONS.get(values["action"])
        if schema is None:
            raise Invalid.of({"action": [f"must be one of {', '.join(ACTIONS)}"]})
        taken = {name: values.pop(name) for name in values.keys() - self.fields.keys()}
        return {**values, "action": load(schema, taken)}

    @post_dump(pass_original=True)
    def _spread_action(self, message: dict[str, Any], values: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        action = type(values["action"]).__name__.lower()
        return {**message, **ACTIONS[action].dump(values["action"]), "action": action}


class ChangeSchema(StepSchema):
    """Which jobs to do what to, and who does it."""

    actor = One(ActorSchema, allow_none=True)


class ChangedSchema(AnswerNoun):
    """What a step of a change did."""

    model = Changed

    matched = Whole(required=True)
    changed = Whole(required=True)
    next = Text(required=True, allow_none=True)
