"""Who sends a request, and whether they may do what it asks for: the one check of the API and of the pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Request, request

from qless_flask.backends.tokens import Tokens
from qless_flask.errors import Forbidden, PluginError, Unauthenticated
from qless_flask.models import Identity
from qless_flask.plugins import Plugins
from qless_flask.web.sessions import session_identity

Authenticate = Callable[[Request], Identity | None]
"""Says who sends a request, or None to leave that to others; raises Unauthenticated to refuse it."""
Authorize = Callable[[Identity, str, str | None], bool | None]
"""Says whether somebody may do an action in a namespace (None: in no single one), or None to leave that to others."""

ANYBODY = Identity("anybody", "admin")
"""Whoever asks, where nobody is asked who they are."""

_SCHEME = "Bearer"
_KEY = "qless_flask.identity"


@dataclass(frozen=True, slots=True)
class Host:
    """What the app that a mount stands in has to say itself; it is asked before all plugins."""

    authenticate: Authenticate | None = None
    authorize: Authorize | None = None


class Access:
    """Asks, in order: the host, the plugins, and last the tokens of the store and the roles."""

    def __init__(self, host: Host, plugins: Plugins, tokens: Tokens | None, *, closed: bool = False) -> None:
        """`tokens` is None where the store keeps none; `closed`: nobody is let in unasked, tokens or not."""
        self.tokens = tokens
        self._host = host
        self._plugins = plugins
        self._closed = closed or host.authenticate is not None or bool(plugins.calls("authenticate"))

    def identify(self) -> Identity:
        """Tell who sends this request. Raise Unauthenticated where nobody knows."""
        known = self._told() or self._of_token() or self._of_session()
        if known is not None:
            return known
        if self.asks():
            raise Unauthenticated()
        return ANYBODY

    def asks(self) -> bool:
        """Tell whether a request must say who sends it."""
        return self._closed or (self.tokens is not None and self.tokens.exist())

    def may(self, identity: Identity, action: str, namespace: str | None) -> bool:
        """Tell whether somebody may do something."""
        if self._host.authorize is not None:
            allowed = self._host.authorize(identity, action, namespace)
            if allowed is not None:
                return bool(allowed)
        answer = self._plugins.first("authorize", actor=identity, action=action, namespace=namespace)
        if answer is not None:
            return bool(answer[1])
        return identity.may(action, namespace)

    def _told(self) -> Identity | None:
        if self._host.authenticate is not None:
            known = self._host.authenticate(request)
            if known is not None:
                return _checked(known, "authenticate")
        answer = self._plugins.first("authenticate", request=request)
        return None if answer is None else _checked(answer[1], answer[0].plugin)

    def _of_token(self) -> Identity | None:
        if self.tokens is None or not self.tokens.exist():
            return None
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != _SCHEME.lower():
            return None
        token = self.tokens.find(text.strip())
        if token is None:
            # No word on whether it is unknown, expired or revoked: that is for its owner alone.
            raise Unauthenticated("this token is not known, has expired or was revoked")
        return token.identity()

    def _of_session(self) -> Identity | None:
        return None if self.tokens is None else session_identity(self.tokens)


def remember_identity(identity: Identity) -> None:
    """Note who sends this request."""
    request.environ[_KEY] = identity


def current_identity() -> Identity:
    """Tell who sends this request, once that was checked."""
    identity: Identity = request.environ[_KEY]
    return identity


def forbidden(action: str, namespace: str | None) -> Forbidden:
    """Build the error for what somebody may not do; it tells nothing of what is there."""
    where = "" if namespace is None else f" in namespace {namespace}"
    return Forbidden(f"you may not do this{where}: it takes another role, or a token for it ({action})", subject=action)


def _checked(answer: object, who: str) -> Identity:
    if not isinstance(answer, Identity):
        raise PluginError(f"{who} answered {type(answer).__name__}, which is no Identity", subject=who)
    return answer
