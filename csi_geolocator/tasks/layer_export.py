"""Writes layers that only QGIS can read to GeoPackages, in the background."""

from __future__ import annotations

import itertools
from pathlib import Path

from qgis.core import QgsApplication, QgsVectorFileWriter, QgsVectorFileWriterTask, QgsVectorLayer
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..i18n import tr


class LayerExport(QObject):
    """Exports each layer once into a folder; an edited layer is exported again.

    Signals: ``written`` (the layer's id), ``failed`` (the layer's id, words).
    """

    written = pyqtSignal(str)
    failed = pyqtSignal(str, str)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._files: dict[str, str] = {}
        self._tasks: dict[str, QgsVectorFileWriterTask] = {}
        self._edits: dict[str, int] = {}  # how often a layer was edited since it was first seen
        self._numbers = itertools.count()

    def file_of(self, layer: QgsVectorLayer) -> str | None:
        """Return the layer's file; None while it is being written, which starts here."""
        key = layer.id()
        done = self._files.get(key)
        if done is None and key not in self._tasks:
            self._start(layer)
        return done

    def stop(self) -> None:
        """Give up what is being written."""
        for task in list(self._tasks.values()):
            task.cancel()

    def _start(self, layer: QgsVectorLayer) -> None:
        key = layer.id()
        self._folder.mkdir(parents=True, exist_ok=True)
        path = str(self._folder / f"layer-{next(self._numbers)}.gpkg")
        options = QgsVectorFileWriter.SaveVectorOptions()
        options.driverName = "GPKG"
        options.layerName = "lines"
        options.skipAttributeCreation = True  # ids may repeat, as in merged layers
        task = QgsVectorFileWriterTask(layer, path, options)
        task.setDescription(tr("Writing '{}' for the engine").format(layer.name()))
        if key not in self._edits:
            self._edits[key] = 0
            layer.layerModified.connect(lambda: self._on_edit(key))
            layer.dataChanged.connect(lambda: self._on_edit(key))
        edits = self._edits[key]
        task.writeComplete.connect(lambda file, *_: self._finish(key, file, edits))
        task.errorOccurred.connect(lambda _code, words: self._fail(key, words))
        self._tasks[key] = task
        QgsApplication.taskManager().addTask(task)

    def _on_edit(self, key: str) -> None:
        self._edits[key] += 1
        self._files.pop(key, None)

    def _finish(self, key: str, file: str, edits: int) -> None:
        """Keep the file, unless the layer was edited meanwhile: whoever asks again has it anew."""
        self._tasks.pop(key, None)
        if edits == self._edits[key]:
            self._files[key] = file
        self.written.emit(key)

    def _fail(self, key: str, words: str) -> None:
        self._tasks.pop(key, None)
        self.failed.emit(key, words)
