"""The street-view generator as a Lightning module: satellite strip to street view, two passes.

Each step the critic learns to tell real street views from both passes, then the generator learns
to please it, to match its features, to match the pixels that the street view shows and, where
asked, what a frozen matcher sees in them and the classes of the true layout. Weights are averaged.
Chance is a function of the seed and the step: a resumed run draws what an unbroken one would have.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

import lightning as L
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_core.config import StripGeometry
from model_core.errors import ConfigError
from model_core.features.preprocess import normalize_images
from model_core.fusion.place_encoder import PlaceEncoder
from model_core.synthesis.panogan import (
    CriticResponse,
    GeneratedStrips,
    PanoGANConfig,
    PanoGANDiscriminator,
    PanoGANGenerator,
)
from training.averaging import decay_at
from training.street_classes import STREET_CLASSES, street_class_shares
from training.strip_pairs import StripBatch, StripPairs, seed_of_step, varied_batch


@dataclass(frozen=True)
class PanoGANRecipe:
    """How generator and critic learn.

    ``adversarial_weight``, ``l1_weight``, ``feature_weight`` (the critic's features),
    ``perceptual_weight`` (a frozen matcher's street branch) and ``segmentation_weight`` weigh the
    generator's losses; the adversarial one grows to its weight over ``adversarial_warmup_steps``,
    once there is a picture to improve. ``coarse_share`` is how much the first pass counts beside
    the second. Both rates stay for ``decay_from`` of the steps, then fall. ``r1_weight`` keeps the
    critic's slope at real strips small, every ``r1_every`` steps. ``jitter`` is the change of the
    satellite strips' colours.
    """

    steps: int = 20000
    learning_rate: float = 4e-4
    critic_learning_rate: float = 2e-4
    decay_from: float = 0.5
    adversarial: Literal["hinge", "least_squares"] = "hinge"
    adversarial_weight: float = 1.0
    adversarial_warmup_steps: int = 2000
    l1_weight: float = 50.0
    coarse_share: float = 0.5
    feature_weight: float = 5.0
    perceptual_weight: float = 0.0
    segmentation_weight: float = 0.0
    r1_weight: float = 0.0
    r1_every: int = 16
    clip_norm: float = 10.0
    ema_decay: float = 0.998
    jitter: float = 0.3
    seed: int = 17


class PanoGAN(L.LightningModule):
    """Generator, its critic and their average. One Adam serves both: a step moves those it graded.

    The pairs and the frozen matcher are no part of the state that is saved.
    """

    def __init__(
        self,
        generator: PanoGANConfig,
        recipe: PanoGANRecipe,
        pairs: StripPairs,
        geometry: StripGeometry,
        *,
        half_precision: bool = False,
        judge: PlaceEncoder | None = None,
    ):
        """Make generator and critic.

        Args:
            generator: Their sizes.
            recipe: How they learn.
            pairs: To learn from, on the device that learns.
            geometry: The strips' frame.
            half_precision: Compute convolutions in bfloat16; losses and weights stay float32.
            judge: The matcher of the perceptual loss.

        Raises:
            ConfigError: A weight asks for what is not there.
        """
        super().__init__()
        _check(generator, recipe, judge)
        self.automatic_optimization = False
        self.recipe = recipe
        self.pairs = pairs
        self.geometry = geometry
        self.half_precision = half_precision
        self.generator = PanoGANGenerator(generator)
        self.averaged = deepcopy(self.generator).requires_grad_(False).eval()
        # A tuple keeps the matcher out of the modules that are trained and saved.
        self._judge: tuple[PlaceEncoder, ...] = (
            () if judge is None else (judge.requires_grad_(False).eval(),)
        )
        self.steps_done = 0

    @property
    def critic(self) -> PanoGANDiscriminator:
        """The discriminator, which is a part of the generator."""
        return self.generator.critic

    def configure_optimizers(self) -> Any:
        """Adam with little momentum, as adversarial training wants; a group for each side."""
        groups = [
            {"params": list(self.generator.own_parameters()), "lr": self.recipe.learning_rate},
            {"params": list(self.critic.parameters()), "lr": self.recipe.critic_learning_rate},
        ]
        return torch.optim.Adam(groups, betas=(0.5, 0.99))

    def training_step(self, rows: Tensor, batch_index: int) -> None:
        """Do one step of the critic and one of the generator on the pairs at ``rows``."""
        seed = seed_of_step(self.recipe.seed, self.steps_done)
        torch.manual_seed(seed)  # of layers that draw by themselves
        chance = torch.Generator(self.device).manual_seed(seed)
        batch = varied_batch(self.pairs.take(rows), self.recipe.jitter, chance)
        classes = self._classes(batch)
        self._set_rates()
        with self._precision():
            made = self.generator(batch.satellite)
        losses = {"critic": self._critic_loss(batch, made, classes)}
        self._descend(losses["critic"], list(self.critic.parameters()))
        self.critic.requires_grad_(False)
        parts = self._generator_losses(batch, made, classes)
        self._descend(
            torch.stack(list(parts.values())).sum(), list(self.generator.own_parameters())
        )
        self.critic.requires_grad_(True)
        self.steps_done += 1
        self._average()
        told = {name: part.detach() for name, part in (losses | parts).items()}
        # Lightning would count both sides' steps; "step" is the axis of what it logs.
        self.log_dict({**told, "step": float(self.steps_done)})

    def _critic_loss(
        self, batch: StripBatch, made: GeneratedStrips, classes: Tensor | None
    ) -> Tensor:
        recipe = self.recipe
        coarse, fine = made.coarse.detach().float(), made.fine.detach().float()
        real = _completed(batch, fine)
        shown = _shown_classes(classes, made, detach=True)
        with self._precision():
            response = self.critic(
                batch.satellite.repeat(3, 1, 1, 1), torch.cat((real, coarse, fine)), shown
            )
        loss = torch.zeros((), device=self.device)
        for verdicts in _verdicts(response):
            for verdict, is_real in zip(
                verdicts.float().chunk(3), (True, False, False), strict=True
            ):
                share = 1.0 if is_real else 0.5
                loss = loss + share * _seen_mean(
                    _critic_error(verdict, is_real, recipe.adversarial), batch.seen
                )
        if recipe.r1_weight > 0 and self.steps_done % recipe.r1_every == 0:
            loss = loss + recipe.r1_weight * recipe.r1_every * self._slope(batch, real)
        return loss

    def _slope(self, batch: StripBatch, real: Tensor) -> Tensor:
        """Return half the squared slope of the verdict at real strips (R1), in float32.

        Source: Mescheder et al. 2018, "Which Training Methods for GANs do actually Converge?".
        """
        real = real.detach().requires_grad_(True)
        verdict = self.critic(batch.satellite, real).image
        (slope,) = torch.autograd.grad(verdict.mean(dim=(1, 2, 3)).sum(), real, create_graph=True)
        return 0.5 * slope.square().sum(dim=(1, 2, 3)).mean()

    def _generator_losses(
        self, batch: StripBatch, made: GeneratedStrips, classes: Tensor | None
    ) -> dict[str, Tensor]:
        recipe = self.recipe
        real = _completed(batch, made.fine.detach().float())
        shown = _shown_classes(classes, made, detach=False)
        with self._precision():
            response = self.critic(
                batch.satellite.repeat(3, 1, 1, 1), torch.cat((real, made.coarse, made.fine)), shown
            )
        share = (recipe.coarse_share, 1.0)
        apart = [
            weight * _seen_mean((image.float() - batch.street).abs(), batch.seen)
            for weight, image in zip(share, (made.coarse, made.fine), strict=True)
        ]
        losses = {
            "l1": recipe.l1_weight * torch.stack(apart).sum(),
            "adversarial": recipe.adversarial_weight
            * min(1.0, (self.steps_done + 1) / max(1, recipe.adversarial_warmup_steps))
            * self._pleasing(response, batch.seen, share),
            "features": recipe.feature_weight * _feature_distance(response, batch.seen, share),
        }
        if self._judge:
            losses["perceptual"] = recipe.perceptual_weight * self._perceived(batch, made.fine)
        if classes is not None and made.segmentation is not None:
            said = F.log_softmax(made.segmentation.float(), dim=1)
            cross = -(classes * said).sum(dim=1, keepdim=True)
            losses["segmentation"] = recipe.segmentation_weight * cross.mean()
        return losses

    def _pleasing(
        self, response: CriticResponse, seen: Tensor, share: tuple[float, float]
    ) -> Tensor:
        total = torch.zeros((), device=self.device)
        for verdicts in _verdicts(response):
            _, *passes = verdicts.float().chunk(3)
            for weight, verdict in zip(share, passes, strict=True):
                error = -verdict if self.recipe.adversarial == "hinge" else (verdict - 1).square()
                total = total + weight * _seen_mean(error, seen)
        return total

    def _perceived(self, batch: StripBatch, fine: Tensor) -> Tensor:
        """Return one minus the cosine between what the matcher sees in made and real strips."""
        judge = self._judge[0]
        mask = batch.seen[:, :, 0].expand(-1, batch.satellite.shape[2], -1)

        def seen_by_matcher(street: Tensor) -> Tensor:
            return judge.encode_street(normalize_images((street + 1) / 2, mask), mask)

        with torch.no_grad(), self._precision():
            wanted = seen_by_matcher(batch.street)
        with self._precision():
            found = seen_by_matcher(fine.float())
        return 1.0 - (wanted.float() * found.float()).sum(dim=(1, 2, 3)).mean()

    def _classes(self, batch: StripBatch) -> Tensor | None:
        if not self.generator.config.segmentation_classes:
            return None
        return street_class_shares(batch.layout, self.geometry)

    def _descend(self, loss: Tensor, parameters: list[nn.Parameter]) -> None:
        optimizer: Any = self.optimizers()
        optimizer.zero_grad(set_to_none=True)
        self.manual_backward(loss)
        nn.utils.clip_grad_norm_(parameters, self.recipe.clip_norm)
        optimizer.step()

    def _set_rates(self) -> None:
        recipe = self.recipe
        done = self.steps_done / recipe.steps
        left = min(1.0, (1.0 - done) / max(1e-6, 1.0 - recipe.decay_from))
        optimizer: Any = self.optimizers()
        for group, rate in zip(
            optimizer.param_groups,
            (recipe.learning_rate, recipe.critic_learning_rate),
            strict=True,
        ):
            group["lr"] = rate * max(0.02, left)

    def _average(self) -> None:
        decay = decay_at(self.steps_done, self.recipe.ema_decay)
        kept: list[Tensor] = list(self.averaged.parameters())
        new: list[Tensor] = list(self.generator.parameters())
        with torch.no_grad():
            torch._foreach_lerp_(kept, new, 1 - decay)

    def _precision(self) -> torch.autocast:
        # Without the cache: the weights change between the passes of one step.
        return torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.half_precision, cache_enabled=False
        )


def _check(generator: PanoGANConfig, recipe: PanoGANRecipe, judge: PlaceEncoder | None) -> None:
    if recipe.adversarial not in ("hinge", "least_squares"):
        raise ConfigError(
            f"unknown adversarial loss {recipe.adversarial!r}; known here: hinge, least_squares"
        )
    if generator.segmentation_classes not in (0, len(STREET_CLASSES)):
        raise ConfigError(
            f"segmentation_classes must be 0 or {len(STREET_CLASSES)} ({', '.join(STREET_CLASSES)})"
        )
    if recipe.perceptual_weight > 0 and judge is None:
        raise ConfigError("perceptual_weight needs a matcher; name its bundle as perceptual_bundle")
    if recipe.steps < 1 or recipe.r1_every < 1:
        raise ConfigError("steps and r1_every must be at least 1")


def _completed(batch: StripBatch, fine: Tensor) -> Tensor:
    """Return real strips whose unseen columns show what was made, so that no edge betrays them."""
    return batch.street * batch.seen + fine * (1 - batch.seen)


def _shown_classes(classes: Tensor | None, made: GeneratedStrips, *, detach: bool) -> Tensor | None:
    """Return class probabilities of the real strips and of both passes, in that order."""
    if classes is None or made.segmentation is None:
        return None
    said = made.segmentation.float().softmax(dim=1)
    said = said.detach() if detach else said
    return torch.cat((classes, said, said))


def _verdicts(response: CriticResponse) -> tuple[Tensor, ...]:
    if response.segmentation is None:
        return (response.image,)
    return (response.image, response.segmentation)


def _critic_error(verdict: Tensor, is_real: bool, kind: str) -> Tensor:
    if kind == "hinge":
        return F.relu(1 - verdict if is_real else 1 + verdict)
    return (verdict - float(is_real)).square()


def _seen_mean(error: Tensor, seen: Tensor) -> Tensor:
    """Return the mean of an error (B, C, h, w) over the columns that the street view shows."""
    weight = F.adaptive_avg_pool2d(seen, (1, error.shape[-1]))
    whole = weight.sum() * error.shape[1] * error.shape[2]
    return (error * weight).sum() / whole.clamp_min(1e-6)


def _feature_distance(response: CriticResponse, seen: Tensor, share: tuple[float, float]) -> Tensor:
    """Return the L1 distance of the critic's features of both passes from those of real strips."""
    total = torch.zeros((), device=seen.device)
    for features in response.features:
        real, *passes = features.float().chunk(3)
        for weight, made in zip(share, passes, strict=True):
            error = _seen_mean((made - real.detach()).abs(), seen)
            total = total + weight * error / len(response.features)
    return total
