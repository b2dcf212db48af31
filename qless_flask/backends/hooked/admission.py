"""What looks at jobs before they are put: the plugins' filters, then the policies of the namespace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from qless_flask.backends.base import Namespace
from qless_flask.backends.hooked.calling import broken, counted, filtered, said_by
from qless_flask.backends.hooked.choices import Choices
from qless_flask.backends.hooked.plans import Plans
from qless_flask.errors import Invalid, PluginError, QlessError, Rejected
from qless_flask.hookspecs import Policy
from qless_flask.models import Chosen, NewJob
from qless_flask.plugins import Plugins

Refusal = TypeVar("Refusal", bound=QlessError)


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
        if jobs and self.looks(namespace):
            policies = self._plans.of(namespace).policies
            jobs = [self._let_in(namespace, policies, job, places.format(n)) for n, job in enumerate(jobs)]
            if together:
                for chosen, policy in policies:
                    self._check_all(namespace, chosen, policy, jobs, places)
        if any(job.backoff is not None for job in jobs):
            self._choices.check_jobs(jobs, [places.format(n) for n in range(len(jobs))])
        return jobs

    def _let_in(self, namespace: Namespace, policies: _Policies, given: NewJob, place: str) -> NewJob:
        try:
            job = filtered(self._plugins, "before_put", "job", given, _is_job, namespace=namespace.name)
        except (Rejected, Invalid) as error:
            raise _placed(error, place) from error
        for chosen, policy in policies:
            job = self._check_put(namespace, chosen, policy, job, place)
        return job if given.jid is None or job.jid == given.jid else replace(job, jid=given.jid)

    def _check_put(
        self, namespace: Namespace, chosen: Chosen, policy: Policy | QlessError, job: NewJob, place: str
    ) -> NewJob:
        built = _built(chosen, policy)
        record = self._plugins.record_of("policies", chosen.name)
        what = f"policy {chosen.id}"

        def check() -> NewJob:
            answer = built.check_put(namespace, job)
            if not _is_job(answer):
                raise TypeError(f"it answered {answer!r:.200}, which is no job")
            return answer

        try:
            return counted(record, what, check)
        except Rejected as error:
            raise said_by(_placed(error, place), chosen.id, f"{what}: {error.message}") from error
        except Invalid as error:
            raise _placed(error, place) from error
        except QlessError:
            raise
        except Exception as error:
            raise broken(record, what, error) from error

    def _check_all(
        self, namespace: Namespace, chosen: Chosen, policy: Policy | QlessError, jobs: Sequence[NewJob], places: str
    ) -> None:
        built = _built(chosen, policy)
        record = self._plugins.record_of("policies", chosen.name)
        what = f"policy {chosen.id}"
        try:
            counted(record, what, lambda: built.check_all(namespace, jobs))
        except Rejected as error:
            fields = {_numbered(field, places): said for field, said in error.fields.items()}
            raise said_by(error, chosen.id, f"{what}: {error.message}", fields) from error
        except QlessError:
            raise
        except Exception as error:
            raise broken(record, what, error) from error


_Policies = tuple[tuple[Chosen, Policy | QlessError], ...]


def _built(chosen: Chosen, policy: Policy | QlessError) -> Policy:
    if isinstance(policy, QlessError):
        raise PluginError(f"policy {chosen.id} cannot be asked here: {policy.message}", subject=chosen.id)
    return policy


def _is_job(answer: object) -> bool:
    return isinstance(answer, NewJob)


def _placed(error: Refusal, place: str) -> Refusal:
    """Build the same error once more, with the place of the job before its fields."""
    fields = {f"{place}.{field}" if field else place: said for field, said in error.fields.items()}
    return type(error)(error.message, subject=error.subject, fields=fields)


def _numbered(field: str, places: str) -> str:
    """Turn the field of a job that begins with its number into the one that it has for who puts."""
    number, _, rest = field.partition(".")
    if not number.isdigit():
        return field
    return f"{places.format(number)}.{rest}" if rest else places.format(number)
