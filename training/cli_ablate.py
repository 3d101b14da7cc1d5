"""Commands: a table of ablations, and how well street-view headings are mended."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.cli import app
from training.terminal import console, plain_errors


@app.command()
def ablate(
    table: Annotated[
        str,
        typer.Option(
            help="fusion, references, policy, calibration, correlation, backbones, losses, headline"
        ),
    ],
    data: Annotated[Path, typer.Option(help="Folder of places to learn from.")],
    held_out: Annotated[Path, typer.Option(help="Folder of places of other cities.")],
    out: Annotated[Path, typer.Option(help="Weights, scores and tables; kept and gone on from.")],
    steps: Annotated[int, typer.Option(help="Of every training.")] = 2000,
    seeds: Annotated[str, typer.Option(help="One training of every row each.")] = "1,2,3",
    rows: Annotated[str, typer.Option(help="Only these rows, with commas.")] = "",
    same_area: Annotated[
        Path | None, typer.Option(help="Folder of held-out places of the training cities.")
    ] = None,
    watch: Annotated[
        Path | None,
        typer.Option(help="Folder of a few places to watch trainings by; the held-out if absent."),
    ] = None,
    generator: Annotated[
        Path | None,
        typer.Option(
            help="Run folder of panogan, or a bundle with a generator, for the row synthetic."
        ),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="YAML or JSON of TrainConfig.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Stop after this long.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--anew", help="Go on with trainings that were stopped.")
    ] = True,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
    options: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any option of TrainConfig, for every row."),
    ] = None,
) -> None:
    """Train and score the rows of one of the paper's tables under equal conditions."""
    from training.ablate import Ablation
    from training.ablate import ablate as run
    from training.ablation.tables import choose_rows, find_table
    from training.train import read_config

    with plain_errors():
        names = tuple(name for name in rows.split(",") if name)
        ablation = Ablation(
            data=data,
            held_out=held_out,
            out=out,
            steps=steps,
            seeds=_numbers(seeds),
            base=read_config(config),
            options=tuple(options or ()),
            device=device,
            minutes=minutes,
            same_area=same_area,
            watch=watch,
            generator=generator,
            resume=resume,
        )
        path = run(choose_rows(find_table(table), names), ablation, console.print)
    console.print(path.read_text(encoding="utf-8"), markup=False, soft_wrap=True)
    console.print(f"table: {path}")


@app.command()
def calibrate_headings(
    data: Annotated[Path, typer.Option(help="Folder of rendered, held-out cities.")],
    out: Annotated[Path, typer.Option(help="Folder for the table.")],
    bundle: Annotated[Path | None, typer.Option(help="Model; the packaged one if absent.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
    seed: Annotated[int, typer.Option(help="Of the wrong headings.")] = 0,
    sigma: Annotated[
        float, typer.Option(help="Trust in the metadata's headings, degrees; inf for none.")
    ] = 5.0,
) -> None:
    """Turn some street views, and say what each calibration mends and what it spoils."""
    from model_core.bundle import default_bundle_path, load_bundle
    from model_core.device import choose_device
    from training.ablation.calibration import write_calibration
    from training.calibration_study import METHODS, study_calibration
    from training.datasets.load import load_test

    with plain_errors():
        chosen = choose_device(device)
        model = load_bundle(bundle or default_bundle_path(), chosen)
        places = load_test(data, model.config, say=console.print)
        figures = study_calibration(
            places,
            model.config,
            model.encoder,
            chosen,
            (*METHODS, "release"),
            seed,
            console.print,
            sigma,
        )
        setting = (
            f"{len(places)} places of {data.name}, model {model.model_hash[:12]}, headings trusted "
            f"to {sigma:g} degrees"
        )
        path = write_calibration(figures, out, setting)
    console.print(path.read_text(encoding="utf-8"), markup=False, soft_wrap=True)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no list of numbers such as 1,2,3") from error
