"""One source of references: a layer of the project, a file, a source of the engine, or none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qgis.core import QgsIconUtils, QgsMapLayer, QgsProject
from qgis.PyQt.QtCore import QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QFileDialog,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ..i18n import tr
from ..layers.layer_sources import LayerUnusable
from ..source_text import source_name
from .source_catalogue import SourceCatalogue, options_text
from .words import Words

NONE, LAYER, FILE, BROWSE, SOURCE = "none", "layer", "file", "browse", "source"


@dataclass(frozen=True)
class Role:
    """What a picker picks.

    ``to_text`` says how a request names a layer, None while that is being prepared; it raises
    ``LayerUnusable``.
    """

    name: str
    none_text: str
    file_text: str
    file_filter: str
    tip: str
    is_suitable: Callable[[QgsMapLayer], bool]
    to_text: Callable[[Any], str | None]


class SourceCombo(QComboBox):
    """A combo box that says when its list is about to be shown."""

    aboutToShow = pyqtSignal()

    def showPopup(self) -> None:
        """Say so, then show the list."""
        self.aboutToShow.emit()
        super().showPopup()


class SourcePicker(QWidget):
    """Chooses one source.

    Args:
        role: What is picked.
        catalogue: The engine's sources.
        parent: The owner.

    Signals: ``changed``, ``settingsWanted`` (the user wants to enter a key).
    """

    changed = pyqtSignal()
    settingsWanted = pyqtSignal()

    def __init__(
        self, role: Role, catalogue: SourceCatalogue, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName(f"{role.name}Picker")
        self._role = role
        self._catalogue = catalogue
        self._combo = self._make_combo()
        self._options = self._make_options()
        self._note = Words(f"{role.name}Note", quiet=True)
        self._key = self._make_key_button()
        self._before = (NONE, "")
        self._files: list[str] = []
        self._rebuild_soon = QTimer(self)
        self._rebuild_soon.setSingleShot(True)
        self._rebuild_soon.timeout.connect(self.rebuild)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self._combo, self._options, self._note, self._key):
            layout.addWidget(widget)
        project = QgsProject.instance()
        project.layersAdded.connect(self._rebuild_later)
        project.layersRemoved.connect(self._rebuild_later)
        catalogue.listed.connect(self.rebuild)
        self.rebuild()

    def value(self) -> str | None:
        """Return how a request names what is chosen; None where nothing is.

        Raises:
            LayerUnusable: The engine cannot read it, or it is not ready yet.
        """
        kind, chosen = self.choice()
        if kind == LAYER:
            layer = QgsProject.instance().mapLayer(chosen)
            if layer is None:
                return None
            text = self._role.to_text(layer)
            if text is None:
                raise LayerUnusable(
                    tr("The layer '{}' is still being prepared; a moment.").format(layer.name())
                )
            return text
        if kind == FILE:
            if not Path(chosen).exists():
                raise LayerUnusable(
                    tr("{} is not there any more; choose another file.").format(chosen)
                )
            return chosen
        return self._options.text().strip() or None if kind == SOURCE else None

    def choice(self) -> tuple[str, str]:
        """Return the kind of what is chosen, and which: a layer's id, a path, a source's text."""
        kind, chosen = self._combo.currentData() or (NONE, "")
        return (kind, self._options.text().strip()) if kind == SOURCE else (kind, chosen)

    def choose(self, kind: str, chosen: str = "") -> None:
        """Choose what a person would; a file or source that is not listed yet is added."""
        if kind == FILE and chosen and chosen not in self._files:
            self._files.append(chosen)
        if kind == SOURCE:
            self._options.setText(chosen)
        self._before = (kind, chosen)
        self.rebuild()
        self.changed.emit()

    def refresh(self) -> None:
        """Look again at what is chosen: a layer may be ready now, a key may be there."""
        self._say()
        self.changed.emit()

    def say(self, text: str, *, is_error: bool = False) -> None:
        """Show a note under the choice."""
        self._note.say(text, is_error=is_error)

    def rebuild(self) -> None:
        """List what can be chosen now, and keep the choice where it is still there."""
        kind, chosen = self._before
        if kind == LAYER and QgsProject.instance().mapLayer(chosen) is None:
            kind, chosen = NONE, ""
            self._before = (kind, chosen)
        self._combo.blockSignals(True)
        self._combo.clear()
        self._fill()
        self._combo.setCurrentIndex(max(0, self._find(kind, chosen)))
        self._combo.blockSignals(False)
        self._show_options()
        self._say()

    def remove(self) -> None:
        """Listen to the project no longer."""
        project = QgsProject.instance()
        project.layersAdded.disconnect(self._rebuild_later)
        project.layersRemoved.disconnect(self._rebuild_later)

    def _fill(self) -> None:
        self._combo.addItem(self._role.none_text, (NONE, ""))
        layers = QgsProject.instance().mapLayers().values()
        suitable = [layer for layer in layers if self._role.is_suitable(layer)]
        for layer in sorted(suitable, key=lambda layer: layer.name().lower()):
            icon = QgsIconUtils.iconForLayer(layer)
            self._combo.addItem(icon, layer.name(), (LAYER, layer.id()))
        for path in self._files:
            self._combo.addItem(Path(path).name, (FILE, path))
        self._combo.addItem(self._role.file_text, (BROWSE, ""))
        sources = self._catalogue.of_kind(self._role.name)
        names = [info.name for info in sources]
        kind, chosen = self._before
        self._combo.insertSeparator(self._combo.count())
        for info in sources:
            self._combo.addItem(info.title or info.name, (SOURCE, info.name))
        if kind == SOURCE and source_name(chosen) not in names:
            self._combo.addItem(source_name(chosen), (SOURCE, source_name(chosen)))

    def _find(self, kind: str, chosen: str) -> int:
        wanted = (kind, source_name(chosen) if kind == SOURCE else chosen)
        for index in range(self._combo.count()):
            if self._combo.itemData(index) == wanted:
                return index
        return -1

    def _on_chosen(self, index: int) -> None:
        kind, chosen = self._combo.itemData(index) or (NONE, "")
        if kind == BROWSE:
            self._browse()
            return
        if kind == SOURCE:
            info = self._catalogue.find(chosen)
            chosen = (info.example or info.name) if info is not None else chosen
            if not self._catalogue.is_agreed(chosen):
                self.rebuild()
                return
        self.choose(kind, chosen)

    def _browse(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, self._role.file_text, "", self._role.file_filter
        )
        if path:
            self.choose(FILE, path)
        else:
            self.rebuild()

    def _on_options(self) -> None:
        text = self._options.text().strip()
        if self._before[0] == SOURCE and text != self._before[1]:
            self._before = (SOURCE, text)
            self._say()
            self.changed.emit()

    def _show_options(self) -> None:
        kind, chosen = self._before
        info = self._catalogue.find(chosen) if kind == SOURCE else None
        if info is not None:
            self._options.setToolTip(options_text(info))
        self._options.setVisible(kind == SOURCE and (info is None or bool(info.options)))

    def _say(self) -> None:
        self._key.hide()
        self.say("")
        kind, chosen = self._before
        if kind in (LAYER, FILE):
            try:
                self.value()
            except LayerUnusable as error:
                self.say(str(error), is_error=True)
            return
        info = self._catalogue.find(chosen) if kind == SOURCE else None
        if info is None:
            return
        if self._catalogue.lacks_key(info):
            self.say(
                tr("'{0}' needs a key of your own. {1}").format(info.title, info.key_help),
                is_error=True,
            )
            self._key.show()
        else:
            self.say(self._catalogue.describe(info))

    def _rebuild_later(self, _layers: object = None) -> None:
        self._rebuild_soon.start(0)

    def _make_combo(self) -> SourceCombo:
        combo = SourceCombo()
        combo.setObjectName(f"{self._role.name}Source")
        combo.setToolTip(self._role.tip)
        combo.setMinimumContentsLength(10)
        combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.activated.connect(self._on_chosen)
        combo.aboutToShow.connect(self._catalogue.fetch)
        return combo

    def _make_options(self) -> QLineEdit:
        edit = QLineEdit()
        edit.setObjectName(f"{self._role.name}Options")
        edit.setPlaceholderText(tr("name|option=value"))
        edit.setToolTip(tr("The source and its options; Return takes them"))
        edit.editingFinished.connect(self._on_options)
        edit.hide()
        return edit

    def _make_key_button(self) -> QPushButton:
        button = QPushButton(tr("Enter the key in Settings…"))
        button.setObjectName(f"{self._role.name}Key")
        button.setToolTip(tr("Open the options page, where keys are kept in QGIS's own store"))
        button.clicked.connect(self.settingsWanted)
        button.hide()
        return button
