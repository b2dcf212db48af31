"""Small curves reach from the foot of their box to its top, and are said in words."""

from __future__ import annotations

from qless_flask.models import Throughput
from qless_flask.web.pages.charts_svg import HEIGHT, WIDTH, draw_sparkline


def lately(completed: list[int], failed: list[int] | None = None) -> Throughput:
    none = (0,) * len(completed)
    counts = tuple(failed) if failed else none
    return Throughput(tuple(60.0 * n for n in range(len(completed))), none, none, tuple(completed), counts, none, none)


def points(curve: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in curve.split())]


def test_the_highest_minute_reaches_the_top_and_the_curve_both_sides() -> None:
    curve = points(draw_sparkline(lately([0, 10, 5])).completed)

    assert curve == [(0, HEIGHT - 1.5), (WIDTH / 2, 1.5), (WIDTH, HEIGHT / 2)]


def test_both_curves_are_of_one_scale() -> None:
    spark = draw_sparkline(lately([0, 10, 5], [0, 5, 20]))

    assert points(spark.failed)[2][1] == 1.5
    assert points(spark.completed)[2][1] > points(spark.failed)[1][1] - 0.01


def test_of_nothing_there_is_no_curve() -> None:
    spark = draw_sparkline(lately([0, 0]))

    assert (spark.completed, spark.area, spark.failed) == ("", "", "")


def test_one_minute_and_none_at_all_are_drawn_too() -> None:
    assert points(draw_sparkline(lately([3])).completed) == [(0, 1.5)]
    assert draw_sparkline(lately([])).completed == ""


def test_it_is_said_in_words() -> None:
    said = draw_sparkline(lately([1000, 2, 0], [1, 0, 0])).label

    assert said == "1,002 completed and 1 failed in the last 3 minutes, 1,000 completed in the best of them"
