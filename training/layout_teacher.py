"""The ground branch by itself: photos learn to find their place among a city's true layouts.

A small network turns the true layout around a camera into features. The layouts of a whole city
cost nothing to encode, so every photo has many wrong answers to be told from, and the branch
learns what of a layout tells places apart before it ever meets a satellite image.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.averaging import fit
from training.correlation import Described, window_correlation
from training.datasets.places import PlaceSet, RawBatch, take_batch
from training.losses import distances_m, heading_loss
from training.matcher import Matcher
from training.precision import Precision, autocast


@dataclass(frozen=True)
class GroundConfig:
    """The recipe; ``street_share`` is the share of steps that also show street views."""

    steps: int = 170
    batch: int = 64
    learning_rate: float = 1.5e-3
    street_share: float = 0.12
    layout_weight: float = 2.0
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


def teach_ground(
    matcher: Matcher,
    places: PlaceSet,
    config: GroundConfig,
    precision: Precision,
    say: Callable[[str], None] = print,
) -> None:
    """Train the matcher's ground branch and leave the averaged weights in it.

    Args:
        matcher: With the weights to start from; its ground branch has weights of its own.
        places: What to train on.
        config: The recipe.
        precision: What to compute in.
        say: Where lines for people go.
    """
    model = matcher.model_config
    rows = model.feature_channels * model.feature_height
    teacher = LayoutTeacher(matcher.layout_channels, rows).to(matcher.device)
    batches = _city_batches(places, config.batch, config.seed)

    def losses_of_batch() -> dict[str, Tensor]:
        batch, other = (one.to(matcher.device) for one in next(batches))
        return {"ground": ground_loss(matcher, teacher, config, precision, batch, other)}

    fit(
        "ground",
        (matcher.encoder.branches["ground"], teacher),
        losses_of_batch,
        config.steps,
        config.learning_rate,
        config.ema_decay,
        say,
    )


def ground_loss(
    matcher: Matcher,
    teacher: LayoutTeacher,
    config: GroundConfig,
    precision: Precision,
    batch: RawBatch,
    other: RawBatch,
) -> Tensor:
    """Return how badly photos find their own layout, and say it; in some steps street views.

    Args:
        matcher: Cuts and colours the photos as in its own training.
        teacher: Gives the layouts' features.
        config: Weights of the terms.
        precision: What the photos and street views are encoded in.
        batch: Photos of one city.
        other: Further cameras of the city, whose layouts are wrong answers too.
    """
    with autocast(precision, matcher.device):
        photo, cut, said = matcher.encode_photos(batch)
    layouts = torch.cat([batch.query_layout, other.query_layout])
    camera_xy = torch.cat([one.place_xy + one.query_offset_m for one in (batch, other)])
    found = _layout_found(matcher, teacher, photo, cut.start_bin, layouts, camera_xy)
    loss = found + config.layout_weight * said
    if matcher.draw() < config.street_share:
        with autocast(precision, matcher.device):
            street, street_said = matcher.encode_street_views(batch)
        north = torch.zeros(len(street), device=street.device)
        found = _layout_found(matcher, teacher, street, north, batch.layout, batch.place_xy)
        loss = loss + found + config.layout_weight * street_said
    return loss


def _layout_found(
    matcher: Matcher,
    teacher: LayoutTeacher,
    features: Tensor,
    start_bin: Tensor,
    layouts: Tensor,
    camera_xy: Tensor,
) -> Tensor:
    """Return the loss of finding the first layouts (N, bins, K) with features (B, C, h, w)."""
    gallery = teacher((layouts - matcher.layout_mean) / matcher.layout_spread)
    near = distances_m(camera_xy, camera_xy) < matcher.config.false_negative_radius_m
    near = near.fill_diagonal_(False)[: len(features)]
    said = Described.whole(features.flatten(1, 2)[:, :, None])
    correlation = window_correlation(said, Described.whole(gallery))
    return heading_loss(correlation, start_bin, teacher.log_scale.exp(), near)


def _city_batches(places: PlaceSet, count: int, seed: int) -> Iterator[tuple[RawBatch, RawBatch]]:
    """Yield places of one city with one of their photos each, and with the other one, forever."""
    rng = np.random.default_rng(seed)
    rows_of_city = [np.flatnonzero(places.city == c) for c in np.unique(places.city)]
    photos = places.query.shape[1]
    while True:
        mine = rows_of_city[int(rng.integers(len(rows_of_city)))]
        rows = rng.choice(mine, min(count, len(mine)), replace=False)
        number = rng.integers(0, photos, len(rows))
        yield take_batch(places, rows, number), take_batch(places, rows, (number + 1) % photos)
