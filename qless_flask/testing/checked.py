"""A namespace that is looked over after every operation, so that the operation that broke a rule is the one told."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from qless_flask.backends.base import Namespace
from qless_flask.backends.passing import Passing
from qless_flask.models import Erased


class Checked(Passing):
    """Pass every operation on, and check afterwards, whether it succeeded or not; but not halfway through a load."""

    def __init__(self, inner: Namespace, check: Callable[[], object]) -> None:
        super().__init__(inner)
        self._check = check

    def erase(self, *arguments: Any, **options: Any) -> Erased:
        """Check once all is gone: before, what is left may hang on what is not there any more."""
        erased = super().erase(*arguments, **options)
        if erased.next is None:
            self._check()
        return erased


def _checked(operation: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(operation)
    def checked(self: Checked, *args: object, **options: object) -> Any:
        try:
            return operation(self, *args, **options)
        finally:
            self._check()

    return checked


for _name in sorted(Namespace.__abstractmethods__ - {"load", "erase"}):
    setattr(Checked, _name, _checked(getattr(Passing, _name)))
