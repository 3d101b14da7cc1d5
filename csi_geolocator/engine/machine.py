"""What a machine has to set the engine up with: Pythons, uv, GPUs.

``look`` runs small programs and takes seconds: in a worker thread, never in QGIS's own. What they
are and how their answers are read is decided apart from running them.
"""

from __future__ import annotations

import ntpath
import os
import posixpath
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..i18n import tr
from . import gpu, process
from .launch import HostPython, clean_environment

OLDEST_PYTHON = (3, 11)
NEWEST_PYTHON = (3, 13)
MANAGED_PYTHON = "3.12"
PROBE_S = 20.0
PROBE = (
    "import importlib.util, sys; "
    "print('.'.join(map(str, sys.version_info[:3])), 64 if sys.maxsize > 2**32 else 32, "
    "int(importlib.util.find_spec('ensurepip') is not None))"
)
Run = Callable[[list[str]], "tuple[int, str]"]


@dataclass(frozen=True)
class PythonFound:
    """A Python that answered; ``has_ensurepip`` says whether it makes environments by itself."""

    path: str
    version: tuple[int, int, int]
    has_ensurepip: bool = True

    @property
    def label(self) -> str:
        """How it is shown."""
        return f"Python {'.'.join(map(str, self.version))}: {self.path}"


@dataclass(frozen=True)
class Uv:
    """The program uv."""

    path: str
    version: str


@dataclass(frozen=True)
class Machine:
    """What was found; ``pythons`` are those an environment can be made with, newest first."""

    pythons: tuple[PythonFound, ...] = ()
    uv: Uv | None = None
    gpus: tuple[gpu.Gpu, ...] = ()
    driver_cuda: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()


def run_program(command: list[str]) -> tuple[int, str]:
    """Return a program's exit code and output; -1 and the reason where it does not run."""
    code, output = process.run(command, clean_environment(os.environ), PROBE_S)
    return code, decode(output)


def decode(data: bytes, code_page: str = "") -> str:
    """Return a program's output as text: UTF-8, else the system's code page."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(
            code_page or ("mbcs" if sys.platform == "win32" else "latin-1"), "replace"
        )


def look(host: HostPython, run: Run = run_program) -> Machine:
    """Return what this machine has; it takes seconds.

    Args:
        host: QGIS's own Python, which is left out where an environment on it would not last.
        run: Runs a program.
    """
    home = str(Path.home())
    uv = find_uv(uv_places(sys.platform, home, shutil.which("uv")), run)
    paths = python_places(sys.platform, os.environ, home, _listed)
    if sys.platform == "win32":
        paths += parse_py_launcher(run(["py", "-0p"])[1])
    pythons = find_pythons(paths, host, run)
    smi = next((p for p in smi_places(sys.platform) if shutil.which(p)), "")
    gpus, driver_cuda = find_gpus(smi, run) if smi else ((), None)
    notes = () if pythons or uv else (no_python_words(sys.platform),)
    return Machine(pythons, uv, gpus, driver_cuda, notes)


def python_places(
    system: str,
    environment: Mapping[str, str],
    home: str,
    listed: Callable[[str], list[str]],
) -> list[str]:
    """Return where Pythons may be, most wanted first; whether they are there is not asked.

    Args:
        system: As ``sys.platform``.
        environment: For ``PATH`` and the folders of Windows.
        home: The person's folder.
        listed: Returns the names in a folder, none where it is not there.
    """
    versions = [f"3.{minor}" for minor in range(NEWEST_PYTHON[1], OLDEST_PYTHON[1] - 1, -1)]
    if system == "win32":
        return _windows_pythons(environment, home, versions, listed)
    folders = [part for part in environment.get("PATH", "").split(":") if part]
    if system == "darwin":  # a program started from the Dock has a short PATH
        folders += ["/opt/homebrew/bin", "/usr/local/bin"]
        frameworks = "/Library/Frameworks/Python.framework/Versions"
        folders += [f"{frameworks}/{version}/bin" for version in versions]
    folders += [f"{home}/.local/bin", "/usr/local/bin", "/usr/bin"]
    found = [posixpath.join(f, f"python{version}") for version in versions for f in folders]
    pyenv = environment.get("PYENV_ROOT", "") or f"{home}/.pyenv"
    found = [path for path in found if not path.startswith(f"{pyenv}/shims/")]
    for version in versions:
        names = [n for n in listed(f"{pyenv}/versions") if n.startswith(version + ".")]
        found += [f"{pyenv}/versions/{name}/bin/python{version}" for name in sorted(names)[::-1]]
    return list(dict.fromkeys(found))


def _windows_pythons(
    environment: Mapping[str, str],
    home: str,
    versions: list[str],
    listed: Callable[[str], list[str]],
) -> list[str]:
    local = environment.get("LOCALAPPDATA", "") or ntpath.join(home, "AppData", "Local")
    programs = environment.get("PROGRAMFILES", "") or "C:\\Program Files"
    found = []
    for version in versions:
        name = "Python" + version.replace(".", "")
        found.append(ntpath.join(local, "Programs", "Python", name, "python.exe"))
        found.append(ntpath.join(programs, name, "python.exe"))
    pyenv = ntpath.join(home, ".pyenv", "pyenv-win", "versions")
    for name in sorted(listed(pyenv), reverse=True):
        if any(name.startswith(version + ".") for version in versions):
            found.append(ntpath.join(pyenv, name, "python.exe"))
    return found


def parse_py_launcher(output: str) -> list[str]:
    """Return the Pythons that ``py -0p`` lists, old and new ways of writing."""
    lines = (line.strip() for line in output.splitlines())
    found = (re.search(r"([A-Za-z]:\\.*?python\.exe)", line, re.IGNORECASE) for line in lines)
    return [match[1] for match in found if match]


def uv_places(system: str, home: str, on_path: str | None) -> list[str]:
    """Return where uv may be: on ``PATH``, and where its installers put it."""
    if system == "win32":
        usual = [ntpath.join(home, ".local", "bin", "uv.exe")]
        usual += [ntpath.join(home, ".cargo", "bin", "uv.exe")]
    else:
        usual = [f"{home}/.local/bin/uv", f"{home}/.cargo/bin/uv"]
        usual += ["/opt/homebrew/bin/uv", "/usr/local/bin/uv"]
    return [path for path in [on_path or "", *usual] if path]


def smi_places(system: str) -> list[str]:
    """Return the names of ``nvidia-smi``: on ``PATH``, and where drivers put it."""
    if system == "win32":
        return ["nvidia-smi", "C:\\Program Files\\NVIDIA Corporation\\NVSMI\\nvidia-smi.exe"]
    return ["nvidia-smi", "/usr/bin/nvidia-smi", "/usr/lib/wsl/lib/nvidia-smi"]


def find_uv(places: list[str], run: Run) -> Uv | None:
    """Return the first uv that answers; a name on ``PATH`` may be an empty shim."""
    for place in places:
        code, output = run([place, "--version"])
        found = re.match(r"uv (\d+\.\d+\S*)", output)
        if code == 0 and found:
            return Uv(place, found[1])
    return None


def find_pythons(places: list[str], host: HostPython, run: Run) -> tuple[PythonFound, ...]:
    """Return the Pythons that answer and that an environment can be made with."""
    found: dict[str, PythonFound] = {}
    for place in places:
        path = Path(place)
        if not path.is_file() or is_part_of_qgis(path, host):
            continue
        real = str(path.resolve())
        python = None if real in found else probe_python(place, run)
        if python and OLDEST_PYTHON <= python.version[:2] <= NEWEST_PYTHON:
            found[real] = python
    return tuple(found.values())


def is_part_of_qgis(python: Path, host: HostPython) -> bool:
    """Return whether a Python came with QGIS: an environment made with it ends with an update.

    The Python of a Linux distribution, which QGIS merely uses, is none of these.
    """
    place = python.resolve()
    return any(Path(folder).resolve() in place.parents for folder in host.folders)


def probe_python(path: str, run: Run) -> PythonFound | None:
    """Return what a Python says of itself, None where it does not answer or has not 64 bits."""
    code, output = run([path, "-c", PROBE])
    found = re.match(r"(\d+)\.(\d+)\.(\d+) 64 ([01])", output.strip())
    if code != 0 or found is None:
        return None
    version = (int(found[1]), int(found[2]), int(found[3]))
    return PythonFound(path, version, found[4] == "1")


def find_gpus(smi: str, run: Run) -> tuple[tuple[gpu.Gpu, ...], tuple[int, int] | None]:
    """Return the NVIDIA GPUs and the newest CUDA their driver runs."""
    code, output = run([smi, *gpu.QUERY])
    if code != 0:
        code, output = run([smi, *gpu.OLDER_QUERY])
    gpus = gpu.parse_gpus(output) if code == 0 else ()
    return gpus, gpu.parse_cuda_version(run([smi])[1]) if gpus else None


def no_python_words(system: str) -> str:
    """Return what to do where there is neither a suitable Python nor uv."""
    if system == "win32":
        advice = tr("Install Python 3.12 (64 bit) from python.org.")
    elif system == "darwin":
        advice = tr("Install Python 3.12 with Homebrew (brew install python@3.12) or python.org.")
    else:
        advice = tr("Install it with your system (for example: apt install python3 python3-venv).")
    return " ".join(
        (
            tr("No Python 3.11 to 3.13 was found that is not QGIS's own."),
            advice,
            tr("Or install uv, which brings its own Python. Then open this window again."),
        )
    )


def _listed(folder: str) -> list[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []
