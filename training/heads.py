"""The heads of a matcher on features that its backbones gave once.

A head costs a fortieth of its backbone. With the backbones' answers kept, a processor matches
whole cities against each other thousands of times, which is what a metric needs, in the time of a
few hundred steps of the whole matcher.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from model_core.features.encoder import StripEncoder, normalize_features
from model_core.fusion.place_encoder import PlaceEncoder
from training.averaging import fit
from training.datasets.places import PlaceSet, RawBatch, take_batch
from training.losses import false_negative_mask, place_and_heading_loss, window_correlation
from training.matcher import Matcher


@dataclass(frozen=True)
class HeadsConfig:
    """The recipe. ``windows`` photos are cut out of each panorama of ``cities`` cities at first."""

    steps: int = 420
    cities: int = 30
    windows: int = 3
    learning_rate: float = 1.5e-3
    street_weight: float = 0.5
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
    """Backbone answers of the places of a city, and of one photo of each in several windows."""

    satellite: Tensor
    street: Tensor
    photos: tuple[PhotoMaps, ...]
    masked: Tensor


class _Tap:
    """Keeps what enters a module."""

    def __init__(self, module: nn.Module) -> None:
        self.seen = torch.empty(0)
        self._handle = module.register_forward_pre_hook(self._keep)

    def _keep(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.seen = inputs[0].to(torch.bfloat16)

    def close(self) -> None:
        """Listen no longer."""
        self._handle.remove()


@torch.no_grad()
def map_city(matcher: Matcher, batch: RawBatch, windows: int) -> CityMaps:
    """Return the backbones' answers to the places of one city.

    Args:
        matcher: Draws windows, colours and shifts, as in its own training.
        batch: Every place, one photo each.
        windows: How many windows to cut out of each photo.
    """
    encoder = matcher.encoder
    taps = {name: _Tap(_head(encoder, name)) for name in ("ground", "satellite")}
    photos = []
    with torch.autocast(matcher.device.type, torch.bfloat16):
        matcher.encode_satellites(batch)
        satellite_maps = taps["satellite"].seen
        matcher.encode_street_views(batch)
        street_maps = taps["ground"].seen
        for _ in range(windows):
            _, cut, _ = matcher.encode_photos(batch)
            coverage = encoder.photo_coverage(cut.mask)
            photos.append(PhotoMaps(taps["ground"].seen, coverage, cut.start_bin))
    for tap in taps.values():
        tap.close()
    camera_xy = batch.place_xy + batch.query_offset_m
    radius_m = matcher.config.false_negative_radius_m
    masked = false_negative_mask(camera_xy, batch.city, radius_m)
    return CityMaps(satellite_maps, street_maps, tuple(photos), masked)


def map_cities(
    matcher: Matcher, places: PlaceSet, config: HeadsConfig, say: Callable[[str], None]
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
            maps.append(map_city(matcher, batch.to(matcher.device), config.windows))
    say(f"heads: {len(cities)} cities mapped")
    return maps


def train_heads(
    matcher: Matcher,
    maps: Sequence[CityMaps],
    config: HeadsConfig,
    say: Callable[[str], None] = print,
) -> PlaceEncoder:
    """Train heads and fusion on kept answers; return the encoder, with their averaged weights.

    Args:
        matcher: Whose backbones answered.
        maps: From ``map_cities``.
        config: The recipe.
        say: Where lines for people go.
    """
    encoder = matcher.encoder
    scale = _Scale(config.initial_scale).to(matcher.device)
    rng = np.random.default_rng(config.seed)

    def losses_of_batch() -> dict[str, Tensor]:
        city = maps[int(rng.integers(len(maps)))]
        photos = city.photos[int(rng.integers(len(city.photos)))]
        return _losses(encoder, city, photos, scale(), config)

    heads = [_head(encoder, name) for name in ("ground", "satellite")]
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
    encoder: PlaceEncoder,
    city: CityMaps,
    photos: PhotoMaps,
    scale: Tensor,
    config: HeadsConfig,
) -> dict[str, Tensor]:
    ground, satellite = (_head(encoder, name) for name in ("ground", "satellite"))
    with torch.autocast(photos.maps.device.type, torch.bfloat16):
        raw = [ground(photos.maps), satellite(city.satellite), ground(city.street)]
    photo = normalize_features(raw[0].float() * photos.coverage[:, None, None])
    si, svi = normalize_features(raw[1]), normalize_features(raw[2])
    here = torch.ones(len(photo), dtype=torch.bool, device=photo.device)
    cover = torch.ones(len(photo), si.shape[-1], device=photo.device)
    references = {"si": si, "svi": svi, "both": encoder.fuse(si, svi, cover, here, here)[0]}
    weight = {"si": 1.0, "svi": config.street_weight, "both": config.street_weight}
    return {
        name: weight[name]
        * place_and_heading_loss(
            window_correlation(photo, features),
            photos.start_bin,
            scale,
            city.masked,
            config.label_smoothing,
        )
        for name, features in references.items()
    }


def _head(encoder: PlaceEncoder, weights: str) -> nn.Module:
    """Return the head of the ground's or the satellite's weights."""
    strips = encoder.branches[weights]
    if not isinstance(strips, StripEncoder):
        raise TypeError(f"branch {weights} is no strip encoder")
    return strips.head
