"""Views and their routes, guarded: whatever happens in one is answered as a problem, and nothing app-wide sees it."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from flask import Blueprint, Response, request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import HTTPException

from qless_flask.bounds import Checks
from qless_flask.errors import Internal, Malformed, MethodNotAllowed, NotFound, QlessError
from qless_flask.web.answers import is_fault, no_content, problem
from qless_flask.web.guard import KNOWN, PUBLIC, admit
from qless_flask.web.headers import protect
from qless_flask.web.origins import refuse_other_sites

View = Callable[[], Response]
Refuse = Callable[[QlessError, Mapping[str, str] | None], Response]
"""Answers with an error, and headers of its own."""
Mount = Blueprint | BlueprintSetupState

API = "/api/v1"
NAMESPACE = f"{API}/namespaces/<namespace>"

logger = logging.getLogger("qless_flask")

_KNOWN = (
    "queues",
    "jobs",
    "pop",
    "heartbeat",
    "settle",
    "exchange",
    "failures",
    "workers",
    "tags",
    "tracked",
    "recurrences",
    "events",
    "stats",
    "throughput",
    "settings",
    "frozen",
    "export",
    "import",
    "operations",
)

_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Route(NamedTuple):
    """A method at an address, and the action that it asks for."""

    method: str
    rule: str
    action: str

    @property
    def address(self) -> str:
        """The rule, as people write it: with `{jid}` for a jid."""
        return _VARIABLE.sub(r"{\1}", self.rule)


class Views:
    """The views of one noun. They take no arguments: what the path names is loaded like the rest of the request."""

    def __init__(self, prefix: str = NAMESPACE, refuse: Refuse = problem) -> None:
        self._prefix = prefix
        self._refuse = refuse
        self._by_rule: dict[str, dict[str, tuple[View, str]]] = {}

    def get(self, rule: str, action: str) -> Callable[[View], View]:
        """Answer GET (and HEAD) at an address, for those who may do the action."""
        return self._at(rule, "GET", action)

    def post(self, rule: str, action: str) -> Callable[[View], View]:
        """Answer POST at an address, for those who may do the action."""
        return self._at(rule, "POST", action)

    def put(self, rule: str, action: str) -> Callable[[View], View]:
        """Answer PUT at an address, for those who may do the action."""
        return self._at(rule, "PUT", action)

    def patch(self, rule: str, action: str) -> Callable[[View], View]:
        """Answer PATCH at an address, for those who may do the action."""
        return self._at(rule, "PATCH", action)

    def delete(self, rule: str, action: str) -> Callable[[View], View]:
        """Answer DELETE at an address, for those who may do the action."""
        return self._at(rule, "DELETE", action)

    def routes(self) -> list[Route]:
        """List what is answered here, without the methods that are refused."""
        return [
            Route(method, rule, action)
            for rule, views in self._by_rule.items()
            for method, (_, action) in views.items()
        ]

    def add_to(self, blueprint: Blueprint) -> None:
        """Register all of them, and with them the answer to the methods that an address does not take.

        Without that, DELETE of `jobs/a/log` would be taken for one of the job `a/log`.
        """
        for rule, views in self._by_rule.items():
            for method, (view, action) in views.items():
                _add(blueprint, rule, view.__name__, [method], _guarded(view, action, self._refuse))
            others = [each for each in _METHODS if each not in views and not (each == "HEAD" and "GET" in views)]
            allowed = ", ".join(each for each in _METHODS if each not in others or each == "OPTIONS")
            first, action = next(iter(views.values()))
            known = PUBLIC if action == PUBLIC else KNOWN
            refusal = _guarded(_other_methods(allowed, self._refuse), known, self._refuse)
            _add(blueprint, rule, f"{first.__name__}_other_methods", others, refusal)

    def _at(self, rule: str, method: str, action: str) -> Callable[[View], View]:
        def remember(view: View) -> View:
            self._by_rule.setdefault(self._prefix + rule, {})[method] = (view, action)
            return view

        return remember


def add_catch_all(mount: Mount, rule: str, name: str, refuse: Refuse = problem) -> None:
    """Answer for all addresses below one that are none of ours."""
    _add(mount, rule, name, list(_METHODS), _guarded(_nowhere, KNOWN, refuse))


def _add(mount: Mount, rule: str, name: str, methods: list[str], view: Callable[..., Response]) -> None:
    options = {"provide_automatic_options": False, "merge_slashes": False}
    # A path variable matches nothing that begins with a slash, but a jid may: that has a route of its own.
    before, *parts = rule.split("/<path:")
    for slashes in product(("", "/"), repeat=len(parts)):
        slashed = [part.partition(">")[0] for part, slash in zip(parts, slashes, strict=True) if slash]
        spelt = before + "".join(f"/{slash}<path:{part}" for part, slash in zip(parts, slashes, strict=True))
        endpoint = "_".join([name, *(f"slashed_{each}" for each in slashed)])
        mount.add_url_rule(spelt, endpoint, _slashed(view, slashed) if slashed else view, methods=methods, **options)


def _slashed(view: Callable[..., Response], variables: Sequence[str]) -> Callable[..., Response]:
    def prefixed(**names: str) -> Response:
        if request.view_args:
            request.view_args.update({variable: f"/{names[variable]}" for variable in variables})
        return view()

    return prefixed


def _guarded(view: View, action: str, refuse: Refuse) -> Callable[..., Response]:
    @functools.wraps(view)
    def guarded(**names: str) -> Response:
        return protect(_answered(view, action, refuse))

    return guarded


def _answered(view: View, action: str, refuse: Refuse) -> Response:
    try:
        admit(action)
        refuse_other_sites()
        _check_names()
        return view()
    except QlessError as error:
        if is_fault(error):
            # What lies behind it is for the log alone.
            logger.warning("%s %s: %s", request.method, request.path, error.message)
        return refuse(error, None)
    except HTTPException as error:
        # What werkzeug says of a body that cannot be read to its end.
        return refuse(Malformed(f"the request cannot be read: {error.description}"), None)
    except Exception:
        logger.exception("%s %s failed", request.method, request.path)
        return refuse(Internal(), None)


def _check_names() -> None:
    """Raise Invalid unless each name in the path can be one."""
    check = Checks()
    for variable, value in (request.view_args or {}).items():
        if variable in ("namespace", "queue"):
            check.name(variable, value)
            if variable == "namespace" and value.startswith("_"):
                check.wrong(variable, "names that begin with _ are reserved")
        elif variable in ("jid", "other", "worker", "group", "tag", "id"):
            check.text(variable, value)
            # Werkzeug puts a replacement character where the bytes are no UTF-8: another job may have that very name.
            if "\ufffd" in value and not _is_utf8(request.environ["PATH_INFO"].encode("latin-1")):
                check.wrong(variable, "must be UTF-8, percent-encoded")
    check.done()


def _is_utf8(path: bytes) -> bool:
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True


def _other_methods(allowed: str, refuse: Refuse) -> View:
    def refused() -> Response:
        if request.method == "OPTIONS":
            return no_content({"Allow": allowed})
        error = MethodNotAllowed(f"this address takes {allowed}, not {request.method}")
        return refuse(error, {"Allow": allowed})

    return refused


def _nowhere() -> Response:
    known = f": below a namespace there are {', '.join(_KNOWN)}" if "/api/v1/namespaces/" in request.path else ""
    raise NotFound(f"there is nothing at {request.path}{known}", subject=request.path)
