"""What the package offers by name: sorted, there, and nothing that needs more than it was asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

import qless_flask
import qless_flask.testing


@pytest.mark.parametrize("module", [qless_flask, qless_flask.testing])
def test_the_names_offered_are_sorted_and_there(module: object) -> None:
    names: list[str] = module.__all__  # type: ignore[attr-defined]

    assert names == sorted(names)
    assert all(getattr(module, name) is not None for name in names)


def test_the_names_offered_are_these() -> None:
    assert qless_flask.__all__ == [
        "Backoff",
        "Chosen",
        "Client",
        "Complete",
        "Fail",
        "FailJob",
        "Filter",
        "Job",
        "Keep",
        "Lease",
        "LeasedJob",
        "NewJob",
        "QlessError",
        "QlessFlask",
        "Rate",
        "Release",
        "ReleaseJob",
        "Retention",
        "Retry",
        "RetryJob",
        "Settings",
        "Unique",
        "Worker",
        "create_app",
        "create_blueprint",
        "job",
        "open_backend",
    ]


def test_an_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError):
        qless_flask.no_such_name  # noqa: B018


@pytest.mark.parametrize(
    ("module", "spared"),
    [
        ("qless_flask", ["flask", "pytest", "hypothesis", "redis", "granian"]),
        ("qless_flask.testing", ["pytest", "hypothesis", "flask", "redis"]),
        ("qless_flask.backends.sqlite", ["redis", "flask"]),
        ("qless_flask.backends.redis", ["sqlite3", "flask"]),
    ],
)
def test_an_import_brings_no_more_than_is_needed(module: str, spared: list[str]) -> None:
    program = f"import sys, {module}; print([name for name in {spared} if name in sys.modules])"

    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "[]"
