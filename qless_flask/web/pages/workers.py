"""Workers: who pops here, what each runs, and what it is asked."""

from __future__ import annotations

from flask import Response, request

from qless_flask.errors import QlessError
from qless_flask.models import Filter, Page, Worker
from qless_flask.web.pages.acting import act
from qless_flask.web.pages.addresses import address_of
from qless_flask.web.pages.picking import pick
from qless_flask.web.pages.rendering import page
from qless_flask.web.pages.views import PageViews
from qless_flask.web.service import perform

views = PageViews("/namespaces/<namespace>")

MOST_JOBS = 50
"""How many of the jobs that a worker runs its page shows."""
_ORDERS = {"running": lambda worker: -worker.running, "seen": lambda worker: -worker.seen_at}
_SAID = {
    ("quiet", True): "{} is asked to pop no more; what it runs goes on.",
    ("quiet", False): "{} may pop again.",
    ("stop", True): "{} is asked to end; it hears of it at its next heartbeat or pop.",
    ("stop", False): "{} is no longer asked to end.",
}


@views.get("/workers", "workers")
def workers_page() -> Response:
    """List the workers, the busiest first."""
    return page("workers.html", picked=pick(perform("workers"), request.args, lambda each: each.name, _ORDERS))


@views.get("/workers/<path:worker>", "workers")
def worker_page() -> Response:
    """Show one worker, and what it runs."""
    return _one()


@views.post("/workers/<path:worker>/quiet", "quiet")
def quiet_worker_form() -> Response:
    """Ask a worker to pop no more or, with `on` as `no`, no longer ask that."""
    return _ask("quiet")


@views.post("/workers/<path:worker>/stop", "stop")
def stop_worker_form() -> Response:
    """Ask a worker to end, or no longer ask that."""
    return _ask("stop")


def _ask(operation: str) -> Response:
    name, on = _name(), request.form.get("on") != "no"
    return act(
        lambda: perform(operation, worker=name, on=on),
        back=address_of("worker_page", worker=name),
        said=_SAID[operation, on].format(name),
        again=_one,
    )


def _one(error: QlessError | None = None) -> Response:
    name = _name()
    [worker] = perform("workers", names=[name])
    assert isinstance(worker, Worker)
    found: Page = perform("select", filter=Filter(state="running", worker=name), limit=MOST_JOBS)
    return page("worker.html", 200 if error is None else error.status, worker=worker, found=found, error=error)


def _name() -> str:
    return str((request.view_args or {})["worker"])
