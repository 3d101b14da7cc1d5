"""Which model answers, what it learned from, and its card."""

from __future__ import annotations

import re
from pathlib import Path

from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ..i18n import tr
from .words import DocumentDialog, Words

CARD = "card.md"
CONFIG = "config.json"
DEFAULT = "default"
_LEARNED_FROM = re.compile(r"\*\*What it learned from\.?\*\*\s*(.+?)(?:\n\s*\n|\Z)", re.DOTALL)


def bundles_in(folder: Path) -> list[Path]:
    """Return the model bundles of a folder, the default one first."""
    found = [path.parent for path in sorted(folder.glob(f"*/{CONFIG}"))]
    return sorted(found, key=lambda path: path.name != DEFAULT)


def read_card(bundle: Path) -> str:
    """Return a bundle's card as Markdown, or a line that says that there is none."""
    try:
        return (bundle / CARD).read_text(encoding="utf-8")
    except OSError as error:
        return tr("{0} has no card that can be read ({1}).").format(bundle, error.strerror)


def learned_from(card: str) -> str:
    """Return in two sentences what a model learned from, as its card says."""
    said = _LEARNED_FROM.search(card)
    if said is None:
        return tr("its card does not say; trust it accordingly.")
    sentences = re.split(r"(?<=\.)\s+", " ".join(said.group(1).split()))
    return " ".join(sentences[:2])


class ModelPicker(QWidget):
    """Chooses a bundle of ``folder``, or one elsewhere.

    Args:
        folder: The packaged bundles.
        parent: The owner.

    Signals: ``changed``.
    """

    changed = pyqtSignal()

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("modelPicker")
        self._packaged = bundles_in(folder)
        self._combo = QComboBox()
        self._combo.setObjectName("modelBundle")
        self._combo.setToolTip(tr("The trained model that compares photos with places"))
        self._combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._combo.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        for bundle in self._packaged:
            self._combo.addItem(bundle.name, str(bundle))
        self._combo.addItem(tr("Other folder…"), "")
        self._card = QPushButton(tr("Model card…"))
        self._card.setObjectName("modelCard")
        self._card.setToolTip(tr("What the model learned, how often it is right, and its limits"))
        self._card.clicked.connect(self.show_card)
        self._learned = Words("modelLearnedFrom", quiet=True)
        self._current = str(self._packaged[0]) if self._packaged else ""
        row = QHBoxLayout()
        row.addWidget(self._combo, 1)
        row.addWidget(self._card)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self._learned)
        self._combo.activated.connect(self._on_chosen)
        self._say()

    @property
    def bundle(self) -> str | None:
        """The bundle's folder as a request names it; None for the packaged default."""
        is_default = bool(self._packaged) and self._current == str(self._packaged[0])
        return None if is_default or not self._current else self._current

    @property
    def bundle_folder(self) -> Path:
        """The bundle's folder."""
        return Path(self._current)

    def choose(self, bundle: str | None) -> None:
        """Choose a bundle; None or one that is gone chooses the packaged default."""
        folder = bundle if bundle and (Path(bundle) / CONFIG).is_file() else None
        self._current = folder or (str(self._packaged[0]) if self._packaged else "")
        index = self._combo.findData(self._current)
        if index < 0 and folder:
            index = self._combo.count() - 1
            self._combo.insertItem(index, Path(folder).name, folder)
        self._combo.setCurrentIndex(max(index, 0))
        self._say()
        self.changed.emit()

    def show_card(self) -> None:
        """Show the model's card."""
        dialog = self.card_dialog()
        dialog.exec()

    def card_dialog(self) -> DocumentDialog:
        """Return the dialog with the model's card."""
        folder = self.bundle_folder
        title = tr("Model card: {}").format(folder.name)
        return DocumentDialog(title, read_card(folder), str(folder), self)

    def _on_chosen(self, index: int) -> None:
        chosen = self._combo.itemData(index)
        if not chosen:
            chosen = QFileDialog.getExistingDirectory(self, tr("Folder of a trained model"))
            if chosen and not (Path(chosen) / CONFIG).is_file():
                self._learned.say(
                    tr("{} holds no model: a bundle has config.json and card.md.").format(chosen),
                    is_error=True,
                )
                self._combo.setCurrentIndex(self._combo.findData(self._current))
                return
        self.choose(chosen or self._current)

    def _say(self) -> None:
        if self._current:
            card = read_card(self.bundle_folder)
            self._learned.say(tr("Learned from: {}").format(learned_from(card)))
        else:
            self._learned.say(tr("No model is packaged; install the plugin again."), is_error=True)
