"""The log of a process of ours has a line for each thing, whatever names stand in it."""

from __future__ import annotations

import logging

from qless_flask.worker.logs import OneLine


def line_of(text: str) -> str:
    record = logging.LogRecord("qless_flask", logging.WARNING, __file__, 1, "GET %s failed", (text,), None)
    return OneLine("%(levelname)s %(message)s").format(record)


def test_nobody_writes_a_line_of_their_own() -> None:
    assert line_of("/x\n2026-11-24 INFO {}") == "WARNING GET /x\\n2026-11-24 INFO {} failed"


def test_nobody_steers_the_terminal_of_who_reads_it() -> None:
    assert line_of("\x1b[2J\x9b\u2028\u202e") == r"WARNING GET \x1b[2J\x9b\u2028\u202e failed"


def test_other_letters_stay_as_they_are() -> None:
    assert line_of("Grüße, 世界") == "WARNING GET Grüße, 世界 failed"


def test_a_traceback_keeps_its_lines() -> None:
    try:
        raise ValueError("boom")
    except ValueError as error:
        record = logging.LogRecord(
            "qless_flask", logging.ERROR, __file__, 1, "failed", None, (type(error), error, error.__traceback__)
        )

    assert OneLine("%(message)s").format(record).splitlines()[:2] == ["failed", "Traceback (most recent call last):"]
