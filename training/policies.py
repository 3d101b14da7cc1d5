"""Street views under a policy: which serve a photo, and what stands where none does.

``strict``: places whose street view is too old, or missing, are left out. ``hybrid``: they count
by their satellite image. ``nearest``: the street view of whatever age. ``synthetic``: one made from
the satellite image. Three cheap fill-ins tell what a synthetic view is worth: ``mask`` (an unseen
view treated as seen), ``mean`` (the mean street view), ``satellite`` (the satellite strip again).
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from model_core.alignment.polar import polar_transform_torch
from model_core.config import ModelConfig
from model_core.device import constant
from model_core.errors import BundleError, ConfigError
from model_core.features.preprocess import IMAGENET_MEAN
from model_core.synthesis.panogan import PanoGANGenerator
from training.datasets.augmentation import to_float
from training.datasets.places import CROP_MARGIN, RawBatch

Policy = Literal["strict", "hybrid", "nearest", "synthetic", "mask", "mean", "satellite"]
POLICIES: tuple[Policy, ...] = get_args(Policy)
FILL_INS: tuple[Policy, ...] = ("synthetic", "mask", "mean", "satellite")


def check_policy(policy: str) -> Policy:
    """Return the policy of that name.

    Raises:
        ConfigError: There is no such policy.
    """
    for known in POLICIES:
        if policy == known:
            return known
    raise ConfigError(f"unknown policy {policy!r}; known here: {', '.join(POLICIES)}")


def real_street(batch: RawBatch) -> tuple[Tensor, Tensor]:
    """Return the real street views, float (B, 3, H, W) in [0, 1], and their seen columns (B, W)."""
    return to_float(batch.street) * batch.street_seen[:, None, None, :], batch.street_seen


def fill_in(
    batch: RawBatch,
    policy: Policy,
    generator: PanoGANGenerator | None,
    config: ModelConfig,
    mean_street: Tensor | None = None,
    shift_m: Tensor | tuple[float, float] = (0.0, 0.0),
) -> tuple[Tensor, Tensor]:
    """Return what a policy puts in place of every place's street view, and where it is seen.

    Args:
        batch: Places.
        policy: One of ``FILL_INS``.
        generator: Makes synthetic views.
        config: The strips' frame.
        mean_street: float (3, H, W), for the policy ``mean``, which needs it.
        shift_m: How far east and north of the places satellite images are centred, one for all or
            (B, 2).

    Returns:
        float (B, 3, H, W) in [0, 1], and bool (B, W).

    Raises:
        BundleError: ``synthetic`` without a generator.
        ConfigError: The policy fills nothing in, or ``mean`` lacks its mean.
    """
    count, height, width, _ = batch.street.shape
    everywhere = torch.ones(count, width, dtype=torch.bool, device=batch.street.device)
    if policy == "synthetic":
        return _synthetic(batch, generator, config, shift_m)
    if policy == "satellite":
        return satellite_strips(batch.satellite, config, shift_m), everywhere
    if policy == "mean":
        if mean_street is None:
            raise ConfigError("the policy mean needs the mean street view")
        return mean_street.to(batch.street.device).expand(count, -1, -1, -1), everywhere
    if policy == "mask":
        # The mean colour is zero once normalised, which is what an unseen pixel holds.
        grey = torch.tensor(IMAGENET_MEAN, device=batch.street.device).view(1, 3, 1, 1)
        return grey.expand(count, -1, height, width), everywhere
    raise ConfigError(f"policy {policy!r} fills nothing in; those that do: {', '.join(FILL_INS)}")


def satellite_strips(
    satellite: Tensor, config: ModelConfig, shift_m: Tensor | tuple[float, float] = (0.0, 0.0)
) -> Tensor:
    """Return polar strips, float (B, 3, H, W) in [0, 1], of uint8 crops (B, S, S, 3).

    ``shift_m`` is how far east and north of the crops' centres they are centred, one for all or
    (B, 2); what lies outside the crops is black.
    """
    footprint_m = config.geometry.footprint_m * CROP_MARGIN
    if isinstance(shift_m, Tensor):
        shifts: Tensor | None = shift_m
    elif shift_m == (0.0, 0.0):
        shifts = None
    else:
        shifts = constant(shift_m, satellite.device).expand(len(satellite), 2)
    return polar_transform_torch(to_float(satellite), config.geometry, footprint_m, shifts)


def _synthetic(
    batch: RawBatch,
    generator: PanoGANGenerator | None,
    config: ModelConfig,
    shift_m: Tensor | tuple[float, float],
) -> tuple[Tensor, Tensor]:
    if generator is None:
        raise BundleError(
            "this model bundle holds no street-view generator; train one with "
            "`python -m training panogan`, or choose another policy"
        )
    strips = satellite_strips(batch.satellite, config, shift_m)
    with torch.inference_mode():
        made = generator.to(strips.device).eval()(strips * 2.0 - 1.0).fine.float()
    everywhere = torch.ones_like(batch.street_seen)
    return (made + 1.0).clamp(0.0, 2.0) / 2.0, everywhere
