"""The module of job functions, and of a plugin, that the worker processes of the tests of `around_perform` import."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from qless_flask.client import LeasedJob, job
from qless_flask.hookspecs import Codec, hookimpl

around: ContextVar[str] = ContextVar("around", default="nothing")


class Backwards(Codec):
    """Writes text from its end to its beginning."""

    def encode(self, text: str) -> str:
        """Write it."""
        return text[::-1]

    def decode(self, text: str) -> str:
        """Read it."""
        return text[::-1]


class Plugin:
    """Tells jobs that it runs around them, and offers a codec."""

    @hookimpl
    def around_perform(self, job: Any, call: Callable[[], object]) -> object:
        """Let the job know."""
        around.set(f"the plugin, around {job.klass}")
        return call()

    @hookimpl
    def data_codecs(self) -> Mapping[str, Codec]:
        """Offer one."""
        return {"backwards": Backwards()}


class Misspelt:
    """Means another hook."""

    @hookimpl
    def around_preform(self, job: Any, call: Callable[[], object]) -> object:
        """Never be called."""
        raise AssertionError


def in_this_process(job: LeasedJob, call: Callable[[], object]) -> object:
    """Add the process to what a job answers."""
    return {"process": os.getpid(), "around": call(), "read": job.data}


@job("Tell", around=[in_this_process])
def tell(job: LeasedJob) -> str:
    """Tell what runs around."""
    return around.get()


@job("Await")
async def tell_later(job: LeasedJob) -> str:
    """Tell it on an event loop."""
    return around.get()
