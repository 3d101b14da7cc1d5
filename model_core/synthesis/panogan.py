"""PanoGAN: a street-view strip made from a satellite strip, coarse to fine.

Written from the idea of Wu et al. 2022, "Cross-View Panorama Image Synthesis": a generator whose
second pass sees how a discriminator answered to its first (adversarial feedback), and a
discriminator with one branch for the image and one for its segmentation. All azimuth padding is
circular, so that rolling the satellite strip by ``total_stride`` columns rolls the street view.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from model_core.device import run_in_batches
from model_core.errors import ConfigError, ShapeError
from model_core.types import Strip

_SEEN_COLUMN_SHARE = 0.5


@dataclass(frozen=True)
class PanoGANConfig:
    """Size of generator and discriminator.

    Channels double from level to level up to ``max_channels``.
    ``segmentation_classes`` 0 leaves the segmentation branches out. The defaults stay under 5 MB
    in fp16, the discriminator that gives the feedback included. ``weight`` in (0, 1] is the
    share that a place's features owe to what it makes; the rest are the satellite image's alone.
    """

    channels: int = 24
    max_channels: int = 120
    levels: int = 4
    bottleneck_blocks: int = 2
    critic_channels: int = 32
    critic_levels: int = 3
    segmentation_classes: int = 0
    weight: float = 1.0

    @property
    def total_stride(self) -> int:
        """Columns and rows of a strip that one bottleneck cell covers."""
        return int(2**self.levels)


@dataclass(frozen=True)
class GeneratedStrips:
    """What the generator makes of a batch: float images (B, 3, H, W) in [-1, 1], both passes.

    ``segmentation`` holds logits (B, classes, H, W) of the second pass, None without the branch.
    """

    coarse: Tensor
    fine: Tensor
    segmentation: Tensor | None


@dataclass(frozen=True)
class CriticResponse:
    """A discriminator's answer to a strip.

    ``image`` and ``segmentation`` are logits a patch, (B, 1, h, w), positive for real;
    ``features`` are the image branch's, finest first.
    """

    image: Tensor
    segmentation: Tensor | None
    features: tuple[Tensor, ...]


class CircleConv(nn.Module):
    """A convolution that wraps along azimuth and pads with zeros in height."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1
    ) -> None:
        super().__init__()
        self.reach = (kernel - 1) // 2
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel, stride=stride, padding=(self.reach, 0)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, out_channels, H / stride, W / stride) of (B, in_channels, H, W)."""
        out: Tensor = self.conv(functional.pad(x, (self.reach, self.reach, 0, 0), mode="circular"))
        return out


def _block(in_channels: int, out_channels: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        CircleConv(in_channels, out_channels, kernel, stride),
        nn.GroupNorm(1, out_channels),
        nn.LeakyReLU(0.2),
    )


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _block(channels, channels, 3, 1), CircleConv(channels, channels), nn.Dropout2d(0.1)
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.body(x)
        return out


class PanoGANDiscriminator(nn.Module):
    """Judges patches of a street-view strip given its satellite strip.

    Args:
        config: ``critic_channels``, ``critic_levels`` and ``segmentation_classes`` count here.
    """

    def __init__(self, config: PanoGANConfig) -> None:
        super().__init__()
        _check_config(config)
        self.channels = tuple(config.critic_channels * 2**i for i in range(config.critic_levels))
        self.image_stages = self._stages(6)
        self.image_verdict = CircleConv(self.channels[-1], 1)
        self.segmentation_stages: nn.ModuleList | None = None
        if config.segmentation_classes:
            self.segmentation_stages = self._stages(3 + config.segmentation_classes)
            self.segmentation_verdict = CircleConv(self.channels[-1], 1)

    def _stages(self, in_channels: int) -> nn.ModuleList:
        widths = (in_channels, *self.channels)
        return nn.ModuleList(_block(before, after, 4, 2) for before, after in pairwise(widths))

    def forward(
        self, satellite: Tensor, street: Tensor, segmentation: Tensor | None = None
    ) -> CriticResponse:
        """Return the verdicts on a batch of strips.

        Args:
            satellite: float (B, 3, H, W) in [-1, 1].
            street: float (B, 3, H, W) in [-1, 1], real or made.
            segmentation: Class probabilities (B, classes, H, W); None skips that branch.

        Raises:
            ShapeError: A segmentation for a discriminator without that branch.
        """
        features = []
        x = torch.cat((satellite, street), dim=1)
        for stage in self.image_stages:
            x = stage(x)
            features.append(x)
        verdict = None
        if segmentation is not None:
            if self.segmentation_stages is None:
                raise ShapeError(
                    "this discriminator has no segmentation branch; set segmentation_classes"
                )
            y = torch.cat((satellite, segmentation), dim=1)
            for stage in self.segmentation_stages:
                y = stage(y)
            verdict = self.segmentation_verdict(y)
        return CriticResponse(self.image_verdict(x), verdict, tuple(features))


class _Feedback(nn.Module):
    """Adds to decoder features what the critic saw at about that scale; silent at the start."""

    def __init__(self, channels: int, critic_channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _block(channels + critic_channels + 1, channels, 3, 1), CircleConv(channels, channels)
        )
        last = self.body[-1]
        if isinstance(last, CircleConv):
            nn.init.zeros_(last.conv.weight)
            if last.conv.bias is not None:
                nn.init.zeros_(last.conv.bias)

    def forward(self, x: Tensor, critic: Tensor, verdict: Tensor) -> Tensor:
        size = x.shape[-2:]
        seen = [functional.interpolate(t, size=size, mode="nearest") for t in (critic, verdict)]
        out: Tensor = x + self.body(torch.cat((x, *seen), dim=1))
        return out


class PanoGANGenerator(nn.Module):
    """A U-Net that makes a street view, hears the critic's answer, and makes it again.

    The critic whose answer feeds the second pass is part of the generator, because synthesis
    needs it too. Training steps two optimisers: ``own_parameters()`` against the critic's
    verdicts, ``critic.parameters()`` for them.

    Args:
        config: The sizes.

    Raises:
        ConfigError: A size is not possible.
    """

    def __init__(self, config: PanoGANConfig) -> None:
        super().__init__()
        _check_config(config)
        self.config = config
        widths = [
            min(config.channels * 2**i, config.max_channels) for i in range(config.levels + 1)
        ]
        self.stem = _block(4, widths[0], 3, 1)
        self.down = nn.ModuleList(_block(before, after, 4, 2) for before, after in pairwise(widths))
        self.bottleneck = nn.Sequential(
            *(_Residual(widths[-1]) for _ in range(config.bottleneck_blocks))
        )
        self.critic = PanoGANDiscriminator(config)
        up, feedback = [], []
        for step, level in enumerate(range(config.levels, 0, -1)):
            up.append(_block(widths[level] + widths[level - 1], widths[level - 1], 3, 1))
            seen = self.critic.channels[max(config.critic_levels - 1 - step, 0)]
            feedback.append(_Feedback(widths[level - 1], seen))
        self.up = nn.ModuleList(up)
        self.feedback = nn.ModuleList(feedback)
        self.paint = CircleConv(widths[0], 3)
        self.classify: CircleConv | None = None
        if config.segmentation_classes:
            self.classify = CircleConv(widths[0], config.segmentation_classes)

    def own_parameters(self) -> Iterator[nn.Parameter]:
        """Yield the generator's parameters without the critic's."""
        for name, parameter in self.named_parameters():
            if not name.startswith("critic."):
                yield parameter

    def forward(self, satellite: Tensor, mask: Tensor | None = None) -> GeneratedStrips:
        """Return both passes' street-view strips.

        Args:
            satellite: float (B, 3, H, W) in [-1, 1], full circles; H and W multiples of
                ``config.total_stride``.
            mask: float or bool (B, H, W), 1 where the satellite strip is seen; None: everywhere.

        Raises:
            ShapeError: A size that the strides cannot halve.
        """
        _check_strips(satellite, self.config)
        seen = satellite.new_ones(satellite.shape[0], 1, *satellite.shape[2:])
        if mask is not None:
            seen = mask.to(satellite.dtype).unsqueeze(1)
        levels = [self.stem(torch.cat((satellite * seen, seen), dim=1))]
        for stage in self.down:
            levels.append(stage(levels[-1]))
        deepest = self.bottleneck(levels[-1])
        coarse = torch.tanh(self.paint(self._decode(deepest, levels, None)))
        # The answer is an input of the second pass; the critic learns from its own loss alone.
        with torch.no_grad():
            response = self.critic(satellite * seen, coarse)
        decoded = self._decode(deepest, levels, response)
        segmentation = None if self.classify is None else self.classify(decoded)
        return GeneratedStrips(coarse, torch.tanh(self.paint(decoded)), segmentation)

    def _decode(
        self, deepest: Tensor, levels: Sequence[Tensor], response: CriticResponse | None
    ) -> Tensor:
        x = deepest
        for step, (up, feedback) in enumerate(zip(self.up, self.feedback, strict=True)):
            skip = levels[-2 - step]
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = up(torch.cat((x, skip), dim=1))
            if response is not None:
                seen = response.features[max(len(response.features) - 1 - step, 0)]
                x = feedback(x, seen, response.image)
        return x


def strip_tensors(
    strips: Sequence[Strip], device: torch.device | str = "cpu"
) -> tuple[Tensor, Tensor]:
    """Return strips as images (B, 3, H, W) in [-1, 1], masked pixels 0, and mask (B, H, W).

    Raises:
        ShapeError: No strip, or strips of different sizes.
    """
    if not strips:
        raise ShapeError("no strip was given; a batch needs at least one")
    shape = strips[0].pixels.shape
    if any(s.pixels.shape != shape or s.mask.shape != shape[:2] for s in strips):
        raise ShapeError("strips of different sizes, or masks that do not fit; batch equal ones")
    pixels = torch.from_numpy(np.stack([s.pixels for s in strips])).to(device)
    mask = torch.from_numpy(np.stack([s.mask for s in strips])).to(device).float()
    images = pixels.permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)
    return images * mask.unsqueeze(1), mask


@torch.inference_mode()
def synthesize_street_strip(
    generator: PanoGANGenerator,
    strips: Sequence[Strip],
    device: torch.device | str = "cpu",
    batch_size: int = 16,
) -> list[Strip]:
    """Return one synthetic street-view strip for each satellite strip, in the same frame.

    Columns of which the satellite strip shows less than half stay masked.

    Args:
        generator: A trained generator; it is moved to ``device`` and put into evaluation mode.
        strips: Satellite strips, full circles of one size.
        device: Where the work is done.
        batch_size: Strips at a time, fewer where the memory does not hold them.

    Raises:
        DeviceError: Not even one strip fits into the memory.
        ShapeError: Strips of different sizes, or a size that the strides cannot halve.
    """
    generator.to(device).eval()

    def paint(start: int, stop: int) -> list[Strip]:
        batch = strips[start:stop]
        images, mask = strip_tensors(batch, device)
        fine = generator(images, mask).fine.float()
        pixels = fine.add(1.0).mul(127.5).round().clamp(0, 255).to(torch.uint8)
        painted = pixels.permute(0, 2, 3, 1).cpu().numpy()
        made = []
        for strip, image in zip(batch, painted, strict=True):
            columns = strip.mask.mean(axis=0) >= _SEEN_COLUMN_SHARE
            seen = np.broadcast_to(columns, strip.mask.shape).copy()
            made.append(Strip(image * seen[..., None], seen, strip.heading_at_col0_deg))
        return made

    parts = run_in_batches(paint, len(strips), batch_size, torch.device(device))
    return [strip for part in parts for strip in part]


def _check_config(config: PanoGANConfig) -> None:
    smallest = min(
        config.channels,
        config.max_channels,
        config.levels,
        config.critic_channels,
        config.critic_levels,
    )
    if smallest < 1 or config.bottleneck_blocks < 0 or config.segmentation_classes < 0:
        raise ConfigError(f"sizes of the street-view generator must be positive: {config}")
    if not 0.0 < config.weight <= 1.0:
        raise ConfigError(
            f"the weight of made street views is {config.weight}; give 0 < weight <= 1"
        )


def _check_strips(satellite: Tensor, config: PanoGANConfig) -> None:
    stride = max(config.total_stride, 2**config.critic_levels)
    fits = satellite.ndim == 4 and satellite.shape[1] == 3 and min(satellite.shape[2:]) > 0
    if not fits or satellite.shape[2] % stride or satellite.shape[3] % stride:
        raise ShapeError(
            f"satellite strips are {tuple(satellite.shape)}; the generator takes (B, 3, H, W) "
            f"with H and W multiples of {stride}"
        )
