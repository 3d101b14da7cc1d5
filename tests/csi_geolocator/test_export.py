"""Data, copies of photos and reports for others."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def results(result_layers: Any, answer_of: Callable[..., Any], photo_file: Any) -> Any:
    """Two photos with five candidates, one of which is rejected."""
    result_layers.add_answer(answer_of(photo_file("a.jpg"), 3))
    result_layers.add_answer(answer_of(photo_file("b.jpg"), 2))
    (first, *_) = result_layers.candidates()
    result_layers.write([dataclasses.replace(first, status="rejected")])
    result_layers.settle()
    return result_layers


def export(plugin: Callable[[str], Any], results: Any, target: Path, **selection: Any) -> int:
    module = plugin("layers.export")
    kind = next(kind for kind in module.FORMATS if kind.suffix == target.suffix)
    chosen = module.Selection(**selection).of(results.candidates())
    module.export_candidates(chosen, target, kind)
    return len(chosen)


def test_geojson_holds_what_was_chosen(
    plugin: Callable[[str], Any], results: Any, tmp_path: Path
) -> None:
    target = tmp_path / "out.geojson"
    path = next(iter(results.photos))
    count = export(plugin, results, target, photo_paths=(path,), statuses=("proposed", "confirmed"))
    features = json.loads(target.read_text(encoding="utf-8"))["features"]
    assert count == len(features) == 2
    assert {f["properties"]["photo"] for f in features} == {"a.jpg"}
    assert features[0]["geometry"]["coordinates"] == [13.402, 47.0]
    assert str(tmp_path) not in target.read_text(encoding="utf-8"), "no path of this computer"


def test_selected_rows_alone(plugin: Callable[[str], Any], results: Any, tmp_path: Path) -> None:
    fids = tuple(candidate.fid for candidate in results.candidates()[1:3])
    target = tmp_path / "out.csv"
    assert export(plugin, results, target, fids=fids) == 2
    with target.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["rank"] for row in rows] == ["2", "3"]
    assert [float(row["X"]) for row in rows] == [13.402, 13.403]


def test_geopackage_brings_wedges_and_styles_that_work_elsewhere(
    plugin: Callable[[str], Any], results: Any, tmp_path: Path
) -> None:
    from qgis.core import QgsMapRendererParallelJob, QgsMapSettings, QgsVectorLayer
    from qgis.PyQt.QtCore import QSize
    from qgis.PyQt.QtGui import QColor

    target = tmp_path / "out.gpkg"
    assert export(plugin, results, target) == 5
    for table in ("candidates", "fields_of_view"):
        layer = QgsVectorLayer(f"{target}|layername={table}", table, "ogr")
        assert layer.featureCount() == 5
        assert layer.renderer().type() == "RuleRenderer"
        settings = QgsMapSettings()
        settings.setLayers([layer])
        settings.setDestinationCrs(layer.crs())
        settings.setOutputSize(QSize(200, 80))
        settings.setBackgroundColor(QColor("white"))
        settings.setExtent(layer.extent().buffered(0.0005))
        job = QgsMapRendererParallelJob(settings)
        job.start()
        job.waitForFinished()
        image = job.renderedImage()
        drawn = [image.pixelColor(x, y).name() for x in range(200) for y in range(80)]
        assert any(colour != "#ffffff" for colour in drawn), table


def test_kml_names_its_places(plugin: Callable[[str], Any], results: Any, tmp_path: Path) -> None:
    target = tmp_path / "out.kml"
    export(plugin, results, target, statuses=("proposed",))
    text = target.read_text(encoding="utf-8")
    assert "<name>a.jpg, rank 2 (22 %)</name>" in text
    assert "heading 80°, proposed" in text


def test_nothing_chosen_and_no_place_to_write_are_said(
    plugin: Callable[[str], Any], results: Any, tmp_path: Path
) -> None:
    error = plugin("layers.export").ExportError
    with pytest.raises(error, match="choose more photos or decisions"):
        export(plugin, results, tmp_path / "out.csv", statuses=("confirmed",))
    with pytest.raises(error, match=r"gone.*choose another folder"):
        export(plugin, results, tmp_path / "gone" / "out.csv")
    with pytest.raises(error, match="holds the results of a run"):
        export(plugin, results, results.store.path)
    assert list(tmp_path.glob("**/*partial*")) == []


@pytest.fixture
def dialog_of(
    plugin: Callable[[str], Any],
    qgis_app: Any,
    fake_engine: Callable[..., Any],
    results: Any,
) -> Iterator[Callable[..., Any]]:
    from qgis.core import QgsCoordinateReferenceSystem
    from qgis.gui import QgsMapCanvas
    from qgis.PyQt import sip

    canvas = QgsMapCanvas()
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    engine = plugin("engine.client").EngineClient(lambda: fake_engine("good"))
    pictures = plugin("gui.picture_loader").PictureLoader(engine)
    made: list[Any] = []

    def make(comparison: Any = None, layers: Any = results) -> Any:
        layers.settle()
        (candidate, *_) = layers.candidates()
        made.append(
            plugin("gui.export_dialog").ExportDialog(
                layers, candidate, [candidate], engine, pictures, canvas, comparison
            )
        )
        made[-1].show()
        return made[-1]

    make.pictures = pictures
    yield make
    engine.stop()
    for widget in (*made, canvas):
        if not sip.isdeleted(widget):
            widget.deleteLater()
    qgis_app.processEvents()


def find(widget: Any, name: str) -> Any:
    from qgis.PyQt.QtCore import QObject

    return widget.findChild(QObject, name)


def ended(dialog: Any) -> bool:
    return not find(dialog, "exportProgress").isVisible()


def test_dialog_writes_data_without_waiting(
    dialog_of: Callable[..., Any], tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    dialog = dialog_of()
    find(dialog, "exportFormat").setCurrentIndex(3)
    file = find(dialog, "exportDataFile")
    assert file.filePath().endswith("candidates_export.csv")
    file.setFilePath(str(tmp_path / "mine.csv"))
    assert not find(dialog, "exportStatus_rejected").isChecked()
    find(dialog, "exportData").click()
    assert not ended(dialog)
    wait_until(lambda: ended(dialog))
    assert find(dialog, "exportState").text() == f"4 candidates written to {tmp_path / 'mine.csv'}"
    assert len((tmp_path / "mine.csv").read_text().splitlines()) == 5


def drag(widget: Any, start: tuple, end: tuple) -> None:
    from qgis.PyQt.QtCore import QPoint, Qt
    from qgis.PyQt.QtTest import QTest

    area = widget._area()
    first, last = (
        QPoint(int(area.left() + x * area.width()), int(area.top() + y * area.height()))
        for x, y in (start, end)
    )
    left = Qt.MouseButton.LeftButton
    QTest.mousePress(widget, left, pos=first)
    QTest.mouseMove(widget, last)
    QTest.mouseRelease(widget, left, pos=last)


def test_copy_is_asked_for_as_chosen(
    dialog_of: Callable[..., Any],
    fake_engine: Callable[..., Any],
    results: Any,
    tmp_path: Path,
    wait_until: Callable[..., None],
) -> None:
    dialog = dialog_of()
    find(dialog, "exportTabs").setCurrentIndex(1)
    regions = find(dialog, "regionPicker")
    wait_until(lambda: not regions._image.isNull())
    drag(regions, (0.25, 0.25), (0.5, 0.75))
    drag(regions, (0.6, 0.1), (0.9, 0.2))
    from qgis.PyQt.QtCore import Qt
    from qgis.PyQt.QtTest import QTest

    QTest.keyClick(regions, Qt.Key.Key_Delete)
    find(dialog, "copyRounding").setCurrentIndex(2)
    find(dialog, "copyStrip").setChecked(True)
    find(dialog, "copyHeading").setChecked(False)
    find(dialog, "copyFile").setFilePath(str(tmp_path / "copy.jpg"))
    find(dialog, "copyExport").click()
    wait_until(lambda: ended(dialog))
    assert find(dialog, "exportState").text().startswith(f"Written: {tmp_path / 'copy.jpg'}")
    (asked,) = [r["params"] for r in fake_engine.requests() if r["method"] == "export_photo"]
    (region,) = asked["blur"]
    assert region["left"] == pytest.approx(0.25, abs=0.01)
    assert region["bottom"] == pytest.approx(0.75, abs=0.01)
    assert (asked["decimals"], asked["strip_metadata"]) == (4, True)
    assert "heading_deg" not in asked
    assert (asked["lon"], asked["lat"]) == (13.401, 47.0)


def test_copy_of_a_photo_cropped_aside_carries_no_heading_of_the_crop(
    dialog_of: Callable[..., Any], results: Any
) -> None:
    results.settle()
    path = results.candidates()[0].photo_path
    for edit, writes in (
        ({"left": 0.2, "right": 0.8, "top": 0.5}, True),
        ({"left": 0.0, "right": 0.5}, False),
    ):
        params = dataclasses.replace(results.run.params, edits={path: edit})
        results.run = dataclasses.replace(results.run, params=params)
        heading = find(dialog_of(), "copyHeading")
        assert heading.isEnabled() is heading.isChecked() is writes
        assert ("cropped" in heading.toolTip()) is not writes


@pytest.mark.parametrize("name", ["exportData", "copyExport", "reportExport"])
def test_dialog_that_is_closed_early_hears_nothing_any_more(
    dialog_of: Callable[..., Any],
    wait_until: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    from qgis.core import QgsApplication
    from qgis.PyQt.QtCore import QCoreApplication, QEvent, Qt

    raised: list[Any] = []
    monkeypatch.setattr("sys.excepthook", lambda *error: raised.append(error))
    dialog = dialog_of()
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    find(dialog, name).click()
    call = dialog._pages[1]._call
    dialog.close()
    del dialog
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    wait_until(lambda: call is None or call.is_finished)
    wait_until(lambda: not dialog_of.pictures._waiting)
    wait_until(lambda: QgsApplication.taskManager().countActiveTasks() == 0)
    QCoreApplication.processEvents()
    assert raised == []


PAGES = pytest.mark.parametrize(
    ("page", "field", "name"),
    [
        (0, "exportDataFile", "exportData"),
        (1, "copyFile", "copyExport"),
        (2, "reportFile", "reportExport"),
    ],
)


@PAGES
def test_file_that_is_there_is_replaced_only_once_a_person_agreed(
    dialog_of: Callable[..., Any],
    wait_until: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    page: int,
    field: str,
    name: str,
) -> None:
    from qgis.PyQt.QtWidgets import QMessageBox

    dialog = dialog_of()
    find(dialog, "exportTabs").setCurrentIndex(page)
    target = Path(find(dialog, field).filePath())
    target.write_text("of another candidate")
    asked: list[str] = []
    answers = [QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes]
    monkeypatch.setattr(
        QMessageBox, "question", lambda _p, _t, words, *_: asked.append(words) or answers.pop(0)
    )
    find(dialog, name).click()
    assert asked == [f"{target} is there already. Replace it?"]
    assert find(dialog, "exportState").text() == ""
    assert target.read_text() == "of another candidate"
    find(dialog, name).click()
    wait_until(lambda: ended(dialog))
    assert str(target) in find(dialog, "exportState").text()


@PAGES
def test_each_page_writes_by_return_and_asks_for_a_file(
    dialog_of: Callable[..., Any], page: int, field: str, name: str
) -> None:
    from qgis.PyQt.QtCore import Qt
    from qgis.PyQt.QtTest import QTest

    dialog = dialog_of()
    find(dialog, "exportTabs").setCurrentIndex(page)
    find(dialog, field).setFilePath("")
    assert find(dialog, name).isDefault()
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    state = find(dialog, "exportState")
    assert (state.kind, state.text()) == ("error", "Choose a file to write.")


def test_what_was_written_is_told_from_what_failed(
    dialog_of: Callable[..., Any], tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    dialog = dialog_of()
    (tmp_path / "file").write_text("no folder")
    for path, kind in (
        (tmp_path / "file" / "a.geojson", "error"),
        (tmp_path / "a.geojson", "well"),
    ):
        find(dialog, "exportDataFile").setFilePath(str(path))
        find(dialog, "exportData").click()
        wait_until(lambda: ended(dialog))
        assert find(dialog, "exportState").kind == kind


def test_files_of_several_candidates_have_names_of_their_own(dialog_of: Callable[..., Any]) -> None:
    dialog = dialog_of()
    names = [Path(find(dialog, name).filePath()).name for name in ("copyFile", "reportFile")]
    assert names == ["a_rank1_located.jpg", "a_rank1_report.pdf"]


def test_photo_itself_is_never_the_target(
    dialog_of: Callable[..., Any], fake_engine: Callable[..., Any], results: Any
) -> None:
    dialog = dialog_of()
    photo = results.candidates()[0].photo_path
    find(dialog, "copyFile").setFilePath(photo)
    find(dialog, "copyExport").click()
    assert "is the photo itself" in find(dialog, "exportState").text()
    assert fake_engine.requests() == []


@pytest.mark.parametrize("suffix", [".pdf", ".html"])
def test_report_is_one_file_with_everything_on_it(
    plugin: Callable[[str], Any],
    dialog_of: Callable[..., Any],
    results: Any,
    tmp_path: Path,
    wait_until: Callable[..., None],
    suffix: str,
) -> None:
    contract = plugin("model_core.contract")
    end = {"attributions": ("© Open View",), "notes": ("trained on rendered cities only",)}
    made_with = {"model_hash": "fa" * 32, "software_version": "1.2.3"}
    results.finish(contract.LocateResult(photos=(), provenance=made_with, **end))
    results.settle()
    dialog = dialog_of()
    find(dialog, "exportTabs").setCurrentIndex(2)
    find(dialog, "reportFormat").setCurrentIndex(1 if suffix == ".html" else 0)
    target = tmp_path / f"page{suffix}"
    find(dialog, "reportFile").setFilePath(str(target))
    find(dialog, "reportExport").click()
    wait_until(lambda: ended(dialog))
    assert find(dialog, "exportState").text() == f"Written: {target}"
    if suffix == ".pdf":
        content = target.read_bytes()
        assert content.startswith(b"%PDF")
        assert content.count(b"/Type /Page\n") + content.count(b"/Type /Page ") == 1
        return
    page = target.read_text(encoding="utf-8")
    for words in (
        "Where was a.jpg taken?",
        "In this area (90 %)",
        "47.000000° N, 13.401000° E",
        "25 points shared with a street view: strong evidence",
        "Rejected",
        "© Open View",
        "trained on rendered cities only",
        "Model fafafafafafafafa, software 1.2.3",
        "evidence to check, not proof",
    ):
        assert words in page, words
    assert "has not finished" not in page
    assert page.count("data:image/jpeg;base64,") == 2
    assert "http" not in page.replace("http-equiv", ""), "it needs no other file"


@pytest.mark.parametrize(
    ("attributions", "sources"),
    [(("© Open View",), "Sources: © Open View<"), ((), "Sources: not recorded<")],
)
def test_report_of_a_run_that_was_cancelled_names_no_false_sources(
    plugin: Callable[[str], Any],
    dialog_of: Callable[..., Any],
    project: Any,
    run_of: Callable[..., Any],
    answer_of: Callable[..., Any],
    photo_file: Callable[..., Path],
    tmp_path: Path,
    wait_until: Callable[..., None],
    attributions: tuple[str, ...],
    sources: str,
) -> None:
    made_with = {"model_hash": "fa" * 32, "software_version": "1.2.3"}
    run = dataclasses.replace(run_of(), attributions=attributions, made_with=made_with)
    layers = plugin("layers.run").ResultLayers(project, run)
    layers.add_answer(answer_of(photo_file("c.jpg"), 2))
    layers.settle()
    assert layers.candidates_layer.metadata().rights() == list(attributions)
    dialog = dialog_of(layers=plugin("layers.run").ResultLayers.reopen(project, layers.store.path))
    target = tmp_path / "page.html"
    find(dialog, "reportFormat").setCurrentIndex(1)
    find(dialog, "reportFile").setFilePath(str(target))
    find(dialog, "reportExport").click()
    wait_until(lambda: ended(dialog))
    page = target.read_text(encoding="utf-8")
    assert sources in page
    assert "local files" not in page
    assert "The run has not finished" in page
    assert "Model fafafafafafafafa, software 1.2.3" in page


def test_report_on_a_photo_from_elsewhere_says_so(
    plugin: Callable[[str], Any], tmp_path: Path, qgis_app: Any
) -> None:
    from qgis.PyQt.QtGui import QImage

    report, rows = plugin("report"), plugin("layers.candidate")
    content = report.ReportContent(
        record=rows.PhotoRecord("/p/<b>.jpg", probability_elsewhere=0.87),
        candidates=(),
        chosen=None,
        photo=QImage(),
        map_picture=QImage(),
        street_view=QImage(),
        street_view_credit="",
        sources=(),
        notes=(),
        has_ended=True,
        model_hash="",
        software_version="",
        made_at="2026-03-01T12:30:00+00:00",
    )
    report.write_html(content, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Probably not in this area (87 %)" in page
    assert "&lt;b&gt;.jpg" in page
    report.write_pdf(content, tmp_path / "page.pdf")
    with pytest.raises(report.ReportError, match=r"gone.*choose another folder"):
        report.write_html(content, tmp_path / "gone" / "page.html")
    with pytest.raises(report.ReportError, match="gone"):
        report.write_pdf(content, tmp_path / "gone" / "page.pdf")
