"""Decisions and moves by hand: written at once, signed, undone."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

NOW = datetime.fromisoformat("2026-03-01T12:30:00+00:00")


@pytest.fixture
def decisions(
    plugin: Callable[[str], Any],
    qgis_app: Any,
    settings_folder: Path,
    result_layers: Any,
    answer_of: Callable[..., Any],
) -> Iterator[Any]:
    settings = plugin("settings").Settings()
    settings.analyst = "J. Smith"
    made = plugin("gui.decisions").DecisionPanel(settings, now=lambda: NOW)
    made.set_layers(result_layers)
    result_layers.add_answer(answer_of("/p/a.jpg", 3))
    yield made
    made.deleteLater()


def stored(layers: Any) -> list[Any]:
    """The candidates as the file has them."""
    return list(layers.store.candidates())


def find(widget: Any, name: str) -> Any:
    from qgis.PyQt.QtCore import QObject

    return widget.findChild(QObject, name)


def type_into(field: Any, words: str) -> None:
    """Type words at the end of a field and press Enter."""
    from qgis.PyQt.QtCore import Qt
    from qgis.PyQt.QtTest import QTest

    field.end(False)
    QTest.keyClicks(field, words)
    QTest.keyClick(field, Qt.Key.Key_Return)


def test_decision_is_in_the_file_with_name_and_time(decisions: Any, result_layers: Any) -> None:
    decisions.show_candidates(result_layers.candidates()[:2])
    find(decisions, "status_confirmed").trigger()
    first, second, third = stored(result_layers)
    assert (first.status, first.analyst) == ("confirmed", "J. Smith")
    assert first.decided_at == "2026-03-01T12:30:00+00:00"
    assert second.status == "confirmed"
    assert (third.status, third.analyst, third.decided_at) == ("proposed", "", "")
    assert find(decisions, "decidedBy").text() == "2 candidates selected"


def test_undo_and_redo_write_too(decisions: Any, result_layers: Any) -> None:
    decisions.show_candidates(result_layers.candidates()[:1])
    before = stored(result_layers)
    find(decisions, "status_rejected").trigger()
    find(decisions, "status_possible").trigger()
    assert stored(result_layers)[0].status == "possible"
    decisions.undo_action.trigger()
    assert stored(result_layers)[0].status == "rejected"
    decisions.undo_action.trigger()
    assert stored(result_layers) == before
    decisions.redo_action.trigger()
    assert stored(result_layers)[0].status == "rejected"
    assert result_layers.candidates()[0].status == "rejected"


def test_precision_and_note_are_kept(decisions: Any, result_layers: Any) -> None:
    decisions.show_candidates(result_layers.candidates()[:1])
    find(decisions, "precision").setValue(15.0)
    note = find(decisions, "note")
    type_into(note, "the church tower matches")
    note.editingFinished.emit()
    first = stored(result_layers)[0]
    assert (first.precision_m, first.note) == (15.0, "the church tower matches")
    assert decisions.undo_stack.count() == 2, "what changes nothing is no step to undo"
    decisions.show_candidates(result_layers.candidates()[1:2])
    assert find(decisions, "precision").text() == "unknown"
    assert note.text() == ""
    assert stored(result_layers)[1].note == ""


def test_taking_back_a_decision_takes_back_the_signature(
    decisions: Any, result_layers: Any
) -> None:
    decisions.show_candidates(result_layers.candidates()[:1])
    find(decisions, "status_probable").trigger()
    find(decisions, "status_proposed").trigger()
    first = stored(result_layers)[0]
    assert (first.status, first.analyst, first.decided_at) == ("proposed", "", "")


def test_decision_keeps_what_the_end_of_the_run_brought(
    plugin: Callable[[str], Any], decisions: Any, result_layers: Any
) -> None:
    contract = plugin("model_core.contract")
    decisions.show_candidates(result_layers.candidates()[:1])
    result_layers.finish(contract.LocateResult(photos=(), provenance={"model_hash": "fa" * 32}))
    result_layers.settle()
    find(decisions, "status_confirmed").trigger()
    assert stored(result_layers)[0].model_hash == "fa" * 32


def test_undo_keeps_what_the_end_of_the_run_brought(
    plugin: Callable[[str], Any], decisions: Any, result_layers: Any
) -> None:
    contract = plugin("model_core.contract")
    decisions.show_candidates(result_layers.candidates()[:1])
    find(decisions, "status_confirmed").trigger()
    made_with = {"model_hash": "fa" * 32, "software_version": "9.8"}
    result_layers.finish(contract.LocateResult(photos=(), provenance=made_with))
    result_layers.settle()
    decisions.undo_action.trigger()
    first = stored(result_layers)[0]
    assert (first.status, first.analyst, first.decided_at) == ("proposed", "", "")
    assert (first.model_hash, first.software_version) == ("fa" * 32, "9.8")


def write_in_table(layers: Any, fid: int, **values: str) -> None:
    """Change a candidate as QGIS's own attribute table does."""
    layer = layers.candidates_layer
    layer.startEditing()
    for name, value in values.items():
        layer.changeAttributeValue(fid, layer.fields().indexOf(name), value)
    assert layer.commitChanges()


def test_undo_and_redo_keep_what_was_written_in_the_attribute_table(
    decisions: Any, result_layers: Any, answer_of: Callable[..., Any]
) -> None:
    result_layers.add_answer(answer_of("/p/b.jpg", 120))
    result_layers.settle()
    last = result_layers.candidates()[-1]
    decisions.show_candidates([last])
    find(decisions, "status_confirmed").trigger()
    write_in_table(result_layers, last.fid, note="the tower")
    decisions.undo_action.trigger()
    row = result_layers.store.candidates(last.fid - 1)[0]
    assert (row.status, row.analyst, row.note) == ("proposed", "", "the tower")
    decisions.redo_action.trigger()
    row = result_layers.store.candidates(last.fid - 1)[0]
    assert (row.status, row.analyst, row.note) == ("confirmed", "J. Smith", "the tower")
    assert result_layers.candidate(last.fid).note == "the tower"


def test_undo_leaves_a_decision_that_was_changed_since_and_says_so(
    decisions: Any, result_layers: Any
) -> None:
    said: list[str] = []
    decisions.warned.connect(said.append)
    first, second, _ = result_layers.candidates()
    decisions.show_candidates([first, second])
    find(decisions, "status_confirmed").trigger()
    write_in_table(result_layers, first.fid, status="rejected")
    decisions.undo_action.trigger()
    now = stored(result_layers)
    assert [row.status for row in now] == ["rejected", "proposed", "proposed"]
    assert [row.analyst for row in now] == ["J. Smith", "", ""]
    assert said == [
        "Mark as confirmed: what was changed elsewhere since is left alone (candidates: 1)."
    ]
    decisions.redo_action.trigger()
    assert [row.status for row in stored(result_layers)][:2] == ["rejected", "confirmed"]
    write_in_table(result_layers, second.fid, status="possible")
    decisions.undo_action.trigger()
    assert [row.status for row in stored(result_layers)][:2] == ["rejected", "possible"]
    assert decisions.undo_stack.count() == 0, "nothing is left to undo"


def test_nothing_can_be_decided_without_a_candidate(decisions: Any) -> None:
    assert not find(decisions, "status_confirmed").isEnabled()
    assert not find(decisions, "note").isEnabled()
    assert "Select a candidate" in find(decisions, "decidedBy").text()


def test_name_is_kept_in_the_settings(plugin: Callable[[str], Any], decisions: Any) -> None:
    analyst = find(decisions, "analyst")
    analyst.clear()
    type_into(analyst, "A. Jones")
    settings = plugin("settings").Settings()
    assert settings.analyst == "A. Jones"
    settings.analyst = "B. Miller"
    analyst.editingFinished.emit()
    assert settings.analyst == "B. Miller", "passing through the field changes nothing"
    decisions.show_candidates([])
    assert analyst.text() == "B. Miller"


def test_passing_through_the_note_leaves_the_notes_of_others(
    decisions: Any, result_layers: Any
) -> None:
    first, second, _ = result_layers.candidates()
    result_layers.write([dataclasses.replace(first, note="tower")])
    result_layers.write([dataclasses.replace(second, note="bridge")])
    decisions.show_candidates(result_layers.candidates()[:2])
    find(decisions, "note").editingFinished.emit()
    assert [candidate.note for candidate in stored(result_layers)] == ["tower", "bridge", ""]
    assert decisions.undo_stack.count() == 0
    type_into(find(decisions, "note"), "s")
    assert [candidate.note for candidate in stored(result_layers)] == ["towers", "towers", ""]


def test_half_a_note_outlives_what_else_is_done_of_its_candidate(
    decisions: Any, result_layers: Any
) -> None:
    from qgis.PyQt.QtTest import QTest

    decisions.show_candidates(result_layers.candidates()[:1])
    note = find(decisions, "note")
    QTest.keyClicks(note, "the church")
    find(decisions, "status_confirmed").trigger()
    assert note.text() == "the church"
    type_into(note, " tower")
    assert stored(result_layers)[0].note == "the church tower"
    QTest.keyClicks(note, " of")
    decisions.show_candidates(result_layers.candidates()[1:2])
    assert note.text() == ""


def test_file_that_cannot_be_written_is_said_and_not_undone(
    decisions: Any, result_layers: Any
) -> None:
    said: list[str] = []
    result_layers.failed.connect(said.append)
    decisions.show_candidates(result_layers.candidates()[:1])
    result_layers.store.path = result_layers.folder / "gone" / "analysis.gpkg"
    find(decisions, "status_confirmed").trigger()
    assert "analysis.gpkg" in said[0]
    assert decisions.undo_stack.count() == 0
    assert result_layers.candidates()[0].status == "proposed"


def test_digits_decide_in_the_table(
    plugin: Callable[[str], Any], decisions: Any, result_layers: Any, qgis_app: Any
) -> None:
    keys = {a.shortcut().toString(): status for status, a in decisions.status_actions.items()}
    assert keys == {
        "0": "proposed",
        "1": "confirmed",
        "2": "probable",
        "3": "possible",
        "4": "rejected",
    }


def mouse(canvas: Any, kind: Any, lon: float, lat: float) -> Any:
    from qgis.core import QgsPointXY
    from qgis.gui import QgsMapMouseEvent
    from qgis.PyQt.QtCore import QEvent, Qt

    pixel = canvas.getCoordinateTransform().transform(QgsPointXY(lon, lat))
    left = Qt.MouseButton.LeftButton
    place = pixel.toQPointF().toPoint()
    return QgsMapMouseEvent(canvas, getattr(QEvent.Type, kind), place, left, left)


@pytest.fixture
def canvas(project: Any) -> Iterator[Any]:
    from qgis.core import QgsCoordinateReferenceSystem, QgsRectangle
    from qgis.gui import QgsMapCanvas, QgsMapToolPan

    made = QgsMapCanvas()
    made.resize(400, 400)
    made.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    made.setExtent(QgsRectangle(13.39, 46.99, 13.41, 47.01))
    pan = QgsMapToolPan(made)
    made.setMapTool(pan)
    yield made
    made.deleteLater()


class Engine:
    """One that is asked for a thumbnail and never answers."""

    def call(self, method: str, params: Any, **listeners: Any) -> Any:
        return type("Call", (), {"is_finished": False, "cancel": lambda call: None})()


@pytest.fixture
def widget(
    plugin: Callable[[str], Any],
    qgis_app: Any,
    canvas: Any,
    settings_folder: Path,
    result_layers: Any,
    answer_of: Callable[..., Any],
) -> Iterator[Any]:
    settings = plugin("settings").Settings()
    made = plugin("gui.results").ResultsWidget(canvas, Engine(), settings)
    made.show_run(result_layers)
    result_layers.add_answer(answer_of("/p/a.jpg", 2))
    yield made
    made.release()
    made.deleteLater()
    qgis_app.processEvents()


def test_decision_made_with_a_key_in_the_table_is_undone_with_a_key(
    widget: Any, result_layers: Any, qgis_app: Any
) -> None:
    from qgis.PyQt.QtCore import Qt
    from qgis.PyQt.QtTest import QTest

    widget.show()
    qgis_app.setActiveWindow(widget)
    widget.table.setFocus()
    widget.table.selectRow(0)
    QTest.keyClick(widget.table, Qt.Key.Key_1)
    assert stored(result_layers)[0].status == "confirmed"
    held = Qt.KeyboardModifier.ControlModifier
    QTest.keyClick(widget.table, Qt.Key.Key_Z, held)
    assert stored(result_layers)[0].status == "proposed"
    QTest.keyClick(widget.table, Qt.Key.Key_Z, held | Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(widget.table, Qt.Key.Key_Shift)  # Qt takes Ctrl and Shift for held otherwise
    assert stored(result_layers)[0].status == "confirmed"


def test_candidate_is_dragged_on_the_map_and_put_back(
    widget: Any, canvas: Any, result_layers: Any
) -> None:
    from qgis.core import QgsPointXY

    pan = canvas.mapTool()
    widget.table.selectRow(0)
    widget.decisions.move_action.setChecked(True)
    tool = canvas.mapTool()
    assert tool is not pan
    tool.canvasPressEvent(mouse(canvas, "MouseButtonPress", 13.401, 47.0))
    tool.canvasMoveEvent(mouse(canvas, "MouseMove", 13.398, 47.002))
    tool.canvasReleaseEvent(mouse(canvas, "MouseButtonRelease", 13.395, 47.004))
    (first, *_) = stored(result_layers)
    assert first.lon == pytest.approx(13.395, abs=1e-4)
    assert first.lat == pytest.approx(47.004, abs=1e-4)
    assert (first.moved_from_lon, first.moved_from_lat) == (13.401, 47.0)
    result_layers.settle()
    views = {view["candidate"]: view for view in result_layers.views_layer.getFeatures()}
    box = views[first.fid].geometry().boundingBox()
    assert box.intersects(type(box)(QgsPointXY(first.lon, first.lat), box.center()))
    assert box.xMaximum() < 13.3965, "the wedge went along"
    assert canvas.mapTool() is pan, "one drag, then the map is as before"
    assert not widget.decisions.move_action.isChecked()
    widget.decisions.move_back_action.trigger()
    back = stored(result_layers)[0]
    assert (back.lon, back.lat, back.moved_from_lon) == (13.401, 47.0, None)
    widget.decisions.undo_action.trigger()
    assert stored(result_layers)[0].lon == pytest.approx(13.395, abs=1e-4)


def test_escape_ends_moving(widget: Any, canvas: Any, result_layers: Any) -> None:
    from qgis.PyQt.QtCore import QEvent, Qt
    from qgis.PyQt.QtGui import QKeyEvent

    before, pan = stored(result_layers), canvas.mapTool()
    items = len(canvas.scene().items())
    widget.table.selectRow(0)
    widget.decisions.move_action.setChecked(True)
    tool = canvas.mapTool()
    tool.canvasPressEvent(mouse(canvas, "MouseButtonPress", 13.401, 47.0))
    escape = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier)
    tool.keyPressEvent(escape)
    assert stored(result_layers) == before
    assert canvas.mapTool() is pan
    assert not widget.decisions.move_action.isChecked()
    assert len(canvas.scene().items()) == items, "nothing is left on the map"


def wait_for_deletion() -> None:
    from qgis.PyQt.QtCore import QCoreApplication, QEvent

    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_tool_that_was_chosen_while_moving_stays(widget: Any, canvas: Any) -> None:
    from qgis.gui import QgsMapToolZoom

    widget.table.selectRow(0)
    widget.decisions.move_action.setChecked(True)
    zoom = QgsMapToolZoom(canvas, False)
    canvas.setMapTool(zoom)
    assert not widget.decisions.move_action.isChecked()
    assert canvas.mapTool() is zoom
    widget.decisions.move_action.setChecked(True)
    zoom.deleteLater()
    del zoom
    wait_for_deletion()
    widget.decisions.move_action.setChecked(False)
    assert canvas.mapTool() is None, "the tool before is gone"


def test_area_is_drawn_while_a_candidate_is_being_moved(
    plugin: Callable[[str], Any], widget: Any, canvas: Any
) -> None:
    from qgis.PyQt.QtCore import QEvent, Qt
    from qgis.PyQt.QtGui import QKeyEvent

    pan = canvas.mapTool()
    iface = types.SimpleNamespace(mapCanvas=lambda: canvas, activeLayer=lambda: None)
    picker = plugin("gui.area_picker").AreaPicker(iface)
    widget.table.selectRow(0)
    widget.decisions.move_action.setChecked(True)
    picker.draw_polygon()
    wait_for_deletion()
    assert not widget.decisions.move_action.isChecked()
    tool = canvas.mapTool()
    for lon, lat in ((13.395, 46.995), (13.405, 46.995), (13.405, 47.005)):
        tool.canvasReleaseEvent(mouse(canvas, "MouseButtonRelease", lon, lat))
    enter = (QEvent.Type.KeyPress, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
    tool.keyPressEvent(QKeyEvent(*enter))
    assert picker.area is not None
    assert canvas.mapTool() is pan
    picker.remove()
    picker.deleteLater()
