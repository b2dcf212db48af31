"""Plugins of others, installed beside ours in a fresh environment, and seen at work over HTTP by a real server."""

from __future__ import annotations

import json
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from installed import CHECKOUT, PATIENCE_SECONDS, Environment, Server, build_wheel
from workers import until

EXAMPLES = CHECKOUT / "examples"
JOBS = """
import io
import urllib.error
from email.message import Message

from qless_flask import job


@job("Greet", queue="mail")
def greet(job):
    return {"greeting": "dear " + job.data["to"]}


@job("Refused", queue="fetch")
def refused(job):
    headers = Message()
    headers["Retry-After"] = "500"
    raise urllib.error.HTTPError("http://example.com/", 503, "no", headers, io.BytesIO())
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """One with our wheel and those of the examples."""
    folder = tmp_path_factory.mktemp("wheels")
    wheels = [build_wheel(project, folder) for project in (CHECKOUT, *sorted(EXAMPLES.iterdir()))]
    environment = Environment(tmp_path_factory.mktemp("environment"), *wheels)
    (environment.folder / "jobs_of_ours.py").write_text(JOBS)
    return environment


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('store')}/jobs.db"


class Room(ThreadingHTTPServer):
    """A chat that keeps what is said."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Ear)
        self.said: list[Any] = []


class Ear(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Room)
        self.server.said.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    with Room() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def server(environment: Environment, url: str, room: Room) -> Iterator[Server]:
    """A server of that environment, and a namespace that uses what the plugin offers."""
    with environment.serving(url) as server:
        settings = {
            "backoff": {"strategy": "retry_after", "otherwise": {"strategy": "fixed", "delay": 7}},
            "policies": [{"name": "by_host", "avoid": ["example.org"]}],
            "trackers": [{"name": "chat", "tags": ["host:*"], "url": f"http://127.0.0.1:{room.server_port}/"}],
        }
        server.ask("PATCH", "settings", settings)
        yield server


class TestPolite:
    """The example: a strategy, a policy and a tracker, and a second plugin with all other hooks."""

    @pytest.fixture
    def put(self, server: Server, request: pytest.FixtureRequest) -> Callable[..., tuple[str, str]]:
        """Puts a job into a queue of the test's own and pops it; answers with jid and token."""
        queue = request.node.name

        def put(**job: object) -> tuple[str, str]:
            crawl = {"klass": "Crawl", "data": {"url": "http://example.com/"}}
            server.ask("POST", f"queues/{queue}/jobs", {**crawl, **job})
            [popped] = server.ask("POST", f"queues/{queue}/pop", {"worker": "ann"})["jobs"]
            return popped["jid"], popped["lease"]["token"]

        return put

    def test_what_runs_is_what_was_installed(self, environment: Environment) -> None:
        told = environment.run("python", "-c", "import qless_flask, qless_polite; print(qless_flask, qless_polite)")

        assert told.count(str(environment.folder)) == 2

    def test_its_wheel_alone_makes_it_known(self, server: Server) -> None:
        found = server.plugin("polite")

        assert (found["state"], found["source"], found["errors"]) == ("loaded", "qless-polite 0.1.0", 0)
        assert found["offers"] == {"strategies": ["retry_after"], "policies": ["by_host"], "trackers": ["chat"]}

    def test_a_retry_waits_as_its_strategy_says(self, server: Server, put: Callable[..., tuple[str, str]]) -> None:
        jid, token = put()

        before = time.time()
        server.ask("POST", f"jobs/{jid}/retry", {"token": token, "message": "HTTP 503\nRetry-After: 500"})

        assert 499 < server.get(f"jobs/{jid}")["available_at"] - before < 520

    def test_a_retry_of_which_it_has_nothing_to_say_waits_as_it_was_told(
        self, server: Server, put: Callable[..., tuple[str, str]]
    ) -> None:
        jid, token = put()

        before = time.time()
        server.ask("POST", f"jobs/{jid}/retry", {"token": token})

        assert 6 < server.get(f"jobs/{jid}")["available_at"] - before < 27

    def test_it_gives_up_where_a_page_is_gone(self, server: Server, put: Callable[..., tuple[str, str]]) -> None:
        jid, token = put()

        assert server.ask("POST", f"jobs/{jid}/retry", {"token": token, "message": "HTTP 404"})["state"] == "failed"

        # Grouped by the other plugin.
        assert server.get(f"jobs/{jid}")["failure"]["group"] == "http-404"

    def test_its_policy_refuses_a_put_and_names_the_field(self, server: Server) -> None:
        body = [{"klass": "Crawl", "data": {"url": f"http://{host}/"}} for host in ("example.com", "www.example.org")]

        refused = server.ask("POST", "queues/refused/jobs", body, status=422)

        assert (refused["code"], refused["subject"]) == ("REJECTED", "by_host")
        assert list(refused["errors"]) == ["jobs.1.data.url"]
        server.ask("GET", "queues/refused", status=404)

    def test_its_policy_changes_what_is_put(self, server: Server, put: Callable[..., tuple[str, str]]) -> None:
        jid, _ = put()

        assert server.get(f"jobs/{jid}")["key"] == "example.com"

    def test_its_tracker_is_told(self, server: Server, room: Room, put: Callable[..., tuple[str, str]]) -> None:
        jid, token = put()

        server.ask("POST", f"jobs/{jid}/fail", {"token": token, "group": "fallen"})

        queue = self.test_its_tracker_is_told.__name__
        until(lambda: {"text": f"Crawl {jid} failed in {queue} (fallen)"} in room.said)

    def test_options_that_it_cannot_take_are_told_by_field(self, server: Server) -> None:
        refused = server.ask("PATCH", "settings", {"trackers": [{"name": "chat", "tags": ["a"], "url": 7}]}, status=422)

        assert list(refused["errors"]) == ["trackers.0.url"]

    def test_a_filter_changes_what_is_put(self, server: Server, put: Callable[..., tuple[str, str]]) -> None:
        jid, _ = put(tags=["news"])

        assert server.get(f"jobs/{jid}")["tags"] == ["news", "host:example.com"]

    def test_a_filter_changes_a_pop(self, server: Server) -> None:
        server.ask("POST", "queues/many/jobs", [{"klass": "Crawl"} for _ in range(12)])

        assert len(server.ask("POST", "queues/many/pop", {"worker": "ann", "limit": 100})["jobs"]) == 10

    def test_a_filter_changes_how_a_lease_ends(self, server: Server, put: Callable[..., tuple[str, str]]) -> None:
        jid, token = put()

        server.ask(
            "POST", f"jobs/{jid}/fail", {"token": token, "group": "no", "message": "GET http://a:b@example.com/"}
        )

        assert server.get(f"jobs/{jid}")["failure"]["message"] == "GET http://[…]example.com/"

    def test_a_job_is_run_in_its_hands(self, environment: Environment, server: Server) -> None:
        server.ask("POST", "queues/fetch/jobs", {"klass": "Refused", "jid": "refused"})

        before = time.time()
        with environment.working("--url", server.address, "--queue", "fetch", "--import", "jobs_of_ours"):
            until(lambda: server.get("jobs/refused")["failure"])

        found = server.get("jobs/refused")
        assert found["failure"]["message"].endswith("Retry-After: 500")
        assert found["available_at"] - before > 499

    def test_its_command_is_one_of_ours(self, environment: Environment, url: str, server: Server) -> None:
        told = environment.run("qless-flask", "hosts", "--url", url)

        assert "example.com" in told
        assert "hosts" in environment.run("qless-flask", "--help")

    def test_what_it_counts_stands_among_the_metrics(self, server: Server) -> None:
        server.ask("POST", "queues/counted/jobs", {"klass": "Crawl"})

        until(lambda: 'qless_polite_events_total{event="put"}' in server.get("/metrics"))

    def test_a_plugin_that_is_blocked_does_nothing(self, environment: Environment, tmp_path: Path) -> None:
        other = f"sqlite:///{tmp_path}/jobs.db"
        with environment.serving(other, "--block-plugin", "polite", QLESS_BLOCKED_PLUGINS="") as server:
            refused = server.ask("PATCH", "settings", {"policies": [{"name": "by_host"}]}, status=422)

            assert server.plugin("polite")["state"] == "blocked"
            assert "there is no policy by_host" in refused["errors"]["policies.0.name"][0]

    def test_its_own_tests_pass_where_it_is_installed(self, environment: Environment) -> None:
        tests = EXAMPLES / "polite" / "tests"

        environment.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tests), str(tests))


class TestSealed:
    """The example of a codec: what it seals passes through a server that has no key."""

    def test_data_and_results_are_read_by_those_alone_who_have_the_key(
        self, environment: Environment, server: Server
    ) -> None:
        key = environment.run("qless-flask", "sealed-key").strip()
        sealing: dict[str, Any] = {"QLESS_SEALED_KEYS": key, "QLESS_URL": server.address}

        put = ("put", "mail", "Greet", '{"to": "ann"}', "--jid", "sealed", "--codec", "sealed")
        environment.run("qless-flask", *put, **sealing)
        told = server.get("jobs/sealed")["data"]
        with environment.working("--queue", "mail", "--import", "jobs_of_ours", "--codec", "sealed", **sealing):
            until(lambda: server.get("jobs/sealed")["state"] == "complete")

        assert told["qless:codec"] == "sealed"
        result = server.get("jobs/sealed")["result"]
        assert result["qless:codec"] == "sealed"
        reading = f"from qless_flask import Client; print(Client({server.address!r}).jobs['sealed'].result)"
        assert environment.run("python", "-c", reading, **sealing) == "{'greeting': 'dear ann'}\n"


class TestLMDB:
    """The example of a store: its wheel makes its URLs known."""

    def test_a_server_serves_it(self, environment: Environment, tmp_path: Path) -> None:
        url = f"lmdb:///{tmp_path}/jobs.lmdb"
        with environment.serving(url) as server:
            server.ask("PATCH", "settings", {"backoff": {"strategy": "retry_after"}})
            server.ask("POST", "recurrences", {"id": "each", "queue": "fetch", "klass": "Crawl", "interval": 1})
            until(lambda: server.get("recurrences/each")["fired"])
            [job] = server.ask("POST", "queues/fetch/pop", {"worker": "ann"})["jobs"]
            body = {"token": job["lease"]["token"], "message": "Retry-After: 500"}

            assert server.ask("POST", f"jobs/{job['jid']}/retry", body)["state"] == "scheduled"
            assert server.get("/api/v1/plugins")["stores"]["lmdb"] == "qless-lmdb 0.1.0"
        told = environment.run("qless-flask", "job", job["jid"], "--url", url)
        assert "scheduled in fetch" in told


FLAWED = {
    "broken": """
        import nowhere_to_be_found
        """,
    "quitting": """
        raise SystemExit("no more")
        """,
    "raising": """
        from qless_flask.hookspecs import RetryStrategy, hookimpl


        class Breaking(RetryStrategy):
            def next_delay(self, job, failure, run):
                raise KeyError("strategy")


        @hookimpl
        def retry_strategies():
            return {"breaking": Breaking}


        @hookimpl
        def before_put(namespace, job):
            if job.klass == "Break":
                raise KeyError("put")


        @hookimpl
        def before_settle(settlement):
            return "nonsense" if getattr(settlement, "group", None) == "nonsense" else None


        @hookimpl
        def on_event(event):
            raise KeyError("event")


        @hookimpl
        def metrics():
            raise KeyError("metrics")


        @hookimpl
        def register_commands(group):
            raise KeyError("commands")
        """,
    "slow": """
        import time

        from qless_flask.hookspecs import hookimpl


        @hookimpl
        def on_event(event):
            time.sleep(600)
        """,
    "steady": """
        from pathlib import Path

        from qless_flask.hookspecs import hookimpl


        @hookimpl
        def on_event(namespace, event):
            with open("steady.txt", "a") as file:
                file.write(f"{namespace} {event.event} {event.jid}\\n")
        """,
}
"""Plugins that are not as they should be, and one among them that is."""

MISSPELT = """
    from qless_flask.hookspecs import hookimpl


    @hookimpl
    def befor_put(job):
        pass
    """


def install(folder: Path, name: str, program: str) -> None:
    """Write a package that has been installed into a folder: its module, and what a wheel says of itself."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(textwrap.dedent(program))
    about = folder / f"{name}-0.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
    (about / "entry_points.txt").write_text(f"[qless_flask.plugins]\n{name} = {name}\n")


@pytest.fixture(scope="module")
def flawed_packages(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("flawed")
    for name, program in FLAWED.items():
        install(folder, name, program)
    return str(folder)


@pytest.fixture(scope="module")
def flawed(
    environment: Environment, flawed_packages: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server that has all of them."""
    url = f"sqlite:///{tmp_path_factory.mktemp('store')}/jobs.db"
    with environment.serving(url, PYTHONPATH=flawed_packages) as server:
        yield server


def wait_until_observed(server: Server) -> None:
    """Put jobs until observers hear of them: of a namespace that they find they hear from then on."""

    def is_heard() -> object:
        server.ask("POST", "queues/observed/jobs", {"klass": "Crawl"})
        time.sleep(0.1)
        return server.plugin("steady")["calls"]

    until(is_heard)


class TestFlawed:
    """Broken, slow, raising and misspelt plugins beside good ones."""

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("broken", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
            ("quitting", "SystemExit: no more"),
        ],
    )
    def test_one_that_cannot_be_imported_is_told_and_stops_nothing(
        self, flawed: Server, name: str, reason: str
    ) -> None:
        found = flawed.plugin(name)

        assert (found["state"], found["source"], found["reason"]) == ("failed", f"{name} 0.1", reason)
        assert flawed.ask("POST", "queues/fetch/jobs", {"klass": "Crawl"})["jobs"][0]["created"]

    def test_a_filter_that_raises_is_named_and_nothing_is_done(self, flawed: Server) -> None:
        body = [{"klass": "Crawl"}, {"klass": "Break"}]

        refused = flawed.ask("POST", "queues/unborn/jobs", body, status=500)

        assert (refused["code"], refused["subject"]) == ("PLUGIN_ERROR", "raising")
        assert "plugin raising failed" in refused["detail"]
        flawed.ask("GET", "queues/unborn", status=404)

    def test_a_filter_that_answers_nonsense_is_named_and_nothing_is_done(self, flawed: Server) -> None:
        flawed.ask("POST", "queues/nonsense/jobs", {"klass": "Crawl"})
        [job] = flawed.ask("POST", "queues/nonsense/pop", {"worker": "ann"})["jobs"]
        body = {"token": job["lease"]["token"], "group": "nonsense"}

        refused = flawed.ask("POST", f"jobs/{job['jid']}/fail", body, status=500)

        assert (refused["code"], refused["subject"]) == ("PLUGIN_ERROR", "raising")
        assert flawed.get(f"jobs/{job['jid']}")["state"] == "running"

    def test_a_strategy_that_raises_loses_no_job(self, flawed: Server) -> None:
        flawed.ask("POST", "queues/retried/jobs", {"klass": "Crawl", "backoff": {"strategy": "breaking"}})
        [job] = flawed.ask("POST", "queues/retried/pop", {"worker": "ann"})["jobs"]

        settled = flawed.ask("POST", f"jobs/{job['jid']}/retry", {"token": job["lease"]["token"]})

        # The default back-off may draw next to nothing.
        assert settled["state"] in ("scheduled", "waiting")
        assert "KeyError" in flawed.plugin("raising")["last_error"]["message"]

    def test_an_observer_that_raises_is_switched_off_after_ten_in_a_row(self, flawed: Server) -> None:
        wait_until_observed(flawed)

        flawed.ask("POST", "queues/heard/jobs", [{"klass": "Crawl"} for _ in range(12)])

        until(lambda: flawed.plugin("raising")["off"] == ["on_event"])

    def test_the_others_hear_of_everything(self, flawed: Server, environment: Environment) -> None:
        wait_until_observed(flawed)

        flawed.ask("POST", "queues/told/jobs", {"klass": "Crawl", "jid": "told"})

        heard = environment.folder / "steady.txt"
        until(lambda: heard.exists() and "default put told\n" in heard.read_text())

    def test_a_slow_observer_holds_no_request_up(self, flawed: Server) -> None:
        wait_until_observed(flawed)

        began = time.monotonic()
        for _ in range(20):
            flawed.ask("POST", "queues/quick/jobs", {"klass": "Crawl"})
        assert time.monotonic() - began < PATIENCE_SECONDS / 2

        assert len(flawed.ask("POST", "queues/quick/pop", {"worker": "ann", "limit": 20})["jobs"]) == 10

    def test_metrics_that_raise_leave_the_others_out_of_nothing(self, flawed: Server) -> None:
        flawed.ask("POST", "queues/measured/jobs", {"klass": "Crawl"})

        assert 'queue="measured"' in flawed.get("/metrics")

    def test_commands_that_raise_break_none_of_ours(self, environment: Environment, flawed_packages: str) -> None:
        told = environment.run("qless-flask", "--help", PYTHONPATH=flawed_packages)

        assert "serve" in told
        assert "hosts" in told

    def test_the_command_line_tells_of_those_that_failed(self, environment: Environment, flawed_packages: str) -> None:
        told = environment.run("qless-flask", "plugins", code=1, PYTHONPATH=flawed_packages)

        assert "No module named 'nowhere_to_be_found'" in told
        assert "polite" in told

    def test_a_server_stops_at_once_whoever_is_slow(
        self, environment: Environment, flawed_packages: str, tmp_path: Path
    ) -> None:
        with environment.serving(f"sqlite:///{tmp_path}/jobs.db", PYTHONPATH=flawed_packages) as server:
            wait_until_observed(server)

            began = time.monotonic()
            server.stop()

        assert time.monotonic() - began < 8

    def test_a_misspelt_hook_ends_a_server_at_its_start(self, environment: Environment, tmp_path: Path) -> None:
        install(tmp_path / "packages", "misspelt", MISSPELT)

        words = ("qless-flask", "serve", "--url", f"sqlite:///{tmp_path}/jobs.db")
        told = environment.run(*words, code=1, PYTHONPATH=str(tmp_path / "packages"))

        assert "misspelt" in told
        assert "there is no hook befor_put; did you mean before_put?" in told

    def test_once_it_is_blocked_the_server_serves(self, environment: Environment, tmp_path: Path) -> None:
        packages = tmp_path / "packages"
        install(packages, "misspelt", MISSPELT)
        url = f"sqlite:///{tmp_path}/jobs.db"

        with environment.serving(url, PYTHONPATH=str(packages), QLESS_BLOCKED_PLUGINS="misspelt") as server:
            assert server.plugin("misspelt")["state"] == "blocked"
            assert server.plugin("polite")["state"] == "loaded"
