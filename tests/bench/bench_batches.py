"""Batches of a resident set against batches copied out of memory: time as a ratio, in one run.

Run ``PYTHONPATH=. python tests/bench/bench_batches.py`` from the project's root; ``--device cuda``
where there is one. The set is made up, of the size of rendered ones. The baseline copies images on
the host and sends them, ``ResidentPlaces`` picks them where they lie; the fastest of three rounds
of each counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import torch

from training.datasets.places import PlaceSet, RawBatch, take_batch
from training.datasets.resident import ResidentPlaces

BATCH = 64
STEPS = 64


def made_up(places: int) -> PlaceSet:
    """Return places of 20 cities, on 1 km2 each, with pictures of one grey."""
    rng = np.random.default_rng(0)
    height, width, photos, bins, labels = 64, 128, 2, 16, 16
    return PlaceSet(
        satellite=np.full((places, 160, 160, 3), 90, np.uint8),
        street=np.full((places, height, width, 3), 90, np.uint8),
        street_seen=np.ones((places, width), np.bool_),
        street_days=np.full(places, 19000, np.int32),
        query=np.full((places, photos, height, width, 3), 90, np.uint8),
        query_seen=np.ones((places, photos, width), np.bool_),
        query_days=np.full((places, photos), 19000, np.int32),
        query_state=np.zeros((places, photos), np.uint8),
        heading_known=np.ones((places, photos), np.bool_),
        query_offset_m=np.zeros((places, photos, 2), np.float32),
        imagery_shift_m=np.zeros((places, 2), np.float32),
        street_offset_m=np.zeros((places, 2), np.float32),
        place_xy=rng.uniform(0, 1000, (places, 2)).astype(np.float32),
        layout=np.zeros((places, bins, labels), np.float16),
        query_layout=np.zeros((places, photos, bins, labels), np.float16),
        city=rng.integers(0, 20, places),
        block=np.zeros(places, np.int64),
    )


def copied(places: PlaceSet, batch: int, seed: int) -> Iterator[RawBatch]:
    """Yield batches of four cities, copied out of memory one after the other."""
    rng = np.random.default_rng(seed)
    cities = np.unique(places.city)
    while True:
        some = rng.choice(cities, 4, replace=False)
        rows = np.concatenate(
            [rng.choice(np.flatnonzero(places.city == c), batch // 4, replace=False) for c in some]
        )
        yield take_batch(places, rows, rng.integers(0, places.query.shape[1], len(rows)))


def ms_a_batch(batches: Iterable[RawBatch], device: torch.device) -> float:
    """Return the milliseconds of a batch until it lies on the device."""
    source = iter(batches)
    best = float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        for batch in islice(source, STEPS):
            batch.to(device)
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = min(best, (time.perf_counter() - begun) / STEPS * 1000)
    return best


def main() -> None:
    """Print the times, their ratios and the bytes of a place."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--places", type=int, default=4000)
    options = parser.parse_args()
    device = torch.device(options.device)
    torch.set_num_threads(1)
    places = made_up(options.places)
    resident = ResidentPlaces(places, BATCH, 4, 1, device)
    print(f"{places.bytes_per_place} bytes a place, batches of {BATCH}")
    base = ms_a_batch(copied(places, BATCH, 1), device)
    neighbours = ms_a_batch(resident, device)
    rng = np.random.default_rng(1)
    resident.set_hard_negatives(rng.integers(0, len(places), (len(places), 64)))
    hard = ms_a_batch(resident, device)
    print(f"copied {base:.2f} ms (1.00)")
    print(f"resident, neighbours {neighbours:.2f} ms ({neighbours / base:.2f})")
    print(f"resident, hard negatives {hard:.2f} ms ({hard / base:.2f})")


if __name__ == "__main__":
    main()
