"""The tree of errors: as it is drawn, one code a class, and whole after a journey."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator

import pytest

from qless_flask import errors
from qless_flask.errors import BackendUnavailable, Internal, Invalid, JobExists, JobNotFound, QlessError, error_for

LINE = re.compile(r"(?P<indent>(?:│   |    )*)(?:├── |└── )?(?P<name>\w+) +(?P<code>[A-Z_]+|\(.*\)) (?P<status>\d{3})")


def classes(root: type[QlessError]) -> Iterator[tuple[type[QlessError], int]]:
    """Walk through the tree in the order of definition, with depths."""
    yield root, 0
    for child in root.__subclasses__():
        for cls, depth in classes(child):
            yield cls, depth + 1


def drawn() -> list[tuple[str, int, str, int]]:
    """Read the tree in the docstring: name, depth, code, status."""
    found = []
    for line in (errors.__doc__ or "").splitlines():
        match = LINE.fullmatch(line)
        if match:
            depth = len(match["indent"]) // 4 + (1 if "── " in line else 0)
            found.append((match["name"], depth, match["code"], int(match["status"])))
    return found


ALL = [cls for cls, _ in classes(QlessError)]
every_class = pytest.mark.parametrize("cls", ALL)


def test_the_tree_is_as_it_is_drawn() -> None:
    real = [(cls.__name__, depth, cls.status) for cls, depth in classes(QlessError)]

    assert [(name, depth, status) for name, depth, _, status in drawn()] == real


def test_the_codes_are_as_they_are_drawn() -> None:
    codes = {cls.__name__: cls.code for cls in ALL}

    assert all(code in (codes[name], "(never raised itself)") for name, _, code, _ in drawn())


def test_every_code_is_that_of_one_class() -> None:
    # The root is Internal to whoever sees only its code.
    codes = [cls.code for cls in ALL if cls is not QlessError]

    assert len(set(codes)) == len(codes)


@every_class
def test_an_error_survives_pickling(cls: type[QlessError]) -> None:
    error = cls("a message", subject="a", fields={"jobs.0.jid": ["is wrong"]})

    again = pickle.loads(pickle.dumps(error))

    assert type(again) is cls
    assert (again.message, again.subject, again.fields) == ("a message", "a", {"jobs.0.jid": ["is wrong"]})
    assert again == error
    assert str(again) == "a message"


@every_class
def test_an_error_is_built_from_its_code(cls: type[QlessError]) -> None:
    error = error_for(cls.code, "a message", subject="a", fields={"f": ["is wrong"]})

    assert type(error) is (Internal if cls is QlessError else cls)
    assert (error.message, error.subject, error.fields) == ("a message", "a", {"f": ["is wrong"]})


def test_an_unknown_code_is_an_error_of_ours() -> None:
    assert type(error_for("NO_SUCH_CODE", "what")) is Internal


@every_class
def test_an_error_about_something_names_it(cls: type[QlessError]) -> None:
    error = cls.about("the subject")

    assert error.subject == "the subject"
    assert str(error) == cls.sentence.format(subject="the subject")
    assert str(error)[0].islower() or str(error).startswith("the subject")


@every_class
def test_a_class_says_what_it_means_in_a_sentence(cls: type[QlessError]) -> None:
    assert cls.__doc__
    assert 400 <= cls.status <= 599


def test_errors_are_equal_that_say_the_same() -> None:
    assert JobNotFound.about("a") == JobNotFound.about("a")
    assert hash(JobNotFound.about("a")) == hash(JobNotFound.about("a"))
    assert JobNotFound.about("a") != JobNotFound.about("b")
    assert JobNotFound.about("a") != JobExists.about("a")
    assert JobNotFound.about("a") != "a"


def test_an_invalid_tells_each_field() -> None:
    error = Invalid.of({"jid": ["is long", "is odd"], "queue": ["is none"]})

    assert str(error) == "jid: is long, is odd; queue: is none"
    assert error.fields == {"jid": ["is long", "is odd"], "queue": ["is none"]}


def test_a_subject_with_braces_is_told_as_it_is() -> None:
    assert "job {x}" in str(JobNotFound.about("{x}"))


def test_an_unavailable_store_says_to_try_again() -> None:
    assert "try again" in str(BackendUnavailable())
