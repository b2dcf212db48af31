"""The filter box reads what people type, says what it does not know, and writes what it reads again."""

from __future__ import annotations

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
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(STATES),
        "queue": st.sampled_from(("fetch", "a:b", "a.b-c_d")),
        **dict.fromkeys(("tag", "klass", "worker", "group", "key"), TEXTS),
        "tracked": st.booleans(),
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

    def test_all_that_a_filter_has_can_be_typed(self) -> None:
        assert {*NAMES, "q"} == set(Filter.__slots__)
