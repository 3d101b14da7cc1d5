"""Command line of the training package."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from model_core.errors import GeolocatorError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Train and score models that match photos with satellite images and street views.",
)
console = Console()


@app.command()
def render(
    out: Annotated[Path, typer.Option(help="Folder of the training set.")],
    cities: Annotated[str, typer.Option(help="Seeds first:last, last not included.")] = "1:101",
    places: Annotated[int, typer.Option(help="Places a city.")] = 80,
    width: Annotated[int, typer.Option(help="Columns of a full circle.")] = 256,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
    gallery: Annotated[bool, typer.Option(help="Also places along roads, to be searched.")] = False,
    workers: Annotated[int, typer.Option(help="Processes that build the next cities.")] = 0,
) -> None:
    """Render cities to learn from; cities already there are kept."""
    from model_core.config import PlaceConfig
    from model_core.device import choose_device
    from model_core.types import Progress as Step
    from training.datasets.rendered import render_dataset
    from training.train import read_config

    first, _, last = cities.partition(":")
    seeds = range(int(first), int(last or int(first) + 1))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task("rendering cities", total=len(seeds))

        def show(step: Step) -> None:
            bar.update(task, completed=step.done)
            if not console.is_terminal:
                console.print(f"{step.message}: {step.done} of {step.total}")

        geometry = replace(read_config(None).model.geometry, width=width)
        laid = PlaceConfig() if gallery else None
        render_dataset(out, seeds, places, geometry, choose_device(device), show, laid, workers)


@app.command()
def train(
    data: Annotated[Path, typer.Option(help="Folder written by render.")],
    held_out: Annotated[Path, typer.Option(help="Folder of other cities, to watch by.")],
    out: Annotated[Path, typer.Option(help="Run folder.")],
    config: Annotated[Path | None, typer.Option(help="YAML or JSON of TrainConfig.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Stop early after this long.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on from the last checkpoint.")] = False,
    options: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any option of TrainConfig, as in matcher.steps=500."),
    ] = None,
) -> None:
    """Train the matcher and write a bundle."""
    from training.train import override, read_config
    from training.train import train as run

    try:
        chosen = override(read_config(config), options or [])
        bundle = run(data, held_out, out, chosen, resume, minutes, console.print)
    except GeolocatorError as error:
        console.print(f"[red]error[/red] {error}")
        raise typer.Exit(2) from error
    console.print(f"bundle: {bundle}")


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
) -> None:
    """Write the images of a city of your own and their manifest; terms of use are kept."""
    from model_core.config import LocateConfig, ModelConfig
    from model_core.references.survey import Sources, survey_area
    from model_core.terminal import StageBars
    from model_core.types import never_cancelled
    from training.datasets.manifest import collect_city

    sources = Sources(imagery, roads, tuple(street_views or ()), pack)
    try:
        with StageBars(Console(stderr=True)) as progress:
            survey = survey_area(area, sources, LocateConfig(), progress)
            geometry = ModelConfig().geometry
            manifest = collect_city(survey, out, geometry, progress, never_cancelled)
    except GeolocatorError as error:
        console.print(f"[red]error[/red] {error}")
        raise typer.Exit(2) from error
    console.print(f"manifest: {manifest}\n{survey.summary.describe()}")


@app.command()
def teach(
    data: Annotated[Path, typer.Option(help="Folder written by render.")],
    held_out: Annotated[Path, typer.Option(help="Folder of other cities, to judge by.")],
    out: Annotated[Path, typer.Option(help="Run folder; stages already there are kept.")],
    config: Annotated[Path | None, typer.Option(help="YAML or JSON of TrainConfig.")] = None,
) -> None:
    """Teach the ground branch true layouts, train the heads and write a bundle."""
    from training.train import read_config
    from training.train import teach as run

    try:
        bundle = run(data, held_out, out, read_config(config), console.print)
    except GeolocatorError as error:
        console.print(f"[red]error[/red] {error}")
        raise typer.Exit(2) from error
    console.print(f"bundle: {bundle}")


@app.command()
def evaluate(
    data: Annotated[Path, typer.Option(help="Folder of rendered, held-out cities.")],
    bundle: Annotated[Path | None, typer.Option(help="Model; the packaged one if absent.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="Write the figures as JSON.")] = None,
) -> None:
    """Print recall by kind of reference and field of view."""
    from training.evaluate import recall_table
    from training.evaluate_bundle import evaluate_bundle, write_report

    try:
        report = evaluate_bundle(data, bundle, device)
        if out is not None:
            write_report(report, out)
    except GeolocatorError as error:
        console.print(f"[red]error[/red] {error}")
        raise typer.Exit(2) from error
    console.print(recall_table(list(report.recalls)))


@app.command()
def pairs(
    data: Annotated[Path, typer.Option(help="Folder that holds cvusa/ and cvact/.")],
    bundle: Annotated[Path | None, typer.Option(help="Model; the packaged one if absent.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the figures as JSON.")] = None,
    card: Annotated[bool, typer.Option(help="Write them into the model's card.")] = False,
) -> None:
    """Print zero-shot figures on real satellite and panorama pairs, chance beside them."""
    from model_core.bundle import default_bundle_path, load_bundle, save_bundle
    from training.model_card import write_card
    from training.real_pairs import evaluate_pairs, pairs_markdown, pairs_table, write_pairs

    model = load_bundle(bundle or default_bundle_path())
    figures = evaluate_pairs(model, data)
    console.print(pairs_table(figures))
    if out is not None:
        write_pairs(figures, out)
    if card:
        text = write_card(model.config, dict(model.training), pairs_markdown(figures))
        save_bundle(
            model.path,
            model.config,
            model.encoder,
            model.generator,
            card=text,
            extra=model.training,
            street_view_trained=model.street_view_trained,
        )
        console.print(f"card: {model.path / 'card.md'}")
