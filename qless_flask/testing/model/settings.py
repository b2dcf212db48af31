"""What the model's namespace itself is told: settings, freezes, and its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from qless_flask.errors import Frozen, NotEmpty
from qless_flask.models import Actor, Erased, NamespaceSettings, Setting, namespace_settings
from qless_flask.testing.model import limits
from qless_flask.testing.model.world import World


def show(world: World) -> NamespaceSettings:
    """Tell what the namespace was told."""
    return namespace_settings(world.own, world.frozen)


def configure_queue(
    world: World, queue: str, changes: Mapping[str, Setting], inherit: Sequence[str], actor: Actor | None
) -> None:
    """Change the settings of a queue."""
    record, before = world.know(queue), world.settings_of(queue)
    record.own = _changed(record.own, changes, inherit)
    limits.settings_changed(world, queue, before)
    world.log("configured", queue, actor=actor)


def configure(world: World, changes: Mapping[str, Setting], inherit: Sequence[str], actor: Actor | None) -> None:
    """Change the settings of all queues that do not say otherwise."""
    world.begun = True
    before = {queue: world.settings_of(queue) for queue in world.queues}
    world.own = _changed(world.own, changes, inherit)
    for queue, settings in before.items():
        limits.settings_changed(world, queue, settings)
    world.log("configured", None, actor=actor)


def freeze(world: World, name: str, on: bool, actor: Actor | None) -> None:
    """Make the namespace read-only, or thaw it."""
    if world.erasing and not on:
        raise Frozen.about(name)
    if on == world.frozen:
        return
    world.begun, world.frozen, world.loaded_numbers = True, on, {}
    world.log("frozen" if on else "thawed", None, actor=actor)
    world.touched += [job.queue for job in world.jobs.values() if job.state == "waiting"]


def erase(world: World, name: str, confirmed: bool, limit: int, actor: Actor | None) -> Erased:
    """Delete up to so many jobs or, once there are none, all the rest."""
    if not world.begun:
        return Erased(0, None)
    if not world.erasing:
        if (world.jobs or world.recurrences) and not confirmed:
            raise NotEmpty.namespace(name)
        world.frozen = world.erasing = True
        world.log("erased", None, actor=actor)
    deleted = list(islice(world.jobs, limit))
    for jid in deleted:
        del world.jobs[jid]
    if world.jobs:
        return Erased(len(deleted), "jobs")
    world.begin_anew()
    return Erased(len(deleted) + 1, None)


def _changed(own: Mapping[str, Setting], changes: Mapping[str, Setting], inherit: Sequence[str]) -> dict[str, Setting]:
    return {name: value for name, value in own.items() if name not in inherit} | dict(changes)
