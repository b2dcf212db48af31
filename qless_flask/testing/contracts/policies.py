"""What every namespace policy must do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import Invalid, Rejected
from qless_flask.hookspecs import Policy
from qless_flask.models import Chosen, Complete, Filter, NewJob, Recurrence
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.contracts.offering import NAME, ODD_DATA, all_at_once, hooked, offered


class PolicyContract:
    """Derive from it and name the policy, its options, jobs that it lets in and jobs that it does not.

    One class for each set of options: what is let in depends on them.
    """

    policy: type[Policy]
    options: Mapping[str, Any] = {}
    allowed: Sequence[NewJob]
    refused: Sequence[NewJob] = ()
    wrong_options: Sequence[Mapping[str, Any]] = ()

    def test_it_takes_its_options(self) -> None:
        namespace = self._namespace()

        assert [chosen.name for chosen in namespace.settings().policies] == [NAME]

    def test_options_that_it_cannot_take_are_refused(self) -> None:
        for options in (*self.wrong_options, {**self.options, "no_such_option": 1}):
            with pytest.raises(Invalid) as raised:
                self._namespace(options)

            assert all(field.startswith("policies.0") for field in raised.value.fields)

    def test_what_it_allows_is_put(self) -> None:
        for job in self.allowed:
            [put] = self._namespace().put([job])

            assert put.created

    def test_what_it_allows_is_put_together(self) -> None:
        assert len(self._namespace().put(list(self.allowed))) == len(self.allowed)

    def test_what_it_refuses_is_not_put_and_the_field_is_told(self) -> None:
        for job in self.refused:
            namespace = self._namespace()

            with pytest.raises(Rejected) as raised:
                namespace.put([job])

            assert raised.value.subject == NAME
            assert raised.value.message.startswith(f"policy {NAME}: ")
            assert raised.value.fields, "name the fields at fault: raise Rejected.of({field: [why]})"
            assert all(field.startswith("jobs.0") for field in raised.value.fields)
            assert not namespace.select(Filter()).jobs

    def test_one_that_it_refuses_keeps_out_the_others(self) -> None:
        for job in self.refused:
            namespace = self._namespace()

            with pytest.raises(Rejected):
                namespace.put([*self.allowed, job])

            assert not namespace.select(Filter()).jobs

    def test_what_follows_up_is_looked_at_too(self) -> None:
        for job in self.refused:
            namespace = self._namespace()
            namespace.put([self.allowed[0]])
            [lease] = namespace.pop([self.allowed[0].queue], "ann")

            [answer] = namespace.settle([Complete(lease, puts=(job,))])

            assert isinstance(answer, Rejected)
            assert [each.state for each in namespace.select(Filter()).jobs] == ["running"]

    def test_what_a_recurrence_would_put_is_looked_at_too(self) -> None:
        for job in self.refused:
            namespace = self._namespace()

            with pytest.raises(Rejected):
                namespace.recur(Recurrence(job.klass, job.data, queue=job.queue, interval=60, tags=job.tags))

            assert not namespace.recurrences()

    def test_what_was_looked_at_before_is_not_changed_again(self) -> None:
        policy, namespace = self._built(), self._namespace()

        for job in self.allowed:
            once = policy.check_put(namespace, job)

            assert isinstance(once, NewJob)
            assert policy.check_put(namespace, once) == once

    def test_no_data_makes_it_break(self) -> None:
        for data in ODD_DATA:
            job = replace(self.allowed[0], data=data)
            try:
                self._namespace().put([job])
            except Rejected:
                continue

    def test_it_may_be_asked_by_many_at_once(self) -> None:
        policy, namespace = self._built(), self._namespace()

        all_at_once(lambda: policy.check_put(namespace, self.allowed[0]))

    def _built(self) -> Policy:
        policy = offered("namespace_policies", self.policy).policy(chosen(self.options))
        # Past the lock of a frozen dataclass, as `Hooked` does it.
        for attribute, value in (("id", NAME), ("clock", ManualClock())):
            object.__setattr__(policy, attribute, value)
        return policy

    def _namespace(self, options: Mapping[str, Any] | None = None) -> Namespace:
        namespace = hooked(offered("namespace_policies", self.policy)).namespace("contract")
        namespace.configure_namespace({"policies": (chosen(self.options if options is None else options),)})
        return namespace


def chosen(options: Mapping[str, Any]) -> Chosen:
    """Choose the policy or tracker under test, with options."""
    return Chosen.of({"name": NAME, **options})
