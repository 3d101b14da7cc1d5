"""Photos in the panel: how they are dropped, listed, turned, cropped, removed, brought back."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from qgis.PyQt.QtCore import QMimeData, QPoint, QPointF, QRectF, Qt, QUrl
from qgis.PyQt.QtGui import QColor, QDropEvent, QIcon, QImage
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QLabel, QListView, QSpinBox


@pytest.fixture
def contract(staged: Path) -> Any:
    return importlib.import_module("csi_geolocator.model_core.contract")


@pytest.fixture
def files(staged: Path, qgis_app: Any) -> Any:
    return importlib.import_module("csi_geolocator.tasks.photo_files")


@pytest.fixture
def edits(staged: Path) -> Any:
    return importlib.import_module("csi_geolocator.gui.photo_edits")


@pytest.fixture
def make_list(
    staged: Path, qgis_app: Any, fake_engine: Any, tmp_path: Path
) -> Iterator[Callable[..., Any]]:
    module = importlib.import_module("csi_geolocator.gui.photo_list")
    client = importlib.import_module("csi_geolocator.engine.client")
    launch = importlib.import_module("csi_geolocator.engine.launch")
    made: list[tuple[Any, Any]] = []

    def no_engine() -> Any:
        raise launch.EngineUnavailable("the engine's environment is not set up")

    def make(mode: str | None = "good") -> Any:
        engine = client.EngineClient(no_engine if mode is None else lambda: fake_engine(mode))
        photos = module.PhotoList(engine, tmp_path / "thumbnails")
        photos.resize(360, 400)
        photos.show()
        made.append((photos, engine))
        return photos

    yield make
    for photos, engine in made:
        photos.remove()
        engine.stop()
        photos.deleteLater()


def save_photo(path: Path) -> str:
    """Write a picture that is red on the left and blue on the right."""
    picture = QImage(400, 200, QImage.Format.Format_RGB32)
    picture.fill(QColor(200, 0, 0))
    for x in range(200, 400):
        for y in range(200):
            picture.setPixelColor(x, y, QColor(0, 0, 200))
    path.parent.mkdir(parents=True, exist_ok=True)
    assert picture.save(str(path))
    return str(path)


def icon_of(photos: Any, row: int) -> QImage:
    icon = photos.model.data(photos.model.index(row), Qt.ItemDataRole.DecorationRole)
    assert isinstance(icon, QIcon)
    return icon.pixmap(104, 78).toImage()


def text_of(photos: Any, row: int) -> str:
    return str(photos.model.data(photos.model.index(row), Qt.ItemDataRole.DisplayRole))


def has_picture(photos: Any, path: str) -> bool:
    return path in photos.model._pictures


def test_folder_is_listed_to_the_bottom_without_hidden_files(
    make_list: Any, tmp_path: Path, wait_until: Any
) -> None:
    folder = tmp_path / "in"
    wanted = [save_photo(folder / "b.jpg"), save_photo(folder / "deep" / "er" / "a.PNG")]
    save_photo(folder / ".thumbnails" / "hidden.jpg")
    (folder / "notes.txt").write_text("no photo")
    photos = make_list()
    photos.add_paths([str(folder)])
    wait_until(lambda: photos.model.rowCount() == 2)
    assert sorted(photos.paths()) == sorted(wanted)


def test_photos_beyond_the_limit_are_left_out_and_said(
    make_list: Any, files: Any, tmp_path: Path, wait_until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (files, importlib.import_module("csi_geolocator.gui.photo_list")):
        monkeypatch.setattr(module, "MAX_PHOTOS", 2)
    for name in ("a.jpg", "b/b.jpg", "c.jpg"):
        save_photo(tmp_path / "in" / name)
    photos = make_list()
    photos.add_paths([str(tmp_path / "in")])
    wait_until(lambda: photos.model.rowCount() == 2)
    assert [Path(path).name for path in photos.paths()] == ["a.jpg", "b.jpg"]
    wait_until(lambda: all(row.info is not None for row in photos.model.rows))
    said = photos.findChild(QLabel, "photoCount")
    assert "more than 2 photos; the rest was left out" in said.text()
    photos.model.clear()
    assert said.text() == "No photo yet."
    photos.add_paths([str(tmp_path / "in" / "b"), str(tmp_path / "in" / "c.jpg")])
    wait_until(lambda: photos.model.rowCount() == 2)
    assert "left out" not in said.text()


def test_search_of_a_folder_ends_at_the_limit_and_when_it_is_stopped(
    files: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a/1.jpg", "a/2.jpg", "b/1.jpg", "c/1.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    seen: list[str] = []
    scandir = files.os.scandir
    monkeypatch.setattr(files.os, "scandir", lambda path=".": seen.append(path) or scandir(path))
    monkeypatch.setattr(files, "MAX_PHOTOS", 2)
    found, are_more = files.find_photos([str(tmp_path)])
    assert found == [str(tmp_path / "a" / "1.jpg"), str(tmp_path / "a" / "2.jpg")]
    assert are_more
    assert str(tmp_path / "c") not in seen
    seen.clear()
    assert files.find_photos([str(tmp_path)], lambda: True) == ([], False)
    assert seen == [str(tmp_path)]


def test_panel_does_not_wait_for_a_picture_on_a_slow_network(
    make_list: Any, tmp_path: Path, wait_until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = importlib.import_module("csi_geolocator.tasks.photo_reader")
    reading, network = threading.Event(), threading.Event()

    def read(path: str, side_px: int) -> tuple[QImage, str]:
        reading.set()
        network.wait(20)
        return QImage(), ""

    monkeypatch.setattr(reader, "read_picture", read)
    photos = make_list(None)
    photos._reader.read(save_photo(tmp_path / "a.jpg"), 64)
    wait_until(reading.is_set)
    began = time.monotonic()
    photos.remove()
    took_s = time.monotonic() - began
    network.set()
    assert took_s < 5.0


def test_photo_is_listed_once(make_list: Any, tmp_path: Path, wait_until: Any) -> None:
    path = save_photo(tmp_path / "a.jpg")
    photos = make_list()
    photos.add_paths([path])
    wait_until(lambda: photos.model.rowCount() == 1)
    photos.add_paths([path])
    wait_until(lambda: "already" in photos.findChild(QLabel, "photoCount").text())
    assert photos.model.rowCount() == 1


def test_files_dropped_on_the_list_are_added(
    make_list: Any, tmp_path: Path, wait_until: Any
) -> None:
    path = save_photo(tmp_path / "dropped.jpg")
    photos = make_list()
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(path)])
    event = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    photos.findChild(QListView, "photoView").dropEvent(event)
    wait_until(lambda: photos.paths() == (path,))


def test_list_says_what_the_engine_read(make_list: Any, tmp_path: Path, wait_until: Any) -> None:
    paths = [save_photo(tmp_path / f"{number}.jpg") for number in range(2)]
    photos = make_list()
    photos.add_paths(paths)
    wait_until(lambda: photos.model.rowCount() == 2)
    wait_until(lambda: all(row.info is not None for row in photos.model.rows))
    assert "65° wide" in text_of(photos, 0)
    assert "2023" in text_of(photos, 0)
    assert "GPS 55.70100, 15.00100 · heading 45°" in text_of(photos, 1)


def test_bad_photo_says_why_and_hinders_no_other(
    make_list: Any, tmp_path: Path, wait_until: Any
) -> None:
    good = save_photo(tmp_path / "good.jpg")
    gone = str(tmp_path / "gone.jpg")
    photos = make_list()
    photos.add_paths([gone, good])
    wait_until(lambda: bool(photos.model.rows) and photos.paths() == (good,))
    assert "there is no such file" in text_of(photos, 0)
    assert "Cannot be used" in text_of(photos, 0)
    assert gone not in text_of(photos, 0)
    wait_until(lambda: has_picture(photos, good))
    bad_icon, good_icon = icon_of(photos, 0), icon_of(photos, 1)
    assert bad_icon.size() == good_icon.size()  # so that the texts beside them align


def test_photos_can_be_listed_without_an_engine(
    make_list: Any, tmp_path: Path, wait_until: Any
) -> None:
    path = save_photo(tmp_path / "a.jpg")
    photos = make_list(None)
    failures: list[Any] = []
    photos.engineFailed.connect(failures.append)
    photos.add_paths([path])
    wait_until(lambda: has_picture(photos, path) and bool(failures))
    assert photos.paths() == (path,)
    assert "not set up" in failures[0].message


@pytest.mark.parametrize("orientation", range(2, 9))
def test_thumbnail_is_upright(staged: Path, shared_data: Path, orientation: int) -> None:
    files = importlib.import_module("csi_geolocator.tasks.photo_files")
    folder = shared_data / "exif_edge" / "orientation"
    upright, _ = files.read_picture(str(folder / "landscape_1.jpg"), 64)
    turned, error = files.read_picture(str(folder / f"landscape_{orientation}.jpg"), 64)
    assert error == ""
    assert turned.size() == upright.size()
    apart = [
        abs(turned.pixelColor(x, y).lightness() - upright.pixelColor(x, y).lightness())
        for x in range(2, upright.width() - 2, 3)
        for y in range(2, upright.height() - 2, 3)
    ]
    assert sum(apart) / len(apart) < 25, "upside down or mirrored; each picture has its own digit"


def test_picture_of_the_engine_is_shown_where_qgis_has_no_reader(
    make_list: Any, tmp_path: Path, wait_until: Any
) -> None:
    path = tmp_path / "phone.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic")
    photos = make_list()
    photos.add_paths([str(path)])
    wait_until(lambda: has_picture(photos, str(path)))
    assert photos.paths() == (str(path),)


def test_turning_shows_in_the_thumbnail_and_goes_into_the_request(
    make_list: Any, tmp_path: Path, wait_until: Any
) -> None:
    path = save_photo(tmp_path / "a.jpg")
    before = Path(path).read_bytes()
    photos = make_list()
    photos.add_paths([path])
    wait_until(lambda: photos.model.rowCount() == 1)
    icon_of(photos, 0)
    wait_until(lambda: has_picture(photos, path))
    lying = icon_of(photos, 0)
    assert lying.pixelColor(10, lying.height() // 2).red() > 150
    photos._view.selectAll()
    photos.turn_selected(90)
    standing = icon_of(photos, 0)
    middle = standing.width() // 2
    assert standing.pixelColor(middle, 5).red() > 150, "what was left is on top"
    assert standing.pixelColor(middle, standing.height() - 5).blue() > 150
    assert photos.edits()[path]["turn_deg"] == 90
    photos.turn_selected(-90)
    assert photos.edits() == {}
    assert Path(path).read_bytes() == before


def test_edit_of_a_photo_that_cannot_be_used_costs_the_others_nothing(
    make_list: Any, contract: Any, tmp_path: Path, wait_until: Any
) -> None:
    good, bad = save_photo(tmp_path / "good.jpg"), save_photo(tmp_path / "bad.jpg")
    photos = make_list()
    photos.add_paths([good, bad])
    wait_until(lambda: all(row.info for row in photos.model.rows) and len(photos.model.rows) == 2)
    photos._view.selectAll()
    photos.turn_selected(90)
    photos.model.set_info(contract.PhotoInfo(bad, error="damaged"))
    assert photos.paths() == (good,)
    assert set(photos.edits()) == {good}


def test_photo_whose_disk_is_back_is_looked_at_again_when_it_is_added_again(
    make_list: Any, contract: Any, tmp_path: Path, wait_until: Any
) -> None:
    path = save_photo(tmp_path / "a.jpg")
    photos = make_list()
    photos.add_paths([path])
    wait_until(lambda: photos.model.rowCount() == 1 and photos.model.row_at(0).info is not None)
    photos.model.set_info(contract.PhotoInfo(path, error="the disk is gone"))
    photos.model.set_edit(0, contract.PhotoEdit(turn_deg=90))
    assert photos.paths() == ()
    photos.add_paths([path])
    wait_until(lambda: photos.model.row_at(0).info is not None and photos.paths() == (path,))
    assert photos.edits()[path]["turn_deg"] == 90
    icon_of(photos, 0)
    wait_until(lambda: has_picture(photos, path))


def test_removal_is_undone_in_place(make_list: Any, tmp_path: Path, wait_until: Any) -> None:
    paths = [save_photo(tmp_path / f"{number}.jpg") for number in range(4)]
    photos = make_list()
    photos.add_paths(paths)
    wait_until(lambda: photos.model.rowCount() == 4)
    photos.model.remove([1, 2])
    assert photos.paths() == (paths[0], paths[3])
    photos.model.clear()
    assert photos.paths() == ()
    photos.model.undo()
    photos.model.undo()
    assert photos.paths() == tuple(paths)
    assert not photos.model.can_undo


def test_delete_key_removes_what_is_selected(
    make_list: Any, tmp_path: Path, wait_until: Any
) -> None:
    paths = [save_photo(tmp_path / f"{number}.jpg") for number in range(2)]
    photos = make_list()
    photos.add_paths(paths)
    wait_until(lambda: photos.model.rowCount() == 2)
    view = photos.findChild(QListView, "photoView")
    view.setCurrentIndex(photos.model.index(0))
    photos.activateWindow()
    view.setFocus()
    wait_until(lambda: view.hasFocus())
    QTest.keyClick(view, Qt.Key.Key_Delete)
    assert photos.paths() == (paths[1],)


def test_turning_four_times_changes_nothing(edits: Any, contract: Any) -> None:
    cropped = contract.PhotoEdit(left=0.1, top=0.2, right=0.6, bottom=0.9)
    turned = cropped
    for _ in range(4):
        turned = edits.turn(turned, 90)
    assert turned.turn_deg == 0
    assert [turned.left, turned.top, turned.right, turned.bottom] == pytest.approx(
        [0.1, 0.2, 0.6, 0.9]
    )


def test_crop_keeps_its_content_when_the_photo_is_turned(edits: Any, contract: Any) -> None:
    left_half = contract.PhotoEdit(right=0.5)
    turned = edits.turn(left_half, 90)
    picture = QImage(400, 200, QImage.Format.Format_RGB32)
    picture.fill(QColor(200, 0, 0))
    for x in range(200, 400):
        for y in range(200):
            picture.setPixelColor(x, y, QColor(0, 0, 200))
    shown = edits.edited_picture(picture, turned)
    assert (shown.width(), shown.height()) == (200, 200)
    colours = {shown.pixelColor(x, y).red() for x in (5, 195) for y in (5, 195)}
    assert colours == {200}


def test_crop_stays_inside_and_is_never_empty(edits: Any, contract: Any) -> None:
    edit = edits.crop(contract.PhotoEdit(), QRectF(-0.5, 0.4, 2.0, 0.0))
    assert (edit.left, edit.right) == (0.0, 1.0)
    assert edit.bottom > edit.top


@pytest.fixture
def make_editor(staged: Path, qgis_app: Any) -> Iterator[Callable[..., Any]]:
    module = importlib.import_module("csi_geolocator.gui.photo_editor")
    reader_module = importlib.import_module("csi_geolocator.tasks.photo_reader")
    reader = reader_module.PhotoReader()
    made: list[Any] = []

    def make(row: Any) -> Any:
        editor = module.PhotoEditor(row, reader)
        editor.show()
        made.append(editor)
        return editor

    yield make
    for editor in made:
        editor.close()
        editor.deleteLater()
    reader.stop()


def photo_row(contract: Any, path: str, **info: Any) -> Any:
    model = importlib.import_module("csi_geolocator.gui.photo_model")
    return model.PhotoRow(path, contract.PhotoInfo(path, **info))


def test_editor_changes_nothing_by_being_opened(
    make_editor: Any, contract: Any, edits: Any, tmp_path: Path
) -> None:
    path = save_photo(tmp_path / "a.jpg")
    row = photo_row(contract, path, captured_at="2021-05-06T07:08:09+02:00", fov_deg=66.0)
    assert make_editor(row).edit() == edits.AS_THE_FILE_SAYS


def test_editor_takes_time_field_of_view_turn_and_crop(
    make_editor: Any, contract: Any, tmp_path: Path, wait_until: Any
) -> None:
    path = save_photo(tmp_path / "a.jpg")
    editor = make_editor(photo_row(contract, path))
    wait_until(lambda: not editor._picture.isNull())
    widgets = importlib.import_module("qgis.PyQt.QtWidgets")
    core = importlib.import_module("qgis.PyQt.QtCore")
    editor.findChild(widgets.QDoubleSpinBox, "photoFov").setValue(48.5)
    moment = core.QDateTime.fromString("2020-02-03T04:05:06", Qt.DateFormat.ISODate)
    editor._time.setDateTime(moment)
    editor.findChild(QSpinBox, "crop_left").setValue(25)
    editor.turn(90)
    assert editor.edit() == contract.PhotoEdit(
        turn_deg=90,
        left=0.0,
        top=0.25,
        right=1.0,
        bottom=1.0,
        fov_deg=48.5,
        captured_at="2020-02-03T04:05:06",
    )
    editor.reset()
    assert editor.edit() == contract.PhotoEdit()


@pytest.mark.parametrize(
    ("said", "edited"),
    [
        ("2021-05-06T19:31:00+02:00", "2021-05-06T19:35:00+02:00"),
        ("2021-05-06T19:31:00.25-03:30", "2021-05-06T19:35:00-03:30"),
        ("2021-05-06T19:31:00", "2021-05-06T19:35:00"),
    ],
)
def test_edited_time_stays_in_the_time_zone_of_the_file(
    make_editor: Any, contract: Any, tmp_path: Path, said: str, edited: str
) -> None:
    editor = make_editor(photo_row(contract, save_photo(tmp_path / "a.jpg"), captured_at=said))
    core = importlib.import_module("qgis.PyQt.QtCore")
    editor._time.setDateTime(
        core.QDateTime.fromString("2021-05-06T19:35:00", Qt.DateFormat.ISODate)
    )
    assert editor.edit().captured_at == edited


def test_frame_is_drawn_with_the_mouse(
    make_editor: Any, contract: Any, tmp_path: Path, wait_until: Any
) -> None:
    editor = make_editor(photo_row(contract, save_photo(tmp_path / "a.jpg")))
    wait_until(lambda: not editor._picture.isNull())
    view = editor._view
    whole = view.picture_rect()

    def at(x: float, y: float) -> QPoint:
        return QPoint(
            round(whole.left() + x * whole.width()), round(whole.top() + y * whole.height())
        )

    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=at(0.25, 0.25))
    QTest.mouseMove(view, at(0.5, 0.5))
    QTest.mouseMove(view, at(0.75, 0.75))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at(0.75, 0.75))
    edit = editor.edit()
    assert [edit.left, edit.top, edit.right, edit.bottom] == pytest.approx(
        [0.25, 0.25, 0.75, 0.75], abs=0.02
    )


def test_editor_says_why_there_is_no_picture(
    make_editor: Any, contract: Any, tmp_path: Path, wait_until: Any
) -> None:
    editor = make_editor(photo_row(contract, str(tmp_path / "gone.jpg")))
    wait_until(lambda: "no such file" in editor._view._words)


@pytest.fixture
def drops(staged: Path, qgis_app: Any) -> Any:
    return importlib.import_module("csi_geolocator.gui.drop_handler")


def mime_of(*paths: str) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(path) for path in paths])
    return mime


def test_photos_dropped_on_qgis_go_to_the_open_panel(drops: Any, tmp_path: Path) -> None:
    path = save_photo(tmp_path / "photo.jpg")
    folder = str(Path(save_photo(tmp_path / "folder" / "other.jpg")).parent)
    taken: list[str] = []
    handler = drops.PhotoDropHandler(lambda: True, taken.extend)
    assert handler.canHandleMimeData(mime_of(path, folder))
    assert handler.handleMimeDataV2(mime_of(path, folder))
    assert taken == [path, folder]


def test_drops_are_left_to_qgis_while_the_panel_is_closed(drops: Any, tmp_path: Path) -> None:
    path = save_photo(tmp_path / "photo.jpg")
    taken: list[str] = []
    assert not drops.PhotoDropHandler(lambda: False, taken.extend).handleMimeDataV2(mime_of(path))
    assert taken == []


@pytest.mark.parametrize("beside", ["map.jgw", "map.jpg.aux.xml", "map.wld"])
def test_map_with_a_world_file_is_left_to_qgis(drops: Any, tmp_path: Path, beside: str) -> None:
    path = save_photo(tmp_path / "map.jpg")
    (tmp_path / beside).write_text("1.0\n")
    assert not drops.PhotoDropHandler(lambda: True, print).handleMimeDataV2(mime_of(path))


def test_tiff_and_mixed_folders_are_left_to_qgis(drops: Any, tmp_path: Path) -> None:
    tiff = tmp_path / "image.tif"
    tiff.write_bytes(b"II*\0")
    mixed = tmp_path / "mixed"
    save_photo(mixed / "photo.jpg")
    (mixed / "layer.gpkg").write_bytes(b"SQLite format 3")
    handler = drops.PhotoDropHandler(lambda: True, print)
    assert not handler.handleMimeDataV2(mime_of(str(tiff)))
    assert not handler.handleMimeDataV2(mime_of(str(mixed)))
    assert not handler.handleMimeDataV2(mime_of(str(tmp_path / "empty")))
