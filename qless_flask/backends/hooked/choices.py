"""What is chosen by name, in settings and by jobs: it must be there, take its options, and keep its secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from qless_flask.backends.hooked.calling import broken
from qless_flask.backends.hooked.delays import DEEPEST
from qless_flask.bounds import Checks
from qless_flask.errors import Invalid
from qless_flask.hidden import HIDDEN, shown_host
from qless_flask.hookspecs import Policy, RetryStrategy
from qless_flask.models import Backoff, Chosen, NamespaceSettings, NewJob, Setting, checked_settings, dump_options
from qless_flask.plugins import Plugins
from qless_flask.plugins.record import Record

SECRET_URL = "url"
"""For an option that is an address of which all but the host is secret: `metadata={"secret": "url"}`."""
_NO_SECRET = f"must be given: there is none here for which {HIDDEN} could stand"


class Choices:
    """What the plugins have to choose among."""

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins

    def check_jobs(self, jobs: Sequence[NewJob], places: Sequence[str]) -> None:
        """Raise Invalid unless each back-off of these jobs can be had; `places` are their fields."""
        check = Checks()
        for place, job in zip(places, jobs, strict=True):
            if job.backoff is not None:
                self._check_backoff(check, f"{place}.backoff", job.backoff)
        check.done()

    def of_queue(self, changes: Mapping[str, Setting]) -> Mapping[str, Setting]:
        """Check what a queue is told. Raise Invalid."""
        if "backoff" not in changes:
            return changes
        checked = checked_settings(changes)
        check = Checks()
        self._check_settings(check, checked)
        check.done()
        return checked

    def of_namespace(self, changes: Mapping[str, Setting], old: NamespaceSettings) -> Mapping[str, Setting]:
        """Check what a namespace is told, and put in the secrets that are to stay. Raise Invalid."""
        told: dict[str, Any] = checked_settings(changes, namespace=True)
        check = Checks()
        for name, kinds, build in (
            ("policies", self._plugins.policies, self._plugins.policy),
            ("trackers", self._plugins.trackers, self._plugins.tracker),
        ):
            if name not in told:
                continue
            there = {each.id: each for each in getattr(old, name)}
            found: list[Chosen] = []
            for index, each in enumerate(told[name]):
                chosen, missing = _unhidden(each, there.get(each.id), kinds)
                for option in missing:
                    check.wrong(f"{name}.{index}.{option}", _NO_SECRET)
                if not missing:
                    # What it takes is asked only of one that is whole: stars are no secret of its kind.
                    self._check_built(check, f"{name}.{index}", build, chosen)
                found.append(chosen)
            told[name] = tuple(found)
        for klass, backoff in told.get("klass_backoff", {}).items():
            self._check_backoff(check, f"klass_backoff.{klass}", backoff)
        self._check_settings(check, told)
        check.done()
        return told

    def shown(self, settings: NamespaceSettings) -> NamespaceSettings:
        """Hide the secrets."""
        if not settings.policies and not settings.trackers:
            return settings
        return replace(
            settings,
            policies=tuple(_hidden(each, self._plugins.policies) for each in settings.policies),
            trackers=tuple(_hidden(each, self._plugins.trackers) for each in settings.trackers),
        )

    def _check_settings(self, check: Checks, settings: Mapping[str, Setting]) -> None:
        backoff = settings.get("backoff")
        if isinstance(backoff, Backoff):
            self._check_backoff(check, "backoff", backoff)

    def _check_built(self, check: Checks, place: str, build: Any, chosen: Chosen) -> None:
        try:
            built = build(chosen)
        except Invalid as error:
            check.merge(place, error.fields)
            return
        if isinstance(built, Policy):
            record = self._plugins.record_of("policies", chosen.name)
            for field, backoff in _backoffs(record, f"policy {chosen.id}", built).items():
                self._check_backoff(check, f"{place}.{field}", backoff)

    def _check_backoff(self, check: Checks, place: str, backoff: Backoff, asked: int = 1) -> None:
        """Check a back-off, of which `asked - 1` may leave it to it, and those that it may leave it to."""
        if asked > DEEPEST:
            check.wrong(place, f"is one too many: at most {DEEPEST} back-offs are asked, one after the other")
            return
        try:
            strategy = self._plugins.strategy(backoff)
        except Invalid as error:
            check.merge(place, error.fields)
            return
        record = self._plugins.record_of("strategies", backoff.strategy)
        for field, each in _backoffs(record, f"retry strategy {backoff.strategy}", strategy).items():
            self._check_backoff(check, f"{place}.{field}", each, asked + 1)


def _backoffs(record: Record, what: str, built: Policy | RetryStrategy) -> dict[str, Backoff]:
    """Ask which back-offs it names. Raise PluginError where it names none, but fails."""
    try:
        named = dict(built.backoffs())
        if not all(isinstance(each, Backoff) for each in named.values()):
            raise TypeError(f"backoffs answered {named!r:.200}")
    except Exception as error:
        record.failed(what, error, 0.0)
        raise broken(record, what, error) from error
    return named


def _shown_secrets(kind: type | None, options: Mapping[str, Any]) -> dict[str, str]:
    """Tell what is shown of the options that are secret; of what is not known here, of all that may be."""
    if kind is None:
        return {name: HIDDEN for name, value in options.items() if isinstance(value, (str, list, dict))}
    if not is_dataclass(kind):
        return {}
    secrets = {each.name: each.metadata.get("secret") for each in fields(kind)}
    return {
        name: _shown(secrets[name], value) for name, value in options.items() if secrets.get(name) and value is not None
    }


def _shown(secret: object, value: object) -> str:
    return shown_host(value) if secret == SECRET_URL and isinstance(value, str) else HIDDEN


def _hidden(chosen: Chosen, kinds: Mapping[str, type]) -> Chosen:
    options = json.loads(chosen.options)
    shown = _shown_secrets(kinds.get(chosen.name), options)
    return replace(chosen, options=dump_options(options | shown)) if shown else chosen


def _unhidden(chosen: Chosen, old: Chosen | None, kinds: Mapping[str, type]) -> tuple[Chosen, list[str]]:
    """Put in the secrets that were; name those that were not there."""
    kind, options = kinds.get(chosen.name), json.loads(chosen.options)
    shown = _shown_secrets(kind, options)
    stars = {name for name, value in shown.items() if _stands_for(options[name], value)}
    if not stars:
        return chosen, []
    there = json.loads(old.options) if old is not None and old.name == chosen.name else {}
    seen = _shown_secrets(kind, there)
    known = {name: there[name] for name in stars if name in seen and options[name] in (HIDDEN, seen[name])}
    return replace(chosen, options=dump_options(options | known)), sorted(stars - known.keys())


def _stands_for(given: Any, shown: str) -> bool:
    # A secret that is shown in part is a URL: the stars are the end of it, whatever else was changed.
    return bool(given == HIDDEN or (shown != HIDDEN and given.endswith(f"/{HIDDEN}")))
