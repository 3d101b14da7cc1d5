"""Street views: several online sources, folders of photos and tables together, or none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ..i18n import tr
from ..layers.layer_sources import LayerUnusable
from ..source_text import source_name
from .source_catalogue import SourceCatalogue, options_text
from .words import Words, draw_invitation

ROWS_SHOWN = 4
TABLES = "CSV, GeoPackage, GeoJSON (*.csv *.tsv *.txt *.gpkg *.geojson *.shp)"
TEXT = Qt.ItemDataRole.UserRole


class SourceList(QListWidget):
    """The list; it says how it is filled while it is empty."""

    def paintEvent(self, event: Any) -> None:
        """Draw the sources, or an invitation where there is none."""
        super().paintEvent(event)
        if self.count() == 0:
            words = tr("Add a folder or a table. Online sources are listed once there are photos.")
            draw_invitation(self, words)


class StreetViewPicker(QWidget):
    """A list with a tick at what is used.

    Args:
        catalogue: The engine's sources.
        parent: The owner.

    Signals: ``changed``, ``settingsWanted`` (the user wants to enter a key).
    """

    changed = pyqtSignal()
    settingsWanted = pyqtSignal()

    def __init__(self, catalogue: SourceCatalogue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("streetViewPicker")
        self._catalogue = catalogue
        self._list = SourceList()
        self._list.setObjectName("streetViewSources")
        self._list.setToolTip(tr("Tick what the photos are compared with; several may be ticked"))
        self._list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._note = Words("streetViewNote", quiet=True)
        self._key = self._button(
            "streetViewKey",
            tr("Enter the key in Settings…"),
            tr("Open the options page, where keys are kept in QGIS's own store"),
        )
        self._key.clicked.connect(self.settingsWanted)
        self._key.hide()
        self._options = self._button(
            "streetViewOptions", tr("Options…"), tr("Change what follows the source's name")
        )
        self._options.clicked.connect(self.edit_options)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._list)
        layout.addLayout(self._buttons())
        layout.addWidget(self._note)
        layout.addWidget(self._key)
        self._fit_rows()
        self._list.itemChanged.connect(self._on_ticked)
        self._list.currentItemChanged.connect(lambda *_: self._show_options())
        catalogue.listed.connect(self._list_sources)
        self._list_sources()
        self._show_options()

    def values(self) -> tuple[str, ...]:
        """Return how a request names what is ticked.

        Raises:
            LayerUnusable: A folder or table is not there any more.
        """
        texts = self.ticked()
        for text in texts:
            path = text.split("|", 1)[0]
            if not source_name(text) and not Path(path).exists():
                raise LayerUnusable(
                    tr("{} is not there any more; take it off the list of street views.").format(
                        path
                    )
                )
        return texts

    def ticked(self) -> tuple[str, ...]:
        """Return the texts that are ticked, there or not."""
        return tuple(
            item.data(TEXT) for item in self._items() if item.checkState() == Qt.CheckState.Checked
        )

    def tick(self, texts: Sequence[str]) -> None:
        """Tick these and nothing else; what is not listed yet is added, but for hidden sources."""
        self._list.blockSignals(True)
        for item in self._items():
            item.setCheckState(Qt.CheckState.Unchecked)
        for text in (text for text in texts if not self._catalogue.is_hidden(text)):
            item = self._item_of(text) or self._add(text)
            item.setData(TEXT, text)
            item.setCheckState(Qt.CheckState.Checked)
        self._list.blockSignals(False)
        self._say()
        self.changed.emit()

    def add_folder(self) -> None:
        """Let the user choose a folder of photos with positions."""
        folder = QFileDialog.getExistingDirectory(self, tr("Folder of street-view photos"))
        if folder:
            self.tick([*self.ticked(), folder])

    def add_table(self) -> None:
        """Let the user choose a table of street views."""
        path, _ = QFileDialog.getOpenFileName(self, tr("Table of street views"), "", TABLES)
        if path:
            self.tick([*self.ticked(), path])

    def remove_current(self) -> None:
        """Take a folder or table off the list; an online source loses its tick."""
        item = self._list.currentItem()
        if item is None:
            return
        if source_name(item.data(TEXT)):
            item.setCheckState(Qt.CheckState.Unchecked)
            return
        self._list.takeItem(self._list.row(item))
        self._say()
        self.changed.emit()

    def edit_options(self) -> None:
        """Let the user change what follows the source's name."""
        item = self._list.currentItem()
        info = self._catalogue.find(item.data(TEXT)) if item is not None else None
        if info is None:
            return
        text, accepted = QInputDialog.getText(
            self, info.title, options_text(info), QLineEdit.EchoMode.Normal, item.data(TEXT)
        )
        if accepted and source_name(text) == info.name:
            item.setData(TEXT, text.strip())

    def _list_sources(self) -> None:
        before = self.ticked()
        self._list.blockSignals(True)
        for item in self._items():
            if self._catalogue.is_hidden(item.data(TEXT)):
                self._list.takeItem(self._list.row(item))
        for info in self._catalogue.of_kind("street_view"):
            item = self._item_of(info.name) or self._add(info.name)
            item.setText(info.title or info.name)
            item.setToolTip(options_text(info))
        self._list.blockSignals(False)
        self._say()
        if self.ticked() != before:
            self.changed.emit()

    def _add(self, text: str) -> QListWidgetItem:
        name = source_name(text)
        item = QListWidgetItem(name or Path(text.split("|", 1)[0]).name)
        icon = "mIconFolder.svg" if Path(text).is_dir() else "mIconTable.svg"
        item.setIcon(QgsApplication.getThemeIcon("/mIconXyz.svg" if name else f"/{icon}"))
        item.setData(TEXT, text)
        item.setToolTip(text)
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(Qt.CheckState.Unchecked)
        self._list.addItem(item)
        return item

    def _items(self) -> list[QListWidgetItem]:
        return [self._list.item(row) for row in range(self._list.count())]

    def _item_of(self, text: str) -> QListWidgetItem | None:
        name = source_name(text)
        for item in self._items():
            its = item.data(TEXT)
            if its == text or (name and source_name(its) == name):
                return item
        return None

    def _on_ticked(self, item: QListWidgetItem) -> None:
        text = item.data(TEXT)
        is_ticked = item.checkState() == Qt.CheckState.Checked
        if is_ticked and not self._catalogue.is_agreed(text):
            self._list.blockSignals(True)
            item.setCheckState(Qt.CheckState.Unchecked)
            self._list.blockSignals(False)
            return
        self._say()
        self.changed.emit()

    def _say(self) -> None:
        self._key.hide()
        infos = [info for info in map(self._catalogue.find, self.ticked()) if info is not None]
        for info in infos:
            if self._catalogue.lacks_key(info):
                self._note.say(
                    tr("'{0}' needs a key of your own. {1}").format(info.title, info.key_help),
                    is_error=True,
                )
                self._key.show()
                return
        lines = [f"{info.title}: {self._catalogue.describe(info)}" for info in infos]
        self._note.say("\n".join(lines))

    def _show_options(self) -> None:
        item = self._list.currentItem()
        info = self._catalogue.find(item.data(TEXT)) if item is not None else None
        self._options.setEnabled(info is not None)

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        for name, text, tip, action in (
            (
                "addStreetViewFolder",
                tr("Folder…"),
                tr("Add a folder of photos or panoramas with positions in their files"),
                self.add_folder,
            ),
            (
                "addStreetViewTable",
                tr("Table…"),
                tr("Add a table with one street view a row: path, lon, lat, heading_deg …"),
                self.add_table,
            ),
            (
                "removeStreetView",
                tr("Remove"),
                tr("Take the selected folder or table off the list"),
                self.remove_current,
            ),
        ):
            button = self._button(name, text, tip)
            button.clicked.connect(action)
            row.addWidget(button)
        row.addWidget(self._options)
        return row

    @staticmethod
    def _button(name: str, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        button.setToolTip(tip)
        button.setMinimumWidth(button.fontMetrics().horizontalAdvance(text) + 16)
        return button

    def _fit_rows(self) -> None:
        row_px = max(self._list.fontMetrics().height(), 16) + 6
        self._list.setFixedHeight(ROWS_SHOWN * row_px)
