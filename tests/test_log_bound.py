"""The log of transitions has a bound of its own, however young its entries are; here it is made small."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qless_flask.backends import open_backend
from qless_flask.backends.redis import scripts
from qless_flask.backends.redis.constants import CONSTANTS
from qless_flask.models import NewJob

BOUND = 10


@pytest.fixture(autouse=True)
def small_bound(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("qless_flask.backends.sqlite.prune.EVENT_ENTRIES", BOUND)
    monkeypatch.setitem(CONSTANTS, "EVENT_ENTRIES", str(BOUND))
    scripts.compose.cache_clear()
    yield
    scripts.compose.cache_clear()


@pytest.mark.parametrize("store", ["valkey", "sqlite"])
def test_prune_keeps_the_log_within_its_bound(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db" if store == "sqlite" else request.getfixturevalue("valkey_url")
    with open_backend(url) as backend:
        namespace = backend.namespace("bounded-log")
        for number in range(25):
            namespace.put([NewJob("Crawl", queue="fetch", jid=f"j{number}", if_exists="replace")])
        reader = namespace.events(limit=3).next

        namespace.prune()

        assert [event.jid for event in namespace.events().events] == [f"j{number}" for number in range(15, 25)]
        assert [event.event for event in namespace.events(reader, 2).events] == ["gap", "put"]
