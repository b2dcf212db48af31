"""Settings: those in force as scripts pack them, and as JSON those that a queue or a namespace says itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import msgspec

from qless_flask.backends.store import to_milliseconds, to_seconds
from qless_flask.models import (
    PLAN_NAMES,
    Backoff,
    QueueSettings,
    Rate,
    Retention,
    Setting,
    checked_settings,
    in_force,
    setting_message,
)

LIMITS = 9
"""How many numbers limits are, see lib/tune.lua."""
_DEFAULTS = QueueSettings()


def write_own(own: Mapping[str, Setting]) -> str:
    """Write settings that somebody says itself: '' for none."""
    return msgspec.json.encode({name: setting_message(own[name]) for name in sorted(own)}).decode() if own else ""


def write_shared(own: Mapping[str, Setting]) -> str:
    """Write of what a namespace says itself what queues can be told too."""
    return write_own({name: value for name, value in own.items() if name not in PLAN_NAMES})


def write_plans(own: Mapping[str, Setting]) -> str:
    """Write of what a namespace says itself what no queue can be told: '' for nothing."""
    return write_own({name: own[name] for name in PLAN_NAMES if name in own})


@lru_cache(maxsize=64)
def read_plans(text: str) -> Mapping[str, Setting]:
    """Read what `write_plans` wrote."""
    return MappingProxyType(checked_settings(json.loads(text), namespace=True) if text else {})


@lru_cache(maxsize=1024)
def read_own(text: str) -> Mapping[str, Setting]:
    """Read what `write_own` wrote, or what lib/own.lua makes of a queue that was configured before it did."""
    if text.startswith("="):
        return MappingProxyType(_read_settings(text[1:]))
    return MappingProxyType(checked_settings(json.loads(text)) if text else {})


@lru_cache(maxsize=1024)
def read_in_force(*layers: str) -> QueueSettings:
    """Lay over each other what `write_own` wrote, the last on top."""
    return in_force(*(read_own(layer) for layer in layers))


def pack(settings: QueueSettings) -> tuple[str, str, str]:
    """Write settings in force: what lib/queue.lua reads, the limits, and what is kept; '' for what all have."""
    return _write_settings(settings), _write_limits(settings), _write_kept(settings.retention)


def write_retention(retention: Retention) -> str:
    """Write what is kept of complete, canceled and failed jobs: milliseconds and a number each."""
    kept = (retention.complete, retention.canceled, retention.failed)
    return ",".join(f"{to_milliseconds(each.age)},{each.count}" for each in kept)


def _write_settings(settings: QueueSettings) -> str:
    plain = (settings.heartbeat, settings.retries, settings.max_losses, settings.max_run, settings.backoff)
    if plain == (_DEFAULTS.heartbeat, _DEFAULTS.retries, _DEFAULTS.max_losses, _DEFAULTS.max_run, _DEFAULTS.backoff):
        return ""
    words = [_write_time(settings.heartbeat), str(settings.retries), str(settings.max_losses)]
    if settings.max_run is not None:
        words.append(_write_time(settings.max_run))
    backoff = "" if settings.backoff == _DEFAULTS.backoff else "\n" + json.dumps(settings.backoff.as_message())
    return ",".join(words) + backoff


def _read_settings(packed: str) -> dict[str, Setting]:
    times, _, backoff = packed.partition("\n")
    heartbeat, retries, max_losses, *max_run = times.split(",")
    return {
        "heartbeat": to_seconds(int(heartbeat)) if heartbeat else None,
        "retries": int(retries),
        "max_losses": int(max_losses),
        "max_run": to_seconds(int(max_run[0])) if max_run else None,
        "backoff": Backoff.of(json.loads(backoff)) if backoff else _DEFAULTS.backoff,
    }


def _write_limits(settings: QueueSettings) -> str:
    """Since when a rate counts is left open: lib/since.lua says it."""
    numbers = (
        settings.max_concurrency,
        *_rate(settings.rate),
        settings.key_concurrency,
        *_rate(settings.key_rate),
        settings.max_size,
    )
    return ",".join("" if each is None else str(each) for each in numbers) if any(numbers) else ""


def _rate(rate: Rate | None) -> tuple[int | None, int | None, None]:
    return (rate.limit, to_milliseconds(rate.per), None) if rate else (None, None, None)


def _write_kept(retention: Retention) -> str:
    return "" if retention == _DEFAULTS.retention else write_retention(retention)


def _write_time(seconds: float | None) -> str:
    return "" if seconds is None else str(to_milliseconds(seconds))
