"""Evaluation end to end on a tiny rendered city, and its parts on places made by hand."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from model_core.bundle import default_bundle_path, load_bundle, write_bundle
from model_core.config import ModelConfig, SearchConfig
from model_core.errors import ConfigError, InputError
from model_core.gallery.weighting import weigh_bins
from model_core.matching.correlation import (
    PhotoFeatures,
    correlate_block,
    heading_of_shift,
    prepare_queries,
)
from model_core.matching.search import search_gallery
from training.cli import app
from training.controls import histogram, untrained
from training.correlation import Described, window_correlation
from training.data_sources import rendered_cities
from training.datasets.places import NO_DATE, PlaceSet
from training.datasets.rendered import load_rendered
from training.evaluate import Recall, evaluate_matcher, recall_table, watched_fovs_deg
from training.evaluate_bundle import EvaluationReport, evaluate_bundle
from training.evaluation.compare import compare_reports
from training.evaluation.cost import _peak_memory_mb
from training.evaluation.galleries import Gallery, mean_street, model_galleries, shuffled
from training.evaluation.options import EvaluateOptions
from training.evaluation.photos import PhotoBlock, cut_blocks, list_photos, longest_seen
from training.evaluation.rows import Label, make_rows
from training.evaluation.run import Setting, locate_photos, model_photos
from training.evaluation.scoring import rank_places
from training.evaluation.test_set import OWN_LIST
from training.evaluation.write import report_markdown, write_report
from training.metrics import Outcomes, summarize
from training.plots import draw_plots

CPU = torch.device("cpu")
CONFIG = ModelConfig()
RUN = CliRunner()
PLOTS = ("recall_by_rank", "recall_by_fov", "heading_error", "risk_coverage", "reliability")


@pytest.fixture(scope="module")
def city(world: Path) -> Path:
    """One rendered city of 14 places, with a sparse gallery along its roads."""
    return world / "held_out"


@pytest.fixture(scope="module")
def report(city: Path, tmp_path_factory: pytest.TempPathFactory) -> EvaluationReport:
    """The packaged matcher's figures there, places seen from their centres alone."""
    packaged = load_bundle(default_bundle_path())
    bare = dataclasses.replace(
        packaged, path=tmp_path_factory.mktemp("bare") / "model", generator=None
    )
    options = EvaluateOptions(
        fovs_deg=(360.0, 90.0), beside=False, controls=True, study=True, samples=200
    )
    return evaluate_bundle(city, write_bundle(bare), device="cpu", options=options)


def made(count: int = 6, cities: int = 1, photos: int = 2) -> PlaceSet:
    """Places of noise, 100 m apart; each street view is what its photos show."""
    rng = np.random.default_rng(3)
    height, width = CONFIG.geometry.height, CONFIG.geometry.width
    street = rng.integers(1, 256, (count, height, width // 8, 3), np.uint8).repeat(8, axis=2)
    return PlaceSet(
        satellite=rng.integers(1, 256, (count, 40, 40, 3), np.uint8),
        street=street,
        street_seen=np.ones((count, width), np.bool_),
        street_days=np.full(count, 1000, np.int32),
        query=street[:, None].repeat(photos, axis=1),
        query_seen=np.ones((count, photos, width), np.bool_),
        query_days=np.full((count, photos), 1000, np.int32),
        query_state=np.zeros((count, photos), np.uint8),
        heading_known=np.ones((count, photos), np.bool_),
        query_offset_m=np.zeros((count, photos, 2), np.float32),
        imagery_shift_m=np.zeros((count, 2), np.float32),
        street_offset_m=np.zeros((count, 2), np.float32),
        place_xy=np.stack([100.0 * np.arange(count), np.zeros(count)], 1).astype(np.float32),
        layout=np.zeros((count, CONFIG.azimuth_bins, 0), np.float16),
        query_layout=np.zeros((count, photos, CONFIG.azimuth_bins, 0), np.float16),
        city=(np.arange(count) % cities).astype(np.int64),
        block=np.zeros(count, np.int64),
    )


def rows_of(places: PlaceSet) -> npt.NDArray[np.int64]:
    return np.arange(len(places))


def test_cosines_are_those_of_the_engine() -> None:
    chance = torch.Generator().manual_seed(2)
    bins, width = 16, 4
    photos = torch.randn(3, 16, 4, width, generator=chance)
    cover = torch.tensor([[1.0, 1.0, 1.0, 1.0], [0.3, 1.0, 1.0, 0.0], [0.5, 0.5, 1.0, 1.0]])
    photos = photos * cover[:, None, None]
    places = torch.randn(5, 16, 4, bins, generator=chance)
    seen = torch.rand(5, bins, generator=chance)
    seen[2] = 1.0
    seen[3] = 0.0
    weighted, energy = weigh_bins(places.permute(0, 2, 3, 1), seen)
    queries = prepare_queries(
        [PhotoFeatures(p.numpy(), c.numpy(), 90.0) for p, c in zip(photos, cover, strict=True)],
        (4, bins, 16),
        CPU,
    )
    expected = correlate_block(weighted.float(), energy, seen, queries)
    gallery = Described(places * seen[:, None, None], seen)
    found = window_correlation(Described(photos, cover), gallery)
    assert torch.isinf(found[:, 3]).all()
    torch.testing.assert_close(found, expected.permute(1, 0, 2), atol=2e-3, rtol=0.0)


def test_blocks_of_a_gallery_give_what_the_whole_does(monkeypatch: pytest.MonkeyPatch) -> None:
    places = made()
    encoder = untrained(CONFIG, 1)
    gallery = _gallery(places, "both", "hybrid")
    block = _block(places)
    described = model_photos(encoder)(block)
    whole = rank_places(described, gallery, block, ("full",))["full"]
    monkeypatch.setattr("training.evaluation.scoring._WINDOW_VALUES", {"cpu": 1})
    parts = rank_places(described, gallery, block, ("full",))["full"]
    torch.testing.assert_close(parts.scores, whole.scores)
    torch.testing.assert_close(parts.shifts, whole.shifts)


def test_looks_beside_are_joined_as_the_engine_joins_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same order, scores in proportion and shifts; in blocks as in one."""
    chance = torch.Generator().manual_seed(4)
    places, block = made(40, photos=1), _block(made(40, photos=1), 90.0)
    with torch.inference_mode():
        photos = model_photos(untrained(CONFIG, 1))(block)
    bins = CONFIG.azimuth_bins
    features = torch.randn(3, 40, 16, 4, bins, generator=chance)
    whole = torch.ones(40, bins)
    looks = [Described(one, whole) for one in features]
    gallery = dataclasses.replace(
        _gallery(places, "si", "hybrid"), described=looks[0], otherwise=None, beside=(*looks[1:],)
    )
    ranked = rank_places(photos, gallery, block, ("full",))["full"]

    def table(part: torch.Tensor) -> Table:
        stored, energy = weigh_bins(part.permute(0, 2, 3, 1), torch.ones(len(part), bins))
        return Table(stored.numpy(), energy.numpy(), np.ones((len(part), bins), np.float32))

    seen = table(features[1:].transpose(0, 1).flatten(0, 1))
    for number in range(4):
        photo = PhotoFeatures(
            photos.features[number].numpy(), photos.coverage[number].numpy(), 90.0
        )
        config = SearchConfig(top_k=40, beside_places=40)
        found = search_gallery(table(features[0]), [photo], config, CPU, beside=Beside(seen))
        mine = ranked.scores[number].numpy()
        assert np.corrcoef(mine, found.scores)[0, 1] > 0.9999
        assert int(mine.argmax()) == found.top[0].place_index
        headings = heading_of_shift(ranked.shifts[number].numpy(), photo.width, bins)
        off = (headings - found.headings_deg + 180.0) % 360.0 - 180.0
        assert np.median(np.abs(off)) < 0.5
    monkeypatch.setattr("training.evaluation.scoring._WINDOW_VALUES", {"cpu": 1})
    parts = rank_places(photos, gallery, block, ("full",))["full"]
    torch.testing.assert_close(parts.scores, ranked.scores)


def test_only_places_known_from_above_are_looked_at_from_beside(city: Path) -> None:
    model = load_bundle(default_bundle_path())
    places = load_rendered(city, model.config)
    rows = rows_of(places)
    far = np.arange(len(places)) % 3 == 0
    offset_m = np.where(far[:, None], (0.0, 11.0), (6.0, 7.0)).astype(np.float32)
    places = dataclasses.replace(places, street_offset_m=offset_m)
    photos = list_photos(places, rows, (90.0, 90.0), seed=1)
    block = next(cut_blocks(places, photos, model.config, CPU, 1, 100))
    scores = {}
    with torch.inference_mode():
        photo = model_photos(model.encoder)(block)
        for beside in (False, True):
            galleries = model_galleries(
                model.encoder, model.config, places, rows, ("hybrid",), None, CPU, beside
            )
            for (kind, _), gallery in galleries.items():
                ranked = rank_places(photo, gallery, block, ("full", "known"))
                scores[kind, beside] = ranked["full"].scores
                scores[f"{kind} known", beside] = ranked["known"].scores
    serves = galleries["both", "hybrid"].serving(block.batch.query_days)
    assert 0.2 < serves.float().mean() < 0.8
    changed = {kind: scores[kind, True] != scores[kind, False] for kind, _ in scores}
    assert changed["si"].all()
    assert torch.equal(changed["both"], ~serves | torch.from_numpy(far))
    assert not any(changed[kind].any() for kind in ("svi", "si known", "both known"))


def test_photos_of_unknown_heading_say_nothing_of_headings() -> None:
    places = made(12)
    known = np.zeros_like(places.heading_known)
    known[:4] = True
    places = dataclasses.replace(places, heading_known=known)
    rows, setting = rows_of(places), Setting((90.0, 90.0), ("full", "known"))
    galleries = {"both": _gallery(places, "both", "hybrid")}
    encode = model_photos(untrained(CONFIG, 1))

    def found(of: npt.NDArray[np.int64]) -> dict[str, Outcomes]:
        located = locate_photos(places, of, setting, galleries, encode, CONFIG, CPU, 1)
        return {search: outcomes for (_, search), outcomes in located.items()}

    some = found(rows)
    assert set(some["known"].place) == {0, 1, 2, 3}
    assert set(some["full"].place) == set(rows)
    none = found(rows[4:])
    assert not len(none["known"])
    figures = summarize(none["full"], samples=10)
    assert not [name for name in figures.shares if name.startswith(("heading", "first"))]
    assert "heading 10" in summarize(some["full"], samples=10).shares


def test_the_mean_street_view_is_that_of_the_places_that_show_a_column() -> None:
    places = made(4)
    seen, street = places.street_seen.copy(), places.street.copy()
    seen[:] = True
    seen[0, :100], seen[1] = False, False
    street = street * seen[:, None, :, None]
    places = dataclasses.replace(places, street_seen=seen, street=street)
    mean = mean_street(places, rows_of(places), CPU).permute(1, 2, 0).numpy() * 255
    np.testing.assert_allclose(mean[:, :100], street[2:, :, :100].mean(axis=0), atol=1e-3)
    rest = street[[0, 2, 3], :, 100:].mean(axis=0)
    np.testing.assert_allclose(mean[:, 100:], rest, atol=1e-3)


def test_photos_can_be_sought_among_places_centred_on_them(city: Path) -> None:
    model = load_bundle(default_bundle_path())
    places = load_rendered(city, model.config)
    places = dataclasses.replace(places, query_seen=places.query_seen.copy())
    places.query_seen[3, 0] = False  # the fourth place has one photo
    rows = rows_of(places)
    with torch.inference_mode():
        centred, around = (
            model_galleries(
                model.encoder, model.config, places, rows, ("hybrid",), None, CPU, False, at_photos
            )
            for at_photos in (True, False)
        )
    number, place = np.divmod(np.flatnonzero(np.arange(2 * len(rows)) != 3), len(rows))
    cameras = places.place_xy[place] + places.query_offset_m[place, number]
    for kind in ("si", "svi", "both"):
        mine, theirs = (galleries[kind, "hybrid"] for galleries in (centred, around))
        assert torch.allclose(mine.xy_m, torch.from_numpy(cameras), atol=1e-3)
        assert (mine.from_camera, theirs.from_camera) == (True, False)
        same = torch.isclose(
            mine.described.features, theirs.described.features[place], atol=1e-5
        ).all(dim=(1, 2, 3))  # fmt: skip
        assert bool(same.all()) == (kind == "svi")  # street views stand where they stand


def test_centred_places_are_searched_by_the_command(city: Path) -> None:
    options = EvaluateOptions(gallery="photos", fovs_deg=(90.0,), study=False, samples=20)
    report = evaluate_bundle(city, device="cpu", options=options)
    (own,) = [r for r in report.recalls if (r.kind, r.fov_deg, r.search) == ("si", 90.0, "full")]
    plain = evaluate_bundle(
        city, device="cpu", options=dataclasses.replace(options, gallery="places")
    )
    (other,) = [r for r in plain.recalls if (r.kind, r.fov_deg, r.search) == ("si", 90.0, "full")]
    assert own.photos == other.photos
    assert sum((own.recall_at_1, own.recall_at_5, own.recall_at_10)) > sum(
        (other.recall_at_1, other.recall_at_5, other.recall_at_10)
    )


@dataclasses.dataclass(frozen=True)
class Table:
    features: npt.NDArray[np.float16]
    energy: npt.NDArray[np.float32]
    coverage: npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Beside:
    """Two looks at each place, in its order."""

    looks: Table

    def look(self, rows: list[int], *, progress: object, cancel: object) -> Looks:
        at = (2 * np.asarray(rows)[:, None] + [0, 1]).ravel()
        parts = (part[at] for part in vars(self.looks).values())
        return Looks(np.asarray(rows), *parts)


@dataclasses.dataclass(frozen=True)
class Looks:
    rows: npt.NDArray[np.int64]
    features: npt.NDArray[np.float16]
    energy: npt.NDArray[np.float32]
    coverage: npt.NDArray[np.float32]


def _gallery(places: PlaceSet, kind: str, policy: str) -> Gallery:
    encoder = untrained(CONFIG, 1)
    with torch.inference_mode():
        return model_galleries(
            encoder,
            CONFIG,
            places,
            rows_of(places),
            (policy,),
            None,
            CPU,  # type: ignore[arg-type]
        )[kind, policy]  # type: ignore[index]


def _block(places: PlaceSet, fov_deg: float = 360.0) -> PhotoBlock:
    photos = list_photos(places, rows_of(places), (fov_deg, fov_deg), seed=1)
    return next(cut_blocks(places, photos, CONFIG, CPU, 1, 100))


def test_a_photo_that_is_its_place_is_found_first_at_its_heading() -> None:
    places = made(6)
    galleries = {"svi": _gallery(places, "svi", "hybrid")}
    encode = model_photos(untrained(CONFIG, 1))
    searches = Setting((360.0, 360.0), ("full", "none", "known"))
    found = locate_photos(places, rows_of(places), searches, galleries, encode, CONFIG, CPU, 1)
    full, known = found["svi", "full"], found["svi", "known"]
    assert (full.rank == 1).all()
    assert full.heading_error_deg.max() < 15.0
    assert (full.first_distance_m == 0.0).all()
    assert (known.rank == 1).all()
    assert (known.heading_error_deg == 0.0).all()
    assert np.median(found["svi", "none"].heading_error_deg) > 20.0


def test_a_street_view_serves_photos_of_its_time_only() -> None:
    places = made(4)
    days = np.array([[1000, 5000]] * 4, np.int32)
    days[3] = NO_DATE
    places = dataclasses.replace(places, query_days=days)
    serving = _gallery(places, "svi", "strict").serving(torch.from_numpy(days[:, 1]))
    assert serving[:3].sum() == 0
    assert serving[3].all()
    assert _gallery(places, "svi", "nearest").serving(torch.from_numpy(days[:, 1])).all()
    undated = dataclasses.replace(places, street_days=np.full_like(places.street_days, NO_DATE))
    for policy, serves in (("strict", False), ("hybrid", True)):
        serving = _gallery(undated, "svi", policy).serving(torch.from_numpy(days[:, 1]))
        assert (serving[:3] == serves).all(), "the engine's policy strict wants a date"
        assert serving[3].all()


def test_strict_cannot_name_places_without_a_street_view_and_hybrid_can() -> None:
    places = made(6)
    seen = places.street_seen.copy()
    seen[:3] = False
    places = dataclasses.replace(places, street_seen=seen)
    encode = model_photos(untrained(CONFIG, 1))
    galleries = {policy: _gallery(places, "both", policy) for policy in ("strict", "hybrid")}
    setting = Setting((360.0, 360.0))
    found = locate_photos(places, rows_of(places), setting, galleries, encode, CONFIG, CPU, 1)
    strict, hybrid = found["strict", "full"], found["hybrid", "full"]
    bare = strict.place < 3
    assert (strict.rank[bare, 0] == 7).all()
    assert (strict.scored == 3).all()
    assert (strict.right[bare, 0] == 0).all()
    assert (strict.chance()[bare, 0] == 0.0).all()
    assert np.isnan(strict.heading_error_deg[bare]).all()
    assert (hybrid.rank[:, 0] <= 6).all()
    assert (hybrid.scored == 6).all()
    assert strict.available.tolist() == (~bare).tolist()


def test_shuffled_places_keep_their_city_and_lose_their_pictures() -> None:
    places = made(8, cities=2)
    gallery = _gallery(places, "svi", "hybrid")
    mixed = shuffled(gallery, seed=0)
    assert torch.equal(mixed.city, gallery.city)
    moved = (mixed.described.features != gallery.described.features).flatten(1).any(1)
    assert moved.sum() >= 4
    for one in (0, 1):
        mine = gallery.city == one
        assert set(mixed.described.features[mine].sum((1, 2, 3)).tolist()) == set(
            gallery.described.features[mine].sum((1, 2, 3)).tolist()
        )


def test_no_place_of_another_city_is_right_in_a_pooled_gallery() -> None:
    places = made(8, cities=2)
    # Each photo shows a place of the other city, which lies on the very same coordinates.
    elsewhere = np.roll(places.query, 1, axis=0)
    places = dataclasses.replace(places, query=elsewhere, place_xy=np.zeros((8, 2), np.float32))
    gallery = {"svi": _gallery(places, "svi", "hybrid")}
    encode = model_photos(untrained(CONFIG, 1))
    setting = Setting((360.0, 360.0))
    found = locate_photos(places, rows_of(places), setting, gallery, encode, CONFIG, CPU, 1)
    assert (found["svi", "full"].right == 4).all()
    assert (found["svi", "full"].rank > 1).all()
    assert np.isinf(found["svi", "full"].first_distance_m).all()


def test_the_longest_seen_run_goes_around_the_circle() -> None:
    seen = np.zeros((4, 12), np.bool_)
    seen[0, [11, 0, 1, 5, 6]] = True
    seen[1] = True
    seen[2, 3] = True
    first, length = longest_seen(seen)
    assert length.tolist() == [3, 12, 1, 0]
    assert first[[0, 2]].tolist() == [11, 3]


def test_windows_stay_within_what_a_photo_shows() -> None:
    places = made(5)
    seen = np.zeros_like(places.query_seen)
    seen[:, 0, 20:60] = True  # 112.5 degrees from 56.25 on
    query = places.query * seen[:, :, None, :, None]
    places = dataclasses.replace(places, query=query, query_seen=seen)
    photos = list_photos(places, rows_of(places), (90.0, 90.0), seed=4)
    assert photos.photo.tolist() == [0] * 5
    assert (photos.left_deg >= 56.25).all()
    assert (photos.left_deg + 90.0 <= 168.75 + 1e-9).all()
    assert np.ptp(photos.left_deg) > 1.0
    block = next(cut_blocks(places, photos, CONFIG, CPU, 0, 10))
    shown = block.windows.mask.bool()
    assert shown.any()
    assert (block.windows.images.amax(1)[shown] > 0).all()
    assert len(list_photos(places, rows_of(places), (120.0, 120.0), seed=4)) == 0
    mixed = list_photos(places, rows_of(places), (45.0, 360.0), seed=4)
    assert len(mixed) == 5
    assert mixed.fov_deg.max() <= 112.5


def test_headings_do_not_depend_on_the_model() -> None:
    places = made(5)
    again = [list_photos(places, rows_of(places), (45.0, 120.0), seed=9) for _ in range(2)]
    assert np.array_equal(again[0].left_deg, again[1].left_deg)
    assert np.array_equal(again[0].fov_deg, again[1].fov_deg)
    other = list_photos(places, rows_of(places), (45.0, 120.0), seed=10)
    assert not np.array_equal(other.left_deg, again[0].left_deg)


def test_rows_that_are_blank_all_around_are_not_seen() -> None:
    places = made(3)
    query = places.query.copy()
    query[:, :, :10] = 0
    block = _block(dataclasses.replace(places, query=query))
    assert block.windows.mask[:, :10].max() == 0.0
    assert block.windows.mask[:, 10:].min() == 1.0


def test_the_figures_are_those_of_a_plain_recomputation(
    city: Path, report: EvaluationReport
) -> None:
    model = load_bundle(default_bundle_path())
    places = load_rendered(city, model.config)
    photos = list_photos(places, rows_of(places), (90.0, 90.0), report.options.seed)
    with torch.inference_mode():
        gallery = model_galleries(
            model.encoder, model.config, places, rows_of(places), ("hybrid",), None, CPU
        )["both", "hybrid"]
        blocks = list(cut_blocks(places, photos, model.config, CPU, report.options.seed, 128))
        cosines = []
        for block in blocks:
            described = model_photos(model.encoder)(block)
            queries = prepare_queries(
                [
                    PhotoFeatures(f.numpy(), c.numpy(), 90.0)
                    for f, c in zip(described.features, described.coverage, strict=True)
                ],
                (4, model.config.azimuth_bins, 16),
                CPU,
            )
            both = []
            for known in (gallery.described, gallery.otherwise):
                assert known is not None
                stored, energy = weigh_bins(known.features.permute(0, 2, 3, 1), known.coverage)
                both.append(correlate_block(stored.float(), energy, None, queries).numpy())
            serves = gallery.serving(block.batch.query_days).numpy().T[:, :, None]
            cosines.append(np.where(serves, *both).transpose(1, 0, 2))
    best = np.concatenate(cosines).max(axis=2)
    hits = {1: 0, 5: 0}
    chance = 0.0
    for row, scores in enumerate(best):
        away = np.linalg.norm(places.place_xy - places.place_xy[photos.place[row]], axis=1)
        order = np.argsort(-scores)
        for k in hits:
            hits[k] += bool((away[order[:k]] <= 25.0).any())
        chance += (away <= 25.0).mean()
    found = next(r for r in report.recalls if (r.kind, r.fov_deg) == ("both", 90.0))
    assert found.photos == len(best)
    assert found.recall_at_1 == pytest.approx(hits[1] / len(best))
    assert found.recall_at_5 == pytest.approx(hits[5] / len(best))
    assert found.chance == pytest.approx(chance / len(best))


def test_the_short_form_for_training_is_the_same(city: Path, report: EvaluationReport) -> None:
    model = load_bundle(default_bundle_path())
    places = load_rendered(city, model.config)
    options = report.options
    recalls = evaluate_matcher(
        model.encoder, model.config, places, ((90.0, 90.0),), seed=options.seed, device=CPU
    )
    assert [r.kind for r in recalls] == ["si", "svi", "both"]
    by_kind = {r.kind: r for r in report.recalls if r.fov_deg == 90.0}
    for recall in recalls:
        assert recall == by_kind[recall.kind]


def test_a_training_is_watched_by_photos_as_narrow_as_they_are(city: Path) -> None:
    model = load_bundle(default_bundle_path())
    places = load_rendered(city, model.config)
    assert watched_fovs_deg(places) == ((60.0, 60.0), (90.0, 90.0))
    seen = np.zeros_like(places.query_seen)
    seen[..., :18] = True  # 50 degrees, as of a phone held upright
    narrow = dataclasses.replace(places, query_seen=seen)
    fovs_deg = watched_fovs_deg(narrow)
    recalls = evaluate_matcher(model.encoder, model.config, narrow, fovs_deg, device=CPU)
    assert [(r.kind, r.fov, r.photos) for r in recalls] == [
        (kind, "45-120", narrow.photo_there.sum()) for kind in ("si", "svi", "both")
    ]


def test_controls_stand_where_they_must(report: EvaluationReport) -> None:
    shares = {
        (row.label.model, row.label.kind): row.figures.shares["R@1 25m"]
        for row in report.rows
        if row.label.fov == report.options.mixed_label
        and (row.state, row.queries, row.label.search) == ("all", "all", "full")
        and row.label.policy == "hybrid"
    }
    oracle = shares["layout oracle", "layout"]
    assert oracle.low > oracle.chance
    for kind in ("si", "svi", "both"):
        assert ("colour histogram", kind) in shares
        for control in ("untrained", "geometry shuffled"):
            share = shares[control, kind]
            assert share.low <= share.chance + 0.1
            assert share.value < oracle.value


def test_every_policy_is_scored_and_what_is_missing_is_said(report: EvaluationReport) -> None:
    policies = {row.label.policy for row in report.rows if row.label.model == "model"}
    assert policies == {"strict", "hybrid", "nearest", "mask", "mean", "satellite"}
    assert any("no street-view generator" in note for note in report.notes)
    by_policy = {r.kind: r for r in report.recalls if r.fov_max_deg == 120.0}
    assert by_policy["hybrid"].recall_at_1 == by_policy["both"].recall_at_1
    assert {"strict", "nearest", "mask"} <= set(by_policy)


def test_a_report_is_written_with_plots_that_show_something(
    report: EvaluationReport, tmp_path: Path
) -> None:
    write_report(report, tmp_path / "new")
    for name in PLOTS:
        pixels = np.asarray(Image.open(tmp_path / "new" / f"{name}.png").convert("RGB"))
        assert pixels.shape[0] > 400
        assert pixels.shape[1] > 700
        colored = np.ptp(pixels.astype(int), axis=2) > 60
        assert 0.002 < colored.mean() < 0.2, name
    text = (tmp_path / "new" / "report.md").read_text()
    for heading in ("By field of view", "Headings", "policy", "Controls", "Confidence", "Cost"):
        assert heading in text
    values = json.loads((tmp_path / "new" / "report.json").read_text())
    assert values["model_hash"] == report.model_hash
    assert values["cost"]["places"] == report.places
    assert {"kind", "fov_deg", "recall_at_1", "chance"} <= set(values["figures"][0])
    photos = pq.read_table(tmp_path / "new" / "photos.parquet")
    assert photos.num_rows == sum(map(len, report.outcomes.values()))


def test_peak_memory_is_in_megabytes_and_unknown_where_the_system_does_not_tell(
    report: EvaluationReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    kilobytes = _peak_memory_mb(CPU)
    monkeypatch.setattr("sys.platform", "darwin")
    of_bytes = _peak_memory_mb(CPU)
    assert kilobytes is not None
    assert of_bytes == pytest.approx(kilobytes / 1024, rel=0.1)
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setitem(sys.modules, "resource", None)
    assert _peak_memory_mb(CPU) is None
    assert report.cost is not None
    untold = dataclasses.replace(report.cost, peak_memory_mb=None)
    assert "peak memory -." in report_markdown(dataclasses.replace(report, cost=untold))


def test_figures_alone_are_written_to_a_json_file(report: EvaluationReport, tmp_path: Path) -> None:
    write_report(report, tmp_path / "figures.json")
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]


def _of_model(report: EvaluationReport) -> EvaluationReport:
    """The report without controls and other policies."""
    wanted = {
        k: v for k, v in report.outcomes.items() if (k.model, k.policy) == ("model", "hybrid")
    }
    rows = tuple(row for row in report.rows if row.label in wanted)
    return dataclasses.replace(report, outcomes=wanted, rows=rows)


def test_reports_are_compared_over_the_same_photos(
    report: EvaluationReport, tmp_path: Path
) -> None:
    own = _of_model(report)
    write_report(own, tmp_path / "a")
    worse = {
        label: dataclasses.replace(some, rank=some.rank + 1) for label, some in own.outcomes.items()
    }
    rows = make_rows(worse, report.options, report.states, CPU)
    other = dataclasses.replace(own, outcomes=worse, rows=tuple(rows))
    write_report(other, tmp_path / "b")
    comparison = compare_reports([tmp_path / "a" / "report.json", tmp_path / "b"], "90")
    first, second = comparison.rows["both"]
    assert first is not None
    assert second is not None
    was = first["R@1 25m"].value
    assert was > 0.0
    assert second["R@1 25m"].value == 0.0
    assert second["R@1 25m"].difference == pytest.approx(-was)
    interval = second["R@1 25m"].interval
    assert interval is not None
    assert interval[0] <= -was <= interval[1]
    assert second["heading 10"].difference == 0.0
    result = RUN.invoke(app, ["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--fov", "90"])
    assert result.exit_code == 0, result.output
    with pytest.raises(InputError, match="45-120"):
        compare_reports([tmp_path / "a", tmp_path / "b"], "33")
    with pytest.raises(InputError, match="no report"):
        compare_reports([tmp_path / "a", tmp_path / "c"], "90")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gallery", "photos"),
        ("state", "flood"),
        ("imagery", "after"),
        ("street_photos", 2),
        ("seed", 6),
        ("protocol", OWN_LIST),
        ("places", 13),
        ("data", Path("elsewhere")),
    ],
)
def test_reports_of_other_photos_are_not_compared(
    name: str, value: object, report: EvaluationReport, tmp_path: Path
) -> None:
    write_report(_of_model(report), tmp_path / "a.json")
    changed: dict[str, object] = {name: value}
    if hasattr(report.options, name) and name != "protocol":
        changed = {"options": dataclasses.replace(report.options, **changed)}  # type: ignore[arg-type]
    write_report(dataclasses.replace(_of_model(report), **changed), tmp_path / "b.json")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=f"a and b are of other photos: .*{value}"):
        compare_reports([tmp_path / "a.json", tmp_path / "b.json"], "90")


def test_models_policies_and_looks_may_differ_and_paths_be_written_otherwise(
    report: EvaluationReport, city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = _of_model(report)
    options = dataclasses.replace(own.options, beside=True, study=False, controls=False)
    monkeypatch.chdir(city.parent)
    other = dataclasses.replace(
        own, bundle=Path("other"), model_hash="b", data=Path(city.name), options=options
    )
    write_report(own, tmp_path / "a")
    write_report(other, tmp_path / "b")
    cells = compare_reports([tmp_path / "a", tmp_path / "b"], "90").rows["both"]
    assert cells[1] is not None
    assert cells[1]["R@1 25m"].difference == 0.0
    nearest = dataclasses.replace(report.options, policy="nearest")
    write_report(dataclasses.replace(report, options=nearest), tmp_path / "nearest.json")
    found = compare_reports([tmp_path / "a", tmp_path / "nearest.json"], "45-120")
    assert None not in found.rows["both"]


def test_a_report_says_what_was_tested_on_and_what_right_is_near(report: EvaluationReport) -> None:
    text = report_markdown(report)
    assert "headings are unknown and all are searched" in text
    assert "itself searches no headings" not in text
    assert "whole cities, cross-area; gallery" in text
    assert "within 25 m of the photo's place" in text
    asked = dataclasses.replace(report.options, gallery="roads")
    other = dataclasses.replace(report, protocol=OWN_LIST, options=asked)
    text = report_markdown(other)
    assert f"{OWN_LIST}; gallery: roads" in text
    assert "cross-area" not in text
    assert "within 25 m of the camera" in text


def test_the_command_scores_galleries_along_roads(city: Path, tmp_path: Path) -> None:
    arguments = ["evaluate", "--data", str(city), "--device", "cpu", "--gallery", "roads"]
    arguments += ["--fov", "90", "--samples", "20", "--out", str(tmp_path / "road.json")]
    result = RUN.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "road.json").read_text())["figures"]
    assert {figure["kind"] for figure in figures} == {"road"}
    assert 0.0 < figures[0]["chance"] < 1.0


def test_the_command_writes_figures_into_the_card_and_keeps_the_rest(
    city: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "model"
    shutil.copytree(default_bundle_path(), bundle)
    before = load_bundle(bundle)
    pairs = before.card.partition("**Real pairs**")[2].partition("**Limits.**")[0]
    arguments = ["evaluate", "--data", str(city), "--bundle", str(bundle), "--device", "cpu"]
    result = RUN.invoke(app, [*arguments, "--fov", "90", "--samples", "20", "--card"])
    assert result.exit_code == 0, result.output
    model = load_bundle(bundle)
    assert model.model_hash == before.model_hash
    kinds = {(row["kind"], row["photos"]) for row in model.training["held_out"]}
    assert {kind for kind, _ in kinds} >= {"si", "svi", "both", "road"}, "roads were not measured"
    assert ("both", 28) in kinds
    assert "Street views under each policy" in model.card
    assert {row["policy"] for row in model.training["policies"]} >= {"hybrid", "nearest", "strict"}
    assert len(pairs) > 100
    assert pairs in model.card
    learned = {**model.training, "cities": rendered_cities(city)}
    write_bundle(dataclasses.replace(model, training=learned))
    told = RUN.invoke(app, [*arguments, "--card"])
    assert told.exit_code == 2
    assert "the model learned from its cities" in " ".join(told.output.split())
    told = RUN.invoke(app, [*arguments, "--card", "--street-photos", "2"])
    assert told.exit_code == 2
    assert "leave out --street-photos" in " ".join(told.output.split())


def test_recall_at_one_percent_is_left_out_of_reports_on_small_galleries(
    report: EvaluationReport,
) -> None:
    text = report_markdown(report)
    assert "R@1% is left out" in text
    assert "| R@10 | R@1% |" not in text
    assert "R@1% 25m" in report.rows[0].figures.shares
    larger = {
        label: dataclasses.replace(some, places=some.places + 100, rank=some.rank + 1)
        for label, some in report.outcomes.items()
    }
    rows = tuple(make_rows(larger, report.options, report.states, CPU))
    text = report_markdown(dataclasses.replace(report, outcomes=larger, rows=rows))
    assert "left out" not in text
    assert "| R@10 | R@1% |" in text


def test_states_have_rows_and_a_plot_of_their_own(report: EvaluationReport, tmp_path: Path) -> None:
    mixed = report.options.mixed_label
    states = ("none", "flood")
    some = {
        label: dataclasses.replace(found, state=np.arange(len(found)) % 2)
        for label, found in _of_model(report).outcomes.items()
    }
    rows = make_rows(some, report.options, states, CPU)
    flood = [r for r in rows if r.state == "flood" and r.label.policy == "hybrid"]
    assert {row.label.kind for row in flood} == {"si", "svi", "both"}
    label = Label("model", "both", "hybrid", mixed, "full")
    halves = [r.figures for r in rows if r.label == label and r.state in states]
    whole = next(r.figures for r in rows if r.label == label and r.state == "all")
    assert sum(one.photos for one in halves) == whole.photos
    mean = np.average([one.share("R@1 25m") for one in halves], weights=[o.photos for o in halves])
    assert mean == pytest.approx(whole.share("R@1 25m"))
    assert "recall_by_state.png" in draw_plots(some, rows, tmp_path, mixed)
    text = report_markdown(dataclasses.replace(report, rows=tuple(rows)))
    assert "By state of disaster" in text


def test_a_model_without_a_search_of_headings_is_scored_as_it_does_and_honestly(
    city: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_bundle(default_bundle_path())
    unsearched = dataclasses.replace(
        model, config=dataclasses.replace(model.config, heading_search=False)
    )
    monkeypatch.setattr("training.evaluate_bundle.load_bundle", lambda *_: unsearched)
    options = EvaluateOptions(fovs_deg=(90.0,), samples=20)
    report = evaluate_bundle(city, device="cpu", options=options)
    shares = {
        row.label.search: row.figures
        for row in report.rows
        if (row.label.kind, row.label.fov) == ("both", "90")
    }
    assert set(shares) == {"full", "none", "known"}
    assert shares["known"].share("R@5 25m") > shares["none"].share("R@5 25m")
    own = next(r for r in report.recalls if (r.kind, r.fov_deg) == ("both", 90.0))
    assert own.search == "none"
    assert own.recall_at_5 == shares["none"].share("R@5 25m")
    text = report_markdown(report)
    assert "The model itself searches no headings." in text
    assert "not searched: the references' first columns" in text
    assert "scores itself where the heading is given" not in text
    titles = {recall_table([recall]).title for recall in report.recalls}
    assert titles == {
        "Held-out places, unknown heading, not searched: the references' first columns; "
        "right within 25 m"
    }


@pytest.mark.parametrize(
    ("option", "value"), [("gallery", "street"), ("policy", "newest"), ("fovs_deg", (400.0,))]
)
def test_options_without_meaning_are_refused(option: str, value: object) -> None:
    with pytest.raises(ConfigError):
        EvaluateOptions(**{option: value})  # type: ignore[arg-type]


def test_an_unknown_state_lists_the_known_ones(city: Path) -> None:
    with pytest.raises(ConfigError, match="flood"):
        evaluate_bundle(city, device="cpu", options=EvaluateOptions(state="earthquake"))


def test_a_field_of_view_that_is_no_number_is_named(city: Path) -> None:
    result = RUN.invoke(app, ["evaluate", "--data", str(city), "--fov", "90,wide"])
    assert result.exit_code == 2
    assert "90,wide" in result.output


def test_colour_histograms_count_what_is_seen() -> None:
    images = torch.zeros(1, 3, 4, 16)
    images[:, 0, :, 8:] = 0.99
    mask = torch.ones(1, 4, 16)
    found = histogram(images, mask, CONFIG).features[0, :, 0]
    assert found[0, 0] == 1.0
    assert found[48, 1] == 1.0
    mask[:, :, 8:] = 0.0
    assert histogram(images, mask, CONFIG).features[0, :, 0, 1].abs().max() == 0.0


def test_the_short_form_keeps_its_older_fields() -> None:
    recall = Recall("si", 60.0, 3, 0.1, 0.2, 0.3, 40.0)
    assert recall.fov_max_deg is None
