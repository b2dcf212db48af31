"""Plugins on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qless_flask.models import Plugin, PluginFailure
from qless_flask.models.plugins import PluginReport
from qless_flask.models.scheduling import SchedulerFigures
from qless_flask.schemas.noun import AnswerNoun
from qless_flask.schemas.values import Listed, Object, One, Seconds, Text, Whole


class PluginFailureSchema(AnswerNoun):
    """The latest error of a plugin."""

    model = PluginFailure

    hook = Text(required=True)
    at = Seconds(required=True)
    message = Text(required=True)


class PluginSchema(AnswerNoun):
    """A plugin, as a process has it."""

    model = Plugin

    name = Text(required=True)
    state = Text(required=True)
    source = Text(required=True)
    reason = Text(required=True, allow_none=True)
    hooks = Listed(Text(), required=True)
    offers = Object(required=True)
    shadowed = Object(required=True)
    calls = Whole(required=True)
    errors = Whole(required=True)
    seconds = Seconds(required=True)
    off = Listed(Text(), required=True)
    last_error = One(PluginFailureSchema, required=True, allow_none=True)

    def make(self, values: dict[str, Any]) -> object:
        for name in ("offers", "shadowed"):
            values[name] = {kind: tuple(names) for kind, names in values[name].items()}
        return Plugin(**values)


class Figures(Object):
    """What the schedulers have done: an object of numbers, the leader that wrote them, and how its plugins do."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else value.as_object()

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return SchedulerFigures.of_object(super()._deserialize(value, attr, data, **kwargs))


class PluginReportSchema(AnswerNoun):
    """What a process has of plugins."""

    model = PluginReport

    process = Text(required=True)
    plugins = Listed(One(PluginSchema), required=True)
    stores = Object(required=True)
    scheduler = Figures(required=True, allow_none=True)
