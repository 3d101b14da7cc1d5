"""The heads of a matcher on features that its backbones gave once.

A head costs a fortieth of its backbone. With the backbones' answers kept, a processor matches
whole cities against each other thousands of times, which is what a metric needs, in the time of a
few hundred steps of the whole matcher.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from model_core.features.encoder import StripEncoder, normalize_features
from model_core.fusion.place_encoder import PlaceEncoder
from training.averaging import fit
from training.correlation import Described, window_correlation
from training.datasets.places import PlaceSet, RawBatch, take_batch
from training.losses import LEAST_COSINE, false_negative_mask, place_and_heading_loss
from training.matcher import Matcher, counted_and_masked
from training.precision import Precision, autocast
from training.views import Kind, Labels, labels_of, show_satellites, show_streets


@dataclass(frozen=True)
class HeadsConfig:
    """The recipe. ``windows`` photos are cut out of each panorama of ``cities`` cities at first.

    ``trained`` is ``all``: heads and fusion, or ``fusion``: the heads stay as they are. The weights
    are those of the losses of satellite images, street views and both.
    """

    steps: int = 420
    cities: int = 30
    windows: int = 3
    trained: Literal["all", "fusion"] = "all"
    learning_rate: float = 1.5e-3
    satellite_weight: float = 1.0
    street_weight: float = 0.5
    both_weight: float = 0.5
    label_smoothing: float = 0.05
    ema_decay: float = 0.995
    initial_scale: float = 20.0
    seed: int = 3


@dataclass(frozen=True)
class PhotoMaps:
    """Backbone answers (N, C, h, w) to photos, their coverage (N, w), left edges (N,) in bins."""

    maps: Tensor
    coverage: Tensor
    start_bin: Tensor


@dataclass(frozen=True)
class CityMaps:
    """Backbone answers of the places of a city, and of one photo of each in several windows.

    ``satellite`` serves places by their satellite images alone, ``fused_satellite`` those that are
    joined with street views; ``street_cover`` (N, bins) is what the street views show; ``labels``
    says what is known.
    """

    satellite: Tensor
    fused_satellite: Tensor
    street: Tensor
    street_cover: Tensor
    photos: tuple[PhotoMaps, ...]
    labels: Labels


class _Tap:
    """Keeps what enters a module, in the precision that it was computed in."""

    def __init__(self, module: nn.Module, precision: Precision) -> None:
        self.seen = torch.empty(0)
        self._dtype = torch.bfloat16 if precision == "bf16-mixed" else torch.float32
        self._handle = module.register_forward_pre_hook(self._keep)

    def _keep(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.seen = inputs[0].to(self._dtype)

    def close(self) -> None:
        """Listen no longer."""
        self._handle.remove()


@torch.no_grad()
def map_city(matcher: Matcher, batch: RawBatch, windows: int, precision: Precision) -> CityMaps:
    """Return the backbones' answers to the places of one city.

    Args:
        matcher: Draws windows, colours and shifts, as in its own training.
        batch: Every place, one photo each.
        windows: How many windows to cut out of each photo.
        precision: What to compute and keep in.
    """
    encoder = matcher.encoder
    taps = {name: _Tap(_head(encoder, name), precision) for name in ("ground", "satellite")}
    photos = []
    labels = labels_of(batch, matcher.config.street_policy)
    with autocast(precision, matcher.device):
        satellite_maps: dict[bool, Tensor] = {}
        for with_streets in (False, True):
            strips = show_satellites(
                batch,
                matcher.model_config,
                matcher.config.center_sigma_m,
                matcher.chance,
                matcher.at_place(labels, with_streets=with_streets),
            )
            encoder.encode_satellite(strips)
            satellite_maps[with_streets] = taps["satellite"].seen
        images, mask = show_streets(batch, matcher.chance)
        encoder.encode_street(images, mask)
        street_maps = taps["ground"].seen
        for _ in range(windows):
            _, cut, _ = matcher.encode_photos(batch)
            coverage = encoder.photo_coverage(cut.mask)
            photos.append(PhotoMaps(taps["ground"].seen, coverage, cut.start_bin))
    for tap in taps.values():
        tap.close()
    return CityMaps(
        satellite=satellite_maps[False],
        fused_satellite=satellite_maps[True],
        street=street_maps,
        street_cover=encoder.photo_coverage(mask),
        photos=tuple(photos),
        labels=labels,
    )


def map_cities(
    matcher: Matcher,
    places: PlaceSet,
    config: HeadsConfig,
    precision: Precision,
    say: Callable[[str], None],
) -> list[CityMaps]:
    """Return the answers to some cities, once for each photo of a place."""
    matcher.restart_chance(config.seed)
    rng = np.random.default_rng(config.seed)
    maps: list[CityMaps] = []
    cities = rng.permutation(np.unique(places.city))[: config.cities]
    for city in cities:
        rows: npt.NDArray[np.int64] = rng.permutation(np.flatnonzero(places.city == city))
        for number in range(places.query.shape[1]):
            batch = take_batch(places, rows, np.full(len(rows), number, np.int64))
            maps.append(map_city(matcher, batch.to(matcher.device), config.windows, precision))
    say(f"heads: {len(cities)} cities mapped")
    return maps


def train_heads(
    matcher: Matcher,
    maps: Sequence[CityMaps],
    config: HeadsConfig,
    precision: Precision,
    say: Callable[[str], None] = print,
) -> PlaceEncoder:
    """Train heads and fusion on kept answers; return the encoder, with their averaged weights.

    Args:
        matcher: Whose backbones answered.
        maps: From ``map_cities``.
        config: The recipe.
        precision: What to compute in; that of the answers.
        say: Where lines for people go.
    """
    encoder = matcher.encoder
    scale = _Scale(config.initial_scale).to(matcher.device)
    rng = np.random.default_rng(config.seed)

    def losses_of_batch() -> dict[str, Tensor]:
        city = maps[int(rng.integers(len(maps)))]
        photos = city.photos[int(rng.integers(len(city.photos)))]
        return _losses(matcher, city, photos, scale(), config, precision)

    heads = [_head(encoder, name) for name in ("ground", "satellite")]
    if config.trained == "fusion":
        heads = []
    fit(
        "heads",
        (encoder.fusion, *heads, scale),
        losses_of_batch,
        config.steps,
        config.learning_rate,
        config.ema_decay,
        say,
    )
    return encoder


class _Scale(nn.Module):
    """A learned inverse temperature."""

    def __init__(self, initial: float) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(initial)))

    def forward(self) -> Tensor:
        return self.log_scale.exp()


def _losses(
    matcher: Matcher,
    city: CityMaps,
    photos: PhotoMaps,
    scale: Tensor,
    config: HeadsConfig,
    precision: Precision,
) -> dict[str, Tensor]:
    encoder, labels = matcher.encoder, city.labels
    ground, satellite = (_head(encoder, name) for name in ("ground", "satellite"))
    with torch.set_grad_enabled(config.trained == "all"), autocast(precision, matcher.device):
        raw_photo, raw_street = ground(photos.maps), ground(city.street)
        raw_si, raw_fused = (satellite(maps) for maps in (city.satellite, city.fused_satellite))
    photo = normalize_features(raw_photo.float() * photos.coverage[:, None, None])
    si, fused_si = normalize_features(raw_si.float()), normalize_features(raw_fused.float())
    svi = normalize_features(raw_street.float() * (city.street_cover > 0)[:, None, None])
    here = torch.ones_like(labels.street_usable)
    both = encoder.fuse(fused_si, svi, city.street_cover, here, labels.street_usable)
    taken = Described(photo, photos.coverage)
    near = false_negative_mask(labels.where, matcher.config.false_negative_radius_m)
    weighted: tuple[tuple[Kind, Described, float], ...] = (
        ("si", Described.whole(si), config.satellite_weight),
        ("svi", Described.weighted(svi, city.street_cover), config.street_weight),
        ("both", Described.weighted(*both), config.both_weight),
    )
    losses: dict[str, Tensor] = {}
    for kind, places, weight in weighted:
        counted, masked = counted_and_masked(
            labels, kind, near, city.street_cover, photos.start_bin, photos.coverage
        )
        losses[kind] = weight * place_and_heading_loss(
            window_correlation(taken, places, uncovered=LEAST_COSINE),
            photos.start_bin,
            scale,
            masked,
            config.label_smoothing,
            labels.heading_known & counted,
        )
    return losses


def _head(encoder: PlaceEncoder, weights: str) -> nn.Module:
    """Return the head of the ground's or the satellite's weights."""
    strips = encoder.branches[weights]
    if not isinstance(strips, StripEncoder):
        raise TypeError(f"branch {weights} is no strip encoder")
    return strips.head
