"""A server in a process of its own, for commands that need one beside them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request

import click

from qless_flask.cli.serve_address import DEFAULT_HOST, choose_port, url_of

START_SECONDS = 20.0


class ServerProcess:
    """A server in a process of its own, at a free port of this machine; use as a context."""

    def __init__(self, url: str, port: int | None) -> None:
        port = choose_port(DEFAULT_HOST, port)
        self.address = url_of(DEFAULT_HOST, port)
        # Who starts it has something to say itself.
        options = ("--port", str(port), "--log-level", "warning")
        self._command = [sys.executable, "-m", "qless_flask", "serve", *options]
        # Its password would be seen by whoever lists the processes of this machine.
        self._environment = {**os.environ, "QLESS_URL": url}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ServerProcess:
        # In a session of its own, so that Ctrl-C reaches who started it first.
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdout=subprocess.DEVNULL, start_new_session=True
        )
        for _ in range(int(START_SECONDS / 0.1)):
            if self._process.poll() is not None:
                break
            if self._answers():
                return self
            time.sleep(0.1)
        self.__exit__()
        raise click.ClickException(f"no server at {self.address} within {START_SECONDS:.0f} seconds")

    def __exit__(self, *exit: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def wait(self) -> None:
        """Wait until the server ends."""
        if self._process is not None:
            self._process.wait()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=1):
                return True
        except OSError:
            return False
