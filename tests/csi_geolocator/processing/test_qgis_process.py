"""The algorithms from a terminal: ``qgis_process`` in its own profile, with the true engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from qgis.core import QgsVectorLayer

# Debian's wrapper of 3.22 passes an option that the program does not know.
PROGRAM = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
PHOTOS = ("photo_01.jpg", "photo_05.jpg")
OPTIONS = {
    "verification": {"budget_views": 8},
    "places": {"spacing_m": 40.0, "grid": "never"},
    "search": {"beside_places": 10},
}
COMPARED = (
    "rank",
    "score",
    "probability",
    "heading_deg",
    "heading_sigma_deg",
    "fov_deg",
    "place_id",
    "street_view",
    "inliers",
    "imagery_source",
    "street_view_source",
    "photo_sha256",
    "model_hash",
    "software_version",
)
TIMEOUT_S = 560


@pytest.fixture(scope="module")
def engine_python(repository: Path) -> Path:
    python = repository / ".venv" / "bin" / "python"
    if not python.exists():
        pytest.skip("the engine's environment .venv is not here; make it with: make demo")
    return python


@pytest.fixture(scope="module")
def qgis_process(
    plugins_folder: Path, engine_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``qgis_process`` in a fresh profile that has the plugin switched on."""
    if PROGRAM is None:
        pytest.skip("qgis_process is not installed")
    home = tmp_path_factory.mktemp("profile")
    profile = home / "profiles" / "default"
    (profile / "QGIS").mkdir(parents=True)
    (profile / "QGIS" / "QGIS3.ini").write_text(
        f"[PythonPlugins]\ncsi_geolocator=true\n\n[csi_geolocator]\nengine_python={engine_python}\n"
    )
    shutil.copytree(plugins_folder, profile / "python" / "plugins")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "QGIS_"))}
    environment = {
        **kept,
        "PATH": f"{os.defpath}{os.pathsep}{kept.get('PATH', '')}",
        "HOME": str(home),
        "QGIS_CUSTOM_CONFIG_PATH": str(home),
        "QT_QPA_PLATFORM": "offscreen",
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(PROGRAM), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )

    return run


def test_algorithms_are_listed_and_explained(qgis_process: Any) -> None:
    listed = qgis_process("list").stdout
    for name in ("locatephotos", "fetchreferences", "buildgallery", "trainmodel", "evaluatemodel"):
        assert f"csi_geolocator:{name}" in listed
    told = qgis_process("help", "csi_geolocator:locatephotos").stdout
    for name in ("PHOTOS", "AREA_EXTENT", "STREET_VIEWS", "CANDIDATES", "OPTIONS"):
        assert name in told


def test_bad_values_end_with_words_and_a_failure(qgis_process: Any, tmp_path: Path) -> None:
    ran = qgis_process("run", "csi_geolocator:buildgallery", "--", f"OUTPUT={tmp_path}")
    assert ran.returncode != 0
    assert "Choose the area" in ran.stdout + ran.stderr


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_candidates_are_those_of_the_command_line(
    qgis_process: Any, engine_python: Path, plugins_folder: Path, tmp_path: Path
) -> None:
    plugin = plugins_folder / "csi_geolocator"
    demo = plugin / "resources" / "demo"
    photos = [str(demo / "photos" / name) for name in PHOTOS]
    gallery = str(tmp_path / "gallery")
    expected = candidates_of_the_command_line(engine_python, plugin, demo, photos, gallery)

    ran = qgis_process(
        "run",
        "csi_geolocator:locatephotos",
        "--",
        *(f"PHOTOS={photo}" for photo in photos),
        f"AREA_LAYER={demo / 'area.geojson'}",
        f"IMAGERY_LAYER={demo / 'imagery.tif'}",
        f"ROADS_LAYER={demo / 'roads.geojson'}",
        f"STREET_VIEW_FOLDER={demo / 'street_views'}",
        f"GALLERY={gallery}",
        "DEVICE=cpu",
        "OFFLINE=true",
        f"OPTIONS={json.dumps(OPTIONS)}",
        f"OUTPUT={tmp_path / 'out'}",
        f"CANDIDATES={tmp_path / 'candidates.gpkg'}",
        f"FIELDS_OF_VIEW={tmp_path / 'views.gpkg'}",
        f"HEAT={tmp_path / 'heat.tif'}",
        f"REPORT={tmp_path / 'report.json'}",
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    layer = QgsVectorLayer(str(tmp_path / "candidates.gpkg"), "candidates")
    found = [candidate_of(feature) for feature in layer.getFeatures()]
    assert len(found) == len(expected) > 10
    for ours, theirs in zip(found, expected, strict=True):
        for name, value in theirs.items():
            is_number = isinstance(value, float)
            assert ours[name] == (pytest.approx(value, rel=1e-4) if is_number else value), name
    assert (tmp_path / "heat.tif").stat().st_size > 0
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert [Path(photo["path"]).name for photo in report["photos"]] == list(PHOTOS)
    assert QgsVectorLayer(str(tmp_path / "views.gpkg"), "views").featureCount() == len(expected)


def candidates_of_the_command_line(
    python: Path, plugin: Path, demo: Path, photos: list[str], gallery: str
) -> list[dict[str, Any]]:
    """The candidates that ``python -m model_core locate`` prints, flat."""
    settings = [f"{group}.{k}={v}" for group, values in OPTIONS.items() for k, v in values.items()]
    command = [
        *(str(python), "-m", "model_core", "locate", *photos),
        *("--area", str(demo / "area.geojson")),
        *("--imagery", str(demo / "imagery.tif")),
        *("--roads", str(demo / "roads.geojson")),
        *("--street-views", str(demo / "street_views")),
        *("--gallery", gallery, "--device", "cpu", "--json"),
        *(text for setting in settings for text in ("--set", setting)),
    ]
    ran = subprocess.run(
        command, cwd=plugin, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
    )
    assert ran.returncode == 0, ran.stderr
    found = []
    result = json.loads(ran.stdout)
    made_with = {name: result["provenance"][name] for name in ("model_hash", "software_version")}
    for photo in result["photos"]:
        for feature in photo["candidates"]["features"]:
            lon, lat = feature["geometry"]["coordinates"]
            values = {name: feature["properties"].get(name) for name in COMPARED}
            values["photo_sha256"] = photo["photo_sha256"]
            found.append(plain({**values, **made_with, "lon": lon, "lat": lat}))
    return found


def candidate_of(feature: Any) -> dict[str, Any]:
    point = feature.geometry().asPoint()
    values = {name: feature[name] for name in COMPARED}
    return plain({**values, "lon": point.x(), "lat": point.y()})


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """Values that compare: nothing is 0 or "", whatever kind of nothing it is."""
    return {name: value or 0 for name, value in values.items()}
