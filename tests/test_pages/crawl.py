"""All pages of a mount, found by following every link, and taken apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

from test_web.visitors import Visitor

MOST_PAGES = 400
MOST_VIEWS = 6
"""With how many queries one path is opened: filters can be put together without end."""
VOID = frozenset(("area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr", "path", "rect", "line"))


@dataclass
class Element:
    """An element of a page, with the text that stands in it directly."""

    name: str
    attributes: dict[str, str | None]
    text: str = ""


@dataclass
class Form:
    """A form: where it leads, and whether by POST."""

    address: str
    posts: bool


@dataclass
class PageFound:
    """A page, and what is on it."""

    path: str
    status: int
    size: int
    elements: list[Element] = field(default_factory=list)

    def links(self) -> list[str]:
        """The addresses that it links to."""
        return [href for each in self.elements if each.name == "a" and (href := each.attributes.get("href"))]

    def forms(self) -> list[Form]:
        """Its forms, those that a button sends elsewhere too."""
        found = [
            Form(each.attributes.get("action") or self.path, each.attributes.get("method") == "post")
            for each in self.elements
            if each.name == "form"
        ]
        found += [Form(to, True) for each in self.elements if (to := each.attributes.get("formaction"))]
        return found


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop().name != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[-1].text += data


def read_page(visitor: Visitor, path: str) -> PageFound:
    """Open a page, and take it apart."""
    answer = visitor.open(path)
    found = PageFound(path, answer.status_code, len(answer.data))
    if answer.mimetype == "text/html":
        parser = _Parser()
        parser.feed(answer.text)
        parser.close()
        found.elements = parser.elements
    return found


def crawl(visitor: Visitor, *begin: str) -> Iterator[PageFound]:
    """Follow all links below the mount, from some pages on; each page is opened once."""
    waiting, seen = list(begin), set(begin)
    views: Counter[str] = Counter()
    while waiting:
        assert len(seen) <= MOST_PAGES, "the pages never end"
        page = read_page(visitor, waiting.pop(0))
        yield page
        for link in page.links():
            address, _ = urldefrag(urljoin(page.path, link))
            parts = urlsplit(address)
            is_page = not parts.netloc and parts.path.startswith("/") and "/static/" not in address
            if is_page and address not in seen and views[parts.path] < MOST_VIEWS:
                views[parts.path] += 1
                seen.add(address)
                waiting.append(address)
