"""Every operation by its name, as the HTTP backend asks for it."""

from __future__ import annotations

from flask import Response, request

from qless_flask.errors import NotFound
from qless_flask.schemas.operations import OPERATIONS, Operation
from qless_flask.web.answers import answer
from qless_flask.web.guard import NAMED
from qless_flask.web.parsing import load_message
from qless_flask.web.service import perform
from qless_flask.web.views import Views

views = Views()


@views.post("/operations/<name>", NAMED)
def do_operation() -> Response:
    """Do one operation."""
    row = _operation()
    return answer(row.dump_answer(perform(row.name, **load_message(row.arguments))))


def _operation() -> Operation:
    name = (request.view_args or {})["name"]
    row = OPERATIONS.get(name)
    if row is None:
        raise NotFound(f"no operation {name}; there are {', '.join(OPERATIONS)}", subject=name)
    return row
