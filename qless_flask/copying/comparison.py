"""Whether two of what was copied are the same: by counts, and by a checksum of all records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from qless_flask.backends.base import Namespace
from qless_flask.models import Dumped, Tally

PAGE = 100
"""How many records are read at once: jobs may have a mebibyte of data each."""

Report = Callable[[str, int, int | None], None]
"""Is told what is being done, how many jobs are done, and of how many, if that is known."""


def pages(namespace: Namespace, cursor: str | None = None) -> Iterator[Dumped]:
    """Read a namespace page after page, from a cursor on."""
    while True:
        page = namespace.dump(cursor, PAGE)
        yield page
        if page.next is None:
            return
        cursor = page.next


def count_jobs(namespace: Namespace) -> int:
    """Count the jobs of all queues."""
    return sum(
        each.scheduled + each.depends + each.waiting + each.running + each.complete + each.failed + each.canceled
        for each in namespace.queues()
    )


def tally_of(namespace: Namespace, what: str, report: Report) -> Tally:
    """Read a namespace whole, and sum it up."""
    tally, total = Tally(), count_jobs(namespace)
    for page in pages(namespace):
        tally.add(page.records)
        report(what, tally.jobs, total)
    return tally


def differences(found: Tally, counts: Mapping[str, int], checksum: str) -> str:
    """Tell what is another in what was found, or nothing where it is the same."""
    if found.counts == counts and found.checksum == checksum:
        return ""
    told = [
        f"{found.counts.get(kind, 0):,} of kind {kind} instead of {counts.get(kind, 0):,}"
        for kind in sorted(found.counts.keys() | counts.keys())
        if found.counts.get(kind, 0) != counts.get(kind, 0)
    ]
    return ", ".join(told) or f"as many records, but others: checksum {found.checksum} instead of {checksum}"
