"""Namespaces: partitions that know nothing of each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.errors import Invalid, JobNotFound, NotFound
from qless_flask.models import Cancel, Changes, Complete, Filter, Finish, Lease
from qless_flask.testing.conformance.scenes import Check, get, pop_all, put, renew, run, seen_events, unchanged

LEASE = Lease("a", "token")
FINDS_NOTHING: tuple[Callable[[Namespace], object], ...] = (
    lambda namespace: namespace.resume("work"),
    lambda namespace: namespace.forget("work"),
    lambda namespace: namespace.log(LEASE, "on my way"),
    lambda namespace: namespace.depend("a", off=["b"]),
    lambda namespace: namespace.quiet("ann"),
    lambda namespace: namespace.stop("ann"),
    lambda namespace: namespace.unrecur("r"),
    lambda namespace: namespace.pause_recurrence("r"),
    lambda namespace: namespace.resume_recurrence("r"),
    lambda namespace: namespace.run_recurrence("r"),
)


class TestNamespaces:
    """Their beginning, and what keeps them apart."""

    def test_a_namespace_begins_with_its_first_write(self, backend: Backend, namespace: Namespace) -> None:
        namespace.get(["a"])
        namespace.select(Filter())
        namespace.queues()
        namespace.events()
        assert namespace.name not in backend.namespaces()

        put(namespace, "a")

        assert namespace.name in backend.namespaces()

    def test_what_finds_nothing_to_do_begins_none(self, backend: Backend, namespace: Namespace, check: Check) -> None:
        with unchanged(namespace, check):
            namespace.settle([Complete(LEASE)])
            renew(namespace, LEASE)
            namespace.cancel(["a"])
            namespace.move(["a"], "work")
            namespace.update(["a"], Changes(priority=1))
            namespace.timeout(["a"])
            namespace.finish(["a"], Finish("complete"))
            namespace.change(Filter(), Cancel())
            namespace.fire("r", 0)
            namespace.promote()
            namespace.prune()
            for act in FINDS_NOTHING:
                with pytest.raises(NotFound):
                    act(namespace)

        assert namespace.name not in backend.namespaces()

    def test_settings_are_a_write(self, backend: Backend, namespace: Namespace) -> None:
        namespace.configure("work", {"retries": 1})

        assert namespace.name in backend.namespaces()

    def test_they_are_listed_sorted_and_without_reserved_ones(self, backend: Backend, namespace: Namespace) -> None:
        for name in (f"{namespace.name}-b", f"{namespace.name}-a", f"{namespace.name}.C"):
            put(backend.namespace(name), "a")

        listed = backend.namespaces()

        assert [name for name in listed if name.startswith(namespace.name)] == [
            f"{namespace.name}-a",
            f"{namespace.name}-b",
            f"{namespace.name}.C",
        ]
        assert listed == sorted(listed)
        assert not any(name.startswith("_") for name in listed)

    def test_one_name_is_one_namespace(self, backend: Backend, namespace: Namespace) -> None:
        put(namespace, "a")

        again = backend.namespace(namespace.name)

        assert again.name == namespace.name
        assert get(again) == get(namespace)

    def test_nothing_is_shared_between_them(self, backend: Backend, namespace: Namespace, check: Check) -> None:
        other = backend.namespace(f"{namespace.name}-other")
        lease = run(namespace, tags=("t",))
        namespace.remember("record", "1", None)
        namespace.lead("role", "ann", 60)
        namespace.pause("paused")

        with unchanged(namespace, check):
            assert other.settle([Complete(lease)]) == [JobNotFound.about("a")]
            put(other, "a", "b", tags=("t",))
            put(other, "c", queue="paused")
            assert pop_all(other, "work", "paused") == ["a", "b", "c"]
            assert other.recall("record") is None
            assert other.lead("role", "bob", 60)
            other.promote()
            other.cancel(["a"])
        assert len(seen_events(other)) == 7

    def test_names_that_could_be_taken_for_each_others_keys_stay_apart(
        self, backend: Backend, namespace: Namespace
    ) -> None:
        names = [f"{namespace.name}:a", f"{namespace.name}:a:b", f"{namespace.name}.a", f"{namespace.name}_a"]
        for index, name in enumerate(names):
            other = backend.namespace(name)
            put(other, f"job {index}", queue="b:waiting")
            put(other, f"job {index} too", queue="b")

        for index, name in enumerate(names):
            other = backend.namespace(name)
            assert pop_all(other, "b:waiting", "b") == [f"job {index}", f"job {index} too"]

    @pytest.mark.parametrize("name", ["", " ", "a b", "a/b", "é", "a" * 129, "a\n", "{a}", "a,b", "a*"])
    def test_a_bad_name_is_refused(self, backend: Backend, name: str) -> None:
        with pytest.raises(Invalid) as caught:
            backend.namespace(name)

        assert "namespace" in caught.value.fields

    @pytest.mark.parametrize("name", ["a", "A" * 128, "0", "a.b-c_d:e", "-", "."])
    def test_a_good_name_is_taken(self, backend: Backend, name: str) -> None:
        assert backend.namespace(name).name == name

    def test_a_store_that_answers_tells_what_is_at_risk_in_plain_words(self, backend: Backend) -> None:
        assert all(isinstance(risk, str) and risk for risk in backend.ping())
