"""All that a namespace holds, out and in, as lines of JSON."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from flask import Response

from qless_flask.backends.base import Namespace
from qless_flask.bounds import MAX_BATCH
from qless_flask.errors import QlessError
from qless_flask.models import Dumped, Tally, check_records, encode_record
from qless_flask.schemas import wire
from qless_flask.schemas.operations import NoArguments
from qless_flask.schemas.problems import dump_problem
from qless_flask.schemas.transfer import encode_end
from qless_flask.web.answers import answer, lines
from qless_flask.web.audit import note
from qless_flask.web.parsing import load_query, load_records
from qless_flask.web.service import current_namespace, perform
from qless_flask.web.views import Views

PAGE = 100
"""How many records are read at once: a job may be long, and a page is in memory whole."""

views = Views()

logger = logging.getLogger("qless_flask")


@views.get("/export", "dump")
def export() -> Response:
    """Write a record a line, then counts and checksum; without that last line it is not whole."""
    load_query(_NO_QUERY)
    namespace = current_namespace()
    # The first page comes before the answer begins, so that what cannot be begun is told by the status.
    first = namespace.dump(limit=PAGE)
    note("dump", namespace.name, {})
    return lines(_exported(namespace, first))


@views.post("/import", "load")
def load_() -> Response:
    """Load records, a thousand at a time, once all of them are known to be right."""
    records = load_records()
    check_records(records)
    batches = [records[first : first + MAX_BATCH] for first in range(0, len(records), MAX_BATCH)]
    return answer({"loaded": sum(perform("load", records=batch) for batch in batches)})


def _exported(namespace: Namespace, page: Dumped) -> Iterator[bytes]:
    tally = Tally()
    try:
        while True:
            # A job may stand in several pages; of the lines it has one.
            yield from (encode_record(record) + b"\n" for record in tally.add(page.records))
            if page.next is None:
                break
            page = namespace.dump(page.next, PAGE)
    except QlessError as error:
        # The status is out: it is told where the end would stand.
        logger.warning("export of %s: %s", namespace.name, error.message)
        yield wire.encode({"kind": "problem", **dump_problem(type(error)())}) + b"\n"
        return
    yield encode_end(tally) + b"\n"


_NO_QUERY = NoArguments()
