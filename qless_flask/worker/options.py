"""What a worker is told, once, at its start."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from qless_flask.bounds import MAX_BATCH, MAX_CAPABILITIES, MAX_WAIT_SECONDS, Checks
from qless_flask.client import Client
from qless_flask.models import ORDERS, Order
from qless_flask.plugins import Plugins
from qless_flask.settings import PluginSettings


def new_worker_name() -> str:
    """Make a name that tells where the worker runs: host-pid-chance."""
    return f"{socket.gethostname()[:120]}-{os.getpid()}-{secrets.token_hex(3)}"


@dataclass(frozen=True, slots=True)
class WorkSettings:
    """How one process works."""

    threads: int = 1
    """How many plain functions run at once."""
    concurrency: int = 100
    """How many `async def` functions run at once, on one event loop."""
    grace: float = 30.0
    """Seconds that running jobs have to finish when the worker is told to stop."""
    max_jobs: int | None = None
    """Stop after so many jobs."""
    fork: bool = False
    """Run each job in a process of its own."""
    order: Order = "listed"
    """How to choose between the queues, as in a pop."""
    poll: float = 2.0
    """Seconds that one pop waits for jobs; an idle worker takes up to so long to stop."""

    def __post_init__(self) -> None:
        check = Checks()
        check.integer("threads", self.threads, 1, MAX_BATCH)
        check.integer("concurrency", self.concurrency, 1, MAX_BATCH)
        check.seconds("grace", self.grace, 0, MAX_WAIT_SECONDS)
        if self.max_jobs is not None:
            check.integer("max_jobs", self.max_jobs, 1, 10**12)
        check.one_of("order", self.order, ORDERS)
        check.seconds("poll", self.poll, 0.01, 60)
        check.done()


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What a pool of worker processes is told: where the jobs lie, and where the functions stand."""

    url: str
    queues: tuple[str, ...]
    modules: tuple[str, ...]
    """Modules to import; only the `@job` functions that stand in them are run."""
    settings: WorkSettings = WorkSettings()
    _: KW_ONLY
    namespace: str = "default"
    processes: int = 1
    capabilities: tuple[str, ...] = ()
    """What the worker offers to jobs that require something: a GPU, a place."""
    name: str = field(default_factory=new_worker_name)
    """The worker's name; with several processes they are `name-1`, `name-2`…"""
    paths: tuple[str, ...] = ()
    """Folders in which to look for the modules first, like `PYTHONPATH`; say `("",)` for the present one."""
    log_level: str = "INFO"
    plugins: PluginSettings = field(default_factory=PluginSettings)
    """Which plugins each process has; those beside the installed ones by where to import them from."""
    codec: str | None = None
    """The codec of a plugin to write data and results with; what others wrote is read whatever this says."""
    token: str | Path | None = field(default=None, repr=False)
    """What a server is shown, or the file in which it stands; see `open_backend`."""

    def __post_init__(self) -> None:
        check = Checks()
        check.names("queues", self.queues, least=1, most=MAX_BATCH)
        check.texts("modules", self.modules, least=1, most=MAX_BATCH)
        check.name("namespace", self.namespace)
        check.integer("processes", self.processes, 1, 1_000)
        check.texts("capabilities", self.capabilities, most=MAX_CAPABILITIES)
        check.text("name", self.name)
        check.one_of("log_level", self.log_level, ("DEBUG", "INFO", "WARNING", "ERROR"))
        given = self.plugins.plugins
        check.texts("plugins", tuple(given.values() if isinstance(given, Mapping) else given), most=MAX_BATCH)
        if self.codec is not None:
            check.text("codec", self.codec)
        check.done()

    def open_client(self) -> Client:
        """Open the store, with the plugins. Raise Invalid if none of them offers the codec."""
        return Client(self.url, self.namespace, plugins=Plugins.of(self.plugins), codec=self.codec, token=self.token)
