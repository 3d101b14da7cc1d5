"""What a step shows of pictures that fill their strips in part, as the engine would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from model_core.alignment.polar import polar_transform_torch
from model_core.bundle import default_bundle_path, load_bundle
from model_core.config import ModelConfig
from model_core.features.preprocess import to_tensor
from model_core.types import Strip
from training.datasets.augmentation import to_float
from training.datasets.places import PlaceSet, take_batch
from training.evaluation.galleries import _encode_street
from training.views import CROP_MARGIN, show_satellites, show_streets

CONFIG = ModelConfig()
SHAPE = (CONFIG.geometry.height, CONFIG.geometry.width)


def flat_photo() -> Strip:
    """A strip that a flat photo fills in part."""
    mask = np.zeros(SHAPE, bool)
    mask[18:46, 20:52] = True
    pixels = np.random.default_rng(0).integers(1, 256, (*SHAPE, 3), np.uint8)
    pixels[30:33, 25:30] = 0  # black, and seen
    return Strip(pixels * mask[..., None], mask, 0.0)


def test_a_street_view_is_evaluated_as_the_engine_sees_it() -> None:
    encoder, strip = load_bundle(default_bundle_path()).encoder, flat_photo()
    street = to_float(torch.from_numpy(strip.pixels)[None])
    seen = torch.from_numpy(strip.mask.any(axis=0))[None]
    images, mask = to_tensor([strip])
    with torch.inference_mode():
        trained = _encode_street(encoder, street, seen)
        searched = encoder.encode_street(images, mask)
    assert torch.allclose(trained.features, searched, atol=1e-6)
    assert torch.equal(trained.coverage, encoder.photo_coverage(mask))


def test_rows_that_a_street_view_does_not_reach_are_not_shown(
    make_places: Callable[..., PlaceSet],
) -> None:
    places, strip = make_places(np.zeros((1, 2))), flat_photo()
    batch = take_batch(places, np.array([0]), np.array([0]))
    batch = replace(
        batch,
        street=torch.from_numpy(strip.pixels)[None],
        street_seen=torch.from_numpy(strip.mask.any(axis=0))[None],
    )
    images, mask = show_streets(batch, torch.Generator().manual_seed(0), partial_share=0.0)
    assert torch.equal(mask[0] > 0, torch.from_numpy(strip.mask))
    assert not images[0][:, mask[0] == 0].any()


def test_imagery_that_ends_within_its_crop_is_not_shown_as_black(
    make_places: Callable[..., PlaceSet],
) -> None:
    places = make_places(np.zeros((1, 2)))
    batch = take_batch(places, np.array([0]), np.array([0]))
    crop = np.zeros((1, 160, 160, 3), np.uint8)
    crop[:, 40:120, 40:120] = np.random.default_rng(0).integers(1, 256, (1, 80, 80, 3))
    here = torch.zeros(1, 2)
    batch = replace(
        batch, satellite=torch.from_numpy(crop), query_offset_m=here, imagery_shift_m=here
    )
    strips = show_satellites(batch, CONFIG, 0.0, torch.Generator().manual_seed(0))
    hidden = torch.ones(1, *SHAPE, dtype=torch.bool)
    for scale in (0.9, 1.1):  # a step draws one between them
        plain = polar_transform_torch(
            to_float(batch.satellite),
            CONFIG.geometry,
            image_footprint_m=CONFIG.geometry.footprint_m * CROP_MARGIN,
            scale=torch.tensor([scale]),
        )
        hidden &= (plain == 0).all(dim=1)
    assert 0.2 < hidden.float().mean() < 0.8
    assert not strips.permute(0, 2, 3, 1)[hidden].any()
