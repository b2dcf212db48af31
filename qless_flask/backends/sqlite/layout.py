"""The layout of the file: made, and brought up to date, by the numbered migrations."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from importlib.resources import files

from qless_flask.backends.sqlite.connection import Location, roll_back
from qless_flask.backends.sqlite.statements import COMMIT, HAS_TABLES
from qless_flask.errors import BackendUnavailable


def prepare(connection: sqlite3.Connection, location: Location) -> None:
    """Bring the file to the layout that this code knows. Raise BackendUnavailable for one that it must not touch."""
    try:
        version = location.patiently(lambda: _version(connection))
        if version != len(_migrations()):
            location.patiently(lambda: _refuse_strangers(connection, location))
            # WAL is kept in the file: whoever finds it at the newest version finds it set.
            location.patiently(lambda: connection.execute("PRAGMA journal_mode = wal").fetchone())
            _migrate(connection, location)
    except sqlite3.Error as error:
        raise location.translated(error) from error


def _migrate(connection: sqlite3.Connection, location: Location) -> None:
    location.begin_write(connection)
    try:
        # Read again: another process may have been first.
        for number, script in list(enumerate(_migrations(), start=1))[_version(connection) :]:
            for statement in _statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute(COMMIT)
    finally:
        roll_back(connection)


def _refuse_strangers(connection: sqlite3.Connection, location: Location) -> None:
    version, known = _version(connection), len(_migrations())
    if version > known:
        raise BackendUnavailable(
            f"{location.path} was written by a newer qless-flask (layout {version}, this one knows {known}): "
            "upgrade this one, or open another file"
        )
    # The version is asked again: another process of ours may have made the tables meanwhile.
    if version == 0 and connection.execute(HAS_TABLES).fetchone() and _version(connection) == 0:
        raise BackendUnavailable(f"{location.path} is a database of another program: open another file")


def _version(connection: sqlite3.Connection) -> int:
    [version] = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _migrations() -> list[str]:
    scripts = (each for each in files(__package__).joinpath("migrations").iterdir() if each.name.endswith(".sql"))
    return [script.read_text(encoding="utf-8") for script in sorted(scripts, key=lambda each: each.name)]


def _statements(script: str) -> Iterator[str]:
    # Not executescript: it would commit the transaction that the whole migration is to be.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
