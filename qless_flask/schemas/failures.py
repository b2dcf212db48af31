"""Groups of failed jobs in figures, on the wire."""

from __future__ import annotations

from qless_flask.models import FailureGroup
from qless_flask.schemas.noun import AnswerNoun, Noun
from qless_flask.schemas.values import Listed, Seconds, Text, Whole


class FailuresSchema(Noun):
    """Which groups to sum up."""

    groups = Listed(Text(), allow_none=True)
    after = Text(allow_none=True)
    limit = Whole()


class FailureGroupSchema(AnswerNoun):
    """The failed jobs of one group."""

    model = FailureGroup

    group = Text(required=True)
    count = Whole(required=True)
    first_at = Seconds(required=True)
    last_at = Seconds(required=True)
    queues = Listed(Text(), required=True)
    klasses = Listed(Text(), required=True)
