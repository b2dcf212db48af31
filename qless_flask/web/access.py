"""Who sends a request, and whether they may do what it asks for: what the API's and the pages' one check goes by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask import Request, request
from werkzeug.exceptions import HTTPException

from qless_flask.backends.tokens import Tokens
from qless_flask.errors import PluginError, Unauthenticated
from qless_flask.models import Identity
from qless_flask.plugins import Plugins
from qless_flask.web.sessions import session_identity

Authenticate = Callable[[Request], Identity | None]
"""Says who sends a request, or None to leave that to others; raises Unauthenticated to refuse it."""
Authorize = Callable[[Identity, str, str | None], bool | None]
"""Says whether somebody may do an action in a namespace (None: in no single one), or None to leave that to others."""

ANYBODY = Identity("anybody", "admin")
"""Whoever asks, where nobody is asked who they are."""
NOT_HELD = "this token is not known, has expired or was revoked"
"""What is said of one that does not count: which of the three is for its owner alone."""
LOOK = "queues"
"""Who may do this somewhere knows of the namespace: it is listed for them."""

_KEY = "qless_flask.identity"


@dataclass(frozen=True, slots=True)
class Host:
    """What the app that a mount stands in has to say itself; it is asked before all plugins."""

    authenticate: Authenticate | None = None
    authorize: Authorize | None = None
    frame: str | None = None
    """The name of its template that the pages stand in; None: they are whole pages of their own."""


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

    def holds(self, identity: Identity) -> bool:
        """Tell whether the token that said who somebody is, if one did, holds still."""
        return identity.token is None or self.tokens is None or self.tokens.holding(identity.token) is not None

    def may(self, identity: Identity, action: str, namespace: str | None) -> bool:
        """Tell whether somebody may do something."""
        if self._host.authorize is not None:
            allowed = self._host.authorize(identity, action, namespace)
            if allowed is not None:
                return _yes_or_no(allowed, "authorize")
        answer = self._plugins.first("authorize", actor=identity, action=action, namespace=namespace)
        if answer is not None:
            return _yes_or_no(answer[1], answer[0].plugin)
        return identity.may(action, namespace)

    def seen(self, identity: Identity, namespaces: Iterable[str]) -> list[str]:
        """Pick the namespaces that somebody may know of."""
        return [name for name in namespaces if self.may(identity, LOOK, name)]

    def _told(self) -> Identity | None:
        if self._host.authenticate is not None:
            known = _asked(self._host.authenticate)
            if known is not None:
                return _identity(known, "authenticate")
        answer = self._plugins.first("authenticate", request=request)
        return None if answer is None else _identity(answer[1], answer[0].plugin)

    def _of_token(self) -> Identity | None:
        if self.tokens is None or not self.asks():
            return None
        text = bearer_token()
        if text is None:
            return None
        token = self.tokens.find(text)
        if token is None:
            raise Unauthenticated(NOT_HELD)
        return token.identity()

    def _of_session(self) -> Identity | None:
        return None if self.tokens is None else session_identity(self.tokens)


def bearer_token() -> str | None:
    """Find the token that this request bears (RFC 6750, section 2.1), and nowhere but there: a URL is written down."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else None


def remember_identity(identity: Identity) -> None:
    """Note who sends this request."""
    request.environ[_KEY] = identity


def known_identity() -> Identity | None:
    """Tell who sends this request; None where that was not checked, or nobody knows."""
    return request.environ.get(_KEY)


def current_identity() -> Identity:
    """Tell who sends this request, once that was checked."""
    identity: Identity = request.environ[_KEY]
    return identity


def _asked(authenticate: Authenticate) -> object:
    try:
        return authenticate(request)
    except HTTPException as error:
        # A host refuses as its own views do: with abort(401).
        if error.code == Unauthenticated.status:
            raise Unauthenticated() from error
        raise PluginError(f"authenticate raised {error}", subject="authenticate") from error


def _identity(answer: object, who: str) -> Identity:
    if not isinstance(answer, Identity):
        raise PluginError(f"{who} answered {type(answer).__name__}, which is no Identity", subject=who)
    return answer


def _yes_or_no(answer: object, who: str) -> bool:
    # Not by what Python takes for true: that is "no", too.
    if not isinstance(answer, bool):
        raise PluginError(f"{who} answered {type(answer).__name__}, which is neither True nor False", subject=who)
    return answer
