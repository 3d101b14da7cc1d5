"""Searching a gallery: the right places, comparable fields of view, bounded memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from model_core.config import SearchConfig
from model_core.errors import Cancelled, ShapeError
from model_core.gallery.weighting import weigh_bins
from model_core.matching import scan as scan_module
from model_core.matching import search as search_module
from model_core.matching.correlation import (
    PhotoFeatures,
    best_shifts,
    correlate_block,
    heading_of_shift,
    prepare_queries,
)
from model_core.matching.null_distribution import null_of_few, null_of_many
from model_core.matching.search import best_rows, search_gallery, search_photos
from model_core.types import Progress

HEIGHT, BINS, CHANNELS = 4, 32, 16
SHAPE = (HEIGHT, BINS, CHANNELS)
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Table:
    features: np.ndarray
    energy: np.ndarray
    coverage: np.ndarray


def smooth_panoramas(places: int, seed: int) -> torch.Tensor:
    """(n, h, bins, C): random, correlated between neighbouring bins, as real features are."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn((places, *SHAPE), generator=generator)
    blurred = sum(torch.roll(noise, shift, dims=2) for shift in (-2, -1, 0, 1, 2))
    return blurred / 5**0.5 + 0.2


def table_of(features: torch.Tensor, coverage: torch.Tensor | None = None) -> Table:
    if coverage is None:
        coverage = torch.ones(features.shape[0], BINS)
    stored, energy = weigh_bins(features, coverage)
    return Table(stored.numpy(), energy.numpy(), coverage.numpy())


def photo_of(
    features: torch.Tensor, place: int, first_bin: int, width: int, noise: float, seed: int = 0
) -> PhotoFeatures:
    """What a photo at a place sees, its left edge on a bin, with noise on the features."""
    columns = (first_bin + torch.arange(width)) % BINS
    seen = features[place][:, columns].permute(2, 0, 1).numpy()
    rng = np.random.default_rng(seed)
    noisy = seen + noise * rng.normal(size=seen.shape)
    return PhotoFeatures(noisy.astype(np.float32), np.ones(width, np.float32), width * 360 / BINS)


@pytest.fixture(scope="module")
def panoramas() -> torch.Tensor:
    return smooth_panoramas(3000, seed=1)


def test_finds_place_and_heading(panoramas: torch.Tensor) -> None:
    photo = photo_of(panoramas, place=1234, first_bin=27, width=6, noise=0.7)
    result = search_gallery(table_of(panoramas), [photo], SearchConfig(), CPU)
    best = result.top[0]
    assert best.place_index == 1234
    assert best.heading_deg == pytest.approx((27 + 3) * 360 / BINS % 360, abs=4.0)
    assert best.fov_deg == photo.fov_deg
    assert best.score == pytest.approx(result.scores[1234])
    assert best.score > 3.5
    assert len(result.top) == 50
    assert result.scores.shape == result.correlation.shape == (3000,)


def test_equals_a_full_sort_of_all_cosines(panoramas: torch.Tensor) -> None:
    table = table_of(panoramas)
    photo = photo_of(panoramas, 7, 3, 5, noise=2.0)
    queries = prepare_queries([photo], SHAPE, CPU)
    whole = correlate_block(
        torch.from_numpy(table.features), torch.from_numpy(table.energy), None, queries
    )
    best, shift = (part[:, 0].numpy() for part in best_shifts(whole))
    order = np.lexsort((np.arange(3000), -best))[:20]
    result = search_gallery(table, [photo], SearchConfig(top_k=20, block_rows=77), CPU)
    assert [match.place_index for match in result.top] == order.tolist()
    np.testing.assert_allclose(result.correlation, best, atol=1e-6)
    np.testing.assert_allclose(result.headings_deg, heading_of_shift(shift, 5, BINS), atol=1e-2)


@pytest.mark.parametrize("count", [1, 3, 5, 8, 20])
def test_best_rows_equal_a_stable_sort(count: int) -> None:
    scores = np.array([1, 5, 5, -np.inf, 2, 5, 0, 5], np.float32)
    expected = np.argsort(-scores, kind="stable")[:count]
    assert best_rows(scores, count).tolist() == expected.tolist()


def test_photos_of_several_widths_share_a_pass(panoramas: torch.Tensor) -> None:
    table = table_of(panoramas)
    photos = [
        [photo_of(panoramas, 10 + width, 2 * width, width, 0.8, seed=width)]
        for width in (4, 5, 7, 9, 6, 8, 32)
    ]
    config = SearchConfig(top_k=10)
    steps: list[Progress] = []
    together = search_photos(table, photos, config, CPU, progress=steps.append)
    assert [step.done for step in steps] == [512, 1024, 1536, 2048, 2560, 3000]
    for hypotheses, result in zip(photos, together, strict=True):
        alone = search_gallery(table, hypotheses, config, CPU)
        assert result.top[0].place_index == 10 + hypotheses[0].width
        assert [m.place_index for m in result.top] == [m.place_index for m in alone.top]
        np.testing.assert_allclose(result.scores, alone.scores, atol=1e-2)


def test_the_right_field_of_view_wins_though_narrow_windows_reach_higher_by_chance(
    panoramas: torch.Tensor,
) -> None:
    """Raw cosines of the narrowest window beat those of the true one at most places."""
    table = table_of(panoramas)
    right = 0
    for trial in range(8):
        true_width = (4, 5, 7, 9)[trial % 4]
        place, first = 100 + trial, 3 * trial
        hypotheses = []
        for width in (4, 5, 7, 9):
            seen = photo_of(panoramas, place, first, true_width, 0.6, seed=trial)
            at = np.linspace(0, true_width - 1, width)
            low = np.floor(at).astype(int).clip(0, true_width - 2)
            share = (at - low).astype(np.float32)
            stretched = (
                seen.features[:, :, low] * (1 - share) + seen.features[:, :, low + 1] * share
            )
            hypotheses.append(
                PhotoFeatures(stretched, np.ones(width, np.float32), width * 360 / BINS)
            )
        result = search_gallery(table, hypotheses, SearchConfig(), CPU)
        narrowest = search_gallery(table, hypotheses[:1], SearchConfig(), CPU)
        widest = search_gallery(table, hypotheses[-1:], SearchConfig(), CPU)
        assert np.median(narrowest.correlation) > np.median(widest.correlation)
        assert result.top[0].place_index == place
        right += abs(result.top[0].fov_deg - true_width * 360 / BINS) < 1.0
        assert abs(float(np.median(result.scores))) < 0.05
    assert right >= 7


def test_a_few_places_are_standardised_by_their_shifts(panoramas: torch.Tensor) -> None:
    """The score of a wrong place means the same in an area of six places as in one of 3000."""
    photo = photo_of(panoramas, 2, 11, 6, noise=0.7)
    many = search_gallery(table_of(panoramas), [photo], SearchConfig(), CPU)
    few = search_gallery(table_of(panoramas[:6]), [photo], SearchConfig(), CPU)
    assert few.top[0].place_index == 2
    assert few.top[0].score == pytest.approx(many.scores[2], rel=0.4)
    wrong = [0, 1, 3, 4, 5]
    assert abs(float(np.mean(few.scores[wrong] - many.scores[wrong]))) < 1.0


def test_one_place_alone_can_be_scored(panoramas: torch.Tensor) -> None:
    photo = photo_of(panoramas, 0, 11, 6, noise=0.3)
    result = search_gallery(table_of(panoramas[:1]), [photo], SearchConfig(), CPU)
    assert len(result.top) == 1
    assert result.top[0].score > 2.0


def test_a_few_scored_places_among_many_are_standardised_by_their_shifts(
    panoramas: torch.Tensor,
) -> None:
    """As street views alone that look elsewhere leave most places without a score."""
    photo = photo_of(panoramas, 1, 11, 6, noise=0.3)
    few = search_gallery(table_of(panoramas[:3]), [photo], SearchConfig(), CPU)
    unseen = torch.ones(60, BINS)
    unseen[3:] = 0.0
    among = search_gallery(table_of(panoramas[:60], unseen), [photo], SearchConfig(), CPU)
    assert np.isneginf(among.scores[3:]).all()
    assert among.scores[:3] == pytest.approx(few.scores, rel=0.02)


def test_null_distributions_ignore_what_could_not_be_scored() -> None:
    rng = np.random.default_rng(0)
    best = rng.normal(0.4, 0.05, 500).astype(np.float32)
    best[:5] = -np.inf
    best[5] = 0.99
    null = null_of_many(best)
    assert null.mean == pytest.approx(0.4, abs=0.01)
    assert null.std == pytest.approx(0.05, rel=0.15)
    assert np.isneginf(null.standardise(best)[:5]).all()
    assert null_of_many(np.full(30, -np.inf, np.float32)).std > 0


def test_the_largest_of_a_few_shifts_is_predicted() -> None:
    """Against the largest of many drawn at once: mean and deviation agree roughly."""
    rng = np.random.default_rng(1)
    drawn = rng.normal(0.0, 1.0, (20000, 16)).astype(np.float32)
    null = null_of_few(drawn[:400], width=2)
    largest = drawn.max(1)
    assert null.mean == pytest.approx(float(largest.mean()), abs=0.15)
    assert null.std == pytest.approx(float(largest.std()), rel=0.25)


def test_half_precision_gives_the_same_shortlist(panoramas: torch.Tensor) -> None:
    """A clock that makes bf16 look fast forces it; the shortlist is scored again in fp32."""

    def ticks() -> Iterator[float]:
        now = 0.0
        for call in range(10**6):
            now += 1.0 if call < 6 else 0.001
            yield now

    table = table_of(panoramas)
    photo = photo_of(panoramas, 55, 8, 6, noise=1.5)
    exact = search_gallery(table, [photo], SearchConfig(top_k=20), CPU)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan_module, "TRIAL_FROM_PRODUCTS", 1)
        clock = ticks()
        rounded = search_photos(
            table, [[photo]], SearchConfig(top_k=20), CPU, clock=lambda: next(clock)
        )[0]
    assert not np.array_equal(rounded.correlation, exact.correlation)
    assert [m.place_index for m in rounded.top] == [m.place_index for m in exact.top]
    assert [m.heading_deg for m in rounded.top] == pytest.approx(
        [m.heading_deg for m in exact.top], abs=0.05
    )


def test_headings_come_as_a_distribution(panoramas: torch.Tensor) -> None:
    photo = photo_of(panoramas, 40, 20, 7, noise=0.3)
    result = search_gallery(table_of(panoramas), [photo], SearchConfig(top_k=5), CPU)
    assert result.heading_probability.shape == result.heading_grid_deg.shape == (5, BINS)
    np.testing.assert_allclose(result.heading_probability.sum(1), 1.0, atol=1e-5)
    likeliest = result.heading_grid_deg[0, result.heading_probability[0].argmax()]
    assert likeliest == pytest.approx((20 + 3.5) * 360 / BINS % 360, abs=0.1)
    assert result.heading_probability[0].max() > 0.5


def test_places_that_are_hardly_covered_come_last_and_break_nothing() -> None:
    panoramas = smooth_panoramas(60, seed=3)
    coverage = torch.zeros(60, BINS)
    coverage[:, 4:14] = 1.0
    coverage[7] = 0.0
    coverage[8, :] = 1.0
    photo = photo_of(panoramas, 30, 6, 6, noise=0.2)
    result = search_gallery(table_of(panoramas, coverage), [photo], SearchConfig(top_k=60), CPU)
    assert result.top[0].place_index == 30
    assert result.top[0].heading_deg == pytest.approx(9 * 360 / BINS, abs=3.0)
    assert result.top[-1].place_index == 7
    assert np.isneginf(result.scores[7])
    assert np.isfinite(result.heading_probability).all()
    assert np.isfinite(result.headings_deg).all()


def test_memory_is_bounded_by_the_block(tmp_path: Path) -> None:
    """100 MB of features pass through; neither they nor all cosines are ever held at once."""
    rows, shape = 24_000, (4, 32, 16)
    path = tmp_path / "features.npy"
    features = np.lib.format.open_memmap(path, "w+", np.float16, (rows, *shape))
    rng = np.random.default_rng(0)
    pattern = rng.normal(size=(1000, *shape)).astype(np.float16)
    for start in range(0, rows, 1000):
        features[start : start + 1000] = np.roll(pattern, start // 1000, axis=3)
    features.flush()
    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    energy = np.full((rows, 32), 64.0, np.float32)
    table = Table(mapped, energy, np.ones((rows, 32), np.float32))
    photos = [
        [PhotoFeatures(rng.normal(size=(16, 4, 5)).astype(np.float32), np.ones(5, np.float32), 56)]
        for _ in range(8)
    ]
    sizes: list[int] = []
    original = scan_module.correlate_block

    def measured(features: torch.Tensor, *rest: object) -> torch.Tensor:
        sizes.append(features.shape[0])
        return original(features, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan_module, "correlate_block", measured)
        tracemalloc.start()
        search_photos(table, photos, SearchConfig(top_k=5, block_rows=256), CPU)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert max(sizes) <= 256
    assert peak < 25e6


def test_many_photos_are_split_into_passes(panoramas: torch.Tensor) -> None:
    table = table_of(panoramas[:100])
    photos = [[photo_of(panoramas, place, 4, 5, 0.3, seed=place)] for place in range(7)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_module, "KEPT_BYTES", 3 * 8 * 100)
        results = search_photos(table, photos, SearchConfig(), CPU)
    assert [result.top[0].place_index for result in results] == list(range(7))


def test_cancel_stops_between_blocks(panoramas: torch.Tensor) -> None:
    photo = photo_of(panoramas, 0, 0, 5, 0.1)
    asked = iter([False, False, True])
    with pytest.raises(Cancelled):
        search_gallery(
            table_of(panoramas), [photo], SearchConfig(), CPU, cancel=lambda: next(asked)
        )


def test_an_empty_gallery_or_photo_is_refused(panoramas: torch.Tensor) -> None:
    photo = photo_of(panoramas, 0, 0, 5, 0.1)
    with pytest.raises(ShapeError, match="no place"):
        search_gallery(table_of(panoramas[:0]), [photo], SearchConfig(), CPU)
    with pytest.raises(ShapeError, match="no features"):
        search_gallery(table_of(panoramas), [], SearchConfig(), CPU)
