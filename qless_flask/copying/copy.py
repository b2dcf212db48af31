"""Copying a namespace from one store into another."""

from __future__ import annotations

from qless_flask.backends.base import Namespace
from qless_flask.copying.comparison import Report, count_jobs, pages, tally_of
from qless_flask.copying.landing import Landing
from qless_flask.errors import NotFound
from qless_flask.models import Actor, Tally, new_jid

IDENTITY = "copy:identity"
"""The memo by which a copy knows its source again."""


def copy(
    source: Namespace, target: Namespace, report: Report, *, thaw_source: bool = False, actor: Actor | None = None
) -> Tally:
    """Copy all that a namespace holds into one that is unknown or empty; killed and done again, it goes on.

    Both are frozen meanwhile. At the end both are read once more and compared, then the target is thawed; the source
    stays frozen unless `thaw_source`. Raise NotFound where there is nothing to copy; NotCopied where the target is not
    empty, or is not the same at the end: then both stay frozen.
    """
    check_known(source)
    identity = source.recall(IDENTITY) or new_jid()
    landing = Landing(target, identity, actor)
    was_frozen = source.settings().frozen
    source.freeze(actor=actor)
    try:
        source.remember(IDENTITY, identity, None)
        landing.begin()
    except BaseException:
        if not was_frozen:
            source.freeze(False, actor=actor)
        raise
    _load(source, landing, report)
    tally = tally_of(source, f"reading {source.name} again", report)
    landing.finish(tally.counts, tally.checksum, report)
    if thaw_source:
        source.freeze(False, actor=actor)
    return tally


def check_known(source: Namespace) -> None:
    """Raise NotFound unless there is such a namespace."""
    for page in pages(source):
        if page.records:
            return
    raise NotFound(f"there is no namespace {source.name} in that store", subject=source.name)


def _load(source: Namespace, landing: Landing, report: Report) -> None:
    if landing.is_loaded:
        return
    total = count_jobs(source)
    for page in pages(source, landing.cursor):
        landing.load(page.records, page.next)
        report(f"copying {source.name}", landing.jobs, total)
