"""Every word of the plugin is there in German, in the compiled file that QGIS loads."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
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
