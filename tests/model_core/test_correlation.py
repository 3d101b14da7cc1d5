"""Correlation over azimuth: any heading, any width, gaps, and the maximum after normalising."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model_core.errors import ShapeError
from model_core.gallery.weighting import weigh_bins
from model_core.matching.correlation import (
    PhotoFeatures,
    best_shifts,
    correlate_block,
    heading_of_shift,
    prepare_queries,
)

HEIGHT, BINS, CHANNELS = 4, 32, 16
SHAPE = (HEIGHT, BINS, CHANNELS)
CPU = torch.device("cpu")


def random_gallery(
    places: int, seed: int, gaps: bool = False
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Features as stored, energies and coverage of random places, some bins partly covered."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn((places, *SHAPE), generator=generator) + 0.3
    coverage = torch.ones(places, BINS)
    if gaps:
        coverage = torch.rand((places, BINS), generator=generator)
        coverage[coverage < 0.4] = 0.0
    stored, energy = weigh_bins(features, coverage)
    return stored, energy, coverage


def random_photo(width: int, seed: int) -> PhotoFeatures:
    rng = np.random.default_rng(seed)
    coverage = np.ones(width, np.float32)
    coverage[[0, -1]] = 0.6 if width > 2 else 1.0
    features = rng.normal(size=(CHANNELS, HEIGHT, width)).astype(np.float32) + 0.3
    return PhotoFeatures(features * coverage, coverage, width * 360.0 / BINS)


def cosine_by_loops(
    stored: torch.Tensor, coverage: torch.Tensor, photo: PhotoFeatures, min_coverage: float
) -> np.ndarray:
    """The definition, one place, shift and bin at a time, in float64."""
    weighted = stored.double().numpy()
    covered = coverage.double().numpy()
    answer = np.full((len(weighted), BINS), -np.inf)
    for place in range(len(weighted)):
        for shift in range(BINS):
            inner = photo_energy = place_energy = share = 0.0
            for column in range(photo.width):
                bin_ = (shift + column) % BINS
                weight = float(photo.coverage[column]) * covered[place, bin_]
                if weight == 0.0:
                    continue
                ours = photo.features[:, :, column].astype(np.float64) / photo.coverage[column]
                theirs = weighted[place, :, bin_, :].T / covered[place, bin_]
                inner += weight * float((ours * theirs).sum())
                photo_energy += weight * float((ours**2).sum())
                place_energy += weight * float((theirs**2).sum())
                share += weight
            if share / photo.coverage.sum() >= min_coverage:
                answer[place, shift] = inner / np.sqrt(photo_energy * place_energy)
    return answer


@pytest.mark.parametrize("group", [BINS, 4, 8, 1])
@pytest.mark.parametrize("gaps", [False, True])
def test_equals_the_definition_for_photos_of_mixed_widths(group: int, gaps: bool) -> None:
    stored, energy, coverage = random_gallery(5, seed=1, gaps=gaps)
    photos = [random_photo(width, seed=width) for width in (1, 2, 5, 9)]
    queries = prepare_queries(photos, SHAPE, CPU, group=group)
    ours = correlate_block(stored, energy, coverage if gaps else None, queries, 0.5).numpy()
    for row, photo in enumerate(photos):
        expected = cosine_by_loops(stored, coverage, photo, 0.5)
        assert np.array_equal(np.isfinite(ours[:, row]), np.isfinite(expected))
        assert np.isfinite(expected).any()
        finite = np.isfinite(expected)
        np.testing.assert_allclose(ours[:, row][finite], expected[finite], atol=2e-5)


def test_a_full_circle_query_is_one_at_its_own_place_and_turn() -> None:
    stored, energy, _ = random_gallery(3, seed=4)
    turned = torch.roll(stored[1].float(), -7, dims=1)
    photo = PhotoFeatures(turned.permute(2, 0, 1).numpy(), np.ones(BINS, np.float32), 360.0)
    queries = prepare_queries([photo], SHAPE, CPU)
    best, shift = best_shifts(correlate_block(stored, energy, None, queries))
    assert int(best[:, 0].argmax()) == 1
    assert float(best[1, 0]) == pytest.approx(1.0, abs=1e-4)
    assert float(shift[1, 0]) == pytest.approx(7.0, abs=0.1)
    heading = float(heading_of_shift(shift[1, 0].numpy(), BINS, BINS))
    assert heading == pytest.approx((7.0 * 360 / BINS + 180.0) % 360.0, abs=1.2)


class AveragingEncoder:
    """A smooth panorama per channel; features are means of it over each bin."""

    def __init__(self, seed: int, harmonics: int = 8) -> None:
        rng = np.random.default_rng(seed)
        shape = (CHANNELS, HEIGHT, harmonics)
        self.order = np.arange(1, harmonics + 1)
        self.size = rng.normal(size=shape) / np.sqrt(self.order)
        self.phase = rng.uniform(0, 2 * np.pi, size=shape)

    def mean_between(self, left_deg: np.ndarray, right_deg: np.ndarray) -> np.ndarray:
        """(C, h, n): the exact mean of the panorama between two azimuths."""
        left, right = (np.radians(edge)[:, None] * self.order for edge in (left_deg, right_deg))
        phase = self.phase[:, :, None, :]
        area = (np.sin(right + phase) - np.sin(left + phase)) / self.order
        width = np.radians(right_deg - left_deg)
        return (self.size[:, :, None, :] * area).sum(-1) / width + 0.5

    def place(self) -> torch.Tensor:
        edges = np.arange(BINS + 1) * 360.0 / BINS
        means = self.mean_between(edges[:-1], edges[1:])
        return torch.from_numpy(means).permute(1, 2, 0)[None].float()

    def photo(self, heading_deg: float, fov_deg: float) -> PhotoFeatures:
        step = 360.0 / BINS
        width = max(1, int(np.ceil(fov_deg / step - 0.25)))
        edges = heading_deg + (np.arange(width + 1) - width / 2) * step
        inside = np.clip(edges, heading_deg - fov_deg / 2, heading_deg + fov_deg / 2)
        coverage = (np.diff(inside) / step).astype(np.float32)
        features = self.mean_between(edges[:-1], edges[1:])
        return PhotoFeatures((features * coverage).astype(np.float32), coverage, fov_deg)


@pytest.mark.parametrize("fov_deg", [45.0, 67.5, 90.0, 180.0, 360.0])
def test_an_averaging_encoder_gives_any_heading_to_a_tenth_of_a_bin(fov_deg: float) -> None:
    headings = np.random.default_rng(3).uniform(0, 360, 60)
    headings = np.concatenate([headings, [0.0, 359.99, 0.01, 180.0, 5.625, 11.25]])
    encoder = AveragingEncoder(seed=8)
    stored, energy = weigh_bins(encoder.place(), torch.ones(1, BINS))
    photos = [encoder.photo(heading, fov_deg) for heading in headings]
    queries = prepare_queries(photos, SHAPE, CPU)
    best, shift = best_shifts(correlate_block(stored, energy, None, queries))
    found = heading_of_shift(shift[0].numpy(), photos[0].width, BINS)
    error_bins = np.abs((found - headings + 180) % 360 - 180) * BINS / 360
    assert error_bins.max() < 0.1
    assert float(best.min()) > 0.9


def test_windows_wrap_around_north() -> None:
    stored, energy, _ = random_gallery(1, seed=2)
    columns = [30, 31, 0, 1]
    features = stored[0, :, columns].float().permute(2, 0, 1).numpy()
    photo = PhotoFeatures(features, np.ones(4, np.float32), 45.0)
    _, shift = best_shifts(
        correlate_block(stored, energy, None, prepare_queries([photo], SHAPE, CPU))
    )
    heading = float(heading_of_shift(shift[0, 0].numpy(), 4, BINS))
    assert min(heading, 360 - heading) < 0.1 * 360 / BINS


def test_a_bright_window_does_not_win() -> None:
    """The raw maximum picks another shift than the normalised one; ours is the normalised."""
    stored, _, _ = random_gallery(1, seed=6)
    features = stored.float()
    photo = PhotoFeatures(
        features[0, :, 4:8].permute(2, 0, 1).numpy(), np.ones(4, np.float32), 45.0
    )
    features[:, :, 20:24] = features[:, :, 20:24].abs() * 30.0
    stored, energy = weigh_bins(features, torch.ones(1, BINS))
    queries = prepare_queries([photo], SHAPE, CPU)
    raw = (stored.reshape(1, -1).float() @ queries.placed).view(1, 1, BINS)
    _, shift = best_shifts(correlate_block(stored, energy, None, queries))
    assert int(raw.argmax()) != 4
    assert float(shift) == pytest.approx(4.0, abs=0.5)


def test_windows_with_too_little_coverage_never_win() -> None:
    stored, energy, _ = random_gallery(2, seed=9)
    coverage = torch.zeros(2, BINS)
    coverage[0, 10:15] = 1.0
    stored, energy = weigh_bins(stored.float(), coverage)
    photo = random_photo(6, seed=1)
    scores = correlate_block(stored, energy, coverage, prepare_queries([photo], SHAPE, CPU), 0.5)
    finite = torch.isfinite(scores[0, 0]).nonzero().flatten().tolist()
    assert finite
    assert min(finite) >= 10 - 3
    assert max(finite) <= 15 - 3
    assert not torch.isfinite(scores[1]).any()
    best, shift = best_shifts(scores)
    assert torch.isneginf(best[1, 0])
    assert torch.isfinite(shift).all()


def test_partly_filled_bins_weigh_less() -> None:
    """A bin of which the photo fills little hardly matters, whatever it holds."""
    stored, energy, _ = random_gallery(1, seed=5)
    features = stored[0, :, 3:9].float().permute(2, 0, 1).numpy().copy()
    features[:, :, -1] = 9.0
    coverage = np.ones(6, np.float32)
    whole = PhotoFeatures(features, coverage.copy(), 67.5)
    coverage[-1] = 0.01
    partly = PhotoFeatures(features * coverage, coverage, 60.0)
    queries = prepare_queries([whole, partly], SHAPE, CPU)
    scores = correlate_block(stored, energy, None, queries)[0, :, 3]
    assert float(scores[1]) > 0.9 > float(scores[0])


@pytest.mark.parametrize(
    "photo",
    [
        PhotoFeatures(np.ones((8, HEIGHT, 4), np.float32), np.ones(4, np.float32), 45.0),
        PhotoFeatures(np.ones((CHANNELS, HEIGHT, 33), np.float32), np.ones(33, np.float32), 360.0),
        PhotoFeatures(np.ones((CHANNELS, HEIGHT, 4), np.float32), np.ones(5, np.float32), 45.0),
    ],
)
def test_photos_that_do_not_fit_the_gallery_are_refused(photo: PhotoFeatures) -> None:
    with pytest.raises(ShapeError):
        prepare_queries([photo], SHAPE, CPU)


def test_a_gallery_of_another_shape_is_refused() -> None:
    queries = prepare_queries([random_photo(4, 0)], SHAPE, CPU)
    with pytest.raises(ShapeError, match="build the gallery"):
        correlate_block(torch.zeros(2, 4, 16, 16), torch.zeros(2, 16), None, queries)
