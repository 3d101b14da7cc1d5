"""Which sources are offered, under which terms, and where their keys are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qgis.gui import QgsAuthConfigSelect
from qgis.PyQt import sip
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QInputDialog,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ..engine.client import EngineClient
from ..engine.failure import EngineFailure
from ..i18n import tr
from ..model_core import contract
from ..settings import Settings, store_key
from .notice import ERROR, HINT, WARNING, WELL, Notice, WrappedLabel

TITLE, KIND, KEY = range(3)
NAME = Qt.ItemDataRole.UserRole
NO_KEY = "none"
LIST_HEIGHT_PX = 170


class SourcesForm(QWidget):
    """The list of sources with the chosen one's details below.

    Args:
        settings: What is shown and, on ``apply``, changed.
        client: Returns the engine to ask for its sources.
        parent: The owner.
    """

    def __init__(
        self,
        settings: Settings,
        client: Callable[[], EngineClient],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("sourcesForm")
        self._settings = settings
        self._client = client
        self._sources: dict[str, contract.SourceInfo] = {}
        self._entries = settings.key_entries
        self._hidden = set(settings.hidden_sources)
        self._list = QTreeWidget()
        self._status = Notice("sourcesStatus")
        self._terms = WrappedLabel("sourceTerms")
        self._notice = Notice("sourceNotice")
        self._key_help = WrappedLabel("keyHelp")
        self._select = QgsAuthConfigSelect()
        self._paste = QPushButton(tr("&Paste a key…"))
        self._refresh = QPushButton(tr("Re&fresh the list"))
        self._prepare()
        self._lay_out()
        self.show_sources(settings.known_sources)

    def apply(self) -> None:
        """Write which sources are offered, and where their keys are."""
        self._settings.hidden_sources = self._hidden
        for source in {*self._entries, *self._settings.key_entries}:
            self._settings.set_key_entry(source, self._entries.get(source, ""))

    def show_sources(self, sources: tuple[contract.SourceInfo, ...]) -> None:
        """Show a list of sources; an empty one asks for the engine's."""
        self._sources = {source.name: source for source in sources}
        self._list.blockSignals(True)
        self._list.clear()
        for source in sources:
            item = QTreeWidgetItem([source.title, kind_in_words(source.kind), ""])
            item.setData(TITLE, NAME, source.name)
            is_offered = source.name not in self._hidden
            state = Qt.CheckState.Checked if is_offered else Qt.CheckState.Unchecked
            item.setCheckState(TITLE, state)
            item.setToolTip(TITLE, source.example or source.name)
            self._list.addTopLevelItem(item)
        self._list.blockSignals(False)
        self._tell_keys()
        if not sources:
            self._status.say(HINT, tr("The list comes from the engine: ask for it once."))
        self._list.setCurrentItem(self._list.topLevelItem(0))
        self._show_details()

    def ask_engine(self) -> None:
        """Ask the engine for its sources; it is started where it does not run."""
        self._refresh.setEnabled(False)
        self._status.say(HINT, tr("Asking the engine…"))
        self._client().call(
            contract.SOURCES, contract.SourcesParams(), done=self._on_listed, failed=self._on_failed
        )

    def set_key(self, key: str) -> None:
        """Put the chosen source's key into QGIS's authentication store."""
        source = self._current()
        if source is None or not key.strip():
            return
        entry = store_key(source.name, key.strip(), self._entries.get(source.name, ""))
        if not entry:
            words = tr("The key was not stored: QGIS's authentication store is locked.")
            self._status.say(ERROR, words)
            return
        self._entries[source.name] = entry
        self._status.say(WELL, tr("The key of {} is stored.").format(source.title))
        self._show_details()
        self._tell_keys()

    def _on_listed(self, result: Mapping[str, Any]) -> None:
        sources = contract.SourcesResult.from_json(result).sources
        self._settings.known_sources = sources
        if not sip.isdeleted(self):
            self._refresh.setEnabled(True)
            self._status.say(WELL, tr("{} sources.").format(len(sources)))
            self.show_sources(sources)

    def _on_failed(self, failure: EngineFailure) -> None:
        if not sip.isdeleted(self):
            self._refresh.setEnabled(True)
            self._status.say(ERROR, failure.message)

    def _current(self) -> contract.SourceInfo | None:
        item = self._list.currentItem()
        return self._sources.get(item.data(TITLE, NAME)) if item is not None else None

    def _show_details(self) -> None:
        source = self._current()
        for widget in (self._terms, self._key_row, self._key_help):
            widget.setVisible(source is not None)
        if source is None:
            self._notice.say(WARNING, "")
            return
        self._terms.setText(terms_in_words(source))
        self._notice.say(WARNING, source.notice)
        self._key_help.setText(source.key_help)
        self._key_help.setVisible(bool(source.key_help))
        self._key_row.setVisible(source.key != NO_KEY)
        self._select.blockSignals(True)
        self._select.setConfigId(self._entries.get(source.name, ""))
        self._select.blockSignals(False)

    def _tell_keys(self) -> None:
        for number in range(self._list.topLevelItemCount()):
            item = self._list.topLevelItem(number)
            source = self._sources[item.data(TITLE, NAME)]
            item.setText(KEY, key_in_words(source, bool(self._entries.get(source.name))))

    def _on_checked(self, item: QTreeWidgetItem, column: int) -> None:
        if column == TITLE:
            is_offered = item.checkState(TITLE) == Qt.CheckState.Checked
            change = self._hidden.discard if is_offered else self._hidden.add
            change(item.data(TITLE, NAME))

    def _on_entry(self, entry: str) -> None:
        source = self._current()
        if source is not None:
            self._entries[source.name] = entry
            self._tell_keys()

    def _on_paste(self) -> None:
        source = self._current()
        if source is not None:
            words = tr("Key of {} (kept by QGIS's authentication store alone):")
            key, is_given = QInputDialog.getText(
                self, source.title, words.format(source.title), QLineEdit.EchoMode.Password
            )
            if is_given:
                self.set_key(key)

    def _prepare(self) -> None:
        self._list.setObjectName("sourceList")
        self._list.setToolTip(tr("A ticked source is offered in the panel"))
        self._list.setHeaderLabels([tr("Source"), tr("Gives"), tr("Key")])
        self._list.setRootIsDecorated(False)
        self._list.setUniformRowHeights(True)
        self._list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._list.setMinimumHeight(LIST_HEIGHT_PX)
        header = self._list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(TITLE, QHeaderView.ResizeMode.Stretch)
        for column in (KIND, KEY):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self._select.setObjectName("keyEntry")
        self._select.setToolTip(tr("The entry of the authentication store that holds the key"))
        self._paste.setObjectName("pasteKey")
        self._paste.setToolTip(tr("Make an entry of the authentication store from a key"))
        self._refresh.setObjectName("askEngine")
        self._refresh.setToolTip(tr("Ask the engine which sources it knows"))
        self._list.currentItemChanged.connect(lambda *_: self._show_details())
        self._list.itemChanged.connect(self._on_checked)
        self._select.selectedConfigIdChanged.connect(self._on_entry)
        self._paste.clicked.connect(lambda _checked=False: self._on_paste())
        self._refresh.clicked.connect(lambda _checked=False: self.ask_engine())

    def _lay_out(self) -> None:
        self._key_row = QWidget()
        self._key_row.setObjectName("keyRow")
        label = QLabel(tr("&Key:"))
        label.setBuddy(self._select)
        key = QHBoxLayout(self._key_row)
        key.setContentsMargins(0, 0, 0, 0)
        key.addWidget(label)
        key.addWidget(self._select, 1)
        key.addWidget(self._paste)
        above = QHBoxLayout()
        above.addWidget(self._status, 1)
        above.addStretch(0)
        above.addWidget(self._refresh)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._list)
        layout.addLayout(above)
        layout.addWidget(self._terms)
        layout.addWidget(self._notice)
        layout.addWidget(self._key_help)
        layout.addWidget(self._key_row)


def kind_in_words(kind: str) -> str:
    """Return what a source gives."""
    words = {"imagery": tr("imagery"), "street_view": tr("street views"), "roads": tr("roads")}
    return words.get(kind, kind)


def key_in_words(source: contract.SourceInfo, has_entry: bool) -> str:
    """Return how a source stands with its key."""
    if source.key == NO_KEY:
        return tr("not needed")
    if has_entry:
        return tr("stored")
    return tr("missing") if source.key == "required" else tr("optional")


def terms_in_words(source: contract.SourceInfo) -> str:
    """Return a source's licence, attribution, and what may not be done with it."""
    refused = [
        words
        for may, words in (
            (source.cacheable, tr("kept in the cache")),
            (source.trainable, tr("trained on")),
            (source.displayable_beside_map, tr("shown beside other maps")),
        )
        if not may
    ]
    parts = [
        tr("Licence: {}.").format(source.licence) if source.licence else "",
        tr("Attribution: {}.").format(source.attribution) if source.attribution else "",
        tr("May not be {}.").format(", ".join(refused)) if refused else "",
    ]
    return " ".join(part for part in parts if part)
