"""The Redis backend: one Lua script an operation, for Redis ≥ 6.2, Valkey and fakeredis[lua]."""

from qless_flask.backends.redis.engine import RedisBackend

__all__ = ["RedisBackend"]
