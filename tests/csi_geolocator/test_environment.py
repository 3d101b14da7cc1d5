"""QGIS's Python, as these tests run in it, holds nothing of the engine's environment."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["torch", "torchvision", "cv2", "rasterio", "lightning"])
def test_engine_library_is_not_importable(name: str) -> None:
    assert importlib.util.find_spec(name) is None


def test_contract_needs_the_standard_library_only(plugins_folder: Path) -> None:
    code = "import csi_geolocator.model_core.contract as c; print(c.PROTOCOL_VERSION)"
    run = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {str(plugins_folder)!r}); {code}",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.stdout.strip() == "3", run.stderr
