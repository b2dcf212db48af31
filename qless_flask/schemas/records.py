"""Upkeep, leaders and records on the wire."""

from __future__ import annotations

from qless_flask.models import Promoted, Pruned
from qless_flask.schemas.noun import AnswerNoun, Noun
from qless_flask.schemas.values import Flag, Seconds, Text, Whole


class LimitSchema(Noun):
    """How much to do at most."""

    limit = Whole()


class PromotedSchema(AnswerNoun):
    """What a step of promote did."""

    model = Promoted

    promoted = Whole(required=True)
    lost = Whole(required=True)
    more = Flag(required=True)
    expired = Whole(required=True)
    told = Whole(required=True)


class PrunedSchema(AnswerNoun):
    """What a step of prune did."""

    model = Pruned

    jobs = Whole(required=True)
    more = Flag(required=True)


class LeadSchema(Noun):
    """Who would lead, in what, for how long."""

    role = Text(required=True)
    holder = Text(required=True)
    seconds = Seconds(required=True)


class RememberSchema(Noun):
    """A record, as it is to be and as it is expected to be."""

    sparse = False

    name = Text(required=True)
    value = Text(required=True, allow_none=True)
    expected = Text(required=True, allow_none=True)


class RecallSchema(Noun):
    """The record to read."""

    name = Text(required=True)
