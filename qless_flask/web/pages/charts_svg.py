"""Small curves as SVG: what was completed and what failed, minute by minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qless_flask.models import Throughput

WIDTH, HEIGHT = 120, 28
_MARGIN = 1.5
"""Room for the thickness of a curve at its top and foot."""


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Curves in a box of WIDTH by HEIGHT, as the `points` of polylines; a curve of nothing is empty."""

    completed: str
    area: str
    """What lies below the completed ones."""
    failed: str
    label: str
    """The same in words."""


def draw_sparkline(lately: Throughput) -> Sparkline:
    """Draw both curves to one scale: the highest minute of either reaches the top."""
    most = max((*lately.completed, *lately.failed, 1))
    completed = _points(lately.completed, most)
    area = f"0,{HEIGHT} {completed} {WIDTH},{HEIGHT}" if completed else ""
    return Sparkline(completed, area, _points(lately.failed, most), _label(lately))


def _points(counts: Sequence[int], most: int) -> str:
    if not any(counts):
        return ""
    step, room = WIDTH / max(len(counts) - 1, 1), HEIGHT - 2 * _MARGIN
    return " ".join(f"{index * step:.4g},{HEIGHT - _MARGIN - room * n / most:.3g}" for index, n in enumerate(counts))


def _label(lately: Throughput) -> str:
    told = (
        f"{sum(lately.completed):,} completed and {sum(lately.failed):,} failed in the last {len(lately.times)} minutes"
    )
    return f"{told}, {max(lately.completed, default=0):,} completed in the best of them"
