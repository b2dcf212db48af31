"""Paging through jobs in Redis, where the server's surroundings or a forged cursor could lead a walk astray."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from servers import run_redis

from qless_flask.backends.redis import RedisBackend
from qless_flask.errors import Invalid
from qless_flask.models import Filter, NewJob
from qless_flask.testing import ManualClock
from qless_flask.testing.conformance.scenes import walk

SCHEDULED = Filter(state="scheduled", queue="fetch")


@pytest.fixture
def url_of_a_server_that_sorts_as_people_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server whose locale says that a stands before B, which no byte does."""
    localedef = shutil.which("localedef")
    if localedef is None or subprocess.run([localedef, "-i", "en_US", "-f", "UTF-8", tmp_path / "en"]).returncode:
        pytest.skip("no locale can be made here: install localedef and its sources (Debian: apt install locales)")
    monkeypatch.setenv("LOCPATH", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "en")
    with run_redis(tmp_path) as url:
        yield url


def test_a_walk_finds_every_job_whatever_the_servers_locale(url_of_a_server_that_sorts_as_people_do: str) -> None:
    with closing(RedisBackend(url_of_a_server_that_sorts_as_people_do, clock=ManualClock())) as backend:
        namespace = backend.namespace("walk")
        jids = ["a", "B", "c", "D", "_x", "Éa", "éb", "10-b", "1_a", "10", "Zed", "zed"]
        namespace.put([NewJob("Crawl", queue="fetch", jid=jid, delay=60) for jid in jids])

        assert walk(namespace, SCHEDULED, 1) == sorted(jids, key=str.encode)


@pytest.mark.parametrize(
    "words",
    [
        ["s", "fetch", "nan", "a"],
        ["s", "fetch", "1_0", "a"],
        ["s", "fetch", "\u0661", "a"],
        ["s", "fetch", "1", "\ud800"],
        ["s", "\ud800", "1", "a"],
        ["s", "fetch", 1, "a"],
    ],
)
def test_a_forged_cursor_is_refused(valkey_url: str, words: list[object]) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(words).encode()).decode().rstrip("=")
    with closing(RedisBackend(valkey_url)) as backend, pytest.raises(Invalid, match="is none that a page gave"):
        backend.namespace("walk").select(SCHEDULED, cursor)
