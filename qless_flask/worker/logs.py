"""Where the log of a process goes: to standard error, a line for each thing worth telling."""

from __future__ import annotations

import logging


class OneLine(logging.Formatter):
    """Escapes what ends a line or steers a terminal: a jid or a path holds what anybody likes, a line of ours too."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Write the line of a record; of an error, its traceback follows."""
        line = super().formatMessage(record)
        return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in line)


def write_log(level: str) -> None:
    """Write what is of `level` and above; to be called by processes of ours, never in a program of somebody else's."""
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
    # httpx has a line at INFO for each request, which would be one for each job.
    logging.getLogger("httpx").setLevel(max(logging.getLogger().level, logging.WARNING))
