"""Fixtures shared by all tests: real input, the bundled demo, a network that is not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real test input; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("CSI_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real test input is not here ({folder}); set CSI_TEST_DATA to its folder")
    return folder
