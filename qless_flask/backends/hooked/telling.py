"""What a namespace keeps for its trackers and policies: it comes and goes with the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from qless_flask.backends.base import Namespace
from qless_flask.backends.readers import forget_tracker, move_reader, place_of, register_reader, tracker_reader
from qless_flask.models import Chosen, NamespaceSettings, Setting, kept_name


class Telling:
    """Round a change of settings: registers the readers of new trackers before it, and deletes the others after it.

    So nothing goes past a tracker once its namespace has said that it has it. Where the change is refused, each tracker
    is left where it was, with what it has kept.
    """

    def __init__(
        self, namespace: Namespace, old: NamespaceSettings, changes: Mapping[str, Setting], inherit: Sequence[str]
    ) -> None:
        self._namespace = namespace
        kept: Any = changes.get("trackers", () if "trackers" in inherit else old.trackers)
        # What is frozen refuses the change, and some of what is done round it too.
        before, after = _named(old.trackers), _named(old.trackers if old.frozen else kept)
        self._coming = [id for id in after if after[id] != before.get(id)]
        self._going = [id for id in before if before[id] != after.get(id)]
        self._replaced: dict[str, tuple[str | None, str | None]] = {}

    def __enter__(self) -> Telling:
        for id in set(self._coming) & set(self._going):
            # Another tracker under the same id is another reader, which begins now.
            place = place_of(self._namespace, tracker_reader(id))
            self._replaced[id] = place, self._namespace.recall(kept_name(id))
            forget_tracker(self._namespace, id)
        self._coming = [id for id in self._coming if place_of(self._namespace, tracker_reader(id)) is None]
        for id in self._coming:
            register_reader(self._namespace, tracker_reader(id))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for id in set(self._going) - set(self._coming) if error is None else self._coming:
            forget_tracker(self._namespace, id)
        if error is not None:
            for id, (place, kept) in self._replaced.items():
                _restore(self._namespace, id, place, kept)


def forget_policies(namespace: Namespace, old: NamespaceSettings, new: NamespaceSettings) -> None:
    """Delete what policies remembered that are there no longer."""
    before, after = _named(old.policies), _named(new.policies)
    for id in before:
        if before[id] != after.get(id):
            name = f"policy:{id}"
            seen = namespace.recall(name)
            while seen is not None and not namespace.remember(name, None, seen):
                seen = namespace.recall(name)


def _restore(namespace: Namespace, id: str, place: str | None, kept: str | None) -> None:
    if kept is not None:
        namespace.remember(kept_name(id), kept, None)
    if place is not None:
        move_reader(namespace, tracker_reader(id), place, None)


def _named(chosen: Sequence[Chosen]) -> dict[str, str]:
    return {each.id: each.name for each in chosen}
