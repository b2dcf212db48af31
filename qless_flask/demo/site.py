"""The site that is crawled: the documentation server of Python itself, run for as long as the demo needs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
from types import TracebackType

from qless_flask.errors import QlessError

START_SECONDS = 20.0
INDEX = "index.html"

_READY = re.compile(r"Server ready at (http://[\d.]+:\d+/)")


class Site:
    """`python -m pydoc` on a free port of this machine; use as a context. Pages are rendered one at a time."""

    def __init__(self) -> None:
        self.url = ""
        """Where its pages stand, with a slash at the end."""
        self._ready = threading.Event()
        # An empty folder: what stands in the working directory would be listed, and imported to render its page.
        self._folder = tempfile.TemporaryDirectory(prefix="qless-demo-")
        self._process: subprocess.Popen[str] | None = None

    @property
    def running(self) -> bool:
        """Tell whether it still serves."""
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Site:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-u", "-m", "pydoc", "-n", "127.0.0.1", "-p", "0"],
            cwd=self._folder.name,
            # Where setuptools is installed it would put its own distutils in the place of the standard library's.
            env={**os.environ, "SETUPTOOLS_USE_DISTUTILS": "stdlib"},
            # Held open: it quits at the end of its input.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            # Ctrl-C is for the demo, which stops its workers before it stops the site.
            start_new_session=True,
        )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        if not self._ready.wait(START_SECONDS) or not self.url:
            self.__exit__(None, None, None)
            raise QlessError(f"python -m pydoc did not start serving within {START_SECONDS:.0f} seconds")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def _read(self, process: subprocess.Popen[str]) -> None:
        # Read to the end: some modules print when they are imported, and a full pipe would stop the server.
        assert process.stdout is not None
        for line in process.stdout:
            found = _READY.search(line)
            if found:
                self.url = found[1]
                self._ready.set()
        self._ready.set()
