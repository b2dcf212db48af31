"""The settings of queues as fields of a form: an empty one is inherited, `none` says that there is none."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from qless_flask.errors import FieldErrors
from qless_flask.models import SETTING_NAMES, QueueSettings, Setting
from qless_flask.models.queues import setting_message

NONE = "none"
_HINTS = {
    "heartbeat": "Seconds that a lease lives without a heartbeat; none: until it is settled.",
    "retries": "Retries after the first run, for jobs that don't say.",
    "max_losses": "How often a lease may be lost before the job fails.",
    "max_run": "Seconds that a run may take; none: any time.",
    "backoff": "For a retry that names no delay, as JSON.",
    "max_concurrency": "How many of its jobs may run at once; none: any number.",
    "rate": "At most so many pops in so many seconds, as in 100/60; none: any number.",
    "key_concurrency": "How many jobs with the same key may run at once; none: any number.",
    "key_rate": "The rate of jobs with the same key, as in 1/2; none: any.",
    "max_size": "How many jobs may be scheduled, depend or wait; none: any number.",
    "retention": "What is kept of ended jobs, in seconds and numbers, as JSON.",
}
_AS_JSON = frozenset({"backoff", "retention"})
_RATES = frozenset({"rate", "key_rate"})
_WHOLE = re.compile(r"-?[0-9]{1,15}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_RATE = re.compile(r"([0-9]{1,15}) */ *([0-9]{1,15}(?:\.[0-9]{1,15})?)")


@dataclass(frozen=True, slots=True)
class SettingField:
    """A setting in a form."""

    name: str
    label: str
    value: str
    """What it says itself or, if that was refused, what was typed; empty where it says nothing."""
    holds: str
    """What holds now, wherever it comes from."""
    own: bool
    hint: str
    said: tuple[str, ...]
    """What is wrong with what was typed."""
    is_long: bool


def setting_fields(
    settings: QueueSettings,
    own: Collection[str],
    typed: Mapping[str, str] | None = None,
    said: FieldErrors | None = None,
) -> list[SettingField]:
    """Prepare the fields; `typed` and `said` are of a form that was refused."""
    return [_field(name, getattr(settings, name), name in own, typed, said or {}) for name in SETTING_NAMES]


def read_settings(form: Mapping[str, str], own: Collection[str]) -> tuple[dict[str, Any], list[str]]:
    """Read a form: the settings that it says, as `checked_settings` takes them, and those that it gives up."""
    typed = {name: form[name].strip() for name in SETTING_NAMES if name in form}
    changes = {name: _read(name, text) for name, text in typed.items() if text}
    return changes, [name for name, text in typed.items() if not text and name in own]


def show_setting(value: Setting) -> str:
    """Show a setting as it is typed."""
    if value is None:
        return NONE
    message = setting_message(value)
    if not isinstance(message, dict):
        return f"{message:.15g}" if isinstance(message, (int, float)) else json.dumps(message)
    return f"{message['limit']}/{message['per']:.15g}" if message.keys() == {"limit", "per"} else json.dumps(message)


def _field(name: str, value: Setting, own: bool, typed: Mapping[str, str] | None, said: FieldErrors) -> SettingField:
    holds = show_setting(value)
    shown = holds if own else ""
    wrong = [text for field, texts in said.items() if field.split(".")[0] == name for text in _told(field, name, texts)]
    return SettingField(
        name,
        name.replace("_", " "),
        shown if typed is None else typed.get(name, ""),
        holds,
        own,
        _HINTS[name],
        tuple(wrong),
        name in _AS_JSON,
    )


def _told(field: str, name: str, texts: list[str]) -> list[str]:
    inner = field.removeprefix(name).lstrip(".")
    return [f"{inner}: {text}" if inner else text for text in texts]


def _read(name: str, text: str) -> object:
    """Read what was typed; what cannot be read goes on as it is, and is refused by who knows why."""
    if text == NONE:
        return None
    if name in _AS_JSON:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    rate = _RATE.fullmatch(text) if name in _RATES else None
    if rate is not None:
        return {"limit": int(rate[1]), "per": float(rate[2])}
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
