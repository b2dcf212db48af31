"""Notes for the log of what is done by those that steer a store or own it: a line of JSON each."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from qless_flask.models import LEAST_ROLES, Promoted, Pruned
from qless_flask.schemas import wire
from qless_flask.schemas.jobs import FilterSchema
from qless_flask.web.access import current_identity
from qless_flask.web.persons import address

MOST_JIDS = 100
"""So many are named, the first; an event names each."""

logger = logging.getLogger("qless_flask.audit")

_NOTED = frozenset(name for name, role in LEAST_ROLES.items() if role in ("operator", "admin")) - {"recall"}
_TOLD = ("jid", "queue", "worker", "tag", "id", "role", "holder", "name", "on", "off", "plugin", "button")
_FILTER = FilterSchema()


def note(operation: str, namespace: str, arguments: Mapping[str, Any], answer: object = None) -> None:
    """Write down an operation that was done, by whom, on what, from which address; never data nor a setting's value."""
    if operation not in _NOTED or not logger.isEnabledFor(logging.INFO):
        return
    if _is_step(operation, arguments) or _has_done_nothing(arguments, answer):
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


def _is_step(operation: str, arguments: Mapping[str, Any]) -> bool:
    """Tell whether it goes on with what was noted when it began."""
    return operation in ("dump", "erase") and arguments.get("cursor") is not None


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
