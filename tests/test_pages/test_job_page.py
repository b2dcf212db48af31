"""A job's page tells all that is known of it, and each of its forms does one thing to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from test_web.visitors import Visitor

from qless_flask.backends.base import Namespace
from qless_flask.models import Complete, Fail, Job, Lease, NewJob, Role
from qless_flask.testing import ManualClock

ONE = "/namespaces/shop/jobs/one"


@pytest.fixture(autouse=True)
def one(namespace: Namespace) -> None:
    """A job."""
    data = '{"url":"/","n":12345678901234567890}'
    namespace.put([NewJob("Crawl", data, queue="fetch", jid="one", tags=("red",), pipeline=("parse",), key="ann")])


def job(namespace: Namespace, jid: str = "one") -> Job:
    [found] = namespace.get([jid])
    assert found is not None
    return found


def pop(namespace: Namespace) -> Lease:
    [lease] = namespace.pop(["fetch"], "ann")
    return lease


class TestTelling:
    def test_what_it_is_with_links_to_what_is_like_it(self, visitor: Visitor) -> None:
        page = visitor.open(ONE)

        assert page.status_code == 200
        assert "&#34;n&#34;: 12345678901234567890" in page.text
        for link in ("klass%3ACrawl", "tag%3Ared", "key%3Aann", "queue%3Aparse"):
            assert f"jobs?filter={link}" in page.text
        assert 'href="/namespaces/shop/queues/fetch"' in page.text

    def test_a_failure_with_its_run_and_what_its_worker_said(
        self, namespace: Namespace, visitor: Visitor, clock: ManualClock
    ) -> None:
        lease = pop(namespace)
        namespace.log(lease, "half of it is done")
        clock.advance(3)
        namespace.settle([Fail(lease, group="broken", message="it <b>broke</b>")])

        text = visitor.open(ONE).text

        assert "it &lt;b&gt;broke&lt;/b&gt;" in text
        assert "Run 1: 3 s in fetch by ann, failed as broken" in text
        assert "half of it is done" in text

    def test_what_it_waits_for_and_what_waits_for_it(self, namespace: Namespace, visitor: Visitor) -> None:
        namespace.put([NewJob("Parse", queue="parse", jid="child", depends=("one",))])

        text = visitor.open("/namespaces/shop/jobs/child").text

        assert 'aria-label="one, waiting"' in text
        assert 'aria-label="child, depends"' in visitor.open(ONE).text

    def test_a_megabyte_of_data_is_shown_by_its_beginning_and_loaded_whole(
        self, namespace: Namespace, visitor: Visitor
    ) -> None:
        data = "[" + ",".join(['"<tag> & more"'] * 60_000) + "]"
        namespace.put([NewJob("Crawl", data, queue="fetch", jid="big")])

        page, whole = visitor.open("/namespaces/shop/jobs/big"), visitor.open("/namespaces/shop/jobs/big/data")

        assert len(page.data) < 200_000
        assert whole.text == data
        assert (whole.mimetype, whole.headers["Content-Disposition"]) == (
            "text/plain",
            "attachment; filename=data.json",
        )

    def test_a_result_is_shown_and_loaded(self, namespace: Namespace, visitor: Visitor) -> None:
        namespace.put([NewJob("Crawl", queue="fetch", jid="two", priority=1)])
        namespace.settle([Complete(pop(namespace), result='{"status":200}')])

        assert "&#34;status&#34;: 200" in visitor.open("/namespaces/shop/jobs/two").text
        assert visitor.open("/namespaces/shop/jobs/two/data?of=result").text == '{"status":200}'
        assert visitor.open(f"{ONE}/data?of=result").status_code == 404

    def test_a_row_is_told_the_beginning_of_its_data_alone(self, namespace: Namespace, visitor: Visitor) -> None:
        namespace.put([NewJob("Crawl", f'"{"x" * 5000}"', queue="fetch", jid="long")])

        assert visitor.open("/namespaces/shop/jobs/long/peek").text == f'"{"x" * 199}…'

    def test_calls_that_put_one_like_it(self, visitor: Visitor) -> None:
        text = visitor.open(ONE).text

        assert "curl http://localhost/api/v1/namespaces/shop/queues/fetch/jobs" in text
        assert "with Client(&#39;http://localhost/&#39;, &#39;shop&#39;) as client:" in text

    def test_a_job_that_is_not_there(self, visitor: Visitor) -> None:
        page = visitor.open("/namespaces/shop/jobs/nobody")

        assert page.status_code == 404
        assert "it was never put here, or it ended and was pruned" in page.text

    def test_a_jid_with_slashes_and_markup(self, namespace: Namespace, visitor: Visitor) -> None:
        namespace.put([NewJob("Crawl", queue="fetch", jid="a/b/../<script>?x=1")])

        text = visitor.open("/namespaces/shop/jobs/a%2Fb%2F..%2F%3Cscript%3E%3Fx=1").text

        assert "a/b/../&lt;script&gt;?x=1" in text
        assert 'action="/namespaces/shop/jobs/a%2Fb%2F..%2F%3Cscript%3E%3Fx%3D1/move"' in text


class TestSteering:
    def test_moving(self, namespace: Namespace, visitor: Visitor) -> None:
        answer = visitor.send(f"{ONE}/move", page=ONE, queue="other", delay="60")

        assert (answer.status_code, answer.headers["Location"]) == (303, ONE)
        assert (job(namespace).queue, job(namespace).state) == ("other", "scheduled")

    def test_canceling(self, namespace: Namespace, visitor: Visitor) -> None:
        visitor.send(f"{ONE}/cancel", page=ONE)

        assert job(namespace).state == "canceled"

    def test_canceling_with_what_waits_for_it(self, namespace: Namespace, visitor: Visitor) -> None:
        namespace.put([NewJob("Parse", queue="parse", jid="child", depends=("one",))])

        refused = visitor.send(f"{ONE}/cancel", page=ONE)
        visitor.send(f"{ONE}/cancel", page=ONE, dependents="cancel")

        assert refused.status_code == 409
        assert "others wait for job one (child)" in refused.text
        assert (job(namespace).state, job(namespace, "child").state) == ("canceled", "canceled")

    def test_taking_it_from_its_worker(self, namespace: Namespace, visitor: Visitor) -> None:
        pop(namespace)

        visitor.send(f"{ONE}/timeout", page=ONE)

        assert job(namespace).state == "waiting"

    def test_what_its_state_does_not_allow_is_told_on_its_page(self, visitor: Visitor) -> None:
        answer = visitor.send(f"{ONE}/timeout", page=ONE)

        assert answer.status_code == 409
        assert "job one is not in a state that allows this" in answer.text

    @pytest.mark.parametrize(
        ("form", "state"),
        [
            ({"state": "complete", "result": '{"ok":true}'}, "complete"),
            ({"state": "failed", "group": "by-hand", "message": "no use"}, "failed"),
        ],
    )
    def test_ending_it_by_hand(self, namespace: Namespace, visitor: Visitor, form: Any, state: str) -> None:
        visitor.send(f"{ONE}/finish", page=ONE, **form)

        found = job(namespace)
        assert found.state == state
        assert found.result == ('{"ok":true}' if state == "complete" else None)
        assert (found.failure.group if found.failure else None) == (None if state == "complete" else "by-hand")

    def test_changing_priority_and_retries(self, namespace: Namespace, visitor: Visitor) -> None:
        visitor.send(f"{ONE}/update", page=ONE, priority="-7", retries="2")

        assert (job(namespace).priority, job(namespace).retries) == (-7, 2)

    def test_what_is_no_number_is_told_at_its_box_and_kept(self, visitor: Visitor) -> None:
        answer = visitor.send(f"{ONE}/update", page=ONE, priority="high")

        assert answer.status_code == 422
        assert "high is no whole number" in answer.text
        assert 'value="high"' in answer.text

    def test_tags_and_tracking(self, namespace: Namespace, visitor: Visitor) -> None:
        visitor.send(f"{ONE}/update", page=ONE, tag="two words")
        visitor.send(f"{ONE}/update", page=ONE, untag="red")
        visitor.send(f"{ONE}/update", page=ONE, tracked="yes")

        assert (job(namespace).tags, job(namespace).tracked) == (("two words",), True)

    def test_waiting_for_another_and_no_longer(self, namespace: Namespace, visitor: Visitor) -> None:
        namespace.put([NewJob("Crawl", queue="fetch", jid="first")])

        visitor.send(f"{ONE}/depend", page=ONE, on="first")
        assert job(namespace).state == "depends"
        visitor.send(f"{ONE}/depend", page=ONE, off="first")

        assert job(namespace).state == "waiting"


class TestData:
    def test_data_is_edited(self, namespace: Namespace, visitor: Visitor) -> None:
        assert "12345678901234567890" in visitor.open(f"{ONE}/edit").text

        visitor.send(f"{ONE}/edit", page=f"{ONE}/edit", data='{\r\n "n": 1.10\r\n}')

        assert job(namespace).data == '{"n":1.10}'

    def test_what_is_no_json_is_told_and_kept(self, namespace: Namespace, visitor: Visitor) -> None:
        answer = visitor.send(f"{ONE}/edit", page=f"{ONE}/edit", data="{oops")

        assert answer.status_code == 422
        assert "is not JSON" in answer.text
        assert "{oops" in answer.text

    def test_it_is_put_again_as_another_job(self, namespace: Namespace, visitor: Visitor) -> None:
        answer = visitor.send(f"{ONE}/put-again", page=f"{ONE}/edit", data='{"url":"/2"}')

        jid = answer.headers["Location"].rpartition("/")[2]
        made = job(namespace, jid)
        assert jid != "one"
        assert (made.klass, made.data, made.queue, made.tags, made.pipeline, made.key) == (
            "Crawl",
            '{"url":"/2"}',
            "fetch",
            ("red",),
            ("parse",),
            "ann",
        )

    def test_data_too_long_for_a_page_is_not_edited_there(self, namespace: Namespace, visitor: Visitor) -> None:
        namespace.put([NewJob("Crawl", f'"{"x" * 40_000}"', queue="fetch", jid="long")])

        text = visitor.open("/namespaces/shop/jobs/long/edit").text

        assert "<textarea" not in text
        assert "Load the data" in text


class TestRoles:
    def test_a_viewer_is_offered_nothing(self, visitor_as: Callable[[Role], Visitor]) -> None:
        text = visitor_as("viewer").open(ONE).text

        assert f'action="{ONE}' not in text
        assert f'href="{ONE}/edit"' not in text

    def test_a_producer_may_put_it_again_and_no_more(self, visitor_as: Callable[[Role], Visitor]) -> None:
        producer = visitor_as("producer")

        assert f'href="{ONE}/edit"' in producer.open(ONE).text
        assert f'action="{ONE}/move"' not in producer.open(ONE).text
        assert f'formaction="{ONE}/edit"' not in producer.open(f"{ONE}/edit").text
