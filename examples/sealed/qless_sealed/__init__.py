"""Seals the data of jobs: without a key, whoever looks into their store, its backups or its pages sees noise."""

from __future__ import annotations

from collections.abc import Mapping

import click

from qless_flask.hookspecs import Codec, hookimpl
from qless_sealed.sealing import KEYS, Sealed

__all__ = ["KEYS", "Sealed", "data_codecs", "register_commands"]


@hookimpl
def data_codecs() -> Mapping[str, Codec]:
    """Offer the codec."""
    return {"sealed": Sealed()}


@hookimpl
def register_commands(group: click.Group) -> None:
    """Add `qless-flask sealed-key`."""
    group.add_command(sealed_key)


@click.command("sealed-key", short_help="Make a key that seals the data of jobs.")
def sealed_key() -> None:
    """Print a new key, to stand first in QLESS_SEALED_KEYS wherever jobs are put or worked."""
    from cryptography.fernet import Fernet

    click.echo(Fernet.generate_key().decode("ascii"))
