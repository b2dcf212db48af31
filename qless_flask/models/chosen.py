"""What is chosen by name, of all that plugins offer."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qless_flask.bounds import MAX_RECORD_BYTES, Checks, is_utf8
from qless_flask.errors import Invalid

MAX_DEPTH = 32
"""How deep options may be nested."""
MAX_WHOLE = (1 << 53) - 1
"""Up to here every language tells whole numbers apart."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A policy or tracker that a namespace has, and what it is told.

    In JSON it is one object: `{"name": "allow_list", "klasses": ["Crawl"]}`. Whether there is one of that name, and
    whether it takes these options, only who has the plugins can tell.
    """

    name: str
    options: str = "{}"
    """What it is told, as the text of a JSON object: as short as can be, with sorted names."""
    id: str = ""
    """What it is called, where a namespace has two of one name; without one it is called by its name."""

    def __post_init__(self) -> None:
        check = Checks()
        check.text("name", self.name)
        if self.id:
            check.text("id", self.id)
        else:
            object.__setattr__(self, "id", self.name)
        options = checked_options(check, self.options, ("name", "id"), MAX_RECORD_BYTES)
        check.done()
        object.__setattr__(self, "options", options)

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Chosen:
        """Build one from the object that it is in JSON."""
        options = {name: value for name, value in message.items() if name not in ("name", "id")}
        return cls(message.get("name", ""), dump_options(options), message.get("id") or "")

    def as_message(self) -> dict[str, Any]:
        """Write it as it stands in JSON."""
        own = {} if self.id == self.name else {"id": self.id}
        return {"name": self.name, **own, **json.loads(self.options)}


def dump_options(options: Mapping[str, Any]) -> str:
    """Write what something is told, so that the same is always the same text. Raise Invalid for what is no JSON."""
    why = next(_faults(options, MAX_DEPTH), None)
    if why:
        raise Invalid.of({"options": [why]})
    return json.dumps(whole(options), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def checked_options(check: Checks, text: object, taken: tuple[str, ...], most: int) -> str:
    """Write options anew, as `dump_options` does; what is wrong with them is told to `check`.

    `taken` are the names that stand beside them in JSON; `most` is how many bytes they may be.
    """
    try:
        options = json.loads(text)  # type: ignore[arg-type]
        written = dump_options(options) if isinstance(options, dict) else None
    except Invalid as error:
        for said in error.fields.values():
            check.wrong("options", " ".join(said))
        return "{}"
    except (TypeError, ValueError, RecursionError):
        written = None
    if written is None:
        check.wrong("options", "must be the text of a JSON object")
        return "{}"
    for name in taken:
        if name in options:
            check.wrong("options", f"must not have {name}")
    if len(written.encode()) > most:
        check.wrong("options", f"must be at most {most:,} bytes")
    return written


def whole(value: Any) -> Any:
    """Let numbers that can come as 60 or as 60.0 stand as 60, all through a JSON value."""
    if isinstance(value, Mapping):
        return {name: whole(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= MAX_WHOLE else value


def _faults(value: object, depth: int) -> Iterator[str]:
    """Tell what keeps a value from being JSON that every store and every language keeps as it is."""
    if isinstance(value, (Mapping, list, tuple)):
        if not depth:
            yield f"must be nested at most {MAX_DEPTH} deep"
            return
        if isinstance(value, Mapping):
            if not all(isinstance(name, str) and is_utf8(name) for name in value):
                yield "must have names that are text"
            value = list(value.values())
        for each in value:
            yield from _faults(each, depth - 1)
    elif isinstance(value, str):
        if not is_utf8(value):
            yield "must have no half surrogate pairs"
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield "must have no numbers that JSON has not"
    elif isinstance(value, int):
        if abs(value) > MAX_WHOLE:
            yield f"must have no whole numbers over {MAX_WHOLE}"
    elif value is not None:
        yield f"must be JSON, which has nothing like {type(value).__name__}"
