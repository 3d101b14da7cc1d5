"""The plugin as ``make package`` stages it; tests in QGIS never load the source folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def plugins_folder(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of QGIS plugins with the staged ``csi_geolocator`` in it."""
    folder = tmp_path_factory.mktemp("plugins")
    script = repository / ".ci" / "package.py"
    subprocess.run([sys.executable, str(script), "--stage", str(folder)], check=True, timeout=60)
    return folder


@pytest.fixture
def staged(plugins_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The staged plugin, importable as ``csi_geolocator``."""
    monkeypatch.syspath_prepend(str(plugins_folder))
    return plugins_folder / "csi_geolocator"
