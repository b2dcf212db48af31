"""The door of the house: whoever the company's proxy has logged in is known, and has a namespace of their own.

qless-flask serve --plugin qless_polite.door:Door
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from qless_flask.errors import Invalid
from qless_flask.hookspecs import hookimpl
from qless_flask.models import ROLES, Identity, Role

if TYPE_CHECKING:
    from flask import Request

USER, GROUPS = "X-Forwarded-User", "X-Forwarded-Groups"
"""The headers of oauth2-proxy; the proxy must take away what a client sends under these names."""
OWN = "people."


class Door:
    """Takes the proxy's word for who somebody is; not from the entry points, for with it nobody else is let in."""

    def __init__(
        self,
        roles: Mapping[str, Role] | None = None,
        *,
        proxies: Collection[str] = ("127.0.0.1", "::1"),
    ) -> None:
        """`roles` says which role a group of people has, `proxies` from where the proxy comes."""
        self._roles = {"queue-viewers": "viewer", "queue-operators": "operator"} if roles is None else dict(roles)
        self._proxies = frozenset(proxies)

    @hookimpl
    def authenticate(self, request: Request) -> Identity | None:
        """Know whom the proxy has logged in. To anybody else who sends these headers they are not worth anything."""
        name = request.headers.get(USER)
        if name is None or sender(request) not in self._proxies:
            return None
        groups = [group.strip() for group in request.headers.get(GROUPS, "").split(",")]
        roles = {self._roles[group] for group in groups if group in self._roles}
        held = [role for role in ROLES if role in roles]
        try:
            return Identity(name, held[-1] if held else None)
        except Invalid:
            # A name that cannot stand in events.
            return None

    @hookimpl
    def authorize(self, actor: Identity, namespace: str | None) -> bool | None:
        """Let everybody do as they like in the namespace that is called after them, and nobody else."""
        if namespace is None or not namespace.startswith(OWN):
            return None
        return namespace == f"{OWN}{actor.name}"


def sender(request: Request) -> str | None:
    """Tell who speaks to the server, also where `serve --proxies` goes by what a proxy says of that."""
    before: Mapping[str, str] = request.environ.get("werkzeug.proxy_fix.orig", request.environ)
    return before.get("REMOTE_ADDR")
