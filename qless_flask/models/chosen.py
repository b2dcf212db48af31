"""What is chosen by name, of all that plugins offer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qless_flask.bounds import MAX_RECORD_BYTES, Checks


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
        if not self.id and isinstance(self.name, str):
            object.__setattr__(self, "id", self.name)
        check.text("id", self.id)
        check.done()
        try:
            options = json.loads(self.options)
        except (TypeError, ValueError):
            options = None
        if not isinstance(options, dict):
            check.wrong("options", "must be the text of a JSON object")
        else:
            for name in ("name", "id"):
                if name in options:
                    check.wrong("options", f"must not have {name}")
            object.__setattr__(self, "options", dump_options(options))
            if len(self.options.encode(errors="replace")) > MAX_RECORD_BYTES:
                check.wrong("options", f"must be at most {MAX_RECORD_BYTES:,} bytes")
        check.done()

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
    """Write what something is told, so that the same is always the same text."""
    return json.dumps(options, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
