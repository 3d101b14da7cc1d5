"""The tab "Results": what was found, linked with the map; decisions, comparison, export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsPointXY,
    QgsProject,
)
from qgis.PyQt.QtCore import Qt, QUrl
from qgis.PyQt.QtGui import QDesktopServices, QPalette
from qgis.PyQt.QtWidgets import (
    QFileDialog,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ..i18n import tr
from ..layers.candidate import Candidate, PhotoRecord
from ..layers.run import ResultLayers
from ..layers.store import StoreError
from ..model_core import contract
from .candidate_table import CandidateTable
from .compare_view import CompareView
from .decisions import DecisionPanel
from .export_dialog import ExportDialog
from .model_card import ModelCardDialog
from .move_tool import MoveTool
from .photo_card import THUMBNAIL_PX, PhotoCard
from .picture_loader import PictureLoader
from .result_bars import FilterBar, ToolBar
from .result_messages import ResultMessages
from .scroll_page import ScrollPage
from .viewers import Viewer


class ResultsWidget(QWidget):
    """Table, decisions, comparison and export of one run.

    Args:
        iface_or_canvas: The QGIS window's interface, or a map canvas.
        engine: An ``EngineClient``.
        settings: ``Settings``.
        parent: The panel.
    """

    def __init__(
        self, iface_or_canvas: Any, engine: Any, settings: Any, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("resultsWidget")
        is_canvas = not hasattr(iface_or_canvas, "mapCanvas")
        self._canvas = iface_or_canvas if is_canvas else iface_or_canvas.mapCanvas()
        self._engine, self._settings = engine, settings
        self._layers: ResultLayers | None = None
        self._shown_path = ""
        self._selecting = False
        self._tool: MoveTool | None = None
        self._pictures = PictureLoader(engine, self)
        self._filters, self._tools = FilterBar(), ToolBar()
        self.table = CandidateTable()
        self.card = PhotoCard()
        self.decisions = DecisionPanel(settings)
        self.compare = CompareView(
            engine, settings, self._pictures, list(self.decisions.status_actions.values()), self
        )
        self._build()
        self._connect()
        self._enable()

    @property
    def layers(self) -> ResultLayers | None:
        """The run that is shown."""
        return self._layers

    def show_run(self, layers: ResultLayers) -> None:
        """Show a run; what it finds from now on appears by itself."""
        self._leave_run()
        self._messages.clear()
        self._layers = layers
        self.decisions.set_layers(layers)
        layers.photoAdded.connect(self._on_photo)
        layers.candidatesAdded.connect(self._on_candidates)
        layers.candidatesChanged.connect(self._on_changed)
        layers.candidatesRead.connect(self._on_read)
        layers.finished.connect(self._on_finished)
        layers.failed.connect(self._messages.warn)
        self._follow_layer()
        self._filters.set_photos(layers.photos.values())
        self.table.set_error_shown(False)
        self._on_read()
        self._pages.setCurrentIndex(1)
        self._on_finished()

    def release(self) -> None:
        """Leave map, layers and engine alone; before the widget is taken away."""
        self._leave_run()
        self.compare.close()

    def open_earlier(self, path: Path) -> None:
        """Show what an earlier run left in its GeoPackage."""
        try:
            layers = ResultLayers.reopen(QgsProject.instance(), path)
        except (StoreError, contract.ContractError) as error:
            self._messages.warn(str(error))
            return
        self.show_run(layers)

    def offer_run(self, layers: ResultLayers) -> None:
        """Offer a run that has ended, unless it is the one that is shown."""
        if layers is not self._layers:
            self._messages.offer_run(lambda: self.show_run(layers))

    def compare_current(self) -> None:
        """Show the current candidate beside street view and satellite image."""
        candidate = self.table.current()
        if candidate is not None and self._layers is not None:
            self.compare.show()
            self.compare.raise_()
            photo = self._layers.photo_file(candidate.photo_path)
            self.compare.show_candidate(candidate, self._layers.run, photo)

    def export(self) -> None:
        """Open the export dialog."""
        if self._layers is None:
            return
        current = self.table.current()
        dialog = ExportDialog(
            self._layers,
            current,
            self.table.selected(),
            self._engine,
            self._pictures,
            self._canvas,
            self.compare.comparison(current) if current is not None else None,
            parent=self,
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    # What the run says

    def _on_photo(self, record: PhotoRecord) -> None:
        self._filters.add_photo(record)
        if not self._shown_path:
            self._show_photo(record.path)

    def _on_candidates(self, candidates: Sequence[Candidate]) -> None:
        self.table.candidates.add(candidates)
        self._follow_columns(candidates)

    def _on_changed(self, candidates: Sequence[Candidate]) -> None:
        self.table.candidates.change(candidates)
        self.decisions.show_candidates(self.table.selected())
        if self.compare.isVisible() and self.table.current() in candidates:
            self.compare_current()

    def _on_read(self) -> None:
        if self._layers is None:
            return
        self.table.candidates.set_candidates(self._layers.candidates())
        self._follow_columns(self._layers.candidates())
        self._on_filter()

    def _on_finished(self) -> None:
        if self._layers is None:
            return
        owed = "; ".join(self._layers.attributions)
        words = [tr("Sources: {}").format(owed)] if owed else []
        self._sources.setText("\n".join([*self._layers.notes, *words]))
        self._sources.setVisible(bool(self._sources.text()))
        if len(self._layers.photos) == 1:
            self._filters.choose(next(iter(self._layers.photos)))
        if self._shown_path:
            self._show_photo(self._shown_path)

    def _follow_layer(self) -> None:
        layer = self._layers.candidates_layer if self._layers is not None else None
        if layer is not None:
            layer.selectionChanged.connect(self._on_map_selection)

    # What a person does

    def _on_filter(self) -> None:
        path = self._filters.photo_path
        self.table.candidates.filter(path, self._filters.status)
        self.table.setColumnHidden(0, bool(path))
        self._on_map_selection()
        first = path or self._shown_path
        if self._layers is not None and not first:
            first = next(iter(self._layers.photos), "")
        self._show_photo(first)

    def _on_map_selection(self, *_: Any) -> None:
        layer = self._layers.candidates_layer if self._layers is not None else None
        if layer is None or self._selecting:
            return
        self.table.select(layer.selectedFeatureIds())
        self._on_selected()

    def _on_table_selection(self, fids: Sequence[int]) -> None:
        layer = self._layers.candidates_layer if self._layers is not None else None
        if layer is not None:
            self._selecting = True
            try:
                layer.selectByIds(list(fids))
            finally:
                self._selecting = False
            current = self.table.current()
            if current is not None and fids:
                self._bring_into_view(current)
        self._on_selected()

    def _on_selected(self) -> None:
        selected = self.table.selected()
        self.decisions.show_candidates(selected)
        current = self.table.current()
        if current is not None and selected:
            self._show_photo(current.photo_path)
            if self.compare.isVisible():
                self.compare_current()
        self._enable()

    def _bring_into_view(self, candidate: Candidate) -> None:
        to_map = QgsCoordinateTransform(
            QgsCoordinateReferenceSystem("EPSG:4326"),
            self._canvas.mapSettings().destinationCrs(),
            QgsProject.instance().transformContext(),
        )
        try:
            point = to_map.transform(QgsPointXY(candidate.lon, candidate.lat))
        except QgsCsException:
            self._messages.warn(tr("The map's coordinate system does not reach this candidate."))
            return
        if not self._canvas.extent().contains(point):
            self._canvas.setCenter(point)
            self._canvas.refresh()

    def _show_photo(self, path: str) -> None:
        if self._layers is None:
            return
        record = self._layers.photos.get(path)
        if record is None:
            self.card.show_record(None, None)
            return
        self._shown_path = path
        best = next(iter(self._layers.candidates_of(path)), None)
        self.card.show_record(record, best)
        self._layers.show_photo(path, self._filters.is_for_map and bool(self._filters.photo_path))

        def shown(image: Any) -> None:
            if self._shown_path == path:
                self.card.show_image(image)

        edit = self._layers.run.params.edits.get(path)
        self._pictures.load(self._layers.photo_file(path), 4 * THUMBNAIL_PX, shown, edit)

    def _open_in(self, viewer: Viewer) -> None:
        candidate = self.table.current()
        if candidate is not None:
            QDesktopServices.openUrl(QUrl(viewer.address(candidate)))

    def _choose_earlier(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, tr("Open earlier results"), "", tr("Results (*.gpkg)")
        )
        if path:
            self.open_earlier(Path(path))

    def _show_model_card(self) -> None:
        bundle = self._layers.run.params.bundle if self._layers is not None else None
        dialog = ModelCardDialog(bundle, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    # Moving by hand

    def _on_move_requested(self, wanted: bool) -> None:
        if not wanted:
            self._drop_tool()
            return
        colour = self.palette().color(QPalette.ColorRole.Highlight)
        self._tool = MoveTool(self._canvas, self.table.current, colour)
        self._tool.setAction(self.decisions.move_action)
        self._tool.moved.connect(self._on_moved)
        self._tool.deactivated.connect(self._drop_tool)
        self._tool.enter()

    def _on_moved(self, candidate: Candidate, lon: float, lat: float) -> None:
        self.decisions.move(candidate, lon, lat)
        self.decisions.move_action.setChecked(False)

    def _drop_tool(self) -> None:
        tool, self._tool = self._tool, None
        if tool is not None:
            tool.remove()
            tool.deleteLater()
        self.decisions.move_action.setChecked(False)

    # Small things

    def _leave_run(self) -> None:
        layers, self._layers = self._layers, None
        self._drop_tool()
        self.compare.forget()
        self.decisions.set_layers(None)
        self._shown_path = ""
        if layers is None:
            return
        for signal, slot in (
            (layers.photoAdded, self._on_photo),
            (layers.candidatesAdded, self._on_candidates),
            (layers.candidatesChanged, self._on_changed),
            (layers.candidatesRead, self._on_read),
            (layers.finished, self._on_finished),
            (layers.failed, self._messages.warn),
        ):
            signal.disconnect(slot)
        if layers.candidates_layer is not None:
            layers.candidates_layer.selectionChanged.disconnect(self._on_map_selection)

    def _enable(self) -> None:
        self._tools.set_has_candidate(self.table.current() is not None)

    def _follow_columns(self, candidates: Sequence[Candidate]) -> None:
        """Show the distance to the true position once it is known of any candidate."""
        if any(candidate.error_m is not None for candidate in candidates):
            self.table.set_error_shown(True)

    def _connect(self) -> None:
        self._filters.changed.connect(self._on_filter)
        self._tools.compareRequested.connect(self.compare_current)
        self._tools.viewerRequested.connect(self._open_in)
        self._tools.exportRequested.connect(self.export)
        self._tools.modelRequested.connect(self._show_model_card)
        self._tools.earlierRequested.connect(self._choose_earlier)
        self.table.selectionEdited.connect(self._on_table_selection)
        self.table.doubleClicked.connect(lambda index: self.compare_current())
        self.decisions.moveRequested.connect(self._on_move_requested)
        self.decisions.warned.connect(self._messages.warn)
        self.compare.stepRequested.connect(self.table.step)
        decisions = self.decisions
        keys = (*decisions.status_actions.values(), decisions.undo_action, decisions.redo_action)
        for action in keys:
            self.table.addAction(action)

    def _build(self) -> None:
        self._messages = ResultMessages()
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty_page())
        self._pages.addWidget(self._result_page())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self._messages)
        layout.addWidget(self._pages, 1)

    def _empty_page(self) -> QWidget:
        words = QLabel(
            tr(
                "No results yet. Choose photos and an area under Locate and run; candidates "
                "appear here and on the map as they come."
            )
        )
        words.setObjectName("noResults")
        words.setWordWrap(True)
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        button = QPushButton(tr("Open earlier results…"))
        button.setObjectName("openEarlierEmpty")
        button.setToolTip(
            tr("Open the analysis.gpkg that an earlier run left in its results folder")
        )
        button.clicked.connect(self._choose_earlier)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.addStretch(1)
        layout.addWidget(words)
        layout.addWidget(button, 0, Qt.AlignmentFlag.AlignCenter)
        layout.addStretch(2)
        return page

    def _result_page(self) -> QWidget:
        self._sources = QLabel()
        self._sources.setObjectName("attribution")
        self._sources.setWordWrap(True)
        self._sources.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._filters)
        layout.addWidget(self.card)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.decisions)
        layout.addWidget(self._tools)
        layout.addWidget(self._sources)
        page = ScrollPage("resultPage")
        page.setWidget(content)
        return page
