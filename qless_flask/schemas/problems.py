"""Errors on the wire: problem details (RFC 9457), with `code`, and `errors` by field."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from msgspec import Raw, json

from qless_flask.errors import FieldErrors, QlessError, error_for

MEDIA_TYPE = "application/problem+json"


def dump_problem(error: QlessError) -> dict[str, object]:
    """Write an error as a problem; its code is what programs look at, its detail what people read."""
    problem: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "code": error.code,
        "detail": _sound(error.message),
    }
    if error.subject is not None:
        problem["subject"] = _sound(error.subject)
    if error.fields:
        problem["errors"] = {_sound(name): [_sound(each) for each in said] for name, said in error.fields.items()}
    return problem


def load_problem(problem: object) -> QlessError:
    """Read a problem back as the error that it was; Internal for what is none."""
    found = problem if isinstance(problem, Mapping) else {}
    subject = found.get("subject")
    return error_for(
        str(found.get("code", "INTERNAL")),
        str(found.get("detail", "")),
        subject=subject if isinstance(subject, str) else None,
        fields=_fields(found.get("errors")),
    )


def _fields(errors: object) -> FieldErrors:
    if not isinstance(errors, Mapping):
        return {}
    # A field may be called `data`, and what stands under that name was left undecoded.
    decoded = {name: json.decode(said) if isinstance(said, Raw) else said for name, said in errors.items()}
    return {str(name): [str(each) for each in said] for name, said in decoded.items() if isinstance(said, list)}


def _sound(text: str) -> str:
    """A message may quote what came in, half surrogate pairs and all; an answer must be sound."""
    return text.encode("utf-8", "backslashreplace").decode()
