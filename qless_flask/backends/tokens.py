"""Tokens: who may do what in a store, kept as records of the namespace that is ours."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import NamedTuple

from qless_flask.backends.base import Backend, Clock
from qless_flask.backends.scheduling import OURS
from qless_flask.bounds import Checks
from qless_flask.errors import Invalid, NotFound, QlessError
from qless_flask.models import Role, Token

INDEX = "tokens"
"""The record with the ids of all tokens. Once it is there, whoever asks must have one, though all be revoked."""
SESSION_KEY = "session-key"
"""The record with the key that signs the sessions of the pages."""
PREFIX = "qless"
MOST_TOKENS = 4_000
SEEN_SECONDS = 0.5
"""How long a server goes by what it has read: a revoked token is refused, and a new one known, within a second."""
USED_SECONDS = 60.0
TRIES = 20


class Created(NamedTuple):
    """A token that is new, and its text, which is told now and never again."""

    token: Token
    text: str


class Tokens:
    """The tokens of a store. A store that is a server of ours keeps none here: they are where it has its own store."""

    def __init__(self, backend: Backend, *, clock: Clock | None = None) -> None:
        """`clock` answers the time in Unix seconds."""
        self._records = backend.namespace(OURS)
        self._clock = clock or time.time
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, str | None]] = {}
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
        """Make one, which holds for `expires` seconds or until it is revoked. Raise Invalid for what cannot be."""
        check = Checks()
        if not namespaces:
            check.wrong("namespaces", "must name one, or * for all")
        if expires is not None:
            check.seconds("expires", expires, 1, 100 * 366 * 86_400)
        check.done()
        id, secret, now = secrets.token_hex(6), secrets.token_urlsafe(32), self._clock()
        token = Token(
            id,
            _digest(secret),
            role=role,
            namespaces=tuple(dict.fromkeys(namespaces)),
            name=name or f"token-{id}",
            created_at=now,
            created_by=by,
            expires_at=None if expires is None else now + expires,
            rate=rate,
        )
        self._write(_name(id), lambda _: _dump(token))
        # Listed last: until then nobody has it, and a slip in the middle leaves what no one can use.
        self._write(INDEX, lambda text: _listing([*_ids(text), id]))
        return Created(token, f"{PREFIX}_{id}_{secret}")

    def all(self) -> list[Token]:
        """List them, the oldest first; those that are expired or revoked too."""
        found = [self._read(id) for id in _ids(self._records.recall(INDEX))]
        return [token for token in found if token is not None]

    def revoke(self, id: str, *, by: str | None = None) -> Token:
        """Let one hold no longer; again changes nothing. Raise NotFound if there is none of this id."""
        now = self._clock()

        def end(text: str | None) -> str:
            if text is None:
                raise NotFound(f"no token {id}: `token list` tells which there are", subject=id)
            token = _load(text)
            return text if token.revoked_at is not None else _dump(replace(token, revoked_at=now, revoked_by=by))

        return _load(self._write(_name(id), end))

    def reset(self) -> None:
        """Delete all of them: from then on nobody is asked who they are."""
        for id in _ids(self._records.recall(INDEX)):
            self._write(_name(id), lambda _: None)
            self._write(_used_name(id), lambda _: None)
        self._write(SESSION_KEY, lambda _: None)
        # Last: were they not all gone, those left would be back with the next one that is made.
        self._write(INDEX, lambda _: None)

    # For servers

    def exist(self) -> bool:
        """Tell whether whoever asks must have one."""
        return self._recall(INDEX) is not None

    def find(self, text: str) -> Token | None:
        """Find the token whose text this is, if it holds."""
        prefix, _, rest = text.partition("_")
        id, _, secret = rest.partition("_")
        # Asked of the list first, which is read anyhow: guesses cost the store nothing.
        if prefix != PREFIX or id not in _ids(self._recall(INDEX)):
            return None
        token = self.holding(id)
        if token is None or not hmac.compare_digest(token.digest, _digest(secret)):
            return None
        self._note_use(id)
        return token

    def holding(self, id: str) -> Token | None:
        """Find a token by its id, if it holds."""
        text = self._recall(_name(id))
        token = None if text is None else _load(text)
        return token if token is not None and token.holds(self._clock()) else None

    def session_key(self) -> str:
        """Tell the key that signs the sessions of the pages; it is made when it is first asked for."""
        return self._recall(SESSION_KEY) or self._write(SESSION_KEY, lambda text: text or secrets.token_urlsafe(32))

    def _recall(self, name: str) -> str | None:
        """Read a record, or go by what was read half a second ago."""
        now = time.monotonic()
        seen = self._seen.get(name)
        if seen is None or now - seen[0] > SEEN_SECONDS:
            seen = self._seen[name] = (now, self._records.recall(name))
        return seen[1]

    def _note_use(self, id: str) -> None:
        now = time.monotonic()
        with self._lock:
            if now - self._used.get(id, -USED_SECONDS) < USED_SECONDS:
                return
            self._used[id] = now
        # For people to look at: whoever asks need not wait for it to be right.
        with suppress(QlessError):
            name = _used_name(id)
            self._records.remember(name, f"{self._clock():.0f}", self._records.recall(name))

    def _read(self, id: str) -> Token | None:
        text = self._records.recall(_name(id))
        if text is None:
            return None
        used = self._records.recall(_used_name(id))
        return replace(_load(text), used_at=None if used is None else float(used))

    def _write(self, name: str, change: Callable[[str | None], str | None]) -> str:
        """Change a record from what it is to what it is to be."""
        for _ in range(TRIES):
            before = self._records.recall(name)
            after = change(before)
            if after == before or self._records.remember(name, after, before):
                self._seen.pop(name, None)
                return after or ""
        raise QlessError("others change the tokens all the time: try again")


def _name(id: str) -> str:
    return f"token:{id}"


def _used_name(id: str) -> str:
    return f"token-used:{id}"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _ids(text: str | None) -> list[str]:
    return text.split() if text else []


def _listing(ids: Sequence[str]) -> str:
    if len(ids) > MOST_TOKENS:
        raise Invalid.of({"tokens": [f"there are {MOST_TOKENS:,}, which is as many as there may be"]})
    return " ".join(ids)


def _dump(token: Token) -> str:
    fields = asdict(token)
    del fields["used_at"]
    return json.dumps({name: value for name, value in fields.items() if value is not None}, sort_keys=True)


def _load(text: str) -> Token:
    fields = json.loads(text)
    return Token(**{**fields, "namespaces": tuple(fields["namespaces"])})
