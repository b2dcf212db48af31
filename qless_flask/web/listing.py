"""Listings by name: from where to list, and where the next one goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qless_flask.schemas.noun import Noun
from qless_flask.schemas.values import Text
from qless_flask.web.parsing import QueryWhole

DEFAULT_LIMIT = 1000


class ListQuery(Noun):
    """Behind which name to begin, and how many to list."""

    after = Text()
    limit = QueryWhole()


def next_after(names: Sequence[str], query: Mapping[str, object]) -> str | None:
    """Tell what to ask `after` next; None where the listing has come to its end."""
    return names[-1] if names and len(names) == query.get("limit", DEFAULT_LIMIT) else None
