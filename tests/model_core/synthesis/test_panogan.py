"""The street-view generator: sizes, symmetry, feedback, learning, strips in and out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from model_core.errors import ConfigError, ShapeError
from model_core.synthesis.panogan import (
    PanoGANConfig,
    PanoGANDiscriminator,
    PanoGANGenerator,
    strip_tensors,
    synthesize_street_strip,
)
from model_core.types import Strip

TINY = PanoGANConfig(channels=8, max_channels=32, critic_channels=8)
HEIGHT, WIDTH = 32, 128


def rendered_pair(seed: int) -> tuple[Strip, Strip]:
    """A ring of buildings: roofs on grass seen from above, facades under the sky from inside."""
    rng = np.random.default_rng(seed)
    above = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    above[:] = (90, 140, 70)
    above[HEIGHT * 3 // 4 :] = (110, 110, 115)
    street = np.empty_like(above)
    street[: HEIGHT // 2] = (150, 190, 235)
    street[HEIGHT // 2 :] = (105, 105, 110)
    for start in range(0, WIDTH, 16):
        wide = int(rng.integers(6, 15))
        near, high = int(rng.integers(4, 16)), int(rng.integers(4, 14))
        colour = rng.integers(60, 220, 3)
        above[HEIGHT // 2 - near : HEIGHT // 2 + 4, start : start + wide] = colour
        street[HEIGHT // 2 - high : HEIGHT // 2 + 2, start : start + wide] = colour // 2 + 60
    mask = np.ones((HEIGHT, WIDTH), bool)
    return Strip(above, mask, 12.0), Strip(street, mask, 12.0)


@pytest.fixture
def generator() -> PanoGANGenerator:
    torch.manual_seed(0)
    return PanoGANGenerator(TINY).eval()


def speak(generator: PanoGANGenerator) -> PanoGANGenerator:
    """Give the feedback a voice: it is silent before training."""
    with torch.no_grad():
        for parameter in generator.feedback.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return generator


def test_both_passes_are_full_strips_in_range(generator: PanoGANGenerator) -> None:
    images, mask = strip_tensors([rendered_pair(1)[0], rendered_pair(2)[0]])
    with torch.no_grad():
        made = generator(images, mask)
    assert made.coarse.shape == made.fine.shape == (2, 3, HEIGHT, WIDTH)
    assert made.segmentation is None
    assert made.fine.abs().max() <= 1
    assert made.fine.std() > 0.05


def test_rolling_by_the_total_stride_rolls_the_street_view(generator: PanoGANGenerator) -> None:
    speak(generator)
    images, mask = strip_tensors([rendered_pair(1)[0]])
    mask = mask.clone()
    mask[..., 30:50] = 0
    stride = generator.config.total_stride
    with torch.no_grad():
        made = generator(images, mask)
        rolled = generator(images.roll(stride, -1), mask.roll(stride, -1))
    torch.testing.assert_close(rolled.fine, made.fine.roll(stride, -1), atol=1e-4, rtol=0)
    torch.testing.assert_close(rolled.coarse, made.coarse.roll(stride, -1), atol=1e-4, rtol=0)


def test_the_critics_answer_reaches_the_second_pass_only(generator: PanoGANGenerator) -> None:
    speak(generator)
    images, mask = strip_tensors([rendered_pair(1)[0]])
    with torch.no_grad():
        before = generator(images, mask)
        for parameter in generator.critic.parameters():
            parameter.add_(0.1)
        after = generator(images, mask)
    assert torch.equal(before.coarse, after.coarse)
    assert not torch.allclose(before.fine, after.fine)


def test_generator_and_critic_learn_apart() -> None:
    torch.manual_seed(0)
    generator = PanoGANGenerator(TINY)
    images, mask = strip_tensors([rendered_pair(1)[0]])
    made = generator(images, mask)
    (made.fine.square().mean() + made.coarse.square().mean()).backward()
    assert all(p.grad is None for p in generator.critic.parameters())
    assert all(p.grad is not None for p in generator.own_parameters())
    whole = len(list(generator.parameters()))
    own = len(list(generator.own_parameters()))
    assert whole == own + len(list(generator.critic.parameters()))


def test_an_optimisation_step_lowers_the_l1_loss_on_rendered_strips() -> None:
    torch.manual_seed(0)
    generator = PanoGANGenerator(TINY).train()
    pairs = [rendered_pair(seed) for seed in range(4)]
    above, mask = strip_tensors([a for a, _ in pairs])
    street, _ = strip_tensors([s for _, s in pairs])
    optimizer = torch.optim.Adam(generator.own_parameters(), lr=5e-4)

    def step() -> float:
        made = generator(above, mask)
        loss = functional.l1_loss(made.coarse, street) + functional.l1_loss(made.fine, street)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    losses = [step() for _ in range(30)]
    assert losses[1] < losses[0]
    assert losses[-1] < 0.5 * losses[0]


def test_the_discriminator_learns_to_tell_real_from_made() -> None:
    torch.manual_seed(0)
    critic = PanoGANDiscriminator(TINY)
    pairs = [rendered_pair(seed) for seed in range(4)]
    above, _ = strip_tensors([a for a, _ in pairs])
    real, _ = strip_tensors([s for _, s in pairs])
    made = functional.avg_pool2d(real, 5, stride=1, padding=2)
    optimizer = torch.optim.Adam(critic.parameters(), lr=2e-3)
    for _ in range(15):
        verdicts = torch.cat([critic(above, real).image, critic(above, made).image])
        truth = torch.zeros_like(verdicts)
        truth[:4] = 1
        loss = functional.binary_cross_entropy_with_logits(verdicts, truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert verdicts.shape == (8, 1, HEIGHT // 8, WIDTH // 8)
    assert verdicts[:4].mean() > verdicts[4:].mean() + 0.5


def test_segmentation_is_a_second_branch() -> None:
    torch.manual_seed(0)
    config = PanoGANConfig(channels=8, max_channels=32, critic_channels=8, segmentation_classes=5)
    generator = PanoGANGenerator(config).eval()
    images, mask = strip_tensors([rendered_pair(1)[0]])
    with torch.no_grad():
        made = generator(images, mask)
        assert made.segmentation is not None
        assert made.segmentation.shape == (1, 5, HEIGHT, WIDTH)
        answer = generator.critic(images, made.fine, made.segmentation.softmax(1))
    assert answer.segmentation is not None
    assert answer.segmentation.shape == answer.image.shape
    with pytest.raises(ShapeError, match="no segmentation branch"):
        PanoGANDiscriminator(TINY)(images, made.fine, made.segmentation)


def test_strips_come_back_in_the_same_frame(generator: PanoGANGenerator) -> None:
    strips = [rendered_pair(seed)[0] for seed in range(3)]
    mask = np.ones((HEIGHT, WIDTH), bool)
    mask[:, 10:20] = False
    mask[:4] = False
    strips[1] = Strip(strips[1].pixels * mask[..., None], mask, 90.0)
    made = synthesize_street_strip(generator, strips, batch_size=2)
    assert [s.heading_at_col0_deg for s in made] == [12.0, 90.0, 12.0]
    assert all(s.pixels.dtype == np.uint8 and s.pixels.shape == (HEIGHT, WIDTH, 3) for s in made)
    assert made[0].mask.all()
    assert not made[1].mask[:, 10:20].any()
    assert made[1].mask[:, 20:].all()
    assert (made[1].pixels[:, 10:20] == 0).all()
    alone = synthesize_street_strip(generator, strips[2:])[0]
    assert np.abs(alone.pixels.astype(int) - made[2].pixels.astype(int)).max() <= 1
    assert synthesize_street_strip(generator, []) == []


def test_the_default_size_fits_five_megabytes_and_default_strips() -> None:
    generator = PanoGANGenerator(PanoGANConfig())
    assert 2 * sum(t.numel() for t in generator.state_dict().values()) <= 5e6
    with torch.no_grad():
        assert generator(torch.zeros(1, 3, 64, 256)).fine.shape == (1, 3, 64, 256)


def test_what_does_not_fit_is_refused(generator: PanoGANGenerator) -> None:
    with pytest.raises(ShapeError, match="multiples of 16"):
        generator(torch.zeros(1, 3, 32, 100))
    strip = rendered_pair(1)[0]
    with pytest.raises(ShapeError, match="different sizes"):
        strip_tensors([strip, Strip(strip.pixels[:, :64], strip.mask[:, :64])])
    with pytest.raises(ShapeError, match="no strip"):
        strip_tensors([])
    with pytest.raises(ConfigError, match="positive"):
        PanoGANGenerator(PanoGANConfig(levels=0))
