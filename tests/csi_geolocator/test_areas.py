"""Choosing the area: every way, in any projection, and what is said where it cannot be used."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.gui import QgsMapMouseEvent, QgsMapToolPan, QgsMapToolZoom
from qgis.PyQt.QtCore import QEvent, QPoint, Qt
from qgis.PyQt.QtGui import QKeyEvent
from qgis.PyQt.QtWidgets import QLabel, QLineEdit, QPushButton

LONLAT = "EPSG:4326"
UTM = "EPSG:32633"
MERCATOR = "EPSG:3857"


@pytest.fixture
def areas(staged: Path, qgis_app: Any) -> Any:
    return importlib.import_module("csi_geolocator.gui.areas")


class Iface:
    """The part of QGIS's interface that the picker uses."""

    def __init__(self, canvas: Any) -> None:
        self._canvas = canvas
        self.active: Any = None

    def mapCanvas(self) -> Any:
        return self._canvas

    def activeLayer(self) -> Any:
        return self.active


@pytest.fixture
def iface(qgis_canvas: Any, qgis_new_project: None) -> Iface:
    qgis_canvas.resize(400, 400)
    qgis_canvas.setDestinationCrs(QgsCoordinateReferenceSystem(LONLAT))
    qgis_canvas.setExtent(QgsRectangle(15.0, 55.0, 15.02, 55.02))
    return Iface(qgis_canvas)


@pytest.fixture
def picker(staged: Path, iface: Iface) -> Iterator[Any]:
    module = importlib.import_module("csi_geolocator.gui.area_picker")
    made = module.AreaPicker(iface)
    made.show()
    yield made
    made.remove()
    made.deleteLater()


def crs(name: str) -> QgsCoordinateReferenceSystem:
    return QgsCoordinateReferenceSystem(name)


def said(picker: Any) -> str:
    return picker.findChild(QLabel, "areaSize").text()


def warns(picker: Any) -> bool:
    return not picker.findChild(QLabel, "areaSizeSign").isHidden()


def sides(area: Any) -> list[float]:
    return [float(side) for side in area.bounds.split(",")]


def polygon_layer(name: str = "zones", system: str = LONLAT) -> QgsVectorLayer:
    """Two squares of a thousandth of a degree, side by side."""
    layer = QgsVectorLayer(f"Polygon?crs={system}", name, "memory")
    to_system = QgsCoordinateTransform(crs(LONLAT), crs(system), QgsProject.instance())
    for west in (15.000, 15.005):
        shape = QgsGeometry.fromRect(QgsRectangle(west, 55.0, west + 0.001, 55.001))
        shape.transform(to_system)
        feature = QgsFeature()
        feature.setGeometry(shape)
        layer.dataProvider().addFeature(feature)
    QgsProject.instance().addMapLayer(layer)
    return layer


def mouse(canvas: Any, kind: QEvent.Type, lonlat: tuple[float, float], button: Any) -> Any:
    pixel = canvas.getCoordinateTransform().transform(QgsPointXY(*lonlat))
    position = QPoint(round(pixel.x()), round(pixel.y()))
    return QgsMapMouseEvent(canvas, kind, position, button, button)


def click(canvas: Any, lonlat: tuple[float, float], button: Any) -> None:
    tool = canvas.mapTool()
    tool.canvasReleaseEvent(mouse(canvas, QEvent.Type.MouseButtonRelease, lonlat, button))


def press_key(canvas: Any, key: Any) -> None:
    event = QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier)
    canvas.mapTool().keyPressEvent(event)


def test_rectangle_is_dragged_on_the_map(picker: Any, iface: Iface) -> None:
    canvas = iface.mapCanvas()
    before = QgsMapToolPan(canvas)
    canvas.setMapTool(before)
    picker.findChild(QPushButton, "drawRectangle").click()
    tool, left = canvas.mapTool(), Qt.MouseButton.LeftButton
    tool.canvasPressEvent(mouse(canvas, QEvent.Type.MouseButtonPress, (15.002, 55.003), left))
    tool.canvasMoveEvent(mouse(canvas, QEvent.Type.MouseMove, (15.008, 55.006), left))
    tool.canvasReleaseEvent(mouse(canvas, QEvent.Type.MouseButtonRelease, (15.012, 55.009), left))
    assert sides(picker.area) == pytest.approx([15.002, 55.003, 15.012, 55.009], abs=4e-4)
    assert picker.area.is_rectangle
    assert "km²" in said(picker)
    assert canvas.mapTool() is before


def test_polygon_is_clicked_and_ended_with_the_right_button(picker: Any, iface: Iface) -> None:
    canvas = iface.mapCanvas()
    picker.findChild(QPushButton, "drawPolygon").click()
    for corner in ((15.0, 55.0), (15.01, 55.0), (15.01, 55.01)):
        click(canvas, corner, Qt.MouseButton.LeftButton)
    click(canvas, (15.01, 55.01), Qt.MouseButton.RightButton)
    assert not picker.area.is_rectangle
    assert picker.area.size_km2 == pytest.approx(0.5 * 0.638 * 1.113, rel=0.05)


def test_backspace_takes_a_corner_back(picker: Any, iface: Iface) -> None:
    canvas = iface.mapCanvas()
    picker.draw_polygon()
    for corner in ((15.0, 55.0), (15.01, 55.0), (15.019, 55.019)):
        click(canvas, corner, Qt.MouseButton.LeftButton)
    press_key(canvas, Qt.Key.Key_Backspace)
    click(canvas, (15.01, 55.01), Qt.MouseButton.LeftButton)
    press_key(canvas, Qt.Key.Key_Return)
    assert sides(picker.area)[2] == pytest.approx(15.01, abs=2e-4)


@pytest.mark.parametrize("way", ["draw_rectangle", "draw_polygon"])
def test_escape_keeps_the_area(picker: Any, iface: Iface, areas: Any, way: str) -> None:
    before = areas.area_of_text("15.0,55.0,15.01,55.01")
    picker.set_area(before)
    canvas = iface.mapCanvas()
    getattr(picker, way)()
    click(canvas, (15.0, 55.0), Qt.MouseButton.LeftButton)
    press_key(canvas, Qt.Key.Key_Escape)
    assert picker.area is before
    assert "km²" in said(picker)


def test_tool_that_was_chosen_while_drawing_stays(picker: Any, iface: Iface) -> None:
    canvas = iface.mapCanvas()
    pan, zoom = QgsMapToolPan(canvas), QgsMapToolZoom(canvas, False)
    canvas.setMapTool(pan)
    picker.draw_polygon()
    canvas.setMapTool(zoom)
    picker.take_map_extent()
    picker.remove()
    assert canvas.mapTool() is zoom


def test_map_extent_is_taken_in_any_projection(picker: Any, iface: Iface) -> None:
    canvas = iface.mapCanvas()
    for system in (LONLAT, UTM, MERCATOR):
        to_map = QgsCoordinateTransform(crs(LONLAT), crs(system), QgsProject.instance())
        canvas.setDestinationCrs(crs(system))
        canvas.setExtent(to_map.transformBoundingBox(QgsRectangle(15.0, 55.0, 15.02, 55.02)))
        picker.findChild(QPushButton, "takeMapExtent").click()
        west, south, east, north = sides(picker.area)
        assert west <= 15.0 < east
        assert south <= 55.0 < north
        assert east - west < 0.2


def test_selected_features_are_the_area(picker: Any, iface: Iface) -> None:
    layer = polygon_layer()
    iface.active = layer
    layer.selectByIds([next(layer.getFeatures()).id()])
    picker.findChild(QPushButton, "takeSelection").click()
    assert sides(picker.area) == pytest.approx([15.0, 55.0, 15.001, 55.001], abs=1e-6)
    assert said(picker).endswith("zones")


def test_selection_in_another_layer_than_the_active_one_is_found(picker: Any) -> None:
    layer = polygon_layer()
    layer.selectAll()
    picker.take_selection()
    assert sides(picker.area)[2] == pytest.approx(15.006, abs=1e-6)


def test_empty_selection_is_explained(picker: Any, iface: Iface) -> None:
    iface.active = polygon_layer()
    picker.take_selection()
    assert picker.area is None
    assert "No polygon is selected" in said(picker)
    assert warns(picker)


def test_whole_layer_is_the_area_whatever_its_projection(picker: Any, tmp_path: Path) -> None:
    picker._layer.setLayer(polygon_layer(system=UTM))
    assert sides(picker.area) == pytest.approx([15.0, 55.0, 15.006, 55.001], abs=1e-5)
    file = Path(picker.area.as_request(tmp_path / "run"))
    geometry = json.loads(file.read_text())["features"][0]["geometry"]
    assert geometry["type"] == "MultiPolygon"
    assert len(geometry["coordinates"]) == 2


def test_typed_bounds_are_the_area(picker: Any, tmp_path: Path) -> None:
    edit = picker.findChild(QLineEdit, "areaBounds")
    edit.setText("15.0, 55.0, 15.01, 55.01")
    edit.editingFinished.emit()
    request = picker.area.as_request(tmp_path)
    assert request == "15.000000,55.000000,15.010000,55.010000"
    assert list(tmp_path.glob("*.geojson")) == []
    edit.setText("")
    edit.editingFinished.emit()
    assert picker.area is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("15,55,16", "four numbers"),
        ("a,b,c,d", "four numbers"),
        ("15,56,16,55", "South must be less than north"),
        ("179.9,10,-179.9,11", "antimeridian"),
        ("15,55,15,56", "West and east are the same"),
        ("15,55,15.00000001,55.00000001", "too small"),
        ("10,50,20,60", "at most can be searched at once"),
        ("15,89,16,95", "beyond the poles"),
        ("nan,1,2,3", "beyond the poles"),
    ],
)
def test_typed_bounds_that_cannot_be_used_are_explained(picker: Any, text: str, words: str) -> None:
    edit = picker.findChild(QLineEdit, "areaBounds")
    edit.setText(text)
    edit.editingFinished.emit()
    assert picker.area is None
    assert words in said(picker)
    assert warns(picker)


def test_area_across_the_antimeridian_is_refused_in_map_coordinates(areas: Any) -> None:
    edge = 20037508.34
    with pytest.raises(areas.AreaUnusable, match="antimeridian"):
        areas.area_of_rectangle(QgsRectangle(edge - 5000, 0, edge + 5000, 5000), crs(MERCATOR))


def test_area_without_a_coordinate_system_is_refused(areas: Any) -> None:
    nowhere = QgsCoordinateReferenceSystem()
    with pytest.raises(areas.AreaUnusable, match="coordinate system"):
        areas.area_of_rectangle(QgsRectangle(0, 0, 1, 1), nowhere)


def test_lines_are_no_area(areas: Any) -> None:
    line = QgsGeometry.fromWkt("LineString(15 55, 15.01 55.01)")
    with pytest.raises(areas.AreaUnusable, match="no polygon"):
        areas.area_of_shapes([line], crs(LONLAT))


def test_other_shapes_have_other_files(areas: Any, tmp_path: Path) -> None:
    first, second = (
        areas.area_of_shapes([QgsGeometry.fromWkt(wkt)], crs(LONLAT))
        for wkt in (
            "Polygon((15 55, 15.01 55, 15.01 55.01, 15 55))",
            "Polygon((15 55, 15.02 55, 15.01 55.01, 15 55))",
        )
    )
    assert first.as_request(tmp_path) == first.as_request(tmp_path)
    assert first.as_request(tmp_path) != second.as_request(tmp_path)


def test_size_is_on_the_ellipsoid(areas: Any) -> None:
    area = areas.area_of_text("15.0,60.0,15.1,60.1")
    assert area.size_km2 == pytest.approx(62.0, rel=0.01)
    assert areas.size_text(area).startswith("62")


def test_area_is_shown_on_the_map_and_taken_away(staged: Path, iface: Iface, areas: Any) -> None:
    module = importlib.import_module("csi_geolocator.gui.area_picker")
    scene = iface.mapCanvas().scene()
    before = len(scene.items())
    picker = module.AreaPicker(iface)
    picker.set_area(areas.area_of_text("15.0,55.0,15.01,55.01"))
    assert not picker._band.asGeometry().isEmpty()
    iface.mapCanvas().setDestinationCrs(crs(UTM))
    assert picker._band.asGeometry().boundingBox().xMinimum() > 1000
    picker.draw_polygon()
    picker.remove()
    assert len(scene.items()) == before
    picker.deleteLater()
