"""Strategies, policies and trackers, built of the options that somebody chose."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from qless_flask.bounds import Checks
from qless_flask.errors import Invalid
from qless_flask.plugins.faults import hint

Kind = TypeVar("Kind")


def build(
    what: str, name: str, kinds: Mapping[str, Callable[..., Kind]], options: Mapping[str, Any], *, field: str = "name"
) -> Kind:
    """Build what is offered under a name. Raise Invalid if there is none, or it takes no such options.

    what: a word for such things; field: where the name stands, for the error. What else the constructor raises is a
    fault of the plugin, and raised as it is.
    """
    kind = kinds.get(name)
    if kind is None:
        raise Invalid.of({field: [f"there is no {what} {name}{hint(name, kinds)}"]})
    parameters = [each for each in inspect.signature(kind).parameters.values() if each.kind is not each.VAR_POSITIONAL]
    check = Checks()
    if not any(each.kind is each.VAR_KEYWORD for each in parameters):
        known = [each.name for each in parameters]
        for option in options.keys() - {*known}:
            check.wrong(option, f"is nothing that {name} takes; it takes {', '.join(known) or 'nothing'}")
    for each in parameters:
        if each.default is each.empty and each.kind is not each.VAR_KEYWORD and each.name not in options:
            check.wrong(each.name, "must be given")
    check.done()
    try:
        return kind(**options)
    except (TypeError, ValueError) as error:
        raise Invalid.of({field: [f"{name} cannot be told that: {error}"]}) from error
