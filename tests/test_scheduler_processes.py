"""Schedulers as real processes: run alone, killed, stopped, and forked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner
from servers import run_valkey
from test_cli_serve import free_port
from workers import until

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend
from qless_flask.backends.scheduling import scheduler_figures
from qless_flask.cli import main
from qless_flask.models import Recurrence
from qless_flask.scheduler import Scheduler
from qless_flask.testing import ModelBackend

REPLACED_SECONDS = 5.0


@pytest.fixture(params=["sqlite", "valkey"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/jobs.db"
    else:
        with run_valkey(tmp_path) as url:
            yield url


@pytest.fixture
def backend(url: str) -> Iterator[Backend]:
    with open_backend(url) as backend:
        yield backend


@pytest.fixture
def begin(url: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Begins `qless-flask scheduler` in a process of its own."""
    with ExitStack() as stack:

        def begin(name: str) -> subprocess.Popen[str]:
            words = [sys.executable, "-m", "qless_flask", "scheduler", "--url", url, "--name", name]
            process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield begin


def leader(backend: Backend) -> str | None:
    figures = scheduler_figures(backend)
    return figures.leader if figures else None


class TestAlone:
    def test_another_leads_within_five_seconds_of_the_leader_being_killed(
        self, backend: Backend, begin: Callable[..., subprocess.Popen[str]]
    ) -> None:
        processes = {"ann": begin("ann")}
        until(lambda: leader(backend) == "ann")
        processes["bob"] = begin("bob")
        backend.namespace("shop").recur(Recurrence("Crawl", queue="fetch", id="rule", interval=1, catchup=100))
        time.sleep(2)

        processes["ann"].kill()
        killed = time.monotonic()
        until(lambda: leader(backend) == "bob")

        assert time.monotonic() - killed < REPLACED_SECONDS

    def test_another_leads_while_the_leader_is_held_up(
        self, backend: Backend, begin: Callable[..., subprocess.Popen[str]]
    ) -> None:
        first = begin("ann")
        until(lambda: leader(backend) == "ann")
        begin("bob")

        first.send_signal(signal.SIGSTOP)
        until(lambda: leader(backend) == "bob")
        first.send_signal(signal.SIGCONT)
        first.terminate()

        assert "scheduler ann no longer leads" in first.communicate(timeout=20)[1]

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_told_to_stop_it_lets_another_lead_at_once(
        self, backend: Backend, begin: Callable[..., subprocess.Popen[str]], number: int
    ) -> None:
        process = begin("ann")
        until(lambda: leader(backend) == "ann")

        process.send_signal(number)
        told = process.communicate(timeout=20)[1]

        assert process.returncode == 0
        assert [line.partition(" INFO ")[2] for line in told.splitlines()] == [
            "scheduler ann leads",
            "scheduler ann no longer leads",
        ]
        assert backend.namespace("_").lead("scheduler", "bob", 1)

    def test_a_store_elsewhere_is_looked_after_there(self) -> None:
        result = CliRunner().invoke(main, ["scheduler", "--url", "http://localhost:5000"])

        assert result.exit_code == 2
        assert "is looked after by that server" in result.output

    def test_a_server_can_leave_it_to_others(self, tmp_path: Path) -> None:
        url, port = f"sqlite:///{tmp_path}/jobs.db", str(free_port())
        words = [sys.executable, "-m", "qless_flask", "serve", "--no-scheduler", "--url", url, "--port", port]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server, open_backend(url) as backend:
            assert server.stdout is not None
            server.stdout.readline()
            time.sleep(3)
            server.terminate()

            assert scheduler_figures(backend) is None


class TestForked:
    """What gunicorn does with --preload, and uwsgi without --lazy-apps: the app is made first, and then forked."""

    def test_a_child_has_no_scheduler_that_runs(self, backend: Backend) -> None:
        with Scheduler(backend, tick_seconds=0.02) as scheduler:
            until(lambda: scheduler.leading)

            assert in_a_child(lambda: not scheduler.running and not scheduler.leading)
            assert scheduler.running
            assert scheduler.leading

    def test_what_a_child_stops_goes_on_in_its_parent(self, backend: Backend) -> None:
        with Scheduler(backend, tick_seconds=0.02) as scheduler:
            until(lambda: scheduler.leading)

            assert in_a_child(lambda: scheduler.stop() is None)  # type: ignore[func-returns-value]
            time.sleep(0.2)

            assert scheduler.leading
            assert not backend.namespace("_").lead("scheduler", "somebody", 1)

    def test_a_child_that_starts_it_waits_for_its_parent_to_be_gone(self, backend: Backend, tmp_path: Path) -> None:
        scheduler = Scheduler(backend, name="parent", tick_seconds=0.02)
        scheduler.start()
        until(lambda: leader(backend) == "parent")
        stopped = tmp_path / "stopped"

        def lead() -> bool:
            with scheduler:
                time.sleep(0.3)
                led_at_once = scheduler.leading
                (tmp_path / "asked").touch()
                until(stopped.exists)
                until(lambda: scheduler.leading)
                return not led_at_once and scheduler.name != "parent"

        child = forked(lead)
        until((tmp_path / "asked").exists)
        scheduler.stop()
        stopped.touch()

        assert ended_well(child)

    def test_forks_at_any_moment_hold_no_lock(self, backend: Backend) -> None:
        backend.namespace("shop").recur(Recurrence("Crawl", queue="fetch", id="rule", interval=1))
        with Scheduler(backend, tick_seconds=0.001) as scheduler:
            until(lambda: scheduler.leading)

            for _ in range(30):
                assert in_a_child(lambda: scheduler.tick() is None and scheduler.stop() is None)  # type: ignore[func-returns-value]


class TestThreads:
    def test_started_by_many_it_has_one_thread(self) -> None:
        scheduler = Scheduler(ModelBackend(), tick_seconds=0.02)
        starts = [threading.Thread(target=scheduler.start) for _ in range(8)]
        for each in starts:
            each.start()
        for each in starts:
            each.join()

        names = [thread.name for thread in threading.enumerate()]
        scheduler.stop()

        assert names.count("qless-scheduler") == 1
        assert "qless-scheduler" not in [thread.name for thread in threading.enumerate()]

    def test_stopped_it_can_be_started_again(self) -> None:
        scheduler = Scheduler(ModelBackend(), tick_seconds=0.02)
        with scheduler:
            until(lambda: scheduler.leading)
        assert not scheduler.leading

        with scheduler:
            until(lambda: scheduler.leading)

    def test_a_program_that_just_ends_is_told_nothing_of_it(self, tmp_path: Path) -> None:
        program = (
            "import sys, time\n"
            "from qless_flask.backends import open_backend\n"
            "from qless_flask.scheduler import Scheduler\n"
            "Scheduler(open_backend(sys.argv[1]), tick_seconds=0.001).start()\n"
            "time.sleep(0.5)\n"
        )

        ended = subprocess.run(
            [sys.executable, "-c", program, f"sqlite:///{tmp_path}/jobs.db"], capture_output=True, text=True, timeout=30
        )

        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def forked(holds: Callable[[], bool]) -> int:
    """Ask something in a forked child; answer its process id."""
    child = os.fork()
    if not child:
        signal.alarm(20)
        try:
            os._exit(0 if holds() else 1)
        except BaseException:  # noqa: BLE001  the parent sees that the code is not 0
            os._exit(2)
    return child


def ended_well(child: int) -> bool:
    return os.waitpid(child, 0)[1] == 0


def in_a_child(holds: Callable[[], bool]) -> bool:
    return ended_well(forked(holds))
