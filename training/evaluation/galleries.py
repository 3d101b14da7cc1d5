"""Galleries of held-out places: features of every place by kind of reference and policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model_core.config import ModelConfig, SearchConfig, StreetViewConfig
from model_core.fusion.place_encoder import PlaceEncoder
from model_core.gallery.around import shifts_around_m
from model_core.synthesis.panogan import PanoGANGenerator
from training.correlation import Described, join
from training.datasets.augmentation import normalize, picture_rows
from training.datasets.places import NO_DATE, PlaceSet, RawBatch, in_time, take_batch
from training.policies import FILL_INS, Policy, fill_in, real_street, satellite_strips
from training.world.gallery import CityGallery

PART = 128
CENTRE = (0.0, 0.0)
BESIDE_M = shifts_around_m(SearchConfig().beside_step_m)
_ALONE_OTHERWISE = (("both", "hybrid"), ("both", "nearest"))
"""Where a place without a usable street view is known by its satellite image alone."""


@dataclass(frozen=True)
class Gallery:
    """N places to search, of one kind of reference.

    Attributes:
        described: What each place is known by when its street view serves the photo.
        otherwise: What it is known by when that is missing or too old; None where that does not
            matter.
        xy_m: float32 (N, 2), in the place's city.
        city: int64 (N,).
        street_present: bool (N,).
        street_near: bool (N,), the street view was taken so near that a search has no other look.
        street_days: int64 (N,), ``NO_DATE`` where unknown.
        any_age: A street view of whatever age serves.
        strict: One without a date serves no photo that has one.
        from_camera: Right is what lies near the camera, not near the photo's own place.
        beside: What the places are known by from points around them, for a full search; where a
            near street view serves the photo, it has one standpoint, and these do not count.
    """

    described: Described
    otherwise: Described | None
    xy_m: Tensor
    city: Tensor
    street_present: Tensor
    street_near: Tensor
    street_days: Tensor
    any_age: bool = False
    strict: bool = False
    from_camera: bool = False
    beside: tuple[Described, ...] = ()

    def __len__(self) -> int:
        """The number of places."""
        return len(self.xy_m)

    def serving(self, query_days: Tensor) -> Tensor:
        """Return bool (B, N): the place's street view serves a photo of that day."""
        present = self.street_present[None, :].expand(len(query_days), -1)
        if self.any_age:
            return present
        age_days = StreetViewConfig().max_age_days
        return present & in_time(self.street_days[None], query_days[:, None], age_days, self.strict)


def model_galleries(
    encoder: PlaceEncoder,
    config: ModelConfig,
    places: PlaceSet,
    rows: npt.NDArray[np.int64],
    policies: Sequence[Policy],
    generator: PanoGANGenerator | None,
    device: torch.device,
    beside: bool = False,
    at_photos: bool = False,
) -> dict[tuple[str, Policy], Gallery]:
    """Return the galleries ``si``, ``svi`` and ``both`` of some places under each policy.

    Every picture is encoded once, whatever the number of policies; with ``beside`` satellite images
    also from the points around each place that a search looks from, and street views made there.
    With ``at_photos`` every photo has a place of its own, on whose camera its satellite image is
    centred, as in published pairs.

    Raises:
        BundleError: A synthetic street view is wanted and there is no generator.
    """
    mean = mean_street(places, rows, device) if "mean" in policies else None
    numbers: npt.NDArray[np.int64] | None = None
    if at_photos:
        numbers, at = np.nonzero(places.photo_there[rows].T)
        rows = rows[at]
    parts: dict[tuple[str, Policy], list[tuple[Described, Described]]] = {}
    looks: list[list[Described]] = []
    made_looks: list[list[Described]] = []
    shifts = BESIDE_M if beside else ()
    for batch in place_parts(places, rows, device, numbers):
        crops = batch.satellite
        center = batch.query_offset_m + batch.imagery_shift_m if at_photos else CENTRE
        si = _encode_satellite(encoder, config, crops, center)
        svi = _encode_street(encoder, *real_street(batch))
        around = [_encode_satellite(encoder, config, crops, at) for at in shifts]
        looks.append([_alone(encoder, look) for look in around])
        make = partial(_make_street, encoder, batch, generator, config, mean)
        if "synthetic" in policies:
            made = [make("synthetic", at) for at in shifts]
            made_looks.append([_with(encoder, *pair) for pair in zip(around, made, strict=True)])
        for policy in policies:
            filled = make(policy, center) if policy in FILL_INS else None
            for kind, pair in _by_kind(encoder, si, svi, filled, policy).items():
                parts.setdefault((kind, policy), []).append(pair)
    where = _whereabouts(places, rows, device, numbers)
    from_above = tuple(join(look) for look in zip(*looks, strict=True))
    with_made = tuple(join(look) for look in zip(*made_looks, strict=True))

    def beside_of(kind: str, policy: Policy) -> tuple[Described, ...]:
        if (kind, policy) == ("both", "synthetic"):
            return with_made
        return from_above if kind == "si" or (kind, policy) in _ALONE_OTHERWISE else ()

    return {
        (kind, policy): replace(
            where,
            described=join([first for first, _ in pairs]),
            otherwise=None if kind == "si" else join([second for _, second in pairs]),
            any_age=policy == "nearest",
            strict=policy == "strict",
            beside=beside_of(kind, policy),
        )
        for (kind, policy), pairs in parts.items()
    }


def road_gallery(
    encoder: PlaceEncoder,
    config: ModelConfig,
    laid: CityGallery,
    city: int,
    device: torch.device,
    beside: bool = True,
) -> Gallery:
    """Return satellite images along the roads of a city, laid and looked at as a search does.

    With ``beside`` from the points around each place too.
    """
    looks: list[list[Described]] = []
    for some in torch.split(torch.from_numpy(np.asarray(laid.satellite)), PART):
        crops = some.to(device)
        shifts = (CENTRE, *BESIDE_M) if beside else (CENTRE,)
        looks.append(
            [_alone(encoder, _encode_satellite(encoder, config, crops, at)) for at in shifts]
        )
    described, *around = (join(look) for look in zip(*looks, strict=True))
    count = len(laid.satellite)
    return Gallery(
        described=described,
        otherwise=None,
        xy_m=torch.from_numpy(np.asarray(laid.place_xy, np.float32)).to(device),
        city=torch.full((count,), city, device=device),
        street_present=torch.zeros(count, dtype=torch.bool, device=device),
        street_near=torch.zeros(count, dtype=torch.bool, device=device),
        street_days=torch.full((count,), NO_DATE, device=device),
        from_camera=True,
        beside=tuple(around),
    )


def plain_gallery(
    features: Tensor,
    coverage: Tensor,
    places: PlaceSet,
    rows: npt.NDArray[np.int64],
    device: torch.device,
) -> Gallery:
    """Return a gallery of ready features, whose street views' dates do not matter."""
    where = _whereabouts(places, rows, device)
    return replace(where, described=Described(features, coverage))


def shuffled(gallery: Gallery, seed: int) -> Gallery:
    """Return a gallery whose places hold each other's features, within a city."""
    rng = np.random.default_rng(seed)
    city = gallery.city.cpu().numpy()
    order = np.arange(len(city))
    for one in np.unique(city):
        mine = np.flatnonzero(city == one)
        order[mine] = rng.permutation(mine)
    rows = torch.as_tensor(order, device=gallery.city.device)
    return replace(
        gallery,
        described=gallery.described.at(rows),
        otherwise=None if gallery.otherwise is None else gallery.otherwise.at(rows),
        street_present=gallery.street_present[rows],
        street_near=gallery.street_near[rows],
        street_days=gallery.street_days[rows],
        beside=tuple(look.at(rows) for look in gallery.beside),
    )


def place_parts(
    places: PlaceSet,
    rows: npt.NDArray[np.int64],
    device: torch.device,
    photos: npt.NDArray[np.int64] | None = None,
) -> Iterator[RawBatch]:
    """Yield places in parts that fit the device, each with its photo of a number, or its first."""
    numbers = np.zeros_like(rows) if photos is None else photos
    for first in range(0, len(rows), PART):
        some = slice(first, first + PART)
        yield take_batch(places, rows[some], numbers[some]).to(device)


@dataclass(frozen=True)
class _Street:
    """Street views, and the share of a place that they make, where it is less than all."""

    seen: Described
    weight: float | None = None


def _make_street(
    encoder: PlaceEncoder,
    batch: RawBatch,
    generator: PanoGANGenerator | None,
    config: ModelConfig,
    mean: Tensor | None,
    policy: Policy,
    shift_m: Tensor | tuple[float, float],
) -> _Street:
    """Return what a policy that fills in puts in the place of every street view."""
    seen = _encode_street(encoder, *fill_in(batch, policy, generator, config, mean, shift_m))
    if policy == "synthetic" and generator is not None:
        return _Street(seen, generator.config.weight)
    return _Street(seen)


def _with(encoder: PlaceEncoder, si: Tensor, street: _Street) -> Described:
    """Return what places are known by from above and by their street views."""
    yes = torch.ones(len(si), dtype=torch.bool, device=si.device)
    weight = None if street.weight is None else yes * street.weight
    return _fused(encoder, si, street.seen.features, street.seen.coverage, yes, yes, weight)


def _by_kind(
    encoder: PlaceEncoder, si: Tensor, svi: Described, made: _Street | None, policy: Policy
) -> Mapping[str, tuple[Described, Described]]:
    """Return what a policy knows a place by: with its street view, and without."""
    yes = torch.ones(len(si), dtype=torch.bool, device=si.device)
    street, cover = svi.features, svi.coverage
    alone = _fused(encoder, si, street, cover, yes, ~yes)
    nothing = Described(torch.zeros_like(si), torch.zeros_like(cover))
    if made is not None:
        without_si = _fused(encoder, si, made.seen.features, made.seen.coverage, ~yes, yes)
        without = _with(encoder, si, made)
    else:
        without_si = nothing
        without = nothing if policy == "strict" else alone
    return {
        "si": (alone, alone),
        "svi": (_fused(encoder, si, street, cover, ~yes, yes), without_si),
        "both": (_with(encoder, si, _Street(svi)), without),
    }


def _fused(
    encoder: PlaceEncoder,
    si: Tensor,
    svi: Tensor,
    cover: Tensor,
    has_si: Tensor,
    has_svi: Tensor,
    weight: Tensor | None = None,
) -> Described:
    return Described.weighted(*encoder.fuse(si, svi, cover, has_si, has_svi, weight))


def _alone(encoder: PlaceEncoder, si: Tensor) -> Described:
    """Return what places are known by from above alone."""
    cover = torch.ones(len(si), si.shape[-1], device=si.device)
    yes = torch.ones(len(si), dtype=torch.bool, device=si.device)
    return _fused(encoder, si, si, cover, yes, ~yes)


def _encode_satellite(
    encoder: PlaceEncoder,
    config: ModelConfig,
    crops: Tensor,
    shift_m: Tensor | tuple[float, float],
) -> Tensor:
    strips = satellite_strips(crops, config, shift_m)
    return encoder.encode_satellite(normalize(strips, (strips > 0.0).any(dim=1)))


def _encode_street(encoder: PlaceEncoder, street: Tensor, seen: Tensor) -> Described:
    mask = picture_rows(street, seen).float()
    features = encoder.encode_street(normalize(street, mask), mask)
    return Described(features, encoder.photo_coverage(mask))


def _whereabouts(
    places: PlaceSet,
    rows: npt.NDArray[np.int64],
    device: torch.device,
    photos: npt.NDArray[np.int64] | None = None,
) -> Gallery:
    """Return where places lie: at their centres, or where their photos of a number were taken."""
    empty = torch.zeros(0, device=device)
    seen = np.asarray(places.street_seen[rows]).any(axis=1)
    near = np.hypot(*places.street_offset_m[rows].T) <= SearchConfig().near_view_m
    xy_m = np.asarray(places.place_xy[rows])
    if photos is not None:
        xy_m = xy_m + places.query_offset_m[rows, photos]
    return Gallery(
        described=Described(empty, empty),
        otherwise=None,
        xy_m=torch.as_tensor(xy_m, device=device),
        city=torch.as_tensor(np.asarray(places.city[rows]), device=device),
        street_present=torch.as_tensor(seen, device=device),
        street_near=torch.as_tensor(near, device=device),
        street_days=torch.as_tensor(np.asarray(places.street_days[rows]), device=device).long(),
        from_camera=photos is not None,
    )


def mean_street(places: PlaceSet, rows: npt.NDArray[np.int64], device: torch.device) -> Tensor:
    """Return the mean street view, float (3, H, W): of each column over the places that show it."""
    total = torch.zeros((), device=device)
    views = torch.zeros((), device=device)
    for batch in place_parts(places, rows, device):
        street, seen = real_street(batch)
        total = total + street.sum(dim=0)
        views = views + seen.sum(dim=0)
    return total / views.clamp(min=1)
