"""The page of statistics shows what there is of a queue, a klass, a tag or all, and each figure leads to its jobs."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from test_web.visitors import Visitor

from qless_flask.backends.base import Namespace
from qless_flask.models import Complete, Fail, NewJob, Role
from qless_flask.testing import ManualClock
from qless_flask.web.pages.stats_choice import day_of

HERE = "/namespaces/shop/stats"
DAY = 86_400


@pytest.fixture(autouse=True)
def yesterday(namespace: Namespace, clock: ManualClock) -> str:
    """A day on which three jobs waited 10 s and ran 2 s, of which one failed; told on the day after."""
    queues = {"one": "fetch", "two": "fetch", "three": "index"}
    namespace.put([NewJob("Crawl", queue=queue, jid=jid, tags=(f"of-{queue}",)) for jid, queue in queues.items()])
    clock.advance(10)
    first, *others = namespace.pop(["fetch", "index"], "ann", 3).leases
    clock.advance(2)
    namespace.settle([Fail(first, group="<b>"), *map(Complete, others)])
    day = day_of(clock())
    clock.advance(DAY)
    return day


def row(text: str, day: str) -> list[str]:
    """The cells of a day."""
    [found] = re.findall(rf'<th scope="row"><a [^>]*>{day}</a></th>(.*?)</tr>', text, re.DOTALL)
    return [re.sub("<[^>]*>", "", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", found, re.DOTALL)]


def sums(text: str) -> dict[str, str]:
    return dict(re.findall(r'<div><span class="name">(\w+)</span> <span class="value[^"]*">([\d,]+)</span>', text))


class TestByTheDay:
    def test_a_day_has_waits_runs_and_how_many(self, visitor: Visitor, yesterday: str) -> None:
        told = row(visitor.open(HERE).text, yesterday)

        assert told[0::4] == ["3", "3", "1"]
        assert told[1:4] == ["10 s"] * 3
        assert told[5:8] == ["2 s"] * 3
        assert told[9:] == ["0", "0"]

    @pytest.mark.parametrize(
        ("query", "popped"),
        [("of=queue&name=fetch", "2"), ("of=klass&name=Crawl", "3"), ("of=tag&name=of-index", "1")],
    )
    def test_it_is_of_what_is_asked_for(self, visitor: Visitor, yesterday: str, query: str, popped: str) -> None:
        assert row(visitor.open(f"{HERE}?{query}").text, yesterday)[0] == popped

    @pytest.mark.parametrize(("days", "rows"), [("7", 7), ("90", 90), ("8", 30), ("x", 30)])
    def test_as_many_days_as_are_asked_for_are_told(self, visitor: Visitor, days: str, rows: int) -> None:
        by_day = visitor.open(f"{HERE}?days={days}").text.partition('<table id="by-day">')[2].partition("</table>")[0]

        assert by_day.count("<tr data-begins") == rows

    def test_what_failed_on_a_day_leads_to_its_jobs(self, visitor: Visitor, yesterday: str) -> None:
        text = visitor.open(f"{HERE}?of=queue&name=fetch").text
        day = text.partition(f">{yesterday}</a>")[2].partition("</tr>")[0]
        [address] = re.findall(r'<a href="([^"]*jobs[^"]*)">1</a>', day)

        listed = visitor.open(address.replace("&amp;", "&")).text
        assert "state%3Afailed%20queue%3Afetch%20since%3A" in address
        assert "/jobs/one" in listed or "/jobs/two" in listed

    def test_the_day_of_today_is_read_anew_each_time(
        self, visitor: Visitor, namespace: Namespace, clock: ManualClock
    ) -> None:
        today = day_of(clock())
        before = row(visitor.open(HERE).text, today)[0]
        namespace.put([NewJob("Crawl", queue="fetch")])
        namespace.pop(["fetch"], "ann")

        assert (before, row(visitor.open(HERE).text, today)[0]) == ("0", "1")


class TestThroughput:
    @pytest.mark.parametrize("last", ["48h", "7d", "30d", "90d"])
    def test_transitions_are_counted_over_what_is_asked_for(self, visitor: Visitor, last: str) -> None:
        told = sums(visitor.open(f"{HERE}?last={last}").text)

        assert told == {"put": "3", "popped": "3", "completed": "2", "failed": "1", "retried": "0", "lost": "0"}

    def test_before_that_range_there_is_nothing(self, visitor: Visitor) -> None:
        assert set(sums(visitor.open(f"{HERE}?last=1h").text).values()) == {"0"}

    def test_a_range_can_be_typed(self, visitor: Visitor, yesterday: str) -> None:
        text = visitor.open(f"{HERE}?since={yesterday}&until=12h&of=queue&name=index").text

        assert sums(text)["put"] == "1"
        assert f'name="since" value="{yesterday}T00:00Z"' in text
        assert 'aria-current="true">24h' not in text

    def test_of_a_klass_there_is_none_and_that_is_said(self, visitor: Visitor) -> None:
        text = visitor.open(f"{HERE}?of=klass&name=Crawl").text

        assert 'id="by-time"' not in text
        assert "of a klass there are those by the day" in text

    def test_every_column_that_a_chart_names_stands_in_its_table(self, visitor: Visitor) -> None:
        text = visitor.open(HERE).text
        charts = re.findall(r'data-chart="([\w-]+)" data-columns="([^"]+)"', text)

        assert len(charts) == 4
        for table, columns in charts:
            head = text.partition(f'<table id="{table}">')[2].partition("</thead>")[0]
            assert set(columns.split()) <= set(re.findall(r'data-column="([^"]+)"', head))


class TestSpread:
    def test_the_times_of_a_day_are_spread(self, visitor: Visitor, yesterday: str) -> None:
        text = visitor.open(f"{HERE}?day={yesterday}").text.partition('id="spread"')[2]

        told = re.findall(r'<th scope="row">([^<]+)</th><td class="number">(\d+)</td>', text)
        assert sum(int(count) for _, count in told) == 6
        assert {label for label, count in told if count == "3"} <= {
            "5 s to 10 s",
            "10 s to 20 s",
            "2 s to 5 s",
            "1 s to 2 s",
        }

    def test_a_day_without_any_says_so(self, visitor: Visitor) -> None:
        assert visitor.open(HERE).text.count("There were none.") == 2

    def test_neighbouring_days_are_a_click_away_but_none_to_come(self, visitor: Visitor, yesterday: str) -> None:
        assert "The day after" not in visitor.open(HERE).text
        assert "The day after" in visitor.open(f"{HERE}?day={yesterday}").text


class TestWhatIsTyped:
    @pytest.mark.parametrize(
        "query",
        [
            "of=<b>&name=x",
            "since=<b>",
            "until=nix",
            "day=<b>",
            "day=2026-02-30",
            "since=1h&until=2h",
            "since=2001-01-01&until=2001-01-02",
        ],
    )
    def test_what_it_has_no_use_for_is_said_and_does_no_harm(self, visitor: Visitor, query: str) -> None:
        answer = visitor.open(f"{HERE}?{query}")

        assert answer.status_code == 200
        assert "<strong>Beware:</strong>" in answer.text
        assert "<b>" not in answer.text
        assert 'id="by-time"' in answer.text

    @pytest.mark.parametrize("query", ["last=nix", "days=-1", "of=queue", "name=x", "since=&until="])
    def test_what_is_not_whole_is_taken_as_usual(self, visitor: Visitor, query: str) -> None:
        answer = visitor.open(f"{HERE}?{query}")

        assert answer.status_code == 200
        assert 'aria-current="true">24h' in answer.text

    def test_a_name_that_cannot_be_is_said_where_it_was_typed(self, visitor: Visitor) -> None:
        answer = visitor.open(f"{HERE}?of=queue&name=a+b")

        assert answer.status_code == 422
        assert 'name="name" value="a b"' in answer.text
        assert 'role="alert"' in answer.text

    @pytest.mark.parametrize("name", ['"><b>x', "a/../b", "ünï code", "since:1 until:2"])
    def test_any_tag_can_be_asked_for(self, visitor: Visitor, namespace: Namespace, name: str) -> None:
        namespace.put([NewJob("Crawl", queue="fetch", tags=(name,))])
        namespace.pop(["fetch"], "ann")

        answer = visitor.open(f"{HERE}?of=tag&name={quote(name)}")

        assert answer.status_code == 200
        assert "<b>" not in answer.text
        assert row(answer.text, day_of(namespace.throughput().times[-1]))[0] == "1"


class TestThePage:
    def test_who_may_only_look_sees_it_whole(self, visitor_as: Callable[[Role], Visitor]) -> None:
        text = visitor_as("viewer").open(HERE).text

        assert text.count("data-chart=") == 4
        assert 'method="post"' not in text

    def test_the_longest_of_all_is_small(self, visitor: Visitor) -> None:
        assert len(visitor.open(f"{HERE}?last=24h&days=90").data) < 200_000
