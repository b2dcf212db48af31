"""A real browser, and servers for it to look at: Debian's chromium, driven by Playwright."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from servers import on_ci
from werkzeug.serving import make_server

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend
from qless_flask.backends.tokens import Tokens
from qless_flask.web import create_app

NAMES = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = (
    # Root, whom CI runs as, has no sandbox.
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=HttpsUpgrades",
    # Names of sites other than this machine, for what browsers do between sites.
    "--host-resolver-rules=MAP *.example 127.0.0.1",
)
PATIENCE_MS = 10_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser, until the module ends: the loop of events that Playwright leaves running is in the way of others."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        missing = "no chromium on the PATH: install it (Debian: apt install chromium) to test the pages in a browser"
        if on_ci():
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(SWITCHES))
        yield browser
        browser.close()


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def scripts(request: pytest.FixtureRequest) -> bool:
    """Whether the browser runs scripts: whatever a page offers works without."""
    return bool(request.param)


@pytest.fixture
def context(browser: Browser, scripts: bool) -> Iterator[BrowserContext]:
    """Somebody's browser, with cookies of its own."""
    context = browser.new_context(java_script_enabled=scripts)
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page, which fails the test if its browser had to complain: of our Content-Security-Policy, or of a script."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if _is_complaint(said.type, said.text) else None)
    yield page
    assert complaints == []


def _is_complaint(type: str, text: str) -> bool:
    # That an answer has a status of 400 and above is said as an error too, and some tests want just that.
    return type == "error" and not text.startswith("Failed to load resource")


@dataclass(frozen=True)
class Site:
    """An app that is served to the browser."""

    app: Flask
    port: int

    def at(self, path: str = "/", host: str = "127.0.0.1") -> str:
        """Spell an address of it; of `*.example` the browser takes any name."""
        return f"http://{host}:{self.port}{path}"


@contextmanager
def serving(app: Flask) -> Iterator[Site]:
    """Serve an app for as long as the context lasts."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Site(app, server.port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(params=["sqlite", "valkey"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """An empty store of each kind, in which nobody is asked who they are."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/jobs.db?synchronous=off"
    else:
        import redis

        url = request.getfixturevalue("valkey_url")
        with closing(redis.Redis.from_url(url)) as client:
            client.flushdb()
    with open_backend(url) as backend:
        yield backend


@pytest.fixture
def site(store: Backend) -> Iterator[Site]:
    """What `qless-flask serve` runs, over the store."""
    with serving(create_app(backend=store)) as site:
        yield site


@pytest.fixture
def serve() -> Iterator[Callable[[Flask], Site]]:
    """Serves other apps, until the test ends."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(serving(app))


@pytest.fixture
def tokens(site: Site) -> Tokens:
    """The tokens of the store, as the server knows them."""
    found: Tokens = site.app.extensions["qless"]["qless"].access.tokens
    return found
