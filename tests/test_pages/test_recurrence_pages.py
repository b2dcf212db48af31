"""Recurrences are told in plain words, steered by buttons, and made and changed by a form that shows when they run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from test_web.visitors import Visitor, form_token

from qless_flask.backends.base import Namespace
from qless_flask.models import Backoff, Recurrence, Recurring, Role
from qless_flask.web.pages.rule_form import read_rule, show_rule
from qless_flask.web.pages.rule_words import rule_words

LIST = "/namespaces/shop/recurrences"
ONE = f"{LIST}/night%2Fly"
NEW = "/namespaces/shop/new-recurrence"


@pytest.fixture(autouse=True)
def nightly(namespace: Namespace) -> None:
    """A recurrence."""
    namespace.recur(Recurrence("Report", queue="mail", id="night/ly", cron="30 4 * * 1-5", timezone="Europe/Berlin"))


def seen(namespace: Namespace, id: str = "night/ly") -> Recurring:
    [found] = namespace.recurrences([id])
    return found


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"interval": 600}, "Every 10 min"),
        ({"cron": "0 4 * * *"}, "At 04:00, in UTC"),
        ({"cron": "0 0 * * 0"}, "At 00:00, only on Sunday, in UTC"),
        ({"cron": "0 0 * * 7"}, "At 00:00, only on Sunday, in UTC"),
        ({"cron": "30 4 1 * 1"}, "At 04:30, on day 1 of the month, or on Monday, in UTC"),
        # Both have to match here, for which there are no good words.
        ({"cron": "30 4 */2 * 1"}, "30 4 */2 * 1"),
    ],
)
def test_a_rule_is_told_in_words(rule: dict[str, object], words: str) -> None:
    assert rule_words(Recurrence("X", queue="q", **rule)) == words  # type: ignore[arg-type]


def test_a_rule_as_it_is_typed_is_the_same_rule() -> None:
    rule = Recurrence(
        "Report",
        '{"big":12345678901234567890}',
        queue="mail",
        id="r",
        interval=0.5 + 1,
        first_at=1_800_000_000.25,
        overlap="skip",
        catchup=7,
        count=1_000_000,
        priority=-3,
        tags=("two words", "x"),
        retries=0,
        pipeline=("b", "c"),
        backoff=Backoff("table", delays=(1, 2)),
        max_run=12.5,
        expires_in=60,
        requires=("gpu",),
        key="k",
    )

    assert read_rule(show_rule(rule), "r") == rule


def test_the_list_tells_when_and_what(visitor: Visitor) -> None:
    page = visitor.open(LIST).text

    assert f'href="{ONE}"' in page
    assert "At 04:30, Monday through Friday, in Europe/Berlin" in page
    assert 'href="/namespaces/shop/jobs?filter=klass%3AReport"' in page


def test_one_tells_its_next_five_runs(visitor: Visitor) -> None:
    page = visitor.open(ONE).text

    assert page.partition("<dt>next</dt>")[2].partition("</dd>")[0].count("<time") == 5


def test_one_that_soon_has_fired_enough_has_fewer(namespace: Namespace, visitor: Visitor) -> None:
    namespace.recur(Recurrence("X", queue="mail", id="twice", interval=60, count=2))

    page = visitor.open(f"{LIST}/twice").text

    assert page.partition("<dt>next</dt>")[2].partition("</dd>")[0].count("<time") == 2


def test_it_is_paused_and_resumed(namespace: Namespace, visitor: Visitor) -> None:
    visitor.send(f"{ONE}/pause", page=ONE)
    assert seen(namespace).paused
    page = visitor.open(ONE).text
    assert "night/ly is paused." in page
    assert f'action="{ONE}/pause"' not in page

    visitor.send(f"{ONE}/resume", page=ONE)

    assert not seen(namespace).paused


def test_running_it_now_leads_to_the_job(namespace: Namespace, visitor: Visitor) -> None:
    answer = visitor.send(f"{ONE}/run", page=ONE)

    [queue] = namespace.queues(["mail"])
    assert queue.waiting == 1
    assert visitor.open(answer.headers["Location"]).status_code == 200


def test_deleting_it_leads_to_the_list(namespace: Namespace, visitor: Visitor) -> None:
    answer = visitor.send(f"{ONE}/delete", page=ONE)

    assert answer.headers["Location"] == LIST
    assert namespace.recurrences() == []
    assert "No recurrences yet" in visitor.open(LIST).text
    assert visitor.open(ONE).status_code == 404


class TestForm:
    def test_a_new_one_is_made(self, namespace: Namespace, visitor: Visitor) -> None:
        answer = visitor.send(
            NEW,
            page=NEW,
            id="hourly",
            queue="mail",
            klass="Report",
            data='{"to": "ann"}',
            interval="3600",
            tags="a\n b \n\n",
            catchup="3",
        )

        assert answer.headers["Location"] == f"{LIST}/hourly"
        rule = seen(namespace, "hourly").rule
        assert (rule.interval, rule.data, rule.tags, rule.catchup) == (3600, '{"to":"ann"}', ("a", "b"), 3)

    def test_it_does_not_take_the_place_of_another(self, namespace: Namespace, visitor: Visitor) -> None:
        before = seen(namespace)

        answer = visitor.send(NEW, page=NEW, id="night/ly", queue="mail", klass="Other", interval="60")

        assert answer.status_code == 422
        assert "is there already" in answer.text
        assert 'value="Other"' in answer.text
        assert seen(namespace) == before

    def test_a_preview_makes_nothing(self, namespace: Namespace, visitor: Visitor) -> None:
        answer = visitor.send(NEW, page=NEW, preview="1", id="x", queue="q", klass="X", cron="0 12 * * *")

        assert answer.status_code == 200
        told = answer.text.partition('aria-label="Preview"')[2].partition("</section>")[0]
        assert "At 12:00, in UTC" in told
        assert told.count("<time") == 5
        assert 'name="cron" type="text" value="0 12 * * *"' in answer.text
        assert [each.rule.id for each in namespace.recurrences()] == ["night/ly"]

    @pytest.mark.parametrize(
        ("name", "typed"),
        [
            ("cron", "0 25 * * *"),
            ("cron", "<b>"),
            ("timezone", "Europe/Nowhere"),
            ("first_at", "tomorrow"),
            ("count", "many"),
            ("catchup", "some"),
            ("catchup", "9" * 5000),
            ("interval", "nan"),
            ("first_at", "+99999d"),
            ("backoff", "{"),
            ("data", "{"),
            ("priority", "9" * 30),
            ("interval", "60"),
            ("overlap", "maybe"),
        ],
    )
    @pytest.mark.parametrize("preview", [{}, {"preview": "1"}])
    def test_what_cannot_be_is_said_and_what_was_typed_stays(
        self, namespace: Namespace, visitor: Visitor, name: str, typed: str, preview: dict[str, str]
    ) -> None:
        form = {"queue": "mail", "klass": "Kept", "cron": "0 4 * * *", "data": "{}", name: typed, **preview}
        answer = visitor.post(NEW, {"csrf": form_token(visitor.open(NEW)), **form})

        assert answer.status_code == 422, answer.text
        assert 'role="alert"' in answer.text
        assert 'value="Kept"' in answer.text
        assert len(namespace.recurrences()) == 1

    def test_the_form_as_it_stands_changes_nothing(self, namespace: Namespace, visitor: Visitor) -> None:
        before = seen(namespace)

        visitor.post(f"{ONE}/edit", {"csrf": form_token(visitor.open(f"{ONE}/edit")), **show_rule(before.rule)})

        assert seen(namespace) == before

    def test_a_changed_rule_holds(self, namespace: Namespace, visitor: Visitor) -> None:
        form = {**show_rule(seen(namespace).rule), "cron": "0 5 * * *"}

        answer = visitor.post(f"{ONE}/edit", {"csrf": form_token(visitor.open(f"{ONE}/edit")), **form})

        assert answer.headers["Location"] == ONE
        assert seen(namespace).rule.cron == "0 5 * * *"

    def test_data_that_is_too_long_to_be_edited_stays(self, namespace: Namespace, visitor: Visitor) -> None:
        data = f'"{"x" * 40_000}"'
        namespace.recur(Recurrence("X", data, queue="mail", id="long", interval=60))
        edit = f"{LIST}/long/edit"
        page = visitor.open(edit)
        assert 'name="data"' not in page.text

        typed = show_rule(seen(namespace, "long").rule)
        visitor.post(edit, {"csrf": form_token(page), **typed, "interval": "90"})

        rule = seen(namespace, "long").rule
        assert (rule.interval, rule.data) == (90, data)


@pytest.mark.parametrize("role", ["viewer", "worker"])
def test_who_may_only_look_is_offered_nothing(visitor_as: Callable[[Role], Visitor], role: Role) -> None:
    visitor = visitor_as(role)

    for path in (LIST, ONE):
        page = visitor.open(path).text
        assert 'method="post"' not in page
        assert "new-recurrence" not in page
    assert visitor.open(NEW).status_code == 403
