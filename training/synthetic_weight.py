"""How much made street views should count beside the satellite images that they were made from.

A made street view is likely, not seen. The weight is the one under which photos of held-out places
rank highest, looked at as a search does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.table import Table

from model_core.bundle import ModelBundle, write_bundle
from model_core.device import choose_device
from model_core.errors import BundleError, ConfigError
from model_core.features.encoder import normalize_features
from model_core.synthesis.panogan import PanoGANGenerator
from model_core.types import Progress, ProgressCallback, ignore_progress
from training.correlation import Described
from training.evaluation.galleries import Gallery, model_galleries
from training.evaluation.options import EvaluateOptions
from training.evaluation.run import Setting, city_groups, in_order, locate_photos, model_photos
from training.evaluation.test_set import load_test_set
from training.metrics import RADIUS_M, Outcomes
from training.policies import Policy


@dataclass(frozen=True)
class WeightFigures:
    """What photos of held-out places reach under one weight; shares in [0, 1].

    Attributes:
        weight: Of made street views; 0 for none at all, the policy ``hybrid``.
        reciprocal_rank: Mean of one over the rank of the best placed right answer, all photos.
        recall_at_1: Of all photos.
        recall_at_5: Of all photos.
        in_time: R@1 of photos whose place has a street view in time, None without such photos.
        without: R@1 of the others, likewise.
    """

    weight: float
    reciprocal_rank: float
    recall_at_1: float
    recall_at_5: float
    in_time: float | None
    without: float | None


def weigh_synthetic(
    model: ModelBundle,
    data: Path,
    weights: Sequence[float],
    device: str = "auto",
    progress: ProgressCallback = ignore_progress,
) -> list[WeightFigures]:
    """Return the figures without made street views, then under each weight.

    Args:
        model: A bundle with a generator.
        data: Held-out places that neither matcher nor generator learned from. Of a set that says
            itself what to test on, what it watches trainings by serves: tests are no choice.
        weights: To try, each in (0, 1].
        device: "cpu", "cuda", "mps" or "auto".
        progress: Told after every city.

    Raises:
        BundleError: The bundle makes no street views.
        ConfigError: No weight is given, or one that is not in (0, 1].
        InputError: There is no place.
    """
    whole = weighed(_generator_of(model), 1.0)
    if not weights or not all(0.0 < weight <= 1.0 for weight in weights):
        raise ConfigError("give one weight to try or more, each above 0 and up to 1")
    where = choose_device(device)
    encoder, whole = model.encoder.eval().to(where), whole.to(where)
    test = load_test_set(data, model.config, EvaluateOptions(), to_choose_by=True)
    groups = city_groups(test.places, pooled=False)
    setting = Setting(EvaluateOptions().mixed_fov_deg)
    policies: tuple[Policy, ...] = ("hybrid", "synthetic")
    found: dict[float, list[Outcomes]] = {}
    for done, rows in enumerate(groups):
        progress(Progress("weights", done, len(groups)))
        with torch.inference_mode():
            galleries = model_galleries(
                encoder, model.config, test.places, rows, policies, whole, where, beside=True
            )
        alone, made = (galleries["both", policy] for policy in policies)
        tried = {0.0: alone} | {weight: mixed_gallery(alone, made, weight) for weight in weights}
        outcomes = locate_photos(
            test.places, test.queries(rows), setting, tried, model_photos(encoder),
            model.config, where, EvaluateOptions().seed, (RADIUS_M,),
        )  # fmt: skip
        for (weight, _), outcome in outcomes.items():
            found.setdefault(weight, []).append(outcome)
    progress(Progress("weights", len(groups), len(groups)))
    return [_figures(weight, in_order(parts)) for weight, parts in found.items()]


def mixed_gallery(alone: Gallery, made: Gallery, weight: float) -> Gallery:
    """Return a gallery whose made street views count so much.

    Args:
        alone: Places known from above where no street view serves them.
        made: The same places, known by made street views of weight 1 too.
        weight: See ``PlaceEncoder.fuse``.
    """

    def mix(above: Described, both: Described) -> Described:
        features = weight * both.features + (1.0 - weight) * above.features
        return Described(normalize_features(features), both.coverage)

    if alone.otherwise is None or made.otherwise is None:
        raise ValueError("both galleries must say what stands where no street view serves")
    looks = zip(alone.beside, made.beside, strict=True)
    return replace(
        made,
        otherwise=mix(alone.otherwise, made.otherwise),
        beside=tuple(mix(above, both) for above, both in looks),
    )


def best_weight(figures: Sequence[WeightFigures]) -> float:
    """Return the weight under which photos rank highest; the policy ``hybrid`` does not count."""
    return _best(one for one in figures if one.weight > 0).weight


def verdict(figures: Sequence[WeightFigures]) -> str:
    """Return in one line whether making street views pays."""
    if _best(figures).weight:
        return "Photos rank higher with made street views than without."
    return "Photos rank higher without made street views: keep the policy hybrid."


def weighed(generator: PanoGANGenerator, weight: float) -> PanoGANGenerator:
    """Return a copy of a generator, in evaluation mode, whose street views count so much.

    Raises:
        ConfigError: The weight is not in (0, 1].
    """
    copy = PanoGANGenerator(replace(generator.config, weight=weight))
    copy.load_state_dict(generator.state_dict())
    return copy.eval()


def keep_weight(model: ModelBundle, weight: float) -> Path:
    """Write a bundle again whose made street views count so much; weights and card stay.

    Raises:
        BundleError: The bundle makes no street views, or cannot be written.
    """
    return write_bundle(replace(model, generator=weighed(_generator_of(model).cpu(), weight)))


def weight_table(figures: Sequence[WeightFigures]) -> Table:
    """Return the figures as a table for the terminal, the best weight marked."""
    table = Table(title="Made street views by weight, right within 25 m", title_justify="left")
    for column in ("weight", "R@1", "R@5", "1 / rank", "with a street view", "without"):
        table.add_column(column, justify="right")
    best = best_weight(figures)
    for one in figures:
        table.add_row(
            f"{one.weight:g}" if one.weight else "none made",
            f"{one.recall_at_1:.1%}",
            f"{one.recall_at_5:.1%}",
            f"{one.reciprocal_rank:.3f}",
            "-" if one.in_time is None else f"{one.in_time:.1%}",
            "-" if one.without is None else f"{one.without:.1%}",
            style="bold" if one.weight == best else "",
        )
    return table


def _figures(weight: float, outcomes: Outcomes) -> WeightFigures:
    first, five = outcomes.reached()[:, 0, :2].T
    rank = outcomes.rank[:, 0]
    found = rank <= outcomes.places
    return WeightFigures(
        weight=weight,
        reciprocal_rank=float((found / rank).mean()),
        recall_at_1=float(first.mean()),
        recall_at_5=float(five.mean()),
        in_time=_mean(first[outcomes.available]),
        without=_mean(first[~outcomes.available]),
    )


def _mean(reached: npt.NDArray[np.bool_]) -> float | None:
    return float(reached.mean()) if len(reached) else None


def _best(figures: Iterable[WeightFigures]) -> WeightFigures:
    return max(figures, key=lambda one: one.reciprocal_rank)


def _generator_of(model: ModelBundle) -> PanoGANGenerator:
    if model.generator is None:
        raise BundleError(f"{model.path} holds no street-view generator; train one with panogan")
    return model.generator
