"""Render the demo: ``python -m training.world.demo --out resources/demo``.

The demo city is a rendered, invented place that no model is trained on. With ``--photos`` only
fresh photos of the same city are rendered, with their truth beside them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from training.world.area import AreaPlan, render_area, render_photos
from training.world.styles import DEMO_CITY_SEED, demo_style

PHOTOS = 20


def demo_plan() -> AreaPlan:
    """Return the plan of the demo area; six in ten of its places have a street view near."""
    return AreaPlan(DEMO_CITY_SEED, demo_style(), 0.6, "Demo area")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.world.demo", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--photos", type=int, help="render only this many fresh photos")
    parser.add_argument("--photo-seed", type=int, default=0, help="which fresh photos")
    options = parser.parse_args(arguments)
    if options.photos is None:
        render_area(demo_plan(), options.out, PHOTOS)
    else:
        render_photos(demo_plan(), options.out, options.photos, options.photo_seed)


if __name__ == "__main__":
    main()
