"""Clients by URL: one server, Sentinel or Cluster; and their errors, told as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import (
    AuthenticationError,
    ClusterDownError,
    ConnectionError,
    OutOfMemoryError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TimeoutError,
)
from redis.retry import Retry
from redis.sentinel import Sentinel

from qless_flask.backends.redis.faults import read_fault
from qless_flask.errors import BackendUnavailable, Internal, Invalid, QlessError

Client = redis.Redis | RedisCluster

_DEFAULT_PORT = 6379
_SENTINEL_PORT = 26379
_CONNECT_SECONDS = 3.0
_ANSWER_SECONDS = 10.0
# One for each thread that asks at once: their number bounds it, and a call refused for want of one would look like an
# outage.
_MOST_CONNECTIONS = 1 << 20
_NO_HOST = "names no host, or no port that can be; / ? # @ in a password must be written %2F %3F %23 %40"
# What a server says that is there, but cannot serve now.
_UNAVAILABLE = ("LOADING", "MASTERDOWN", "READONLY", "MISCONF", "NOREPLICAS", "BUSY", "CLUSTERDOWN", "TRYAGAIN")


def open_client(url: str) -> Client:
    """Open a client; it connects at its first command, but a Cluster's now. Raise Invalid for a URL of no server.

    redis+sentinel://[user:password@]host:port,host:port/service/db · redis+cluster://[user:password@]host:port,…
    """
    parts = urlsplit(url)
    if parts.scheme == "redis+sentinel":
        return _open_sentinel(parts)
    if parts.scheme == "redis+cluster":
        nodes = [ClusterNode(host, port) for host, port in _hosts(parts, _DEFAULT_PORT)]  # type: ignore[no-untyped-call]
        # It looks for its nodes at once.
        with told_as_ours():
            return RedisCluster(startup_nodes=nodes, **_login(parts), **_options(parts))  # type: ignore[arg-type]
    if parts.netloc.rpartition("@")[2]:
        _hosts(parts, _DEFAULT_PORT)
    try:
        return redis.Redis.from_url(url, **_options(None))
    except ValueError as error:
        raise Invalid.of({"url": [str(error)]}) from error


@contextmanager
def told_as_ours() -> Iterator[None]:
    """Turn a script's error into the class that its first word names, and a server's into BackendUnavailable."""
    try:
        yield
    except AuthenticationError as error:
        raise BackendUnavailable(f"the store refuses the password of its URL: {error}") from error
    except (ConnectionError, TimeoutError, ClusterDownError, RedisClusterException) as error:
        raise BackendUnavailable(f"the store cannot be reached now: {error}") from error
    except OutOfMemoryError as error:
        raise BackendUnavailable(f"the store is full: {error}") from error
    except ResponseError as error:
        raise _told(str(error)) from error
    except RedisError as error:
        raise BackendUnavailable(f"the store does not serve now: {error}") from error


def _told(message: str) -> QlessError:
    if message.startswith(_UNAVAILABLE):
        return BackendUnavailable(f"the store does not serve now: {message}")
    error = read_fault(message)
    return Internal(f"the store says: {message}") if error.code == "INTERNAL" else error


def _open_sentinel(parts: SplitResult) -> redis.Redis:
    service, _, database = parts.path.strip("/").partition("/")
    if not service:
        raise Invalid.of({"url": ["name the service: redis+sentinel://host:26379/service"]})
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        _hosts(parts, _SENTINEL_PORT),
        sentinel_kwargs={"socket_timeout": _CONNECT_SECONDS},
        **_options(parts),
    )
    client: redis.Redis = sentinel.master_for(service, db=int(database or 0), **_login(parts))  # type: ignore[no-untyped-call]
    return client


def _hosts(parts: SplitResult, default_port: int) -> list[tuple[str, int]]:
    listed = parts.netloc.rpartition("@")[2]
    hosts = []
    for item in listed.split(","):
        try:
            one = urlsplit(f"//{item}")
            host, port = one.hostname, one.port
        except ValueError:
            host, port = None, None
        if not host:
            # Not said which: it may be the beginning of a password.
            raise Invalid.of({"url": [_NO_HOST]})
        hosts.append((host, port or default_port))
    return hosts


def _login(parts: SplitResult) -> dict[str, str]:
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    login = {"username": unquote(user), "password": unquote(password)}
    return {name: value for name, value in login.items() if value}


def _options(parts: SplitResult | None) -> dict[str, object]:
    options: dict[str, object] = {
        "protocol": 2,
        "socket_connect_timeout": _CONNECT_SECONDS,
        "socket_timeout": _ANSWER_SECONDS,
        "socket_keepalive": True,
        "max_connections": _MOST_CONNECTIONS,
        # A move whose answer was lost may have happened: sending it again is for those who know that it is harmless.
        "retry": Retry(NoBackoff(), 0),
    }
    if parts is not None:
        options |= {name: value for name, value in parse_qsl(parts.query) if name in ("ssl", "client_name")}
    return options
