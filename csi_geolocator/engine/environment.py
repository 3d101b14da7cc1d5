"""Where the engine's own Python environment is, and in which state.

Nothing of it is ever imported here: QGIS and the engine are two processes.
"""

from __future__ import annotations

import dataclasses
import json
import ntpath
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARKER = "installation.json"
MARKER_FORMAT = 1
UNFINISHED = "unfinished"
READY = "ready"


def default_place(
    profile_folder: Path,
    environment: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
) -> Path:
    """Return where an environment is set up where nothing else is chosen.

    On Windows the profile roams between machines, and its path is long: gigabytes and deep folders
    belong elsewhere.
    """
    local = environment.get("LOCALAPPDATA", "")
    if platform == "win32" and local:
        return Path(ntpath.join(local, "csi_geolocator", profile_folder.name, "engine"))
    return profile_folder / "csi_geolocator" / "engine"


def python_in(folder: Path, platform: str = sys.platform) -> Path:
    """Return the Python of a virtual environment."""
    inside = ("Scripts", "python.exe") if platform == "win32" else ("bin", "python")
    return folder.joinpath(*inside)


def find_python(folder: Path) -> Path | None:
    """Return the Python of an environment that can be used, None where there is none.

    One whose set-up was not finished is none.
    """
    installation = read_installation(folder)
    if installation is not None and installation.state != READY:
        return None
    for python in (folder / "bin" / "python", folder / "Scripts" / "python.exe"):
        if python.is_file() and os.access(python, os.X_OK):
            return python
    return None


@dataclass(frozen=True)
class Installation:
    """What the marker in an environment says: how it was made, and whether it was finished.

    ``requirements_sha256`` is of the pinned requirements as packaged; ``warning`` what works less
    well than it could. Times are ISO 8601.
    """

    state: str
    requirements_sha256: str = ""
    build: str = ""
    tool: str = ""
    python: str = ""
    device: str = ""
    warning: str = ""
    started_at: str = ""
    finished_at: str = ""
    seconds: float = 0.0


def read_installation(folder: Path) -> Installation | None:
    """Return what the marker of an environment says; None where it was not made by this plugin.

    A marker that cannot be read counts as an unfinished set-up.
    """
    path = folder / MARKER
    if not path.is_file():
        return None
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        known = {f.name for f in dataclasses.fields(Installation)}
        found = Installation(**{name: values[name] for name in values if name in known})
    except (OSError, ValueError, TypeError):
        return Installation(UNFINISHED)
    return found


def write_installation(folder: Path, installation: Installation) -> None:
    """Write the marker of an environment, whole or not at all.

    Raises:
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    values: dict[str, Any] = {"format": MARKER_FORMAT, **dataclasses.asdict(installation)}
    unfinished = folder / (MARKER + ".part")
    unfinished.write_text(json.dumps(values, indent=2), encoding="utf-8")
    unfinished.replace(folder / MARKER)


@dataclass(frozen=True)
class EnvironmentState:
    """How the engine's environment stands.

    ``kind`` is "missing", "unfinished", "ready", "outdated" (made for other requirements),
    "foreign" (a folder that this plugin did not make) or "chosen" (a Python that a person named).
    """

    kind: str
    python: Path | None = None
    installation: Installation | None = None


def environment_state(chosen: str, folder: Path, requirements_sha256: str) -> EnvironmentState:
    """Return how the engine's environment stands.

    Args:
        chosen: The Python that a person named, "" for none.
        folder: Where the environment is set up.
        requirements_sha256: Of the requirements that this version of the plugin has.
    """
    installation = read_installation(folder)
    if chosen:
        python = Path(chosen)
        return EnvironmentState("chosen", python if python.is_file() else None, installation)
    python = find_python(folder)
    if installation is None:
        is_empty = not folder.exists() or not any(folder.iterdir())
        kind = "missing" if is_empty else "foreign"
        return EnvironmentState(kind, python, None)
    if python is None:
        return EnvironmentState("unfinished", None, installation)
    kind = "ready" if installation.requirements_sha256 == requirements_sha256 else "outdated"
    return EnvironmentState(kind, python, installation)
