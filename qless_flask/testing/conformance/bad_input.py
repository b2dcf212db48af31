"""Bad input: named by its field, and nothing changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import Invalid, TooLarge
from qless_flask.models import (
    Actor,
    Beat,
    Cancel,
    Changes,
    Complete,
    Fail,
    Filter,
    Finish,
    Lease,
    NewJob,
    Pop,
    Release,
    Retry,
    Unique,
    Update,
)
from qless_flask.testing.conformance.scenes import Check, put, run, unchanged

LEASE = Lease("a", "token")
BAD_TEXTS = ["", "x" * 201, "é" * 101, "tab\t", "line\n", "nul\x00", "\x7f", "\x85", "\ud800"]
BAD_NAMES = ["", " ", "a b", "a/b", "é", "a" * 129, "a\n", "{a}"]

Act = Callable[[Namespace], object]


def refused(namespace: Namespace, check: Check, acts: Sequence[Act], field: str) -> None:
    """Do what must be refused for a field, and see that nothing changed."""
    put(namespace, "a")
    with unchanged(namespace, check):
        for act in acts:
            with pytest.raises(Invalid) as caught:
                act(namespace)
            assert field in caught.value.fields
            assert field in str(caught.value)


def _swap(act: Callable[[Namespace, str], object], text: str, namespace: Namespace) -> object:
    return act(namespace, text)


class TestBadInput:
    """Out of bounds."""

    @pytest.mark.parametrize(
        ("field", "act"),
        [
            ("jids.0", lambda namespace, text: namespace.get([text])),
            ("jids.1", lambda namespace, text: namespace.cancel(["a", text])),
            ("jids.0", lambda namespace, text: namespace.move([text], "other")),
            ("jids.0", lambda namespace, text: namespace.update([text], Changes(priority=1))),
            ("jids.0", lambda namespace, text: namespace.timeout([text])),
            ("jids.0", lambda namespace, text: namespace.finish([text], Finish("complete"))),
            ("jid", lambda namespace, text: namespace.depend(text, ["b"])),
            ("on.1", lambda namespace, text: namespace.depend("a", ["b", text])),
            ("off.0", lambda namespace, text: namespace.depend("a", off=[text])),
            ("jid", lambda namespace, text: namespace.lines(text)),
            ("worker", lambda namespace, text: namespace.pop(["work"], text)),
            ("request", lambda namespace, text: namespace.pop(["work"], "ann", request=text)),
            ("names.0", lambda namespace, text: namespace.workers([text])),
            ("worker", lambda namespace, text: namespace.quiet(text)),
            ("worker", lambda namespace, text: namespace.stop(text)),
            ("tag", lambda namespace, text: namespace.track(text)),
            ("names.0", lambda namespace, text: namespace.tags([text])),
            ("after", lambda namespace, text: namespace.tags(after=text)),
            ("groups.0", lambda namespace, text: namespace.failures([text])),
            ("ids.0", lambda namespace, text: namespace.recurrences([text])),
            ("id", lambda namespace, text: namespace.unrecur(text)),
            ("id", lambda namespace, text: namespace.pause_recurrence(text)),
            ("id", lambda namespace, text: namespace.resume_recurrence(text)),
            ("id", lambda namespace, text: namespace.run_recurrence(text)),
            ("id", lambda namespace, text: namespace.fire(text, 0)),
            ("role", lambda namespace, text: namespace.lead(text, "ann", 1)),
            ("holder", lambda namespace, text: namespace.lead("role", text, 1)),
            ("name", lambda namespace, text: namespace.remember(text, "1", None)),
            ("name", lambda namespace, text: namespace.recall(text)),
            ("after", lambda namespace, text: namespace.events(text)),
        ],
    )
    def test_a_bad_text_is_refused(
        self, namespace: Namespace, check: Check, field: str, act: Callable[[Namespace, str], object]
    ) -> None:
        refused(namespace, check, [partial(_swap, act, text) for text in BAD_TEXTS], field)

    @pytest.mark.parametrize(
        ("field", "act"),
        [
            ("queues.1", lambda namespace, name: namespace.pop(["work", name], "ann")),
            ("queue", lambda namespace, name: namespace.move(["a"], name)),
            ("names.0", lambda namespace, name: namespace.queues([name])),
            ("queue", lambda namespace, name: namespace.configure(name, {"retries": 1})),
            ("queue", lambda namespace, name: namespace.pause(name)),
            ("queue", lambda namespace, name: namespace.resume(name)),
            ("queue", lambda namespace, name: namespace.forget(name)),
        ],
    )
    def test_a_bad_queue_name_is_refused(
        self, namespace: Namespace, check: Check, field: str, act: Callable[[Namespace, str], object]
    ) -> None:
        refused(namespace, check, [partial(_swap, act, name) for name in BAD_NAMES], field)

    @pytest.mark.parametrize(
        ("field", "act"),
        [
            ("limit", lambda namespace: namespace.pop(["work"], "ann", 0)),
            ("limit", lambda namespace: namespace.pop(["work"], "ann", 1001)),
            ("limit", lambda namespace: namespace.pop(["work"], "ann", True)),
            ("limit", lambda namespace: namespace.pop(["work"], "ann", 1.0)),
            ("wait", lambda namespace: namespace.pop(["work"], "ann", wait=-1)),
            ("wait", lambda namespace: namespace.pop(["work"], "ann", wait=3601)),
            ("wait", lambda namespace: namespace.pop(["work"], "ann", wait=float("nan"))),
            ("wait", lambda namespace: namespace.exchange([], Pop(("work",), "ann"), wait=-1)),
            ("wait", lambda namespace: namespace.events(wait=-1)),
            ("wait", lambda namespace: namespace.get(["a"], wait=-1)),
            ("wait", lambda namespace: namespace.get(["a"], wait=3601)),
            ("limit", lambda namespace: namespace.change(Filter(), Cancel(), 0)),
            ("limit", lambda namespace: namespace.change(Filter(), Cancel(), 1001)),
            ("limit", lambda namespace: namespace.failures(limit=0)),
            ("limit", lambda namespace: namespace.tags(limit=1001)),
            ("limit", lambda namespace: namespace.recurrences(limit=0)),
            ("expected", lambda namespace: namespace.fire("r", -1)),
            ("dependents", lambda namespace: namespace.cancel(["a"], dependents="all")),
            ("missing", lambda namespace: namespace.depend("a", ["b"], missing="ok")),
            ("on", lambda namespace: namespace.depend("a", [f"{number}" for number in range(101)])),
            ("order", lambda namespace: namespace.pop(["work"], "ann", order="random")),
            ("queues", lambda namespace: namespace.pop([], "ann")),
            ("queues", lambda namespace: namespace.pop([f"q{number}" for number in range(1001)], "ann")),
            ("delay", lambda namespace: namespace.move(["a"], "other", delay=-1)),
            ("delay", lambda namespace: namespace.move(["a"], "other", delay=float("inf"))),
            ("seconds", lambda namespace: namespace.lead("role", "ann", -1)),
            ("jids", lambda namespace: namespace.get(["a"] * 1001)),
            ("jids", lambda namespace: namespace.cancel(["a"] * 1001)),
            ("jids", lambda namespace: namespace.cancel("a")),
            ("queues", lambda namespace: namespace.pop("abc", "ann")),
            ("leases", lambda namespace: namespace.heartbeat([Beat(LEASE)] * 1001)),
            ("settle", lambda namespace: namespace.settle([Complete(LEASE)] * 1001)),
            ("settle", lambda namespace: namespace.exchange([Complete(LEASE)] * 1001, Pop(("work",), "ann"))),
            ("jobs", lambda namespace: namespace.put([NewJob("K", queue="q")] * 1001)),
            ("data", lambda namespace: namespace.log(LEASE, "line", "no JSON")),
            ("message", lambda namespace: namespace.log(LEASE, "x" * 32769)),
            ("message", lambda namespace: namespace.log(LEASE, "\ud800")),
        ],
    )
    def test_a_bad_number_list_or_message_is_refused(
        self, namespace: Namespace, check: Check, field: str, act: Act
    ) -> None:
        refused(namespace, check, [act], field)

    @pytest.mark.parametrize(
        "act",
        [
            lambda namespace, data: namespace.put([NewJob("K", queue="q"), NewJob("K", data, queue="q")]),
            lambda namespace, data: namespace.settle([Complete(LEASE, data=data)]),
            lambda namespace, data: namespace.settle([Fail(LEASE, group="g", data=data)]),
            lambda namespace, data: namespace.settle([Complete(LEASE, result=data)]),
            lambda namespace, data: namespace.settle([Complete(LEASE, puts=(NewJob("K", data, queue="q"),))]),
            lambda namespace, data: namespace.heartbeat([Beat(LEASE, data=data)]),
            lambda namespace, data: namespace.finish(["a"], Finish("complete", result=data)),
            lambda namespace, data: namespace.update(["a"], Changes(data=data)),
            lambda namespace, data: namespace.change(Filter(), Update(Changes(data=data))),
            lambda namespace, data: namespace.change(Filter(), Finish("complete", result=data)),
        ],
    )
    def test_data_over_a_mebibyte_is_refused(
        self, namespace: Namespace, check: Check, act: Callable[[Namespace, str], object]
    ) -> None:
        run(namespace)

        with unchanged(namespace, check), pytest.raises(TooLarge):
            act(namespace, '"' + "é" * (1 << 19) + '"')

    def test_data_of_a_mebibyte_is_kept(self, namespace: Namespace) -> None:
        data = '"' + "é" * ((1 << 19) - 1) + '"'
        put(namespace, "a", data=data)

        [lease] = namespace.pop(["work"], "ann")

        assert lease.job is not None
        assert lease.job.data == data


class TestBadModels:
    """What cannot even be said."""

    @pytest.mark.parametrize(
        ("field", "build"),
        [
            ("klass", lambda: NewJob("", queue="work")),
            ("queue", lambda: NewJob("K", queue="a b")),
            ("jid", lambda: NewJob("K", queue="work", jid="\n")),
            ("priority", lambda: NewJob("K", queue="work", priority=512)),
            ("priority", lambda: NewJob("K", queue="work", priority=-512)),
            ("retries", lambda: NewJob("K", queue="work", retries=-1)),
            ("tags", lambda: NewJob("K", queue="work", tags=tuple(f"{number}" for number in range(33)))),
            ("tags.0", lambda: NewJob("K", queue="work", tags=("",))),
            ("pipeline.0", lambda: NewJob("K", queue="work", pipeline=("a b",))),
            ("delay", lambda: NewJob("K", queue="work", delay=-1)),
            ("at", lambda: NewJob("K", queue="work", at=1.0, delay=1)),
            ("data", lambda: NewJob("K", "{", queue="work")),
            ("depends.0", lambda: NewJob("K", queue="work", depends=("",))),
            ("depends", lambda: NewJob("K", queue="work", depends=tuple(f"{number}" for number in range(101)))),
            ("missing", lambda: NewJob("K", queue="work", missing="ok")),  # type: ignore[arg-type]
            ("on_parent_end", lambda: NewJob("K", queue="work", on_parent_end="fail")),  # type: ignore[arg-type]
            ("max_run", lambda: NewJob("K", queue="work", max_run=0.09)),
            ("expires_in", lambda: NewJob("K", queue="work", expires_in=0)),
            ("key", lambda: Unique("")),
            ("for", lambda: Unique("k", 0)),
            ("for", lambda: Unique("k", float("nan"))),
            ("token", lambda: Lease("a", "")),
            ("worker", lambda: Pop(("work",), "")),
            ("next", lambda: Complete(LEASE, next="a b")),
            ("result", lambda: Complete(LEASE, result="{")),
            ("depends.1", lambda: Complete(LEASE, depends=("a", "\n"))),
            ("puts.0", lambda: Complete(LEASE, puts=(NewJob("K", queue="work", jid="a", if_exists="replace"),))),
            ("progress", lambda: Beat(LEASE, progress="{")),
            ("progress", lambda: Beat(LEASE, progress='"' + "é" * 2048 + '"')),
            ("data", lambda: Beat(LEASE, data="{")),
            ("state", lambda: Finish("canceled")),  # type: ignore[arg-type]
            ("result", lambda: Finish("failed", result="1")),
            ("message", lambda: Finish("complete", message="by hand")),
            ("dependents", lambda: Cancel("all")),  # type: ignore[arg-type]
            ("delay", lambda: Retry(LEASE, delay=-1)),
            ("group", lambda: Fail(LEASE, group="")),
            ("delay", lambda: Release(LEASE, delay=-1)),
            ("name", lambda: Actor("")),
            ("priority", lambda: Changes(priority=512)),
            ("state", lambda: Filter(state="stalled")),  # type: ignore[arg-type]
            ("since", lambda: Filter(since=-1)),
            ("until", lambda: Filter(until=float("nan"))),
            ("until", lambda: Filter(until=1e11)),
            ("since", lambda: Filter(since=2.0, until=1.999)),
        ],
    )
    def test_a_model_out_of_bounds_cannot_be_made(self, field: str, build: Callable[[], object]) -> None:
        with pytest.raises(Invalid) as caught:
            build()

        assert field in caught.value.fields
