"""The algorithms as QGIS runs them: what the engine is asked, and what comes out."""

from __future__ import annotations

import importlib
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingParameterDefinition,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsReferencedRectangle,
    QgsVectorLayer,
)

IDS = ("locatephotos", "fetchreferences", "buildgallery", "trainmodel", "evaluatemodel")
ENGINE_IDS = IDS[:3]
AREA = "13.170,13.210,55.695,55.715 [EPSG:4326]"
BOUNDS = "13.170000000,55.695000000,13.210000000,55.715000000"
TEMPORARY = QgsProcessing.TEMPORARY_OUTPUT


@pytest.fixture
def asked(fake_engine: Any, use_launch: Any, run: Any) -> Callable[..., dict[str, Any]]:
    """Run an algorithm on a fake engine and return the params that the engine received."""

    def asked(name: str, parameters: dict[str, Any], method: str) -> dict[str, Any]:
        use_launch(fake_engine())
        ran = run(name, parameters)
        assert ran.ok, ran.feedback.text()
        (request,) = [r for r in fake_engine.requests() if r["method"] == method]
        return request["params"]

    return asked


@pytest.fixture
def files(tmp_path: Path, repository: Path) -> dict[str, str]:
    """Photos, folders and a table that are there."""
    made = {}
    photos = repository / "resources" / "demo" / "photos"
    for name in ("a.jpg", "b.jpg"):
        made[name] = str(shutil.copyfile(photos / "photo_01.jpg", tmp_path / name))
    for name in ("photos", "views", "more_views", "pack", "gallery", "bundle"):
        (tmp_path / name).mkdir()
        made[name] = str(tmp_path / name)
    shutil.copyfile(photos / "photo_02.jpg", tmp_path / "photos" / "c.jpg")
    (tmp_path / "truth.csv").write_text("photo,lon,lat,heading_deg\n")
    made["truth.csv"] = str(tmp_path / "truth.csv")
    made["imagery.tif"] = str(
        shutil.copyfile(repository / "resources/demo/imagery.tif", tmp_path / "imagery.tif")
    )
    made["roads.geojson"] = str(
        shutil.copyfile(repository / "resources/demo/roads.geojson", tmp_path / "roads.geojson")
    )
    return made


def polygon_layer(wkt: str) -> QgsVectorLayer:
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326", "area", "memory")
    feature = QgsFeature()
    feature.setGeometry(QgsGeometry.fromWkt(wkt))
    layer.dataProvider().addFeature(feature)
    QgsProject.instance().addMapLayer(layer)
    return layer


def minimal(name: str, files: dict[str, str], out: Path) -> dict[str, Any]:
    """The least that an algorithm of the engine takes."""
    parameters = {"AREA_EXTENT": AREA, "IMAGERY": files["imagery.tif"], "OUTPUT": str(out)}
    if name == "locatephotos":
        parameters["PHOTOS"] = [files["a.jpg"]]
    if name == "evaluatemodel":
        parameters["REPORT"] = str(out / "report.json")
    return parameters


METHODS = {
    "locatephotos": "locate",
    "fetchreferences": "fetch",
    "buildgallery": "build_gallery",
}


@pytest.mark.parametrize(
    ("name", "sources", "read"),
    [
        ("locatephotos", {"IMAGERY": "keytiles|zoom=18"}, ["keytiles"]),
        ("locatephotos", {"STREET_VIEWS": "openview\nkeyview|max_age=3"}, ["keyview"]),
        ("buildgallery", {}, []),
        ("fetchreferences", {"ROADS": "keyroads"}, ["keyroads"]),
        ("trainmodel", {}, []),
        ("evaluatemodel", {}, []),
    ],
)
def test_only_the_keys_of_the_named_sources_are_read(
    provider: Any,
    use_launch: Any,
    fake_engine: Any,
    heard: Any,
    files: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    sources: dict[str, str],
    read: list[str],
) -> None:
    module = importlib.import_module("csi_geolocator.settings")
    opened: list[str] = []
    monkeypatch.setattr(module, "read_key", lambda entry: opened.append(entry) or "s3cret")
    for source in ("keytiles", "keyview", "keyroads"):
        module.Settings().set_key_entry(source, source)
    use_launch(fake_engine())
    algorithm = provider.algorithm(name).create()
    parameters = {**minimal(name, files, tmp_path / "out"), **sources}
    assert algorithm.prepare(parameters, QgsProcessingContext(), heard())
    assert opened == read
    assert dict(algorithm._keys) == dict.fromkeys(read, "s3cret")


def test_provider_offers_the_algorithms_under_its_id(provider: Any) -> None:
    assert {a.id() for a in provider.algorithms()} == {f"csi_geolocator:{name}" for name in IDS}
    assert not provider.icon().isNull()


@pytest.mark.parametrize("name", IDS)
def test_every_parameter_and_algorithm_explains_itself(provider: Any, name: str) -> None:
    algorithm = provider.algorithm(name)
    assert len(algorithm.shortHelpString()) > 200
    assert algorithm.shortDescription().endswith(".")
    assert algorithm.group()
    assert algorithm.tags()
    assert Path(algorithm.svgIconPath()).is_file()
    assert not algorithm.icon().isNull()
    for parameter in algorithm.parameterDefinitions():
        assert parameter.help(), parameter.name()
        assert parameter.description(), parameter.name()


@pytest.mark.parametrize("name", IDS)
def test_rare_parameters_are_folded_away(provider: Any, name: str) -> None:
    advanced = QgsProcessingParameterDefinition.Flag.FlagAdvanced
    folded = {
        p.name() for p in provider.algorithm(name).parameterDefinitions() if p.flags() & advanced
    }
    shown = {p.name() for p in provider.algorithm(name).parameterDefinitions()} - folded
    assert folded & {"OPTIONS", "FIRST_CITY"}
    assert "OUTPUT" in shown or "REPORT" in shown


def test_photos_and_folder_go_to_the_engine(asked: Any, files: Any, tmp_path: Path) -> None:
    parameters = minimal("locatephotos", files, tmp_path / "out")
    parameters["PHOTOS"] = [files["a.jpg"], files["b.jpg"]]
    parameters["PHOTO_FOLDER"] = files["photos"]
    params = asked("locatephotos", parameters, "locate")
    assert params["photos"] == [files["a.jpg"], files["b.jpg"], files["photos"]]


@pytest.mark.parametrize("name", ENGINE_IDS)
def test_extent_goes_as_degrees(asked: Any, files: Any, tmp_path: Path, name: str) -> None:
    params = asked(name, minimal(name, files, tmp_path / "out"), METHODS[name])
    assert params["area"] == BOUNDS
    assert params["out"] == str(tmp_path / "out")


@pytest.mark.parametrize("name", ENGINE_IDS)
def test_extent_of_another_system_is_transformed(
    asked: Any, files: Any, tmp_path: Path, name: str
) -> None:
    parameters = minimal(name, files, tmp_path / "out")
    parameters["AREA_EXTENT"] = QgsReferencedRectangle(
        QgsRectangle(1466000, 7492000, 1470000, 7496000), QgsCoordinateReferenceSystem("EPSG:3857")
    )
    params = asked(name, parameters, METHODS[name])
    west, south, east, north = map(float, params["area"].split(","))
    assert 13.16 < west < east < 13.21
    assert 55.6 < south < north < 55.75


@pytest.mark.parametrize("name", ENGINE_IDS)
def test_polygons_go_as_a_file_that_holds_them(
    asked: Any, files: Any, tmp_path: Path, name: str
) -> None:
    layer = polygon_layer("POLYGON((13.1 55.6, 13.2 55.6, 13.2 55.7, 13.1 55.6))")
    parameters = minimal(name, files, tmp_path / "out")
    del parameters["AREA_EXTENT"]
    params = asked(name, {**parameters, "AREA_LAYER": layer.id()}, METHODS[name])
    written = QgsVectorLayer(params["area"], "written", "ogr")
    assert written.featureCount() == 1
    assert written.crs().authid() == "EPSG:4326"
    assert written.extent().xMaximum() == pytest.approx(13.2)


@pytest.mark.parametrize("name", ENGINE_IDS)
def test_imagery_goes_as_its_file_or_its_address(
    asked: Any, fake_engine: Any, files: Any, tmp_path: Path, name: str
) -> None:
    parameters = minimal(name, files, tmp_path / "out")
    del parameters["IMAGERY"]
    layer = QgsRasterLayer(files["imagery.tif"], "imagery")
    QgsProject.instance().addMapLayer(layer)
    params = asked(name, {**parameters, "IMAGERY_LAYER": layer.id()}, METHODS[name])
    assert params["imagery"] == files["imagery.tif"]


def test_tile_layer_goes_as_its_address(asked: Any, files: Any, tmp_path: Path) -> None:
    parameters = minimal("locatephotos", files, tmp_path / "out")
    del parameters["IMAGERY"]
    address = "http://127.0.0.1:9/{z}/{x}/{y}.png"
    layer = QgsRasterLayer(f"type=xyz&url={address}&zmax=18&zmin=0", "tiles", "wms")
    QgsProject.instance().addMapLayer(layer)
    params = asked("locatephotos", {**parameters, "IMAGERY_LAYER": layer.id()}, "locate")
    assert params["imagery"].startswith("xyz|url=http://127.0.0.1:9/{z}/{x}/{y}.png")


@pytest.mark.parametrize("name", ENGINE_IDS)
def test_sources_go_by_name_or_as_absolute_paths(
    asked: Any, files: Any, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    parameters = {
        **minimal(name, files, tmp_path / "out"),
        "IMAGERY": "xyz|url=http://127.0.0.1/{z}/{x}/{y}.jpg",
        "ROADS": "roads.geojson",
        "STREET_VIEW_FOLDER": files["views"],
        "STREET_VIEWS": "panoramax\n\nmore_views\n",
    }
    params = asked(name, parameters, METHODS[name])
    assert params["imagery"] == "xyz|url=http://127.0.0.1/{z}/{x}/{y}.jpg"
    assert params["roads"] == files["roads.geojson"]
    assert params["street_views"] == [files["views"], "panoramax", files["more_views"]]


@pytest.mark.parametrize("name", ENGINE_IDS)
def test_roads_layer_goes_as_its_file(asked: Any, files: Any, tmp_path: Path, name: str) -> None:
    layer = QgsVectorLayer(files["roads.geojson"], "roads")
    QgsProject.instance().addMapLayer(layer)
    parameters = {**minimal(name, files, tmp_path / "out"), "ROADS_LAYER": layer.id()}
    assert asked(name, parameters, METHODS[name])["roads"] == files["roads.geojson"]


@pytest.mark.parametrize("name", ["locatephotos", "buildgallery"])
def test_pack_bundle_and_device_go_along(asked: Any, files: Any, tmp_path: Path, name: str) -> None:
    parameters = {
        **minimal(name, files, tmp_path / "out"),
        "PACK": files["pack"],
        "BUNDLE": files["bundle"],
        "DEVICE": "cpu",
        "OPTIONS": '{"search": {"top_k": 7}}',
    }
    params = asked(name, parameters, METHODS[name])
    assert (params["pack"], params["bundle"]) == (files["pack"], files["bundle"])
    assert params["config"] == {"device": "cpu", "search": {"top_k": 7}}


def test_gallery_truth_and_edits_go_along(asked: Any, files: Any, tmp_path: Path) -> None:
    parameters = {
        **minimal("locatephotos", files, tmp_path / "out"),
        "GALLERY": files["gallery"],
        "TRUTH": files["truth.csv"],
        "EDITS": json.dumps({files["a.jpg"]: {"turn_deg": 90, "fov_deg": 65.0}}),
    }
    params = asked("locatephotos", parameters, "locate")
    assert (params["gallery"], params["truth"]) == (files["gallery"], files["truth.csv"])
    assert params["edits"][files["a.jpg"]]["turn_deg"] == 90
    assert params["edits"][files["a.jpg"]]["fov_deg"] == 65.0


@pytest.mark.parametrize("name", ENGINE_IDS)
def test_network_is_narrowed_for_the_run(asked: Any, files: Any, tmp_path: Path, name: str) -> None:
    parameters = {
        **minimal(name, files, tmp_path / "out"),
        "OFFLINE": True,
        "MAX_REQUESTS": 40000000,
        "MAX_MEGABYTES": 3,
    }
    network = asked(name, parameters, METHODS[name])["network"]
    assert network["offline"] is True
    assert network["max_requests"] == 40000000
    assert network["max_bytes"] == 3_000_000


def test_settings_hold_where_a_run_says_nothing(
    asked: Any, files: Any, tmp_path: Path, settings_folder: Path
) -> None:
    settings = importlib.import_module("csi_geolocator.settings").Settings()
    settings.contact = "maps@example.org"
    settings.max_requests = 12345678
    network = asked("buildgallery", minimal("buildgallery", files, tmp_path), "build_gallery")
    assert network["network"]["contact"] == "maps@example.org"
    assert network["network"]["max_requests"] == 12345678
    assert network["network"]["offline"] is False


@pytest.mark.parametrize("name", ["locatephotos", "buildgallery"])
@pytest.mark.parametrize(("asked_for", "used"), [(None, "cpu"), ("auto", "cpu"), ("cuda", "cuda")])
def test_device_of_the_settings_holds_where_a_run_leaves_it_open(
    asked: Any,
    files: Any,
    tmp_path: Path,
    settings_folder: Path,
    name: str,
    asked_for: str | None,
    used: str,
) -> None:
    importlib.import_module("csi_geolocator.settings").Settings().device = "cpu"
    parameters = minimal(name, files, tmp_path / "out")
    if asked_for is not None:
        parameters["DEVICE"] = asked_for
    assert asked(name, parameters, METHODS[name])["config"]["device"] == used


def test_options_of_fetching_go_without_a_device(asked: Any, files: Any, tmp_path: Path) -> None:
    parameters = {
        **minimal("fetchreferences", files, tmp_path / "out"),
        "OPTIONS": '{"places": {"spacing_m": 30}}',
    }
    assert asked("fetchreferences", parameters, "fetch")["config"] == {"places": {"spacing_m": 30}}


def test_candidates_and_fields_of_view_come_out(
    fake_engine: Any, use_launch: Any, run: Any, files: Any, tmp_path: Path
) -> None:
    use_launch(fake_engine(candidates=5))
    parameters = {
        **minimal("locatephotos", files, tmp_path / "out"),
        "PHOTOS": [files["a.jpg"], files["b.jpg"]],
        "CANDIDATES": str(tmp_path / "c.gpkg"),
        "FIELDS_OF_VIEW": str(tmp_path / "f.gpkg"),
        "HEAT": TEMPORARY,
        "REPORT": TEMPORARY,
    }
    ran = run("locatephotos", parameters)
    assert ran.ok, ran.feedback.text()
    candidates = QgsVectorLayer(ran.outputs["CANDIDATES"], "c")
    assert [f["rank"] for f in candidates.getFeatures()] == [1, 2, 3, 4, 5] * 2
    first = next(candidates.getFeatures())
    assert first["photo"] == "a.jpg"
    assert first["status"] == "proposed"
    assert 13.17 < first.geometry().asPoint().x() < 13.21
    views = QgsVectorLayer(ran.outputs["FIELDS_OF_VIEW"], "f")
    assert views.featureCount() == 10
    assert next(views.getFeatures()).geometry().area() > 0
    assert "HEAT" not in ran.outputs
    assert (ran.outputs["LOCATED"], ran.outputs["NOT_IN_AREA"], ran.outputs["FAILED"]) == (2, 0, 0)
    assert ran.outputs["ATTRIBUTIONS"] == "© contributors of Open View"
    assert "a.jpg" in ran.feedback.text()
    assert "© contributors of Open View" in ran.feedback.text()


def test_results_folder_opens_in_the_panel(
    fake_engine: Any, use_launch: Any, run: Any, files: Any, tmp_path: Path
) -> None:
    use_launch(fake_engine(candidates=3))
    assert run("locatephotos", minimal("locatephotos", files, tmp_path / "out")).ok
    layers = importlib.import_module("csi_geolocator.layers.run").ResultLayers.reopen(
        QgsProject.instance(), tmp_path / "out" / "analysis.gpkg"
    )
    layers.settle()
    assert [candidate.rank for candidate in layers.candidates()] == [1, 2, 3]
    assert layers.attributions == ("© contributors of Open View",)


def test_second_run_into_a_folder_keeps_the_decisions_of_the_first(
    fake_engine: Any, use_launch: Any, run: Any, files: Any, tmp_path: Path
) -> None:
    use_launch(fake_engine())
    for _ in range(2):
        assert run("locatephotos", minimal("locatephotos", files, tmp_path / "out")).ok
    found = {path.name for path in (tmp_path / "out").glob("*.gpkg")}
    assert found == {"analysis.gpkg", "analysis_2.gpkg"}


def test_layers_are_loaded_with_style_and_attribution(
    fake_engine: Any, use_launch: Any, run: Any, files: Any, tmp_path: Path
) -> None:
    use_launch(fake_engine(candidates=3))
    project = QgsProject()
    parameters = {
        **minimal("locatephotos", files, tmp_path / "out"),
        "CANDIDATES": QgsProcessingOutputLayerDefinition(TEMPORARY, project),
        "FIELDS_OF_VIEW": QgsProcessingOutputLayerDefinition(TEMPORARY, project),
        "HEAT": QgsProcessingOutputLayerDefinition(TEMPORARY, project),
    }
    ran = run("locatephotos", parameters)
    assert ran.ok, ran.feedback.text()
    waiting = ran.context.layersToLoadOnCompletion()
    assert len(waiting) == 2  # no heat was written, so none is loaded
    for destination, details in waiting.items():
        layer = ran.context.getMapLayer(destination)
        details.postProcessor().postProcessLayer(layer, ran.context, ran.feedback)
        assert layer.metadata().rights() == ["© contributors of Open View"]
        assert layer.temporalProperties().isActive()
        assert layer.renderer().type() != "singleSymbol" or layer.labeling() is not None


def test_heat_is_loaded_with_its_style(
    fake_engine: Any, use_launch: Any, run: Any, files: Any, tmp_path: Path
) -> None:
    use_launch(fake_engine("heat"))
    project = QgsProject()
    parameters = {
        **minimal("locatephotos", files, tmp_path / "out"),
        "HEAT": QgsProcessingOutputLayerDefinition(TEMPORARY, project),
    }
    ran = run("locatephotos", parameters)
    assert ran.ok, ran.feedback.text()
    details = ran.context.layersToLoadOnCompletion()[ran.outputs["HEAT"]]
    layer = QgsRasterLayer(ran.outputs["HEAT"], "heat")
    assert layer.isValid()
    details.postProcessor().postProcessLayer(layer, ran.context, ran.feedback)
    assert layer.metadata().rights() == ["© contributors of Open View"]


def test_polygons_with_ids_that_repeat_are_all_searched(
    asked: Any, files: Any, tmp_path: Path
) -> None:
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326&field=fid:integer", "merged", "memory")
    for west in (13.0, 13.1, 13.2):
        feature = QgsFeature(layer.fields())
        east = west + 0.01
        corners = f"{west} 46, {east} 46, {east} 46.01, {west} 46"
        feature.setGeometry(QgsGeometry.fromWkt(f"Polygon(({corners}))"))
        feature.setAttributes([1])
        layer.dataProvider().addFeature(feature)
    QgsProject.instance().addMapLayer(layer)
    parameters = minimal("buildgallery", files, tmp_path)
    del parameters["AREA_EXTENT"]
    area = asked("buildgallery", {**parameters, "AREA_LAYER": layer.id()}, "build_gallery")["area"]
    assert QgsVectorLayer(area, "area", "ogr").featureCount() == 3


def test_photo_outside_the_area_is_counted_and_said(
    fake_engine: Any, use_launch: Any, run: Any, files: Any, tmp_path: Path
) -> None:
    use_launch(fake_engine("not-here"))
    ran = run("locatephotos", minimal("locatephotos", files, tmp_path / "out"))
    assert (ran.outputs["LOCATED"], ran.outputs["NOT_IN_AREA"]) == (0, 1)
    assert "not in this area" in ran.feedback.text()


def test_one_bad_photo_does_not_stop_the_others(
    fake_engine: Any, use_launch: Any, run: Any, files: Any, tmp_path: Path
) -> None:
    use_launch(fake_engine())
    absent = str(tmp_path / "absent.jpg")
    parameters = minimal("locatephotos", files, tmp_path / "out")
    ran = run("locatephotos", {**parameters, "PHOTOS": [files["a.jpg"], absent]})
    assert ran.ok
    assert (ran.outputs["LOCATED"], ran.outputs["FAILED"]) == (1, 1)
    assert "absent.jpg" in ran.feedback.text()


def test_no_photo_answered_is_an_error_that_names_them(
    fake_engine: Any, use_launch: Any, run: Any, files: Any, tmp_path: Path
) -> None:
    use_launch(fake_engine())
    parameters = minimal("locatephotos", files, tmp_path / "out")
    ran = run("locatephotos", {**parameters, "PHOTOS": [str(tmp_path / "absent.jpg")]})
    assert not ran.ok
    assert "absent.jpg" in "\n".join(ran.feedback.errors)


def test_estimate_alone_fetches_nothing(
    fake_engine: Any, use_launch: Any, run: Any, files: Any, tmp_path: Path
) -> None:
    use_launch(fake_engine())
    parameters = {**minimal("fetchreferences", files, tmp_path / "out"), "ESTIMATE_ONLY": True}
    ran = run("fetchreferences", parameters)
    assert ran.ok
    assert "fetch" not in [request["method"] for request in fake_engine.requests()]
    assert ran.outputs["PLACES"] > 0
    assert ran.outputs["MEGABYTES"] == pytest.approx(ran.outputs["REQUESTS"] * 0.05)
    assert "OUTPUT" not in ran.outputs


def test_fetching_beyond_a_limit_is_refused_before_it_begins(
    fake_engine: Any, use_launch: Any, run: Any, files: Any, tmp_path: Path
) -> None:
    use_launch(fake_engine())
    parameters = {**minimal("fetchreferences", files, tmp_path / "out"), "MAX_REQUESTS": 1}
    ran = run("fetchreferences", parameters)
    assert not ran.ok
    assert "the limit is 1" in "\n".join(ran.feedback.errors)
    assert "fetch" not in [request["method"] for request in fake_engine.requests()]


def test_fetched_pack_comes_out(
    fake_engine: Any, use_launch: Any, run: Any, files: Any, tmp_path: Path
) -> None:
    use_launch(fake_engine())
    ran = run("fetchreferences", minimal("fetchreferences", files, tmp_path / "out"))
    assert ran.outputs["OUTPUT"] == str(tmp_path / "out")
    assert ran.outputs["SUMMARY"] == "12 places, 30 street views"


def test_progress_only_rises_and_reaches_the_end(
    fake_engine: Any, use_launch: Any, run: Any, files: Any, tmp_path: Path
) -> None:
    use_launch(fake_engine(steps=4))
    parameters = minimal("locatephotos", files, tmp_path / "out")
    ran = run("locatephotos", {**parameters, "PHOTOS": [files["a.jpg"], files["b.jpg"]]})
    assert ran.feedback.percents == sorted(ran.feedback.percents)
    assert max(ran.feedback.percents) > 60
    assert len(set(ran.feedback.percents)) > 5


@pytest.mark.parametrize("name", ENGINE_IDS)
def test_cancel_stops_the_engine_and_is_said(
    fake_engine: Any, use_launch: Any, run: Any, heard: Any, files: Any, tmp_path: Path, name: str
) -> None:
    use_launch(fake_engine(pace_s=0.3, steps=4))
    began = time.monotonic()
    ran = run(name, minimal(name, files, tmp_path / "out"), heard(cancel_on="imagery"))
    assert not ran.ok
    assert ran.feedback.errors == ["Cancelled."]
    assert time.monotonic() - began < 15


def test_answers_of_a_run_that_was_cancelled_are_kept_for_the_panel(
    fake_engine: Any, use_launch: Any, run: Any, heard: Any, files: Any, tmp_path: Path
) -> None:
    use_launch(fake_engine(pace_s=0.3, steps=1, candidates=3))
    parameters = {
        **minimal("locatephotos", files, tmp_path / "out"),
        "PHOTOS": [files["a.jpg"], files["b.jpg"]],
    }

    class CancelledAtOne(heard):
        def pushInfo(self, info: str) -> None:
            super().pushInfo(info)
            if info.startswith("Photo 1 of 2"):
                self.cancel()

    ran = run("locatephotos", parameters, CancelledAtOne())
    assert not ran.ok
    assert "analysis.gpkg" in ran.feedback.text()
    layers = importlib.import_module("csi_geolocator.layers.run").ResultLayers.reopen(
        QgsProject.instance(), tmp_path / "out" / "analysis.gpkg"
    )
    layers.settle()
    assert [Path(path).name for path in layers.photos] == ["a.jpg"]
    assert len(layers.candidates()) == 3
    assert not layers.has_ended


@pytest.mark.parametrize("name", ["locatephotos", "buildgallery"])
def test_engine_that_dies_is_said_in_words(
    fake_engine: Any, use_launch: Any, run: Any, files: Any, tmp_path: Path, name: str
) -> None:
    use_launch(fake_engine("die"))
    ran = run(name, minimal(name, files, tmp_path / "out"))
    assert not ran.ok
    assert "The engine ended unexpectedly" in "\n".join(ran.feedback.errors)


@pytest.mark.parametrize("name", IDS)
def test_missing_environment_is_said_with_the_next_step(
    run: Any, files: Any, tmp_path: Path, name: str
) -> None:
    ran = run(name, minimal(name, files, tmp_path / "out"))
    assert not ran.ok
    assert "Settings > Options > CSI Geolocator" in "\n".join(ran.feedback.errors)


BAD = [
    ({"PHOTOS": []}, "Choose photos"),
    ({"AREA_EXTENT": None}, "Choose the area"),
    ({"AREA_EXTENT": "1,1,2,2 [EPSG:4326]"}, "extent is empty"),
    ({"OPTIONS": "{top_k: 1}"}, "not JSON"),
    ({"OPTIONS": "[1]"}, "in braces"),
    ({"EDITS": '{"/a.jpg": {"turn": 90}}'}, "turn_deg"),
    ({"IMAGERY_LAYER": "LAYER"}, "keep one"),
]


@pytest.mark.parametrize(("change", "words"), BAD)
def test_bad_values_are_refused_in_words(
    fake_engine: Any,
    use_launch: Any,
    run: Any,
    files: Any,
    tmp_path: Path,
    change: dict[str, Any],
    words: str,
) -> None:
    use_launch(fake_engine())
    if "IMAGERY_LAYER" in change:
        layer = QgsRasterLayer(files["imagery.tif"], "imagery")
        QgsProject.instance().addMapLayer(layer)
        change = {"IMAGERY_LAYER": layer.id()}
    ran = run("locatephotos", {**minimal("locatephotos", files, tmp_path / "out"), **change})
    assert not ran.ok
    assert words in "\n".join(ran.feedback.errors)


@pytest.mark.parametrize("name", ["locatephotos", "buildgallery"])
def test_nothing_to_compare_with_is_said_before_the_engine_starts(
    fake_engine: Any, use_launch: Any, run: Any, files: Any, tmp_path: Path, name: str
) -> None:
    use_launch(fake_engine())
    without = {"IMAGERY": None, "IMAGERY_LAYER": None, "STREET_VIEW_FOLDER": None, "PACK": None}
    ran = run(name, {**minimal(name, files, tmp_path / "out"), **without, "STREET_VIEWS": ""})
    assert not ran.ok
    assert "nothing to compare the photos with" in "\n".join(ran.feedback.errors)
    assert fake_engine.requests() == []


def test_columns_of_true_positions_are_those_that_the_engine_reads(
    provider: Any, repository: Path
) -> None:
    algorithm = provider.algorithm("locatephotos").create()
    table = (repository / "resources" / "demo" / "truth.csv").read_text(encoding="utf-8")
    columns = table.splitlines()[0].split(",")
    assert ", ".join(columns[:3]) in algorithm.parameterDefinition("TRUTH").help()


def test_area_given_twice_is_refused(
    fake_engine: Any, use_launch: Any, run: Any, files: Any, tmp_path: Path
) -> None:
    use_launch(fake_engine())
    layer = polygon_layer("POLYGON((13.1 55.6, 13.2 55.6, 13.2 55.7, 13.1 55.6))")
    parameters = {**minimal("buildgallery", files, tmp_path), "AREA_LAYER": layer.id()}
    ran = run("buildgallery", parameters)
    assert not ran.ok
    assert "given twice" in "\n".join(ran.feedback.errors)
