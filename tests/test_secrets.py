"""No secret is told: a real server does all there is to do, and all that it says is looked through."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import redis
from servers import run_valkey
from test_cli_serve import Server, free_port
from workers import until

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend
from qless_flask.backends.tokens import Created, Tokens
from qless_flask.hidden import HIDDEN

PASSWORD = "Open-Sesame-7"
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WEBHOOK_PATH = "services/T0/hook-path-8"
CSRF = re.compile(r'name="csrf" value="([^"]+)"')
SHOP = "/api/v1/namespaces/shop"


@dataclass
class Told:
    """What was said, by where, and what must not stand in it."""

    secrets: dict[str, str]
    places: dict[str, list[str]] = field(default_factory=lambda: {"answers": [], "events": [], "commands": []})


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("secrets")
    with run_valkey(folder) as bare_url:
        redis.Redis.from_url(bare_url).config_set("requirepass", PASSWORD)
        url = bare_url.replace("://", f"://:{PASSWORD}@")
        with open_backend(url) as backend:
            admin, gone = (Tokens(backend).create("admin", ["*"], name=name) for name in ("ann", "gone"))
            Tokens(backend).revoke(gone.token.id)
            found = Told(
                {
                    "the store's password": PASSWORD,
                    "a token": _secret(admin),
                    "a token that was revoked": _secret(gone),
                    "the digest of a token": admin.token.digest,
                    "the secret of a webhook": WEBHOOK_SECRET,
                    "the path of a webhook": WEBHOOK_PATH,
                }
            )
            found.places["log"] = [
                _serve(url, folder / "log", lambda server: _ask(found, server, backend, admin, gone))
            ]
            found.secrets["the key of the sessions"] = Tokens(backend).session_key()
        for command in ("queues", "workers", "tags", "recurrences", "settings", "plugins", "token list --json"):
            found.places["commands"].append(_type(command, url))
        redis.Redis.from_url(url).config_set("requirepass", "another")
        found.places["commands"] += [_type("queues --debug", url), _type("serve --host 0.0.0.0 --debug", url)]
    found.places["commands"].append(_type("queues --debug", url))
    return found


def _serve(url: str, log: Path, use: Callable[[Server], None]) -> str:
    """Run a server that tells all it can, use it, and answer with what it told."""
    port = free_port()
    command = [sys.executable, "-m", "qless_flask", "serve", "--port", str(port), "--log-level", "debug"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--processes", "1", "--threads", "8"],
            env={**os.environ, "QLESS_URL": url},
            stdout=out,
            stderr=out,
        )
    try:
        server = Server(process, port)  # type: ignore[arg-type]
        server.wait_until_ready()
        use(server)
    finally:
        process.terminate()
        process.wait(20)
    return log.read_text()


def _type(command: str, url: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "qless_flask", *command.split(), "--url", url],
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
    )
    return done.stdout + done.stderr


def _ask(found: Told, server: Server, backend: Backend, admin: Created, gone: Created) -> None:
    with httpx.Client(base_url=server.address, timeout=30) as client:

        def ask(method: str, path: str, bearer: str | None = admin.text, **options: object) -> httpx.Response:
            headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
            answer = client.request(method, path, headers=headers, **options)  # type: ignore[arg-type]
            found.places["answers"].append(f"{answer.status_code} {answer.headers} {answer.text}")
            return answer

        hook = f"http://127.0.0.1:{free_port()}/{WEBHOOK_PATH}?key={WEBHOOK_PATH}"
        tracker = {"name": "webhook", "tags": ["*"], "when": "every", "url": hook, "secret": WEBHOOK_SECRET}
        for trackers in (
            [tracker],
            [{**tracker, "url": f"http://127.0.0.2/{HIDDEN}"}],
            [{**tracker, "when": "never"}],
            [{**tracker, "secret": f"{WEBHOOK_SECRET}x"}],
        ):
            ask("PATCH", f"{SHOP}/settings", json={"trackers": trackers})
        for path in ("settings", "queues", "failures", "events", "stats", "workers", "tags", "tracked", "recurrences"):
            ask("GET", f"{SHOP}/{path}")
        ask("POST", f"{SHOP}/queues/fetch/jobs", json={"klass": "Crawl", "jid": "a", "tags": ["news"]})
        # The webhook is tried, and nobody answers: that is a failure with a message.
        until(lambda: _tried(backend))
        for job in ask("GET", f"{SHOP}/jobs").json()["jobs"]:
            ask("GET", f"{SHOP}/jobs/{job['jid']}")
            ask("POST", f"{SHOP}/jobs/{job['jid']}/cancel")
        for path in (
            "/",
            "/healthz",
            "/readyz",
            "/metrics",
            "/login",
            "/api/v1/plugins",
            "/api/v1/namespaces",
            "/nowhere",
        ):
            ask("GET", path)
            ask("GET", path, bearer=None)
        for bearer in (gone.text, admin.text[:-1], f"{admin.text}x", "qless_x_y"):
            ask("GET", f"{SHOP}/queues", bearer=bearer)
        ask("GET", f"{SHOP}/queues?token={admin.text}", bearer=None)
        for text in (gone.text, admin.text):
            csrf = CSRF.search(ask("GET", "/login", bearer=None).text)
            assert csrf is not None
            ask("POST", "/login", bearer=None, data={"csrf": csrf[1], "token": text})
        ask("GET", "/", bearer=None)
        # A store that refuses us is a fault, of which there is more in the log than in the answer.
        with redis.Redis.from_url(_url_of(backend)) as admin_of_store:
            admin_of_store.client_kill_filter(_type="normal", skipme=True)
        for _ in range(3):
            ask("GET", f"{SHOP}/queues")
    for name in backend.namespaces():
        found.places["events"] += [repr(event) for event in backend.namespace(name).events().events]


def _secret(created: Created) -> str:
    return created.text.split("_", 2)[2]


def _url_of(backend: Backend) -> str:
    return str(backend.inner.url)  # type: ignore[attr-defined]


def _tried(backend: Backend) -> bool:
    return any(
        each.name == "qless:trackers" and (each.scheduled or each.failed) for each in backend.namespace("shop").queues()
    )


@pytest.mark.parametrize("place", ["answers", "log", "events", "commands"])
def test_no_secret_is_told(told: Told, place: str) -> None:
    found = {name: text for text in told.places[place] for name, secret in told.secrets.items() if secret in text}

    assert found == {}


def test_what_is_looked_through_has_what_would_tell_them(told: Told) -> None:
    answers, [log] = "\n".join(told.places["answers"]), told.places["log"]

    assert '"url":"http://127.0.0.1:' in answers.replace(" ", "")
    assert HIDDEN in answers
    assert answers.count("303 ") >= 1
    assert '"code":"UNAUTHENTICATED"' in answers.replace(" ", "")
    assert f"Serving redis://:{HIDDEN}@127.0.0.1" in log
    assert "configure_namespace" in log
    assert any("configured" in each for each in told.places["events"])
    commands = "\n".join(told.places["commands"])
    assert f"redis://:{HIDDEN}@127.0.0.1" in commands
    assert "refuses the password" in commands
    assert json.loads(told.places["commands"][6])["tokens"]
