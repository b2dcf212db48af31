"""Jobs on the wire: as they are put, as they stand, and what happened to them."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, post_dump, pre_dump

from qless_flask.models import Changes, Failure, Filter, HistoryEntry, Job, LogLine, NewJob, Page, Put, Unique
from qless_flask.schemas.backoff import AnswerBackoffSchema, BackoffSchema
from qless_flask.schemas.noun import AnswerNoun, Noun
from qless_flask.schemas.values import Flag, HeldFor, Listed, One, Opaque, Seconds, Text, Whole


class UniqueSchema(Noun):
    """The key that a job holds, and for how long."""

    model = Unique

    key = Text(required=True)
    seconds = HeldFor(data_key="for")


class NewJobSchema(Noun):
    """A job to put."""

    model = NewJob

    klass = Text(required=True)
    data = Opaque()
    queue = Text(required=True)
    jid = Text(allow_none=True)
    priority = Whole()
    delay = Seconds()
    at = Seconds(allow_none=True)
    tags = Listed(Text())
    retries = Whole(allow_none=True)
    pipeline = Listed(Text())
    depends = Listed(Text())
    missing = Text()
    on_parent_end = Text()
    backoff = One(BackoffSchema, allow_none=True)
    max_run = Seconds(allow_none=True)
    expires_in = Seconds(allow_none=True)
    unique = One(UniqueSchema, allow_none=True)
    requires = Listed(Text())
    key = Text(allow_none=True)
    if_exists = Text()

    @post_dump
    def _leave_out_defaults(self, message: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {name: value for name, value in message.items() if name not in _DEFAULTS or value != _DEFAULTS[name]}


_DEFAULTS: dict[str, object] = {
    "priority": 0,
    "delay": 0.0,
    "tags": [],
    "pipeline": [],
    "depends": [],
    "missing": "refuse",
    "on_parent_end": "wait",
    "requires": [],
    "if_exists": "reject",
}


class PutSchema(AnswerNoun):
    """What became of a job that was put."""

    model = Put

    jid = Text(required=True)
    state = Text(required=True)
    created = Flag(required=True)


class FailureSchema(AnswerNoun):
    """Why the last run of a job did not end well."""

    model = Failure

    group = Text(required=True)
    message = Text(required=True)
    at = Seconds(required=True)
    worker = Text(required=True, allow_none=True)
    run = Whole(required=True)


class HistoryEntrySchema(AnswerNoun):
    """One thing that happened to a job."""

    model = HistoryEntry
    sparse = True

    at = Seconds(required=True)
    event = Text(required=True)
    queue = Text()
    worker = Text()
    group = Text()


class JobSchema(AnswerNoun):
    """A job as it stands; in lists without data, result, history and dependents, popped without the last three."""

    model = Job

    jid = Text(required=True)
    klass = Text(required=True)
    queue = Text(required=True)
    state = Text(required=True)
    priority = Whole(required=True)
    tags = Listed(Text(), required=True)
    retries = Whole(required=True, allow_none=True)
    remaining = Whole(required=True)
    losses = Whole(required=True)
    pipeline = Listed(Text(), required=True)
    worker = Text(required=True, allow_none=True)
    failure = One(FailureSchema, required=True, allow_none=True)
    created_at = Seconds(required=True)
    available_at = Seconds(required=True)
    started_at = Seconds(required=True, allow_none=True)
    ended_at = Seconds(required=True, allow_none=True)
    depends = Listed(Text(), required=True)
    on_parent_end = Text(required=True)
    backoff = One(AnswerBackoffSchema, required=True, allow_none=True)
    max_run = Seconds(required=True, allow_none=True)
    expires_in = Seconds(required=True, allow_none=True)
    unique = One(UniqueSchema, unknown=EXCLUDE, required=True, allow_none=True)
    requires = Listed(Text(), required=True)
    key = Text(required=True, allow_none=True)
    tracked = Flag(required=True)
    recurrence = Text(required=True, allow_none=True)
    due_at = Seconds(required=True, allow_none=True)
    progress = Opaque()
    data = Opaque()
    result = Opaque()
    history = Listed(One(HistoryEntrySchema))
    dependents = Listed(Text())

    @post_dump
    def _leave_out_unread(self, message: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        # Where there is none, null would be a lie: it is JSON that one may have put there.
        for name in ("progress", "data", "result"):
            if message[name] is None:
                del message[name]
        # Whoever reads the one reads the other, and every job has a history.
        if not message["history"]:
            del message["history"], message["dependents"]
        return message


class PageSchema(AnswerNoun):
    """One page of a select."""

    model = Page

    jobs = Listed(One(JobSchema), required=True)
    next = Text(required=True, allow_none=True)
    scanned = Whole(required=True)


class LogLineSchema(AnswerNoun):
    """A line of a worker's own about a job."""

    model = LogLine
    sparse = True

    at = Seconds(required=True)
    message = Text(required=True)
    data = Opaque()


class FilterSchema(Noun):
    """Which jobs to select."""

    model = Filter

    state = Text(allow_none=True)
    queue = Text(allow_none=True)
    tag = Text(allow_none=True)
    klass = Text(allow_none=True)
    worker = Text(allow_none=True)
    group = Text(allow_none=True)
    key = Text(allow_none=True)
    tracked = Flag(allow_none=True)
    q = Text(allow_none=True)
    since = Seconds(allow_none=True)
    until = Seconds(allow_none=True)


class TagChangesSchema(Noun):
    """Which tags to take off, and which to put on."""

    add = Listed(Text())
    remove = Listed(Text())


class ChangesSchema(Noun):
    """What to change of jobs."""

    model = Changes

    priority = Whole()
    data = Opaque()
    tags = One(TagChangesSchema)
    retries = Whole()
    tracked = Flag()

    def make(self, values: dict[str, Any]) -> object:
        tags = values.pop("tags", {})
        return Changes(add_tags=tags.get("add", ()), remove_tags=tags.get("remove", ()), **values)

    @pre_dump
    def _gather_tags(self, changes: Changes, **kwargs: Any) -> dict[str, Any]:
        return {
            "priority": changes.priority,
            "data": changes.data,
            "tags": {"add": changes.add_tags, "remove": changes.remove_tags},
            "retries": changes.retries,
            "tracked": changes.tracked,
        }
