"""The live stream of a namespace's figures, for scripts: Server-Sent Events or, where no thread is free, one look."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from flask import Response, request, stream_with_context

from qless_flask.errors import QlessError
from qless_flask.web.access import LOOK
from qless_flask.web.answers import answer
from qless_flask.web.current import current_service
from qless_flask.web.live import DOWN, SILENCE
from qless_flask.web.pages.queue_figures import live_values
from qless_flask.web.pages.views import PageViews
from qless_flask.web.service import current_namespace

views = PageViews("/namespaces/<namespace>")

BUSY_SECONDS = 30
"""When to try again where all places to wait in are taken; scripts look now and then until that."""
_STREAM = "text/event-stream"
_BEGIN = b"retry: 2000\n\n"


@views.get("/live", "queues")
def live_page() -> Response:
    """Stream the figures as they change."""
    service, name = current_service(), current_namespace().name
    # Whoever leaves this stack leaves the place: when the response is closed, however that comes.
    left = ExitStack()
    if not left.enter_context(service.places.take(request.is_multithread)):
        left.close()
        return Response(status=503, headers={"Retry-After": str(BUSY_SECONDS), "Cache-Control": "no-store"})
    events = service.live.listen(name, request.headers.get("Last-Event-ID"))
    left.callback(events.close)
    response = Response(
        stream_with_context(_allowed(events, name)), mimetype=_STREAM, headers={"Cache-Control": "no-store"}
    )
    # For nginx not to gather it.
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(left.close)
    return response


@views.get("/live/now", "queues")
def live_now_page() -> Response:
    """Tell all figures once."""
    overview = current_service().looker.overview(current_namespace().name)
    return answer(live_values(overview))


def _allowed(events: Iterator[bytes], namespace: str) -> Iterator[bytes]:
    """Hand events on for as long as whoever listens may: a token may be revoked, or expire, meanwhile."""
    yield _BEGIN
    for event in events:
        if event not in (SILENCE, DOWN) and not _may(namespace):
            return
        yield event


def _may(namespace: str) -> bool:
    access = current_service().access
    try:
        return access.may(access.identify(), LOOK, namespace)
    except QlessError:
        return False
