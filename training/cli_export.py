"""The command ``export``: from a run folder to a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.cli import app
from training.terminal import console, plain_errors


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="Folder of the bundle.")],
    run: Annotated[Path | None, typer.Option(help="Folder written by train or teach.")] = None,
    bundle: Annotated[
        Path | None, typer.Option(help="Or a bundle that is to have the generator.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the model, in its card.")] = None,
    generator: Annotated[
        Path | None, typer.Option(help="A run folder of panogan, or a bundle with a generator.")
    ] = None,
    card_figures: Annotated[
        Path | None, typer.Option(help="JSON written by evaluate, for the card.")
    ] = None,
    packaged: Annotated[
        bool, typer.Option(help="Refuse what is too large to travel with the plugin.")
    ] = False,
) -> None:
    """Write a run's averaged weights as the bundle that locating takes."""
    from training.export import export_run
    from training.generator_files import join_bundles

    with plain_errors():
        if run is not None and bundle is None:
            written = export_run(run, out, name, generator, card_figures, packaged)
        elif run is None and bundle is not None and generator is not None:
            written = join_bundles(bundle, generator, out)
        else:
            raise typer.BadParameter("give --run, or --bundle and --generator")
    console.print(f"bundle: {written}")
