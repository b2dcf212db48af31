"""Groups of failed jobs."""

from __future__ import annotations

from typing import Any

from flask import Response

from qless_flask.errors import NotFound
from qless_flask.models import Filter, Move
from qless_flask.schemas.failures import FailureGroupSchema
from qless_flask.schemas.noun import Noun
from qless_flask.schemas.operations import OPERATIONS
from qless_flask.schemas.values import Flag, Seconds, Text, Whole
from qless_flask.web.answers import answer
from qless_flask.web.listing import ListQuery, next_after
from qless_flask.web.parsing import load_body, load_query
from qless_flask.web.persons import ByHand
from qless_flask.web.service import perform
from qless_flask.web.views import Views

views = Views()


class GroupPath(Noun):
    """The group in the path."""

    group = Text(required=True)


class RetryBody(ByHand):
    """Where to move the jobs of the group in the path; each back into its own queue, if that is not said."""

    group = Text(required=True)
    queue = Text(allow_none=True)
    delay = Seconds()
    limit = Whole()
    cursor = Text(allow_none=True)
    dry_run = Flag()

    def make(self, values: dict[str, Any]) -> object:
        move = {name: values.pop(name) for name in ("queue", "delay") if name in values}
        return {"filter": Filter(state="failed", group=values.pop("group")), "action": Move(**move), **values}


@views.get("/failures", "failures")
def list_failures() -> Response:
    """Sum the groups of failed jobs up, by name."""
    query = load_query(_LIST_QUERY)
    groups = perform("failures", **query)
    message = OPERATIONS["failures"].dump_answer(groups)
    return answer({**message, "next": next_after([each.group for each in groups], query)})


@views.get("/failures/<path:group>", "failures")
def get_failures() -> Response:
    """Sum one group up; its jobs are at `jobs?state=failed&group=`."""
    group = load_query(_GROUP_PATH)["group"]
    for found in perform("failures", groups=[group]):
        return answer(_GROUP.dump(found))
    raise NotFound(f"no failed job is in the group {group}", subject=group)


@views.post("/failures/<path:group>/retry", "change")
def retry_failures() -> Response:
    """Move the jobs of a group back into their queues, step by step."""
    return answer(OPERATIONS["change"].dump_answer(perform("change", **load_body(_RETRY_BODY))))


_LIST_QUERY, _GROUP_PATH, _RETRY_BODY, _GROUP = ListQuery(), GroupPath(), RetryBody(), FailureGroupSchema()
