"""Rendering samples: places a second, time as ratios and peak memory, in one run.

Run ``PYTHONPATH=. python tests/bench/bench_world.py`` from the project's root; ``--device cuda``
where there is one. ``plain`` is a first program: cities one after the other, views in batches of
six that leave the device each, crops by OpenCV one by one. ``geometry`` is what needs no device.
Every case runs in a fresh process and counts its start with worker processes, not its own; memory
is the peak of that process, without its workers. One thread.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import cv2
import numpy as np
import torch

from model_core.config import StripGeometry
from model_core.types import FloatArray, ImageU8
from training.datasets.rendered import render_dataset
from training.world import samples as world_samples
from training.world.batches import CPU_VIEWS
from training.world.samples import draft_samples

STRIPS = StripGeometry()


def crops_by_opencv(
    whole: ImageU8,
    centers: FloatArray,
    crop_m: float | FloatArray,
    size_px: int,
    half_m: float,
    cell_m: float,
    device: torch.device,
) -> ImageU8:
    """Return the squares of ``crops.crop_squares``, one at a time on the CPU."""
    side = np.broadcast_to(np.asarray(crop_m, np.float64), len(centers))
    out = np.empty((len(centers), size_px, size_px, 3), np.uint8)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for n, (east, north) in enumerate(centers):
        scale = side[n] / size_px / cell_m
        first = 0.5 * scale - 0.5 - side[n] / 2 / cell_m
        start = (east + half_m) / cell_m + first, (half_m - north) / cell_m + first
        matrix = np.array([[scale, 0, start[0]], [0, scale, start[1]]])
        edge = cv2.BORDER_REPLICATE
        out[n] = cv2.warpAffine(whole, matrix, (size_px, size_px), flags=flags, borderMode=edge)
    return out


def plain(seeds: Sequence[int], places: int, device: torch.device) -> None:
    """Render without what makes it fast: OpenCV's crops, six views at a time."""
    develop = world_samples.develop
    world_samples.crop_squares = crops_by_opencv
    world_samples.views_at_once = lambda frame, where: CPU_VIEWS
    world_samples.develop = lambda *given: develop(*given).cpu()
    render(seeds, places, device, 0)


def render(seeds: Sequence[int], places: int, device: torch.device, workers: int) -> None:
    """Render a data set as the command does."""
    with tempfile.TemporaryDirectory() as folder:
        render_dataset(Path(folder), seeds, places, STRIPS, device, workers=workers)


def geometry(seeds: Sequence[int], places: int, device: torch.device) -> None:
    """Draft the same cities and render nothing."""
    for seed in seeds:
        draft_samples(seed, places, STRIPS)


def run_case(
    pipe: Connection, name: str, seeds: Sequence[int], places: int, device: torch.device
) -> None:
    """Send the seconds of a case and the peak memory in MB: of the process, of the GPU."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    if device.type == "cuda":
        torch.zeros(1, device=device)
    begun = time.perf_counter()
    cases: dict[str, Callable[[Sequence[int], int, torch.device], None]] = {
        "plain": plain,
        "geometry": geometry,
    }
    if name in cases:
        cases[name](seeds, places, device)
    else:
        render(seeds, places, device, int(name.split()[0]))
    took = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    on_gpu = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else 0.0
    pipe.send((took, peak, on_gpu))


def measure(
    name: str, seeds: Sequence[int], places: int, device: torch.device
) -> tuple[float, float, float]:
    """Return what ``run_case`` sends, from a fresh process."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=run_case, args=(there, name, seeds, places, device))
    process.start()
    there.close()
    try:
        taken: tuple[float, float, float] = here.recv()
    except EOFError as error:
        raise SystemExit(f"{name}: the process ended early; see its error above") from error
    finally:
        process.join()
    return taken


def main() -> None:
    """Print a line a case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--places", type=int, default=80, help="Places a city.")
    parser.add_argument("--cities", type=int, default=4)
    parser.add_argument("--workers", default="0,1,2", help="Counts to try, with commas.")
    options = parser.parse_args()
    device = torch.device(options.device)
    seeds = range(1, 1 + options.cities)
    total = options.cities * options.places
    print(
        f"{options.cities} cities, {options.places} places each, 3 strips of "
        f"{STRIPS.height} x {STRIPS.width} and one crop a place, on {device}"
    )
    base = None
    for name in ("plain", "geometry", *(f"{n} workers" for n in options.workers.split(","))):
        took, peak, on_gpu = measure(name, seeds, options.places, device)
        base = base or took
        print(
            f"{name:10} {took:7.1f} s  {total / took:7.2f} places/s  {took / base:5.2f} of plain  "
            f"{peak:6.0f} MB" + (f"  {on_gpu:6.0f} MB of the GPU" if on_gpu else "")
        )


if __name__ == "__main__":
    main()
