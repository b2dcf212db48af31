"""Tags are counted, tracked and untracked; what is tracked stands on a page of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from test_web.visitors import Visitor

from qless_flask.backends.base import Namespace
from qless_flask.models import Changes, NewJob, Role

TAGS = "/namespaces/shop/tags"
RED = f"{TAGS}/red%2Fhot"
TRACKED = "/namespaces/shop/tracked"


@pytest.fixture(autouse=True)
def jobs(namespace: Namespace) -> None:
    """Jobs of two tags, of which `blue` has more."""
    namespace.put([NewJob("Crawl", queue="fetch", jid="first", tags=("red/hot", "blue"))])
    namespace.put([NewJob("Crawl", queue="fetch", tags=("blue",)) for _ in range(2)])


def test_tags_stand_by_how_many_jobs_they_have(visitor: Visitor) -> None:
    page = visitor.open(TAGS).text

    assert page.index(f'href="{TAGS}/blue"') < page.index(f'href="{RED}"')
    assert 'href="/namespaces/shop/jobs?filter=state%3Awaiting%20tag%3Ablue">3</a>' in page


def test_a_tag_shows_its_jobs_by_state(visitor: Visitor) -> None:
    assert (
        'tag%3Ablue"><span class="name">waiting</span> <span class="value">3</span>'
        in visitor.open(f"{TAGS}/blue").text
    )


def test_a_tag_is_tracked_and_untracked(namespace: Namespace, visitor: Visitor) -> None:
    assert visitor.send(f"{RED}/track", page=RED, on="yes").headers["Location"] == RED
    assert [tag.name for tag in namespace.tracked().tags] == ["red/hot"]
    assert f'href="{RED}"' in visitor.open(TRACKED).text

    answer = visitor.send(f"{RED}/track", page=RED, on="no", back=TRACKED)

    assert answer.headers["Location"] == TRACKED
    assert namespace.tracked().tags == ()


def test_a_tracked_job_is_untracked_where_it_is_listed(namespace: Namespace, visitor: Visitor) -> None:
    namespace.update(["first"], Changes(tracked=True))
    page = visitor.open(TRACKED).text
    assert 'href="/namespaces/shop/jobs/first"' in page
    assert 'action="/namespaces/shop/jobs/first/update"' in page

    visitor.send("/namespaces/shop/jobs/first/update", page=TRACKED, tracked="no", back=TRACKED)

    assert namespace.tracked().jobs == ()
    assert "Nothing is tracked" in visitor.open(TRACKED).text


def test_who_may_not_steer_is_offered_nothing(namespace: Namespace, visitor_as: Callable[[Role], Visitor]) -> None:
    namespace.update(["first"], Changes(tracked=True))
    namespace.track("blue")
    visitor = visitor_as("producer")

    for path in (TAGS, RED, TRACKED):
        assert 'method="post"' not in visitor.open(path).text


def test_without_tags_it_says_where_they_come_from(visitor: Visitor) -> None:
    assert "No tags yet" in visitor.open("/namespaces/empty/tags").text
