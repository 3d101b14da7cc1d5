"""Commands that make confidence honest: ``areas`` to search in, ``calibrate-evidence`` on them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from model_core.errors import GeolocatorError
from training.cli import app, console


@app.command()
def areas(
    out: Annotated[Path, typer.Option(help="Gets one folder an area; those there are kept.")],
    seeds: Annotated[str, typer.Option(help="FIRST:LAST, LAST not included.")] = "5000:5010",
    photos: Annotated[int, typer.Option(min=1, help="Photos taken in each.")] = 40,
) -> None:
    """Render areas to be searched: imagery, roads, street views, photos and their truth."""
    from model_core.terminal import StageBars
    from training.world.area import render_areas
    from training.world.cities import parse_cities

    try:
        with StageBars(Console(stderr=True)) as progress:
            folders = render_areas(out, parse_cities(seeds), photos, progress)
    except GeolocatorError as error:
        console.print(f"[red]error[/red] {error}")
        raise typer.Exit(2) from error
    console.print(f"{len(folders)} areas: {out}")


@app.command()
def calibrate_evidence(
    data: Annotated[Path, typer.Option(help="Folder written by areas.")],
    out: Annotated[Path, typer.Option(help="Folder for figures, plot, and what searches found.")],
    bundle: Annotated[Path | None, typer.Option(help="Model; the packaged one if absent.")] = None,
    write: Annotated[bool, typer.Option(help="Put the constants into the model's bundle.")] = False,
) -> None:
    """Fit what a model's scores and unmatched street views are worth; figures before and after."""
    from model_core.bundle import default_bundle_path, load_bundle
    from model_core.terminal import StageBars
    from training.evidence_fit import fit_across_areas
    from training.evidence_photos import study_areas
    from training.evidence_report import evidence_table, keep_evidence, write_evidence

    try:
        model = load_bundle(bundle or default_bundle_path())
        folders = sorted(path for path in data.glob("area_*") if (path / "truth.csv").exists())
        with StageBars(Console(stderr=True)) as progress:
            photos = study_areas(folders, model.path, out / model.model_hash[:12], progress)
        fitted, before, after = fit_across_areas(photos, model.evidence)
        write_evidence(out, model.evidence, fitted, before, after)
        if write:
            keep_evidence(model, fitted)
    except GeolocatorError as error:
        console.print(f"[red]error[/red] {error}")
        raise typer.Exit(2) from error
    console.print(evidence_table(model.evidence, fitted, before, after))
    console.print(f"report: {out}" + (f", constants: {model.path}" if write else ""))
