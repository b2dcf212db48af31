"""Tokens as a store keeps them, on every store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from token_stores import STORES, Open, opener

from qless_flask.backends.base import Backend
from qless_flask.backends.scheduling import OURS
from qless_flask.backends.sqlite import SQLiteBackend
from qless_flask.backends.tokens import INDEX, KEPT_SECONDS, MOST_TOKENS, SEEN_SECONDS, SESSION_KEY, Tokens
from qless_flask.errors import BackendUnavailable, Invalid, NotFound
from qless_flask.models import EVERYWHERE
from qless_flask.testing import Flaky, ManualClock, ModelBackend, Point

DAY = 86_400.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def timer() -> ManualClock:
    """What tells how long ago a server has read something."""
    return ManualClock()


@pytest.fixture(params=STORES)
def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the test's own store, as another process would."""
    with ExitStack() as stack:
        yield opener(request.param, request, tmp_path, stack)


@pytest.fixture
def backend(open_again: Open) -> Backend:
    return open_again()


@pytest.fixture
def tokens(backend: Backend, clock: ManualClock, timer: ManualClock) -> Tokens:
    return Tokens(backend, clock=clock, timer=timer)


@pytest.fixture
def elsewhere(open_again: Open, clock: ManualClock, timer: ManualClock) -> Tokens:
    """The same tokens, as another server has them."""
    return Tokens(open_again(), clock=clock, timer=timer)


class TestTokens:
    def test_a_token_is_found_by_its_text(self, tokens: Tokens) -> None:
        made = tokens.create("worker", ["mail", "fetch"], name="mailer", rate=5, by="ann")

        found = tokens.find(made.text)

        assert found == made.token
        assert found is not None
        assert found.created_by == "ann"
        identity = found.identity()
        assert (identity.name, identity.role, identity.namespaces) == ("mailer", "worker", ("mail", "fetch"))
        assert (identity.token, identity.rate) == (found.id, 5)

    @pytest.mark.parametrize("change", [
        lambda text: "",
        lambda text: "qless",
        lambda text: "qless_",
        lambda text: "qless__",
        lambda text: text[:-1],
        lambda text: text + "x",
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text.upper(),
        lambda text: text.rpartition("_")[0] + "_",
        lambda text: "_".join(text.split("_")[:2]),
        lambda text: "x" + text,
        lambda text: text.removeprefix("qless_"),
        lambda text: text[:-1] + "é",
        lambda text: text[:-1] + "\ud800",
        lambda text: text * 10_000,
        lambda text: f"qless_tokens_{text[-43:]}",
        lambda text: f"qless_ _{text[-43:]}",
    ])  # fmt: skip
    def test_nothing_else_is(self, tokens: Tokens, change: Callable[[str], str]) -> None:
        made = tokens.create("worker", ["mail"])

        assert tokens.find(change(made.text)) is None

    def test_nor_is_the_secret_of_another(self, tokens: Tokens) -> None:
        one, other = tokens.create("admin", ["mail"]), tokens.create("viewer", ["mail"])

        mixed = f"qless_{one.token.id}_{other.text.split('_', 2)[2]}"

        assert tokens.find(mixed) is None

    def test_it_has_a_name_where_none_was_given(self, tokens: Tokens) -> None:
        token = tokens.create("worker", ["mail"]).token

        assert token.name == f"token-{token.id}"

    def test_a_namespace_named_twice_counts_once(self, tokens: Tokens) -> None:
        assert tokens.create("worker", ["mail", "fetch", "mail"]).token.namespaces == ("mail", "fetch")

    def test_they_are_listed_the_oldest_first(self, tokens: Tokens, clock: ManualClock) -> None:
        made = []
        for _ in range(5):
            made.append(tokens.create("worker", ["mail"]).token)
            clock.advance(1)

        assert tokens.all() == made


class TestEnd:
    def test_a_token_that_has_expired_is_not_found(self, tokens: Tokens, clock: ManualClock) -> None:
        made = tokens.create("worker", ["mail"], expires=60)
        clock.advance(59.999)
        assert tokens.find(made.text) is not None

        clock.advance(0.001)

        assert tokens.find(made.text) is None
        assert tokens.holding(made.token.id) is None
        assert [each.state(clock()) for each in tokens.all()] == ["expired"]

    def test_nor_is_one_that_was_revoked(self, tokens: Tokens, clock: ManualClock) -> None:
        made, other = tokens.create("worker", ["mail"]), tokens.create("worker", ["mail"])
        assert tokens.find(made.text) is not None

        revoked = tokens.revoke(made.token.id, by="ann")

        assert (revoked.revoked_at, revoked.revoked_by) == (clock(), "ann")
        assert tokens.find(made.text) is None
        assert tokens.holding(made.token.id) is None
        assert tokens.find(other.text) is not None
        assert [each.state(clock()) for each in tokens.all()] == ["revoked", "holds"]

    def test_revoked_is_revoked_where_the_clock_is_behind(self, tokens: Tokens, clock: ManualClock) -> None:
        made = tokens.create("worker", ["mail"])
        tokens.revoke(made.token.id)

        clock.advance(-3600)

        assert tokens.find(made.text) is None

    def test_to_revoke_it_again_changes_nothing(self, tokens: Tokens, clock: ManualClock) -> None:
        made = tokens.create("worker", ["mail"])
        revoked = tokens.revoke(made.token.id, by="ann")
        clock.advance(60)

        assert tokens.revoke(made.token.id, by="bob") == revoked
        assert tokens.all() == [revoked]

    def test_one_that_is_not_there_cannot_be_revoked(self, tokens: Tokens) -> None:
        tokens.create("worker", ["mail"])

        with pytest.raises(NotFound, match="no token 123456789abc"):
            tokens.revoke("123456789abc")


class TestAsking:
    def test_nobody_is_asked_before_there_is_a_token(self, tokens: Tokens) -> None:
        assert not tokens.exist()
        assert tokens.all() == []
        assert tokens.find("qless_123456789abc_x") is None

    def test_whoever_asks_must_have_one_once_one_was_made(self, tokens: Tokens) -> None:
        assert not tokens.exist()
        tokens.create("worker", ["mail"])

        assert tokens.exist()

    def test_that_stays_so_when_none_holds(self, tokens: Tokens, clock: ManualClock) -> None:
        tokens.revoke(tokens.create("worker", ["mail"]).token.id)
        tokens.create("worker", ["mail"], expires=1)
        clock.advance(2)

        assert tokens.exist()

    def test_a_reset_opens_the_store_and_leaves_nothing(self, tokens: Tokens, backend: Backend) -> None:
        made = [tokens.create("worker", ["mail"]) for _ in range(3)]
        assert tokens.find(made[0].text) is not None
        tokens.session_key()

        tokens.reset()

        assert not tokens.exist()
        assert tokens.all() == []
        assert tokens.find(made[0].text) is None
        assert tokens.holding(made[0].token.id) is None
        ids = [each.token.id for each in made]
        names = [INDEX, SESSION_KEY, *(f"token:{id}" for id in ids), *(f"token-used:{id}" for id in ids)]
        assert [name for name in names if backend.namespace(OURS).recall(name) is not None] == []

    def test_what_was_reset_is_not_back_with_the_next_token(self, tokens: Tokens) -> None:
        before = tokens.create("worker", ["mail"])
        tokens.reset()

        after = tokens.create("worker", ["mail"])

        assert tokens.all() == [after.token]
        assert tokens.find(before.text) is None

    def test_to_reset_what_has_no_tokens_does_nothing(self, tokens: Tokens) -> None:
        tokens.reset()

        assert not tokens.exist()

    def test_tokens_are_no_namespace_that_is_listed(self, tokens: Tokens, backend: Backend) -> None:
        tokens.create("worker", ["mail"])

        assert backend.namespaces() == []


class TestBounds:
    @pytest.mark.parametrize(("field", "given"), [
        ("role", {"role": "root"}),
        ("role", {"role": None}),
        ("namespaces", {"namespaces": []}),
        ("namespaces", {"namespaces": "mail"}),
        ("namespaces", {"namespaces": ["no spaces"]}),
        ("namespaces", {"namespaces": [""]}),
        ("namespaces", {"namespaces": ["mail", 1]}),
        ("namespaces", {"namespaces": ["_"]}),
        ("namespaces", {"namespaces": ["mail", "_ours"]}),
        ("namespaces", {"namespaces": ["mail", EVERYWHERE]}),
        ("namespaces", {"namespaces": [f"n{number}" for number in range(1_001)]}),
        ("namespaces", {"namespaces": [f"{number:0128}" for number in range(1_000)]}),
        ("name", {"name": ""}),
        ("name", {"name": "x" * 201}),
        ("name", {"name": "two\nlines"}),
        ("created_by", {"by": "two\nlines"}),
        ("expires", {"expires": 0}),
        ("expires", {"expires": 0.5}),
        ("expires", {"expires": -60}),
        ("expires", {"expires": float("nan")}),
        ("expires", {"expires": float("inf")}),
        ("rate", {"rate": 0}),
        ("rate", {"rate": -1}),
        ("rate", {"rate": True}),
        ("rate", {"rate": float("nan")}),
        ("rate", {"rate": 10_001}),
    ])  # fmt: skip
    def test_what_cannot_be_is_told_and_makes_nothing(
        self, clock: ManualClock, field: str, given: dict[str, Any]
    ) -> None:
        backend = ModelBackend()
        tokens = Tokens(backend, clock=clock)

        with pytest.raises(Invalid) as refused:
            tokens.create(**{"role": "worker", "namespaces": ["mail"], **given})

        assert [name.partition(".")[0] for name in refused.value.fields] == [field]
        assert not tokens.exist()
        assert tokens.all() == []

    def test_a_name_and_namespaces_may_be_as_long_as_can_be(self, tokens: Tokens) -> None:
        made = tokens.create("worker", [f"{number:0128}" for number in range(480)], name="é" * 100)

        assert tokens.all() == [made.token]
        assert tokens.find(made.text) == made.token


class TestSecrets:
    def test_the_store_keeps_a_digest_of_the_secret_alone(self, tokens: Tokens, backend: Backend) -> None:
        made = tokens.create("worker", ["mail"])
        tokens.find(made.text)

        secret = made.text.split("_", 2)[2]
        record = backend.namespace(OURS).recall(f"token:{made.token.id}") or ""
        assert hashlib.sha256(secret.encode()).hexdigest() in record
        assert secret not in record

    def test_it_stands_nowhere_in_the_file(self, tmp_path: Path) -> None:
        with closing(SQLiteBackend(f"sqlite:///{tmp_path}/jobs.db")) as backend:
            tokens = Tokens(backend)
            made = tokens.create("worker", ["mail"])
            assert tokens.find(made.text)
            kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())

        assert made.token.digest.encode() in kept
        assert made.text.split("_", 2)[2].encode() not in kept

    def test_neither_shows_it(self, tokens: Tokens) -> None:
        made = tokens.create("worker", ["mail"])

        secret = made.text.split("_", 2)[2]
        for shown in (repr(made), str(made), repr(made.token), repr(made.token.identity()), repr(tokens.all())):
            assert secret not in shown
            assert made.token.digest not in shown

    def test_no_two_are_alike_and_none_can_be_guessed(self, tokens: Tokens) -> None:
        texts = [tokens.create("worker", ["mail"]).text for _ in range(20)]

        parts = [text.split("_", 2) for text in texts]
        assert len({id for _, id, _ in parts}) == 20
        assert len({secret for _, _, secret in parts}) == 20
        assert {len(secret) for _, _, secret in parts} == {43}, "256 bits, six a character"


class TestUse:
    def test_a_token_tells_when_it_was_last_used(self, tokens: Tokens, clock: ManualClock) -> None:
        made = tokens.create("worker", ["mail"])
        assert [each.used_at for each in tokens.all()] == [None]

        tokens.find(made.text)

        assert [each.used_at for each in tokens.all()] == [round(clock())]

    def test_that_is_right_to_the_minute(self, tokens: Tokens, clock: ManualClock, timer: ManualClock) -> None:
        made = tokens.create("worker", ["mail"])
        tokens.find(made.text)
        first = round(clock())
        for seconds, used_at in ((59, first), (1, first + 60), (59, first + 60), (1, first + 120)):
            clock.advance(seconds)
            timer.advance(seconds)
            tokens.find(made.text)

            assert [each.used_at for each in tokens.all()] == [used_at]

    def test_a_session_of_it_is_a_use(self, tokens: Tokens, clock: ManualClock) -> None:
        made = tokens.create("worker", ["mail"])

        assert tokens.holding(made.token.id) == made.token
        assert [each.used_at for each in tokens.all()] == [round(clock())]

    def test_a_wrong_secret_is_none(self, tokens: Tokens) -> None:
        made = tokens.create("worker", ["mail"])

        tokens.find(made.text[:-1] + "-")

        assert [each.used_at for each in tokens.all()] == [None]

    def test_it_is_kept_when_the_token_is_revoked(self, tokens: Tokens, clock: ManualClock) -> None:
        made = tokens.create("worker", ["mail"])
        tokens.find(made.text)
        tokens.revoke(made.token.id)

        assert [each.used_at for each in tokens.all()] == [round(clock())]

    def test_a_token_works_where_that_cannot_be_written(self, clock: ManualClock) -> None:
        store = ModelBackend()
        made = Tokens(store, clock=clock).create("worker", ["mail"])

        def refuse_writing(point: Point) -> None:
            if point.operation == "remember":
                raise BackendUnavailable("read only")

        tokens = Tokens(Flaky(store, before=refuse_writing), clock=clock)

        assert tokens.find(made.text) == made.token


class TestElsewhere:
    """What one process does to tokens, another obeys within a second."""

    def test_that_is_within_a_second(self) -> None:
        assert SEEN_SECONDS < 1

    def test_a_first_token_closes_the_store(self, tokens: Tokens, elsewhere: Tokens, timer: ManualClock) -> None:
        assert not elsewhere.exist()
        made = tokens.create("worker", ["mail"])
        timer.advance(SEEN_SECONDS + 0.001)

        assert elsewhere.exist()
        assert elsewhere.find(made.text) == made.token

    def test_another_token_is_known(self, tokens: Tokens, elsewhere: Tokens, timer: ManualClock) -> None:
        tokens.create("worker", ["mail"])
        assert elsewhere.find("qless_123456789abc_x") is None
        made = tokens.create("worker", ["mail"])
        timer.advance(SEEN_SECONDS + 0.001)

        assert elsewhere.find(made.text) == made.token

    def test_a_revoked_one_is_refused(self, tokens: Tokens, elsewhere: Tokens, timer: ManualClock) -> None:
        made = tokens.create("worker", ["mail"])
        assert elsewhere.find(made.text) is not None
        tokens.revoke(made.token.id)
        timer.advance(SEEN_SECONDS + 0.001)

        assert elsewhere.find(made.text) is None
        assert elsewhere.holding(made.token.id) is None

    def test_a_reset_opens_it(self, tokens: Tokens, elsewhere: Tokens, timer: ManualClock) -> None:
        made = tokens.create("worker", ["mail"])
        assert elsewhere.find(made.text) is not None
        tokens.reset()
        timer.advance(SEEN_SECONDS + 0.001)

        assert not elsewhere.exist()
        assert elsewhere.find(made.text) is None

    def test_the_clock_set_back_keeps_nobody_in(
        self, tokens: Tokens, elsewhere: Tokens, clock: ManualClock, timer: ManualClock
    ) -> None:
        made = tokens.create("worker", ["mail"])
        assert elsewhere.find(made.text) is not None
        clock.advance(-3600)
        tokens.revoke(made.token.id)
        timer.advance(SEEN_SECONDS + 0.001)

        assert elsewhere.find(made.text) is None

    def test_the_store_is_asked_twice_a_second_and_by_guesses_never(self, timer: ManualClock) -> None:
        asked: list[Point] = []
        store = ModelBackend()
        made = Tokens(store).create("worker", ["mail"])
        server = Tokens(Flaky(store, before=asked.append), timer=timer)
        server.find(made.text)
        asked.clear()

        for number in range(1_000):
            assert server.exist()
            assert server.find(f"qless_{number:012}_x") is None
            assert server.find(made.text) is not None
        assert asked == []

        timer.advance(SEEN_SECONDS + 0.001)
        server.find(made.text)
        assert [point.operation for point in asked] == ["recall", "recall"]


class TestForgetting:
    def test_those_that_ended_90_days_ago_are_forgotten_at_the_next_one(
        self, tokens: Tokens, backend: Backend, clock: ManualClock
    ) -> None:
        expired, revoked = tokens.create("worker", ["mail"], expires=60), tokens.create("worker", ["mail"])
        held = tokens.create("worker", ["mail"])
        tokens.find(revoked.text)
        tokens.revoke(revoked.token.id)
        clock.advance(KEPT_SECONDS + 60)
        assert len(tokens.all()) == 3, "nothing is forgotten by itself"

        made = tokens.create("worker", ["mail"])

        assert tokens.all() == [held.token, made.token]
        assert tokens.find(held.text) is not None
        assert backend.namespace(OURS).recall(INDEX) == f"{held.token.id} {made.token.id}"
        left = [f"{kind}:{each.token.id}" for kind in ("token", "token-used") for each in (expired, revoked)]
        assert [name for name in left if backend.namespace(OURS).recall(name) is not None] == []

    def test_those_that_ended_later_stay_listed(self, tokens: Tokens, clock: ManualClock) -> None:
        expired, revoked = tokens.create("worker", ["mail"], expires=60), tokens.create("worker", ["mail"])
        clock.advance(60)
        tokens.revoke(revoked.token.id)
        clock.advance(KEPT_SECONDS - 1)

        made = tokens.create("worker", ["mail"])

        assert [each.id for each in tokens.all()] == [expired.token.id, revoked.token.id, made.token.id]

    @pytest.fixture
    def crowd(self, clock: ManualClock) -> Tokens:
        """As many tokens as can be, all of them good for a day; the first of them was made by hand."""
        backend = ModelBackend()
        tokens = Tokens(backend, clock=clock)
        first, records = tokens.create("worker", ["mail"], expires=DAY).token, backend.namespace(OURS)
        text = records.recall(f"token:{first.id}")
        assert text
        ids = [first.id, *(f"{number:012x}" for number in range(1, MOST_TOKENS))]
        for id in ids[1:]:
            records.remember(f"token:{id}", text.replace(first.id, id), None)
        assert records.remember(INDEX, " ".join(ids), first.id)
        return tokens

    def test_as_many_as_can_be_fit_into_the_list(self, crowd: Tokens) -> None:
        with pytest.raises(Invalid, match="4,000"):
            crowd.create("worker", ["mail"])

        assert len(crowd.all()) == MOST_TOKENS

    def test_where_there_is_no_room_all_that_ended_are_forgotten(self, crowd: Tokens, clock: ManualClock) -> None:
        revoked = crowd.all()[7]
        crowd.revoke(revoked.id)

        made = crowd.create("worker", ["mail"])

        found = crowd.all()
        assert (len(found), found[-1]) == (MOST_TOKENS, made.token)
        assert revoked.id not in [each.id for each in found]

        clock.advance(DAY)
        last = crowd.create("worker", ["mail"])
        assert crowd.all() == [made.token, last.token]
