"""Layers of the project as the engine names them: a file, or an online source with its options.

The engine reads for itself what a layer shows, so a layer is translated, never rendered. What only
QGIS can read (a database, a web feature service, memory) is exported or explained.
"""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsMapLayer, QgsProviderRegistry, QgsRasterLayer, QgsVectorLayer
from qgis.PyQt.QtCore import QUrl, QUrlQuery

from ..i18n import tr
from ..source_text import source_text

DECODED = QUrl.ComponentFormattingOption.FullyDecoded
WMS_CHOICES = {"format": ("image/jpeg",), "crs": ("EPSG:4326", "CRS:84")}
"""What a layer may say that the engine would not ask for by itself."""
TEMPLATE_MARKS = ("{x}", "{q}", "{quadkey}")


class LayerUnusable(ValueError):
    """A layer that the engine cannot read; the message is for people and names the next step."""


def imagery_text(layer: QgsRasterLayer) -> str:
    """Return how a request names the source of a raster layer.

    Raises:
        LayerUnusable: The engine has no reader for it.
    """
    provider = layer.providerType()
    if provider == "gdal":
        return _raster_file(layer)
    if provider == "wms":
        return _online_imagery(layer)
    raise LayerUnusable(
        tr(
            "The engine cannot read '{0}' ({1} layers are QGIS's own); save it as a GeoTIFF with "
            "Export > Save As… and choose that."
        ).format(layer.name(), provider)
    )


def is_vector_file(layer: QgsVectorLayer) -> bool:
    """Return whether the engine can read a vector layer from its file as it is."""
    if layer.providerType() != "ogr" or layer.isModified() or _has_crs_of_its_own(layer):
        return False
    parts = QgsProviderRegistry.instance().decodeUri("ogr", layer.source())
    return Path(parts.get("path", "")).is_file()


def _has_crs_of_its_own(layer: QgsMapLayer) -> bool:
    """Return whether QGIS was told another coordinate system than the layer's file says."""
    return layer.crs().isValid() and layer.crs() != layer.dataProvider().crs()


def _raster_file(layer: QgsRasterLayer) -> str:
    if _has_crs_of_its_own(layer):
        raise LayerUnusable(
            tr(
                "QGIS was told the coordinate system of '{}', which its file does not say; save it "
                "as a GeoTIFF with Export > Save As… and choose that."
            ).format(layer.name())
        )
    parts = QgsProviderRegistry.instance().decodeUri("gdal", layer.source())
    path = parts.get("path", "") or layer.source()
    if Path(path).exists() and not parts.get("layerName"):
        return str(Path(path).resolve())
    raise LayerUnusable(
        tr(
            "The layer '{0}' is no file of its own on this computer ({1}); save it as a GeoTIFF "
            "with Export > Save As… and choose that."
        ).format(layer.name(), layer.source())
    )


def _online_imagery(layer: QgsRasterLayer) -> str:
    query = QUrlQuery(layer.source())

    def value(name: str) -> str:
        return query.queryItemValue(name, DECODED)

    address = value("url")
    if not address:
        raise LayerUnusable(tr("The layer '{}' names no address.").format(layer.name()))
    if any(value(name) for name in ("authcfg", "username", "password")):
        raise LayerUnusable(
            tr(
                "The layer '{}' uses a login of QGIS, which the engine cannot use; save it as a "
                "GeoTIFF with Export > Save As… and choose that."
            ).format(layer.name())
        )
    credit = {"attribution": "; ".join(layer.metadata().rights())}
    if value("type") == "xyz" or any(mark in address for mark in TEMPLATE_MARKS):
        zooms = {"min_zoom": value("zmin"), "max_zoom": value("zmax")}
        return source_text("xyz", {"url": address, **zooms, **credit})
    if value("type") in ("mbtiles", "wmst"):
        raise LayerUnusable(
            tr("The layer '{}' is of a kind that the engine cannot read; choose its file.").format(
                layer.name()
            )
        )
    if value("tileMatrixSet"):
        layer_and_style = {"layer": value("layers"), "style": value("styles")}
        return source_text("wmts", {"url": address, **layer_and_style, **credit})
    layers = ",".join(query.allQueryItemValues("layers", DECODED))
    styles = ",".join(query.allQueryItemValues("styles", DECODED)).strip(",")
    chosen = {"layers": layers, "styles": styles}
    for name, known in WMS_CHOICES.items():
        chosen[name] = value(name) if value(name) in known else ""
    return source_text("wms", {"url": address, **chosen, **credit})
