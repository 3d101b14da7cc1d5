"""The layer group of one run: candidates, fields of view and heat, from the first answer on."""

from __future__ import annotations

import dataclasses
import json
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsLayerTreeGroup,
    QgsMapLayer,
    QgsProject,
    QgsProviderRegistry,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ..i18n import tr
from ..model_core import contract
from . import style
from .candidate import Candidate, PhotoRecord, candidates_of
from .heat import HeatBands
from .locate_run import LocateRun, capture_times, end_values, free_path, has_ended
from .moved import beside, moved_photo
from .store import CANDIDATES, VIEWS, ResultStore, StoreError

HEAT = "heat"
ROWS_AT_ONCE = 50
"""So few rows are written between two turns of the event loop that nobody feels it."""
REFRESH_MS = 20
"""The map is drawn once for all that is written meanwhile."""


class ResultLayers(QObject):
    """The results of one run, written to a GeoPackage and shown in the project as they come.

    What is shown may be removed from the project at any time: the rows are kept here and on disk.
    A large answer is written in parts, so that QGIS stays responsive; ``settle`` waits for it.

    Raises:
        StoreError: The output folder cannot be written.
    """

    photoAdded = pyqtSignal(object)  # PhotoRecord
    candidatesAdded = pyqtSignal(object)  # tuple[Candidate, ...]
    candidatesChanged = pyqtSignal(object)  # tuple[Candidate, ...]
    candidatesRead = pyqtSignal()  # all of them anew
    finished = pyqtSignal()
    failed = pyqtSignal(str)

    def __init__(
        self, project: QgsProject, run: LocateRun, store: ResultStore | None = None
    ) -> None:
        super().__init__()
        self.run = run
        self.photos: dict[str, PhotoRecord] = {}
        self.attributions = run.attributions
        self.notes: tuple[str, ...] = ()
        self.summary = ""
        self.provenance = run.made_with
        self.has_ended = False
        self.candidates_layer: QgsVectorLayer | None = None
        self.views_layer: QgsVectorLayer | None = None
        self.heat_layer: QgsRasterLayer | None = None
        self.group: QgsLayerTreeGroup | None = None
        self._project = project
        self._candidates: dict[int, Candidate] = {}
        self._files: dict[str, str] = {}
        self._heat: HeatBands | None = None
        self._hides_heat = False
        self._shown_path = ""
        self._steps: deque[Callable[[], None]] = deque()
        self._turn = self._timer(0, self._take_step)
        self._refresh_soon = self._timer(REFRESH_MS, self._refresh)
        self.store = store or ResultStore.create(free_path(run), run.to_values())
        project.layersWillBeRemoved.connect(self._forget_layers)
        self._show_layers(keep_styles=store is None)
        self._credit()

    @classmethod
    def reopen(cls, project: QgsProject, path: Path) -> ResultLayers:
        """Return the results that an earlier run left in a GeoPackage; layers in use are adopted.

        Raises:
            StoreError: It cannot be read.
            ContractError: It was written by another version of the plugin.
        """
        store = ResultStore(path)
        values = store.run()
        layers = cls(project, LocateRun.from_values(values), store)
        layers.notes = tuple(json.loads(values.get("notes", "[]")))
        layers.summary = values.get("summary", "")
        layers.has_ended = has_ended(values)
        layers.photos = {record.path: record for record in store.photos()}
        layers._enqueue(layers._reader())
        if values.get("heat"):
            layers._enqueue(lambda: layers._show_heat_of(beside(values["heat"], layers.folder)))
        return layers

    @property
    def folder(self) -> Path:
        """Where everything of the run is."""
        return self.store.path.parent

    def photo_file(self, path: str) -> str:
        """Return the file of a photo where it is now: results may have been moved with it."""
        if path not in self._files:
            record = self.photos.get(path)
            sha256 = record.photo_sha256 if record is not None else ""
            found = moved_photo(path, sha256, self.run.params.out or "", self.folder)
            self._files[path] = str(found)
        return self._files[path]

    def candidate(self, fid: int) -> Candidate | None:
        """Return a candidate as it is now."""
        return self._candidates.get(fid)

    def candidates(self) -> tuple[Candidate, ...]:
        """Return all candidates in the order in which they came."""
        return tuple(self._candidates.values())

    def candidates_of(self, photo_path: str) -> tuple[Candidate, ...]:
        """Return the candidates of one photo, best first."""
        own = [c for c in self._candidates.values() if c.photo_path == photo_path]
        return tuple(sorted(own, key=lambda candidate: candidate.rank))

    def add_answer(self, answer: contract.PhotoAnswer) -> None:
        """Write and show one photo's answer; one that is there already is left as it is."""
        if answer.path in self.photos:
            return
        captured_at = self._captured_at(answer.path)
        record = PhotoRecord.of(answer, captured_at)
        self.photos[answer.path] = record
        count = len(answer.candidates.get("features", ()))
        firsts = range(0, max(count, 1), ROWS_AT_ONCE)
        self._enqueue(
            *(
                self._writer(
                    answer, record, slice(first, first + ROWS_AT_ONCE), first == firsts[-1]
                )
                for first in firsts
            )
        )

    def finish(self, result: contract.LocateResult) -> None:
        """Write what is known at the end: missing answers, provenance, attributions, the heat."""
        for answer in result.photos:
            self.add_answer(answer)
        self.attributions = tuple(result.attributions)
        self.notes = tuple(result.notes)
        self.summary = result.summary
        self.provenance = dict(result.provenance)
        self.has_ended = True
        heat = result.files.get(HEAT, "")
        self._enqueue(
            lambda: self._write_end(heat),
            lambda: self._read_times(result.files.get("results", "")),
            self._credit,
        )
        if heat:
            self._enqueue(lambda: self._show_heat_of(Path(heat)))
        self._enqueue(self.candidatesRead.emit, self.finished.emit)

    def write(self, candidates: Sequence[Candidate]) -> bool:
        """Write candidates anew, as a decision or a move left them; return whether it worked."""
        try:
            self.store.update(candidates)
        except StoreError as error:
            self.failed.emit(str(error))
            return False
        self._candidates.update({candidate.fid: candidate for candidate in candidates})
        self._refresh_soon.start()
        self.candidatesChanged.emit(tuple(candidates))
        return True

    def show_photo(self, path: str, only: bool) -> None:
        """Let the map show the heat of a photo and, where ``only``, nothing of the others."""
        wanted = path if only else ""
        if wanted != self._shown_path:
            self._shown_path = wanted
            for layer in self._vector_layers():
                style.show_only(layer, wanted)
        self._show_band(path)

    def settle(self) -> None:
        """Do at once what waits for the next turns of the event loop."""
        while self._steps:
            self._take_step()
        if self._refresh_soon.isActive():
            self._refresh()

    def _timer(self, wait_ms: int, do: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(wait_ms)
        timer.timeout.connect(do)
        return timer

    def _enqueue(self, *steps: Callable[[], None]) -> None:
        waiting = bool(self._steps)
        self._steps.extend(steps)
        if not waiting:
            self._take_step()

    def _take_step(self) -> None:
        if not self._steps:
            return
        try:
            self._steps[0]()
        except (StoreError, contract.ContractError) as error:
            self.failed.emit(str(error))
        finally:
            self._steps.popleft()
            if self._steps:
                self._turn.start()

    def _writer(
        self, answer: contract.PhotoAnswer, record: PhotoRecord, rows: slice, is_last: bool
    ) -> Callable[[], None]:
        def write() -> None:
            found = candidates_of(answer, record.captured_at, rows)
            stored = self.store.add(found, record if is_last else None)
            self._candidates.update({candidate.fid: candidate for candidate in stored})
            self._refresh_soon.start()
            if stored:
                self.candidatesAdded.emit(stored)
            if is_last:
                self.photoAdded.emit(record)

        return write

    def _write_end(self, heat: str) -> None:
        made_with = {
            "model_hash": self.provenance.get("model_hash", ""),
            "software_version": self.provenance.get("software_version", ""),
        }
        self.store.set_run(
            end_values(self.attributions, self.notes, self.summary, self.provenance, heat)
        )
        self.store.set_provenance(**made_with)
        self._candidates = {
            fid: dataclasses.replace(candidate, **made_with)
            for fid, candidate in self._candidates.items()
        }

    def _read_times(self, results: str) -> None:
        """Take from the engine's document when photos were taken, where that is not known yet."""
        moments = capture_times(results)
        news = {
            path: moments[path]
            for path, record in self.photos.items()
            if not record.captured_at and moments.get(path)
        }
        if not news:
            return
        self.store.set_captured_at(news)
        for path, moment in news.items():
            self.photos[path] = dataclasses.replace(self.photos[path], captured_at=moment)
        for fid, candidate in self._candidates.items():
            if candidate.photo_path in news and not candidate.captured_at:
                moment = news[candidate.photo_path]
                self._candidates[fid] = dataclasses.replace(candidate, captured_at=moment)
        self._refresh()

    def _captured_at(self, path: str) -> str:
        edit = self.run.params.edits.get(path) or {}
        return edit.get("captured_at") or self.run.captured_at.get(path, "")

    def _reader(self, after_fid: int = -1) -> Callable[[], None]:
        def read() -> None:
            rows = self.store.candidates(after_fid, ROWS_AT_ONCE)
            self._candidates.update({candidate.fid: candidate for candidate in rows})
            if len(rows) == ROWS_AT_ONCE:
                self._steps.insert(1, self._reader(rows[-1].fid))
            else:
                self.candidatesRead.emit()

        return read

    def _read_again(self) -> None:
        """Take over what was changed with QGIS's own editing tools; wedges follow their points."""
        known = self._candidates
        self._candidates = {}

        def follow() -> None:
            now = self._candidates
            changed = [c for fid, c in now.items() if fid in known and known[fid] != c]
            gone = [fid for fid in known if fid not in now]
            self.store.follow(changed, gone)
            self._refresh()

        self._enqueue(self._reader(), follow)

    def _show_layers(self, keep_styles: bool) -> None:
        for attribute, table, title in (
            ("candidates_layer", CANDIDATES, tr("Candidates")),
            ("views_layer", VIEWS, tr("Fields of view")),
        ):
            uri = self.store.uri(table)
            layer = self._in_project(uri)
            if layer is None:
                layer = QgsVectorLayer(uri, title, "ogr")
                style.apply_style(layer, table)
                style.follow_time(layer, "captured_at")
                if keep_styles:
                    self.store.keep_style(table, style.style_text(layer))
                self._put(layer)
            else:
                style.show_only(layer, "")  # a project keeps which photo was shown alone
            # QGIS opens the file in another way to edit; what reads it must open it again.
            layer.editingStarted.connect(self._refresh)
            setattr(self, attribute, layer)
        self.candidates_layer.afterCommitChanges.connect(self._read_again)

    def _in_project(self, uri: str) -> QgsMapLayer | None:
        layers = self._project.mapLayers().values()
        return next((layer for layer in layers if _is_of(layer, uri)), None)

    def _put(self, layer: QgsMapLayer) -> None:
        if self.group is None:
            started = self.run.started_at[:16].replace("T", " ")
            root = self._project.layerTreeRoot()
            self.group = root.insertGroup(0, tr("Photo locations {}").format(started).strip())
            self.group.destroyed.connect(self._forget_group)
        self._project.addMapLayer(layer, False)
        self.group.addLayer(layer)

    def _show_heat_of(self, path: Path) -> None:
        found = self._in_project(str(path))
        layer = found or QgsRasterLayer(str(path), tr("Heat"), "gdal")
        heat = HeatBands(layer, path)
        if not heat.is_usable:
            self.failed.emit(
                tr("{}: the heat raster cannot be read; run the photos again").format(path)
            )
            return
        self.heat_layer, self._heat = layer, heat
        if found is None:
            style.apply_style(layer, HEAT)
            style.set_attribution(layer, self.attributions)
            self._put(layer)
        self._show_band(self._shown_path or next(iter(self.photos), ""))

    def _show_band(self, path: str) -> None:
        record = self.photos.get(path)
        if self._heat is None or self.heat_layer is None or record is None:
            return
        has_heat = self._heat.show(record)
        node = self.group.findLayer(self.heat_layer.id()) if self.group is not None else None
        if node is not None and has_heat == self._hides_heat:
            self._hides_heat = not has_heat and node.itemVisibilityChecked()
            node.setItemVisibilityChecked(has_heat)

    def _credit(self) -> None:
        layers: list[Any] = [*self._vector_layers(), self.heat_layer]
        for layer in layers:
            if layer is not None:
                style.set_attribution(layer, self.attributions)

    def _vector_layers(self) -> list[QgsVectorLayer]:
        layers = (self.candidates_layer, self.views_layer)
        return [layer for layer in layers if layer is not None]

    def _refresh(self) -> None:
        self._refresh_soon.stop()
        for layer in self._vector_layers():
            if not layer.isEditable():
                _reload(layer)
            layer.triggerRepaint()

    def _forget_layers(self, ids: Sequence[str]) -> None:
        for attribute in ("candidates_layer", "views_layer", "heat_layer"):
            layer = getattr(self, attribute)
            if layer is not None and layer.id() in ids:
                setattr(self, attribute, None)

    def _forget_group(self) -> None:
        self.group = None


def _is_of(layer: QgsMapLayer, uri: str) -> bool:
    """Return whether a layer shows what an address names, however its path is written."""
    if layer.providerType() not in ("ogr", "gdal"):
        return False
    registry = QgsProviderRegistry.instance()
    shown, wanted = (
        registry.decodeUri(layer.providerType(), text) for text in (layer.source(), uri)
    )
    return Path(shown.get("path") or "") == Path(wanted.get("path") or "") and (
        shown.get("layerName") == wanted.get("layerName")
    )


def _reload(layer: QgsVectorLayer) -> None:
    """Let a layer see what was written beside it; QGIS would drop its selection."""
    selected = layer.selectedFeatureIds()
    layer.blockSignals(True)
    try:
        layer.dataProvider().reloadData()
        layer.updateExtents()
        layer.selectByIds(selected)
    finally:
        layer.blockSignals(False)
    layer.dataChanged.emit()
