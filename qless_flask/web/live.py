"""Live figures: one thread a process and namespace looks, and hands the same bytes to all who listen."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from qless_flask.errors import QlessError

Values = Mapping[str, str]
Look = Callable[[str], Values]
"""Tells what there is to see of a namespace: texts by key."""

EVERY_SECONDS = 1.0
"""How often a namespace is looked at while anybody listens."""
SILENT_SECONDS = 15.0
"""So often a stream says something, for both ends to see that the other is there."""
SILENCE = b":\n\n"
DOWN = b"event: down\ndata: {}\n\n"
"""The store does not answer."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What was seen at one time, as bytes of the stream: whole, and what differs from the frame before."""

    number: int
    whole: bytes
    change: bytes
    values: Values


class Live:
    """The feeds of a process, one for each namespace that anybody listens to."""

    def __init__(self, look: Look, *, every_seconds: float = EVERY_SECONDS) -> None:
        self._look = look
        self._every = every_seconds
        self._feeds: dict[str, Feed] = {}
        self._lock = threading.Lock()
        self._closed = False

    def listen(self, namespace: str, last_id: str | None = None) -> Generator[bytes]:
        """Yield events of Server-Sent Events as they come, until this is closed; close the iterator to listen no more.

        Who shows the id of the last event seen goes on behind it, where that is the newest or the one before it.
        """
        with self._lock:
            feed = self._feeds.get(namespace)
            if feed is None or not feed.join():
                feed = self._feeds[namespace] = Feed(namespace, self._look, self._every)
                feed.join()
                if self._closed:
                    feed.close()
        try:
            yield from feed.events(last_id)
        finally:
            with self._lock:
                if feed.leave() and self._feeds.get(namespace) is feed:
                    del self._feeds[namespace]

    def namespaces(self) -> list[str]:
        """List the namespaces that are looked at."""
        with self._lock:
            return sorted(self._feeds)

    def close(self) -> None:
        """End all streams, and begin no more."""
        with self._lock:
            self._closed = True
            for feed in self._feeds.values():
                feed.close()


class Feed:
    """One namespace, looked at by one thread for as long as anybody listens."""

    def __init__(self, namespace: str, look: Look, every_seconds: float) -> None:
        self._look = partial(look, namespace)
        self._every = every_seconds
        # Another process, or another feed, counts from 1 as well.
        self._stamp = secrets.token_hex(4)
        self._listeners = 0
        self._over = False
        self._down = False
        self._frame: Frame | None = None
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"live {namespace}", daemon=True)

    def join(self) -> bool:
        """Listen; False where this feed is over."""
        with self._news:
            if self._over:
                return False
            self._listeners += 1
            if self._listeners == 1 and not self._thread.is_alive():
                self._thread.start()
            return True

    def leave(self) -> bool:
        """Listen no more; True: it was the last who did, and the feed is over."""
        with self._news:
            self._listeners -= 1
            if not self._listeners:
                self._over = True
                self._news.notify_all()
            return not self._listeners

    def close(self) -> None:
        """End it for all who listen."""
        with self._news:
            self._over = True
            self._news.notify_all()

    def events(self, last_id: str | None) -> Iterator[bytes]:
        """Yield what is seen, from now on, and now and then nothing."""
        seen, down = self._number(last_id), False
        while True:
            changed = self._wait(seen, down)
            with self._news:
                over, frame, is_down = self._over, self._frame, self._down
            if over:
                return
            if not changed:
                yield SILENCE
            elif is_down and not down:
                down = True
                yield DOWN
            elif frame is not None:
                # After an outage the whole again: it says that the store answers, whether anything changed or not.
                follows = frame.number == seen + 1 and not down
                seen, down = frame.number, False
                yield frame.change if follows else frame.whole

    def _wait(self, seen: int, down: bool) -> bool:
        """Wait until there is anything that was not seen, or this is over; False: nothing came."""

        def is_news() -> bool:
            return self._over or self._down != down or (self._frame is not None and self._frame.number != seen)

        with self._news:
            return self._news.wait_for(is_news, SILENT_SECONDS)

    def _number(self, last_id: str | None) -> int:
        stamp, _, number = (last_id or "").partition(".")
        return int(number) if stamp == self._stamp and number.isdecimal() and len(number) < 16 else 0

    def _run(self) -> None:
        try:
            while not self._over:
                self._take(self._seen())
        finally:
            self.close()

    def _seen(self) -> Values | None:
        try:
            return self._look()
        except QlessError:
            return None

    def _take(self, values: Values | None) -> None:
        """Make what was seen the newest frame, and rest; None: the store did not answer."""
        before = self._frame
        with self._news:
            self._down = values is None
            if values is not None and (before is None or values != before.values):
                self._frame = self._next(before, values)
            self._news.notify_all()
            self._news.wait_for(lambda: self._over, self._every)

    def _next(self, before: Frame | None, values: Values) -> Frame:
        number = 1 if before is None else before.number + 1
        whole = self._event("overview", number, values)
        change = whole if before is None else self._event("change", number, _differing(before.values, values))
        return Frame(number, whole, change, values)

    def _event(self, name: str, number: int, values: Mapping[str, str | None]) -> bytes:
        data = json.dumps(values, separators=(",", ":"), ensure_ascii=False)
        return f"event: {name}\nid: {self._stamp}.{number}\ndata: {data}\n\n".encode()


def _differing(before: Values, now: Values) -> dict[str, str | None]:
    """Tell what is new or other, and as None what is gone."""
    told: dict[str, str | None] = {key: text for key, text in now.items() if before.get(key) != text}
    return told | {key: None for key in before if key not in now}
