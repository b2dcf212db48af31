"""Breaks the scripts and the SQL, one plausible slip at a time, and looks whether the suite notices.

python tests/mutants/run.py [words…]    only those mutants whose file or slip has all the words

`redis.toml` and `sqlite.toml` list the slips: a file, what stands there once, and what is put in its place. Each is
made in a copy of the checkout, where the conformance suite and the machine run on one store until the first failure. A
mutant with `equivalent` changes nothing that can be seen, as it argues; it is not run.

Names those that survive, and exits 1 if any does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "node_modules", "build", "dist", "*.db*", ".*_cache", "__pycache__")
STANDS = {"redis": "valkey", "sqlite": "sqlite"}
"""The stand that the mutants of each list run on."""
SUITE = (
    "tests/test_conformance.py",
    "tests/test_model.py",
    "tests/test_second_writers.py",
    "tests/test_sqlite_figures.py",
)
KILLED, PASSED = 1, 0
"""What pytest exits with."""
SECONDS = 900


@dataclass(frozen=True)
class Mutant:
    """A slip: `old`, which stands in `file` exactly once, has become `new`."""

    number: int
    store: str
    file: str
    old: str
    new: str
    slip: str
    first: str = ""
    """Words of the tests that are run before all others (pytest -k), to find the failure soon."""
    equivalent: str = ""

    def __str__(self) -> str:
        return f"{self.store} {self.number:>2}  {self.slip}  ({self.file.rsplit('/', 1)[-1]})"

    def fault(self) -> str:
        """Tell what keeps it from being made, or ''."""
        found = (ROOT / self.file).read_text().count(self.old)
        return "" if found == 1 else f"`{self.old}` stands {found} times in {self.file}"


def read_mutants() -> list[Mutant]:
    """Read all lists."""
    return [
        Mutant(number, store, **entry)
        for store in STANDS
        for number, entry in enumerate(tomllib.loads((HERE / f"{store}.toml").read_text())["mutant"], start=1)
    ]


def main() -> int:
    words = sys.argv[1:]
    mutants = [each for each in read_mutants() if all(word in f"{each.file} {each.slip}" for word in words)]
    for mutant in mutants:
        if mutant.fault():
            print(f"{mutant}: {mutant.fault()}")
            return 2
    survivors, broken, argued = [], [], []
    workers = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(workers):
            copies.put(Path(shutil.copytree(ROOT, Path(folder, str(number)), ignore=LEFT_OUT)))
        for mutant, code in zip(mutants, pool.map(lambda each: _try(each, copies), mutants), strict=True):
            outcome = {None: "equivalent", KILLED: "killed", PASSED: "SURVIVES"}.get(code, f"pytest exits with {code}")
            print(f"{mutant}: {outcome}", flush=True)
            if code is None:
                argued.append(mutant)
            elif code == PASSED:
                survivors.append(mutant)
            elif code != KILLED:
                broken.append(mutant)
    print(
        f"{len(mutants)} mutants: {len(survivors)} survive, {len(argued)} equivalent, {len(broken)} could not be tried"
    )
    for mutant in survivors + broken:
        print(f"  {mutant}")
    return 1 if survivors or broken else 0


def _try(mutant: Mutant, copies: SimpleQueue[Path]) -> int | None:
    """Answer what pytest exits with, or None for a mutant that is not run."""
    if mutant.equivalent:
        return None
    copy = copies.get()
    target = copy / mutant.file
    whole = target.read_text()
    try:
        target.write_text(whole.replace(mutant.old, mutant.new))
        code = _pytest(copy, STANDS[mutant.store], mutant.first) if mutant.first else PASSED
        # Where the first choice finds nothing, or no test at all, the whole suite has its say.
        return code if code == KILLED else _pytest(copy, STANDS[mutant.store], "")
    finally:
        target.write_text(whole)
        copies.put(copy)


def _pytest(copy: Path, stand: str, words: str) -> int:
    chosen = f"{stand} and not http" + (f" and ({words})" if words else "")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-k", chosen, *SUITE]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=SECONDS).returncode
    except subprocess.TimeoutExpired:
        # What hangs is noticed.
        return KILLED


if __name__ == "__main__":
    sys.exit(main())
