"""What names, texts, numbers and JSON may be."""

from __future__ import annotations

import sys

import pytest

from qless_flask.bounds import MAX_MESSAGE_BYTES, Checks, check_batch, is_text, json_fault
from qless_flask.errors import Invalid
from qless_flask.testing.conformance.fidelity import ODD_TEXTS, PIECES_OF_JSON

NO_JSON = {
    "nothing": "",
    "blank": " ",
    "a word": "hello",
    "NaN": "NaN",
    "Infinity": "[Infinity]",
    "single quotes": "{'a':1}",
    "trailing comma": "[1,]",
    "two values": "1 2",
    "leading zero": "01",
    "plus": "+1",
    "raw line end in a string": '"a\nb"',
    "raw tab in a string": '"a\tb"',
    "unfinished": '{"a":',
    "lone surrogate": '"\ud800"',
    "escaped lone surrogate": '"\\ud800"',
    "escaped low surrogate first": '["\\ude00\\ud83d"]',
    "lone surrogate in a key": '{"\\udfff":1}',
    "byte order mark": "\ufeff{}",
    "comment": "{}//",
}


def faults(check: Checks) -> dict[str, list[str]]:
    """Answer what a check has found."""
    with pytest.raises(Invalid) as caught:
        check.done()
    return {name: list(said) for name, said in caught.value.fields.items()}


@pytest.mark.parametrize("text", PIECES_OF_JSON.values(), ids=PIECES_OF_JSON)
def test_json_is_taken(text: str) -> None:
    assert json_fault(text) is None


@pytest.mark.parametrize("text", NO_JSON.values(), ids=NO_JSON)
def test_what_is_no_json_is_told(text: str) -> None:
    assert json_fault(text)


@pytest.mark.parametrize("value", [None, 5, b"{}", {}, []])
def test_json_is_text(value: object) -> None:
    assert json_fault(value) == "must be JSON, as text"


def test_json_nested_too_deep_to_be_read_is_told_not_raised() -> None:
    text = "[" * 1_000_000 + "]" * 1_000_000

    assert "deep" in (json_fault(text) or "")


def test_json_that_is_taken_here_is_taken_anywhere_on_the_stack() -> None:
    text = "[" * 400 + "]" * 400

    def deeper(frames: int) -> str | None:
        return deeper(frames - 1) if frames else json_fault(text)

    assert json_fault(text) == deeper(sys.getrecursionlimit() // 3)


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_a_text_may_be_odd(text: str) -> None:
    assert is_text(text)


@pytest.mark.parametrize(
    "value",
    ["", "x" * 201, "é" * 101, "a\tb", "a\n", "\x00", "\x7f", "\x9f", "é\x85", "\ud800", "é\udfff", None, 5, b"a"],
)
def test_a_text_has_1_to_200_bytes_without_control_characters(value: object) -> None:
    assert not is_text(value)
    check = Checks()
    check.text("jid", value)
    assert list(faults(check)) == ["jid"]


@pytest.mark.parametrize("name", ["a", "A" * 128, "0", "a.b:c-d_e", "-", ":"])
def test_a_name_is_taken(name: str) -> None:
    check = Checks()
    check.name("queue", name)
    check.done()


@pytest.mark.parametrize("name", ["", "a" * 129, "a b", "a/b", "é", "a\n", "{", "a,b", None, 5, ["a"]])
def test_a_bad_name_is_told(name: object) -> None:
    check = Checks()
    check.name("queue", name)
    assert list(faults(check)) == ["queue"]


@pytest.mark.parametrize("value", [True, False, 1.0, "1", None, -1, 11])
def test_an_integer_is_whole_and_within_its_ends(value: object) -> None:
    check = Checks()
    check.integer("limit", value, 0, 10)
    assert list(faults(check)) == ["limit"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.001, 10.001, "1", None, True])
def test_seconds_are_a_number_within_its_ends(value: object) -> None:
    check = Checks()
    check.seconds("wait", value, 0, 10)
    assert list(faults(check)) == ["wait"]


@pytest.mark.parametrize("value", [0, 0.0, 10, 10.0, 0.001])
def test_seconds_at_the_ends_are_taken(value: float) -> None:
    check = Checks()
    check.seconds("wait", value, 0, 10)
    check.done()


def test_all_that_is_wrong_is_told_at_once() -> None:
    check = Checks()
    check.texts("tags", ("good", "", "x" * 201), most=2)
    check.names("queues", "abc", least=1, most=5)
    check.one_of("order", "random", ("listed", "round_robin"))
    check.wrong("order", "and odd")
    check.merge("jobs.3", {"jid": ["is long"]})

    found = faults(check)

    assert list(found) == ["tags", "queues", "order", "jobs.3.jid"]
    assert found["order"] == ["must be one of listed, round_robin", "and odd"]


def test_each_bad_item_of_a_list_is_told() -> None:
    check = Checks()
    check.texts("tags", ("good", "", "x" * 201), most=32)

    assert list(faults(check)) == ["tags.1", "tags.2"]


@pytest.mark.parametrize(
    "message", ["x" * (MAX_MESSAGE_BYTES + 1), "é" * (MAX_MESSAGE_BYTES // 2 + 1), "\ud800", None, 5]
)
def test_a_message_is_text_of_at_most_32_kib(message: object) -> None:
    check = Checks()
    check.message("message", message)
    assert list(faults(check)) == ["message"]


@pytest.mark.parametrize("message", ["", "x" * MAX_MESSAGE_BYTES, "two\nlines\x00"])
def test_a_message_may_have_any_characters(message: str) -> None:
    check = Checks()
    check.message("message", message)
    check.done()


def test_a_batch_has_at_most_a_thousand_items() -> None:
    check_batch("jobs", [1] * 1000)
    check_batch("jobs", [])
    for items in ([1] * 1001, "jid"):
        with pytest.raises(Invalid) as caught:
            check_batch("jobs", items)
        assert list(caught.value.fields) == ["jobs"]
    with pytest.raises(Invalid):
        check_batch("jobs", [], least=1)
