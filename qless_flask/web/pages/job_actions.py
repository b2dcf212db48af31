"""What a person does to one job: each form does an operation, and leads back to the job."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from qless_flask.errors import Invalid
from qless_flask.models import Changes, Finish, Job
from qless_flask.web.outcomes import only
from qless_flask.web.pages.acting import act
from qless_flask.web.pages.addresses import address_of
from qless_flask.web.pages.job import show_job
from qless_flask.web.pages.typed import Faults, read_number
from qless_flask.web.pages.views import PageViews
from qless_flask.web.service import perform

views = PageViews("/namespaces/<namespace>")


@views.post("/jobs/<path:jid>/move", "move")
def move_job_form() -> Response:
    """Move the job into a queue."""
    queue = _typed("queue")
    return _done("move", f"It is in {queue} now.", queue=queue, delay=_number("delay", float) or 0.0)


@views.post("/jobs/<path:jid>/cancel", "cancel")
def cancel_job_form() -> Response:
    """Cancel the job."""
    return _done("cancel", "It is canceled.", dependents=_typed("dependents") or "refuse")


@views.post("/jobs/<path:jid>/timeout", "timeout")
def time_job_out_form() -> Response:
    """Take the job's lease away."""
    return _done("timeout", "Its worker has lost it; the run counts as a retry.")


@views.post("/jobs/<path:jid>/finish", "finish")
def finish_job_form() -> Response:
    """End the job by hand."""
    state = _typed("state")
    told: dict[str, Any] = {"result": _typed("result") or None} if state == "complete" else {}
    if state == "failed":
        told = {"group": _typed("group") or "finished", "message": _typed("message")}
    return _act("finish", f"It is {state} now.", lambda: {"end": Finish(state, **told)})  # type: ignore[arg-type]


@views.post("/jobs/<path:jid>/update", "update")
def update_job_form() -> Response:
    """Change what the form names of the job."""
    return _act("update", "It is changed.", lambda: {"changes": _changes()})


@views.post("/jobs/<path:jid>/depend", "depend")
def depend_job_form() -> Response:
    """Let the job wait for another one, or for one no longer."""
    on, off = _typed("on"), request.form.get("off", "")
    said = f"It waits for {on} now." if on else f"It does not wait for {off} any more."
    jid = _jid()
    return act(
        lambda: perform("depend", jid=jid, on=[on] if on else [], off=[off] if off else []),
        back=address_of("job_page", jid=jid),
        said=said,
        again=lambda error: show_job(error, request.form),
    )


def _done(operation: str, said: str, **arguments: Any) -> Response:
    return _act(operation, said, lambda: arguments)


def _act(operation: str, said: str, arguments: Any) -> Response:
    jid = _jid()

    def do() -> Job:
        [outcome] = perform(operation, jids=[jid], **arguments())
        job = only(outcome)
        assert isinstance(job, Job)
        return job

    return act(
        do,
        back=address_of("job_page", jid=jid),
        said=said,
        again=lambda error: show_job(error, request.form),
    )


def _changes() -> Changes:
    form = request.form
    return Changes(
        priority=_number("priority", int),
        retries=_number("retries", int),
        add_tags=tuple(tag for tag in [_typed("tag")] if tag),
        remove_tags=tuple(form.getlist("untag")),
        tracked=None if "tracked" not in form else form["tracked"] == "yes",
    )


def _number(name: str, kind: type[int] | type[float]) -> Any:
    """Read a number, None where the box is empty. Raise Invalid for what is none."""
    faults: Faults = {}
    number = read_number(request.form, name, kind, faults)
    if faults:
        raise Invalid.of(faults)
    return number


def _typed(name: str) -> str:
    return request.form.get(name, "").strip()


def _jid() -> str:
    return str((request.view_args or {})["jid"])
