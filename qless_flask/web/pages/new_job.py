"""A job put by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, request

from qless_flask.errors import Invalid, JobNotFound, QlessError
from qless_flask.models import IF_EXISTS, Backoff, NewJob, Put, Unique
from qless_flask.web.pages.acting import act
from qless_flask.web.pages.addresses import address_of
from qless_flask.web.pages.rendering import page
from qless_flask.web.pages.shown import show_json, unshown_json
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
    faults: dict[str, list[str]] = {}
    numbers = {
        name: _number(form, name, kind, faults)
        for name, kind in (
            ("priority", int),
            ("retries", int),
            ("delay", float),
            ("max_run", float),
            ("expires_in", float),
        )
    }
    backoff = _backoff(form.get("backoff", "").strip(), faults)
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
        tags=_lines(form, "tags"),
        pipeline=_lines(form, "pipeline"),
        depends=_lines(form, "depends"),
        requires=_lines(form, "requires"),
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


def _number(form: Mapping[str, str], name: str, kind: type[int] | type[float], faults: dict[str, list[str]]) -> Any:
    typed = form.get(name, "").strip()
    if not typed:
        return None
    try:
        return kind(typed)
    except ValueError:
        faults[name] = [f"{typed} is no {'whole ' if kind is int else ''}number"]
        return None


def _backoff(typed: str, faults: dict[str, list[str]]) -> Backoff | None:
    if not typed:
        return None
    try:
        told = json.loads(typed)
        if isinstance(told, dict):
            return Backoff.of(told)
        faults["backoff"] = ["must be an object"]
    except ValueError as error:
        faults["backoff"] = [f"is not JSON: {error}"]
    except Invalid as error:
        faults["backoff"] = [f"{name}: {', '.join(said)}" for name, said in error.fields.items()]
    return None


def _lines(form: Mapping[str, str], name: str) -> tuple[str, ...]:
    lines: Sequence[str] = form.get(name, "").splitlines()
    return tuple(line.strip() for line in lines if line.strip())
