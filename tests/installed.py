"""Our package and the examples as their users have them: built into wheels, and installed into a fresh environment."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

CHECKOUT = Path(__file__).parent.parent
PATIENCE_SECONDS = 20.0


def build_wheel(project: Path, folder: Path) -> Path:
    """Build the wheel of a project of this checkout; what building leaves behind is left elsewhere."""
    copied = folder / "sources" / project.name
    shutil.copytree(project, copied, ignore=no_source)
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
        "--wheel-dir", str(folder / project.name), str(copied))  # fmt: skip
    [wheel] = (folder / project.name).glob("*.whl")
    return wheel


class Environment:
    """A Python of its own, in which nothing is installed but these wheels and what they rest on."""

    def __init__(self, folder: Path, *wheels: Path) -> None:
        self.folder = folder
        venv.create(folder, symlinks=True)
        [site] = folder.glob("lib/python*/site-packages")
        # What they rest on is taken from where the tests run, so that nothing is fetched; ours is not among it.
        rest = folder / "rest"
        rest.mkdir()
        for path in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
            for entry in Path(path).iterdir():
                if "qless" not in entry.name:
                    (rest / entry.name).symlink_to(entry)
        (site / "rest.pth").write_text(f"{rest}\n")
        run(sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet",
            "--no-deps", "--no-index", "--disable-pip-version-check", *map(str, wheels))  # fmt: skip

    def run(self, *words: str, code: int = 0, **variables: str) -> str:
        """Run a program of the environment to its end; answer what it printed."""
        program, *rest = words
        return run(str(self.folder / "bin" / program), *rest, code=code, variables=variables, cwd=self.folder)

    @contextmanager
    def serving(self, url: str, *options: str, port: int | None = None, **variables: str) -> Iterator[Server]:
        """Start a server, as anybody would, and stop it at the end."""
        port = port or free_port()
        command = ("serve", "--url", url, "--port", str(port), "--processes", "1", "--threads", "8", *options)
        server = Server(self._begin(*command, **variables), f"http://127.0.0.1:{port}")
        try:
            server.wait_until_ready()
            yield server
        finally:
            server.stop()

    @contextmanager
    def working(self, *options: str, **variables: str) -> Iterator[None]:
        """Start a worker, as anybody would, and stop it at the end."""
        process = self._begin("worker", *options, **variables)
        try:
            yield
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE_SECONDS)

    def _begin(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.folder / "bin" / "qless-flask"), *words],
            cwd=self.folder,
            env=_environment(variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


class Server:
    """A server, spoken to over HTTP."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.address = address
        self.told = ""
        """All that it printed, once it has stopped."""
        self._process = process
        self._http = httpx.Client(base_url=address, timeout=10)

    def get(self, path: str) -> Any:
        return self.ask("GET", path)

    def ask(self, method: str, path: str, body: object = None, *, status: int | None = None) -> Any:
        """Ask for what stands below the namespace `default` or, with a slash at its beginning, anywhere."""
        where = path if path.startswith("/") else f"/api/v1/namespaces/default/{path}"
        answer = self._http.request(method, where, json=body)
        assert answer.is_success if status is None else answer.status_code == status, answer.text
        return answer.json() if "json" in answer.headers["Content-Type"] else answer.text

    def plugin(self, name: str) -> dict[str, Any]:
        """What the server says of a plugin."""
        [found] = [each for each in self.get("/api/v1/plugins")["plugins"] if each["name"] == name]
        assert isinstance(found, dict)
        return found

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                self.get("/healthz")
                return
            except httpx.TransportError:
                assert self._process.poll() is None, self._process.communicate()
                time.sleep(0.05)
        raise AssertionError("the server does not answer")

    def stop(self) -> None:
        """Stop it, and keep what it printed."""
        self._http.close()
        if not self.told:
            self._process.terminate()
            self.told = self._process.communicate(timeout=PATIENCE_SECONDS)[0]


def run(*command: str, code: int = 0, variables: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a command, and answer what it printed; fail unless it ends as it should."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=_environment(variables or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """That of the tests, without what would lead to our checkout or to plugins of the person who runs them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("QLESS_", "PYTHON", "COV_"))}
    return {**kept, **variables}


def no_source(folder: str, names: list[str]) -> set[str]:
    """Name what no wheel is built of; libraries of browsers keep theirs in folders of such names."""
    if "node_modules" in Path(folder).parts:
        return set()
    left_out = {"build", "dist", "__pycache__"}
    if Path(folder) == CHECKOUT:
        left_out |= {"tests", "examples", "docs"}
    return {name for name in names if name in left_out or name.startswith(".") or name.endswith(".egg-info")}


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
