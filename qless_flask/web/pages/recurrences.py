"""Recurrences: all of them, and one, with what can be done to it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from flask import Response, request

from qless_flask import recurrence
from qless_flask.errors import QlessError
from qless_flask.models import Put, Recurring
from qless_flask.web.pages.acting import act
from qless_flask.web.pages.addresses import address_of
from qless_flask.web.pages.picking import MOST_READ, pick
from qless_flask.web.pages.rendering import page
from qless_flask.web.pages.rule_words import rule_words
from qless_flask.web.pages.shown import show_json
from qless_flask.web.pages.views import PageViews
from qless_flask.web.service import perform

views = PageViews("/namespaces/<namespace>")

MOST_RUNS = 5
"""How many of its next runs are told."""
_ORDERS = {
    "next": lambda row: (row.seen.paused, row.seen.next_at is None, row.seen.next_at or 0.0),
    "last": lambda row: -(row.seen.last_at or 0.0),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A recurrence in the list."""

    seen: Recurring
    words: str

    @property
    def id(self) -> str:
        """Its id."""
        return self.seen.rule.id or ""


@views.get("/recurrences", "recurrences")
def recurrences_page() -> Response:
    """List the recurrences, that which fires next first."""
    found: list[Recurring] = perform("recurrences", after=request.args.get("after") or None, limit=MOST_READ)
    rows = [Row(seen, rule_words(seen.rule)) for seen in found]
    return page("recurrences.html", picked=pick(rows, request.args, lambda row: row.id, _ORDERS, MOST_READ))


@views.get("/recurrences/<path:id>", "recurrences")
def recurrence_page() -> Response:
    """Show one recurrence."""
    return show_recurrence()


@views.post("/recurrences/<path:id>/pause", "pause_recurrence")
def pause_recurrence_form() -> Response:
    """Let it put nothing by itself."""
    return _act("pause_recurrence", "{} is paused.")


@views.post("/recurrences/<path:id>/resume", "resume_recurrence")
def resume_recurrence_form() -> Response:
    """Let it go on."""
    return _act("resume_recurrence", "{} goes on from now.")


@views.post("/recurrences/<path:id>/run", "run_recurrence")
def run_recurrence_form() -> Response:
    """Put a job of it now, and lead there."""
    id = recurrence_id()

    def run() -> Put:
        put = perform("run_recurrence", id=id)
        assert isinstance(put, Put)
        return put

    return act(
        run,
        back=lambda put: address_of("job_page", jid=put.jid),
        said=f"This job of {id} was put now.",
        again=show_recurrence,
    )


@views.post("/recurrences/<path:id>/delete", "unrecur")
def delete_recurrence_form() -> Response:
    """Delete it; what it has put stays."""
    return _act("unrecur", "{} is deleted; the jobs that it has put stay.", back=address_of("recurrences_page"))


def show_recurrence(error: QlessError | None = None) -> Response:
    """Show the recurrence of the path."""
    seen = find_recurrence()
    return page(
        "recurrence.html",
        200 if error is None else error.status,
        seen=seen,
        rule=seen.rule,
        words=rule_words(seen.rule),
        next=_next_runs(seen),
        data=show_json(seen.rule.data),
        error=error,
    )


def find_recurrence() -> Recurring:
    """Look the recurrence of the path up. Raise RecurrenceNotFound."""
    [seen] = perform("recurrences", ids=[recurrence_id()])
    assert isinstance(seen, Recurring)
    return seen


def recurrence_id() -> str:
    """Tell the id in the path."""
    return str((request.view_args or {})["id"])


def next_times(seen: Recurring, most: int) -> list[float]:
    """Tell the next runs of a recurrence as it stands."""
    left = most if seen.rule.count is None else min(most, seen.rule.count - seen.fired)
    at, found = seen.next_at, list[float]()
    while at is not None and len(found) < left:
        found.append(at)
        at = recurrence.following(Recurring(seen.rule, at, False, 0, None, None), at)
    return found


def _next_runs(seen: Recurring) -> list[float]:
    if seen.paused:
        # It goes on from when it is resumed: now, for all that is known.
        now = time.time()
        at = recurrence.following(seen, now)
        seen = Recurring(seen.rule, at, True, seen.fired, seen.last_at, seen.last_jid)
    return next_times(seen, MOST_RUNS)


def _act(operation: str, said: str, back: str | None = None) -> Response:
    id = recurrence_id()
    return act(
        lambda: perform(operation, id=id),
        back=back or address_of("recurrence_page", id=id),
        said=said.format(id),
        again=show_recurrence,
    )
