"""What photos and references must not share: with it a network would cheat, and fail outdoors."""

import csv
import dataclasses
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from scipy.stats import binom
from torch.nn import functional

from model_core.bundle import default_bundle_path, load_bundle
from model_core.config import StripGeometry
from training.datasets.places import PlaceSet
from training.evaluate import evaluate_matcher
from training.world.appearance import GroundAppearance, draw_ground_appearance
from training.world.city import City, build_city
from training.world.columns import cast_columns
from training.world.ground import (
    CameraPose,
    StripFrame,
    foliage_of,
    frame_azimuths,
    frame_tangents,
    make_cameras,
    render_strips,
)
from training.world.plan import places_on_streets
from training.world.samples import CitySamples, SamplesDraft, draft_samples, render_samples
from training.world.styles import city_generator, draw_style
from training.world.surfaces import Surface, trace

SEEDS = (12, 19, 27)
PLACES, PHOTOS = 26, 4  # four photos a place: chance is 12 hits, a leak of three times 36
ROWS, SKY_ROWS = 6, 2
STRIPS = StripGeometry(height=32, width=96)
CPU = torch.device("cpu")
RAYLEIGH = 6.9  # what n R^2 of angles without a preference exceeds once in a thousand tries


@dataclasses.dataclass(frozen=True)
class Rendered:
    """A city's samples, and which pixels (N, 1 + Q, SKY_ROWS, W) of the top show sky alone."""

    samples: CitySamples
    sky: np.ndarray


@pytest.fixture(scope="module")
def rendered() -> list[Rendered]:
    drafts = [draft_samples(seed, PLACES, STRIPS, PHOTOS) for seed in SEEDS]
    return [Rendered(render_samples(draft, STRIPS, CPU), sky_of(draft)) for draft in drafts]


@pytest.fixture(scope="module")
def cities(rendered) -> list[CitySamples]:
    return [city.samples for city in rendered]


def sky_of(draft: SamplesDraft) -> np.ndarray:
    """Trace the top rows again: a pixel is sky if nothing else is in any of its four samples."""
    city = build_city(draft.plan.seed, draft.city.geometry.style, CPU, suns=4, draft=draft.city)
    top, low = STRIPS.elevation_max_deg, STRIPS.elevation_min_deg
    low = top - (top - low) * SKY_ROWS / STRIPS.height
    fine = StripFrame(STRIPS.width * 2, SKY_ROWS * 2, low, top)
    poses, looks = draft.plan.poses, draft.plan.looks
    cameras, azimuth = make_cameras(city, poses, looks), frame_azimuths(fine, CPU)
    columns = cast_columns(city, cameras, azimuth[None].expand(len(poses), -1))
    tangent = frame_tangents(fine, poses, cameras, azimuth)
    kind = trace(city, cameras, columns, tangent, foliage_of(looks, CPU)).kind
    open_sky = functional.avg_pool2d((kind == Surface.SKY).float().transpose(1, 2), 2) == 1
    places = len(draft.plan.place_xy)
    return open_sky.numpy().reshape(places, -1, SKY_ROWS, STRIPS.width)


def colors(images: np.ndarray) -> np.ndarray:
    """Mean and spread of the three colours, (N, 6)."""
    pixels = images.reshape(len(images), -1, 3).astype(float)
    return np.concatenate([pixels.mean(1), pixels.std(1)], 1)


def colors_where(images: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Mean and spread of the three colours, (N, 6), of the pixels shown (N, H, W)."""
    share = shown[..., None] / np.maximum(shown.sum((1, 2)), 1)[:, None, None, None]
    mean = (images * share).sum((1, 2))
    spread = np.sqrt((((images - mean[:, None, None]) ** 2) * share).sum((1, 2)))
    return np.concatenate([mean, spread], 1)


def nearest_is_own(photos: np.ndarray, references: np.ndarray) -> int:
    """How many rows (N, F) have their own reference as the nearest, each feature standardised."""
    a, b = ((x - x.mean(0)) / (x.std(0) + 1e-6) for x in (photos, references))
    gaps = np.linalg.norm(a[:, None] - b[None], axis=-1)
    return int((gaps.argmin(1) == np.arange(len(a))).sum())


def found_by_color(photos: np.ndarray, references: np.ndarray, probe: str) -> int:
    """How many photos (N, Q, ...) find their own reference by colour."""
    use = PROBES[probe]
    known = colors(references)[:, use]
    return sum(nearest_is_own(colors(photos[:, k])[:, use], known) for k in range(photos.shape[1]))


def at_most_by_chance(places: list[int], photos: int) -> int:
    """The number of hits that blind guessing exceeds once in a thousand tries."""
    mean_chance = len(places) / sum(places)
    return int(binom.ppf(0.999, sum(places) * photos, mean_chance))


def hits(cities, photo_part, reference_part, probe="mean and spread") -> tuple[int, int]:
    """Count hits among all places, and how many at most are chance."""
    parts = [(photo_part(city), reference_part(city)) for city in cities]
    found = sum(found_by_color(photos, references, probe) for photos, references in parts)
    places = [len(references) for _, references in parts]
    return found, at_most_by_chance(places, parts[0][0].shape[1])


def with_street_view(city: CitySamples) -> CitySamples:
    """The places of a city that have one."""
    there = city.street_seen.any(axis=1)
    return dataclasses.replace(city, street=city.street[there], query=city.query[there])


PROBES = {"mean": slice(3), "mean and spread": slice(6)}  # the first sees faint tints best
PARTS = {
    "whole": slice(None),
    "top rows": slice(0, ROWS),
    "bottom rows": slice(-ROWS, None),
}


def test_the_probe_finds_what_is_there(cities):
    """Control: two halves of one picture, one sensor and one light, do give each other away."""
    seen = [with_street_view(city) for city in cities]
    found, _ = hits(seen, lambda c: c.street[:, None, :, ::2], lambda c: c.street[:, :, 1::2])
    assert found > 0.9 * sum(len(city.street) for city in seen)


@pytest.mark.parametrize("probe", sorted(PROBES))
def test_colors_of_the_ground_do_not_find_the_street_view(cities, probe):
    rows = PARTS["bottom rows"]
    seen = [with_street_view(city) for city in cities]
    found, chance = hits(seen, lambda c: c.query[:, :, rows], lambda c: c.street[:, rows], probe)
    assert found <= chance


def found_by_sky(city: Rendered, photos: np.ndarray) -> tuple[int, int]:
    """How many photos find their street view by the colours of pixels that show sky alone.

    Places without such pixels at the top are left out: there, the skyline is all there is, which
    both truly show.
    """
    samples, sky = city.samples, city.sky
    clear = (sky.sum((2, 3)) >= 10) & samples.street_seen.any(axis=1)[:, None]
    found = count = 0
    for k in range(PHOTOS):
        use = clear[:, 0] & clear[:, 1 + k]
        a = colors_where(photos[use, k, :SKY_ROWS], sky[use, 1 + k])
        b = colors_where(samples.street[use, :SKY_ROWS], sky[use, 0])
        found += nearest_is_own(a, b)
        count += int(use.sum())
    return found, count


def test_the_sky_does_not_find_the_street_view(rendered):
    parts = [found_by_sky(city, city.samples.query) for city in rendered]
    chance = at_most_by_chance([count // PHOTOS for _, count in parts], PHOTOS)
    assert sum(found for found, _ in parts) <= chance


def test_a_shared_sky_would_be_seen(rendered):
    """Control: photos whose sky is mostly the street view's give it away."""
    found = []
    for city in rendered:
        c = city.samples
        mean = colors_where(c.street[:, :SKY_ROWS], city.sky[:, 0])[:, None, None, None, :3]
        found.append(found_by_sky(city, 0.25 * c.query + 0.75 * mean))
    chance = at_most_by_chance([count // PHOTOS for _, count in found], PHOTOS)
    assert sum(hit for hit, _ in found) > chance


@pytest.mark.parametrize("probe", sorted(PROBES))
@pytest.mark.parametrize("part", sorted(PARTS))
def test_colors_of_a_photo_do_not_find_the_satellite_image(cities, part, probe):
    rows = PARTS[part]
    found, chance = hits(
        cities, lambda c: c.query[:, :, rows], lambda c: c.satellite[:, 56:104, 56:104], probe
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
        "mean",
    )
    assert found > chance


def test_the_bound_lies_well_below_three_times_chance(cities):
    """A leak that triples the hits passes the bound by luck less than one time in twenty."""
    counts = [len(with_street_view(city).street) for city in cities]
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


def place_set(cities: list[CitySamples], strips: StripGeometry, order: np.ndarray) -> PlaceSet:
    """The cities as a model takes them; every place with the references of another by order."""

    def sized(images: np.ndarray) -> np.ndarray:
        flat = images.reshape(-1, *images.shape[-3:])
        size = (strips.width, strips.height)
        return np.stack([cv2.resize(i, size) for i in flat]).reshape(
            *images.shape[:-3], strips.height, strips.width, 3
        )

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(city, name) for city in cities])

    def whole(name: str) -> np.ndarray:
        seen = joined(name).any(axis=-1, keepdims=True)
        return np.broadcast_to(seen, (*seen.shape[:-1], strips.width))

    return PlaceSet(
        satellite=joined("satellite")[order],
        street=sized(joined("street"))[order],
        street_seen=whole("street_seen")[order],
        query=sized(joined("query")),
        query_seen=whole("query_seen"),
        city=np.repeat(np.arange(len(cities)), [len(city.place_xy) for city in cities]),
        **{
            name: joined(name)
            for name in (
                "street_days", "query_days", "query_state", "heading_known", "query_offset_m",
                "imagery_shift_m", "street_offset_m",
                "place_xy", "layout", "query_layout", "block",
            )
        },
    )  # fmt: skip


def test_the_packaged_model_finds_places_only_where_geometry_is_shared(cities):
    """With references of other places it falls to chance; with their own it does not."""
    model = load_bundle(default_bundle_path())
    rng = np.random.default_rng(4)
    starts = np.cumsum([0] + [len(city.place_xy) for city in cities])
    own = np.arange(starts[-1])
    other = np.concatenate([a + rng.permutation(b - a) for a, b in pairwise(starts)])
    found = {}
    for name, order in (("own", own), ("other", other)):
        places = place_set(cities, model.config.geometry, order)
        recalls = evaluate_matcher(model.encoder, model.config, places, ((180.0, 180.0),))
        found[name] = next(r for r in recalls if r.kind == "both")
    chance = found["other"].chance
    # The photos of one place err together, so places are what counts as a try.
    bound = binom.ppf(0.999, starts[-1], chance) / starts[-1]
    assert found["own"].recall_at_1 > bound
    assert found["other"].recall_at_1 <= bound


def test_mean_color_hardly_finds_the_street_view(cities):
    """Facades keep their colours, as in reality, so a little more than chance is allowed."""
    seen = [with_street_view(city) for city in cities]
    found, chance = hits(seen, lambda c: c.query, lambda c: c.street)
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


@pytest.fixture(scope="module")
def small_cities() -> list[City]:
    return [build_city(s, draw_style(s), CPU, half_m=45.0, suns=4) for s in range(40, 52)]


def strength_of(turns: np.ndarray) -> float:
    """Rayleigh's statistic of angles in radians: large if they agree."""
    return float(len(turns) * np.abs(np.exp(1j * turns).mean()) ** 2)


def test_the_sun_is_no_compass(small_cities):
    """Between the two dates the sun's azimuth turns by any angle alike."""
    turns = [
        np.radians(b.azimuth_deg - a.azimuth_deg)
        for city in small_cities
        for a, b in zip(*city.suns, strict=True)
    ]
    assert strength_of(np.array(turns)) < RAYLEIGH


def brighter_side(city: City, spot: np.ndarray, looks: list[GroundAppearance]) -> np.ndarray:
    """Where the sun lights most, (V,) radians: what it adds to each column, and nothing else."""
    dark = [
        dataclasses.replace(x, light=dataclasses.replace(x.light, sun_rgb=np.zeros(3, np.float32)))
        for x in looks
    ]
    pose = CameraPose((float(spot[0]), float(spot[1])))
    frame = StripFrame(48, 16, -30.0, 40.0)
    both = render_strips(city, [pose] * 2 * len(looks), looks + dark, frame, samples=1)
    lit = (both[: len(looks)] - both[len(looks) :]).mean((1, 2))
    azimuth = frame_azimuths(frame, CPU)
    return np.angle((lit * torch.exp(1j * azimuth)).sum(1).numpy())


@pytest.fixture(scope="module")
def brighter_sides(small_cities) -> np.ndarray:
    """Of (cities, 2 suns): a street view, a photo, and the street view's sun seen elsewhere."""
    out = []
    for number, city in enumerate(small_cities):
        rng = np.random.default_rng(number)
        spots = places_on_streets(city.geometry, 2, 30.0, rng)[0]
        clear = plain_look(rng)
        for street, photo in ((0, 2), (1, 3)):
            here = brighter_side(city, spots[0], [dataclasses.replace(clear, sun=street)])
            there = [
                dataclasses.replace(clear, date=k, sun=s) for k, s in ((1, photo), (0, street))
            ]
            out.append(np.concatenate([here, brighter_side(city, spots[-1], there)]))
    return np.array(out)


def plain_look(rng: np.random.Generator) -> GroundAppearance:
    """A clear day at the first date."""
    look = draw_ground_appearance(rng, 0, 5, 4, crowd=False)
    sun = np.full(3, 0.7, np.float32)
    return dataclasses.replace(look, light=dataclasses.replace(look.light, sun_rgb=sun))


def test_shadows_alone_tell_no_heading(brighter_sides):
    """The brighter side of a photo turns against the street view's by any angle alike."""
    assert strength_of(brighter_sides[:, 1] - brighter_sides[:, 0]) < RAYLEIGH


def test_shadows_of_one_sun_would_tell_the_heading(brighter_sides):
    """Control: two views under the same sun agree on where it is brighter."""
    assert strength_of(brighter_sides[:, 2] - brighter_sides[:, 0]) > RAYLEIGH


def test_offsets_point_everywhere(cities):
    """A photo lies on no preferred side of its place."""
    offsets = np.concatenate([city.query_offset_m.reshape(-1, 2) for city in cities])
    turns = np.arctan2(offsets[:, 0], offsets[:, 1])
    assert strength_of(turns) < RAYLEIGH


def test_cars_move_between_the_dates():
    """Traffic of two sets shares hardly a parking slot's colour and place."""
    city = build_city(41, draw_style(41), CPU, half_m=80.0, suns=1)
    boxes = city.geometry.boxes
    sets = [boxes.center[(boxes.group == 10 + k) & (boxes.kind == 3)] for k in (1, 2)]
    gap = np.linalg.norm(sets[0][:, None] - sets[1][None], axis=-1)
    assert (gap.min(1) < 0.05).mean() < 0.9
    assert city_generator(41, 2, 1).random() != city_generator(41, 2, 2).random()
