"""Durations, times and JSON are shown as people read them, and nothing of a number is lost."""

from __future__ import annotations

import pytest

from qless_flask.web.pages.shown import machine_time, show_json, show_number, show_seconds, show_time, unshown_json


class TestDurations:
    @pytest.mark.parametrize(
        ("seconds", "shown"),
        [
            (None, "-"),
            (0, "0 ms"),
            (0.25, "250 ms"),
            (0.9999, "1 s"),
            (1, "1 s"),
            (3.24, "3.2 s"),
            (59.96, "1 min"),
            (125, "2 min 5 s"),
            (3599.6, "1 h"),
            (7800, "2 h 10 min"),
            (273_600, "3 d 4 h"),
            (34_560_000, "400 d"),
            (-5, "-5 s"),
        ],
    )
    def test_a_duration_is_shown_by_its_two_largest_units(self, seconds: float | None, shown: str) -> None:
        assert show_seconds(seconds) == shown


class TestTimes:
    def test_a_time_is_shown_in_utc_and_for_machines_to_the_millisecond(self) -> None:
        assert show_time(1_700_000_000.123) == "2023-11-14 22:13:20"
        assert machine_time(1_700_000_000.123) == "2023-11-14T22:13:20.123Z"
        assert show_time(None) == ""


class TestNumbers:
    def test_a_long_number_has_commas(self) -> None:
        assert [show_number(number) for number in (None, 0, 999, 1_234_567)] == ["-", "0", "999", "1,234,567"]


class TestJSON:
    def test_numbers_and_repeated_names_stay_as_they_are_written(self) -> None:
        shown = show_json('{"n":12345678901234567890,"x":1.10,"x":[]}')

        assert shown is not None
        assert shown.is_whole
        assert shown.text == '{\n  "n": 12345678901234567890,\n  "x": 1.10,\n  "x": []\n}'

    def test_of_a_long_text_the_beginning_is_shown(self) -> None:
        shown = show_json("[" + ",".join(["1"] * 500_000) + "]", most=100)

        assert shown is not None
        assert (len(shown.text), shown.is_whole) == (100, False)
        assert shown.length > 1_000_000

    def test_what_is_nested_too_deep_to_be_indented_is_shown_as_it_is(self) -> None:
        deep = "[" * 100_000 + "]" * 100_000

        shown = show_json(deep, most=200_000)

        assert shown is not None
        assert shown.text == deep

    def test_there_may_be_nothing_to_show(self) -> None:
        assert show_json(None) is None

    @pytest.mark.parametrize(
        ("typed", "kept"),
        [
            ('{\r\n  "n": 12345678901234567890,\r\n  "x": 1.10\r\n}', '{"n":12345678901234567890,"x":1.10}'),
            (" {oops ", "{oops"),
            ("", ""),
        ],
    )
    def test_what_was_indented_for_the_page_is_kept_without(self, typed: str, kept: str) -> None:
        assert unshown_json(typed) == kept
