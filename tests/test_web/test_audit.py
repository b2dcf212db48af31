"""What those do that steer or own a store is told in events and in the log: who, from where, what, on which jobs."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Flask

from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.tokens import Tokens
from qless_flask.models import LEAST_ROLES, Finish, NewJob, Recurrence
from qless_flask.testing import ManualClock
from qless_flask.web.persons import BY_HAND

from .conftest import Api

Before = Callable[[Namespace, ManualClock], object]


def job(namespace: Namespace, clock: ManualClock) -> None:
    namespace.put([NewJob("Crawl", queue="fetch", jid="one"), NewJob("Crawl", queue="fetch", jid="two")])


def lease(namespace: Namespace, clock: ManualClock) -> None:
    job(namespace, clock)
    namespace.pop(["fetch"], "ann")


def empty(namespace: Namespace, clock: ManualClock) -> None:
    namespace.put([NewJob("Crawl", queue="parse")])
    namespace.configure("fetch", {"retries": 1})


def rule(namespace: Namespace, clock: ManualClock) -> None:
    namespace.recur(Recurrence("Crawl", queue="fetch", id="daily", interval=60, first_at=clock() + 60))
    clock.advance(60)


def paused(namespace: Namespace, clock: ManualClock) -> None:
    rule(namespace, clock)
    namespace.pause_recurrence("daily")


def due(namespace: Namespace, clock: ManualClock) -> None:
    namespace.put([NewJob("Crawl", queue="fetch", delay=60)])
    clock.advance(61)


def old(namespace: Namespace, clock: ManualClock) -> None:
    job(namespace, clock)
    namespace.finish(["one"], Finish("complete"))
    clock.advance(30 * 86_400)


def frozen(namespace: Namespace, clock: ManualClock) -> None:
    namespace.freeze()


ONE = {"jids": ["one"]}
FETCHED = {"filter": {"queue": "fetch"}}
RULE = {"id": "daily"}
SETTINGS = {"trackers": [{"name": "webhook", "tags": ["a"], "url": "https://example.com/hush"}]}
CALLS: dict[str, tuple[Before, Mapping[str, Any], Mapping[str, Any]]] = {
    "cancel": (job, ONE, {**ONE, "count": 1}),
    "move": (job, {**ONE, "queue": "parse"}, {**ONE, "count": 1, "queue": "parse"}),
    "finish": (job, {**ONE, "end": {"state": "complete", "result": "hush"}}, {**ONE, "count": 1}),
    "update": (job, {**ONE, "changes": {"priority": 3, "data": "hush"}}, {**ONE, "count": 1}),
    "timeout": (lease, ONE, {**ONE, "count": 1}),
    "depend": (job, {"jid": "one", "on": ["two"]}, {"jid": "one", "on": ["two"]}),
    "change": (
        job,
        {"filter": {"queue": "fetch"}, "action": "cancel"},
        {"filter": {"queue": "fetch"}, "change": "cancel"},
    ),
    "configure": (job, {"queue": "fetch", "changes": {"retries": 3}}, {"queue": "fetch", "settings": ["retries"]}),
    "pause": (job, {"queue": "fetch"}, {"queue": "fetch"}),
    "resume": (lambda namespace, clock: namespace.pause("fetch"), {"queue": "fetch"}, {"queue": "fetch"}),
    "forget": (empty, {"queue": "fetch"}, {"queue": "fetch"}),
    "quiet": (lease, {"worker": "ann"}, {"worker": "ann"}),
    "stop": (lease, {"worker": "ann"}, {"worker": "ann"}),
    "track": (job, {"tag": "a", "on": True}, {"tag": "a", "on": True}),
    "recur": (
        job,
        {"rule": {"id": "daily", "klass": "Crawl", "queue": "fetch", "interval": 60, "data": "hush"}},
        {"id": "daily", "klass": "Crawl", "queue": "fetch"},
    ),
    "unrecur": (rule, RULE, RULE),
    "pause_recurrence": (rule, RULE, RULE),
    "resume_recurrence": (paused, RULE, RULE),
    "run_recurrence": (rule, RULE, RULE),
    "configure_namespace": (job, {"changes": SETTINGS}, {"settings": ["trackers"]}),
    "freeze": (job, {"on": True}, {"on": True}),
    "erase": (job, {"confirm": "crawl", "limit": 1}, {}),
    "load": (frozen, {"records": [{"kind": "memo", "name": "a", "value": "hush"}]}, {"count": 1}),
    "dump": (job, {}, {}),
    "fire": (rule, {**RULE, "expected": 0}, RULE),
    "promote": (due, {}, {}),
    "prune": (old, {}, {}),
    "lead": (job, {"role": "scheduler", "holder": "me", "seconds": 5}, {"role": "scheduler", "holder": "me"}),
    "remember": (job, {"name": "a", "value": "hush", "expected": None}, {"name": "a"}),
}
"""For each action that takes the role operator or admin: what is there before, what is sent, what is noted of it."""


class Deploy:
    """Calls the app with the token `deploy`, from an address of its own."""

    def __init__(self, app: Flask, backend: Backend) -> None:
        self._client = app.test_client()
        text = Tokens(backend).create("admin", ["crawl"], name="deploy").text
        self._headers = {"Authorization": f"Bearer {text}"}
        self.secret = text.rpartition("_")[2]

    def __call__(self, call: str, body: object = None) -> Any:
        method, _, path = call.partition(" ")
        answer = self._client.open(
            f"/api/v1/namespaces/crawl/{path}",
            method=method,
            json=body,
            headers=self._headers,
            environ_overrides={"REMOTE_ADDR": "192.0.2.7"},
        )
        assert answer.status_code in (200, 201, 204), answer.text
        return answer.json


@pytest.fixture
def deploy(app: Flask, backend: Backend) -> Deploy:
    return Deploy(app, backend)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """What was written down, line by line."""
    caplog.set_level(logging.INFO, "qless_flask.audit")
    return lambda: [json.loads(each.message) for each in caplog.records if each.name == "qless_flask.audit"]


Lines = Callable[[], list[dict[str, Any]]]


def test_each_action_that_steers_or_owns_is_looked_at_here() -> None:
    assert CALLS.keys() == {name for name, role in LEAST_ROLES.items() if role in ("operator", "admin")} - {"recall"}


@pytest.mark.parametrize("action", CALLS)
def test_it_is_written_down_who_did_what_on_which_jobs_from_where(
    action: str, deploy: Deploy, namespace: Namespace, clock: ManualClock, lines: Lines
) -> None:
    before, body, told = CALLS[action]
    before(namespace, clock)
    if action == "fire":
        [recurring] = namespace.recurrences(["daily"])
        body = {**body, "expected": recurring.next_at}

    deploy(f"POST operations/{action}", body)

    known: dict[str, Any] = {"actor": "deploy", "address": "192.0.2.7", "action": action, "namespace": "crawl"}
    assert lines() == [{**known, **told}]
    assert "hush" not in json.dumps(lines())


@pytest.mark.parametrize("action", sorted(BY_HAND))
def test_its_event_says_who_did_it_and_from_where(
    action: str, deploy: Deploy, namespace: Namespace, clock: ManualClock
) -> None:
    before, body, _ = CALLS[action]
    before(namespace, clock)
    seen = len(namespace.events().events)

    deploy(f"POST operations/{action}", body)

    made = namespace.events().events[seen:]
    assert made
    assert {(event.actor, event.address) for event in made} == {("deploy", "192.0.2.7")}


def test_a_person_that_the_request_names_is_told_with_who_sent_it(deploy: Deploy, namespace: Namespace) -> None:
    namespace.put([NewJob("Crawl", queue="fetch", jid="one")])

    deploy("POST jobs/one/move", {"queue": "parse", "actor": "ann"})
    deploy("DELETE jobs/one?actor=bob")
    deploy("POST operations/pause", {"queue": "fetch", "actor": {"name": "eve", "address": "198.51.100.1"}})
    deploy("POST operations/resume", {"queue": "fetch", "actor": {"name": "deploy", "address": "192.0.2.7"}})

    assert [(event.actor, event.address) for event in namespace.events().events[1:]] == [
        ("ann via deploy", "192.0.2.7"),
        ("bob via deploy", "192.0.2.7"),
        ("eve via deploy", "198.51.100.1 via 192.0.2.7"),
        ("deploy", "192.0.2.7"),
    ]


@pytest.mark.parametrize("name", ["x" * 200, "ü" * 100])
def test_who_sent_it_is_told_however_long_the_persons_name_is(name: str, deploy: Deploy, namespace: Namespace) -> None:
    deploy("POST queues/fetch/pause", {"actor": name})

    [event] = namespace.events().events
    assert event.actor is not None
    assert event.actor.startswith(name[:90])
    assert event.actor.endswith(" via deploy")
    assert len(event.actor.encode()) in (199, 200)


def test_where_nobody_is_asked_the_request_says_who_does_it(api: Api, namespace: Namespace, lines: Lines) -> None:
    api.told("POST queues/fetch/pause", {"actor": "ann"})
    api.told("POST queues/fetch/resume")

    assert [(event.actor, event.address) for event in namespace.events().events] == [("ann", "127.0.0.1"), (None, None)]
    assert [(line["actor"], line["address"]) for line in lines()] == [("ann", "127.0.0.1"), ("anybody", "127.0.0.1")]


def test_what_looks_puts_or_works_is_not_written_down(deploy: Deploy, lines: Lines) -> None:
    deploy("POST queues/fetch/jobs", {"klass": "Crawl"})
    deploy("POST pop", {"queues": ["fetch"], "worker": "ann"})
    deploy("GET jobs")
    deploy("POST operations/recall", {"name": "a"})

    assert lines() == []


def test_what_has_done_nothing_is_not_written_down(deploy: Deploy, namespace: Namespace, lines: Lines) -> None:
    namespace.put([NewJob("Crawl", queue="fetch")])
    deploy("POST operations/lead", {"role": "scheduler", "holder": "me", "seconds": 5})
    lines_before = len(lines())

    deploy("POST operations/promote", {})
    deploy("POST operations/prune", {})
    deploy("POST operations/fire", {"id": "none", "expected": 1})
    deploy("POST operations/lead", {"role": "scheduler", "holder": "you", "seconds": 5})
    deploy("POST operations/remember", {"name": "a", "value": "b", "expected": "c"})
    deploy("POST jobs/change", {"filter": {"queue": "fetch"}, "action": "cancel", "dry_run": True})

    assert len(lines()) == lines_before


def test_an_export_is_written_down_once(deploy: Deploy, app: Flask, namespace: Namespace, lines: Lines) -> None:
    namespace.put([NewJob("Crawl", queue="fetch") for _ in range(300)])

    page = deploy("POST operations/dump", {"limit": 100})
    deploy("POST operations/dump", {"limit": 100, "cursor": page["next"]})

    assert [line["action"] for line in lines()] == ["dump"]
    deploy("GET export")
    assert [line["action"] for line in lines()] == ["dump", "dump"]


def test_a_cursor_that_is_made_up_hides_nothing(deploy: Deploy, namespace: Namespace, lines: Lines) -> None:
    namespace.put([NewJob("Crawl", queue="fetch") for _ in range(300)])
    cursor = namespace.dump(limit=1).next

    deploy("POST operations/dump", {"cursor": cursor})
    deploy("POST operations/dump", {"cursor": cursor})
    deploy("POST operations/erase", {"confirm": "crawl", "limit": 1, "cursor": "x"})

    assert [line["action"] for line in lines()] == ["dump", "erase"]


def test_of_many_jobs_the_first_are_named(deploy: Deploy, namespace: Namespace, lines: Lines) -> None:
    jids = [f"job-{number}" for number in range(150)]
    namespace.put([NewJob("Crawl", queue="fetch", jid=jid) for jid in jids])

    deploy("POST operations/cancel", {"jids": jids})

    [line] = lines()
    assert (line["jids"], line["count"]) == (jids[:100], 150)
