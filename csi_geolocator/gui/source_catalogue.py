"""The engine's list of sources, and what has to be said and granted before one is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtWidgets import QMessageBox, QWidget

from ..engine.failure import EngineFailure, garbled
from ..i18n import tr
from ..model_core import contract
from ..source_text import source_name, source_option

NOTICES = "csi_geolocator/notices"
KINDS = ("imagery", "street_view", "roads")

Ask = Callable[[str, str], bool]


def ask_in_a_dialog(parent: QWidget | None) -> Ask:
    """Return the question that a person answers with yes or no."""

    def ask(title: str, text: str) -> bool:
        buttons = QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No
        answer = QMessageBox.question(parent, title, text, buttons, QMessageBox.StandardButton.No)
        return answer == QMessageBox.StandardButton.Yes

    return ask


class SourceCatalogue(QObject):
    """Knows the sources that the engine told of last time, and asks once a session for news.

    Args:
        engine: The client of the engine process.
        settings: The plugin's settings: known and hidden sources, keys.
        ask: Asks a person whether a notice is agreed to.
        parent: The owner.

    Signals: ``listed`` (the sources are known now), ``failed`` (an ``EngineFailure``).
    """

    listed = pyqtSignal()
    failed = pyqtSignal(object)

    def __init__(
        self,
        engine: Any,
        settings: Any,
        ask: Ask,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self._settings = settings
        self._ask = ask
        self._call: Any = None
        self._is_news = False
        self._sources: dict[str, contract.SourceInfo] = {}
        self._hidden: frozenset[str] = frozenset()
        self.reload()

    def fetch(self) -> None:
        """Ask the engine, unless it is being asked or has answered."""
        if self._is_news or self._call is not None:
            return
        self._call = self._engine.call(
            contract.SOURCES, contract.SourcesParams(), done=self._take, failed=self._give_up
        )

    def reload(self) -> None:
        """Read the settings again: sources may be hidden or shown now."""
        known = self._settings.known_sources
        self._sources = {info.name: info for info in known if info.kind in KINDS}
        self._hidden = self._settings.hidden_sources
        self.listed.emit()

    def of_kind(self, kind: str) -> list[contract.SourceInfo]:
        """Return the sources of one kind that are offered, in their order."""
        known = self._sources.values()
        return [info for info in known if info.kind == kind and info.name not in self._hidden]

    def is_hidden(self, text: str) -> bool:
        """Return whether a person chose not to be offered the source that a text names."""
        return source_name(text) in self._hidden

    def find(self, text: str) -> contract.SourceInfo | None:
        """Return the source that a request's text names; None for a path, or before it is known."""
        return self._sources.get(source_name(text))

    def credits(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Return whom the sources that a request names have to be credited to, each once."""
        named = [(source_option(text, "attribution"), self.find(text)) for text in texts]
        owed = [own or info.attribution or info.title for own, info in named if info is not None]
        return tuple(dict.fromkeys(owed))

    def lacks_key(self, info: contract.SourceInfo) -> bool:
        """Return whether a source cannot be used for want of an API key.

        Only whether there is an entry is looked at, so that nobody is asked for a password here.
        """
        return info.key == "required" and info.name not in self._settings.key_entries

    def keys_for(self, texts: Iterable[str]) -> dict[str, str]:
        """Return the keys of the sources that a request names, and no others."""
        wanting = {info.name for info in map(self.find, texts) if info and info.key != "none"}
        return dict(self._settings.api_keys(wanting)) if wanting else {}

    def is_agreed(self, text: str) -> bool:
        """Return whether a source may be used: it has no notice, or a person agreed to it.

        A notice is shown until it is agreed to, and again where its words have changed.
        """
        info = self.find(text)
        if info is None or not info.notice:
            return True
        place = f"{NOTICES}/{info.name}"
        if QgsSettings().value(place, "") == info.notice:
            return True
        question = info.notice + "\n\n" + tr("Use '{}' on these terms?").format(info.title)
        if not self._ask(info.title, question):
            return False
        QgsSettings().setValue(place, info.notice)
        return True

    def describe(self, info: contract.SourceInfo) -> str:
        """Return the licence, attribution and limits of a source, for people."""
        parts = [part for part in (info.licence, info.attribution) if part]
        if not info.displayable_beside_map:
            parts.append(tr("its pictures may not be shown beside a map of another provider"))
        if not info.cacheable:
            parts.append(tr("fetched anew for every run"))
        return " · ".join(parts)

    def _take(self, result: Mapping[str, Any]) -> None:
        self._call = None
        try:
            sources = contract.SourcesResult.from_json(result).sources
        except contract.ContractError as error:
            self.failed.emit(garbled(error))
            return
        self._is_news = True
        self._settings.known_sources = sources
        self.reload()

    def _give_up(self, failure: EngineFailure) -> None:
        self._call = None
        self.failed.emit(failure)


def options_text(info: contract.SourceInfo) -> str:
    """Return what may follow a source's name, a line an option, for a tool tip."""
    lines = [f"{name}: {meaning}" for name, meaning in info.options.items()]
    head = tr("The source and its options, as in {}").format(info.example or info.name)
    return "\n".join([head, *lines])
