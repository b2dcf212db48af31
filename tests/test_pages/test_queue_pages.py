"""Queues are listed, and steered by forms: each does one thing, and leads back to say so."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from test_web.visitors import Visitor, form_token

from qless_flask.backends.base import Namespace
from qless_flask.models import Backoff, NewJob, Queue, Rate, Role

LIST = "/namespaces/shop/queues"
ONE = f"{LIST}/fetch"


@pytest.fixture(autouse=True)
def fetch(namespace: Namespace) -> None:
    """A queue with a job."""
    namespace.put([NewJob("Crawl", queue="fetch", jid="first")])


def queue(namespace: Namespace) -> Queue:
    [found] = namespace.queues(["fetch"])
    return found


class TestSteering:
    def test_pausing_leads_back_and_is_told_once(self, namespace: Namespace, visitor: Visitor) -> None:
        answer = visitor.send(f"{ONE}/pause", page=ONE)

        assert (answer.status_code, answer.headers["Location"]) == (303, ONE)
        assert queue(namespace).paused
        told = "fetch is paused: nothing is popped from it"
        first, second = visitor.open(ONE).text, visitor.open(ONE).text
        assert told in first
        assert told not in second
        assert f'action="{ONE}/resume"' in first
        assert f'action="{ONE}/pause"' not in first

    def test_resuming(self, namespace: Namespace, visitor: Visitor) -> None:
        namespace.pause("fetch")

        visitor.send(f"{ONE}/resume", page=ONE)

        assert not queue(namespace).paused

    def test_a_form_may_say_where_to_lead_back_but_nowhere_else(self, visitor: Visitor) -> None:
        ours = visitor.send(f"{ONE}/pause", page=ONE, back="/namespaces/shop/")
        others = visitor.send(f"{ONE}/resume", page=ONE, back="//evil.example/")

        assert ours.headers["Location"] == "/namespaces/shop/"
        assert others.headers["Location"] == ONE

    def test_an_empty_queue_is_forgotten_and_leads_to_the_list(self, namespace: Namespace, visitor: Visitor) -> None:
        namespace.configure("idle", {"retries": 1})
        assert f'action="{LIST}/idle/forget"' in visitor.open(f"{LIST}/idle").text

        answer = visitor.send(f"{LIST}/idle/forget", page=ONE)

        assert answer.headers["Location"] == LIST
        assert [each.name for each in namespace.queues()] == ["fetch"]

    def test_one_that_has_jobs_is_not_and_its_page_says_why(self, namespace: Namespace, visitor: Visitor) -> None:
        assert f'action="{ONE}/forget"' not in visitor.open(ONE).text

        answer = visitor.send(f"{ONE}/forget", page=ONE)

        assert answer.status_code == 409
        assert "<h1>fetch</h1>" in answer.text
        assert 'role="alert"' in answer.text
        assert queue(namespace).waiting == 1

    def test_without_the_token_of_its_page_a_form_does_nothing(self, namespace: Namespace, visitor: Visitor) -> None:
        assert visitor.post(f"{ONE}/pause", {}).status_code == 403
        assert not queue(namespace).paused

    @pytest.mark.parametrize("role", ["viewer", "producer", "worker"])
    def test_who_may_only_look_sees_no_button_and_is_refused(
        self, namespace: Namespace, visitor_as: Callable[[Role], Visitor], role: Role
    ) -> None:
        visitor = visitor_as(role)

        page = visitor.open(ONE)

        assert 'method="post"' not in page.text
        assert "<dt>heartbeat</dt>" in page.text
        assert visitor.post(f"{ONE}/pause", {}).status_code == 403
        assert not queue(namespace).paused

    def test_a_queue_that_is_not_there_says_so(self, visitor: Visitor) -> None:
        assert visitor.open(f"{LIST}/nix").status_code == 404


class TestSettings:
    def test_what_is_typed_holds_and_what_is_empty_is_inherited(self, namespace: Namespace, visitor: Visitor) -> None:
        namespace.configure("fetch", {"retries": 9, "max_losses": 1})

        answer = visitor.send(
            f"{ONE}/configure",
            page=ONE,
            retries="",
            max_losses=" 2 ",
            heartbeat="none",
            max_run="1.5",
            rate="100 / 60",
            backoff='{"strategy": "fixed", "delay": 3}',
        )

        assert answer.status_code == 303, answer.text
        found = queue(namespace)
        assert found.own == ("backoff", "heartbeat", "max_losses", "max_run", "rate")
        assert (found.settings.max_losses, found.settings.heartbeat, found.settings.max_run) == (2, None, 1.5)
        assert found.settings.rate == Rate(100, 60)
        assert found.settings.backoff == Backoff("fixed", 3)

    def test_what_is_nested_too_deep_is_refused_as_other_nonsense_is(
        self, namespace: Namespace, visitor: Visitor
    ) -> None:
        assert visitor.send(f"{ONE}/configure", page=ONE, backoff="[" * 60_000).status_code == 422

    def test_the_form_as_it_stands_changes_nothing(self, namespace: Namespace, visitor: Visitor) -> None:
        namespace.configure(
            "fetch", {"rate": Rate(3, 0.5), "heartbeat": None, "backoff": Backoff("table", delays=(1, 2))}
        )
        before = queue(namespace)
        page = visitor.open(ONE)
        shown = {"rate": "3/0.5", "heartbeat": "none", "retries": ""}
        for name, value in shown.items():
            assert f'name="{name}" value="{value}"' in page.text
        table = '{"strategy": "table", "delays": [1, 2]}'
        assert table.replace('"', "&#34;") in page.text

        visitor.post(f"{ONE}/configure", {"csrf": form_token(page), **shown, "backoff": table})

        assert queue(namespace) == before

    @pytest.mark.parametrize(
        ("name", "typed"),
        [
            ("retries", "many"),
            ("retries", "1.5"),
            ("heartbeat", "-1"),
            ("rate", "100"),
            ("rate", "0/60"),
            ("backoff", "{"),
            ("backoff", '{"strategy": "fixed", "delay": "<b>"}'),
            ("retention", '{"failed": {"age": -1, "count": 1}}'),
            ("max_size", "1e400"),
            ("max_size", "9" * 400),
        ],
    )
    def test_what_cannot_be_is_said_at_its_field_and_what_was_typed_stays(
        self, namespace: Namespace, visitor: Visitor, name: str, typed: str
    ) -> None:
        form = {"csrf": form_token(visitor.open(ONE)), "max_losses": "7", name: typed}
        answer = visitor.post(f"{ONE}/configure", form)

        assert answer.status_code == 422
        assert answer.text.count('aria-invalid="true"') == 1
        assert 'name="max_losses" value="7"' in answer.text
        escaped = typed.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;")
        assert escaped in answer.text
        assert queue(namespace).own == ()


class TestList:
    @pytest.fixture(autouse=True)
    def many(self, namespace: Namespace) -> None:
        """Sixty queues more, the later the fuller."""
        namespace.put([NewJob("X", queue=f"q{number:02}") for number in range(60) for _ in range(number // 6 + 1)])

    def shown(self, visitor: Visitor, query: str = "") -> list[str]:
        page = visitor.open(LIST + query).text
        return [part.split("<")[0] for part in page.split("/queues/")[1:] for part in part.split('">')[1:2]]

    def test_it_shows_fifty_by_name_and_leads_on(self, visitor: Visitor) -> None:
        assert self.shown(visitor) == ["fetch", *(f"q{number:02}" for number in range(49))]
        assert self.shown(visitor, "?page=2") == [f"q{number:02}" for number in range(49, 60)]
        assert 'rel="next" href="/namespaces/shop/queues?order=name&amp;page=2"' in visitor.open(LIST).text

    def test_it_is_ordered_by_what_there_is_most_of(self, visitor: Visitor) -> None:
        assert self.shown(visitor, "?order=waiting")[:6] == ["q54", "q55", "q56", "q57", "q58", "q59"]

    def test_a_part_of_the_name_picks(self, visitor: Visitor) -> None:
        assert self.shown(visitor, "?name=Q5") == [f"q5{number}" for number in range(10)]
        assert "No queue has “&lt;nix&gt;” in its name" in visitor.open(LIST + "?name=<nix>").text

    @pytest.mark.parametrize(
        "query", ["?page=0", "?page=-1", "?page=x", "?page=²", "?order=nix", "?page=99999999999999"]
    )
    def test_what_it_has_no_use_for_does_no_harm(self, visitor: Visitor, query: str) -> None:
        assert len(self.shown(visitor, query)) == 50

    def test_it_is_small(self, visitor: Visitor) -> None:
        assert len(visitor.open(LIST).data) < 200_000
