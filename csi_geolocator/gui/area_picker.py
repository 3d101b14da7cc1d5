"""Where to search: drawn, taken from the map, from features or a layer, or typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qgis.core import (
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsMapLayerProxyModel,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.gui import QgsMapLayerComboBox, QgsRubberBand
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import (
    QFormLayout,
    QGridLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ..i18n import tr
from .area_tools import AreaTool, PolygonTool, RectangleTool, area_band
from .areas import (
    Area,
    AreaUnusable,
    area_of_layer,
    area_of_rectangle,
    area_of_shapes,
    area_of_text,
    lonlat_crs,
    size_text,
)
from .icons import named_icon
from .words import Words


class AreaPicker(QWidget):
    """Chooses the area and shows it on the map.

    Args:
        iface: QGIS's interface: its canvas is drawn on, its active layer asked for a selection.
        parent: The owner.

    Signals: ``changed`` (there is another area, or none any more).
    """

    changed = pyqtSignal()

    def __init__(self, iface: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("areaPicker")
        self._iface = iface
        self._canvas = iface.mapCanvas()
        self._area: Area | None = None
        self._band: QgsRubberBand | None = area_band(self._canvas)
        self._tool: AreaTool | None = None
        self._layer = self._layer_combo()
        self._text = self._bounds_edit()
        self._size = Words("areaSize")
        self._fill()
        self._canvas.destinationCrsChanged.connect(self._draw)
        self._say_what_is_chosen()

    @property
    def area(self) -> Area | None:
        """The area, None where none is chosen yet."""
        return self._area

    def set_area(self, area: Area | None) -> None:
        """Take an area and show it on the map."""
        self._area = area
        self._text.setText(area.bounds if area is not None else "")
        self._text.setCursorPosition(0)
        self._draw()
        self._say_what_is_chosen()
        self.changed.emit()

    def remove(self) -> None:
        """Take everything off the map for good."""
        self._stop_drawing()
        if self._band is not None:
            self._canvas.destinationCrsChanged.disconnect(self._draw)
            self._canvas.scene().removeItem(self._band)
            self._band = None

    # The ways to choose.

    def draw_rectangle(self) -> None:
        """Let the user drag a rectangle on the map."""
        self._start_drawing(RectangleTool(self._canvas), tr("Drag a rectangle on the map."))

    def draw_polygon(self) -> None:
        """Let the user click a polygon on the map."""
        self._start_drawing(
            PolygonTool(self._canvas),
            tr("Click the corners on the map; a right click ends, Esc gives up."),
        )

    def take_map_extent(self) -> None:
        """Take what the map shows."""
        crs = self._canvas.mapSettings().destinationCrs()
        self._try(lambda: area_of_rectangle(self._canvas.extent(), crs, tr("map extent")))

    def take_selection(self) -> None:
        """Take the selected polygons of the active layer, or of the first that has any."""
        self._try(lambda: area_of_layer(self._layer_with_selection(), selected=True))

    def take_layer(self) -> None:
        """Take every polygon of the layer that is chosen."""
        layer = self._layer.currentLayer()
        if layer is not None:
            self._try(lambda: area_of_layer(layer, selected=False))

    def take_text(self) -> None:
        """Take the four numbers that were typed; nothing takes the area away."""
        typed = self._text.text().strip()
        if self._area is not None and typed == self._area.bounds:
            return
        if typed:
            self._try(lambda: area_of_text(typed))
        else:
            self.set_area(None)

    # How it works.

    def _fill(self) -> None:
        buttons = QGridLayout()
        for place, (text, tip, name, icon, action) in enumerate(self._ways()):
            button = QPushButton(icon, text)
            button.setObjectName(name)
            button.setToolTip(tip)
            button.clicked.connect(action)
            buttons.addWidget(button, place // 2, place % 2)
        form = QFormLayout()
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.addRow(tr("Polygon layer"), self._layer)
        form.addRow(tr("Bounds"), self._text)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addLayout(form)
        layout.addWidget(self._size)

    def _ways(self) -> list[tuple[str, str, str, QIcon, Callable[[], None]]]:
        return [
            (
                tr("Rectangle"),
                tr("Draw the area as a rectangle on the map"),
                "drawRectangle",
                named_icon("mActionAddBasicRectangle"),
                self.draw_rectangle,
            ),
            (
                tr("Polygon"),
                tr("Draw the area as a polygon on the map"),
                "drawPolygon",
                named_icon("mActionAddPolygon"),
                self.draw_polygon,
            ),
            (
                tr("Map extent"),
                tr("Search what the map shows now"),
                "takeMapExtent",
                named_icon("mActionZoomFullExtent"),
                self.take_map_extent,
            ),
            (
                tr("Selection"),
                tr("Search the selected polygons of the active layer"),
                "takeSelection",
                named_icon("mActionSelectRectangle"),
                self.take_selection,
            ),
        ]

    def _layer_combo(self) -> QgsMapLayerComboBox:
        combo = QgsMapLayerComboBox()
        combo.setObjectName("areaLayer")
        combo.setToolTip(tr("Search every polygon of a layer"))
        combo.setFilters(QgsMapLayerProxyModel.Filter.PolygonLayer)
        combo.setAllowEmptyLayer(True, tr("none"))
        combo.setLayer(None)
        combo.setMinimumContentsLength(8)
        combo.layerChanged.connect(self.take_layer)
        return combo

    def _bounds_edit(self) -> QLineEdit:
        edit = QLineEdit()
        edit.setObjectName("areaBounds")
        edit.setPlaceholderText(tr("west,south,east,north"))
        edit.setToolTip(tr("The area's bounds in degrees: west,south,east,north; Return takes it"))
        edit.editingFinished.connect(self.take_text)
        return edit

    def _layer_with_selection(self) -> QgsVectorLayer:
        active = self._iface.activeLayer()
        layers = [active, *QgsProject.instance().mapLayers().values()]
        polygons = [
            layer
            for layer in layers
            if isinstance(layer, QgsVectorLayer)
            and layer.geometryType() == QgsWkbTypes.GeometryType.PolygonGeometry
        ]
        for layer in polygons:
            if layer.selectedFeatureCount():
                return layer
        raise AreaUnusable(
            tr("No polygon is selected; select some with QGIS's selection tool and try again.")
        )

    def _try(self, choose: Callable[[], Area]) -> None:
        try:
            area = choose()
        except AreaUnusable as error:
            self._size.say(str(error), is_error=True)
            return
        self.set_area(area)

    def _start_drawing(self, tool: AreaTool, hint: str) -> None:
        self._stop_drawing()
        self._tool = tool
        tool.drawn.connect(self._take_drawn)
        tool.givenUp.connect(self._give_up)
        tool.enter()
        self._canvas.setFocus()
        self._size.say(hint)

    def _take_drawn(self, shape: QgsGeometry) -> None:
        crs = self._canvas.mapSettings().destinationCrs()
        is_rectangle = isinstance(self._tool, RectangleTool)
        self._stop_drawing()

        def choose() -> Area:
            if is_rectangle:
                return area_of_rectangle(QgsRectangle(shape.boundingBox()), crs)
            return area_of_shapes([shape], crs)

        self._try(choose)

    def _give_up(self) -> None:
        self._stop_drawing()
        self._say_what_is_chosen()

    def _stop_drawing(self) -> None:
        if self._tool is None:
            return
        tool, self._tool = self._tool, None
        tool.remove()
        tool.deleteLater()

    def _draw(self) -> None:
        if self._band is None:
            return
        self._band.reset(QgsWkbTypes.GeometryType.PolygonGeometry)
        if self._area is None:
            return
        shape = QgsGeometry(self._area.shape)
        crs = self._canvas.mapSettings().destinationCrs()
        try:
            shape.transform(QgsCoordinateTransform(lonlat_crs(), crs, QgsProject.instance()))
        except QgsCsException:
            return
        self._band.setToGeometry(shape)

    def _say_what_is_chosen(self) -> None:
        if self._area is None:
            self._size.say(tr("No area is chosen yet."))
            return
        words = [size_text(self._area)]
        if self._area.label:
            words.append(self._area.label)
        self._size.say(" · ".join(words))
