"""What was typed into boxes: numbers, lists, back-offs; what is wrong with it is told by box."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from qless_flask.errors import Invalid
from qless_flask.models import Backoff

Faults = dict[str, list[str]]


def read_number(form: Mapping[str, str], name: str, kind: type[int] | type[float], faults: Faults) -> Any:
    """Read a number; None where the box is empty."""
    typed = form.get(name, "").strip()
    if not typed:
        return None
    try:
        return kind(typed)
    except ValueError:
        faults[name] = [f"{typed} is no {'whole ' if kind is int else ''}number"]
        return None


def read_backoff(form: Mapping[str, str], name: str, faults: Faults) -> Backoff | None:
    """Read a back-off, which is typed as JSON; None where the box is empty."""
    typed = form.get(name, "").strip()
    if not typed:
        return None
    try:
        told = json.loads(typed)
        if isinstance(told, dict):
            return Backoff.of(told)
        faults[name] = ["must be an object"]
    except (ValueError, RecursionError) as error:
        faults[name] = [f"is not JSON: {error}"]
    except Invalid as error:
        faults[name] = [f"{field}: {', '.join(said)}" for field, said in error.fields.items()]
    return None


def read_lines(form: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Read what stands one a line."""
    return tuple(line.strip() for line in form.get(name, "").splitlines() if line.strip())
