"""One job: what it is, what happened to it, and what can be done to it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from urllib.parse import urljoin

from flask import Response, request

from qless_flask.errors import JobNotFound, NotFound, QlessError
from qless_flask.models import ENDED, Job
from qless_flask.web.current import current_service
from qless_flask.web.pages import copies
from qless_flask.web.pages.addresses import address_of
from qless_flask.web.pages.graph import Graph, draw
from qless_flask.web.pages.rendering import page
from qless_flask.web.pages.runs import runs
from qless_flask.web.pages.shown import show_json
from qless_flask.web.pages.surfaces import allowed, find_panels
from qless_flask.web.pages.timeline import spans
from qless_flask.web.pages.views import PageViews
from qless_flask.web.service import perform

views = PageViews("/namespaces/<namespace>")

PEEKED = 200
"""How many characters of a job's data a row of a list shows when it is opened."""
MOST_MESSAGE = 8_000
"""How many characters of a failure's message are shown."""
MOST_LINES = 50
"""How many lines of its log a run shows: the last ones."""
TEXTS = ("data", "result", "progress")


@views.get("/jobs/<path:jid>", "get")
def job_page() -> Response:
    """Show a job."""
    return show_job()


@views.get("/jobs/<path:jid>/data", "get")
def job_data_page() -> Response:
    """Answer with a job's data as it was put, or with its result or progress (`of`), as a file."""
    job, of = find_job(), request.args.get("of", "data")
    text = getattr(job, of) if of in TEXTS else None
    if text is None:
        raise NotFound(f"job {job.jid} has no {of}", subject=job.jid)
    response = Response(text, mimetype="text/plain", headers={"Cache-Control": "no-store"})
    response.headers.set("Content-Disposition", "attachment", filename=f"{of}.json")
    return response


@views.get("/jobs/<path:jid>/peek", "get")
def job_peek_page() -> Response:
    """Answer with the beginning of a job's data, for a row that is opened in its list."""
    text = find_job().data or ""
    shown = text if len(text) <= PEEKED else f"{text[:PEEKED]}…"
    return Response(shown, mimetype="text/plain", headers={"Cache-Control": "no-store"})


def show_job(error: QlessError | None = None, typed: Mapping[str, str] | None = None) -> Response:
    """Show the job of the path; with an error, what was typed into the form that it came of."""
    job, service = find_job(), current_service()
    now = time.time()
    # A clock of the store that goes before ours must not turn a span round.
    life = spans(job, max(now, *(entry.at for entry in job.history), now))
    told_runs, lines = runs(job, life, perform("lines", jid=job.jid))
    queue_address = address_of("put_jobs", queue=job.queue)
    return page(
        "job.html",
        200 if error is None else error.status,
        job=job,
        ended=job.state in ENDED,
        life=life,
        runs=told_runs,
        lines=lines,
        graph=_graph(job),
        texts={name: shown for name in TEXTS if (shown := show_json(getattr(job, name))) is not None},
        most_message=MOST_MESSAGE,
        most_lines=MOST_LINES,
        curl=copies.as_curl(job, urljoin(request.host_url, queue_address)),
        python=copies.as_python(job, urljoin(request.host_url, address_of("home")), _namespace()),
        typed=typed or {},
        panels=list(find_panels(service.plugins, service.space(_namespace()), job)),
        panel_actions=lambda actions: allowed(_namespace(), actions),
        error=error,
    )


def find_job() -> Job:
    """Find the job of the path. Raise JobNotFound."""
    jid = (request.view_args or {})["jid"]
    [job] = perform("get", jids=[jid])
    if job is None:
        raise JobNotFound.about(jid)
    assert isinstance(job, Job)
    return job


def _graph(job: Job) -> Graph | None:
    near = (*job.depends, *job.dependents)
    if not near:
        return None
    known = dict(zip(near, current_service().namespace(_namespace()).get(near[:1000]), strict=False))
    states = {jid: other.state if other else None for jid, other in known.items()}
    return draw(job.jid, job.depends, job.dependents, {**states, job.jid: job.state})


def _namespace() -> str:
    return str((request.view_args or {})["namespace"])
