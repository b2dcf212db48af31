"""The file: where it is, and its environment, which all backends of a process on it share.

LMDB's locks belong to the process, so that a second environment on the same file would drop those of the first. And no
environment may live through a fork, used or not: a child that closed it would free the places of its parent's readers.
So it is closed before one and opened after it.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import lmdb

from qless_flask.errors import BackendUnavailable, Invalid

MAP_BYTES = 64 << 30
"""How large the file may become: address space, not memory or disk."""
MAX_READERS = 1_024


class Location(NamedTuple):
    """Where a file is, how large it may become, and whether a write is on the disk when it is answered."""

    path: str
    map_bytes: int = MAP_BYTES
    sync: bool = True

    @classmethod
    def of(cls, url: str) -> Location:
        """Read lmdb:///relative or lmdb:////absolute, with ?map_bytes=… and ?sync=off. Raise Invalid."""
        parts = urlsplit(url)
        path, options = unquote(parts.path)[1:], dict(parse_qsl(parts.query, keep_blank_values=True))
        size, sync = options.pop("map_bytes", str(MAP_BYTES)), options.pop("sync", "on")
        if parts.scheme != "lmdb" or parts.netloc or not path:
            raise _wrong("must be lmdb:///relative/path or lmdb:////absolute/path")
        if not (size.isascii() and size.isdigit() and int(size)) or sync not in ("on", "off") or options:
            raise _wrong("may have the options map_bytes (a number) and sync (on or off)")
        return cls(os.path.realpath(path), int(size), sync == "on")

    def open(self) -> lmdb.Environment:
        """Open it, made where it is not there yet."""
        environment = lmdb.open(
            self.path,
            subdir=False,
            map_size=self.map_bytes,
            max_readers=MAX_READERS,
            sync=self.sync,
            readahead=False,
        )
        # The slots of processes that were killed while they read: they would keep old pages from being used again.
        environment.reader_check()
        return environment


@dataclass(slots=True)
class _Shared:
    """An open environment, and for whom it is open."""

    environment: lmdb.Environment
    files: set[int] = field(default_factory=set)


class File:
    """A backend's hold on the environment of a file. Opened at its first use."""

    def __init__(self, location: Location) -> None:
        self.location = location
        self.start_anew()
        with _LOCK:
            _FILES.add(self)

    @contextmanager
    def environment(self) -> Iterator[lmdb.Environment]:
        """Use the environment, for a while. Raise BackendUnavailable for what LMDB complains of."""
        with self._changed:
            self._changed.wait_for(lambda: not self._paused)
            self._uses += 1
        try:
            yield _take(self)
        except lmdb.Error as error:
            raise BackendUnavailable(f"{self.location.path} cannot be used: {error}") from error
        finally:
            with self._changed:
                self._uses -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Let go of it, once nothing uses it."""
        with self._changed:
            self._changed.wait_for(lambda: not self._uses)
            _give_back(self)

    def pause(self) -> None:
        """Let go of it, and let all wait that would use it."""
        with self._changed:
            self._paused = True
            self._changed.wait_for(lambda: not self._uses)
            _give_back(self)

    def resume(self) -> None:
        """Let it be used again."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def start_anew(self) -> None:
        """Begin from nothing, in a forked child: other threads, and the locks they held, are not there."""
        self._changed = threading.Condition()
        self._paused = False
        self._uses = 0


# The one piece of state of this package that is not in an object of its user's: see above.
_LOCK = threading.Lock()
_SHARED: dict[str, _Shared] = {}
_FILES: weakref.WeakSet[File] = weakref.WeakSet()


def _take(file: File) -> lmdb.Environment:
    with _LOCK:
        shared = _SHARED.get(file.location.path)
        if shared is None:
            shared = _SHARED[file.location.path] = _Shared(file.location.open())
        shared.files.add(id(file))
        return shared.environment


def _give_back(file: File) -> None:
    with _LOCK:
        shared = _SHARED.get(file.location.path)
        if shared is None:
            return
        shared.files.discard(id(file))
        if not shared.files:
            shared.environment.close()
            del _SHARED[file.location.path]


def _before_fork() -> None:
    with _LOCK:
        files = list(_FILES)
    for file in files:
        file.pause()
    _LOCK.acquire()


def _after_fork() -> None:
    _LOCK.release()
    for file in list(_FILES):
        file.resume()


def _after_fork_in_child() -> None:
    _LOCK.release()
    for file in list(_FILES):
        file.start_anew()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)


def _wrong(why: str) -> Invalid:
    return Invalid.of({"url": [why]})
