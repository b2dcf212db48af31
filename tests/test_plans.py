"""A store keeps what it is told of plugins, whether or not there are such plugins: who has them looks at it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.errors import Invalid
from qless_flask.models import (
    AnyRecord,
    Backoff,
    Chosen,
    JobRecord,
    NamespaceRecord,
    NewJob,
    Recurrence,
    Setting,
    encode_record,
    read_record,
)
from qless_flask.models.backoff import MAX_DELAYS, MAX_OPTIONS_BYTES
from qless_flask.models.chosen import MAX_DEPTH, MAX_WHOLE
from qless_flask.testing.comparison import dump

BARE = ["model", "fakeredis", "valkey", "redis", "sqlite"]
ODD: dict[str, Any] = {
    "a": [1, -1.5, 1e300, MAX_WHOLE, True, None, 'é \U0001f577 " \\ \u2028', {}, [[]], {"b": {"a": ""}}],
    "delay": "soon",
    "data": {"result": None},
    "é": {},
    "": 0,
    "limit": None,
}
UNKNOWN = Backoff.of({"strategy": "by moon", **ODD})
PLANS: dict[str, Setting] = {
    "policies": (Chosen.of({"name": "no such policy", "id": "one", **ODD}), Chosen("no such policy")),
    "trackers": (Chosen.of({"name": "é", **ODD}),),
    "klass_backoff": {"Crawl": UNKNOWN, "é": Backoff("tides")},
}


def over_a_file(records: list[AnyRecord]) -> list[AnyRecord]:
    """Write records as lines and read them again, as an export and an import do."""
    return [read_record(encode_record(record)) for record in records]


@pytest.mark.parametrize("stand", BARE, indirect=True)
class TestOfPluginsThatThereAreNot:
    def test_plans_are_kept(self, namespace: Namespace) -> None:
        namespace.configure_namespace(PLANS)

        found = namespace.settings()
        assert (found.policies, found.trackers) == (PLANS["policies"], PLANS["trackers"])
        assert found.klass_backoff == PLANS["klass_backoff"]

    def test_a_back_off_is_kept_wherever_it_stands(self, namespace: Namespace) -> None:
        namespace.configure("work", {"backoff": UNKNOWN})
        namespace.recur(Recurrence("Sweep", queue="work", id="often", interval=60, backoff=UNKNOWN))
        namespace.put([NewJob("Crawl", queue="work", jid="a", backoff=UNKNOWN)])

        [lease] = namespace.pop(["work"], "ann")

        assert lease.job is not None
        assert [namespace.queues()[0].settings.backoff, lease.job.backoff] == [UNKNOWN] * 2
        assert namespace.recurrences()[0].rule.backoff == UNKNOWN

    def test_all_of_it_goes_through_a_file(self, backend: Backend, namespace: Namespace) -> None:
        namespace.configure_namespace({**PLANS, "backoff": UNKNOWN})
        namespace.recur(Recurrence("Sweep", queue="work", id="often", interval=60, backoff=UNKNOWN))
        namespace.put([NewJob("Crawl", queue="work", jid="a", backoff=UNKNOWN)])
        records = dump(namespace)
        other = backend.namespace(f"{namespace.name}-other")
        other.freeze()

        other.load(over_a_file(records))

        assert sorted(map(encode_record, dump(other))) == sorted(map(encode_record, records))
        assert other.freeze(False) == namespace.settings()
        assert other.recurrences() == namespace.recurrences()
        assert other.get(["a"])[0].backoff == UNKNOWN  # type: ignore[union-attr]


class TestOptions:
    def test_the_same_is_always_the_same_text(self) -> None:
        one = Chosen("log", '{ "b": [1.0, -0.0], "a": {"d": 1e2, "c": 1.50} }')
        other = Chosen.of({"name": "log", "a": {"c": 1.5, "d": 100}, "b": (1, 0)})

        assert one == other
        assert one.options == '{"a":{"c":1.5,"d":100},"b":[1,0]}'

    def test_one_that_has_no_id_is_called_by_its_name(self) -> None:
        assert Chosen("log").id == Chosen("log", id="log").id == "log"
        assert Chosen("log", id="log").as_message() == {"name": "log"}
        assert Chosen("log", id="all").as_message() == {"name": "log", "id": "all"}

    @pytest.mark.parametrize(
        "options",
        [
            {"a": float("nan")},
            {"a": [float("inf")]},
            {"a": "\ud800"},
            {"\ud800": 1},
            {"a": MAX_WHOLE + 1},
            {"a": -MAX_WHOLE - 1},
            {"a": b"bytes"},
            {"a": {1: 2}},
            {"a": {1, 2}},
        ],
        ids=repr,
    )
    def test_what_no_store_and_language_keeps_is_refused(self, options: dict[str, Any]) -> None:
        for build in (Chosen.of, Backoff.of):
            with pytest.raises(Invalid) as caught:
                build({"name": "log", "strategy": "by moon", **options})
            assert list(caught.value.fields) == ["options"]

    @pytest.mark.parametrize(
        "text", ["", "[]", "null", "{", '{"a":NaN}', '{"a":1e999}', '{"a":"\\ud800"}', None, 5, b"{"]
    )
    def test_text_that_is_no_object_is_refused(self, text: Any) -> None:
        for build in (Chosen, Backoff):
            with pytest.raises(Invalid) as caught:
                build("by moon", options=text)
            assert list(caught.value.fields) == ["options"]

    def test_they_may_be_nested_so_deep_and_no_deeper(self) -> None:
        def nested(depth: int) -> dict[str, Any]:
            return {"a": nested(depth - 1)} if depth > 1 else {}

        assert Chosen.of({"name": "log", **nested(MAX_DEPTH)}).name == "log"
        with pytest.raises(Invalid):
            Chosen.of({"name": "log", **nested(MAX_DEPTH + 1)})
        with pytest.raises(Invalid):
            Chosen("log", '{"a":' * 100_000 + "1" + "}" * 100_000)

    @pytest.mark.parametrize("name", ["name", "id"])
    def test_what_stands_beside_them_is_none_of_them(self, name: str) -> None:
        with pytest.raises(Invalid) as caught:
            Chosen("log", f'{{"{name}":"x"}}')

        assert list(caught.value.fields) == ["options"]

    def test_a_back_off_has_so_many_bytes_of_them(self) -> None:
        fits = "x" * (MAX_OPTIONS_BYTES - len('{"a":""}'))

        assert Backoff.of({"strategy": "by moon", "a": fits}).strategy == "by moon"
        with pytest.raises(Invalid):
            Backoff.of({"strategy": "by moon", "a": fits + "x"})


class TestBackoffs:
    @pytest.mark.parametrize(
        "message",
        [
            {"strategy": "fixed", "delay": 5},
            {"strategy": "linear", "delay": 5, "max": 9},
            {"strategy": "exponential", "delay": 5, "factor": 3, "max": 9, "jitter": "none"},
            {"strategy": "table", "delays": [1, 2.5]},
            {"strategy": "by moon", **ODD},
        ],
        ids=lambda message: str(message["strategy"]),
    )
    def test_one_is_read_as_it_is_written(self, message: dict[str, Any]) -> None:
        assert Backoff.of(message).as_message() == message

    def test_what_is_not_said_is_as_by_default(self) -> None:
        assert Backoff.of({}) == Backoff()
        assert Backoff.of({"strategy": "linear"}).as_message() == {"strategy": "linear", "delay": 15.0, "max": 3600.0}

    @pytest.mark.parametrize(
        ("message", "fields"),
        [
            ({"strategy": ""}, {"strategy"}),
            ({"strategy": None}, {"strategy"}),
            ({"strategy": "fixed", "max": 5, "options": "{}"}, {"max", "options"}),
            ({"strategy": "linear", "factor": 2, "delay": -1}, {"factor", "delay"}),
            ({"strategy": "table"}, {"delays"}),
            ({"strategy": "table", "delays": []}, {"delays"}),
            ({"strategy": "table", "delays": 5}, {"delays"}),
            ({"strategy": "table", "delays": [1, -1, "x", True]}, {"delays.1", "delays.2", "delays.3"}),
            ({"strategy": "table", "delays": [1] * (MAX_DELAYS + 1)}, {"delays"}),
            ({"strategy": "table", "delays": [1], "delay": 5}, {"delay"}),
        ],
        ids=lambda value: repr(sorted(value) if isinstance(value, set) else value)[:80],
    )
    def test_what_its_strategy_does_not_take_is_named(self, message: dict[str, Any], fields: set[str]) -> None:
        with pytest.raises(Invalid) as caught:
            Backoff.of(message)

        assert set(caught.value.fields) == fields

    def test_what_is_not_for_its_strategy_must_be_as_by_default(self) -> None:
        with pytest.raises(Invalid) as caught:
            Backoff("by moon", 5, factor=3, delays=(1,))

        assert set(caught.value.fields) == {"delay", "factor", "delays"}


def test_the_records_of_a_dump_stay_what_they_were_through_a_file() -> None:
    records: list[AnyRecord] = [
        NamespaceRecord(settings={"policies": [{"name": "log", "limit": 1.0, "list": [2.0]}]}),
        NamespaceRecord(settings={"policies": [{"name": "log", "limit": 1, "list": [2]}]}),
    ]

    assert len(set(map(encode_record, records))) == 1


def test_a_job_record_says_its_back_off_as_it_is_written() -> None:
    record = JobRecord(
        jid="a",
        klass="K",
        queue="q",
        state="waiting",
        place=1,
        created_at=1,
        available_at=1,
        remaining=5,
        history=[(1, "put", "q")],
        data="{}",
        backoff={"strategy": "by moon", "n": 1.0},
    )

    assert msgspec.json.decode(encode_record(record))["backoff"] == {"strategy": "by moon", "n": 1}
