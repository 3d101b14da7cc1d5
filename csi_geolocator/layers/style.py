"""How the layers look, what they say of themselves, and when they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from osgeo import gdal
from qgis.core import (
    QgsColorRampShader,
    QgsExpressionContextUtils,
    QgsMapLayer,
    QgsRasterBandStats,
    QgsRasterLayer,
    QgsVectorLayer,
    QgsVectorLayerTemporalProperties,
)

PACKAGE = Path(__file__).resolve().parents[1]
PHOTO_VARIABLE = "csi_photo"
"""The layer variable that the styles read: the path of the only photo to be shown, "" for all."""
STATISTICS_CELLS = 250_000


def style_file(name: str) -> Path:
    """Return the native style of a layer; in the package and in the repository alike."""
    places = [parent / "resources" / "styles" for parent in (PACKAGE, PACKAGE.parent)]
    folder = next((place for place in places if place.is_dir()), places[0])
    return folder / f"{name}.qml"


def apply_style(layer: QgsMapLayer, name: str) -> None:
    """Give a layer its style.

    Raises:
        FileNotFoundError: The style is missing or broken; the plugin has to be installed again.
    """
    path = style_file(name)
    message, loaded = layer.loadNamedStyle(str(path))
    if not loaded:
        raise FileNotFoundError(f"{path}: {message}; install the plugin again")


def store_style(layer: QgsVectorLayer, name: str) -> str:
    """Keep a layer's style in its GeoPackage as the default; return what went wrong, "" if nothing."""
    return layer.saveStyleToDatabase(name, "CSI Geolocator", True, "") or ""


def show_only(layer: QgsVectorLayer, photo_path: str) -> None:
    """Show the rows of one photo, "" for all; filters, edits and selection are left alone."""
    QgsExpressionContextUtils.setLayerVariable(layer, PHOTO_VARIABLE, photo_path)
    layer.triggerRepaint()


def set_attribution(layer: QgsMapLayer, attributions: Sequence[str]) -> None:
    """Write whom the content is owed to; QGIS shows it by the decoration Copyright Label."""
    metadata = layer.metadata()
    metadata.setRights(list(attributions))
    layer.setMetadata(metadata)


def follow_time(layer: QgsVectorLayer, column: str) -> None:
    """Let the temporal controller show a row at the moment in ``column``; empty ones always."""
    temporal = layer.temporalProperties()
    temporal.setMode(
        QgsVectorLayerTemporalProperties.TemporalMode.ModeFeatureDateTimeInstantFromField
    )
    temporal.setStartField(column)
    temporal.setIsActive(True)


def heat_bands(path: Path) -> dict[str, int]:
    """Return the band of each photo in a heat raster, by the photo's sha256 and by its name."""
    raster = gdal.Open(str(path))
    if raster is None:
        return {}
    bands: dict[str, int] = {}
    for number in range(1, raster.RasterCount + 1):
        band = raster.GetRasterBand(number)
        bands[band.GetDescription()] = number
        bands[band.GetMetadataItem("photo_sha256") or ""] = number
    bands.pop("", None)
    return bands


def show_heat(layer: QgsRasterLayer, band: int) -> None:
    """Colour one band of the heat raster up to its largest value; zero is transparent."""
    statistics = layer.dataProvider().bandStatistics(
        band, QgsRasterBandStats.Stats.Max, layer.extent(), STATISTICS_CELLS
    )
    top = statistics.maximumValue if statistics.maximumValue > 0.0 else 1.0
    renderer = layer.renderer().clone()
    shader = renderer.shader().rasterShaderFunction()
    items = shader.colorRampItemList()
    scale = top / (items[-1].value or 1.0)
    shader.setColorRampItemList([_scaled(item, scale) for item in items])
    shader.setMaximumValue(top)
    renderer.setBand(band)
    renderer.setClassificationMin(0.0)
    renderer.setClassificationMax(top)
    layer.setRenderer(renderer)
    layer.triggerRepaint()


def _scaled(
    item: QgsColorRampShader.ColorRampItem, scale: float
) -> QgsColorRampShader.ColorRampItem:
    value = item.value * scale
    label = "" if value <= 0.0 else f"{value:.2%}"
    return QgsColorRampShader.ColorRampItem(value, item.color, label)


def layer_or_none(layer: Optional[QgsMapLayer]) -> Optional[QgsMapLayer]:
    """Return the layer where it can be shown."""
    return layer if layer is not None and layer.isValid() else None
