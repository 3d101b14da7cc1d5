"""How the engine's process is started: its Python, its folder, and an environment of its own.

All of it is decided from what is passed in, for Linux, macOS and Windows alike; nothing runs here.
"""

from __future__ import annotations

import ntpath
import os
import posixpath
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..i18n import tr

FOREIGN_PREFIXES = (
    "CONDA_",
    "CPL_",
    "DYLD_",
    "GDAL_",
    "O4W_",
    "OGR_",
    "OSGEO4W",
    "PIP_",
    "PROJ_",
    "PYTHON",
    "QGIS_",
    "QT_",
)
"""What QGIS, its Python and its libraries set for themselves: poison for another Python."""
FOREIGN_NAMES = ("GISBASE", "LD_LIBRARY_PATH", "LD_PRELOAD", "QML2_IMPORT_PATH", "VIRTUAL_ENV")
OWN_VARIABLES: Mapping[str, str] = {
    "PYTHONUTF8": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
"""UTF-8 whatever the system's code page; no files beside the plugin, whose folder may be locked."""
SERVE = ("-m", "model_core", "serve")


class EngineUnavailable(RuntimeError):
    """The engine cannot be started; the message is for people and names the next step."""


@dataclass(frozen=True)
class Launch:
    """A program to start; ``environment`` is the whole of it, and stays out of ``repr``."""

    program: str
    arguments: tuple[str, ...]
    folder: str
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class HostPython:
    """The Python that QGIS itself runs on, never to be the engine's.

    ``folders`` are those of the QGIS installation: nothing in them is for another Python.
    """

    base_prefix: Path
    version: tuple[int, int]
    executable: Path
    folders: tuple[str, ...] = ()


def this_python(environment: Mapping[str, str] = os.environ) -> HostPython:
    """Return the Python of this process, which is QGIS's."""
    root = environment.get("OSGEO4W_ROOT", "")
    bundle = next((p for p in Path(sys.base_prefix).parents if p.suffix == ".app"), None)
    folders = [root, str(bundle) if bundle else ""]
    return HostPython(
        Path(sys.base_prefix),
        (sys.version_info.major, sys.version_info.minor),
        Path(sys.executable),
        tuple(folder for folder in folders if folder),
    )


def clean_environment(
    environment: Mapping[str, str],
    platform: str = sys.platform,
    qgis_folders: Sequence[str] = (),
) -> dict[str, str]:
    """Return the environment without what belongs to QGIS, its Python and its libraries.

    Args:
        environment: The environment of this process.
        platform: As ``sys.platform``: on Windows names have no case.
        qgis_folders: Folders of the QGIS installation; ``PATH`` loses what lies in them.
    """
    windows = platform == "win32"
    kept = {}
    for name, value in environment.items():
        known = name.upper() if windows else name
        if known in FOREIGN_NAMES or known.startswith(FOREIGN_PREFIXES):
            continue
        kept[name] = clean_path(value, platform, qgis_folders) if known == "PATH" else value
    return {**kept, **OWN_VARIABLES}


def clean_path(value: str, platform: str, qgis_folders: Sequence[str]) -> str:
    """Return the value of ``PATH`` without the folders of QGIS and of OSGeo4W."""
    flavour, separator = (ntpath, ";") if platform == "win32" else (posixpath, ":")
    roots = [flavour.normcase(flavour.normpath(folder)) for folder in qgis_folders if folder]

    def is_foreign(entry: str) -> bool:
        place = flavour.normcase(flavour.normpath(entry))
        inside = any(place == root or place.startswith(root + flavour.sep) for root in roots)
        return inside or "osgeo4w" in place.lower()

    return separator.join(part for part in value.split(separator) if part and not is_foreign(part))


def why_not_python(python: Path, host: HostPython) -> str:
    """Return in words why a Python cannot be the engine's; empty where it can.

    A virtual environment on QGIS's Python is its own Python, unless it sees the packages of QGIS.
    """
    if not python.is_file():
        return tr("There is no Python at {} (any more).").format(python)
    if not os.access(python, os.X_OK):
        return tr("{} cannot be run as a program.").format(python)
    settings = _venv_settings(python)
    if settings is not None:
        if settings.get("include-system-site-packages", "").lower() == "true":
            return tr(
                "{} also sees the packages of another Python (include-system-site-packages); "
                "choose an environment that stands alone."
            ).format(python)
        return ""
    if is_python_of_host(python, host):
        return tr(
            "{} is the Python that QGIS itself runs on. Installing the engine into it would break "
            "QGIS and its plugins; choose another, or set up an environment."
        ).format(python)
    return ""


def is_python_of_host(python: Path, host: HostPython) -> bool:
    """Return whether a Python is the one QGIS runs on, or lies in QGIS's installation."""
    major, minor = host.version
    names = ("python", f"python{major}", f"python{major}.{minor}")
    own = {host.executable.resolve()}
    for name in names:
        own.add((host.base_prefix / "bin" / name).resolve())
        own.add((host.base_prefix / f"{name}.exe").resolve())
    place = python.resolve()
    return place in own or any(Path(folder).resolve() in place.parents for folder in host.folders)


def _venv_settings(python: Path) -> dict[str, str] | None:
    for folder in (python.parent.parent, python.parent):
        marker = folder / "pyvenv.cfg"
        if marker.is_file():
            lines = marker.read_text(encoding="utf-8", errors="replace").splitlines()
            pairs = (line.split("=", 1) for line in lines if "=" in line)
            return {name.strip().lower(): value.strip() for name, value in pairs}
    return None


def engine_launch(
    python: Path | None,
    folder: Path,
    host: HostPython,
    environment: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
) -> Launch:
    """Return how the engine is started.

    Args:
        python: The engine's Python, None where its environment is not set up.
        folder: The plugin's folder, which holds ``model_core``.
        host: QGIS's own Python, which is refused.
        environment: The environment of this process.
        platform: As ``sys.platform``.

    Raises:
        EngineUnavailable: There is no such Python, or it is not to be used.
    """
    if python is None:
        raise EngineUnavailable(
            tr(
                "The engine's environment is not set up. Set it up with the button "
                "'Set up engine…' in Settings > Options > CSI Geolocator."
            )
        )
    reason = why_not_python(python, host)
    if reason:
        raise EngineUnavailable(
            reason + " " + tr("Choose it in Settings > Options > CSI Geolocator.")
        )
    if not (folder / "model_core" / "__main__.py").is_file():
        raise EngineUnavailable(
            tr("The plugin's folder {} is incomplete; install the plugin again.").format(folder)
        )
    scrubbed = clean_environment(environment, platform, host.folders)
    return Launch(str(python), SERVE, str(folder), scrubbed)
