"""Settlements on the wire: how a lease ends, and what became of its job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, post_dump, pre_dump

from qless_flask.errors import Invalid
from qless_flask.models import Complete, Exchanged, Fail, Lease, Pop, Popped, Release, Retry, Settled, Settlement
from qless_flask.schemas.jobs import NewJobSchema
from qless_flask.schemas.leases import PoppedSchema, PopSchema
from qless_flask.schemas.noun import AnswerNoun, Noun
from qless_flask.schemas.values import Listed, One, Opaque, Outcome, Seconds, Text


class SettlementSchema(Noun):
    """The end of one lease: the jid and token that prove it, and what the action takes."""

    jid = Text(required=True)
    token = Text(required=True)

    def make(self, values: dict[str, Any]) -> object:
        found: dict[str, list[str]] = {}
        lease = _SOME_LEASE
        try:
            lease = Lease(values.pop("jid"), values.pop("token"))
        except Invalid as error:
            found.update(error.fields)
        try:
            settlement = self.model(lease, **values)
        except Invalid as error:
            found.update(error.fields)
        if found:
            raise Invalid.of(found)
        return settlement

    @pre_dump
    def _with_lease(self, settlement: Settlement, **kwargs: Any) -> dict[str, Any]:
        own = {name: getattr(settlement, name) for name in self.fields if hasattr(settlement, name)}
        return {"jid": settlement.lease.jid, "token": settlement.lease.token, **own}


class CompleteSchema(SettlementSchema):
    """The stage is done."""

    model = Complete

    data = Opaque()
    next = Text(allow_none=True)
    delay = Seconds()
    result = Opaque()
    depends = Listed(Text())
    missing = Text()
    puts = Listed(One(NewJobSchema))

    @post_dump
    def _leave_out_defaults(self, message: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {name: value for name, value in message.items() if name not in _DEFAULTS or value != _DEFAULTS[name]}


class RetrySchema(SettlementSchema):
    """The run did not work out."""

    model = Retry

    delay = Seconds(allow_none=True)
    group = Text()
    message = Text()


class FailSchema(SettlementSchema):
    """A person must look at it."""

    model = Fail

    group = Text(required=True)
    message = Text()
    data = Opaque()


class ReleaseSchema(SettlementSchema):
    """The job goes back unharmed."""

    model = Release

    delay = Seconds()


class AnySettlement(fields.Field[Settlement]):
    """One of the four, told apart by `action`."""

    def _serialize(self, value: Settlement | None, attr: str | None, obj: Any, **kwargs: Any) -> dict[str, Any] | None:
        if value is None:
            return None
        action = type(value).__name__.lower()
        return {"action": action, **_ACTIONS[action].dump(value)}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Settlement:
        if not isinstance(value, dict):
            raise ValidationError("must be an object")
        action = value.get("action")
        if not isinstance(action, str) or action not in _ACTIONS:
            raise ValidationError({"action": [f"must be one of {', '.join(_ACTIONS)}"]})
        settlement: Settlement = _ACTIONS[action].load({name: each for name, each in value.items() if name != "action"})
        return settlement


class SettledSchema(AnswerNoun):
    """What became of a job."""

    model = Settled

    jid = Text(required=True)
    state = Text(required=True)


class SettleSchema(Noun):
    """Several leases to end."""

    settlements = Listed(AnySettlement(), data_key="settle", required=True)


class ExchangeSchema(Noun):
    """Several leases to end, and a pop after that."""

    settlements = Listed(AnySettlement(), data_key="settle", required=True)
    pop = One(PopSchema, required=True)

    def make(self, values: dict[str, Any]) -> object:
        pop = dict(values["pop"])
        wait = pop.pop("wait", 0.0)
        return {"settlements": values["settlements"], "pop": Pop(**pop), "wait": wait}

    @pre_dump
    def _gather_pop(self, values: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        pop: Pop = values["pop"]
        asked = {name: getattr(pop, name) for name in ("queues", "worker", "limit", "capabilities", "order", "request")}
        return {"settlements": values["settlements"], "pop": {**asked, "wait": values["wait"]}}


class ExchangedSchema(PoppedSchema):
    """What became of each settlement, and what was popped."""

    results = Listed(Outcome(SettledSchema()), required=True)

    def make(self, values: dict[str, Any]) -> object:
        results = values.pop("results")
        return Exchanged(results, Popped(**values))

    @pre_dump
    def _spread(self, exchanged: Exchanged, **kwargs: Any) -> dict[str, Any]:
        popped = exchanged.popped
        own = {name: getattr(popped, name) for name in ("leases", "retry_at", "quiet", "stop")}
        return {"results": exchanged.results, **own}


_DEFAULTS: dict[str, object] = {"delay": 0.0, "depends": [], "missing": "refuse", "puts": []}
_SOME_LEASE = Lease("-", "-")

_ACTIONS: dict[str, SettlementSchema] = {
    "complete": CompleteSchema(),
    "retry": RetrySchema(),
    "fail": FailSchema(),
    "release": ReleaseSchema(),
}
