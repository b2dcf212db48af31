"""What a name, a text, a number and a piece of JSON may be: the bounds that every way in shares."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Sequence
from typing import NoReturn

from qless_flask.errors import FieldErrors, Invalid

MAX_BATCH = 1_000
MAX_TAGS = 32
MAX_TEXT_BYTES = 200
MAX_PIPELINE = 100
MAX_PRIORITY = 511
MAX_RETRIES = 1_000_000
MAX_CONCURRENCY = 1_000_000_000
MAX_RATE = 10_000
MAX_KEPT = 1_000_000_000
MAX_REQUIRES = 8
MAX_REQUIREMENT_SETS = 64
MAX_CAPABILITIES = 64
MAX_WAIT_SECONDS = 3_600.0
MAX_DELAY_SECONDS = 100 * 366 * 86_400.0
MAX_DATA_BYTES = 1 << 20
MAX_MESSAGE_BYTES = 32 << 10
MAX_RECORD_BYTES = 64 << 10
MAX_PROGRESS_BYTES = 4 << 10
MAX_HISTORY = 100
MAX_LOG_LINES = 100
MAX_LOG_BYTES = 64 << 10
MAX_DEPENDS = 100
MAX_OPEN_DEPENDS = 1_000
MIN_HEARTBEAT_SECONDS = 0.1
MIN_CLOCK_SECONDS = 0.1
MIN_INTERVAL_SECONDS = 1.0

OWN_QUEUES = "qless:"
"""How the queues begin that are ours: no worker of a user works them."""

_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class Checks:
    """Collects what is wrong with the fields of one object, so that an error tells all of it at once."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[str, list[str]] = {}

    def done(self) -> None:
        """Raise Invalid if anything was wrong."""
        if self._found:
            raise Invalid.of(self._found)

    def wrong(self, field: str, why: str) -> None:
        """Note one thing that is wrong with a field."""
        self._found.setdefault(field, []).append(why)

    def merge(self, field: str, fields: FieldErrors) -> None:
        """Take over what was found inside the object that stands in `field`."""
        for name, said in fields.items():
            self._found.setdefault(f"{field}.{name}", []).extend(said)

    def name(self, field: str, value: object) -> None:
        """A queue's or a namespace's name: 1 to 128 of A-Z a-z 0-9 _ . : -"""
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            self.wrong(field, "must be 1 to 128 of the characters A-Z a-z 0-9 _ . : -")

    def names(self, field: str, values: object, *, least: int, most: int) -> None:
        """Up to `most` names."""
        for index, value in enumerate(self._listed(field, values, least, most)):
            self.name(f"{field}.{index}", value)

    def text(self, field: str, value: object) -> None:
        """A jid, klass, worker, group, tag, key or capability: 1 to 200 bytes of UTF-8 without control characters."""
        if not is_text(value):
            self.wrong(field, "must be 1 to 200 bytes of text without control characters")

    def texts(self, field: str, values: object, *, least: int = 0, most: int) -> None:
        """Up to `most` texts."""
        for index, value in enumerate(self._listed(field, values, least, most)):
            self.text(f"{field}.{index}", value)

    def message(self, field: str, value: object) -> None:
        """What a person or a traceback says: any text of at most 32 KiB, line ends and all."""
        if not isinstance(value, str) or not is_utf8(value):
            self.wrong(field, "must be text")
        elif len(value.encode()) > MAX_MESSAGE_BYTES:
            self.wrong(field, f"must be at most {MAX_MESSAGE_BYTES} bytes")

    def integer(self, field: str, value: object, low: int, high: int) -> None:
        """A whole number, both ends included; True and 1.0 are none."""
        if type(value) is not int or not low <= value <= high:
            self.wrong(field, f"must be a whole number from {low} to {high}")

    def seconds(self, field: str, value: object, low: float, high: float) -> None:
        """A number of seconds, both ends included; not NaN."""
        if type(value) not in (int, float) or not low <= value <= high:  # type: ignore[operator]
            self.wrong(field, f"must be a number of seconds from {low:g} to {high:,.10g}")

    def one_of(self, field: str, value: object, choices: Collection[str]) -> None:
        """One of a few words."""
        if value not in choices:
            self.wrong(field, f"must be one of {', '.join(choices)}")

    def kind(self, field: str, value: object, kind: type) -> None:
        """An object of ours, which has checked itself."""
        if not isinstance(value, kind):
            self.wrong(field, "must be true or false" if kind is bool else f"must be an object: a {kind.__name__}")

    def kinds(self, field: str, values: object, kind: type, *, most: int) -> None:
        """Up to `most` objects of ours."""
        for index, value in enumerate(self._listed(field, values, 0, most)):
            self.kind(f"{field}.{index}", value, kind)

    def json(self, field: str, value: object) -> None:
        """JSON as text (RFC 8259), of any depth that can be read, without NaN and lone surrogates."""
        why = json_fault(value)
        if why:
            self.wrong(field, why)

    def _listed(self, field: str, values: object, least: int, most: int) -> Sequence[object]:
        if not isinstance(values, (tuple, list)):
            self.wrong(field, "must be a list")
            return ()
        if not least <= len(values) <= most:
            self.wrong(field, f"must have {least} to {most} items")
            return ()
        return values


def is_text(value: object) -> bool:
    """Tell whether a value can be a jid, klass, worker, group or tag."""
    if not isinstance(value, str) or not value or len(value) > MAX_TEXT_BYTES:
        return False
    if value.isascii():
        return value.isprintable()
    return is_utf8(value) and not _CONTROL.search(value) and len(value.encode()) <= MAX_TEXT_BYTES


def fitted(text: str) -> str:
    """Answer a text as it is or, where it is too long for a name, its beginning and a digest of all of it."""
    if len(text.encode()) <= MAX_TEXT_BYTES:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    return f"{text.encode()[: MAX_TEXT_BYTES - 33].decode(errors='ignore')}-{digest}"


def json_fault(text: object) -> str | None:
    """Tell what keeps a text from being JSON that every language can read, or None if nothing does."""
    if not isinstance(text, str):
        return "must be JSON, as text"
    try:
        # Numbers stay text: a number of 5,000 digits is JSON, though Python will not make an int of it.
        value = json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse)
    except RecursionError:
        return "is JSON nested too deep"
    except ValueError as error:
        return f"is not JSON: {error}"
    if _ESCAPED_SURROGATE.search(text):
        text = json.dumps(value, ensure_ascii=False)
    return None if is_utf8(text) else "holds half a surrogate pair, which is no character"


def check_batch(field: str, items: Sequence[object], *, least: int = 0) -> None:
    """Raise Invalid unless a batch has `least` to 1,000 items."""
    if isinstance(items, str) or not least <= len(items) <= MAX_BATCH:
        raise Invalid.of({field: [f"must have {least} to {MAX_BATCH:,} items"]})


def check_jids(jids: Sequence[str]) -> None:
    """Raise Invalid unless these are up to 1,000 jids."""
    check_batch("jids", jids)
    check = Checks()
    check.texts("jids", tuple(jids), most=MAX_BATCH)
    check.done()


def is_utf8(text: str) -> bool:
    """Tell whether a text is free of half surrogate pairs, so that it can be sent and kept."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")
