"""Photos of held-out places located in their galleries, city by city: what came of every photo."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

from model_core.config import EvidenceModel, ModelConfig
from model_core.fusion.place_encoder import PlaceEncoder
from training.correlation import Described
from training.datasets.augmentation import normalize
from training.datasets.places import PlaceSet
from training.evaluation.galleries import Gallery
from training.evaluation.options import fov_label
from training.evaluation.photos import PhotoBlock, cut_blocks, list_photos
from training.evaluation.scoring import Search, judge, rank_places
from training.metrics import RADII_M, Outcomes, join_outcomes

BLOCK = 128
PhotoEncoder = Callable[[PhotoBlock], Described]
GalleryName = TypeVar("GalleryName", bound=Hashable)


@dataclass(frozen=True)
class Setting:
    """How photos are posed: field of view or range of it, and how headings are searched."""

    fov_deg: tuple[float, float]
    searches: tuple[Search, ...] = ("full",)

    @property
    def label(self) -> str:
        """The field of view as text: ``90``, or ``45-120``."""
        return fov_label(self.fov_deg)


def model_photos(encoder: PlaceEncoder) -> PhotoEncoder:
    """Return how a model describes a block of photos."""

    def encode(block: PhotoBlock) -> Described:
        images, mask = block.windows.images, block.windows.mask
        features = encoder.encode_photo(normalize(images, mask), mask, circular=block.circular)
        return Described(features, encoder.photo_coverage(mask))

    return encode


@torch.inference_mode()
def locate_photos(
    places: PlaceSet,
    rows: npt.NDArray[np.int64],
    setting: Setting,
    galleries: Mapping[GalleryName, Gallery],
    encode: PhotoEncoder,
    config: ModelConfig,
    device: torch.device,
    seed: int,
    radii_m: tuple[float, ...] = RADII_M,
    evidence: EvidenceModel | None = None,
) -> dict[tuple[GalleryName, Search], Outcomes]:
    """Return what came of every photo of some places, for each gallery and search.

    Args:
        places: The set.
        rows: The places whose photos are located.
        setting: The photos' fields of view and the searches.
        galleries: By name.
        encode: Describes a block of photos.
        config: The strips' frame.
        device: Where all of it runs.
        seed: Of headings, fields of view and frames.
        radii_m: What counts as right.
        evidence: What the scores are worth; as of the packaged model if None.

    Returns:
        Outcomes in the order of places and photos; nothing where no photo shows enough.
    """
    photos = list_photos(places, rows, setting.fov_deg, seed)
    found: dict[tuple[GalleryName, Search], list[Outcomes]] = {}
    for block in cut_blocks(places, photos, config, device, seed, BLOCK):
        described = encode(block)
        for name, gallery in galleries.items():
            ranked = rank_places(described, gallery, block, setting.searches)
            for search, ranking in ranked.items():
                outcome = judge(
                    ranking, gallery, block, photos, config.azimuth_bins, radii_m, evidence
                )
                if search == "known":  # of other photos no heading can be given
                    outcome = outcome.take(block.batch.heading_known.cpu().numpy())
                found.setdefault((name, search), []).append(outcome)
    return {name: in_order(parts) for name, parts in found.items()}


def in_order(parts: Sequence[Outcomes]) -> Outcomes:
    """Return outcomes joined, ordered by place and photo."""
    joined = join_outcomes(parts)
    return joined.take(np.lexsort((joined.photo, joined.place)))


def city_groups(places: PlaceSet, pooled: bool) -> list[npt.NDArray[np.int64]]:
    """Return the rows that are searched together: those of each city, or all."""
    if pooled:
        return [np.arange(len(places))]
    return [np.flatnonzero(places.city == one) for one in np.unique(places.city)]
