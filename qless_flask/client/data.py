"""Python data to JSON text and back, and the one answer of a batch of one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from qless_flask.errors import QlessError

Answer = TypeVar("Answer")

Data = Any
"""Whatever has a form in JSON: dict, list, str, int of any size, float, bool, None."""

EMPTY: Final[dict[str, object]] = {}
"""The data of a job that was put without any."""

SAME: Final = object()
"""Stands for data that stays as it is, since None is data too."""


def dump(data: Data) -> str:
    """Write data as compact JSON text. Raise TypeError or ValueError for what has no form in JSON."""
    return _encode(data)


def dump_unless_same(data: Data) -> str | None:
    """Write data as JSON text, or answer None where it stays as it is."""
    return None if data is SAME else _encode(data)


def load(text: str | None) -> Data:
    """Read JSON text."""
    return None if text is None else json.loads(text)


def only(answers: Sequence[Answer | QlessError]) -> Answer:
    """Take the answer of a batch of one, and raise it if it is an error."""
    [answer] = answers
    if isinstance(answer, QlessError):
        raise answer
    return answer


# One encoder for all calls: json.dumps builds a new one each time it is given options.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
