"""What a record must be to be loaded: within bounds and of one piece, so that none can spoil a store."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from qless_flask.bounds import (
    MAX_CAPABILITIES,
    MAX_DELAY_SECONDS,
    MAX_HISTORY,
    MAX_LOG_BYTES,
    MAX_LOG_LINES,
    MAX_OPEN_DEPENDS,
    MAX_PIPELINE,
    MAX_PRIORITY,
    MAX_PROGRESS_BYTES,
    MAX_RATE,
    MAX_RECORD_BYTES,
    MAX_REQUIRES,
    MAX_RETRIES,
    MAX_TAGS,
    MIN_CLOCK_SECONDS,
    Checks,
    is_text,
    is_utf8,
)
from qless_flask.errors import Invalid
from qless_flask.models.backoff import Backoff
from qless_flask.models.queues import checked_settings, setting_message
from qless_flask.models.statistics import COUNTERS, bucket_of
from qless_flask.models.transfer import (
    OWN_PREFIXES,
    AnyRecord,
    FiguresRecord,
    JobRecord,
    KeyRecord,
    MemoRecord,
    NamespaceRecord,
    QueueRecord,
    RecurrenceRecord,
    TagRecord,
    UntoldRecord,
    WorkerRecord,
    read_rule,
    rule_message,
)
from qless_flask.models.words import ENDED, ON_PARENT_END, STATES

MAX_TIME_MS = round(2 * MAX_DELAY_SECONDS * 1000)
MAX_SPAN_MS = round(MAX_DELAY_SECONDS * 1000)
MIN_SPAN_MS = round(MIN_CLOCK_SECONDS * 1000)
MAX_PLACE = (1 << 44) - 1
"""Places of one priority lie within 2^44: see the indexes of the stores."""
MAX_TALLY = (1 << 53) - 1
"""Up to here every language tells whole numbers apart."""

_HISTORY: Mapping[str, Callable[[Checks, str, object], None] | None] = {
    "put": Checks.name,
    "advanced": Checks.name,
    "moved": Checks.name,
    "popped": Checks.text,
    "lost": Checks.text,
    "retried": Checks.text,
    "failed": Checks.text,
    "expired": Checks.text,
    "completed": None,
    "released": None,
    "canceled": None,
    "promoted": None,
    "timed_out": None,
    "updated": None,
    "unblocked": None,
    "finished": None,
    "tracked": None,
    "untracked": None,
}
"""What goes with each entry of a history: a queue's name, a worker or group, or nothing."""
_ANSWERS: Mapping[str, tuple[str, ...]] = {
    "complete": ("complete", "waiting", "scheduled", "depends", "canceled"),
    "retry": ("waiting", "scheduled", "failed"),
    "fail": ("failed",),
    "release": ("waiting", "scheduled"),
}
_PERIOD = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2})?")


def check_records(records: Sequence[AnyRecord]) -> None:
    """Raise Invalid, naming the fields, unless each of these can be in a namespace."""
    check = Checks()
    for index, record in enumerate(records):
        found = Checks()
        _CHECKS[type(record)](found, record)
        try:
            found.done()
        except Invalid as error:
            check.merge(f"records.{index}", error.fields)
    check.done()


def _check_namespace(check: Checks, record: NamespaceRecord) -> None:
    _check_settings(check, record.settings, namespace=True)
    check.integer("turn", record.turn, 0, MAX_TALLY)


def _check_queue(check: Checks, record: QueueRecord) -> None:
    check.name("name", record.name)
    _check_settings(check, record.settings)
    check.integer("place", record.place, 0, MAX_PLACE)
    _check_times(check, record.popped, least=0)
    for name in ("rate_since", "key_rate_since", "warned_at"):
        _check_time(check, name, getattr(record, name), optional=True)


def _check_key(check: Checks, record: KeyRecord) -> None:
    check.name("queue", record.queue)
    check.text("key", record.key)
    _check_times(check, record.popped, least=1)


def _check_job(check: Checks, record: JobRecord) -> None:
    check.text("jid", record.jid)
    check.text("klass", record.klass)
    check.name("queue", record.queue)
    check.one_of("state", record.state, STATES)
    check.integer("priority", record.priority, -MAX_PRIORITY, MAX_PRIORITY)
    check.one_of("on_parent_end", record.on_parent_end, ON_PARENT_END)
    for name in ("created_at", "available_at"):
        _check_time(check, name, getattr(record, name))
    for name in ("started_at", "ended_at", "expires_at", "start_by", "due_at", "due_at_unblock"):
        _check_time(check, name, getattr(record, name), optional=True)
    for name in ("max_run", "expires_in"):
        _check_span(check, name, getattr(record, name))
    _check_texts(check, "tags", record.tags, MAX_TAGS)
    check.names("pipeline", record.pipeline, least=0, most=MAX_PIPELINE)
    _check_texts(check, "requires", record.requires, MAX_REQUIRES, ordered=True)
    if record.key is not None:
        check.text("key", record.key)
    _check_backoff(check, record.backoff)
    _check_texts_of_job(check, record)
    _check_counts(check, record)
    _check_standing(check, record)
    _check_lease(check, record)
    _check_end(check, record)
    _check_waiting_for(check, record)
    _check_unique(check, record)
    _check_past(check, record)


def _check_texts_of_job(check: Checks, record: JobRecord) -> None:
    for name in ("data", "progress", "result"):
        value = getattr(record, name)
        if value is not None:
            check.json(name, value)
    if record.progress is not None and len(record.progress.encode(errors="replace")) > MAX_PROGRESS_BYTES:
        check.wrong("progress", f"must be at most {MAX_PROGRESS_BYTES:,} bytes")
    if record.recurrence is not None:
        check.text("recurrence", record.recurrence)
    if (record.recurrence is None) != (record.due_at is None):
        check.wrong("due_at", "and recurrence go together")


def _check_counts(check: Checks, record: JobRecord) -> None:
    if record.retries is not None:
        check.integer("retries", record.retries, 0, MAX_RETRIES)
    check.integer("remaining", record.remaining, 0, MAX_RETRIES if record.retries is None else record.retries)
    check.integer("runs", record.runs, 0, MAX_TALLY)
    check.integer("losses", record.losses, 0, record.runs)
    _check_only_if(check, "started_at", record.started_at, record.runs > 0, "has run")


def _check_standing(check: Checks, record: JobRecord) -> None:
    placed = record.state in ("waiting", "running")
    check.integer("place", record.place, 1 if placed else 0, MAX_PLACE if placed else 0)
    if record.start_by is None:
        return
    if record.state in ENDED or record.runs:
        check.wrong("start_by", "belongs to a job that has neither run nor ended")
    if record.expires_in is None or record.start_by != record.created_at + record.expires_in:
        check.wrong("start_by", "must be expires_in after created_at")


def _check_lease(check: Checks, record: JobRecord) -> None:
    runs = record.state == "running"
    for name in ("worker", "token"):
        if getattr(record, name) is not None:
            check.text(name, getattr(record, name))
    _check_only_if(check, "worker", record.worker, runs, "runs")
    if record.token is not None or runs:
        may = record.runs > 0 and record.state in ("running", "canceled")
        _check_only_if(check, "token", record.token, may, "runs, or ran when it was canceled")
    if runs and not record.runs:
        check.wrong("runs", "must be over 0 of a job that runs")
    if record.expires_at is not None and not runs:
        check.wrong("expires_at", "belongs to a job that runs")
    if record.settled is None:
        return
    token, kind, answer = record.settled
    check.text("settled", token)
    if answer not in _ANSWERS.get(kind, ()):
        check.wrong("settled", f"cannot have been answered with {answer}")
    if token == record.token:
        check.wrong("settled", "names the token of the lease that is live")
    if not record.runs:
        check.wrong("settled", "belongs to a job that has run")


def _check_end(check: Checks, record: JobRecord) -> None:
    _check_only_if(check, "ended_at", record.ended_at, record.state in ENDED, "has ended")
    if record.failure is None:
        if record.state == "failed":
            check.wrong("failure", "must be given of a job that has failed")
        return
    if record.state == "complete":
        check.wrong("failure", "cannot be kept of a job that is complete")
    group, message, at, worker, run = record.failure
    check.text("failure", group)
    check.message("failure", message)
    _check_time(check, "failure", at)
    if worker is not None:
        check.text("failure", worker)
    check.integer("failure", run, 0, record.runs)


def _check_waiting_for(check: Checks, record: JobRecord) -> None:
    depends = record.state == "depends"
    _check_texts(check, "depends", record.depends, MAX_OPEN_DEPENDS, ordered=True)
    if bool(record.depends) != depends:
        check.wrong("depends", "must be given of a job in the state depends, and only of such a one")
    if record.jid in record.depends:
        check.wrong("depends", "cannot name the job itself")
    if record.due_in is not None:
        check.integer("due_in", record.due_in, 1, MAX_SPAN_MS)
    for name in ("due_in", "due_at_unblock"):
        if getattr(record, name) is not None and not depends:
            check.wrong(name, "belongs to a job in the state depends")
    if record.due_in is not None and record.due_at_unblock is not None:
        check.wrong("due_in", "cannot stand beside due_at_unblock")


def _check_unique(check: Checks, record: JobRecord) -> None:
    held_for = None
    if record.unique is not None:
        key, held_for = record.unique
        check.text("unique", key)
        _check_span(check, "unique", held_for)
    if not record.holds_unique:
        return
    if record.unique is None:
        check.wrong("holds_unique", "belongs to a job with a unique key")
    elif record.state == "canceled" or (record.state in ENDED and held_for is None):
        check.wrong("holds_unique", f"cannot be so of a job that is {record.state}")


def _check_past(check: Checks, record: JobRecord) -> None:
    if not 1 <= len(record.history) <= MAX_HISTORY:
        check.wrong("history", f"must have 1 to {MAX_HISTORY} items")
    for index, (at, event, word) in enumerate(record.history):
        field = f"history.{index}"
        _check_time(check, field, at)
        check.one_of(field, event, _HISTORY)
        check_word = _HISTORY.get(event)
        if check_word is not None:
            check_word(check, field, word)
        elif word is not None and not (event == "finished" and is_text(word)):
            check.wrong(field, f"has nothing that goes with {event}")
    if len(record.log) > MAX_LOG_LINES:
        check.wrong("log", f"must have 0 to {MAX_LOG_LINES} items")
    size = 0
    for index, (at, message, data) in enumerate(record.log):
        field = f"log.{index}"
        _check_time(check, field, at)
        check.message(field, message)
        if data is not None:
            check.json(field, data)
        size += len((message + (data or "")).encode(errors="replace"))
    if size > MAX_LOG_BYTES:
        check.wrong("log", f"must be at most {MAX_LOG_BYTES:,} bytes")


def _check_untold(check: Checks, record: UntoldRecord) -> None:
    check.integer("number", record.number, 1, MAX_TALLY)
    check.text("jid", record.jid)
    if record.after:
        check.text("after", record.after)


def _check_worker(check: Checks, record: WorkerRecord) -> None:
    check.text("name", record.name)
    _check_time(check, "seen_at", record.seen_at)
    _check_texts(check, "capabilities", record.capabilities, MAX_CAPABILITIES, ordered=True)


def _check_tag(check: Checks, record: TagRecord) -> None:
    check.text("name", record.name)
    figures = ("waits", "waited", "runs", "ran")
    for name in figures:
        check.integer(name, getattr(record, name), 0, MAX_TALLY)
    if not record.tracked and not any(getattr(record, name) for name in figures):
        check.wrong("name", "must be that of a tag which is tracked or has figures")


def _check_recurrence(check: Checks, record: RecurrenceRecord) -> None:
    check.integer("fired", record.fired, 0, MAX_TALLY)
    for name in ("next_at", "last_at"):
        _check_time(check, name, getattr(record, name), optional=True)
    if record.last_jid is not None:
        check.text("last_jid", record.last_jid)
    if (record.last_at is None) != (record.last_jid is None):
        check.wrong("last_at", "and last_jid go together")
    try:
        rule = read_rule(record.rule)
    except Invalid as error:
        check.merge("rule", error.fields)
        return
    if rule_message(rule) != record.rule:
        check.wrong("rule", "must say each thing once, in the way it is written, and no defaults")
    if rule.count is not None and record.fired >= rule.count and record.next_at is not None:
        check.wrong("next_at", "cannot be there: it has fired as often as it should")


def _check_figures(check: Checks, record: FiguresRecord) -> None:
    if not _is_period(record.period):
        check.wrong("period", "must be a day or an hour, as 2026-11-24 or 2026-11-24T10")
    hourly = "T" in record.period
    check.one_of("of", record.of, ("queue",) if hourly else ("queue", "klass", "tag"))
    if record.name and record.of == "queue":
        check.name("name", record.name)
    elif record.name:
        check.text("name", record.name)
    if len(record.text.encode(errors="replace")) > MAX_RECORD_BYTES:
        check.wrong("text", f"must be at most {MAX_RECORD_BYTES:,} bytes")
        return
    kind = _Hour if hourly else _Day if record.name or record.of == "queue" else _Counter
    try:
        figures = msgspec.json.decode(record.text, type=kind)
    except (msgspec.MsgspecError, UnicodeError) as error:
        check.wrong("text", str(error))
        return
    if not figures.is_sound():
        check.wrong("text", "has figures that cannot be")


def _check_memo(check: Checks, record: MemoRecord) -> None:
    check.text("name", record.name)
    if record.name.startswith(OWN_PREFIXES):
        check.wrong("name", "belongs to the store that it was in")
    if not is_utf8(record.value):
        check.wrong("value", "must be text")
    elif len(record.value.encode()) > MAX_RECORD_BYTES:
        check.wrong("value", f"must be at most {MAX_RECORD_BYTES:,} bytes")


_CHECKS: Mapping[type, Callable[[Checks, Any], None]] = {
    NamespaceRecord: _check_namespace,
    QueueRecord: _check_queue,
    KeyRecord: _check_key,
    JobRecord: _check_job,
    UntoldRecord: _check_untold,
    WorkerRecord: _check_worker,
    TagRecord: _check_tag,
    RecurrenceRecord: _check_recurrence,
    FiguresRecord: _check_figures,
    MemoRecord: _check_memo,
}

Spread = tuple[int, int, int, dict[int, int]]
Parts = dict[int, list[int]]


class _Figures(msgspec.Struct, forbid_unknown_fields=True):
    """A row of statistics as `backends.folding` writes it."""

    def is_sound(self) -> bool:
        """Tell whether the figures of a row agree with each other."""
        raise NotImplementedError


class _Day(_Figures):
    wait: Spread | None = None
    run: Spread | None = None
    failed: int = 0
    retried: int = 0
    lost: int = 0
    hours: Parts = {}

    def is_sound(self) -> bool:
        spreads = [each for each in (self.wait, self.run) if each is not None]
        numbers = (self.failed, self.retried, self.lost)
        return min(numbers) >= 0 and all(map(_is_spread, spreads)) and _are_counts(self.hours, 24)


class _Hour(_Figures):
    minutes: Parts = {}

    def is_sound(self) -> bool:
        return _are_counts(self.minutes, 60)


class _Counter(_Figures):
    names: int

    def is_sound(self) -> bool:
        return self.names >= 0


def _is_spread(spread: Spread) -> bool:
    count, total, squares, buckets = spread
    most = bucket_of(MAX_TIME_MS)
    return (
        min(count, total, squares) >= 0
        and sum(buckets.values()) == count
        and all(0 <= number <= most and many > 0 for number, many in buckets.items())
        # The mean square is at least the squared mean (Cauchy-Schwarz).
        and total * total <= count * squares
    )


def _are_counts(parts: Parts, most: int) -> bool:
    return all(0 <= part < most and len(counts) == COUNTERS and min(counts) >= 0 for part, counts in parts.items())


def _is_period(text: str) -> bool:
    if not _PERIOD.fullmatch(text):
        return False
    try:
        datetime.strptime(text, "%Y-%m-%dT%H" if "T" in text else "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return False
    return True


def _check_settings(check: Checks, settings: Mapping[str, Any], *, namespace: bool = False) -> None:
    try:
        found = checked_settings(settings, namespace=namespace)
    except Invalid as error:
        check.merge("settings", error.fields)
        return
    for name, value in found.items():
        if setting_message(value) != settings[name]:
            check.wrong(f"settings.{name}", "must be written out")


def _check_backoff(check: Checks, message: dict[str, Any] | None) -> None:
    if message is None:
        return
    try:
        written = Backoff.of(message).as_message()
    except Invalid as error:
        check.merge("backoff", error.fields)
    else:
        if written != message:
            check.wrong("backoff", "must be written out")


def _check_time(check: Checks, field: str, value: object, *, optional: bool = False) -> None:
    if value is not None or not optional:
        check.integer(field, value, 0, MAX_TIME_MS)


def _check_span(check: Checks, field: str, value: object) -> None:
    if value is not None:
        check.integer(field, value, MIN_SPAN_MS, MAX_SPAN_MS)


def _check_times(check: Checks, times: Sequence[object], *, least: int) -> None:
    if not least <= len(times) <= MAX_RATE:
        check.wrong("popped", f"must have {least} to {MAX_RATE:,} items")
        return
    for index, at in enumerate(times):
        _check_time(check, f"popped.{index}", at)


def _check_texts(check: Checks, field: str, values: Sequence[str], most: int, *, ordered: bool = False) -> None:
    check.texts(field, values, most=most)
    if len(set(values)) < len(values):
        check.wrong(field, "names one twice")
    elif ordered and sorted(values) != list(values):
        check.wrong(field, "must be sorted")


def _check_only_if(check: Checks, field: str, value: object, so: bool, why: str) -> None:
    if (value is not None) != so:
        check.wrong(field, f"must be given of a job that {why}, and only of such a one")
