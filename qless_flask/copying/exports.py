"""Exports: a namespace as lines of JSON, one a record, and a last one with their counts and checksum.

A file is written beside its place (`FILE.part`, and in `FILE.state` how far it is whole), and put there at the end.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

import msgspec

from qless_flask.backends.base import Namespace
from qless_flask.copying.comparison import Report, count_jobs, differences, pages, tally_of
from qless_flask.copying.copy import check_known
from qless_flask.errors import NotCopied
from qless_flask.models import Actor, Tally, encode_record, read_record
from qless_flask.schemas.transfer import encode_end, is_end


class State(msgspec.Struct, frozen=True):
    """How far a file is whole."""

    namespace: str
    live: bool
    thaw: bool
    """The export froze the namespace, and is to thaw it."""
    size: int = 0
    cursor: str | None = None
    whole: bool = False
    """It only needs to be put into its place."""


def export(
    source: Namespace, out: IO[bytes], report: Report, *, live: bool = False, actor: Actor | None = None
) -> Tally:
    """Write a namespace, which is frozen meanwhile, unless `live`: then what is written may not be of one time."""
    check_known(source)
    thaw = not live and _freeze(source, actor)
    try:
        tally = Tally()
        _write(source, out, report, tally)
        _close(source, out, report, tally, live)
    finally:
        if thaw:
            source.freeze(False, actor=actor)
    return tally


def export_to_file(
    source: Namespace,
    path: Path,
    report: Report,
    *,
    live: bool = False,
    resume: bool = False,
    actor: Actor | None = None,
) -> Tally:
    """Write a namespace into a file; `resume` goes on where one was left. Raise NotCopied where there is none, or one.

    While an export that was left is not done the namespace stays frozen.
    """
    check_known(source)
    part, state_path = _beside(path, ".part"), _beside(path, ".state")
    state = _read_state(source, path, state_path, resume)
    if state is None:
        _create(part)
        state = State(source.name, live, thaw=not live and not source.settings().frozen)
        _write_state(state_path, state)
    tally = Tally()
    if not state.whole:
        if not state.live:
            source.freeze(actor=actor)
        with part.open("r+b") as out:
            _go_to(out, state, tally)
            _write(source, out, report, tally, state.cursor, partial(_note, state_path, state, out))
            _close(source, out, report, tally, state.live)
            os.fsync(out.fileno())
        _write_state(state_path, msgspec.structs.replace(state, whole=True))
    if part.exists():
        part.replace(path)
    if state.whole:
        with path.open("rb") as lines:
            tally.add(read_record(line) for line in lines if not is_end(line))
    if state.thaw:
        source.freeze(False, actor=actor)
    state_path.unlink()
    return tally


def _create(path: Path) -> None:
    """Make a file that its owner alone may read: secrets of a namespace's settings are to stand in it."""
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode=0o600))


def _note(path: Path, state: State, out: IO[bytes], cursor: str) -> None:
    _write_state(path, msgspec.structs.replace(state, size=out.tell(), cursor=cursor))


def _freeze(source: Namespace, actor: Actor | None) -> bool:
    """Freeze it, and tell whether it was not."""
    frozen = source.settings().frozen
    source.freeze(actor=actor)
    return not frozen


def _write(
    source: Namespace,
    out: IO[bytes],
    report: Report,
    tally: Tally,
    cursor: str | None = None,
    note: Callable[[str], None] | None = None,
) -> None:
    total = count_jobs(source)
    for page in pages(source, cursor):
        out.write(b"".join(encode_record(record) + b"\n" for record in tally.add(page.records)))
        out.flush()
        if note and page.next is not None:
            note(page.next)
        report(f"exporting {source.name}", tally.jobs, total)


def _close(source: Namespace, out: IO[bytes], report: Report, tally: Tally, live: bool) -> None:
    """Compare what was written with what is there still, which has not changed, and write the last line."""
    if not live:
        found = tally_of(source, f"reading {source.name} again", report)
        told = differences(tally, found.counts, found.checksum)
        if told:
            raise NotCopied(f"namespace {source.name} was changed while it was exported: {told}", subject=source.name)
    out.write(encode_end(tally) + b"\n")
    out.flush()


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _read_state(source: Namespace, path: Path, state_path: Path, resume: bool) -> State | None:
    if not state_path.exists():
        if resume:
            raise NotCopied(f"no export into {path} was begun and not ended: leave --resume out", subject=str(path))
        return None
    if not resume:
        raise NotCopied(
            f"an export into {path} was begun and not ended: go on with --resume, or delete {state_path}",
            subject=str(path),
        )
    state = msgspec.json.decode(state_path.read_bytes(), type=State)
    if state.namespace != source.name:
        raise NotCopied(f"{path} was to become an export of namespace {state.namespace}", subject=str(path))
    return state


def _write_state(path: Path, state: State) -> None:
    new = _beside(path, ".new")
    new.write_bytes(msgspec.json.encode(state))
    new.replace(path)


def _go_to(out: IO[bytes], state: State, tally: Tally) -> None:
    """Read up to where the file is whole, and cut off what is behind."""
    while out.tell() < state.size:
        line = out.readline()
        if not line.endswith(b"\n"):
            raise NotCopied("the beginning of the export is gone: delete it, and begin anew")
        tally.add([read_record(line)])
    out.truncate(state.size)
