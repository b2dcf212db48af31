"""A namespace is told what holds for its queues, frozen, and erased by who types its name; secrets stay masked."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from test_web.visitors import Visitor, form_token

from qless_flask.backends.base import Namespace
from qless_flask.models import NewJob, Role
from qless_flask.web.pages import settings

HERE = "/namespaces/shop/settings"
SECRET = "https://hooks.example/T0PSECRET"
"""Of a webhook all but the host is secret."""


def typed(visitor: Visitor) -> dict[str, str]:
    """The form of the page, as it stands there."""
    page = visitor.open(HERE)
    areas = re.findall(r'<textarea id="(\w+)"[^>]*>\n(.*?)</textarea>', page.text, re.DOTALL)
    inputs = re.findall(r'<input id="(\w+)" name="\w+" value="([^"]*)"', page.text)
    return {"csrf": form_token(page), **{name: html.unescape(value) for name, value in [*areas, *inputs]}}


def test_what_is_typed_holds_for_queues_that_do_not_say_otherwise(namespace: Namespace, visitor: Visitor) -> None:
    form = {**typed(visitor), "retries": "2", "heartbeat": "none"}

    answer = visitor.post(f"{HERE}/configure", form)

    assert answer.headers["Location"] == HERE
    told = namespace.settings()
    assert (told.settings.retries, told.settings.heartbeat, told.own) == (2, None, ("heartbeat", "retries"))


def test_plans_are_typed_as_json_and_given_up_by_an_empty_box(namespace: Namespace, visitor: Visitor) -> None:
    plans = {
        "policies": '[{"name": "allow_list", "klasses": ["Crawl"]}]',
        "klass_backoff": '{"Crawl": {"strategy": "fixed", "delay": 3}}',
    }

    visitor.post(f"{HERE}/configure", {**typed(visitor), **plans})

    assert [policy.name for policy in namespace.settings().policies] == ["allow_list"]
    assert namespace.settings().klass_backoff["Crawl"].delay == 3

    visitor.post(f"{HERE}/configure", {**typed(visitor), "policies": ""})

    assert namespace.settings().policies == ()
    assert "Crawl" in namespace.settings().klass_backoff


def test_the_form_as_it_stands_changes_nothing_and_secrets_stay_masked(namespace: Namespace, visitor: Visitor) -> None:
    tracker = {"name": "webhook", "tags": ["shop"], "url": SECRET}
    namespace.configure_namespace({"trackers": [tracker], "retries": 7})  # type: ignore[dict-item]
    before = namespace.settings()
    assert "T0PSECRET" not in visitor.open(HERE).text

    answer = visitor.post(f"{HERE}/configure", typed(visitor))

    assert answer.status_code == 303, answer.text
    assert namespace.settings() == before
    [record] = [each for each in namespace.dump().records if "T0PSECRET" in str(each)]
    assert record


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("retries", "many"),
        ("policies", "{"),
        ("policies", '[{"name": "nix"}]'),
        ("policies", '{"name": "<b>"}'),
        ("trackers", '[{"name": "log", "nix": 1}]'),
        ("klass_backoff", '{"Crawl": {"strategy": "nix"}}'),
    ],
)
def test_what_cannot_be_is_said_at_its_box_and_what_was_typed_stays(
    namespace: Namespace, visitor: Visitor, name: str, value: str
) -> None:
    answer = visitor.post(f"{HERE}/configure", {**typed(visitor), "max_losses": "7", name: value})

    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 1
    assert 'name="max_losses" value="7"' in answer.text
    assert html.escape(value).replace("&quot;", "&#34;") in answer.text
    assert namespace.settings().own == ()


def test_it_is_frozen_and_thawed(namespace: Namespace, visitor: Visitor) -> None:
    visitor.send(f"{HERE}/freeze", page=HERE, on="yes")
    assert namespace.settings().frozen
    assert '<span class="state frozen">frozen</span>' in visitor.open(HERE).text

    visitor.send(f"{HERE}/freeze", page=HERE, on="no")

    assert not namespace.settings().frozen


class TestErasing:
    @pytest.fixture(autouse=True)
    def jobs(self, namespace: Namespace) -> None:
        """Some jobs."""
        namespace.put([NewJob("X", queue="q") for _ in range(1_000)])
        namespace.put([NewJob("X", queue="q") for _ in range(1_000)])

    @pytest.mark.parametrize("name", ["", "shops", "SHOP"])
    def test_another_name_erases_nothing(self, namespace: Namespace, visitor: Visitor, name: str) -> None:
        answer = visitor.send(f"{HERE}/erase", page=HERE, confirm=name)

        assert answer.status_code == 422
        assert "type shop to erase it" in answer.text
        assert namespace.queues()[0].waiting == 2_000
        assert not namespace.settings().frozen

    def test_its_name_erases_it(self, namespace: Namespace, visitor: Visitor) -> None:
        answer = visitor.send(f"{HERE}/erase", page=HERE, confirm="shop")

        while "Go on" in answer.text:
            form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
            answer = visitor.post(f"{HERE}/erase", form)

        assert answer.headers["Location"] == "/"
        assert namespace.queues() == []

    def test_what_takes_longer_is_gone_on_with_step_by_step(
        self, namespace: Namespace, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(settings, "ERASE_SECONDS", -1.0)

        first = visitor.send(f"{HERE}/erase", page=HERE, confirm="shop")

        assert first.status_code == 200
        assert "Go on" in first.text
        assert namespace.settings().frozen


def test_who_does_not_own_it_sees_the_settings_and_no_button(
    namespace: Namespace, visitor_as: Callable[[Role], Visitor]
) -> None:
    tracker = {"name": "webhook", "tags": ["shop"], "url": SECRET}
    namespace.configure_namespace({"trackers": [tracker]})  # type: ignore[dict-item]
    visitor = visitor_as("operator")

    page = visitor.open(HERE).text

    assert "<dt>heartbeat</dt>" in page
    assert "webhook" in page
    assert "T0PSECRET" not in page
    assert f"{HERE}/" not in page
    assert "/export" not in page
