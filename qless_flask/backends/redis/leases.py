"""Leases, as scripts give, renew and end them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from typing import cast

from qless_flask.backends.redis.faults import read_fault
from qless_flask.backends.redis.puts import put_arguments
from qless_flask.backends.redis.records import STATES, read_popped_job
from qless_flask.backends.redis.scripts import Argument, Reply
from qless_flask.backends.store import to_milliseconds, to_seconds
from qless_flask.backends.waiting import offers
from qless_flask.errors import QlessError
from qless_flask.models import (
    Beat,
    Complete,
    Fail,
    Lease,
    Pop,
    Popped,
    Renewed,
    Retry,
    Settled,
    Settlement,
)

_RENEWED = re.compile(r"(\d*)(q?)(s?)")
_POPPED_FIELDS = 8


def pop_arguments(pop: Pop, wait_left: float) -> list[Argument]:
    """Write what a worker asks for; tokens begin with a nonce."""
    nonce = secrets.token_urlsafe(8)
    wait = to_milliseconds(wait_left)
    return [nonce, pop.worker, pop.limit, pop.order, pop.request or "", wait, offers(pop.capabilities), *pop.queues]


def read_popped(reply: Reply) -> Popped:
    """Read leases as lib/pop answers them."""
    first, *flat = cast("list[bytes]", reply)
    leases = []
    for at in range(0, len(flat), _POPPED_FIELDS):
        jid, token, expires, *record = flat[at : at + _POPPED_FIELDS]
        name = jid.decode()
        leases.append(Lease(name, token.decode(), _read_time(expires), read_popped_job(name, *record)))
    if first.isalpha():
        return Popped(tuple(leases), None, b"q" in first, b"s" in first)
    return Popped(tuple(leases), _read_time(first))


def beat_arguments(beats: Sequence[Beat]) -> list[Argument]:
    """Write leases to renew, and what their workers have to say."""
    return [word for beat in beats for word in (beat.lease.jid, beat.lease.token, beat.progress or "", beat.data or "")]


def read_renewed(beat: Beat, answer: bytes) -> Renewed | QlessError:
    """Read what became of a lease to renew."""
    renewed = _RENEWED.fullmatch(answer.decode())
    if not renewed:
        return read_fault(answer.decode(), beat.lease.jid)
    expires, quiet, stop = renewed.groups()
    return Renewed(beat.lease.jid, _read_time(expires), bool(quiet), bool(stop))


def settle_arguments(settlements: Sequence[Settlement]) -> list[Argument]:
    """Write leases to end, seven arguments each."""
    arguments: list[Argument] = []
    for each in settlements:
        words: tuple[str, int, str, str, str]
        if isinstance(each, Complete):
            words = ("c", to_milliseconds(each.delay), each.next or "", "", each.data or "")
            if each.puts or each.depends or each.result is not None:
                words = ("C", *words[1:3], _more(each), words[4])
        elif isinstance(each, Retry):
            words = ("r", to_milliseconds(each.delay or 0), each.group, each.message, "")
        elif isinstance(each, Fail):
            words = ("f", 0, each.group, each.message, each.data or "")
        else:
            words = ("l", to_milliseconds(each.delay), "", "", "")
        arguments += (words[0], each.lease.jid, each.lease.token, *words[1:])
    return arguments


def read_settled(settlements: Sequence[Settlement], reply: Reply) -> list[Settled | QlessError]:
    """Read what became of each lease to end."""
    answers = cast("list[bytes]", reply)
    return [_read_outcome(each.lease.jid, answer) for each, answer in zip(settlements, answers, strict=True)]


def _more(complete: Complete) -> str:
    words: list[Argument] = [complete.result or "", complete.missing, len(complete.depends), *complete.depends]
    for job in complete.puts:
        words += put_arguments(job)
    return _packed(str(word) for word in words)


def _packed(texts: Iterable[str]) -> str:
    return "".join(f"{len(text.encode())}:{text}" for text in texts)


def _read_outcome(jid: str, answer: bytes) -> Settled | QlessError:
    word = answer.decode()
    return Settled(jid, STATES[word]) if word in STATES else read_fault(word, jid)


def _read_time(text: bytes | str) -> float | None:
    return to_seconds(int(text)) if text else None
