"""The overview says first whether anything is wrong, then how each queue does, and leads on from every figure."""

from __future__ import annotations

from collections.abc import Callable

from test_web.visitors import Visitor

from qless_flask.backends.base import Backend, Namespace
from qless_flask.models import Complete, Fail, NewJob, Role
from qless_flask.testing import ManualClock

HERE = "/namespaces/shop/"


def put(namespace: Namespace, queue: str, count: int) -> None:
    namespace.put([NewJob("Crawl", queue=queue) for _ in range(count)])


class TestFigures:
    def test_each_queue_stands_there_with_its_counts_which_lead_to_its_jobs(
        self, namespace: Namespace, visitor: Visitor
    ) -> None:
        put(namespace, "fetch", 1_000)
        put(namespace, "fetch", 234)
        namespace.settle([Fail(lease, group="x") for lease in namespace.pop(["fetch"], "ann", 4)])

        page = visitor.open(HERE).text

        assert 'href="/namespaces/shop/queues/fetch"' in page
        assert 'href="/namespaces/shop/jobs?filter=state%3Awaiting%20queue%3Afetch" data-live' in page
        assert 'data-live="queues.fetch.waiting">1,230<' in page
        assert 'data-live="queues.fetch.failed">4<' in page
        assert 'data-live="total.waiting">1,230<' in page

    def test_what_was_completed_lately_is_drawn_and_said_in_words(
        self, namespace: Namespace, clock: ManualClock, visitor: Visitor
    ) -> None:
        put(namespace, "fetch", 30)
        namespace.settle([Complete(lease) for lease in namespace.pop(["fetch"], "ann", 30)])
        clock.advance(60)

        page = visitor.open(HERE).text

        assert 'aria-label="30 completed and 0 failed in the last 60 minutes, 30 completed in the best of them"' in page
        assert 'data-live="queues.fetch.rate">3.0<' in page

    def test_of_many_queues_it_shows_the_fifty_with_the_most_to_do_by_name(
        self, namespace: Namespace, visitor: Visitor
    ) -> None:
        namespace.put(
            [NewJob("Crawl", queue=f"q{number:03}") for number in range(60) for _ in range(1 + (number >= 10))]
        )

        answer = visitor.open(HERE)

        shown = [number for number in range(60) if f">q{number:03}</a>" in answer.text]
        assert shown == list(range(10, 60))
        assert "The 50 with the most to do of 60." in answer.text
        assert len(answer.data) < 200_000

    def test_a_page_loaded_anew_shows_what_is_there_now(self, namespace: Namespace, visitor: Visitor) -> None:
        put(namespace, "fetch", 1)
        visitor.open(HERE)
        put(namespace, "fetch", 1)

        assert 'data-live="queues.fetch.waiting">2<' in visitor.open(HERE).text


class TestWarnings:
    def test_what_is_wrong_is_said_and_leads_to_its_queue(
        self, namespace: Namespace, clock: ManualClock, visitor: Visitor
    ) -> None:
        put(namespace, "fetch", 2)
        clock.advance(600)

        page = visitor.open(HERE).text

        assert '<a href="/namespaces/shop/queues/fetch">2 jobs wait in fetch, and nobody has popped' in page
        assert "2 wrong</span>" in page  # That, and that no scheduler runs.

    def test_where_only_the_scheduler_is_missing_that_alone_is_said(
        self, namespace: Namespace, visitor: Visitor
    ) -> None:
        put(namespace, "fetch", 2)

        page = visitor.open(HERE).text

        assert "1 wrong</span>" in page
        assert "no scheduler has ever run" in page


class TestNothingYet:
    def test_an_empty_namespace_says_how_to_put_the_first_job(self, visitor: Visitor) -> None:
        page = visitor.open(HERE).text

        assert "curl http://localhost/api/v1/namespaces/shop/queues/hello/jobs" in page

    def test_who_may_put_nothing_is_not_told_how(self, visitor_as: Callable[[Role], Visitor]) -> None:
        page = visitor_as("viewer").open(HERE).text

        assert "No queues yet" in page
        assert "curl" not in page


class TestNavigation:
    def test_each_page_leads_to_the_same_page_of_the_other_namespaces(
        self, namespace: Namespace, backend: Backend, visitor: Visitor
    ) -> None:
        put(namespace, "fetch", 1)
        put(backend.namespace("other"), "fetch", 1)

        assert 'href="/namespaces/other/queues"' in visitor.open(HERE + "queues").text
        assert 'href="/namespaces/other/queues"' in visitor.open(HERE + "queues/fetch").text
        assert 'href="/namespaces/other/"' in visitor.open(HERE).text

    def test_the_page_that_one_is_on_is_marked(self, visitor: Visitor) -> None:
        assert 'href="/namespaces/shop/queues" aria-current="page"' in visitor.open(HERE + "queues").text
        assert 'href="/namespaces/shop/queues" aria-current' not in visitor.open(HERE).text

    def test_a_page_that_is_not_there_leads_on_all_the_same(self, visitor: Visitor) -> None:
        answer = visitor.open(HERE + "queues/nix")

        assert answer.status_code == 404
        assert 'href="/namespaces/shop/queues" aria-current="page"' in answer.text

    def test_names_stand_in_addresses_as_they_are_written_there(self, visitor: Visitor, namespace: Namespace) -> None:
        put(namespace, "a:b.c-d_e", 1)

        assert visitor.open(HERE + "queues/a%3Ab.c-d_e").status_code == 200
        assert 'href="/namespaces/shop/queues/a%3Ab.c-d_e"' in visitor.open(HERE).text
