"""Curves reach from the foot of their box to its top, and what is spread is counted between round times."""

from __future__ import annotations

import pytest

from qless_flask.models import Spread
from qless_flask.web.pages.charts import HEIGHT, WIDTH, draw_chart
from qless_flask.web.pages.histograms import spread


def test_curves_are_of_one_scale_from_side_to_side() -> None:
    chart = draw_chart("t", "l", {"one": [0, 10], "two": [5, 20]})

    assert [curve.path for curve in chart.curves] == [
        f"M0,{HEIGHT - 2}L{WIDTH},100",
        f"M0,149L{WIDTH},2",
    ]
    assert chart.highest == "20"


def test_where_there_is_no_value_there_is_a_gap() -> None:
    [curve] = draw_chart("t", "l", {"p50": [1, None, 1, 1]}, "seconds").curves

    assert curve.path == "M0,2M667,2L1000,2"


@pytest.mark.parametrize("values", [[], [None], [0], [0, 0]])
def test_of_nothing_a_chart_can_be_drawn_too(values: list[float | None]) -> None:
    assert draw_chart("t", "l", {"one": values}).highest == "0"


def test_times_lie_between_round_ones_and_none_is_left_out() -> None:
    times = Spread()
    for milliseconds in (0, 1_100, 1_200, 6_000, 40 * 86_400_000):
        times.add(milliseconds)

    rows = spread(times.times())

    assert {row.label: row.count for row in rows if row.count} == {
        "below 1 ms": 1, "1 s to 2 s": 2, "5 s to 10 s": 1, "30 d and longer": 1
    }  # fmt: skip
    assert [row.label for row in rows if row.width == 100] == ["1 s to 2 s"]
    assert (rows[0].below, rows[-1].below) == (20, 100)


def test_of_no_times_there_is_no_row() -> None:
    assert spread(Spread().times()) == []
