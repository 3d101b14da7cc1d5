"""The area to search: a shape in EPSG:4326 and how a request names it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsDistanceArea,
    QgsGeometry,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
    QgsWkbTypes,
)

from ..i18n import number, tr

MAX_AREA_KM2 = 5_000.0
"""Larger areas hold millions of places; they are asked in parts."""
MIN_AREA_KM2 = 1e-6
PARTS_OF_A_SIDE = 16
"""A side of a drawn shape is bent at so many points on its way to another projection."""


class AreaUnusable(ValueError):
    """An area that cannot be searched; the message is for people and names the next step."""


@dataclass(frozen=True)
class Area:
    """A shape in EPSG:4326. ``is_rectangle``: its edges run along meridians and parallels."""

    shape: QgsGeometry
    is_rectangle: bool
    label: str = ""

    @property
    def size_km2(self) -> float:
        """The area on the ellipsoid."""
        measure = QgsDistanceArea()
        measure.setEllipsoid("WGS84")
        measure.setSourceCrs(lonlat_crs(), QgsProject.instance().transformContext())
        return measure.measureArea(self.shape) / 1e6

    @property
    def bounds(self) -> str:
        """West, south, east, north in degrees, as a request and a person read it."""
        box = self.shape.boundingBox()
        sides = (box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum())
        return ",".join(f"{side:.6f}" for side in sides)

    def as_request(self, folder: Path) -> str:
        """Return how a request names the area; other shapes than rectangles become a file.

        Args:
            folder: Where the GeoJSON file goes; it is made where it is missing. Another shape
                has another name.
        """
        if self.is_rectangle:
            return self.bounds
        folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(self.shape.asWkt(8).encode("ascii")).hexdigest()
        file = folder / f"area-{digest[:12]}.geojson"
        feature = {
            "type": "Feature",
            "properties": {"name": self.label},
            "geometry": json.loads(self.shape.asJson(8)),
        }
        collection = {"type": "FeatureCollection", "features": [feature]}
        file.write_text(json.dumps(collection), encoding="utf-8")
        return str(file)


def lonlat_crs() -> QgsCoordinateReferenceSystem:
    """Return EPSG:4326."""
    return QgsCoordinateReferenceSystem("EPSG:4326")


def area_of_rectangle(
    rectangle: QgsRectangle, crs: QgsCoordinateReferenceSystem, label: str = ""
) -> Area:
    """Return the rectangle in degrees that holds one in any projection.

    Raises:
        AreaUnusable: It is empty, too large, beyond the earth or across the antimeridian.
    """
    if rectangle.isEmpty() or not rectangle.isFinite():
        raise AreaUnusable(tr("The rectangle is empty; drag from one corner to the other."))
    try:
        box = _to_lonlat(crs).transformBoundingBox(rectangle)
    except QgsCsException as error:
        raise _untransformable(crs) from error
    return _checked(Area(QgsGeometry.fromRect(box), True, label))


def area_of_shapes(
    shapes: Iterable[QgsGeometry], crs: QgsCoordinateReferenceSystem, label: str = ""
) -> Area:
    """Return the polygons among shapes as one area.

    Raises:
        AreaUnusable: There is no polygon, or the area cannot be searched.
    """
    polygons = [
        QgsGeometry(shape).densifyByCount(PARTS_OF_A_SIDE - 1) if not crs.isGeographic() else shape
        for shape in shapes
        if shape.type() == QgsWkbTypes.GeometryType.PolygonGeometry and not shape.isEmpty()
    ]
    if not polygons:
        raise AreaUnusable(tr("There is no polygon here; an area needs one at least."))
    whole = QgsGeometry.unaryUnion([polygon.makeValid() for polygon in polygons])
    try:
        whole.transform(_to_lonlat(crs))
    except QgsCsException as error:
        raise _untransformable(crs) from error
    return _checked(Area(whole, False, label))


def area_of_layer(layer: QgsVectorLayer | None, *, selected: bool) -> Area:
    """Return the polygons of a layer, or those that are selected in it, as an area.

    Raises:
        AreaUnusable: Nothing is selected, there is no polygon, or the area cannot be searched.
    """
    if layer is None:
        raise AreaUnusable(tr("Choose a polygon layer; the project holds none yet."))
    if not layer.crs().isValid():
        raise AreaUnusable(
            tr("The layer '{}' has no coordinate system; set it in the layer's properties.").format(
                layer.name()
            )
        )
    if selected and not layer.selectedFeatureCount():
        raise AreaUnusable(
            tr("Nothing is selected in the layer '{}'; select polygons and try again.").format(
                layer.name()
            )
        )
    features = layer.getSelectedFeatures() if selected else layer.getFeatures()
    shapes = [feature.geometry() for feature in features if feature.hasGeometry()]
    return area_of_shapes(shapes, layer.crs(), layer.name())


def area_of_text(text: str) -> Area:
    """Return the area that four numbers name: west, south, east, north in degrees.

    Raises:
        AreaUnusable: They are not four numbers in this order, or the area cannot be searched.
    """
    try:
        sides = [float(part) for part in re.split(r"[,;\s]+", text.strip())]
    except ValueError:
        sides = []
    if len(sides) != 4:
        raise AreaUnusable(
            tr("Write four numbers in degrees: west,south,east,north, like 13.17,55.69,13.21,55.72")
        )
    west, south, east, north = sides
    if south >= north:
        raise AreaUnusable(tr("South must be less than north; the order is west,south,east,north."))
    if west > east:
        raise _across_antimeridian()
    if west == east:
        raise AreaUnusable(tr("West and east are the same; the order is west,south,east,north."))
    box = QgsRectangle(west, south, east, north)
    return _checked(Area(QgsGeometry.fromRect(box), True))


def size_text(area: Area) -> str:
    """Return the area's size for people."""
    size = area.size_km2
    if size < 0.01:
        return tr("{} m²").format(number(size * 1e6))
    return tr("{} km²").format(number(size, 2 if size < 100 else 0))


def _to_lonlat(crs: QgsCoordinateReferenceSystem) -> QgsCoordinateTransform:
    if not crs.isValid():
        raise AreaUnusable(
            tr("The project has no coordinate system; set it in the corner of the status bar.")
        )
    return QgsCoordinateTransform(crs, lonlat_crs(), QgsProject.instance())


def _checked(area: Area) -> Area:
    box = area.shape.boundingBox()
    if not box.isFinite() or box.yMinimum() < -90 or box.yMaximum() > 90:
        raise AreaUnusable(tr("The area reaches beyond the poles; draw it again."))
    if box.xMinimum() < -180 or box.xMaximum() > 180 or box.width() > 180:
        raise _across_antimeridian()
    size = area.size_km2
    if size < MIN_AREA_KM2:
        raise AreaUnusable(tr("The area is too small to hold a place; draw a larger one."))
    if size > MAX_AREA_KM2:
        raise AreaUnusable(
            tr(
                "The area has {0}; {1} km² at most can be searched at once. Draw a smaller one, or "
                "search it in parts."
            ).format(size_text(area), number(MAX_AREA_KM2))
        )
    return area


def _across_antimeridian() -> AreaUnusable:
    return AreaUnusable(
        tr(
            "The area crosses the antimeridian (180 degrees); search the parts on either side "
            "one after the other."
        )
    )


def _untransformable(crs: QgsCoordinateReferenceSystem) -> AreaUnusable:
    return AreaUnusable(
        tr("The area lies outside of what {} can show; zoom to the place first.").format(
            crs.authid() or crs.description()
        )
    )
