"""The options page: what it shows, writes and keeps secret, with real widgets."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from qgis.core import QgsApplication, QgsSettings
from qgis.gui import QgsAuthConfigSelect, QgsFileWidget
from qgis.PyQt.QtCore import QEvent, Qt
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QSpinBox,
    QTreeWidget,
    QWidget,
)

SECRET = "a secret that no file may hold"


@pytest.fixture
def settings(staged: Path, settings_folder: Path) -> Any:
    return importlib.import_module("csi_geolocator.settings").Settings()


@pytest.fixture
def make_page(settings: Any) -> Iterator[Callable[..., Any]]:
    module = importlib.import_module("csi_geolocator.gui.settings_page")
    made: list[Any] = []

    def make(engine: Any = None) -> Any:
        made.append(module.SettingsPageFactory(settings, engine).createWidget(None))
        return made[-1]

    yield make
    for page in made:
        page.deleteLater()


@pytest.fixture
def engine(fake_engine: Any) -> Iterator[Any]:
    client = importlib.import_module("csi_geolocator.engine.client")
    made = client.EngineClient(fake_engine)
    yield made
    made.stop()


@pytest.fixture
def listed(make_page: Any, engine: Any, wait_until: Any) -> Any:
    """A page that has asked the engine for its sources."""
    page = make_page(engine)
    child(page, QPushButton, "askEngine").click()
    wait_until(lambda: source_list(page).topLevelItemCount() > 0)
    return page


def child(page: Any, kind: type, name: str) -> Any:
    return page.findChild(kind, name)


def said(page: Any, name: str) -> str:
    return child(page, QLabel, name).text()


def source_list(page: Any) -> QTreeWidget:
    return child(page, QTreeWidget, "sourceList")


def rows(page: Any) -> list[tuple[str, str, str]]:
    items = [
        source_list(page).topLevelItem(n) for n in range(source_list(page).topLevelItemCount())
    ]
    return [tuple(item.text(column) for column in range(3)) for item in items]


def select(page: Any, title: str) -> Any:
    (item,) = source_list(page).findItems(title, Qt.MatchFlag.MatchExactly)
    source_list(page).setCurrentItem(item)
    return item


def test_page_is_found_by_the_name_of_the_plugin(make_page: Any) -> None:
    assert make_page().objectName() == "CSI Geolocator"


def test_page_opens_without_starting_the_engine(make_page: Any, settings: Any) -> None:
    page = make_page()
    page.show()
    assert page._own_client is None
    assert said(page, "engineStateWords") == "The engine is not set up yet."
    assert "ask for it once" in said(page, "sourcesStatusWords")


def test_nothing_is_written_before_it_is_applied(make_page: Any, settings: Any) -> None:
    page = make_page()
    child(page, QComboBox, "device").setCurrentIndex(3)
    child(page, QLineEdit, "analyst").setText(" Ada L. ")
    child(page, QLineEdit, "contact").setText("ada@example.org")
    child(page, QDoubleSpinBox, "cacheMax").setValue(7.5)
    child(page, QgsFileWidget, "cacheFolder").setFilePath("/data")
    child(page, QCheckBox, "offline").setChecked(True)
    child(page, QSpinBox, "maxRequests").setValue(500)
    child(page, QSpinBox, "maxMegabytes").setValue(10_000)
    assert not [key for key in QgsSettings().allKeys() if key.startswith("csi_geolocator")]
    page.apply()
    assert (settings.device, settings.analyst) == ("cpu", "Ada L.")
    assert settings.contact == "ada@example.org"
    assert settings.cache_max_bytes == 7_500_000_000
    assert settings.cache_folder == Path("/data/csi_geolocator_cache")
    assert settings.offline
    assert (settings.max_requests, settings.max_bytes) == (500, 10_000_000_000)
    again = make_page()
    assert child(again, QComboBox, "device").currentData() == "cpu"
    assert child(again, QDoubleSpinBox, "cacheMax").value() == 7.5


def test_engine_lists_its_sources_and_they_are_remembered(
    listed: Any, make_page: Any, settings: Any
) -> None:
    assert ("Key View", "street views", "missing") in rows(listed)
    assert ("Open Roads", "roads", "not needed") in rows(listed)
    assert rows(make_page()) == rows(listed), "the next page opens without the engine"


def test_terms_and_warning_of_a_source_are_shown(listed: Any) -> None:
    select(listed, "Key View")
    assert "Licence: terms of Key View." in said(listed, "sourceTerms")
    assert "May not be kept in the cache, trained on" in said(listed, "sourceTerms")
    assert "bills each picture" in said(listed, "sourceNoticeWords")
    assert "free key" in said(listed, "keyHelp")
    assert not child(listed, QWidget, "keyRow").isHidden()
    select(listed, "Open View")
    assert said(listed, "sourceNoticeWords") == ""
    assert child(listed, QWidget, "keyRow").isHidden()


def test_source_that_is_not_ticked_is_hidden(listed: Any, settings: Any) -> None:
    select(listed, "Open View").setCheckState(0, Qt.CheckState.Unchecked)
    assert settings.hidden_sources == frozenset()
    listed.apply()
    assert settings.hidden_sources == frozenset({"openview"})


def test_key_goes_into_the_authentication_store_and_nowhere_else(
    listed: Any, make_page: Any, settings: Any
) -> None:
    QgsApplication.authManager().setMasterPassword("master", True)
    select(listed, "Key View")
    listed._sources.set_key(SECRET)
    assert ("Key View", "street views", "stored") in rows(listed)
    listed.apply()
    assert settings.api_keys() == {"keyview": SECRET}
    store = QgsSettings()
    assert not [key for key in store.allKeys() if SECRET in str(store.value(key))]
    again = make_page()
    select(again, "Key View")
    again._sources._on_entry("")
    again.apply()
    assert settings.api_keys() == {}


def test_engine_that_fails_is_told_on_the_page(
    make_page: Any, fake_engine: Any, wait_until: Any
) -> None:
    client = importlib.import_module("csi_geolocator.engine.client")
    engine = client.EngineClient(lambda: fake_engine("die-at-start"))
    page = make_page(engine)
    button = child(page, QPushButton, "askEngine")
    button.click()
    assert not button.isEnabled()
    wait_until(button.isEnabled)
    assert "No module named 'torch'" in said(page, "sourcesStatusWords")
    engine.stop()


def test_page_that_is_gone_hears_nothing_any_more(
    settings: Any, fake_engine: Any, wait_until: Any, qgis_app: Any
) -> None:
    client = importlib.import_module("csi_geolocator.engine.client")
    module = importlib.import_module("csi_geolocator.gui.settings_page")
    engine = client.EngineClient(fake_engine)
    page = module.SettingsPage(settings, engine)
    child(page, QPushButton, "askEngine").click()
    page.deleteLater()
    qgis_app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    wait_until(lambda: bool(settings.known_sources))
    engine.stop()


def test_who_uses_the_settings_is_told_of_each_change(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("csi_geolocator.gui.settings_page")
    seen: list[str] = []
    factory = module.SettingsPageFactory(settings, None, lambda: seen.append(settings.contact))
    page = factory.createWidget(None)
    child(page, QLineEdit, "contact").setText("ada@example.org")
    assert seen == []
    page.apply()
    assert seen == ["ada@example.org"]
    monkeypatch.setattr(module.EnvironmentDialog, "exec", lambda _: None)
    child(page, QPushButton, "setUpEngine").click()
    assert len(seen) == 2, "the engine may be set up now"
    page.deleteLater()


def test_cache_is_counted_and_cleared_after_a_question(
    make_page: Any, settings: Any, wait_until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings.cache_folder / "tiles").mkdir(parents=True)
    (settings.cache_folder / "tiles" / "a").write_bytes(bytes(3_000_000))
    (settings.cache_folder / "b").write_bytes(bytes(4000))
    gallery = settings.cache_folder / "galleries" / "0123456789abcdef"
    gallery.mkdir(parents=True)
    (gallery / "places.npy").write_bytes(bytes(9_000_000))
    beside = settings.cache_folder.parent / "other"
    beside.touch()
    page = make_page()
    wait_until(lambda: said(page, "cacheSize") == "3 MB")
    answers = [QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes]
    monkeypatch.setattr(QMessageBox, "question", lambda *_: answers.pop(0))
    child(page, QPushButton, "clearCache").click()
    assert (settings.cache_folder / "tiles" / "a").exists()
    child(page, QPushButton, "clearCache").click()
    wait_until(lambda: said(page, "cacheSize") == "0 kB")
    assert [path.name for path in settings.cache_folder.iterdir()] == ["galleries"]
    assert (gallery / "places.npy").exists(), "the question promises that galleries stay"
    assert beside.exists()


def test_only_a_cache_of_ours_is_cleared(staged: Path, tmp_path: Path) -> None:
    cache = importlib.import_module("csi_geolocator.reference_cache")
    (tmp_path / "letters").mkdir()
    with pytest.raises(RuntimeError, match="left alone"):
        cache.clear(tmp_path / "letters")
    link = tmp_path / "csi_geolocator_cache"
    link.symlink_to(tmp_path / "letters")
    with pytest.raises(RuntimeError, match="left alone"):
        cache.clear(link)
    assert (tmp_path / "letters").is_dir()


def test_size_counts_files_and_no_links(staged: Path, tmp_path: Path) -> None:
    cache = importlib.import_module("csi_geolocator.reference_cache")
    (tmp_path / "a").write_bytes(bytes(10))
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "c").symlink_to(tmp_path / "nothing")
    assert cache.size_of(tmp_path) == 10
    assert cache.size_of(tmp_path / "none") == 0


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 kB"), (3_400_000, "3 MB"), (2_340_000_000, "2.3 GB")]
)
def test_size_is_shown_in_words(staged: Path, qgis_app: Any, size: int, words: str) -> None:
    module = importlib.import_module("csi_geolocator.gui.settings_page")
    assert module.size_in_words(size) == words


def test_window_of_the_environment_opens_from_the_page(
    make_page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = importlib.import_module("csi_geolocator.gui.environment_dialog")
    opened: list[Any] = []
    monkeypatch.setattr(dialog.EnvironmentDialog, "exec", lambda self: opened.append(self))
    child(make_page(), QPushButton, "setUpEngine").click()
    assert len(opened) == 1


def test_every_control_has_a_name_and_a_tool_tip(listed: Any) -> None:
    kinds = (QPushButton, QComboBox, QSpinBox, QDoubleSpinBox, QCheckBox, QTreeWidget, QLineEdit)
    composed = (QgsAuthConfigSelect, QgsFileWidget, QSpinBox, QDoubleSpinBox)
    parts = {
        p for kind in composed for w in listed.findChildren(kind) for p in w.findChildren(QWidget)
    }
    controls = {widget for kind in kinds for widget in listed.findChildren(kind)} - parts
    assert len(controls) >= 10
    assert not [w for w in controls if not w.objectName() or not w.toolTip()]
