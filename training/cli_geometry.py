"""The command that makes real cities ready for the renderer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from training.cli import app
from training.terminal import console, plain_errors


@app.command()
def geometry(
    files: Annotated[
        list[Path],
        typer.Option("--from", help="OSM XML, Overpass response or CityJSON; may be repeated."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the prepared city; replaced if there.")],
    more: Annotated[list[Path] | None, typer.Argument(help="More files of the same city.")] = None,
    ground_photo: Annotated[
        Path | None, typer.Option(help="Georeferenced orthophoto, shown on the ground.")
    ] = None,
    split: Annotated[
        Literal["train", "test"] | None,
        typer.Option(help="What the city is for; places kept for tests stay so."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of heights that no file has.")] = 0,
) -> None:
    """Make a real city ready for render --geometry."""
    from training.world.real.prepare import prepare_geometry

    with plain_errors():
        city = prepare_geometry([*files, *(more or [])], out, ground_photo, split, seed)
    for name, count in city.about.counts.items():
        console.print(f"{name.replace('_', ' ')}: {count:g}")
    console.print(f"licence: {city.about.licence}\nused to {city.about.split}: {out}")
