"""Tells a server of one's own what happens to jobs, by HTTP.

{"name": "webhook", "tags": ["order-*"], "url": "https://example.com/hook", "secret": "whsec_…", "when": "ended"}

It posts JSON, `{"type": "tag.ended", "timestamp": "2026-11-24T10:00:00Z", "data": {…}}`, signed as Standard Webhooks
says (github.com/standard-webhooks/standard-webhooks, version 1), from the queue `qless:trackers`: any answer of the
200s is success, 410 gives up (group `webhook-gone`), and all else is tried again as that queue says.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from qless_flask.bounds import Checks, fitted
from qless_flask.hookspecs import GiveUp, TagTracker, Tracking
from qless_flask.models import JOB_EVENTS, Event
from qless_flask.plugins.trackers.ended import EndedTags
from qless_flask.plugins.trackers.telling import check_tags, event_message

TIMEOUT_SECONDS = 10.0
GONE = "webhook-gone"
"""The group of messages that the server will never take."""
ENDED = "ended"
EVERY = "every"

_PREFIX = "whsec_"
_MAX_URL = 2_000
_WHEN = f"must be {ENDED}, {EVERY} or a list of events"


@dataclass(frozen=True)
class Webhook(TagTracker):
    """Post what happens to a URL: when the last job of a tag has ended, every event, or those named."""

    tags: Sequence[str]
    url: str = field(repr=False, metadata={"secret": "url"})
    """Where to. Who reads the settings is shown its host alone: whoever knows the rest may post there too."""
    secret: str | None = field(default=None, repr=False, metadata={"secret": True})
    """`whsec_` and the Base64 of 24 to 64 random bytes; without one, messages are not signed."""
    when: str | Sequence[str] = ENDED
    """`ended`: once no job of a tag is scheduled, depends, waits or runs any more; `every` event; or the names of some.
    """

    def __post_init__(self) -> None:
        check = Checks()
        object.__setattr__(self, "tags", check_tags(check, self.tags))
        if not _is_url(self.url):
            check.wrong("url", "must be an http or https URL")
        if self.secret is not None and _key(self.secret) is None:
            check.wrong("secret", f"must be {_PREFIX} and the Base64 of 24 to 64 random bytes")
        if isinstance(self.when, str):
            if self.when not in (ENDED, EVERY):
                check.wrong("when", _WHEN)
        elif isinstance(self.when, (tuple, list)):
            for index, name in enumerate(self.when):
                check.one_of(f"when.{index}", name, JOB_EVENTS)
            object.__setattr__(self, "when", tuple(self.when))
        else:
            check.wrong("when", _WHEN)
        check.done()

    def told(self, tracking: Tracking, events: Sequence[Event]) -> None:
        if self.when == ENDED:
            self._told_of_ends(tracking, events)
            return
        for event in events:
            if self.when == EVERY or event.event in self.when:
                kind = "events.gap" if event.event == "gap" else f"job.{event.event}"
                self._send(tracking, kind, event.at, event_message(event), key=event.cursor)

    def perform(self, tracking: Tracking, data: Mapping[str, Any]) -> None:
        # Not before it is needed: who only puts jobs has these plugins too.
        import httpx

        body = json.dumps(data["body"], ensure_ascii=False, separators=(",", ":")).encode()
        # Of this try, so that who takes no old messages takes one that was tried for days.
        at = int(time.time())
        headers = {
            "content-type": "application/json",
            "user-agent": "qless-flask",
            "webhook-id": data["id"],
            "webhook-timestamp": str(at),
        }
        if self.secret is not None:
            headers["webhook-signature"] = signature(self.secret, data["id"], at, body)
        host = urllib.parse.urlsplit(self.url).hostname
        try:
            # What it says beside its status is not read: it may be endless.
            with httpx.stream(
                "POST", self.url, content=body, headers=headers, timeout=TIMEOUT_SECONDS, follow_redirects=False
            ) as response:
                status = response.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ConnectionError(f"{host} gave no answer: {type(error).__name__} {error}") from None
        if status == httpx.codes.GONE:
            raise GiveUp(GONE, f"{host} answered 410: it takes no such messages any more")
        if not 200 <= status < 300:
            raise ConnectionError(f"{host} answered {status}")

    def _told_of_ends(self, tracking: Tracking, events: Sequence[Event]) -> None:
        ended = EndedTags(tracking, self.watches)
        named = tuple(tag for tag in self.tags if not tag.endswith("*"))
        for tag, states, event in ended.found(events, named):
            counts = {name: states[name] for name in ("complete", "failed", "canceled")}
            key = ":".join((*map(str, counts.values()), event.cursor, tag))
            self._send(tracking, "tag.ended", event.at, {"tag": tag, **counts}, key=key)
        ended.keep()

    def _send(self, tracking: Tracking, kind: str, at: float, data: Mapping[str, Any], *, key: str) -> None:
        name = tracking.namespace.name
        body = {"type": kind, "timestamp": _iso(at), "data": {"namespace": name, "tracker": tracking.id, **data}}
        digest = hashlib.sha256(json.dumps([name, tracking.id, key]).encode()).hexdigest()
        # The same at every try, and where it is told twice of an event: who is told can tell.
        tracking.later({"id": f"msg_{digest[:32]}", "body": body}, key=fitted(key))


def signature(secret: str, id: str, at: int, body: bytes) -> str:
    """Sign a message: HMAC-SHA256 over its id, time and body, as Base64."""
    key = _key(secret) or b""
    signed = hmac.new(key, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def _key(secret: object) -> bytes | None:
    if not isinstance(secret, str) or not secret.startswith(_PREFIX):
        return None
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if 24 <= len(key) <= 64 else None


def _is_url(url: object) -> bool:
    if not isinstance(url, str) or len(url) > _MAX_URL:
        return False
    try:
        read = urllib.parse.urlsplit(url)
        # A port that is none raises.
        return read.scheme in ("http", "https") and bool(read.hostname) and read.port != 0
    except ValueError:
        return False


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
