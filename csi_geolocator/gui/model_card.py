"""The card of a model: what it was trained on, where it may be trusted."""

from __future__ import annotations

from pathlib import Path

from qgis.PyQt.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from ..i18n import tr

PACKAGE = Path(__file__).resolve().parents[1]
CARD = "card.md"


def card_path(bundle: str | None) -> Path:
    """Return where the card of a model is; None takes the packaged model's."""
    if bundle:
        return Path(bundle) / CARD
    places = [parent / "resources" / "models" / "default" for parent in (PACKAGE, PACKAGE.parent)]
    return next((place for place in places if place.is_dir()), places[0]) / CARD


class ModelCardDialog(QDialog):
    """Shows the card of a model."""

    def __init__(self, bundle: str | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("modelCard")
        self.setWindowTitle(tr("The model and its limits"))
        self.resize(640, 620)
        text = QTextBrowser()
        text.setObjectName("modelCardText")
        text.setOpenExternalLinks(True)
        path = card_path(bundle)
        try:
            text.setMarkdown(path.read_text(encoding="utf-8"))
        except OSError as error:
            text.setPlainText(
                tr("The card of this model cannot be read ({}). Choose the model again.").format(
                    error
                )
            )
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(text)
        layout.addWidget(close)
