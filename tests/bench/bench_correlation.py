"""Time and working memory of the correlation over azimuth, against two plain ways to do it.

Run as a script: ``python tests/bench/bench_correlation.py [--quick]``. Ours is ``search_photos``;
the others are a loop over shifts with ``torch.roll`` and a circular ``conv1d``, both normalising
every window as ours does, both a block of rows at a time. All must give the same best places.
Memory is what a search needs beyond the gallery itself (Linux only). Ratios are against ours.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from model_core.config import SearchConfig
from model_core.gallery.weighting import weigh_bins
from model_core.matching.correlation import PhotoFeatures
from model_core.matching.search import best_rows, search_photos

HEIGHT, CHANNELS = 4, 16
PLACES = (10_000, 100_000, 1_000_000)
PHOTOS = (1, 16)
BINS = (32, 16)
FOV_DEG = 67.5
TOP = 20
PATTERN_ROWS = 16_384
PLAIN_ROWS = 4096
ENOUGH_SECONDS = 1.0
# The loop at a million places takes minutes and tells nothing that 100,000 do not.
MOST_PLACES = {"loop over shifts": 100_000, "conv1d": 1_000_000}
MOST_PHOTOS_OF_A_MILLION = {"conv1d": 1}

Clock = Callable[[], float]
Best = Callable[["Table", Sequence[PhotoFeatures]], np.ndarray]


@dataclass(frozen=True)
class Table:
    """A gallery in memory: features (N, h, bins, C), coverage and energy (N, bins)."""

    features: np.ndarray
    energy: np.ndarray
    coverage: np.ndarray


def make_table(places: int, bins: int) -> Table:
    """Return random places; beyond a pattern's rows its channels and heights are turned."""
    generator = torch.Generator().manual_seed(bins)
    rows = min(places, PATTERN_ROWS)
    noise = torch.randn((rows, HEIGHT, bins, CHANNELS), generator=generator)
    pattern, energy = weigh_bins(
        functional.normalize(noise.flatten(1)).view_as(noise), torch.ones(rows, bins)
    )
    features = np.empty((places, HEIGHT, bins, CHANNELS), np.float16)
    for turn, start in enumerate(range(0, places, rows)):
        part = features[start : start + rows]
        turned = torch.roll(pattern, (turn // CHANNELS, turn % CHANNELS), (1, 3))
        part[:] = turned[: len(part)].numpy()
    repeats = -(-places // rows)
    energies = np.tile(energy.numpy(), (repeats, 1))[:places]
    return Table(features, energies, np.ones((places, bins), np.float32))


def make_photos(table: Table, count: int) -> list[PhotoFeatures]:
    """Return noisy windows of places spread over the gallery."""
    rng = np.random.default_rng(1)
    places, _, bins, _ = table.features.shape
    width = round(FOV_DEG * bins / 360)
    photos = []
    for number in range(count):
        columns = (rng.integers(bins) + np.arange(width)) % bins
        seen = table.features[number * places // count][:, columns].astype(np.float32)
        seen = seen.transpose(2, 0, 1)
        noisy = seen + rng.normal(size=seen.shape) * 1.2 * seen.std()
        photos.append(PhotoFeatures(noisy.astype(np.float32), np.ones(width, np.float32), FOV_DEG))
    return photos


def by_matrix_product(table: Table, photos: Sequence[PhotoFeatures]) -> np.ndarray:
    """Return the best cosines (N, B) as ``search_photos`` finds them."""
    config = SearchConfig(top_k=TOP)
    results = search_photos(table, [[photo] for photo in photos], config, torch.device("cpu"))
    return np.stack([result.correlation for result in results], 1)


def by_loop(table: Table, photos: Sequence[PhotoFeatures]) -> np.ndarray:
    """Return the best cosines (N, B) by rolling the gallery to every shift."""
    stack = np.stack([photo.features for photo in photos])
    query = functional.normalize(torch.from_numpy(stack).permute(0, 2, 3, 1).flatten(1))
    width, bins = photos[0].width, table.features.shape[2]
    best = np.full((len(table.features), len(photos)), -np.inf, np.float32)
    for start in range(0, len(best), PLAIN_ROWS):
        block = torch.from_numpy(table.features[start : start + PLAIN_ROWS]).float()
        found = torch.full((len(block), len(photos)), -torch.inf)
        for shift in range(bins):
            window = torch.roll(block, -shift, dims=2)[:, :, :width].flatten(1)
            cosine = (window @ query.T) / window.norm(dim=1, keepdim=True)
            found = torch.maximum(found, cosine)
        best[start : start + PLAIN_ROWS] = found.numpy()
    return best


def by_conv1d(table: Table, photos: Sequence[PhotoFeatures]) -> np.ndarray:
    """Return the best cosines (N, B) by a circular convolution along azimuth."""
    stack = torch.from_numpy(np.stack([photo.features for photo in photos]))
    query = functional.normalize(stack.permute(0, 2, 1, 3).flatten(1)).view(
        len(photos), HEIGHT * CHANNELS, -1
    )
    width = photos[0].width
    ones = torch.ones(1, 1, width)
    best = np.empty((len(table.features), len(photos)), np.float32)
    for start in range(0, len(best), PLAIN_ROWS):
        block = torch.from_numpy(table.features[start : start + PLAIN_ROWS]).float()
        rows = block.permute(0, 1, 3, 2).flatten(1, 2)
        wrapped = torch.cat([rows, rows[:, :, : width - 1]], 2)
        inner = functional.conv1d(wrapped, query)
        energy = functional.conv1d(wrapped.square().sum(1, keepdim=True), ones)
        best[start : start + PLAIN_ROWS] = (inner / energy.sqrt()).amax(2).numpy()
    return best


WAYS: dict[str, Best] = {
    "matrix product (ours)": by_matrix_product,
    "conv1d": by_conv1d,
    "loop over shifts": by_loop,
}


def measure(
    way: Best, table: Table, photos: Sequence[PhotoFeatures], clock: Clock
) -> tuple[np.ndarray, float, float]:
    """Return the best cosines, median seconds, and working memory in MB (nan if unknown)."""
    _forget_peak()
    before = _status_mb("VmRSS")
    times: list[float] = []
    while True:
        began = clock()
        best = way(table, photos)
        times.append(clock() - began)
        if sum(times) > ENOUGH_SECONDS or len(times) == 5:
            return best, statistics.median(times), _status_mb("VmHWM") - before


def check_same_places(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Raise unless both have the same best places, up to ties within rounding."""
    for photo in range(ours.shape[1]):
        mine, other = best_rows(ours[:, photo], TOP), best_rows(theirs[:, photo], TOP)
        least = theirs[other[-1], photo]
        if mine[0] != other[0] or theirs[mine, photo].min() < least - 1e-5:
            raise SystemExit(f"photo {photo}: places {mine} against {other}")


def fits(places: int, bins: int) -> bool:
    """Return whether the machine has room for a gallery, some of it for others."""
    free_mb = _status_mb("MemAvailable", Path("/proc/meminfo"))
    return not free_mb * 0.7 < places * HEIGHT * bins * CHANNELS * 2 / 1e6


def run_size(places: int, bins: int, clock: Clock) -> None:
    """Print the rows of one gallery."""
    table = make_table(places, bins)
    for count in PHOTOS:
        photos = make_photos(table, count)
        base: tuple[np.ndarray, float, float] | None = None
        for name, way in WAYS.items():
            most = MOST_PHOTOS_OF_A_MILLION.get(name, count) if places == PLACES[-1] else count
            if places > MOST_PLACES.get(name, places) or count > most:
                continue
            best, seconds, megabytes = measure(way, table, photos, clock)
            base = base or (best, seconds, megabytes)
            check_same_places(base[0], best)
            print(
                f"{places:>9,} {bins:>4} {count:>6}  {name:<22} "
                f"{1e3 * seconds:>9.1f} {seconds / base[1]:>7.1f}x "
                f"{megabytes:>8.0f} {megabytes / max(base[2], 1.0):>7.1f}x",
                flush=True,
            )


def _forget_peak() -> None:
    """Give freed memory back and let the peak of resident memory start anew."""
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
    path = Path("/proc/self/clear_refs")
    if path.exists() and os.access(path, os.W_OK):
        path.write_text("5")


def _status_mb(key: str, path: Path = Path("/proc/self/status")) -> float:
    if not path.exists():
        return float("nan")
    line = next(line for line in path.read_text().splitlines() if line.startswith(key + ":"))
    return float(line.split()[1]) / 1e3


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10,000 places only")
    parser.add_argument(
        "--processor-time", action="store_true", help="seconds of all threads; for a busy machine"
    )
    arguments = parser.parse_args()
    clock = time.process_time if arguments.processor_time else time.perf_counter
    print(f"Correlation over azimuth, {torch.get_num_threads()} threads, top {TOP} compared")
    print(f"{'places':>9} bins photos  {'way':<22} {'ms':>9} {'time':>8} {'MB':>8} {'memory':>8}")
    for bins in BINS:
        for places in PLACES[:1] if arguments.quick else PLACES:
            if fits(places, bins):
                run_size(places, bins, clock)
            else:
                print(f"{places:>9,} {bins:>4}  left out: the gallery does not fit into memory")


if __name__ == "__main__":
    main()
