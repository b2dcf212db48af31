"""The retry strategy `retry_after`: wait as long as the server that was asked wants us to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from qless_flask.bounds import MAX_DELAY_SECONDS, Checks
from qless_flask.hookspecs import RetryStrategy
from qless_flask.models import Backoff, Failure, Job

HEADER = re.compile(r"^Retry-After:[ \t]*(\S.*?)[ \t\r]*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class RetryAfter(RetryStrategy):
    """Wait as `Retry-After` in the failure's message says (RFC 9110, 10.2.3: seconds, or a date), at most `most` s.

    Without one, `otherwise` decides, a back-off. A failure of one of the groups `gone` is not tried again.
    """

    most: float = 3600.0
    otherwise: Mapping[str, Any] | None = None
    gone: Sequence[str] = ("http-404", "http-410")

    def __post_init__(self) -> None:
        check = Checks()
        check.seconds("most", self.most, 0, MAX_DELAY_SECONDS)
        check.texts("gone", self.gone, most=100)
        if self.otherwise is not None:
            check.kind("otherwise", self.otherwise, dict)
        check.done()
        self.backoffs()

    def next_delay(self, job: Job, failure: Failure, run: int) -> float | Backoff | None:
        """Answer what the server asked for, else what `otherwise` says."""
        if failure.group in self.gone:
            return None
        asked = seconds_asked(failure)
        return self.backoffs()["otherwise"] if asked is None else min(asked, self.most)

    def backoffs(self) -> Mapping[str, Backoff]:
        """Name the back-off that decides where nobody asked for anything."""
        return {"otherwise": Backoff() if self.otherwise is None else Backoff.of(self.otherwise)}


def seconds_asked(failure: Failure) -> float | None:
    """Read the seconds that a server asked to be left alone for, counted from the failure; None: it did not ask."""
    found = HEADER.search(failure.message)
    if found is None:
        return None
    asked = found[1]
    if asked.isascii() and asked.isdigit():
        # More digits than there is time for.
        return float(asked) if len(asked) < 12 else MAX_DELAY_SECONDS
    try:
        date = parsedate_to_datetime(asked)
        # A date without its zone is one of GMT: RFC 9110 knows no other.
        at = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, at - failure.at)
