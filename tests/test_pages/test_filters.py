"""The filter box reads what people type, says what it does not know, and writes what it reads again."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qless_flask.bounds import is_text
from qless_flask.errors import Invalid
from qless_flask.models import Filter
from qless_flask.models.words import STATES
from qless_flask.web.pages.filters import NAMES, narrowed, read_filter, write_filter

TEXTS = st.text(min_size=1, max_size=20).filter(is_text)
NOW = 1_795_516_200.75
"""2026-11-24 10:30 in UTC, and a bit."""
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(STATES),
        "queue": st.sampled_from(("fetch", "a:b", "a.b-c_d")),
        **dict.fromkeys(("tag", "klass", "worker", "group", "key"), TEXTS),
        "tracked": st.booleans(),
        **dict.fromkeys(("since", "until"), st.integers(0, 6_000_000_000_000).map(lambda at: at / 1000)),
        "q": TEXTS | st.sampled_from(("timed out", "queue:fetch", '"quoted"', "http://a/b", "sate:failed")),
    },
)


class TestReading:
    @pytest.mark.parametrize(
        ("text", "filter"),
        [
            ("", Filter()),
            ("  ", Filter()),
            ("state:failed", Filter(state="failed")),
            (
                "queue:fetch state:failed tag:shop klass:Crawl timed out",
                Filter(queue="fetch", state="failed", tag="shop", klass="Crawl", q="timed out"),
            ),
            ('tag:"two words" x', Filter(tag="two words", q="x")),
            (r'tag:"a\"b\\c"', Filter(tag=r'a"b\c')),
            ("QUEUE:fetch", Filter(queue="fetch")),
            ("tracked:yes", Filter(tracked=True)),
            ("tracked:no", Filter(tracked=False)),
            ("http://a/b", Filter(q="http://a/b")),
            ('"queue:fetch"', Filter(q="queue:fetch")),
            ("key:a:b", Filter(key="a:b")),
            ('"unclosed', Filter(q='"unclosed')),
        ],
    )
    def test_what_is_typed_is_what_is_asked_for(self, text: str, filter: Filter) -> None:
        sought = read_filter(text)

        assert (sought.filter, sought.faults) == (filter, ())

    @pytest.mark.parametrize(
        ("text", "filter", "told"),
        [
            ("sate:failed", Filter(q="sate:failed"), "sate: is none of state, queue"),
            ("state:zut x", Filter(q="x"), "state: must be one of scheduled"),
            ("tag:a tag:b", Filter(tag="a"), "tag: stands there twice"),
            ("tracked:maybe", Filter(), "tracked: is yes or no, not maybe"),
            ('queue:"a b" state:failed', Filter(state="failed"), "queue: must be 1 to 128"),
        ],
    )
    def test_what_cannot_be_asked_for_is_said_and_the_rest_is_sought(
        self, text: str, filter: Filter, told: str
    ) -> None:
        sought = read_filter(text)

        assert sought.filter == filter
        [fault] = sought.faults
        assert fault.startswith(told)

    @given(st.text(max_size=60))
    def test_anything_typed_is_read(self, text: str) -> None:
        sought = read_filter(text)

        assert read_filter(write_filter(sought.filter)).filter == sought.filter

    def test_many_spaces_take_no_longer_than_as_many_letters(self) -> None:
        began = time.process_time()

        sought = read_filter("timed" + " " * 20_000)

        assert sought.filter == Filter(q="timed")
        assert time.process_time() - began < 1


class TestTimes:
    @pytest.mark.parametrize(
        ("typed", "seconds"),
        [
            ("2026-11-24T10:30", 0),
            ("2026-11-24T10:30Z", 0),
            ("2026-11-24t10:30:00z", 0),
            ("2026-11-24T10:30:05", 5),
            ("2026-11-24T10:30:05.250Z", 5.25),
            ("2026-11-24T10:30+01:00", -3_600),
            ("2026-11-24", -37_800),
            ('"2026-11-24 10:30:05"', 5),
            ("90s", -90),
            ("5min", -300),
            ("5m", -300),
            ("1.5h", -5_400),
            ("2h30min", -9_000),
            ("1d", -86_400),
            ("2w", -1_209_600),
            ("+2h", 7_200),
        ],
    )
    def test_a_time_is_one_in_utc_or_so_long_ago(self, typed: str, seconds: float) -> None:
        for name in ("since", "until"):
            sought = read_filter(f"{name}:{typed} x", NOW)

            assert sought.faults == ()
            assert sought.filter == Filter(q="x", **{name: NOW // 1 + seconds})  # type: ignore[arg-type]

    def test_what_was_so_long_ago_is_written_back_as_the_time_that_it_was(self) -> None:
        sought = read_filter("timed out since:2h until:30s  queue:fetch", NOW)

        assert sought.text == "queue:fetch since:2026-11-24T08:30Z until:2026-11-24T10:29:30Z timed out"
        assert read_filter(sought.text, NOW + 1000).filter == sought.filter

    def test_what_was_typed_stays_where_it_says_the_time_or_something_is_wrong(self) -> None:
        for text in ("since:2026-11-24  x", "since:2h state:zut"):
            assert read_filter(text, NOW).text == text

    def test_it_is_so_long_ago_from_now(self) -> None:
        before = time.time()

        since = read_filter("since:1h").filter.since

        assert since is not None
        assert before - 3601 < since <= time.time() - 3600

    @pytest.mark.parametrize(
        ("typed", "told"),
        [
            ("since:yesterday", "since: is a time like"),
            ("until:2026-13-01", "until: is a time like"),
            ("until:1800000000", "until: is a time like"),
            ("since:1969-12-31", "since: is a time like"),
            ("since:9999-12-31", "since: is a time like"),
            ("since:+9999w", "since: is a time like"),
            ("since:2", "since: is a time like"),
            ("since:h", "since: is a time like"),
            ('since:""', "since: is a time like"),
        ],
    )
    def test_what_is_no_time_is_said_and_left_out(self, typed: str, told: str) -> None:
        sought = read_filter(f"{typed} state:failed", NOW)

        assert sought.filter == Filter(state="failed")
        [fault] = sought.faults
        assert fault.startswith(told)

    def test_longer_ago_than_there_was_time_is_the_beginning(self) -> None:
        assert read_filter("since:9999w", NOW).filter == Filter(since=0.0)

    def test_a_range_that_ends_before_it_begins_is_said(self) -> None:
        sought = read_filter("since:1h until:2h", NOW)

        assert sought.faults == ("since: must not be after until",)
        assert sought.filter == Filter(until=NOW // 1 - 7_200)


class TestWriting:
    @given(FILTERS)
    def test_what_is_written_is_read_again(self, values: dict[str, Any]) -> None:
        try:
            filter = Filter(**values)
        except Invalid:
            return

        read = read_filter(write_filter(filter))

        assert (read.filter, read.faults) == (filter, ())

    def test_a_click_narrows_and_widens(self) -> None:
        filter = Filter(queue="fetch", q="timed out")

        assert narrowed(filter, tag="two words") == 'queue:fetch tag:"two words" timed out'
        assert narrowed(filter, queue=None) == "timed out"
        assert narrowed(filter, since=NOW // 1, until=NOW) == (
            "queue:fetch since:2026-11-24T10:30Z until:2026-11-24T10:30:00.750Z timed out"
        )

    def test_all_that_a_filter_has_can_be_typed(self) -> None:
        assert {*NAMES, "q"} == set(Filter.__slots__)
