"""Outcomes of single items: what a list tells per item, an answer about one job tells by its status."""

from __future__ import annotations

from qless_flask.errors import QlessError


def only(outcome: object) -> object:
    """Return the outcome, or raise it if it is an error."""
    if isinstance(outcome, QlessError):
        raise outcome
    return outcome
