"""The filter box: `queue:fetch state:failed tag:"two words" since:2h timed out` as a Filter, and back."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from qless_flask.errors import Invalid
from qless_flask.models import Filter
from qless_flask.web.pages.moments import is_relative, read_moment, write_moment

TIMES = ("since", "until")
NAMES = ("state", "queue", "tag", "klass", "worker", "group", "key", "tracked", *TIMES)
"""What may stand before a colon, in the order in which it is written."""
_FLAGS = {"yes": True, "true": True, "no": False, "false": False}
_WORD = re.compile(r'((?:([A-Za-z_]+):)?(?:"((?:[^"\\]|\\.)*)"|(\S+)))')
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Sought:
    """What a filter box holds: the jobs asked for, and what is wrong with it, if anything is."""

    text: str
    """As it was typed; but for what was so long ago, if all else was right: that stays the same time then."""
    filter: Filter
    faults: tuple[str, ...] = ()


def read_filter(text: str, now: float | None = None) -> Sought:
    """Read a filter box. What it does not know it says, and seeks the rest."""
    values: dict[str, Any] = {}
    words: list[str] = []
    faults: list[str] = []
    for whole, name, quoted, plain in _WORD.findall(text):
        value = _ESCAPED.sub(r"\1", quoted) if plain == "" else plain
        name = name.lower()
        if name not in NAMES:
            if name and quoted == "" and name not in ("http", "https"):
                faults.append(f"{name}: is none of {', '.join(NAMES)}, so {whole} is sought as text")
            words.append(whole if name else value)
        elif name in values:
            faults.append(f"{name}: stands there twice, and a job has one; {whole} is left out")
        else:
            values[name] = value
    if words:
        values["q"] = " ".join(words)
    passing = any(is_relative(values.get(name, "")) for name in TIMES)
    filter = _made(values, faults, time.time() if now is None else now)
    return Sought(write_filter(filter) if passing and not faults else text, filter, tuple(faults))


def write_filter(filter: Filter) -> str:
    """Write a filter as its box holds it."""
    told = [f"{name}:{_quoted(_value(getattr(filter, name)))}" for name in NAMES if getattr(filter, name) is not None]
    return " ".join([*told, *([_as_text(filter.q)] if filter.q else [])])


def narrowed(filter: Filter, **more: Any) -> str:
    """Write a filter with more asked for, or with None less."""
    values: Mapping[str, Any] = {each.name: getattr(filter, each.name) for each in fields(filter)}
    return write_filter(Filter(**{**values, **more}))


def _made(values: dict[str, Any], faults: list[str], now: float) -> Filter:
    for name in [each for each in TIMES if each in values]:
        at = read_moment(values[name], now)
        if at is None:
            faults.append(
                f"{name}: is a time like 2026-11-24T10:00, in UTC, or 2h for two hours ago, not {values[name]}"
            )
            del values[name]
        else:
            values[name] = at
    if "tracked" in values:
        flag = _FLAGS.get(values["tracked"].lower())
        if flag is None:
            faults.append(f"tracked: is yes or no, not {values['tracked']}")
            del values["tracked"]
        else:
            values["tracked"] = flag
    try:
        return Filter(**values)
    except Invalid as error:
        faults.extend(f"{name}: {', '.join(said)}" for name, said in error.fields.items())
        return Filter(**{name: value for name, value in values.items() if name not in error.fields})


def _as_text(sought: str) -> str:
    """Write free text so that it is not taken for a filter."""
    return sought if read_filter(sought) == Sought(sought, Filter(q=sought)) else _always_quoted(sought)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return write_moment(value) if isinstance(value, (int, float)) else str(value)


def _quoted(value: str) -> str:
    if value and not re.search(r'[\s"\\]', value):
        return value
    return _always_quoted(value)


def _always_quoted(value: str) -> str:
    escaped = re.sub(r'(["\\])', r"\\\1", value)
    return f'"{escaped}"'
