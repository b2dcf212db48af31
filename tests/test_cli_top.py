"""`top` tells what is wrong and how each queue does: once for programs, and for people until they have seen enough."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import signal
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from qless_flask.backends import open_backend
from qless_flask.backends.base import Namespace
from qless_flask.cli import main
from qless_flask.cli.screen import Screen
from qless_flask.models import Complete, Fail, NewJob
from qless_flask.overview import Looker
from qless_flask.testing import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/jobs.db?synchronous=off"


@pytest.fixture
def namespace(url: str, clock: ManualClock) -> Namespace:
    """A namespace with a queue in which something happened, and one that is paused."""
    namespace = open_backend(url, clock=clock).namespace("shop")
    namespace.put([NewJob("Crawl", queue="fetch") for _ in range(9)] + [NewJob("Send", queue="mail")])
    first, *others = namespace.pop(["fetch"], "ann", 6)
    namespace.settle([Fail(first, group="x"), *(Complete(lease) for lease in others)])
    namespace.pause("mail")
    clock.advance(60)
    return namespace


def drawn(namespace: Namespace, url: str, clock: ManualClock, width: int) -> list[str]:
    """Draw it as it is printed, a line each."""
    told = io.StringIO()
    with open_backend(url, clock=clock) as backend:
        overview = Looker(backend, clock=clock).overview(namespace.name)
    Screen("sqlite:///jobs.db", Console(file=told, width=width)).print(overview)
    return told.getvalue().splitlines()


def test_each_queue_has_its_counts_rate_and_curve(namespace: Namespace, url: str, clock: ManualClock) -> None:
    lines = drawn(namespace, url, clock, 180)

    [fetch] = [line for line in lines if line.startswith("fetch ")]
    assert fetch.split()[:9] == ["fetch", "3", "0", "0", "0", "0", "1", "60.0", "s"]
    assert "0.5" in fetch
    assert "█" in fetch
    assert any(line.startswith("mail paused ") for line in lines)


def test_what_is_wrong_stands_first(namespace: Namespace, url: str, clock: ManualClock) -> None:
    head, first, second, *_ = drawn(namespace, url, clock, 180)

    assert head.startswith("shop of sqlite:///jobs.db at ")
    assert first.startswith("Wrong  no scheduler has ever run")
    assert second.startswith("Beware mail is paused, and 1 job waits")


@pytest.mark.parametrize("width", [80, 100, 125, 165])
def test_in_a_narrow_terminal_it_has_fewer_columns_and_none_is_cut(
    namespace: Namespace, url: str, clock: ManualClock, width: int
) -> None:
    lines = drawn(namespace, url, clock, width)

    table = lines[next(n for n, line in enumerate(lines) if line.startswith("queue ")) :]
    assert all(len(line) <= width and "…" not in line for line in table)
    assert ("stalled" in table[0], "run p50" in table[0], "last 30 min" in table[0]) == (
        width >= 100,
        width >= 125,
        width >= 165,
    )


def test_for_programs_it_is_json(namespace: Namespace, url: str) -> None:
    result = CliRunner().invoke(main, ["top", "--url", url, "-n", "shop", "--json"])

    told = json.loads(result.stdout)
    assert [each["name"] for each in told["queues"]] == ["fetch", "mail"]
    assert told["queues"][0]["waiting"] == 3
    assert {each["kind"] for each in told["warnings"]} >= {"scheduler", "paused"}


def test_where_nobody_looks_at_a_terminal_it_looks_once(namespace: Namespace, url: str) -> None:
    result = CliRunner().invoke(main, ["top", "--url", url, "-n", "shop"])

    assert result.exit_code == 0
    assert "fetch" in result.stdout
    assert "\x1b" not in result.stdout


def test_a_namespace_without_queues_says_so(url: str) -> None:
    assert "No queues yet." in CliRunner().invoke(main, ["top", "--url", url, "-n", "none"]).stdout


def test_a_store_that_does_not_answer_is_an_error_of_one_line() -> None:
    result = CliRunner().invoke(main, ["top", "--url", "redis://127.0.0.1:1/0"])

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


def test_in_a_terminal_it_goes_on_until_ctrl_c(namespace: Namespace, url: str) -> None:
    words = ["-m", "qless_flask", "top", "--url", url, "-n", "shop", "--interval", "0.2"]
    process, terminal = pty.fork()
    if process == 0:
        # What a shell starts in the background ignores it, and hands that on.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execve(sys.executable, [sys.executable, *words], {**os.environ, "TERM": "xterm", "COLUMNS": "120"})

    seen = _read(terminal, until=b"fetch ")
    namespace.put([NewJob("Crawl", queue="later")])
    seen += _read(terminal, until=b"later ")
    os.write(terminal, b"\x03")
    seen += _read(terminal, until=None)

    _, status = os.waitpid(process, 0)
    assert status == 0, seen
    assert re.search(rb"\x1b\[\?1049l", seen), "the terminal is as it was"


def _read(terminal: int, until: bytes | None) -> bytes:
    """Read what is shown until that stands there, or until nobody shows anything any more."""
    seen, deadline = b"", time.monotonic() + 60
    while until is None or until not in seen:
        assert time.monotonic() < deadline, seen
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    return seen
