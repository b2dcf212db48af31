"""The scripts: composed from their files, loaded by hash, loaded again where a server has forgotten them."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import Protocol

from redis.exceptions import NoScriptError

Reply = bytes | int | None | list["Reply"]
Argument = str | bytes | int

_INCLUDE = re.compile(r"^-- @include (\w+)\n", re.MULTILINE)
_COMMENT = re.compile(r"^\s*--.*\n|\s+-- .*$", re.MULTILINE)


class Connection(Protocol):
    """As much of a client as running a script needs; a cluster client finds the server by the key."""

    def execute_command(self, *args: Argument) -> Reply:
        """Send one command and read its reply."""


def run(connection: Connection, name: str, prefix: str, *arguments: Argument) -> Reply:
    """Run the script of an operation on the namespace that has this key prefix."""
    source, digest = compose(name)
    try:
        return connection.execute_command("EVALSHA", digest, 1, prefix, *arguments)
    except NoScriptError:
        # It has not run: a server says NOSCRIPT before it begins.
        return connection.execute_command("EVAL", source, 1, prefix, *arguments)


@cache
def compose(name: str) -> tuple[str, str]:
    """Put a script together from its file and what it includes, each part once; return it with its SHA-1."""
    source = _COMMENT.sub("", "\n".join(_parts(name, set())))
    return source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


def names() -> list[str]:
    """List the scripts there are."""
    folder = files(__package__) / "lua"
    return sorted(entry.name.removesuffix(".lua") for entry in folder.iterdir() if entry.name.endswith(".lua"))


def _parts(path: str, included: set[str]) -> list[str]:
    text = (files(__package__) / "lua" / f"{path}.lua").read_text(encoding="utf-8")
    parts: list[str] = []
    for library in _INCLUDE.findall(text):
        if library not in included:
            included.add(library)
            parts += _parts(f"lib/{library}", included)
    return [*parts, _INCLUDE.sub("", text)]
