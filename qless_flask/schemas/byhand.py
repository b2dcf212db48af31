"""What is done to jobs and queues by hand, as it comes over the wire."""

from __future__ import annotations

from qless_flask.models import Actor
from qless_flask.schemas.jobs import ChangesSchema
from qless_flask.schemas.noun import Noun
from qless_flask.schemas.values import Listed, Object, One, Seconds, Text


class ActorSchema(Noun):
    """Who does it, and from which address."""

    model = Actor

    name = Text(required=True)
    address = Text(allow_none=True)


class JidsSchema(Noun):
    """The jobs to cancel or to time out."""

    jids = Listed(Text(), required=True)
    actor = One(ActorSchema, allow_none=True)


class MoveSchema(JidsSchema):
    """The jobs to move, and to which queue."""

    queue = Text(required=True)
    delay = Seconds()


class UpdateSchema(JidsSchema):
    """The jobs to change, and what of them."""

    changes = One(ChangesSchema, required=True)


class OneQueueSchema(Noun):
    """The queue to pause, resume or forget."""

    queue = Text(required=True)
    actor = One(ActorSchema, allow_none=True)


class ConfigureSchema(OneQueueSchema):
    """The queue to configure, and its settings by name."""

    changes = Object(required=True)
