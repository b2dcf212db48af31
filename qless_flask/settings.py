"""How a server is set up: given once, frozen; nothing is read from the environment at import."""

from __future__ import annotations

from dataclasses import dataclass

from qless_flask.bounds import MAX_DATA_BYTES, Checks

DEFAULT_URL = "sqlite:///qless.db"

_MOST = 1 << 40


@dataclass(frozen=True, slots=True)
class Settings:
    """What a mounted qless-flask goes by."""

    url: str = DEFAULT_URL
    """The store; see `qless_flask.backends.open_backend`."""
    max_body_bytes: int = 16 << 20
    """The longest request body that is read; a longer one is answered 413."""
    max_data_bytes: int = MAX_DATA_BYTES
    """How long the data of one job may be; more is answered 413."""
    max_waits: int = 4
    """How many long-polls may wait at once in one process; the polls beyond that are answered early and empty.

    Each that waits holds a thread of the server. Give it the threads of one process less those that short requests need
    (three quarters of the threads is a good start, and 0 with a single thread), or polls starve everything else.
    """

    def __post_init__(self) -> None:
        check = Checks()
        check.integer("max_body_bytes", self.max_body_bytes, 1, _MOST)
        check.integer("max_data_bytes", self.max_data_bytes, 1, _MOST)
        check.integer("max_waits", self.max_waits, 0, _MOST)
        check.done()
