"""A page of Python's documentation: its title, its text and where its links lead."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from html import unescape
from html.parser import HTMLParser

LEFT_OUT = ("test", "idlelib", "lib2to3", "turtledemo", "antigravity", "*.test*", "*.__main__")
"""Modules left out: to render a page is to import its module, and these open windows, ask questions or run tests."""

_HEADING = re.compile(r'<strong class="title">(.*?)</strong>', re.DOTALL)
_MODULE_LINK = re.compile(r"([\w.]+)\.html")
_CAUSE = re.compile(r"problem in \S+ - (\w+)")
_TAG = re.compile(r"<[^>]*>")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Page:
    """What the crawl wants of a page."""

    title: str
    text: str
    links: tuple[str, ...]
    """The pages that it leads to, each once, as they stand beside it: `json.decoder.html`."""


@dataclass(frozen=True, slots=True)
class PageError:
    """Why the site has no page to show: the group that the failure belongs to, and what it says."""

    group: str
    message: str


def parse(html: str) -> Page:
    """Read a page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    heading = _HEADING.search(html)
    # A module's name is split over links to its packages.
    title = _plain(heading[1], between="") if heading else ""
    links = dict.fromkeys(link for link in reader.links if is_crawled(link))
    return Page(title, _SPACE.sub(" ", " ".join(reader.texts)).strip(), tuple(links))


def page_error(html: str) -> PageError | None:
    """Tell what is wrong where the site answers with an error page; its status is 200 as any other's."""
    heading = _HEADING.search(html)
    if heading is None or _plain(heading[1]) != "Error":
        return None
    message = _plain(html[heading.end() :])
    cause = _CAUSE.search(message)
    return PageError(cause[1] if cause else "no page", message)


def is_crawled(link: str) -> bool:
    """Tell whether a link leads to the page of a module that belongs to the crawl: the standard library's."""
    found = _MODULE_LINK.fullmatch(link)
    if found is None:
        return False
    module = found[1]
    return package_of(link) in sys.stdlib_module_names and not any(
        fnmatchcase(module, pattern) or module.startswith(f"{pattern}.") for pattern in LEFT_OUT
    )


def package_of(link: str) -> str:
    """Name the package that a page belongs to: `json` for `json.decoder.html`."""
    return link.removesuffix(".html").partition(".")[0]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links.extend(value.partition("#")[0] for name, value in attrs if name == "href" and value)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def _plain(html: str, between: str = " ") -> str:
    return _SPACE.sub(" ", unescape(_TAG.sub(between, html))).strip()
