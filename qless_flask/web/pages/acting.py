"""What forms do: the action, then back to the page with a message, or the page again with what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Response, request

from qless_flask.errors import QlessError
from qless_flask.web.answers import is_fault
from qless_flask.web.pages.addresses import go, is_ours
from qless_flask.web.pages.messages import leave

T = TypeVar("T")


def act(
    do: Callable[[], T],
    *,
    back: str | Callable[[T], str],
    said: str | Callable[[T], str],
    again: Callable[[QlessError], Response],
) -> Response:
    """Do something, and lead back (to the form's `back`, if it has one of ours) with a message of what was done.

    What cannot be done is told by `again`: the page where the form stood, with the error. Faults are the guard's.
    """
    try:
        done = do()
    except QlessError as error:
        if is_fault(error):
            raise
        return again(error)
    told = request.form.get("back", "")
    response = go(told if is_ours(told) else back if isinstance(back, str) else back(done))
    leave(response, said if isinstance(said, str) else said(done))
    return response
