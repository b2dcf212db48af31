"""What holds for every page: nothing runs in it, nothing escapes from it, every link leads somewhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from test_web.visitors import Visitor

from qless_flask.backends.base import Backend, Namespace
from qless_flask.models import LEAST_ROLES, ROLES, Complete, Fail, Identity, NewJob, Recurrence, Role
from qless_flask.web import QlessFlask, create_app
from qless_flask.web.blueprint import routes

from .crawl import PageFound, crawl

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;{{7*7}}"
MOST_BYTES = 200_000
HERE = "/namespaces/shop/"
PAGES = ("/", HERE)


@pytest.fixture(autouse=True)
def shop(namespace: Namespace) -> None:
    """A namespace in which every text that a client can choose is an attack."""
    namespace.put(
        [
            NewJob(
                EVIL,
                f'{{"text":{_quoted(EVIL)}}}',
                queue="fetch",
                jid=f"{EVIL}{n}",
                tags=(EVIL, "plain"),
                key=EVIL,
                requires=(EVIL,) if n > 5 else (),
                pipeline=("parse",),
            )
            for n in range(8)
        ]
    )
    namespace.put([NewJob("Crawl", queue="parse", jid="child", depends=(f"{EVIL}7",))])
    leases = namespace.pop(["fetch"], EVIL, 3).leases
    for lease in leases:
        namespace.log(lease, EVIL, f'{{"text":{_quoted(EVIL)}}}')
    namespace.settle([Fail(leases[0], group=EVIL, message=EVIL), Complete(leases[1], result=_quoted(EVIL))])
    namespace.recur(Recurrence(EVIL, queue="fetch", id=EVIL, cron="0 4 * * *"))
    namespace.track(EVIL)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@pytest.fixture
def found(backend: Backend) -> list[PageFound]:
    """All pages, as an admin sees them."""
    return list(crawl(Visitor(create_app(backend=backend)), *PAGES))


def test_every_link_leads_somewhere(found: list[PageFound]) -> None:
    assert len(found) > 20
    assert [(page.path, page.status) for page in found if page.status != 200] == []


def test_no_page_runs_what_stands_in_it(found: list[PageFound]) -> None:
    for page in found:
        for element in page.elements:
            told = (page.path, element)
            assert not any(name.startswith("on") or name == "style" for name in element.attributes), told
            assert element.name not in ("style", "iframe", "object", "embed", "base"), told
            if element.name == "script":
                assert "/static/" in (element.attributes.get("src") or ""), told
                assert element.text.strip() == "", told
            for value in element.attributes.values():
                assert not (value or "").strip().lower().startswith("javascript:"), told


def test_nothing_that_a_client_chose_becomes_an_element(found: list[PageFound]) -> None:
    for page in found:
        sources = [element.attributes.get("src") for element in page.elements if element.name == "img"]
        assert all(source and "/static/" in source for source in sources), page.path
        assert not any("49" in element.text and "{{" in EVIL and "7*7" in element.text for element in page.elements)


def test_no_page_is_longer_than_it_may_be(found: list[PageFound]) -> None:
    assert [(page.path, page.size) for page in found if page.size >= MOST_BYTES] == []


def test_every_page_has_one_heading_a_title_and_named_inputs(found: list[PageFound]) -> None:
    for page in [page for page in found if page.elements]:
        names = [element.name for element in page.elements]
        assert (names.count("h1"), names.count("main")) == (1, 1), page.path
        assert next(each.text.strip() for each in page.elements if each.name == "title"), page.path
        labelled = {element.attributes.get("for") for element in page.elements if element.name == "label"}
        ids = [id for element in page.elements if (id := element.attributes.get("id"))]
        assert len(ids) == len(set(ids)), page.path
        for element in page.elements:
            if element.name in ("input", "select", "textarea") and element.attributes.get("type") != "hidden":
                named = element.attributes.get("aria-label") or element.attributes.get("id") in labelled
                assert named, (page.path, element)


@pytest.mark.parametrize("role", ROLES)
def test_nobody_is_offered_what_they_may_not_do(visitor_as: Callable[[Role], Visitor], role: Role) -> None:
    app = Flask("routes")
    QlessFlask(app, url="sqlite:///unused.db", url_prefix="")
    address = app.url_map.bind("localhost")
    actions = {(route.rule, method): route.action for route in routes() for method in [route.method]}
    may = Identity("ann", role).may

    for page in crawl(visitor_as(role), *PAGES):
        assert page.status == 200, (page.path, page.status)
        for form in page.forms():
            path, method = form.address.partition("?")[0], "POST" if form.posts else "GET"
            rule, _ = address.match(path, method, return_rule=True)
            action = actions.get((rule.rule, method), "")
            assert action not in LEAST_ROLES or may(action, "shop"), (page.path, form, action)
