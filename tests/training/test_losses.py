"""The matching loss: windows, headings, masks."""

import math

import pytest
import torch

from model_core.errors import ConfigError
from training.losses import (
    Whereabouts,
    false_negative_mask,
    heading_loss,
    matching_loss,
    place_and_heading_loss,
)


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
    masked = false_negative_mask(Whereabouts(xy, xy, city), 25.0)
    assert masked.tolist() == [
        [False, True, False, False],
        [True, False, False, False],
        [False, False, False, False],
        [False, False, False, False],
    ]


def test_a_place_that_a_search_would_call_right_is_masked_wherever_its_own_photo_was_taken():
    """Photo 0 was taken 15 m from place 1, whose own photo was taken 55 m away from there."""
    east = 1e6  # metres, as in a national grid
    place_x, camera_x = [0.0, 60.0, 80.0, 200.0], [45.0, 100.0, 80.0, 221.0]
    place_xy, camera_xy = (
        torch.tensor([[east + x, 0.0] for x in values]) for values in (place_x, camera_x)
    )
    masked = false_negative_mask(Whereabouts(camera_xy, place_xy, torch.zeros(4)), 25.0)
    assert masked[0].tolist() == [False, True, False, False]
    assert masked[1].tolist() == [False, False, True, False]
    assert masked[2].tolist() == [False, True, False, False]
    assert not masked[3].any()


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


NAMES = ("infonce", "paper", "triplet", "soft_margin_triplet", "release")
KNOWN = torch.ones(2, dtype=torch.bool)


def two_places(own: float, other: float, bins: int = 4) -> torch.Tensor:
    """Correlation of two photos: ``own`` at bin 1 of the right place, ``other`` at bin 3 of the
    wrong one, minus one elsewhere."""
    correlation = torch.full((2, 2, bins), -1.0)
    for n in range(2):
        correlation[n, n, 1] = own
        correlation[n, 1 - n, 3] = other
    return correlation


def loss_of(name: str, correlation: torch.Tensor, masked=None, known=None, smoothing=0.0) -> float:
    count, places = correlation.shape[:2]
    return float(
        matching_loss(name)(
            correlation,
            torch.ones(count),
            torch.tensor(10.0),
            torch.zeros(count, places, dtype=torch.bool) if masked is None else masked,
            label_smoothing=smoothing,
            heading_known=torch.ones(count, dtype=torch.bool) if known is None else known,
        )
    )


def test_triplets_count_the_margin_that_wrong_places_come_too_near():
    # Squared distances 2 - 2 cos: right 0.4, wrong 0.5; 0.1 of the margin of 0.2 is missing.
    assert loss_of("triplet", two_places(0.8, 0.75)) == pytest.approx(0.1, abs=1e-6)
    assert loss_of("triplet", two_places(0.8, 0.6)) == 0.0
    soft = loss_of("soft_margin_triplet", two_places(0.8, 0.75))
    assert soft == pytest.approx(math.log(1 + math.exp(10 * (0.4 - 0.5))), abs=1e-6)


def test_the_released_loss_leaves_the_right_place_out_of_the_denominator():
    # With one wrong place the loss is (right - wrong distance) / 0.07, and falls below zero.
    loss = loss_of("release", two_places(0.8, 0.3))
    assert loss == pytest.approx((0.4 - 1.4) / 0.07, abs=1e-4)


def test_the_papers_loss_keeps_it_in_and_looks_from_the_photo_only():
    correlation = torch.zeros(2, 2, 1)
    correlation[0, 0], correlation[1, 1], correlation[0, 1] = 0.9, 0.9, 0.4
    by_hand = [math.log(1 + math.exp(10 * (wrong - 0.9))) for wrong in (0.4, 0.0)]
    assert loss_of("paper", correlation) == pytest.approx(sum(by_hand) / 2, abs=1e-5)


def test_gumbel_softmax_mostly_picks_the_best_heading_and_tries_others():
    torch.manual_seed(0)
    correlation = two_places(1.0, 0.0)
    losses = [loss_of("paper", correlation) for _ in range(40)]
    assert sum(loss < 0.01 for loss in losses) > 30
    close = two_places(0.2, 0.0)
    close[0, 0, 0] = close[1, 1, 0] = 0.1
    assert len({round(loss_of("paper", close), 4) for _ in range(40)}) > 1


@pytest.mark.parametrize("name", NAMES)
def test_every_loss_falls_as_the_right_place_stands_out(name: str):
    torch.manual_seed(0)
    far, near = loss_of(name, two_places(0.3, 0.6)), loss_of(name, two_places(0.9, 0.1))
    assert near < far


@pytest.mark.parametrize("name", NAMES)
def test_a_masked_place_has_no_part_in_any_loss(name: str):
    masked = torch.tensor([[False, True], [True, False]])
    losses = []
    for other in (-0.5, 0.95):
        torch.manual_seed(3)
        losses.append(loss_of(name, two_places(0.8, other), masked=masked, smoothing=0.1))
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    if name in ("triplet", "soft_margin_triplet", "release"):
        assert losses[0] == 0.0


@pytest.mark.parametrize("name", ["infonce", "triplet", "soft_margin_triplet"])
def test_an_unknown_heading_may_be_any_and_a_known_one_is_held_to(name: str):
    correlation = two_places(-1.0, -0.5, bins=8)
    correlation[0, 0, 6] = correlation[1, 1, 6] = 0.9  # the right place at a wrong heading
    known, unknown = loss_of(name, correlation), loss_of(name, correlation, known=~KNOWN)
    assert known > unknown + 0.5
    mixed = loss_of(name, correlation, known=torch.tensor([True, False]))
    assert unknown < mixed < known


def test_unknown_headings_pool_all_headings_of_the_right_place():
    correlation = torch.zeros(2, 2, 4)
    for n in range(2):
        correlation[n, n, 0] = correlation[n, n, 2] = 1.0
    masked = torch.tensor([[False, True], [True, False]])
    # Nothing rivals the right place, whatever the heading: all its headings together are certain.
    assert loss_of("infonce", correlation, masked, known=~KNOWN) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_reach_right_and_wrong_places_and_the_temperature(name: str):
    torch.manual_seed(1)
    correlation = (torch.rand(4, 6, 8) * 0.2).requires_grad_()
    scale = torch.tensor(10.0, requires_grad=True)
    masked = torch.zeros(4, 6, dtype=torch.bool)
    masked[0, 1] = masked[1, 0] = True
    known = torch.tensor([True, False, True, False])
    loss = matching_loss(name)(
        correlation, torch.rand(4) * 8, scale, masked, label_smoothing=0.0, heading_known=known
    )
    loss.backward()
    assert correlation.grad is not None
    assert scale.grad is not None
    assert torch.isfinite(correlation.grad).all()
    own = correlation.grad[range(4), range(4)].sum(1)
    assert (own < 0).all()
    assert float(correlation.grad[0, 1].abs().max()) == 0.0
    assert float(correlation.grad[2, 5].sum()) > 0.0


def test_one_photo_alone_has_nothing_to_learn_from_triplets():
    one = torch.full((1, 1, 4), 0.3)
    for name in ("triplet", "soft_margin_triplet", "release"):
        assert loss_of(name, one) == 0.0


def test_an_unknown_loss_lists_the_known_ones():
    with pytest.raises(ConfigError, match="soft_margin_triplet"):
        matching_loss("hinge")
