"""The namespace that is copied into: empty at first, frozen all the while, and it knows how far the copy has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from qless_flask.backends.base import Namespace
from qless_flask.bounds import MAX_BATCH
from qless_flask.copying.comparison import Report, differences, pages, tally_of
from qless_flask.errors import NotCopied
from qless_flask.models import Actor, AnyRecord, NamespaceRecord

CHECKPOINT = "copy:checkpoint"
"""The memo that says how far a copy has come: it belongs to its store, and can be set while that is frozen."""
DONE = "copy:done"
"""The memo that says of what the last copy was that came here whole."""
LOADED = "loaded"
EQUAL = "equal"


class Checkpoint(msgspec.Struct, frozen=True):
    """How far a copy has come, and of what."""

    source: str
    phase: str = ""
    """LOADED: nothing is to be read any more; EQUAL: it was compared too."""
    cursor: str | None = None
    """Where to go on reading."""
    jobs: int = 0
    """How many have been written."""


class Landing:
    """A copy on its way into a namespace."""

    def __init__(self, target: Namespace, source: str, actor: Actor | None = None) -> None:
        """Look whether a copy of this source can begin or go on here. Raise NotCopied if it cannot."""
        self._target, self._actor = target, actor
        self._text = target.recall(CHECKPOINT)
        self.resumed = self._text is not None
        if self._text is None:
            self._at = Checkpoint(source)
            self._check_empty()
            return
        self._at = msgspec.json.decode(self._text, type=Checkpoint)
        if self._at.source != source:
            raise NotCopied(
                f"namespace {target.name} holds the beginning of another copy: go on with that, or erase it first",
                subject=target.name,
            )

    @property
    def cursor(self) -> str | None:
        """Where to go on reading."""
        return self._at.cursor

    @property
    def jobs(self) -> int:
        """How many jobs have been written."""
        return self._at.jobs

    @property
    def is_loaded(self) -> bool:
        """Nothing is to be read any more."""
        return self._at.phase != ""

    def begin(self) -> None:
        """Freeze the namespace, and note that this copy is on its way into it."""
        was_frozen = self._target.settings().frozen
        self._target.freeze(actor=self._actor)
        if self._text is not None:
            return
        try:
            # Somebody may have been quicker.
            self._check_empty()
            self._note(self._at)
        except NotCopied:
            if not was_frozen:
                self._target.freeze(False, actor=self._actor)
            raise

    def load(self, records: Sequence[AnyRecord], cursor: str | None) -> None:
        """Write records, and note where to go on; None: that was all."""
        for first in range(0, len(records), MAX_BATCH):
            self._target.load(records[first : first + MAX_BATCH])
        jobs = self._at.jobs + sum(record.__struct_config__.tag == "job" for record in records)
        phase = LOADED if cursor is None else ""
        self._note(msgspec.structs.replace(self._at, cursor=cursor, phase=phase, jobs=jobs))

    def finish(self, counts: Mapping[str, int], checksum: str, report: Report) -> None:
        """Compare what is here now with what should be, and thaw it. Raise NotCopied where it is another."""
        # A copy that was compared before it was left may have been thawed too, and changed since.
        if self._at.phase != EQUAL:
            found = tally_of(self._target, f"comparing {self._target.name}", report)
            told = differences(found, counts, checksum)
            if told:
                raise NotCopied(
                    f"namespace {self._target.name} is not what was copied into it, and stays frozen: {told}",
                    subject=self._target.name,
                )
            self._note(msgspec.structs.replace(self._at, phase=EQUAL))
        self._target.remember(DONE, self._at.source, self._target.recall(DONE))
        self._target.freeze(False, actor=self._actor)
        self._target.remember(CHECKPOINT, None, self._text)

    def _check_empty(self) -> None:
        for page in pages(self._target):
            if not all(isinstance(record, NamespaceRecord) for record in page.records):
                was_copied = self._target.recall(DONE) == self._at.source
                why = "was copied from there already, whole: to copy anew," if was_copied else "is not empty:"
                raise NotCopied(
                    f"namespace {self._target.name} {why} copy into one that is new, or erase it first",
                    subject=self._target.name,
                )

    def _note(self, checkpoint: Checkpoint) -> None:
        text = msgspec.json.encode(checkpoint).decode()
        if not self._target.remember(CHECKPOINT, text, self._text):
            raise NotCopied(
                f"another copy into namespace {self._target.name} is under way: wait for it, or end it",
                subject=self._target.name,
            )
        self._text, self._at = text, checkpoint
