"""Satellite (SI) and street-view (SVI) features of one place become one: iAFF and its rivals.

Every choice answers absent modalities and uncovered bins alike: where both are seen, ``mix``;
where only the satellite image is, ``satellite_only``; where only the street view is,
``street_only``; per-bin coverage blends between them. iAFF and AFF follow Dai et al. 2021,
"Attentional Feature Fusion".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import get_args

import torch
from torch import Tensor, nn
from torchvision.models.convnext import LayerNorm2d

from model_core.config import AttentionNorm, FusionName
from model_core.errors import ConfigError, ShapeError

_REDUCTION = 4


class Fusion(nn.Module):
    """Blends ``mix`` with what one modality alone gives, bin by bin."""

    def mix(self, si: Tensor, svi: Tensor) -> Tensor:
        """Return fused features, shape (B, C, h, W) as both inputs, where both are seen."""
        raise NotImplementedError

    def satellite_only(self, si: Tensor) -> Tensor:
        """Return what stands for a bin that only the satellite image shows."""
        return si

    def street_only(self, svi: Tensor) -> Tensor:
        """Return what stands for a bin that only the street view shows."""
        return svi

    def forward(
        self,
        si: Tensor,
        svi: Tensor,
        svi_coverage: Tensor,
        si_present: Tensor,
        svi_present: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return the fused features (B, C, h, W) and their coverage (B, W).

        Args:
            si: Satellite features (B, C, h, W), L2-normalised a strip; any value where absent.
            svi: Street-view features, same shape, L2-normalised over the covered bins.
            svi_coverage: Share of every bin that the street view shows, (B, W) in [0, 1].
            si_present: bool (B,), False where the place has no satellite image.
            svi_present: bool (B,), False where it has no street view.

        Raises:
            ShapeError: The inputs do not fit together.
        """
        _check_inputs(si, svi, svi_coverage, si_present, svi_present)
        has_si = si_present.to(si.dtype)[:, None]
        seen = svi_coverage.to(si.dtype) * svi_present.to(si.dtype)[:, None]
        coverage = has_si + (1 - has_si) * seen
        cover, has_si = seen[:, None, None], has_si[:, None, None]
        si = torch.where(has_si > 0, si, 0.0)
        # A unit norm over few bins is louder in each bin: bring both to the same level a bin.
        loudness = cover.mean(dim=-1, keepdim=True).sqrt()
        svi = torch.where(cover > 0, svi * loudness, 0.0)
        # The context that attention pools over the circle must not see holes.
        mixed = self.mix(si, cover * svi + (1 - cover) * si)
        with_si = cover * mixed + (1 - cover) * self.satellite_only(si)
        fused = has_si * with_si + (1 - has_si) * cover * self.street_only(svi)
        return fused, coverage


class ChannelAttention(nn.Module):
    """MS-CAM: attention weights in (0, 1) from each position and from the whole circle.

    Args:
        channels: Channels of the features.
        reduction: Bottleneck of both paths.
        norm: ``layer`` (over channels, at each position) and ``group`` (over a strip) work at any
            batch size; ``batch`` is the original and cannot train the pooled path on one strip;
            ``batch_missing`` leaves the last one of the pooled path out, as the released code
            leaves one out.
    """

    def __init__(
        self, channels: int, reduction: int = _REDUCTION, norm: AttentionNorm = "layer"
    ) -> None:
        super().__init__()
        make_norm = _norm_maker(norm)
        middle = max(channels // reduction, 1)

        def path(*head: nn.Module, last_norm: bool = True) -> nn.Sequential:
            return nn.Sequential(
                *head,
                nn.Conv2d(channels, middle, 1),
                make_norm(middle),
                nn.ReLU(),
                nn.Conv2d(middle, channels, 1),
                *([make_norm(channels)] if last_norm else []),
            )

        self.local = path()
        self.around = path(nn.AdaptiveAvgPool2d(1), last_norm=norm != "batch_missing")

    def forward(self, x: Tensor) -> Tensor:
        """Return weights (B, C, h, W) of features (B, C, h, W) that have a unit norm a strip."""
        x = _unit_mean_square(x)
        weights: Tensor = torch.sigmoid(self.local(x) + self.around(x))
        return weights


class AFF(Fusion):
    """One pass of attentional feature fusion."""

    def __init__(self, channels: int, norm: AttentionNorm = "layer") -> None:
        super().__init__()
        self.attention = ChannelAttention(channels, norm=norm)

    def mix(self, si: Tensor, svi: Tensor) -> Tensor:
        """Return the attention-weighted sum, weights from the plain sum."""
        weights: Tensor = self.attention(si + svi)
        return weights * si + (1 - weights) * svi


class IterativeAFF(Fusion):
    """Two passes: the first pass's result decides the weights of the second (iAFF)."""

    def __init__(self, channels: int, norm: AttentionNorm = "layer") -> None:
        super().__init__()
        self.first = ChannelAttention(channels, norm=norm)
        self.second = ChannelAttention(channels, norm=norm)

    def mix(self, si: Tensor, svi: Tensor) -> Tensor:
        """Return the attention-weighted sum, weights from a first such sum."""
        weights: Tensor = self.first(si + svi)
        weights = self.second(weights * si + (1 - weights) * svi)
        return weights * si + (1 - weights) * svi


class Concatenation(Fusion):
    """Each modality halved in channels, side by side; an absent one leaves its half empty."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        if channels % 2:
            raise ConfigError(f"concat needs an even number of channels, not {channels}")
        self.halve_si = nn.Conv2d(channels, channels // 2, 1, bias=False)
        self.halve_svi = nn.Conv2d(channels, channels // 2, 1, bias=False)

    def mix(self, si: Tensor, svi: Tensor) -> Tensor:
        """Return both halves."""
        return torch.cat((self.halve_si(si), self.halve_svi(svi)), dim=1)

    def satellite_only(self, si: Tensor) -> Tensor:
        """Return the satellite's half, the other empty."""
        half = self.halve_si(si)
        return torch.cat((half, torch.zeros_like(half)), dim=1)

    def street_only(self, svi: Tensor) -> Tensor:
        """Return the street view's half, the other empty."""
        half = self.halve_svi(svi)
        return torch.cat((torch.zeros_like(half), half), dim=1)


class FullyConnected(Fusion):
    """A fully connected layer over both modalities' channels, with learned single paths."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.both = nn.Conv2d(2 * channels, channels, 1, bias=False)
        self.si = nn.Conv2d(channels, channels, 1, bias=False)
        self.svi = nn.Conv2d(channels, channels, 1, bias=False)
        nn.init.dirac_(self.si.weight)
        nn.init.dirac_(self.svi.weight)

    def mix(self, si: Tensor, svi: Tensor) -> Tensor:
        """Return a linear map of both, the same at each position."""
        mixed: Tensor = self.both(torch.cat((si, svi), dim=1))
        return mixed

    def satellite_only(self, si: Tensor) -> Tensor:
        """Return a linear map of the satellite features."""
        mapped: Tensor = self.si(si)
        return mapped

    def street_only(self, svi: Tensor) -> Tensor:
        """Return a linear map of the street-view features."""
        mapped: Tensor = self.svi(svi)
        return mapped


class AttentionWeightedAverage(Fusion):
    """A weighted average; each modality's features say, position by position, how much."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.score_si = nn.Conv2d(channels, 1, 1)
        self.score_svi = nn.Conv2d(channels, 1, 1)

    def mix(self, si: Tensor, svi: Tensor) -> Tensor:
        """Return the average under the softmax of both scores."""
        scores = self.score_si(_unit_mean_square(si)) - self.score_svi(_unit_mean_square(svi))
        weights = torch.sigmoid(scores)
        return weights * si + (1 - weights) * svi


class LinearMix(Fusion):
    """``k * svi + si`` with one learned ``k``."""

    def __init__(self) -> None:
        super().__init__()
        self.k = nn.Parameter(torch.ones(()))

    def mix(self, si: Tensor, svi: Tensor) -> Tensor:
        """Return the weighted sum."""
        return self.k * svi + si


def build_fusion(name: FusionName, channels: int, norm: AttentionNorm = "layer") -> Fusion:
    """Return a fusion of that name.

    Args:
        name: ``iaff``, ``aff``, ``concat``, ``fc``, ``awa`` or ``linear``.
        channels: Channels of the features of both modalities, and of the result.
        norm: Normalisation within the attention of ``iaff`` and ``aff``.

    Raises:
        ConfigError: Unknown name, or channels that the choice cannot take.
    """
    if name == "iaff":
        return IterativeAFF(channels, norm)
    if name == "aff":
        return AFF(channels, norm)
    if name == "concat":
        return Concatenation(channels)
    if name == "fc":
        return FullyConnected(channels)
    if name == "awa":
        return AttentionWeightedAverage(channels)
    if name == "linear":
        return LinearMix()
    raise ConfigError(f"unknown fusion {name!r}; known here: {', '.join(get_args(FusionName))}")


def _norm_maker(norm: AttentionNorm) -> Callable[[int], nn.Module]:
    if norm == "layer":
        return lambda channels: LayerNorm2d(channels, eps=1e-6)
    if norm == "group":
        return lambda channels: nn.GroupNorm(1, channels)
    if norm in ("batch", "batch_missing"):
        return nn.BatchNorm2d
    raise ConfigError(
        f"unknown attention norm {norm!r}; known here: {', '.join(get_args(AttentionNorm))}"
    )


def _unit_mean_square(x: Tensor) -> Tensor:
    """Return strips of unit norm at unit mean square, where norms and biases are at home."""
    return x * math.sqrt(x.shape[1:].numel())


def _check_inputs(
    si: Tensor, svi: Tensor, svi_coverage: Tensor, si_present: Tensor, svi_present: Tensor
) -> None:
    if si.ndim != 4 or si.shape != svi.shape:
        raise ShapeError(
            f"features are {tuple(si.shape)} and {tuple(svi.shape)}; both must be (B, C, h, W)"
        )
    batch, bins = si.shape[0], si.shape[3]
    if svi_coverage.shape != (batch, bins):
        raise ShapeError(f"coverage is {tuple(svi_coverage.shape)} instead of {(batch, bins)}")
    if si_present.shape != (batch,) or svi_present.shape != (batch,):
        raise ShapeError(
            f"presence flags are {tuple(si_present.shape)} and {tuple(svi_present.shape)} "
            f"instead of {(batch,)}"
        )
