"""The wire: what is opaque stays as it came, and every operation goes out and comes in again unchanged."""

from __future__ import annotations

import contextlib
import inspect
import json
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as some
from msgspec import Raw

from qless_flask.backends.base import Namespace
from qless_flask.errors import Internal, Invalid, JobNotFound, LeaseLost, Malformed, QlessError
from qless_flask.models import (
    STATES,
    Action,
    Actor,
    AnyRecord,
    Backoff,
    Bar,
    Beat,
    Cancel,
    Changed,
    Changes,
    Chosen,
    Complete,
    Dumped,
    Erased,
    Event,
    EventFilter,
    EventPage,
    Exchanged,
    Fail,
    Failure,
    FailureGroup,
    Filter,
    Finish,
    HistoryEntry,
    Job,
    JobRecord,
    Keep,
    Lease,
    LogLine,
    MemoRecord,
    Move,
    NamespaceRecord,
    NamespaceSettings,
    NewJob,
    Page,
    Pop,
    Popped,
    Promoted,
    Pruned,
    Put,
    Queue,
    QueueSettings,
    Rate,
    Recurrence,
    Recurring,
    Release,
    Renewed,
    Retention,
    Retry,
    Settled,
    Stats,
    Tag,
    Tally,
    Throughput,
    Timeout,
    Times,
    Tracked,
    Unique,
    Update,
    Worker,
    checked_settings,
    encode_record,
)
from qless_flask.schemas import wire
from qless_flask.schemas.noun import load
from qless_flask.schemas.operations import OPERATIONS
from qless_flask.schemas.problems import dump_problem, load_problem
from qless_flask.schemas.transfer import encode_end, read_lines

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
    depends=("c", "d"),
    missing="satisfied",
    on_parent_end="cancel",
    backoff=Backoff("fixed", 100.0),
    max_run=5.0,
    expires_in=60.5,
    unique=Unique("home", 30.0),
    requires=("eu", "gpu"),
    key="ann",
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
    depends=("c",),
    on_parent_end="run",
    backoff=Backoff("exponential", 1.0, factor=3.0, max=9.0, jitter="none"),
    max_run=5.0,
    expires_in=60.0,
    unique=Unique("home"),
    requires=("gpu",),
    key="ann",
    tracked=True,
    recurrence="nightly",
    due_at=0.5,
    progress='{"done":1.10}',
    data="[1.0]",
    result="null",
    dependents=("d", "e"),
    history=(HistoryEntry(1.0, "put", queue="fetch"), HistoryEntry(2.0, "popped", worker="ann")),
)
POPPED = replace(JOB, state="running", history=(), result=None, dependents=())
LISTED = replace(JOB, data=None, history=(), result=None, dependents=())
LEASE = Lease("a/b", "token", 9.5, POPPED)
BARE = Lease("a/b", "token")
ACTOR = Actor("ann", "127.0.0.1")
SETTINGS = QueueSettings(
    heartbeat=None,
    retries=0,
    max_losses=1,
    max_run=2.5,
    backoff=Backoff("fixed", 3.0),
    max_concurrency=4,
    rate=Rate(100, 60.0),
    key_concurrency=1,
    key_rate=Rate(2, 0.5),
    max_size=1000,
    retention=Retention(complete=Keep(3.5, 4), failed=Keep(0.0, 0)),
)
QUEUE = Queue("fetch", True, 1, 9, 2, 3, 4, 5, 6, 7, 8.5, SETTINGS, own=("rate", "retries"))
ODD: dict[str, object] = {
    "strategy": "of a plugin",
    "delay": "soon",
    "data": {"result": [1.5, None]},
    "max": None,
    "jitter": [],
}
CHOSEN = Chosen.of({"name": "json_schema", "id": "é", "data": {"data": [{"records": {}}, None]}, "sparse": None})
RULES = NamespaceSettings(
    QueueSettings(),
    own=("retries",),
    frozen=True,
    policies=(CHOSEN, Chosen("allow_list")),
    trackers=(Chosen("log", '{"tags":["*"]}'),),
    klass_backoff={"data": Backoff("table", delays=(1.0, 2.5)), "Crawl": Backoff.of(ODD)},
)
TIMES = Times(3, 1.5, 0.0, 1.25, 2.5, 3.0, (Bar(0.0, 0.001, 2), Bar(1.0, 1.0625, 1)))
NO_TIMES = Times(0, None, None, None, None, None, ())
RECORDS: tuple[AnyRecord, ...] = (
    NamespaceRecord(settings={"rate": {"limit": 3, "per": 0.5}}, turn=2),
    JobRecord(
        jid="a/b",
        klass="Crawl",
        queue="fetch",
        state="failed",
        created_at=1000,
        available_at=2000,
        remaining=0,
        failure=("net", "no route", 5250, "ann", 3),
        history=[(1000, "put", "fetch"), (2000, "finished", None)],
        progress="1.10",
        data='{"n":1.10,"n":2}',
        result='"\\ud83d"',
    ),
    MemoRecord(name="x", value="y"),
)
EVENT = Event(
    "1",
    2.0,
    "moved",
    jid="a/b",
    queue="fetch",
    to="parse",
    state="waiting",
    worker="ann",
    group="net",
    tags=("x", "y"),
    tracked=True,
    recurrence="nightly",
    klass="Crawl",
    waited=0.0,
    ran=1.5,
    actor="bob",
    address="127.0.0.1",
)
RULE = Recurrence(
    "Crawl",
    "[1.10]",
    queue="fetch",
    id="nightly",
    cron="5 4 * * sun",
    timezone="Europe/Berlin",
    first_at=9.0,
    overlap="skip",
    catchup=7,
    count=3,
    priority=-3,
    tags=("x",),
    retries=2,
    pipeline=("parse",),
    backoff=Backoff("fixed", 100.0),
    max_run=5.0,
    expires_in=60.0,
    requires=("gpu",),
    key="ann",
)
RECURRING = Recurring(RULE, 12.5, True, 2, 11.5, "nightly@x")
TAG = Tag("x", True, dict.fromkeys(STATES, 2), 1.5, None)
WORKER = Worker("ann", 2, 3.5, quiet=True, capabilities=("eu", "gpu"))
POP = Pop(("fetch", "parse"), "ann", 3, capabilities=("gpu",), request="r")
LOST = LeaseLost.about("a/b")

EXAMPLES: dict[str, tuple[dict[str, object], object]] = {
    "put": ({"jobs": (NEW, NewJob("Crawl", queue="fetch"))}, (Put("a/b", "waiting", True),)),
    "pop": (
        {
            "queues": ("fetch",),
            "worker": "ann",
            "limit": 2,
            "capabilities": ("gpu",),
            "order": "round_robin",
            "request": "r",
            "wait": 1.5,
        },
        Popped((LEASE, Lease("a/b", "token", None, POPPED)), 7.0),
    ),
    "heartbeat": (
        {"beats": (Beat(BARE), Beat(BARE, progress="1.10", data="[]"))},
        (Renewed("a/b", 9.5), Renewed("a/b", None, quiet=True, stop=True), LOST),
    ),
    "settle": (
        {
            "settlements": (
                Complete(BARE, data="null", next="parse", delay=1.0),
                Retry(BARE, delay=0.0, group="net", message="no route"),
                Fail(BARE, group="net", data="1.10"),
                Release(BARE, delay=2.0),
                Complete(BARE),
                Complete(BARE, result="null", depends=("c",), missing="satisfied", puts=(NEW, NEW)),
                Retry(BARE),
            )
        },
        (Settled("a/b", "complete"), JobNotFound.about("c")),
    ),
    "exchange": (
        {"settlements": (Complete(BARE),), "pop": POP, "wait": 2.0},
        Exchanged((Settled("a/b", "complete"), LOST), Popped((LEASE,), None, stop=True)),
    ),
    "log": ({"lease": BARE, "message": "line\nline", "data": '{"a":1}'}, None),
    "cancel": ({"jids": ("a/b",), "dependents": "choice", "actor": ACTOR}, (LISTED, LOST)),
    "move": ({"jids": ("a/b",), "queue": "parse", "delay": 1.0, "actor": Actor("ann")}, (LISTED,)),
    "finish": (
        {"jids": ("a/b",), "end": Finish("complete", result="[1.10]"), "actor": ACTOR},
        (LISTED, LOST),
    ),
    "update": (
        {
            "jids": ("a/b",),
            "changes": Changes(priority=0, data="null", add_tags=("x",), remove_tags=("y",), retries=0, tracked=False),
        },
        (LISTED, Invalid.of({"tags": ["a job may have 32 tags"]})),
    ),
    "timeout": ({"jids": ("a/b",)}, (LISTED,)),
    "depend": ({"jid": "a/b", "on": ("c",), "off": ("d", "e"), "missing": "satisfied", "actor": ACTOR}, LISTED),
    "change": (
        {
            "filter": Filter(state="failed", tracked=False),
            "action": Move("parse", 1.0),
            "limit": 5,
            "cursor": "c",
            "dry_run": True,
            "actor": ACTOR,
        },
        Changed(3, 2, "d"),
    ),
    "get": ({"jids": ("a/b", "c"), "wait": 1.5}, (JOB, None)),
    "lines": ({"jid": "a/b"}, (LogLine(1.0, "hello", "[1.0]"), LogLine(2.0, "bye"))),
    "select": (
        {
            "filter": Filter(
                "failed",
                "fetch",
                tag="x",
                klass="Crawl",
                worker="ann",
                group="net",
                key="k",
                q="c",
                since=1.5,
                until=2.5,
            )
        },
        Page((LISTED,), None, 7),
    ),
    "queues": ({"names": ("fetch",)}, (QUEUE,)),
    "workers": ({}, (WORKER, Worker("bob", 0, 1.0, stop=True))),
    "failures": (
        {"groups": ("net",), "after": "a", "limit": 5},
        (FailureGroup("net", 2, 1.5, 2.5, ("fetch", "parse"), ("Crawl",)),),
    ),
    "tags": ({"names": ("x", "y"), "after": "a", "limit": 5}, (TAG,)),
    "tracked": ({}, Tracked((LISTED,), (TAG,))),
    "stats": (
        {"day": "2026-11-24", "queue": "fetch", "klass": "Crawl", "tag": "x"},
        Stats(TIMES, NO_TIMES, 1, 2, 3),
    ),
    "throughput": (
        {"queue": "fetch", "since": 0.5, "until": 120.5, "step": 60},
        Throughput((0.0, 60.0), (1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12)),
    ),
    "events": (
        {"after": "0", "limit": 5, "wait": 1.0, "filter": EventFilter("a", "fetch", "x", False)},
        EventPage((EVENT, Event("2", 3.0, "gap")), "2"),
    ),
    "configure": (
        {"queue": "fetch", "changes": {"heartbeat": None, "retries": 3}, "inherit": ("rate",), "actor": ACTOR},
        QUEUE,
    ),
    "pause": ({"queue": "fetch"}, QUEUE),
    "resume": ({"queue": "fetch", "actor": ACTOR}, QUEUE),
    "forget": ({"queue": "fetch"}, None),
    "settings": ({}, RULES),
    "configure_namespace": ({"changes": {"max_size": 3}, "inherit": ("rate", "policies"), "actor": ACTOR}, RULES),
    "freeze": ({"on": False, "actor": ACTOR}, RULES),
    "dump": ({"cursor": "c", "limit": 5}, Dumped(RECORDS, None)),
    "load": ({"records": RECORDS}, 3),
    "erase": ({"confirm": "crawl", "cursor": "c", "limit": 5, "actor": ACTOR}, Erased(3, "d")),
    "quiet": ({"worker": "ann", "on": False, "actor": ACTOR}, WORKER),
    "stop": ({"worker": "ann"}, WORKER),
    "track": ({"tag": "x", "on": False, "actor": ACTOR}, TAG),
    "recur": ({"rule": RULE, "actor": ACTOR}, RECURRING),
    "recurrences": (
        {"ids": ("nightly",), "due": True, "after": "a", "limit": 5},
        (RECURRING, Recurring(Recurrence("Crawl", queue="fetch", id="b", interval=1.5), None, False, 0, None, None)),
    ),
    "unrecur": ({"id": "nightly", "actor": ACTOR}, None),
    "pause_recurrence": ({"id": "nightly"}, RECURRING),
    "resume_recurrence": ({"id": "nightly", "actor": ACTOR}, RECURRING),
    "run_recurrence": ({"id": "nightly"}, Put("nightly@x", "waiting", True)),
    "fire": ({"id": "nightly", "expected": 12.5}, (Put("nightly@x", "waiting", True),)),
    "promote": ({"limit": 5}, Promoted(1, 2, True, 3, 4)),
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
        assert OPERATIONS["put"].dump_arguments({"jobs": [NewJob("Crawl", queue="fetch")]}) == {
            "jobs": [{"klass": "Crawl", "data": Raw(b"{}"), "queue": "fetch"}]
        }
        assert OPERATIONS["settle"].dump_arguments({"settlements": [Complete(BARE)]}) == {
            "settle": [{"jid": "a/b", "token": "token", "action": "complete"}]
        }
        assert OPERATIONS["recur"].dump_arguments({"rule": Recurrence("Crawl", queue="fetch", interval=5.0)}) == {
            "rule": {"klass": "Crawl", "data": Raw(b"{}"), "queue": "fetch", "interval": 5.0}
        }

    @pytest.mark.parametrize(
        ("action", "message"),
        [
            (Move("parse", 1.0), {"action": "move", "queue": "parse", "delay": 1.0}),
            (Cancel("choice"), {"action": "cancel", "dependents": "choice"}),
            (Update(Changes(tracked=True)), {"action": "update", "changes": {"tracked": True}}),
            (Timeout(), {"action": "timeout"}),
            (Finish("complete", result="[1.10]"), {"action": "finish", "state": "complete", "result": Raw(b"[1.10]")}),
        ],
    )
    def test_what_an_action_takes_stands_beside_its_name(self, action: Action, message: dict[str, object]) -> None:
        row, arguments = OPERATIONS["change"], {"filter": Filter(state="failed"), "action": action}

        dumped = row.dump_arguments(arguments)

        assert {name: dumped[name] for name in message if name != "changes"} == {
            name: value for name, value in message.items() if name != "changes"
        }
        assert load(row.arguments, over_the_wire(dumped)) == arguments

    @pytest.mark.parametrize(
        ("message", "fault"),
        [
            ({"action": "delete"}, "action"),
            ({"action": "move", "queue": "no good"}, "queue"),
            ({"action": "timeout", "queue": "parse"}, "queue"),
            ({"action": "update", "changes": {"priority": 9000}}, "changes.priority"),
            ({"action": "update"}, "changes"),
            ({"action": "finish", "state": "waiting"}, "state"),
            ({"action": 3}, "action"),
        ],
    )
    def test_what_an_action_does_not_take_is_named(self, message: dict[str, object], fault: str) -> None:
        with pytest.raises(Invalid) as caught:
            load(OPERATIONS["change"].arguments, {"filter": {}, **message})

        assert set(caught.value.fields) == {fault}

    @pytest.mark.parametrize(
        ("unique", "message"),
        [(Unique("home"), {"key": "home", "for": "alive"}), (Unique("home", 5.0), {"key": "home", "for": 5.0})],
    )
    def test_a_unique_key_says_for_how_long(self, unique: Unique, message: dict[str, object]) -> None:
        [job] = OPERATIONS["put"].dump_arguments({"jobs": [NewJob("Crawl", queue="fetch", unique=unique)]})["jobs"]

        assert job["unique"] == message

    @pytest.mark.parametrize("catchup", ["one", "none", {"all": 3}])
    def test_what_is_caught_up_with_is_a_word_or_a_number(self, catchup: object) -> None:
        rule = {"klass": "Crawl", "queue": "fetch", "interval": 5, "catchup": catchup}

        loaded = load(OPERATIONS["recur"].arguments, {"rule": rule})["rule"]

        assert loaded.catchup == (catchup["all"] if isinstance(catchup, dict) else catchup)

    @pytest.mark.parametrize("catchup", ["all", 3, {"all": True}, {"all": 0}, {"all": 1, "more": 2}, None])
    def test_what_cannot_be_caught_up_with_is_refused(self, catchup: object) -> None:
        rule = {"klass": "Crawl", "queue": "fetch", "interval": 5, "catchup": catchup}

        with pytest.raises(Invalid) as caught:
            load(OPERATIONS["recur"].arguments, {"rule": rule})

        assert set(caught.value.fields) == {"rule.catchup"}

    def test_a_number_to_catch_up_with_is_not_asked_for_where_an_object_must_stand(self) -> None:
        rule = {"klass": "Crawl", "queue": "fetch", "interval": 5, "catchup": {"all": 0}}

        with pytest.raises(Invalid, match="all must be a whole number from 1 to 1000"):
            load(OPERATIONS["recur"].arguments, {"rule": rule})

    def test_a_setting_is_set_as_it_stands_in_json(self) -> None:
        changes = {"backoff": Backoff("fixed", 5.0), "rate": Rate(3, 0.5), "key_rate": None, "retention": Retention()}

        message = OPERATIONS["configure"].dump_arguments({"queue": "fetch", "changes": changes})["changes"]

        assert message["backoff"] == {"strategy": "fixed", "delay": 5.0}
        assert (message["rate"], message["key_rate"]) == ({"limit": 3, "per": 0.5}, None)
        assert message["retention"]["canceled"] == {"age": 86_400.0, "count": 10_000}
        assert checked_settings(message) == changes

    def test_a_plan_is_set_as_it_stands_in_json(self) -> None:
        changes = {"policies": RULES.policies, "trackers": RULES.trackers, "klass_backoff": RULES.klass_backoff}

        message = OPERATIONS["configure_namespace"].dump_arguments({"changes": changes})
        told = load(OPERATIONS["configure_namespace"].arguments, wire.decode(wire.encode(message)))

        assert message["changes"]["policies"] == [CHOSEN.as_message(), {"name": "allow_list"}]
        assert checked_settings(told["changes"], namespace=True) == changes

    @pytest.mark.parametrize(
        "message",
        [
            {"strategy": "fixed", "delay": 5},
            {"strategy": "linear", "delay": 5, "max": 9.5},
            {"strategy": "exponential", "delay": 5, "factor": 1.5, "max": 9, "jitter": "none"},
            {"strategy": "table", "delays": [1, 2.5]},
            {"strategy": "by_group", "groups": {"a": None}, "otherwise": {"strategy": "fixed", "delay": 5}},
            ODD,
            {"strategy": "plain"},
        ],
        ids=lambda message: str(message["strategy"]),
    )
    def test_a_back_off_goes_over_the_wire_as_it_stands_in_json(self, message: dict[str, object]) -> None:
        job = NewJob("Crawl", queue="fetch", backoff=Backoff.of(message))

        sent = wire.encode(OPERATIONS["put"].dump_arguments({"jobs": [job]}))

        assert json.loads(sent)["jobs"][0]["backoff"] == message
        assert load(OPERATIONS["put"].arguments, wire.decode(sent))["jobs"] == (job,)

    def test_what_a_back_off_does_not_take_is_named(self) -> None:
        backoff = {"strategy": "linear", "delays": [1], "factor": 2, "max": -1}

        with pytest.raises(Invalid) as caught:
            load(OPERATIONS["put"].arguments, {"jobs": [{"klass": "Crawl", "queue": "fetch", "backoff": backoff}]})

        assert set(caught.value.fields) == {f"jobs.0.backoff.{name}" for name in ("delays", "factor", "max")}

    def test_a_newer_server_may_say_more_of_a_back_off(self) -> None:
        message = OPERATIONS["settings"].dump_answer(RULES)
        message["settings"]["backoff"]["colour"] = "red"
        message["klass_backoff"]["data"]["colour"] = "red"

        assert OPERATIONS["settings"].load_answer(message) == RULES

    def test_each_record_that_is_none_is_named(self) -> None:
        records = [{"kind": "memo", "name": "x", "value": "y"}, {"kind": "memo"}, {"kind": "other"}, 3]

        with pytest.raises(Invalid) as caught:
            load(OPERATIONS["load"].arguments, over_the_wire({"records": records}))

        assert set(caught.value.fields) == {"records.1", "records.2", "records.3"}

    @pytest.mark.parametrize("records", [None, {}, "memo", 3])
    def test_records_are_a_list(self, records: object) -> None:
        with pytest.raises(Invalid) as caught:
            load(OPERATIONS["load"].arguments, over_the_wire({"records": records}))

        assert set(caught.value.fields) == {"records"}

    def test_lines_of_an_export_come_in_as_they_went_out(self) -> None:
        tally = Tally()
        tally.add(RECORDS)
        lines = [*map(encode_record, RECORDS), encode_end(tally)]

        assert read_lines(b"\n".join(lines) + b"\n") == RECORDS
        assert json.loads(lines[-1])["counts"] == {"namespace": 1, "job": 1, "memo": 1}

    def test_what_nobody_has_said_does_not_stand_there_as_null(self) -> None:
        bare = replace(JOB, progress=None, result=None)

        message = OPERATIONS["get"].dump_answer([JOB, bare])["jobs"]

        assert (message[0]["result"], message[0]["progress"]) == (Raw(b"null"), Raw(b'{"done":1.10}'))
        assert not {"result", "progress"} & message[1].keys()

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
        body = b'{"jobs":[{"data":' + text + b',"n":1}],"result":' + text + b',"progress":' + text + b"}"

        message = wire.decode(body)

        assert message == {"jobs": [{"data": Raw(text), "n": 1}], "result": Raw(text), "progress": Raw(text)}
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
        assume(not any(f'"{name}"' in text for name in wire.OPAQUE))
        assume(text.count("[") + text.count("{") <= wire.MAX_DEPTH)

        assert wire.decode(text.encode()) == json.loads(text)
