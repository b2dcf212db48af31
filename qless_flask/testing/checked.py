"""A namespace that is looked over after every operation, so that the operation that broke a rule is the one told."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from qless_flask.backends.base import Namespace
from qless_flask.backends.passing import Passing


class Checked(Passing):
    """Pass every operation on, and check afterwards, whether it succeeded or not."""

    def __init__(self, inner: Namespace, check: Callable[[], object]) -> None:
        super().__init__(inner)
        self._check = check


def _checked(operation: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(operation)
    def checked(self: Checked, *args: object, **options: object) -> Any:
        try:
            return operation(self, *args, **options)
        finally:
            self._check()

    return checked


for _name in sorted(Namespace.__abstractmethods__):
    setattr(Checked, _name, _checked(getattr(Passing, _name)))
