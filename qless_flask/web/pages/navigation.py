"""What stands on every page: the pages of the namespace, and the other namespaces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import request

from qless_flask.web.current import current_service
from qless_flask.web.pages.addresses import address_of

MOST_NAMESPACES = 50
"""How many are offered; the start page lists all."""

May = Callable[[str, str | None], bool]

_WORK = (
    ("", "Overview", "o", "queues"),
    ("queues", "Queues", "q", "queues"),
    ("jobs", "Jobs", "j", "select"),
    ("failures", "Failures", "f", "failures"),
    ("tracked", "Tracked", "k", "tracked"),
    ("tags", "Tags", "t", "tags"),
)
_ROUND_IT = (
    ("workers", "Workers", "w", "workers"),
    ("recurrences", "Recurrences", "r", "recurrences"),
    ("stats", "Statistics", "s", "stats"),
    ("events", "Events", "e", "events"),
)
_SETTINGS = (("settings", "Settings", "n", "settings"),)
SECTIONS = (_WORK, _ROUND_IT, _SETTINGS)
"""Of each page: its path below the namespace, its name, the key that leads there after `g`, and for who may do what."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A link of the navigation."""

    label: str
    address: str
    current: bool
    key: str = ""


@dataclass(frozen=True, slots=True)
class Navigation:
    """Where one is, and where one can go."""

    namespace: str
    here: str
    """The address of the namespace; its pages stand below."""
    sections: tuple[tuple[Entry, ...], ...]
    namespaces: tuple[Entry, ...]
    """The same page of each."""


def navigation(may: May, namespaces: Sequence[str]) -> Navigation | None:
    """Tell where the page of this request stands; None of one that is in no namespace."""
    namespace = (request.view_args or {}).get("namespace")
    if namespace is None:
        return None
    here = address_of("overview_page")
    section = _section()
    shown = sorted({namespace, *namespaces[:MOST_NAMESPACES]})
    ours = tuple(
        tuple(
            Entry(label, here + path, path == section, key)
            for path, label, key, action in entries
            if may(action, namespace)
        )
        for entries in SECTIONS
    )
    return Navigation(
        namespace,
        here,
        (*ours, _of_plugins(may, namespace)),
        tuple(
            Entry(name, address_of("overview_page", namespace=name) + (section or ""), name == namespace)
            for name in shown
        ),
    )


def _of_plugins(may: May, namespace: str) -> tuple[Entry, ...]:
    at = request.path
    return tuple(
        Entry(offered.page.title, address, at == address)
        for path, offered in current_service().offered_pages.items()
        if may(offered.page.action, namespace)
        for address in [address_of("plugin_page", path=path)]
    )


def _section() -> str | None:
    """Tell the page that this request's page stands at or below; None where it is at none."""
    rule = request.url_rule.rule if request.url_rule else ""
    below = rule.partition("<namespace>/")[2].partition("/")[0]
    paths = {path for entries in SECTIONS for path, *_ in entries}
    return below if below in paths else None
