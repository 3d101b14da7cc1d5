"""From a raster's bands, of whatever number and type, to 8-bit RGB and a mask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.windows import Window

from model_core.errors import ImageryError
from model_core.types import ImageU8, MaskArray

BandArray = npt.NDArray[Any]

STRETCH_PERCENTILES = (2.0, 98.0)
_STRETCH_TAGS = "CSI_STRETCH"
_SAMPLE_PX = 1024
_SAMPLE_WINDOWS = 8


@dataclass(frozen=True)
class Stretch:
    """Values that become black and white, per band; None for 8-bit values taken as they are."""

    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None

    def apply(self, values: BandArray) -> ImageU8:
        """Return uint8 (bands, H, W); values that are not finite become 0."""
        if self.low is None or self.high is None:
            return np.ascontiguousarray(values, dtype=np.uint8)
        out = np.empty(values.shape, dtype=np.uint8)
        for band, (low, high) in enumerate(zip(self.low, self.high, strict=True)):
            gain = 255.0 / (high - low)
            scaled = values[band].astype(np.float32) * np.float32(gain)
            scaled += np.float32(0.5 - low * gain)
            np.clip(scaled, 0.0, 255.0, out=scaled)
            out[band] = np.nan_to_num(scaled, copy=False)
        return out


@dataclass(frozen=True)
class BandPlan:
    """Which bands are the colours and what marks the pixels that count.

    ``colours`` holds one band or three. ``palette`` uint8 (256, 4) turns one band into RGBA.
    """

    colours: tuple[int, ...]
    has_mask: bool
    nodata: float | None
    is_floating: bool
    palette: ImageU8 | None = None

    def read(
        self, dataset: DatasetReader, window: Window, shape: tuple[int, int], stretch: Stretch
    ) -> tuple[ImageU8, MaskArray | None]:
        """Return uint8 (rows, columns, 3) and the mask of valid pixels, None when all are."""
        values, mask = self.read_values(dataset, window, shape)
        if self.palette is not None:
            coloured = self.palette[values[0]]
            mask = _both(mask, coloured[..., 3] >= 128)
            return np.ascontiguousarray(coloured[..., :3]), mask
        eight_bit = stretch.apply(values)
        if len(eight_bit) == 1:
            return cv2.cvtColor(eight_bit[0], cv2.COLOR_GRAY2RGB).astype(np.uint8), mask
        return cv2.merge(list(eight_bit)).astype(np.uint8, copy=False), mask

    def read_values(
        self, dataset: DatasetReader, window: Window, shape: tuple[int, int]
    ) -> tuple[BandArray, MaskArray | None]:
        """Return the raw values (bands, rows, columns), averaged to ``shape``, and the mask."""
        values = dataset.read(
            list(self.colours), window=window, out_shape=shape, resampling=Resampling.average
        )
        mask: MaskArray | None = None
        if self.has_mask:
            band_mask = dataset.read_masks(
                self.colours[0], window=window, out_shape=shape, resampling=Resampling.average
            )
            mask = np.asarray(band_mask >= 128)
        if self.nodata is not None and not np.isnan(self.nodata):
            mask = _both(mask, (values != self.nodata).any(axis=0))
        if self.is_floating:
            mask = _both(mask, np.isfinite(values).all(axis=0))
        return values, None if mask is None or mask.all() else mask


def plan_bands(path: str, dataset: DatasetReader) -> BandPlan:
    """Return which bands of a raster serve as colours, and how its pixels are masked.

    Raises:
        ImageryError: It has no band that could be a picture.
    """
    meanings = list(dataset.colorinterp)
    alpha = {i + 1 for i, meaning in enumerate(meanings) if meaning == ColorInterp.alpha}
    usable = [i for i in range(1, dataset.count + 1) if i not in alpha]
    if not usable:
        raise ImageryError(f"{path}: holds no band of colours; give a grey or RGB raster")
    rgb = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
    if all(colour in meanings for colour in rgb):
        colours = tuple(meanings.index(colour) + 1 for colour in rgb)
    else:
        colours = tuple(usable[:3]) if len(usable) >= 3 else (usable[0],)
    dtype = np.dtype(dataset.dtypes[colours[0] - 1])
    if dtype.kind not in "uif":
        raise ImageryError(f"{path}: its values are {dtype}, no picture; export it as GeoTIFF")
    flags = dataset.mask_flag_enums[colours[0] - 1]
    palette = _palette(dataset, colours[0]) if meanings[0] == ColorInterp.palette else None
    return BandPlan(
        colours=colours[:1] if palette is not None else colours,
        has_mask=MaskFlags.per_dataset in flags or MaskFlags.alpha in flags,
        nodata=dataset.nodatavals[colours[0] - 1],
        is_floating=dtype.kind == "f",
        palette=palette,
    )


def measure_stretch(dataset: DatasetReader, bands: BandPlan) -> Stretch:
    """Return black and white points for values that are not 8-bit, from a sample of the raster.

    The sample is an overview of about a thousand pixels, or windows spread over a large raster
    without one. Percentiles keep a few bright roofs or dead pixels from deciding. A part of a
    raster notes the points of the whole.
    """
    if dataset.dtypes[bands.colours[0] - 1] == "uint8":
        return Stretch()
    noted = dataset.tags(ns=_STRETCH_TAGS)
    if noted:
        return Stretch(*(tuple(map(float, noted[end].split())) for end in ("low", "high")))
    sampled: list[list[BandArray]] = [[] for _ in bands.colours]
    for window, shape in _sample_windows(dataset):
        values, mask = bands.read_values(dataset, window, shape)
        for band, kept in enumerate(sampled):
            kept.append(values[band].ravel() if mask is None else values[band][mask])
    low, high = [], []
    for kept in sampled:
        valid = np.concatenate(kept)
        if len(valid) == 0:
            valid = np.zeros(1)
        bottom, top = np.percentile(valid.astype(np.float64), STRETCH_PERCENTILES)
        low.append(float(bottom))
        high.append(float(top) if top > bottom else float(bottom) + 1.0)
    return Stretch(tuple(low), tuple(high))


def note_stretch(part: DatasetWriter, stretch: Stretch) -> None:
    """Note in a part of a raster how the whole one is stretched."""
    if stretch.low is not None and stretch.high is not None:
        ends = {"low": stretch.low, "high": stretch.high}
        noted = {end: " ".join(map(repr, values)) for end, values in ends.items()}
        part.update_tags(ns=_STRETCH_TAGS, **noted)


def _sample_windows(dataset: DatasetReader) -> Iterator[tuple[Window, tuple[int, int]]]:
    """Yield windows and the shapes to read them at, about a million pixels together."""
    height, width = dataset.height, dataset.width
    shrink = max(1.0, max(height, width) / _SAMPLE_PX)
    if shrink <= 4.0 or dataset.overviews(1):
        shape = (max(1, round(height / shrink)), max(1, round(width / shrink)))
        yield Window(0, 0, width, height), shape
        return
    rows, columns = (min(side, _SAMPLE_PX // _SAMPLE_WINDOWS) for side in (height, width))
    for row in np.linspace(0, height - rows, _SAMPLE_WINDOWS).astype(int).tolist():
        for column in np.linspace(0, width - columns, _SAMPLE_WINDOWS).astype(int).tolist():
            yield Window(column, row, columns, rows), (rows, columns)


def _palette(dataset: DatasetReader, band: int) -> ImageU8:
    table = np.zeros((256, 4), dtype=np.uint8)
    for value, rgba in dataset.colormap(band).items():
        if value < 256:
            table[value] = rgba
    return table


def _both(mask: MaskArray | None, other: MaskArray) -> MaskArray:
    return other if mask is None else np.asarray(mask & other)
