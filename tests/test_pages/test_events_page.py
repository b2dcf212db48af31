"""The log shows the newest last, by filters, and goes on behind a cursor."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from test_web.visitors import Visitor

from qless_flask.backends.base import Namespace
from qless_flask.models import Actor, Changes, NewJob
from qless_flask.web.pages import events

LOG = "/namespaces/shop/events"


def jids(visitor: Visitor, query: str = "") -> list[str]:
    """The jids of the rows, in order."""
    return re.findall(r'events\?jid=[^"]*" data-open>([^<]+)<', visitor.open(LOG + query).text)


def further(visitor: Visitor, query: str = "") -> str:
    """The query that the link to what follows has."""
    [found] = re.findall(r'rel="next" href="[^"]*events(\?[^"]*)"', visitor.open(LOG + query).text)
    return str(found).replace("&amp;", "&")


def put(namespace: Namespace, *jids: str, queue: str = "fetch", tags: tuple[str, ...] = ()) -> None:
    namespace.put([NewJob("X", queue=queue, jid=jid, tags=tags) for jid in jids])


def test_the_newest_stand_last(namespace: Namespace, visitor: Visitor) -> None:
    for number in range(130):
        put(namespace, f"j{number}")

    shown = jids(visitor)

    assert shown == [f"j{number}" for number in range(30, 130)]


def test_a_log_that_is_too_long_to_be_read_at_once_says_so_and_goes_on(
    namespace: Namespace, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LOOK", 5)
    monkeypatch.setattr(events, "LOOKS", 2)
    put(namespace, *(f"j{number:02}" for number in range(25)))
    assert jids(visitor) == [f"j{number:02}" for number in range(10)]
    assert "There are more" in visitor.open(LOG).text

    monkeypatch.setattr(events, "LOOKS", 10)

    assert jids(visitor, further(visitor)) == []
    monkeypatch.setattr(events, "LOOKS", 2)
    assert jids(visitor, further(visitor)) == [f"j{number:02}" for number in range(10, 25)]


def test_behind_a_cursor_stands_what_came_since(namespace: Namespace, visitor: Visitor) -> None:
    put(namespace, "before")
    since = further(visitor)
    assert jids(visitor, since) == []

    put(namespace, "after")

    assert jids(visitor, since) == ["after"]


def test_pages_forward_miss_nothing(namespace: Namespace, visitor: Visitor) -> None:
    start = further(visitor)
    put(namespace, *(f"j{number:03}" for number in range(250)))

    seen, query = list[str](), start
    for _ in range(3):
        seen += jids(visitor, query)
        query = further(visitor, query)

    assert seen == [f"j{number:03}" for number in range(250)]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?jid=one", ["one", "one"]),
        ("?queue=parse", ["two"]),
        ("?tag=red%2Fhot", ["two"]),
        ("?tracked=yes", ["one"]),
        ("?tracked=maybe", ["one", "two", "one"]),
        ("?jid=nix", []),
    ],
)
def test_filters_pick(namespace: Namespace, visitor: Visitor, query: str, shown: list[str]) -> None:
    put(namespace, "one")
    put(namespace, "two", queue="parse", tags=("red/hot",))
    namespace.update(["one"], Changes(tracked=True), actor=Actor("<ann>", "192.0.2.7"))

    assert jids(visitor, query) == shown
    assert unquote(further(visitor, query)).startswith("?after=")


def test_who_did_it_is_told(namespace: Namespace, visitor: Visitor) -> None:
    put(namespace, "one")
    namespace.cancel(["one"], actor=Actor("<ann>", "192.0.2.7"))

    assert "&lt;ann&gt; <small>192.0.2.7</small>" in visitor.open(LOG).text


@pytest.mark.parametrize("query", ["?after=nix", "?queue=%00", "?jid=%0a%01"])
def test_what_cannot_be_sought_is_said(visitor: Visitor, query: str) -> None:
    answer = visitor.open(LOG + query)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_the_address_that_scripts_ask_for_new_ones_is_that_of_the_api(namespace: Namespace, visitor: Visitor) -> None:
    put(namespace, "one")
    [poll] = re.findall(r'data-news="([^"]+)"', visitor.open(f"{LOG}?queue=fetch&tracked=no").text)
    put(namespace, "two")
    put(namespace, "three", queue="parse")

    answer = visitor.open(poll.replace("&amp;", "&")).get_json()

    assert [event["jid"] for event in answer["events"]] == ["two"]


def test_an_empty_log_says_so(visitor: Visitor) -> None:
    assert "Nothing happened in the last hour" in visitor.open("/namespaces/empty/events").text
