"""Commands on areas searched as a user does: ``areas``, ``search``, ``calibrate-evidence``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from training.cli import app
from training.terminal import console, plain_errors


@app.command()
def areas(
    out: Annotated[Path, typer.Option(help="Gets one folder an area; those there are kept.")],
    seeds: Annotated[
        str,
        typer.Option(
            help="FIRST:LAST, LAST not included, or districts of cities to be tested on: test:0:2."
        ),
    ] = "5000:5010",
    photos: Annotated[int, typer.Option(min=1, help="Photos taken in each.")] = 40,
) -> None:
    """Render areas to be searched: imagery, roads, street views, photos and their truth."""
    from model_core.terminal import StageBars
    from training.world.area import render_areas
    from training.world.cities import parse_cities

    with plain_errors(), StageBars(Console(stderr=True)) as progress:
        folders = render_areas(out, parse_cities(seeds), photos, progress)
    console.print(f"{len(folders)} areas: {out}")


@app.command()
def search(
    data: Annotated[Path, typer.Option(help="Folder written by areas.")],
    out: Annotated[Path, typer.Option(help="Folder for figures, and what searches found.")],
    bundle: Annotated[Path | None, typer.Option(help="Model; the packaged one if absent.")] = None,
    options: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any option of a run, as in street_view.policy=nearest."),
    ] = None,
    card: Annotated[
        bool, typer.Option(help="Write the figures into the model's card; of areas not learned.")
    ] = False,
) -> None:
    """Search whole areas for their photos: how often retrieval, verification and both are right."""
    from model_core.bundle import CARD_FILE, default_bundle_path, load_bundle
    from model_core.options import parse_assignments, read_options
    from model_core.terminal import StageBars
    from training.evidence_photos import area_folders
    from training.search import keep_searches, search_areas, search_figures, write_search
    from training.search_figures import search_table

    with plain_errors():
        config = read_options(parse_assignments(options or ()))
        model = load_bundle(bundle or default_bundle_path())
        with StageBars(Console(stderr=True)) as progress:
            areas = search_areas(area_folders(data), model, out, config, progress)
        figures = search_figures(areas)
        write_search(figures, out)
        if card:
            keep_searches(model, len(areas), figures)
    console.print(search_table(figures))
    console.print(f"report: {out}" + (f", card: {model.path / CARD_FILE}" if card else ""))


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
    from training.evidence_photos import area_folders, study_areas
    from training.evidence_report import evidence_table, keep_evidence, write_evidence

    with plain_errors():
        model = load_bundle(bundle or default_bundle_path())
        with StageBars(Console(stderr=True)) as progress:
            photos = study_areas(
                area_folders(data), model.path, out / model.model_hash[:12], progress
            )
        fitted, before, after = fit_across_areas(photos, model.evidence)
        write_evidence(out, model.evidence, fitted, before, after)
        if write:
            keep_evidence(model, fitted)
    console.print(evidence_table(model.evidence, fitted, before, after))
    console.print(f"report: {out}" + (f", constants: {model.path}" if write else ""))
