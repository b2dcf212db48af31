"""In a real browser: charts are drawn of the tables behind them, and a part that is marked leads to its jobs."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from qless_flask.backends.base import Backend
from qless_flask.models import Complete, NewJob

from .conftest import Site

HERE = "/namespaces/shop/stats?last=1h"


@pytest.fixture(autouse=True)
def jobs(store: Backend) -> None:
    """Five jobs that were done just now."""
    namespace = store.namespace("shop")
    namespace.put([NewJob("Crawl", queue="fetch") for _ in range(5)])
    namespace.settle([Complete(lease) for lease in namespace.pop(["fetch"], "ann", 5).leases])


def mark(page: Page, begin: float, end: float) -> None:
    """Mark a part of the first chart, told in shares of its width."""
    field = page.locator(".u-over").first
    field.scroll_into_view_if_needed()
    box = field.bounding_box()
    assert box is not None
    at = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * begin, at)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, at, steps=4)
    page.mouse.up()


@pytest.mark.parametrize("scripts", [False], indirect=True)
def test_without_scripts_the_curves_are_there_and_so_are_their_figures(page: Page, site: Site) -> None:
    page.goto(site.at(HERE))

    expect(page.locator(".chart svg")).to_have_count(4)
    page.get_by_text("The figures, each of").click()
    expect(page.locator("#by-time tbody tr").last).to_be_visible()


@pytest.mark.parametrize("scripts", [True], indirect=True)
class TestWithScripts:
    def test_each_chart_is_drawn_with_axes(self, page: Page, site: Site) -> None:
        page.goto(site.at(HERE))

        expect(page.locator(".chart .uplot canvas")).to_have_count(4)
        expect(page.locator(".chart svg")).to_have_count(0)

    def test_a_marked_part_leads_to_its_jobs(self, page: Page, site: Site) -> None:
        page.goto(site.at(HERE))
        expect(page.locator(".u-over")).to_have_count(4)

        mark(page, 0.5, 0.99)
        page.locator("[data-range]").first.get_by_role("link", name="complete").click()

        expect(page).to_have_url(re.compile("/jobs\\?filter=state%3Acomplete\\+since%3A"))
        expect(page.locator("main table tbody tr")).to_have_count(5)

    def test_one_before_they_were_done_does_not(self, page: Page, site: Site) -> None:
        page.goto(site.at(HERE))
        expect(page.locator(".u-over")).to_have_count(4)

        mark(page, 0.1, 0.4)
        page.locator("[data-range]").first.get_by_role("link", name="complete").click()

        expect(page).to_have_url(re.compile("until"))
        expect(page.locator("main table tbody tr")).to_have_count(0)

    def test_one_can_zoom_in_and_go_back(self, page: Page, site: Site) -> None:
        page.goto(site.at(HERE))
        expect(page.locator(".u-over")).to_have_count(4)
        expect(page.locator("[data-zoom]").first).to_be_hidden()

        mark(page, 0.2, 0.5)
        page.locator("[data-zoom]").first.click()

        expect(page).to_have_url(re.compile("since="))
        query = parse_qs(urlsplit(page.url).query)
        assert "last" not in query
        expect(page.locator("#by-time tbody tr")).to_have_count(minutes(query["since"][0], query["until"][0]))
        page.go_back()
        expect(page).to_have_url(site.at(HERE))

    def test_a_curve_is_hidden_and_shown_by_its_button(self, page: Page, site: Site) -> None:
        page.goto(site.at(HERE))
        button = page.locator(".legend").first.get_by_role("button", name="failed")

        expect(button).to_have_attribute("aria-pressed", "true")
        button.press("Enter")
        expect(button).to_have_attribute("aria-pressed", "false")

    def test_a_chart_is_as_wide_as_there_is_room(self, page: Page, site: Site) -> None:
        page.goto(site.at(HERE))
        canvas = page.locator(".chart .uplot").first
        expect(canvas).to_be_visible()

        page.set_viewport_size({"width": 400, "height": 800})

        expect(canvas).to_have_css("width", re.compile(r"^[23]\d\d(\.\d+)?px$"))
        assert page.locator("html").evaluate("each => each.scrollWidth") <= 400


def minutes(since: str, until: str) -> int:
    begin, end = (int(text[11:13]) * 60 + int(text[14:16]) for text in (since, until))
    return (end - begin) % 1440
