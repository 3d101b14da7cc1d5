"""Looking beside the best places, against a gallery of places as dense from the start.

Run as a script: ``python tests/bench/bench_beside.py [--photos 20] [--places 100]``. Imagery and
places are the bundled demo's, the model is the packaged one. The baseline encodes every place and
the eight points around it before the first photo; looking beside encodes them for the best places
of each photo and remembers them. Which places are best is drawn by chance, half of them near each
other, as a search finds them. Ratios are to the baseline; memory is what is remembered.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Print the table."""
    from model_core.bundle import default_bundle_path, load_bundle
    from model_core.config import LocateConfig
    from model_core.gallery.around import LOOKS
    from model_core.gallery.beside import PlacesBeside
    from model_core.gallery.places import PlaceRecord, PlaceTable
    from model_core.references.survey import Sources, survey_area
    from model_core.types import Reference

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=20)
    parser.add_argument("--places", type=int, default=100, help="looked at for each photo")
    parser.add_argument("--spacing", type=float, default=8.0, help="of places along roads, metres")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()

    demo, device = ROOT / "resources" / "demo", torch.device(arguments.device)
    config = LocateConfig()
    config = replace(config, places=replace(config.places, spacing_m=arguments.spacing))
    sources = Sources(imagery=str(demo / "imagery.tif"), roads=str(demo / "roads.geojson"))
    survey = survey_area(str(demo / "area.geojson"), sources, config)
    records = [
        replace(PlaceRecord.of_reference(Reference(place, None, ())), imagery_source="demo")
        for place in survey.places
    ]
    table = PlaceTable.from_records(records)
    model = load_bundle(default_bundle_path(), device)
    assert survey.imagery is not None

    def beside() -> PlacesBeside:
        step_m = config.search.beside_step_m
        every = np.ones(len(table), np.bool_)
        return PlacesBeside(
            table, survey.imagery, model, device, every, step_m, config.batch_size, survey.summary
        )

    beside().look([0, 1])  # warms up
    count = len(table)
    dense = beside()
    started = time.perf_counter()
    kept = dense.look(range(count))
    dense_s = time.perf_counter() - started
    assert kept is not None
    dense_mb = sum(part.nbytes for part in (kept.features, kept.energy, kept.coverage)) / 1e6

    rng, late = np.random.default_rng(1), beside()
    taken, seen = [], set()
    for _ in range(arguments.photos):
        around = np.argsort(np.abs(np.arange(count) - rng.integers(count)))
        far = rng.permutation(count)
        some = np.concatenate([around[: arguments.places // 2], far])
        rows = list(dict.fromkeys(some.tolist()))[: arguments.places]
        seen.update(rows)
        started = time.perf_counter()
        late.look(rows)
        taken.append(time.perf_counter() - started)
    late_mb = dense_mb * len(seen) / count

    print(f"{count} places, {LOOKS} looks each, {arguments.places} places a photo, {device}")
    print(f"{'':34}{'seconds':>9}{'ratio':>8}{'MB':>7}{'ratio':>8}")
    cases = (
        ("dense gallery, before any photo", dense_s, dense_mb),
        ("beside, first photo", taken[0], dense_mb * min(arguments.places, count) / count),
        (f"beside, {arguments.photos} photos", sum(taken), late_mb),
        ("beside, a photo of known places", min(taken), late_mb),
    )
    for name, seconds, mb in cases:
        ratio = seconds / dense_s
        print(f"{name:34}{seconds:>9.2f}{ratio:>8.3f}{mb:>7.1f}{mb / dense_mb:>8.2f}")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
