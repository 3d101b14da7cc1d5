"""The bars of the results: which photo and which decisions are shown, and what can be done."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QAction,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QMenu,
    QToolButton,
    QWidget,
)

from .. import wording
from ..i18n import tr
from ..layers.candidate import STATUSES, PhotoRecord
from .viewers import VIEWERS, Viewer

ALL = ""


class FilterBar(QWidget):
    """Chooses a photo, or all, and a decision, or any."""

    changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("filterBar")
        self._photos = QComboBox()
        self._photos.setObjectName("photoFilter")
        self._photos.setToolTip(tr("Show the candidates of one photo, or of all"))
        self._photos.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._photos.setMinimumContentsLength(12)
        self._statuses = QComboBox()
        self._statuses.setObjectName("statusFilter")
        self._statuses.setToolTip(tr("Show candidates with this decision"))
        self._statuses.addItem(tr("Any decision"), ALL)
        for status in STATUSES:
            self._statuses.addItem(wording.status(status), status)
        self._only = QCheckBox(tr("Map too"))
        self._only.setObjectName("onlyThisPhoto")
        self._only.setToolTip(tr("Let the map show the chosen photo's candidates only"))
        self._only.setChecked(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        row.addWidget(self._arrow("previousPhoto", Qt.ArrowType.LeftArrow, -1))
        row.addWidget(self._photos, 1)
        row.addWidget(self._arrow("nextPhoto", Qt.ArrowType.RightArrow, 1))
        row.addWidget(self._only)
        row.addWidget(self._statuses)
        self.set_photos(())
        self._photos.currentIndexChanged.connect(lambda _: self.changed.emit())
        self._statuses.currentIndexChanged.connect(lambda _: self.changed.emit())
        self._only.toggled.connect(lambda _: self.changed.emit())

    @property
    def photo_path(self) -> str:
        """The chosen photo, "" for all."""
        return self._photos.currentData() or ALL

    @property
    def status(self) -> str:
        """The chosen decision, "" for any."""
        return self._statuses.currentData() or ALL

    @property
    def is_for_map(self) -> bool:
        """Whether the map too shows the chosen photo only."""
        return self._only.isChecked()

    def set_photos(self, records: Iterable[PhotoRecord]) -> None:
        """Offer these photos and choose all; says nothing."""
        self._photos.blockSignals(True)
        self._photos.clear()
        self._photos.addItem("", ALL)
        self._photos.blockSignals(False)
        for record in records:
            self.add_photo(record)
        self._count()

    def choose(self, path: str) -> None:
        """Choose a photo."""
        self._photos.setCurrentIndex(max(self._photos.findData(path), 0))

    def add_photo(self, record: PhotoRecord) -> None:
        """Offer one more photo."""
        self._photos.addItem(f"{record.name} ({wording.short_verdict(record)})", record.path)
        self._count()

    def _count(self) -> None:
        count = self._photos.count() - 1
        self._photos.setItemText(0, tr("All photos ({})").format(count))

    def _step(self, places: int) -> None:
        row = self._photos.currentIndex() + places
        if 0 <= row < self._photos.count():
            self._photos.setCurrentIndex(row)

    def _arrow(self, name: str, arrow: int, places: int) -> QToolButton:
        button = QToolButton()
        button.setObjectName(name)
        button.setArrowType(arrow)
        button.setToolTip(tr("Previous photo") if places < 0 else tr("Next photo"))
        button.clicked.connect(lambda: self._step(places))
        return button


class ToolBar(QWidget):
    """Compare, open elsewhere, export, the model's card, earlier results."""

    compareRequested = pyqtSignal()
    viewerRequested = pyqtSignal(object)  # Viewer
    exportRequested = pyqtSignal()
    modelRequested = pyqtSignal()
    earlierRequested = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("resultTools")
        self._compare = _button(
            "compareCandidate",
            tr("Compare…"),
            tr("See the photo beside street view and satellite image at the matched heading"),
            self.compareRequested.emit,
        )
        self._viewers = self._viewer_button()
        export = _button(
            "exportResults",
            tr("Export…"),
            tr("Data, a copy of the photo, a report"),
            self.exportRequested.emit,
        )
        model = _button(
            "showModelCard",
            tr("Model…"),
            tr("What the model was trained on, and where it may be trusted"),
            self.modelRequested.emit,
        )
        earlier = _button(
            "openEarlier",
            tr("Open…"),
            tr("Open the analysis.gpkg that an earlier run left in its results folder"),
            self.earlierRequested.emit,
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for button in (self._compare, self._viewers, export):
            row.addWidget(button)
        row.addStretch(1)
        for button in (model, earlier):
            row.addWidget(button)

    def set_has_candidate(self, has_one: bool) -> None:
        """Offer what needs a candidate, or not."""
        self._compare.setEnabled(has_one)
        self._viewers.setEnabled(has_one)

    def _viewer_button(self) -> QToolButton:
        button = QToolButton()
        button.setObjectName("openInViewer")
        button.setText(tr("Open here in"))
        button.setToolTip(tr("Open the position in a web viewer; its operator learns the position"))
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        for viewer in VIEWERS:
            menu.addAction(self._viewer_action(viewer, menu))
        button.setMenu(menu)
        return button

    def _viewer_action(self, viewer: Viewer, menu: QMenu) -> QAction:
        text = viewer.name if viewer.takes_heading else tr("{} (north up)").format(viewer.name)
        action = QAction(text, menu)
        action.setObjectName(f"openIn_{viewer.name.replace(' ', '')}")
        action.triggered.connect(lambda checked=False: self.viewerRequested.emit(viewer))
        return action


def _button(name: str, text: str, tip: str, do: Callable[[], None]) -> QToolButton:
    button = QToolButton()
    button.setObjectName(name)
    button.setText(text)
    button.setToolTip(tip)
    button.clicked.connect(lambda: do())
    return button
