"""The codec, over Fernet (AES in CBC mode with an HMAC, https://github.com/fernet/spec) of the library cryptography."""

from __future__ import annotations

import os
from functools import cached_property

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from qless_flask.hookspecs import Codec

KEYS = "QLESS_SEALED_KEYS"
"""The variable with the keys, with commas between: the first seals, all of them open."""


class Sealed(Codec):
    """Seals text with the first of its keys, and opens what any of them sealed.

    Without a word the keys are those of the environment, read when one is needed: a process that neither puts nor
    works sealed jobs does without.
    """

    def __init__(self, *keys: str) -> None:
        self._given = keys

    def encode(self, text: str) -> str:
        """Seal it. Raise ValueError where there is no key, or a bad one."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def decode(self, text: str) -> str:
        """Open it. Raise ValueError if it was changed, or none of the keys sealed it."""
        fernet = self._fernet
        try:
            return fernet.decrypt(text).decode()
        except (InvalidToken, ValueError) as error:
            raise ValueError("none of the keys opens it: it was sealed with another, or changed since") from error

    @cached_property
    def _fernet(self) -> MultiFernet:
        keys = self._given or tuple(key for each in os.environ.get(KEYS, "").split(",") if (key := each.strip()))
        if not keys:
            raise ValueError(f"there is no key: put one into {KEYS}; qless-flask sealed-key makes one")
        return MultiFernet([_fernet_of(key, number) for number, key in enumerate(keys, 1)])


def _fernet_of(key: str, number: int) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:
        # Without its cause, and without the key: this goes into logs and failures.
        raise ValueError(f"key {number} is none: a key is 32 bytes in the base64 of URLs") from None
