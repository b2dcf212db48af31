"""The wire: what is opaque stays as it came, and every operation goes out and comes in again unchanged."""

from __future__ import annotations

import contextlib
import inspect
import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as some
from msgspec import Raw

from qless_flask.backends.base import Namespace
from qless_flask.errors import Internal, Invalid, JobNotFound, LeaseLost, Malformed, QlessError
from qless_flask.models import (
    Actor,
    Changes,
    Complete,
    Event,
    EventPage,
    Exchanged,
    Fail,
    Failure,
    Filter,
    HistoryEntry,
    Job,
    Lease,
    LogLine,
    NewJob,
    Page,
    Pop,
    Popped,
    Promoted,
    Pruned,
    Put,
    Queue,
    QueueSettings,
    Release,
    Retry,
    Settled,
    Worker,
)
from qless_flask.schemas import wire
from qless_flask.schemas.noun import load
from qless_flask.schemas.operations import OPERATIONS
from qless_flask.schemas.problems import dump_problem, load_problem

NEW = NewJob(
    "Crawl",
    '{"n":1.10,"n":2}',
    queue="fetch",
    jid="a/b",
    priority=-3,
    at=12.5,
    tags=("x", "y"),
    retries=0,
    pipeline=("parse",),
    if_exists="keep",
)
JOB = Job(
    jid="a/b",
    klass="Crawl",
    queue="fetch",
    state="failed",
    priority=-3,
    tags=("x",),
    retries=None,
    remaining=0,
    losses=2,
    pipeline=("parse", "index"),
    worker=None,
    failure=Failure("net", "no route", 5.25, "ann", 3),
    created_at=1.0,
    available_at=2.0,
    started_at=None,
    ended_at=6.0,
    data="[1.0]",
    history=(HistoryEntry(1.0, "put", queue="fetch"), HistoryEntry(2.0, "popped", worker="ann")),
)
POPPED = Job(**{**{name: getattr(JOB, name) for name in JOB.__slots__}, "state": "running", "history": ()})
LISTED = Job(**{**{name: getattr(JOB, name) for name in JOB.__slots__}, "data": None, "history": ()})
LEASE = Lease("a/b", "token", 9.5, POPPED)
BARE = Lease("a/b", "token")
ACTOR = Actor("ann", "127.0.0.1")
QUEUE = Queue("fetch", True, 1, 2, 3, 4, 5, 6, 7, 8.5, QueueSettings(heartbeat=None, retries=0, max_losses=1))
EVENT = Event("1", 2.0, "moved", jid="a/b", queue="fetch", to="parse", state="waiting", worker="ann", actor="bob")
LOST = LeaseLost.about("a/b")

EXAMPLES: dict[str, tuple[dict[str, object], object]] = {
    "put": ({"jobs": (NEW, NewJob("Crawl", queue="fetch"))}, (Put("a/b", "waiting", True),)),
    "pop": (
        {"queues": ("fetch",), "worker": "ann", "limit": 2, "order": "round_robin", "request": "r", "wait": 1.5},
        Popped((LEASE, Lease("a/b", "token", None, POPPED)), 7.0),
    ),
    "heartbeat": ({"leases": (BARE,)}, ({"jid": "a/b", "state": "running", "expires_at": 9.5}, LOST)),
    "settle": (
        {
            "settlements": (
                Complete(BARE, data="null", next="parse", delay=1.0),
                Retry(BARE, delay=0.0, group="net", message="no route"),
                Fail(BARE, group="net", data="1.10"),
                Release(BARE, delay=2.0),
                Complete(BARE),
                Retry(BARE),
            )
        },
        (Settled("a/b", "complete"), JobNotFound.about("c")),
    ),
    "exchange": (
        {"settlements": (Complete(BARE),), "pop": Pop(("fetch", "parse"), "ann", 3, request="r"), "wait": 2.0},
        Exchanged((Settled("a/b", "complete"), LOST), Popped((LEASE,), None)),
    ),
    "log": ({"lease": BARE, "message": "line\nline", "data": '{"a":1}'}, None),
    "cancel": ({"jids": ("a/b",), "actor": ACTOR}, (LISTED, LOST)),
    "move": ({"jids": ("a/b",), "queue": "parse", "delay": 1.0, "actor": Actor("ann")}, (LISTED,)),
    "update": (
        {"jids": ("a/b",), "changes": Changes(priority=0, data="null", add_tags=("x",), remove_tags=("y",), retries=0)},
        (LISTED, Invalid.of({"tags": ["a job may have 32 tags"]})),
    ),
    "timeout": ({"jids": ("a/b",)}, (LISTED,)),
    "get": ({"jids": ("a/b", "c")}, (JOB, None)),
    "lines": ({"jid": "a/b"}, (LogLine(1.0, "hello", "[1.0]"), LogLine(2.0, "bye"))),
    "select": (
        {"filter": Filter(state="failed", queue="fetch", tag="x", klass="Crawl", worker="ann", group="net", q="c")},
        Page((LISTED,), None, 7),
    ),
    "queues": ({"names": ("fetch",)}, (QUEUE,)),
    "workers": ({}, (Worker("ann", 2, 3.5),)),
    "events": ({"after": "0", "limit": 5, "wait": 1.0}, EventPage((EVENT, Event("2", 3.0, "gap")), "2")),
    "configure": ({"queue": "fetch", "changes": {"heartbeat": None, "retries": 3}, "actor": ACTOR}, QUEUE),
    "pause": ({"queue": "fetch"}, QUEUE),
    "resume": ({"queue": "fetch", "actor": ACTOR}, QUEUE),
    "forget": ({"queue": "fetch"}, None),
    "promote": ({"limit": 5}, Promoted(1, 2, True)),
    "prune": ({}, Pruned(3, False)),
    "lead": ({"role": "scheduler", "holder": "ann", "seconds": 5.0}, True),
    "remember": ({"name": "x", "value": None, "expected": "1"}, False),
    "recall": ({"name": "x"}, None),
}


def over_the_wire(message: dict[str, object]) -> object:
    return wire.decode(wire.encode(message))


class TestTheTable:
    def test_it_has_every_operation_of_the_contract(self) -> None:
        methods = {name for name, each in vars(Namespace).items() if inspect.isfunction(each)}

        assert set(OPERATIONS) == methods == set(EXAMPLES)

    @pytest.mark.parametrize("name", OPERATIONS)
    def test_its_arguments_are_those_of_the_method(self, name: str) -> None:
        arguments = {field.attribute or each for each, field in OPERATIONS[name].arguments.fields.items()}
        parameters = set(inspect.signature(getattr(Namespace, name)).parameters) - {"self"}

        if name in ("log", "exchange"):
            # The lease is spread over the line; the wait stands in the pop.
            arguments = set(EXAMPLES[name][0])
        assert arguments == parameters

    @pytest.mark.parametrize("name", OPERATIONS)
    def test_arguments_come_in_as_they_went_out(self, name: str) -> None:
        row, (arguments, _) = OPERATIONS[name], EXAMPLES[name]

        assert load(row.arguments, over_the_wire(row.dump_arguments(arguments))) == arguments

    @pytest.mark.parametrize("name", OPERATIONS)
    def test_answers_come_in_as_they_went_out(self, name: str) -> None:
        row, (_, answer) = OPERATIONS[name], EXAMPLES[name]

        assert row.load_answer(over_the_wire(row.dump_answer(answer))) == answer

    def test_what_is_not_asked_for_is_not_sent(self) -> None:
        row = OPERATIONS["put"]

        assert row.dump_arguments({"jobs": [NewJob("Crawl", queue="fetch")]}) == {
            "jobs": [{"klass": "Crawl", "data": Raw(b"{}"), "queue": "fetch"}]
        }

    @pytest.mark.parametrize(
        ("name", "answer", "fault"),
        [
            ("put", {"jobs": [{"jid": "one"}]}, "jobs.0.state"),
            ("pop", {"jobs": [{"jid": "one"}], "retry_at": None}, "jobs.0.token"),
            ("pop", {"jobs": ["one"], "retry_at": None}, "jobs.0"),
            ("settle", {"results": [3]}, "results.0"),
            ("recall", [], "body"),
        ],
    )
    def test_an_answer_that_is_none_is_a_fault_of_the_server(self, name: str, answer: object, fault: str) -> None:
        with pytest.raises(Internal, match=f"cannot be understood: {fault}"):
            OPERATIONS[name].load_answer(answer)


class TestProblems:
    @pytest.mark.parametrize(
        "error",
        [
            JobNotFound.about("a/b"),
            LOST,
            Invalid.of({"jobs.3.priority": ["must be 1", "must be 2"], "data": ["is no JSON"]}),
            Malformed("half \ud800 a pair"),
        ],
    )
    def test_an_error_comes_in_as_it_went_out(self, error: QlessError) -> None:
        came = load_problem(over_the_wire(dump_problem(error)))

        assert (type(came), came.subject, came.fields) == (type(error), error.subject, error.fields)
        assert came.message == error.message.replace("\ud800", "\\ud800")

    @pytest.mark.parametrize("problem", [None, [], {}, {"code": 5}, {"code": "NEW", "errors": 3}])
    def test_what_is_no_problem_is_internal(self, problem: object) -> None:
        assert load_problem(problem).code == "INTERNAL"


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False) | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    max_leaves=10,
)


class TestOpaque:
    @given(JSON, some.sampled_from([None, 1]), some.booleans())
    def test_any_json_comes_out_as_it_went_in(self, value: object, indent: int | None, ascii_only: bool) -> None:
        text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
        body = b'{"jobs":[{"data":' + text + b',"n":1}]}'

        message = wire.decode(body)

        assert message == {"jobs": [{"data": Raw(text), "n": 1}]}
        assert wire.encode(message) == body

    def test_how_deep_one_stands_does_not_say_how_deep_one_reads(self) -> None:
        deep = b"[" * 900 + b"]" * 900

        def from_below(levels: int) -> object:
            return from_below(levels - 1) if levels else wire.decode(b'{"data":' + deep + b"}")

        assert from_below(200) == {"data": Raw(deep)}

    def test_what_nobody_can_read_is_malformed(self) -> None:
        with pytest.raises(Malformed, match="too deep"):
            wire.decode(b"[" * 1_000_000)

    @given(some.binary(max_size=30))
    def test_any_bytes_are_read_or_refused(self, body: bytes) -> None:
        with contextlib.suppress(Malformed, Invalid):
            assert wire.decode(body) == json.loads(body)

    @given(JSON)
    def test_an_envelope_is_read_as_json_is(self, value: object) -> None:
        text = json.dumps({"value": value})
        assume('"data"' not in text)
        assume(text.count("[") + text.count("{") <= wire.MAX_DEPTH)

        assert wire.decode(text.encode()) == json.loads(text)
