"""The table of all operations on the wire: what each takes and what it answers, for both sides.

The server loads `arguments`, calls the namespace's method of the same name with them, and dumps the answer. The HTTP
backend dumps the arguments and loads the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import pre_dump

from qless_flask.models import Lease
from qless_flask.schemas.actions import ChangedSchema, ChangeSchema
from qless_flask.schemas.byhand import (
    CancelSchema,
    ConfigureNamespaceSchema,
    ConfigureSchema,
    DependSchema,
    EraseSchema,
    FinishSchema,
    FreezeSchema,
    JidsSchema,
    MoveSchema,
    OneQueueSchema,
    UpdateSchema,
)
from qless_flask.schemas.events import EventPageSchema, EventsAfterSchema
from qless_flask.schemas.failures import FailureGroupSchema, FailuresSchema
from qless_flask.schemas.jobs import FilterSchema, JobSchema, LogLineSchema, NewJobSchema, PageSchema, PutSchema
from qless_flask.schemas.leases import HeartbeatSchema, PoppedSchema, PopSchema, RenewedAnswer
from qless_flask.schemas.noun import AnswerNoun, Noun, load_answer
from qless_flask.schemas.queues import NamespaceSettingsSchema, QueueSchema
from qless_flask.schemas.records import (
    LeadSchema,
    LimitSchema,
    PromotedSchema,
    PrunedSchema,
    RecallSchema,
    RememberSchema,
)
from qless_flask.schemas.recurrences import (
    FireSchema,
    OneRecurrenceSchema,
    RecurrencesSchema,
    RecurringSchema,
    RecurSchema,
)
from qless_flask.schemas.settlements import ExchangedSchema, ExchangeSchema, SettledSchema, SettleSchema
from qless_flask.schemas.statistics import StatsArguments, StatsSchema, ThroughputArguments, ThroughputSchema
from qless_flask.schemas.tags import TagSchema, TagsSchema, TrackedSchema, TrackSchema
from qless_flask.schemas.transfer import DumpArguments, DumpedSchema, ErasedSchema, LoadArguments, LoadedAnswer
from qless_flask.schemas.values import Flag, Listed, One, Opaque, Outcome, Text, Wait, Whole
from qless_flask.schemas.workers import AskSchema, WorkerSchema


@dataclass(frozen=True, slots=True)
class Operation:
    """One row: an answer that is no object by itself stands `under` a name."""

    name: str
    arguments: Noun
    answer: Noun
    under: str | None = None
    repeatable: bool = False
    """Doing it twice does no harm, so that a lost answer can be asked for again (of pops: with their `request`)."""

    def dump_arguments(self, arguments: Mapping[str, object]) -> dict[str, Any]:
        """Write the arguments, as the backend's method takes them, as a message."""
        message: dict[str, Any] = self.arguments.dump(arguments)
        return message

    def load_answer(self, message: object) -> Any:
        """Read what the method answers from a message. Raise Internal if it is no such answer."""
        answer = load_answer(self.answer, message)
        return answer[self.under] if self.under else answer

    def dump_answer(self, answer: object) -> dict[str, Any]:
        """Write what the method answers as a message."""
        message: dict[str, Any] = self.answer.dump({self.under: answer} if self.under else answer)
        return message


class JobsArguments(Noun):
    """Jobs to put."""

    jobs = Listed(One(NewJobSchema), required=True)


class PutsAnswer(AnswerNoun):
    """What became of each."""

    jobs = Listed(One(PutSchema), required=True)


class SettledAnswer(AnswerNoun):
    """What became of each."""

    results = Listed(Outcome(SettledSchema()), required=True)


class LogArguments(Noun):
    """A line of the worker's own."""

    jid = Text(required=True)
    token = Text(required=True)
    message = Text(required=True)
    data = Opaque()

    def make(self, values: dict[str, Any]) -> object:
        lease = Lease(values.pop("jid"), values.pop("token"))
        return {"lease": lease, **values}

    @pre_dump
    def _with_lease(self, values: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {**values, "jid": values["lease"].jid, "token": values["lease"].token}


class ByHandAnswer(AnswerNoun):
    """Each job as it is afterwards, or why not."""

    results = Listed(Outcome(JobSchema()), required=True)


class GetArguments(Noun):
    """Which jobs to look up, and how long to wait until they have ended."""

    jids = Listed(Text(), required=True)
    wait = Wait()


class FoundAnswer(AnswerNoun):
    """Each job, or null."""

    jobs = Listed(One(JobSchema, allow_none=True), required=True)


class JidArguments(Noun):
    """Whose log to read."""

    jid = Text(required=True)


class LinesAnswer(AnswerNoun):
    """The log of a job."""

    lines = Listed(One(LogLineSchema), required=True)


class SelectArguments(Noun):
    """Which jobs to page through, and from where."""

    filter = One(FilterSchema, required=True)
    cursor = Text(allow_none=True)
    limit = Whole()


class NoArguments(Noun):
    """Nothing is asked."""


class NamesArguments(Noun):
    """Which queues or workers to sum up."""

    names = Listed(Text(), allow_none=True)


class QueuesAnswer(AnswerNoun):
    """The queues."""

    queues = Listed(One(QueueSchema), required=True)


class WorkersAnswer(AnswerNoun):
    """The workers."""

    workers = Listed(One(WorkerSchema), required=True)


class FailuresAnswer(AnswerNoun):
    """The groups of failed jobs."""

    failures = Listed(One(FailureGroupSchema), required=True)


class TagsAnswer(AnswerNoun):
    """The tags."""

    tags = Listed(One(TagSchema), required=True)


class RecurrencesAnswer(AnswerNoun):
    """The recurrences."""

    recurrences = Listed(One(RecurringSchema), required=True)


class LeadsAnswer(AnswerNoun):
    """Whether the holder leads."""

    leads = Flag(required=True)


class RememberedAnswer(AnswerNoun):
    """Whether the record was as expected."""

    remembered = Flag(required=True)


class ValueAnswer(AnswerNoun):
    """The record, or null."""

    value = Text(required=True, allow_none=True)


class Nothing(AnswerNoun):
    """There is nothing to say but that it was done."""

    def make(self, values: dict[str, Any]) -> object:
        return None


_ROWS = (
    # Jobs go in, are worked, and end
    Operation("put", JobsArguments(), PutsAnswer(), "jobs"),
    Operation("pop", PopSchema(), PoppedSchema(), repeatable=True),
    Operation("heartbeat", HeartbeatSchema(), RenewedAnswer(), "results", repeatable=True),
    Operation("settle", SettleSchema(), SettledAnswer(), "results", repeatable=True),
    Operation("exchange", ExchangeSchema(), ExchangedSchema(), repeatable=True),
    Operation("log", LogArguments(), Nothing()),
    # By hand
    Operation("cancel", CancelSchema(), ByHandAnswer(), "results", repeatable=True),
    Operation("move", MoveSchema(), ByHandAnswer(), "results"),
    Operation("finish", FinishSchema(), ByHandAnswer(), "results", repeatable=True),
    Operation("update", UpdateSchema(), ByHandAnswer(), "results"),
    Operation("timeout", JidsSchema(), ByHandAnswer(), "results"),
    Operation("depend", DependSchema(), JobSchema()),
    Operation("change", ChangeSchema(), ChangedSchema()),
    # Look-ups
    Operation("get", GetArguments(), FoundAnswer(), "jobs", repeatable=True),
    Operation("lines", JidArguments(), LinesAnswer(), "lines", repeatable=True),
    Operation("select", SelectArguments(), PageSchema(), repeatable=True),
    Operation("queues", NamesArguments(), QueuesAnswer(), "queues", repeatable=True),
    Operation("workers", NamesArguments(), WorkersAnswer(), "workers", repeatable=True),
    Operation("failures", FailuresSchema(), FailuresAnswer(), "failures", repeatable=True),
    Operation("tags", TagsSchema(), TagsAnswer(), "tags", repeatable=True),
    Operation("tracked", NoArguments(), TrackedSchema(), repeatable=True),
    Operation("stats", StatsArguments(), StatsSchema(), repeatable=True),
    Operation("throughput", ThroughputArguments(), ThroughputSchema(), repeatable=True),
    Operation("events", EventsAfterSchema(), EventPageSchema(), repeatable=True),
    # Queues, live
    Operation("configure", ConfigureSchema(), QueueSchema()),
    Operation("pause", OneQueueSchema(), QueueSchema()),
    Operation("resume", OneQueueSchema(), QueueSchema()),
    Operation("forget", OneQueueSchema(), Nothing()),
    # The namespace itself
    Operation("settings", NoArguments(), NamespaceSettingsSchema(), repeatable=True),
    Operation("configure_namespace", ConfigureNamespaceSchema(), NamespaceSettingsSchema()),
    Operation("freeze", FreezeSchema(), NamespaceSettingsSchema()),
    Operation("dump", DumpArguments(), DumpedSchema(), repeatable=True),
    Operation("load", LoadArguments(), LoadedAnswer(), "loaded", repeatable=True),
    Operation("erase", EraseSchema(), ErasedSchema()),
    # Workers and tags, live
    Operation("quiet", AskSchema(), WorkerSchema(), repeatable=True),
    Operation("stop", AskSchema(), WorkerSchema(), repeatable=True),
    Operation("track", TrackSchema(), TagSchema(), repeatable=True),
    # Recurrences
    Operation("recur", RecurSchema(), RecurringSchema()),
    Operation("recurrences", RecurrencesSchema(), RecurrencesAnswer(), "recurrences", repeatable=True),
    Operation("unrecur", OneRecurrenceSchema(), Nothing()),
    Operation("pause_recurrence", OneRecurrenceSchema(), RecurringSchema()),
    Operation("resume_recurrence", OneRecurrenceSchema(), RecurringSchema()),
    Operation("run_recurrence", OneRecurrenceSchema(), PutSchema()),
    Operation("fire", FireSchema(), PutsAnswer(), "jobs", repeatable=True),
    # Upkeep and records
    Operation("promote", LimitSchema(), PromotedSchema(), repeatable=True),
    Operation("prune", LimitSchema(), PrunedSchema(), repeatable=True),
    Operation("lead", LeadSchema(), LeadsAnswer(), "leads", repeatable=True),
    Operation("remember", RememberSchema(), RememberedAnswer(), "remembered"),
    Operation("recall", RecallSchema(), ValueAnswer(), "value", repeatable=True),
)

OPERATIONS: Mapping[str, Operation] = {row.name: row for row in _ROWS}
