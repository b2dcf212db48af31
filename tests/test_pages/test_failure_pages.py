"""Failures are listed by what jobs died of, and a group leads to what can be done to all of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from test_web.visitors import Visitor, form_token

from qless_flask.backends.base import Namespace
from qless_flask.models import Fail, NewJob, Role
from qless_flask.testing import ManualClock

LIST = "/namespaces/shop/failures"


def fail(namespace: Namespace, group: str, message: str = "", queue: str = "fetch", count: int = 1) -> None:
    namespace.put([NewJob("Crawl", queue=queue) for _ in range(count)])
    leases = namespace.pop([queue], "ann", count).leases
    namespace.settle([Fail(lease, group=group, message=message) for lease in leases])


def listed(visitor: Visitor, query: str = "") -> list[str]:
    page = visitor.open(LIST + query).text
    return [part.split("<")[0] for part in page.split(" data-open>")[1:]]


class TestList:
    @pytest.fixture(autouse=True)
    def failed(self, namespace: Namespace, clock: ManualClock) -> None:
        """Three groups: `many` has most jobs, `new` the latest."""
        fail(namespace, "old")
        clock.advance(60)
        fail(namespace, "many", count=3)
        clock.advance(60)
        fail(namespace, "new", queue="parse")

    def test_the_group_that_a_job_failed_in_last_stands_first(self, visitor: Visitor) -> None:
        assert listed(visitor) == ["new", "many", "old"]

    def test_it_is_ordered_as_asked(self, visitor: Visitor) -> None:
        assert listed(visitor, "?order=jobs")[0] == "many"
        assert listed(visitor, "?order=first") == ["old", "many", "new"]
        assert listed(visitor, "?order=name") == ["many", "new", "old"]

    def test_a_part_of_the_name_picks(self, visitor: Visitor) -> None:
        assert listed(visitor, "?name=OL") == ["old"]
        assert "None has “&lt;nix&gt;” in its name" in visitor.open(f"{LIST}?name=<nix>").text

    def test_the_count_leads_to_the_jobs_and_a_button_to_the_question(self, visitor: Visitor) -> None:
        page = visitor.open(LIST).text

        assert 'href="/namespaces/shop/jobs?filter=state%3Afailed%20group%3Amany"' in page
        assert 'href="/namespaces/shop/change?filter=state:failed+group:many&amp;action=retry"' in page

    def test_who_may_not_change_jobs_is_offered_nothing(self, visitor_as: Callable[[Role], Visitor]) -> None:
        assert "/change?" not in visitor_as("viewer").open(LIST).text

    def test_fifty_stand_on_a_page(self, namespace: Namespace, visitor: Visitor) -> None:
        for number in range(60):
            fail(namespace, f"g{number:02}")

        assert len(listed(visitor)) == 50
        assert len(listed(visitor, "?page=2")) == 13


def test_without_failures_it_says_so(visitor: Visitor) -> None:
    assert "Nothing has failed" in visitor.open(LIST).text


class TestGroup:
    def test_it_shows_what_its_jobs_died_of_the_latest_first(
        self, namespace: Namespace, visitor: Visitor, clock: ManualClock
    ) -> None:
        fail(namespace, "a/b", "the first")
        clock.advance(1)
        fail(namespace, "a/b", "Traceback:\n" + "x" * 400 + "\nKeyError: the second\n")

        page = visitor.open(f"{LIST}/a%2Fb").text

        assert page.index("KeyError: the second") < page.index("the first")
        assert "Traceback" not in page

    def test_all_of_its_jobs_are_run_again_by_what_it_leads_to(self, namespace: Namespace, visitor: Visitor) -> None:
        fail(namespace, "broken", count=2)
        question = "/namespaces/shop/change?filter=state:failed+group:broken&action=retry"
        assert question.replace("&", "&amp;") in visitor.open(f"{LIST}/broken").text
        form = {"filter": "state:failed group:broken", "action": "retry", "value": "", "count": "2"}

        visitor.post("/namespaces/shop/change", {"csrf": form_token(visitor.open(question)), **form})

        [queue] = namespace.queues(["fetch"])
        assert (queue.failed, queue.waiting) == (0, 2)

    def test_one_that_no_job_is_in_any_more_says_so(self, visitor: Visitor) -> None:
        answer = visitor.open(f"{LIST}/nix")

        assert answer.status_code == 404
        assert "No job is failed as this now" in answer.text
