"""The user guide as the help menu shows it: every picture is there and fits."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtGui import QTextDocument
from qgis.PyQt.QtWidgets import QTextBrowser

IMAGE = int(getattr(QTextDocument.ResourceType.ImageResource, "value", 2))


@pytest.fixture
def guide(staged: Path) -> Path:
    return staged / "docs" / "user-guide.md"


def pictures(guide: Path) -> list[str]:
    return re.findall(r"!\[[^\]]+\]\(([^)]+)\)", guide.read_text(encoding="utf-8"))


def test_every_picture_is_packaged_and_every_packaged_picture_is_used(guide: Path) -> None:
    named = pictures(guide)
    assert len(named) >= 10
    assert {f"images/{path.name}" for path in (guide.parent / "images").iterdir()} == set(named)


def test_pictures_fit_the_window(guide: Path, qgis_app: Any) -> None:
    words = importlib.import_module("csi_geolocator.gui.words")
    text = guide.read_text(encoding="utf-8")
    dialog = words.DocumentDialog("Guide", text, str(guide.parent))
    browser = dialog.findChild(QTextBrowser, "documentText")
    for name in pictures(guide):
        image = browser.loadResource(IMAGE, QUrl(name))
        assert 200 < image.width() <= words.DOCUMENT_SIZE.width(), name
    dialog.show()
    qgis_app.processEvents()
    assert browser.horizontalScrollBar().maximum() == 0
    dialog.deleteLater()
