"""Where the log of a worker process goes: to standard error, a line for each thing worth telling."""

from __future__ import annotations

import logging


def write_log(level: str) -> None:
    """Write what is of `level` and above; to be called by processes of ours, never in a program of somebody else's."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s")
    # httpx has a line at INFO for each request, which would be one for each job.
    logging.getLogger("httpx").setLevel(max(logging.getLogger().level, logging.WARNING))
