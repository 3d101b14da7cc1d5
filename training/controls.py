"""What stands beside every result: models that must do badly, and one that must do well.

``colour histogram`` matches colours azimuth by azimuth; ``untrained`` is a network of the same
configuration that has learned nothing; ``layout oracle`` knows the true layout around the camera
and around every place; ``geometry shuffled`` is the model itself on places that show each other's
pictures, which leaves it nothing but chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from model_core.config import ModelConfig
from model_core.features.encoder import bin_coverage
from model_core.fusion.place_encoder import PlaceEncoder
from training.correlation import Described
from training.datasets.places import PlaceSet
from training.evaluation.galleries import (
    Gallery,
    model_galleries,
    place_parts,
    plain_gallery,
    shuffled,
)
from training.evaluation.photos import PhotoBlock
from training.evaluation.run import PhotoEncoder, model_photos
from training.policies import Policy, real_street, satellite_strips

LEVELS = 4


@dataclass(frozen=True)
class Control:
    """A control by name: its galleries by kind of reference, and how it describes photos."""

    name: str
    galleries: Mapping[str, Gallery]
    encode: PhotoEncoder


@torch.inference_mode()
def make_controls(
    encoder: PlaceEncoder,
    config: ModelConfig,
    places: PlaceSet,
    rows: npt.NDArray[np.int64],
    policy: Policy,
    own: Mapping[str, Gallery],
    device: torch.device,
    seed: int = 17,
) -> list[Control]:
    """Return the controls of some places.

    Args:
        encoder: The model that they stand beside.
        config: Its configuration.
        places: The set.
        rows: The places to search.
        policy: Of street views, for the untrained network.
        own: The model's own galleries by kind, to be shuffled.
        device: Where to compute.
        seed: Of the untrained weights and the shuffling.
    """
    fresh = untrained(config, seed).to(device)
    # A generator would add what it has learned; without one a missing street view stays missing.
    unlearned: Policy = "hybrid" if policy == "synthetic" else policy
    galleries = model_galleries(fresh, config, places, rows, (unlearned,), None, device)
    controls = [
        colour_histograms(config, places, rows, device),
        Control("untrained", {kind: g for (kind, _), g in galleries.items()}, model_photos(fresh)),
        Control(
            "geometry shuffled",
            {kind: shuffled(gallery, seed) for kind, gallery in own.items()},
            model_photos(encoder),
        ),
    ]
    if places.layout.shape[-1]:
        controls.append(layout_oracle(config, places, rows, device))
    return controls


def untrained(config: ModelConfig, seed: int) -> PlaceEncoder:
    """Return a network that has learned nothing, the same for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PlaceEncoder(config).eval()


def colour_histograms(
    config: ModelConfig,
    places: PlaceSet,
    rows: npt.NDArray[np.int64],
    device: torch.device,
) -> Control:
    """Return the control that compares colours azimuth by azimuth, over all headings."""
    parts: dict[str, list[Described]] = {}
    for batch in place_parts(places, rows, device):
        strips = satellite_strips(batch.satellite, config)
        above = histogram(strips, torch.ones_like(strips[:, 0]), config)
        street, seen = real_street(batch)
        below = histogram(street, seen[:, None, :].expand_as(street[:, 0]).float(), config)
        both = Described((above.features + below.features) / 2, above.coverage)
        for kind, described in (("si", above), ("svi", below), ("both", both)):
            parts.setdefault(kind, []).append(described)
    galleries = {
        kind: plain_gallery(
            torch.cat([one.features for one in some]),
            torch.cat([one.coverage for one in some]),
            places,
            rows,
            device,
        )
        for kind, some in parts.items()
    }

    def encode(block: PhotoBlock) -> Described:
        return histogram(block.windows.images, block.windows.mask, config)

    return Control("colour histogram", galleries, encode)


def histogram(images: Tensor, mask: Tensor, config: ModelConfig) -> Described:
    """Return colour histograms azimuth bin by azimuth bin, (B, 64, 1, bins).

    Square roots of the shares of four levels a channel, so that the cosine of two is their
    Bhattacharyya coefficient.

    Args:
        images: float (B, 3, H, W) in [0, 1].
        mask: float (B, H, W), 1 where a pixel is seen.
        config: The strips' frame.
    """
    level = (images * LEVELS).long().clamp(0, LEVELS - 1)
    color = (level[:, 0] * LEVELS + level[:, 1]) * LEVELS + level[:, 2]
    batch, height, width = color.shape
    bins = width // config.width_stride
    of_bin = color.view(batch, height, bins, -1).permute(0, 2, 1, 3).flatten(2)
    weight = mask.reshape(batch, height, bins, -1).permute(0, 2, 1, 3).flatten(2)
    counts = torch.zeros(batch, bins, LEVELS**3, device=images.device)
    counts.scatter_add_(2, of_bin, weight.float())
    roots = functional.normalize(counts, p=1, dim=2).sqrt()
    coverage = bin_coverage(mask, config.width_stride)
    return Described.weighted(roots.permute(0, 2, 1)[:, :, None, :], coverage)


def layout_oracle(
    config: ModelConfig,
    places: PlaceSet,
    rows: npt.NDArray[np.int64],
    device: torch.device,
) -> Control:
    """Return the control that matches true layouts: what any model could learn of geometry."""
    mean, spread = (torch.as_tensor(part, device=device) for part in places.layout_statistics())

    def describe(labels: Tensor) -> Described:
        features = ((labels - mean) / spread).permute(0, 2, 1)[:, :, None, :]
        return Described.whole(features)

    parts = [describe(batch.layout) for batch in place_parts(places, rows, device)]
    gallery = plain_gallery(
        torch.cat([part.features for part in parts]),
        torch.cat([part.coverage for part in parts]),
        places,
        rows,
        device,
    )

    def encode(block: PhotoBlock) -> Described:
        described = describe(block.windows.layout)
        cover = bin_coverage(block.windows.mask, config.width_stride)
        return Described.weighted(described.features, cover)

    return Control("layout oracle", {"layout": gallery}, encode)
