"""The parts of the demo that need no queue: the site, its pages and the index."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from qless_flask.demo.index import Index
from qless_flask.demo.page import is_crawled, package_of, page_error, parse
from qless_flask.demo.site import INDEX, Site
from qless_flask.errors import Invalid, NotFound


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:
        assert answer.status == 200
        return str(answer.read().decode())


@pytest.fixture
def index(tmp_path: Path) -> Index:
    index = Index(tmp_path / "index.db")
    index.create()
    return index


class TestSite:
    def test_the_site_stops_with_its_context(self) -> None:
        with Site() as site:
            assert site.running

        assert not site.running

    def test_the_index_leads_to_the_modules_of_the_standard_library(self, site: Site) -> None:
        page = parse(read(site.url + INDEX))

        assert page.title == "Index of Modules"
        assert {"json.html", "builtins.html", "zipfile.html"} <= set(page.links)
        assert not {"index.html", "pytest.html", "idlelib.html", "antigravity.html"} & set(page.links)

    def test_the_page_of_a_package_has_title_text_and_links_to_its_modules(self, site: Site) -> None:
        page = parse(read(site.url + "json.html"))

        assert page.title.startswith("json")
        assert "JSON" in page.text
        assert "json.decoder.html" in page.links
        assert len(page.links) == len(set(page.links))

    def test_the_title_of_a_module_in_a_package_is_its_whole_name(self, site: Site) -> None:
        assert parse(read(site.url + "json.decoder.html")).title == "json.decoder"

    def test_a_page_of_a_module_that_is_not_there_is_an_error(self, site: Site) -> None:
        error = page_error(read(site.url + "nowhere_at_all.html"))

        assert error is not None
        assert error.group == "no page"
        assert "nowhere_at_all" in error.message

    def test_a_page_of_a_module_that_cannot_be_imported_names_the_cause(self, site: Site) -> None:
        error = page_error(read(site.url + "encodings.mbcs.html"))

        assert error is not None
        assert error.group == "ImportError"

    def test_a_page_about_errors_is_no_error(self, site: Site) -> None:
        assert page_error(read(site.url + "urllib.error.html")) is None


@pytest.mark.parametrize(
    ("link", "crawled"),
    [
        ("json.html", True),
        ("json.decoder.html", True),
        ("unittest.test.html", False),
        ("distutils.tests.test_build.html", False),
        ("json.__main__.html", False),
        ("test.support.html", False),
        ("turtledemo.html", False),
        ("requests.html", False),
        ("index.html", False),
        ("http://example.com/json.html", False),
        ("file:/usr/lib/python3/json.html", False),
    ],
)
def test_only_the_pages_of_the_standard_library_are_crawled(link: str, crawled: bool) -> None:
    assert is_crawled(link) is crawled


def test_a_page_belongs_to_its_outermost_package() -> None:
    assert package_of("xml.etree.ElementTree.html") == "xml"


class TestIndex:
    def test_a_page_is_found_by_its_words_in_any_order(self, index: Index) -> None:
        index.add("json.html", "json", "JavaScript Object Notation is a lightweight format")
        index.add("csv.html", "csv", "comma separated values")

        [hit] = index.search("format javascript")

        assert (hit.link, hit.title) == ("json.html", "json")
        assert "Notation" in hit.excerpt

    def test_a_word_in_a_title_comes_before_one_in_a_text(self, index: Index) -> None:
        index.add("csv.html", "csv", "values, not json; never json, though json is fine")
        index.add("json.html", "json", "a format")

        assert [hit.link for hit in index.search("json")] == ["json.html", "csv.html"]

    def test_a_page_added_twice_is_there_once(self, index: Index) -> None:
        index.add("json.html", "json", "old words")
        index.add("json.html", "json", "new words")

        assert index.count() == 1
        assert index.search("old") == []

    @pytest.mark.parametrize("words", ['"', "a OR", "NEAR(", "text:", "*", "-x", "   ", "''"])
    def test_what_is_typed_is_words_and_never_a_query_language(self, index: Index, words: str) -> None:
        index.add("json.html", "json", "a format")

        assert index.search(words) == []

    def test_a_search_before_any_crawl_says_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="qless-flask demo"):
            Index(tmp_path / "none.db").search("json")

    def test_an_index_where_no_file_can_be_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(Invalid, match="no index can be kept"):
            Index(tmp_path / "nowhere" / "index.db").create()
