"""A QGIS of its own: a fresh profile, the plugin in it or not, and the program started with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INSIDE = Path(__file__).resolve().parent / "inside"
NAME = "csi_geolocator"
ENGINE_PYTHON = ROOT / ".venv" / "bin" / "python"

SETTINGS = """[General]
qgis\\checkVersion=false

[PythonPlugins]
{plugins}

[csi_geolocator]
engine_python={python}

[qgis]
checkVersion=false
showTips=false
newsFeed\\https\\disabled=true

[app]
askToSaveProjectChanges=false

[locale]
overrideFlag={is_translated}
userLocale={locale}
"""


def make_profile(home: Path, *, engine_python: Path | None, with_plugin: bool, locale: str = ""):
    """Make a fresh profile in a folder, with the plugin as ``make package`` stages it if wanted.

    Args:
        home: The folder; what it held goes.
        engine_python: The engine's Python, None where it is not to be set up.
        with_plugin: Whether the plugin is installed and switched on.
        locale: The language of QGIS, the system's where empty.
    """
    shutil.rmtree(home, ignore_errors=True)
    profile = home / "profiles" / "default"
    (profile / "QGIS").mkdir(parents=True)
    text = SETTINGS.format(
        plugins=f"{NAME}=true" if with_plugin else "",
        python=engine_python or "",
        is_translated="true" if locale else "false",
        locale=locale or "en_US",
    )
    (profile / "QGIS" / "QGIS3.ini").write_text(text, encoding="utf-8")
    plugins = profile / "python" / "plugins"
    plugins.mkdir(parents=True)
    if with_plugin:
        script = str(ROOT / ".ci" / "package.py")
        subprocess.run([sys.executable, script, "--stage", str(plugins)], check=True, timeout=120)


def run_qgis(
    home: Path,
    script: str,
    variables: Mapping[str, str],
    *,
    on_screen: bool = False,
    timeout_s: float | None = None,
) -> tuple[int, str]:
    """Run QGIS with a profile and one of the scripts in ``inside/``.

    Args:
        home: Made by ``make_profile``.
        script: The script's name.
        variables: What the script is told, in its environment.
        on_screen: Show it on the screen that is there; else on a virtual one.
        timeout_s: End it after this long.

    Returns:
        Its exit code, and what it wrote where it was not on a screen.
    """
    screen = [] if on_screen else ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24"]
    program = shutil.which("qgis") or "qgis"
    qgis = [program, "--nologo", "--noversioncheck", "--profiles-path", str(home)]
    process = subprocess.Popen(
        [*screen, *qgis, "--profile", "default", "--code", str(INSIDE / script)],
        env={**_environment(), "HOME": str(home), "CSI_INSIDE": str(INSIDE), **variables},
        stdout=None if on_screen else subprocess.PIPE,
        stderr=None if on_screen else subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
        said = f"it was ended after {timeout_s:.0f} seconds; it said:\n{said or ''}"
    return process.returncode, said or ""


def _environment() -> dict[str, str]:
    """Return this environment without what leads QGIS to another Python than its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "QGIS_", "QT_"))}
    return {**kept, "PATH": os.defpath}
