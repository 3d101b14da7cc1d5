"""The layer group of a run, in real QGIS."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def finish(plugin: Callable[[str], Any], layers: Any, **values: Any) -> None:
    contract = plugin("model_core.contract")
    given = {
        "photos": (),
        "attributions": ("© Open View", "© Survey"),
        "notes": ("the model was trained on rendered cities only",),
        "provenance": {"model_hash": "fa" * 32, "software_version": "1.2.3"},
        **values,
    }
    layers.finish(contract.LocateResult(**given))
    layers.settle()


def rows_of(layer: Any) -> list[Any]:
    return list(layer.getFeatures())


def test_answer_is_on_the_map_at_once(
    result_layers: Any, project: Any, answer_of: Callable[..., Any]
) -> None:
    result_layers.add_answer(answer_of("/p/a.jpg", 3))
    result_layers.settle()
    names = [node.name() for node in project.layerTreeRoot().children()]
    assert names == ["Photo locations 2026-03-01 10:20"]
    assert [node.name() for node in result_layers.group.children()] == [
        "Candidates",
        "Fields of view",
    ]
    assert result_layers.candidates_layer.featureCount() == 3
    assert result_layers.views_layer.featureCount() == 3
    result_layers.add_answer(answer_of("/p/b.jpg", 2))
    result_layers.settle()
    assert result_layers.candidates_layer.featureCount() == 5
    assert {row["photo"] for row in rows_of(result_layers.candidates_layer)} == {"a.jpg", "b.jpg"}
    assert {row["status"] for row in rows_of(result_layers.candidates_layer)} == {"proposed"}


def test_answer_given_twice_is_written_once(
    plugin: Callable[[str], Any], result_layers: Any, answer_of: Callable[..., Any]
) -> None:
    result_layers.add_answer(answer_of("/p/a.jpg", 3))
    finish(plugin, result_layers, photos=(answer_of("/p/a.jpg", 3), answer_of("/p/b.jpg", 1)))
    assert len(result_layers.store.candidates()) == 4
    assert list(result_layers.photos) == ["/p/a.jpg", "/p/b.jpg"]


def test_failed_photo_is_kept_with_its_reason(
    plugin: Callable[[str], Any], result_layers: Any
) -> None:
    contract = plugin("model_core.contract")
    result_layers.add_answer(contract.PhotoAnswer("/p/x.jpg", error="/p/x.jpg: no picture"))
    (record,) = result_layers.store.photos()
    assert record.error == "/p/x.jpg: no picture"
    assert record.not_in_area


def test_garbled_candidates_are_said(plugin: Callable[[str], Any], result_layers: Any) -> None:
    contract = plugin("model_core.contract")
    said: list[str] = []
    result_layers.failed.connect(said.append)
    broken = {"features": [{"geometry": None, "properties": {}}]}
    result_layers.add_answer(contract.PhotoAnswer("/p/x.jpg", candidates=broken))
    assert "/p/x.jpg" in said[0]
    assert result_layers.store.photos() == ()


def test_end_brings_provenance_and_attribution(
    plugin: Callable[[str], Any], result_layers: Any, answer_of: Callable[..., Any]
) -> None:
    result_layers.add_answer(answer_of("/p/a.jpg", 2))
    finish(plugin, result_layers)
    rows = rows_of(result_layers.candidates_layer)
    assert {row["model_hash"] for row in rows} == {"fa" * 32}
    assert {c.model_hash for c in result_layers.candidates()} == {"fa" * 32}
    for layer in (result_layers.candidates_layer, result_layers.views_layer):
        assert layer.metadata().rights() == ["© Open View", "© Survey"]


def test_layers_follow_the_photos_time(
    plugin: Callable[[str], Any],
    result_layers: Any,
    answer_of: Callable[..., Any],
    tmp_path: Path,
) -> None:
    result_layers.add_answer(answer_of("/p/a.jpg", 2))
    result_layers.add_answer(answer_of("/p/b.jpg", 1))
    document = {
        "photos": [
            {"path": "/p/a.jpg", "camera": {"captured_at": "2024-05-10T19:31:07+00:00"}},
            {"path": "/p/b.jpg", "camera": None},
        ]
    }
    path = tmp_path / "results.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    finish(plugin, result_layers, files={"results": str(path)})
    temporal = result_layers.candidates_layer.temporalProperties()
    assert temporal.isActive()
    assert temporal.startField() == "captured_at"
    by_photo = {row["photo"]: row["captured_at"] for row in rows_of(result_layers.views_layer)}
    assert by_photo["a.jpg"].toString("yyyy-MM-dd HH:mm") == "2024-05-10 19:31"
    assert not by_photo["b.jpg"]
    assert result_layers.photos["/p/a.jpg"].captured_at.startswith("2024-05-10")


def test_time_that_a_person_set_goes_first(
    plugin: Callable[[str], Any],
    project: Any,
    run_of: Callable[..., Any],
    answer_of: Callable[..., Any],
) -> None:
    edits = {"/p/a.jpg": {"captured_at": "2020-01-01T12:00:00"}}
    layers = plugin("layers.run").ResultLayers(project, run_of(edits=edits))
    layers.add_answer(answer_of("/p/a.jpg", 1))
    assert layers.candidates()[0].captured_at == "2020-01-01T12:00:00"


def test_styles_are_native_and_kept_in_the_geopackage(
    plugin: Callable[[str], Any], result_layers: Any, answer_of: Callable[..., Any], qgis_app: Any
) -> None:
    from qgis.core import QgsVectorLayer

    result_layers.add_answer(answer_of("/p/a.jpg", 7))
    qgis_app.processEvents()
    again = QgsVectorLayer(result_layers.store.uri("candidates"), "again", "ogr")
    count, _, names, *_ = again.listStylesInDatabase()
    assert (count, names[0]) == (1, "candidates")
    assert again.loadDefaultStyle() == ("Loaded from Provider", True)
    for layer in (result_layers.candidates_layer, again):
        assert layer.renderer().type() == "RuleRenderer"
        labels = [item.label() for item in layer.renderer().legendSymbolItems()]
        for label in ("Rank 1", "Ranks 2 to 5", "Further ranks", "Confirmed", "Rejected"):
            assert label in labels
        assert layer.labelsEnabled()
        assert "<img" not in layer.mapTipTemplate().lower()
        assert "probability" in layer.mapTipTemplate()


def test_every_expression_of_the_styles_is_known_to_qgis(
    plugin: Callable[[str], Any], result_layers: Any, answer_of: Callable[..., Any]
) -> None:
    from qgis.core import (
        QgsExpression,
        QgsExpressionContext,
        QgsExpressionContextUtils,
        QgsPalLayerSettings,
    )

    result_layers.add_answer(answer_of("/p/a.jpg", 2))
    style = plugin("layers.style")
    for name, layer in (
        ("candidates", result_layers.candidates_layer),
        ("fields_of_view", result_layers.views_layer),
    ):
        context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
        context.setFeature(next(layer.getFeatures()))
        text = style.style_file(name).read_text(encoding="utf-8")
        found = re.findall(
            r'(?:filter|fieldName|geometryModifier" v|expression" value)="([^"]+)"', text
        )
        found += re.findall(r'value="([^"]+)" name="(?:expression|geometryModifier)"', text)
        assert len(found) >= 3
        for xml in found:
            words = xml.replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">")
            expression = QgsExpression(words.replace("&amp;", "&").replace("&#xa;", "\n"))
            assert not expression.hasParserError(), (words, expression.parserErrorString())
            expression.evaluate(context)
            assert not expression.hasEvalError(), (words, expression.evalErrorString())
    label = result_layers.candidates_layer.labeling().settings()
    assert isinstance(label, QgsPalLayerSettings)
    context = QgsExpressionContext(
        QgsExpressionContextUtils.globalProjectLayerScopes(result_layers.candidates_layer)
    )
    context.setFeature(next(result_layers.candidates_layer.getFeatures()))
    assert QgsExpression(label.fieldName).evaluate(context) == "a.jpg · 1 · 45 %"


def drawn_pixels(layer: Any) -> int:
    from qgis.core import QgsMapRendererParallelJob, QgsMapSettings
    from qgis.PyQt.QtCore import QSize
    from qgis.PyQt.QtGui import QColor

    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(layer.crs())
    settings.setOutputSize(QSize(300, 100))
    settings.setBackgroundColor(QColor("white"))
    extent = layer.extent()
    extent.grow(0.0005)
    settings.setExtent(extent)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    assert not job.errors()
    image = job.renderedImage()
    return sum(image.pixelColor(x, y) != QColor("white") for x in range(300) for y in range(100))


def test_map_shows_all_photos_or_one(result_layers: Any, answer_of: Callable[..., Any]) -> None:
    result_layers.add_answer(answer_of("/p/a.jpg", 1))
    result_layers.add_answer(answer_of("/p/b.jpg", 5))
    result_layers.settle()
    for layer in (result_layers.candidates_layer, result_layers.views_layer):
        both = drawn_pixels(layer)
        result_layers.show_photo("/p/a.jpg", only=True)
        one = drawn_pixels(layer)
        result_layers.show_photo("/p/none.jpg", only=True)
        none = drawn_pixels(layer)
        result_layers.show_photo("/p/a.jpg", only=False)
        assert none == 0
        assert 0 < one < both
        assert drawn_pixels(layer) == both
        assert layer.featureCount() == 6, "nothing is filtered away from other tools"


def test_layers_that_were_drawn_can_still_be_read(
    result_layers: Any, answer_of: Callable[..., Any], qgis_app: Any
) -> None:
    result_layers.add_answer(answer_of("/p/a.jpg", 6))
    result_layers.settle()
    for layer in (result_layers.candidates_layer, result_layers.views_layer):
        assert drawn_pixels(layer) > 0
        qgis_app.processEvents()
        assert len(rows_of(layer)) == 6
        assert drawn_pixels(layer) > 0
    beside = result_layers.store.path.with_name(result_layers.store.path.name + "-wal")
    assert not beside.exists(), "the file alone holds everything, and may be copied"


def test_one_layer_is_read_while_the_other_is_edited(
    result_layers: Any, answer_of: Callable[..., Any]
) -> None:
    result_layers.add_answer(answer_of("/p/a.jpg", 6))
    result_layers.settle()
    edited, other = result_layers.candidates_layer, result_layers.views_layer
    assert drawn_pixels(other) > 0
    assert edited.startEditing()
    assert other.featureCount() == 6
    assert len(rows_of(other)) == 6
    assert edited.rollBack()
    assert other.featureCount() == edited.featureCount() == 6


def test_rejected_candidates_lose_their_wedge(
    result_layers: Any, answer_of: Callable[..., Any]
) -> None:
    import dataclasses

    result_layers.add_answer(answer_of("/p/a.jpg", 1))
    assert drawn_pixels(result_layers.views_layer) > 0
    (row,) = result_layers.candidates()
    result_layers.write([dataclasses.replace(row, status="rejected")])
    assert drawn_pixels(result_layers.views_layer) == 0
    assert drawn_pixels(result_layers.candidates_layer) > 0


@pytest.fixture
def heat_file(tmp_path: Path) -> Path:
    """Two bands of 4 by 4 cells: the first photo in one corner, the second in the other."""
    import numpy
    from osgeo import gdal, osr

    path = tmp_path / "heat.tif"
    raster = gdal.GetDriverByName("GTiff").Create(str(path), 4, 4, 2, gdal.GDT_Float32)
    raster.SetGeoTransform((13.4, 0.001, 0, 47.1, 0, -0.001))
    plane = osr.SpatialReference()
    plane.ImportFromEPSG(4326)
    raster.SetProjection(plane.ExportToWkt())
    for number, (name, cell) in enumerate((("a.jpg", (0, 0)), ("b.jpg", (3, 3))), start=1):
        cells = numpy.zeros((4, 4), numpy.float32)
        cells[cell] = 0.25 * number
        band = raster.GetRasterBand(number)
        band.WriteArray(cells)
        band.SetDescription(name)
    return path


def test_heat_shows_the_chosen_photo(
    plugin: Callable[[str], Any],
    result_layers: Any,
    answer_of: Callable[..., Any],
    heat_file: Path,
) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        result_layers.add_answer(answer_of(f"/p/{name}", 1))
    finish(plugin, result_layers, files={"heat": str(heat_file)})
    heat = result_layers.heat_layer
    assert [node.name() for node in result_layers.group.children()][-1] == "Heat: a.jpg"

    def shown() -> tuple[int, list[int]]:
        block = heat.renderer().block(1, heat.extent(), 4, 4)
        alphas = [block.color(row, column) >> 24 for row in range(4) for column in range(4)]
        return sum(alpha > 0 for alpha in alphas), [alphas[0], alphas[15]]

    assert shown()[0] == 1, "zero is transparent"
    assert shown()[1][0] > 150
    result_layers.show_photo("/p/b.jpg", only=False)
    assert heat.name() == "Heat: b.jpg"
    assert shown()[1][1] > 150
    result_layers.show_photo("/p/c.jpg", only=False)
    node = result_layers.group.findLayer(heat.id())
    assert not node.isVisible(), "a photo without heat shows none of another"
    result_layers.show_photo("/p/a.jpg", only=False)
    assert node.isVisible()
    assert shown()[1][0] > 150


def test_earlier_results_in_the_folder_are_left_alone(
    plugin: Callable[[str], Any],
    result_layers: Any,
    project: Any,
    run_of: Callable[..., Any],
    answer_of: Callable[..., Any],
) -> None:
    result_layers.add_answer(answer_of("/p/a.jpg", 2))
    second = plugin("layers.run").ResultLayers(project, run_of())
    assert second.store.path != result_layers.store.path
    assert second.folder == result_layers.folder
    assert len(result_layers.store.candidates()) == 2


def test_removed_layers_do_not_stop_the_run(
    result_layers: Any, project: Any, answer_of: Callable[..., Any]
) -> None:
    result_layers.add_answer(answer_of("/p/a.jpg", 2))
    project.clear()
    assert result_layers.candidates_layer is None
    result_layers.add_answer(answer_of("/p/b.jpg", 2))
    assert len(result_layers.store.candidates()) == 4
    result_layers.show_photo("/p/b.jpg", only=True)
    (first, *_) = result_layers.candidates()
    assert result_layers.write([first.moved_to(13.0, 47.0)])


def test_results_open_again_as_they_were(
    plugin: Callable[[str], Any],
    result_layers: Any,
    project: Any,
    answer_of: Callable[..., Any],
    heat_file: Path,
) -> None:
    result_layers.add_answer(answer_of("/p/a.jpg", 250, notes=("one", "two")))
    finish(plugin, result_layers, files={"heat": str(heat_file)})
    path, before = result_layers.store.path, result_layers.candidates()
    project.clear()
    again = plugin("layers.run").ResultLayers.reopen(project, path)
    again.settle()
    assert again.candidates() == before
    assert again.photos == result_layers.photos
    assert again.attributions == ("© Open View", "© Survey")
    assert again.has_ended
    assert again.provenance == {"model_hash": "fa" * 32, "software_version": "1.2.3"}
    assert again.candidates_layer.metadata().rights() == ["© Open View", "© Survey"]
    assert again.heat_layer is not None
    assert again.run.params.area == "13.4,46.9,13.5,47.1"


def test_heat_is_found_where_the_results_were_moved_to(
    plugin: Callable[[str], Any],
    result_layers: Any,
    project: Any,
    answer_of: Callable[..., Any],
    heat_file: Path,
    tmp_path: Path,
) -> None:
    result_layers.add_answer(answer_of("/p/a.jpg", 1))
    finish(plugin, result_layers, files={"heat": f"C:\\analyst\\run\\{heat_file.name}"})
    result_layers.settle()
    project.clear()
    moved = tmp_path / "moved"
    shutil.copytree(result_layers.folder, moved)
    shutil.copy(heat_file, moved)
    words: list[str] = []
    again = plugin("layers.run").ResultLayers.reopen(project, moved / result_layers.store.path.name)
    again.failed.connect(words.append)
    again.settle()
    assert words == []
    assert Path(again.heat_layer.source()) == moved / heat_file.name


@pytest.mark.parametrize("kept", ["photos/a.jpg", "runs/one/a.jpg"])
def test_photo_is_found_where_it_was_moved_to_with_the_results(
    plugin: Callable[[str], Any], tmp_path: Path, kept: str
) -> None:
    moved = plugin("layers.moved").moved_photo
    here = tmp_path / "case"
    folder = here / "runs" / "one"
    folder.mkdir(parents=True)
    photo = here / kept
    photo.parent.mkdir(exist_ok=True)
    photo.write_bytes(b"the photo")
    sha256 = hashlib.sha256(b"the photo").hexdigest()
    for old in (
        ("C:\\work\\photos\\a.jpg", "C:\\work\\runs\\one"),
        ("/w/photos/a.jpg", "/w/runs/one"),
    ):
        assert moved(old[0], sha256, old[1], folder) == photo
        assert moved(old[0], "ab" * 32, old[1], folder) == Path(old[0]), "another of that name"
    assert moved(str(photo), "", "/elsewhere", folder) == photo


def test_results_know_their_photos_after_a_move(
    plugin: Callable[[str], Any],
    result_layers: Any,
    project: Any,
    answer_of: Callable[..., Any],
    tmp_path: Path,
) -> None:
    sha256 = hashlib.sha256(b"the photo").hexdigest()
    answer = dataclasses.replace(answer_of("/gone/a.jpg", 1), photo_sha256=sha256)
    result_layers.add_answer(answer)
    result_layers.settle()
    project.clear()
    moved = tmp_path / "moved"
    shutil.copytree(result_layers.folder, moved)
    (moved / "a.jpg").write_bytes(b"the photo")
    again = plugin("layers.run").ResultLayers.reopen(project, moved / result_layers.store.path.name)
    again.settle()
    assert again.photo_file("/gone/a.jpg") == str(moved / "a.jpg")


def test_reopened_results_show_all_photos_though_the_project_showed_one(
    plugin: Callable[[str], Any],
    result_layers: Any,
    project: Any,
    answer_of: Callable[..., Any],
) -> None:
    for name in ("a", "b"):
        result_layers.add_answer(answer_of(f"/p/{name}.jpg", 2))
    result_layers.settle()
    both = drawn_pixels(result_layers.candidates_layer)
    result_layers.show_photo("/p/a.jpg", only=True)
    assert drawn_pixels(result_layers.candidates_layer) < both
    again = plugin("layers.run").ResultLayers.reopen(project, result_layers.store.path)
    again.settle()
    assert drawn_pixels(again.candidates_layer) == both


def test_layer_whose_path_is_written_otherwise_is_adopted_too(
    plugin: Callable[[str], Any],
    result_layers: Any,
    project: Any,
    answer_of: Callable[..., Any],
) -> None:
    result_layers.add_answer(answer_of("/p/a.jpg", 1))
    result_layers.settle()
    layer = result_layers.candidates_layer
    path = result_layers.store.path
    otherwise = f"{path.parent}/./{path.name}|layername=candidates"
    layer.setDataSource(otherwise, layer.name(), "ogr", layer.dataProvider().ProviderOptions())
    again = plugin("layers.run").ResultLayers.reopen(project, path)
    assert again.candidates_layer is layer


def test_layers_of_a_saved_project_are_adopted(
    plugin: Callable[[str], Any],
    result_layers: Any,
    project: Any,
    answer_of: Callable[..., Any],
) -> None:
    result_layers.add_answer(answer_of("/p/a.jpg", 1))
    count = len(project.mapLayers())
    again = plugin("layers.run").ResultLayers.reopen(project, result_layers.store.path)
    assert again.candidates_layer is result_layers.candidates_layer
    assert len(project.mapLayers()) == count


def test_keys_and_proxy_reach_no_file(
    plugin: Callable[[str], Any],
    project: Any,
    run_of: Callable[..., Any],
    answer_of: Callable[..., Any],
) -> None:
    contract = plugin("model_core.contract")
    network = contract.NetworkParams(proxy="http://jane:hunter2@127.0.0.1:1")
    layers = plugin("layers.run").ResultLayers(
        project, run_of(keys={"keyview": "sesame-123"}, network=network)
    )
    layers.add_answer(answer_of("/p/a.jpg", 1))
    for path in layers.folder.iterdir():
        content = path.read_bytes()
        assert b"sesame-123" not in content
        assert b"hunter2" not in content


def test_edits_with_the_tools_of_qgis_are_followed(
    result_layers: Any, answer_of: Callable[..., Any]
) -> None:
    from qgis.core import QgsGeometry, QgsPointXY

    result_layers.add_answer(answer_of("/p/a.jpg", 3))
    first, second, third = result_layers.candidates()
    layer = result_layers.candidates_layer
    layer.startEditing()
    layer.changeGeometry(first.fid, QgsGeometry.fromPointXY(QgsPointXY(13.9, 47.0)))
    layer.changeAttributeValue(second.fid, layer.fields().indexOf("note"), "seen")
    layer.deleteFeature(third.fid)
    assert layer.commitChanges()
    result_layers.settle()
    assert result_layers.candidate(first.fid).lon == 13.9
    assert result_layers.candidate(second.fid).note == "seen"
    assert result_layers.candidate(third.fid) is None
    views = {row["candidate"]: row for row in rows_of(result_layers.views_layer)}
    assert set(views) == {first.fid, second.fid}
    assert views[first.fid].geometry().boundingBox().contains(QgsPointXY(13.9, 47.0))


def test_gone_folder_is_said(result_layers: Any, answer_of: Callable[..., Any]) -> None:
    said: list[str] = []
    result_layers.failed.connect(said.append)
    shutil.rmtree(result_layers.folder)
    result_layers.add_answer(answer_of("/p/a.jpg", 1))
    assert "analysis.gpkg" in said[0]
    assert "choose another output folder" in said[0]


def test_run_is_kept_without_a_key_that_stood_in_an_address(plugin: Callable[[str], Any]) -> None:
    contract, kept = plugin("model_core.contract"), plugin("layers.locate_run")
    address = "xyz|url=https://tiles.example/{z}/{x}/{y}.png?style=a&client_secret=s3cret-of-mine"
    params = contract.LocateParams(
        ("/p/a.jpg",),
        "1,2,3,4",
        imagery=f"{address}&v=2|max_zoom=19",
        roads="overpass|url=https://me:s3cret-of-mine@roads.example/api",
        street_views=("/folder", "some|url=https://views.example/?token=s3cret-of-mine"),
        keys={"mapillary": "s3cret-of-mine"},
        network=contract.NetworkParams(proxy="http://me:s3cret-of-mine@proxy:1"),
    )
    values = kept.LocateRun(params, "now").to_values()
    assert "s3cret-of-mine" not in json.dumps(values)
    again = kept.LocateRun.from_values(values).params
    assert again.imagery == address.replace("s3cret-of-mine", "{key}") + "&v=2|max_zoom=19"
    assert again.roads == "overpass|url=https://roads.example/api"
    assert again.street_views[0] == "/folder"
