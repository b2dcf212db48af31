"""The checkout: what its README, Makefile and packaging say is so."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from installed import no_source
from test_cli_serve import served

from qless_flask.web.assets import SERVED

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


class TestReadme:
    def test_it_fits_on_one_screen(self) -> None:
        assert len(README.splitlines()) <= 60

    def test_its_commands_are_targets_of_the_makefile(self) -> None:
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

        named = set(re.findall(r"\bmake ([a-z]+)", README))
        assert {"run", "test"} <= named <= set(targets)

    def test_ci_calls_its_test_command(self) -> None:
        assert "\nmake test\n" in (ROOT / ".ci" / "run").read_text()

    def test_what_it_shows_in_curl_and_python_works_as_written(self, tmp_path: Path) -> None:
        curl, client = blocks("sh")[1], blocks("python")[0]
        with served(f"sqlite:///{tmp_path / 'qless.db'}") as server:
            told = run(tmp_path, "sh", "-euc", at_port(curl, server.port))

            assert '{"jid":"hello","state":"waiting","created":true}' in told
            assert '{"jid":"hello","state":"complete"}' in told
            assert run(tmp_path, sys.executable, "-c", at_port(client, server.port)) == "to ann\n"

    def test_the_worker_that_it_shows_works(self, tmp_path: Path) -> None:
        (tmp_path / "mails.py").write_text(blocks("python")[1])
        command = blocks("sh")[2]
        with served(f"sqlite:///{tmp_path / 'qless.db'}") as server:
            url = f"http://127.0.0.1:{server.port}"
            run(tmp_path, "qless-flask", "put", "mail", "Send", '{"to": "cleo"}', "--url", url)

            worker = subprocess.Popen(
                at_port(command, server.port).split(),
                cwd=tmp_path,
                env=environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            with worker:
                assert worker.stdout is not None
                told = worker.stdout.readline()
                worker.terminate()

        assert told == "to cleo\n"
        assert worker.returncode == 0

    def test_the_app_that_it_shows_serves(self, tmp_path: Path) -> None:
        store = "redis://localhost/0"
        (mounting,) = (block for block in blocks("python") if store in block)
        asked = "print(app.test_client().get('/qless/readyz').status, qless.namespace('default').queues())"

        told = run(tmp_path, sys.executable, "-c", mounting.replace(store, "sqlite:///qless.db") + asked)

        assert told == "200 OK []\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of the files in a wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(ROOT, source, ignore=no_source)
    build = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source))
    subprocess.run(build, check=True, capture_output=True)
    [path] = folder.glob("*.whl")
    return zipfile.ZipFile(path).namelist()


class TestPackage:
    def test_a_wheel_has_every_module_script_statement_and_template(self, wheel: list[str]) -> None:
        files = {
            str(path.relative_to(ROOT))
            for path in (ROOT / "qless_flask").rglob("*")
            if path.suffix in (".py", ".lua", ".sql", ".html", ".typed")
        }

        assert any(name.endswith(".lua") for name in files)
        assert any(name.endswith(".sql") for name in files)
        assert files <= set(wheel)

    def test_a_wheel_has_the_licence_of_what_is_not_ours_and_nothing_of_tests(self, wheel: list[str]) -> None:
        of_others = [name for name in wheel if "/node_modules/" in name]
        assert {name.rpartition("/")[2] for name in of_others} == {"LICENSE", "uPlot.esm.js", "uPlot.min.css"}

    def test_a_wheel_has_static_inside_the_package_and_no_tests(self, wheel: list[str]) -> None:
        served = [path.relative_to(ROOT).as_posix() for pattern in SERVED for path in (ROOT / "static").glob(pattern)]

        assert "static/css/qless.css" in served
        assert {f"qless_flask/{name}" for name in served} | {"qless_flask/static/package.json"} <= set(wheel)
        assert {name.partition("/")[0].partition("-")[0] for name in wheel} == {"qless_flask"}

    def test_the_command_starts_the_command_line(self) -> None:
        scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]

        assert scripts == {"qless-flask": "qless_flask.cli:main"}


def blocks(language: str) -> list[str]:
    """The code blocks of the README in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def at_port(text: str, port: int) -> str:
    """Let what is to run find the server of the test."""
    assert "127.0.0.1:5000" in text
    return text.replace("127.0.0.1:5000", f"127.0.0.1:{port}")


def run(folder: Path, *command: str) -> str:
    """Run a command in a folder, and answer with what it prints."""
    return subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=True, timeout=60
    ).stdout


def environment() -> dict[str, str]:
    """An environment in which `qless-flask` is the one under test."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
