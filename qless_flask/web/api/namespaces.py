"""A namespace itself: its settings, whether it is frozen, and its end."""

from __future__ import annotations

import time
from typing import Any

from flask import Response
from marshmallow import INCLUDE

from qless_flask.models import Erased
from qless_flask.schemas.operations import OPERATIONS, NoArguments
from qless_flask.schemas.queues import NamespaceSettingsSchema
from qless_flask.schemas.values import Listed, Text
from qless_flask.schemas.wire import opened
from qless_flask.web.answers import answer
from qless_flask.web.parsing import QueryWhole, load_body, load_query
from qless_flask.web.persons import ByHand
from qless_flask.web.service import perform
from qless_flask.web.views import Views

_ERASE_SECONDS = 1.0

views = Views()


class SettingsBody(ByHand):
    """Settings by name, whatever there are, and those to go back to the defaults."""

    inherit = Listed(Text())

    class Meta:
        unknown = INCLUDE

    def make(self, values: dict[str, Any]) -> object:
        told: dict[str, Any] = {name: values.pop(name) for name in ("actor", "inherit") if name in values}
        return {**told, "changes": opened(values)}


class EraseQuery(ByHand):
    """The name of the namespace, given again where it is not empty, and how far it is erased."""

    confirm = Text()
    cursor = Text()
    limit = QueryWhole()


@views.get("/settings", "settings")
def get_settings() -> Response:
    """Read the settings of queues that do not say otherwise."""
    return answer(_SETTINGS.dump(perform("settings", **load_query(_NO_QUERY))))


@views.patch("/settings", "configure_namespace")
def configure_namespace() -> Response:
    """Set some of them."""
    return answer(_SETTINGS.dump(perform("configure_namespace", **load_body(_SETTINGS_BODY))))


@views.put("/frozen", "freeze")
def freeze() -> Response:
    """Make the namespace read-only."""
    return answer(_SETTINGS.dump(perform("freeze", on=True, **load_body(_BY_HAND))))


@views.delete("/frozen", "freeze")
def thaw() -> Response:
    """Let the namespace be written again."""
    return answer(_SETTINGS.dump(perform("freeze", on=False, **load_query(_BY_HAND))))


@views.delete("", "erase")
def erase() -> Response:
    """Delete the namespace, for a second or, with `limit`, in one step: go on with `cursor` while there is a `next`."""
    query = load_query(_ERASE_QUERY)
    until = time.monotonic() + _ERASE_SECONDS
    step: Erased = perform("erase", **query)
    deleted = step.deleted
    while step.next is not None and "limit" not in query and time.monotonic() < until:
        step = perform("erase", **{**query, "cursor": step.next})
        deleted += step.deleted
    return answer(OPERATIONS["erase"].dump_answer(Erased(deleted, step.next)))


_NO_QUERY, _SETTINGS_BODY, _ERASE_QUERY, _BY_HAND = NoArguments(), SettingsBody(), EraseQuery(), ByHand()
_SETTINGS = NamespaceSettingsSchema()
