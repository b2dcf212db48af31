"""Dumps on the wire: records, each as the line of JSON that it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import ValidationError, fields
from msgspec import MsgspecError, Raw, Struct, json

from qless_flask.errors import Invalid
from qless_flask.models import AnyRecord, Dumped, Erased, Tally, encode_record, read_record
from qless_flask.schemas.noun import AnswerNoun, Noun
from qless_flask.schemas.values import Text, Whole

NDJSON = "application/x-ndjson"
"""The media type of an export: lines of JSON."""


class End(Struct, frozen=True, kw_only=True, tag_field="kind", tag="end"):
    """The last line of an export: how many records of each kind there were, and their checksum."""

    counts: dict[str, int]
    checksum: str


class Records(fields.Field[Sequence[AnyRecord]]):
    """Records of a dump: a list in Raw on the wire, and loaded as a tuple."""

    default_error_messages = {"required": "is missing", "null": "must not be null", "type": "must be a list"}

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Raw:
        return Raw(b"[" + b",".join(encode_record(record) for record in value) + b"]")

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> tuple[AnyRecord, ...]:
        if not isinstance(value, Raw):
            raise self.make_error("type")
        try:
            lines = _LINES.decode(value)
        except (MsgspecError, RecursionError) as error:
            raise self.make_error("type") from error
        return read_records([bytes(line) for line in lines])


class DumpArguments(Noun):
    """From where to dump, and about how many records."""

    cursor = Text(allow_none=True)
    limit = Whole()


class DumpedSchema(AnswerNoun):
    """A page of a dump."""

    model = Dumped

    records = Records(required=True)
    next = Text(required=True, allow_none=True)


class LoadArguments(Noun):
    """Records to write."""

    records = Records(required=True)


class LoadedAnswer(AnswerNoun):
    """How many were written."""

    loaded = Whole(required=True)


class ErasedSchema(AnswerNoun):
    """What a step of erase did."""

    model = Erased

    deleted = Whole(required=True)
    next = Text(required=True, allow_none=True)


def read_records(lines: Sequence[bytes]) -> tuple[AnyRecord, ...]:
    """Read lines of JSON. Raise ValidationError, naming each line that is no record by its place."""
    records: list[AnyRecord] = []
    errors: dict[int, list[str]] = {}
    for index, line in enumerate(lines):
        try:
            records.append(read_record(line))
        except Invalid as error:
            errors[index] = [said for each in error.fields.values() for said in each]
        except RecursionError:
            errors[index] = ["is nested too deep"]
    if errors:
        raise ValidationError(errors)
    return tuple(records)


def read_lines(text: bytes) -> tuple[AnyRecord, ...]:
    """Read the lines of an export, the one that ends it aside. Raise ValidationError for what is no record."""
    lines = [line for line in text.split(b"\n") if line.strip()]
    if lines and is_end(lines[-1]):
        lines.pop()
    try:
        return read_records(lines)
    except ValidationError as error:
        raise ValidationError({"records": error.messages}) from error


def encode_end(tally: Tally) -> bytes:
    """Write the line that ends an export."""
    return json.encode(End(counts=tally.counts, checksum=tally.checksum), order="deterministic")


def is_end(line: bytes) -> bool:
    """Tell whether a line is one that ends an export."""
    try:
        _END.decode(line)
    except (MsgspecError, RecursionError):
        return False
    return True


_LINES = json.Decoder(list[Raw])
_END = json.Decoder(End)
