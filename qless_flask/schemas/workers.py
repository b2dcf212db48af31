"""Workers on the wire."""

from __future__ import annotations

from qless_flask.models import Worker
from qless_flask.schemas.byhand import ByHandSchema
from qless_flask.schemas.noun import AnswerNoun
from qless_flask.schemas.values import Flag, Listed, Seconds, Text, Whole


class WorkerSchema(AnswerNoun):
    """A worker that has popped lately."""

    model = Worker

    name = Text(required=True)
    running = Whole(required=True)
    seen_at = Seconds(required=True)
    quiet = Flag(required=True)
    stop = Flag(required=True)
    capabilities = Listed(Text(), required=True)


class AskSchema(ByHandSchema):
    """The worker to ask, or no longer to ask."""

    worker = Text(required=True)
    on = Flag()
