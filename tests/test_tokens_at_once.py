"""Tokens with several at them at once, and whoever changes them broken off anywhere."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from token_stores import LMDB, SHARED, STORES, Open, opener, place

from qless_flask.backends.base import Backend
from qless_flask.backends.passing import Passing
from qless_flask.backends.scheduling import OURS
from qless_flask.backends.sqlite import SQLiteBackend
from qless_flask.backends.tokens import INDEX, KEPT_SECONDS, Created, Tokens
from qless_flask.errors import BackendUnavailable, QlessError
from qless_flask.testing import Flaky, ManualClock, ModelBackend, Point, fail_at, kill_at


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


class TestBrokenOff:
    """Whoever changes tokens may be stopped at any point, and may try again."""

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_making_one_leaves_the_others(self, clock: ManualClock, when: str) -> None:
        for number in itertools.count(1):
            store = ModelBackend()
            old, held = with_an_old_one(store, clock)
            done = False
            with suppress(BackendUnavailable):
                Tokens(Flaky(store, **{when: fail_at(number)}), clock=clock).create("worker", ["mail"])
                done = True

            tokens = Tokens(store, clock=clock)
            assert tokens.find(held.text) == held.token
            made = tokens.create("worker", ["mail"])
            assert tokens.find(made.text) == made.token
            ids = [each.id for each in tokens.all()]
            assert len(ids) == len(set(ids)) <= 3
            assert old.token.id not in ids
            if done:
                break
        assert number > 10

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_making_the_first_one_leaves_the_store_as_it_was_or_closed(self, clock: ManualClock, when: str) -> None:
        for number in itertools.count(1):
            store, done = ModelBackend(), False
            with suppress(BackendUnavailable):
                Tokens(Flaky(store, **{when: fail_at(number)}), clock=clock).create("worker", ["mail"])
                done = True

            tokens = Tokens(store, clock=clock)
            assert tokens.exist() == bool(tokens.all())
            if done:
                break
        assert number > 4

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_reset_keeps_the_store_closed_until_it_is_done(self, clock: ManualClock, when: str) -> None:
        for number in itertools.count(1):
            store, done = ModelBackend(), False
            _, held = with_an_old_one(store, clock)
            with suppress(BackendUnavailable):
                Tokens(Flaky(store, **{when: fail_at(number)}), clock=clock).reset()
                done = True

            tokens = Tokens(store, clock=clock)
            assert tokens.exist() or tokens.find(held.text) is None
            assert not (done and tokens.exist())
            if tokens.all():
                assert tokens.exist(), "what is left must not be back with the next one that is made"
            tokens.reset()
            assert not tokens.exist()
            assert tokens.holding(held.token.id) is None
            if done:
                break
        assert number > 8

    def test_what_was_done_without_an_answer_is_done_once(self, clock: ManualClock) -> None:
        tokens = Tokens(ModelBackend(), clock=clock)
        tokens._records = AskedTwice(tokens._records)
        one, other = tokens.create("worker", ["mail"]), tokens.create("worker", ["mail"])
        revoked = tokens.revoke(one.token.id, by="ann")
        assert tokens.all() == [revoked, other.token]

        tokens.reset()

        assert not tokens.exist()
        assert tokens.all() == []

    def test_a_process_that_is_killed_leaves_the_others_at_work(self, tmp_path: Path) -> None:
        for number in itertools.count(1):
            url = f"sqlite:///{tmp_path}/{number}.db?synchronous=off"
            with closing(SQLiteBackend(url)) as backend:
                held = Tokens(backend).create("worker", ["mail"])
            child = os.fork()
            if not child:
                with suppress(BaseException):
                    tokens = Tokens(Flaky(SQLiteBackend(url), before=kill_at(number)))
                    tokens.revoke(tokens.create("worker", ["mail"]).token.id)
                    os._exit(0)
                os._exit(1)
            _, status = os.waitpid(child, 0)

            with closing(SQLiteBackend(url)) as backend:
                tokens = Tokens(backend)
                assert tokens.find(held.text) is not None
                assert len(tokens.all()) <= 2
                tokens.create("worker", ["mail"])
            if os.WIFEXITED(status):
                assert os.WEXITSTATUS(status) == 0
                break
        assert number > 7

    def test_a_record_that_is_none_is_told(self, clock: ManualClock) -> None:
        store = ModelBackend()
        made, other = (Tokens(store, clock=clock).create("worker", ["mail"]) for _ in range(2))
        records, name = store.namespace(OURS), f"token:{made.token.id}"
        for text in ("", "[]", "{}", '{"id": "x"}', (records.recall(name) or "").replace('"role"', '"roles"')):
            assert records.remember(name, text, records.recall(name))

            tokens = Tokens(store, clock=clock)
            with pytest.raises(QlessError, match=f"token {made.token.id} cannot be read"):
                tokens.find(made.text)
            with pytest.raises(QlessError, match=f"token {made.token.id} cannot be read"):
                tokens.all()
            assert tokens.find(other.text) == other.token


def with_an_old_one(store: Backend, clock: ManualClock) -> tuple[Created, Created]:
    """Make a token that ended long ago and is listed still, and one that holds."""
    tokens = Tokens(store, clock=clock)
    old, held = tokens.create("worker", ["mail"], expires=1), tokens.create("worker", ["mail"])
    clock.advance(KEPT_SECONDS + 1)
    return old, held


class AskedTwice(Passing):
    """A store to which the line breaks at every write: it is asked once more for what it has done already."""

    def remember(self, name: str, value: str | None, expected: str | None) -> bool:
        super().remember(name, value, expected)
        return super().remember(name, value, expected)


class TestAtOnce:
    @pytest.fixture(params=STORES)
    def open_again(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
        """Opens the test's own store, as another process would."""
        with ExitStack() as stack:
            yield opener(request.param, request, tmp_path, stack)

    def test_threads_make_tokens(self, open_again: Open) -> None:
        servers = [Tokens(open_again()) for _ in range(4)]
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda number: servers[number % 4].create("worker", ["mail"]), range(40)))

        found = Tokens(open_again())
        assert {each.id for each in found.all()} == {each.token.id for each in made}
        assert all(found.find(each.text) == each.token for each in made)

    def test_a_token_is_revoked_while_it_is_used(self, open_again: Open) -> None:
        # A timer that runs: what was read is never good enough, so each look reads anew.
        numbers = itertools.count()
        server, owner = Tokens(open_again(), timer=lambda: float(next(numbers)) * 100), Tokens(open_again())
        made = [owner.create("worker", ["mail"]) for _ in range(8)]
        revoked: list[str] = []
        stop = threading.Event()
        late: list[str] = []

        def use() -> None:
            while not stop.is_set():
                for each in made:
                    before = list(revoked)
                    if server.find(each.text) is not None and each.token.id in before:
                        late.append(each.token.id)

        with ThreadPoolExecutor(3) as pool:
            users = [pool.submit(use) for _ in range(3)]
            for each in made:
                owner.revoke(each.token.id)
                revoked.append(each.token.id)
            stop.set()
            for user in users:
                user.result()

        assert late == []
        assert {each.state(0) for each in owner.all()} == {"revoked"}

    @pytest.mark.parametrize("meant", ["create", "reset"])
    @pytest.mark.parametrize("between", ["create", "reset"])
    def test_what_another_does_between_two_steps_leaves_a_list_of_what_there_is(self, meant: str, between: str) -> None:
        for number in itertools.count(1):
            store = ModelBackend()
            made, was_between = both(store, meant, between, number)

            records = store.namespace(OURS)
            listed = (records.recall(INDEX) or "").split()
            kept = [each.token.id for each in made if records.recall(f"token:{each.token.id}") is not None]
            assert sorted(kept) == sorted(listed)
            assert Tokens(store).exist() == bool(listed)
            if not was_between:
                break
        assert number > 5

    def test_resets_and_creations_leave_a_list_of_what_there_is(self, open_again: Open) -> None:
        def turn(number: int) -> None:
            tokens = Tokens(open_again_safely())
            if number % 4 == 3:
                tokens.reset()
            else:
                tokens.create("worker", ["mail"])

        lock = threading.Lock()

        def open_again_safely() -> Backend:
            with lock:
                return open_again()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(turn, range(24)))

        backend = open_again()
        listed = (backend.namespace(OURS).recall(INDEX) or "").split()
        assert [each.id for each in Tokens(backend).all()] == listed
        assert Tokens(backend).exist() == bool(listed)


def both(store: Backend, meant: str, between: str, number: int) -> tuple[list[Created], bool]:
    """Do one thing, and another before its operation of that number; answer what was made, and whether that was."""
    made = [Tokens(store).create("worker", ["mail"])]
    changed: list[Point] = []

    def change(what: str, at: Backend) -> None:
        if what == "create":
            made.append(Tokens(at).create("worker", ["mail"]))
        else:
            Tokens(at).reset()

    def change_between(point: Point) -> None:
        if point.number == number:
            changed.append(point)
            change(between, store)

    change(meant, Flaky(store, before=change_between))
    return made, bool(changed)


PROCESS = """
import sys
from importlib import import_module
from qless_flask.backends.tokens import Tokens

tokens = Tokens(getattr(import_module(sys.argv[1]), sys.argv[2])(sys.argv[3]))
"""
CREATE = """
tokens.exist()
print("ready", flush=True)
sys.stdin.readline()
for _ in range(5):
    print(tokens.create("worker", ["mail"]).text, flush=True)
"""
USE = """
text = sys.stdin.readline().strip()
while tokens.find(text) is None:
    pass
print("found", flush=True)
while tokens.find(text) is not None:
    pass
print("refused", flush=True)
while tokens.exist():
    pass
print("open", flush=True)
"""


@pytest.mark.parametrize("kind", SHARED)
class TestProcesses:
    @pytest.fixture
    def at(self, kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Callable[[str], Backend], str]:
        """The class of a store, and where it is."""
        return place(kind, request, tmp_path)

    def test_several_make_tokens_at_once(self, at: tuple[Any, str]) -> None:
        store, url = at
        with ExitStack() as stack:
            processes = [stack.enter_context(process(CREATE, *at)) for _ in range(4)]
            for each in processes:
                assert answer(each) == "ready"
            for each in processes:
                tell(each, "go")
            texts = [answer(each) for each in processes for _ in range(5)]

        with closing(store(url)) as backend:
            tokens = Tokens(backend)
            assert {text.split("_")[1] for text in texts} == {each.id for each in tokens.all()}
            assert None not in [tokens.find(text) for text in texts]

    def test_one_obeys_what_another_does(self, at: tuple[Any, str]) -> None:
        store, url = at
        with closing(store(url)) as backend, process(USE, *at) as user:
            tokens = Tokens(backend)
            made = tokens.create("worker", ["mail"])
            tell(user, made.text)
            assert answer(user) == "found"

            tokens.revoke(made.token.id)
            assert answer(user) == "refused"

            tokens.reset()
            assert answer(user) == "open"


@contextmanager
def process(code: str, store: type[Backend], url: str) -> Iterator[subprocess.Popen[str]]:
    """Run code in a process of its own, at `tokens` of a store."""
    words = [sys.executable, "-c", PROCESS + code, store.__module__, store.__name__, url]
    environment = {**os.environ, "PYTHONPATH": str(LMDB)}
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as started:
        try:
            yield started
        finally:
            started.kill()


def tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin
    process.stdin.write(line + "\n")
    process.stdin.flush()


def answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()
