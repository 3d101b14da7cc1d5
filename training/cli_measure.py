"""The command ``measure``: rates of this machine, before a long run is planned."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from training.cli import app
from training.terminal import console, plain_errors


@app.command()
def measure(
    data: Annotated[Path, typer.Option(help="Folder of places to learn from.")],
    out: Annotated[Path, typer.Option(help="JSON file of the rates.")],
    config: Annotated[Path | None, typer.Option(help="YAML or JSON of TrainConfig.")] = None,
    sizes: Annotated[str, typer.Option(help="Places of the cities rendered, with commas.")] = (
        "20,100,400"
    ),
    batch: Annotated[int, typer.Option(help="Places a training step.")] = 192,
    steps: Annotated[int, typer.Option(min=1, help="Training steps measured.")] = 20,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
) -> None:
    """Measure places rendered and learned from a second, and the memory of a step."""
    from model_core.device import choose_device
    from training.datasets.load import load_places
    from training.measure import Rates, learning_rate, render_rates
    from training.train import override, read_config

    try:
        counts = [int(part) for part in sizes.split(",")]
    except ValueError as error:
        raise typer.BadParameter(f"--sizes {sizes!r} is no list of numbers: 20,100") from error
    with plain_errors():
        where = choose_device(device)
        chosen = override(read_config(config), [f"batch={batch}"])
        places = load_places(data, chosen.model, say=console.print)
        learning = learning_rate(places, chosen, where, steps)
        rendering = render_rates(counts, chosen.model.geometry, where)
    rates = Rates(str(where), rendering, learning)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(dataclasses.asdict(rates), indent=1), encoding="utf-8")
    for rate in rendering:
        console.print(f"rendered {rate.places} places: {rate.places_a_second:.1f} a second")
    console.print(f"learned from: {learning.places_a_second:.1f} places a second")
