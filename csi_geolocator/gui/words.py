"""Labels with words for people: selectable, wrapped, errors told apart by an icon and a colour."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QRectF, QSize, Qt, QUrl
from qgis.PyQt.QtGui import QColor, QImage, QPainter, QPalette, QTextDocument, QTextOption
from qgis.PyQt.QtWidgets import (
    QAbstractScrollArea,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from ..i18n import tr

ICON_PX = 16
MARGIN_PX = 8
DOCUMENT_SIZE = QSize(900, 700)
DOCUMENT_MARGIN_PX = 70


class Words(QWidget):
    """A text, and a warning sign before it where it tells of something wrong.

    Args:
        name: The label's object name.
        text: What it says at first; an empty one hides the widget.
        quiet: Whether the text stands back.
        parent: The owner.
    """

    def __init__(
        self, name: str, text: str = "", *, quiet: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._sign = QLabel()
        icon = QgsApplication.getThemeIcon("/mIconWarning.svg")
        self._sign.setPixmap(icon.pixmap(ICON_PX, ICON_PX))
        self._sign.setObjectName(f"{name}Sign")
        self._sign.hide()
        self.label = QLabel()
        self.label.setObjectName(name)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setWordWrap(True)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.label, 1)
        self._quiet = quiet
        self.say(text)

    def text(self) -> str:
        """Return the text."""
        return self.label.text()

    @property
    def is_error(self) -> bool:
        """Whether the text tells of something wrong."""
        return not self._sign.isHidden()

    def say(self, text: str, *, is_error: bool = False) -> None:
        """Show a text; an empty one hides the widget."""
        self.label.setText(text)
        stands_back = self._quiet and not is_error
        roles = QPalette.ColorRole
        self.label.setForegroundRole(roles.PlaceholderText if stands_back else roles.WindowText)
        self._sign.setVisible(is_error)
        self.setVisible(bool(text))


def theme_colour(widget: QWidget, role: QPalette.ColorRole) -> QColor:
    """Return a colour for what a widget paints itself.

    It is the window's: a theme of QGIS gives windows and labels their colours, but no bare widget.
    """
    return widget.window().palette().color(role)


def draw_invitation(view: QAbstractScrollArea, words: str) -> None:
    """Draw words into an empty list; called from its ``paintEvent``."""
    painter = QPainter(view.viewport())
    painter.setPen(view.palette().color(QPalette.ColorRole.PlaceholderText))
    room = QRectF(view.viewport().rect()).adjusted(MARGIN_PX, MARGIN_PX, -MARGIN_PX, -MARGIN_PX)
    painter.drawText(room, words, centred())
    painter.end()


def centred() -> QTextOption:
    """Return how words are drawn in the middle of an empty view."""
    option = QTextOption(Qt.AlignmentFlag.AlignCenter)
    option.setWrapMode(QTextOption.WrapMode.WordWrap)
    return option


class DocumentBrowser(QTextBrowser):
    """Shows a document; its pictures are no wider than the window is at first."""

    def loadResource(self, kind: int, name: QUrl) -> Any:
        """Return a picture that fits, anything else as it is."""
        found = super().loadResource(kind, name)
        if QTextDocument.ResourceType(kind) != QTextDocument.ResourceType.ImageResource:
            return found
        image = QImage(self.document().baseUrl().resolved(name).toLocalFile())
        widest = DOCUMENT_SIZE.width() - DOCUMENT_MARGIN_PX
        if image.width() <= widest:
            return image
        return image.scaledToWidth(widest, Qt.TransformationMode.SmoothTransformation)


class DocumentDialog(QDialog):
    """Shows a Markdown document: a model's card, the guide."""

    def __init__(self, title: str, text: str, folder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("documentDialog")
        self.setWindowTitle(title)
        self.resize(DOCUMENT_SIZE)
        browser = DocumentBrowser()
        browser.setObjectName("documentText")
        browser.setOpenExternalLinks(True)
        browser.document().setBaseUrl(QUrl.fromLocalFile(folder + "/"))
        browser.setMarkdown(text)
        browser.setToolTip(tr("Select text to copy it"))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.setObjectName("documentButtons")
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(browser)
        layout.addWidget(buttons)
