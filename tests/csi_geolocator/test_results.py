"""The tab "Results": table and map linked, answers in words, thousands of candidates."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

MOST_BUSY_S = 0.1


@pytest.fixture
def canvas(project: Any) -> Iterator[Any]:
    from qgis.core import QgsCoordinateReferenceSystem, QgsRectangle
    from qgis.gui import QgsMapCanvas

    made = QgsMapCanvas()
    made.resize(400, 300)
    made.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    made.setExtent(QgsRectangle(13.39, 46.99, 13.41, 47.01))
    yield made
    made.deleteLater()


@pytest.fixture
def settings(plugin: Callable[[str], Any], settings_folder: Path) -> Any:
    made = plugin("settings").Settings()
    made.analyst = "J. Smith"
    return made


@pytest.fixture
def engine(plugin: Callable[[str], Any], fake_engine: Callable[..., Any]) -> Iterator[Any]:
    client = plugin("engine.client").EngineClient(lambda: fake_engine("good"))
    yield client
    client.stop()


@pytest.fixture
def widget(
    plugin: Callable[[str], Any],
    qgis_app: Any,
    canvas: Any,
    engine: Any,
    settings: Any,
    result_layers: Any,
) -> Iterator[Any]:
    made = plugin("gui.results").ResultsWidget(canvas, engine, settings)
    made.resize(460, 800)
    made.show()
    made.show_run(result_layers)
    yield made
    made.release()
    made.deleteLater()
    qgis_app.processEvents()


def find(widget: Any, name: str) -> Any:
    from qgis.PyQt.QtCore import QObject

    found = widget.findChild(QObject, name)
    assert found is not None, name
    return found


def choose(combo: Any, data: str) -> None:
    combo.setCurrentIndex(combo.findData(data))


def shown(widget: Any) -> list[tuple[str, int]]:
    model = widget.table.candidates
    rows = [model.candidate_at(row) for row in range(model.rowCount())]
    return [(candidate.photo, candidate.rank) for candidate in rows]


def test_before_a_run_it_says_what_to_do(
    plugin: Callable[[str], Any], canvas: Any, engine: Any, settings: Any
) -> None:
    widget = plugin("gui.results").ResultsWidget(canvas, engine, settings)
    assert "Choose photos and an area" in find(widget, "noResults").text()
    widget.export()
    widget.compare_current()
    widget.deleteLater()


def test_answers_appear_as_they_come(widget: Any, answer_of: Callable[..., Any]) -> None:
    widget.layers.add_answer(answer_of("/p/b.jpg", 2))
    assert shown(widget) == [("b.jpg", 1), ("b.jpg", 2)]
    assert "In this area (90 %)" in find(widget, "photoVerdict").text()
    widget.layers.add_answer(answer_of("/p/a.jpg", 1))
    assert shown(widget) == [("a.jpg", 1), ("b.jpg", 1), ("b.jpg", 2)]
    photos = find(widget, "photoFilter")
    assert [photos.itemText(row) for row in range(3)] == [
        "All photos (2)",
        "b.jpg (90 %)",
        "a.jpg (90 %)",
    ]


def test_card_says_the_answer_in_words(
    plugin: Callable[[str], Any], widget: Any, answer_of: Callable[..., Any]
) -> None:
    contract = plugin("model_core.contract")
    widget.layers.add_answer(answer_of("/p/a.jpg", 2))
    widget.layers.add_answer(
        answer_of("/p/far.jpg", 1, elsewhere=0.87, notes=("cropped", "cropped"))
    )
    widget.layers.add_answer(
        contract.PhotoAnswer("/p/x.jpg", error="/p/x.jpg: no picture; copy it anew")
    )
    photos = find(widget, "photoFilter")
    choose(photos, "/p/a.jpg")
    assert find(widget, "photoBest").text() == (
        "Best: 45 % at 47.000000° N, 13.401000° E, looking north-east (40° ± 5°)."
    )
    choose(photos, "/p/far.jpg")
    assert "Probably not in this area (87 %)" in find(widget, "photoVerdict").text()
    assert find(widget, "photoBest").text().startswith("Best of weak guesses: 6 %")
    assert find(widget, "photoNotes").text() == "• cropped"
    choose(photos, "/p/x.jpg")
    assert "Could not be located" in find(widget, "photoVerdict").text()
    assert find(widget, "photoBest").text() == "/p/x.jpg: no picture; copy it anew"


def test_end_of_the_run_shows_attribution_and_the_models_limits(
    plugin: Callable[[str], Any], widget: Any, answer_of: Callable[..., Any]
) -> None:
    contract = plugin("model_core.contract")
    widget.layers.add_answer(answer_of("/p/a.jpg", 1))
    widget.layers.finish(
        contract.LocateResult(
            photos=(),
            attributions=("© Open View",),
            notes=("the model was trained on rendered cities only",),
        )
    )
    widget.layers.settle()
    said = find(widget, "attribution").text()
    assert "trained on rendered cities" in said
    assert "Sources: © Open View" in said
    find(widget, "showModelCard").click()
    card = find(widget, "modelCardText").toPlainText()
    assert "Rendered cities only" in card


def test_only_photo_of_a_run_is_chosen_at_its_end(
    plugin: Callable[[str], Any], widget: Any, answer_of: Callable[..., Any]
) -> None:
    contract = plugin("model_core.contract")
    widget.layers.add_answer(answer_of("/p/a.jpg", 1))
    assert find(widget, "photoFilter").currentData() == ""
    widget.layers.finish(contract.LocateResult(photos=()))
    widget.layers.settle()
    assert find(widget, "photoFilter").currentData() == "/p/a.jpg"


def test_thumbnail_is_turned_and_cropped_as_in_the_run(
    plugin: Callable[[str], Any],
    widget: Any,
    project: Any,
    run_of: Callable[..., Any],
    answer_of: Callable[..., Any],
    photo_file: Callable[..., Path],
    wait_until: Callable[..., None],
) -> None:
    path = photo_file(size=(64, 48))
    edits = {str(path): {"turn_deg": 90, "top": 0.5}}
    layers = plugin("layers.run").ResultLayers(project, run_of(edits=edits))
    widget.show_run(layers)
    widget.layers.add_answer(answer_of(path, 1))
    label = find(widget, "photoThumbnail")
    wait_until(lambda: label.pixmap() is not None and not label.pixmap().isNull())
    size = label.pixmap().size()
    assert size.width() / size.height() == pytest.approx(48 / 32, rel=0.03)


def test_photo_that_qt_cannot_read_comes_from_the_engine(
    widget: Any, answer_of: Callable[..., Any], tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    path = tmp_path / "phone.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic")
    widget.layers.add_answer(answer_of(path, 1))
    label = find(widget, "photoThumbnail")
    wait_until(lambda: label.pixmap() is not None and not label.pixmap().isNull())


def test_filters_choose_photo_and_decision(widget: Any, answer_of: Callable[..., Any]) -> None:
    widget.layers.add_answer(answer_of("/p/a.jpg", 2))
    widget.layers.add_answer(answer_of("/q/a.jpg", 3))
    choose(find(widget, "photoFilter"), "/q/a.jpg")
    assert len(shown(widget)) == 3
    assert widget.table.isColumnHidden(0)
    widget.table.selectRow(1)
    widget.decisions.decide("rejected")
    choose(find(widget, "statusFilter"), "rejected")
    assert shown(widget) == [("a.jpg", 2)]
    choose(find(widget, "photoFilter"), "")
    choose(find(widget, "statusFilter"), "")
    find(widget, "nextPhoto").click()
    assert len(shown(widget)) == 2


def test_map_shows_the_chosen_photo_unless_told_otherwise(
    widget: Any, answer_of: Callable[..., Any]
) -> None:
    from qgis.core import QgsExpressionContextUtils

    def map_photo() -> str:
        scope = QgsExpressionContextUtils.layerScope(widget.layers.candidates_layer)
        return scope.variable("csi_photo") or ""

    widget.layers.add_answer(answer_of("/p/a.jpg", 2))
    widget.layers.add_answer(answer_of("/p/b.jpg", 2))
    assert map_photo() == ""
    choose(find(widget, "photoFilter"), "/p/b.jpg")
    assert map_photo() == "/p/b.jpg"
    find(widget, "onlyThisPhoto").setChecked(False)
    assert map_photo() == ""


def test_titles_sort(widget: Any, answer_of: Callable[..., Any]) -> None:
    from qgis.PyQt.QtCore import Qt

    widget.layers.add_answer(answer_of("/p/a.jpg", 12))
    names = [column.name for column in widget.table.candidates.columns]
    widget.table.selectRow(0)
    widget.table.sortByColumn(names.index("rank"), Qt.SortOrder.DescendingOrder)
    assert [rank for _, rank in shown(widget)] == list(range(12, 0, -1))
    assert widget.table.selected()[0].rank == 1, "the selection goes with its candidate"
    widget.table.sortByColumn(names.index("probability"), Qt.SortOrder.AscendingOrder)
    assert shown(widget)[0] == ("a.jpg", 12)


def test_row_selects_on_the_map_and_is_brought_into_view(
    widget: Any, canvas: Any, answer_of: Callable[..., Any]
) -> None:
    from qgis.core import QgsPointXY

    widget.layers.add_answer(answer_of("/p/a.jpg", 30))
    layer = widget.layers.candidates_layer
    before = canvas.extent().center()
    widget.table.selectRow(1)
    assert layer.selectedFeatureIds() == [widget.table.selected()[0].fid]
    assert canvas.extent().center() == before, "what is in view already moves nothing"
    widget.table.selectRow(29)
    assert canvas.extent().contains(QgsPointXY(13.43, 47.0))
    assert layer.selectedFeatureIds() == [widget.table.selected()[0].fid]


def test_selection_on_the_map_selects_rows(widget: Any, answer_of: Callable[..., Any]) -> None:
    widget.layers.add_answer(answer_of("/p/a.jpg", 5))
    layer = widget.layers.candidates_layer
    fids = [candidate.fid for candidate in widget.layers.candidates()]
    layer.selectByIds([fids[1], fids[2], fids[4]])
    assert [candidate.rank for candidate in widget.table.selected()] == [2, 3, 5]
    assert widget.table.current().rank == 2
    assert layer.selectedFeatureCount() == 3, "the table does not narrow the map's selection"
    layer.removeSelection()
    assert widget.table.selected() == []


def test_selection_outlives_new_answers_and_decisions(
    widget: Any, answer_of: Callable[..., Any]
) -> None:
    widget.layers.add_answer(answer_of("/p/a.jpg", 5))
    widget.table.selectRow(3)
    chosen = widget.layers.candidates_layer.selectedFeatureIds()
    widget.decisions.decide("possible")
    widget.layers.add_answer(answer_of("/p/b.jpg", 5))
    widget.layers.settle()
    assert widget.layers.candidates_layer.selectedFeatureIds() == chosen
    assert [candidate.rank for candidate in widget.table.selected()] == [4]
    assert widget.decisions.status_actions["possible"].isChecked()


def test_layers_taken_away_leave_the_table(widget: Any, project: Any, answer_of: Any) -> None:
    widget.layers.add_answer(answer_of("/p/a.jpg", 2))
    project.clear()
    widget.table.selectRow(1)
    widget.decisions.decide("confirmed")
    widget.layers.add_answer(answer_of("/p/b.jpg", 1))
    assert len(shown(widget)) == 3
    assert widget.layers.store.candidates()[1].status == "confirmed"


def test_earlier_results_are_opened(
    widget: Any, project: Any, answer_of: Callable[..., Any]
) -> None:
    widget.layers.add_answer(answer_of("/p/a.jpg", 120))
    widget.layers.settle()
    path = widget.layers.store.path
    project.clear()
    widget.open_earlier(path)
    widget.layers.settle()
    assert len(shown(widget)) == 120
    assert find(widget, "photoFilter").itemText(1) == "a.jpg (90 %)"


@pytest.mark.parametrize("broken_off", [False, True])
def test_answers_go_to_their_own_run_while_earlier_results_are_open(
    plugin: Callable[[str], Any],
    result_layers: Any,
    project: Any,
    canvas: Any,
    engine: Any,
    settings: Any,
    answer_of: Callable[..., Any],
    broken_off: bool,
) -> None:
    contract = plugin("model_core.contract")
    result_layers.add_answer(answer_of("/p/old.jpg", 2))
    result_layers.settle()
    earlier = result_layers.store.path
    results = plugin("gui.run_results").RunResults(canvas, engine, settings)
    params = contract.LocateParams(
        photos=("/p",), area="13.4,46.9,13.5,47.1", out=str(earlier.parent / "new")
    )
    Path(params.out).mkdir()
    results.begin(project, params, "2026-03-08T10:20:30+00:00", {})
    results.break_off()  # before its first answer a run has nothing to offer
    assert results.layers is None
    results.add(answer_of("/p/a.jpg", 1))
    table = find(results, "resultsWidget")
    table.open_earlier(earlier)
    table.layers.settle()
    results.add(answer_of("/p/b.jpg", 1))
    if broken_off:
        results.break_off()
    else:
        results.finish(contract.LocateResult(photos=(answer_of("/p/c.jpg", 1),)))
    found = ["a.jpg", "b.jpg"] if broken_off else ["a.jpg", "b.jpg", "c.jpg"]
    results.layers.settle()
    assert [record.path for record in result_layers.store.photos()] == ["/p/old.jpg"]
    assert [record.name for record in results.layers.store.photos()] == found
    assert [name for name, _ in shown(table)] == ["old.jpg", "old.jpg"]
    assert "The run has ended" in find(table, "resultMessages").text()
    find(table, "showEndedRun").click()
    table.layers.settle()
    assert [name for name, _ in shown(table)] == found
    assert find(table, "resultMessages").text() == ""
    results.remove()
    results.deleteLater()


def test_run_that_is_shown_is_not_offered(widget: Any) -> None:
    widget.offer_run(widget.layers)
    assert find(widget, "resultMessages").isHidden()


def test_file_that_holds_no_results_is_named_until_the_message_is_closed(
    widget: Any, tmp_path: Path
) -> None:
    message = find(widget, "resultMessages")
    widget.open_earlier(tmp_path / "gone.gpkg")
    assert "gone.gpkg" in message.text()
    assert "it is not there" in message.text()
    (tmp_path / "notes.txt").write_text("no results")
    widget.open_earlier(tmp_path / "notes.txt")
    assert "it is no GeoPackage" in message.text()
    assert message.isVisible()
    assert find(widget, "showEndedRun").isHidden()
    find(widget, "closeResultMessage").click()
    assert message.isHidden()


def test_message_goes_once_other_results_are_shown(
    widget: Any, result_layers: Any, tmp_path: Path
) -> None:
    widget.open_earlier(tmp_path / "gone.gpkg")
    widget.show_run(result_layers)
    assert find(widget, "resultMessages").isHidden()


def test_results_fit_a_low_screen(widget: Any, answer_of: Callable[..., Any]) -> None:
    widget.layers.add_answer(answer_of("/p/a.jpg", 9))
    assert widget.minimumSizeHint().height() < 300
    page = find(widget, "resultPage")
    widget.resize(widget.minimumSizeHint().width(), 300)
    assert page.viewport().width() >= page.widget().minimumSizeHint().width()
    assert find(page, "candidateTable").height() > 80


def test_column_of_points_names_the_threshold_of_strong_evidence(
    plugin: Callable[[str], Any], widget: Any
) -> None:
    tips = {column.name: column.tip for column in widget.table.candidates.columns}
    assert str(plugin("wording").CERTAIN_INLIERS) in tips["inliers"]


def test_viewers_open_at_the_heading(
    plugin: Callable[[str], Any],
    widget: Any,
    answer_of: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[str] = []
    desktop = plugin("gui.results").QDesktopServices
    monkeypatch.setattr(desktop, "openUrl", lambda url: opened.append(url.toString()))
    widget.layers.add_answer(answer_of("/p/a.jpg", 2))
    assert not find(widget, "openInViewer").isEnabled()
    widget.table.selectRow(1)
    assert find(widget, "openInViewer").isEnabled()
    for viewer in plugin("gui.viewers").VIEWERS:
        find(widget, f"openIn_{viewer.name.replace(' ', '')}").trigger()
    assert len(opened) == 7
    assert all(address.startswith("https://") for address in opened)
    assert all("47.0" in address and "13.402" in address for address in opened)
    street_view = opened[0]
    assert "heading=80" in street_view
    assert "fov=60" in street_view


def test_every_control_explains_itself(widget: Any) -> None:
    from qgis.PyQt.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QWidget

    silent = []
    for kind in (QAbstractButton, QComboBox, QLineEdit):
        for control in widget.findChildren(kind):
            own = control.objectName() and not control.objectName().startswith("qt_")
            inside = any(
                isinstance(parent, QWidget) and parent.metaObject().className().startswith("Qgs")
                for parent in (control.parent(),)
            )
            if own and not inside and not control.toolTip():
                silent.append(control.objectName())
    assert silent == []


@pytest.fixture
def own_garbage() -> Iterator[None]:
    """Let Python collect what the test makes, not what the other tests hold."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


class BusyMeter:
    """Measures how long the main thread computes between two turns of the event loop.

    What counts is the processor time of this thread, so that other programs on its core do not;
    the time on the wall is told beside it.
    """

    def __init__(self, qgis_app: Any) -> None:
        self._app = qgis_app
        self._turns_s: list[tuple[float, float]] = []

    @property
    def worst_s(self) -> float:
        """The longest turn."""
        return max(busy for busy, _ in self._turns_s)

    def tell(self, what: str) -> None:
        """Print the longest turn; ``pytest -s`` shows it."""
        wall_s = max(wall for _, wall in self._turns_s)
        print(
            f"{what}: {len(self._turns_s)} turns, the longest {self.worst_s * 1e3:.0f} ms of "
            f"processor time, {wall_s * 1e3:.0f} ms on the wall"
        )

    def turn(self, *actions: Callable[[], Any]) -> None:
        for do in actions:
            busy_s, wall_s = time.thread_time(), time.perf_counter()
            do()
            self._turns_s.append((time.thread_time() - busy_s, time.perf_counter() - wall_s))

    def settle(self, is_done: Callable[[], bool]) -> None:
        """Run the event loop; what counts is how long a timer of no wait has to wait."""
        from qgis.PyQt.QtCore import QTimer

        last_s = (time.thread_time(), time.perf_counter())

        def tick() -> None:
            nonlocal last_s
            now_s = (time.thread_time(), time.perf_counter())
            self._turns_s.append((now_s[0] - last_s[0], now_s[1] - last_s[1]))
            last_s = now_s

        timer = QTimer()
        timer.timeout.connect(tick)
        timer.start(0)
        deadline = time.monotonic() + 120.0
        while not is_done():
            assert time.monotonic() < deadline
            self._app.processEvents()
        timer.stop()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_hundred_photos_and_five_thousand_candidates_stay_quick(
    widget: Any, qgis_app: Any, answer_of: Callable[..., Any], own_garbage: None
) -> None:
    from qgis.PyQt.QtCore import Qt

    answers = [answer_of(f"/p/{number:03}.jpg", 25) for number in range(200)]
    meter = BusyMeter(qgis_app)
    meter.turn(qgis_app.processEvents)  # a panel that opens is a turn of its own
    for answer in answers:
        meter.turn(lambda answer=answer: widget.layers.add_answer(answer))
        meter.turn(qgis_app.processEvents)
    model, layer = widget.table.candidates, widget.layers.candidates_layer
    meter.settle(lambda: model.rowCount() == 5000)
    fids = [candidate.fid for candidate in widget.layers.candidates()]
    table, photos, events = widget.table, find(widget, "photoFilter"), qgis_app.processEvents
    clicks = [
        lambda column=column: table.sortByColumn(column, Qt.SortOrder(1))
        for column in range(model.columnCount())
    ]
    meter.tell("200 photos of 25 candidates come in")
    streamed_s = meter.worst_s
    meter = BusyMeter(qgis_app)
    meter.turn(*clicks, events)
    for chosen in (fids, fids[::2], fids[:1]):
        meter.turn(lambda chosen=chosen: layer.selectByIds(chosen), events, table.clearSelection)
    meter.turn(table.selectAll, table.clearSelection)
    meter.turn(lambda: choose(photos, "/p/100.jpg"), events, lambda: choose(photos, ""), events)
    meter.tell("sorted, selected, filtered")
    assert streamed_s < MOST_BUSY_S
    assert meter.worst_s < MOST_BUSY_S


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_one_answer_of_five_thousand_candidates_stays_quick(
    widget: Any, qgis_app: Any, answer_of: Callable[..., Any], own_garbage: None
) -> None:
    answer = answer_of("/p/a.jpg", 5000)
    meter = BusyMeter(qgis_app)
    meter.turn(qgis_app.processEvents)
    meter.turn(lambda: widget.layers.add_answer(answer))
    meter.settle(lambda: widget.table.candidates.rowCount() == 5000)
    assert [record.path for record in widget.layers.store.photos()] == ["/p/a.jpg"]
    meter.tell("one answer of 5,000 candidates")
    assert meter.worst_s < MOST_BUSY_S
