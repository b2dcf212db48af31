"""Rows of statistics: texts that no script reads, by the cursor up to which events are folded into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from qless_flask.backends.folding import Row
from qless_flask.backends.redis.scripts import Argument, Reply


def named(rows: Sequence[Row]) -> list[Argument]:
    """Write which rows are meant."""
    return [word for row in rows for word in row]


def with_texts(rows: Mapping[Row, str]) -> list[Argument]:
    """Write rows to set."""
    return [word for row, text in rows.items() for word in (*row, text)]


def read_rows(reply: Reply) -> tuple[str | None, list[str | None]]:
    """Read the cursor, and a text for each row asked for."""
    cursor, *texts = (text.decode() or None for text in cast("list[bytes]", reply))
    return cursor, texts
