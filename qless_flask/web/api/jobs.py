"""Jobs: put, look up, log, and what a person does to them."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for

from qless_flask.errors import JobNotFound
from qless_flask.models import Changes, Filter
from qless_flask.schemas.jobs import ChangesSchema, FilterSchema, JobSchema
from qless_flask.schemas.noun import Noun
from qless_flask.schemas.operations import OPERATIONS, JidArguments, LogArguments
from qless_flask.schemas.values import Seconds, Text
from qless_flask.web.answers import answer, no_content
from qless_flask.web.outcomes import only
from qless_flask.web.parsing import QueryWhole, load_body, load_jobs, load_query
from qless_flask.web.service import perform
from qless_flask.web.views import Views

views = Views()


class SelectQuery(FilterSchema):
    """Which jobs to list, and from where."""

    cursor = Text()
    limit = QueryWhole()

    def make(self, values: dict[str, Any]) -> object:
        page: dict[str, Any] = {name: values.pop(name) for name in ("cursor", "limit") if name in values}
        return {"filter": Filter(**values), **page}


class PatchBody(ChangesSchema):
    """What to change of the job in the path."""

    jid = Text(required=True)

    def make(self, values: dict[str, Any]) -> object:
        return {"jids": [values.pop("jid")], "changes": super().make(values)}


class MoveBody(Noun):
    """Where to move the job in the path."""

    jid = Text(required=True)
    queue = Text(required=True)
    delay = Seconds()


class TagPath(Noun):
    """A job and one of its tags."""

    jid = Text(required=True)
    tag = Text(required=True)


@views.post("/queues/<path:queue>/jobs")
def put_jobs() -> Response:
    """Put one job or a list of them: 201, or 200 where all were there before."""
    puts = perform("put", jobs=load_jobs())
    status = 201 if any(put.created for put in puts) else 200
    return answer(OPERATIONS["put"].dump_answer(puts), status, _location(puts[0].jid) if len(puts) == 1 else None)


@views.get("/jobs")
def list_jobs() -> Response:
    """Page through jobs."""
    return answer(OPERATIONS["select"].dump_answer(perform("select", **load_query(_SELECT_QUERY))))


@views.get("/jobs/<path:jid>")
def get_job() -> Response:
    """Look one job up, with data and history."""
    jid = load_query(_JID)["jid"]
    [job] = perform("get", jids=[jid])
    return _told(job or JobNotFound.about(jid))


@views.patch("/jobs/<path:jid>")
def update_job() -> Response:
    """Change a job."""
    return _told(*perform("update", **load_body(_PATCH_BODY)))


@views.delete("/jobs/<path:jid>")
def cancel_job() -> Response:
    """Cancel a job."""
    return _told(*perform("cancel", jids=[load_query(_JID)["jid"]]))


@views.post("/jobs/<path:jid>/move")
def move_job() -> Response:
    """Move a job into a queue."""
    body = load_body(_MOVE_BODY)
    return _told(*perform("move", jids=[body.pop("jid")], **body))


@views.post("/jobs/<path:jid>/timeout")
def time_job_out() -> Response:
    """Take a job's lease away."""
    return _told(*perform("timeout", jids=[load_body(_JID)["jid"]]))


@views.put("/jobs/<path:jid>/tags/<path:tag>")
def add_tag() -> Response:
    """Put a tag on a job."""
    path = load_body(_TAG_PATH)
    return _told(*perform("update", jids=[path["jid"]], changes=Changes(add_tags=(path["tag"],))))


@views.delete("/jobs/<path:jid>/tags/<path:tag>")
def remove_tag() -> Response:
    """Take a tag off a job."""
    path = load_body(_TAG_PATH)
    return _told(*perform("update", jids=[path["jid"]], changes=Changes(remove_tags=(path["tag"],))))


@views.get("/jobs/<path:jid>/log")
def read_log() -> Response:
    """Read what the workers of a job had to say."""
    return answer(OPERATIONS["lines"].dump_answer(perform("lines", **load_query(_JID))))


@views.post("/jobs/<path:jid>/log")
def write_log() -> Response:
    """Say something about a job that one works on."""
    perform("log", **load_body(_LOG))
    return no_content()


def _told(outcome: object) -> Response:
    return answer(_JOB.dump(only(outcome)))


def _location(jid: str) -> dict[str, str]:
    return {"Location": url_for(".get_job", namespace=(request.view_args or {})["namespace"], jid=jid)}


_JOB, _JID, _LOG = JobSchema(), JidArguments(), LogArguments()
_SELECT_QUERY, _PATCH_BODY, _MOVE_BODY, _TAG_PATH = SelectQuery(), PatchBody(), MoveBody(), TagPath()
