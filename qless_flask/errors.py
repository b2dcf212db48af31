"""Everything that can go wrong, one class a fact; the code is the same word in Lua, JSON and Python.

QlessError                      INTERNAL 500
├── Malformed                   MALFORMED 400
├── Unauthenticated             UNAUTHENTICATED 401
├── Forbidden                   FORBIDDEN 403
├── NotFound                    NOT_FOUND 404
│   ├── JobNotFound             JOB_NOT_FOUND 404
│   ├── QueueNotFound           QUEUE_NOT_FOUND 404
│   ├── RecurrenceNotFound      RECURRENCE_NOT_FOUND 404
│   └── WorkerNotFound          WORKER_NOT_FOUND 404
├── MethodNotAllowed            METHOD_NOT_ALLOWED 405
├── Conflict                    (never raised itself) 409
│   ├── JobExists               JOB_EXISTS 409
│   ├── LeaseLost               LEASE_LOST 409
│   ├── JobCanceled             JOB_CANCELED 409
│   ├── WrongState              WRONG_STATE 409
│   ├── HasDependents           HAS_DEPENDENTS 409
│   ├── NotEmpty                NOT_EMPTY 409
│   ├── NotFrozen               NOT_FROZEN 409
│   └── NotCopied               NOT_COPIED 409
├── TooLarge                    TOO_LARGE 413
├── UnsupportedMediaType        UNSUPPORTED_MEDIA_TYPE 415
├── Invalid                     INVALID 422
│   ├── DependencyCycle         DEPENDENCY_CYCLE 422
│   └── UnknownDependency       UNKNOWN_DEPENDENCY 422
├── Rejected                    REJECTED 422
│   └── QuotaExceeded           QUOTA_EXCEEDED 429
├── RateLimited                 RATE_LIMITED 429
├── PluginError                 PLUGIN_ERROR 500
├── Internal                    INTERNAL 500
└── BackendUnavailable          BACKEND_UNAVAILABLE 503
    └── Frozen                  FROZEN 503
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

FieldErrors = Mapping[str, list[str]]


class QlessError(Exception):
    """The root: catch it to catch all that this package raises on purpose.

    `subject` is the jid, queue, worker or other name that the error is about, where it is about one;
    `fields` says what is wrong with each field (`{"jobs.3.priority": ["…"]}`), where fields are at fault.
    """

    code: ClassVar[str] = "INTERNAL"
    status: ClassVar[int] = 500
    sentence: ClassVar[str] = "something went wrong inside the server; its log says what"

    def __init__(self, message: str = "", *, subject: str | None = None, fields: FieldErrors | None = None) -> None:
        self.message = message or self.sentence.format(subject=subject)
        self.subject = subject
        self.fields: FieldErrors = fields or {}
        super().__init__(self.message)

    @classmethod
    def about(cls, subject: str) -> QlessError:
        """Build the error with its own sentence about one jid, queue or worker."""
        return cls(subject=subject)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, QlessError):
            return NotImplemented
        return (self.code, self.subject, self.message) == (other.code, other.subject, other.message)

    def __hash__(self) -> int:
        return hash((self.code, self.subject, self.message))

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.subject, dict(self.fields))


class Malformed(QlessError):
    """The request cannot be read: no JSON, or not the JSON that was announced."""

    code, status = "MALFORMED", 400
    sentence = "the body is not valid JSON"


class Unauthenticated(QlessError):
    """Nobody knows who asks: there is no token, or none that holds."""

    code, status = "UNAUTHENTICATED", 401
    sentence = "say who you are: send Authorization: Bearer with a token that is known, not expired and not revoked"


class Forbidden(QlessError):
    """Who asks may not do that, there; `subject` is the operation."""

    code, status = "FORBIDDEN", 403
    sentence = "you may not do this here ({subject})"


class NotFound(QlessError):
    """What was named is not there."""

    code, status = "NOT_FOUND", 404
    sentence = "there is nothing at {subject}"


class JobNotFound(NotFound):
    """No job has this jid: it was never put, or it was pruned."""

    code = "JOB_NOT_FOUND"
    sentence = "no job {subject}: it was never put here, or it ended and was pruned"


class QueueNotFound(NotFound):
    """No queue has this name: nothing was put into it or configured for it yet."""

    code = "QUEUE_NOT_FOUND"
    sentence = "no queue {subject}: put a job into it, configure it or pause it, and it is there"


class RecurrenceNotFound(NotFound):
    """No recurrence has this id."""

    code = "RECURRENCE_NOT_FOUND"
    sentence = "no recurrence {subject}: it was never made here, or it was deleted"


class WorkerNotFound(NotFound):
    """No worker of this name has popped lately."""

    code = "WORKER_NOT_FOUND"
    sentence = "no worker {subject} has popped here lately"


class MethodNotAllowed(QlessError):
    """The address exists, but not for this HTTP method."""

    code, status = "METHOD_NOT_ALLOWED", 405
    sentence = "this address does not take that method"


class Conflict(QlessError):
    """The store's state says no; looking again will show why."""

    code, status = "CONFLICT", 409
    sentence = "{subject} is in the way"


class JobExists(Conflict):
    """A job of this jid is there already, and the put said `reject`."""

    code = "JOB_EXISTS"
    sentence = "job {subject} exists already: put it with if_exists keep or replace, or under another jid"


class LeaseLost(Conflict):
    """The lease ended, or another worker holds the job now."""

    code = "LEASE_LOST"
    sentence = "the lease on job {subject} is gone: it ended, or another worker holds the job; stop working on it"


class JobCanceled(Conflict):
    """The job was canceled while this worker held it."""

    code = "JOB_CANCELED"
    sentence = "job {subject} was canceled; stop working on it"


class WrongState(Conflict):
    """The job is in a state that this operation does not start from."""

    code = "WRONG_STATE"
    sentence = (
        "job {subject} is not in a state that allows this: running jobs can be timed out, those that have not begun "
        "can come to wait for others, all but complete ones can be canceled"
    )


class HasDependents(Conflict):
    """Others wait for the job, and the cancel said `refuse`."""

    code = "HAS_DEPENDENTS"
    sentence = "others wait for job {subject}: cancel them too, or leave it to their choice"

    @classmethod
    def of(cls, jid: str, dependents: Sequence[str]) -> HasDependents:
        """Build the error from those that wait, by jid: ten are named, an eleventh says that there are more."""
        named = ", ".join(dependents[:10]) + (", …" if len(dependents) > 10 else "")
        return cls(
            f"others wait for job {jid} ({named}): cancel them too, or leave it to their choice (dependents)",
            subject=jid,
        )

    @classmethod
    def too_many(cls, jid: str, most: int) -> HasDependents:
        """Build the error for a cancel along that would cancel too many at once."""
        return cls(
            f"over {most:,} jobs wait for job {jid} in the end: cancel those first, or leave it to their choice",
            subject=jid,
        )


class NotEmpty(Conflict):
    """The queue or namespace still holds jobs."""

    code = "NOT_EMPTY"
    sentence = "queue {subject} still holds jobs: move or cancel them, or wait until they are pruned"

    @classmethod
    def namespace(cls, name: str) -> NotEmpty:
        """Build the error for a namespace that is to be erased, and is not empty."""
        return cls(f"namespace {name} is not empty: to erase all of it, give its name again (confirm)", subject=name)


class NotFrozen(Conflict):
    """Jobs are to be loaded into a namespace that is not frozen."""

    code = "NOT_FROZEN"
    sentence = "namespace {subject} is not frozen: freeze it before loading, so that nothing is popped meanwhile"


class NotCopied(Conflict):
    """A copy, an export or an import cannot begin, cannot go on, or is not the same as what it was made from."""

    code = "NOT_COPIED"
    sentence = "{subject} was not copied"


class TooLarge(QlessError):
    """The body, the batch or the data of one job is over its limit."""

    code, status = "TOO_LARGE", 413
    sentence = "that is over the size limit"


class UnsupportedMediaType(QlessError):
    """The body is announced as something other than JSON."""

    code, status = "UNSUPPORTED_MEDIA_TYPE", 415
    sentence = "send JSON, with Content-Type: application/json"


class Invalid(QlessError):
    """It can be read, but means nothing here; `fields` names each field at fault."""

    code, status = "INVALID", 422
    sentence = "some values cannot be taken as they are"

    @classmethod
    def of(cls, fields: FieldErrors) -> Invalid:
        """Build the error from what is wrong with each field."""
        return cls(_told(fields), fields=fields)


class DependencyCycle(Invalid):
    """The job would wait for itself, by way of what it depends on."""

    code = "DEPENDENCY_CYCLE"
    sentence = "job {subject} would wait for itself: what it depends on waits for it"


class UnknownDependency(Invalid):
    """A job that is to be waited for is not there."""

    code = "UNKNOWN_DEPENDENCY"
    sentence = (
        'no job {subject} to wait for: it was never put here, or it was pruned (missing "satisfied" lets that be)'
    )


class Rejected(QlessError):
    """A limit, a policy or a filter says no; `subject` is the policy or plugin, `fields` what it says no to."""

    code, status = "REJECTED", 422
    sentence = "that was refused: {subject}"

    @classmethod
    def of(cls, fields: FieldErrors) -> Rejected:
        """Build the error from what is wrong with each field; who runs the policy adds its name."""
        return cls(_told(fields), fields=fields)


class QuotaExceeded(Rejected):
    """The queue is full (`max_size`), or a quota of the namespace is used up."""

    code, status = "QUOTA_EXCEEDED", 429
    sentence = "queue {subject} is full: it has as many jobs as its max_size allows; put again when some are done"


class RateLimited(QlessError):
    """More requests came than this token may send; nothing has happened. `wait` tells for how many seconds to."""

    code, status = "RATE_LIMITED", 429
    sentence = "too many requests: wait for as long as Retry-After says"

    def __init__(
        self, message: str = "", *, wait: int = 1, subject: str | None = None, fields: FieldErrors | None = None
    ) -> None:
        super().__init__(message, subject=subject, fields=fields)
        self.wait = wait


class PluginError(QlessError):
    """A plugin raised, or answered what it must not; nothing has happened, and the server's log has the traceback."""

    code, status = "PLUGIN_ERROR", 500
    sentence = "plugin {subject} failed, so that this could not be done; the server's log says how"


class Internal(QlessError):
    """A fault of ours; the server's log has the traceback."""


class BackendUnavailable(QlessError):
    """The store cannot be reached, or did not answer; what was asked may or may not have happened."""

    code, status = "BACKEND_UNAVAILABLE", 503
    sentence = "the store cannot be reached now; try again in a moment"


class Frozen(BackendUnavailable):
    """The namespace is read-only for now; nothing has happened."""

    code = "FROZEN"
    sentence = (
        "namespace {subject} is frozen, for a copy perhaps, or being erased: it can be read only until it is thawed"
    )

    @classmethod
    def erasing(cls, name: str) -> Frozen:
        """Build the error for a namespace that is to be thawed in the middle of its deletion."""
        return cls(
            f"namespace {name} is being erased, and cannot be thawed any more: erase it to its end", subject=name
        )


def error_for(
    code: str, message: str = "", *, subject: str | None = None, fields: FieldErrors | None = None
) -> QlessError:
    """Build the error that a code names, as Lua scripts and HTTP answers give it; an unknown code is Internal."""
    return _CLASSES.get(code, Internal)(message, subject=subject, fields=fields)


def _told(fields: FieldErrors) -> str:
    return "; ".join(f"{name}: {', '.join(said)}" for name, said in fields.items())


def _rebuild(cls: type[QlessError], message: str, subject: str | None, fields: FieldErrors) -> QlessError:
    return cls(message, subject=subject, fields=fields)


def _tree(root: type[QlessError]) -> Iterator[type[QlessError]]:
    for cls in root.__subclasses__():
        yield cls
        yield from _tree(cls)


_CLASSES: dict[str, type[QlessError]] = {cls.code: cls for cls in _tree(QlessError)}
