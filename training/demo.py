"""Locate the bundled demo photos and say how well: ``python -m training.demo --out build/demo``.

The area, its imagery, roads and street views are rendered and ship with the product; only the
scorer reads the truth. ``--fresh 100`` renders new photos of the same area first;
``--stripped`` gives every photo another name and takes its metadata away.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image
from rich.console import Console
from rich.table import Table

from model_core.config import LocateConfig
from model_core.pipeline import Evidence, locate
from model_core.scoring import (
    Score,
    ScoreRow,
    read_truth,
    score_table,
    summarise,
)
from model_core.terminal import StageBars
from training.area_requests import TRUTH_FILE, area_request, rank_in_every_mode
from training.terminal import console, plain_errors

DEMO_FOLDER = Path(__file__).resolve().parents[1] / "resources" / "demo"


@dataclass(frozen=True)
class ModeScore:
    """The shares of one way to rank, for all photos and for those with and without street view."""

    mode: str
    photos: str
    score: Score


def mode_scores(rows_of_mode: Mapping[str, Sequence[ScoreRow]]) -> list[ModeScore]:
    """Return the shares of every mode for all photos, then by whether a street view is near."""
    scores = []
    for mode, rows in rows_of_mode.items():
        groups = {
            "all": list(rows),
            "view near": [row for row in rows if row.near_street_view is True],
            "no view near": [row for row in rows if row.near_street_view is False],
        }
        scores += [
            ModeScore(mode, f"{name} ({len(group)})", summarise(group))
            for name, group in groups.items()
            if group
        ]
    return scores


def mode_table(scores: Sequence[ModeScore]) -> Table:
    """Return the shares as a table for the terminal."""
    table = Table(title="Right within 25 m", title_justify="left", padding=(0, 0))
    table.add_column("ranked by", no_wrap=True)
    table.add_column("photos", no_wrap=True)
    for column in ("rank 1", "rank 5", "chance", "oracle", "heading"):
        table.add_column(column, justify="right", no_wrap=True)
    for number, one in enumerate(scores):
        score = one.score
        heading = score.heading_error_deg
        is_last = number + 1 == len(scores) or scores[number + 1].mode != one.mode
        table.add_row(
            one.mode if one.photos.startswith("all") else "",
            one.photos,
            f"{score.rank1:.0%}",
            f"{score.top5:.0%}",
            "-" if score.chance is None else f"{score.chance:.1%}",
            "-" if score.oracle is None else f"{score.oracle:.0%}",
            "-" if heading is None else f"{heading:.0f} deg",
            end_section=is_last,
        )
    return table


def strip_photos(photos: Path, target: Path) -> None:
    """Write copies without metadata under other names, and the truth under those names.

    Args:
        photos: Folder of photos, its truth beside it.
        target: Made; gets ``photos`` and the truth.
    """
    folder = target / photos.name
    folder.mkdir(parents=True, exist_ok=True)
    with (photos.parent / TRUTH_FILE).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for number, row in enumerate(reversed(rows)):
        name = f"stripped_{number:03d}.jpg"
        with Image.open(photos / Path(row["file"]).name) as image:
            image.convert("RGB").save(folder / name, quality=95)
        row["file"] = name
    with (target / TRUTH_FILE).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def run_demo(
    folder: Path, photos: Path, out: Path, console: Console, config: LocateConfig | None = None
) -> dict[str, list[ScoreRow]]:
    """Locate, score in every mode, print both tables and write ``scores.json``.

    Args:
        folder: The demo area.
        photos: Folder of photos, its truth beside it.
        out: Results and gallery go here.
        console: For tables; progress goes to standard error.
        config: Of the run.
    """
    config = config or LocateConfig()
    truth = read_truth(photos.parent / TRUTH_FILE)
    request = replace(area_request(folder, photos, out, out / "gallery"), config=config)
    from_above = replace(request.sources, street_views=())
    seen, satellite = list[Evidence](), list[Evidence]()
    with StageBars(Console(stderr=True)) as progress:
        outcome = locate(request, progress, observe=seen.append)
        above = replace(request, sources=from_above, out=None, truth=None)
        locate(above, progress, observe=satellite.append)
    rows = rank_in_every_mode(seen, satellite, truth, config)
    scores = mode_scores(rows)
    console.print(score_table(rows["both"], title="Retrieval and verification together"))
    console.print(mode_table(scores))
    for note in outcome.notes:
        console.print(note, style="dim")
    text = json.dumps([asdict(score) for score in scores], indent=1)
    (out / "scores.json").write_text(text, encoding="utf-8")
    if outcome.files is not None:
        console.print(f"GeoPackage {outcome.files.candidates}")
        console.print(f"heat       {outcome.files.heat}")
        console.print(f"map        {outcome.files.page}")
    return rows


def main(
    out: Annotated[Path, typer.Option(help="Folder for results.")] = Path("build/demo"),
    demo: Annotated[Path, typer.Option(help="Folder of the demo area.")] = DEMO_FOLDER,
    fresh: Annotated[int, typer.Option(help="Render so many new photos instead.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the new photos.")] = 1,
    stripped: Annotated[bool, typer.Option(help="Without metadata and renamed.")] = False,
) -> None:
    """Locate the demo photos; print distances and heading errors, write map and layers."""
    photos = demo / "photos"
    with plain_errors():
        if fresh:
            from training.world.area import render_photos
            from training.world.demo import demo_plan

            folder = out / f"fresh-{seed}"
            render_photos(demo_plan(), folder, fresh, seed)
            photos = folder / "photos"
        if stripped:
            strip_photos(photos, out / "stripped")
            photos = out / "stripped" / photos.name
        run_demo(demo, photos, out, console)


if __name__ == "__main__":
    typer.run(main)
