"""Many jobs changed at once: those that are ticked, or all that a filter asks for, step by step."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from flask import Response, request

from qless_flask.bounds import MAX_BATCH
from qless_flask.errors import Invalid, QlessError
from qless_flask.models import Action, Cancel, Changed, Job, Move, Timeout, Update
from qless_flask.web.answers import answer
from qless_flask.web.pages.acting import act
from qless_flask.web.pages.addresses import address_of, go
from qless_flask.web.pages.bulk import ACTIONS, describe, read_action
from qless_flask.web.pages.filters import Sought, read_filter
from qless_flask.web.pages.jobs import show_jobs
from qless_flask.web.pages.rendering import page, wants_page
from qless_flask.web.pages.views import PageViews
from qless_flask.web.service import perform

views = PageViews("/namespaces/<namespace>")

COUNT_SECONDS = 1.0
"""How long matching jobs are counted; beyond that there are more."""
STEP_SECONDS = 0.5
"""How long one request changes jobs."""
ASKED_BEYOND = 1_000
"""Of more jobs than these, the number is to be typed."""


@views.post("/change/ticked", "change")
def change_ticked_form() -> Response:
    """Do something to the jobs that are ticked; or ask about all that match, if it is those that are meant."""
    form = request.form
    if "all" in form:
        told = {name: form.get(name, "") for name in ("filter", "action", "value")}
        return go(address_of("change_jobs_page", **told))
    return act(
        lambda: _change_ticked(form.getlist("jid"), read_action(form)),
        back=address_of("jobs_page", filter=form.get("filter") or None),
        said=_told,
        again=show_jobs,
    )


@views.get("/change", "change")
def change_jobs_page() -> Response:
    """Count what would be changed, and ask."""
    return _ask()


@views.post("/change", "change")
def change_jobs_form() -> Response:
    """Change all that match, as far as half a second goes; then tell how far that was, and where to go on."""
    try:
        _check_number()
        done = _change_some(_sought(request.form), read_action(request.form), request.form.get("cursor") or None)
    except Invalid as error:
        if not wants_page():
            raise
        return _ask(error)
    if not wants_page():
        return answer({"matched": done.matched, "changed": done.changed, "next": done.next})
    matched, changed = _number("matched") + done.matched, _number("changed") + done.changed
    told = _told_form(request.form)
    return page("changing.html", told=told, matched=matched, changed=changed, next=done.next)


def _ask(error: QlessError | None = None) -> Response:
    told = request.form or request.args
    sought = _sought(told)
    try:
        action = read_action(told)
    except Invalid as fault:
        return show_jobs(fault)
    count, is_all = _count(sought, action)
    return page(
        "change_jobs.html",
        200 if error is None else error.status,
        told=_told_form(told),
        count=count,
        is_all=is_all,
        ask_number=count > ASKED_BEYOND,
        destroys=ACTIONS[told["action"]].destroys,
        error=error,
    )


def _told_form(told: Mapping[str, str]) -> dict[str, str]:
    return {
        # As it was read: two hours ago is the same time at each step.
        "filter": read_filter(told.get("filter", "")).text,
        "action": told["action"],
        "value": told.get("value", ""),
        "doing": describe(told),
        "count": told.get("count", ""),
        "typed": told.get("typed", ""),
    }


def _sought(told: Mapping[str, str]) -> Sought:
    """Read the filter. Raise Invalid for what it does not know: it is no use to guess here."""
    sought = read_filter(told.get("filter", ""))
    if sought.faults:
        raise Invalid.of({"filter": list(sought.faults)})
    return sought


def _count(sought: Sought, action: Action) -> tuple[int, bool]:
    """Count the jobs that match; tell whether that is all of them."""
    until, count, cursor = time.monotonic() + COUNT_SECONDS, 0, None
    while True:
        step: Changed = perform(
            "change", filter=sought.filter, action=action, limit=MAX_BATCH, cursor=cursor, dry_run=True
        )
        count, cursor = count + step.matched, step.next
        if cursor is None or time.monotonic() > until:
            return count, cursor is None


def _check_number() -> None:
    count = _number("count")
    if count > ASKED_BEYOND and request.form.get("typed", "").replace(",", "").strip() != str(count):
        raise Invalid.of({"typed": [f"type {count:,} to go on"]})


def _change_some(sought: Sought, action: Action, cursor: str | None) -> Changed:
    until, matched, changed = time.monotonic() + STEP_SECONDS, 0, 0
    while True:
        step: Changed = perform("change", filter=sought.filter, action=action, limit=MAX_BATCH, cursor=cursor)
        matched, changed, cursor = matched + step.matched, changed + step.changed, step.next
        if cursor is None or time.monotonic() > until:
            return Changed(matched, changed, cursor)


def _number(name: str) -> int:
    told = request.form.get(name, "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 16 else 0


def _change_ticked(jids: Sequence[str], action: Action) -> list[Job | QlessError]:
    if not jids:
        raise Invalid.of({"jid": ["tick the jobs that are meant"]})
    if isinstance(action, Cancel):
        return list(perform("cancel", jids=jids, dependents=action.dependents))
    if isinstance(action, Timeout):
        return list(perform("timeout", jids=jids))
    if isinstance(action, Update):
        return list(perform("update", jids=jids, changes=action.changes))
    assert isinstance(action, Move)
    return [outcome for queue, some in _by_queue(jids, action) for outcome in perform("move", jids=some, queue=queue)]


def _by_queue(jids: Sequence[str], move: Move) -> list[tuple[str, list[str]]]:
    """Tell which go into which queue: each back into its own, if none is told."""
    if move.queue is not None:
        return [(move.queue, list(jids))]
    queues: dict[str, list[str]] = defaultdict(list)
    for job in perform("get", jids=jids):
        if job is not None:
            queues[job.queue].append(job.jid)
    return list(queues.items())


def _told(outcomes: Sequence[Job | QlessError]) -> str:
    wrong = Counter(outcome.message for outcome in outcomes if isinstance(outcome, QlessError))
    told = f"{len(outcomes) - wrong.total():,} of {len(outcomes):,} jobs are changed."
    return " ".join([told, *(f"{count:,}: {message}." for message, count in wrong.most_common(5))])
