"""Leaders and small records."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import Invalid, TooLarge
from qless_flask.testing.clock import ManualClock

KIB = 1024


class TestLeaders:
    """One holder a role."""

    def test_the_first_leads_and_others_do_not(self, namespace: Namespace) -> None:
        assert namespace.lead("scheduler", "ann", 10)
        assert not namespace.lead("scheduler", "bob", 10)
        assert namespace.lead("pruner", "bob", 10)

    def test_a_leader_stays_by_asking_again(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.lead("scheduler", "ann", 10)
        clock.advance(9)
        assert namespace.lead("scheduler", "ann", 10)
        clock.advance(9)

        assert not namespace.lead("scheduler", "bob", 10)

    def test_a_role_is_free_when_its_time_is_over(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.lead("scheduler", "ann", 10)
        clock.advance(9.999)
        assert not namespace.lead("scheduler", "bob", 10)
        clock.advance(0.001)

        assert namespace.lead("scheduler", "bob", 10)
        assert not namespace.lead("scheduler", "ann", 10)

    def test_asking_again_with_less_time_shortens_it(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.lead("scheduler", "ann", 100)
        namespace.lead("scheduler", "ann", 1)
        clock.advance(1)

        assert namespace.lead("scheduler", "bob", 10)

    def test_no_seconds_give_a_role_up(self, namespace: Namespace) -> None:
        namespace.lead("scheduler", "ann", 10)

        assert not namespace.lead("scheduler", "ann", 0)

        assert namespace.lead("scheduler", "bob", 10)

    def test_who_gives_one_role_up_keeps_the_others(self, namespace: Namespace) -> None:
        namespace.lead("scheduler", "ann", 60)
        namespace.lead("janitor", "ann", 60)

        namespace.lead("scheduler", "ann", 0)

        assert not namespace.lead("janitor", "bob", 60)

    def test_nobody_gives_up_what_another_holds(self, namespace: Namespace) -> None:
        namespace.lead("scheduler", "ann", 10)

        assert not namespace.lead("scheduler", "bob", 0)

        assert not namespace.lead("scheduler", "carl", 10)
        assert namespace.lead("scheduler", "ann", 10)

    def test_giving_up_what_nobody_holds_is_no_lead(self, namespace: Namespace) -> None:
        assert not namespace.lead("scheduler", "ann", 0)
        assert namespace.lead("scheduler", "bob", 10)

    def test_a_clock_that_goes_back_gives_the_role_to_nobody_who_gave_it_up(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.lead("scheduler", "ann", 0)
        clock.advance(-1)

        assert namespace.lead("scheduler", "bob", 10)

    def test_who_does_not_lead_gives_nothing_up(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.lead("scheduler", "ann", 10)
        clock.advance(10)
        namespace.lead("scheduler", "bob", 0)
        clock.advance(-5)

        assert not namespace.lead("scheduler", "bob", 10)


class TestRecords:
    """Set if they are as expected."""

    def test_a_record_is_set_where_there_is_none(self, namespace: Namespace) -> None:
        assert namespace.recall("cursor") is None
        assert namespace.remember("cursor", "5", None)
        assert namespace.recall("cursor") == "5"

    def test_a_record_that_is_not_as_expected_stays(self, namespace: Namespace) -> None:
        namespace.remember("cursor", "5", None)

        assert not namespace.remember("cursor", "6", None)
        assert not namespace.remember("cursor", "6", "4")
        assert not namespace.remember("cursor", None, "4")
        assert not namespace.remember("other", "6", "5")
        assert (namespace.recall("cursor"), namespace.recall("other")) == ("5", None)

    def test_a_record_that_is_as_expected_is_changed(self, namespace: Namespace) -> None:
        namespace.remember("cursor", "5", None)

        assert namespace.remember("cursor", "6", "5")
        assert namespace.recall("cursor") == "6"

    def test_none_deletes_a_record(self, namespace: Namespace) -> None:
        namespace.remember("cursor", "5", None)

        assert namespace.remember("cursor", None, "5")
        assert namespace.recall("cursor") is None
        assert namespace.remember("cursor", None, None)
        assert namespace.remember("cursor", "7", None)

    def test_an_empty_text_is_a_record(self, namespace: Namespace) -> None:
        assert namespace.remember("cursor", "", None)
        assert namespace.recall("cursor") == ""
        assert not namespace.remember("cursor", "1", None)
        assert namespace.remember("cursor", "1", "")

    @pytest.mark.parametrize("text", ["é\u2028\n\x00\t", "false", "nil", "'", "😀" * 5, " "])
    def test_any_text_comes_back_as_it_was(self, namespace: Namespace, text: str) -> None:
        namespace.remember(text.strip() or "name", text, None) if text.isprintable() else None
        assert namespace.remember("record", text, None)

        assert namespace.recall("record") == text
        assert namespace.remember("record", "next", text)

    def test_a_record_has_at_most_64_kib(self, namespace: Namespace) -> None:
        assert namespace.remember("record", "é" * 32 * KIB, None)

        with pytest.raises(TooLarge):
            namespace.remember("record", "é" * 32 * KIB + "x", "é" * 32 * KIB)
        assert namespace.recall("record") == "é" * 32 * KIB

    def test_half_a_surrogate_pair_is_no_text(self, namespace: Namespace) -> None:
        with pytest.raises(Invalid):
            namespace.remember("record", "\ud800", None)
        with pytest.raises(Invalid):
            namespace.remember("record", None, "\ud800")
