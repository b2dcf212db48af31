"""What a job function raises to end its run in another way than complete."""

from __future__ import annotations

from qless_flask.client.data import SAME, Data


class Outcome(Exception):
    """The root of the three; any other exception is a retry with its traceback."""


class FailJob(Outcome):
    """Give up at once: failed, under `group`, for a person to look at."""

    def __init__(self, group: str, message: str = "", *, data: Data = SAME) -> None:
        super().__init__(group, message)
        self.group, self.message, self.data = group, message, data


class RetryJob(Outcome):
    """Run it again after `delay` seconds, at the cost of a retry; without a delay as the queue says."""

    def __init__(self, message: str = "", *, delay: float | None = None, group: str = "retries") -> None:
        super().__init__(message)
        self.message, self.delay, self.group = message, delay, group


class ReleaseJob(Outcome):
    """Give it back unharmed, to be popped again after `delay` seconds."""

    def __init__(self, delay: float = 0.0) -> None:
        super().__init__(delay)
        self.delay = delay
