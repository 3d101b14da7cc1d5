"""Where the engine's own Python environment is.

Nothing of it is ever imported here: QGIS and the engine are two processes.
"""

from __future__ import annotations

import os
from pathlib import Path

PYTHON_SETTING = "csi_geolocator/engine_python"


def environment_folder(profile_folder: Path) -> Path:
    """Return the folder that holds the engine's environment in a QGIS profile."""
    return profile_folder / "csi_geolocator" / "engine"


def find_engine_python(chosen: str, profile_folder: Path) -> Path | None:
    """Return the engine's Python, or None where its environment is not set up.

    Args:
        chosen: The path in the settings under ``PYTHON_SETTING``; it goes first, "" for none.
        profile_folder: The folder of the QGIS profile.
    """
    folder = environment_folder(profile_folder)
    for python in (Path(chosen), folder / "bin" / "python", folder / "Scripts" / "python.exe"):
        if python.is_file() and os.access(python, os.X_OK):
            return python
    return None
