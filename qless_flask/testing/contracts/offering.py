"""The thing under test, offered by a plugin as anyone's would be."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from types import ModuleType

from qless_flask.backends.hooked import Hooked
from qless_flask.hookspecs import hookimpl
from qless_flask.plugins import Plugins
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.model import ModelBackend

NAME = "under_test"
THREADS = 8


@cache
def offered(hook: str, kind: type) -> Plugins:
    """Build a manager with a plugin whose only hook offers `kind`, by the name `under_test`."""

    def offer() -> dict[str, type]:
        return {NAME: kind}

    plugin = ModuleType("contract")
    setattr(plugin, hook, hookimpl(specname=hook)(offer))
    plugins = Plugins({"contract": plugin}, installed=False)
    plugins.check()
    return plugins


def hooked(plugins: Plugins) -> Hooked:
    """Open a store in memory, with these plugins round it."""
    clock = ManualClock()
    return Hooked(ModelBackend(clock=clock), plugins=plugins, clock=clock)


def all_at_once(call: Callable[[], object]) -> None:
    """Call it from several threads at once, and raise what any of the calls raised."""
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(call) for _ in range(THREADS * 4)]:
            done.result()


ODD_DATA = (
    "null",
    "true",
    "12345678901234567890",
    "-0.0",
    '"text"',
    '"\\u0000\\n"',
    "[]",
    "[[[[[[[[[[]]]]]]]]]]",
    "{}",
    '{"": ""}',
    '{"url": null}',
    '{"url": 7}',
    '{"url": ""}',
    '{"url": "http://["}',
    '{"url": "//:80"}',
    '{"url": "http://\\u00fc.example/ \\n"}',
    '{"url": "http://' + "a" * 300 + '.example/"}',
    '{"url": ["http://example.com/"]}',
)
"""Data that is valid JSON and not what a plugin may think of."""
