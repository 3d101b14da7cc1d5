"""Hard negatives: the places that a photo is most easily taken for, found by the model itself.

Source: Sample4Geo mines by similarity once geographic neighbours have taught the most.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from model_core.fusion.place_encoder import PlaceEncoder
from training.correlation import Described, join, window_correlation
from training.datasets.places import RawBatch
from training.datasets.resident import ResidentPlaces
from training.losses import Whereabouts, right_too
from training.matcher import Matcher
from training.views import StreetPolicy, labels_of, show_photos, show_satellites, show_streets

ENCODE_ROWS = 256
PHOTO_ROWS = 256
PLACE_ROWS = 2048


@dataclasses.dataclass(frozen=True)
class _Known:
    """N photos and places, and where they are."""

    photos: Described
    places: Described
    where: Whereabouts


@torch.no_grad()
def mine_hard_negatives(
    matcher: Matcher, places: ResidentPlaces, negatives: int, fov_deg: float, seed: int
) -> Tensor:
    """Return the rows (N, k) of the places most like each place's photo, hardest first.

    What is right too, by ``right_too``, is no negative; -1 stands where too few are left.

    Args:
        matcher: Whose averaged encoder judges.
        places: The training set, on the matcher's device.
        negatives: k; fewer where the set has no more places.
        fov_deg: Field of view of the photos.
        seed: Of headings.
    """
    chance = torch.Generator(places.device).manual_seed(seed)
    encoder = matcher.averaged
    known = _encode(matcher, encoder, places, fov_deg, chance)
    count = min(negatives, len(places) - 1)
    return torch.cat(
        [_hardest(known, first, count, matcher) for first in range(0, len(places), PHOTO_ROWS)]
    )


def _encode(
    matcher: Matcher,
    encoder: PlaceEncoder,
    places: ResidentPlaces,
    fov_deg: float,
    chance: torch.Generator,
) -> _Known:
    was_training = encoder.training
    encoder.eval()
    rows = torch.arange(len(places), device=places.device)
    photos, references, cameras, centres, cities = [], [], [], [], []
    for part in torch.split(rows, ENCODE_ROWS):
        batch = places.take(part, torch.zeros_like(part))
        cut = show_photos(batch, fov_deg, matcher.model_config, chance)
        full = cut.images.shape[-1] == matcher.model_config.geometry.width
        features = encoder.encode_photo(cut.images, cut.mask, circular=full)
        photos.append(Described(features, encoder.photo_coverage(cut.mask)))
        references.append(_encode_places(matcher, encoder, batch, chance))
        cameras.append(batch.place_xy + batch.query_offset_m)
        centres.append(batch.place_xy)
        cities.append(batch.city)
    encoder.train(was_training)
    where = Whereabouts(torch.cat(cameras), torch.cat(centres), torch.cat(cities))
    return _Known(join(photos), join(references), where)


def _encode_places(
    matcher: Matcher, encoder: PlaceEncoder, batch: RawBatch, chance: torch.Generator
) -> Described:
    """Return what B places are known by: satellite images, and street views if usable."""
    policy: StreetPolicy = matcher.config.street_policy
    labels = labels_of(batch, policy)
    shares = vars(matcher.config.references)
    with_streets = shares["si"] < sum(shares.values())
    usable = labels.street_usable & with_streets
    at_place = matcher.at_place(labels, with_streets=with_streets)
    strips = show_satellites(batch, matcher.model_config, 0.0, chance, at_place)
    satellite = encoder.encode_satellite(strips)
    # What is hidden by chance would tell places apart that are alike.
    images, mask = show_streets(batch, chance, partial_share=0.0)
    there = torch.ones_like(usable)
    street = encoder.encode_street(images, mask)
    cover = encoder.photo_coverage(mask)
    return Described.weighted(*encoder.fuse(satellite, street, cover, there, usable))


def _hardest(known: _Known, first: int, count: int, matcher: Matcher) -> Tensor:
    """Return (B, count) rows for the photos from ``first`` on, a block of places at a time."""
    mine = slice(first, first + PHOTO_ROWS)
    photos, taken = known.photos.at(mine), known.where.at(mine)
    radius_m = matcher.config.false_negative_radius_m
    searched = matcher.model_config.heading_search
    count_of, device = len(photos.features), photos.features.device
    best_score = torch.zeros((count_of, 0), device=device)
    best_row = torch.zeros((count_of, 0), dtype=torch.long, device=device)
    for start in range(0, len(known.places.features), PLACE_ROWS):
        part = slice(start, start + PLACE_ROWS)
        found = window_correlation(photos, known.places.at(part), heading_search=searched)
        score = found.amax(dim=2)
        near = right_too(taken, known.where.at(part), radius_m)
        score = score.masked_fill(near, -torch.inf)
        row = torch.arange(start, start + score.shape[1], device=score.device).expand_as(score)
        best_score = torch.cat([best_score, score], dim=1)
        best_row = torch.cat([best_row, row], dim=1)
        best_score, kept = best_score.topk(min(count, best_score.shape[1]), dim=1)
        best_row = best_row.gather(1, kept)
    return best_row.masked_fill(best_score == -torch.inf, -1)
