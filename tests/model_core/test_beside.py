"""Places looked at from beside: what a search gains by it, what it costs, what may fail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model_core.alignment.polar import satellite_strip
from model_core.config import ModelConfig, SearchConfig, StripGeometry
from model_core.errors import Cancelled, ImageryError, ProviderError
from model_core.features.preprocess import to_tensor
from model_core.gallery.around import AROUND, LOOKS
from model_core.gallery.beside import FillIn, PlacesBeside
from model_core.gallery.places import PlaceRecord, PlaceTable
from model_core.gallery.weighting import weigh_bins
from model_core.matching.correlation import PhotoFeatures
from model_core.matching.search import LOOK_GAIN, search_gallery
from model_core.references.area import LocalFrame
from model_core.references.collect import ReferenceSummary
from model_core.references.source import FetchPlan
from model_core.types import (
    AlignedReference,
    LonLat,
    Place,
    Progress,
    SatelliteImage,
    SourceTerms,
)

CONFIG = ModelConfig(
    geometry=StripGeometry(height=16, width=64, footprint_m=40.0, satellite_px=80), width_stride=4
)
CPU = torch.device("cpu")
ORIGIN = LonLat(13.0, 55.0)
COUNT = 30
STEP_M = 5.0
TERMS = SourceTerms("a texture")


class Texture:
    """Imagery of a ground of coloured spots, the same at every reading."""

    def __init__(
        self, failing: dict[int, Exception] | None = None, terms: SourceTerms = TERMS
    ) -> None:
        rng = np.random.default_rng(3)
        self.spots = rng.uniform(-60, 1300, (1500, 2))
        self.spots[:, 1] = rng.uniform(-60, 60, 1500)
        self.colors = rng.uniform(0, 255, (1500, 3))
        self.failing = failing or {}
        self.read_count = 0
        self.terms = terms

    def read(self, center: LonLat, footprint_m: float, size_px: int) -> SatelliteImage:
        self.read_count += 1
        x_m, y_m = (float(part) for part in LocalFrame(ORIGIN).to_xy(center.lon, center.lat))
        error = self.failing.get(round(x_m / 40.0))
        if error is not None:
            raise error
        image = self.at(x_m, y_m, footprint_m, size_px)
        return SatelliteImage(image, np.ones(image.shape[:2], np.bool_), footprint_m, center, TERMS)

    def at(self, x_m: float, y_m: float, footprint_m: float, size_px: int) -> np.ndarray:
        step = (np.arange(size_px) + 0.5) / size_px * footprint_m - footprint_m / 2
        east, north = np.meshgrid(x_m + step, y_m - step)
        away = (east[..., None] - self.spots[:, 0]) ** 2 + (
            north[..., None] - self.spots[:, 1]
        ) ** 2
        return self.colors[away.argmin(-1)].astype(np.uint8)


class PoolingEncoder:
    """Features are the mean colours of rings and bins, in other axes; street views as weighed."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(1)
        self.mixing = torch.randn((CONFIG.feature_channels, 3), generator=generator)

    def encode_reference(
        self,
        satellite: torch.Tensor,
        satellite_present: torch.Tensor,
        street: torch.Tensor,
        street_mask: torch.Tensor,
        street_present: torch.Tensor,
        street_weight: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        assert bool(satellite_present.all())
        count, _, height, width = satellite.shape
        if bool(street_present.any()):
            assert bool(street_present.all())
            assert street_weight is not None
            weight = street_weight[:, None, None, None]
            satellite = (1 - weight) * satellite + weight * street
        rows, bins = CONFIG.feature_height, CONFIG.azimuth_bins
        parts = satellite.view(count, 3, rows, height // rows, bins, width // bins).mean((3, 5))
        features = torch.einsum("ck,nkhb->nchb", self.mixing, parts)
        return features, torch.ones(count, bins)


@dataclass(frozen=True)
class Model:
    encoder: PoolingEncoder
    config: ModelConfig = CONFIG


@dataclass(frozen=True)
class Table:
    features: np.ndarray
    energy: np.ndarray
    coverage: np.ndarray


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(PoolingEncoder())


def places() -> PlaceTable:
    """A row of places, 40 m apart."""
    frame = LocalFrame(ORIGIN)
    records = []
    for index in range(COUNT):
        lon, lat = (float(part) for part in frame.to_lonlat(40.0 * index, 0.0))
        records.append(
            PlaceRecord(
                Place(index, f"road-{index}", LonLat(lon, lat)),
                imagery_source="a texture",
            )
        )
    return PlaceTable.from_records(records)


def negatives(looks: Iterable[AlignedReference]) -> Iterator[AlignedReference]:
    """Put the negative of each satellite strip in the place of a street view, at half weight."""
    for look in looks:
        assert look.satellite_strip is not None
        strip = replace(look.satellite_strip, pixels=255 - look.satellite_strip.pixels)
        yield replace(look, street_strip=strip, street_view_kind="synthetic", street_weight=0.5)


@dataclass
class World:
    """A gallery of the texture and what looks beside its places."""

    model: Model
    texture: Texture = field(default_factory=Texture)
    not_looked_at: Sequence[int] = ()
    kept_bytes: int = 1 << 24
    fill_in: FillIn = iter

    def __post_init__(self) -> None:
        self.summary = ReferenceSummary()
        may_look = np.ones(COUNT, np.bool_)
        may_look[list(self.not_looked_at)] = False
        self.beside = PlacesBeside(
            places(), self.texture, self.model, CPU, may_look, STEP_M, 32,
            self.summary, self.kept_bytes, fill_in=self.fill_in,
        )  # fmt: skip

    def features(self, x_m: float, y_m: float) -> torch.Tensor:
        """What a place at a point is known by, (C, h, bins)."""
        geometry = CONFIG.geometry
        image = self.texture.at(x_m, y_m, geometry.footprint_m, geometry.satellite_px)
        seen = np.ones(image.shape[:2], np.bool_)
        satellite = SatelliteImage(image, seen, geometry.footprint_m, ORIGIN, TERMS)
        strips, mask = to_tensor([satellite_strip(satellite, geometry)])
        yes = torch.ones(1, dtype=torch.bool)
        with torch.inference_mode():
            features, _ = self.model.encoder.encode_reference(
                strips, yes, torch.zeros_like(strips), torch.zeros_like(mask), ~yes
            )
        return features[0]

    def gallery(self) -> Table:
        stacked = torch.stack([self.features(40.0 * index, 0.0) for index in range(COUNT)])
        coverage = torch.ones(COUNT, CONFIG.azimuth_bins)
        features, energy = weigh_bins(stacked.permute(0, 2, 3, 1), coverage)
        return Table(features.numpy(), energy.numpy(), coverage.numpy())

    def photo(self, x_m: float, y_m: float, first_bin: int, width: int = 5) -> PhotoFeatures:
        """What a perfect photo sees from a point."""
        columns = (first_bin + np.arange(width)) % CONFIG.azimuth_bins
        seen = self.features(x_m, y_m)[..., columns].numpy()
        return PhotoFeatures(seen, np.ones(width, np.float32), width * CONFIG.bin_deg)


def test_a_photo_taken_beside_a_place_is_found_there_and_not_without_looking_beside(
    model: Model,
) -> None:
    world = World(model)
    gallery, config = world.gallery(), SearchConfig()
    right = {True: 0, False: 0}
    for index in range(2, COUNT, 3):
        photo = world.photo(40.0 * index + STEP_M, -STEP_M, first_bin=index % 16)
        for look in right:
            beside = world.beside if look else None
            found = search_gallery(gallery, [photo], config, CPU, beside=beside)
            right[look] += found.top[0].place_index == index
            assert found.top[0].score == pytest.approx(found.scores.max())
            if look and found.top[0].place_index == index:
                centre = (index % 16 + 2.5) * CONFIG.bin_deg % 360
                assert abs((found.headings_deg[index] - centre + 180) % 360 - 180) < CONFIG.bin_deg
                assert found.correlation[index] > 0.9
    assert right[True] >= 9
    assert right[True] >= right[False] + 3


def test_looks_are_what_a_gallery_of_places_there_would_hold(model: Model) -> None:
    """The image ends a step short on the far side; all else is the same ground."""
    world = World(model)
    looks = world.beside.look([7])
    assert looks is not None
    assert looks.rows.tolist() == [7]
    bins = CONFIG.azimuth_bins
    assert looks.features.shape == (LOOKS, CONFIG.feature_height, bins, CONFIG.feature_channels)
    for number, (east, north) in enumerate(AROUND):
        there = world.features(280.0 + east * STEP_M, north * STEP_M).flatten()
        elsewhere = world.features(280.0 - 3 * STEP_M * east, 3 * STEP_M * north + 20.0).flatten()
        got = torch.from_numpy(looks.features[number]).float().permute(2, 0, 1).flatten()

        def alike(a: torch.Tensor, b: torch.Tensor) -> float:
            return float(torch.nn.functional.cosine_similarity(a, b, dim=0))

        assert alike(got, there) > 0.9
        assert alike(got, there) > alike(got, elsewhere) + 0.02


def test_the_joint_score_is_the_log_of_the_mean_likelihood_of_all_looks(model: Model) -> None:
    world = World(model)
    gallery, photo = world.gallery(), world.photo(123.0, 4.0, 3)
    alone = search_gallery(gallery, [photo], SearchConfig(), CPU)
    joint = search_gallery(gallery, [photo], SearchConfig(), CPU, beside=world.beside)
    looks = world.beside.look(range(COUNT))
    assert looks is not None
    flat = search_gallery(Table(looks.features, looks.energy, looks.coverage), [photo],
                          SearchConfig(top_k=COUNT * LOOKS), CPU)  # fmt: skip
    scale = np.polyfit(alone.correlation, alone.scores, 1)
    by_look = np.polyval(scale, flat.correlation.reshape(COUNT, LOOKS))
    every = np.column_stack([alone.scores, by_look])
    expected = np.log(np.exp(LOOK_GAIN * every).mean(axis=1)) / LOOK_GAIN
    np.testing.assert_allclose(joint.scores, expected, atol=2e-2)
    highest = np.column_stack([alone.correlation, flat.correlation.reshape(COUNT, LOOKS)]).max(1)
    np.testing.assert_allclose(joint.correlation, highest, atol=1e-4)


def test_places_that_have_a_standpoint_keep_it(model: Model) -> None:
    world = World(model, not_looked_at=(3, 4))
    looks = world.beside.look([2, 3, 4, 5])
    assert looks is not None
    assert looks.rows.tolist() == [2, 5]
    assert world.beside.look([3]) is None


def test_a_street_view_is_made_for_every_look_where_that_is_asked_for(model: Model) -> None:
    plain, made = (World(model, fill_in=f).beside.look([3, 4]) for f in (iter, negatives))
    assert plain is not None
    assert made is not None
    contrast = [one.features.astype(np.float32).std((1, 2)) for one in (plain, made)]
    assert (contrast[1] < 0.2 * contrast[0]).all(), "a strip and its negative together are grey"


def test_images_are_read_once_while_memory_lasts(model: Model) -> None:
    world = World(model)
    world.beside.look([1, 2, 3])
    world.beside.look([3, 2, 1])
    assert world.texture.read_count == 3
    small = World(model, kept_bytes=1)
    small.beside.look([1, 2])
    again = small.beside.look([1, 2])
    assert again is not None
    assert again.rows.tolist() == [1, 2]
    assert small.texture.read_count == 3


def test_an_image_that_cannot_be_read_costs_its_place_alone(model: Model) -> None:
    world = World(model, Texture({4: ImageryError("imagery.tif: damaged at 4")}))
    looks = world.beside.look([3, 4, 5])
    assert looks is not None
    assert looks.rows.tolist() == [3, 5]
    assert "damaged at 4" in world.summary.describe()


def test_a_source_that_has_failed_is_not_asked_again(model: Model) -> None:
    failing = {k: ProviderError("no network", reason="unreachable") for k in range(4, COUNT)}
    world = World(model, Texture(failing))
    looks = world.beside.look([3, 4, 5, 6])
    assert looks is not None
    assert looks.rows.tolist() == [3]
    assert world.texture.read_count == 2
    assert world.beside.look([8]) is None
    assert world.texture.read_count == 2
    assert "1 unreachable" in world.summary.describe()


def test_looking_can_be_stopped(model: Model) -> None:
    world = World(model)
    with pytest.raises(Cancelled):
        world.beside.look([1, 2, 3], cancel=lambda: world.texture.read_count >= 2)
    assert world.texture.read_count == 2


def test_places_that_are_looked_at_are_counted_and_those_known_are_not(model: Model) -> None:
    world = World(model)
    steps: list[Progress] = []
    world.beside.look([1, 2, 3], steps.append)
    assert [(step.stage, step.done, step.total) for step in steps] == [
        ("beside", done, 3) for done in (1, 2, 3)
    ]
    world.beside.look([2, 3, 4], steps.append)
    assert [(step.done, step.total) for step in steps[3:]] == [(1, 1)]


class Charged(Texture):
    """An online source that forbids keeping; of some places it would be asked again."""

    def __init__(self, gone: Sequence[int]) -> None:
        super().__init__(terms=replace(TERMS, cacheable=False))
        self.gone = gone

    def plan(self, centers: Sequence[LonLat], footprint_m: float, size_px: int) -> FetchPlan:
        x_m, _ = LocalFrame(ORIGIN).to_xy(centers[0].lon, centers[0].lat)
        return FetchPlan(1, 1000) if round(float(x_m) / 40.0) in self.gone else FetchPlan()

    def prepare(self, *arguments: Any) -> list[ProviderError]:
        return []

    def save(self, folder: Path, *arguments: Any) -> Path:
        return folder


def test_what_may_not_be_kept_is_not_asked_for_again(model: Model) -> None:
    world = World(model, Charged(gone=[4]))
    looks = world.beside.look([3, 4, 5])
    assert looks is not None
    assert looks.rows.tolist() == [3, 5]
    assert world.texture.read_count == 2
