"""Keys of several parts, as bytes that sort as the parts do.

The layout is that of FoundationDB's tuple layer: a byte for the type, then text up to a zero byte, or a number of fixed
length. Texts of the contract hold no zero byte, so none can end early.
"""

from __future__ import annotations

Part = str | int
Key = tuple[Part, ...]

NEVER = 1 << 62
"""Later than all times."""

_TEXT, _NUMBER, _END = 2, 21, b"\0"
_LENGTH = 8
_MIDDLE = 1 << 63


def pack(*parts: Part) -> bytes:
    """Write a key, or the beginning of one."""
    return b"".join(
        bytes((_TEXT,)) + part.encode() + _END
        if isinstance(part, str)
        else bytes((_NUMBER,)) + (part + _MIDDLE).to_bytes(_LENGTH, "big")
        for part in parts
    )


def unpack(packed: bytes) -> Key:
    """Read the parts of a key, or of the rest of one."""
    parts: list[Part] = []
    at = 0
    while at < len(packed):
        kind, at = packed[at], at + 1
        if kind == _TEXT:
            end = packed.index(_END, at)
            parts.append(packed[at:end].decode())
            at = end + 1
        else:
            parts.append(int.from_bytes(packed[at : at + _LENGTH], "big") - _MIDDLE)
            at += _LENGTH
    return tuple(parts)
