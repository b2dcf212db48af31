"""axe-core finds nothing wrong on any page, light or dark, narrow or wide, and no page is wider than its window."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from qless_flask.backends.base import Backend
from qless_flask.models import Complete, Fail, NewJob, Recurrence, Retry

from .conftest import Site

AXE = Path(__file__).parents[2] / "static/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """async (tags) => (await axe.run(document, {runOnly: tags})).violations.map(
  (each) => [each.id, each.help, each.nodes.slice(0, 3).map((node) => [node.target.join(" "), node.failureSummary])])"""
HERE = "/namespaces/shop/"
PAGES = (
    "/",
    "/plugins",
    HERE,
    *(
        f"{HERE}{path}"
        for path in (
            "queues",
            "queues/fetch",
            "jobs",
            "jobs?filter=state:failed",
            "jobs?filter=klass:Nothing",
            "jobs/failed",
            "jobs/parent",
            "jobs/child",
            "jobs/failed/edit",
            "jobs/nobody",
            "new-job",
            "change?filter=state:waiting&action=cancel",
            "failures",
            "failures/broken",
            "workers",
            "workers/ann",
            "recurrences",
            "tags",
            "tags/red",
            "tracked",
            "stats",
            "events",
            "settings",
        )
    ),
    "/namespaces/empty/",
    "/namespaces/empty/jobs",
    "/namespaces/empty/queues",
)


@pytest.fixture
def full(store: Backend) -> None:
    """A namespace that has something of everything."""
    namespace = store.namespace("shop")
    namespace.put([NewJob("Crawl", '{"n": 1}', queue="fetch", jid=jid, tags=("red",)) for jid in ("failed", "parent")])
    namespace.put([NewJob("Crawl", queue="fetch", jid=f"job-{n}", priority=n, key="ann") for n in range(5)])
    namespace.put([NewJob("Parse", queue="parse", jid="child", depends=("parent",))])
    namespace.put([NewJob("Mail", queue="mail", jid="later", delay=3600)])
    lease, other, third = namespace.pop(["fetch"], "ann", 3).leases
    namespace.log(lease, "half of it")
    namespace.settle([Complete(lease, result="[]"), Retry(other, delay=60, group="503", message="busy")])
    namespace.settle([Fail(third, group="broken", message="Traceback\n  it broke")])
    [held] = namespace.pop(["fetch"], "ann")
    assert held.job is not None
    [more] = [each for each in namespace.get(["failed"]) if each is not None]
    if more.state != "failed":
        namespace.move(["failed"], "other")
        [lease] = namespace.pop(["other"], "ann")
        namespace.settle([Fail(lease, group="broken", message="Traceback\n  it broke")])
    namespace.recur(Recurrence("Mail", queue="mail", id="daily", cron="0 7 * * *"))
    namespace.track("red")
    namespace.pause("mail")


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, site: Site, full: None, theme: str) -> None:
    context = browser.new_context(color_scheme=theme, viewport={"width": 1280, "height": 900})  # type: ignore[arg-type]
    # The pages' own policy lets nothing in but their files: axe is no part of them.
    context.add_init_script(path=AXE)
    page = context.new_page()
    wrong: dict[str, object] = {}
    for path in PAGES:
        answer = page.goto(site.at(path))
        assert answer is not None
        assert answer.status == (404 if "nobody" in path else 200), path
        found = page.evaluate(RUN, RULES)
        if found:
            wrong[path] = found
    context.close()
    assert not wrong, json.dumps(wrong, indent=1)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("width", [400, 2560])
def test_no_page_is_wider_than_its_window(browser: Browser, site: Site, full: None, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    wide = {}
    for path in PAGES:
        page.goto(site.at(path))
        shown = page.evaluate("document.documentElement.scrollWidth")
        if shown > width:
            wide[path] = shown
    context.close()
    assert wide == {}
