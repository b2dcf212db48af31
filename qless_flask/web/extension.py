"""The Flask extension: a blueprint, mounted, and the store behind it at hand."""

from __future__ import annotations

from flask import Flask

from qless_flask.backends.base import Backend, Namespace
from qless_flask.plugins import Plugins
from qless_flask.settings import Settings
from qless_flask.web.access import Authenticate, Authorize, Host
from qless_flask.web.blueprint import create_service, mounted


class QlessFlask:
    """A job queue in a Flask app; several in one app need a `name` each.

    `QlessFlask(app, url="redis://…")`, or `QlessFlask(url=…)` and `init_app` later. Its routes stand below `url_prefix`
    (`/{name}`); nothing else of the app is touched.

    It starts no scheduler: somebody has to fire recurrences, prune and deliver events. That is
    `qless-flask scheduler`, or the app itself:

    >>> scheduler = Scheduler(qless.backend)
    >>> scheduler.start()

    In as many processes as you like: one of them leads. After a fork (gunicorn's --preload, uwsgi) the one that was
    started goes on in the parent; a child that shall have one starts its own, of its own `qless.backend`.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        url: str | None = None,
        backend: Backend | None = None,
        settings: Settings | None = None,
        name: str = "qless",
        url_prefix: str | None = None,
        authenticate: Authenticate | None = None,
        authorize: Authorize | None = None,
        frame: str | None = None,
    ) -> None:
        """Remember what to serve, and mount it if there is an app already; for the rest see `create_blueprint`."""
        self.name = name
        self._url_prefix = url_prefix
        self._service = create_service(
            url=url, backend=backend, settings=settings, host=Host(authenticate, authorize, frame)
        )
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, *, url_prefix: str | None = None, whole: bool = False) -> None:
        """Mount it in an app; `url_prefix` wins over the one it was made with.

        `whole`: there is nothing else in the app, so that it answers for unknown addresses even if mounted at `/`.
        """
        prefix = self._url_prefix if url_prefix is None else url_prefix
        app.register_blueprint(mounted(self.name, self._service, whole=whole), url_prefix=prefix)

    @property
    def backend(self) -> Backend:
        """The store, opened now if this process has not done so yet."""
        return self._service.backend

    @property
    def plugins(self) -> Plugins:
        """The plugins of this process."""
        return self._service.plugins

    def namespace(self, name: str) -> Namespace:
        """Open a namespace of the store."""
        return self.backend.namespace(name)

    def close(self) -> None:
        """Close the store if it was opened here; polls that wait are answered. Call it when the server shuts down."""
        self._service.close()
