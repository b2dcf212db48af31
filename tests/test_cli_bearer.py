"""The command line with servers that ask for a token."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from werkzeug.serving import make_server

from qless_flask import Client
from qless_flask.backends.tokens import Tokens
from qless_flask.cli import main
from qless_flask.models import NewJob
from qless_flask.web import create_app

Serve = Callable[[str], tuple[str, str]]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Runs a server on a store of this name; answers where it is, and a token for it."""
    with ExitStack() as stack:

        def serve(name: str) -> tuple[str, str]:
            url = f"sqlite:///{tmp_path}/{name}.db?synchronous=off"
            app = create_app(url)
            server = make_server("127.0.0.1", 0, app, threaded=True)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
            thread.start()
            stack.callback(app.extensions["qless_flask"].close)
            stack.callback(thread.join, 20)
            stack.callback(server.shutdown)
            with Client(url) as client:
                client.queues[f"of-{name}"].put("Crawl")
                return f"http://127.0.0.1:{server.port}", Tokens(client.backend).create("admin", ["*"]).text

        yield serve


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("QLESS_URL", "QLESS_TOKEN", "QLESS_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)


def typed(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(main, words, env=environment)


def queues_at(url: str, *words: str, **environment: str) -> list[str]:
    result = typed("queues", "--url", url, "--json", *words, **environment)
    assert result.exit_code == 0, result.stderr
    return [queue["name"] for queue in json.loads(result.stdout)["queues"]]


def test_who_has_none_is_told_how_to_give_one(serve: Serve) -> None:
    url, _ = serve("a")

    result = typed("queues", "--url", url)

    assert result.exit_code == 1
    assert result.stderr.endswith("(give it in QLESS_TOKEN, or by --token-file)\n")


def test_one_stands_in_the_environment_or_in_a_file(serve: Serve) -> None:
    url, token = serve("a")
    Path("file").write_text(f"{token}\n")

    assert queues_at(url, QLESS_TOKEN=f" {token}\n") == ["of-a"]
    assert queues_at(url, QLESS_TOKEN_FILE="file") == ["of-a"]
    assert queues_at(url, "--token-file", "file") == ["of-a"]


def test_the_one_that_is_typed_counts(serve: Serve) -> None:
    url, token = serve("a")
    Path("file").write_text(token)

    assert queues_at(url, "--token-file", "file", QLESS_TOKEN="wrong", QLESS_TOKEN_FILE="nowhere") == ["of-a"]


@pytest.mark.parametrize(
    "words",
    [("put", "mail", "Send"), ("events", "--json"), ("export", "-"), ("plugins",), ("workers",), ("settings",)],
    ids=" ".join,
)
def test_every_command_shows_it(serve: Serve, words: tuple[str, ...]) -> None:
    url, token = serve("a")

    without, result = typed(*words, "--url", url), typed(*words, "--url", url, QLESS_TOKEN=token)

    assert (without.exit_code, result.exit_code) == (1, 0)
    assert "say who you are" in without.stderr
    assert token not in result.output


def test_a_file_that_is_not_there_is_named(serve: Serve) -> None:
    url, _ = serve("a")

    result = typed("queues", "--url", url, "--token-file", "nowhere")

    assert result.exit_code == 2
    assert "token: cannot be read from nowhere: No such file" in result.stderr


def test_what_can_be_no_token_is_not_repeated(serve: Serve) -> None:
    url, _ = serve("a")

    result = typed("queues", "--url", url, QLESS_TOKEN="qless_1_sec ret")

    assert result.exit_code == 2
    assert "sec ret" not in result.output


def test_a_store_asks_for_none() -> None:
    assert queues_at("sqlite:///b.db", QLESS_TOKEN="no token at all", QLESS_TOKEN_FILE="nowhere") == []


class TestCopy:
    def test_each_server_is_shown_its_own(self, serve: Serve) -> None:
        (source, one), (target, two) = serve("a"), serve("b")
        Path("two").write_text(two)
        words = ("copy", source, target, "--to-namespace", "copied", "--to-token-file", "two")

        result = typed(*words, QLESS_TOKEN=one)

        assert result.exit_code == 0, result.stderr
        assert queues_at(target, "--namespace", "copied", QLESS_TOKEN=two) == ["of-a"]

    def test_the_token_of_one_server_is_not_shown_to_another(self, serve: Serve) -> None:
        (source, one), (target, _) = serve("a"), serve("b")

        result = typed("copy", source, target, "--to-namespace", "copied", QLESS_TOKEN=one)

        # It would say that this token is not known.
        assert result.exit_code == 1
        assert "say who you are" in result.stderr

    def test_where_only_one_is_a_server_it_is_that_one_s(self, serve: Serve) -> None:
        url, token = serve("b")
        with Client("sqlite:///own.db") as client:
            client.put([NewJob("Crawl", queue="fetch")])

        result = typed("copy", "sqlite:///own.db", url, "--to-namespace", "copied", QLESS_TOKEN=token)
        back = typed("copy", url, "sqlite:///new.db", QLESS_TOKEN=token)

        assert (result.exit_code, back.exit_code) == (0, 0), result.stderr + back.stderr
        assert queues_at("sqlite:///new.db") == ["of-b"]
