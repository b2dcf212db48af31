"""Leases on the wire: pops and what they give, heartbeats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, post_dump, pre_dump

from qless_flask.models import Beat, Lease, Pop, Popped, Renewed
from qless_flask.schemas.jobs import JobSchema
from qless_flask.schemas.noun import AnswerNoun, Noun
from qless_flask.schemas.values import Flag, Listed, One, Opaque, Outcome, Seconds, Text, Wait, Whole


class BeatSchema(Noun):
    """A lease to renew, and what its worker has to say."""

    model = Beat

    jid = Text(required=True)
    token = Text(required=True)
    progress = Opaque()
    data = Opaque()

    def make(self, values: dict[str, Any]) -> object:
        return Beat(Lease(values.pop("jid"), values.pop("token")), **values)

    @pre_dump
    def _with_lease(self, beat: Beat, **kwargs: Any) -> dict[str, Any]:
        return {"jid": beat.lease.jid, "token": beat.lease.token, "progress": beat.progress, "data": beat.data}


class HeartbeatSchema(Noun):
    """Leases to renew."""

    beats = Listed(One(BeatSchema), data_key="leases", required=True)


class RenewedSchema(AnswerNoun):
    """A lease that was renewed, and what its worker is asked to do. It is the asker who knows the token."""

    model = Renewed

    jid = Text(required=True)
    state = Text(dump_default="running", dump_only=True)
    expires_at = Seconds(required=True, allow_none=True)
    quiet = Flag(required=True)
    stop = Flag(required=True)


class RenewedAnswer(AnswerNoun):
    """What became of each."""

    results = Listed(Outcome(RenewedSchema()), required=True)


class PopSchema(Noun):
    """What a worker asks for, and how long it waits."""

    model = Pop

    queues = Listed(Text(), required=True)
    worker = Text(required=True)
    limit = Whole()
    capabilities = Listed(Text())
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
    """The jobs of a pop, each with its lease; `retry_at` says when to look again where there are none.

    Where the worker is asked to be quiet or to stop, that stands there too.
    """

    model = Popped

    leases = Listed(LeasedJob(), data_key="jobs", required=True)
    retry_at = Seconds(required=True, allow_none=True)
    quiet = Flag()
    stop = Flag()

    @post_dump
    def _leave_out_what_is_not_asked(self, message: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {name: value for name, value in message.items() if value is not False}


_JOB, _RIGHT = JobSchema(), RightSchema()
