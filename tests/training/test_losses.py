"""The matching loss: windows, headings, masks."""

import math

import pytest
import torch

from training.losses import (
    false_negative_mask,
    heading_loss,
    place_and_heading_loss,
    window_correlation,
)


def circles(count: int, bins: int = 16, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 4, 2, bins, generator=generator)


def test_a_window_cut_out_of_a_circle_correlates_fully_with_its_own_place_and_shift():
    references = circles(5)
    wrapped = torch.cat([references, references], dim=-1)
    starts = [3, 14, 0, 7, 15]
    photos = torch.stack([wrapped[n, ..., s : s + 5] for n, s in enumerate(starts)])
    correlation = window_correlation(photos, references)
    assert correlation.shape == (5, 5, 16)
    best = correlation.flatten(1).argmax(dim=1)
    assert best.tolist() == [n * 16 + s for n, s in enumerate(starts)]
    assert torch.allclose(correlation.flatten(1).max(dim=1).values, torch.ones(5), atol=1e-5)


def test_the_loss_prefers_the_true_heading_to_another_at_the_right_place():
    def loss_with_peak_at(shift: int) -> float:
        correlation = torch.zeros(3, 3, 8)
        for n in range(3):
            correlation[n, n, shift] = 1.0
        return float(
            place_and_heading_loss(
                correlation,
                torch.full((3,), 2.0),
                torch.tensor(20.0),
                torch.zeros(3, 3, dtype=torch.bool),
                0.0,
            )
        )

    assert loss_with_peak_at(2) < 0.1
    assert loss_with_peak_at(6) > 5.0


def test_a_heading_between_two_bins_is_shared_by_both():
    correlation = torch.zeros(2, 2, 8)
    for n in range(2):
        correlation[n, n, 2] = correlation[n, n, 3] = 1.0
    masked = torch.zeros(2, 2, dtype=torch.bool)
    between = place_and_heading_loss(
        correlation, torch.full((2,), 2.5), torch.tensor(30.0), masked, 0.0
    )
    # Two equal peaks share the probability: the log of one half, in the photo's direction only.
    assert float(between) == pytest.approx(0.5 * math.log(2), abs=0.01)


def test_a_masked_neighbour_costs_nothing():
    correlation = torch.zeros(2, 2, 4)
    correlation[:, :, 1] = 1.0
    masked = torch.tensor([[False, True], [True, False]])
    free = place_and_heading_loss(correlation, torch.ones(2), torch.tensor(30.0), masked, 0.1)
    full = place_and_heading_loss(
        correlation, torch.ones(2), torch.tensor(30.0), ~masked & masked, 0.1
    )
    assert float(free) < 0.01
    assert float(full) > 0.5


def test_only_near_places_of_the_same_city_are_masked():
    xy = torch.tensor([[0.0, 0.0], [10.0, 0.0], [10.0, 0.0], [100.0, 0.0]])
    city = torch.tensor([0, 0, 1, 0])
    masked = false_negative_mask(xy, city, 25.0)
    assert masked.tolist() == [
        [False, True, False, False],
        [True, False, False, False],
        [False, False, False, False],
        [False, False, False, False],
    ]


def test_gradients_stay_finite_where_a_place_is_masked():
    correlation = torch.rand(3, 3, 8, requires_grad=True)
    masked = torch.zeros(3, 3, dtype=torch.bool)
    masked[0, 1] = masked[1, 0] = True
    loss = place_and_heading_loss(correlation, torch.ones(3), torch.tensor(14.0), masked, 0.1)
    loss.backward()
    assert torch.isfinite(correlation.grad).all()
    assert float(correlation.grad[0, 1].abs().max()) == 0.0


def test_further_layouts_of_a_city_are_wrong_answers_too():
    correlation = torch.zeros(2, 3, 8)
    for n in range(2):
        correlation[n, n, 2] = 1.0
    start, scale = torch.full((2,), 2.0), torch.tensor(20.0)
    free = heading_loss(correlation, start, scale, torch.zeros(2, 3, dtype=torch.bool))
    correlation[:, 2, 5] = 1.0
    rivalled = heading_loss(correlation, start, scale, torch.zeros(2, 3, dtype=torch.bool))
    masked = torch.zeros(2, 3, dtype=torch.bool)
    masked[:, 2] = True
    assert float(free) < 0.01
    assert float(rivalled) == pytest.approx(math.log(2), abs=0.01)
    assert float(heading_loss(correlation, start, scale, masked)) < 0.01
