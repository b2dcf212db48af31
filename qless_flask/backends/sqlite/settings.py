"""Settings, the namespace's and its queues': kept as JSON of what each says itself, laid over each other when read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from qless_flask.backends.sqlite.figure_statements import (
    FORGET_PLANS,
    PLANS,
    SET_NAMESPACE_SETTINGS,
    SET_PLANS,
    SET_SINCE,
)
from qless_flask.backends.sqlite.look import Look, QueueRow
from qless_flask.backends.sqlite.statements import SET_SETTINGS
from qless_flask.backends.sqlite.step import Step
from qless_flask.models import (
    PLAN_NAMES,
    Actor,
    NamespaceSettings,
    QueueSettings,
    Rate,
    Setting,
    checked_settings,
    namespace_settings,
    setting_message,
)


def settings(look: Look) -> NamespaceSettings:
    """Read what holds for queues that do not say otherwise, and what the namespace alone is told."""
    return namespace_settings(checked_settings(told(look), namespace=True), bool(look.frozen))


def told(look: Look) -> dict[str, object]:
    """Read the settings that the namespace says itself, as JSON has them."""
    found = look.connection.execute(PLANS, (look.namespace,)).fetchone()
    return {**_decode(look.settings_text), **_decode(found[0] if found else None)}


def configure(step: Step, queue: QueueRow, changes: Mapping[str, Setting], inherit: Sequence[str]) -> None:
    """Change what a queue says itself."""
    set_own(step, queue, changed(queue.settings_text, changes, inherit))


def set_own(step: Step, queue: QueueRow, text: str | None) -> None:
    """Let a queue say this itself, and nothing else."""
    before = step.settings_of(queue)
    queue.settings_text = text
    step.connection.execute(SET_SETTINGS, (text, queue.id))
    _count_anew(step, queue, before)


def configure_namespace(
    step: Step, changes: Mapping[str, Setting], inherit: Sequence[str], actor: Actor | None
) -> NamespaceSettings:
    """Change what holds for queues that do not say otherwise."""
    set_namespace(step, _change(told(step), changes, inherit))
    step.tell("configured", None, None, actor=actor)
    return settings(step)


def set_namespace(step: Step, own: Mapping[str, object]) -> None:
    """Let the namespace say this, as JSON has it, and nothing else."""
    namespace, queues = step.begun(), step.all_queues()
    before = [step.settings_of(queue) for queue in queues]
    step.settings_text = write_own({name: value for name, value in own.items() if name not in PLAN_NAMES})
    step.connection.execute(SET_NAMESPACE_SETTINGS, (step.settings_text, namespace))
    plans = write_own({name: own[name] for name in PLAN_NAMES if name in own})
    if plans:
        step.connection.execute(SET_PLANS, (namespace, plans))
    else:
        step.connection.execute(FORGET_PLANS, (namespace,))
    for queue, known in zip(queues, before, strict=True):
        _count_anew(step, queue, known)


def changed(text: str | None, changes: Mapping[str, Setting], inherit: Sequence[str]) -> str | None:
    """Change settings as they are kept."""
    return write_own(_change(_decode(text), changes, inherit))


def write_own(own: Mapping[str, object]) -> str | None:
    """Write settings, as JSON has them, as they are kept."""
    return msgspec.json.encode(own, order="deterministic").decode() if own else None


def own_names(text: str | None) -> tuple[str, ...]:
    """List the settings that are said, sorted."""
    return tuple(sorted(msgspec.json.decode(text))) if text else ()


def own_messages(text: str | None) -> dict[str, object]:
    """Read the settings that are said, as JSON has them."""
    return {name: setting_message(value) for name, value in checked_settings(_decode(text)).items()}


def _change(own: Mapping[str, object], changes: Mapping[str, Setting], inherit: Sequence[str]) -> dict[str, object]:
    left = {name: value for name, value in own.items() if name not in inherit}
    return {**left, **{name: setting_message(value) for name, value in changes.items()}}


def _decode(text: str | None) -> dict[str, object]:
    return msgspec.json.decode(text) if text else {}


def _count_anew(step: Step, queue: QueueRow, before: QueueSettings) -> None:
    """Let a rate count from now on that was not there before, or is over a longer time."""
    after, pace = step.settings_of(queue), step.pace_of(queue)
    known = pace.rate_since, pace.key_rate_since
    pace.rate_since = _since(step.now, before.rate, after.rate, pace.rate_since)
    pace.key_rate_since = _since(step.now, before.key_rate, after.key_rate, pace.key_rate_since)
    if known != (pace.rate_since, pace.key_rate_since):
        step.connection.execute(SET_SINCE, (pace.rate_since, pace.key_rate_since, queue.id))


def _since(now: int, before: Rate | None, after: Rate | None, since: int | None) -> int | None:
    if after is None:
        return None
    return now if before is None or after.per > before.per else since
