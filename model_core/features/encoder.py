"""Photo, satellite and street-view strips to comparable features, one branch each.

``PlaceEncoder``, which joins these branches with fusion, is in ``model_core.fusion.place_encoder``.

Features are (B, C, h, bins): azimuth runs along the last axis, bin k centred at
(k + 0.5) * 360 / bins from the strip's left edge.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from model_core.config import ModelConfig
from model_core.errors import ConfigError, ShapeError
from model_core.features.backbones import build_backbone
from model_core.features.heads import build_head
from model_core.features.strides import HEIGHT_STRIDE

Branch = Literal["photo", "satellite", "street"]
_NORM_FLOOR = 1e-6
# A column counts as wholly seen when it shows as many rows as the strip's best column, or at
# least this share of all rows; corners of a photo and slivers of a view count less.
_FULL_COLUMN_SHARE = 0.25


def normalize_features(features: Tensor) -> Tensor:
    """Return features (B, C, h, w) with an L2 norm of one a strip, in fp32; empty strips stay 0.

    Columns outside the coverage must be zero already, so the norm is that of the valid bins.
    """
    wide = features.float()
    squares = wide.square().sum(dim=(1, 2, 3), keepdim=True)
    return wide / squares.clamp_min(_NORM_FLOOR**2).sqrt()


def bin_coverage(mask: Tensor, width_stride: int) -> Tensor:
    """Return how much of every bin is seen, float32 (B, W / width_stride) in [0, 1].

    Args:
        mask: float or bool (B, H, W), 1 where a pixel is seen.
        width_stride: Columns a bin.
    """
    columns = mask.float().mean(dim=1)
    full = columns.amax(dim=1, keepdim=True).clamp_min(_FULL_COLUMN_SHARE)
    return functional.avg_pool1d((columns / full).unsqueeze(1), width_stride).squeeze(1)


class StripEncoder(nn.Module):
    """Backbone and head of one branch."""

    def __init__(self, config: ModelConfig, pretrained: bool, stochastic_depth: float) -> None:
        super().__init__()
        self.backbone = build_backbone(
            config.backbone, config.width_stride, pretrained, stochastic_depth
        )
        self.head = build_head(self.backbone.out_channels, config)

    def forward(self, images: Tensor, circular: bool) -> Tensor:
        """Return raw features (B, C, h, bins) of normalised images (B, 3, H, W)."""
        features: Tensor = self.head(self.backbone(images, circular))
        return features


class BranchEncoder(nn.Module):
    """Encodes the strips of photos, satellite images and street views into one space.

    ``config.shared_weights`` decides how many branches have weights of their own: ``all`` one
    set, ``ground`` the satellite's apart, ``svi_si`` the photo's apart, ``none`` three.

    Args:
        config: What the features are.
        pretrained: Start from ImageNet weights; see :func:`build_backbone`.
        stochastic_depth: For training; see :func:`build_backbone`.

    Raises:
        ConfigError: The geometry does not fit the strides.
    """

    def __init__(
        self, config: ModelConfig, pretrained: bool = False, stochastic_depth: float = 0.0
    ) -> None:
        super().__init__()
        _check_geometry(config)
        self.config = config
        self._weights_of = _branch_weights(config)
        self.branches = nn.ModuleDict(
            {
                key: StripEncoder(config, pretrained, stochastic_depth)
                for key in sorted(set(self._weights_of.values()))
            }
        )

    def encode_photo(self, images: Tensor, mask: Tensor, circular: bool = False) -> Tensor:
        """Return photo features (B, C, h, w_bins), fp32, L2-normalised over all of a strip.

        Bins count by their coverage; unseen ones are zero.

        Args:
            images: float (B, 3, H, W), normalised, W a multiple of the width stride.
            mask: float or bool (B, H, W), 1 where a pixel is seen.
            circular: The strip is a full circle (a panorama).

        Raises:
            ShapeError: Another height, a width between bins, or a mask that does not fit.
        """
        raw = self._encode("photo", images, mask, circular)
        return normalize_features(raw * self.photo_coverage(mask)[:, None, None])

    def encode_satellite(self, images: Tensor) -> Tensor:
        """Return satellite features (B, C, h, bins), fp32, L2-normalised a strip.

        Args:
            images: float (B, 3, H, W), normalised full-circle strips.

        Raises:
            ShapeError: Another height, or a width between bins.
        """
        return normalize_features(self._encode("satellite", images, None, True))

    def encode_street(self, images: Tensor, mask: Tensor) -> Tensor:
        """Return street-view features (B, C, h, bins), fp32, L2-normalised over the seen bins.

        Args:
            images: float (B, 3, H, W), normalised full-circle strips.
            mask: float or bool (B, H, W), 1 where a pixel is seen.

        Raises:
            ShapeError: Another height, a width between bins, or a mask that does not fit.
        """
        raw = self._encode("street", images, mask, True)
        seen = (self.photo_coverage(mask) > 0).to(raw.dtype)
        return normalize_features(raw * seen[:, None, None])

    def photo_coverage(self, mask: Tensor) -> Tensor:
        """Return the share of every bin that is seen, (B, w_bins), of a mask (B, H, W)."""
        return bin_coverage(mask, self.config.width_stride)

    def _encode(
        self, branch: Branch, images: Tensor, mask: Tensor | None, circular: bool
    ) -> Tensor:
        _check_images(images, mask, self.config)
        if mask is not None:
            images = images * mask.to(images.dtype).unsqueeze(1)
        features: Tensor = self.branches[self._weights_of[branch]](images, circular)
        return features.float()


def _branch_weights(config: ModelConfig) -> dict[Branch, str]:
    if config.shared_weights == "all":
        return {"photo": "shared", "satellite": "shared", "street": "shared"}
    if config.shared_weights == "ground":
        return {"photo": "ground", "satellite": "satellite", "street": "ground"}
    if config.shared_weights == "svi_si":
        return {"photo": "photo", "satellite": "reference", "street": "reference"}
    if config.shared_weights == "none":
        return {"photo": "photo", "satellite": "satellite", "street": "street"}
    raise ConfigError(
        f"unknown shared_weights {config.shared_weights!r}; known here: all, ground, svi_si, none"
    )


def _check_geometry(config: ModelConfig) -> None:
    geometry = config.geometry
    if geometry.height % HEIGHT_STRIDE:
        raise ConfigError(
            f"strip height {geometry.height} is not a multiple of {HEIGHT_STRIDE}; change it"
        )
    if geometry.width % config.width_stride:
        raise ConfigError(
            f"strip width {geometry.width} is not a multiple of the width stride "
            f"{config.width_stride}; change one of them"
        )
    if config.feature_channels < 1:
        raise ConfigError("feature_channels must be at least 1")


def _check_images(images: Tensor, mask: Tensor | None, config: ModelConfig) -> None:
    if images.ndim != 4 or images.shape[1] != 3 or images.shape[2] != config.geometry.height:
        raise ShapeError(
            f"images are {tuple(images.shape)}; this model takes "
            f"(B, 3, {config.geometry.height}, W)"
        )
    if images.shape[3] == 0 or images.shape[3] % config.width_stride:
        raise ShapeError(
            f"strips are {images.shape[3]} columns wide; the width must be a multiple of "
            f"{config.width_stride}"
        )
    if mask is not None and mask.shape != (images.shape[0], *images.shape[2:]):
        raise ShapeError(
            f"mask is {tuple(mask.shape)} for images of {tuple(images.shape)}; it must be (B, H, W)"
        )
