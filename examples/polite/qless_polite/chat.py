"""The tag tracker `chat`: say in a chat which jobs failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from qless_flask.bounds import Checks
from qless_flask.hookspecs import GiveUp, TagTracker, Tracking
from qless_flask.models import Event

TIMEOUT_SECONDS = 10.0
MAX_URL_LETTERS = 2_000


@dataclass(frozen=True)
class Chat(TagTracker):
    """Post `{"text": …}` to `url`, an incoming webhook, for each job that failed and has one of the `tags`."""

    tags: Sequence[str]
    url: str = field(metadata={"secret": True})
    """Who knows it may post: it is not shown to those who read the settings."""

    def __post_init__(self) -> None:
        check = Checks()
        check.texts("tags", self.tags, least=1, most=100)
        if not isinstance(self.url, str) or not self.url.startswith(("http://", "https://")):
            check.wrong("url", "must be an address of http or https")
        elif len(self.url) > MAX_URL_LETTERS:
            check.wrong("url", f"must be at most {MAX_URL_LETTERS:,} letters")
        check.done()

    def told(self, tracking: Tracking, events: Sequence[Event]) -> None:
        """Have each failure posted later: the chat may be down, and others are not to wait for it."""
        for event in events:
            if event.state == "failed" and event.jid is not None:
                text = f"{event.klass or 'Job'} {event.jid} failed in {event.queue} ({event.group})"
                # One message a transition, however often this is told of it.
                tracking.later({"text": text}, key=event.cursor)

    def perform(self, tracking: Tracking, data: Mapping[str, Any]) -> None:
        """Post it; what goes wrong is tried again, like any job, unless the chat is gone."""
        answer = httpx.post(self.url, json=dict(data), timeout=TIMEOUT_SECONDS)
        if answer.status_code == httpx.codes.GONE:
            raise GiveUp("chat-gone", "this chat is no longer there")
        answer.raise_for_status()
