"""The contracts for plugins let the good ones pass, and each kind of slip is caught by one of their tests."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from qless_flask.backends.base import Backend
from qless_flask.backends.sqlite import SQLiteBackend
from qless_flask.backends.waiting import Waiter
from qless_flask.errors import Invalid, QlessError, Rejected
from qless_flask.hookspecs import Policy, RetryStrategy, Space, TagTracker, Tracking
from qless_flask.models import Event, Failure, Job, NewJob
from qless_flask.plugins.policies.allow_list import AllowList
from qless_flask.plugins.strategies.by_group import ByGroup
from qless_flask.plugins.trackers.log import Log
from qless_flask.plugins.trackers.webhook import Webhook
from qless_flask.testing import (
    BackendContract,
    PolicyContract,
    ProcessContract,
    RetryStrategyContract,
    TagTrackerContract,
    conformance,
)


class TestByGroup(RetryStrategyContract):
    strategy = ByGroup
    options = ({"groups": {}}, {"groups": {"http-404": None, "http-503": {"strategy": "fixed", "delay": 5}}})
    wrong_options = ({}, {"groups": 7}, {"groups": {"a": {"strategy": "nowhere"}}})


class TestAllowList(PolicyContract):
    policy = AllowList
    options = {"klasses": ["Crawl"]}
    allowed = (NewJob("Crawl", queue="fetch"),)
    refused = (NewJob("Other", queue="fetch"),)


class TestLog(TagTrackerContract):
    tracker = Log


class TestWebhook(TagTrackerContract):
    tracker = Webhook
    options = {"url": "http://127.0.0.1:1/", "when": "every"}
    wrong_options = ({"url": "ftp://example.com/"}, {"when": "now and then"})


@dataclass(frozen=True)
class Slips(RetryStrategy):
    """A strategy that makes the slip that a test names."""

    slip: str = ""

    def __post_init__(self) -> None:
        if self.slip == "raising when built":
            raise Invalid.of({"slip": ["is none"]})

    def next_delay(self, job: Job, failure: Failure, run: int) -> Any:
        if self.slip == "reading data":
            return json.loads(job.data or "{}")["delay"]
        if self.slip == "reading the message":
            return float(failure.message or 1)
        answers = {"text": "1", "negative": -1, "true": True, "endless": float("inf"), "nothing known": float("nan")}
        return answers.get(self.slip, 2**run if self.slip == "growing" else 1)


@pytest.mark.parametrize(
    "slip",
    ["reading data", "reading the message", "text", "negative", "true", "endless", "nothing known", "growing"],
)
def test_a_strategy_that_answers_no_delay_is_caught(slip: str) -> None:
    class Contract(RetryStrategyContract):
        strategy = Slips
        options = ({"slip": slip},)

    with pytest.raises((AssertionError, KeyError, TypeError, ValueError)):
        Contract().test_each_answer_is_a_delay_or_to_give_up()


def test_a_strategy_that_takes_what_it_should_refuse_is_caught() -> None:
    class Contract(RetryStrategyContract):
        strategy = Slips
        wrong_options = ({"slip": "anything"},)

    with pytest.raises(pytest.fail.Exception):
        Contract().test_options_that_it_cannot_take_are_refused()


def test_a_strategy_that_refuses_what_it_should_take_is_caught() -> None:
    class Contract(RetryStrategyContract):
        strategy = Slips
        options = ({"slip": "raising when built"},)

    with pytest.raises(Invalid):
        Contract().test_it_takes_its_options()


@dataclass(frozen=True)
class Careless(Policy):
    """A policy that makes the slip that a test names, and refuses the klass Other."""

    slip: str = ""

    def check_put(self, namespace: Space, job: NewJob) -> NewJob:
        if job.klass == "Other" and self.slip != "letting all in":
            raise Rejected("no") if self.slip == "naming no field" else Rejected.of({"klass": ["no"]})
        if self.slip == "reading data":
            return replace(job, priority=json.loads(job.data)["priority"])
        if self.slip == "changing it again":
            return replace(job, priority=job.priority + 1)
        return None if self.slip == "answering nothing" else job  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("slip", "test"),
    [
        ("letting all in", "test_what_it_refuses_is_not_put_and_the_field_is_told"),
        ("letting all in", "test_one_that_it_refuses_keeps_out_the_others"),
        ("letting all in", "test_what_follows_up_is_looked_at_too"),
        ("letting all in", "test_what_a_recurrence_would_put_is_looked_at_too"),
        ("naming no field", "test_what_it_refuses_is_not_put_and_the_field_is_told"),
        ("reading data", "test_no_data_makes_it_break"),
        ("changing it again", "test_what_was_looked_at_before_is_not_changed_again"),
        ("answering nothing", "test_what_it_allows_is_put"),
    ],
)
def test_a_policy_that_slips_is_caught(slip: str, test: str) -> None:
    class Contract(PolicyContract):
        policy = Careless
        options = {"slip": slip}
        allowed = (NewJob("Crawl", queue="fetch"),)
        refused = (NewJob("Other", queue="fetch"),)

    with pytest.raises((AssertionError, QlessError, pytest.fail.Exception)):
        getattr(Contract(), test)()


@dataclass
class Forgetful(TagTracker):
    """A tracker that makes the slip that a test names."""

    tags: Sequence[str]
    slip: str = ""

    def told(self, tracking: Tracking, events: Sequence[Event]) -> None:
        for number, event in enumerate(events):
            if self.slip == "taking all for jobs":
                tracking.namespace.get([event.jid])  # type: ignore[list-item]
            if self.slip == "making new keys":
                tracking.later({}, key=f"{id(self)}-{number}")
            if self.slip == "keeping no JSON":
                tracking.later({"event": event}, key=event.cursor)
            if self.slip == "having nothing to do later":
                tracking.later({}, key=event.cursor)


@pytest.mark.parametrize(
    ("slip", "test"),
    [
        ("taking all for jobs", "test_it_hears_of_anything"),
        ("making new keys", "test_being_told_again_makes_nothing_new"),
        ("keeping no JSON", "test_what_it_does_later_can_be_put_as_a_job"),
        ("having nothing to do later", "test_what_it_does_later_can_be_put_as_a_job"),
    ],
)
def test_a_tracker_that_slips_is_caught(slip: str, test: str) -> None:
    class Contract(TagTrackerContract):
        tracker = Forgetful
        options = {"slip": slip}

    with pytest.raises((AssertionError, TypeError, QlessError)):
        getattr(Contract(), test)()


SUITE = """
from qless_flask.backends.sqlite import SQLiteBackend
from qless_flask.backends.sqlite.inspect import inspect
from qless_flask.testing import BackendContract


class TestSQLite(BackendContract):
    @classmethod
    def open(cls, folder, clock):
        return SQLiteBackend(f"sqlite:///{folder}/jobs.db?synchronous=off", clock=clock)

    @classmethod
    def inspect(cls, backend, namespace):
        return inspect(backend.namespace(namespace))
"""


def test_a_store_is_given_the_whole_suite() -> None:
    assert {name for name in dir(BackendContract) if name.startswith("Test")} == {*conformance.__all__}


def test_a_store_that_keeps_the_contract_passes(tmp_path: Path) -> None:
    (tmp_path / "test_store.py").write_text(SUITE)
    chosen = "TestPuts or TestPops or TestCancel or TestWaitingPops or TestNamespaces"

    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
        "-k",
        chosen,
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) > 20


class Shared(ProcessContract):
    store = SQLiteBackend
    listener = "qless-sqlite-listener"

    @classmethod
    def waits(cls, backend: Backend) -> int:
        assert isinstance(backend, SQLiteBackend)
        return len(backend.pops.keys())


def test_a_store_that_wakes_nobody_for_what_other_processes_put_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db"
    with Shared.at_work(url) as backend, ThreadPoolExecutor() as pool:
        assert isinstance(backend, SQLiteBackend)
        monkeypatch.setattr(backend.pops, "wake", lambda key, count: 0)
        monkeypatch.setattr(random, "uniform", lambda least, most: most)
        asleep, sleep = threading.Event(), Waiter.sleep

        def noted(waiter: Waiter, seconds: float) -> bool:
            asleep.set()
            return sleep(waiter, seconds)

        monkeypatch.setattr(Waiter, "sleep", noted)

        class Asleep(Shared):
            @classmethod
            def await_waits(cls, backend: Backend, count: int = 1) -> None:
                # A pop that is slow to look first would find the job that is put then, and need no wake.
                assert asleep.wait(30)

        with pytest.raises(AssertionError):
            Asleep().test_a_put_elsewhere_wakes_a_waiting_pop(backend, url, pool)
