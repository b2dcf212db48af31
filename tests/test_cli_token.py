"""`qless-flask token`: making, listing and revoking tokens on the command line."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from qless_flask.backends import open_backend
from qless_flask.backends.tokens import Tokens
from qless_flask.cli import main
from qless_flask.testing import ManualClock


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'qless.db'}"


@pytest.fixture
def tokens(url: str) -> Tokens:
    return Tokens(open_backend(url))


class CommandLine:
    """Types `token` commands against one store."""

    def __init__(self, url: str) -> None:
        self._environment = {"QLESS_URL": url, "COLUMNS": "100"}

    def type(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["token", *words], env=self._environment, prog_name="qless-flask")

    def done(self, *words: str) -> Result:
        """Type what must work."""
        result = self.type(*words)
        assert result.exit_code == 0, result.output
        return result

    def refused(self, code: int, *words: str) -> str:
        """Type what must not work, and answer with the error."""
        result = self.type(*words)
        assert (result.exit_code, result.stdout) == (code, "")
        assert "Traceback" not in result.stderr
        return result.stderr.strip()


@pytest.fixture
def line(url: str) -> CommandLine:
    return CommandLine(url)


class TestCreate:
    def test_it_prints_the_token_alone(self, line: CommandLine, tokens: Tokens) -> None:
        made = line.done("create", "--role", "worker", "-n", "mail", "--namespace", "fetch", "--name", "mailer")

        found = tokens.find(made.stdout.removesuffix("\n"))
        assert found is not None
        assert (found.role, found.namespaces, found.name) == ("worker", ("mail", "fetch"), "mailer")
        assert found.expires_at is None
        assert found.created_by

    def test_the_rest_is_told_beside_it(self, line: CommandLine, tokens: Tokens, url: str) -> None:
        told = line.done("create", "--role", "worker", "-n", "mail", "--name", "mailer").stderr.splitlines()

        [token] = tokens.all()
        assert told == [
            f"{token.id} (mailer) may do what a worker may in mail.",
            "It is shown this once: keep it where only its bearer can read it.",
            f"From now on nobody is answered without a token by servers on {url}.",
        ]

    def test_only_the_first_one_closes_the_store(self, line: CommandLine) -> None:
        line.done("create", "--role", "worker", "-n", "mail")

        assert "From now on" not in line.done("create", "--role", "admin", "-n", "*").stderr

    def test_in_json_it_tells_what_a_script_needs(self, line: CommandLine, tokens: Tokens) -> None:
        made = line.done("create", "--role", "viewer", "-n", "*", "--expires", "60", "--json")

        message = json.loads(made.stdout)
        [token] = tokens.all()
        assert message == {
            "token": message["token"],
            "id": token.id,
            "role": "viewer",
            "namespaces": ["*"],
            "expires_at": token.expires_at,
        }
        assert tokens.find(message["token"]) is not None
        assert made.stderr == ""

    def test_it_may_expire_and_be_held_to_a_rate(self, line: CommandLine, tokens: Tokens) -> None:
        before = time.time()
        told = line.done("create", "--role", "viewer", "-n", "*", "--expires", "3600", "--rate", "0.5").stderr

        [token] = tokens.all()
        assert token.expires_at is not None
        assert before + 3600 <= token.expires_at <= time.time() + 3600
        assert token.rate == 0.5
        assert " may in all namespaces, until " in told

    @pytest.mark.parametrize(
        ("words", "error"),
        [
            (("--role", "worker"), "Missing option '--namespace'"),
            (("-n", "mail"), "Missing option '--role'"),
            (("--role", "root", "-n", "mail"), "'root' is not one of 'viewer'"),
            (("--role", "worker", "-n", "my mail"), "namespaces.0: must be"),
            (("--role", "worker", "-n", "_"), "namespaces: names that begin with _ are reserved"),
            (("--role", "worker", "-n", "mail", "-n", "*"), "namespaces: names others beside *"),
            (("--role", "worker", "-n", "mail", "--expires", "0"), "expires: must be a number of seconds"),
            (("--role", "worker", "-n", "mail", "--rate", "0"), "rate: must be a number of requests a second"),
            (("--role", "worker", "-n", "mail", "--name", ""), "name: must be"),
        ],
    )
    def test_a_slip_is_told_and_makes_nothing(
        self, line: CommandLine, tokens: Tokens, words: tuple[str, ...], error: str
    ) -> None:
        assert error in line.refused(2, "create", *words)

        assert not tokens.exist()


class TestList:
    def test_without_any_it_says_that_nobody_is_asked(self, line: CommandLine, url: str) -> None:
        assert line.done().stdout == f"No tokens in {url}: servers on it ask nobody who they are.\n"

    def test_it_shows_whose_they_are_and_whether_they_hold(self, line: CommandLine, url: str) -> None:
        clock = ManualClock(round(time.time()) - 1000)
        tokens = Tokens(open_backend(url), clock=clock)
        used = tokens.create("worker", ["mail", "fetch"], name="mailer")
        tokens.find(used.text)
        expired = tokens.create("viewer", ["*"], name="guest", expires=60).token
        revoked = tokens.create("admin", ["*"], name="ann", expires=1_000_000).token
        tokens.revoke(revoked.id)
        brief = tokens.create("admin", ["*"], name="bob", expires=1_000_000).token

        head, *rows = [row.split() for row in line.done("list").stdout.splitlines()]

        assert head == ["token", "name", "role", "where", "state", "used"]
        assert rows[0][:6] == [used.token.id, "mailer", "worker", "mail,", "fetch", "holds"]
        assert rows[0][6:] == told(clock()).split()
        assert rows[1] == [expired.id, "guest", "viewer", "all", "namespaces", "expired", "never"]
        assert rows[2] == [revoked.id, "ann", "admin", "all", "namespaces", "revoked", "never"]
        until = told(brief.expires_at or 0).split()
        assert rows[3] == [brief.id, "bob", "admin", "all", "namespaces", "holds", "until", *until, "never"]

    def test_in_json_it_tells_all_but_the_digest(self, line: CommandLine, tokens: Tokens) -> None:
        made = tokens.create("worker", ["mail"], name="mailer", by="ann", rate=5)
        tokens.find(made.text)
        [token] = tokens.all()

        printed = line.done("--json").stdout

        assert json.loads(printed) == {
            "tokens": [
                {
                    "id": token.id,
                    "name": "mailer",
                    "role": "worker",
                    "namespaces": ["mail"],
                    "rate": 5,
                    "created_at": token.created_at,
                    "created_by": "ann",
                    "expires_at": None,
                    "revoked_at": None,
                    "revoked_by": None,
                    "used_at": token.used_at,
                    "state": "holds",
                }
            ]
        }
        assert token.digest not in printed
        assert made.text.split("_", 2)[2] not in printed

    def test_it_warns_where_none_holds(self, line: CommandLine, tokens: Tokens) -> None:
        tokens.revoke(tokens.create("worker", ["mail"]).token.id)

        assert "No token holds: nobody is let in" in line.done().stderr


class TestRevoke:
    def test_several_are_revoked_by_their_ids(self, line: CommandLine, tokens: Tokens) -> None:
        one, other, held = (tokens.create("worker", ["mail"], name=name) for name in ("ann", "bob", "cid"))

        told = line.done("revoke", one.token.id, other.token.id)

        assert told.stdout == f"{one.token.id} (ann) is revoked.\n{other.token.id} (bob) is revoked.\n"
        assert told.stderr == ""
        assert [each.state(time.time()) for each in tokens.all()] == ["revoked", "revoked", "holds"]
        assert tokens.all()[0].revoked_by == tokens.all()[1].revoked_by != held.token.revoked_by

    def test_one_that_was_found_somewhere_is_revoked_by_itself(self, line: CommandLine, tokens: Tokens) -> None:
        made = tokens.create("worker", ["mail"], name="ann")

        told = line.done("revoke", made.text)

        assert told.stdout == f"{made.token.id} (ann) is revoked.\n"
        assert tokens.all()[0].state(time.time()) == "revoked"

    def test_one_that_is_not_there_keeps_none_of_the_others(self, line: CommandLine, tokens: Tokens) -> None:
        one, other, _ = (tokens.create("worker", ["mail"], name=name) for name in ("ann", "bob", "cid"))

        told = line.type("revoke", one.token.id, "qless_123456789abc_secret", other.token.id)

        assert told.exit_code == 1
        assert [each.state(time.time()) for each in tokens.all()] == ["revoked", "revoked", "holds"]
        assert told.stderr == "Error: no token 123456789abc: `token list` tells which there are\n"

    def test_the_last_one_says_that_nobody_is_let_in(self, line: CommandLine, tokens: Tokens) -> None:
        made = tokens.create("worker", ["mail"])

        assert "No token holds: nobody is let in" in line.done("revoke", made.token.id).stderr
        assert tokens.exist()


class TestReset:
    def test_it_deletes_all_of_them(self, line: CommandLine, tokens: Tokens) -> None:
        tokens.create("worker", ["mail"])

        told = line.done("reset", "--yes")

        assert told.stdout == "All tokens are deleted: servers ask nobody who they are.\n"
        assert not Tokens(open_backend(str(line._environment["QLESS_URL"]))).exist()

    def test_it_is_not_done_unasked(self, line: CommandLine, tokens: Tokens) -> None:
        tokens.create("worker", ["mail"])

        assert "add --yes if that is meant" in line.refused(2, "reset")
        assert len(tokens.all()) == 1

    @pytest.mark.parametrize(("typed", "left"), [("n\n", 1), ("\n", 1), ("y\n", 0)])
    def test_on_a_terminal_it_asks(self, url: str, tokens: Tokens, typed: str, left: int) -> None:
        tokens.create("worker", ["mail"])
        ours, theirs = pty.openpty()
        words = [sys.executable, "-m", "qless_flask", "token", "reset", "--url", url]
        with subprocess.Popen(words, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asked:
            os.write(ours, typed.encode())
            printed, _ = asked.communicate(timeout=60)
        os.close(theirs)
        os.close(ours)

        assert f"Delete all tokens of {url}? Whoever reaches a server on it may do anything then." in printed
        assert asked.returncode == left
        assert len(tokens.all()) == left

    def test_without_any_there_is_nothing_to_ask(self, line: CommandLine, url: str) -> None:
        assert line.done("reset").stdout == f"There are no tokens in {url}.\n"


class TestStore:
    @pytest.mark.parametrize("words", [
        ("list",), ("create", "--role", "admin", "-n", "*"), ("revoke", "123456789abc"), ("reset", "--yes"),
    ])  # fmt: skip
    @pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://127.0.0.1:1/qless"])
    def test_a_server_is_told_from_its_store(self, line: CommandLine, words: tuple[str, ...]) -> None:
        assert "tokens are kept in its store: name the URL that it was started with" in line.refused(2, *words)

    @pytest.mark.parametrize("words", [
        ("list",), ("create", "--role", "admin", "-n", "*"), ("revoke", "123456789abc"), ("reset", "--yes"),
    ])  # fmt: skip
    def test_one_that_is_down_is_told_in_a_line(self, words: tuple[str, ...]) -> None:
        line = CommandLine("redis://ann:hidden@127.0.0.1:1/0")

        told = line.refused(1, *words)

        assert told.startswith("Error: ")
        assert "\n" not in told
        assert "hidden" not in told

    def test_its_password_is_not_shown(self, valkey_url: str) -> None:
        import redis

        place = valkey_url.removesuffix("/0") + "/8"
        with closing(redis.Redis.from_url(place)) as client:
            client.flushdb()
            client.acl_setuser(
                "keeper", enabled=True, passwords=["+hidden"], keys="*", channels="*", commands=["+@all"]
            )
        line = CommandLine(place.replace("redis://", "redis://keeper:hidden@"))

        said = [
            line.done(),
            line.done("create", "--role", "admin", "-n", "*"),
            line.done("list"),
            line.done("reset", "--yes"),
            line.done("reset"),
        ]

        assert "hidden" not in "".join(each.output for each in said)
        assert "redis://keeper:" in said[0].stdout


def told(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


class TestOnTheWay:
    """Tokens stay where they are."""

    def test_neither_a_copy_nor_an_export_takes_them_along(self, url: str, tokens: Tokens, tmp_path: Path) -> None:
        made = tokens.create("worker", ["mail"])
        tokens.session_key()
        environment = {"QLESS_URL": url, "QLESS_NAMESPACE": "mail"}
        there = f"sqlite:///{tmp_path}/there.db"
        file = tmp_path / "mail.ndjson"
        for words in (["put", "post", "Send"], ["export", "--live", str(file)], ["copy", url, there]):
            result = CliRunner().invoke(main, words, env=environment)
            assert result.exit_code == 0, result.output

        assert made.token.id not in file.read_text()
        with open_backend(there) as backend:
            assert backend.namespaces() == ["mail"]
            assert not Tokens(backend).exist()
            assert Tokens(backend).all() == []

    @pytest.mark.parametrize("command", ["copy", "export"])
    def test_both_say_so(self, command: str) -> None:
        assert "Tokens" in CliRunner().invoke(main, [command, "--help"]).stdout
