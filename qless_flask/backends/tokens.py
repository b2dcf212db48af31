"""Tokens: who may do what in a store, kept as records of the namespace that is ours."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Container, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from qless_flask.backends.base import Backend, Clock
from qless_flask.backends.scheduling import OURS
from qless_flask.bounds import MAX_DELAY_SECONDS, MAX_RECORD_BYTES, Checks
from qless_flask.errors import Invalid, NotFound, QlessError
from qless_flask.models import Role, Token

INDEX = "tokens"
"""The record with the ids of all tokens. Once it is there, whoever asks must have one, though all be revoked."""
SESSION_KEY = "session-key"
"""The record with the key that signs the sessions of the pages."""
PREFIX = "qless"
MOST_TOKENS = 4_000
"""How many ids there are, so that their list fits into one record."""
SEEN_SECONDS = 0.5
"""How long a server goes by what it has read: a revoked token is refused, and a new one known, within a second."""
USED_SECONDS = 60.0
KEPT_SECONDS = 90 * 86_400.0
"""How long a token that is expired or revoked is listed still."""
TRIES = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Created:
    """A token that is new, and its text, which is told now and never again."""

    token: Token
    text: str = field(repr=False)


class Tokens:
    """The tokens of a store. A store that is a server of ours keeps none here: they are where it has its own store."""

    def __init__(self, backend: Backend, *, clock: Clock | None = None, timer: Clock | None = None) -> None:
        """`clock` answers the time in Unix seconds; `timer` seconds that nobody sets back."""
        self._records = backend.namespace(OURS)
        self._clock = clock or time.time
        self._timer = timer or time.monotonic
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, Any]] = {}
        self._used: dict[str, float] = {}

    # For those that look after them

    def create(
        self,
        role: Role,
        namespaces: Sequence[str],
        *,
        name: str | None = None,
        expires: float | None = None,
        rate: float | None = None,
        by: str | None = None,
    ) -> Created:
        """Make one, which holds for `expires` seconds or until it is revoked. Raise Invalid for what cannot be.

        Those that were revoked or have expired long ago are forgotten; if there is no room, all that were or have.
        """
        _check_new(namespaces, expires)
        id, secret, now = secrets.token_hex(6), secrets.token_urlsafe(32), self._clock()
        token = Token(
            id,
            _digest(secret),
            role=role,
            namespaces=tuple(dict.fromkeys(namespaces)),
            name=f"token-{id}" if name is None else name,
            created_at=now,
            created_by=by,
            expires_at=None if expires is None else now + expires,
            rate=rate,
        )
        record = _dump(token)
        if len(record) > MAX_RECORD_BYTES:
            raise Invalid.of({"namespaces": ["are more than a token can hold: make several, or one for all (*)"]})
        gone = self._make_room(now)
        self._write(_name(id), lambda _: record)
        # Listed last: until then nobody has it, and a slip in the middle leaves what no one can use.
        self._write(INDEX, lambda text: _listing(text, gone, id))
        return Created(token, f"{PREFIX}_{id}_{secret}")

    def all(self) -> list[Token]:
        """List them, the oldest first; those that are expired or revoked too."""
        return [self._with_use(token) for token in self._read(_ids(self._records.recall(INDEX)))]

    def revoke(self, id: str, *, by: str | None = None) -> Token:
        """Let one hold no longer; again changes nothing. Raise NotFound if there is none of this id."""
        now = self._clock()

        def end(text: str | None) -> str:
            if text is None:
                raise NotFound(f"no token {id}: `token list` tells which there are", subject=id)
            token = _load(id, text)
            return text if token.revoked_at is not None else _dump(replace(token, revoked_at=now, revoked_by=by))

        return _load(id, self._write(_name(id), end))

    def reset(self) -> None:
        """Delete all of them: from then on nobody is asked who they are."""
        for _ in range(TRIES):
            listed = self._records.recall(INDEX)
            self._delete(_ids(listed))
            self._write(SESSION_KEY, lambda _: None)
            # Last: one who is broken off leaves a store that asks still. And only if nobody has made one meanwhile.
            if listed is None or self._records.remember(INDEX, None, listed):
                self._seen.clear()
                return
        raise _crowded()

    # For servers

    def exist(self) -> bool:
        """Tell whether whoever asks must have one."""
        return self._recall(INDEX, _id_set) is not None

    def find(self, text: str) -> Token | None:
        """Find the token whose text this is, if it holds."""
        prefix, _, rest = text.partition("_")
        id, _, secret = rest.partition("_")
        # Asked of the list first, which is read anyhow: guesses cost the store nothing.
        if prefix != PREFIX or id not in (self._recall(INDEX, _id_set) or ()):
            return None
        token = self._holding(id)
        if token is None or not hmac.compare_digest(token.digest, _digest(secret)):
            return None
        self._note_use(id)
        return token

    def holding(self, id: str) -> Token | None:
        """Find a token by its id, if it holds, for one who has shown it before."""
        token = self._holding(id)
        if token is not None:
            self._note_use(id)
        return token

    def session_key(self) -> str:
        """Tell the key that signs the sessions of the pages; it is made when it is first asked for."""
        return self._recall(SESSION_KEY, str) or self._write(
            SESSION_KEY, lambda text: text or secrets.token_urlsafe(32)
        )

    def _holding(self, id: str) -> Token | None:
        token = self._recall(_name(id), partial(_load, id))
        return token if token is not None and token.holds(self._clock()) else None

    def _recall(self, name: str, read: Callable[[str], T]) -> T | None:
        """Read a record, or go by what was read half a second ago."""
        now = self._timer()
        seen = self._seen.get(name)
        if seen is None or now - seen[0] > SEEN_SECONDS:
            text = self._records.recall(name)
            if len(self._seen) > 2 * MOST_TOKENS:
                # Most are of tokens that are long gone.
                self._seen.clear()
            seen = self._seen[name] = (now, None if text is None else read(text))
        found: T | None = seen[1]
        return found

    def _note_use(self, id: str) -> None:
        now = self._timer()
        with self._lock:
            if now - self._used.get(id, -USED_SECONDS) < USED_SECONDS:
                return
            if len(self._used) > 2 * MOST_TOKENS:
                self._used.clear()
            self._used[id] = now
        # For people to look at: whoever asks need not wait for it to be right.
        with suppress(QlessError):
            name = _used_name(id)
            self._records.remember(name, f"{self._clock():.0f}", self._records.recall(name))

    def _make_room(self, now: float) -> set[str]:
        """Delete what need not be kept; answer which ids to list no more. Raise Invalid if there is no room."""
        listed = _ids(self._records.recall(INDEX))
        tokens = self._read(listed)
        kept = [token for token in tokens if token.ends_at > now - KEPT_SECONDS]
        if len(kept) >= MOST_TOKENS:
            kept = [token for token in tokens if token.holds(now)]
        if len(kept) >= MOST_TOKENS:
            raise Invalid.of(
                {"tokens": [f"there are {len(kept):,} that hold, which is as many as can be: revoke some"]}
            )
        gone = set(listed) - {token.id for token in kept}
        self._delete(gone)
        return gone

    def _delete(self, ids: Iterable[str]) -> None:
        for id in ids:
            self._write(_name(id), lambda _: None)
            self._write(_used_name(id), lambda _: None)

    def _read(self, ids: Sequence[str]) -> list[Token]:
        """Read those that are there."""
        texts = ((id, self._records.recall(_name(id))) for id in ids)
        return [_load(id, text) for id, text in texts if text is not None]

    def _with_use(self, token: Token) -> Token:
        used = self._records.recall(_used_name(token.id))
        return token if used is None else replace(token, used_at=float(used))

    def _write(self, name: str, change: Callable[[str | None], str | None]) -> str:
        """Change a record from what it is to what it is to be."""
        for _ in range(TRIES):
            before = self._records.recall(name)
            after = change(before)
            if after == before or self._records.remember(name, after, before):
                self._seen.pop(name, None)
                return after or ""
        raise _crowded()


def _name(id: str) -> str:
    return f"token:{id}"


def _used_name(id: str) -> str:
    return f"token-used:{id}"


def _check_new(namespaces: Sequence[str], expires: float | None) -> None:
    check = Checks()
    if isinstance(namespaces, str) or not namespaces:
        check.wrong("namespaces", "must be a list that names one, or * for all")
    elif any(str(each).startswith("_") for each in namespaces):
        check.wrong("namespaces", "names that begin with _ are reserved")
    if expires is not None:
        check.seconds("expires", expires, 1, MAX_DELAY_SECONDS)
    check.done()


def _crowded() -> QlessError:
    return QlessError("others change the tokens all the time: try again")


def _digest(secret: str) -> str:
    # What stands there may come from anywhere; a half surrogate pair is in no secret.
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _ids(text: str | None) -> list[str]:
    return text.split() if text else []


def _listing(text: str | None, gone: Container[str], id: str) -> str:
    # Once each: a store that was asked again because its answer was lost has listed it already.
    return " ".join(dict.fromkeys([*(each for each in _ids(text) if each not in gone), id]))


def _id_set(text: str) -> frozenset[str]:
    return frozenset(_ids(text))


def _dump(token: Token) -> str:
    return json.dumps({name: value for name, value in asdict(token).items() if value is not None}, sort_keys=True)


def _load(id: str, text: str) -> Token:
    try:
        fields = json.loads(text)
        return Token(**{**fields, "namespaces": tuple(fields["namespaces"])})
    except (ValueError, TypeError, KeyError, Invalid) as error:
        raise QlessError(f"token {id} cannot be read: its record is broken, or of a newer version") from error
