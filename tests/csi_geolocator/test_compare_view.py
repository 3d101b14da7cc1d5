"""Photo, street view and satellite image side by side, with an engine that speaks the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

RED, BLUE, GREEN = "#ff0000", "#0000ff", "#00ff00"


@pytest.fixture
def settings(plugin: Callable[[str], Any], settings_folder: Path) -> Any:
    return plugin("settings").Settings()


@pytest.fixture
def view_of(
    plugin: Callable[[str], Any], qgis_app: Any, fake_engine: Callable[..., Any], settings: Any
) -> Iterator[Callable[..., Any]]:
    """Return how a compare view is made, with an engine of some mode."""
    made: list[Any] = []

    def make(mode: str = "good", **options: Any) -> Any:
        engine = plugin("engine.client").EngineClient(lambda: fake_engine(mode, **options))
        loader = plugin("gui.picture_loader").PictureLoader(engine)
        view = plugin("gui.compare_view").CompareView(engine, settings, loader)
        view.show()
        made.extend((engine, view, loader))
        return view

    yield make
    for thing in made:
        if hasattr(thing, "stop"):
            thing.stop()
        else:
            thing.deleteLater()
    qgis_app.processEvents()


def find(widget: Any, name: str) -> Any:
    from qgis.PyQt.QtCore import QObject

    return widget.findChild(QObject, name)


def candidate_of(result_layers: Any, answer_of: Callable[..., Any], path: Path) -> Any:
    result_layers.add_answer(answer_of(path, 2))
    return result_layers.candidates_of(str(path))[0]


def test_asks_with_the_sources_and_edits_of_the_run(
    plugin: Callable[[str], Any],
    view_of: Callable[..., Any],
    fake_engine: Callable[..., Any],
    project: Any,
    run_of: Callable[..., Any],
    answer_of: Callable[..., Any],
    photo_file: Callable[..., Path],
    wait_until: Callable[..., None],
) -> None:
    path, other = photo_file(), photo_file("other.jpg")
    contract = plugin("model_core.contract")
    run = run_of(
        imagery="xyz|url=x",
        street_views=("keyview",),
        keys={"keyview": "sesame"},
        network=contract.NetworkParams(offline=True),
        edits={str(path): {"turn_deg": 90}, str(other): {"turn_deg": 180}},
    )
    layers = plugin("layers.run").ResultLayers(project, run)
    candidate = candidate_of(layers, answer_of, path)
    view = view_of()
    view.show_candidate(candidate, run)
    wait_until(lambda: view.comparison(candidate) is not None)
    (asked,) = [r["params"] for r in fake_engine.requests() if r["method"] == "compare"]
    assert (asked["lon"], asked["lat"], asked["heading_deg"]) == (13.401, 47.0, 40.0)
    assert asked["fov_deg"] == 60.0
    assert asked["imagery"] == "xyz|url=x"
    assert asked["street_views"] == ["keyview"]
    assert asked["keys"] == {"keyview": "sesame"}
    assert asked["network"]["offline"] is True
    assert asked["edits"] == {str(path): {"turn_deg": 90}}
    assert find(view, "compareMatches").text() == "Matched points (3)"


def test_a_photo_that_was_moved_is_compared_where_it_is_now(
    view_of: Callable[..., Any],
    fake_engine: Callable[..., Any],
    project: Any,
    plugin: Callable[[str], Any],
    run_of: Callable[..., Any],
    answer_of: Callable[..., Any],
    photo_file: Callable[..., Path],
    wait_until: Callable[..., None],
) -> None:
    path = photo_file()
    run = run_of(edits={str(path): {"turn_deg": 90}})
    candidate = candidate_of(plugin("layers.run").ResultLayers(project, run), answer_of, path)
    now = path.rename(path.with_name("elsewhere.jpg"))
    view = view_of()
    view.show_candidate(candidate, run, str(now))
    wait_until(lambda: view.comparison(candidate) is not None)
    (asked,) = [r["params"] for r in fake_engine.requests() if r["method"] == "compare"]
    assert asked["photo"] == str(now)
    assert asked["edits"] == {str(now): {"turn_deg": 90}}


def test_each_candidate_is_asked_for_once(
    view_of: Callable[..., Any],
    fake_engine: Callable[..., Any],
    result_layers: Any,
    answer_of: Callable[..., Any],
    photo_file: Callable[..., Path],
    wait_until: Callable[..., None],
) -> None:
    candidate = candidate_of(result_layers, answer_of, photo_file())
    view = view_of()
    view.show_candidate(candidate, result_layers.run)
    wait_until(lambda: view.comparison(candidate) is not None)
    view.show_candidate(candidate, result_layers.run)
    moved = candidate.moved_to(13.5, 47.0)
    view.show_candidate(moved, result_layers.run)
    wait_until(lambda: view.comparison(moved) is not None)
    asked = [r for r in fake_engine.requests() if r["method"] == "compare"]
    assert len(asked) == 2


def test_waiting_is_said_and_a_closed_window_asks_for_nothing(
    view_of: Callable[..., Any],
    fake_engine: Callable[..., Any],
    result_layers: Any,
    answer_of: Callable[..., Any],
    photo_file: Callable[..., Path],
    wait_until: Callable[..., None],
) -> None:
    candidate = candidate_of(result_layers, answer_of, photo_file())
    view = view_of(pace_s=5)
    view.show_candidate(candidate, result_layers.run)
    assert find(view, "compareProgress").isVisible()
    assert find(view, "compareState").text() == "Waiting for the engine…"
    wait_until(lambda: any(r["method"] == "compare" for r in fake_engine.requests()))
    view.close()
    wait_until(lambda: any(r["method"] == "cancel" for r in fake_engine.requests()))
    assert view.comparison(candidate) is None


def test_run_that_is_finished_first_is_said(
    plugin: Callable[[str], Any],
    view_of: Callable[..., Any],
    result_layers: Any,
    answer_of: Callable[..., Any],
    photo_file: Callable[..., Path],
    wait_until: Callable[..., None],
) -> None:
    contract, path = plugin("model_core.contract"), photo_file()
    candidate = candidate_of(result_layers, answer_of, path)
    view = view_of()
    ended: list[Any] = []
    params = contract.LocateParams((str(path),), "15.0,55.0,15.01,55.01")
    view._engine.call(contract.LOCATE, params, done=ended.append, failed=ended.append)
    view.show_candidate(candidate, result_layers.run)
    state = find(view, "compareState")
    assert state.text() == "Waiting for the engine: the run is finished first…"
    wait_until(lambda: view.comparison(candidate) is not None)
    assert len(ended) == 1
    view.show_candidate(candidate.moved_to(13.5, 47.0), result_layers.run)
    assert state.text() == "Waiting for the engine…"


def test_failure_is_said_in_words(
    view_of: Callable[..., Any],
    result_layers: Any,
    answer_of: Callable[..., Any],
    photo_file: Callable[..., Path],
    wait_until: Callable[..., None],
) -> None:
    candidate = candidate_of(result_layers, answer_of, photo_file())
    view = view_of("failing")
    view.show_candidate(candidate, result_layers.run)
    wait_until(lambda: "no photo could be read; choose others" in find(view, "compareState").text())
    assert not find(view, "compareProgress").isVisible()


class Answers:
    """An engine that gives one prepared answer to every call."""

    is_locating = False

    def __init__(self, result: Any) -> None:
        self.result = result

    def call(self, method: str, params: Any, *, done: Any, **others: Any) -> Any:
        done(self.result.to_json())
        return type("Call", (), {"is_finished": True})()


def test_picture_that_may_not_be_shown_leaves_its_reason(
    plugin: Callable[[str], Any],
    settings: Any,
    result_layers: Any,
    answer_of: Callable[..., Any],
    photo_file: Callable[..., Path],
    wait_until: Callable[..., None],
) -> None:
    contract = plugin("model_core.contract")
    path = photo_file()
    why = "Key View may not be shown beside a map: open it in its own viewer"
    engine = Answers(contract.CompareResult(photo=str(path), notes=(why,)))
    loader = plugin("gui.picture_loader").PictureLoader(engine)
    view = plugin("gui.compare_view").CompareView(engine, settings, loader)
    candidate = candidate_of(result_layers, answer_of, path)
    view.show_candidate(candidate, result_layers.run)
    wait_until(lambda: why in find(view, "compareState").text())
    assert not find(view, "compareSwipe").isEnabled()
    assert not find(view, "compareMatches").isEnabled()
    view.deleteLater()


def test_captions_are_seen_in_a_dark_theme(
    plugin: Callable[[str], Any], view_of: Callable[..., Any]
) -> None:
    module = plugin("gui.compare_pictures")
    view = view_of()
    view.setStyleSheet(  # as QGIS's own "Night Mapping" does it
        "QWidget { background: transparent; color: #111111; }"
        "QDialog { background-color: #323232; color: #aaaaaa; }"
    )
    panes = {name: module.Pane(caption="MMMM", note="MMMM") for name in module.PANES}
    view.pictures.show_panes(panes, {})
    picture = view.grab(view.pictures.geometry()).toImage()
    shown = [picture.pixelColor(x, y).lightness() for x in range(90) for y in range(40)]
    assert max(shown) - min(shown) > 90


@pytest.fixture
def pictures(plugin: Callable[[str], Any], qgis_app: Any) -> Iterator[Any]:
    from qgis.PyQt.QtGui import QColor, QImage

    module = plugin("gui.compare_pictures")
    widget = module.ComparePictures()
    widget.resize(920, 400)

    def pane(colour: str) -> Any:
        image = QImage(300, 300, QImage.Format.Format_RGB32)
        image.fill(QColor(colour))
        return module.Pane(image, "caption", "credit")

    panes = {"photo": pane(RED), "street_view": pane(BLUE), "satellite": pane(GREEN)}
    matches = {"photo": [[0.5, 0.5]], "street_view": [[0.5, 0.5]]}
    widget.show_panes(panes, matches)
    yield widget
    widget.deleteLater()


def colour_at(widget: Any, x: float, y: float) -> str:
    return widget.grab().toImage().pixelColor(int(x), int(y)).name()


def test_pictures_stand_side_by_side_with_matches_drawn(pictures: Any) -> None:
    assert colour_at(pictures, 60, 150) == RED
    assert colour_at(pictures, 460 - 60, 150) == BLUE
    assert colour_at(pictures, 860, 150) == GREEN
    middle = pictures._picture_area("photo").center()
    assert colour_at(pictures, middle.x(), middle.y()) not in (RED, BLUE)
    pictures.set_shows_matches(False)
    assert colour_at(pictures, middle.x(), middle.y()) == RED


def test_swipe_shows_the_photo_left_and_the_street_view_right(pictures: Any) -> None:
    from qgis.PyQt.QtCore import Qt
    from qgis.PyQt.QtTest import QTest

    pictures.set_shows_matches(False)
    pictures.set_swipe(True)
    area = pictures._picture_area("photo")
    x, y = area.left() + 0.4 * area.width(), area.top() + 20
    pictures.set_divider(0.5)
    assert colour_at(pictures, x, y) == RED
    pictures.set_divider(0.3)
    assert colour_at(pictures, x, y) == BLUE
    pictures.setFocus()
    for _ in range(4):
        QTest.keyClick(pictures, Qt.Key.Key_Right)
    assert pictures.divider == pytest.approx(0.5)
    assert colour_at(pictures, x, y) == RED


def test_photo_and_street_view_zoom_together(pictures: Any) -> None:
    place = pictures._picture_area("photo").topLeft()
    corner = type(place)(place.x() + 20, pictures._picture_area("photo").center().y())
    kept = pictures._share_at("photo", corner)
    pictures.zoom_at(2.0, corner)
    assert pictures.zoom == 2.0
    assert pictures._share_at("photo", corner).x() == pytest.approx(kept.x(), abs=0.01)
    assert pictures._image_rect("street_view").width() == pictures._image_rect("photo").width()
    assert pictures._image_rect("satellite").width() < pictures._image_rect("photo").width()
    pictures.reset_view()
    assert pictures.zoom == 1.0
