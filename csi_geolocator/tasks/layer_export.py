"""Writes layers that only QGIS can read to GeoPackages, in the background."""

from __future__ import annotations

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
        self._watched: set[str] = set()

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
        path = str(self._folder / f"layer-{len(self._files)}-{len(self._tasks)}.gpkg")
        options = QgsVectorFileWriter.SaveVectorOptions()
        options.driverName = "GPKG"
        options.layerName = "lines"
        task = QgsVectorFileWriterTask(layer, path, options)
        task.setDescription(tr("Writing '{}' for the engine").format(layer.name()))
        task.writeComplete.connect(lambda file, *_: self._finish(key, file))
        task.errorOccurred.connect(lambda _code, words: self._fail(key, words))
        self._tasks[key] = task
        if key not in self._watched:
            self._watched.add(key)
            layer.layerModified.connect(lambda: self._files.pop(key, None))
            layer.dataChanged.connect(lambda: self._files.pop(key, None))
        QgsApplication.taskManager().addTask(task)

    def _finish(self, key: str, file: str) -> None:
        self._tasks.pop(key, None)
        self._files[key] = file
        self.written.emit(key)

    def _fail(self, key: str, words: str) -> None:
        self._tasks.pop(key, None)
        self.failed.emit(key, words)
