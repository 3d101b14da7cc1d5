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


@pytest.fixture(scope="session", autouse=True)
def unfailing_end(qgis_app: Any) -> Iterator[None]:
    """Let pytest-qgis take away the connection that it made at its beginning.

    Qt drops it now and then, and what is not there cannot be disconnected without an error.
    """
    yield
    from qgis.core import QgsProject

    QgsProject.instance().legendLayersAdded.connect(qgis_app.processEvents)


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


@pytest.fixture
def plugin(staged: Path, qgis_app: Any) -> Callable[[str], Any]:
    """Return a module of the staged plugin by its name within it."""
    return lambda name: importlib.import_module(f"csi_geolocator.{name}")


@pytest.fixture
def project(qgis_app: Any) -> Iterator[Any]:
    """QGIS's project, empty before and after."""
    from qgis.core import QgsProject

    project = QgsProject.instance()
    project.clear()
    yield project
    project.clear()
    qgis_app.processEvents()


@pytest.fixture
def answer_of(plugin: Callable[[str], Any]) -> Callable[..., Any]:
    """Return how an answer is made: candidates on a line eastwards, each half as likely."""
    contract = plugin("model_core.contract")

    def make(path: str | Path, count: int = 3, elsewhere: float = 0.1, **fields: Any) -> Any:
        features = [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [13.4 + 0.001 * rank, 47.0]},
                "properties": {
                    "photo": str(path),
                    "rank": rank,
                    "score": 9.0 - rank % 9,
                    "probability": (1.0 - elsewhere) * 0.5 ** min(rank, 60),
                    "heading_deg": 40.0 * rank % 360.0,
                    "heading_sigma_deg": 5.0,
                    "fov_deg": 60.0,
                    "place_id": f"road-{rank:06d}",
                    "street_view": "real",
                    "street_view_date": "2023-09-12T11:20:27+00:00",
                    "street_view_source": "openview",
                    "imagery_source": "imagery.tif",
                    "inliers": 25 if rank == 1 else 0,
                },
            }
            for rank in range(1, count + 1)
        ]
        values = {
            "photo_sha256": f"{abs(hash(str(path))):064x}"[-64:],
            "candidates": {"type": "FeatureCollection", "features": features},
            "probability_elsewhere": elsewhere,
            "not_in_area": elsewhere > 0.5,
            **fields,
        }
        return contract.PhotoAnswer(path=str(path), **values)

    return make


@pytest.fixture
def photo_file(qgis_app: Any, tmp_path: Path) -> Callable[..., Path]:
    """Return how a photo's file is made: of one colour, with its name."""
    from qgis.PyQt.QtGui import QColor, QImage

    def make(name: str = "street.jpg", colour: str = "#336699", size: tuple = (64, 48)) -> Path:
        image = QImage(*size, QImage.Format.Format_RGB32)
        image.fill(QColor(colour))
        path = tmp_path / "photos" / name
        path.parent.mkdir(exist_ok=True)
        assert image.save(str(path))
        return path

    return make


@pytest.fixture
def run_of(plugin: Callable[[str], Any], tmp_path: Path) -> Callable[..., Any]:
    """Return how a run is made whose output folder is the test's own."""
    contract, locate_run = plugin("model_core.contract"), plugin("layers.run")

    def make(**params: Any) -> Any:
        chosen = {
            "photos": ("/photos",),
            "area": "13.4,46.9,13.5,47.1",
            "out": str(tmp_path / "out"),
            **params,
        }
        asked = contract.LocateParams(**chosen)
        return locate_run.LocateRun(asked, "2026-03-01T10:20:30+00:00")

    return make


@pytest.fixture
def result_layers(plugin: Callable[[str], Any], project: Any, run_of: Callable[..., Any]) -> Any:
    """The layers of a run without an answer yet."""
    return plugin("layers.run").ResultLayers(project, run_of())
