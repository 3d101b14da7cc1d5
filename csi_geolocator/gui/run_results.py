"""The tab "Results": a page until the first run, then the newest run's table and layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qgis.core import QgsProject
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QLabel, QStackedWidget, QWidget

from ..i18n import tr
from ..model_core import contract


class RunResults(QStackedWidget):
    """Hands the answers of a run to its layers; the table shows these, or an earlier run.

    The table and what draws layers are loaded when they are first needed, not with QGIS.

    Args:
        iface: QGIS's interface.
        engine: The client of the engine process.
        settings: The plugin's settings.
        parent: The owner.

    Signals: ``failed`` (words: the results cannot be shown or written).
    """

    failed = pyqtSignal(str)

    def __init__(
        self, iface: Any, engine: Any, settings: Any, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("runResults")
        self._iface = iface
        self._engine = engine
        self._settings = settings
        self._table: Any = None
        self._layers: Any = None
        self._begun: Any = None
        nothing = QLabel(tr("No run yet: the candidates will be listed here as they are found."))
        nothing.setObjectName("noResults")
        nothing.setWordWrap(True)
        nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.addWidget(nothing)

    @property
    def layers(self) -> Any:
        """The ``ResultLayers`` of the newest run, None before the first."""
        return self._layers

    def open_table(self) -> None:
        """Load and show the table, which also opens earlier runs."""
        if self._table is None:
            from .results import ResultsWidget

            self._table = ResultsWidget(self._iface, self._engine, self._settings)
            self.addWidget(self._table)
            self.setCurrentWidget(self._table)

    def begin(
        self,
        project: QgsProject,
        params: contract.LocateParams,
        started_at: str,
        captured_at: Mapping[str, str],
        attributions: tuple[str, ...] = (),
    ) -> None:
        """Take note of a run; its layers are made with the first answer, so that none stay empty.

        Args:
            project: Gets the layers.
            params: What was asked.
            started_at: ISO 8601.
            captured_at: When photos were taken (ISO 8601), by path, as far as it is known.
            attributions: Whom its sources have to be credited to.
        """
        self._begun = (project, params, started_at, captured_at, attributions)

    def add(self, answer: contract.PhotoAnswer) -> None:
        """Take one photo's answer for its run; the table follows if it shows that run."""
        if self._has_layers():
            self._layers.add_answer(answer)

    def finish(self, result: contract.LocateResult) -> None:
        """Take the whole result."""
        if self._has_layers():
            self._layers.finish(result)
            self._table.offer_run(self._layers)

    def break_off(self) -> None:
        """Offer what a run found that was stopped or failed, where earlier results are shown."""
        if self._begun is None and self._layers is not None:
            self._table.offer_run(self._layers)

    def _has_layers(self) -> bool:
        """Make the layers of the run that began, unless they are there; say whether they are."""
        if self._begun is None:
            return self._layers is not None
        from ..layers.run import LocateRun, ResultLayers
        from ..layers.store import StoreError

        project, params, *known = self._begun
        self._begun = None
        self.open_table()
        try:
            run = LocateRun(params, *known, made_with=self._made_with(params.bundle))
            self._layers = ResultLayers(project, run)
        except StoreError as error:
            self._layers = None
            self.failed.emit(str(error))
            return False
        self._table.show_run(self._layers)
        return True

    def _made_with(self, bundle: str | None) -> dict[str, str]:
        """Return what the engine that works on the run says of its software and its model."""
        info = self._engine.info
        if info is None:
            return {}
        model = info.bundle if bundle in (None, info.bundle.get("path")) else {}
        known = {
            "model_hash": model.get("model_hash", ""),
            "software_version": info.software_version,
        }
        return {name: value for name, value in known.items() if value}

    def remove(self) -> None:
        """Let go of the table; the layers stay in the project."""
        if self._table is not None:
            self._table.release()
            self.removeWidget(self._table)
            self._table.deleteLater()
            self._table = None
        self._layers = self._begun = None
