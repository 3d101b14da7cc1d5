"""Alignment against plain ways to do the same: time and memory as ratios, in one run.

Run ``PYTHONPATH=. python tests/bench/bench_alignment.py`` from the project's root. Images are
made up. Every ratio is against the first of its group; memory is the peak of what a call allocates
beyond what was there before, caches filled by it included, in a fresh process. One thread.
"""

from __future__ import annotations

import math
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import cv2
import numpy as np
import torch

from model_core.alignment.calibration import calibrate, feature_correlation
from model_core.alignment.panorama import photo_strip, street_strip
from model_core.alignment.polar import polar_transform_torch, satellite_strip
from model_core.alignment.projection import directions, make_camera, resample
from model_core.config import PRESETS, StripGeometry
from model_core.types import ImageU8, LonLat, SatelliteImage, SourceTerms, Strip

Work = Callable[[], object]
PAPER = PRESETS["paper"].geometry
DEFAULT = StripGeometry()


def noise(height: int, width: int) -> ImageU8:
    """Return a made-up image with structure at several scales."""
    rng = np.random.default_rng(0)
    image = np.zeros((height, width, 3), np.float32)
    for cell in (4, 16, 64):
        coarse = rng.normal(0, cell, (height // cell + 2, width // cell + 2, 3))
        image += cv2.resize(coarse.astype(np.float32), (width, height))
    return np.clip(image + 120, 0, 255).astype(np.uint8)


def polar_by_loop(image: ImageU8, geometry: StripGeometry) -> ImageU8:
    """Return the polar strip pixel by pixel, bilinear, as a first program would."""
    size = image.shape[0]
    strip = np.zeros((geometry.height, geometry.width, 3), np.uint8)
    for i in range(geometry.height):
        radius = (geometry.height - i - 0.5) / geometry.height * (size / 2 - 1)
        for j in range(geometry.width):
            turn = (j + 0.5) / geometry.width * 2 * math.pi
            x = size / 2 - 0.5 + radius * math.sin(turn)
            y = size / 2 - 0.5 - radius * math.cos(turn)
            left, top = int(x), int(y)
            fx, fy = x - left, y - top
            upper = image[top, left] * (1 - fx) + image[top, left + 1] * fx
            lower = image[top + 1, left] * (1 - fx) + image[top + 1, left + 1] * fx
            strip[i, j] = upper * (1 - fy) + lower * fy
    return strip


def polar_by_arrays(image: ImageU8, geometry: StripGeometry) -> ImageU8:
    """Return the polar strip by numpy indexing, one sample a pixel."""
    size = image.shape[0]
    radius = (geometry.height - np.arange(geometry.height) - 0.5) / geometry.height
    radius = radius[:, None] * (size / 2 - 1)
    turn = (np.arange(geometry.width) + 0.5) / geometry.width * 2 * np.pi
    x = size / 2 - 0.5 + radius * np.sin(turn)
    y = size / 2 - 0.5 - radius * np.cos(turn)
    left, top = x.astype(int), y.astype(int)
    fx, fy = (x - left)[..., None], (y - top)[..., None]
    upper = image[top, left] * (1 - fx) + image[top, left + 1] * fx
    lower = image[top + 1, left] * (1 - fx) + image[top + 1, left + 1] * fx
    return (upper * (1 - fy) + lower * fy).astype(np.uint8)


def correlation_by_loop(street: np.ndarray, satellite: np.ndarray) -> list[float]:
    """Return the correlation at every turn, a roll at a time."""
    return [float((np.roll(street, k, axis=-1) * satellite).sum()) for k in range(street.shape[-1])]


def milliseconds(work: Work, seconds: float = 0.4) -> float:
    """Return the median time of a call, after a first one that fills caches."""
    work()
    taken: list[float] = []
    while sum(taken) < seconds or len(taken) < 3:
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken)) * 1e3


def _memory_kib(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    return 0


def _peak_kib(name: str, reply: Connection) -> None:
    torch.set_num_threads(1)
    work = WORK[name]()
    Path("/proc/self/clear_refs").write_text("5")
    before = _memory_kib("VmRSS")
    work()
    reply.send(max(0, _memory_kib("VmHWM") - before))


def peak_mib(name: str) -> float:
    """Return what a first call adds to a fresh process's peak memory; NaN off Linux."""
    if not Path("/proc/self/clear_refs").exists():
        return math.nan
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_peak_kib, args=(name, send))
    process.start()
    process.join()
    return float(receive.recv()) / 1024


def _satellite(geometry: StripGeometry) -> SatelliteImage:
    size = geometry.satellite_px
    valid = np.ones((size, size), bool)
    terms = SourceTerms("bench")
    return SatelliteImage(noise(size, size), valid, geometry.footprint_m, LonLat(0, 0), terms)


def _polar(way: str, geometry: StripGeometry) -> Work:
    image = _satellite(geometry)
    if way == "loop":
        return lambda: polar_by_loop(image.image, geometry)
    if way == "arrays":
        return lambda: polar_by_arrays(image.image, geometry)
    if way == "remap":
        return lambda: satellite_strip(image, geometry)
    tensor = torch.from_numpy(image.image).permute(2, 0, 1)[None].float()
    return lambda: polar_transform_torch(tensor, geometry)


def _keypoints(method: str) -> Work:
    pixels = noise(PAPER.height, PAPER.width)
    mask = np.ones(pixels.shape[:2], bool)
    satellite = Strip(pixels, mask)
    street = Strip(np.roll(pixels, 137, axis=1), mask)
    return lambda: calibrate(street, satellite, "sift" if method == "sift" else "orb")


def _features(way: str) -> Work:
    rng = np.random.default_rng(0)
    street, satellite = rng.normal(size=(2, 16, 4, 32)).astype(np.float32)
    if way == "loop":
        return lambda: correlation_by_loop(street, satellite)
    return lambda: feature_correlation(street, satellite)


def _cylinder(kind: str, way: str) -> Work:
    if kind == "panorama":
        view, camera = noise(1024, 2048), make_camera("equirectangular", 360.0, 30.0)
        width, ours = 256, lambda: street_strip(view, "equirectangular", 30, 360, 0, 0, DEFAULT)
    else:
        view, camera = noise(1536, 2048), make_camera("perspective", 65.0)
        width, ours = 48, lambda: photo_strip(view, "perspective", 65, 0, 0, DEFAULT, 8)
    if way == "ours":
        return ours
    # As many rays a strip pixel as image pixels fall into it, each traced from scratch.
    pool = 6 if kind == "panorama" else 32
    azimuth_deg = (np.arange(width * pool) + 0.5) / pool * DEFAULT.deg_per_px
    azimuth_deg -= 0 if kind == "panorama" else width / 2 * DEFAULT.deg_per_px
    rows = DEFAULT.height * pool
    elevation_deg = 40 - (np.arange(rows) + 0.5) * 70 / rows
    return lambda: resample(view, camera, directions(azimuth_deg, elevation_deg), 1e9, pool)


WORK: dict[str, Callable[[], Work]] = {
    "polar 128x512, loop over pixels": lambda: _polar("loop", PAPER),
    "polar 128x512, numpy indexing": lambda: _polar("arrays", PAPER),
    "polar 128x512, cached remap": lambda: _polar("remap", PAPER),
    "polar 128x512, grid_sample": lambda: _polar("torch", PAPER),
    "polar 64x256, loop over pixels": lambda: _polar("loop", DEFAULT),
    "polar 64x256, numpy indexing": lambda: _polar("arrays", DEFAULT),
    "polar 64x256, cached remap": lambda: _polar("remap", DEFAULT),
    "polar 64x256, grid_sample": lambda: _polar("torch", DEFAULT),
    "SIFT pair 128x512": lambda: _keypoints("sift"),
    "ORB pair 128x512": lambda: _keypoints("orb"),
    "features 16x4x32, loop over turns": lambda: _features("loop"),
    "features 16x4x32, FFT": lambda: _features("fft"),
    "panorama 2048x1024, 6x6 rays a pixel": lambda: _cylinder("panorama", "rays"),
    "panorama 2048x1024 to 64x256": lambda: _cylinder("panorama", "ours"),
    "photo 2048x1536, 32x32 rays a pixel": lambda: _cylinder("photo", "rays"),
    "photo 2048x1536 to 64x48": lambda: _cylinder("photo", "ours"),
}

GROUPS = (
    list(WORK)[0:4],
    list(WORK)[4:8],
    list(WORK)[8:10],
    list(WORK)[10:12],
    list(WORK)[12:14],
    list(WORK)[14:16],
)


def main() -> None:
    """Print time, ratio to the first of each group, and added peak memory."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    print("alignment (median of repeated calls; remap averages 2 to 4 samples a strip pixel,")
    print("the loop and the indexing take one)")
    for group in GROUPS:
        baseline_ms = 0.0
        for name in group:
            taken_ms = milliseconds(WORK[name]())
            baseline_ms = baseline_ms or taken_ms
            ratio = f"{baseline_ms / taken_ms:8.1f}x the first"
            print(f"  {name:38s} {taken_ms:9.3f} ms {ratio}  +{peak_mib(name):6.1f} MiB")


if __name__ == "__main__":
    main()
