"""How the engine is started on each system, decided without starting anything."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

POISON = {
    "PYTHONPATH": "/usr/share/qgis/python",
    "PYTHONHOME": "/opt/qgis",
    "PYTHONSTARTUP": "/x.py",
    "PROJ_LIB": "/usr/share/proj",
    "PROJ_DATA": "/usr/share/proj",
    "GDAL_DATA": "/usr/share/gdal",
    "GDAL_DRIVER_PATH": "/usr/lib/gdal",
    "PIP_TARGET": "/elsewhere",
    "QT_PLUGIN_PATH": "/opt/qt",
    "LD_LIBRARY_PATH": "/opt/qgis/lib",
    "DYLD_LIBRARY_PATH": "/Applications/QGIS.app/Contents/lib",
    "VIRTUAL_ENV": "/home/ann/venv",
    "CONDA_PREFIX": "/opt/conda",
    "QGIS_PREFIX_PATH": "/usr",
}
GOOD = {"HOME": "/home/ann", "LANG": "de_DE.UTF-8", "HTTPS_PROXY": "http://gate:8080"}


@pytest.fixture
def launch(staged: Path) -> Any:
    return importlib.import_module("csi_geolocator.engine.launch")


@pytest.fixture
def host(launch: Any, tmp_path: Path) -> Any:
    """A QGIS whose Python is /…/qgis/bin/python3.9, and a bundle of programs."""
    base = tmp_path / "qgis"
    for name in ("python3", "python3.9"):
        make_program(base / "bin" / name)
    return launch.HostPython(base, (3, 9), base / "bin" / "python3", (str(tmp_path / "OSGeo4W"),))


def make_program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_engine_sees_nothing_of_qgis_in_its_environment(launch: Any, platform: str) -> None:
    found = launch.clean_environment({**POISON, **GOOD}, platform)
    assert not set(POISON) & set(found)
    assert {name: found[name] for name in GOOD} == GOOD
    assert found["PYTHONUTF8"] == "1"
    assert found["PYTHONDONTWRITEBYTECODE"] == "1"


def test_names_have_no_case_on_windows(launch: Any) -> None:
    environment = {"PythonPath": "C:\\qgis", "Proj_Lib": "C:\\proj", "Path": "C:\\Windows"}
    found = launch.clean_environment(environment, "win32")
    assert "PythonPath" not in found
    assert "Proj_Lib" not in found
    assert found["Path"] == "C:\\Windows"
    kept = launch.clean_environment({"PythonPath": "mine"}, "linux")
    assert kept["PythonPath"] == "mine"


def test_path_loses_the_folders_of_qgis_on_windows(launch: Any) -> None:
    root = "C:\\Program Files\\QGIS 3.34.1"
    environment = {
        "PATH": ";".join(
            [
                root + "\\bin",
                "c:\\program files\\qgis 3.34.1\\apps\\qgis\\bin\\",
                "C:\\OSGeo4W64\\bin",
                "C:\\Program Files\\QGIS 3.34.10\\bin",
                "C:\\Windows\\system32",
                "",
            ]
        ),
        "OSGEO4W_ROOT": root,
        "O4W_QT_PREFIX": "x",
    }
    found = launch.clean_environment(environment, "win32", (root,))
    assert found["PATH"] == "C:\\Program Files\\QGIS 3.34.10\\bin;C:\\Windows\\system32"
    assert "OSGEO4W_ROOT" not in found
    assert "O4W_QT_PREFIX" not in found


def test_path_loses_the_folders_of_qgis_on_macos(launch: Any) -> None:
    bundle = "/Applications/QGIS.app"
    value = f"{bundle}/Contents/MacOS/bin:/usr/bin:/Applications/QGIS.app.old/bin"
    found = launch.clean_path(value, "darwin", (bundle,))
    assert found == "/usr/bin:/Applications/QGIS.app.old/bin"


def test_python_of_qgis_is_refused(launch: Any, host: Any, tmp_path: Path) -> None:
    for name in ("python3", "python3.9"):
        assert "QGIS itself runs on" in launch.why_not_python(host.base_prefix / "bin" / name, host)
    bundled = make_program(tmp_path / "OSGeo4W" / "apps" / "Python312" / "python.exe")
    assert "QGIS itself runs on" in launch.why_not_python(bundled, host)


def test_running_python_of_qgis_is_refused(launch: Any) -> None:
    reason = launch.why_not_python(Path("/usr/bin/python3"), launch.this_python())
    assert "QGIS itself runs on" in reason


def test_link_to_the_python_of_qgis_is_refused(launch: Any, host: Any, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere" / "python"
    link.parent.mkdir()
    link.symlink_to(host.base_prefix / "bin" / "python3.9")
    assert "QGIS itself runs on" in launch.why_not_python(link, host)


def test_environment_on_the_python_of_qgis_stands_alone(
    launch: Any, host: Any, tmp_path: Path
) -> None:
    python = tmp_path / "engine" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(host.base_prefix / "bin" / "python3.9")
    settings = tmp_path / "engine" / "pyvenv.cfg"
    settings.write_text("home = /x\ninclude-system-site-packages = false\n")
    assert launch.why_not_python(python, host) == ""
    settings.write_text("home = /x\ninclude-system-site-packages = true\n")
    assert "stands alone" in launch.why_not_python(python, host)


def test_other_python_beside_that_of_qgis_is_taken(launch: Any, host: Any) -> None:
    other = make_program(host.base_prefix / "bin" / "python3.12")
    assert launch.why_not_python(other, host) == ""


def test_what_is_no_program_is_refused(launch: Any, host: Any, tmp_path: Path) -> None:
    assert "no Python at" in launch.why_not_python(tmp_path / "none", host)
    text = tmp_path / "text"
    text.touch(mode=0o644)
    assert "cannot be run" in launch.why_not_python(text, host)


def test_engine_starts_in_the_folder_of_the_plugin(
    launch: Any, host: Any, staged: Path, tmp_path: Path
) -> None:
    python = make_program(tmp_path / "own" / "bin" / "python")
    found = launch.engine_launch(python, staged, host, {"PATH": "/usr/bin", **POISON}, "linux")
    assert found.program == str(python)
    assert found.arguments == ("-m", "model_core", "serve")
    assert found.folder == str(staged)
    assert "PYTHONPATH" not in found.environment
    assert "environment" not in repr(found), "it may hold a proxy's password"


def test_engine_that_cannot_start_is_said_with_the_next_step(
    launch: Any, host: Any, staged: Path, tmp_path: Path
) -> None:
    with pytest.raises(launch.EngineUnavailable, match="is not set up"):
        launch.engine_launch(None, staged, host)
    with pytest.raises(launch.EngineUnavailable, match="Choose it in Settings"):
        launch.engine_launch(tmp_path / "none", staged, host)
    python = make_program(tmp_path / "own" / "bin" / "python")
    with pytest.raises(launch.EngineUnavailable, match="incomplete"):
        launch.engine_launch(python, tmp_path, host)


def test_cleaned_environment_starts_a_real_python(launch: Any) -> None:
    environment = launch.clean_environment({"PATH": "/usr/bin", "PYTHONHOME": "/nowhere"})
    run = subprocess.run(
        [sys.executable, "-c", "import sys; print(sys.flags.utf8_mode)"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert run.stdout.strip() == "1"
