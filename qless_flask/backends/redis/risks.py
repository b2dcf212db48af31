"""What the set-up of a Redis server puts at risk."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

FULL = 0.9
"""What part of its memory a server uses that is nearly full."""

Ask = Callable[..., object]
"""Sends a command."""


def risks(ask: Ask) -> list[str]:
    """Tell them, as far as the server answers: managed services close CONFIG."""
    found = []
    if _setting(ask, "appendonly") == "no":
        found.append("appendonly is off: a crash of the store loses what came since its last snapshot")
    elif _setting(ask, "appendfsync") not in ("always", None):
        found.append("appendfsync is not always: a crash of the store may lose the last second")
    if _setting(ask, "maxmemory-policy") not in ("noeviction", None):
        found.append("maxmemory-policy is not noeviction: the store may drop jobs when it is full")
    used, most = _memory(ask)
    if most and used > FULL * most:
        found.append(f"the store is nearly full: it uses {used / most:.0%} of its maxmemory, and puts fail beyond that")
    return found


def _setting(ask: Ask, name: str) -> str | None:
    values = [
        value.decode() if isinstance(value, bytes) else str(value) for value in _flat(_answer(ask, "CONFIG GET", name))
    ]
    return values[1] if len(values) > 1 else None


def _memory(ask: Ask) -> tuple[int, int]:
    """Tell how many bytes are used, and how many there are; 0 is any number."""
    told = _answer(ask, "INFO", "memory")
    if not isinstance(told, dict):
        return 0, 0
    try:
        return int(told["used_memory"]), int(told["maxmemory"])
    except (KeyError, TypeError, ValueError):
        return 0, 0


def _answer(ask: Ask, *command: str) -> object:
    try:
        return ask(*command)
    except Exception:  # noqa: BLE001 - whatever a service says instead, the queue itself does not need it
        return None


def _flat(found: object) -> list[object]:
    if isinstance(found, dict):
        return [part for item in found.items() for part in item]
    return cast("list[object]", list(found)) if isinstance(found, list) else []
