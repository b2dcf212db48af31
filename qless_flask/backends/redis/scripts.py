"""The scripts: composed from their files, loaded by hash, loaded again where a server has forgotten them."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import Protocol

from redis.exceptions import NoScriptError

from qless_flask.backends.redis.constants import CONSTANTS

Reply = bytes | int | None | list["Reply"]
Argument = str | bytes | int

_INCLUDE = re.compile(r"^( *)-- @include (\w+)\n", re.MULTILINE)
_CONSTANT = re.compile(r"^( *)-- @constant (\w+)\n", re.MULTILINE)
_INSIDE = re.compile(r"^( *)-- @inside\n((?:\1.*\n|\n)*)", re.MULTILINE)
_COMMENT = re.compile(r"^\s*--.*\n|\s+-- .*$", re.MULTILINE)
_FUNCTION = re.compile(
    r"^( *)(?:local function (?P<local>\w+)|(?P<later>\w+) = function)\([^)]*\)\n.*?^\1end\n", re.MULTILINE | re.DOTALL
)
_DECLARATION = re.compile(r"^ *local [\w, ]+\n", re.MULTILINE)
"""Names for what comes later: no use of them."""


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
    """Put a script together from its file and what it includes; return it with its SHA-1.

    A constant is taken from where all stores have it. Each part stands once, where it is first included: inside a
    function, it costs nothing until that is called.
    Functions that nothing calls are left out, since a script makes all of its functions anew at every call.
    """
    source = _without_unused(_COMMENT.sub("", _layered(_expand(name, set()))))
    return source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


def names() -> list[str]:
    """List the scripts there are."""
    folder = files(__package__) / "lua"
    return sorted(entry.name.removesuffix(".lua") for entry in folder.iterdir() if entry.name.endswith(".lua"))


def read(path: str) -> str:
    """Read a script, or a part of scripts (lib/…), as it stands in its file."""
    return (files(__package__) / "lua" / f"{path}.lua").read_text(encoding="utf-8")


def _expand(path: str, included: set[str]) -> str:
    text = read(path)

    def part(match: re.Match[str]) -> str:
        indent, library = match[1], match[2]
        if library in included:
            return ""
        included.add(library)
        return re.sub(r"^(?=.)", indent, _expand(f"lib/{library}", included), flags=re.MULTILINE)

    def constant(match: re.Match[str]) -> str:
        name = match[2]
        if name in included:
            return ""
        included.add(name)
        return f"{match[1]}local {name} = {CONSTANTS[name]}\n"

    return _CONSTANT.sub(constant, _INCLUDE.sub(part, text))


def _layered(source: str) -> str:
    """Put what follows `-- @inside` in its block into a function of its own.

    A function that takes up a local of the one around it looks for it among all that were taken up; one of a layer
    further out is at hand.
    """

    def layer(match: re.Match[str]) -> str:
        indent, block = match[1], re.sub(r"^(?=.)", "  ", _layered(match[2]), flags=re.MULTILINE)
        return f"{indent}local function inside()\n{block}{indent}end\n{indent}return inside()\n"

    return _INSIDE.sub(layer, source)


def _without_unused(source: str) -> str:
    owned: dict[str, str] = {}
    called, left = set[str](), [_split(source, owned)]
    while left:
        named = set(re.findall(r"\w+", left.pop())) & owned.keys() - called
        called |= named
        left += [owned[name] for name in named]
    return _only(source, called)


def _split(text: str, owned: dict[str, str]) -> str:
    """Enter what each function says itself, without those inside it; return what stands outside of all."""

    def take(match: re.Match[str]) -> str:
        head, rest = match[0].split("\n", 1)
        name = match["local"] or match["later"]
        own = head + _split(rest, owned)
        owned[name] = owned.get(name, "") + own
        return ""

    return _DECLARATION.sub("", _FUNCTION.sub(take, text))


def _only(text: str, called: set[str]) -> str:
    def keep(match: re.Match[str]) -> str:
        head, rest = match[0].split("\n", 1)
        return f"{head}\n{_only(rest, called)}" if (match["local"] or match["later"]) in called else ""

    return _FUNCTION.sub(keep, text)
