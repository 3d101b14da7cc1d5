"""Street views made from satellite images for the places that have none in time and near."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

import torch

from model_core.errors import BundleError
from model_core.synthesis.panogan import PanoGANGenerator, synthesize_street_strip
from model_core.types import AlignedReference


def fill_in_street_views(
    references: Iterable[AlignedReference],
    generator: PanoGANGenerator | None,
    policy: str,
    device: torch.device,
    batch_size: int = 16,
) -> Iterator[AlignedReference]:
    """Yield every reference in order, those without a street view filled in where asked to.

    Only the policy ``synthetic`` fills in. The others pass through.

    Args:
        references: Aligned places.
        generator: The bundle's generator, None where it has none.
        policy: ``StreetViewConfig.policy``.
        device: Where the generator runs.
        batch_size: Strips made at a time.

    Raises:
        BundleError: The policy asks for synthetic street views and the bundle makes none.
    """
    check_generator(generator, policy)
    if policy != "synthetic" or generator is None:
        yield from references
        return
    remaining = iter(references)
    while batch := list(islice(remaining, batch_size)):
        yield from _filled(batch, generator, device)


def check_generator(generator: PanoGANGenerator | None, policy: str) -> None:
    """Check that a model can do what a policy asks for; see ``fill_in_street_views``."""
    if policy == "synthetic" and generator is None:
        raise BundleError(
            "this model bundle holds no street-view generator; choose another bundle, or the "
            "street-view policy 'hybrid', which uses the imagery alone"
        )


def _filled(
    batch: list[AlignedReference], generator: PanoGANGenerator, device: torch.device
) -> list[AlignedReference]:
    missing = [
        (row, reference.satellite_strip)
        for row, reference in enumerate(batch)
        if reference.street_strip is None and reference.satellite_strip is not None
    ]
    made = synthesize_street_strip(generator, [strip for _, strip in missing], device)
    filled = list(batch)
    for (row, _), strip in zip(missing, made, strict=True):
        filled[row] = replace(
            batch[row],
            street_strip=strip,
            street_view_kind="synthetic",
            street_weight=generator.config.weight,
        )
    return filled
