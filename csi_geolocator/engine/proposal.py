"""What would be set up on this machine: from what it has and what a person chose."""

from __future__ import annotations

import platform as this_machine
import sys
from dataclasses import dataclass, field
from pathlib import Path

from ..i18n import tr
from . import gpu, requirements
from .machine import Machine, PythonFound, Uv
from .plan import CannotSetUp, Order

AUTOMATIC = "auto"


@dataclass(frozen=True)
class Choices:
    """What a person chose; "" and "auto" leave it to the machine. ``proxy`` is a secret."""

    folder: Path
    downloads: Path
    build: str = AUTOMATIC
    python: str = ""
    package_index: str = ""
    wheelhouse: str = ""
    proxy: str | None = field(default=None, repr=False)
    certificates: str | None = None


def propose(
    machine: Machine,
    choices: Choices,
    plugin_folder: Path,
    qgis_folders: tuple[str, ...] = (),
    platform: str = sys.platform,
    processor: str = "",
) -> Order:
    """Return what would be set up.

    Args:
        machine: What this machine has.
        choices: What a person chose.
        plugin_folder: Holds the pinned requirements.
        qgis_folders: Folders of the QGIS installation.
        platform: As ``sys.platform``.
        processor: As ``platform.machine()``, which is asked by default.

    Raises:
        CannotSetUp: It cannot be done; the message says what to do.
    """
    text = requirements.read_requirements(plugin_folder)
    build = _build(machine, choices, requirements.needed_cuda(text), platform, processor)
    return Order(
        folder=choices.folder,
        plugin_folder=plugin_folder,
        build=build,
        downloads=choices.downloads,
        uv=machine.uv,
        python=_python(machine, choices),
        package_index=choices.package_index,
        wheelhouse=choices.wheelhouse,
        proxy=choices.proxy,
        certificates=choices.certificates,
        platform=platform,
        qgis_folders=qgis_folders,
    )


def _build(
    machine: Machine, choices: Choices, needed_cuda: int, platform: str, processor: str
) -> gpu.Build:
    has_index = bool(choices.package_index or choices.wheelhouse)
    if choices.build == gpu.CPU:
        return gpu.cpu_build(tr("Chosen by hand."), platform, has_index)
    if choices.build == gpu.CUDA:
        return gpu.cuda_build(tr("Chosen by hand; a computation at the end checks it."))
    try:
        return gpu.choose_build(
            machine.gpus,
            machine.driver_cuda,
            needed_cuda,
            platform,
            processor or this_machine.machine(),
            has_index,
        )
    except gpu.UnsupportedMachine as error:
        raise CannotSetUp(str(error)) from error


def _python(machine: Machine, choices: Choices) -> PythonFound | None:
    if choices.python:
        found = next((p for p in machine.pythons if p.path == choices.python), None)
        return found or PythonFound(choices.python, (0, 0, 0))
    usable = [p for p in machine.pythons if p.has_ensurepip or machine.uv is not None]
    if usable:
        preferred = [p for p in usable if p.version[:2] in ((3, 11), (3, 12))]
        return (preferred or usable)[0]
    if machine.uv is None:
        raise CannotSetUp(" ".join(machine.notes) or _without_ensurepip(machine.pythons))
    return None


def _without_ensurepip(pythons: tuple[PythonFound, ...]) -> str:
    return tr(
        "{} lacks its module for environments. On Debian and Ubuntu install the package "
        "python3-venv; or install uv. Then open this window again."
    ).format(pythons[0].path if pythons else tr("This Python"))


def tool_in_words(uv: Uv | None) -> str:
    """Return what installs, as it is shown."""
    return tr("uv {0} ({1})").format(uv.version, uv.path) if uv else tr("pip, in the environment")
