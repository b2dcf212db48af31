"""The log says how many events have come since; no row moves until they are asked for."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from qless_flask.backends.base import Backend
from qless_flask.models import NewJob

from .conftest import Site


@pytest.mark.parametrize("scripts", [True], ids=["with scripts"], indirect=True)
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_new_events_are_told_and_shown_when_asked_for(page: Page, site: Site, store: Backend) -> None:
    namespace = store.namespace("shop")
    namespace.put([NewJob("X", queue="fetch", jid="old")])
    page.goto(site.at("/namespaces/shop/events?queue=fetch"))

    namespace.put([NewJob("X", queue="fetch", jid="new"), NewJob("X", queue="other", jid="elsewhere")])

    expect(page.get_by_text("1 new")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Show", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(2)
