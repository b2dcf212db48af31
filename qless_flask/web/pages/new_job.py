"""A job put by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping

from flask import Response, request

from qless_flask.errors import Invalid, JobNotFound, QlessError
from qless_flask.models import IF_EXISTS, NewJob, Put, Unique
from qless_flask.web.pages.acting import act
from qless_flask.web.pages.addresses import address_of
from qless_flask.web.pages.rendering import page
from qless_flask.web.pages.shown import show_json, unshown_json
from qless_flask.web.pages.typed import Faults, read_backoff, read_lines, read_number
from qless_flask.web.pages.views import PageViews
from qless_flask.web.service import perform

views = PageViews("/namespaces/<namespace>")

MOST_CLONED = 30_000
"""How many characters of another job's data are taken along."""


@views.get("/new-job", "put")
def new_job_page() -> Response:
    """Show the form: empty, or filled in like another job (`like`)."""
    jid = request.args.get("like")
    return _form(_like(jid) if jid else {"queue": request.args.get("queue", ""), "data": "{}"})


@views.post("/new-job", "put")
def new_job_form() -> Response:
    """Put the job of the form."""

    def put() -> Put:
        [made] = perform("put", jobs=[_job(request.form)])
        assert isinstance(made, Put)
        return made

    return act(
        put,
        back=lambda made: address_of("job_page", jid=made.jid),
        said=lambda made: f"{made.jid} is {made.state}." if made.created else f"{made.jid} was there already.",
        again=lambda error: _form(request.form, error),
    )


def _form(typed: Mapping[str, str], error: QlessError | None = None) -> Response:
    said: dict[str, list[str]] = {}
    for name, faults in (error.fields if error else {}).items():
        # Policies name the job among those that are put, and a list names its item.
        said.setdefault(name.removeprefix("jobs.0.").split(".")[0], []).extend(faults)
    return page(
        "new_job.html", 200 if error is None else error.status, typed=typed, said=said, error=error, if_exists=IF_EXISTS
    )


def _job(form: Mapping[str, str]) -> NewJob:
    """Build it of what was typed. Raise Invalid, naming the boxes."""
    faults: Faults = {}
    numbers = {
        name: read_number(form, name, kind, faults)
        for name, kind in (
            ("priority", int),
            ("retries", int),
            ("delay", float),
            ("max_run", float),
            ("expires_in", float),
        )
    }
    backoff = read_backoff(form, "backoff", faults)
    if faults:
        raise Invalid.of(faults)
    unique = form.get("unique", "").strip()
    return NewJob(
        form.get("klass", "").strip(),
        unshown_json(form.get("data", "")) or "{}",
        queue=form.get("queue", "").strip(),
        jid=form.get("jid", "").strip() or None,
        priority=numbers["priority"] or 0,
        delay=numbers["delay"] or 0.0,
        retries=numbers["retries"],
        max_run=numbers["max_run"],
        expires_in=numbers["expires_in"],
        tags=read_lines(form, "tags"),
        pipeline=read_lines(form, "pipeline"),
        depends=read_lines(form, "depends"),
        requires=read_lines(form, "requires"),
        key=form.get("key", "").strip() or None,
        unique=Unique(unique) if unique else None,
        backoff=backoff,
        if_exists=form.get("if_exists", "reject"),  # type: ignore[arg-type]
    )


def _like(jid: str) -> dict[str, str]:
    [job] = perform("get", jids=[jid])
    if job is None:
        raise JobNotFound.about(jid)
    data = show_json(job.data or "{}", MOST_CLONED)
    return {
        "klass": job.klass,
        "queue": job.queue,
        "data": data.text if data is not None and data.is_whole else "{}",
        "priority": str(job.priority),
        "retries": "" if job.retries is None else str(job.retries),
        "max_run": f"{job.max_run:g}" if job.max_run else "",
        "expires_in": f"{job.expires_in:g}" if job.expires_in else "",
        "tags": "\n".join(job.tags),
        "pipeline": "\n".join(job.pipeline),
        "requires": "\n".join(job.requires),
        "key": job.key or "",
        "backoff": json.dumps(job.backoff.as_message()) if job.backoff else "",
    }
