"""A function is interrupted from another thread while it runs, and nothing else ever is."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from qless_flask.errors import LeaseLost
from qless_flask.worker import interrupt
from qless_flask.worker.interrupt import Interruptible


def test_a_running_function_is_interrupted_once() -> None:
    call, running, sent = Interruptible(), threading.Event(), []

    def function() -> None:
        running.set()
        while True:
            time.sleep(0.001)

    def interrupt() -> None:
        assert running.wait(10)
        sent.extend([call.interrupt(LeaseLost), call.interrupt(LeaseLost)])

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(LeaseLost):
        call.run(function)
    thread.join()

    assert sent == [True, False]


def test_what_has_ended_cannot_be_interrupted() -> None:
    call = Interruptible()

    assert call.run(lambda: 7) == 7

    assert call.interrupt(LeaseLost) is False


def test_what_has_not_begun_cannot_be_interrupted() -> None:
    call = Interruptible()

    assert call.interrupt(LeaseLost) is False
    assert call.run(lambda: 7) == 7


def test_the_end_of_a_call_waits_for_an_interrupt_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    call, claimed = Interruptible(), threading.Event()
    send = interrupt._set_async_exception

    def send_late(thread_id: int, exception: object) -> object:
        if exception is LeaseLost:
            claimed.set()
            time.sleep(0.1)
        return send(thread_id, exception)

    monkeypatch.setattr(interrupt, "_set_async_exception", send_late)
    thread = threading.Thread(target=call.interrupt, args=(LeaseLost,))
    started: list[bool] = []

    def function() -> int:
        thread.start()
        started.append(claimed.wait(10))
        return 7

    # The function has its result before the exception is sent, which still may not strike after the call.
    with suppress(LeaseLost):
        call.run(function)
    thread.join()
    for number in range(1_000):
        str(number)
    assert started == [True]


@pytest.fixture
def quick_switches() -> Iterator[None]:
    """Let threads take turns as often as can be, so that they meet everywhere."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("quick_switches")
def test_an_interrupt_at_any_moment_strikes_inside_the_call_or_not_at_all() -> None:
    calls = [Interruptible()]
    struck_outside: list[BaseException] = []
    struck_inside = 0
    over = threading.Event()

    def work() -> None:
        nonlocal struck_inside
        try:
            for _ in range(3_000):
                call = calls[0] = Interruptible()
                try:
                    # Gives the interrupter its turn, and so it strikes about the end of the call.
                    call.run(lambda: time.sleep(0))
                except LeaseLost:
                    struck_inside += 1
                # The worker's own code, in which nothing may strike any more.
                for number in range(20):
                    str(number)
        except BaseException as error:  # noqa: BLE001
            struck_outside.append(error)
        finally:
            over.set()

    thread = threading.Thread(target=work)
    thread.start()
    sent = 0
    while not over.is_set():
        sent += calls[0].interrupt(LeaseLost)
    thread.join()

    assert struck_outside == []
    assert 0 < struck_inside <= sent
