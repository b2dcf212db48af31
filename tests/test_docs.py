"""What the pages of docs/ tell their readers to write and to type is written and typed, and what comes of it seen."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from installed import CHECKOUT, Environment, build_wheel, free_port, run

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"`([\w./-]+\.\w+)`:\s*$")
PORT = "5000"


@dataclass(frozen=True)
class Block:
    """A block of a page: a file to write (it is named just before), commands to type, or what they print."""

    language: str
    text: str
    file_name: str | None


def blocks_of(page: str) -> Iterator[Block]:
    """List the blocks of a page; `console` is for people alone."""
    for fence in FENCE.finditer(page):
        named = FILE_NAME.search(page[: fence.start()])
        yield Block(fence[1], fence[2], named[1] if named else None)


class Reader:
    """Does what a page says, from top to bottom."""

    def __init__(self, environment: Environment, folder: Path, stack: ExitStack) -> None:
        self._environment = environment
        self._folder = folder
        self._stack = stack
        self._port = free_port()
        self._variables = {"PATH": f"{tools(environment)}:{environment.folder}/bin:/usr/bin:/bin"}
        self.printed = ""
        """By the commands of the last block."""

    def follow(self, block: Block) -> None:
        if block.file_name is not None:
            (self._folder / block.file_name).write_text(block.text)
        elif block.language == "sh":
            self._type(block.text.replace(PORT, str(self._port)))
        elif block.language == "text":
            for line in block.text.splitlines():
                expected = r"[^\n]*?".join(re.escape(part.strip()) for part in line.split("…"))
                assert re.search(expected, self.printed), f"{line!r} is not in:\n{self.printed}"
        else:
            assert block.language == "console", f"a block of {block.language} without the name of its file"

    def _type(self, commands: str) -> None:
        if commands.startswith("qless-flask serve"):
            url = f"sqlite:///{self._folder}/qless.db"
            self._stack.enter_context(self._environment.serving(url, port=self._port))
            return
        self.printed = run("bash", "-euc", commands, variables=self._variables, cwd=self._folder)
        for name, value in re.findall(r"^export (\w+)=(\S+)$", commands, re.MULTILINE):
            self._variables[name] = value


def tools(environment: Environment) -> Path:
    """Make a pip for the environment that fetches nothing: all is there already."""
    folder = environment.folder / "tools"
    folder.mkdir(exist_ok=True)
    pip = f"{sys.executable} -m pip --python {environment.folder}/bin/python"
    flags = "--quiet --no-index --no-deps --no-build-isolation"
    (folder / "pip").write_text(f'#!/bin/sh\ncommand=$1\nshift\nexec {pip} "$command" {flags} "$@"\n')
    (folder / "pytest").write_text(f'#!/bin/sh\nexec {environment.folder}/bin/python -m pytest "$@"\n')
    for tool in folder.iterdir():
        tool.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    wheel = build_wheel(CHECKOUT, tmp_path_factory.mktemp("wheels"))
    return Environment(tmp_path_factory.mktemp("environment"), wheel)


@pytest.mark.timeout(300)
def test_from_nothing_to_a_published_plugin(environment: Environment, tmp_path: Path) -> None:
    with ExitStack() as stack:
        reader = Reader(environment, tmp_path, stack)

        for block in blocks_of((CHECKOUT / "docs" / "plugins.md").read_text()):
            reader.follow(block)

        # The letter of the page has gone through all that the page has built.
        assert "owner:ann" in run(
            str(environment.folder / "bin" / "qless-flask"), "job", "letter", "--url", f"sqlite:///{tmp_path}/qless.db"
        )


@pytest.mark.parametrize("page", sorted((CHECKOUT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_no_link_leads_nowhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []
