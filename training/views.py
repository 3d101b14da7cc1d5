"""What one step shows the encoder of a batch: references and photos under another light.

Nothing here has a gradient, and nothing waits for the device.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from model_core.alignment.polar import polar_transform_torch
from model_core.config import ModelConfig, SearchConfig, StreetViewConfig
from training.correlation import Described
from training.datasets.augmentation import (
    PhotoWindows,
    bend_frames,
    bins_for_fov,
    cut_windows,
    hide_rectangles,
    hide_sectors,
    jitter_colors,
    normalize,
    picture_rows,
    soften,
    stitch_circles,
    to_float,
)
from training.datasets.places import CROP_MARGIN, RawBatch
from training.losses import Whereabouts

Kind = Literal["si", "svi", "both"]
StreetPolicy = Literal["strict", "hybrid", "nearest"]


@dataclass(frozen=True)
class Labels:
    """What is known of a batch, rows first.

    Attributes:
        camera_xy: (B, 2) metres east and north in the city, of the photo's camera.
        place_xy: (B, 2) of the place's centre.
        city: (B,).
        heading_known: bool (B,).
        photo_there: bool (B,), some column of the photo is seen.
        street_usable: bool (B,), the street view may be shown.
        street_near: bool (B,), it was taken so near that a search has no other look at the place.
        street_needed: bool (B,), places without a usable street view do not count.
        layout: (B, bins, K) around the place, ``query_layout`` around the camera,
            ``satellite_layout`` around the centre of the satellite strip.
    """

    camera_xy: Tensor
    place_xy: Tensor
    city: Tensor
    heading_known: Tensor
    photo_there: Tensor
    street_usable: Tensor
    street_near: Tensor
    street_needed: Tensor
    layout: Tensor
    query_layout: Tensor
    satellite_layout: Tensor

    def map(self, change: Callable[[Tensor], Tensor]) -> Labels:
        """Return the labels with every field changed."""
        return Labels(*(change(getattr(self, f.name)) for f in dataclasses.fields(self)))

    @property
    def where(self) -> Whereabouts:
        """Where photos and places are."""
        return Whereabouts(self.camera_xy, self.place_xy, self.city)

    def counted(self, kind: str) -> Tensor:
        """Return bool (B,): the place has what this kind of reference shows, and a photo."""
        if kind == "svi":
            return self.photo_there & self.street_usable
        return self.photo_there & (self.street_usable | ~self.street_needed)


@dataclass(frozen=True)
class Shown:
    """What a step shows: normalised strips (B, 3, H, W), masks (B, H, W), and what is known."""

    kinds: tuple[Kind, ...]
    satellite: Tensor | None
    street: Tensor | None
    street_mask: Tensor | None
    photos: tuple[PhotoWindows, ...]
    labels: Labels


@dataclass(frozen=True)
class Encoded:
    """Features (B, C, h, bins) of what was shown, coverage (B, bins), photos, and what is known."""

    kinds: tuple[Kind, ...]
    satellite: Tensor | None
    street: Tensor | None
    street_cover: Tensor | None
    photos: tuple[Described, ...]
    start_bins: tuple[Tensor, ...]
    photo_layouts: tuple[Tensor, ...]
    labels: Labels


def labels_of(batch: RawBatch, policy: StreetPolicy) -> Labels:
    """Return what is known of a batch.

    Args:
        batch: Places with one photo each.
        policy: ``hybrid`` shows street views taken within a year of the photo, and satellite
            images alone elsewhere; ``strict`` leaves the other places out; ``nearest`` shows street
            views of any date.
    """
    if policy == "nearest":
        usable = batch.street_present()
    else:
        usable = batch.street_available(StreetViewConfig().max_age_days, strict=policy == "strict")
    return Labels(
        camera_xy=batch.place_xy + batch.query_offset_m,
        place_xy=batch.place_xy,
        city=batch.city,
        heading_known=batch.heading_known,
        photo_there=batch.query_seen.any(dim=1),
        street_usable=usable,
        street_near=batch.street_offset_m.norm(dim=1) <= SearchConfig().near_view_m,
        street_needed=torch.full_like(usable, policy == "strict"),
        layout=batch.layout,
        query_layout=batch.query_layout,
        satellite_layout=batch.query_layout,
    )


def centred_at_places(labels: Labels, at_place: Tensor) -> Labels:
    """Return the labels where satellite strips are centred at places at ``at_place``, bool (B,)."""
    around = torch.where(at_place[:, None, None], labels.layout, labels.query_layout)
    return dataclasses.replace(labels, satellite_layout=around)


def show_satellites(
    batch: RawBatch,
    config: ModelConfig,
    center_sigma_m: float,
    chance: torch.Generator,
    at_place: Tensor | None = None,
) -> Tensor:
    """Return normalised polar strips (B, 3, H, W).

    They are centred within ``center_sigma_m`` (one deviation) of the photos, as a search that looks
    from beside sees them, or at the places and as far off as the imagery is, where ``at_place``,
    bool (B,), says so.
    """
    count, device = len(batch.satellite), batch.satellite.device
    shift = torch.randn(count, 2, generator=chance, device=device)
    spread = torch.rand(count, generator=chance, device=device)
    centre = batch.query_offset_m + batch.imagery_shift_m + (shift * center_sigma_m).clamp(-9, 9)
    if at_place is not None:
        centre = torch.where(at_place[:, None], 0.0, centre)
    crops = to_float(batch.satellite)
    imaged = crops.amax(dim=1, keepdim=True) > 0.0  # other colours would make black visible
    strips = polar_transform_torch(
        jitter_colors(crops, chance) * imaged,
        config.geometry,
        image_footprint_m=config.geometry.footprint_m * CROP_MARGIN,
        shift_m=centre,
        scale=0.9 + 0.2 * spread,
    )
    return normalize(strips, (strips > 0).any(dim=1))  # black where the image ends


def show_streets(
    batch: RawBatch, chance: torch.Generator, partial_share: float = 0.25
) -> tuple[Tensor, Tensor]:
    """Return normalised street views (B, 3, H, W) and what of them is seen (B, H, W).

    A share of them is put together from a few photos.
    """
    street = to_float(batch.street)
    circles = stitch_circles(jitter_colors(street, chance, 0.7), chance)
    columns = hide_sectors(batch.street_seen, chance, partial_share)
    seen = (picture_rows(street, batch.street_seen) & columns[:, None, :]).float()
    return normalize(circles, seen), seen


def show_photos(
    batch: RawBatch, fov_deg: float, config: ModelConfig, chance: torch.Generator
) -> PhotoWindows:
    """Return one window of every photo, its images normalised, headings left to chance."""
    n_bins = bins_for_fov(fov_deg, config)
    resized = config.photo_fit == "resized" and n_bins < config.azimuth_bins
    widest_deg = fov_deg if resized else n_bins * config.bin_deg
    inside = torch.rand(len(batch.query), generator=chance, device=batch.query.device)
    cut = cut_windows(
        to_float(batch.query),
        batch.query_layout,
        widest_deg - 0.5 * inside * config.bin_deg,
        n_bins,
        config,
        chance,
        seen=batch.query_seen,
    )
    images, mask = cut.images, cut.mask
    if n_bins < config.azimuth_bins:
        images, mask = bend_frames(images, mask, chance)
    images = hide_rectangles(jitter_colors(soften(images, chance), chance), chance)
    return dataclasses.replace(cut, images=normalize(images, mask), mask=mask)
