"""Sealed data is read by who has a key, and by nobody else."""

from __future__ import annotations

import json

import pytest
import qless_sealed
from click import Group
from click.testing import CliRunner
from cryptography.fernet import Fernet
from qless_sealed import KEYS, Sealed

from qless_flask import Client, Worker, job
from qless_flask.client import LeasedJob, UnreadableData
from qless_flask.errors import PluginError
from qless_flask.plugins import Plugins
from qless_flask.testing import ModelBackend
from qless_flask.worker import WorkSettings

TEXT = '{"card": "4711", "who": "Ünï"}'


@pytest.fixture
def key() -> str:
    return new_key()


@pytest.fixture
def client(key: str, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setenv(KEYS, key)
    return Client(ModelBackend(), plugins=Plugins([qless_sealed], installed=False), codec="sealed")


def new_key() -> str:
    return Fernet.generate_key().decode()


def test_what_is_sealed_is_opened_as_it_was(key: str) -> None:
    codec = Sealed(key)

    assert codec.decode(codec.encode(TEXT)) == TEXT


def test_sealed_text_shows_nothing_and_is_another_each_time(key: str) -> None:
    first, second = Sealed(key).encode(TEXT), Sealed(key).encode(TEXT)

    assert "4711" not in first
    assert first != second


def test_another_key_does_not_open_it(key: str) -> None:
    with pytest.raises(ValueError, match="none of the keys opens it"):
        Sealed(new_key()).decode(Sealed(key).encode(TEXT))


def test_what_was_changed_is_not_opened(key: str) -> None:
    sealed = Sealed(key).encode(TEXT)
    changed = sealed[:30] + ("A" if sealed[30] != "A" else "B") + sealed[31:]

    for text in (changed, "", "no token", "Ünï"):
        with pytest.raises(ValueError, match="none of the keys opens it"):
            Sealed(key).decode(text)


def test_a_new_key_seals_while_the_old_one_still_opens(key: str) -> None:
    newer = new_key()
    codec = Sealed(newer, key)

    assert codec.decode(Sealed(key).encode(TEXT)) == TEXT
    assert Sealed(newer).decode(codec.encode(TEXT)) == TEXT


def test_keys_are_read_when_one_is_needed(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.delenv(KEYS, raising=False)
    codec = Sealed()
    monkeypatch.setenv(KEYS, f" {new_key()} , {key}, ")

    assert codec.decode(Sealed(key).encode(TEXT)) == TEXT


def test_a_missing_key_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEYS, raising=False)

    with pytest.raises(ValueError, match="put one into QLESS_SEALED_KEYS; qless-flask sealed-key makes one"):
        Sealed().encode(TEXT)


def test_a_bad_key_is_told_without_being_shown(key: str) -> None:
    with pytest.raises(ValueError, match="key 2 is none") as caught:
        Sealed(key, "hunter2").encode(TEXT)

    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_command_makes_a_key_that_seals() -> None:
    group = Group()
    qless_sealed.register_commands(group)

    made = CliRunner().invoke(group, ["sealed-key"]).output.strip()

    assert Sealed(made).decode(Sealed(made).encode(TEXT)) == TEXT


def test_a_store_sees_neither_data_nor_result_and_the_worker_both(client: Client) -> None:
    handle = client.queues["shop"].put("Pay", {"card": "4711"})

    @job("Pay")
    def pay(job: LeasedJob) -> str:
        return f"paid with {job.data['card']}"

    Worker(client, ["shop"], [pay], WorkSettings(max_jobs=1, poll=0.05)).run()

    seen = handle.get()
    assert handle.result == "paid with 4711"
    assert seen.data is not None
    assert json.loads(seen.data)["qless:codec"] == "sealed"
    assert "4711" not in f"{seen}"


def test_a_client_without_a_key_puts_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEYS)

    with pytest.raises(PluginError, match="codec sealed cannot write this: ValueError: there is no key"):
        client.queues["shop"].put("Pay", {"card": "4711"})

    assert list(client.jobs.select()) == []


def test_a_reader_with_another_key_is_told_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = client.queues["shop"].put("Pay", {"card": "4711"})
    monkeypatch.setenv(KEYS, new_key())
    reader = Client(client.backend, plugins=Plugins([qless_sealed], installed=False))

    with pytest.raises(UnreadableData, match="codec sealed cannot read the data: ValueError: none of the keys"):
        reader.jobs[handle.jid].data  # noqa: B018
