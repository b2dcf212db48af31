"""Queues and workers, as scripts sum them up, and the settings that they are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from qless_flask.backends.redis.scripts import Argument, Reply
from qless_flask.backends.redis.settings import (
    pack,
    read_in_force,
    read_own,
    read_plans,
    write_own,
    write_plans,
    write_shared,
)
from qless_flask.backends.store import to_seconds
from qless_flask.models import NamespaceSettings, Queue, Setting, Worker, in_force, namespace_settings

Ask = Callable[..., Reply]
"""Runs a script by its name, with these arguments."""


def configure(read: Ask, write: Ask, queue: str, actor: str, change: Change) -> Queue:
    """Change the settings of a queue, working out anew what is in force where another was faster."""
    while True:
        version, _, shared, _, *rows = cast("list[bytes]", read("settings", "named", queue))
        [[_, own]] = cast("list[list[bytes]]", rows)
        text = write_own(change(read_own(own.decode())))
        packed = pack(in_force(read_own(shared.decode()), read_own(text)))
        reply = write("configure", actor, queue, version, text, *packed)
        if reply != b"CHANGED":
            return read_queue(reply)


def configure_namespace(read: Ask, write: Ask, actor: str, change: Change) -> None:
    """Change the settings of a namespace, and thereby of all its queues that do not say otherwise."""
    while True:
        version, _, shared, plans, *rows = cast("list[bytes]", read("settings", "all"))
        own = change(read_told(shared, plans))
        text, packed = write_shared(own), pack(in_force(own))
        reply = write("configure_namespace", actor, version, text, write_plans(own), *packed, *inherited(text, rows))
        if reply != b"CHANGED":
            return


def inherited(text: str, rows: Sequence[Reply]) -> list[Argument]:
    """Write what is in force in queues, each read with what it says itself, under what their namespace says."""
    words: list[Argument] = []
    for name, own in cast("list[list[bytes]]", rows):
        words += [name, *pack(in_force(read_own(text), read_own(own.decode())))]
    return words


def changed_by(changes: Mapping[str, Setting], inherit: Sequence[str]) -> Change:
    """Make a change of what somebody says himself: without what he inherits from now on, and with what is set."""

    def change(own: Mapping[str, Setting]) -> Mapping[str, Setting]:
        return {**{name: value for name, value in own.items() if name not in inherit}, **changes}

    return change


Change = Callable[[Mapping[str, Setting]], Mapping[str, Setting]]


def read_namespace(reply: Reply) -> NamespaceSettings:
    """Read what settings.lua answers."""
    _, frozen, shared, plans, *_ = cast("list[bytes]", reply)
    return namespace_settings(read_told(shared, plans), bool(frozen))


def read_told(shared: bytes | None, plans: bytes | None) -> Mapping[str, Setting]:
    """Read all that a namespace says itself."""
    return {**read_own((shared or b"").decode()), **read_plans((plans or b"").decode())}


def read_queue(reply: Reply) -> Queue:
    """Read a queue as lib/summary sums it up."""
    name, paused, shared, own, *counts, oldest = cast("list[bytes | int]", reply)
    scheduled, depends, waiting, running, stalled, complete, failed, canceled = cast("list[int]", counts)
    said = cast(bytes, own).decode()
    return Queue(
        name=cast(bytes, name).decode(),
        paused=bool(paused),
        scheduled=scheduled,
        depends=depends,
        waiting=waiting,
        running=running,
        stalled=stalled,
        complete=complete,
        failed=failed,
        canceled=canceled,
        oldest_wait=to_seconds(oldest) if isinstance(oldest, int) else None,
        settings=read_in_force(cast(bytes, shared).decode(), said),
        own=tuple(sorted(read_own(said))),
    )


def read_worker(reply: Reply) -> Worker:
    """Read a worker: its name; when it was seen, with the letters of what it is asked, and what it offers; how much it
    runs."""
    name, kept, running = cast("list[bytes]", reply)
    seen, _, offered = kept.decode().partition("\t")
    at = seen.rstrip("qs")
    wishes = seen[len(at) :]
    return Worker(
        name.decode(),
        int(running),
        to_seconds(int(at)),
        quiet="q" in wishes,
        stop="s" in wishes,
        capabilities=tuple(offered.split("\x1f")) if offered else (),
    )
