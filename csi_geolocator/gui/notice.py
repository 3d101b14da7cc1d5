"""A line with a sign before it: well, a hint, a warning, an error; in the colours of the theme."""

from __future__ import annotations

from qgis.PyQt.QtCore import QEvent, QSize, Qt
from qgis.PyQt.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QStyle, QWidget

WELL = "well"
HINT = "hint"
WARNING = "warning"
ERROR = "error"
MIN_WIDTH_PX = 60
"""A long path must not widen the window."""
_SIGNS = {
    WELL: QStyle.StandardPixmap.SP_DialogApplyButton,
    HINT: QStyle.StandardPixmap.SP_MessageBoxInformation,
    WARNING: QStyle.StandardPixmap.SP_MessageBoxWarning,
    ERROR: QStyle.StandardPixmap.SP_MessageBoxCritical,
}


class WrappedLabel(QLabel):
    """A plain text that wraps and can be copied; as high as it needs at the width it has.

    Layouts reserve the height of a wrapping label at its least width, which leaves holes.
    """

    def __init__(self, name: str, text: str = "") -> None:
        super().__init__()
        self.setObjectName(name)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def setText(self, text: str) -> None:
        """Show a text."""
        super().setText(text)
        self._fit()

    def hasHeightForWidth(self) -> bool:
        """Return False: the height follows the width that the layout gave."""
        return False

    def minimumSizeHint(self) -> QSize:
        """Return a width that lets long words be cut, and the height of now."""
        return QSize(MIN_WIDTH_PX, self.minimumHeight())

    def sizeHint(self) -> QSize:
        """Return the same: the layout gives more."""
        return self.minimumSizeHint()

    def resizeEvent(self, event) -> None:
        """Take the height that the new width needs."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event) -> None:
        """Take the height that another font needs."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def _fit(self) -> None:
        needed = self.heightForWidth(max(self.width(), MIN_WIDTH_PX)) if self.text() else 0
        if needed != self.minimumHeight():
            self.setMinimumHeight(needed)
            self.updateGeometry()


class Notice(QWidget):
    """One notice; hidden while it has nothing to say."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.kind = ""
        self._sign = QLabel()
        self._words = WrappedLabel(f"{name}Words")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._words, 1)
        self.hide()

    def text(self) -> str:
        """Return what it says."""
        return self._words.text()

    def say(self, kind: str, words: str) -> None:
        """Say something of a kind: "well", "hint", "warning", "error"; nothing hides it."""
        self.kind = kind
        size = self.style().pixelMetric(QStyle.PixelMetric.PM_SmallIconSize)
        self._sign.setPixmap(self.style().standardIcon(_SIGNS[kind]).pixmap(size, size))
        self._words.setText(words)
        self.setVisible(bool(words))
