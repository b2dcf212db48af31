"""The demo as a whole: its crawl, its summary, and what two killings leave of it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_cli_serve import free_port

from qless_flask.backends.base import Namespace
from qless_flask.demo.crawl import STAGES, progress_of
from qless_flask.demo.stages import link_job
from qless_flask.demo.summary import summarize
from qless_flask.models import Complete, Release, Retry
from qless_flask.testing import ManualClock, ModelBackend

PAGES_AT_LEAST = 400
"""Every Python has more pages than that; how many depends on its version and on what it was built with."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def namespace(clock: ManualClock) -> Namespace:
    namespace = ModelBackend(clock=clock).namespace("demo")
    for stage in STAGES:
        namespace.configure(stage, {})
    return namespace


class TestLinkJob:
    def test_a_page_is_one_job_however_many_links_lead_to_it(self, namespace: Namespace) -> None:
        first, again = namespace.put([link_job("json.html", 1), link_job("json.html", 2)])

        assert (first.jid, first.created) == ("json.html", True)
        assert (again.jid, again.created) == ("json.html", False)

    def test_shallow_pages_go_first(self, namespace: Namespace) -> None:
        namespace.put([link_job("xml.etree.ElementTree.html", 3), link_job("json.html", 1)])

        assert namespace.pop(["fetch"], "ann")[0].jid == "json.html"

    def test_a_page_goes_through_three_queues_and_has_the_tag_of_its_package(self, namespace: Namespace) -> None:
        namespace.put([link_job("xml.etree.ElementTree.html", 3)])

        [job] = namespace.get(["xml.etree.ElementTree.html"])

        assert job is not None
        assert (job.queue, job.pipeline, job.tags) == ("fetch", ("parse", "index"), ("xml",))


class TestProgress:
    def test_a_crawl_is_over_when_no_page_is_left(self, namespace: Namespace) -> None:
        assert not progress_of(namespace.queues(STAGES)).over
        namespace.put([link_job("a.html", 0)])
        assert not progress_of(namespace.queues(STAGES)).over

        for stage in STAGES:
            [lease] = namespace.pop([stage], "ann")
            assert progress_of(namespace.queues(STAGES)).waiting[stage] == 1
            namespace.settle([Complete(lease)])

        progress = progress_of(namespace.queues(STAGES))
        assert progress.over
        assert (progress.found, progress.indexed, progress.failed) == (1, 1, 0)


class TestSummary:
    def test_waits_run_from_available_to_popped_and_runs_from_popped_to_settled(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.put([link_job("a.html", 0)])
        for number, stage in enumerate(STAGES, 1):
            clock.advance(number)
            [lease] = namespace.pop([stage], "ann")
            clock.advance(number * 10)
            namespace.settle([Complete(lease, data='{"links":7}')])

        summary = summarize(namespace)

        assert [stage.wait.seconds for stage in summary.stages] == [(1,), (2,), (3,)]
        assert [stage.run.seconds for stage in summary.stages] == [(10,), (20,), (30,)]
        assert (summary.pages, summary.links, summary.seconds, summary.whole) == (1, 7, 66, True)

    def test_a_back_off_is_no_wait(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.put([link_job("a.html", 0)])
        [lease] = namespace.pop(["fetch"], "ann")
        namespace.settle([Retry(lease, delay=5, group="ImportError")])
        clock.advance(5)
        namespace.promote()
        clock.advance(2)
        [lease] = namespace.pop(["fetch"], "ann")
        namespace.settle([Release(lease)])

        summary = summarize(namespace)

        assert summary.stages[0].wait.seconds == (0, 2)
        assert summary.retried == 1

    def test_a_lost_run_is_counted_apart(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.put([link_job("a.html", 0)])
        namespace.pop(["fetch"], "ann")
        clock.advance(61)
        [lease] = namespace.pop(["fetch"], "bob")
        clock.advance(1)
        namespace.settle([Complete(lease)])

        summary = summarize(namespace)

        assert summary.lost == 1
        assert summary.stages[0].run.seconds == (1,)

    def test_failures_stand_by_cause_the_most_frequent_first(self, namespace: Namespace) -> None:
        groups = {"a.html": "ImportError", "b.html": "no page", "c.html": "no page"}
        namespace.put([link_job(link, 0) for link in groups])
        for _ in range(3):
            leases = namespace.pop(["fetch"], "ann", 10)
            namespace.settle([Retry(lease, group=groups[lease.jid]) for lease in leases])

        failures = summarize(namespace).failures

        assert [(each.group, each.links) for each in failures] == [
            ("no page", ("b.html", "c.html")),
            ("ImportError", ("a.html",)),
        ]


class Demo:
    """`qless-flask demo --serve`, run in a folder until it has crawled, and still serving."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.told = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "qless_flask", "demo", "--serve", "--port", str(self.port)],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_crawled(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.told += line
            if "demo search" in line:
                return
        raise AssertionError(self.process.communicate())

    def type(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "qless_flask", "demo", *words],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("QLESS_")}


class TestDemo:
    @pytest.fixture(scope="class")
    @classmethod
    def demo(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
        demo = Demo(tmp_path_factory.mktemp("demo"))
        try:
            demo.wait_until_crawled()
            yield demo
        finally:
            demo.process.send_signal(signal.SIGINT)
            demo.process.communicate(timeout=30)

    def test_it_tells_pages_links_times_and_failures(self, demo: Demo) -> None:
        found = re.match(r"(\d+) pages with ([\d,]+) links crawled in .*; (\d+) failed", demo.told)

        assert found
        assert int(found[1]) > PAGES_AT_LEAST
        assert int(found[2].replace(",", "")) > int(found[1])
        assert all(re.search(rf"^{stage} +\d+ +[\d.]+ m?s", demo.told, re.MULTILINE) for stage in STAGES)
        # Windows' codecs have no page on any other system.
        assert "encodings.mbcs" in demo.told

    def test_it_goes_on_serving_what_it_crawled(self, demo: Demo) -> None:
        [command] = re.findall(r"curl (\S+/api/v1/namespaces/demo/queues)", demo.told)

        with urllib.request.urlopen(command, timeout=10) as answer:
            queues = json.load(answer)["queues"]

        assert [queue["name"] for queue in queues] == sorted(STAGES)
        assert sum(queue["waiting"] + queue["running"] for queue in queues) == 0

    def test_what_was_crawled_is_found(self, demo: Demo) -> None:
        told = demo.type("search", "decimal", "context", "--json")

        links = [hit["link"] for hit in json.loads(told.stdout)["hits"]]
        assert "decimal.html" in links

    def test_what_no_page_has_is_told_with_an_exit_code(self, demo: Demo) -> None:
        told = demo.type("search", "qwertzuiop")

        assert (told.returncode, told.stdout) == (1, "")
        assert "No page has qwertzuiop" in told.stderr

    def test_the_same_command_again_crawls_nothing_twice(self, demo: Demo) -> None:
        again = demo.type()

        assert again.returncode == 0
        assert "Nothing is left to crawl" in again.stderr
        assert again.stdout.splitlines()[0] == demo.told.splitlines()[0]

    def test_a_server_is_not_served(self, demo: Demo) -> None:
        refused = demo.type("--serve", "--url", "http://127.0.0.1:1")

        assert refused.returncode == 2
        assert "is a server already" in refused.stderr


@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes to kill in /proc")
def test_a_killed_worker_and_a_killed_store_lose_no_page() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "qless_flask.demo.crash"], capture_output=True, text=True, timeout=280, check=False
    )

    assert told.stdout.endswith("No page was lost.\n"), told
    assert told.returncode == 0
    assert "kill -9 of worker process" in told.stdout
    assert "kill -9 of the Valkey server" in told.stdout
    rows = [line.split() for line in told.stdout.splitlines() if re.match(r"(un)?disturbed +\d", line)]
    (_, calm, *_, calm_lost, _), (_, rough, *_, rough_lost, _) = rows
    assert int(calm) == int(rough) > PAGES_AT_LEAST
    assert int(calm_lost) == 0 < int(rough_lost)
