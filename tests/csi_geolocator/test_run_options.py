"""Options and model: only what differs from the engine's defaults is sent; what a model learned."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from qgis.PyQt.QtCore import QDateTime, Qt
from qgis.PyQt.QtWidgets import QComboBox, QLabel, QTextBrowser


@pytest.fixture
def options(staged: Path, qgis_app: Any) -> Iterator[Any]:
    made = importlib.import_module("csi_geolocator.gui.run_options").RunOptions()
    yield made
    made.deleteLater()


def test_options_are_folded_away_and_send_nothing_as_they_are(options: Any) -> None:
    assert options.isCollapsed()
    assert options.config() == {}
    assert not options.is_offline


def test_defaults_are_those_of_the_engine(
    staged: Path, qgis_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = importlib.import_module("csi_geolocator.gui.run_options").DEFAULTS
    monkeypatch.syspath_prepend(str(staged))
    config = importlib.import_module("model_core.config").LocateConfig()
    for name in [name for name in sys.modules if name.split(".")[0] == "model_core"]:
        monkeypatch.delitem(sys.modules, name)
    assert shown.spacing_m == config.places.spacing_m
    for name in ("max_distance_m", "max_age_days", "policy", "after", "before"):
        assert getattr(shown, name) == getattr(config.street_view, name)
    assert shown.budget_views == config.verification.budget_views
    assert shown.max_candidates == config.ranking.max_candidates
    assert shown.device == config.device


def test_what_is_changed_is_sent_and_shown_again(options: Any) -> None:
    config = {
        "places": {"spacing_m": 40.0},
        "street_view": {
            "max_distance_m": 80.0,
            "max_age_days": 900.0,
            "policy": "nearest",
            "after": "2019-01-02",
            "before": "2022-03-04",
        },
        "verification": {"budget_views": 0},
        "ranking": {"max_candidates": 7},
        "device": "cpu",
    }
    options.restore(config)
    assert options.config() == config
    options.restore({})
    assert options.config() == {}


def test_changes_are_told(options: Any) -> None:
    told: list[bool] = []
    options.changed.connect(lambda: told.append(True))
    box = options.findChild(QComboBox, "policy")
    box.setCurrentIndex(box.findData("strict"))
    assert told
    assert options.config() == {"street_view": {"policy": "strict"}}


def test_day_is_taken_without_its_time(options: Any) -> None:
    core = importlib.import_module("qgis.gui")
    edit = options.findChild(core.QgsDateTimeEdit, "after")
    edit.setDateTime(QDateTime.fromString("2020-05-06T07:08:09", Qt.DateFormat.ISODate))
    assert options.config() == {"street_view": {"after": "2020-05-06"}}


def test_it_is_said_which_of_the_days_serve(options: Any) -> None:
    """The engine takes the day ``after`` in and leaves the day ``before`` out."""
    edit = importlib.import_module("qgis.gui").QgsDateTimeEdit
    after, before = (options.findChild(edit, name).toolTip() for name in ("after", "before"))
    assert "on this day or later" in after
    assert "before this day; the day itself is left out" in before


@pytest.fixture
def models(staged: Path, qgis_app: Any) -> Any:
    return importlib.import_module("csi_geolocator.gui.model_picker")


def test_what_the_model_learned_is_said_beside_the_choice(models: Any, staged: Path) -> None:
    picker = models.ModelPicker(staged / "resources" / "models")
    words = picker.findChild(QLabel, "modelLearnedFrom").text()
    card = (staged / "resources" / "models" / "default" / "card.md").read_text(encoding="utf-8")
    assert words.startswith("Learned from: ")
    assert len(words) > 30
    assert words.removeprefix("Learned from: ")[:15] in " ".join(card.split())
    assert picker.bundle is None, "the engine takes the packaged model by itself"


def test_card_is_one_click_away_with_its_tables(models: Any, staged: Path) -> None:
    picker = models.ModelPicker(staged / "resources" / "models")
    dialog = picker.card_dialog()
    browser = dialog.findChild(QTextBrowser, "documentText")
    assert "Model card" in browser.toPlainText()
    assert "**" not in browser.toPlainText(), "Markdown is rendered"
    assert "<table" in browser.toHtml()


def test_other_bundle_is_chosen_and_a_lost_one_is_forgotten(
    models: Any, staged: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "mine"
    bundle.mkdir()
    (bundle / "config.json").write_text("{}")
    (bundle / "card.md").write_text(
        "# Mine\n\n**What it learned from.** Photos of one\ntown. Nothing else. More.\n\nUse it."
    )
    picker = models.ModelPicker(staged / "resources" / "models")
    picker.choose(str(bundle))
    assert picker.bundle == str(bundle)
    words = picker.findChild(QLabel, "modelLearnedFrom").text()
    assert words == "Learned from: Photos of one town. Nothing else."
    picker.choose(str(tmp_path / "gone"))
    assert picker.bundle is None


def test_model_without_a_card_is_not_trusted(models: Any, tmp_path: Path) -> None:
    assert "no card that can be read" in models.read_card(tmp_path)
    assert "trust it accordingly" in models.learned_from(models.read_card(tmp_path))
