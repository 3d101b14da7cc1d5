"""The command line: ``python -m model_core locate | build-gallery | fetch | sources | ...``.

Standard output holds the answer alone (a table, or JSON with ``--json``); progress and errors go to
standard error. Exit status: 0 answered, 1 nothing could be answered, 2 the request cannot be
served, 130 interrupted. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from model_core import __version__
from model_core.cli_sources import (
    CacheOption,
    ContactOption,
    KeysOption,
    MaxMegabytesOption,
    MaxRequestsOption,
    OfflineOption,
    PackOption,
    estimate_line,
    network_params,
    print_source,
    read_keys,
    source_argument,
    sources_table,
)
from model_core.contract import ContractError, EstimateResult, LocateResult, is_bounds
from model_core.errors import Cancelled, GeolocatorError, InputError
from model_core.options import merge_options, parse_assignments
from model_core.terminal import StageBars, cancel_on_interrupt, checks_table, results_table

if TYPE_CHECKING:
    from model_core.jobs import Pipeline
    from model_core.request import LocateOutcome
    from model_core.scoring import Truth

EXIT_NOTHING_ANSWERED = 1
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130

_SOURCES = "Sources"
_METHOD = "Method"
_OUTPUT = "Output"

AreaOption = Annotated[
    str,
    typer.Option(
        metavar="AREA",
        help='Candidate area: "west,south,east,north" in degrees, or a vector file with polygons.',
        rich_help_panel=_SOURCES,
        show_default=False,
    ),
]
ImageryOption = Annotated[
    str | None,
    typer.Option(
        metavar="SOURCE",
        help="Satellite or aerial imagery: a raster file, a folder of tiles, or a source by name.",
        rich_help_panel=_SOURCES,
    ),
]
RoadsOption = Annotated[
    str | None,
    typer.Option(
        metavar="SOURCE",
        help="Roads along which places lie: a vector file, or a source. Without it, a grid.",
        rich_help_panel=_SOURCES,
    ),
]
StreetViewsOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SOURCE",
        help="Street views: a folder, a table with a row an image, or a source. May be repeated.",
        rich_help_panel=_SOURCES,
    ),
]
BundleOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Folder of a model. Without it, the packaged one.",
        rich_help_panel=_METHOD,
    ),
]
DeviceOption = Annotated[
    str, typer.Option(metavar="NAME", help="auto, cpu, cuda or mps.", rich_help_panel=_METHOD)
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any other option, as in search.top_k=100. May be repeated.",
        rich_help_panel=_METHOD,
    ),
]
JsonOption = Annotated[
    bool,
    typer.Option(
        "--json", metavar="", help="Print JSON instead of a table.", rich_help_panel=_OUTPUT
    ),
]
DebugOption = Annotated[
    bool,
    typer.Option("--debug", metavar="", help="Show where an error arose.", rich_help_panel=_OUTPUT),
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
            rich_help_panel=_SOURCES,
        ),
    ] = None,
    bundle: BundleOption = None,
    device: DeviceOption = "auto",
    no_retrieval: Annotated[
        bool,
        typer.Option(
            "--no-retrieval", metavar="", help="Leave out the model.", rich_help_panel=_METHOD
        ),
    ] = False,
    no_verification: Annotated[
        bool,
        typer.Option(
            "--no-verification",
            metavar="",
            help="Leave out the comparison of local features with street views.",
            rich_help_panel=_METHOD,
        ),
    ] = False,
    budget: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="NUMBER",
            help="Street views compared a photo, most promising first. Without it, all.",
            rich_help_panel=_METHOD,
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
            rich_help_panel=_METHOD,
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
            area=_area(area),
            imagery=source_argument(imagery, "imagery"),
            roads=source_argument(roads, "roads"),
            street_views=_street_views(street_views),
            pack=_optional(pack),
            keys=read_keys(keys),
            network=network_params(offline, cache, contact, max_requests, max_mb),
            gallery=_optional(gallery),
            bundle=_optional(bundle),
            out=_optional(out),
            truth=_optional(truth),
            config=_options(chosen, options),
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
            area=_area(area),
            out=_absolute(out),
            imagery=source_argument(imagery, "imagery"),
            roads=source_argument(roads, "roads"),
            street_views=_street_views(street_views),
            pack=_optional(pack),
            keys=read_keys(keys),
            network=network_params(offline, cache, contact, max_requests, max_mb),
            bundle=_optional(bundle),
            config=_options({"device": device}, options),
        )
        request = jobs.gallery_request(params)
        folder = _pipeline(context).build_gallery(request, progress, cancel)
    if as_json:
        _print_json(contract.BuildGalleryResult(str(folder.absolute())).to_json())
    else:
        typer.echo(f"gallery: {folder}")


@app.command()
def fetch(
    area: AreaOption,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER",
            help="Folder of the pack. A fetch that was stopped goes on.",
            rich_help_panel=_OUTPUT,
            show_default=False,
        ),
    ],
    imagery: ImageryOption = None,
    roads: RoadsOption = None,
    street_views: StreetViewsOption = None,
    options: SetOption = None,
    cache: CacheOption = None,
    keys: KeysOption = None,
    contact: ContactOption = "",
    max_requests: MaxRequestsOption = 0,
    max_mb: MaxMegabytesOption = 0,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", metavar="", help="Only estimate.", rich_help_panel=_OUTPUT),
    ] = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Fetch an area's references into a pack that works offline."""
    from model_core import contract, source_jobs
    from model_core import fetch as fetching
    from model_core.request import EstimateRequest

    with _plain_errors(debug), _job() as (progress, cancel):
        params = contract.FetchParams(
            area=_area(area),
            out=_absolute(out),
            imagery=source_argument(imagery, "imagery"),
            roads=source_argument(roads, "roads"),
            street_views=_street_views(street_views),
            keys=read_keys(keys),
            network=network_params(False, cache, contact, max_requests, max_mb),
            config=_options({}, options),
        )
        request = source_jobs.fetch_request(params)
        asked = EstimateRequest(request.area, request.sources, 0, request.config)
        estimate = source_jobs.estimate_result(fetching.estimate(asked))
        if not dry_run:
            if estimate.over_limit:
                raise InputError(estimate.over_limit)
            result = source_jobs.fetch_result(fetching.fetch(request, progress, cancel))
    if dry_run:
        _print_estimate(estimate, as_json)
    elif as_json:
        _print_json(result.to_json())
    else:
        typer.echo(f"pack: {result.pack}\n{result.summary}")
        for note in result.notes:
            typer.echo(f"note: {note}")


@app.command()
def sources(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Tell all of one source.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the online sources with their terms, or explain one."""
    from model_core import source_jobs

    result = source_jobs.describe_sources()
    chosen = [source for source in result.sources if name in (None, source.name)]
    if not chosen:
        _say_error(f"{name} is no source; run sources without a name to see them all")
        raise typer.Exit(EXIT_ERROR)
    if as_json:
        _print_json({"sources": [source.to_json() for source in chosen]})
    elif name is None:
        Console().print(sources_table(result))
    else:
        for source in chosen:
            print_source(Console(), source)


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


@contextlib.contextmanager
def _job() -> Iterator[tuple[StageBars, Callable[[], bool]]]:
    """Yield progress and cancel of a long job; what libraries print goes to standard error."""
    console = Console(stderr=True)
    with (
        contextlib.redirect_stdout(sys.stderr),
        cancel_on_interrupt(console) as cancelled,
        StageBars(console) as bars,
    ):
        yield bars, cancelled


@contextlib.contextmanager
def _plain_errors(debug: bool) -> Iterator[None]:
    """Turn an error into one line and an exit status; with ``debug`` let it through."""
    try:
        yield
    except (Cancelled, KeyboardInterrupt) as error:
        _say_error("interrupted")
        raise typer.Exit(EXIT_INTERRUPTED) from error
    except (GeolocatorError, ContractError) as error:
        if debug:
            raise
        _say_error(str(error))
        raise typer.Exit(EXIT_ERROR) from error
    except Exception as error:
        if debug:
            raise
        _say_error(f"{type(error).__name__}: {error}; run again with --debug to see where")
        raise typer.Exit(EXIT_ERROR) from error


def _say_error(message: str) -> None:
    console = Console(stderr=True)
    console.print(f"[red]error:[/red] {escape(message)}", soft_wrap=True, highlight=False)


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

    places = outcome.evidence[0].places.places() if outcome.evidence else ()
    Console().print(score_table(score_results(outcome.results, truth, places)))


def _print_json(values: dict[str, Any]) -> None:
    typer.echo(json.dumps(values, indent=1, allow_nan=False))


def _print_estimate(estimate: EstimateResult, as_json: bool) -> None:
    if as_json:
        _print_json(estimate.to_json())
        return
    typer.echo(estimate_line(estimate))
    for source in estimate.sources:
        typer.echo(f"  {source.source}: {source.requests} requests, {source.bytes / 1e6:.0f} MB")
    for note in (*estimate.notes, *filter(None, [estimate.over_limit])):
        typer.echo(f"note: {note}")


def _street_views(texts: list[str] | None) -> tuple[str, ...]:
    named = (source_argument(text, "street_view") for text in texts or ())
    return tuple(text for text in named if text is not None)


def _options(chosen: dict[str, Any], assignments: list[str] | None) -> dict[str, Any]:
    return merge_options(chosen, parse_assignments(assignments or ()))


def _absolute(path: Path) -> str:
    return str(path.absolute())


def _optional(path: Path | None) -> str | None:
    return None if path is None else _absolute(path)


def _area(text: str) -> str:
    return text if is_bounds(text) else _absolute(Path(text))
