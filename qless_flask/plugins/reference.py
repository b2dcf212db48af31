"""The page about the hooks, docs/hooks.md, written from the hookspecs."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from qless_flask import hookspecs
from qless_flask.hookspecs import PROJECT, Hooks
from qless_flask.plugins.faults import ARGUMENTS, HOOKS

KINDS = ("RetryStrategy", "Policy", "TagTracker", "Codec")
WORK_WITH = ("Space", "Tracking", "GiveUp")


def reference() -> str:
    """Write the page, in Markdown."""
    return "\n".join(_page())


def _page() -> Iterator[str]:
    first, _, rest = _doc(hookspecs).partition("\n\n")
    yield "# Hooks"
    yield ""
    yield first
    yield ""
    yield "This page is written from the code: `qless-flask plugins --reference`."
    yield ""
    yield _with_fences(rest)
    yield ""
    yield "| hook | what for |"
    yield "|---|---|"
    for name in HOOKS:
        yield f"| [`{name}`](#{name}) | {_summary(_hook(name))} |"
    yield ""
    for name in HOOKS:
        yield from _section(name)
    yield "## What plugins offer"
    yield ""
    yield "These are the classes to derive from, in `qless_flask.hookspecs`."
    yield ""
    for name in KINDS:
        yield from _kind(name)
    yield "## What they work with"
    yield ""
    for name in WORK_WITH:
        yield from _kind(name)


def _section(name: str) -> Iterator[str]:
    doc = _doc(_hook(name))
    summary, _, rest = doc.partition("\n\n")
    arguments = [line for line in rest.splitlines() if _is_argument(name, line)]
    others = "\n".join(line for line in rest.splitlines() if not _is_argument(name, line)).strip()
    yield f"## {name}"
    yield ""
    yield f"`{name}{_signature(_hook(name))}`"
    yield ""
    yield " ".join(summary.split())
    yield ""
    for line in arguments:
        word, _, said = line.partition(": ")
        yield f"- `{word}`: {said}"
    if arguments:
        yield ""
    if others:
        yield others
        yield ""
    options = getattr(_hook(name), f"{PROJECT}_spec")
    if options["firstresult"]:
        yield "The plugins are asked one after the other, until one answers."
        yield ""


def _kind(name: str) -> Iterator[str]:
    kind = getattr(hookspecs, name)
    yield f"### {name}"
    yield ""
    yield _doc(kind)
    yield ""
    for word, annotation, said in _attributes(kind):
        yield f"- `{word}: {annotation}`: {said}"
    for word, function in vars(kind).items():
        if inspect.isfunction(function) and not word.startswith("_"):
            must = ", which it must have" if getattr(function, "__isabstractmethod__", False) else ""
            yield f"- `{word}{_signature(function)}`{must}: {' '.join(_doc(function).split())}"
    yield ""


def _attributes(kind: type) -> Iterator[tuple[str, str, str]]:
    """Read from its source the attributes that a class says something about."""
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    for attribute, following in pairwise(definition.body):
        if isinstance(attribute, ast.AnnAssign) and isinstance(following, ast.Expr):
            said = ast.literal_eval(following.value)
            yield ast.unparse(attribute.target), ast.unparse(attribute.annotation), " ".join(str(said).split())


def _is_argument(name: str, line: str) -> bool:
    return line.partition(":")[0] in ARGUMENTS[name]


def _hook(name: str) -> Callable[..., Any]:
    hook: Callable[..., Any] = getattr(Hooks, name)
    return hook


def _summary(function: Callable[..., Any]) -> str:
    return " ".join(_doc(function).partition("\n\n")[0].split())


def _signature(function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    without_self = signature.replace(parameters=list(signature.parameters.values())[1:])
    # The annotations are text: those of hookspecs are never evaluated.
    return str(without_self).replace("'", "").removesuffix(" -> None")


def _doc(thing: object) -> str:
    doc = inspect.getdoc(thing)
    assert doc is not None
    return doc


def _with_fences(text: str) -> str:
    """Turn indented code into fenced Python."""
    parts = []
    for part in text.split("\n\n"):
        code = part.startswith("    ")
        parts.append(f"```python\n{textwrap.dedent(part)}\n```" if code else part)
    return "\n\n".join(parts).replace("\n```\n\n```python\n", "\n\n")
