"""However many listen, one looks; who comes gets all there is, then what changes, for as long as they may look."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.tokens import Tokens
from qless_flask.errors import BackendUnavailable
from qless_flask.models import NewJob
from qless_flask.settings import Settings
from qless_flask.web import create_app
from qless_flask.web.live import DOWN, SILENCE, Live
from qless_flask.web.pages.queue_figures import live_values


class Looks:
    """Looks that come when they are let, and tell what they are told to; an error is raised."""

    def __init__(self) -> None:
        self.count = 0
        self._next: list[dict[str, str] | Exception] = []
        self._came = threading.Condition()

    def tell(self, seen: dict[str, str] | Exception) -> None:
        """Let one more look see something."""
        with self._came:
            self._next.append(seen)
            self._came.notify()

    def __call__(self, namespace: str) -> dict[str, str]:
        with self._came:
            assert self._came.wait_for(lambda: self._next, 20)
            self.count += 1
            seen = self._next.pop(0)
        if isinstance(seen, Exception):
            raise seen
        return seen


def parsed(event: bytes) -> tuple[str, str, Any]:
    """Read an event: its name, its id and its data."""
    fields = dict(line.split(": ", 1) for line in event.decode().strip().split("\n"))
    return fields["event"], fields["id"], json.loads(fields["data"])


@pytest.fixture
def looks() -> Looks:
    return Looks()


@pytest.fixture
def live(looks: Looks) -> Iterator[Live]:
    """The feeds, which look as soon as they are let."""
    live = Live(looks, every_seconds=0)
    yield live
    live.close()
    looks.tell({})


class TestFeeds:
    def test_who_comes_gets_all_and_then_only_what_differs(self, live: Live, looks: Looks) -> None:
        stream = live.listen("shop")
        looks.tell({"a": "1", "b": "2", "c": "3"})
        assert parsed(next(stream))[::2] == ("overview", {"a": "1", "b": "2", "c": "3"})

        looks.tell({"a": "1", "b": "2", "c": "3"})
        looks.tell({"a": "1", "b": "5"})

        assert parsed(next(stream))[::2] == ("change", {"b": "5", "c": None})

    def test_all_listeners_share_one_look_and_its_bytes(self, live: Live, looks: Looks) -> None:
        streams = [live.listen("shop") for _ in range(200)]
        looks.tell({"a": "1"})
        first = [next(stream) for stream in streams]
        looks.tell({"a": "2"})
        second = [next(stream) for stream in streams]

        assert looks.count == 2
        assert len(set(map(id, first))) == len(set(map(id, second))) == 1

    def test_who_missed_a_change_gets_all_again(self, live: Live, looks: Looks) -> None:
        slow, quick = live.listen("shop"), live.listen("shop")
        looks.tell({"a": "1", "b": "1"})
        next(slow), next(quick)
        for number in ("2", "3"):
            looks.tell({"a": number, "b": "1"})
            next(quick)

        assert parsed(next(slow))[::2] == ("overview", {"a": "3", "b": "1"})

    def test_who_comes_back_goes_on_behind_what_it_saw(self, live: Live, looks: Looks) -> None:
        stays = live.listen("shop")
        looks.tell({"a": "1", "b": "1"})
        _, seen, _ = parsed(next(stays))
        looks.tell({"a": "2", "b": "1"})
        next(stays)

        again, strange = live.listen("shop", seen), live.listen("shop", "ffff.1")

        assert parsed(next(again))[::2] == ("change", {"a": "2"})
        assert parsed(next(strange))[::2] == ("overview", {"a": "2", "b": "1"})

    def test_a_store_that_does_not_answer_is_told_once_and_all_there_is_when_it_does(
        self, live: Live, looks: Looks
    ) -> None:
        stream = live.listen("shop")
        looks.tell({"a": "1"})
        next(stream)

        looks.tell(BackendUnavailable("it is gone"))
        assert next(stream) == DOWN
        looks.tell(BackendUnavailable("it is gone"))
        looks.tell({"a": "1"})

        assert parsed(next(stream))[::2] == ("overview", {"a": "1"})

    def test_while_nothing_happens_it_says_now_and_then_that_it_is_there(
        self, live: Live, looks: Looks, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("qless_flask.web.live.SILENT_SECONDS", 0.01)
        stream = live.listen("shop")
        looks.tell({"a": "1"})

        while next(stream) == SILENCE:
            pass

        assert next(stream) == SILENCE

    def test_when_nobody_listens_nobody_looks(self, live: Live, looks: Looks) -> None:
        stream = live.listen("left")
        looks.tell({"a": "1"})
        next(stream)
        [thread] = [each for each in threading.enumerate() if each.name == "live left"]

        stream.close()
        looks.tell({"a": "2"})

        thread.join(20)
        assert not thread.is_alive()
        assert live.namespaces() == []

    def test_closing_ends_all_streams_and_those_that_come(self, live: Live, looks: Looks) -> None:
        stream = live.listen("shop")
        looks.tell({"a": "1"})
        next(stream)

        live.close()

        assert list(stream) == []
        assert list(live.listen("shop")) == []

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_a_look_that_fails_otherwise_ends_the_streams_instead_of_leaving_them_silent(
        self, live: Live, looks: Looks
    ) -> None:
        stream = live.listen("failing")
        looks.tell({"a": "1"})
        next(stream)
        [thread] = [each for each in threading.enumerate() if each.name == "live failing"]

        looks.tell(ZeroDivisionError())

        assert list(stream) == []
        thread.join(20)


class TestAddresses:
    @pytest.fixture
    def app(self, backend: Backend) -> Iterator[Flask]:
        app = create_app(backend=backend, settings=Settings(max_waits=1))
        yield app
        app.extensions["qless_flask"].close()

    def listen(self, app: Flask, **headers: str) -> TestResponse:
        """Begin to listen, as a server of many threads would."""
        return app.test_client().get(
            "/namespaces/shop/live", headers=headers, environ_overrides={"wsgi.multithread": True}
        )

    def test_the_stream_tells_what_the_pages_show(self, app: Flask, namespace: Namespace) -> None:
        namespace.put([NewJob("Crawl", queue="fetch")])

        answer = self.listen(app)
        events = answer.iter_encoded()

        assert answer.mimetype == "text/event-stream"
        assert next(events) == b"retry: 2000\n\n"
        name, _, values = parsed(next(events))
        assert (name, values["queues.fetch.waiting"], values["total.waiting"]) == ("overview", "1", "1")
        answer.close()

    def test_every_key_that_stands_on_a_page_is_in_the_stream(self, app: Flask, namespace: Namespace) -> None:
        namespace.put([NewJob("Crawl", queue="fetch")])
        values = live_values(app.extensions["qless"]["qless"].looker.overview("shop"))
        pages = [
            app.test_client().get(f"/namespaces/shop/{path}", headers={"Accept": "text/html"}).text
            for path in ("", "queues", "queues/fetch")
        ]

        for page in pages:
            keys = {part.split('"')[0] for part in page.split('data-live="')[1:]}
            assert keys
            assert keys <= values.keys()

    def test_where_all_places_are_taken_one_can_look_now_and_then(self, app: Flask, namespace: Namespace) -> None:
        first = self.listen(app)
        refused = self.listen(app)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
        assert json.loads(app.test_client().get("/namespaces/shop/live/now").data)["total.waiting"] == "0"

        first.close()

        again = self.listen(app)
        assert again.status_code == 200
        again.close()

    def test_a_stream_ends_with_the_token_of_who_listens(self, app: Flask, namespace: Namespace) -> None:
        tokens: Tokens = app.extensions["qless"]["qless"].access.tokens
        token = tokens.create("viewer", ["shop"])
        namespace.put([NewJob("Crawl", queue="fetch")])
        answer = self.listen(app, Authorization=f"Bearer {token.text}")
        events = answer.iter_encoded()
        assert next(events) == b"retry: 2000\n\n"
        assert parsed(next(events))[0] == "overview"

        tokens.revoke(token.token.id)
        namespace.put([NewJob("Crawl", queue="fetch")])

        assert list(events) == []
        answer.close()

    def test_of_another_namespace_nothing_is_streamed(self, app: Flask) -> None:
        tokens: Tokens = app.extensions["qless"]["qless"].access.tokens
        token = tokens.create("viewer", ["other"])

        assert self.listen(app, Authorization=f"Bearer {token.text}").status_code == 403
