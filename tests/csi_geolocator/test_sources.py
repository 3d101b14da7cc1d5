"""Sources of references: layers of the project, files, the engine's own; notices and keys."""

from __future__ import annotations

import dataclasses
import importlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
    edit,
)
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QComboBox, QLabel, QLineEdit, QListWidget, QPushButton


@pytest.fixture
def layer_sources(staged: Path, qgis_app: Any) -> Any:
    return importlib.import_module("csi_geolocator.layers.layer_sources")


def wms_layer(uri: str) -> QgsRasterLayer:
    return QgsRasterLayer(uri, "online", "wms")


XYZ = "type=xyz&url=https://tiles.example.org/%7Bz%7D/%7Bx%7D/%7By%7D.png?style%3Da%26b%3Dc&zmax=19"
WMS = "crs=EPSG:3857&format=image/png&layers=ortho&styles=&url=https://wms.example.org/ows?map%3Da"
TWO = "crs=EPSG:3857&format=image/png&layers=a&layers=b&styles=&styles=&url=https://wms.example.org"
WMTS = (
    "crs=EPSG:3857&format=image/jpeg&layers=sat&styles=default&tileMatrixSet=g"
    "&url=https://wmts.example.org/1.0.0/WMTSCapabilities.xml"
)


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        (XYZ, "xyz|url=https://tiles.example.org/{z}/{x}/{y}.png?style=a&b=c|max_zoom=19"),
        (WMS, "wms|url=https://wms.example.org/ows?map=a|layers=ortho"),
        (
            WMS.replace("EPSG:3857", "EPSG:4326").replace("png", "jpeg"),
            "wms|url=https://wms.example.org/ows?map=a|layers=ortho|format=image/jpeg|crs=EPSG:4326",
        ),
        (TWO, "wms|url=https://wms.example.org|layers=a,b"),
        (
            WMTS,
            "wmts|url=https://wmts.example.org/1.0.0/WMTSCapabilities.xml|layer=sat|style=default",
        ),
    ],
)
def test_online_layer_is_named_as_the_engine_reads_it(
    layer_sources: Any, uri: str, text: str
) -> None:
    assert layer_sources.imagery_text(wms_layer(uri)) == text


def test_credit_of_a_layer_goes_with_it(layer_sources: Any) -> None:
    layer = wms_layer(WMS)
    metadata = layer.metadata()
    metadata.setRights(["© City of Example"])
    layer.setMetadata(metadata)
    assert layer_sources.imagery_text(layer).endswith("|attribution=© City of Example")


def test_signs_of_the_grammar_are_encoded_in_values(layer_sources: Any) -> None:
    text = layer_sources.source_text("xyz", {"url": "https://h/{z}?f=a|b%20c", "max_zoom": ""})
    assert text == "xyz|url=https://h/{z}?f=a%7Cb%2520c"


@pytest.mark.parametrize("login", ["authcfg=abc1234", "username=me&password=secret"])
def test_layer_with_a_login_is_explained(layer_sources: Any, login: str) -> None:
    with pytest.raises(layer_sources.LayerUnusable, match=r"login of QGIS.*Save As"):
        layer_sources.imagery_text(wms_layer(f"{XYZ}&{login}"))


def test_coordinate_system_that_only_qgis_knows_goes_with_the_layer(
    layer_sources: Any, staged: Path
) -> None:
    demo = staged / "resources" / "demo"
    imagery = QgsRasterLayer(str(demo / "imagery.tif"), "demo")
    roads = QgsVectorLayer(str(demo / "roads.geojson"), "roads", "ogr")
    assert layer_sources.is_vector_file(roads)
    for layer in (imagery, roads):
        layer.setCrs(QgsCoordinateReferenceSystem("EPSG:25833"))
    assert not layer_sources.is_vector_file(roads)
    with pytest.raises(layer_sources.LayerUnusable, match=r"coordinate system.*Save As"):
        layer_sources.imagery_text(imagery)


def test_raster_file_is_named_by_its_path(layer_sources: Any, staged: Path) -> None:
    path = staged / "resources" / "demo" / "imagery.tif"
    assert layer_sources.imagery_text(QgsRasterLayer(str(path), "demo")) == str(path.resolve())


def test_raster_that_is_no_file_is_explained(layer_sources: Any) -> None:
    layer = QgsRasterLayer("/vsicurl/https://host.example.org/a.tif", "far", "gdal")
    with pytest.raises(layer_sources.LayerUnusable, match="no file of its own"):
        layer_sources.imagery_text(layer)


def line_layer() -> QgsVectorLayer:
    layer = QgsVectorLayer("LineString?crs=EPSG:4326", "streets", "memory")
    feature = QgsFeature()
    feature.setGeometry(QgsGeometry.fromWkt("LineString(15 55, 15.01 55.01)"))
    layer.dataProvider().addFeature(feature)
    return layer


class Questions:
    """Answers notices, and keeps what was asked."""

    def __init__(self) -> None:
        self.answer = True
        self.asked: list[str] = []

    def __call__(self, title: str, text: str) -> bool:
        self.asked.append(text)
        return self.answer


@pytest.fixture
def questions() -> Questions:
    return Questions()


@pytest.fixture
def settings(staged: Path, settings_folder: Path) -> Any:
    return importlib.import_module("csi_geolocator.settings").Settings()


@pytest.fixture
def engine(staged: Path, fake_engine: Any) -> Iterator[Any]:
    client = importlib.import_module("csi_geolocator.engine.client")
    made = client.EngineClient(lambda: fake_engine("good"))
    yield made
    made.stop()


@pytest.fixture
def catalogue(engine: Any, settings: Any, questions: Questions, wait_until: Any) -> Any:
    """The sources of the fake engine, fetched."""
    module = importlib.import_module("csi_geolocator.gui.source_catalogue")
    made = module.SourceCatalogue(engine, settings, questions)
    made.fetch()
    wait_until(lambda: bool(made.of_kind("imagery")))
    return made


@pytest.fixture
def picker(catalogue: Any, tmp_path: Path, qgis_new_project: None) -> Iterator[Any]:
    module = importlib.import_module("csi_geolocator.gui.references_picker")
    made = module.ReferencesPicker(catalogue, tmp_path / "session")
    made.show()
    yield made
    made.remove()
    made.deleteLater()


def choose(picker: Any, name: str, text: str) -> None:
    """Choose what a person would in a combo box."""
    combo = picker.findChild(QComboBox, name)
    index = combo.findText(text)
    assert index >= 0, [combo.itemText(i) for i in range(combo.count())]
    combo.setCurrentIndex(index)
    combo.activated.emit(index)


def note(picker: Any, name: str) -> str:
    return picker.findChild(QLabel, name).text()


def street_view(picker: Any, title: str) -> Any:
    return picker.findChild(QListWidget, "streetViewSources").findItems(
        title, Qt.MatchFlag.MatchExactly
    )[0]


def test_layers_of_the_project_come_and_go(picker: Any, staged: Path, wait_until: Any) -> None:
    path = staged / "resources" / "demo" / "imagery.tif"
    layer = QgsRasterLayer(str(path), "my orthophoto")
    QgsProject.instance().addMapLayer(layer)
    combo = picker.findChild(QComboBox, "imagerySource")
    wait_until(lambda: combo.findText("my orthophoto") >= 0)
    choose(picker, "imagerySource", "my orthophoto")
    assert picker.references().imagery == str(path.resolve())
    QgsProject.instance().removeMapLayer(layer.id())
    wait_until(lambda: combo.findText("my orthophoto") < 0)
    assert picker.references().imagery is None


def test_source_of_the_engine_is_chosen_with_its_options(picker: Any, catalogue: Any) -> None:
    info = catalogue.of_kind("imagery")[0]
    choose(picker, "imagerySource", info.title)
    assert picker.references().imagery == info.example
    edit = picker.findChild(QLineEdit, "imageryOptions")
    if info.options:
        assert not edit.isHidden()
    edit.setText(f"{info.name}|url=https://other.example.org")
    edit.editingFinished.emit()
    assert picker.references().imagery == f"{info.name}|url=https://other.example.org"


def test_line_layer_in_memory_is_written_for_the_engine(picker: Any, wait_until: Any) -> None:
    layer = line_layer()
    QgsProject.instance().addMapLayer(layer)
    combo = picker.findChild(QComboBox, "roadsSource")
    wait_until(lambda: combo.findText("streets") >= 0)
    choose(picker, "roadsSource", "streets")
    module = importlib.import_module("csi_geolocator.layers.layer_sources")
    with pytest.raises(module.LayerUnusable, match="being prepared"):
        picker.references()
    written: list[str] = []
    picker.changed.connect(lambda: written.append(picker.references().roads))
    wait_until(lambda: bool(written))
    assert QgsVectorLayer(written[0], "copy", "ogr").featureCount() == 1
    assert note(picker, "roadsNote") == ""


@pytest.fixture
def export(staged: Path, tmp_path: Path, qgis_new_project: None) -> Iterator[Any]:
    made = importlib.import_module("csi_geolocator.tasks.layer_export").LayerExport(tmp_path)
    yield made
    made.stop()


def add_line(layer: Any, northing: float) -> None:
    feature = QgsFeature(layer.fields())
    feature.setGeometry(QgsGeometry.fromWkt(f"LineString(15 {northing}, 15.1 {northing})"))
    layer.addFeature(feature)


def count_in(file: str | None) -> int:
    return QgsVectorLayer(file or "", "copy", "ogr").featureCount()


def test_each_layer_keeps_its_own_file_when_another_is_edited(export: Any, wait_until: Any) -> None:
    first, second = line_layer(), line_layer()
    for layer in (first, second):
        wait_until(lambda layer=layer: export.file_of(layer) is not None)
    kept = export.file_of(second)
    with edit(first):
        add_line(first, 55.6)
    wait_until(lambda: export.file_of(first) is not None)
    assert export.file_of(second) == kept
    assert (count_in(export.file_of(first)), count_in(kept)) == (2, 1)


def test_layer_with_ids_that_repeat_is_written_whole(export: Any, wait_until: Any) -> None:
    """As of merged layers, which keep the column ``fid`` of each."""
    layer = QgsVectorLayer("LineString?crs=EPSG:4326&field=fid:integer", "merged", "memory")
    with edit(layer):
        for northing in (55.6, 55.7, 55.8):
            add_line(layer, northing)
        for feature in layer.getFeatures():
            layer.changeAttributeValue(feature.id(), 0, 1)
    wait_until(lambda: export.file_of(layer) is not None)
    assert count_in(export.file_of(layer)) == 3


def test_edit_during_an_export_is_in_the_file(export: Any, wait_until: Any) -> None:
    layer = line_layer()
    assert export.file_of(layer) is None
    with edit(layer):
        add_line(layer, 55.6)
    written: list[str] = []
    export.written.connect(written.append)
    wait_until(lambda: export.file_of(layer) is not None)
    assert count_in(export.file_of(layer)) == 2
    assert set(written) == {layer.id()}


def test_line_file_is_used_as_it_is_with_its_filter(
    picker: Any, staged: Path, wait_until: Any, tmp_path: Path
) -> None:
    path = tmp_path / "roads.geojson"
    shutil.copyfile(staged / "resources" / "demo" / "roads.geojson", path)
    layer = QgsVectorLayer(str(path), "roads", "ogr")
    QgsProject.instance().addMapLayer(layer)
    combo = picker.findChild(QComboBox, "roadsSource")
    wait_until(lambda: combo.findText("roads") >= 0)
    choose(picker, "roadsSource", "roads")
    assert picker.references().roads.split("|")[0] == str(path)


def test_several_street_views_are_used_together(picker: Any, tmp_path: Path) -> None:
    street_view(picker, "Open View").setCheckState(Qt.CheckState.Checked)
    picker.street_views.tick([*picker.street_views.ticked(), str(tmp_path)])
    assert set(picker.references().street_views) == {"openview", str(tmp_path)}


def test_notice_is_shown_once_and_needs_a_yes(
    picker: Any, questions: Questions, catalogue: Any
) -> None:
    item = street_view(picker, "Key View")
    questions.answer = False
    item.setCheckState(Qt.CheckState.Checked)
    assert "bills each picture" in questions.asked[0]
    assert item.checkState() == Qt.CheckState.Unchecked
    assert picker.references().street_views == ()
    questions.answer = True
    item.setCheckState(Qt.CheckState.Checked)
    item.setCheckState(Qt.CheckState.Unchecked)
    item.setCheckState(Qt.CheckState.Checked)
    assert len(questions.asked) == 2
    assert picker.references().street_views == ("keyview",)


def test_missing_key_is_said_with_the_way_to_the_settings(picker: Any, settings: Any) -> None:
    wanted: list[bool] = []
    picker.settingsWanted.connect(lambda: wanted.append(True))
    street_view(picker, "Key View").setCheckState(Qt.CheckState.Checked)
    assert "needs a key of your own" in note(picker, "streetViewNote")
    picker.findChild(QPushButton, "streetViewKey").click()
    assert wanted == [True]
    settings.set_key_entry("keyview", "abc1234")
    picker.street_views._say()
    assert "may not be shown beside a map" in note(picker, "streetViewNote")
    assert picker.findChild(QPushButton, "streetViewKey").isHidden()


def test_only_the_keys_of_the_sources_that_are_used_are_read(
    catalogue: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def api_keys(sources: Any = None) -> dict[str, str]:
        asked.append(set(sources))
        return {"keyview": "s3cret"}

    monkeypatch.setattr(settings, "api_keys", api_keys)
    assert catalogue.keys_for(["openview", "/data/imagery.tif"]) == {}
    assert asked == []
    assert catalogue.keys_for(["openview", "keyview|x=1"]) == {"keyview": "s3cret"}
    assert asked == [{"keyview"}]


def test_credits_are_those_of_the_named_sources_and_layers(catalogue: Any) -> None:
    texts = [
        "/data/roads.gpkg",
        "openview|max_age=3",
        "openview",
        "files|url=https://h/{z}?f=a%7Cb|attribution=© City %7C Example",
        "files|url=https://h/{z}",
        "unheard-of",
    ]
    assert catalogue.credits(texts) == (
        "© contributors of Open View",
        "© City | Example",
        "Image tiles of any server",
    )


def test_pack_stands_for_all(picker: Any, tmp_path: Path) -> None:
    street_view(picker, "Open View").setCheckState(Qt.CheckState.Checked)
    picker.choose_pack(str(tmp_path))
    references = picker.references()
    assert references.pack == str(tmp_path)
    assert references.texts == ()
    module = importlib.import_module("csi_geolocator.layers.layer_sources")
    picker.choose_pack(str(tmp_path / "gone"))
    with pytest.raises(module.LayerUnusable, match="folder of the reference pack"):
        picker.references()


def test_file_that_is_gone_is_said(picker: Any, tmp_path: Path) -> None:
    module = importlib.import_module("csi_geolocator.layers.layer_sources")
    path = tmp_path / "imagery.tif"
    path.write_bytes(b"II*\0")
    picker.imagery.choose("file", str(path))
    path.unlink()
    with pytest.raises(module.LayerUnusable, match="not there any more"):
        picker.references()


def test_choice_is_remembered_but_for_layers_and_lost_files(
    picker: Any, catalogue: Any, tmp_path: Path
) -> None:
    picker.roads.choose("source", "openroads")
    picker.imagery.choose("file", str(tmp_path / "lost.tif"))
    picker.street_views.tick(["openview", str(tmp_path)])
    state = picker.state()
    module = importlib.import_module("csi_geolocator.gui.references_picker")
    again = module.ReferencesPicker(catalogue, tmp_path / "other")
    again.restore(state)
    assert again.references().roads == "openroads"
    assert again.references().imagery is None
    assert set(again.references().street_views) == {"openview", str(tmp_path)}
    again.remove()
    again.deleteLater()


@pytest.mark.parametrize(
    "name", ["key", "access_token", "sig", "subscription-key", "X-Amz-Signature", "appid"]
)
def test_address_with_a_key_is_not_remembered(picker: Any, name: str) -> None:
    text = f"xyz|url=https://h.example.org/{{z}}/{{x}}/{{y}}.png?style=a&{name}=abc"
    picker.imagery.choose("source", text)
    assert picker.references().imagery == text
    assert picker.state()["imagery"] == ["none", ""]
    placeholder = f"xyz|url=https://h.example.org/{{z}}/{{x}}/{{y}}.png?{name}={{key}}"
    picker.imagery.choose("source", placeholder)
    assert picker.state()["imagery"] == ["source", placeholder]


def test_address_with_a_login_is_not_remembered(picker: Any) -> None:
    text = "xyz|url=https://me:s3cret@h.example.org/{z}/{x}/{y}.png"
    picker.imagery.choose("source", text)
    assert picker.references().imagery == text
    assert picker.state()["imagery"] == ["none", ""]


def test_every_secret_of_the_engine_is_one_here(plugin: Any) -> None:
    text, addresses = plugin("source_text"), plugin("model_core.contract.addresses")
    for name in addresses.SECRET_NAMES:
        for written in (name, name.upper()):
            address = f"xyz|url=https://h.org/{{z}}.png?a=b&{written}=s3cret%2526x&c=d|zoom=3"
            assert text.holds_secret(address)
            kept = text.without_secret(address)
            assert kept == address.replace("s3cret%2526x", "{key}")
            assert not text.holds_secret(kept)
    for plain in ("panoramax", "/data/me@home/key=a.tif", "xyz|url=https://h.org/{z}?monkey=a@b"):
        assert not text.holds_secret(plain)


def test_hidden_sources_are_not_offered(catalogue: Any, settings: Any) -> None:
    names = [info.name for info in catalogue.of_kind("street_view")]
    assert "openview" in names
    settings.hidden_sources = ["openview"]
    catalogue.reload()
    assert "openview" not in [info.name for info in catalogue.of_kind("street_view")]


def test_source_that_was_hidden_leaves_the_list_and_is_used_no_more(
    picker: Any, catalogue: Any, settings: Any
) -> None:
    street_view(picker, "Open View").setCheckState(Qt.CheckState.Checked)
    changes: list[tuple[str, ...]] = []
    picker.changed.connect(lambda: changes.append(picker.references().street_views))
    settings.hidden_sources = ["openview"]
    catalogue.reload()
    views = picker.findChild(QListWidget, "streetViewSources")
    assert [views.item(row).text() for row in range(views.count())] == ["Key View"]
    assert changes == [()]
    picker.street_views.tick(["openview", "keyview"])
    assert picker.street_views.ticked() == ("keyview",)
    settings.hidden_sources = []
    catalogue.reload()
    assert street_view(picker, "Open View").checkState() == Qt.CheckState.Unchecked


def test_key_that_was_stored_meanwhile_is_no_longer_asked_for(
    picker: Any, catalogue: Any, settings: Any
) -> None:
    (imagery,) = catalogue.of_kind("imagery")
    info = dataclasses.replace(imagery, key="required", example=imagery.name)
    settings.known_sources = [info]
    catalogue.reload()
    choose(picker, "imagerySource", info.title)
    assert "needs a key of your own" in note(picker, "imageryNote")
    settings.set_key_entry(info.name, "abc1234")
    catalogue.reload()
    assert "key of your own" not in note(picker, "imageryNote")
    assert picker.findChild(QPushButton, "imageryKey").isHidden()


def test_sources_are_known_from_the_last_time_without_an_engine(
    catalogue: Any, settings: Any, questions: Questions
) -> None:
    module = importlib.import_module("csi_geolocator.gui.source_catalogue")

    class NoEngine:
        def call(self, *arguments: Any, **options: Any) -> Callable[..., None]:
            raise AssertionError("the engine is not to be asked")

    later = module.SourceCatalogue(NoEngine(), settings, questions)
    assert later.of_kind("roads") == catalogue.of_kind("roads")
