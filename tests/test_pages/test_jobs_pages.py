"""Jobs are listed by what the filter box says, changed many at a time, and put by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from test_web.visitors import Visitor, form_token

from qless_flask.backends.base import Namespace
from qless_flask.models import Fail, Job, NewJob, Role

HERE = "/namespaces/shop"
JOBS = f"{HERE}/jobs"


def fill(namespace: Namespace, count: int = 3) -> None:
    """Put jobs job-0, job-1…; every other one is tagged."""
    jobs = [
        NewJob("Crawl", '{"secret":1}', queue="fetch", jid=f"job-{n}", tags=("odd",) if n % 2 else ())
        for n in range(count)
    ]
    for first in range(0, count, 1000):
        namespace.put(jobs[first : first + 1000])


def fail(namespace: Namespace, count: int) -> None:
    namespace.settle(
        [Fail(lease, group="broken", message="it broke") for lease in namespace.pop(["fetch"], "a", count)]
    )


def states(namespace: Namespace, count: int = 3) -> list[str]:
    found = namespace.get([f"job-{n}" for n in range(count)])
    return [job.state for job in found if job is not None]


def get(namespace: Namespace, jid: str) -> Job:
    [job] = namespace.get([jid])
    assert job is not None
    return job


class TestList:
    def test_the_filter_box_says_which(self, namespace: Namespace, visitor: Visitor) -> None:
        fill(namespace)

        text = visitor.open(f"{JOBS}?filter={quote('tag:odd state:waiting')}").text

        assert 'data-jid="job-1"' in text
        assert 'data-jid="job-0"' not in text
        assert 'value="tag:odd state:waiting"' in text

    def test_a_click_on_a_value_narrows_what_is_listed(self, namespace: Namespace, visitor: Visitor) -> None:
        fill(namespace)

        text = visitor.open(f"{JOBS}?filter=tag:odd").text

        assert f'href="{JOBS}?filter=tag:odd+klass:Crawl"' in text or "klass%3ACrawl" in text

    def test_what_the_box_does_not_know_is_told(self, visitor: Visitor) -> None:
        assert "sate: is none of state, queue" in visitor.open(f"{JOBS}?filter=sate:failed").text

    def test_it_goes_on_by_pages_of_fifty(self, namespace: Namespace, visitor: Visitor) -> None:
        fill(namespace, 60)
        first = visitor.open(f"{JOBS}?filter=queue:fetch").text
        [_, rest] = first.split('rel="next" href="')

        second = visitor.open(rest.partition('"')[0].replace("&amp;", "&")).text

        assert (first.count("data-jid="), second.count("data-jid=")) == (50, 10)
        assert "First page" in second

    @pytest.mark.parametrize("tag", ["~~namespace~~", "~~jid~~", "~~other~~"])
    def test_a_tag_may_look_like_what_addresses_are_made_with(
        self, namespace: Namespace, visitor: Visitor, tag: str
    ) -> None:
        namespace.put([NewJob("Crawl", queue="fetch", jid="one", tags=(tag,))])

        text = visitor.open(JOBS).text

        assert f'href="{JOBS}?filter=tag:{tag}"' in text

    def test_no_data_is_listed(self, namespace: Namespace, visitor: Visitor) -> None:
        fill(namespace)

        assert "secret" not in visitor.open(JOBS).text

    def test_an_empty_namespace_says_how_to_begin(self, visitor: Visitor) -> None:
        text = visitor.open(JOBS).text

        assert "No jobs yet" in text
        assert "curl http://localhost/api/v1/namespaces/shop/queues/mail/jobs" in text

    def test_nothing_that_matches_is_said(self, namespace: Namespace, visitor: Visitor) -> None:
        fill(namespace)

        assert "No job matches" in visitor.open(f"{JOBS}?filter=klass:Mail").text


class TestSuggesting:
    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("st", ["state:"]),
            ("state:fa", ["state:failed"]),
            ("queue:f", ["queue:fetch"]),
            ("state:failed tag:o", ["state:failed tag:odd"]),
            ("group:b", ["group:broken"]),
            ("klass:c", ["klass:Crawl"]),
            ("zut", []),
        ],
    )
    def test_the_last_word_is_completed(
        self, namespace: Namespace, visitor: Visitor, text: str, told: list[str]
    ) -> None:
        fill(namespace)
        fail(namespace, 1)

        assert visitor.open(f"{HERE}/suggest?text={quote(text)}").text.split("\n") == (told or [""])


class TestTicked:
    def send(self, visitor: Visitor, jids: list[str], **form: str) -> str:
        token = form_token(visitor.open(JOBS))
        answer = visitor.post(f"{HERE}/change/ticked", {"csrf": token, "jid": jids, **form})  # type: ignore[dict-item]
        if answer.status_code != 303:
            return answer.text
        return visitor.open(answer.headers["Location"]).text

    @pytest.mark.parametrize(
        ("form", "attribute", "values"),
        [
            ({"action": "cancel"}, "state", ["canceled", "waiting", "canceled"]),
            ({"action": "priority", "value": "7"}, "priority", [7, 0, 7]),
            ({"action": "tag", "value": "new"}, "tags", [("new",), ("odd",), ("new",)]),
            ({"action": "track"}, "tracked", [True, False, True]),
            ({"action": "move", "value": "other"}, "queue", ["other", "fetch", "other"]),
        ],
    )
    def test_what_is_ticked_is_changed_and_nothing_else(
        self, namespace: Namespace, visitor: Visitor, form: dict[str, str], attribute: str, values: list[object]
    ) -> None:
        fill(namespace)

        told = self.send(visitor, ["job-0", "job-2"], **form)

        assert "2 of 2 jobs are changed." in told
        assert [getattr(get(namespace, f"job-{n}"), attribute) for n in range(3)] == values

    def test_each_is_run_again_in_its_own_queue(self, namespace: Namespace, visitor: Visitor) -> None:
        fill(namespace)
        fail(namespace, 3)
        namespace.move(["job-1"], "other")
        namespace.settle([Fail(lease, group="x", message="") for lease in namespace.pop(["other"], "a")])

        self.send(visitor, ["job-0", "job-1"], action="retry")

        assert [(job.queue, job.state) for job in (get(namespace, "job-0"), get(namespace, "job-1"))] == [
            ("fetch", "waiting"),
            ("other", "waiting"),
        ]

    def test_what_could_not_be_changed_is_told_by_its_reason(self, namespace: Namespace, visitor: Visitor) -> None:
        fill(namespace)
        namespace.pop(["fetch"], "ann")

        told = self.send(visitor, ["job-0", "job-1"], action="timeout")

        assert "1 of 2 jobs are changed." in told
        assert "job job-1 is not in a state that allows this" in told

    def test_nothing_ticked_and_no_value_are_told(self, namespace: Namespace, visitor: Visitor) -> None:
        fill(namespace)

        assert "tick the jobs that are meant" in self.send(visitor, [], action="cancel")
        assert "put on the tag needs a tag" in self.send(visitor, ["job-0"], action="tag")
        assert "choose what to do" in self.send(visitor, ["job-0"], action="explode")


class TestAllThatMatch:
    def ask(self, visitor: Visitor, filter: str, action: str, value: str = "") -> str:
        return f"{HERE}/change?filter={quote(filter)}&action={action}&value={value}"

    def test_they_are_counted_before_and_nothing_is_changed(self, namespace: Namespace, visitor: Visitor) -> None:
        fill(namespace, 30)

        text = visitor.open(self.ask(visitor, "tag:odd", "cancel")).text

        assert "15 jobs match" in text
        assert set(states(namespace, 30)) == {"waiting"}

    def test_they_are_changed_when_that_is_said(self, namespace: Namespace, visitor: Visitor) -> None:
        fill(namespace, 30)
        ask = self.ask(visitor, "tag:odd", "cancel")

        answer = visitor.send(f"{HERE}/change", page=ask, filter="tag:odd", action="cancel", count="15")

        assert "15 jobs are changed" in answer.text
        assert states(namespace, 30).count("canceled") == 15

    def test_a_number_that_nobody_counted_is_none(self, namespace: Namespace, visitor: Visitor) -> None:
        fill(namespace, 30)
        ask = self.ask(visitor, "tag:odd", "cancel")

        answer = visitor.send(
            f"{HERE}/change", page=ask, filter="tag:odd", action="cancel", count="9" * 5_000, changed="9" * 5_000
        )

        assert "15 jobs are changed" in answer.text

    def test_of_more_than_a_thousand_the_number_is_typed(self, namespace: Namespace, visitor: Visitor) -> None:
        fill(namespace, 1200)
        ask = self.ask(visitor, "queue:fetch", "track")
        form: Any = {"filter": "queue:fetch", "action": "track", "count": "1200"}
        assert "Type 1,200 to go on" in visitor.open(ask).text

        refused = visitor.send(f"{HERE}/change", page=ask, typed="12", **form)
        assert (refused.status_code, get(namespace, "job-0").tracked) == (422, False)
        done = visitor.send(f"{HERE}/change", page=ask, typed="1,200", **form)

        assert "1,200 jobs are changed" in done.text
        assert get(namespace, "job-1199").tracked

    def test_a_script_is_answered_step_by_step(self, namespace: Namespace, visitor: Visitor) -> None:
        fill(namespace)
        token = form_token(visitor.open(self.ask(visitor, "tag:odd", "cancel")))

        answer = visitor.post(
            f"{HERE}/change",
            {"csrf": token, "filter": "tag:odd", "action": "cancel", "count": "1"},
            {"Accept": "application/json"},
        )

        assert answer.json == {"matched": 1, "changed": 1, "next": None}

    def test_a_filter_that_is_not_understood_changes_nothing(self, namespace: Namespace, visitor: Visitor) -> None:
        fill(namespace)
        page = self.ask(visitor, "tag:odd", "cancel")

        answer = visitor.send(f"{HERE}/change", page=page, filter="sate:failed", action="cancel")

        assert answer.status_code == 422
        assert set(states(namespace)) == {"waiting"}

    def test_what_was_so_long_ago_stays_the_same_time(self, namespace: Namespace, visitor: Visitor) -> None:
        fill(namespace)

        text = visitor.open(self.ask(visitor, "since:2h", "cancel")).text

        assert re.search(r'name="filter" value="since:\d{4}-\d\d-\d\dT', text)

    def test_the_list_leads_there(self, namespace: Namespace, visitor: Visitor) -> None:
        fill(namespace)

        answer = visitor.send(f"{HERE}/change/ticked", page=JOBS, filter="tag:odd", action="cancel", all="1")

        assert answer.headers["Location"] == f"{HERE}/change?filter=tag:odd&action=cancel&value="


class TestNew:
    def test_a_job_is_put_with_all_that_was_typed(self, namespace: Namespace, visitor: Visitor) -> None:
        answer = visitor.send(
            f"{HERE}/new-job",
            page=f"{HERE}/new-job",
            queue="fetch",
            klass="Crawl",
            data='{"n": 12345678901234567890}',
            jid="mine",
            priority="3",
            delay="60",
            retries="1",
            tags="red\r\ntwo words\r\n",
            pipeline="parse\r\nindex",
            requires="gpu",
            key="ann",
            unique="once",
            max_run="10",
            expires_in="3600",
            backoff='{"strategy": "fixed", "delay": 5}',
        )

        job = get(namespace, "mine")
        assert answer.headers["Location"] == f"{JOBS}/mine"
        assert (job.state, job.priority, job.retries, job.tags, job.pipeline) == (
            "scheduled",
            3,
            1,
            ("red", "two words"),
            ("parse", "index"),
        )
        assert job.data == '{"n":12345678901234567890}'
        assert (job.requires, job.key, job.max_run, job.expires_in) == (("gpu",), "ann", 10, 3600)
        assert job.unique is not None
        assert job.backoff is not None
        assert job.backoff.as_message() == {"strategy": "fixed", "delay": 5}

    def test_what_is_wrong_is_told_at_its_box_and_all_is_kept(self, namespace: Namespace, visitor: Visitor) -> None:
        answer = visitor.send(
            f"{HERE}/new-job",
            page=f"{HERE}/new-job",
            queue="no such name!",
            klass="Crawl",
            priority="high",
            data="{oops",
        )

        assert answer.status_code == 422
        assert "high is no whole number" in answer.text
        assert 'value="no such name!"' in answer.text
        assert "{oops" in answer.text
        assert namespace.queues() == []

    def test_another_job_fills_the_form_in(self, namespace: Namespace, visitor: Visitor) -> None:
        namespace.put([NewJob("Crawl", json.dumps({"url": "/"}), queue="fetch", jid="one", priority=5, tags=("red",))])

        text = visitor.open(f"{HERE}/new-job?like=one").text

        assert 'value="Crawl"' in text
        assert 'value="5"' in text
        assert "&#34;url&#34;: &#34;/&#34;" in text

    def test_a_viewer_is_offered_no_form(self, namespace: Namespace, visitor_as: Callable[[Role], Visitor]) -> None:
        fill(namespace)
        viewer = visitor_as("viewer")

        text = viewer.open(JOBS).text

        assert "change/ticked" not in text or 'name="action"' not in text
        assert "new-job" not in text
        assert viewer.open(f"{HERE}/new-job").status_code == 403
