"""From scores and inliers to ranked candidates: either carries alone, both agree, neither lies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model_core.candidates import (
    UNKNOWN_HEADING_SIGMA_DEG,
    heading_spread_deg,
    merge_neighbours,
    rank_candidates,
)
from model_core.config import EvidenceModel, RankingConfig
from model_core.errors import ShapeError
from model_core.evidence import (
    inlier_threshold,
    log_inlier_odds,
    posterior,
    seen_from,
)
from model_core.gallery.places import PlaceRecord, PlaceTable
from model_core.matching.search import RetrievalResult
from model_core.position import TriedViews
from model_core.types import (
    LonLat,
    Match,
    Photo,
    PhotoResult,
    Place,
    SourceTerms,
    StreetView,
    Verification,
)

CONFIG = RankingConfig()
SIDE, SPACING_M = 20, 20.0
COUNT = SIDE * SIDE
M_PER_DEG_LAT = 111_320.0
M_PER_DEG_LON = M_PER_DEG_LAT * np.cos(np.radians(50.0))
BINS = 32


def lonlat_at(x_m: float, y_m: float) -> LonLat:
    return LonLat(10.0 + x_m / M_PER_DEG_LON, 50.0 + y_m / M_PER_DEG_LAT)


def index_at(column: int, row: int) -> int:
    return row * SIDE + column


@pytest.fixture(scope="module")
def places() -> PlaceTable:
    """A grid of 20 x 20 places, 20 m apart; index = row * 20 + column."""
    records = []
    for index in range(COUNT):
        row, column = divmod(index, SIDE)
        place = Place(index, f"grid-{index}", lonlat_at(column * SPACING_M, row * SPACING_M))
        records.append(PlaceRecord(place, "real", street_view_source="Folder"))
    return PlaceTable.from_records(records)


def photo(fov_deg: float | None = 70.0) -> Photo:
    pixels = np.zeros((4, 4, 3), np.uint8)
    return Photo(Path("p.jpg"), "5ha", pixels, fov_deg=fov_deg, notes=("from the file",))


def retrieval(scores: np.ndarray, headings: np.ndarray | None = None) -> RetrievalResult:
    scores = scores.astype(np.float32)
    if headings is None:
        headings = np.full(len(scores), 90.0)
    order = np.argsort(-scores)[:50]
    grid = np.tile((np.arange(BINS) + 0.5) * 360 / BINS, (len(order), 1)).astype(np.float32)
    off = (grid - headings[order][:, None] + 180) % 360 - 180
    shares = np.exp(-0.5 * (off / 15.0) ** 2)
    fovs = np.full(len(scores), 70.0, np.float32)
    return RetrievalResult(
        scores=scores,
        headings_deg=headings.astype(np.float32),
        fovs_deg=fovs,
        correlation=scores / 10,
        top=tuple(Match(int(i), float(scores[i]), 0.1, float(headings[i]), 70.0) for i in order),
        heading_grid_deg=grid,
        heading_probability=(shares / shares.sum(1, keepdims=True)).astype(np.float32),
    )


def chance_scores(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=COUNT)


def views_every_100_m() -> list[StreetView]:
    """25 street views, 5 m east of every fifth place."""
    views = []
    for row in range(0, SIDE, 4):
        for column in range(0, SIDE, 4):
            at = lonlat_at(column * SPACING_M + 5.0, row * SPACING_M)
            name = f"view-{index_at(column, row)}"
            terms = SourceTerms("Folder")
            views.append(StreetView(name, Path("v.jpg"), at, "perspective", 0.0, 60.0, terms))
    return views


def verifications(
    inliers: dict[int, int], heading_deg: float | None = 200.0, chance: int = 7
) -> list[Verification]:
    """Every view tried: chance (and up to two more) everywhere, but as told at some places."""
    made = []
    for number, view in enumerate(views_every_100_m()):
        place = int(view.view_id.split("-")[1])
        count = inliers.get(place, chance + number % 3)
        made.append(Verification(place, view.view_id, count, 80, heading_deg, 4.0))
    return made


def tried_views(inliers: np.ndarray, xy_m: np.ndarray, shown: float = 1.0) -> TriedViews:
    """Street views that say nothing of direction."""
    unknown = np.full(len(xy_m), np.nan)
    return TriedViews(
        (), inliers.astype(float), xy_m, np.full(len(xy_m), shown), unknown, unknown, unknown
    )


def check_sums(result: PhotoResult) -> None:
    assert result.place_probability is not None
    total = float(result.place_probability.sum(dtype=np.float64)) + result.probability_elsewhere
    assert total == pytest.approx(1.0, abs=1e-5)
    assert [one.rank for one in result.candidates] == list(range(1, len(result.candidates) + 1))
    falling = [one.probability for one in result.candidates]
    assert falling == sorted(falling, reverse=True)


def test_verification_carries_alone(places: PlaceTable) -> None:
    place = index_at(8, 4)
    tried = verifications({place: 25})
    result = rank_candidates(photo(), places, None, tried, CONFIG, views_every_100_m())
    best = result.candidates[0]
    check_sums(result)
    assert best.place_id == f"grid-{place}"
    assert best.inliers == 25
    assert best.street_view_id == next(one.view_id for one in tried if one.inliers == 25)
    assert (best.heading_deg, best.heading_sigma_deg, best.fov_deg) == (200.0, 4.0, 70.0)
    assert best.probability > 0.9
    assert not result.not_in_area
    assert (best.street_view, best.street_view_source) == ("real", "Folder")
    assert result.photo_sha256 == "5ha"
    assert "from the file" in result.notes


@pytest.mark.parametrize(("inliers", "inside"), [(15, False), (17, False), (18, True), (40, True)])
def test_inliers_alone_decide_whether_it_is_here(
    places: PlaceTable, inliers: int, inside: bool
) -> None:
    tried = verifications({index_at(4, 8): inliers})
    result = rank_candidates(photo(), places, None, tried, CONFIG, views_every_100_m())
    assert result.not_in_area is not inside


def test_many_weak_views_do_not_add_up_to_an_answer(places: PlaceTable) -> None:
    tried = verifications({}, chance=14)
    result = rank_candidates(photo(), places, None, tried, CONFIG, views_every_100_m())
    assert result.not_in_area
    assert result.candidates[0].inliers == 16
    check_sums(result)


def test_the_order_of_inliers_is_the_order_of_candidates(places: PlaceTable) -> None:
    counts = {index_at(0, 0): 14, index_at(8, 8): 300, index_at(16, 4): 60, index_at(4, 16): 19}
    tried = verifications(counts)
    result = rank_candidates(photo(), places, None, tried, CONFIG, views_every_100_m())
    assert [one.inliers for one in result.candidates[:4]] == [300, 60, 19, 14]


def test_retrieval_carries_alone(places: PlaceTable) -> None:
    scores, place = chance_scores(), index_at(11, 13)
    scores[place] = 5.5
    result = rank_candidates(photo(), places, retrieval(scores), (), CONFIG)
    best = result.candidates[0]
    check_sums(result)
    assert best.place_id == f"grid-{place}"
    assert best.heading_deg == pytest.approx(90.0)
    assert 8.0 < best.heading_sigma_deg < 25.0
    assert not result.not_in_area
    assert "no street view was tried" in result.notes


def test_chance_scores_are_not_an_answer(places: PlaceTable) -> None:
    """Scores of 60 photos that are elsewhere decide nothing: what was not known is not known."""
    results = [
        rank_candidates(photo(), places, retrieval(chance_scores(seed)), (), CONFIG)
        for seed in range(60)
    ]
    assert np.mean([result.probability_elsewhere for result in results]) == pytest.approx(
        0.5, abs=0.03
    )
    assert max(result.candidates[0].probability for result in results) < 0.2


def test_inliers_beat_a_confident_wrong_retrieval(places: PlaceTable) -> None:
    scores = chance_scores()
    scores[index_at(15, 15)] = 8.0
    scores[index_at(4, 4)] = -2.5
    tried = verifications({index_at(4, 4): 24})
    both = rank_candidates(photo(), places, retrieval(scores), tried, CONFIG, views_every_100_m())
    # The neighbour 15 m from the street view scores better than the one 5 m from it.
    assert both.candidates[0].place_id in (f"grid-{index_at(4, 4)}", f"grid-{index_at(5, 4)}")
    assert both.candidates[0].heading_deg == 200.0
    other = next(c for c in both.candidates if c.place_id == f"grid-{index_at(15, 15)}")
    assert other.rank <= 5
    assert other.heading_deg == pytest.approx(90.0)


def test_chance_inliers_leave_the_retrieval_its_word(places: PlaceTable) -> None:
    scores, place = chance_scores(), index_at(10, 10)
    scores[place] = 5.0
    tried = verifications({index_at(0, 12): 15})
    both = rank_candidates(photo(), places, retrieval(scores), tried, CONFIG, views_every_100_m())
    assert both.candidates[0].place_id == f"grid-{place}"
    assert both.candidates[0].heading_deg == pytest.approx(90.0)


def test_agreement_says_more_than_either(places: PlaceTable) -> None:
    scores, place = chance_scores(), index_at(8, 8)
    scores[place] = 4.0
    tried = verifications({place: 18})
    views = views_every_100_m()
    only_scores = rank_candidates(photo(), places, retrieval(scores), (), CONFIG)
    only_inliers = rank_candidates(photo(), places, None, tried, CONFIG, views)
    both = rank_candidates(photo(), places, retrieval(scores), tried, CONFIG, views)
    assert both.candidates[0].place_id == f"grid-{place}"
    assert both.candidates[0].probability > only_scores.candidates[0].probability
    assert both.candidates[0].probability > only_inliers.candidates[0].probability
    assert both.probability_elsewhere < only_inliers.probability_elsewhere


def test_a_view_supports_the_places_near_it_the_nearest_most(places: PlaceTable) -> None:
    """The view stands 5 m east of its place; told as another place's, its position decides."""
    view = views_every_100_m()[7]
    place = int(view.view_id.split("-")[1])
    tried = [Verification(place - 2, view.view_id, 30, 90, None, None)]
    result = rank_candidates(photo(), places, None, tried, CONFIG, [view])
    share = result.place_probability
    assert share is not None
    order = np.argsort(-share)[:2].tolist()
    assert order == [place, place + 1]
    unplaced = rank_candidates(photo(), places, None, tried, CONFIG)
    assert unplaced.candidates[0].place_id == f"grid-{place - 2}"


def test_a_photo_between_two_views_is_placed_between_them(places: PlaceTable) -> None:
    """Two views 40 m apart with as many inliers each; a third, far away, changes nothing."""
    counts = {index_at(8, 8): 40, index_at(16, 16): 60}
    tried = verifications(counts)
    near = replace(views_every_100_m()[0], view_id="near", lonlat=lonlat_at(165.0 + 40.0, 160.0))
    tried.append(Verification(index_at(10, 8), "near", 40, 90, 205.0, 4.0))
    views = [*views_every_100_m(), near]
    result = rank_candidates(photo(), places, None, tried, CONFIG, views)
    assert [one.place_id for one in result.candidates[:2]] == [
        f"grid-{index_at(16, 16)}",
        f"grid-{index_at(9, 8)}",
    ]
    assert result.candidates[1].inliers == 40
    assert result.candidates[1].heading_deg in (200.0, 205.0)


def test_a_view_far_outside_proves_nothing_inside(places: PlaceTable) -> None:
    terms = SourceTerms("Folder")
    view = StreetView("far", Path("v.jpg"), lonlat_at(-400.0, 0.0), "perspective", 0.0, 60.0, terms)
    tried = [Verification(0, "far", 60, 90, None, None)]
    result = rank_candidates(photo(), places, None, tried, CONFIG, [view])
    assert result.not_in_area


def test_views_tried_in_vain_speak_against_their_places(places: PlaceTable) -> None:
    scores = np.zeros(COUNT)
    tried = verifications({})
    result = rank_candidates(photo(), places, retrieval(scores), tried, CONFIG, views_every_100_m())
    share = result.place_probability
    assert share is not None
    assert share[index_at(4, 4)] < share[index_at(6, 6)]


def test_a_view_tried_in_vain_says_less_of_places_far_off_and_of_what_it_does_not_show() -> None:
    model = EvidenceModel()
    places_m = np.array([[0.0, 0.0], [model.seen_sigma_m, 0.0], [200.0, 0.0]])
    circle = seen_from(tried_views(np.array([3]), np.zeros((1, 2))), places_m, model)
    assert circle.tolist() == pytest.approx([model.seen, model.seen * np.exp(-0.5), 0.0])
    quarter = tried_views(np.array([3, 5]), np.zeros((2, 2)), shown=0.25)
    assert seen_from(quarter, places_m, model) == pytest.approx(circle / 4)
    assert not seen_from(tried_views(np.zeros(0), np.zeros((0, 2))), places_m, model).any()


def test_panoramas_tried_in_vain_leave_the_places_without_one(places: PlaceTable) -> None:
    """Scores say nothing; half of the area was photographed all around, and nothing matched."""
    views = [
        replace(view, projection="equirectangular", fov_deg=None)
        for view in views_every_100_m()
        if int(view.view_id.split("-")[1]) % SIDE < SIDE // 2
    ]
    seen = {view.view_id for view in views}
    tried = [one for one in verifications({}) if one.view_id in seen]
    result = rank_candidates(photo(), places, retrieval(np.zeros(COUNT)), tried, CONFIG, views)
    best = [int(one.place_id.split("-")[1]) for one in result.candidates]
    nearest = [
        min(
            np.hypot(
                i % SIDE - int(v.split("-")[1]) % SIDE, i // SIDE - int(v.split("-")[1]) // SIDE
            )
            for v in seen
        )
        for i in best
    ]
    assert min(nearest) * SPACING_M > 35.0
    assert result.not_in_area


def test_an_area_full_of_one_texture_raises_the_threshold() -> None:
    rng = np.random.default_rng(0)
    xy = rng.uniform(0, 2000, (60, 2))
    quiet = tried_views(rng.integers(5, 11, 60), xy)
    loud = tried_views(rng.integers(18, 30, 60), xy)
    model = EvidenceModel()
    assert inlier_threshold(quiet, CONFIG, model) == 17.5
    assert inlier_threshold(loud, CONFIG, model) > 30.0
    tower = quiet.inliers.copy()
    tower[:10] = 80.0
    assert inlier_threshold(tried_views(tower, xy), CONFIG, model) < 19.0


def test_odds_grow_with_inliers_without_end_or_overflow() -> None:
    model = EvidenceModel()
    odds = log_inlier_odds(np.array([17.0, 17.5, 26.5, 27, 200, 220, 5000]), 16.5, model)
    assert (np.diff(odds) > 0).all()
    assert odds[3] - odds[2] < odds[1] - odds[0]
    assert odds[5] - odds[4] < 1.0
    probability, elsewhere = posterior(np.array([5000.0, 4999.0, 0.0]))
    assert probability.tolist() == pytest.approx([0.7311, 0.2689, 0.0], abs=1e-4)
    assert elsewhere == pytest.approx(0.0)


def test_neighbours_are_merged_into_their_peak() -> None:
    xy = np.array([[0.0, 0], [10, 0], [24, 0], [40, 0], [200, 0], [205, 0]])
    probability = np.array([0.10, 0.20, 0.05, 0.12, 0.15, 0.14])
    groups = merge_neighbours(probability, xy, 25.0, 10)
    assert [(peak, members.tolist()) for peak, members in groups] == [
        (1, [0, 1, 2]),
        (4, [4, 5]),
        (3, [3]),
    ]
    assert len(merge_neighbours(probability, xy, 25.0, 2)) == 2


def test_candidates_keep_their_distance(places: PlaceTable) -> None:
    result = rank_candidates(photo(), places, retrieval(chance_scores()), (), CONFIG)
    assert len(result.candidates) == CONFIG.max_candidates
    at = np.array(
        [(c.lonlat.lon * M_PER_DEG_LON, c.lonlat.lat * M_PER_DEG_LAT) for c in result.candidates]
    )
    apart = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    assert apart[np.triu_indices(len(at), 1)].min() > CONFIG.merge_radius_m


def test_neighbours_that_disagree_widen_the_heading(places: PlaceTable) -> None:
    scores, place = chance_scores() - 2.0, index_at(5, 5)
    scores[[place, place + 1]] = 5.0
    same = np.full(COUNT, 10.0)
    other = same.copy()
    other[place + 1] = 120.0
    agreed = rank_candidates(photo(), places, retrieval(scores, same), (), CONFIG).candidates[0]
    torn = rank_candidates(photo(), places, retrieval(scores, other), (), CONFIG).candidates[0]
    assert agreed.heading_sigma_deg < 25.0
    assert torn.heading_sigma_deg > 45.0


def test_a_heading_is_told_no_finer_than_its_bin(places: PlaceTable) -> None:
    scores, place = chance_scores() - 2.0, index_at(5, 5)
    scores[place] = 5.0
    found = retrieval(scores)
    at = (4 + 0.5) * 360 / BINS
    sure = np.zeros_like(found.heading_probability)
    sure[:, 4] = 1.0
    headings = np.full(COUNT, at, np.float32)
    found = replace(found, heading_probability=sure, headings_deg=headings)
    best = rank_candidates(photo(), places, found, (), CONFIG).candidates[0]
    assert best.heading_sigma_deg == pytest.approx(360 / BINS / 12**0.5)


def test_heading_spread_is_the_deviation_on_the_circle() -> None:
    headings = np.random.default_rng(0).normal(0.0, 20.0, 20_000) % 360
    assert heading_spread_deg(headings, np.ones(20_000), 0.0) == pytest.approx(20.0, abs=0.5)
    everywhere = np.arange(360.0)
    assert heading_spread_deg(everywhere, np.ones(360), 10.0) == UNKNOWN_HEADING_SIGMA_DEG
    assert heading_spread_deg(np.array([30.0]), np.ones(1), 30.0) == 0.0
    assert heading_spread_deg(np.array([30.0]), np.zeros(1), 30.0) == UNKNOWN_HEADING_SIGMA_DEG


def test_without_any_evidence_nothing_is_claimed(places: PlaceTable) -> None:
    result = rank_candidates(photo(None), places, None, (), CONFIG)
    check_sums(result)
    assert result.not_in_area
    assert result.candidates[0].heading_sigma_deg == UNKNOWN_HEADING_SIGMA_DEG
    assert any("field of view unknown" in note for note in result.notes)


def test_places_that_could_not_be_scored_stay_possible(places: PlaceTable) -> None:
    scores = chance_scores()
    scores[::2] = -np.inf
    result = rank_candidates(photo(), places, retrieval(scores), (), CONFIG)
    check_sums(result)
    assert result.place_probability is not None
    assert np.isfinite(result.place_probability).all()
    assert result.place_probability[0] > 0.0


def test_scores_of_another_gallery_are_refused(places: PlaceTable) -> None:
    with pytest.raises(ShapeError, match="search this gallery"):
        rank_candidates(photo(), places, retrieval(chance_scores()[:60]), (), CONFIG)
