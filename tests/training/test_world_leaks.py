"""What photos and references must not share: with it a network would cheat, and fail outdoors."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import binom

from model_core.config import StripGeometry
from training.world.city import build_city
from training.world.samples import CitySamples, render_city_samples
from training.world.styles import city_generator, draw_style

SEEDS = (12, 19, 27)
PLACES, PHOTOS = 26, 4  # four photos a place: chance is 12 hits, a leak of three times 36
ROWS = 6


@pytest.fixture(scope="module")
def cities() -> list[CitySamples]:
    geometry = StripGeometry(height=32, width=96)
    return [render_city_samples(seed, PLACES, geometry, "cpu", PHOTOS) for seed in SEEDS]


def colors(images: np.ndarray) -> np.ndarray:
    """Mean and spread of the three colours, (N, 6)."""
    pixels = images.reshape(len(images), -1, 3).astype(float)
    return np.concatenate([pixels.mean(1), pixels.std(1)], 1)


def found_by_color(photos: np.ndarray, references: np.ndarray) -> int:
    """How many photos (N, Q, ...) find their own reference as the nearest in standard colour."""
    b = colors(references)
    b = (b - b.mean(0)) / (b.std(0) + 1e-6)
    found = 0
    for k in range(photos.shape[1]):
        a = colors(photos[:, k])
        a = (a - a.mean(0)) / (a.std(0) + 1e-6)
        gaps = np.linalg.norm(a[:, None] - b[None], axis=-1)
        found += int((gaps.argmin(1) == np.arange(len(a))).sum())
    return found


def at_most_by_chance(places: list[int], photos: int) -> int:
    """The number of hits that blind guessing exceeds once in a thousand tries."""
    mean_chance = len(places) / sum(places)
    return int(binom.ppf(0.999, sum(places) * photos, mean_chance))


def hits(cities, photo_part, reference_part) -> tuple[int, int]:
    """Count hits among the places that have a street view."""
    seen = [city.street_seen.any(axis=1) for city in cities]
    parts = [
        (photo_part(city)[there], reference_part(city)[there])
        for city, there in zip(cities, seen, strict=True)
    ]
    found = sum(found_by_color(photos, references) for photos, references in parts)
    places = [len(references) for _, references in parts]
    return found, at_most_by_chance(places, parts[0][0].shape[1])


PARTS = {
    "whole": slice(None),
    "sky": slice(0, 2),  # lower down begins the skyline, which both truly show
    "bottom rows": slice(-ROWS, None),
}


def test_the_probe_finds_what_is_there(cities):
    """Control: two halves of one picture, one sensor and one light, do give each other away."""
    found, _ = hits(cities, lambda c: c.street[:, None, :, ::2], lambda c: c.street[:, :, 1::2])
    there = sum(int(city.street_seen.any(axis=1).sum()) for city in cities)
    assert found > 0.9 * there


@pytest.mark.parametrize("part", ["sky", "bottom rows"])
def test_colors_of_a_part_do_not_find_the_street_view(cities, part):
    rows = PARTS[part]
    found, chance = hits(cities, lambda c: c.query[:, :, rows], lambda c: c.street[:, rows])
    assert found <= chance


@pytest.mark.parametrize("part", sorted(PARTS))
def test_colors_of_a_photo_do_not_find_the_satellite_image(cities, part):
    rows = PARTS[part]
    found, chance = hits(
        cities, lambda c: c.query[:, :, rows], lambda c: c.satellite[:, 56:104, 56:104]
    )
    assert found <= chance


def leaking(city: CitySamples) -> CitySamples:
    """The same city with a little of the satellite image's mean colour in every photo."""
    tint = city.satellite[:, 56:104, 56:104].mean((1, 2))[:, None, None, None]
    query = 0.25 * city.query + 0.75 * tint
    return dataclasses.replace(city, query=query.round().astype(np.uint8))


@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_leak_of_color_would_be_seen(cities, part):
    """The same probe as above, on photos that do share a colour with the satellite image."""
    rows = PARTS[part]
    found, chance = hits(
        [leaking(city) for city in cities],
        lambda c: c.query[:, :, rows],
        lambda c: c.satellite[:, 56:104, 56:104],
    )
    assert found > chance


def test_the_bound_lies_well_below_three_times_chance(cities):
    """A leak that triples the hits passes the bound by luck less than one time in twenty."""
    counts = [int(city.street_seen.any(axis=1).sum()) for city in cities]
    bound = at_most_by_chance(counts, PHOTOS)
    tripled = 3 * len(counts) / sum(counts)
    assert binom.cdf(bound, sum(counts) * PHOTOS, tripled) < 0.05


def found_by_layout(photos: np.ndarray, references: np.ndarray) -> int:
    """How many photos (N, Q, bins, K) are nearest their own reference's true layout."""
    b = references.reshape(len(references), -1).astype(float)
    found = 0
    for k in range(photos.shape[1]):
        a = photos[:, k].reshape(len(photos), -1).astype(float)
        gaps = np.linalg.norm(a[:, None] - b[None], axis=-1)
        found += int((gaps.argmin(1) == np.arange(len(a))).sum())
    return found


def test_the_true_layout_finds_places_only_where_geometry_is_shared(cities):
    """The oracle: with the references of other places it falls to chance."""
    rng = np.random.default_rng(4)
    own = other = 0
    for city in cities:
        order = rng.permutation(len(city.place_xy))
        own += found_by_layout(city.query_layout, city.layout)
        other += found_by_layout(city.query_layout, city.layout[order])
    chance = at_most_by_chance([len(city.place_xy) for city in cities], PHOTOS)
    assert own > 3 * chance
    assert other <= chance


def test_mean_color_hardly_finds_the_street_view(cities):
    """Facades keep their colours, as in reality, so a little more than chance is allowed."""
    found, chance = hits(cities, lambda c: c.query, lambda c: c.street)
    assert found <= 2 * chance


def test_the_order_of_places_says_nothing(cities):
    """Places that follow each other lie as far apart as any two."""
    for city in cities:
        xy = city.place_xy
        gap = np.linalg.norm(xy[:, None] - xy[None], axis=-1)
        following = np.diagonal(gap, 1).mean()
        rng = np.random.default_rng(0)
        shuffled = []
        for _ in range(300):
            order = rng.permutation(len(xy))
            shuffled.append(gap[order[:-1], order[1:]].mean())
        assert np.quantile(shuffled, 0.001) < following < np.quantile(shuffled, 0.999)


def test_the_order_of_the_demo_photos_says_nothing(repository: Path):
    with (repository / "resources" / "demo" / "truth.csv").open() as source:
        rows = sorted(csv.DictReader(source), key=lambda row: row["file"])
    xy = np.array([[float(row["lon"]) * 0.68, float(row["lat"])] for row in rows]) * 111_000
    gap = np.linalg.norm(xy[:, None] - xy[None], axis=-1)
    rng = np.random.default_rng(0)
    orders = [rng.permutation(len(xy)) for _ in range(500)]
    shuffled = [gap[order[:-1], order[1:]].mean() for order in orders]
    assert np.diagonal(gap, 1).mean() > np.quantile(shuffled, 0.002)


def test_the_sun_is_no_compass():
    """Between the two dates the sun's azimuth turns by any angle alike (Rayleigh's test)."""
    turns = []
    for seed in range(40, 52):
        city = build_city(seed, draw_style(seed), torch.device("cpu"), half_m=45.0, suns=4)
        turns += [
            b.azimuth_deg - a.azimuth_deg for a, b in zip(city.suns[0], city.suns[1], strict=True)
        ]
    length = np.abs(np.exp(1j * np.radians(turns)).mean())
    assert len(turns) * length**2 < 6.9


def test_offsets_point_everywhere(cities):
    """A photo lies on no preferred side of its place."""
    offsets = np.concatenate([city.query_offset_m.reshape(-1, 2) for city in cities])
    turns = np.arctan2(offsets[:, 0], offsets[:, 1])
    length = np.abs(np.exp(1j * turns).mean())
    assert len(turns) * length**2 < 6.9


def test_cars_move_between_the_dates():
    """Traffic of two sets shares hardly a parking slot's colour and place."""
    city = build_city(41, draw_style(41), torch.device("cpu"), half_m=80.0, suns=1)
    boxes = city.geometry.boxes
    sets = [boxes.center[(boxes.group == 10 + k) & (boxes.kind == 3)] for k in (1, 2)]
    gap = np.linalg.norm(sets[0][:, None] - sets[1][None], axis=-1)
    assert (gap.min(1) < 0.05).mean() < 0.9
    assert city_generator(41, 2, 1).random() != city_generator(41, 2, 2).random()
