"""What several of these tests need."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a file of the test's own may be."""
    return tmp_path / "jobs.lmdb"
