"""The least that a Redis queue can do: a hash and a sorted set, no history, events, counters or checks."""

from __future__ import annotations

from typing import cast

import redis

from qless_flask.bench.life import BATCH, SMALL, Life
from qless_flask.models import new_jid

_PUT = """
for i = 1, #ARGV, 3 do
  redis.call('HSET', 'bare:job:' .. ARGV[i], 'data', ARGV[i + 1], 'state', 'waiting')
  redis.call('ZADD', 'bare:waiting', ARGV[i + 2], ARGV[i])
end
"""
_POP = """
local popped, jids = redis.call('ZPOPMIN', 'bare:waiting', ARGV[1]), {}
for i = 1, #popped, 2 do
  redis.call('HSET', 'bare:job:' .. popped[i], 'state', 'running', 'worker', ARGV[2])
  redis.call('ZADD', 'bare:leases', ARGV[3], popped[i])
  jids[#jids + 1] = popped[i]
end
return jids
"""
_COMPLETE = """
for i = 1, #ARGV do
  if redis.call('ZREM', 'bare:leases', ARGV[i]) == 1 then
    redis.call('HSET', 'bare:job:' .. ARGV[i], 'state', 'complete')
  end
end
"""


class BareQueue:
    """Three scripts with no care for anything."""

    def __init__(self, client: redis.Redis) -> None:
        self._put = client.register_script(_PUT)
        self._pop = client.register_script(_POP)
        self._complete = client.register_script(_COMPLETE)
        self._place = 0

    def lives(self) -> dict[str, Life]:
        """Name the ways in which jobs live here, as those of a namespace are named."""
        return {"singly": lambda count: self._live(count, 1), f"batches of {BATCH}": lambda n: self._live(n, BATCH)}

    def put_waiting(self, count: int, data: str, size: int = 1000) -> None:
        """Put jobs, to stay."""
        for start in range(0, count, size):
            arguments: list[str | int] = []
            for _ in range(min(size, count - start)):
                self._place += 1
                arguments += (new_jid(), data, self._place)
            self._put(args=arguments)

    def _live(self, count: int, size: int) -> None:
        self.put_waiting(count, SMALL, size)
        while popped := cast("list[bytes]", self._pop(args=[size, "bench", 1])):
            self._complete(args=popped)
