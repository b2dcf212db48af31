"""Imports: the lines of an export read back into a namespace."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from typing import IO

import msgspec

from qless_flask.backends.base import Namespace
from qless_flask.bounds import MAX_BATCH
from qless_flask.copying.comparison import Report, differences
from qless_flask.copying.landing import Landing
from qless_flask.errors import Invalid, NotCopied
from qless_flask.models import Actor, AnyRecord, Tally, check_records, encode_record, read_record
from qless_flask.schemas.transfer import End

BATCH_BYTES = 4 << 20
"""How long the lines are that are loaded together, about."""


def import_lines(target: Namespace, lines: IO[bytes], report: Report, *, actor: Actor | None = None) -> Tally:
    """Load an export into a namespace that is unknown or empty; killed and done again, it goes on.

    A file is read through first, so that one that is not whole changes nothing. The namespace is frozen meanwhile; at
    the end it is read once more and compared with the last line of the export, then thawed. Raise NotCopied where it is
    not empty, the export is not whole, or what is there at the end is another: then it stays frozen. Invalid for a
    record that is none.
    """
    end = _look_through(lines, report) if lines.seekable() else None
    reader = _Reader(lines)
    batches = reader.batches()
    first = next(batches, [])
    landing = Landing(target, f"import {end.checksum if end else _digest(first)}", actor)
    landing.begin()
    tally, loaded = Tally(), int(landing.cursor or 0)
    for batch in itertools.chain([first], batches):
        counting = tally.add(batch)
        if reader.number > loaded and not landing.is_loaded:
            landing.load(counting, str(reader.number))
        report(f"importing {target.name}", tally.jobs, end.counts.get("job", 0) if end else None)
    if not landing.is_loaded:
        _check_whole(tally, reader.end)
        landing.load([], None)
    landing.finish(tally.counts, tally.checksum, report)
    return tally


class _Reader:
    """Reads the lines of an export in batches that can be loaded."""

    def __init__(self, lines: IO[bytes]) -> None:
        self._lines = lines
        self.number = 0
        """Of the last line of the batch that was read last, counted from 1."""
        self.end: End | None = None

    def batches(self) -> Iterator[list[AnyRecord]]:
        """Read on to the last line. Raise Invalid, with the number of the line, for what is no record."""
        batch: list[AnyRecord] = []
        size, number = 0, 0
        for line in self._lines:
            number += 1
            self.end = _read_end(line)
            if self.end:
                break
            batch.append(_read(line, number))
            size += len(line)
            if len(batch) == MAX_BATCH or size >= BATCH_BYTES:
                self.number = number
                yield batch
                batch, size = [], 0
        if batch:
            self.number = number
            yield batch


def _look_through(lines: IO[bytes], report: Report) -> End:
    """Read an export without loading it, and go back to its beginning."""
    begin, reader, tally = lines.tell(), _Reader(lines), Tally()
    for batch in reader.batches():
        tally.add(batch)
        report("looking the export through", tally.jobs, None)
    lines.seek(begin)
    return _check_whole(tally, reader.end)


def _check_whole(tally: Tally, end: End | None) -> End:
    told = differences(tally, end.counts, end.checksum) if end else "its last line, which counts them, is missing"
    if end is None or told:
        raise NotCopied(f"the export is not whole: {told}")
    return end


def _read(line: bytes, number: int) -> AnyRecord:
    try:
        record = read_record(line)
        check_records([record])
    except Invalid as error:
        said = "; ".join(f"{name.removeprefix('records.0.')}: {' '.join(each)}" for name, each in error.fields.items())
        raise Invalid.of({f"line {number}": [said]}) from error
    return record


def _read_end(line: bytes) -> End | None:
    # Few lines are even looked at: most have the word further behind, or not at all.
    if b'"end"' not in line[:40]:
        return None
    try:
        return msgspec.json.decode(line, type=End)
    except msgspec.MsgspecError:
        return None


def _digest(records: Iterable[AnyRecord]) -> str:
    return hashlib.blake2b(b"".join(map(encode_record, records)), digest_size=8).hexdigest()
