"""The place encoder: the branches of ``features.encoder`` joined by fusion; what a bundle holds.

Features are (B, C, h, bins), fp32, with a unit norm a strip; coverage (B, bins) in [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from model_core.config import ModelConfig
from model_core.errors import ShapeError
from model_core.features.encoder import BranchEncoder, normalize_features
from model_core.fusion.iaff import build_fusion


class PlaceEncoder(BranchEncoder):
    """Encodes photos and references into one space; arguments as for ``BranchEncoder``.

    Satellite-only, street-only and complete places go through the same weights.
    """

    def __init__(
        self, config: ModelConfig, pretrained: bool = False, stochastic_depth: float = 0.0
    ) -> None:
        super().__init__(config, pretrained, stochastic_depth)
        self.fusion = build_fusion(config.fusion, config.feature_channels, config.attention_norm)

    def encode_reference(
        self,
        satellite: Tensor,
        satellite_present: Tensor,
        street: Tensor,
        street_mask: Tensor,
        street_present: Tensor,
        street_weight: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return a batch of places' features (B, C, h, bins) and coverage (B, bins).

        Strips of absent modalities may hold anything; they are not looked at.

        Args:
            satellite: float (B, 3, H, W), normalised full-circle strips.
            satellite_present: bool (B,).
            street: float (B, 3, H, W), normalised full-circle strips.
            street_mask: float or bool (B, H, W), 1 where a pixel is seen.
            street_present: bool (B,).
            street_weight: As in ``fuse``.

        Raises:
            ShapeError: The inputs do not fit the model or one another.
        """
        if satellite.shape != street.shape:
            raise ShapeError(
                f"satellite strips are {tuple(satellite.shape)} and street-view strips "
                f"{tuple(street.shape)}; both must be full circles of one batch"
            )
        si = self._encode_present(self.encode_satellite, satellite_present, satellite)
        svi = self._encode_present(self.encode_street, street_present, street, street_mask)
        coverage = self.photo_coverage(street_mask)
        return self.fuse(si, svi, coverage, satellite_present, street_present, street_weight)

    def fuse(
        self,
        si_features: Tensor,
        svi_features: Tensor,
        svi_coverage: Tensor,
        si_present: Tensor,
        svi_present: Tensor,
        street_weight: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return fused features (B, C, h, bins), renormalised, and their coverage (B, bins).

        Args:
            si_features: What ``encode_satellite`` gave, (B, C, h, bins).
            svi_features: What ``encode_street`` gave, same shape.
            svi_coverage: ``photo_coverage`` of the street mask, (B, bins).
            si_present: bool (B,).
            svi_present: bool (B,).
            street_weight: float (B,) in (0, 1], the share of the fused features; the rest are the
                satellite's own: a made street view is less sure than a seen one. None: all fused.

        Raises:
            ShapeError: The inputs do not fit together.
        """
        fused, coverage = self.fusion(
            si_features, svi_features, svi_coverage, si_present, svi_present
        )
        if street_weight is None:
            return normalize_features(fused), coverage
        alone, _ = self.fusion(
            si_features, svi_features, svi_coverage, si_present, torch.zeros_like(svi_present)
        )
        share = street_weight[:, None, None, None]
        mixed = share * normalize_features(fused) + (1 - share) * normalize_features(alone)
        return normalize_features(mixed), coverage

    def _encode_present(
        self, encode: Callable[..., Tensor], present: Tensor, *strips: Tensor
    ) -> Tensor:
        """Return features (B, C, h, bins), zero where absent, encoding the present rows only."""
        if bool(present.all()):
            return encode(*strips)
        config = self.config
        bins = strips[0].shape[3] // config.width_stride
        shape = (len(present), config.feature_channels, config.feature_height, bins)
        features = strips[0].new_zeros(shape, dtype=torch.float32)
        if bool(present.any()):
            features[present] = encode(*(strip[present] for strip in strips))
        return features
