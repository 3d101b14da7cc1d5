"""How fast this machine renders and learns, and how much memory a training step takes."""

from __future__ import annotations

import dataclasses
import itertools
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from model_core.config import StripGeometry
from training.datasets.places import PlaceSet
from training.datasets.resident import ResidentPlaces
from training.matcher import Matcher
from training.precision import autocast, choose_precision, wait_for
from training.train_config import TrainConfig
from training.world.samples import render_city_samples

_FIRST_CITY = 4900
_WARM_UP_STEPS = 2


@dataclass(frozen=True)
class RenderRate:
    """A city of ``places``; ``seconds`` with its geometry, which costs the same for any number."""

    places: int
    seconds: float
    places_a_second: float


@dataclass(frozen=True)
class LearningRate:
    """Steps of ``batch`` places, all kinds of references; the median, with the device's work."""

    batch: int
    seconds_a_step: float
    places_a_second: float
    peak_memory_gb: float | None


@dataclass(frozen=True)
class Rates:
    """What was measured on a device; memory is that of a GPU, None elsewhere."""

    device: str
    rendering: tuple[RenderRate, ...]
    learning: LearningRate


def render_rates(
    sizes: Sequence[int], strips: StripGeometry, device: torch.device
) -> tuple[RenderRate, ...]:
    """Return how fast cities of so many places are rendered, one after another, after a first.

    Args:
        sizes: Places a city.
        strips: The strips' frame.
        device: Where to render.
    """
    render_city_samples(_FIRST_CITY, 1, strips, device)
    rates = []
    for number, size in enumerate(sizes):
        start = time.perf_counter()
        made = len(render_city_samples(_FIRST_CITY + 1 + number, size, strips, device).place_xy)
        seconds = time.perf_counter() - start
        rates.append(RenderRate(made, seconds, made / seconds))
    return tuple(rates)


def learning_rate(
    places: PlaceSet, config: TrainConfig, device: torch.device, steps: int = 20
) -> LearningRate:
    """Return how fast the matcher learns from places that lie on the device.

    Args:
        places: The set; batches have no more places than it.
        config: Model, recipe and batch.
        device: Where to learn.
        steps: Steps measured, after a few that warm up.

    Raises:
        InputError: No place has a photo.
    """
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
    recipe = dataclasses.replace(
        config.matcher, references=dataclasses.replace(config.matcher.references, si=0.0, all=1.0)
    )
    matcher = Matcher(config.model, recipe, *places.layout_statistics()).to(device)
    matcher = matcher.to(memory_format=torch.channels_last)
    batches = iter(ResidentPlaces(places, config.batch, config.cities_per_batch, 0, device))
    optimizer = matcher.configure_optimizers()["optimizer"]
    precision = choose_precision(config.precision, device)
    seconds, learned = [], 0
    for step, batch in enumerate(itertools.islice(batches, _WARM_UP_STEPS + steps)):
        wait_for(device)
        start = time.perf_counter()
        matcher.restart_chance(step)
        with autocast(precision, device):
            loss, _ = matcher.loss_of(matcher.encode(matcher.show(batch)))
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        wait_for(device)
        seconds.append(time.perf_counter() - start)
        learned = len(batch.city)
    median = statistics.median(seconds[_WARM_UP_STEPS:])
    peak_gb = torch.cuda.max_memory_allocated(device) / 1e9 if on_gpu else None
    return LearningRate(learned, median, learned / median, peak_gb)
