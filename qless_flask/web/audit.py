"""Notes for the log of what is done by those that steer a store or own it: a line of JSON each."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from qless_flask.models import LEAST_ROLES, Promoted, Pruned
from qless_flask.schemas import wire
from qless_flask.schemas.jobs import FilterSchema
from qless_flask.web.access import current_identity
from qless_flask.web.current import current_service
from qless_flask.web.persons import address

MOST_JIDS = 100
"""So many are named, the first; an event names each."""
STEPS_SECONDS = 600.0
"""How long the steps of what was written down are not; those that come later are written down again."""
MOST_STEPS = 1_000

logger = logging.getLogger("qless_flask.audit")

_NOTED = frozenset(name for name, role in LEAST_ROLES.items() if role in ("operator", "admin")) - {"recall"}
_TOLD = ("jid", "queue", "worker", "tag", "id", "role", "holder", "name", "on", "off", "plugin", "button")
_FILTER = FilterSchema()
_IN_STEPS = frozenset({"dump", "erase"})


class Steps:
    """Remembers, in this process, of what goes on step by step what was written down.

    Not by its cursor alone: that comes from who asks, and may be made up to look as if this had begun before.
    """

    def __init__(self) -> None:
        self._noted: dict[tuple[str, str, str], float] = {}

    def begin(self, what: tuple[str, str, str], *, anew: bool) -> bool:
        """Tell whether to write this down: who does what in which namespace; for the steps after it, no more."""
        now = time.monotonic()
        if not anew and now - self._noted.get(what, -STEPS_SECONDS) < STEPS_SECONDS:
            return False
        if len(self._noted) >= MOST_STEPS:
            self._noted.clear()
        self._noted[what] = now
        return True


def note(operation: str, namespace: str, arguments: Mapping[str, Any], answer: object = None) -> None:
    """Write down an operation that was done, by whom, on what, from which address; never data nor a setting's value."""
    if operation not in _NOTED or not logger.isEnabledFor(logging.INFO):
        return
    if _has_done_nothing(arguments, answer):
        return
    if operation in _IN_STEPS and not current_service().steps.begin(
        (current_identity().name, operation, namespace), anew=arguments.get("cursor") is None
    ):
        return
    actor = arguments.get("actor")
    line = {
        "actor": current_identity().name if actor is None else actor.name,
        "address": address() if actor is None else actor.address,
        "action": operation,
        "namespace": namespace,
        **_targets(arguments),
    }
    logger.info("%s", wire.encode(line).decode())


def note_session(action: str, name: str | None) -> None:
    """Write down that somebody logs in or out; a login that failed names nobody."""
    logger.info("%s", wire.encode({"actor": name, "address": address(), "action": action}).decode())


def _has_done_nothing(arguments: Mapping[str, Any], answer: object) -> bool:
    if isinstance(answer, (Promoted, Pruned)):
        return not any(asdict(answer).values())
    return answer is False or answer == [] or arguments.get("dry_run", False)


def _targets(arguments: Mapping[str, Any]) -> dict[str, object]:
    told: dict[str, object] = {name: arguments[name] for name in _TOLD if name in arguments}
    if "jids" in arguments:
        told |= {"jids": arguments["jids"][:MOST_JIDS], "count": len(arguments["jids"])}
    if "filter" in arguments:
        told |= {"filter": _FILTER.dump(arguments["filter"]), "change": type(arguments["action"]).__name__.lower()}
    if "records" in arguments:
        told["count"] = len(arguments["records"])
    if "rule" in arguments:
        rule = arguments["rule"]
        told |= {"id": rule.id, "queue": rule.queue, "klass": rule.klass}
    if isinstance(arguments.get("changes"), Mapping):
        told["settings"] = sorted([*arguments["changes"], *arguments.get("inherit", ())])
    return told
