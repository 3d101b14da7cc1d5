"""A map of one photo's candidates as a picture, drawn beside the main thread."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsDistanceArea,
    QgsMapLayer,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QObject, QRectF, QSize, QTimer
from qgis.PyQt.QtGui import QColor, QImage, QPainter, QPainterPath, QPen

from .candidate import Candidate
from .run import ResultLayers
from .store import CANDIDATES, VIEWS
from .style import apply_style, show_only

PATIENCE_MS = 30_000
ROOM_DEG = 0.0007
DEGREES = "EPSG:4326"
WEB_MERCATOR = "EPSG:3857"
DPI = 200.0
SCALE_SHARE = 0.3


class MapPicture(QObject):
    """Draws once; what is drawn after thirty seconds (a slow map service) is taken as it is.

    Args:
        layers: The results.
        photo_path: The photo whose candidates are shown.
        canvas: The map, for its other layers and its plane.
        size: The picture's, in pixels.
        drawn: Gets the picture.
        parent: The owner.
    """

    def __init__(
        self,
        layers: ResultLayers,
        photo_path: str,
        canvas: QgsMapCanvas,
        size: QSize,
        drawn: Callable[[QImage], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._drawn = drawn
        self._own = [_own_layer(layers, table, photo_path) for table in (CANDIDATES, VIEWS)]
        hidden = {layers.candidates_layer, layers.views_layer, layers.heat_layer}
        others = [layer for layer in canvas.layers() if layer not in hidden]
        shown: list[QgsMapLayer] = [*self._own, *others]
        self._job = QgsMapRendererParallelJob(
            _settings(shown, layers.candidates_of(photo_path), canvas, size)
        )
        self._job.finished.connect(self._on_finished)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.timeout.connect(self._on_finished)
        self._patience.start(PATIENCE_MS)
        self._job.start()

    def _on_finished(self) -> None:
        if not self._patience.isActive() and self._job.isActive():
            self._job.cancelWithoutBlocking()
        self._patience.stop()
        drawn, self._drawn = self._drawn, lambda image: None
        image = self._job.renderedImage()
        draw_scale(image, self._job.mapSettings())
        self._own.clear()
        drawn(image)


def draw_scale(image: QImage, settings: QgsMapSettings) -> None:
    """Draw a bar of a round length into the lower left corner of a map."""
    measure = QgsDistanceArea()
    measure.setSourceCrs(settings.destinationCrs(), settings.transformContext())
    measure.setEllipsoid("WGS84")
    extent = settings.visibleExtent()
    middle = extent.center()
    ends = [QgsPointXY(x, middle.y()) for x in (extent.xMinimum(), extent.xMaximum())]
    metres_per_px = measure.measureLine(*ends) / image.width()
    wanted_m = metres_per_px * image.width() * SCALE_SHARE
    power = 10.0 ** math.floor(math.log10(wanted_m))
    length_m = max(step * power for step in (1, 2, 5) if step * power <= wanted_m)
    wide, tall = length_m / metres_per_px, image.height() / 90
    bar = QRectF(image.width() * 0.03, image.height() * 0.97 - tall, wide, tall)
    painter = QPainter(image)
    painter.fillRect(bar.adjusted(-3, -3, 3, 3), QColor("white"))
    painter.fillRect(bar, QColor("#212121"))
    font = painter.font()
    font.setPixelSize(max(10, image.height() // 34))
    font.setBold(True)
    path = QPainterPath()
    said = f"{length_m:g} m" if length_m < 1000 else f"{length_m / 1000:g} km"
    path.addText(bar.left(), bar.top() - tall, font, said)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.strokePath(path, QPen(QColor("white"), font.pixelSize() / 5))
    painter.fillPath(path, QColor("#212121"))
    painter.end()


def _own_layer(layers: ResultLayers, table: str, photo_path: str) -> QgsVectorLayer:
    layer = QgsVectorLayer(layers.store.uri(table), table, "ogr")
    apply_style(layer, table)
    show_only(layer, photo_path)
    return layer


def _settings(
    layers: Sequence[QgsMapLayer],
    candidates: Sequence[Candidate],
    canvas: QgsMapCanvas,
    size: QSize,
) -> QgsMapSettings:
    plane = canvas.mapSettings().destinationCrs()
    if not plane.isValid() or plane.isGeographic():
        plane = QgsCoordinateReferenceSystem(WEB_MERCATOR)
    around = QgsRectangle()
    around.setMinimal()
    for candidate in candidates[:5]:
        around.combineExtentWith(candidate.lon, candidate.lat)
    around.grow(ROOM_DEG)
    context = QgsProject.instance().transformContext()
    to_plane = QgsCoordinateTransform(QgsCoordinateReferenceSystem(DEGREES), plane, context)
    settings = QgsMapSettings()
    settings.setLayers(list(layers))
    settings.setDestinationCrs(plane)
    settings.setTransformContext(context)
    settings.setOutputSize(size)
    settings.setOutputDpi(DPI)
    settings.setBackgroundColor(QColor("#eceff1"))
    settings.setExtent(to_plane.transformBoundingBox(around))
    return settings
