"""The full-text index of the crawled pages: one SQLite table, in a file of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from qless_flask.errors import Invalid, NotFound

BUSY_SECONDS = 30.0

_CREATE = "CREATE VIRTUAL TABLE IF NOT EXISTS page USING fts5 (link UNINDEXED, title, text)"
_ADD = "INSERT OR REPLACE INTO page (rowid, link, title, text) VALUES (?, ?, ?, ?)"
_COUNT = "SELECT count(*) FROM page"
_LINKS = "SELECT link FROM page ORDER BY link"
# A word in the title counts for ten in the text.
_SEARCH = """
SELECT link, title, snippet(page, 2, '', '', '…', 12)
FROM page
WHERE page MATCH ?
ORDER BY bm25(page, 0.0, 10.0, 1.0)
LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Hit:
    """A page that has the words, and some of its text around them."""

    link: str
    title: str
    excerpt: str


class Index:
    """The index in a file. Each call opens it anew, so threads and processes may share one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> None:
        """Make the file and its table where they are not there yet. Raise Invalid where no file can be made."""
        try:
            with self._open() as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(_CREATE)
        except sqlite3.Error as error:
            raise Invalid(f"no index can be kept in {self.path}: {error}") from error

    def add(self, link: str, title: str, text: str) -> None:
        """Add a page, or replace it: a job that runs twice leaves one entry."""
        with self._open() as connection:
            connection.execute(_ADD, (_row_number(link), link, title, text))

    def count(self) -> int:
        """Count the pages."""
        if not self.path.exists():
            return 0
        with self._open() as connection:
            return int(connection.execute(_COUNT).fetchone()[0])

    def links(self) -> list[str]:
        """List the pages by their links."""
        with self._open() as connection:
            return [link for (link,) in connection.execute(_LINKS)]

    def search(self, words: str, limit: int = 10) -> list[Hit]:
        """Find the pages that have all the words, the best first. Raise NotFound where nothing was indexed yet."""
        if not self.path.exists():
            raise NotFound(f"no index at {self.path}: crawl first, with qless-flask demo")
        # Quoted, so that what a person types is words and not FTS5's query language.
        quoted = " ".join('"{}"'.format(word.replace('"', '""')) for word in words.split())
        if not quoted:
            return []
        with self._open() as connection:
            return [Hit(*row) for row in connection.execute(_SEARCH, (quoted, limit))]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            # What a killed process has committed stays; only a machine that falls may lose the last pages.
            connection.execute("PRAGMA synchronous = NORMAL")
            yield connection
        finally:
            connection.close()


def _row_number(link: str) -> int:
    # An FTS5 table is unique by row number alone.
    return int.from_bytes(blake2b(link.encode(), digest_size=8).digest(), signed=True)
