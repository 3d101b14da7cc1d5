"""Command line of the training package."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from model_core.cli_sources import (
    CacheOption,
    ContactOption,
    KeysOption,
    OfflineOption,
    default_cache_folder,
    read_keys,
)
from training.cli_world import world
from training.terminal import console, plain_errors

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Train and score models that match photos with satellite images and street views.",
)
app.command()(world)


@app.command()
def render(
    out: Annotated[Path, typer.Option(help="Folder of the training set.")],
    cities: Annotated[
        str,
        typer.Option(
            help="Seeds FIRST:LAST (LAST not included), or districts of named cities: "
            "los_angeles:0:40,berlin:0:40, or of all of a split: train:0:20, test:0:6."
        ),
    ] = "1:101",
    places: Annotated[int, typer.Option(help="Places a city.")] = 80,
    width: Annotated[int, typer.Option(help="Columns of a full circle.")] = 256,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
    gallery: Annotated[bool, typer.Option(help="Also places along roads, to be searched.")] = False,
    state: Annotated[
        str,
        typer.Option(help="rubble, flood, tents, snow, smoke, night, or mixed: one a district."),
    ] = "none",
    tier: Annotated[str, typer.Option(help="everyday, or hard: narrow, hidden, outdated.")] = (
        "everyday"
    ),
    geometry: Annotated[
        Path | None, typer.Option(help="Prepared real geometry; --cities then counts districts.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes that draft the next cities; all cores but two beside a GPU."),
    ] = None,
) -> None:
    """Render cities to learn from; cities already there are kept."""
    from model_core.config import PlaceConfig
    from model_core.device import choose_device
    from model_core.types import Progress as Step
    from training.cli_world import read_source
    from training.datasets.rendered import render_dataset
    from training.train import read_config
    from training.world.batches import workers_beside

    with plain_errors():
        seeds, source = read_source(cities, state, tier, geometry)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeRemainingColumn(), console=console) as bar:
            task = bar.add_task("rendering cities", total=len(seeds))

            def show(step: Step) -> None:
                bar.update(task, completed=step.done)
                if not console.is_terminal:
                    console.print(f"{step.message}: {step.done} of {step.total}")

            strips = replace(read_config(None).model.geometry, width=width)
            laid = PlaceConfig() if gallery else None
            where = choose_device(device)
            ahead = workers_beside(where) if workers is None else workers
            render_dataset(out, seeds, places, strips, where, show, laid, source, ahead)


@app.command()
def train(
    data: Annotated[Path, typer.Option(help="Folder of places to learn from.")],
    held_out: Annotated[Path, typer.Option(help="Folder of other places, to watch by.")],
    out: Annotated[Path, typer.Option(help="Run folder.")],
    config: Annotated[Path | None, typer.Option(help="YAML or JSON of TrainConfig.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Stop early after this long.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on from the last checkpoint.")] = False,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda or auto; what the configuration says if absent.")
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any option of TrainConfig, as in matcher.steps=500."),
    ] = None,
) -> None:
    """Train the matcher and write a bundle."""
    from training.train import override, read_config
    from training.train import train as run

    bar = console.is_terminal
    with plain_errors():
        chosen = override(read_config(config), options or [])
        run(data, held_out, out, chosen, resume, minutes, console.print, device, bar)


@app.command()
def collect(
    area: Annotated[str, typer.Option(help='"west,south,east,north", or a vector file.')],
    out: Annotated[Path, typer.Option(help="New folder of the training set.")],
    imagery: Annotated[str | None, typer.Option(help="Raster, tiles, or a source.")] = None,
    roads: Annotated[str | None, typer.Option(help="Vector file, or a source.")] = None,
    street_views: Annotated[
        list[str] | None, typer.Option(help="Folder, table, or a source; may be repeated.")
    ] = None,
    pack: Annotated[Path | None, typer.Option(help="A reference pack of the area.")] = None,
    photos: Annotated[
        Path | None,
        typer.Option(help="Folder or table of your own geotagged photos, to learn to find."),
    ] = None,
    keys: KeysOption = None,
    contact: ContactOption = "",
    cache: CacheOption = None,
    offline: OfflineOption = False,
) -> None:
    """Write the images of a city of your own and their manifest; terms of use are kept."""
    from model_core.config import LocateConfig, ModelConfig
    from model_core.references.street_view.local import FolderStreetViews
    from model_core.references.survey import Sources, survey_area
    from model_core.references.web import NetworkAccess
    from model_core.terminal import StageBars
    from model_core.types import never_cancelled
    from training.datasets.manifest import collect_city, count_kinds

    kept = default_cache_folder() if cache is None else cache
    access = NetworkAccess(contact=contact, offline=offline, cache_folder=kept)
    with plain_errors():
        found = read_keys(keys)
        sources = Sources(imagery, roads, tuple(street_views or ()), pack, found, access)
        with StageBars(Console(stderr=True)) as progress:
            survey = survey_area(area, sources, LocateConfig(), progress)
            geometry = ModelConfig().geometry
            own = None if photos is None else FolderStreetViews(photos)
            manifest = collect_city(survey, out, geometry, progress, never_cancelled, own)
        counts = count_kinds(out)
    console.print(
        f"{counts['satellite']} places with a satellite image, {counts['street_view']} street "
        f"views, {counts['photo']} photos of your own"
    )
    if left := survey.summary.describe_failures():
        console.print("\n".join(left))
    console.print(f"manifest: {manifest}")


@app.command()
def teach(
    data: Annotated[Path, typer.Option(help="Folder written by render.")],
    held_out: Annotated[Path, typer.Option(help="Folder of other cities, to judge by.")],
    out: Annotated[Path, typer.Option(help="Run folder; stages already there are kept.")],
    config: Annotated[Path | None, typer.Option(help="YAML or JSON of TrainConfig.")] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda or auto; what the configuration says if absent.")
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any option of TrainConfig, as in ground.steps=500."),
    ] = None,
) -> None:
    """Teach the ground branch true layouts, train the heads and write a bundle."""
    from training.teach import teach as run
    from training.train import override, read_config

    with plain_errors():
        chosen = override(read_config(config), options or [])
        bundle = run(data, held_out, out, chosen, console.print, device)
    console.print(f"bundle: {bundle}")


from training import (  # noqa: E402, F401
    cli_ablate,
    cli_evaluate,
    cli_evidence,
    cli_export,
    cli_geometry,
    cli_measure,
    cli_panogan,
)
