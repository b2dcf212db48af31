"""Reads a namespace whole, key by key, for the invariant checker; slow on purpose, for small namespaces only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from qless_flask.backends.inspection import StoreView
from qless_flask.backends.redis.namespace import RedisNamespace
from qless_flask.backends.redis.records import STATES, Record, read_record
from qless_flask.backends.store import to_seconds
from qless_flask.models import State

_NEVER = (1 << 53) - 1
_PLAIN = frozenset(
    (
        "records",
        "options",
        "payloads",
        "failures",
        "queues",
        "workers",
        "running",
        "events",
        "meta",
        "leaders",
        "memory",
    )
)
_NAMED = frozenset(("queue", "wake", "request"))


def inspect(namespace: RedisNamespace) -> StoreView:
    """Read all keys of a namespace."""
    return _Inspector(namespace).view()


class _Inspector:
    def __init__(self, namespace: RedisNamespace) -> None:
        self._prefix = namespace.prefix
        # redis-py's types cannot tell its synchronous replies from its asynchronous ones.
        self._client = cast(Any, namespace.client)
        # One scan, not one for each kind of key: the tests look after every operation.
        keys = self._client.scan_iter(match=f"{_escaped(self._prefix)}:*", count=1000)
        self._all_keys = sorted({key.decode() for key in keys})
        self._strays: list[str] = []

    def view(self) -> StoreView:
        records = self._records()
        indexes = self._indexes()
        known = frozenset(name.decode() for name in self._client.smembers(f"{self._prefix}:queues"))
        tags = self._sets("tag")
        self._look_for_strays(records, known)
        return StoreView(
            jobs={jid: record.job for jid, record in records.items()},
            places={jid: record.place for jid, record in records.items()},
            tokens={jid: record.token for jid, record in records.items() if record.token and _runs(record)},
            expiries=self._expiries(),
            indexes=indexes,
            counts={key: len(jids) for key, jids in indexes.items()},
            tags=tags,
            groups=self._sets("group"),
            workers=self._workers(),
            queues=known,
            strays=tuple(self._strays),
        )

    def _records(self) -> dict[str, Record]:
        options, failures, payloads = (self._hash(kind) for kind in ("options", "failures", "payloads"))
        return {
            jid.decode(): read_record(
                jid.decode(),
                text,
                options.get(jid, b""),
                failures.get(jid, b""),
                data=payloads.get(jid, b""),
                history=True,
            )
            for jid, text in self._hash("records").items()
        }

    def _indexes(self) -> dict[tuple[str, State], tuple[str, ...]]:
        return {
            (queue, state): tuple(jid.decode() for jid in self._client.zrange(key, 0, -1))
            for letter, state in STATES.items()
            for queue, key in self._keys(letter)
        }

    def _expiries(self) -> dict[str, float]:
        return {
            jid.decode(): to_seconds(int(score))
            for _, key in self._keys("r")
            for jid, score in self._client.zrange(key, 0, -1, withscores=True)
            if score != _NEVER
        }

    def _sets(self, kind: str) -> dict[str, frozenset[str]]:
        return {
            name: frozenset(jid.decode() for jid in self._client.zrange(key, 0, -1)) for name, key in self._keys(kind)
        }

    def _workers(self) -> dict[str, int]:
        return {name.decode(): int(count) for name, count in self._hash("running").items() if int(count)}

    def _look_for_strays(self, records: dict[str, Record], known: Iterable[str]) -> None:
        expected = set(STATES) | {"tag", "group", "log"} | _NAMED | _PLAIN
        for key in self._all_keys:
            kind, _, name = key[len(self._prefix) + 1 :].partition(":")
            if kind not in expected or (kind == "log" and name not in records):
                self._strays.append(key)
            if kind in STATES and name not in known:
                self._strays.append(key)
        for kind in ("options", "failures", "payloads"):
            self._strays += [f"{kind} of {jid.decode()}" for jid in self._hash(kind) if jid.decode() not in records]

    def _keys(self, kind: str) -> list[tuple[str, str]]:
        start = f"{self._prefix}:{kind}:"
        return [(key[len(start) :], key) for key in self._all_keys if key.startswith(start)]

    def _hash(self, kind: str) -> dict[bytes, bytes]:
        return cast("dict[bytes, bytes]", self._client.hgetall(f"{self._prefix}:{kind}"))


def _runs(record: Record) -> bool:
    # A canceled job keeps the token of its last holder, which is no lease.
    return record.job.state != "canceled"


def _escaped(text: str) -> str:
    return "".join(f"\\{character}" if character in "*?[]\\" else character for character in text)
