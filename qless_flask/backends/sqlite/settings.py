"""Settings, the namespace's and its queues': kept as JSON of what each says itself, laid over each other when read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from qless_flask.backends.sqlite.figure_statements import SET_NAMESPACE_SETTINGS, SET_SINCE
from qless_flask.backends.sqlite.look import Look, QueueRow, read_settings
from qless_flask.backends.sqlite.statements import SET_SETTINGS
from qless_flask.backends.sqlite.step import Step
from qless_flask.models import Actor, NamespaceSettings, QueueSettings, Rate, Setting, setting_message


def settings(look: Look) -> NamespaceSettings:
    """Read what holds for queues that do not say otherwise."""
    text = look.settings_text
    return NamespaceSettings(read_settings(text), own_names(text), bool(look.frozen))


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
    set_namespace(step, changed(step.settings_text, changes, inherit))
    step.tell("configured", None, None, actor=actor)
    return settings(step)


def set_namespace(step: Step, text: str | None) -> None:
    """Let the namespace say this, and nothing else."""
    namespace, queues = step.begun(), step.all_queues()
    before = [step.settings_of(queue) for queue in queues]
    step.settings_text = text
    step.connection.execute(SET_NAMESPACE_SETTINGS, (text, namespace))
    for queue, known in zip(queues, before, strict=True):
        _count_anew(step, queue, known)


def changed(text: str | None, changes: Mapping[str, Setting], inherit: Sequence[str]) -> str | None:
    """Change settings as they are kept."""
    own = {name: value for name, value in (msgspec.json.decode(text) if text else {}).items() if name not in inherit}
    return write_own({**own, **{name: setting_message(value) for name, value in changes.items()}})


def write_own(own: Mapping[str, object]) -> str | None:
    """Write settings, as JSON has them, as they are kept."""
    return msgspec.json.encode(own, order="deterministic").decode() if own else None


def own_names(text: str | None) -> tuple[str, ...]:
    """List the settings that are said, sorted."""
    return tuple(sorted(msgspec.json.decode(text))) if text else ()


def own_messages(text: str | None) -> dict[str, object]:
    """Read the settings that are said, as JSON has them."""
    said = read_settings(text)
    return {name: setting_message(getattr(said, name)) for name in own_names(text)}


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
