"""What a tracker keeps in its namespace, and up to which event that is right: one record, changed as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from qless_flask.bounds import MAX_RECORD_BYTES, MAX_TEXT_BYTES, fitted

MAX_KEPT_BYTES = MAX_RECORD_BYTES - MAX_TEXT_BYTES - 1
"""How long the text may be that a tracker keeps."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A cursor of the log, and the text that a tracker has made of all that it was told up to there."""

    cursor: str
    text: str

    def as_text(self) -> str:
        """Write it as a record."""
        return f"{self.cursor}\n{self.text}"

    @classmethod
    def of_text(cls, text: str) -> Kept:
        """Read it."""
        cursor, _, kept = text.partition("\n")
        return cls(cursor, kept)


def kept_name(id: str) -> str:
    """Name the record of a tracker, by what it is called in the settings of its namespace."""
    return fitted(f"tracker:{id}")
