"""`qless-flask serve`, as a real server in processes of its own."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from workers import until

from qless_flask.backends import open_backend
from qless_flask.cli import main
from qless_flask.cli.serve_address import DEFAULT_PORT, choose_port
from qless_flask.models import Recurrence


class Server:
    """A server that was started as anybody would start it."""

    def __init__(self, process: subprocess.Popen[str], port: int, trusted: Path | None = None) -> None:
        """`trusted` is the certificate of one that serves https."""
        self.process = process
        self.port = port
        self._context = ssl.create_default_context(cafile=trusted) if trusted else None
        self.address = f"{'https' if trusted else 'http'}://127.0.0.1:{port}"

    def get(self, path: str) -> object:
        with urllib.request.urlopen(f"{self.address}{path}", timeout=10, context=self._context) as answer:
            return json.load(answer)

    def post(self, path: str, body: object, timeout: float = 10.0) -> dict[str, object]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            found: dict[str, object] = json.load(answer)
            return found

    def processes(self) -> list[int]:
        """The processes that answer."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                self.get("/healthz")
                return
            except OSError:
                assert self.process.poll() is None, self.process.communicate()
                time.sleep(0.02)
        raise AssertionError("the server does not answer")


@contextmanager
def served(url: str, *options: str, trusted: Path | None = None) -> Iterator[Server]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "qless_flask", "serve", "--url", url, "--port", str(port), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        server = Server(process, port, trusted)
        server.wait_until_ready()
        yield server
    finally:
        process.terminate()
        process.communicate(timeout=20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'qless.db'}"


def type_serve(*options: str) -> Result:
    return CliRunner().invoke(main, ["serve", *options])


class TestPlugins:
    @pytest.fixture
    def here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The folder that the server is started in."""
        monkeypatch.chdir(tmp_path)
        return tmp_path

    def test_a_plugin_that_lies_here_works_in_each_process(self, url: str, here: Path) -> None:
        (here / "strict.py").write_text(
            "from qless_flask.errors import Rejected\nfrom qless_flask.hookspecs import hookimpl\n"
            "@hookimpl\ndef before_put(job):\n    raise Rejected('not now')\n"
        )

        with served(url, "--plugin", "strict", "--processes", "2", "--threads", "8") as server:
            with pytest.raises(urllib.error.HTTPError) as refused:
                server.post("/api/v1/namespaces/n/queues/q/jobs", {"klass": "Crawl"})
            told = server.get("/api/v1/plugins")

        assert refused.value.code == 422
        assert told["plugins"][0]["name"] == "strict"  # type: ignore[index]

    def test_a_plugin_with_a_slip_stops_the_start_in_a_line(self, url: str, here: Path) -> None:
        (here / "slip.py").write_text("from qless_flask.hookspecs import hookimpl\n@hookimpl\ndef before_putt(): ...\n")

        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "qless_flask",
                "serve",
                "--url",
                url,
                "--plugin",
                "slip",
                "--port",
                str(free_port()),
            ],
            capture_output=True,
            text=True,
            timeout=20,
        )

        assert done.returncode == 1
        assert "Serving" not in done.stdout
        told = (
            "Error: mend or block these plugins: slip (given): there is no hook before_putt; did you mean before_put?"
        )
        assert done.stderr.splitlines()[-1] == told


class TestServing:
    def test_what_is_put_through_one_process_is_popped_through_any(self, url: str) -> None:
        with served(url, "--processes", "2", "--threads", "8") as server:
            server.post("/api/v1/namespaces/default/queues/mail/jobs", {"klass": "Send", "jid": "a"})

            popped = server.post("/api/v1/namespaces/default/queues/mail/pop", {"worker": "ann"})

            assert [job["jid"] for job in popped["jobs"]] == ["a"]  # type: ignore[attr-defined]

    def test_recurrences_are_fired_though_the_process_that_did_it_is_killed(self, url: str) -> None:
        with served(url, "--processes", "2", "--threads", "8") as server, open_backend(url) as backend:
            namespace = backend.namespace("default")
            namespace.recur(Recurrence("Crawl", queue="fetch", id="each-second", interval=1))
            until(lambda: namespace.recurrences()[0].fired)

            for process in server.processes():
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            before = namespace.recurrences()[0].fired

            until(lambda: namespace.recurrences()[0].fired > before)

    def test_it_tells_where_it_serves_and_what_to_try(self, url: str) -> None:
        with served(url, "--log-level", "warning") as server:
            server.process.send_signal(signal.SIGINT)
            told, complaints = server.process.communicate(timeout=20)

        assert f"http://127.0.0.1:{server.port}" in told
        assert f"curl http://127.0.0.1:{server.port}/api/v1/namespaces/default/queues" in told
        assert complaints == ""

    def test_what_its_scheduler_does_and_a_tracker_logs_is_in_its_log(self, url: str) -> None:
        with served(url, "--processes", "2", "--threads", "8") as server, open_backend(url) as backend:
            trackers: Any = [{"name": "log", "tags": ["news"]}]
            backend.namespace("default").configure_namespace({"trackers": trackers})
            server.post("/api/v1/namespaces/default/queues/mail/jobs", {"klass": "Send", "jid": "a", "tags": ["news"]})
            stop = threading.Timer(20, server.process.terminate)
            stop.start()
            log = ""
            for line in server.process.stderr or ():
                log += line
                if "namespace default" in line:
                    break
            stop.cancel()

        assert re.search(r"INFO scheduler \S+ leads", log)
        assert "INFO namespace default: put job a in mail now waiting tags news" in log

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_stops_it_at_once_and_answers_the_polls_that_wait(self, url: str, number: signal.Signals) -> None:
        answers: list[object] = []
        with served(url, "--processes", "1", "--threads", "8") as server:
            body = {"worker": "ann", "wait": 50}
            poll = threading.Thread(
                target=lambda: answers.append(server.post("/api/v1/namespaces/n/queues/q/pop", body, timeout=60))
            )
            poll.start()
            self.wait_until_polled(server)

            began = time.monotonic()
            server.process.send_signal(number)
            code = server.process.wait(20)
            poll.join(20)

        assert code == 0
        assert time.monotonic() - began < 4
        assert answers == [{"jobs": [], "retry_at": None}]

    def test_polls_never_take_the_threads_of_short_requests(self, url: str) -> None:
        with served(url, "--processes", "1", "--threads", "8") as server:
            body = {"worker": "ann", "wait": 3}
            polls = [
                threading.Thread(target=server.post, args=("/api/v1/namespaces/n/queues/q/pop", body, 60))
                for _ in range(20)
            ]
            for poll in polls:
                poll.start()
            self.wait_until_polled(server)

            began = time.monotonic()
            server.get("/api/v1/namespaces/n/queues")
            taken = time.monotonic() - began

            for poll in polls:
                poll.join()
        assert taken < 1.5

    def test_who_keeps_a_connection_open_locks_nobody_out(self, url: str) -> None:
        with served(url, "--processes", "1", "--threads", "8") as server, ExitStack() as kept:
            for _ in range(20):
                connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
                kept.callback(connection.close)
                connection.request("GET", "/healthz")
                assert connection.getresponse().read()

            assert server.get("/healthz") == {"status": "ok"}

    def test_a_process_that_is_killed_is_replaced(self, url: str) -> None:
        with served(url, "--processes", "1", "--threads", "8") as server:
            [before] = server.processes()

            os.kill(before, signal.SIGKILL)
            while before in server.processes():
                time.sleep(0.02)
            server.wait_until_ready()

            assert server.processes() != [before]

    def test_a_process_that_is_killed_again_and_again_ends_no_server(self, url: str) -> None:
        with served(url, "--processes", "1", "--threads", "8") as server:
            for _ in range(3):
                [victim] = server.processes()
                os.kill(victim, signal.SIGKILL)
                while victim in server.processes():
                    time.sleep(0.02)
                server.wait_until_ready()

            server.process.send_signal(signal.SIGTERM)
            _, complaints = server.process.communicate(timeout=20)

        assert server.process.returncode == 0
        assert "has ended: another takes its place" in complaints

    def test_no_process_outlives_a_server_that_was_killed(self, url: str) -> None:
        with served(url, "--processes", "2", "--threads", "8") as server:
            server.process.kill()
            # Its pipes are those of its processes too: they are closed when the last has ended.
            server.process.communicate(timeout=20)

            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", server.port), 1)

    def test_a_store_that_is_down_is_told_and_answered_503(self) -> None:
        with served("redis://127.0.0.1:1") as server:
            with pytest.raises(urllib.error.HTTPError) as refused:
                server.get("/api/v1/namespaces/n/queues")
            server.process.send_signal(signal.SIGTERM)
            _, complaints = server.process.communicate(timeout=20)

        assert refused.value.code == 503
        assert refused.value.headers["Retry-After"]
        assert complaints.startswith("Warning: the store cannot be reached now")

    @staticmethod
    def wait_until_polled(server: Server) -> None:
        # A pop makes its worker known before it waits.
        while not server.get("/api/v1/namespaces/n/workers")["workers"]:  # type: ignore[index]
            time.sleep(0.02)


class TestAddress:
    def test_a_port_that_is_asked_for_and_taken_is_an_error(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]

            result = type_serve("--port", str(port))

        assert result.exit_code == 1
        assert f"port {port} of 127.0.0.1 is taken" in result.stderr

    def test_a_default_port_that_is_taken_gives_way_to_the_next(self, capsys: pytest.CaptureFixture[str]) -> None:
        with listening(DEFAULT_PORT):
            port = choose_port("127.0.0.1", None)

        assert port > DEFAULT_PORT
        assert f"Port {DEFAULT_PORT} is taken: serving at {port}" in capsys.readouterr().out


@contextmanager
def listening(port: int) -> Iterator[None]:
    """Let somebody listen at a port: us, unless another does already."""
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except OSError:
        yield
        return
    with listener:
        yield
