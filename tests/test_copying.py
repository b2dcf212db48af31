"""Namespaces moved from store to store, into files and out of them."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask, Request
from servers import Stand, open_stand

from qless_flask.backends import open_backend
from qless_flask.backends.base import Namespace
from qless_flask.backends.passing import Passing
from qless_flask.cli import main
from qless_flask.copying import copy, export, export_to_file, import_lines
from qless_flask.errors import Frozen, Invalid, NotCopied, NotFound
from qless_flask.models import Complete, Identity, NewJob, Tally
from qless_flask.testing import ModelBackend, invariants
from qless_flask.testing.conformance.furniture import contents, furnish, without_tokens
from qless_flask.web import QlessFlask

STORES = ("model", "fakeredis", "valkey", "redis", "sqlite", "http+sqlite", "http+valkey")
NUMBERS = iter(range(1_000_000))


def quiet(what: str, done: int, total: int | None) -> None:
    """Tell nobody."""


@pytest.fixture(scope="module")
def stands(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Stand]]:
    """Opens a stand by its name, once."""
    opened: dict[str, Stand] = {}

    def server_url(name: str) -> str:
        url: str = request.getfixturevalue(f"{name}_url")
        return url

    with ExitStack() as stack:

        def stand(name: str) -> Stand:
            if name not in opened:
                opened[name] = open_stand(name, stack, server_url, tmp_path_factory.mktemp("stand"))
            return opened[name]

        yield stand


def fresh(stand: Stand) -> Namespace:
    """Open a namespace that nobody has used."""
    return stand.backend.namespace(f"copy-{next(NUMBERS)}")


def bring_together(one: Stand, other: Stand) -> None:
    """Let two stands have the same time."""
    other.clock.advance(one.clock() - other.clock())


class TestPairs:
    @pytest.fixture(params=STORES)
    def source(self, request: pytest.FixtureRequest, stands: Callable[..., Stand]) -> Stand:
        return stands(request.param)

    @pytest.fixture(params=STORES)
    def target(self, request: pytest.FixtureRequest, stands: Callable[..., Stand]) -> Stand:
        return stands(request.param)

    def test_all_that_one_store_holds_is_in_the_other(self, source: Stand, target: Stand) -> None:
        here, there = fresh(source), fresh(target)
        leases = furnish(here, source.clock)
        bring_together(source, target)

        tally = copy(here, there, quiet)

        invariants.check(target.inspect(there.name))
        records = contents(here)
        assert contents(there) == records
        assert sum(tally.counts.values()) == len(records)
        assert here.settings().frozen
        assert not there.settings().frozen
        [answer] = there.settle([Complete(leases["runs"])])
        assert answer == there.settle([Complete(leases["runs"])])[0]
        assert [job.jid for job in there.pop(["fetch"], "zoe", 2)] == ["first", "waits-c"]


class TestSameDumps:
    @pytest.mark.parametrize("name", STORES[1:])
    def test_the_same_operations_are_dumped_alike_by_all_stores(self, stands: Callable[..., Stand], name: str) -> None:
        model, other = stands("model"), stands(name)
        bring_together(other, model)
        if model.clock() != other.clock():
            bring_together(model, other)
        one, two = fresh(model), fresh(other)

        for namespace, stand in ((one, model), (two, other)):
            furnish(namespace, stand.clock)
            namespace.freeze()

        assert without_tokens(contents(two)) == without_tokens(contents(one))


class Faulty(Passing):
    """A namespace that can be reached for so many calls, and no more."""

    def __init__(self, inner: Namespace, calls: int) -> None:
        super().__init__(inner)
        self.left = calls


class Gone(Exception):
    """As if the process had been killed."""


def _limited(name: str) -> Any:
    passing = getattr(Passing, name)

    def call(self: Faulty, *args: object, **options: object) -> Any:
        if self.left == 0:
            raise Gone(name)
        self.left -= 1
        return passing(self, *args, **options)

    return call


for _name in sorted(Namespace.__abstractmethods__):
    setattr(Faulty, _name, _limited(_name))


@pytest.fixture
def model() -> ModelBackend:
    return ModelBackend()


@pytest.fixture
def here(model: ModelBackend) -> Namespace:
    """A namespace with 250 jobs."""
    namespace = model.namespace("here")
    namespace.put([NewJob("Crawl", queue="work", jid=f"job-{number:03}") for number in range(250)])
    namespace.pop(["work"], "ann", 10)
    return namespace


@pytest.fixture
def there(model: ModelBackend) -> Namespace:
    return model.namespace("there")


def without_cuts(once: Callable[[int], object]) -> int:
    """Do a thing again and again, cut off after one call more each time, until it is done; tell how often."""
    for calls in range(1_000):
        try:
            once(calls)
        except Gone:
            continue
        return calls
    raise AssertionError("it never comes to an end")


class TestCopies:
    @pytest.mark.parametrize("which", ["source", "target"])
    def test_killed_anywhere_it_goes_on(self, here: Namespace, there: Namespace, which: str) -> None:
        def once(calls: int) -> None:
            source, target = (Faulty(here, calls), there) if which == "source" else (here, Faulty(there, calls))
            copy(source, target, quiet)

        assert without_cuts(once) > 5

        assert contents(there) == contents(here)
        assert not there.settings().frozen
        assert there.recall("copy:checkpoint") is None

    def test_what_goes_on_loads_only_what_is_missing(self, here: Namespace, there: Namespace) -> None:
        with pytest.raises(Gone):
            copy(Faulty(here, 8), there, quiet)
        told: list[int] = []

        copy(here, there, lambda what, done, total: told.append(done) if what.startswith("copying") else None)

        assert told
        assert told[0] > 100

    def test_both_are_frozen_meanwhile(self, here: Namespace, there: Namespace) -> None:
        found: set[tuple[bool, bool]] = set()

        def look(what: str, done: int, total: int | None) -> None:
            found.add((here.settings().frozen, there.settings().frozen))

        copy(here, there, look)

        assert found == {(True, True)}

    def test_the_source_is_thawed_where_that_is_asked_for(self, here: Namespace, there: Namespace) -> None:
        copy(here, there, quiet, thaw_source=True)

        assert not here.settings().frozen
        here.pop(["work"], "ann")

    def test_a_source_that_is_not_there_is_not_begun(self, model: ModelBackend, there: Namespace) -> None:
        with pytest.raises(NotFound):
            copy(model.namespace("nowhere"), there, quiet)

        assert model.namespaces() == []

    def test_a_target_that_is_not_empty_is_left_alone(self, here: Namespace, there: Namespace) -> None:
        there.pause("mine")
        before = contents(there)

        with pytest.raises(NotCopied, match="not empty"):
            copy(here, there, quiet)

        assert contents(there) == before
        assert not here.settings().frozen
        assert not there.settings().frozen

    def test_nothing_is_copied_onto_itself(self, here: Namespace) -> None:
        with pytest.raises(NotCopied):
            copy(here, here, quiet)

        assert not here.settings().frozen

    def test_an_empty_target_that_is_known_is_taken(self, here: Namespace, there: Namespace) -> None:
        there.freeze()
        there.freeze(False)

        copy(here, there, quiet)

        assert contents(there) == contents(here)

    def test_two_sources_do_not_mix(self, model: ModelBackend, here: Namespace, there: Namespace) -> None:
        with pytest.raises(Gone):
            copy(Faulty(here, 8), there, quiet)
        other = model.namespace("other")
        other.put([NewJob("Crawl", queue="work")])

        with pytest.raises(NotCopied, match="another copy"):
            copy(other, there, quiet)

        assert not other.settings().frozen

    def test_a_target_that_came_to_differ_stays_frozen(self, here: Namespace, there: Namespace) -> None:
        def meddle(what: str, done: int, total: int | None) -> None:
            if what.startswith("reading"):
                there.freeze(False)
                there.put([NewJob("Crawl", queue="work")])
                there.freeze()

        with pytest.raises(NotCopied, match=r"frozen: .* of kind job instead of 250"):
            copy(here, there, meddle)

        assert here.settings().frozen
        assert there.settings().frozen

    def test_progress_tells_how_many_of_how_many(self, here: Namespace, there: Namespace) -> None:
        told: dict[str, tuple[int, int | None]] = {}

        def tell(what: str, done: int, total: int | None) -> None:
            told[what] = done, total

        copy(here, there, tell)

        assert told == {
            "copying here": (250, 250),
            "reading here again": (250, 250),
            "comparing there": (250, 250),
        }


class TestExports:
    def test_an_export_is_read_back(self, here: Namespace, there: Namespace) -> None:
        out = io.BytesIO()

        tally = export(here, out, quiet)
        out.seek(0)
        found = import_lines(there, out, quiet)

        assert (found.counts, found.checksum) == (tally.counts, tally.checksum)
        assert contents(there) == contents(here)
        assert not here.settings().frozen
        assert not there.settings().frozen

    def test_the_last_line_counts_all_others(self, here: Namespace) -> None:
        out = io.BytesIO()
        export(here, out, quiet)

        *lines, end = out.getvalue().splitlines()

        last = json.loads(end)
        assert last["kind"] == "end"
        assert sum(last["counts"].values()) == len(lines)
        assert last["counts"]["job"] == 250

    def test_it_is_frozen_while_it_is_exported(self, here: Namespace) -> None:
        def try_to_put(what: str, done: int, total: int | None) -> None:
            with pytest.raises(Frozen):
                here.put([NewJob("Crawl", queue="work")])

        export(here, io.BytesIO(), try_to_put)

        here.put([NewJob("Crawl", queue="work")])

    def test_what_was_frozen_before_stays_so(self, here: Namespace, tmp_path: Path) -> None:
        here.freeze()

        export(here, io.BytesIO(), quiet)
        export_to_file(here, tmp_path / "out", quiet)

        assert here.settings().frozen

    def test_a_live_one_is_not_frozen(self, here: Namespace, there: Namespace) -> None:
        def work(what: str, done: int, total: int | None) -> None:
            here.put([NewJob("Crawl", queue="work", jid=f"more-{done}", if_exists="keep")])
            here.pop(["work"], "bob", 5)

        out = io.BytesIO()
        tally = export(here, out, work, live=True)

        assert tally.jobs >= 250
        assert len(out.getvalue().splitlines()) == sum(tally.counts.values()) + 1

    def test_killed_anywhere_it_goes_on(self, here: Namespace, there: Namespace, tmp_path: Path) -> None:
        path, state = tmp_path / "out", tmp_path / "out.state"

        def once(calls: int) -> None:
            export_to_file(Faulty(here, calls), path, quiet, resume=state.exists())

        assert without_cuts(once) > 5

        assert not here.settings().frozen
        assert [each.name for each in tmp_path.iterdir()] == ["out"]
        with path.open("rb") as lines:
            import_lines(there, lines, quiet)
        assert contents(there) == contents(here)

    def test_what_goes_on_keeps_the_pages_that_are_whole(self, here: Namespace, tmp_path: Path) -> None:
        path, part = tmp_path / "out", tmp_path / "out.part"
        with pytest.raises(Gone):
            export_to_file(Faulty(here, 6), path, quiet)
        begin = part.read_bytes()
        assert begin
        with part.open("ab") as out:
            out.write(b'{"kind":"job","jid":"ha')
        told: list[int] = []

        export_to_file(here, path, lambda what, done, total: told.append(done), resume=True)

        assert told[0] > 100
        assert path.read_bytes().startswith(begin)

    def test_its_owner_alone_may_read_the_file(self, here: Namespace, tmp_path: Path) -> None:
        path = tmp_path / "out"
        for left in (path, tmp_path / "out.part"):
            left.touch(0o666)

        export_to_file(here, path, quiet)

        assert path.stat().st_mode & 0o777 == 0o600

    def test_an_export_that_was_begun_is_not_overwritten(self, here: Namespace, tmp_path: Path) -> None:
        with pytest.raises(Gone):
            export_to_file(Faulty(here, 6), tmp_path / "out", quiet)

        with pytest.raises(NotCopied, match="--resume"):
            export_to_file(here, tmp_path / "out", quiet)

    def test_nothing_goes_on_that_was_not_begun(self, here: Namespace, tmp_path: Path) -> None:
        with pytest.raises(NotCopied, match="--resume"):
            export_to_file(here, tmp_path / "out", quiet, resume=True)

    def test_another_namespace_does_not_go_on(self, here: Namespace, there: Namespace, tmp_path: Path) -> None:
        with pytest.raises(Gone):
            export_to_file(Faulty(here, 6), tmp_path / "out", quiet)
        there.pause("work")

        with pytest.raises(NotCopied, match="here"):
            export_to_file(there, tmp_path / "out", quiet, resume=True)

    def test_one_that_changed_in_between_is_told(self, here: Namespace, tmp_path: Path) -> None:
        with pytest.raises(Gone):
            export_to_file(Faulty(here, 6), tmp_path / "out", quiet)
        here.freeze(False)
        here.cancel(["job-020"])

        with pytest.raises(NotCopied, match="changed"):
            export_to_file(here, tmp_path / "out", quiet, resume=True)

        assert not (tmp_path / "out").exists()

    def test_a_namespace_that_is_not_there_is_not_exported(self, there: Namespace, tmp_path: Path) -> None:
        with pytest.raises(NotFound):
            export_to_file(there, tmp_path / "out", quiet)

        assert list(tmp_path.iterdir()) == []


class Pipe(io.BytesIO):
    """Bytes that can be read once."""

    def seekable(self) -> bool:
        return False


def let_in(request: Request) -> Identity:
    """Know everybody: another stand may keep a token in the same store."""
    return Identity("anybody", "admin")


class TestImports:
    @pytest.fixture
    def text(self, here: Namespace) -> bytes:
        out = io.BytesIO()
        export(here, out, quiet)
        return out.getvalue()

    @pytest.mark.parametrize("kind", [io.BytesIO, Pipe])
    def test_killed_anywhere_it_goes_on(
        self, here: Namespace, there: Namespace, text: bytes, kind: type[io.BytesIO]
    ) -> None:
        def once(calls: int) -> Tally:
            return import_lines(Faulty(there, calls), kind(text), quiet)

        assert without_cuts(once) > 5

        assert contents(there) == contents(here)
        assert not there.settings().frozen

    @pytest.mark.parametrize("kind", [io.BytesIO, Pipe])
    def test_what_is_read_in_pieces_is_the_same(
        self, here: Namespace, there: Namespace, text: bytes, kind: type[io.BytesIO], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("qless_flask.copying.imports.BATCH_BYTES", 1000)

        without_cuts(lambda calls: import_lines(Faulty(there, calls), kind(text), quiet))

        assert contents(there) == contents(here)

    def test_a_file_that_is_not_whole_changes_nothing(self, model: ModelBackend, there: Namespace, text: bytes) -> None:
        lines = text.splitlines(keepends=True)
        broken = [
            b"".join(lines[:-1]),
            b"".join(lines[:50] + lines[51:]),
            text.replace(b'"job-020"', b'"job-920"'),
            b"",
        ]

        for each in broken:
            with pytest.raises(NotCopied, match="not whole"):
                import_lines(there, io.BytesIO(each), quiet)

        assert model.namespaces() == ["here"]

    def test_a_line_that_is_no_record_is_told(self, model: ModelBackend, there: Namespace, text: bytes) -> None:
        lines = text.splitlines(keepends=True)

        for wrong in (b"what?\n", b"\n", b'{"kind":"queue","name":"a b"}\n', b"\xff\n"):
            with pytest.raises(Invalid) as caught:
                import_lines(there, io.BytesIO(b"".join([*lines[:6], wrong, *lines[6:]])), quiet)
            assert "line 7" in caught.value.fields

        assert model.namespaces() == ["here"]

    def test_a_pipe_that_broke_leaves_it_frozen_and_goes_on(
        self, here: Namespace, there: Namespace, text: bytes
    ) -> None:
        with pytest.raises(NotCopied, match="not whole"):
            import_lines(there, Pipe(b"".join(text.splitlines(keepends=True)[:-1])), quiet)
        assert there.settings().frozen

        import_lines(there, Pipe(text), quiet)

        assert contents(there) == contents(here)

    def test_what_is_not_empty_is_left_alone(self, there: Namespace, text: bytes) -> None:
        there.pause("mine")

        with pytest.raises(NotCopied, match="not empty"):
            import_lines(there, io.BytesIO(text), quiet)

        assert not there.settings().frozen

    def test_another_export_does_not_go_on(
        self, model: ModelBackend, there: Namespace, here: Namespace, text: bytes
    ) -> None:
        with pytest.raises(Gone):
            import_lines(Faulty(there, 6), io.BytesIO(text), quiet)
        here.put([NewJob("Crawl", queue="work")])
        out = io.BytesIO()
        export(here, out, quiet)
        out.seek(0)

        with pytest.raises(NotCopied, match="another copy"):
            import_lines(there, out, quiet)

    @pytest.mark.parametrize("name", ["sqlite", "valkey"])
    def test_an_export_over_http_is_read_too(self, stands: Callable[..., Stand], name: str) -> None:
        stand = stands(name)
        here, there = fresh(stand), fresh(stand)
        furnish(here, stand.clock)
        here.freeze()
        app = Flask("export")
        QlessFlask(app, backend=stand.backend, url_prefix="", authenticate=let_in)

        answer = app.test_client().get(f"/api/v1/namespaces/{here.name}/export")
        import_lines(there, io.BytesIO(answer.data), quiet)

        assert answer.status_code == 200
        assert contents(there) == contents(here)

    @pytest.mark.parametrize("name", ["sqlite", "valkey"])
    def test_an_export_is_taken_over_http_too(self, stands: Callable[..., Stand], name: str) -> None:
        stand = stands(name)
        here, there = fresh(stand), fresh(stand)
        furnish(here, stand.clock)
        there.freeze()
        out = io.BytesIO()
        export(here, out, quiet)
        app = Flask("import")
        QlessFlask(app, backend=stand.backend, url_prefix="", authenticate=let_in)

        answer = app.test_client().post(
            f"/api/v1/namespaces/{there.name}/import", data=out.getvalue(), content_type="application/x-ndjson"
        )

        assert answer.status_code == 200
        assert contents(there) == contents(here)


class TestCommands:
    @pytest.fixture
    def urls(self, tmp_path: Path) -> tuple[str, str]:
        """Two stores; in the first is a namespace with 3,000 jobs."""
        urls = f"sqlite:///{tmp_path / 'one.db'}", f"sqlite:///{tmp_path / 'two.db'}"
        with open_backend(urls[0]) as backend:
            for first in range(0, 3000, 1000):
                jobs = [NewJob("Crawl", queue="work", jid=f"{first + number}") for number in range(1000)]
                backend.namespace("default").put(jobs)
        return urls

    def type(self, *words: str, given: bytes | None = None) -> Result:
        return CliRunner().invoke(main, words, input=given, prog_name="qless-flask", env={"COLUMNS": "100"})

    def test_a_copy_says_what_is_frozen(self, urls: tuple[str, str]) -> None:
        result = self.type("copy", *urls)

        assert result.exit_code == 0, result.output
        assert "3,000 job" in result.stdout
        assert f"namespace default in {urls[0]} is frozen" in result.stderr
        assert "The source stays frozen" in result.stderr
        assert f"thaw --url {urls[0]} --namespace default" in result.stderr
        assert "copying default: 3,000 of 3,000 jobs" in result.stderr
        assert self.type("put", "work", "Crawl", "--url", urls[0]).exit_code == 1
        assert self.type("put", "work", "Crawl", "--url", urls[1]).exit_code == 0

    def test_a_secret_is_not_told(self) -> None:
        result = self.type("copy", "redis://ann:secret@localhost:1/0", "redis://ann:secret@localhost:1/0")

        assert result.exit_code == 1
        assert "secret" not in result.output

    def test_a_copy_under_another_name(self, urls: tuple[str, str]) -> None:
        result = self.type("copy", urls[0], urls[0], "--to-namespace", "second", "--thaw-source")

        assert result.exit_code == 0, result.output
        with open_backend(urls[0]) as backend:
            assert backend.namespaces() == ["default", "second"]
            assert not backend.namespace("default").settings().frozen
            assert contents(backend.namespace("second")) == contents(backend.namespace("default"))

    def test_a_copy_killed_in_the_middle_goes_on(self, urls: tuple[str, str]) -> None:
        command = [sys.executable, "-m", "qless_flask", "copy", *urls]
        killed = 0
        with open_backend(urls[1]) as backend:
            there = backend.namespace("default")
            for _ in range(10):
                process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                while process.poll() is None:
                    if sum(queue.waiting for queue in there.queues()) > 1000 * killed and killed < 3:
                        process.send_signal(signal.SIGKILL)
                        killed += 1
                        break
                    time.sleep(0.01)
                if process.wait(30) == 0:
                    break

        assert killed
        with open_backend(urls[0]) as one, open_backend(urls[1]) as two:
            assert contents(two.namespace("default")) == contents(one.namespace("default"))
            assert not two.namespace("default").settings().frozen

    def test_a_copy_that_is_done_again_says_that_it_was_done(self, urls: tuple[str, str]) -> None:
        self.type("put", "work", "Crawl", "--url", urls[0])
        assert self.type("copy", *urls).exit_code == 0

        result = self.type("copy", *urls)

        assert result.exit_code == 1
        assert "Error: namespace default was copied from there already, whole" in result.stderr
        assert "From now on" not in result.stderr

    def test_a_copy_that_cannot_be_says_why(self, urls: tuple[str, str]) -> None:
        self.type("put", "work", "Crawl", "--url", urls[1])

        result = self.type("copy", *urls)

        assert result.exit_code == 1
        assert "Error: namespace default is not empty" in result.stderr
        assert self.type("put", "work", "Crawl", "--url", urls[0]).exit_code == 0

    def test_an_export_into_a_file_is_imported(self, urls: tuple[str, str], tmp_path: Path) -> None:
        path = str(tmp_path / "jobs.ndjson")

        exported = self.type("export", path, "--url", urls[0])
        imported = self.type("import", path, "--url", urls[1])

        assert exported.exit_code == imported.exit_code == 0, exported.output + imported.output
        assert exported.stdout == ""
        checksum = json.loads(Path(path).read_bytes().splitlines()[-1])["checksum"]
        assert checksum in exported.stderr
        assert checksum in imported.stdout
        with open_backend(urls[0]) as one, open_backend(urls[1]) as two:
            assert contents(two.namespace("default")) == contents(one.namespace("default"))

    def test_an_export_goes_through_a_pipe(self, urls: tuple[str, str]) -> None:
        program = [sys.executable, "-m", "qless_flask"]
        with subprocess.Popen([*program, "export", "--url", urls[0]], stdout=subprocess.PIPE) as exporting:
            subprocess.run([*program, "import", "-", "--url", urls[1]], stdin=exporting.stdout, check=True, timeout=60)

        with open_backend(urls[0]) as one, open_backend(urls[1]) as two:
            assert contents(two.namespace("default")) == contents(one.namespace("default"))

    def test_the_standard_output_cannot_be_gone_on_with(self, urls: tuple[str, str]) -> None:
        assert self.type("export", "--resume", "--url", urls[0]).exit_code == 2

    def test_a_pipe_that_has_a_name_stays_a_pipe(self, urls: tuple[str, str], tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        command = [sys.executable, "-m", "qless_flask", "import", "-", "--url", urls[1]]
        with (
            subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reading,
            subprocess.Popen(command, stdin=reading.stdout) as importing,
        ):
            result = self.type("export", str(pipe), "--url", urls[0])
            assert importing.wait(60) == 0

        assert result.exit_code == 0, result.output
        assert pipe.is_fifo()
        with open_backend(urls[0]) as one, open_backend(urls[1]) as two:
            assert contents(two.namespace("default")) == contents(one.namespace("default"))

    def test_a_link_to_a_file_stays_a_link(self, urls: tuple[str, str], tmp_path: Path) -> None:
        link = tmp_path / "latest.ndjson"
        link.symlink_to(tmp_path / "monday.ndjson")

        result = self.type("export", str(link), "--url", urls[0])

        assert result.exit_code == 0, result.output
        assert link.is_symlink()
        assert (tmp_path / "monday.ndjson").read_bytes().count(b"\n") > 3000

    def test_a_file_that_cannot_be_read_or_written_is_told(self, urls: tuple[str, str], tmp_path: Path) -> None:
        nowhere = str(tmp_path / "nowhere" / "jobs.ndjson")

        exported = self.type("export", nowhere, "--url", urls[0])
        imported = self.type("import", nowhere, "--url", urls[1])

        assert exported.exit_code == 1
        assert "cannot be written: No such file" in exported.stderr
        assert imported.exit_code == 2
        assert "does not exist" in imported.stderr
        with open_backend(urls[0]) as backend:
            assert not backend.namespace("default").settings().frozen
