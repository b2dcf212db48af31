"""Where the file is, and what can be wrong with it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from qless_lmdb import LMDBBackend
from qless_lmdb.files import Location

from qless_flask.errors import BackendUnavailable, Invalid
from qless_flask.models import NewJob


@pytest.mark.parametrize(
    "url", ["lmdb://host/path", "lmdb:///", "lmdb:///a?map_bytes=0", "lmdb:///a?map_bytes=x", "lmdb:///a?sync=no"]
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        LMDBBackend(url)

    assert "url" in caught.value.fields


def test_a_path_may_be_relative_and_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert Location.of("lmdb:///a%20b.lmdb?map_bytes=4096") == Location(str(tmp_path / "a b.lmdb"), 4096, True)
    assert Location.of(f"lmdb:///{tmp_path}/c").path == str(tmp_path / "c")


def test_nothing_is_made_before_the_first_use(path: Path) -> None:
    with closing(LMDBBackend(f"lmdb:///{path}")) as backend:
        namespace = backend.namespace("shop")
        assert not path.exists()

        assert namespace.queues() == []

        assert path.exists()
        assert backend.namespaces() == []


def test_a_file_that_cannot_be_made_is_told_at_its_first_use(tmp_path: Path) -> None:
    with closing(LMDBBackend(f"lmdb:///{tmp_path}/no/such/folder")) as backend, pytest.raises(BackendUnavailable):
        backend.ping()


def test_a_full_file_is_told_and_nothing_has_happened(path: Path) -> None:
    with closing(LMDBBackend(f"lmdb:///{path}?map_bytes=409600")) as backend:
        namespace = backend.namespace("shop")
        namespace.put([NewJob("Crawl", queue="fetch", jid="a")])

        with pytest.raises(BackendUnavailable, match="MDB_MAP_FULL"):
            namespace.put([NewJob("Crawl", '"' + "x" * 900_000 + '"', queue="fetch", jid="b")])

        assert [queue.name for queue in namespace.queues()] == ["fetch"]
        assert namespace.get(["b"]) == [None]
        assert namespace.put([NewJob("Crawl", queue="fetch", jid="c")])[0].created


def test_two_of_a_process_share_the_file_and_one_may_close_it(path: Path) -> None:
    one = LMDBBackend(f"lmdb:///{path}")
    with closing(LMDBBackend(f"lmdb:///{path}")) as other:
        one.namespace("shop").put([NewJob("Crawl", queue="fetch", jid="a")])
        assert other.namespace("shop").get(["a"]) != [None]

        one.close()

        assert other.namespace("shop").get(["a"]) != [None]


def test_what_a_set_up_puts_at_risk_is_told(path: Path) -> None:
    with closing(LMDBBackend(f"lmdb:///{path}")) as safe:
        assert safe.ping() == []
    with closing(LMDBBackend(f"lmdb:///{path}?sync=off")) as fast:
        assert len(fast.ping()) == 1
