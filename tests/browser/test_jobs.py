"""In a real browser, with scripts and without: jobs are found, looked at, changed, and put."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from qless_flask.backends.base import Backend, Namespace
from qless_flask.models import Fail, Job, NewJob

from .conftest import Site

HERE = "/namespaces/shop"


@pytest.fixture
def namespace(store: Backend) -> Namespace:
    """A namespace with some jobs that wait, and two that failed."""
    namespace = store.namespace("shop")
    namespace.put([NewJob("Crawl", '{"url": "/"}', queue="fetch", jid=f"job-{n}", tags=("red",)) for n in range(6)])
    leases = namespace.pop(["fetch"], "ann", 2).leases
    namespace.settle([Fail(lease, group="broken", message="it broke") for lease in leases])
    return namespace


@pytest.fixture
def agreeing(page: Page) -> Page:
    """A page whose questions are answered with yes."""
    page.on("dialog", lambda dialog: dialog.accept())
    return page


@pytest.fixture
def job(namespace: Namespace) -> Callable[[str], Job]:
    """Looks a job up."""

    def find(jid: str) -> Job:
        [found] = namespace.get([jid])
        assert found is not None
        return found

    return find


def test_a_failed_job_is_found_looked_at_and_run_again(
    page: Page, site: Site, namespace: Namespace, job: Callable[[str], Job]
) -> None:
    page.goto(site.at(f"{HERE}/"))
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Jobs").click()
    page.get_by_label("Filter").fill("state:failed broke")
    page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile("filter=state"))
    expect(page.get_by_role("row")).to_have_count(3)

    page.get_by_role("link", name="job-0", exact=True).click()
    expect(page.get_by_label("Message of the failure")).to_have_text("it broke")
    page.get_by_role("button", name="Run again").click()

    expect(page.get_by_role("status").first).to_contain_text("It is in fetch now.")
    assert (job("job-0").state, job("job-1").state) == ("waiting", "failed")


def test_a_click_on_a_value_narrows_the_list(page: Page, site: Site, namespace: Namespace) -> None:
    page.goto(site.at(f"{HERE}/jobs"))

    page.get_by_role("row", name=re.compile("job-1 ")).get_by_role("link", name="failed").click()

    expect(page.get_by_label("Filter")).to_have_value("state:failed")
    expect(page.get_by_role("row")).to_have_count(3)


def test_ticked_jobs_are_changed(agreeing: Page, site: Site, namespace: Namespace, job: Callable[[str], Job]) -> None:
    page = agreeing
    page.goto(site.at(f"{HERE}/jobs?filter=state:waiting"))
    page.get_by_label("job-3", exact=True).check()
    page.get_by_label("job-5", exact=True).check()
    page.get_by_label("Do", exact=True).select_option("cancel")

    page.get_by_role("button", name="Do it to the ticked").click()

    expect(page.get_by_role("status").first).to_contain_text("2 of 2 jobs are changed.")
    assert [job(f"job-{n}").state for n in range(2, 6)] == ["waiting", "canceled", "waiting", "canceled"]


def test_all_that_match_are_changed_after_their_number_was_typed(
    page: Page, site: Site, namespace: Namespace, job: Callable[[str], Job]
) -> None:
    for first in (0, 1_000):
        namespace.put([NewJob("Mail", queue="mail", jid=f"mail-{first + n}") for n in range(1_000)])
    page.goto(site.at(f"{HERE}/jobs?filter=queue:mail"))
    page.get_by_label("Do", exact=True).select_option("tag")
    page.get_by_label("With", exact=True).fill("news")
    page.get_by_role("button", name="to all that match").click()
    expect(page.get_by_role("heading", name="2,000 jobs match")).to_be_visible()
    assert job("mail-7").tags == ()

    page.get_by_label("Type 2,000 to go on").fill("2000")
    page.get_by_role("button", name="Put on the tag news").click()
    while page.get_by_role("button", name="Go on").is_visible():
        page.get_by_role("button", name="Go on").click()

    expect(page.get_by_text("That was all.")).to_be_visible()
    assert {job(f"mail-{n}").tags for n in (0, 7, 1_999)} == {("news",)}
    assert job("job-5").tags == ("red",)


def test_data_is_edited_and_put_again(page: Page, site: Site, namespace: Namespace, job: Callable[[str], Job]) -> None:
    page.goto(site.at(f"{HERE}/jobs/job-0"))
    page.get_by_role("link", name="Edit, or put again").click()
    page.get_by_label("Data, as JSON").fill('{"n": 12345678901234567890}')

    page.get_by_role("button", name="Put again as a new job").click()

    expect(page.get_by_role("region", name="Data")).to_contain_text("12345678901234567890")
    made = page.get_by_role("heading", level=1).inner_text()
    assert (job(made).data, job("job-0").data) == ('{"n":12345678901234567890}', '{"url": "/"}')


def test_a_new_job_is_put_and_what_is_wrong_with_it_told(
    page: Page, site: Site, namespace: Namespace, job: Callable[[str], Job]
) -> None:
    page.goto(site.at(f"{HERE}/jobs"))
    page.get_by_role("link", name="New job").click()
    page.get_by_label("Queue", exact=True).fill("mail")
    page.get_by_label("Klass").fill("Send")
    page.get_by_label("Priority").fill("high")
    page.get_by_role("button", name="Put it").click()
    expect(page.get_by_role("alert")).to_contain_text("high is no whole number")
    expect(page.get_by_label("Klass")).to_have_value("Send")

    page.get_by_label("Priority").fill("7")
    page.get_by_label("Jid", exact=True).fill("hello")
    page.get_by_role("button", name="Put it").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("hello")
    assert (job("hello").klass, job("hello").priority) == ("Send", 7)


@pytest.mark.parametrize("scripts", [True], indirect=True)
class TestKeyboard:
    def test_rows_are_gone_through_ticked_and_opened(self, page: Page, site: Site, namespace: Namespace) -> None:
        page.goto(site.at(f"{HERE}/jobs?filter=state:waiting"))
        expect(page.get_by_label("All on this page")).to_be_visible()

        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("x")
        page.keyboard.press("p")

        expect(page.get_by_text("1 ticked:")).to_be_visible()
        expect(page.locator("td[colspan]")).to_have_text('{"url": "/"}')
        page.keyboard.press("o")
        expect(page.get_by_role("heading", level=1)).to_have_text("job-3")

    def test_shift_ticks_a_range(self, page: Page, site: Site, namespace: Namespace) -> None:
        page.goto(site.at(f"{HERE}/jobs?filter=state:waiting"))
        expect(page.get_by_label("All on this page")).to_be_visible()

        page.get_by_label("job-2", exact=True).click()
        page.get_by_label("job-4", exact=True).click(modifiers=["Shift"])

        expect(page.get_by_text("3 ticked:")).to_be_visible()

    def test_pages_the_filter_box_and_the_help(self, page: Page, site: Site, namespace: Namespace) -> None:
        page.goto(site.at(f"{HERE}/jobs"))
        expect(page.get_by_label("All on this page")).to_be_visible()

        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keys")).to_contain_text("Queues")
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        expect(page.get_by_label("Filter")).to_be_focused()
        page.keyboard.press("Escape")
        page.keyboard.press("g")
        page.keyboard.press("q")

        expect(page.get_by_role("heading", level=1)).to_have_text("Queues")

    def test_the_word_that_is_typed_is_completed(self, page: Page, site: Site, namespace: Namespace) -> None:
        page.goto(site.at(f"{HERE}/jobs"))
        box = page.get_by_label("Filter")

        box.press_sequentially("state:failed queue:f")

        expect(page.locator("datalist option")).to_have_count(1)
        expect(page.locator("datalist option")).to_have_attribute("value", "state:failed queue:fetch")
