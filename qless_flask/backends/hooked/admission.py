"""What looks at jobs before they are put: the plugins' filters, then the policies of the namespace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from qless_flask.backends.base import Namespace
from qless_flask.backends.hooked.calling import broken, counted, filtered, said_by
from qless_flask.backends.hooked.choices import Choices
from qless_flask.backends.hooked.own_queues import refuse_puts
from qless_flask.backends.hooked.plans import Plans
from qless_flask.errors import BackendUnavailable, Invalid, PluginError, QlessError, Rejected
from qless_flask.hookspecs import Policy
from qless_flask.models import Chosen, NewJob
from qless_flask.plugins import Plugins

Answer = TypeVar("Answer")


class Admission:
    """Lets jobs in, changed perhaps, or raises."""

    def __init__(self, plugins: Plugins, choices: Choices, plans: Plans) -> None:
        self._plugins = plugins
        self._choices = choices
        self._plans = plans

    def looks(self, namespace: Namespace) -> bool:
        """Tell whether anything looks at jobs here."""
        return bool(self._plugins.calls("before_put") or self._plans.of(namespace).policies)

    def let_in(
        self, namespace: Namespace, jobs: Sequence[NewJob], places: str = "jobs.{}", *, together: bool = True
    ) -> Sequence[NewJob]:
        """Answer the jobs to put; raise for the first that is refused, and for a back-off that there is not.

        places: the field in which each stands, by its number, for errors.
        together: whether they are put now, and not just looked at.
        """
        policies: _Policies = ()
        if jobs and self.looks(namespace):
            policies = self._plans.of(namespace).policies
            jobs = [self._let_in(namespace, policies, job, places.format(n)) for n, job in enumerate(jobs)]
        # Whatever a filter or a policy has made of them.
        refuse_puts(jobs, places)
        if together:
            for chosen, policy in policies:
                self._ask(
                    chosen,
                    policy,
                    lambda policy: policy.check_all(namespace, jobs),
                    lambda field: _numbered(field, places),
                )
        if any(job.backoff is not None for job in jobs):
            self._choices.check_jobs(jobs, [places.format(n) for n in range(len(jobs))])
        return jobs

    def check_queue(self, namespace: Namespace, queue: str, field: str) -> None:
        """Raise for a queue into which no job may come by a move, or as its next stage; `field` is where it stands."""
        for chosen, policy in self._plans.of(namespace).policies:
            self._ask(chosen, policy, lambda policy: policy.check_queue(namespace, queue), lambda _: field)

    def _let_in(self, namespace: Namespace, policies: _Policies, given: NewJob, place: str) -> NewJob:
        try:
            job = filtered(self._plugins, "before_put", "job", given, _is_job, namespace=namespace.name)
        except (Rejected, Invalid) as error:
            fields = {_placed(field, place): said for field, said in error.fields.items()}
            raise type(error)(error.message, subject=error.subject, fields=fields) from error
        for chosen, policy in policies:
            job = self._ask(
                chosen,
                policy,
                lambda policy, job=job: _checked(policy.check_put(namespace, job)),  # type: ignore[misc]
                lambda field: _placed(field, place),
            )
        return job if given.jid is None or job.jid == given.jid else replace(job, jid=given.jid)

    def _ask(
        self,
        chosen: Chosen,
        policy: Policy | QlessError,
        ask: Callable[[Policy], Answer],
        placed: Callable[[str], str],
    ) -> Answer:
        """Ask a policy; `placed` tells for the field that it names the one that is meant by who is refused."""
        if isinstance(policy, QlessError):
            raise PluginError(f"policy {chosen.id} cannot be asked here: {policy.message}", subject=chosen.id)
        record = self._plugins.record_of("policies", chosen.name)
        what = f"policy {chosen.id}"
        try:
            return counted(record, what, lambda: ask(policy))
        except (Rejected, Invalid) as error:
            fields = {placed(field): said for field, said in error.fields.items()}
            if isinstance(error, Rejected):
                raise said_by(error, chosen.id, f"{what}: {error.message}", fields) from error
            raise type(error)(error.message, subject=error.subject, fields=fields) from error
        except BackendUnavailable:
            raise
        except Exception as error:
            raise broken(record, what, error) from error


_Policies = tuple[tuple[Chosen, Policy | QlessError], ...]


def _is_job(answer: object) -> bool:
    return isinstance(answer, NewJob)


def _checked(answer: object) -> NewJob:
    if not isinstance(answer, NewJob):
        raise TypeError(f"it answered {answer!r:.200}, which is no job")
    return answer


def _placed(field: str, place: str) -> str:
    """Put the place of the job before a field of it."""
    return f"{place}.{field}" if field else place


def _numbered(field: str, places: str) -> str:
    """Turn the field of a job that begins with its number into the one that it has for who puts."""
    number, _, rest = field.partition(".")
    if not number.isdigit():
        return field
    return f"{places.format(number)}.{rest}" if rest else places.format(number)
