"""Every word of the plugin is there in German, in the compiled file that QGIS loads."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from qgis.core import QgsVectorLayer
from qgis.PyQt.QtCore import QCoreApplication


@pytest.fixture(scope="module")
def translate(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("translate", repository / ".ci" / "translate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def in_german(staged: Path, qgis_app: Any) -> Iterator[Any]:
    """The plugin's ``tr`` with the German translation installed."""
    i18n = importlib.import_module("csi_geolocator.i18n")
    translator = i18n.install_translator("de_AT", staged / "resources" / "i18n")
    assert translator is not None
    yield i18n.tr
    QCoreApplication.removeTranslator(translator)


def test_files_of_translations_are_complete_and_up_to_date(repository: Path) -> None:
    script = str(repository / ".ci" / "translate.py")
    run = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == 0, run.stderr


def test_compiled_german_is_what_was_written(
    in_german: Any, translate: ModuleType, repository: Path
) -> None:
    written = translate.read(repository / "resources" / "i18n" / "csi_geolocator_de.ts")
    assert set(written) == set(translate.texts())
    assert {text: in_german(text) for text in written} == written


def test_files_that_cannot_be_read_are_said_in_the_language_of_qgis(
    in_german: Any, plugin: Callable[[str], Any], tmp_path: Path
) -> None:
    store, files = plugin("layers.store"), plugin("tasks.photo_files")
    with pytest.raises(store.StoreError, match="lässt sich nicht lesen"):
        store.ResultStore(tmp_path / "gone.gpkg").run()
    store.ResultStore.create(tmp_path / "run.gpkg", {})
    with pytest.raises(store.StoreError, match="gibt es schon"):
        store.ResultStore.create(tmp_path / "run.gpkg", {})
    contract = plugin("model_core.contract")
    with pytest.raises(contract.ContractError, match="Version der Erweiterung"):
        plugin("layers.locate_run").LocateRun.from_values({})
    answer = contract.PhotoAnswer("/p/a.jpg", candidates={"features": [{}]})
    with pytest.raises(contract.ContractError, match="Die Kandidaten der Engine"):
        plugin("layers.candidate").candidates_of(answer)
    with pytest.raises(FileNotFoundError, match="installieren Sie die Erweiterung neu"):
        plugin("layers.style").apply_style(QgsVectorLayer("Point", "", "memory"), "gone")
    assert "wurde sie verschoben" in files.read_picture(str(tmp_path / "gone.jpg"), 64)[1]


def test_kml_names_its_places_in_the_language_of_qgis(
    in_german: Any, plugin: Callable[[str], Any], answer_of: Callable[..., Any], tmp_path: Path
) -> None:
    export = plugin("layers.export")
    kind = next(kind for kind in export.FORMATS if kind.suffix == ".kml")
    found = plugin("layers.candidate").candidates_of(answer_of("/p/a.jpg", 1))
    export.export_candidates(found, tmp_path / "out.kml", kind)
    text = (tmp_path / "out.kml").read_text(encoding="utf-8")
    assert "<name>a.jpg, Rang 1 (45 %)</name>" in text
    assert "Blickrichtung 40°, vorgeschlagen" in text


def test_english_stays_without_a_translation(staged: Path, qgis_app: Any) -> None:
    i18n = importlib.import_module("csi_geolocator.i18n")
    assert i18n.install_translator("fi", staged / "resources" / "i18n") is None
    assert i18n.tr("Locate photos") == "Locate photos"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("tr('one')", ["one"]),
        ("tr('one ' 'text')", ["one text"]),
        ("x = f(tr('a'), tr('b').format(1))", ["a", "b"]),
        ("other('one')", []),
    ],
)
def test_texts_are_collected(translate: ModuleType, source: str, found: list[str]) -> None:
    assert list(translate._texts_of(source, "file.py")) == found


def test_text_that_is_put_together_is_refused(translate: ModuleType) -> None:
    with pytest.raises(translate.NotText, match=r"file\.py:1"):
        list(translate._texts_of("tr(f'{x} photos')", "file.py"))
