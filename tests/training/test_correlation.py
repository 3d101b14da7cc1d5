"""The correlation that is learned and scored: windows, coverage, gradients."""

import torch

from training.correlation import Described, window_correlation
from training.losses import LEAST_COSINE


def circles(count: int, bins: int = 16, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 4, 2, bins, generator=generator)


def whole_correlation(
    photos: torch.Tensor, places: torch.Tensor, heading_search: bool = True
) -> torch.Tensor:
    return window_correlation(
        Described.whole(photos), Described.whole(places), heading_search=heading_search
    )


def test_a_window_cut_out_of_a_circle_correlates_fully_with_its_own_place_and_shift():
    references = circles(5)
    wrapped = torch.cat([references, references], dim=-1)
    starts = [3, 14, 0, 7, 15]
    photos = torch.stack([wrapped[n, ..., s : s + 5] for n, s in enumerate(starts)])
    correlation = whole_correlation(photos, references)
    assert correlation.shape == (5, 5, 16)
    best = correlation.flatten(1).argmax(dim=1)
    assert best.tolist() == [n * 16 + s for n, s in enumerate(starts)]
    assert torch.allclose(correlation.flatten(1).max(dim=1).values, torch.ones(5), atol=1e-5)


def test_without_a_search_only_the_first_columns_count():
    references = circles(3)
    ahead = whole_correlation(references[..., :5], references, heading_search=False)
    turned = whole_correlation(references[..., 4:9], references, heading_search=False)
    assert ahead.shape == (3, 3, 1)
    torch.testing.assert_close(ahead, whole_correlation(references[..., :5], references)[..., :1])
    assert torch.allclose(ahead.squeeze(2).diagonal(), torch.ones(3), atol=1e-5)
    assert turned.squeeze(2).diagonal().max() < 0.9


def test_bins_that_a_place_does_not_show_do_not_count_against_it():
    place = circles(1)
    photo = Described.whole(place[..., 2:8])
    cover = torch.ones(1, 16)
    cover[:, 6:] = 0.0  # four of the photo's six bins are shown
    found = window_correlation(photo, Described.weighted(place, cover), uncovered=LEAST_COSINE)[0]
    torch.testing.assert_close(found[0, 2], torch.tensor(1.0))
    shown = [sum(bin_ % 16 < 6 for bin_ in range(start, start + 6)) for start in range(16)]
    hidden = torch.tensor([bins < 3 for bins in shown])
    assert (found[0, hidden] == LEAST_COSINE).all()
    assert (found[0, ~hidden] > LEAST_COSINE).all()


def test_places_of_which_nothing_is_known_have_finite_gradients():
    features = circles(2).requires_grad_()
    cover = torch.stack([torch.ones(16), torch.zeros(16)])
    photos = circles(2, 5, seed=1).requires_grad_()
    found = window_correlation(
        Described.whole(photos), Described.weighted(features, cover), uncovered=LEAST_COSINE
    )
    torch.logsumexp(10 * found, dim=2).sum().backward()
    assert features.grad is not None
    assert photos.grad is not None
    assert torch.isfinite(features.grad).all()
    assert torch.isfinite(photos.grad).all()
    assert features.grad[0].abs().sum() > 0.0
    assert (features.grad[1] == 0.0).all()


def test_cosines_keep_full_precision_under_mixed_precision():
    references = circles(3)
    exact = whole_correlation(references[..., :5], references)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = whole_correlation(references[..., :5], references)
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, exact)
