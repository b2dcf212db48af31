"""The certificate of `qless-flask serve`, looked at before anything is served."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NamedTuple

import click

_ANOTHERS = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
"""What OpenSSL says of a key that is another certificate's, of the same kind or another."""


class Certificate(NamedTuple):
    """What a server proves with who it is: files in PEM, the first with the certificates of its issuers."""

    path: Path
    key_path: Path


def read_certificate(path: Path | None, key_path: Path | None) -> Certificate | None:
    """Check that a certificate and its key can be used; None where neither is given.

    Raise click.UsageError where one is missing, and click.ClickException for files that won't do: the processes that
    serve would end, one after the other.
    """
    if path is None and key_path is None:
        return None
    if path is None or key_path is None:
        raise click.UsageError("--certificate and --private-key go together: give both, or neither.")
    _read(path, "--certificate", "BEGIN CERTIFICATE-----")
    if "ENCRYPTED" in _read(key_path, "--private-key", "PRIVATE KEY-----"):
        raise click.ClickException(
            f"the key in {key_path} is encrypted, which granian cannot read; write it plain, for your eyes alone:\n"
            f"  (umask 077; openssl pkey -in {key_path} -out plain.pem)"
        )
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path, key_path)
    except ssl.SSLError as error:
        if error.reason in _ANOTHERS:
            message = f"the key in {key_path} is not that of the certificate in {path}"
        else:
            message = f"the certificate in {path}, or the key in {key_path}, is broken ({error.reason or 'PEM'})"
        raise click.ClickException(message) from error
    return Certificate(path, key_path)


def _read(path: Path, option: str, mark: str) -> str:
    try:
        text = path.read_text("ascii", errors="replace")
    except OSError as error:
        raise click.ClickException(f"{option} {path} cannot be read: {error.strerror}") from error
    if mark not in text:
        raise click.ClickException(f"{option} {path} has no line with {mark}: it must be PEM")
    return text
