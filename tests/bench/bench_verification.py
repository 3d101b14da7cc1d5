"""Local features of panoramas from crops little wider than their sectors, against square crops.

Run ``PYTHONPATH=. python tests/bench/bench_verification.py [--views 6]`` from the project's root.
Panoramas are the bundled demo's, one thread. The baseline cuts square crops of 90 degrees and
throws the features beside each crop's own sector away. Ratios are to it. ``same`` is the share of
the baseline's features that are found at the same place with the same descriptor.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from unittest import mock

import cv2
import numpy as np

from model_core.config import VerificationConfig
from model_core.references.street_view import FolderStreetViews
from model_core.verification import local_features
from model_core.verification.local_features import LocalFeatures
from model_core.verification.verify import view_features

VIEWS = Path(__file__).resolve().parents[2] / "resources" / "demo" / "street_views"
SQUARE_DEG = local_features.CROP_HEIGHT_DEG
ROUNDING_DEG, ROUNDING_COUNTS = 0.02, 6


def same_share(before: list[LocalFeatures], after: list[LocalFeatures]) -> float:
    """Return the share of features that lie in both at one place with one descriptor."""
    same = total = 0
    for one, other in zip(before, after, strict=True):
        total += len(one)
        for start in range(0, len(one), 512):
            rows = slice(start, start + 512)
            apart = np.abs(one.points[rows, None] - other.points[None]).max(axis=2)
            near = apart.argmin(axis=1)
            counts = one.descriptors[rows].astype(int) - other.descriptors[near]
            close = apart.min(axis=1) < ROUNDING_DEG
            same += int((close & (np.abs(counts).max(axis=1) <= ROUNDING_COUNTS)).sum())
    return same / total


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--views", type=int, default=6)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    views = FolderStreetViews(VIEWS).views()[: arguments.views]
    config = VerificationConfig()

    def extract() -> tuple[list[LocalFeatures], float]:
        started = time.perf_counter()
        found = [view_features(view, config) for view in views]
        return found, time.perf_counter() - started

    with mock.patch.object(local_features, "CROP_WIDTH_DEG", SQUARE_DEG):
        square, square_s = extract()
    narrow, narrow_s = extract()
    width, height = narrow[0].size_px
    print(f"{len(views)} panoramas of {width} x {height}, one thread")
    print(f"{'':24}{'seconds':>9}{'ratio':>8}{'features':>10}{'same':>8}")
    for name, found, seconds in (
        (f"crops {SQUARE_DEG:.0f} degrees wide", square, square_s),
        (f"crops {local_features.CROP_WIDTH_DEG:.0f} degrees wide", narrow, narrow_s),
    ):
        count = sum(map(len, found))
        share = same_share(square, found)
        print(f"{name:24}{seconds:>9.2f}{seconds / square_s:>8.2f}{count:>10}{share:>8.1%}")


if __name__ == "__main__":
    main()
