"""A namespace made read-only, and thawed."""

from __future__ import annotations

from qless_flask.backends.sqlite.figure_statements import ERASING, SET_FROZEN
from qless_flask.backends.sqlite.look import Look
from qless_flask.backends.sqlite.settings import settings
from qless_flask.backends.sqlite.step import Step
from qless_flask.errors import Frozen
from qless_flask.models import Actor, NamespaceSettings


def freeze(step: Step, on: bool, actor: Actor | None) -> NamespaceSettings:
    """Freeze or thaw a namespace. Raise Frozen where it is being erased and is to be thawed."""
    if not on and is_being_erased(step):
        raise Frozen.about(step.name)
    if on != bool(step.frozen):
        step.frozen = int(on)
        step.connection.execute(SET_FROZEN, (step.frozen, step.begun()))
        step.tell("frozen" if on else "thawed", None, actor=actor)
    return settings(step)


def is_being_erased(look: Look) -> bool:
    """Tell whether its deletion has begun."""
    found = look.connection.execute(ERASING, (look.namespace,)).fetchone()
    return bool(found and found[0])
