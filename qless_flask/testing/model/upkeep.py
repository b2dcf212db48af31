"""What the model does in the background for jobs that wait for their time."""

from __future__ import annotations

from qless_flask.models import Promoted
from qless_flask.testing.model.world import World


def promote(world: World, limit: int) -> Promoted:
    """Attend to all queues, in steps of one job, up to a limit; then tell dependents that are left."""
    if world.frozen:
        return Promoted(0, 0, more=False)
    expired = lost = promoted = 0
    for queue in sorted(world.queues):
        for job in world.expired(queue)[: limit - expired - lost - promoted]:
            world.expire(job)
            expired += 1
        for job in world.lost(queue)[: limit - expired - lost - promoted]:
            world.take_back(job)
            lost += 1
        for job in world.due(queue)[: limit - expired - lost - promoted]:
            world.promote(job)
            promoted += 1
    told = world.tell_dependents(world.untold, limit - expired - lost - promoted)
    more = any(world.expired(queue) or world.lost(queue) or world.due(queue) for queue in world.queues)
    return Promoted(promoted, lost, more or bool(world.untold), expired, told)
