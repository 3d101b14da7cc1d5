"""The GeoPackage of a run: whole answers or nothing, and readable by anybody."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from qgis.core import QgsApplication, QgsProject
app = QgsApplication([], False)
app.initQgis()
from csi_geolocator.layers.run import LocateRun, ResultLayers
from csi_geolocator.model_core import contract
run = LocateRun(contract.LocateParams(photos=("/p",), area="0,0,1,1", out=sys.argv[2]), "")
layers = ResultLayers(QgsProject.instance(), run)
point = {"type": "Point", "coordinates": [13.0, 47.0]}
feature = {"type": "Feature", "geometry": point, "properties": {"rank": 1, "probability": 0.5}}
collection = {"type": "FeatureCollection", "features": [feature]}
for name in ("one.jpg", "two.jpg"):
    layers.add_answer(contract.PhotoAnswer(path="/p/" + name, candidates=collection))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def store(plugin: Callable[[str], Any], tmp_path: Path) -> Any:
    return plugin("layers.store").ResultStore.create(tmp_path / "a.gpkg", {"started_at": "now"})


def candidate(plugin: Callable[[str], Any], **values: Any) -> Any:
    return plugin("layers.candidate").Candidate.from_values(
        0, 13.4, 47.0, {"photo": "a.jpg", "rank": 1, "fov_deg": 60.0, "heading_deg": 90.0, **values}
    )


def test_rows_come_back_as_they_were(plugin: Callable[[str], Any], store: Any) -> None:
    rows = [
        candidate(plugin, captured_at="2024-05-10T19:31:07+00:00", note="größer, 'so'", score=1.5),
        candidate(plugin, rank=2, precision_m=5.0, moved_from_lon=13.3, moved_from_lat=46.9),
    ]
    record = plugin("layers.candidate").PhotoRecord(
        "/p/a.jpg", "ab" * 32, "2024-05-10T19:31:07+00:00", 0.25, False, ("one", "two"), ""
    )
    stored = store.add(rows, record)
    assert store.candidates() == stored
    assert [dataclasses.replace(row, fid=0) for row in stored] == rows
    assert store.photos() == (record,)
    assert store.run() == {"started_at": "now"}


def test_columns_are_those_that_the_engine_writes(plugin: Callable[[str], Any], store: Any) -> None:
    from qgis.core import QgsVectorLayer

    layer = QgsVectorLayer(store.uri("candidates"), "candidates", "ogr")
    names = [field.name() for field in layer.fields()]
    assert layer.crs().authid() == "EPSG:4326"
    assert " ".join(names[1:25]) == (
        "photo rank score probability heading_deg heading_sigma_deg fov_deg place_id street_view "
        "street_view_date street_view_source street_view_id imagery_source inliers status "
        "precision_m analyst decided_at note photo_sha256 model_hash software_version error_m "
        "heading_error_deg"
    )


def test_half_an_answer_is_not_written(plugin: Callable[[str], Any], store: Any) -> None:
    broken = dataclasses.replace(candidate(plugin), fov_deg="wide")
    with pytest.raises(TypeError):
        store.add([candidate(plugin), broken])
    assert store.candidates() == ()
    store.add([candidate(plugin)])
    assert len(store.candidates()) == 1


def test_killed_qgis_loses_nothing(
    plugins_folder: Path, plugin: Callable[[str], Any], tmp_path: Path
) -> None:
    arguments = [sys.executable, "-c", KILLED, str(plugins_folder), str(tmp_path)]
    ended = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == -9, ended.stderr
    store = plugin("layers.store").ResultStore(tmp_path / "analysis.gpkg")
    assert [record.path for record in store.photos()] == ["/p/one.jpg", "/p/two.jpg"]
    assert [row.photo for row in store.candidates()] == ["one.jpg", "two.jpg"]


def test_update_writes_the_wedge_too(plugin: Callable[[str], Any], store: Any) -> None:
    from qgis.core import QgsVectorLayer

    (row,) = store.add([candidate(plugin)])
    store.update([row.moved_to(13.5, 47.1)])
    view = next(QgsVectorLayer(store.uri("fields_of_view"), "v", "ogr").getFeatures())
    box = view.geometry().boundingBox()
    assert box.xMinimum() == pytest.approx(13.5, abs=1e-6)
    assert view["candidate"] == row.fid
    (moved,) = store.candidates()
    assert (moved.lon, moved.lat, moved.moved_from_lon) == (13.5, 47.1, 13.4)
    assert moved.moved_back() == row


def test_text_of_others_is_no_statement(plugin: Callable[[str], Any], store: Any) -> None:
    record = plugin("layers.candidate").PhotoRecord("/p/o'neil.jpg")
    store.add([candidate(plugin, photo_path=record.path)], record)
    store.set_captured_at({"/p/o'neil.jpg": "2024-01-02T03:04:05+00:00"})
    store.set_provenance("x'); DROP TABLE candidates; --", "1")
    (row,) = store.candidates()
    assert row.captured_at == "2024-01-02T03:04:05+00:00"
    assert row.model_hash == "x'); DROP TABLE candidates; --"


class Counted:
    """An open GeoPackage that counts how often it is asked for a table or told a statement."""

    def __init__(self, opened: Any, asked: list[str]) -> None:
        self._opened, self._asked = opened, asked

    def __getattr__(self, name: str) -> Any:
        if name in ("GetLayerByName", "ExecuteSQL"):
            self._asked.append(name)
        return getattr(self._opened, name)


def test_times_of_many_photos_are_written_in_as_few_steps_as_of_one(
    plugin: Callable[[str], Any], store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, record = plugin("layers.store"), plugin("layers.candidate").PhotoRecord
    paths = [f"/p/{number}.jpg" for number in range(12)]
    for path in paths:
        store.add([candidate(plugin, photo_path=path)] * 2, record(path))
    steps: list[list[str]] = []
    opened = module._open
    monkeypatch.setattr(module, "_open", lambda path, mode: Counted(opened(path, mode), steps[-1]))
    for some in (paths[:1], paths[1:11]):
        steps.append([])
        store.set_captured_at(dict.fromkeys(some, "2024-01-02T03:04:05+00:00"))
    monkeypatch.undo()
    assert len(steps[0]) == len(steps[1]) > 0
    known = {row.photo_path for row in store.candidates() if row.captured_at}
    assert known == {row.path for row in store.photos() if row.captured_at} == set(paths[:11])


def test_time_that_is_there_is_not_written_over(plugin: Callable[[str], Any], store: Any) -> None:
    mine, other = "2020-01-01T00:00:00+00:00", "2024-01-02T03:04:05+00:00"
    rows = [candidate(plugin, photo_path="/p/a.jpg", captured_at=time) for time in (mine, "")]
    store.add(rows, plugin("layers.candidate").PhotoRecord("/p/a.jpg"))
    store.set_captured_at({"/p/a.jpg": other})
    assert [row.captured_at for row in store.candidates()] == [mine, other]


def test_folder_that_cannot_be_written_is_said(
    plugin: Callable[[str], Any], tmp_path: Path
) -> None:
    module = plugin("layers.store")
    (tmp_path / "file").write_text("")
    with pytest.raises(module.StoreError, match=r"file.*choose another output folder"):
        module.ResultStore.create(tmp_path / "file" / "a.gpkg", {})


def test_geopackage_of_others_is_refused(
    plugin: Callable[[str], Any], repository: Path, tmp_path: Path
) -> None:
    from osgeo import gdal

    module = plugin("layers.store")
    path = tmp_path / "other.gpkg"
    gdal.VectorTranslate(str(path), str(repository / "resources/demo/roads.geojson"))
    with pytest.raises(module.StoreError, match="holds no results"):
        module.ResultStore(path).run()
    with pytest.raises(module.StoreError, match=r"gone\.gpkg"):
        module.ResultStore(tmp_path / "gone.gpkg").run()


@pytest.mark.parametrize(("heading_deg", "lat"), [(0.0, 0.0), (90.0, 60.0), (225.0, -45.0)])
def test_wedge_is_true_on_the_ground(
    plugin: Callable[[str], Any], heading_deg: float, lat: float
) -> None:
    wedge = plugin("layers.wedge").view_wedge(10.0, lat, heading_deg, 60.0)
    ring = wedge.asPolygon()[0]
    middle = ring[len(ring) // 2]
    north_m = (middle.y() - lat) * 111_320.0
    east_m = (middle.x() - 10.0) * 111_320.0 * math.cos(math.radians(lat))
    assert math.hypot(north_m, east_m) == pytest.approx(40.0, rel=0.01)
    bearing = math.degrees(math.atan2(east_m, north_m)) % 360.0
    assert bearing == pytest.approx(heading_deg, abs=1.0)
    assert (ring[0].x(), ring[0].y()) == (10.0, lat)


def test_view_all_around_is_a_circle(plugin: Callable[[str], Any]) -> None:
    wedge = plugin("layers.wedge").view_wedge(10.0, 50.0, 0.0, 360.0)
    assert wedge.isGeosValid()
    assert wedge.contains(type(wedge).fromWkt("POINT(10 50)"))
