"""Who may do what: the roles, the least role for each action, who somebody is, and tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from math import inf
from typing import Literal, get_args

from qless_flask.bounds import MAX_BATCH, MAX_RATE, Checks

Role = Literal["viewer", "producer", "worker", "operator", "admin"]
"""Each may do what those before it may, and more."""
ROLES: tuple[Role, ...] = get_args(Role)
LEAST_RATE = 0.01

TokenState = Literal["holds", "expired", "revoked"]

EVERYWHERE = "*"
"""In place of namespaces: all there are, and will be."""


def _all(role: Role, *actions: str) -> dict[str, Role]:
    return dict.fromkeys(actions, role)


LEAST_ROLES: Mapping[str, Role] = {
    # To look
    **_all("viewer", "get", "lines", "select", "queues", "workers", "failures", "tags", "tracked", "recurrences"),
    **_all("viewer", "stats", "throughput", "events", "settings"),
    **_all("viewer", "namespaces", "plugins", "metrics", "preview_recurrence", "home"),
    # To put
    **_all("producer", "put"),
    # To work
    **_all("worker", "pop", "heartbeat", "settle", "exchange", "log"),
    # To steer
    **_all("operator", "cancel", "move", "finish", "update", "timeout", "depend", "change"),
    **_all("operator", "configure", "pause", "resume", "forget", "quiet", "stop", "track"),
    **_all("operator", "recur", "unrecur", "pause_recurrence", "resume_recurrence", "run_recurrence"),
    # To own: secrets of a namespace's settings, all that it holds, and what schedulers do
    **_all("admin", "configure_namespace", "freeze", "dump", "load", "erase"),
    **_all("admin", "fire", "promote", "prune", "lead", "remember", "recall"),
}
"""The least role for each action: an operation by its name, or what else a server is asked for."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, as a token says it, or a host's `authenticate`."""

    name: str
    """What events call whoever it is."""
    role: Role | None = None
    """None: what an `authorize` allows, and nothing else."""
    namespaces: tuple[str, ...] = (EVERYWHERE,)
    """Where; `*` is everywhere."""
    _: KW_ONLY
    token: str | None = None
    """The id of the token that said so."""
    rate: float | None = None
    """How many requests a second; None: as many as the server lets anybody send."""

    def __post_init__(self) -> None:
        check = Checks()
        check.text("name", self.name)
        _check_reach(check, self.role, self.namespaces)
        _check_rate(check, self.rate)
        check.done()

    def sees(self, namespace: str) -> bool:
        """Tell whether a namespace is one of theirs."""
        return EVERYWHERE in self.namespaces or namespace in self.namespaces

    def may(self, action: str, namespace: str | None) -> bool:
        """Tell whether the role is enough for an action; `namespace` is None for what is about no single one."""
        least = LEAST_ROLES.get(action)
        if self.role is None or least is None or ROLES.index(self.role) < ROLES.index(least):
            return False
        return namespace is None or self.sees(namespace)


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token: all but its text."""

    id: str
    digest: str = field(repr=False)
    """SHA-256 of its secret, in hexadecimal. The secret has 256 random bits: it cannot be guessed from that."""
    _: KW_ONLY
    role: Role
    namespaces: tuple[str, ...]
    name: str
    """What events call its bearer."""
    created_at: float
    created_by: str | None = None
    expires_at: float | None = None
    revoked_at: float | None = None
    revoked_by: str | None = None
    used_at: float | None = None
    """When it was last used, to the minute."""
    rate: float | None = None
    """How many requests a second it may send."""

    def __post_init__(self) -> None:
        check = Checks()
        check.text("name", self.name)
        for name in ("created_by", "revoked_by"):
            if getattr(self, name) is not None:
                check.text(name, getattr(self, name))
        check.one_of("role", self.role, ROLES)
        _check_reach(check, None, self.namespaces)
        _check_rate(check, self.rate)
        check.done()

    @property
    def ends_at(self) -> float:
        """When it holds no longer; infinity where nobody has said so."""
        return min((at for at in (self.revoked_at, self.expires_at) if at is not None), default=inf)

    def state(self, now: float) -> TokenState:
        """Tell whether it holds, or why not."""
        # Revoked is revoked, also where the clock is behind that of who did it.
        if self.revoked_at is not None:
            return "revoked"
        return "holds" if now < self.ends_at else "expired"

    def holds(self, now: float) -> bool:
        """Tell whether it is neither revoked nor expired."""
        return self.state(now) == "holds"

    def identity(self) -> Identity:
        """Say who bears it."""
        return Identity(self.name, self.role, self.namespaces, token=self.id, rate=self.rate)


def _check_reach(check: Checks, role: Role | None, namespaces: tuple[str, ...]) -> None:
    if role is not None:
        check.one_of("role", role, ROLES)
    if not isinstance(namespaces, (tuple, list)) or len(namespaces) > MAX_BATCH:
        check.wrong("namespaces", f"must be a list of up to {MAX_BATCH:,} names, or of * alone")
        return
    if EVERYWHERE in namespaces and len(namespaces) > 1:
        check.wrong("namespaces", "names others beside *, which is all of them")
    for index, name in enumerate(namespaces):
        if name != EVERYWHERE:
            check.name(f"namespaces.{index}", name)


def _check_rate(check: Checks, rate: float | None) -> None:
    if rate is not None and (type(rate) not in (int, float) or not LEAST_RATE <= rate <= MAX_RATE):
        check.wrong("rate", f"must be a number of requests a second from {LEAST_RATE:g} to {MAX_RATE:,}")
