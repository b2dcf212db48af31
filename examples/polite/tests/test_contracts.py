"""What anyone's strategies, policies and trackers must do, ours do."""

from __future__ import annotations

from qless_polite import ByHost, Chat, RetryAfter

from qless_flask.models import NewJob
from qless_flask.testing import PolicyContract, RetryStrategyContract, TagTrackerContract, build_failure


class TestRetryAfter(RetryStrategyContract):
    strategy = RetryAfter
    options = ({}, {"most": 600}, {"otherwise": {"strategy": "fixed", "delay": 9}}, {"gone": []})
    wrong_options = (
        {"most": -1},
        {"otherwise": 7},
        {"otherwise": {"strategy": "fixed", "delay": -1}},
        {"otherwise": {"strategy": "fixxed"}},
        {"gone": "http-404"},
    )
    failures = tuple(
        build_failure(f"HTTP 503\nRetry-After: {asked}")
        for asked in ("120", "0", "9" * 400, "-1", "Fri, 31 Dec 9999 23:59:59 GMT", "Sun, 99 Foo 2026", "²", "\t")
    )


class TestByHost(PolicyContract):
    policy = ByHost
    options = {"avoid": ["example.org"]}
    wrong_options = ({"avoid": "example.org"}, {"avoid": [""]}, {"avoid": [7]})
    allowed = (
        NewJob("Crawl", '{"url": "http://example.com/a"}', queue="fetch"),
        NewJob("Crawl", '{"url": "https://user@[::1]:8080/"}', queue="fetch", key="mine"),
        NewJob("Send", '{"to": "ann"}', queue="mail"),
    )
    refused = (
        NewJob("Crawl", '{"url": "http://example.org/a"}', queue="fetch"),
        NewJob("Crawl", '{"url": "http://www.EXAMPLE.org:81/a"}', queue="fetch"),
    )


class TestChat(TagTrackerContract):
    tracker = Chat
    options = {"url": "http://127.0.0.1:1/hook"}
    wrong_options = ({"url": "ftp://example.com"}, {"url": 7}, {"tags": []}, {"tags": "crawl"})
