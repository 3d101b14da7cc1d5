"""Places a second that a training step learns from, forward and back, and where its time goes.

Run as a script: ``python tests/bench/bench_training.py [--device cuda] [--batch 192]``. Ours is the
step as it is trained: batches drawn on the device, all kinds of references, three windows a photo,
and bf16 where the device has it. The baseline is what one would write first: batches gathered on
the processor and sent, fp32, torch's own gradients, one optimiser kernel a tensor. Both take the
same loss of the same places. Ratios are to the baseline; medians of repeated steps. With
``--compile`` the encoder is compiled as well.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch.nn import functional

ENOUGH_SECONDS = 4.0
ENOUGH_RUNS = 4
PLACES_A_CITY = 100
LABELS = 16


def random_places(count: int, config):
    """Return noise as places; what they show does not matter to the time."""
    from training.datasets.places import NO_DATE, PlaceSet

    rng = np.random.default_rng(0)
    geometry, bins, photos = config.geometry, config.azimuth_bins, 2
    strip = (geometry.height, geometry.width, 3)
    noise = lambda *shape: rng.integers(0, 256, shape, dtype=np.uint8)  # noqa: E731
    return PlaceSet(
        satellite=noise(count, 160, 160, 3),
        street=noise(count, *strip),
        street_seen=np.ones((count, geometry.width), bool),
        street_days=np.full(count, NO_DATE, np.int32),
        query=noise(count, photos, *strip),
        query_seen=np.ones((count, photos, geometry.width), bool),
        query_days=np.full((count, photos), NO_DATE, np.int32),
        query_state=np.zeros((count, photos), np.uint8),
        heading_known=np.ones((count, photos), bool),
        query_offset_m=rng.normal(0, 3, (count, photos, 2)).astype(np.float32),
        imagery_shift_m=np.zeros((count, 2), np.float32),
        street_offset_m=np.zeros((count, 2), np.float32),
        place_xy=rng.uniform(0, 500, (count, 2)).astype(np.float32),
        layout=rng.normal(size=(count, bins, LABELS)).astype(np.float16),
        query_layout=rng.normal(size=(count, photos, bins, LABELS)).astype(np.float16),
        city=np.arange(count) // PLACES_A_CITY,
        block=np.zeros(count, np.int64),
    )


class Stopwatch:
    """Times named parts of a step, the device's work included."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds: dict[str, list[float]] = {}

    def time(self, name: str, work: Callable[[], object]) -> object:
        """Return what the work returns, its time noted under a name."""
        self._wait()
        start = time.perf_counter()
        result = work()
        self._wait()
        self.seconds.setdefault(name, []).append(time.perf_counter() - start)
        return result

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def enough(self) -> bool:
        """Whether medians mean something."""
        runs = min(map(len, self.seconds.values()), default=0)
        total = sum(map(sum, self.seconds.values()))
        return runs > ENOUGH_RUNS and total > ENOUGH_SECONDS

    def medians(self) -> dict[str, float]:
        """Return seconds a part, the first run left out: it warms up."""
        return {name: statistics.median(values[1:]) for name, values in self.seconds.items()}


def torchs_depthwise(x, weight, bias, padding):
    """Return what ``conv_depthwise`` does, its gradient torch's own."""
    return functional.conv2d(x, weight, bias, padding=padding, groups=len(weight))


def measure(arguments: argparse.Namespace, device: torch.device, ours: bool) -> dict[str, float]:
    """Return seconds a step by part: batch, augmentation, encode, loss, backward, optimiser."""
    from model_core.config import PRESETS
    from training.datasets.places import take_batch
    from training.datasets.resident import ResidentPlaces
    from training.matcher import Matcher, MatcherConfig, ReferenceShares
    from training.precision import autocast, choose_precision

    model = dataclasses.replace(PRESETS[arguments.preset], backbone=arguments.backbone)
    places = random_places(max(400, 2 * arguments.batch), model)
    shares = ReferenceShares(si=0.0, all=1.0)
    config = MatcherConfig(references=shares, accumulate=arguments.accumulate if ours else 1)
    torch.manual_seed(0)
    matcher = Matcher(model, config, *places.layout_statistics()).to(device)
    if ours:
        matcher = matcher.to(memory_format=torch.channels_last)
    if ours and arguments.compile:
        for strips in matcher.encoder.branches.values():
            strips.compile()

    def copied():
        rng = np.random.default_rng(0)
        while True:
            rows = rng.choice(len(places.city), arguments.batch, replace=False)
            yield take_batch(places, rows, rng.integers(0, places.query.shape[1], len(rows)))

    kept = ResidentPlaces(places, arguments.batch, 4, 0, device)
    batches: Iterator = iter(kept) if ours else copied()
    trained = [p for n, p in matcher.named_parameters() if not n.startswith("averaged.")]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, fused=ours, foreach=False)
    precision = choose_precision("auto", device) if ours else "32-true"
    watch = Stopwatch(device)
    step = 0
    while not watch.enough():
        matcher.restart_chance(step)
        step += 1
        batch = watch.time("batch", lambda: next(batches).to(device))
        shown = watch.time("augmentation", lambda: matcher.show(batch))  # noqa: B023
        with autocast(precision, device):
            encoded = watch.time("encode", lambda: matcher.encode(shown))  # noqa: B023
            loss = watch.time("loss", lambda: matcher.loss_of(encoded)[0])  # noqa: B023
        optimizer.zero_grad()
        watch.time("backward", loss.backward)
        watch.time("optimiser", optimizer.step)
    return watch.medians()


def main() -> None:
    """Print the table."""
    from model_core.device import choose_device

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--backbone", default="atto")
    parser.add_argument("--accumulate", type=int, default=1)
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    arguments.batch = arguments.batch or (192 if device.type == "cuda" else 24)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    print(
        f"training step, {arguments.preset} {arguments.backbone}, {arguments.batch} places, "
        f"{name}, {torch.get_num_threads()} threads"
    )
    from model_core.features import convnext

    with mock.patch.object(convnext, "conv_depthwise", torchs_depthwise):
        measured = {"baseline": measure(arguments, device, ours=False)}
    measured["ours"] = measure(arguments, device, ours=True)
    base, ours = measured["baseline"], measured["ours"]
    print(f"{'part':14}{'baseline ms':>13}{'ours ms':>10}{'ratio':>8}")
    for part in base:
        ratio = ours[part] / base[part]
        print(f"{part:14}{1e3 * base[part]:>13.1f}{1e3 * ours[part]:>10.1f}{ratio:>8.2f}")
    totals = {kind: sum(parts.values()) for kind, parts in measured.items()}
    print(
        f"{'a step':14}{1e3 * totals['baseline']:>13.1f}{1e3 * totals['ours']:>10.1f}"
        f"{totals['ours'] / totals['baseline']:>8.2f}"
    )
    rates = {kind: arguments.batch / seconds for kind, seconds in totals.items()}
    print(f"{'places a s':14}{rates['baseline']:>13.1f}{rates['ours']:>10.1f}")
    if device.type == "cuda":
        print(f"peak memory {torch.cuda.max_memory_allocated(device) / 1e9:.1f} GB")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
