"""Recurrences: make, look at, change, pause, resume, run and delete them."""

from __future__ import annotations

import time
from typing import Any

from flask import Response, request, url_for

from qless_flask import recurrence
from qless_flask.bounds import MAX_BATCH, Checks
from qless_flask.models import Put, Recurrence, Recurring
from qless_flask.schemas.jobs import PutSchema
from qless_flask.schemas.noun import Noun
from qless_flask.schemas.operations import OPERATIONS
from qless_flask.schemas.recurrences import RecurringSchema, RulePartsSchema, RuleSchema, TimesSchema
from qless_flask.schemas.values import Text, Whole
from qless_flask.web.answers import answer, no_content
from qless_flask.web.listing import ListQuery, next_after
from qless_flask.web.parsing import load_body, load_query
from qless_flask.web.persons import ByHand, Person
from qless_flask.web.service import perform
from qless_flask.web.views import Views

views = Views()

PREVIEWED = 10


class RuleBody(RuleSchema):
    """A rule to make, or to put in place of that of its id."""

    actor = Person()

    def make(self, values: dict[str, Any]) -> object:
        actor = values.pop("actor", None)
        return {"rule": Recurrence(**values), "actor": actor}


class PatchBody(RulePartsSchema):
    """What to change of the rule of the recurrence in the path."""

    id = Text(required=True)
    actor = Person()


class IdPath(Noun):
    """The recurrence in the path."""

    id = Text(required=True)


class IdByHand(ByHand):
    """What is done to the recurrence in the path."""

    id = Text(required=True)


class PreviewBody(TimesSchema):
    """A rule's times, and how many of them to tell."""

    count = Whole()

    def make(self, values: dict[str, Any]) -> object:
        count = values.pop("count", PREVIEWED)
        check = Checks()
        check.integer("count", count, 1, MAX_BATCH)
        check.done()
        return {"rule": Recurrence("any", queue="any", **values), "count": count}


@views.get("/recurrences", "recurrences")
def list_recurrences() -> Response:
    """List recurrences, by id."""
    query = load_query(_LIST_QUERY)
    found = perform("recurrences", **query)
    message = OPERATIONS["recurrences"].dump_answer(found)
    return answer({**message, "next": next_after([each.rule.id for each in found], query)})


@views.post("/recurrences", "recur")
def add_recurrence() -> Response:
    """Make a recurrence: 201 where its id is made here; 200 where it is given, and may have had a rule already."""
    body = load_body(_RULE_BODY)
    made: Recurring = perform("recur", **body)
    return answer(_RECURRING.dump(made), 200 if body["rule"].id else 201, _location(".get_recurrence", id=made.rule.id))


@views.post("/recurrences/preview", "preview_recurrence")
def preview_recurrence() -> Response:
    """Tell when a rule would be due."""
    body = load_body(_PREVIEW_BODY)
    return answer({"next": recurrence.upcoming(body["rule"], time.time(), body["count"])})


@views.get("/recurrences/<path:id>", "recurrences")
def get_recurrence() -> Response:
    """Look one recurrence up."""
    return answer(_RECURRING.dump(_found(load_query(_ID_PATH)["id"])))


@views.patch("/recurrences/<path:id>", "recur")
def update_recurrence() -> Response:
    """Change the rule of a recurrence."""
    body = load_body(_PATCH_BODY)
    actor = body.pop("actor", None)
    rule = _found(body.pop("id")).rule.changed(**body)
    return answer(_RECURRING.dump(perform("recur", rule=rule, actor=actor)))


@views.delete("/recurrences/<path:id>", "unrecur")
def delete_recurrence() -> Response:
    """Delete a recurrence; what it has put stays."""
    perform("unrecur", **load_query(_BY_HAND))
    return no_content()


@views.post("/recurrences/<path:id>/pause", "pause_recurrence")
def pause_recurrence() -> Response:
    """Let a recurrence put nothing by itself."""
    return answer(_RECURRING.dump(perform("pause_recurrence", **load_body(_BY_HAND))))


@views.post("/recurrences/<path:id>/resume", "resume_recurrence")
def resume_recurrence() -> Response:
    """Let a recurrence go on."""
    return answer(_RECURRING.dump(perform("resume_recurrence", **load_body(_BY_HAND))))


@views.post("/recurrences/<path:id>/run", "run_recurrence")
def run_recurrence() -> Response:
    """Put a job of a recurrence now: 201, or 200 where it was there."""
    put: Put = perform("run_recurrence", **load_body(_BY_HAND))
    return answer(_PUT.dump(put), 201 if put.created else 200, _location(".get_job", jid=put.jid))


def _found(id: str) -> Recurring:
    [found] = perform("recurrences", ids=[id])
    recurring: Recurring = found
    return recurring


def _location(endpoint: str, **names: Any) -> dict[str, str]:
    return {"Location": url_for(endpoint, namespace=(request.view_args or {})["namespace"], **names)}


_LIST_QUERY, _RULE_BODY, _PATCH_BODY, _PREVIEW_BODY = ListQuery(), RuleBody(), PatchBody(), PreviewBody()
_ID_PATH, _BY_HAND, _RECURRING, _PUT = IdPath(), IdByHand(), RecurringSchema(), PutSchema()
