"""Whatever comes in, what goes out is an answer or a problem that is the sender's: never a fault of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from marshmallow import Schema, fields

from qless_flask.backends import open_backend
from qless_flask.schemas.actions import ACTIONS, ChangeSchema
from qless_flask.schemas.operations import OPERATIONS
from qless_flask.schemas.recurrences import CatchupField
from qless_flask.schemas.settlements import AnySettlement, CompleteSchema, FailSchema, ReleaseSchema, RetrySchema
from qless_flask.schemas.transfer import Records
from qless_flask.schemas.values import Flag, Listed, Object, One, Opaque, Seconds, Text, Whole
from qless_flask.web import create_app

from .conftest import Api

WORDS = [
    "",
    "fetch",
    "one",
    "two",
    "ann",
    "waiting",
    "replace",
    "round_robin",
    "0",
    "heartbeat",
    "\x00",
    "\ud800",
    "😀",
]
TEXTS = some.sampled_from(WORDS) | some.text(max_size=5)
NUMBERS = some.integers(-2, 3) | some.integers() | some.floats(allow_nan=False, allow_infinity=False)
VALUES = some.recursive(
    some.none() | some.booleans() | NUMBERS | TEXTS,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
RECORDS = some.fixed_dictionaries(
    {"kind": some.sampled_from(["namespace", "queue", "key", "job", "worker", "tag", "memo"])},
    optional={
        "name": TEXTS,
        "value": TEXTS,
        "settings": some.dictionaries(TEXTS, VALUES, max_size=2),
        "turn": some.integers(),
        "seen_at": some.integers(),
        "queue": TEXTS,
        "key": TEXTS,
        "popped": some.lists(some.integers(), max_size=3),
    },
)
LEAVES: dict[type[object], some.SearchStrategy[object]] = {
    Text: TEXTS,
    Whole: some.integers(-2, 1001),
    Seconds: some.integers(-1, 100) | some.floats(0, 1e10),
    Flag: some.booleans(),
    Opaque: VALUES,
    Object: some.dictionaries(TEXTS, NUMBERS, max_size=3),
    Records: some.lists(RECORDS | VALUES, max_size=3),
    CatchupField: some.sampled_from(["one", "none"]) | some.fixed_dictionaries({"all": some.integers(-1, 1001)}),
}
SETTLEMENTS = {
    "complete": CompleteSchema(),
    "retry": RetrySchema(),
    "fail": FailSchema(),
    "release": ReleaseSchema(),
}


def messages(schema: Schema) -> some.SearchStrategy[dict[str, object]]:
    """Messages of a shape, mostly as they should be."""
    shapes = {field.data_key or name: _values(field) for name, field in schema.load_fields.items() if name != "wait"}
    required = {field.data_key or name for name, field in schema.load_fields.items() if field.required}
    whole = some.fixed_dictionaries(
        {name: shape for name, shape in shapes.items() if name in required},
        optional={name: shape for name, shape in shapes.items() if name not in required},
    )
    if isinstance(schema, ChangeSchema):
        # What an action takes stands beside its name.
        return some.builds(lambda step, action: {**step, **action}, whole, ACTION)
    return whole


def _values(field: fields.Field[object]) -> some.SearchStrategy[object]:
    right = _right_values(field)
    return some.one_of(right, right, right, right, right, right, VALUES)


def _right_values(field: fields.Field[object]) -> some.SearchStrategy[object]:
    if isinstance(field, Listed):
        return some.lists(_values(field.inner), max_size=3)
    if isinstance(field, One):
        return messages(field.schema)
    if isinstance(field, AnySettlement):
        return some.sampled_from(sorted(SETTLEMENTS)).flatmap(_settlements)
    return next(values for kind, values in LEAVES.items() if isinstance(field, kind))


def _settlements(action: str) -> some.SearchStrategy[object]:
    return messages(SETTLEMENTS[action]).map(lambda message: {"action": action, **message})


ACTION = some.sampled_from(sorted(ACTIONS)).flatmap(
    lambda action: messages(ACTIONS[action]).map(lambda message: {**message, "action": action})
)


LAST = ("freeze", "dump", "load", "erase")


@pytest.fixture(scope="module")
def any_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One app for all examples: what one leaves behind, the next one meets."""
    with open_backend(f"sqlite:///{tmp_path_factory.mktemp('any')}/jobs.db?synchronous=off") as backend:
        yield Api(create_app(backend=backend).test_client())


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(some.text(max_size=12), some.sampled_from(["GET", "DELETE", "PATCH", "POST", "PUT", "HEAD", "OPTIONS"]))
def test_no_address_is_a_fault_of_ours(any_api: Api, path: str, method: str) -> None:
    answer = any_api(f"{method} jobs/{quote(path, safe='/', errors='replace')}")

    assert answer.status_code < 500, answer.get_data()


# What others could not work after comes last.
@pytest.mark.parametrize("name", [*(name for name in OPERATIONS if name not in LAST), *LAST])
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(some.data())
def test_no_message_is_a_fault_of_ours(any_api: Api, name: str, data: some.DataObject) -> None:
    message = data.draw(messages(OPERATIONS[name].arguments))

    answer = any_api(f"POST operations/{name}", json.dumps(message).encode())

    frozen = name in LAST and answer.status_code == 503 and answer.get_json()["code"] == "FROZEN"
    assert answer.status_code < 500 or frozen, answer.get_data()
