"""Tags in figures, and all that is tracked, on the wire."""

from __future__ import annotations

from typing import Any

from marshmallow import pre_dump

from qless_flask.models import Tag, Tracked
from qless_flask.schemas.byhand import ByHandSchema
from qless_flask.schemas.jobs import JobSchema
from qless_flask.schemas.noun import AnswerNoun, Noun
from qless_flask.schemas.values import Flag, Listed, Object, One, Seconds, Text, Whole


class MeanSchema(AnswerNoun):
    """How long something took."""

    mean = Seconds(required=True, allow_none=True)


class TagSchema(AnswerNoun):
    """A tag, and how many of its jobs are in each state."""

    name = Text(data_key="tag", required=True)
    tracked = Flag(required=True)
    states = Object(required=True)
    wait = One(MeanSchema, required=True)
    run = One(MeanSchema, required=True)

    def make(self, values: dict[str, Any]) -> object:
        wait, run = values.pop("wait"), values.pop("run")
        return Tag(**values, wait_mean=wait["mean"], run_mean=run["mean"])

    @pre_dump
    def _gather_means(self, tag: Tag, **kwargs: Any) -> dict[str, Any]:
        own = {name: getattr(tag, name) for name in ("name", "tracked", "states")}
        return {**own, "wait": {"mean": tag.wait_mean}, "run": {"mean": tag.run_mean}}


class TagsSchema(Noun):
    """Which tags to sum up."""

    names = Listed(Text(), allow_none=True)
    after = Text(allow_none=True)
    limit = Whole()


class TrackSchema(ByHandSchema):
    """The tag to follow, or no longer to follow."""

    tag = Text(required=True)
    on = Flag()


class TrackedSchema(AnswerNoun):
    """All that is tracked."""

    model = Tracked

    jobs = Listed(One(JobSchema), required=True)
    tags = Listed(One(TagSchema), required=True)
