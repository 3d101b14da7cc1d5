"""The plugin as ``make package`` stages it; tests in QGIS never load the source folder."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def plugins_folder(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of QGIS plugins with the staged ``csi_geolocator`` in it."""
    folder = tmp_path_factory.mktemp("plugins")
    script = repository / ".ci" / "package.py"
    subprocess.run([sys.executable, str(script), "--stage", str(folder)], check=True, timeout=60)
    return folder


@pytest.fixture
def staged(plugins_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The staged plugin, importable as ``csi_geolocator``."""
    monkeypatch.syspath_prepend(str(plugins_folder))
    return plugins_folder / "csi_geolocator"


@pytest.fixture
def fake_engine(staged: Path, tmp_path: Path) -> Callable[..., Any]:
    """Return how an engine is started that behaves as its mode says; see ``fake_engine.py``.

    ``fake_engine("good", pace_s=0.1, steps=5)`` gives a ``Launch``; ``fake_engine.requests()`` is
    what the engines of this test were asked.
    """
    launch = importlib.import_module("csi_geolocator.engine.launch")
    record = tmp_path / "requests.jsonl"

    def make(mode: str = "good", **options: Any) -> Any:
        chosen = {"mode": mode, "record": record, **options}
        arguments = [text for name, value in chosen.items() for text in (f"--{name}", str(value))]
        return launch.Launch(
            sys.executable,
            ("-I", str(Path(__file__).with_name("fake_engine.py")), *arguments),
            str(tmp_path),
            launch.clean_environment(os.environ),
        )

    def requests() -> list[dict[str, Any]]:
        lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
        return [json.loads(line) for line in lines]

    make.requests = requests
    return make


@pytest.fixture
def wait_until(qgis_app: Any) -> Callable[..., None]:
    """Run the event loop until something is true; fail after a while where it never is."""

    def wait(is_true: Callable[[], bool], timeout_s: float = 20.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not is_true():
            if time.monotonic() > deadline:
                pytest.fail(f"not true after {timeout_s} seconds")
            qgis_app.processEvents()
            time.sleep(0.002)

    return wait


@pytest.fixture
def settings_folder(
    qgis_app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A QGIS profile of this test's own, empty."""
    from qgis.core import QgsApplication, QgsSettings

    profile = tmp_path / "profile"
    profile.mkdir()
    monkeypatch.setattr(QgsApplication, "qgisSettingsDirPath", lambda: f"{profile}/")
    store = QgsSettings()
    store.remove("csi_geolocator")
    yield profile
    store.remove("csi_geolocator")
