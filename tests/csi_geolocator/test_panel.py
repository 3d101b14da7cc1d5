"""The panel with a real QGIS canvas and an engine that speaks the contract but computes nothing."""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QMimeData, QPointF, Qt, QTimer, QUrl
from qgis.PyQt.QtGui import QColor, QDropEvent, QGuiApplication, QImage
from qgis.PyQt.QtWidgets import QLabel, QListView, QPushButton, QWidget


class Iface:
    """The part of QGIS's interface that the panel uses."""

    def __init__(self, iface: Any) -> None:
        self.qgis = iface
        self.options_opened: list[str] = []
        self.messages: list[str] = []

    def mapCanvas(self) -> Any:
        return self.qgis.mapCanvas()

    def activeLayer(self) -> Any:
        return None

    def mainWindow(self) -> Any:
        return self.qgis.mainWindow()

    def messageBar(self) -> Any:
        return self

    def pushMessage(self, title: str, words: str, level: Any, seconds: int) -> None:
        self.messages.append(words)

    def showOptionsDialog(self, parent: Any, currentPage: str = "") -> None:
        self.options_opened.append(currentPage)


class FakeLayers:
    """Stands for the layers of a run; keeps what it was told."""

    made: ClassVar[list[FakeLayers]] = []

    def __init__(self, project: Any, run: Any) -> None:
        self.run, self.answers, self.result, self.offered = run, [], None, False
        FakeLayers.made.append(self)

    def add_answer(self, answer: Any) -> None:
        self.answers.append(answer)

    def finish(self, result: Any) -> None:
        self.result = result


@dataclasses.dataclass(frozen=True)
class FakeRun:
    params: Any
    started_at: str
    captured_at: Any
    attributions: Any
    made_with: Any


class FakeResults(QWidget):
    """Stands for the table of results."""

    def __init__(self, iface: Any, engine: Any, settings: Any, parent: Any = None) -> None:
        super().__init__(parent)
        self.setObjectName("resultsWidget")
        self.setToolTip("candidates")

    def show_run(self, layers: Any) -> None:
        self.layers = layers

    def offer_run(self, layers: Any) -> None:
        assert layers is self.layers
        layers.offered = True

    def release(self) -> None:
        self.layers = None


@pytest.fixture
def fake_results(staged: Path, monkeypatch: pytest.MonkeyPatch) -> type[FakeLayers]:
    """Put fakes where the panel looks for the layers and the table of a run."""
    FakeLayers.made = []

    def module(name: str, **members: Any) -> None:
        made = types.ModuleType(name)
        vars(made).update(members)
        monkeypatch.setitem(sys.modules, name, made)

    layers = types.ModuleType("csi_geolocator.layers")
    layers.__path__ = [str(staged / "layers")]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "csi_geolocator.layers", layers)
    module("csi_geolocator.layers.run", LocateRun=FakeRun, ResultLayers=FakeLayers)
    module("csi_geolocator.layers.store", StoreError=type("StoreError", (Exception,), {}))
    module("csi_geolocator.gui.results", ResultsWidget=FakeResults)
    return FakeLayers


@pytest.fixture
def iface(qgis_iface: Any) -> Iface:
    return Iface(qgis_iface)


@pytest.fixture
def make_panel(
    staged: Path,
    settings_folder: Path,
    fake_results: Any,
    fake_engine: Any,
    iface: Iface,
    qgis_new_project: None,
) -> Iterator[Callable[..., Any]]:
    """Return a function that makes a panel whose engine behaves as its mode says; None: none."""
    module = importlib.import_module("csi_geolocator.gui.panel")
    settings_module = importlib.import_module("csi_geolocator.settings")
    client = importlib.import_module("csi_geolocator.engine.client")
    made: list[tuple[Any, Any]] = []

    def make(mode: str | None = "good", **options: Any) -> Any:
        settings = settings_module.Settings()
        if mode is not None:
            settings.engine_launch = lambda: fake_engine(mode, **options)
            settings.find_engine = lambda: Path(sys.executable)
        engine = client.EngineClient(settings.engine_launch, silence_s=3.0, cancel_grace_s=2.0)
        product = module.Product("CSI Geolocator", "9.8.7", 2, staged / "resources/icons/icon.svg")
        panel = module.LocatorPanel(product, iface, settings, engine, staged / "resources/models")
        panel.show()
        made.append((panel, engine))
        return panel

    yield make
    for panel, engine in made:
        panel.remove()
        engine.stop()
        panel.deleteLater()


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    """Three photos; the second's file is damaged."""
    folder = tmp_path / "photos"
    folder.mkdir()
    paths = [folder / f"photo_{number}.jpg" for number in range(3)]
    for path in (paths[0], paths[2]):
        picture = QImage(320, 240, QImage.Format.Format_RGB32)
        picture.fill(QColor(90, 120, 160))
        assert picture.save(str(path))
    paths[1].write_bytes(b"\xff\xd8 not a photo")
    return [str(path) for path in paths]


@pytest.fixture
def imagery(staged: Path) -> str:
    return str(staged / "resources" / "demo" / "imagery.tif")


def said(panel: Any, name: str) -> str:
    return panel.findChild(QLabel, name).text()


def button(panel: Any, name: str) -> QPushButton:
    return panel.findChild(QPushButton, name)


def fill(panel: Any, photos: list[str], imagery: str, wait_until: Any) -> None:
    """Give everything that a run needs."""
    areas = importlib.import_module("csi_geolocator.gui.areas")
    panel.add_photos(photos)
    panel.form.area.set_area(areas.area_of_text("15.0,55.7,15.01,55.705"))
    panel.form.references.imagery.choose("file", imagery)
    wait_until(lambda: panel.form.photos.model.rowCount() == len(photos))
    wait_until(lambda: button(panel, "runButton").isEnabled())


def test_panel_says_that_the_engine_is_not_set_up_and_offers_to_mend_it(make_panel: Any) -> None:
    panel = make_panel(None)
    assert said(panel, "engineTitle") == "The engine is not set up yet"
    assert "nothing is installed into the Python of QGIS" in said(panel, "engineWords")
    assert not button(panel, "engineSetUp").isHidden()
    assert not button(panel, "runButton").isEnabled()


def test_set_up_button_opens_the_window_that_sets_the_engine_up(
    make_panel: Any, fake_engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("csi_geolocator.gui.environment_dialog")
    monkeypatch.setattr(module.EnvironmentDialog, "showEvent", lambda self, event: None)
    panel = make_panel(None)
    button(panel, "engineSetUp").click()
    (window,) = panel.findChildren(module.EnvironmentDialog)
    assert window.isVisible()
    assert not window.isModal(), "QGIS stays usable beside it"
    button(panel, "engineSetUp").click()
    assert len(panel.findChildren(module.EnvironmentDialog)) == 1
    panel._settings.engine_launch = lambda: fake_engine("good")
    panel._settings.find_engine = lambda: Path(sys.executable)
    window.engineChanged.emit()
    assert panel.findChild(QWidget, "engineBanner").isHidden()


def test_settings_button_opens_the_options_page(make_panel: Any, iface: Iface) -> None:
    button(make_panel(None), "engineSettings").click()
    assert iface.options_opened == ["CSI Geolocator"]


def test_engine_that_was_set_up_among_the_options_is_noticed(
    make_panel: Any, fake_engine: Any, photos: list[str], imagery: str, wait_until: Any
) -> None:
    panel = make_panel(None)
    areas = importlib.import_module("csi_geolocator.gui.areas")
    panel.add_photos(photos)
    panel.form.area.set_area(areas.area_of_text("15.0,55.7,15.01,55.705"))
    panel.form.references.imagery.choose("file", imagery)
    page = importlib.import_module("csi_geolocator.gui.settings_page").SettingsPageFactory(
        panel._settings, panel._engine, panel.follow_settings
    )
    options = page.createWidget(None)
    panel._settings.engine_launch = panel._engine._launch = lambda: fake_engine("good")
    panel._settings.find_engine = lambda: Path(sys.executable)
    assert not button(panel, "runButton").isEnabled()
    options.apply()
    assert panel.findChild(QWidget, "engineBanner").isHidden()
    wait_until(lambda: button(panel, "runButton").isEnabled())
    options.deleteLater()


def test_panel_says_what_is_missing_until_all_is_there(
    make_panel: Any, photos: list[str], imagery: str, wait_until: Any
) -> None:
    panel = make_panel("good")
    assert said(panel, "runHint") == "Still needed: photos and an area."
    areas = importlib.import_module("csi_geolocator.gui.areas")
    panel.form.area.set_area(areas.area_of_text("15.0,55.7,15.01,55.705"))
    assert said(panel, "runHint") == "Still needed: photos."
    panel.add_photos(photos)
    wait_until(lambda: "imagery or street views" in said(panel, "runHint"))
    assert not button(panel, "runButton").isEnabled()
    panel.form.references.imagery.choose("file", imagery)
    assert said(panel, "runHint") == ""
    assert button(panel, "runButton").isEnabled()


def test_files_dropped_beside_the_list_are_added(
    make_panel: Any, photos: list[str], wait_until: Any
) -> None:
    panel = make_panel("good")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(path) for path in photos])
    held = (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    panel.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, mime, *held))
    wait_until(lambda: panel.form.photos.model.rowCount() == len(photos))


def test_estimate_comes_before_the_run(
    make_panel: Any, photos: list[str], imagery: str, wait_until: Any
) -> None:
    panel = make_panel("good")
    fill(panel, photos, imagery, wait_until)
    wait_until(lambda: said(panel, "estimate").startswith("About "))
    assert said(panel, "estimate") == "About 499 places · 499 requests · 25 MB · 25 s"


def test_estimate_over_the_limit_refuses_to_run(
    make_panel: Any, photos: list[str], imagery: str, wait_until: Any
) -> None:
    panel = make_panel("good")
    panel._settings.max_requests = 100
    fill(panel, photos, imagery, wait_until)
    wait_until(lambda: "over the limit" in said(panel, "estimate"))
    assert not button(panel, "runButton").isEnabled()
    panel._settings.max_requests = 0
    panel.refresh()
    wait_until(lambda: button(panel, "runButton").isEnabled())


def test_run_shows_answers_as_they_come_and_the_result(
    make_panel: Any,
    photos: list[str],
    imagery: str,
    wait_until: Any,
    fake_results: Any,
    fake_engine: Any,
) -> None:
    panel = make_panel("good", pace_s=0.02)
    fill(panel, photos, imagery, wait_until)
    button(panel, "runButton").click()
    assert not button(panel, "runButton").isEnabled()
    assert button(panel, "cancelButton").isEnabled()
    wait_until(lambda: bool(fake_results.made) and bool(fake_results.made[0].answers))
    assert fake_results.made[0].result is None, "the first answer came before the end"
    wait_until(lambda: not panel.locate_tab.is_running)
    layers = fake_results.made[0]
    assert layers.run.made_with == {"model_hash": "fa" * 32, "software_version": "0.0.fake"}
    assert [Path(answer.path).name for answer in layers.answers] == [
        Path(path).name for path in panel.form.photos.paths()
    ]
    assert layers.result is not None
    assert said(panel, "runStatus").startswith(f"{len(layers.answers)} photos")
    asked = next(r["params"] for r in fake_engine.requests() if r["method"] == "locate")
    assert asked["area"] == "15.000000,55.700000,15.010000,55.705000"
    assert asked["imagery"] == imagery
    assert Path(asked["out"]).is_dir()
    assert "galleries" in asked["gallery"]


def test_gallery_of_an_exported_road_layer_is_found_again_in_the_next_session(
    make_panel: Any, photos: list[str], imagery: str, wait_until: Any
) -> None:
    panel = make_panel("good")
    fill(panel, photos, imagery, wait_until)
    form = panel.form
    references = form.references.references()
    first, second, other = (
        form._gallery(dataclasses.replace(references, roads=str(roads)))
        for roads in (form._layers / "layer-0.gpkg", form._layers / "layer-1.gpkg", "/r/a.gpkg")
    )
    assert first == second != other


def test_next_run_in_the_same_area_uses_the_same_gallery(
    make_panel: Any, photos: list[str], imagery: str, wait_until: Any, fake_engine: Any
) -> None:
    panel = make_panel("good")
    fill(panel, photos, imagery, wait_until)
    for _ in range(2):
        button(panel, "runButton").click()
        wait_until(lambda: not panel.locate_tab.is_running)
    areas = importlib.import_module("csi_geolocator.gui.areas")
    panel.form.area.set_area(areas.area_of_text("15.0,55.7,15.02,55.705"))
    button(panel, "runButton").click()
    wait_until(lambda: not panel.locate_tab.is_running)
    asked = [r["params"] for r in fake_engine.requests() if r["method"] == "locate"]
    galleries = [params["gallery"] for params in asked]
    assert galleries[0] == galleries[1] != galleries[2]
    assert len({params["out"] for params in asked}) == 3


def test_progress_is_shown_by_stage_with_counts(
    make_panel: Any, photos: list[str], imagery: str, wait_until: Any
) -> None:
    panel = make_panel("good", pace_s=0.03, steps=3)
    fill(panel, photos, imagery, wait_until)
    seen: set[str] = set()
    button(panel, "runButton").click()

    def ended() -> bool:
        seen.add(said(panel, "runStatus"))
        return not panel.locate_tab.is_running

    wait_until(ended)
    assert any(words.startswith("Places ") and " of 3" in words for words in seen), seen
    assert any(words.startswith("Photos located ") for words in seen), seen


def test_cancel_stops_the_run_and_the_next_one_works(
    make_panel: Any, photos: list[str], imagery: str, wait_until: Any
) -> None:
    panel = make_panel("good", pace_s=0.2, steps=50)
    fill(panel, photos, imagery, wait_until)
    button(panel, "runButton").click()
    wait_until(lambda: " of 50" in said(panel, "runStatus"))
    button(panel, "cancelButton").click()
    wait_until(lambda: not panel.locate_tab.is_running, 10)
    assert said(panel, "runStatus") == "Stopped."
    wait_until(lambda: button(panel, "runButton").isEnabled())


def test_run_that_is_stopped_is_offered_with_what_it_found(
    make_panel: Any, photos: list[str], imagery: str, wait_until: Any, fake_results: Any
) -> None:
    panel = make_panel("good", pace_s=0.2)
    fill(panel, photos, imagery, wait_until)
    button(panel, "runButton").click()
    wait_until(lambda: bool(fake_results.made) and bool(fake_results.made[0].answers))
    assert not fake_results.made[0].offered
    button(panel, "cancelButton").click()
    wait_until(lambda: not panel.locate_tab.is_running, 10)
    assert fake_results.made[0].result is None
    assert fake_results.made[0].offered


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("die", "The engine ended unexpectedly"),
        ("crash", "The engine ended unexpectedly"),
        ("garbled", "cannot be understood"),
    ],
)
def test_engine_that_fails_in_a_run_is_explained(
    make_panel: Any, photos: list[str], imagery: str, wait_until: Any, mode: str, words: str
) -> None:
    panel = make_panel(mode)
    areas = importlib.import_module("csi_geolocator.gui.areas")
    panel.form.photos.model.add(photos)
    panel.form.area.set_area(areas.area_of_text("15.0,55.7,15.01,55.705"))
    panel.form.references.imagery.choose("file", imagery)
    panel.locate_tab.run()
    wait_until(lambda: not panel.locate_tab.is_running)
    assert words in said(panel, "engineWords")
    assert "see above" in said(panel, "runStatus")
    assert said(panel, "engineTitle") == "The engine stopped working"
    assert not button(panel, "engineAgain").isHidden()


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("silent", "said nothing"),
        ("other-protocol", "protocol"),
        ("garbled-hello", "cannot be understood"),
        ("die-at-start", "ended unexpectedly"),
    ],
)
def test_engine_that_does_not_start_well_is_explained(
    make_panel: Any, photos: list[str], wait_until: Any, mode: str, words: str
) -> None:
    panel = make_panel(mode)
    panel.add_photos(photos[:1])
    wait_until(lambda: words in said(panel, "engineWords"))
    assert panel.form.photos.model.rowCount() == 1, "the photo stays in the list"


def test_error_of_a_run_is_shown_in_words(
    make_panel: Any, photos: list[str], imagery: str, wait_until: Any
) -> None:
    panel = make_panel("failing")
    fill(panel, photos, imagery, wait_until)
    button(panel, "runButton").click()
    wait_until(lambda: not panel.locate_tab.is_running)
    assert said(panel, "runStatus")
    assert not panel.findChild(QLabel, "runStatusSign").isHidden()


def test_details_tell_of_versions_state_and_log(
    make_panel: Any, photos: list[str], wait_until: Any
) -> None:
    panel = make_panel("noisy")
    panel.add_photos(photos)
    wait_until(lambda: any(row.info for row in panel.form.photos.model.rows))
    panel.copy_details()
    copied = QGuiApplication.clipboard().text()
    assert copied.startswith("CSI Geolocator 9.8.7\nEngine protocol: 2\nEngine: ready")
    assert "QGIS: " in copied
    assert "Device: " in copied


def test_run_notes_at_its_start_whom_its_sources_are_owed_to(
    make_panel: Any, photos: list[str], imagery: str, wait_until: Any, fake_results: Any
) -> None:
    panel = make_panel("good", pace_s=0.1, steps=4)
    fill(panel, photos, imagery, wait_until)
    wait_until(lambda: bool(panel._settings.known_sources))
    panel.form.references.street_views.tick(["openview"])
    button(panel, "runButton").click()
    wait_until(lambda: bool(fake_results.made))
    button(panel, "cancelButton").click()
    wait_until(lambda: not panel.locate_tab.is_running)
    (layers,) = fake_results.made
    assert layers.result is None
    assert layers.run.attributions == ("© contributors of Open View",)


def test_choices_are_remembered(
    make_panel: Any, photos: list[str], imagery: str, wait_until: Any, tmp_path: Path
) -> None:
    panel = make_panel("good")
    fill(panel, photos, imagery, wait_until)
    panel.form.options.restore({"places": {"spacing_m": 40.0}})
    panel.form.references.street_views.tick([str(tmp_path)])
    button(panel, "runButton").click()
    wait_until(lambda: not panel.locate_tab.is_running)
    again = make_panel("good")
    assert again.form.options.config() == {"places": {"spacing_m": 40.0}}
    assert again.form.references.imagery.value() == imagery
    assert again.form.references.street_views.values() == (str(tmp_path),)
    assert again.form.area.area is None


def test_no_process_is_started_by_showing_the_panel(
    make_panel: Any, fake_engine: Any, wait_until: Any
) -> None:
    panel = make_panel("good")
    deadline = time.monotonic() + 1.2
    wait_until(lambda: time.monotonic() > deadline)
    assert panel._engine.state == "stopped"
    assert fake_engine.requests() == []


def test_every_control_has_a_name_and_a_tool_tip(make_panel: Any) -> None:
    panel = make_panel("good")
    widgets = importlib.import_module("qgis.PyQt.QtWidgets")
    kinds = (
        widgets.QPushButton,
        widgets.QToolButton,
        widgets.QComboBox,
        widgets.QAbstractSpinBox,
        widgets.QCheckBox,
        widgets.QLineEdit,
        widgets.QAbstractItemView,
    )
    own = [
        child
        for kind in kinds
        for child in panel.findChildren(kind)
        if child.isEnabled() and not _is_inside_of_another(child, kinds)
    ]
    assert len(own) > 25
    nameless = [f"{type(w).__name__} {w.objectName()}" for w in own if not w.objectName()]
    silent = [f"{type(w).__name__} {w.objectName()}" for w in own if not w.toolTip()]
    assert nameless == []
    assert silent == []


def _is_inside_of_another(child: Any, kinds: tuple[type, ...]) -> bool:
    """Whether a widget is a part that Qt or QGIS made for another control."""
    names = ("qt_", "ScrollLeftButton", "ScrollRightButton", "collapseButton")
    parent = child.parent()
    composite = {"QgsFileWidget", "QgsFilterLineEdit", "QgsCollapsibleGroupBox", "QDockWidget"}
    return (
        isinstance(parent, kinds)
        or child.objectName().startswith(names)
        or type(parent).__name__ in composite
        or parent.metaObject().className() in composite
        or parent.objectName().startswith("qt_")
        or "ComboBoxPrivate" in parent.metaObject().className()
    )


def test_event_loop_never_stands_still_with_200_photos(
    make_panel: Any, imagery: str, wait_until: Any, tmp_path: Path, photos_of_a_camera: list[str]
) -> None:
    panel = make_panel("good")
    panel.resize(420, 900)
    # A turn of the loop is measured in processor time, so that other programs do not count, and
    # more loosely in time that passed, so that waiting for a disk or a thread does.
    turns: list[tuple[float, float]] = []
    begun = [time.thread_time(), time.monotonic()]
    timer = QTimer()
    timer.setInterval(5)

    def tick() -> None:
        now = [time.thread_time(), time.monotonic()]
        turns.append((now[0] - begun[0], now[1] - begun[1]))
        begun[:] = now

    timer.timeout.connect(tick)
    deadline = time.monotonic() + 0.5
    wait_until(lambda: time.monotonic() > deadline)
    begun[:] = [time.thread_time(), time.monotonic()]
    timer.start()
    panel.add_photos([str(Path(photos_of_a_camera[0]).parent)])
    model = panel.form.photos.model
    wait_until(lambda: model.rowCount() == 200)
    wait_until(lambda: all(row.info is not None for row in model.rows), 60)
    bar = panel.findChild(QListView, "photoView").verticalScrollBar()
    for value in range(0, bar.maximum(), max(1, bar.maximum() // 40)):
        bar.setValue(value)
        moment = time.monotonic() + 0.05
        wait_until(lambda moment=moment: time.monotonic() > moment)
    wait_until(lambda: len(model._pictures) > 100, 60)
    timer.stop()
    assert len(turns) > 100
    assert max(worked for worked, _ in turns) < 0.1
    assert max(passed for _, passed in turns) < 1.0


@pytest.fixture
def photos_of_a_camera(tmp_path: Path) -> list[str]:
    """200 photos as large as a camera's: 12 megapixels."""
    folder = tmp_path / "camera"
    folder.mkdir()
    picture = QImage(4000, 3000, QImage.Format.Format_RGB32)
    for row in range(0, 3000, 50):
        for column in range(0, 4000, 50):
            shade = (row * 7 + column * 13) % 255
            for inner in range(2):
                picture.setPixel(column + inner, row + inner, QColor(shade, 255 - shade, 90).rgb())
    first = folder / "photo_000.jpg"
    assert picture.save(str(first), quality=85)
    data = first.read_bytes()
    paths = [first]
    for number in range(1, 200):
        path = folder / f"photo_{number:03}.jpg"
        path.write_bytes(data)
        paths.append(path)
    return [str(path) for path in paths]


def test_panel_can_be_taken_away_and_made_again(
    make_panel: Any, iface: Iface, photos: list[str], wait_until: Any
) -> None:
    items_before = len(iface.mapCanvas().scene().items())
    for _ in range(2):
        panel = make_panel("good")
        panel.add_photos(photos)
        panel.form.area.draw_polygon()
        wait_until(lambda panel=panel: panel.form.photos.model.rowCount() == 3)
        session = Path(panel._session.name)
        assert session.is_dir()
        panel.remove()
        assert not session.exists()
        assert len(iface.mapCanvas().scene().items()) == items_before
        panel.remove = lambda: None


def test_product_is_read_from_the_metadata(staged: Path, qgis_app: Any) -> None:
    plugin = importlib.import_module("csi_geolocator.plugin")
    product = plugin.read_product(staged)
    assert product.name == "CSI Geolocator"
    assert product.icon.is_file()


def test_settings_hold_no_photo_and_no_key(
    make_panel: Any, photos: list[str], imagery: str, wait_until: Any
) -> None:
    panel = make_panel("good")
    fill(panel, photos, imagery, wait_until)
    panel.form.save()
    kept = json.loads(QgsSettings().value("csi_geolocator/panel/last_run"))
    assert sorted(kept) == ["bundle", "config", "offline", "references", "runs_folder"]
    assert "photo_0" not in json.dumps(kept)
