"""What one mount works with: its plugins, its store, opened when first needed, and the places for polls to wait in."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from flask import Response, after_this_request, request

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.hooked import Hooked
from qless_flask.backends.scheduling import scheduler_figures
from qless_flask.backends.tokens import Tokens
from qless_flask.errors import Invalid, QlessError, Unauthenticated
from qless_flask.models import Exchanged, Popped, Release
from qless_flask.models.plugins import PluginReport
from qless_flask.models.scheduling import SchedulerFigures
from qless_flask.overview import Looker
from qless_flask.plugins import Plugins
from qless_flask.settings import Settings
from qless_flask.web.access import NOT_HELD, Access, Host, current_identity
from qless_flask.web.audit import Steps, note
from qless_flask.web.current import current_service
from qless_flask.web.limits import Limits
from qless_flask.web.live import Live
from qless_flask.web.pages.past_days import PastDays
from qless_flask.web.pages.queue_figures import live_values
from qless_flask.web.pages.surfaces import OfferedPage, find_pages
from qless_flask.web.persons import BY_HAND, acting
from qless_flask.web.places import Places
from qless_flask.web.throttle import Throttle


class Service:
    """A store behind a mount, and its plugins. Each process has its own: a forked one does not use its parent's."""

    def __init__(self, settings: Settings, backend: Backend | None = None, host: Host | None = None) -> None:
        """Remember what to open, or the backend to use, which then is for the caller to close."""
        self.settings = settings
        self.host = host or Host()
        self.places = Places(settings.max_waits)
        self.logins = Throttle(times=10, seconds=60)
        self.limits = Limits(settings.requests_per_second)
        self.steps = Steps()
        self.past_days = PastDays()
        self._given = backend
        self._opened: tuple[int, Backend] | None = None
        self._loaded: tuple[int, Plugins] | None = None
        self._accessed: tuple[int, Access] | None = None
        self._looking: tuple[int, Looker, Live] | None = None
        self._offered: tuple[int, dict[str, OfferedPage]] | None = None
        self._lock = threading.RLock()

    @property
    def backend(self) -> Backend:
        """The store; opened now if this process has not done so yet."""
        if self._given is not None:
            return self._given
        process = os.getpid()
        with self._lock:
            if self._opened is None or self._opened[0] != process:
                self._opened = (process, self.open())
            return self._opened[1]

    @property
    def plugins(self) -> Plugins:
        """The plugins, loaded now if this process has not done so yet; a backend that was given may have its own."""
        if isinstance(self._given, Hooked):
            return self._given.plugins
        process = os.getpid()
        with self._lock:
            if self._loaded is None or self._loaded[0] != process:
                self._loaded = (process, Plugins.of(self.settings))
            return self._loaded[1]

    @property
    def access(self) -> Access:
        """Who may do what; each process goes by what it has read of the tokens itself."""
        process = os.getpid()
        with self._lock:
            if self._accessed is None or self._accessed[0] != process:
                store = _bare(self.backend)
                tokens = None if store.remote else Tokens(store)
                closed = self.settings.closed
                self._accessed = (process, Access(self.host, self.plugins, tokens, closed=closed))
            return self._accessed[1]

    @property
    def looker(self) -> Looker:
        """Who looks namespaces over, for all who want to see them."""
        return self._looks()[1]

    @property
    def live(self) -> Live:
        """The live figures of namespaces."""
        return self._looks()[2]

    def open(self) -> Backend:
        """Open the store once more."""
        return open_backend(self.settings.url, max_data_bytes=self.settings.max_data_bytes, plugins=self.plugins)

    def report(self) -> PluginReport:
        """Say which plugins this process has, and what the schedulers of the store do."""
        return replace(self.plugins.reported(), scheduler=self.figures())

    def seen_namespaces(self) -> list[str]:
        """List the namespaces that have begun and that whoever asks may know of."""
        return self.access.seen(current_identity(), self.backend.namespaces())

    def figures(self) -> SchedulerFigures | None:
        """Ask the store what its schedulers do; None where it does not answer, or is a server, which keeps that."""
        with suppress(QlessError):
            return scheduler_figures(self.backend)
        return None

    @property
    def offered_pages(self) -> dict[str, OfferedPage]:
        """The pages of plugins, by path; they are asked once a process."""
        process = os.getpid()
        with self._lock:
            if self._offered is None or self._offered[0] != process:
                self._offered = (process, find_pages(self.plugins))
            return self._offered[1]

    def space(self, name: str) -> Namespace:
        """Open a namespace for a plugin: past all plugins."""
        return _bare(self.backend).namespace(name)

    def namespace(self, name: str) -> Namespace:
        """Open a namespace for a client. Raise Invalid for a bad name, or one that is ours."""
        if name.startswith("_"):
            raise Invalid.of({"namespace": ["names that begin with _ are reserved"]})
        return self.backend.namespace(name)

    def close(self) -> None:
        """Close the store if it was opened here: waiting polls are answered, empty, and no others wait.

        A request that still comes opens the store anew.
        """
        self.places.close()
        with self._lock:
            opened, self._opened, self._accessed = self._opened, None, None
            looking, self._looking = self._looking, None
        if looking is not None and looking[0] == os.getpid():
            looking[2].close()
        if opened is not None and opened[0] == os.getpid():
            opened[1].close()

    def _looks(self) -> tuple[int, Looker, Live]:
        process = os.getpid()
        with self._lock:
            if self._looking is None or self._looking[0] != process:
                looker = Looker(self.backend, has_schedulers=not _bare(self.backend).remote)
                live = Live(lambda namespace: live_values(looker.overview(namespace)))
                self._looking = (process, looker, live)
            return self._looking


def _bare(backend: Backend) -> Backend:
    return backend.inner if isinstance(backend, Hooked) else backend


def current_namespace() -> Namespace:
    """Open the namespace that this request names."""
    return current_service().namespace((request.view_args or {})["namespace"])


def perform(operation: str, **arguments: Any) -> Any:
    """Do one operation in the request's namespace, as by who sends it; it waits only if there is a place to wait in."""
    namespace = current_namespace()
    if operation in BY_HAND:
        arguments["actor"] = acting(arguments.get("actor"))
    answer = _waited(getattr(namespace, operation), arguments)
    note(operation, namespace.name, arguments, answer)
    return answer


def _waited(method: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    if not arguments.get("wait"):
        return method(**arguments)
    with current_service().places.take(request.is_multithread) as taken:
        if taken:
            answer = method(**arguments)
            _ask_again(answer)
            return answer
        # Answered early: who asks again at once would only find the places taken still.
        after_this_request(_come_back_later)
        return method(**{**arguments, "wait": 0.0})


def _ask_again(answer: object) -> None:
    """Raise Unauthenticated if who waited was shut out meanwhile; what they popped is given back unharmed."""
    access, identity = current_service().access, current_identity()
    if access.holds(identity):
        return
    popped = answer.popped if isinstance(answer, Exchanged) else answer
    if isinstance(popped, Popped) and popped.leases:
        current_namespace().settle([Release(lease) for lease in popped.leases])
    raise Unauthenticated(NOT_HELD)


def _come_back_later(response: Response) -> Response:
    response.headers["Retry-After"] = "1"
    return response
