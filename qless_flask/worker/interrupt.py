"""Stopping a job's function from another thread, and never anything but that function."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable

_set_async_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
_set_async_exception.argtypes = (ctypes.c_ulong, ctypes.py_object)
_NONE = ctypes.py_object()
"""The null pointer: takes back an exception that was sent and has not struck yet."""


class Interruptible:
    """One call that another thread may interrupt, once, by raising an exception inside it.

    CPython raises it at the next bytecode, so a call that sleeps in C is interrupted when it comes back from there.
    """

    __slots__ = ("_armed", "_sending", "_thread_id")

    def __init__(self) -> None:
        self._thread_id = 0
        # Who takes the one item decides: the interrupter, who then must send, or the call's end, after which none may.
        self._armed: list[bool] = []
        # A bare lock, since it is one C call to wait for: an exception that strikes in there leaves nothing half done.
        self._sending = threading.Lock()
        self._sending.acquire()

    def run(self, call: Callable[[], object]) -> object:
        """Call, and raise what is raised inside. Afterwards nothing can interrupt this thread any more."""
        try:
            self._thread_id = threading.get_ident()
            self._armed.append(True)
            return call()
        finally:
            # An exception that strikes in here has been delivered thereby: none is left to strike later.
            if not self._take():
                self._sending.acquire()
                _set_async_exception(self._thread_id, _NONE)

    def interrupt(self, exception: type[BaseException]) -> bool:
        """Raise an exception inside the call; tell whether it was still running and not yet interrupted."""
        if not self._take():
            return False
        _set_async_exception(self._thread_id, exception)
        self._sending.release()
        return True

    def _take(self) -> bool:
        try:
            self._armed.pop()
        except IndexError:
            return False
        return True
