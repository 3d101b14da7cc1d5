"""Correlation of photos with places over all azimuths, as matrix products.

A photo's features cover ``w`` of a circle's ``bins``. Placed at every shift they make a matrix
whose product with a block of the gallery holds the inner products of every place and shift. Each
window is divided by its own norm before any maximum is taken, since a bright window would win
otherwise. For many photos at once the same product is cut into groups of neighbouring shifts, so
that the zeros around the photo are not multiplied.

The cosine of a photo ``p`` and the window of a place ``g`` that begins at bin ``s`` is weighted by
the coverage ``q`` of the photo's bins and ``c`` of the place's::

    a_j = q_j c_{s+j}
    sum_j a_j <p_j, g_{s+j}> / sqrt(sum_j a_j |p_j|^2 * sum_j a_j |g_{s+j}|^2)

Galleries store ``c g`` as features and ``c |g|^2`` as energy (see ``gallery.weighting``), so both
sums over ``g`` are plain products.

Source: Hou et al. 2025, Eq. 4, with the circle wrapping at the reference's width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model_core.errors import ShapeError
from model_core.gallery.weighting import bin_energy
from model_core.types import FloatArray

ENERGY_FLOOR = 1e-10
# A processor's products are fast from about this many columns.
PRODUCT_COLUMNS = 16


@dataclass(frozen=True)
class PhotoFeatures:
    """A photo's features under one field of view.

    ``features`` float32 (C, h, w) as ``encode_photo`` gives them, weighted by coverage: one column
    an azimuth bin, the optical axis in the middle. ``coverage`` float32 (w,) in [0, 1], the share
    of each bin that the photo fills.
    """

    features: FloatArray
    coverage: FloatArray
    fov_deg: float

    @property
    def width(self) -> int:
        """Azimuth bins."""
        return int(self.features.shape[2])


@dataclass(frozen=True)
class QueryBatch:
    """Photos made ready for products with gallery blocks, ``B`` of them, ``bins`` a circle.

    ``placed`` (h * window * C, B * group): the weighted photos at ``group`` neighbouring shifts;
    ``weights`` and ``energies`` (bins, B * bins): coverage and weighted column energy of the photos
    at every shift; ``total_weight`` (B,): the sum of each photo's coverage.
    """

    placed: Tensor
    weights: Tensor
    energies: Tensor
    total_weight: Tensor
    widths: tuple[int, ...]
    feature_shape: tuple[int, int, int]
    group: int

    @property
    def bins(self) -> int:
        """Azimuth bins of a full circle."""
        return self.feature_shape[1]

    @property
    def bin_deg(self) -> float:
        """Degrees of azimuth a bin."""
        return 360.0 / self.bins


def prepare_queries(
    photos: Sequence[PhotoFeatures],
    feature_shape: tuple[int, int, int],
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    group: int | None = None,
) -> QueryBatch:
    """Return photos placed at every shift, of any mixture of widths.

    Args:
        photos: One or more photos (or the same under several fields of view).
        feature_shape: (h, bins, C) of the gallery.
        device: Where the products run.
        dtype: Of the product; weights and norms are float32 always.
        group: Neighbouring shifts a product; None chooses. ``bins`` is one product for all.

    Raises:
        ShapeError: No photo, or one that does not fit the gallery.
    """
    height, bins, channels = feature_shape
    for photo in photos:
        _check_photo(photo, feature_shape)
    if not photos:
        raise ShapeError("no photo features to search with; give one or more")
    widest = max(photo.width for photo in photos)
    if group is None:
        group = _choose_group(len(photos), widest, bins, device)
    window = bins if group == bins else widest + group - 1
    if bins % group or window > bins:
        raise ShapeError(f"groups of {group} shifts do not fit {bins} bins and width {widest}")

    coverage = torch.zeros(len(photos), bins)
    weighted = torch.zeros(len(photos), channels, height, bins)
    for row, photo in enumerate(photos):
        weighted[row, :, :, : photo.width] = torch.from_numpy(np.array(photo.features, np.float32))
        coverage[row, : photo.width] = torch.from_numpy(np.array(photo.coverage, np.float32))
    energy = bin_energy(weighted.square().sum((1, 2)), coverage)
    norm = energy.sum(1).clamp(min=ENERGY_FLOOR)
    weighted, energy = weighted / norm.sqrt()[:, None, None, None], energy / norm[:, None]

    return QueryBatch(
        placed=_place(weighted[..., :window], group, bins).to(device, dtype),
        weights=_circulant(coverage).to(device),
        energies=_circulant(energy).to(device),
        total_weight=coverage.sum(1).clamp(min=ENERGY_FLOOR).to(device),
        widths=tuple(photo.width for photo in photos),
        feature_shape=feature_shape,
        group=group,
    )


def correlate_block(
    features: Tensor,
    energy: Tensor,
    coverage: Tensor | None,
    queries: QueryBatch,
    min_coverage: float = 0.5,
) -> Tensor:
    """Return the cosine of every place, photo and shift, float32 (n, B, bins).

    Shift ``s`` puts the photo's first bin on the place's bin ``s``. Windows of which less than
    ``min_coverage`` is covered are minus infinity.

    Args:
        features: (n, h, bins, C) weighted by coverage, any float type.
        energy: float32 (n, bins), the weighted energy of each bin.
        coverage: float32 (n, bins) in [0, 1]; None where every bin is covered.
        queries: From ``prepare_queries``, on the same device.
        min_coverage: Least covered share of a window.

    Raises:
        ShapeError: The block does not have the queries' feature shape.
    """
    if tuple(features.shape[1:]) != queries.feature_shape:
        raise ShapeError(
            f"gallery features {tuple(features.shape[1:])} against {queries.feature_shape} of the "
            "photos; build the gallery with the model that describes the photos"
        )
    shape = (features.shape[0], len(queries.widths), queries.bins)
    scores = _inner_products(features, queries)
    norms = (energy @ queries.weights).clamp_(min=ENERGY_FLOOR).view(shape)
    if coverage is None:
        return scores.mul_(norms.rsqrt_())
    photo_norms = (coverage @ queries.energies).clamp_(min=ENERGY_FLOOR).view(shape)
    scores.mul_(norms.mul_(photo_norms).rsqrt_())
    share = (coverage @ queries.weights).view(shape) / queries.total_weight[None, :, None]
    return scores.masked_fill_(share < min_coverage - 1e-6, -torch.inf)


def best_shifts(correlation: Tensor) -> tuple[Tensor, Tensor]:
    """Return the largest cosine over shifts and where it lies between bins.

    A parabola through the peak and its two neighbours gives the place between bins.

    Args:
        correlation: (..., bins), from ``correlate_block``.

    Returns:
        The maximum (...), and the shift (...) in [0, bins), float32.
    """
    bins = correlation.shape[-1]
    best, index = correlation.max(-1, keepdim=True)
    left = correlation.gather(-1, (index - 1) % bins)
    right = correlation.gather(-1, (index + 1) % bins)
    curvature = left - 2.0 * best + right
    offset = 0.5 * (left - right) / curvature
    usable = torch.isfinite(curvature) & (curvature < -1e-9)
    offset = torch.where(usable, offset, torch.zeros_like(offset)).clamp_(-0.5, 0.5)
    shift = torch.remainder(index + offset, bins)
    return best.squeeze(-1), shift.squeeze(-1)


def heading_of_shift(
    shift: npt.ArrayLike, width: npt.ArrayLike, bins: int
) -> npt.NDArray[np.float64]:
    """Return the azimuth of the optical axis, degrees: the window's left edge + half its width.

    Args:
        shift: Bin on which the photo's first bin lies; fractions allowed.
        width: The photo's bins.
        bins: A full circle's.
    """
    turned = (np.asarray(shift, np.float64) + np.asarray(width) / 2.0) * (360.0 / bins)
    return np.asarray(np.mod(turned, 360.0))


def _check_photo(photo: PhotoFeatures, feature_shape: tuple[int, int, int]) -> None:
    height, bins, channels = feature_shape
    shape, covered = tuple(photo.features.shape), tuple(photo.coverage.shape)
    if len(shape) != 3 or shape[:2] != (channels, height) or not 1 <= shape[2] <= bins:
        raise ShapeError(
            f"photo features {shape} do not fit a gallery of (h, bins, C) = {feature_shape}; "
            "use one model for both"
        )
    if covered != (shape[2],):
        raise ShapeError(f"photo coverage {covered} against {shape[2]} bins of features")


def _choose_group(photos: int, widest: int, bins: int, device: torch.device) -> int:
    """Return how many shifts share a product: the fewest that fill one, all for a single photo.

    Accelerators take all: they are bound by memory, and cutting windows out costs a copy.
    """
    if device.type != "cpu" or photos == 1:
        return bins
    group = 2
    while group * photos < PRODUCT_COLUMNS:
        group *= 2
    fits = bins % group == 0 and 2 * (widest + group - 1) <= bins
    return group if fits else bins


def _shift_index(window: int, shifts: int) -> Tensor:
    """Return (window, shifts): the photo's bin that lies on a window's bin at a shift."""
    return (torch.arange(window)[:, None] - torch.arange(shifts)[None, :]) % window


def _circulant(values: Tensor) -> Tensor:
    """Return (bins, B * bins): rows (B, bins) rolled to every shift."""
    photos, bins = values.shape
    rolled = values[:, _shift_index(bins, bins)]
    return rolled.permute(1, 0, 2).reshape(bins, photos * bins).contiguous()


def _place(weighted: Tensor, group: int, bins: int) -> Tensor:
    """Return (h * window * C, B * group): photos (B, C, h, window) at each shift of a group."""
    photos, channels, height, window = weighted.shape
    rolled = weighted[..., _shift_index(window, group)]
    order = (2, 3, 1, 0, 4) if group == bins else (3, 2, 1, 0, 4)
    return rolled.permute(order).reshape(height * window * channels, photos * group).contiguous()


def _inner_products(features: Tensor, queries: QueryBatch) -> Tensor:
    """Return the inner products (n, B, bins), float32, in one (batched) matrix product."""
    rows = features.shape[0]
    height, bins, channels = queries.feature_shape
    photos, group, dtype = len(queries.widths), queries.group, queries.placed.dtype
    if group == bins:
        product = features.reshape(rows, -1).to(dtype) @ queries.placed
        return product.float().view(rows, photos, bins)
    depth = height * channels
    length = queries.placed.shape[0]
    extra = length // depth - group
    wrapped = torch.empty(
        (rows, bins + extra, height, channels), dtype=dtype, device=features.device
    )
    wrapped[:, :bins] = features.permute(0, 2, 1, 3)
    wrapped[:, bins:] = wrapped[:, :extra]
    groups = bins // group
    windows = wrapped.as_strided((groups, rows, length), (group * depth, (bins + extra) * depth, 1))
    product = torch.bmm(windows, queries.placed.expand(groups, -1, -1))
    by_place = product.float().view(groups, rows, photos, group).permute(1, 2, 0, 3)
    return by_place.reshape(rows, photos, bins)
