"""Plugins, called so that what they may not do is told as an error that names them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from qless_flask.errors import BackendUnavailable, FieldErrors, PluginError, Rejected
from qless_flask.plugins import Plugins
from qless_flask.plugins.record import Record

Value = TypeVar("Value")

logger = logging.getLogger("qless_flask.plugins")


def filtered(
    plugins: Plugins, hook: str, argument: str, value: Value, fits: Callable[[Any], bool], **others: Any
) -> Value:
    """Pass a value through all filters of a hook; each sees what the one before has made of it.

    Raise what a filter raises of QlessError (a refusal names the plugin, if it names nothing itself), and PluginError
    for all else, and for an answer that does not fit.
    """
    for call in plugins.calls(hook):
        try:
            answer = call.asked(**{argument: value}, **others)
        except Rejected as error:
            raise error if error.subject is not None else said_by(error, call.plugin) from error
        if answer is None:
            continue
        if not fits(answer):
            raise call.misfit(answer)
        value = answer
    return value


def counted(record: Record, what: str, call: Callable[[], Value]) -> Value:
    """Call what a plugin offers, and count that; a refusal is no fault, nor is a store that is down or frozen."""
    begun = time.perf_counter()
    try:
        answer = call()
    except (Rejected, BackendUnavailable):
        record.called(time.perf_counter() - begun)
        raise
    except Exception as error:
        record.failed(what, error, time.perf_counter() - begun)
        raise
    record.called(time.perf_counter() - begun)
    return answer


def broken(record: Record, what: str, error: Exception) -> PluginError:
    """Log what a plugin raised, and build the error for those who are not served."""
    logger.error("plugin %s failed in %s", record.name, what, exc_info=error)
    message = f"plugin {record.name} failed in {what}: {type(error).__name__}"
    # Of the message an answer over HTTP tells nothing: who may look for it must see which it is.
    return PluginError(message, subject=f"{record.name} ({what})")


def said_by(error: Rejected, subject: str, message: str | None = None, fields: FieldErrors | None = None) -> Rejected:
    """Build the same refusal once more, with the name of who refuses."""
    return type(error)(
        error.message if message is None else message,
        subject=subject,
        fields=error.fields if fields is None else fields,
    )
