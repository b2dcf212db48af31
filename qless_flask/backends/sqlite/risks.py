"""What the place and the options of a SQLite file put at risk."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress

from qless_flask.backends.sqlite.connection import Location

FULL_BYTES = 1 << 30
FULL = 0.95
"""A disk is nearly full with less than a GiB free, if that is less than a twentieth of it too."""


def risks(location: Location) -> list[str]:
    """Tell them."""
    found = []
    if location.synchronous != "full":
        loses = "a power cut loses the latest answered writes"
        if location.synchronous == "off":
            loses += ", or the whole file"
        found.append(f"synchronous is {location.synchronous}: {loses}")
    with suppress(OSError):
        disk = shutil.disk_usage(os.path.dirname(location.path) or ".")
        found.extend(disk_risks(disk.total, disk.free))
    return found


def disk_risks(total: int, free: int) -> list[str]:
    """Tell whether a disk of so many bytes is nearly full."""
    if free >= FULL_BYTES or free > (1 - FULL) * total:
        return []
    return [f"the disk is nearly full: {free / (1 << 20):,.0f} MiB are left for the store, and puts fail beyond that"]
