"""Commands of the street-view generator: train it, judge it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from training.cli import app
from training.terminal import console, plain_errors

DeviceOption = Annotated[str, typer.Option(help="cpu, cuda or auto.")]


@app.command()
def panogan(
    data: Annotated[Path, typer.Option(help="Places to learn from.")],
    held_out: Annotated[Path, typer.Option(help="Places to judge by.")],
    out: Annotated[Path, typer.Option(help="Run folder.")],
    config: Annotated[Path | None, typer.Option(help="YAML of PanoGANTrainConfig.")] = None,
    city: Annotated[str | None, typer.Option(help="Learn from this city alone.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Stop early after this long.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on from the last checkpoint.")] = False,
    device: DeviceOption = "auto",
    bundle: Annotated[Path | None, typer.Option(help="A matcher to add the generator to.")] = None,
    out_bundle: Annotated[Path | None, typer.Option(help="The bundle with both.")] = None,
    options: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any option of PanoGANTrainConfig, as in recipe.steps=500."),
    ] = None,
) -> None:
    """Train the generator that makes street views from satellite images."""
    from model_core.device import choose_device
    from training.generator_files import join_bundles
    from training.run_config import read_run_config
    from training.train_panogan import PanoGANTrainConfig, train_panogan

    if (bundle is None) != (out_bundle is None):
        raise typer.BadParameter("--bundle and --out-bundle belong together; give both")
    with plain_errors():
        chosen = read_run_config(PanoGANTrainConfig, config, options or [])
        if city is not None:
            chosen = replace(chosen, city=city)
        where = choose_device(device)
        train_panogan(
            data,
            held_out,
            out,
            chosen,
            where,
            resume=resume,
            minutes=minutes,
            progress_bar=console.is_terminal,
            say=console.print,
        )
        if bundle is not None and out_bundle is not None:
            console.print(f"bundle: {join_bundles(bundle, out, out_bundle)}")
    console.print(f"run: {out}")


@app.command()
def synthesis(
    data: Annotated[Path, typer.Option(help="Places to judge by, none of them learned from.")],
    out: Annotated[Path, typer.Option(help="Folder for synthesis.md, .json and a picture.")],
    bundle: Annotated[Path | None, typer.Option(help="A bundle with a generator.")] = None,
    run: Annotated[Path | None, typer.Option(help="Or a run folder of panogan.")] = None,
    classifier: Annotated[
        bool, typer.Option(help="Also what an ImageNet classifier says of them.")
    ] = True,
    device: DeviceOption = "auto",
) -> None:
    """Judge made street views beside real ones and the paper's figures."""
    from model_core.device import choose_device
    from training.generator_files import judge_generator
    from training.synthesis_report import synthesis_markdown

    if (bundle is None) == (run is None):
        raise typer.BadParameter("give either --bundle or --run")
    with plain_errors():
        where = choose_device(device)
        report = judge_generator(data, out, where, bundle=bundle, run=run, classifier=classifier)
    console.print(synthesis_markdown(report), markup=False)


@app.command()
def weigh_synthetic(
    data: Annotated[Path, typer.Option(help="Held-out places, none of them learned from.")],
    bundle: Annotated[Path, typer.Option(help="A bundle with a generator.")],
    weights: Annotated[
        str, typer.Option(help="Weights to try, above 0 and up to 1.")
    ] = "0.2,0.35,0.5,0.65,0.8,0.9,1",
    write: Annotated[bool, typer.Option(help="Put the best weight into the bundle.")] = False,
    device: DeviceOption = "auto",
) -> None:
    """Say how much made street views should count beside the satellite images they are made of."""
    from model_core.bundle import load_bundle
    from model_core.terminal import StageBars
    from training import synthetic_weight as weighing
    from training.run_config import read_numbers

    with plain_errors():
        tried = read_numbers("--weights", weights)
        model = load_bundle(bundle)
        with StageBars(Console(stderr=True)) as progress:
            figures = weighing.weigh_synthetic(model, data, tried, device, progress)
        if write:
            weighing.keep_weight(model, weighing.best_weight(figures))
    console.print(weighing.weight_table(figures))
    console.print(weighing.verdict(figures))
    if write:
        console.print(f"weight: {model.path}")
