"""The heat raster of a run: how probable each cell of the area is, one band a photo."""

from __future__ import annotations

from pathlib import Path

from osgeo import gdal
from qgis.core import QgsColorRampShader, QgsRasterBandStats, QgsRasterLayer

from ..i18n import tr
from .candidate import PhotoRecord

STATISTICS_CELLS = 250_000


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


class HeatBands:
    """Shows the band of one photo in a heat layer.

    Args:
        layer: The raster, with the heat's style.
        path: Its file.
    """

    def __init__(self, layer: QgsRasterLayer, path: Path) -> None:
        self.layer = layer
        self._bands = heat_bands(path)
        self._shown = 0

    @property
    def is_usable(self) -> bool:
        """Whether the raster can be read."""
        return self.layer.isValid() and bool(self._bands)

    def show(self, record: PhotoRecord) -> bool:
        """Show the band of a photo; return whether it has one."""
        band = self._bands.get(record.photo_sha256) or self._bands.get(record.name)
        if band is None:
            return False
        if band != self._shown:
            self._shown = band
            show_heat(self.layer, band)
            self.layer.setName(tr("Heat: {}").format(record.name))
        return True
