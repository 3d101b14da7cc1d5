"""Each side by itself learns what tells places apart, before photos and satellites are matched.

A small network turns the true layout around a camera into features. The ground branch learns to
find a photo's window among the true layouts of a whole city; then the satellite branch learns to
say what the layout at its centre would have said, and to be found by the photos; then fusion learns
what to take from either. Every stage has dense targets or many negatives for the price of one side,
where matching photos with satellites from the start hardly moves either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from model_core.features.encoder import normalize_features
from model_core.fusion.place_encoder import PlaceEncoder
from training.datasets.rendered import RawBatch, RenderedPlaces, take_batch
from training.losses import (
    false_negative_mask,
    heading_loss,
    place_and_heading_loss,
    window_correlation,
)
from training.matcher import Matcher

_LAYOUT_FILE = "layout_teacher.safetensors"


@dataclass(frozen=True)
class SidesConfig:
    """The recipe of both sides, in steps of each stage."""

    ground_steps: int = 1100
    satellite_steps: int = 1100
    fusion_steps: int = 200
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.05
    warmup_steps: int = 50
    ground_batch: int = 64
    satellite_batch: int = 48
    street_share: float = 0.2
    layout_weight: float = 2.0
    likeness_weight: float = 2.0
    ema_decay: float = 0.998
    seed: int = 1


class LayoutTeacher(nn.Module):
    """True layouts to features that compare with those of a photo.

    The first features are the labels themselves at the start, as the branches' are.
    """

    def __init__(self, labels: int, rows: int, channels: int = 128) -> None:
        """Make a teacher of ``labels`` layout labels and ``rows`` features a bin."""
        super().__init__()
        self.around = nn.Conv1d(labels, channels, 3, padding=1, padding_mode="circular")
        self.mix = nn.Conv1d(channels, channels, 1)
        self.out = nn.Conv1d(channels, rows, 1)
        self.plain = nn.Conv1d(labels, rows, 1)
        with torch.no_grad():
            self.out.weight *= 0.3
            self.plain.weight.zero_()
            self.plain.weight[:labels, :, 0] = torch.eye(labels)
        self.log_scale = nn.Parameter(torch.tensor(math.log(14.0)))

    def forward(self, layout: Tensor) -> Tensor:
        """Return features (B, rows, 1, bins) of standardised labels (B, bins, labels)."""
        x = layout.permute(0, 2, 1)
        mixed = self.mix(functional.gelu(self.around(x)))
        features: Tensor = self.out(functional.gelu(mixed)) + self.plain(x)
        return features[:, :, None]


class Sides(nn.Module):
    """A matcher and a teacher; photos and strips are made as in the matcher's own training."""

    def __init__(self, matcher: Matcher, config: SidesConfig) -> None:
        """Make the pair.

        Args:
            matcher: With the weights to start from.
            config: The recipe.
        """
        super().__init__()
        self.matcher = matcher
        self.config = config
        model = matcher.model_config
        rows = model.feature_channels * model.feature_height
        self.teacher = LayoutTeacher(matcher.config.layout_channels, rows)

    def standardise(self, layout: Tensor) -> Tensor:
        """Return labels (..., K) in standard deviations from their means."""
        return (layout - self.matcher.layout_mean) / self.matcher.layout_spread

    def ground_loss(self, batch: RawBatch, other: RawBatch) -> Tensor:
        """Return how badly photos find their own layout, and say it; in some steps street views.

        Args:
            batch: Photos of one city.
            other: Further cameras of the city, whose layouts are negatives.
        """
        matcher, config = self.matcher, self.config
        with _mixed_precision():
            photo, start_bin, said = matcher.encode_photos(batch)
        layouts = torch.cat([batch.query_layout, other.query_layout])
        camera_xy = torch.cat([_camera_xy(batch), _camera_xy(other)])
        loss = (
            self._layout_found(photo, start_bin, layouts, camera_xy) + config.layout_weight * said
        )
        if float(torch.rand(1, generator=matcher.chance)) < config.street_share:
            with _mixed_precision():
                street, street_said = matcher.encode_street_views(batch)
            north = torch.zeros(len(street))
            loss = loss + self._layout_found(street, north, batch.layout, batch.place_xy)
            loss = loss + config.layout_weight * street_said
        return loss

    def _layout_found(
        self, features: Tensor, start_bin: Tensor, layouts: Tensor, camera_xy: Tensor
    ) -> Tensor:
        """Return the loss of finding the first layouts (N, bins, K) with features (B, C, h, w)."""
        gallery = self.teacher(self.standardise(layouts))
        near = torch.cdist(camera_xy, camera_xy) < self.matcher.config.false_negative_radius_m
        near = near.fill_diagonal_(False)[: len(features)]
        correlation = window_correlation(_flat(features), gallery)
        return heading_loss(correlation, start_bin, self.teacher.log_scale.exp(), near)

    def satellite_loss(self, batch: RawBatch) -> Tensor:
        """Return how unlike their layouts' features satellites are, and how badly photos find them.

        Args:
            batch: Places of one city.
        """
        matcher = self.matcher
        with _mixed_precision():
            satellite = matcher.encode_satellites(batch)
            with torch.no_grad():
                photo, start_bin, _ = matcher.encode_photos(batch)
        with torch.no_grad():
            wanted = normalize_features(self.teacher(self.standardise(batch.query_layout)))
        flat = _flat(satellite)
        likeness = (flat * wanted).sum((1, 2, 3)).mean()
        masked = false_negative_mask(
            _camera_xy(batch), batch.city, matcher.config.false_negative_radius_m
        )
        scale = self.teacher.log_scale.detach().exp()
        width = photo.shape[-1]
        left = torch.randint(0, flat.shape[-1], (len(flat),), generator=matcher.chance)
        windows = _windows(wanted, left, width)
        found = [
            place_and_heading_loss(
                window_correlation(query, flat), start.to(flat), scale, masked, 0.05
            )
            for query, start in ((_flat(photo), start_bin), (windows, left))
        ]
        return torch.stack(found).sum() + self.config.likeness_weight * (1.0 - likeness)

    def fusion_loss(self, batch: RawBatch) -> Tensor:
        """Return how badly photos find places with both a satellite image and a street view."""
        matcher = self.matcher
        with torch.no_grad(), _mixed_precision():
            satellite = matcher.encode_satellites(batch)
            street, _ = matcher.encode_street_views(batch)
            photo, start_bin, _ = matcher.encode_photos(batch)
        present = torch.ones(len(photo), dtype=torch.bool)
        cover = torch.ones(len(photo), satellite.shape[-1])
        both, _ = matcher.encoder.fuse(satellite, street, cover, present, present)
        masked = false_negative_mask(
            _camera_xy(batch), batch.city, matcher.config.false_negative_radius_m
        )
        scale = self.teacher.log_scale.detach().exp()
        return place_and_heading_loss(
            window_correlation(photo, both), start_bin, scale, masked, 0.05
        )


def teach_sides(
    matcher: Matcher,
    places: RenderedPlaces,
    config: SidesConfig,
    out: Path,
    say: Callable[[str], None] = print,
) -> PlaceEncoder:
    """Train the ground branch, then the satellite branch, then fusion; return the encoder.

    A run that was stopped goes on after the last stage that it finished.

    Args:
        matcher: With the weights to start from; its satellite branch has weights of its own.
        places: What to train on.
        config: The recipe.
        out: Folder of the stages' weights.
        say: Where lines for people go.
    """
    sides = Sides(matcher, config)
    encoder = matcher.encoder
    cities = _city_batches(places, config.ground_batch, config.seed)
    few = _city_batches(places, config.satellite_batch, config.seed + 1)
    stages: dict[str, tuple[list[nn.Module], Callable[[], Tensor], int]] = {
        "ground": (
            [encoder.branches["ground"], sides.teacher],
            lambda: sides.ground_loss(*next(cities)),
            config.ground_steps,
        ),
        "satellite": (
            [encoder.branches["satellite"]],
            lambda: sides.satellite_loss(next(few)[0]),
            config.satellite_steps,
        ),
        "fusion": ([encoder.fusion], lambda: sides.fusion_loss(next(few)[0]), config.fusion_steps),
    }
    for name, (modules, loss_of_batch, steps) in stages.items():
        path = out / f"{name}.safetensors"
        if path.exists():
            sides.load_state_dict(load_file(path))
            continue
        _fit(name, modules, loss_of_batch, steps, config, say)
        save_file({key: value.contiguous() for key, value in sides.state_dict().items()}, path)
    return encoder


def _fit(
    name: str,
    modules: list[nn.Module],
    loss_of_batch: Callable[[], Tensor],
    steps: int,
    config: SidesConfig,
    say: Callable[[str], None],
) -> None:
    """Train modules under warm-up and cosine, and leave their averaged weights in them."""
    params = [p for module in modules for p in module.parameters()]
    averaged = [p.detach().clone() for p in params]
    groups = [
        {"params": [p for p in params if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in params if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98))
    mean_loss = math.nan
    for step in range(1, steps + 1):
        cosine = 0.03 + 0.97 * 0.5 * (1.0 + math.cos(math.pi * step / steps))
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * min(1.0, step / config.warmup_steps) * cosine
        loss = loss_of_batch()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(params, 1.0)
        optimizer.step()
        decay = min(config.ema_decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for kept, new in zip(averaged, params, strict=True):
                kept.lerp_(new, 1.0 - decay)
        value = float(loss.detach())
        mean_loss = value if step == 1 else 0.98 * mean_loss + 0.02 * value
        if step % 100 == 0:
            say(f"{name} step {step} loss {mean_loss:.3f}")
    with torch.no_grad():
        for kept, parameter in zip(averaged, params, strict=True):
            parameter.copy_(kept)


def _city_batches(
    places: RenderedPlaces, count: int, seed: int
) -> Iterator[tuple[RawBatch, RawBatch]]:
    """Yield places of one city with one of their photos each, and with the other one, forever."""
    rng = np.random.default_rng(seed)
    rows_of_city = [np.flatnonzero(places.city == c) for c in np.unique(places.city)]
    photos = places.query.shape[1]
    while True:
        mine = rows_of_city[int(rng.integers(len(rows_of_city)))]
        rows = rng.choice(mine, min(count, len(mine)), replace=False)
        number = rng.integers(0, photos, len(rows))
        yield take_batch(places, rows, number), take_batch(places, rows, (number + 1) % photos)


def _camera_xy(batch: RawBatch) -> Tensor:
    return batch.place_xy + batch.query_offset_m


def _flat(features: Tensor) -> Tensor:
    """Return features (B, C, h, w) as (B, C * h, 1, w)."""
    return features.flatten(1, 2)[:, :, None]


def _windows(circles: Tensor, left: Tensor, width: int) -> Tensor:
    """Return ``width`` bins of each circle (B, C, h, W) from its own left edge."""
    index = (left[:, None] + torch.arange(width)) % circles.shape[-1]
    return circles.gather(-1, index[:, None, None].expand(*circles.shape[:3], width))


def _mixed_precision() -> AbstractContextManager[None]:
    return torch.autocast("cpu", torch.bfloat16)
