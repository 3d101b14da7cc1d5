"""The command line: ``python -m model_core locate | build-gallery | fetch | inspect | ...``.

Standard output holds the answer alone (a table, or JSON with ``--json``); progress and errors go to
standard error. Exit status: 0 answered, 1 nothing could be answered, 2 the request cannot be
served, 130 interrupted. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from model_core import __version__
from model_core.cli_photos import export_photo, inspect
from model_core.cli_run import (
    EXIT_INTERRUPTED,
    EXIT_NOTHING_ANSWERED,
    DebugOption,
    JsonOption,
)
from model_core.cli_run import OUTPUT_PANEL as _OUTPUT
from model_core.cli_run import absolute as _absolute
from model_core.cli_run import job as _job
from model_core.cli_run import optional as _optional
from model_core.cli_run import plain_errors as _plain_errors
from model_core.cli_run import print_json as _print_json
from model_core.cli_sources import (
    METHOD_PANEL,
    SOURCES_PANEL,
    AreaOption,
    CacheOption,
    ContactOption,
    ImageryOption,
    KeysOption,
    MaxMegabytesOption,
    MaxRequestsOption,
    OfflineOption,
    PackOption,
    RoadsOption,
    SetOption,
    StreetViewsOption,
    area_argument,
    fetch,
    network_params,
    options_argument,
    read_keys,
    source_argument,
    sources,
    street_view_arguments,
)
from model_core.contract import LocateResult
from model_core.terminal import checks_table, results_table

if TYPE_CHECKING:
    from model_core.jobs import Pipeline
    from model_core.request import LocateOutcome
    from model_core.scoring import Truth


BundleOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Folder of a model. Without it, the packaged one.",
        rich_help_panel=METHOD_PANEL,
    ),
]
DeviceOption = Annotated[
    str, typer.Option(metavar="NAME", help="auto, cpu, cuda or mps.", rich_help_panel=METHOD_PANEL)
]
app = typer.Typer(
    name="python -m model_core",
    help="Locate photos without coordinates in a candidate area.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Locate photos without coordinates in a candidate area."""


@app.command()
def locate(
    context: typer.Context,
    photos: Annotated[
        list[Path],
        typer.Argument(metavar="PHOTO", help="Photos, or folders of photos.", show_default=False),
    ],
    area: AreaOption,
    imagery: ImageryOption = None,
    roads: RoadsOption = None,
    street_views: StreetViewsOption = None,
    pack: PackOption = None,
    gallery: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder to keep galleries in, or one from build-gallery.",
            rich_help_panel=SOURCES_PANEL,
        ),
    ] = None,
    bundle: BundleOption = None,
    device: DeviceOption = "auto",
    no_retrieval: Annotated[
        bool,
        typer.Option(
            "--no-retrieval", metavar="", help="Leave out the model.", rich_help_panel=METHOD_PANEL
        ),
    ] = False,
    no_verification: Annotated[
        bool,
        typer.Option(
            "--no-verification",
            metavar="",
            help="Leave out the comparison of local features with street views.",
            rich_help_panel=METHOD_PANEL,
        ),
    ] = False,
    budget: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="NUMBER",
            help="Street views compared a photo, most promising first. Without it, all.",
            rich_help_panel=METHOD_PANEL,
        ),
    ] = None,
    fov: Annotated[
        list[float] | None,
        typer.Option(
            min=5.0,
            max=360.0,
            metavar="DEGREES",
            help="Horizontal field of view in degrees, tried where a photo's file does not say. "
            "May be repeated.",
            rich_help_panel=METHOD_PANEL,
        ),
    ] = None,
    options: SetOption = None,
    offline: OfflineOption = False,
    cache: CacheOption = None,
    keys: KeysOption = None,
    contact: ContactOption = "",
    max_requests: MaxRequestsOption = 0,
    max_mb: MaxMegabytesOption = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder for GeoPackage, heat raster, map and JSON. Without it, none is written.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Table of where the photos were taken, to score the answers.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Locate photos: ranked places of the area, each with a heading and a probability."""
    from model_core import contract, jobs

    chosen: dict[str, Any] = {"device": device}
    if no_retrieval:
        chosen["use_retrieval"] = False
    if no_verification or budget is not None:
        chosen["verification"] = {"budget_views": 0 if no_verification else budget}
    if fov:
        chosen["search"] = {"fov_hypotheses_deg": fov}
    with _plain_errors(debug), _job() as (progress, cancel):
        known = None if truth is None else _read_truth(truth)
        params = contract.LocateParams(
            photos=tuple(_absolute(photo) for photo in photos),
            area=area_argument(area),
            imagery=source_argument(imagery, "imagery"),
            roads=source_argument(roads, "roads"),
            street_views=street_view_arguments(street_views),
            pack=_optional(pack),
            keys=read_keys(keys),
            network=network_params(offline, cache, contact, max_requests, max_mb),
            gallery=_optional(gallery),
            bundle=_optional(bundle),
            out=_optional(out),
            truth=_optional(truth),
            config=options_argument(chosen, options),
        )
        outcome = _pipeline(context).locate(jobs.locate_request(params), progress, cancel)
        result = jobs.locate_result(outcome)
    _print_result(result, as_json)
    if known is not None and not as_json:
        _print_scores(outcome, known)
    if all(photo.error for photo in result.photos):
        raise typer.Exit(EXIT_NOTHING_ANSWERED)


@app.command("build-gallery")
def build_gallery(
    context: typer.Context,
    area: AreaOption,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER",
            help="Folder of the gallery. A build that was stopped goes on.",
            rich_help_panel=_OUTPUT,
            show_default=False,
        ),
    ],
    imagery: ImageryOption = None,
    roads: RoadsOption = None,
    street_views: StreetViewsOption = None,
    pack: PackOption = None,
    bundle: BundleOption = None,
    device: DeviceOption = "auto",
    options: SetOption = None,
    offline: OfflineOption = False,
    cache: CacheOption = None,
    keys: KeysOption = None,
    contact: ContactOption = "",
    max_requests: MaxRequestsOption = 0,
    max_mb: MaxMegabytesOption = 0,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Compute an area's features once, for many photos."""
    from model_core import contract, jobs

    with _plain_errors(debug), _job() as (progress, cancel):
        params = contract.BuildGalleryParams(
            area=area_argument(area),
            out=_absolute(out),
            imagery=source_argument(imagery, "imagery"),
            roads=source_argument(roads, "roads"),
            street_views=street_view_arguments(street_views),
            pack=_optional(pack),
            keys=read_keys(keys),
            network=network_params(offline, cache, contact, max_requests, max_mb),
            bundle=_optional(bundle),
            config=options_argument({"device": device}, options),
        )
        request = jobs.gallery_request(params)
        folder = _pipeline(context).build_gallery(request, progress, cancel)
    if as_json:
        _print_json(contract.BuildGalleryResult(str(folder.absolute())).to_json())
    else:
        typer.echo(f"gallery: {folder}")


@app.command()
def info(
    bundle: BundleOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say which model, device and versions are used."""
    from model_core import jobs

    with _plain_errors(debug), contextlib.redirect_stdout(sys.stderr):
        found = jobs.describe(bundle, device)
    if as_json:
        _print_json(found.to_json())
        return
    model = ", ".join(f"{name} {value}" for name, value in found.bundle.items())
    rows = {
        "version": f"{found.software_version}, protocol {found.protocol_version}",
        "device": f"{found.device} ({found.device_name})",
        "model": model or found.bundle_error,
        "python": f"{found.python_version} on {found.platform}",
        "libraries": ", ".join(f"{name} {value}" for name, value in found.libraries.items()),
    }
    for name, value in rows.items():
        typer.echo(f"{name:<10} {value}")


@app.command()
def doctor(
    bundle: BundleOption = None,
    device: DeviceOption = "auto",
    out: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER", help="Folder where results would go.", rich_help_panel=_OUTPUT
        ),
    ] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Check the environment, and say what to do where something is wrong."""
    from model_core.doctor import examine

    with contextlib.redirect_stdout(sys.stderr):
        checks = examine(bundle, device, out)
    if as_json:
        _print_json({"checks": [check.to_json() for check in checks]})
    else:
        Console().print(checks_table(checks))
    if not all(check.ok for check in checks):
        raise typer.Exit(EXIT_NOTHING_ANSWERED)


app.command()(fetch)
app.command()(sources)
app.command()(inspect)
app.command("export-photo")(export_photo)


@app.command()
def serve(context: typer.Context) -> None:
    """Answer JSON-RPC 2.0 over standard input and output, one message a line."""
    from model_core import jobs
    from model_core.serve import serve_stdio

    load = context.obj or jobs.load_pipeline
    try:
        serve_stdio(lambda: jobs.handlers(load))
    except KeyboardInterrupt as error:
        raise typer.Exit(EXIT_INTERRUPTED) from error


def main() -> None:
    """Run the command line of this process."""
    app()


def _pipeline(context: typer.Context) -> Pipeline:
    """Return the pipeline, or what a caller passed to the app in its place."""
    from model_core.jobs import load_pipeline

    load: Callable[[], Pipeline] = context.obj or load_pipeline
    return load()


def _print_result(result: LocateResult, as_json: bool) -> None:
    if as_json:
        _print_json(result.to_json())
        return
    console = Console()
    console.print(results_table(result))
    if result.summary:
        console.print(escape(result.summary), highlight=False)
    for note in result.notes:
        console.print(f"note: {escape(note)}", highlight=False)
    for name, path in result.files.items():
        console.print(f"{name}: {escape(path)}", soft_wrap=True, highlight=False)


def _read_truth(path: Path) -> dict[str, Truth]:
    """Return the truth before the long work begins, so that a wrong table costs nothing."""
    from model_core.scoring import read_truth

    return read_truth(path)


def _print_scores(outcome: LocateOutcome, truth: dict[str, Truth]) -> None:
    from model_core.scoring import score_results, score_table

    Console().print(score_table(score_results(outcome.results, truth, outcome.places)))
