"""A recurrence made or changed by hand, with a look at when it would be due."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from flask import Response, request

from qless_flask import recurrence
from qless_flask.errors import Invalid, QlessError, RecurrenceNotFound
from qless_flask.models import OVERLAPS, Recurrence, Recurring
from qless_flask.web.pages.acting import act
from qless_flask.web.pages.addresses import address_of
from qless_flask.web.pages.recurrences import find_recurrence, recurrence_id
from qless_flask.web.pages.rendering import page
from qless_flask.web.pages.rule_form import read_rule, show_rule
from qless_flask.web.pages.rule_words import rule_words
from qless_flask.web.pages.views import PageViews
from qless_flask.web.service import perform

views = PageViews("/namespaces/<namespace>")

PREVIEWED = 5
_EMPTY = {"queue": "", "klass": "", "data": "{}", "timezone": "UTC", "overlap": "allow", "catchup": "one"}


@views.get("/new-recurrence", "recur")
def new_recurrence_page() -> Response:
    """Show the form, empty."""
    return _form(None, {**_EMPTY, "queue": request.args.get("queue", "")})


@views.post("/new-recurrence", "recur")
def new_recurrence_form() -> Response:
    """Make it or, of a `preview`, tell when it would be due."""
    return _made(None, _read_new)


@views.get("/recurrences/<path:id>/edit", "recur")
def edit_recurrence_page() -> Response:
    """Show the rule in a form."""
    seen = find_recurrence()
    return _form(seen, show_rule(seen.rule))


@views.post("/recurrences/<path:id>/edit", "recur")
def edit_recurrence_form() -> Response:
    """Change the rule or, of a `preview`, tell when it would be due."""
    seen = find_recurrence()
    return _made(seen, lambda: read_rule(request.form, recurrence_id(), seen.rule.data))


def _made(seen: Recurring | None, read: Callable[[], Recurrence]) -> Response:
    if "preview" in request.form:
        try:
            rule = read()
            times = recurrence.upcoming(rule, time.time(), PREVIEWED)
        except Invalid as error:
            return _form(seen, request.form, error)
        return _form(seen, request.form, next=times, words=rule_words(rule))

    def make() -> Recurring:
        made = perform("recur", rule=read())
        assert isinstance(made, Recurring)
        return made

    return act(
        make,
        back=lambda made: address_of("recurrence_page", id=made.rule.id),
        said=lambda made: f"{made.rule.id} puts jobs by this rule from now on.",
        again=lambda error: _form(seen, request.form, error),
    )


def _read_new() -> Recurrence:
    """Read a new rule. Raise Invalid where there is one of its id: that is changed on its own page."""
    rule = read_rule(request.form, request.form.get("id", "").strip() or None)
    if rule.id is not None:
        with suppress(RecurrenceNotFound):
            perform("recurrences", ids=[rule.id])
            raise Invalid.of({"id": ["is there already: change it on its page, or choose another"]})
    return rule


def _form(
    seen: Recurring | None,
    typed: Mapping[str, str],
    error: QlessError | None = None,
    *,
    next: Sequence[float] | None = None,
    words: str = "",
) -> Response:
    return page(
        "recurrence_edit.html",
        200 if error is None else error.status,
        id=seen.rule.id if seen is not None else None,
        typed=typed,
        said={} if error is None else error.fields,
        overlaps=OVERLAPS,
        has_data=seen is None or "data" in typed,
        next=next,
        words=words,
        error=error,
    )
