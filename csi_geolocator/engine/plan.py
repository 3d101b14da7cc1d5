"""The commands that set an environment up: decided here, run by ``installer``."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..i18n import tr
from . import gpu, requirements
from .environment import python_in
from .launch import clean_environment
from .machine import MANAGED_PYTHON, PythonFound, Uv

REQUIREMENTS_NAME = "requirements.txt"
LONG_PATH = 100
BYTES_PER_S = 6_000_000
"""A connection of about 50 Mbit/s."""
INSTALL_BYTES_PER_S = 30_000_000


class CannotSetUp(RuntimeError):
    """An environment cannot be set up as asked; the message is for people."""


@dataclass(frozen=True)
class Order:
    """What a person agreed to.

    ``package_index`` is where torch comes from instead of the usual place, ``wheelhouse`` a folder
    of packages that stands for every index; ``proxy`` is a secret.
    """

    folder: Path
    plugin_folder: Path
    build: gpu.Build
    downloads: Path
    uv: Uv | None = None
    python: PythonFound | None = None
    package_index: str = ""
    wheelhouse: str = ""
    proxy: str | None = field(default=None, repr=False)
    certificates: str | None = None
    platform: str = sys.platform
    qgis_folders: tuple[str, ...] = ()

    @property
    def engine_python(self) -> Path:
        """The Python that will be made."""
        return python_in(self.folder, self.platform)

    @property
    def uv_cache(self) -> Path:
        """Where uv keeps the packages, unpacked; the environment shares its files."""
        return self.downloads / "uv"

    @property
    def torch_apart(self) -> bool:
        """Whether torch comes from an index of its own."""
        return bool(self.package_index) and not self.wheelhouse

    @property
    def tool(self) -> str:
        """What installs, with its version."""
        return f"uv {self.uv.version}" if self.uv else "pip"


@dataclass(frozen=True)
class Step:
    """One program to run; ``packages`` is how many it installs, for its progress."""

    title: str
    program: str
    arguments: tuple[str, ...]
    packages: int = 0

    def command_line(self, platform: str = sys.platform) -> str:
        """Return the step as it would be typed."""
        quote = _quote_for_windows if platform == "win32" else shlex.quote
        return " ".join(quote(word) for word in (self.program, *self.arguments))


def _quote_for_windows(word: str) -> str:
    return f'"{word}"' if not word or " " in word or "\t" in word else word


def set_up_steps(order: Order, text: str) -> tuple[Step, ...]:
    """Return the steps that make an environment; each may be run again.

    Args:
        order: What was agreed to.
        text: The pinned requirements.

    Raises:
        CannotSetUp: There is nothing to make it with.
    """
    steps = [_make_environment(order)]
    if order.torch_apart:
        wanted = [f"{name}=={requirements.version_of(text, name)}" for name in requirements.TORCH]
        index = ("--index-url", order.package_index)
        steps.append(
            Step(
                tr("Installing torch from the named package index"),
                *_installer(order, (*index, *wanted)),
                packages=len(wanted),
            )
        )
    selected = requirements.select(text, order.platform, order.torch_apart)
    pinned = ("--require-hashes", "--no-deps", "-r", str(order.folder / REQUIREMENTS_NAME))
    offline = ("--no-index", "--find-links", order.wheelhouse) if order.wheelhouse else ()
    steps.append(
        Step(
            tr("Installing the packages"),
            *_installer(order, (*offline, *pinned)),
            packages=requirements.count(selected),
        )
    )
    return tuple(steps)


def _make_environment(order: Order) -> Step:
    title = tr("Making the environment")
    folder = str(order.folder)
    if order.uv is not None:
        base = ("--python", order.python.path) if order.python else _managed_python(order)
        arguments = ("venv", "--no-project", "--allow-existing", *base, folder)
        return Step(title, order.uv.path, arguments)
    if order.python is None:
        raise CannotSetUp(tr("There is neither a suitable Python nor uv to make one with."))
    if not order.python.has_ensurepip:
        raise CannotSetUp(
            tr(
                "{} lacks its module for environments. On Debian and Ubuntu install the package "
                "python3-venv; or choose another Python, or install uv."
            ).format(order.python.path)
        )
    return Step(title, order.python.path, ("-m", "venv", folder))


def _managed_python(order: Order) -> tuple[str, ...]:
    if order.wheelhouse:
        raise CannotSetUp(
            tr("Without a network uv cannot fetch a Python: choose one that is already there.")
        )
    return ("--managed-python", "--python", MANAGED_PYTHON)


def _installer(order: Order, arguments: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return program and arguments that install into the environment; never from sources."""
    if order.uv is not None:
        target = ("--python", str(order.engine_python))
        options = ("--only-binary", ":all:", "--compile-bytecode")
        return order.uv.path, ("pip", "install", *target, *options, *arguments)
    options = ("--only-binary", ":all:", "--no-input", "--disable-pip-version-check")
    return str(order.engine_python), ("-m", "pip", "install", *options, *arguments)


def doctor_step(python: Path, device: str) -> Step:
    """Return the step that has the engine check itself and compute on a device."""
    arguments = ("-m", "model_core", "doctor", "--json", "--device", device)
    return Step(tr("Checking the engine"), str(python), arguments)


def step_environment(order: Order, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the installers: nothing of QGIS but its proxy and certificates."""
    chosen = {
        "PIP_CACHE_DIR": str(order.downloads / "pip"),
        "UV_CACHE_DIR": str(order.uv_cache),
    }
    if order.proxy:
        chosen.update(dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), order.proxy))
    if order.certificates:
        chosen.update(PIP_CERT=order.certificates, SSL_CERT_FILE=order.certificates)
    elif order.platform in ("win32", "darwin"):
        chosen["UV_SYSTEM_CERTS"] = chosen["UV_NATIVE_TLS"] = "1"  # new and old uv
    return {**clean_environment(environment, order.platform, order.qgis_folders), **chosen}


def seconds_needed(build: gpu.Build, is_offline: bool) -> float:
    """Return about how long a set-up takes."""
    fetching = 0.0 if is_offline else build.download_bytes / BYTES_PER_S
    return fetching + build.disk_bytes / INSTALL_BYTES_PER_S + 30.0


def place_problem(folder: Path, platform: str, needed_bytes: int, free_bytes: int | None) -> str:
    """Return in words what is wrong with a place for the environment; empty where nothing is.

    Args:
        folder: Where it would be.
        platform: As ``sys.platform``: paths are limited on Windows.
        needed_bytes: What it takes.
        free_bytes: What is free there, None where that is not known.
    """
    if platform == "win32" and len(str(folder)) > LONG_PATH:
        return tr(
            "The path has {0} characters. Windows may not find files this deep: choose a place of "
            "at most {1} characters, such as C:\\csi\\engine."
        ).format(len(str(folder)), LONG_PATH)
    if free_bytes is not None and free_bytes < needed_bytes:
        return tr("Only {0:.1f} GB are free there, {1:.1f} GB are needed.").format(
            free_bytes / 1e9, needed_bytes / 1e9
        )
    return ""


def free_bytes(folder: Path) -> int | None:
    """Return what is free on the disk of a folder that may not exist yet."""
    try:
        there = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
        return shutil.disk_usage(there).free
    except (OSError, StopIteration):
        return None
