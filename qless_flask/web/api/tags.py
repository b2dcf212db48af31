"""Tags, and all that is tracked."""

from __future__ import annotations

from flask import Response

from qless_flask.schemas.noun import Noun
from qless_flask.schemas.operations import OPERATIONS, NoArguments
from qless_flask.schemas.tags import TagSchema
from qless_flask.schemas.values import Text
from qless_flask.web.answers import answer
from qless_flask.web.listing import ListQuery, next_after
from qless_flask.web.parsing import load_body, load_query
from qless_flask.web.persons import ByHand
from qless_flask.web.service import perform
from qless_flask.web.views import Views

views = Views()


class TagPath(Noun):
    """The tag in the path."""

    tag = Text(required=True)


class TagByHand(ByHand):
    """What is done to the tag in the path."""

    tag = Text(required=True)


@views.get("/tags", "tags")
def list_tags() -> Response:
    """Sum tags up, by name."""
    query = load_query(_LIST_QUERY)
    tags = perform("tags", **query)
    return answer({**OPERATIONS["tags"].dump_answer(tags), "next": next_after([tag.name for tag in tags], query)})


@views.get("/tags/<path:tag>", "tags")
def get_tag() -> Response:
    """Sum one tag up."""
    [tag] = perform("tags", names=[load_query(_TAG_PATH)["tag"]])
    return answer(_TAG.dump(tag))


@views.put("/tags/<path:tag>/tracked", "track")
def track_tag() -> Response:
    """Follow a tag."""
    return answer(_TAG.dump(perform("track", on=True, **load_body(_BY_HAND))))


@views.delete("/tags/<path:tag>/tracked", "track")
def untrack_tag() -> Response:
    """Follow a tag no longer."""
    return answer(_TAG.dump(perform("track", on=False, **load_query(_BY_HAND))))


@views.get("/tracked", "tracked")
def get_tracked() -> Response:
    """Tell the state of all that is tracked."""
    return answer(OPERATIONS["tracked"].dump_answer(perform("tracked", **load_query(_NO_QUERY))))


_NO_QUERY, _LIST_QUERY, _TAG_PATH, _BY_HAND, _TAG = NoArguments(), ListQuery(), TagPath(), TagByHand(), TagSchema()
