"""What plugins offer by name: strategies, policies, trackers and codecs."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from qless_flask.bounds import is_text
from qless_flask.hookspecs import Codec, Policy, RetryStrategy, TagTracker
from qless_flask.plugins.call import Call

OFFERING = {
    "strategies": "retry_strategies",
    "policies": "namespace_policies",
    "trackers": "tag_trackers",
    "codecs": "data_codecs",
}
"""The hook by which each kind is offered."""

_CLASSES: Mapping[str, type] = {"strategies": RetryStrategy, "policies": Policy, "trackers": TagTracker}


def ask(kind: str, call: Call) -> Mapping[str, Any]:
    """Ask a plugin what it offers of a kind. Raise what it raises, and TypeError for what cannot be offered."""
    offered = dict(call())
    faults = "; ".join(_faults(kind, offered))
    if faults:
        raise TypeError(faults)
    return offered


def _faults(kind: str, offered: Mapping[Any, Any]) -> Iterator[str]:
    for name, each in offered.items():
        if not is_text(name):
            yield f"{name!r} is no name: it must be 1 to 200 bytes of text without control characters"
        elif kind == "codecs":
            if not isinstance(each, Codec):
                yield f"{name} must be a Codec, built"
        elif not inspect.isclass(each) or not issubclass(each, _CLASSES[kind]):
            yield f"{name} must be a class derived from {_CLASSES[kind].__name__}"
        elif lacking := getattr(each, "__abstractmethods__", ()):
            yield f"{name} lacks {', '.join(sorted(lacking))}"
