"""One process of a worker pool, told by its parent on standard input.

The first line is a `ChildOrder`; each further line is a command (`stop`, `now`, `pause`, `resume`). At the end of the
input the parent is gone, and the child stops. Signals work too, so that one process can be stopped alone.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import logging
import os
import signal
import sys
import threading
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType, ModuleType
from typing import TextIO

from setproctitle import setproctitle

from qless_flask.client import Client
from qless_flask.client.functions import registry_of
from qless_flask.errors import QlessError
from qless_flask.settings import PluginSettings
from qless_flask.worker.forked import ForkedExecution
from qless_flask.worker.logs import write_log
from qless_flask.worker.options import WorkerOptions, WorkSettings
from qless_flask.worker.outage import REFUSALS
from qless_flask.worker.worker import Perform, Worker

EXIT_UNUSABLE = 2
"""What the child was told cannot work, and would not the next time."""

EXIT_ASKED = 3
"""The child ended because it was asked to, through the store, and is not to be replaced."""

EXIT_REFUSED = 4
"""The child ended because the server lets it in no longer, and would not the next one either."""

logger = logging.getLogger("qless_flask.worker")


@dataclass(frozen=True, slots=True)
class ChildOrder:
    """What the parent tells its child first."""

    options: WorkerOptions
    name: str

    def encode(self) -> str:
        """Write it as one line."""
        order = asdict(self)
        token = order["options"].pop("token")
        # Through a pipe that nobody else reads; no argument or variable of a process shows it.
        order["token"] = token if token is None else [isinstance(token, Path), str(token)]
        return json.dumps(order) + "\n"

    @classmethod
    def decode(cls, line: str) -> ChildOrder:
        """Read such a line."""
        order = json.loads(line)
        options = order["options"]
        options["settings"] = WorkSettings(**options["settings"])
        options["plugins"] = PluginSettings(**options["plugins"])
        for listed in ("queues", "modules", "paths", "capabilities"):
            options[listed] = tuple(options[listed])
        if order["token"] is not None:
            in_file, text = order["token"]
            options["token"] = Path(text) if in_file else text
        return cls(WorkerOptions(**options), order["name"])


def main() -> int:
    """Work until told to stop, and answer with the exit code."""
    parent = _take_stdin()
    order = ChildOrder.decode(parent.readline())
    options = order.options
    write_log(options.log_level)
    sys.path[:0] = [path or os.getcwd() for path in options.paths]
    try:
        modules = [_import(name) for name in options.modules]
        functions = registry_of(modules)
        if not functions:
            raise ValueError(f"no @job function stands in {', '.join(options.modules)}")
        client = options.open_client()
        worker = Worker(
            client,
            options.queues,
            functions.values(),
            options.settings,
            name=order.name,
            capabilities=options.capabilities,
            perform=_elsewhere(options, client),
        )
    except (ImportError, ValueError, QlessError) as error:
        logger.error("%s", error)
        return EXIT_UNUSABLE
    setproctitle(f"qless-flask worker {order.name} [{', '.join(options.queues)}]")
    _listen(worker, parent)
    logger.info("worker %s works %s: %s", order.name, ", ".join(options.queues), ", ".join(sorted(functions)))
    try:
        worker.run()
    except REFUSALS:
        return EXIT_REFUSED
    return EXIT_ASKED if worker.asked_to_end else 0


def _elsewhere(options: WorkerOptions, client: Client) -> Perform | None:
    if not options.settings.fork:
        return None
    return ForkedExecution(options, client).run


def _take_stdin() -> TextIO:
    # Jobs and the programs that they start must not read, or hold open, what is meant for us.
    own = os.dup(0)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    return os.fdopen(own)


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:
        # Their code, so anything can happen in it.
        raise ImportError(f"module {name} cannot be imported:\n{traceback.format_exc()}") from error


def _listen(worker: Worker, parent: TextIO) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        worker.signal()

    def pause(number: int, frame: FrameType | None) -> None:
        faulthandler.dump_traceback(all_threads=True)
        worker.pause()

    def resume(number: int, frame: FrameType | None) -> None:
        worker.resume()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGUSR2, pause)
    signal.signal(signal.SIGCONT, resume)
    threading.Thread(target=_obey_parent, args=(worker, parent), name="qless-parent", daemon=True).start()


def _obey_parent(worker: Worker, parent: TextIO) -> None:
    for line in parent:
        command = line.strip()
        if command == "now":
            worker.stop_now()
        elif command == "pause":
            faulthandler.dump_traceback(all_threads=True)
            worker.pause()
        elif command == "resume":
            worker.resume()
        else:
            worker.stop()
    worker.stop()
