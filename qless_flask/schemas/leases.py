"""Leases on the wire: pops and what they give, heartbeats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields

from qless_flask.models import Lease, Pop, Popped
from qless_flask.schemas.jobs import JobSchema
from qless_flask.schemas.noun import AnswerNoun, Noun
from qless_flask.schemas.values import Listed, Seconds, Text, Wait, Whole


class LeaseSchema(Noun):
    """A lease, as its holder names it."""

    model = Lease

    jid = Text(required=True)
    token = Text(required=True)


class RenewedLeaseSchema(AnswerNoun):
    """A lease that a heartbeat renewed. It is the asker who knows the token."""

    jid = Text(required=True)
    state = Text(dump_default="running")
    expires_at = Seconds(required=True, allow_none=True)


class PopSchema(Noun):
    """What a worker asks for, and how long it waits."""

    model = Pop

    queues = Listed(Text(), required=True)
    worker = Text(required=True)
    limit = Whole()
    order = Text()
    request = Text(allow_none=True)
    wait = Wait()

    def make(self, values: dict[str, Any]) -> object:
        Pop(**{name: value for name, value in values.items() if name != "wait"})
        return values


class RightSchema(AnswerNoun):
    """What a lease adds to the job that was popped."""

    token = Text(required=True)
    expires_at = Seconds(required=True, allow_none=True)


class LeasedJob(fields.Field[Lease]):
    """A job just popped: as it stands, and its lease."""

    def _serialize(self, value: Lease | None, attr: str | None, obj: Any, **kwargs: Any) -> dict[str, Any] | None:
        if value is None:
            return None
        return {**_JOB.dump(value.job), "lease": _RIGHT.dump(value)}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Lease:
        if not isinstance(value, dict):
            raise ValidationError("must be an object")
        lease, job = _RIGHT.load(value.get("lease", {})), _JOB.load(value)
        return Lease(job.jid, lease["token"], lease["expires_at"], job)


class PoppedSchema(AnswerNoun):
    """The jobs of a pop, each with its lease; `retry_at` says when to look again where there are none."""

    model = Popped

    leases = Listed(LeasedJob(), data_key="jobs", required=True)
    retry_at = Seconds(required=True, allow_none=True)


_JOB, _RIGHT = JobSchema(), RightSchema()
