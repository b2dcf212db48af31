"""The lists of mutants: each can be made. Whether the suite notices them is seen by tests/mutants/run.py."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent
LISTS = sorted((HERE / "mutants").glob("*.toml"))
MUTANTS = [
    pytest.param(mutant, id=f"{path.stem} {number}")
    for path in LISTS
    for number, mutant in enumerate(tomllib.loads(path.read_text())["mutant"], start=1)
]


@pytest.mark.parametrize("mutant", MUTANTS)
def test_what_a_mutant_changes_stands_once_in_its_file(mutant: dict[str, str]) -> None:
    assert (ROOT / mutant["file"]).read_text().count(mutant["old"]) == 1
    assert mutant["new"] != mutant["old"]


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_says_what_is_wrong_and_where_that_is_seen_first(mutant: dict[str, str]) -> None:
    assert mutant["slip"]
    assert mutant.get("first") or mutant.get("equivalent")


def test_there_are_enough_mutants_of_both_stores() -> None:
    assert [path.stem for path in LISTS] == ["redis", "sqlite"]
    assert len(MUTANTS) >= 60
