"""Jobs: put, look up, log, and what a person does to them."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for

from qless_flask.errors import JobNotFound
from qless_flask.models import Changes, Filter, Finish
from qless_flask.schemas.actions import StepSchema
from qless_flask.schemas.byhand import EndSchema
from qless_flask.schemas.jobs import ChangesSchema, FilterSchema, JobSchema
from qless_flask.schemas.operations import OPERATIONS, JidArguments, LogArguments
from qless_flask.schemas.values import Seconds, Text
from qless_flask.web.answers import answer, no_content
from qless_flask.web.outcomes import only
from qless_flask.web.parsing import QueryFlag, QuerySeconds, QueryWait, QueryWhole, load_body, load_jobs, load_query
from qless_flask.web.persons import ByHand, Person
from qless_flask.web.service import perform
from qless_flask.web.views import Views

views = Views()


class SelectQuery(FilterSchema):
    """Which jobs to list, and from where."""

    tracked = QueryFlag()
    since = QuerySeconds()
    until = QuerySeconds()
    cursor = Text()
    limit = QueryWhole()

    def make(self, values: dict[str, Any]) -> object:
        page: dict[str, Any] = {name: values.pop(name) for name in ("cursor", "limit") if name in values}
        return {"filter": Filter(**values), **page}


class GetQuery(JidArguments):
    """The job in the path, and how long to wait until it has ended."""

    wait = QueryWait()


class PatchBody(ChangesSchema):
    """What to change of the job in the path."""

    jid = Text(required=True)
    actor = Person()

    def make(self, values: dict[str, Any]) -> object:
        jid, actor = values.pop("jid"), values.pop("actor", None)
        return {"jids": [jid], "changes": super().make(values), "actor": actor}


class JobByHand(ByHand):
    """The job in the path."""

    jid = Text(required=True)


class CancelQuery(JobByHand):
    """The job to cancel, and what to do about those that wait for it."""

    dependents = Text()


class MoveBody(JobByHand):
    """Where to move the job in the path."""

    queue = Text(required=True)
    delay = Seconds()


class FinishBody(EndSchema):
    """How to end the job in the path."""

    jid = Text(required=True)
    actor = Person()

    def make(self, values: dict[str, Any]) -> object:
        jid, actor = values.pop("jid"), values.pop("actor", None)
        return {"jids": [jid], "end": Finish(**values), "actor": actor}


class DependBody(JobByHand):
    """The job in the path, and one that it is to wait for."""

    other = Text(required=True)
    missing = Text()


class DependQuery(JobByHand):
    """The job in the path, and one that it is to wait for no longer."""

    other = Text(required=True)


class TagPath(JobByHand):
    """The job in the path, and one of its tags."""

    tag = Text(required=True)


class ChangeBody(StepSchema):
    """Which jobs to do what to."""

    actor = Person()


@views.post("/queues/<path:queue>/jobs", "put")
def put_jobs() -> Response:
    """Put one job or a list of them: 201, or 200 where all were there before."""
    puts = perform("put", jobs=load_jobs())
    status = 201 if any(put.created for put in puts) else 200
    return answer(OPERATIONS["put"].dump_answer(puts), status, _location(puts[0].jid) if len(puts) == 1 else None)


@views.get("/jobs", "select")
def list_jobs() -> Response:
    """Page through jobs."""
    return answer(OPERATIONS["select"].dump_answer(perform("select", **load_query(_SELECT_QUERY))))


@views.get("/jobs/<path:jid>", "get")
def get_job() -> Response:
    """Look one job up, whole; if told so, when it has ended."""
    query = load_query(_GET_QUERY)
    jid = query.pop("jid")
    [job] = perform("get", jids=[jid], **query)
    return _told(job or JobNotFound.about(jid))


@views.patch("/jobs/<path:jid>", "update")
def update_job() -> Response:
    """Change a job."""
    return _told(*perform("update", **load_body(_PATCH_BODY)))


@views.delete("/jobs/<path:jid>", "cancel")
def cancel_job() -> Response:
    """Cancel a job."""
    return _done("cancel", load_query(_CANCEL_QUERY))


@views.post("/jobs/<path:jid>/move", "move")
def move_job() -> Response:
    """Move a job into a queue."""
    return _done("move", load_body(_MOVE_BODY))


@views.post("/jobs/<path:jid>/finish", "finish")
def finish_job() -> Response:
    """End a job by hand."""
    return _told(*perform("finish", **load_body(_FINISH_BODY)))


@views.post("/jobs/<path:jid>/timeout", "timeout")
def time_job_out() -> Response:
    """Take a job's lease away."""
    return _done("timeout", load_body(_BY_HAND))


@views.put("/jobs/<path:jid>/depends/<path:other>", "depend")
def add_dependency() -> Response:
    """Let a job wait for another one."""
    body = load_body(_DEPEND_BODY)
    return _told(perform("depend", on=[body.pop("other")], **body))


@views.delete("/jobs/<path:jid>/depends/<path:other>", "depend")
def remove_dependency() -> Response:
    """Let a job wait for another one no longer."""
    query = load_query(_DEPEND_QUERY)
    return _told(perform("depend", off=[query.pop("other")], **query))


@views.put("/jobs/<path:jid>/tracked", "update")
def track_job() -> Response:
    """Follow a job."""
    return _changed(load_body(_BY_HAND), Changes(tracked=True))


@views.delete("/jobs/<path:jid>/tracked", "update")
def untrack_job() -> Response:
    """Follow a job no longer."""
    return _changed(load_query(_BY_HAND), Changes(tracked=False))


@views.put("/jobs/<path:jid>/tags/<path:tag>", "update")
def add_tag() -> Response:
    """Put a tag on a job."""
    body = load_body(_TAG_PATH)
    return _changed(body, Changes(add_tags=(body.pop("tag"),)))


@views.delete("/jobs/<path:jid>/tags/<path:tag>", "update")
def remove_tag() -> Response:
    """Take a tag off a job."""
    query = load_query(_TAG_PATH)
    return _changed(query, Changes(remove_tags=(query.pop("tag"),)))


@views.post("/jobs/change", "change")
def change_jobs() -> Response:
    """Do one step of an action on all jobs that match."""
    return answer(OPERATIONS["change"].dump_answer(perform("change", **load_body(_CHANGE_BODY))))


@views.get("/jobs/<path:jid>/log", "lines")
def read_log() -> Response:
    """Read what the workers of a job had to say."""
    return answer(OPERATIONS["lines"].dump_answer(perform("lines", **load_query(_JID))))


@views.post("/jobs/<path:jid>/log", "log")
def write_log() -> Response:
    """Say something about a job that one works on."""
    perform("log", **load_body(_LOG))
    return no_content()


def _done(operation: str, arguments: dict[str, Any]) -> Response:
    return _told(*perform(operation, jids=[arguments.pop("jid")], **arguments))


def _changed(arguments: dict[str, Any], changes: Changes) -> Response:
    return _done("update", {**arguments, "changes": changes})


def _told(outcome: object) -> Response:
    return answer(_JOB.dump(only(outcome)))


def _location(jid: str) -> dict[str, str]:
    return {"Location": url_for(".get_job", namespace=(request.view_args or {})["namespace"], jid=jid)}


_JOB, _JID, _LOG = JobSchema(), JidArguments(), LogArguments()
_SELECT_QUERY, _GET_QUERY, _CANCEL_QUERY, _DEPEND_QUERY = SelectQuery(), GetQuery(), CancelQuery(), DependQuery()
_BY_HAND, _PATCH_BODY, _MOVE_BODY, _FINISH_BODY = JobByHand(), PatchBody(), MoveBody(), FinishBody()
_DEPEND_BODY, _TAG_PATH, _CHANGE_BODY = DependBody(), TagPath(), ChangeBody()
