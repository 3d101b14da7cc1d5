"""Everything about the engine's environment as text, to be copied into a report of a problem."""

from __future__ import annotations

import configparser
import platform
from collections.abc import Sequence

from qgis.core import Qgis
from qgis.PyQt.QtCore import QT_VERSION_STR

from ..engine.environment import EnvironmentState
from ..engine.machine import Machine
from ..engine.tool_output import Check
from ..settings import PLUGIN_FOLDER, Settings


def plugin_version() -> str:
    """Return the plugin's version, as its metadata say."""
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.read(PLUGIN_FOLDER / "metadata.txt", encoding="utf-8")
    return metadata.get("general", "version", fallback="?")


def diagnostics(
    settings: Settings,
    state: EnvironmentState,
    machine: Machine | None,
    checks: Sequence[Check] = (),
    message: str = "",
    log: str = "",
) -> str:
    """Return versions, state, what was found on the machine, and the log; no key, no password.

    Args:
        settings: For the place of the environment and the device.
        state: How the environment stands.
        machine: What was found; None where it was not looked for yet.
        checks: The engine's check of itself.
        message: How the last set-up ended.
        log: What its programs said.
    """
    lines = [
        f"CSI Geolocator {plugin_version()}",
        f"QGIS {Qgis.version()}, Qt {QT_VERSION_STR}, Python {platform.python_version()}",
        f"{platform.platform()}, {platform.machine()}",
        f"Environment: {state.kind} in {settings.engine_folder}",
        f"Engine's Python: {state.python or 'none'}; device: {settings.device}",
    ]
    if state.installation is not None:
        lines.append(f"Marker: {state.installation}")
    if machine is not None:
        lines.append(f"uv: {f'{machine.uv.version} {machine.uv.path}' if machine.uv else 'none'}")
        lines += [python.label for python in machine.pythons] or ["no suitable Python"]
        lines += [f"GPU: {gpu}" for gpu in machine.gpus] or ["no NVIDIA GPU"]
        lines.append(f"Driver's CUDA: {machine.driver_cuda}")
    lines += [f"{'ok  ' if c.ok else 'FAIL'} {c.name}: {c.detail}" for c in checks]
    if message:
        lines += ["", message]
    if log:
        lines += ["", log]
    return "\n".join(lines) + "\n"
