"""A pool of worker processes, as the command line runs it: real processes, real signals."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from workers import events_of, until

from qless_flask.client import Client
from qless_flask.errors import Invalid
from qless_flask.models import Backoff
from qless_flask.settings import PluginSettings
from qless_flask.worker import WorkerOptions, WorkSettings

TESTS = Path(__file__).parent
POOL = (
    "import sys; from qless_flask.settings import PluginSettings; "
    "from qless_flask.worker import WorkerOptions, WorkSettings, run; sys.exit(run({options!r}))"
)


@pytest.fixture(params=["sqlite", "valkey"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Client]:
    url = f"sqlite:///{tmp_path}/jobs.db" if request.param == "sqlite" else request.getfixturevalue("valkey_url")
    with Client(url, f"pool-{os.urandom(4).hex()}") as client:
        client.url = url  # type: ignore[attr-defined]
        client.queues["work"].configure(heartbeat=1.0)
        yield client


@contextmanager
def pool(
    client: Client,
    *,
    processes: int = 1,
    modules: tuple[str, ...] = ("worker_jobs",),
    plugins: PluginSettings | None = None,
    codec: str | None = None,
    **settings: object,
) -> Iterator[subprocess.Popen[str]]:
    """Run a pool in a process of its own, and see that it ends."""
    options = WorkerOptions(
        client.url,  # type: ignore[attr-defined]
        ("work",),
        modules,
        WorkSettings(poll=0.2, **settings),  # type: ignore[arg-type]
        namespace=client.namespace.name,
        processes=processes,
        name="ann",
        paths=(str(TESTS),),
        plugins=plugins or PluginSettings(),
        codec=codec,
    )
    command = [sys.executable, "-c", POOL.format(options=options)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, process_group=0)
    try:
        yield process
        process.terminate()
        process.wait(20)
    finally:
        with_group_gone(process)


def with_group_gone(process: subprocess.Popen[str]) -> None:
    """Leave nothing behind, whatever went wrong."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stderr:
        process.stderr.close()


def process_of(client: Client, jid: str) -> int:
    """Find out which process runs a job of klass Wait."""
    until(lambda: client.jobs[jid].lines())
    return int(client.jobs[jid].lines()[-1].message)


def test_processes_share_the_work_and_stop_when_told(client: Client, tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    handles = client.queues["work"].put_many("Wait", [{"until": str(go_on)}] * 2)

    with pool(client, processes=2) as process:
        ids = {process_of(client, handle.jid) for handle in handles}
        assert [worker.name for worker in client.workers] == ["ann-1", "ann-2"]
        process.terminate()
        go_on.touch()
        assert process.wait(20) == 0

    assert len(ids - {process.pid}) == 2
    assert client.queues["work"].counts["complete"] == 2


def test_the_job_of_a_killed_process_is_finished_by_another(client: Client, tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    handle = client.queues["work"].put("Wait", {"until": str(go_on)})

    with pool(client, processes=2):
        os.kill(process_of(client, handle.jid), signal.SIGKILL)
        go_on.touch()
        until(lambda: handle.get().state == "complete")

    assert events_of(client, handle.jid) == ["put", "popped", "lost", "popped", "completed"]
    assert (handle.job.losses, handle.job.remaining) == (1, 5)


def test_a_process_that_dies_is_replaced(client: Client) -> None:
    client.queues["work"].put("Die")

    with pool(client) as process:
        until(lambda: client.queues["work"].counts["complete"] == 1)
        process.terminate()
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert "worker ann ended with signal 9; anew in 0.5 s" in process.stderr.read()


def test_a_process_ends_after_so_many_jobs_and_is_replaced_at_once(client: Client) -> None:
    handles = client.queues["work"].put_many("Note", [{}] * 4)

    with pool(client, max_jobs=2):
        until(lambda: client.queues["work"].counts["complete"] == 4)

    ids = [handle.data["process"] for handle in handles]
    assert ids[0] == ids[1] != ids[2] == ids[3]


def test_what_does_not_finish_in_time_is_given_back_unharmed(client: Client) -> None:
    handle = client.queues["work"].put("Wait")

    with pool(client, grace=0.2) as process:
        process_of(client, handle.jid)
        process.terminate()
        assert process.wait(20) == 0

    assert events_of(client, handle.jid) == ["put", "popped", "released"]
    assert (handle.get().remaining, handle.job.losses) == (5, 0)


def test_the_second_signal_stops_at_once(client: Client) -> None:
    handle = client.queues["work"].put("Wait")

    with pool(client, grace=60) as process:
        process_of(client, handle.jid)
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0

    assert events_of(client, handle.jid) == ["put", "popped", "released"]


def test_a_signal_to_the_whole_group_counts_once(client: Client, tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    handle = client.queues["work"].put("Wait", {"until": str(go_on)})

    with pool(client, grace=60) as process:
        process_of(client, handle.jid)
        # As a terminal does at Ctrl-C: the parent and its children get it.
        os.killpg(process.pid, signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        go_on.touch()
        assert process.wait(10) == 0

    assert handle.get().state == "complete"


def test_a_paused_pool_shows_its_stacks_and_pops_nothing_until_it_is_resumed(client: Client) -> None:
    first = client.queues["work"].put("Wait", {"seconds": 1})

    with pool(client) as process:
        process_of(client, first.jid)
        process.send_signal(signal.SIGUSR2)
        second = client.queues["work"].put("Note")
        until(lambda: first.get().state == "complete")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        assert second.get().state == "waiting"
        process.send_signal(signal.SIGCONT)
        until(lambda: second.get().state == "complete")
        process.terminate()
        process.wait(20)
        assert process.stderr is not None
        assert "worker_jobs.py" in process.stderr.read()


def test_a_pool_is_told_by_a_signal_that_reaches_another_of_its_threads(client: Client) -> None:
    with pool(client) as process:
        until(lambda: list(client.workers))
        signal_another_thread(process.pid, signal.SIGTERM)

        assert process.wait(10) == 0


def test_a_worker_is_told_by_a_signal_that_reaches_another_of_its_threads(client: Client) -> None:
    handle = client.queues["work"].put("Note")

    with pool(client):
        until(lambda: handle.get().state == "complete")
        child = handle.data["process"]
        signal_another_thread(child, signal.SIGTERM)

        until(lambda: not is_alive(child), 10)


def signal_another_thread(process: int, number: int) -> None:
    """Send a signal to a thread that is not the main one, as the kernel does now and then: after a stop, often."""
    threads = sorted(map(int, os.listdir(f"/proc/{process}/task")))
    assert ctypes.CDLL(None).tgkill(process, next(each for each in threads if each != process), number) == 0


def test_children_stop_when_their_parent_is_killed(client: Client) -> None:
    handle = client.queues["work"].put("Wait")

    with pool(client, grace=0.1) as process:
        child = process_of(client, handle.jid)
        process.kill()
        process.wait()
        until(lambda: not is_alive(child))

    assert events_of(client, handle.jid) == ["put", "popped", "released"]


def is_alive(number: int) -> bool:
    try:
        # One that has ended, and that nobody has waited for, is still listed.
        return " Z " not in Path(f"/proc/{number}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_only_job_functions_of_the_modules_are_run(client: Client) -> None:
    handles = [
        client.queues["work"].put(klass, {}, retries=0) for klass in ("hidden", "worker_jobs.hidden", "os.getpid")
    ]

    with pool(client):
        until(lambda: client.queues["work"].counts["failed"] == 3)

    assert {handle.get().failure.group for handle in handles} == {"unknown-klass"}  # type: ignore[union-attr]


@pytest.mark.parametrize("module", ["no_such_module", "servers"])
def test_a_module_that_is_of_no_use_ends_the_pool(tmp_path: Path, module: str) -> None:
    with Client(f"sqlite:///{tmp_path}/jobs.db") as client:
        client.url = f"sqlite:///{tmp_path}/jobs.db"  # type: ignore[attr-defined]
        with pool(client, processes=2, modules=(module,)) as process:
            assert process.wait(20) == 2
            assert process.stderr is not None
            assert module in process.stderr.read()


def test_each_job_gets_a_process_of_its_own_where_that_is_asked(client: Client) -> None:
    handles = [*client.queues["work"].put_many("Note", [{}] * 3), client.queues["work"].put("Await")]

    with pool(client, fork=True):
        until(lambda: client.queues["work"].counts["complete"] == 4)

    assert len({handle.data["process"] for handle in handles}) == 4


def test_a_job_that_kills_its_own_process_costs_it_a_retry_and_nobody_else(client: Client) -> None:
    handle = client.queues["work"].put("Die", backoff=Backoff("fixed", 0))

    with pool(client, fork=True):
        until(lambda: handle.get().state == "complete")

    assert events_of(client, handle.jid) == ["put", "popped", "retried", "popped", "completed"]


def test_the_process_of_a_canceled_job_is_killed(client: Client) -> None:
    handle = client.queues["work"].put("Wait")

    with pool(client, fork=True):
        number = process_of(client, handle.jid)
        handle.cancel()
        until(lambda: not is_alive(number))

    assert events_of(client, handle.jid) == ["put", "popped", "canceled"]


def test_a_pool_ends_when_all_its_workers_are_asked_to(client: Client) -> None:
    with pool(client, processes=2) as process:
        until(lambda: len(list(client.workers)) == 2)
        client.workers.stop("ann-1")
        handles = client.queues["work"].put_many("Note", [{}] * 3)
        until(lambda: all(handle.get().state == "complete" for handle in handles))
        assert process.poll() is None

        client.workers.stop("ann-2")

        assert process.wait(20) == 0


def test_a_worker_is_not_held_to_what_its_predecessor_was_asked(client: Client) -> None:
    with pool(client) as process:
        until(lambda: list(client.workers))
        client.workers.stop("ann")
        assert process.wait(20) == 0
    handle = client.queues["work"].put("Note")

    with pool(client):
        until(lambda: handle.get().state == "complete")


def test_a_job_in_a_process_of_its_own_tells_its_progress_and_its_result(client: Client) -> None:
    handle = client.queues["work"].put("Measure")

    with pool(client, fork=True):
        until(lambda: handle.get().state == "complete")

    assert (handle.get().progress, handle.get().result) == ('"half"', '{"size":10}')


def test_options_out_of_bounds_are_told_by_name() -> None:
    with pytest.raises(Invalid, match="threads"):
        WorkSettings(threads=0)
    with pytest.raises(Invalid, match="queues"):
        WorkerOptions("sqlite:///jobs.db", (), ("jobs",))
