"""Records of dumps: read, written, summed up, and refused where they could spoil a store."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from qless_flask.bounds import MAX_DELAY_SECONDS
from qless_flask.errors import Invalid
from qless_flask.models import (
    AnyRecord,
    Backoff,
    FiguresRecord,
    JobRecord,
    KeyRecord,
    MemoRecord,
    NamespaceRecord,
    QueueRecord,
    QueueSettings,
    Recurrence,
    RecurrenceRecord,
    TagRecord,
    Tally,
    UntoldRecord,
    WorkerRecord,
    check_records,
    distinct,
    encode_record,
    read_record,
    read_rule,
    rule_message,
    setting_message,
)

NOW = 1_790_000_000_000
MOST_MS = round(2 * MAX_DELAY_SECONDS * 1000)


def job(**changes: Any) -> JobRecord:
    """A job that waits, with whatever else."""
    return msgspec.structs.replace(
        JobRecord(
            jid="a",
            klass="Crawl",
            queue="work",
            state="waiting",
            place=1,
            created_at=NOW,
            available_at=NOW,
            remaining=5,
            history=[(NOW, "put", "work")],
            data="{}",
        ),
        **changes,
    )


RAN = {"started_at": NOW, "runs": 1}
RUNNING = {**RAN, "state": "running", "worker": "ann", "token": "t1"}
ENDED = {"ended_at": NOW, "place": 0}
FAILURE = ("broken", "why", NOW, "ann", 1)
FAILED = {**RAN, **ENDED, "state": "failed", "failure": FAILURE}
DEPENDS = {"state": "depends", "place": 0, "depends": ["b", "c"]}
RULE = {"id": "r", "klass": "Crawl", "queue": "work", "interval": 60.0}
DAY = {
    "wait": [2, 30, 500, {"10": 1, "20": 1}],
    "run": [0, 0, 0, {}],
    "failed": 1,
    "hours": {"0": [1, 2, 3, 4, 5, 6], "23": [0] * 6},
}


def figures(value: object, period: str = "2026-11-24", of: str = "queue", name: str = "work") -> FiguresRecord:
    return FiguresRecord(period=period, of=of, name=name, text=msgspec.json.encode(value).decode())


RIGHT: list[AnyRecord] = [
    NamespaceRecord(),
    NamespaceRecord(settings={"heartbeat": 30, "rate": {"limit": 5, "per": 1.5}}, turn=7),
    NamespaceRecord(settings={"backoff": {"strategy": "fixed", "delay": 5}}),
    NamespaceRecord(settings={"policies": [{"name": "x", "n": 1.0}], "klass_backoff": {"K": {"strategy": "moon"}}}),
    NamespaceRecord(settings={"retention": setting_message(QueueSettings().retention), "max_run": None}),
    QueueRecord(name="work"),
    QueueRecord(name="work", settings={"max_size": 5}, paused=True, place=9, popped=[NOW, NOW - 1], rate_since=0),
    KeyRecord(queue="work", key="ann", popped=[NOW]),
    job(),
    job(
        priority=-511, retries=5, tags=["b", "a"], pipeline=["x", "x"], requires=["eu", "gpu"], key="ann", tracked=True
    ),
    job(state="scheduled", place=0, available_at=NOW + 5),
    job(**DEPENDS, due_in=5000, on_parent_end="cancel"),
    job(**DEPENDS, due_at_unblock=NOW + 5),
    job(**RUNNING, expires_at=NOW + 60_000, losses=1),
    job(**RUNNING, settled=("t0", "retry", "waiting"), failure=FAILURE),
    job(**FAILED, settled=("t1", "fail", "failed")),
    job(**FAILED, unique=("one", 5000), holds_unique=True),
    job(**ENDED, state="failed", failure=("expired", "", NOW, None, 0)),
    job(**ENDED, state="complete", result='"done"'),
    job(**ENDED, **RAN, state="canceled", token="t1"),
    job(unique=("one", None), holds_unique=True, backoff={"strategy": "fixed", "delay": 5.0}, max_run=100),
    job(expires_in=5000, start_by=NOW + 5000, recurrence="r", due_at=NOW, progress="50"),
    job(history=[(NOW, "moved", "work"), (NOW, "failed", "group"), (NOW, "finished", None), (NOW, "finished", "g")]),
    job(log=[(NOW, "line\nend", None), (NOW, "", '{"a":1}')]),
    UntoldRecord(number=1, jid="a"),
    UntoldRecord(number=2, jid="b", after="a"),
    WorkerRecord(name="ann", seen_at=NOW, quiet=True, capabilities=["eu", "gpu"]),
    TagRecord(name="urgent", tracked=True),
    TagRecord(name="urgent", waits=1, waited=0),
    RecurrenceRecord(rule=RULE, next_at=NOW),
    RecurrenceRecord(rule={**RULE, "tags": ["a"], "count": 2, "backoff": Backoff("fixed", 5).as_message()}, fired=2),
    RecurrenceRecord(rule=RULE, next_at=NOW, fired=3, last_at=NOW - 5, last_jid="r@1"),
    figures(DAY),
    figures(DAY, name=""),
    figures({"failed": 3}, of="klass", name="Crawl it"),
    figures({"names": 5}, of="tag", name=""),
    figures({"minutes": {"59": [0, 1, 0, 0, 0, 0]}}, "2026-11-24T10"),
    MemoRecord(name="cursor", value="é"),
    MemoRecord(name="cursor", value=""),
]

WRONG: list[tuple[AnyRecord, str]] = [
    (NamespaceRecord(settings={"speed": 5}), "settings.speed"),
    (NamespaceRecord(settings={"heartbeat": "5"}), "settings.heartbeat"),
    (NamespaceRecord(settings={"backoff": {"delay": 5}}), "settings.backoff"),
    (NamespaceRecord(turn=-1), "turn"),
    (QueueRecord(name="no name"), "name"),
    (QueueRecord(name="work", place=1 << 44), "place"),
    (QueueRecord(name="work", popped=[NOW] * 10_001), "popped"),
    (QueueRecord(name="work", popped=[-1]), "popped.0"),
    (QueueRecord(name="work", settings={"max_size": 0}), "settings.max_size"),
    (QueueRecord(name="work", warned_at=MOST_MS + 1), "warned_at"),
    (KeyRecord(queue="work", key="", popped=[NOW]), "key"),
    (KeyRecord(queue="work", key="a", popped=[]), "popped"),
    (job(jid=""), "jid"),
    (job(jid="a\n"), "jid"),
    (job(klass="\ud800"), "klass"),
    (job(queue="a b"), "queue"),
    (job(priority=512), "priority"),
    (job(place=0), "place"),
    (job(place=1 << 44), "place"),
    (job(state="scheduled"), "place"),
    (job(available_at=-1), "available_at"),
    (job(created_at=MOST_MS + 1), "created_at"),
    (job(remaining=6, retries=5), "remaining"),
    (job(remaining=-1), "remaining"),
    (job(losses=1), "losses"),
    (job(started_at=NOW), "started_at"),
    (job(runs=1), "started_at"),
    (job(worker="ann"), "worker"),
    (job(token="t"), "token"),
    (job(expires_at=NOW), "expires_at"),
    (job(**{**RUNNING, "worker": None}), "worker"),
    (job(**{**RUNNING, "token": None}), "token"),
    (job(**{**RUNNING, "runs": 0, "started_at": None}), "runs"),
    (job(**RUNNING, settled=("t1", "retry", "waiting")), "settled"),
    (job(settled=("t1", "retry", "waiting")), "settled"),
    (job(**RAN, settled=("t1", "retry", "complete")), "settled"),
    (job(**RAN, settled=("t1", "complete", "running")), "settled"),
    (job(**ENDED, state="canceled", token="t1"), "token"),
    (job(ended_at=NOW), "ended_at"),
    (job(state="complete", place=0), "ended_at"),
    (job(**ENDED, state="failed"), "failure"),
    (job(**ENDED, **RAN, state="complete", failure=FAILURE), "failure"),
    (job(failure=FAILURE), "failure"),
    (job(**DEPENDS | {"depends": []}), "depends"),
    (job(**DEPENDS | {"depends": ["c", "b"]}), "depends"),
    (job(**DEPENDS | {"depends": ["b", "b"]}), "depends"),
    (job(**DEPENDS | {"depends": ["a"]}), "depends"),
    (job(depends=["b"]), "depends"),
    (job(due_in=5), "due_in"),
    (job(**DEPENDS, due_in=0), "due_in"),
    (job(**DEPENDS, due_in=1, due_at_unblock=NOW), "due_in"),
    (job(start_by=NOW), "start_by"),
    (job(expires_in=5000, start_by=NOW + 4999), "start_by"),
    (job(**ENDED, state="complete", expires_in=5000, start_by=NOW + 5000), "start_by"),
    (job(expires_in=5), "expires_in"),
    (job(max_run=round(MAX_DELAY_SECONDS * 1000) + 1), "max_run"),
    (job(holds_unique=True), "holds_unique"),
    (job(**ENDED, state="canceled", unique=("one", 5000), holds_unique=True), "holds_unique"),
    (job(**FAILED, unique=("one", None), holds_unique=True), "holds_unique"),
    (job(unique=("one", 5)), "unique"),
    (job(backoff={"delay": 5}), "backoff"),
    (job(backoff={"strategy": "fixed", "delay": -1}), "backoff.delay"),
    (job(backoff={"speed": 5}), "backoff.speed"),
    (job(backoff={"strategy": "by moon", "max": float("nan")}), "backoff.options"),
    (NamespaceRecord(settings={"policies": [{"name": ""}]}), "settings.policies.0.name"),
    (QueueRecord(name="work", settings={"policies": []}), "settings.policies"),
    (job(tags=["a", "a"]), "tags"),
    (job(tags=[str(number) for number in range(33)]), "tags"),
    (job(requires=["b", "a"]), "requires"),
    (job(requires=list("abcdefghi")), "requires"),
    (job(pipeline=["a b"]), "pipeline.0"),
    (job(data="{"), "data"),
    (job(data="NaN"), "data"),
    (job(progress='"' + "x" * 5000 + '"'), "progress"),
    (job(result="x"), "result"),
    (job(recurrence="r"), "due_at"),
    (job(due_at=NOW), "due_at"),
    (job(history=[]), "history"),
    (job(history=[(NOW, "put", "work")] * 101), "history"),
    (job(history=[(NOW, "exploded", None)]), "history.0"),
    (job(history=[(NOW, "put", None)]), "history.0"),
    (job(history=[(NOW, "popped", "a\tb")]), "history.0"),
    (job(history=[(NOW, "completed", "work")]), "history.0"),
    (job(history=[(-1, "put", "work")]), "history.0"),
    (job(log=[(NOW, "", None)] * 101), "log"),
    (job(log=[(NOW, "x" * 32_768, None)] * 3), "log"),
    (job(log=[(NOW, "", "x")]), "log.0"),
    (UntoldRecord(number=0, jid="a"), "number"),
    (UntoldRecord(number=1, jid=""), "jid"),
    (WorkerRecord(name="ann", seen_at=NOW, capabilities=["b", "a"]), "capabilities"),
    (WorkerRecord(name="", seen_at=NOW), "name"),
    (TagRecord(name="urgent"), "name"),
    (TagRecord(name="urgent", waits=-1), "waits"),
    (RecurrenceRecord(rule={"id": "r"}), "rule.fields"),
    (RecurrenceRecord(rule={name: value for name, value in RULE.items() if name != "id"}), "rule.id"),
    (RecurrenceRecord(rule={**RULE, "interval": 0.5}), "rule.interval"),
    (RecurrenceRecord(rule={**RULE, "priority": 0}), "rule"),
    (RecurrenceRecord(rule={**RULE, "count": 2}, fired=2, next_at=NOW), "next_at"),
    (RecurrenceRecord(rule=RULE, last_at=NOW), "last_at"),
    (figures(DAY, "2026-11-31"), "period"),
    (figures(DAY, "2026-11-24T24"), "period"),
    (figures(DAY, of="worker"), "of"),
    (figures({}, "2026-11-24T10", "klass"), "of"),
    (figures(DAY, name="a b"), "name"),
    (figures({"wait": [1, 5, 25, {}]}), "text"),
    (figures({"wait": [2, 30, 400, {"10": 1, "20": 1}]}), "text"),
    (figures({"wait": [1, 5, 25, {"-1": 1}]}), "text"),
    (figures({"wait": [1, 5, 25]}), "text"),
    (figures({"hours": {"24": [0] * 6}}), "text"),
    (figures({"hours": {"3": [0] * 5}}), "text"),
    (figures({"hours": {"3": [0, -1, 0, 0, 0, 0]}}), "text"),
    (figures({"failed": -1}), "text"),
    (figures({"speed": 1}), "text"),
    (figures(["x"]), "text"),
    (figures(DAY, of="tag", name=""), "text"),
    (FiguresRecord(period="2026-11-24", of="queue", name="", text="{" * 5000), "text"),
    (MemoRecord(name="copy:checkpoint", value=""), "name"),
    (MemoRecord(name="reader:a", value=""), "name"),
    (MemoRecord(name="a", value="\ud800"), "value"),
    (MemoRecord(name="a", value="x" * 65_537), "value"),
]


def named(value: object) -> str | None:
    return value if isinstance(value, str) else None


class TestChecks:
    @pytest.mark.parametrize("record", RIGHT, ids=lambda record: type(record).__name__)
    def test_what_can_be_passes(self, record: AnyRecord) -> None:
        check_records([record])

    @pytest.mark.parametrize(("record", "field"), WRONG, ids=named)
    def test_what_cannot_be_is_refused_by_its_field(self, record: AnyRecord, field: str) -> None:
        with pytest.raises(Invalid) as caught:
            check_records([MemoRecord(name="a", value=""), record])

        assert f"records.1.{field}" in caught.value.fields

    def test_all_that_is_wrong_is_told(self) -> None:
        with pytest.raises(Invalid) as caught:
            check_records([job(place=0, data="{"), KeyRecord(queue="", key="", popped=[])])

        assert set(caught.value.fields) == {
            "records.0.place",
            "records.0.data",
            "records.1.queue",
            "records.1.key",
            "records.1.popped",
        }


class TestLines:
    @pytest.mark.parametrize("record", RIGHT, ids=lambda record: type(record).__name__)
    def test_what_is_written_is_read_back(self, record: AnyRecord) -> None:
        line = encode_record(record)

        assert b"\n" not in line
        assert read_record(line) == record
        assert encode_record(read_record(line)) == line

    def test_what_is_not_there_is_left_out(self) -> None:
        assert encode_record(QueueRecord(name="work")) == b'{"kind":"queue","name":"work"}'

    def test_a_whole_number_is_written_in_one_way(self) -> None:
        one, other = (
            QueueRecord(name="a", settings={"heartbeat": 60}),
            QueueRecord(name="a", settings={"heartbeat": 60.0}),
        )

        assert encode_record(one) == encode_record(other)

    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"{",
            b"[]",
            b"5",
            b'{"kind":"queue"}',
            b'{"kind":"house","name":"a"}',
            b'{"name":"a"}',
            b'{"kind":"queue","name":"a","speed":5}',
            b'{"kind":"queue","name":5}',
            b'{"kind":"queue","name":"\xff"}',
            b'{"kind":"memo","name":"a","value":' + b"[" * 100_000,
        ],
    )
    def test_what_is_no_record_is_refused(self, line: bytes) -> None:
        with pytest.raises(Invalid):
            read_record(line)


class TestRules:
    @pytest.mark.parametrize(
        "rule",
        [
            Recurrence("Crawl", queue="work", id="r", interval=60),
            Recurrence(
                "Crawl",
                '{"a": 1}',
                queue="work",
                id="r",
                cron="5 4 * * *",
                timezone="Europe/Berlin",
                first_at=5.5,
                overlap="skip",
                catchup=5,
                count=7,
                priority=-3,
                tags=("b", "a"),
                retries=0,
                pipeline=("x", "y"),
                backoff=Backoff("exponential", 5, factor=3, max=100, jitter="none"),
                max_run=5,
                expires_in=60,
                requires=("gpu", "eu"),
                key="ann",
            ),
        ],
    )
    def test_a_rule_is_read_as_it_was_written(self, rule: Recurrence) -> None:
        record = RecurrenceRecord(rule=rule_message(rule))

        read = read_record(encode_record(record))

        assert isinstance(read, RecurrenceRecord)
        assert read_rule(read.rule) == rule

    def test_what_a_rule_does_not_say_is_left_out(self) -> None:
        assert rule_message(Recurrence("Crawl", queue="work", id="r", interval=60)) == RULE


class TestTally:
    def test_order_is_of_no_matter(self) -> None:
        one, other = Tally(), Tally()

        one.add(RIGHT)
        other.add(reversed([each for each in RIGHT if not isinstance(each, JobRecord)]))
        other.add([each for each in RIGHT if isinstance(each, JobRecord)])

        assert (one.counts, one.checksum) == (other.counts, other.checksum)

    def test_a_job_counts_once(self) -> None:
        tally = Tally()
        again = job(priority=5)

        assert tally.add([job(), QueueRecord(name="a"), again]) == [job(), QueueRecord(name="a")]
        checksum = tally.checksum
        assert tally.add([again]) == []

        assert tally.counts == {"job": 1, "queue": 1}
        assert tally.checksum == checksum

    def test_the_checksum_is_another_where_anything_is(self) -> None:
        sums = set()
        for record in (job(), job(priority=1), job(jid="b"), QueueRecord(name="a"), QueueRecord(name="b")):
            tally = Tally()
            tally.add([record])
            sums.add(tally.checksum)

        assert len(sums) == 5

    def test_nothing_has_a_checksum_too(self) -> None:
        assert (Tally().counts, Tally().checksum) == ({}, "0" * 16)

    def test_of_the_same_thing_the_last_record_stays(self) -> None:
        records: list[AnyRecord] = [
            QueueRecord(name="a"),
            job(),
            QueueRecord(name="a", paused=True),
            KeyRecord(queue="a", key="x", popped=[1]),
            KeyRecord(queue="b", key="x", popped=[1]),
            RecurrenceRecord(rule=RULE),
            RecurrenceRecord(rule=RULE, paused=True),
            UntoldRecord(number=1, jid="a"),
            UntoldRecord(number=2, jid="a"),
            figures({}),
            figures({}, of="tag"),
            NamespaceRecord(),
            NamespaceRecord(turn=1),
            WorkerRecord(name="a", seen_at=1),
        ]

        assert distinct(records) == [
            QueueRecord(name="a", paused=True),
            job(),
            KeyRecord(queue="a", key="x", popped=[1]),
            KeyRecord(queue="b", key="x", popped=[1]),
            RecurrenceRecord(rule=RULE, paused=True),
            UntoldRecord(number=2, jid="a"),
            figures({}),
            figures({}, of="tag"),
            NamespaceRecord(turn=1),
            WorkerRecord(name="a", seen_at=1),
        ]
