"""Reads a namespace whole, key by key, for the invariant checker; slow on purpose, for small namespaces only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, cast

from qless_flask.backends.inspection import StoreView
from qless_flask.backends.redis.lanes import Lanes
from qless_flask.backends.redis.namespace import RedisNamespace
from qless_flask.backends.redis.records import STATES, Record, read_record
from qless_flask.backends.redis.recurrences import read_recurring
from qless_flask.backends.store import to_seconds
from qless_flask.models import State

_NEVER = (1 << 53) - 1
_PLAIN = frozenset(
    (
        "records",
        "options",
        "payloads",
        "failures",
        "needs",
        "progress",
        "results",
        "untold",
        "told",
        "unique",
        "unique_until",
        "tracked",
        "tracked_tags",
        "tags",
        "groups",
        "recurrences",
        "recurrence_ids",
        "recurring",
        "queues",
        "workers",
        "running",
        "events",
        "meta",
        "room",
        "leaders",
        "memory",
        "own_memory",
        "readers",
        "periods",
    )
)
_NAMED = frozenset(
    (
        *("y", "tag", "group", "dependents", "figures", "touched", "log", "queue", "wake", "waits", "request", "rows"),
        *("v", "lane", "heads", "blocked", "resort", "key", "key_running", "sets", "pops", "key_pops", "popped_keys"),
    )
)
_OF_QUEUES = frozenset(
    (
        *STATES,
        *("y", "v", "lane", "heads", "blocked", "resort", "key_running", "sets", "pops", "key_pops", "popped_keys"),
    )
)
"""Those that belong to a queue; behind its name may stand more, apart by tabs."""
_OF_JOBS = {"options": "o", "payloads": "d", "failures": "f", "needs": "n", "progress": "g", "results": "e"}
"""The hashes of what stands beside a record, and the flag of a record that has something there."""
_HASHES = frozenset(
    (
        *("records", *_OF_JOBS, "unique", "recurrences", "running", "told"),
        *("figures", "touched", "queue", "key_running", "sets"),
    )
)
_SORTED_SETS = frozenset(
    (
        *(*STATES, "y", "v", "lane", "heads", "blocked", "resort", "tag", "group", "key", "dependents"),
        *("untold", "tracked", "tracked_tags", "unique_until", "tags", "groups", "recurrence_ids", "recurring"),
    )
)
"""Those that are looked at, besides the set of queues."""
_KINDS = {"q": "queue", "k": "klass"}


def inspect(namespace: RedisNamespace) -> StoreView:
    """Read all keys of a namespace."""
    return _Inspector(namespace).view()


class _Inspector:
    def __init__(self, namespace: RedisNamespace) -> None:
        self._prefix = namespace.prefix
        # redis-py's types cannot tell its synchronous replies from its asynchronous ones.
        client = cast(Any, namespace.client)
        # Two ways to the server, not one for each key: the tests look after every operation.
        keys = client.scan_iter(match=f"{_escaped(self._prefix)}:*", count=1000)
        self._all_keys = sorted({key.decode() for key in keys})
        self._values = self._read_all(client)
        self._strays: list[str] = []

    def _read_all(self, client: Any) -> dict[str, Any]:
        """Read what is looked at; bare, by what stands behind the prefix."""
        names = []
        with client.pipeline(transaction=False) as pipeline:
            for key in self._all_keys:
                name = key[len(self._prefix) + 1 :]
                kind = name.partition(":")[0]
                if kind in _HASHES:
                    pipeline.hgetall(key)
                elif kind in _SORTED_SETS:
                    pipeline.zrange(key, 0, -1, withscores=True)
                elif kind == "queues":
                    pipeline.smembers(key)
                else:
                    continue
                names.append(name)
            return dict(zip(names, pipeline.execute(), strict=True))

    def view(self) -> StoreView:
        records = self._records()
        indexes = self._indexes()
        lanes = Lanes(self)
        known = frozenset(name.decode() for name in self._values.get("queues", ()))
        view = StoreView(
            jobs={jid: record.job for jid, record in records.items()},
            places={jid: record.place for jid, record in records.items()},
            tokens={jid: record.token for jid, record in records.items() if record.token and _runs(record)},
            expiries=self._expiries(),
            indexes=indexes,
            counts={key: len(jids) for key, jids in indexes.items()},
            tags=self._sets("tag"),
            groups=self._sets("group"),
            workers=self._workers(),
            depends=self._depends(),
            dependents=self._sets("dependents"),
            untold=self._set("untold"),
            keys=self._sets("key"),
            key_running=lanes.key_running(),
            requirement_sets=lanes.requirement_sets(),
            unique={key.decode(): text.decode().split("\t")[0] for key, text in self._hash("unique").items()},
            start_by=self._start_by(),
            tracked=self._set("tracked"),
            tracked_tags=self._set("tracked_tags"),
            figures=self._figures(),
            touched=self._touched(),
            recurrences={id.decode(): read_recurring(text) for id, text in self._hash("recurrences").items()},
            due={id: to_seconds(at) for id, at in self.scores("recurring").items()},
            queues=known,
            strays=(),
        )
        self._look_for_strays(view)
        self._strays += lanes.strays(view.jobs)
        return replace(view, strays=tuple(self._strays))

    def _records(self) -> dict[str, Record]:
        beside = {kind: self._hash(kind) for kind in _OF_JOBS}
        return {
            jid.decode(): read_record(
                jid.decode(),
                text,
                *(beside[kind].get(jid, b"") for kind in ("options", "failures", "needs", "progress")),
                data=beside["payloads"].get(jid, b""),
                result=beside["results"].get(jid, b""),
                history=True,
            )
            for jid, text in self._hash("records").items()
        }

    # As lib/lanes needs it

    def names(self, kind: str) -> list[str]:
        """List the names for which there is a key of a kind."""
        start = f"{self._prefix}:{kind}:"
        return [key[len(start) :] for key in self._all_keys if key.startswith(start)]

    def scores(self, kind: str) -> dict[str, int]:
        """Read a sorted set, in its order."""
        return {name.decode(): int(score) for name, score in self._values.get(kind, ())}

    def texts(self, kind: str) -> dict[str, str]:
        """Read a hash."""
        return {name.decode(): text.decode() for name, text in self._hash(kind).items()}

    # As the checker needs it

    def _indexes(self) -> dict[tuple[str, State], tuple[str, ...]]:
        indexes = {
            (queue, state): self.scores(f"{letter}:{queue}")
            for letter, state in STATES.items()
            for queue in self.names(letter)
        }
        for queue in self.names("v"):
            # Those with a key or requirements stand in an index of their own.
            both = self.scores(f"w:{queue}") | self.scores(f"v:{queue}")
            indexes[queue, "waiting"] = dict(sorted(both.items(), key=lambda item: (item[1], item[0].encode())))
        return {key: tuple(scores) for key, scores in indexes.items()}

    def _expiries(self) -> dict[str, float]:
        return {
            jid: to_seconds(score)
            for queue in self.names("r")
            for jid, score in self.scores(f"r:{queue}").items()
            if score != _NEVER
        }

    def _sets(self, kind: str) -> dict[str, frozenset[str]]:
        return {name: self._set(f"{kind}:{name}") for name in self.names(kind)}

    def _workers(self) -> dict[str, int]:
        return {name.decode(): int(count) for name, count in self._hash("running").items() if int(count)}

    def _depends(self) -> dict[str, frozenset[str]]:
        needs = {jid.decode(): text.decode().split("\t")[1:] for jid, text in self._hash("needs").items()}
        return {jid: frozenset(parents) for jid, parents in needs.items()}

    def _start_by(self) -> dict[str, float]:
        return {jid: to_seconds(at) for queue in self.names("y") for jid, at in self.scores(f"y:{queue}").items()}

    def _figures(self) -> dict[str, dict[State, int]]:
        return {
            tag: {state: int(found[letter.encode()]) for letter, state in STATES.items() if letter.encode() in found}
            for tag, found in ((tag, self._hash(f"figures:{tag}")) for tag in self.names("figures"))
        }

    def _touched(self) -> dict[str, dict[tuple[str, str], int]]:
        return {
            group: {
                (_KINDS[name.decode()[0]], name.decode()[1:]): int(count)
                for name, count in self._hash(f"touched:{group}").items()
            }
            for group in self.names("touched")
        }

    def _look_for_strays(self, view: StoreView) -> None:
        for key in self._all_keys:
            kind, _, name = key[len(self._prefix) + 1 :].partition(":")
            if kind not in set(STATES) | _NAMED | _PLAIN or (kind == "log" and name not in view.jobs):
                self._strays.append(key)
            if kind in _OF_QUEUES and name.split("\t")[0] not in view.queues:
                self._strays.append(key)
        flags = {jid: text.split(b"\n", 1)[0].rpartition(b"\t")[2] for jid, text in self._hash("records").items()}
        for kind, flag in _OF_JOBS.items():
            found = self._hash(kind)
            self._strays += [f"{kind} of {jid.decode()}" for jid in found if flag.encode() not in flags.get(jid, b"")]
            self._strays += [
                f"flag {flag} of {jid.decode()}" for jid in flags.keys() - found if flag.encode() in flags[jid]
            ]
        self._compare("tags", set(view.tags))
        self._compare("groups", set(view.groups))
        self._compare("recurrence_ids", set(view.recurrences))
        self._compare("figures of", set(view.tags), set(view.figures))
        self._strays += [f"told of {jid.decode()}" for jid in self._hash("told") if jid.decode() not in view.untold]
        self._strays += [f"unique_until of {key}" for key in self._set("unique_until") if key not in view.unique]

    def _compare(self, kind: str, expected: set[str], found: Iterable[str] | None = None) -> None:
        different = expected ^ set(self._set(kind) if found is None else found)
        self._strays += [f"{kind} {name}" for name in sorted(different)]

    def _set(self, kind: str) -> frozenset[str]:
        return frozenset(self.scores(kind))

    def _hash(self, kind: str) -> dict[bytes, bytes]:
        return cast("dict[bytes, bytes]", self._values.get(kind, {}))


def _runs(record: Record) -> bool:
    # A canceled job keeps the token of its last holder, which is no lease.
    return record.job.state != "canceled"


def _escaped(text: str) -> str:
    return "".join(f"\\{character}" if character in "*?[]\\" else character for character in text)
