"""Commands of the rendered world: what is rendered, and ``world``, which freezes and checks it."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from model_core.errors import ConfigError
from training.terminal import console, plain_errors

if TYPE_CHECKING:
    from training.datasets.rendered import RenderSource


def read_source(
    cities: str, state: str, tier: str, geometry: Path | None
) -> tuple[list[int], RenderSource]:
    """Return the seeds to render and what of, from the options of ``render``.

    Raises:
        ConfigError: An option says something unknown.
        InputError: The folder holds no prepared geometry, or it does not say what it is for.
    """
    from training.datasets.rendered import RenderSource
    from training.world.cities import FIRST_REAL_SEED, check_seed, parse_cities
    from training.world.plan import Tier
    from training.world.states import check_state

    if tier not in get_args(Tier):
        raise ConfigError(f"tier {tier!r} is none of {', '.join(get_args(Tier))}")
    chosen: Tier = "hard" if tier == "hard" else "everyday"
    seeds = parse_cities(cities)
    if geometry is None:
        for seed in seeds:
            check_seed(seed)
        return seeds, RenderSource(check_state(state), chosen)
    from training.world.real.prepared import read_about
    from training.world.real.window import real_geometry

    about = read_about(geometry)
    seeds = [check_seed(FIRST_REAL_SEED + number) for number in seeds]
    return seeds, RenderSource(
        check_state(state),
        chosen,
        partial(real_geometry, geometry),
        about.split,
        {"geometry": about.name, "source": about.source, "licence": about.licence},
    )


def world(
    freeze: Annotated[
        bool, typer.Option(help="Write the hashes of the frozen test world.")
    ] = False,
    add: Annotated[
        bool, typer.Option(help="With --freeze: the same world as this processor computes it.")
    ] = False,
    check: Annotated[bool, typer.Option(help="Compare with the hashes written before.")] = False,
    real: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of prepared geometry of the real tier; may be repeated."),
    ] = None,
) -> None:
    """Freeze the test world, or check that it still is what it was; nothing is rendered."""
    from training.world.frozen import (
        FROZEN_FILE,
        add_hashes,
        changed_districts,
        changed_geometry,
        changed_renderer,
        freeze_world,
        read_frozen,
    )

    if freeze == check:
        raise typer.BadParameter("say either --freeze or --check")
    with plain_errors():
        if freeze:
            made = freeze_world(
                real or (), lambda d: console.print(f"{d.city} {d.seed} {d.sha256[:16]}")
            )
            if add:
                made = add_hashes(read_frozen(), made)
            FROZEN_FILE.write_text(json.dumps(made, indent=1) + "\n")
            console.print(f"{FROZEN_FILE}: {made['places']} places, {made['sha256']}")
            return
        frozen = read_frozen()
        lines = changed_renderer(frozen) + changed_districts(frozen)
        lines += changed_geometry(frozen, real or ())
    for line in lines:
        console.print(line)
    if lines:
        raise typer.Exit(1)
    console.print(f"{frozen['version']} is unchanged: {frozen['places']} places")
    given = {folder.name for folder in real or ()}
    unchecked = [one["folder"] for one in frozen["real"] if one["folder"] not in given]
    if unchecked:
        console.print(f"not checked of the real tier: {', '.join(unchecked)}; name them by --real")
