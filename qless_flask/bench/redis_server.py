"""What a Redis server itself says: time inside scripts, and memory."""

from __future__ import annotations

import time
from typing import Any, cast

import redis


class Server:
    """A server to measure; everything on it is deleted between measurements."""

    def __init__(self, url: str) -> None:
        self.client = redis.Redis.from_url(url, protocol=2)
        # redis-py's types cannot tell its synchronous replies from its asynchronous ones.
        self._any = cast(Any, self.client)

    def wait(self) -> None:
        """Wait until the server answers. Raise redis.ConnectionError after ten seconds."""
        for _ in range(100):
            try:
                self._any.ping()
                return
            except redis.ConnectionError:
                time.sleep(0.1)
        self._any.ping()

    def clear(self) -> None:
        """Delete everything and begin to count anew."""
        # At once: what is freed later would be counted as free memory of the next measurement.
        self._any.execute_command("FLUSHALL", "SYNC")
        self._any.config_resetstat()

    def script_microseconds(self) -> float:
        """Time spent inside scripts since the last clear."""
        stats = self._any.info("commandstats")
        return float(sum(stats.get(f"cmdstat_{name}", {}).get("usec", 0) for name in ("evalsha", "eval")))

    def used_bytes(self) -> int:
        """Memory in use."""
        return int(self._any.info("memory")["used_memory"])

    def version(self) -> str:
        """Name and version of the server."""
        info = self._any.info("server")
        allocator = self._any.info("memory")["mem_allocator"]
        return f"{info.get('server_name', 'redis')} {info.get('valkey_version', info['redis_version'])} ({allocator})"
