"""The command line of sources: what ``fetch`` and ``sources`` print, the network's options.

API keys come out of the environment (``CSI_KEY_MAPILLARY``) or a file of ``name = key`` lines,
never out of the command itself, which other users of a machine can read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from model_core import contract
from model_core.cli_run import (
    EXIT_ERROR,
    OUTPUT_PANEL,
    DebugOption,
    JsonOption,
    absolute,
    job,
    plain_errors,
    print_json,
    say_error,
)
from model_core.errors import InputError
from model_core.options import merge_options, parse_assignments

if TYPE_CHECKING:
    from model_core.references.source import SourceKind

NETWORK = "Network"
KEY_PREFIX = "CSI_KEY_"
SOURCES_PANEL = "Sources"
METHOD_PANEL = "Method"

AreaOption = Annotated[
    str,
    typer.Option(
        metavar="AREA",
        help='Candidate area: "west,south,east,north" in degrees, or a vector file with polygons.',
        rich_help_panel=SOURCES_PANEL,
        show_default=False,
    ),
]
ImageryOption = Annotated[
    str | None,
    typer.Option(
        metavar="SOURCE",
        help="Satellite or aerial imagery: a raster file, a folder of tiles, or a source by name.",
        rich_help_panel=SOURCES_PANEL,
    ),
]
RoadsOption = Annotated[
    str | None,
    typer.Option(
        metavar="SOURCE",
        help="Roads along which places lie: a vector file, or a source. Without it, a grid.",
        rich_help_panel=SOURCES_PANEL,
    ),
]
StreetViewsOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SOURCE",
        help="Street views: a folder, a table with a row an image, or a source. May be repeated.",
        rich_help_panel=SOURCES_PANEL,
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any other option, as in search.top_k=100. May be repeated.",
        rich_help_panel=METHOD_PANEL,
    ),
]

OfflineOption = Annotated[
    bool,
    typer.Option(
        "--offline",
        metavar="",
        help="Ask nothing of the network: local sources and the cache only.",
        rich_help_panel=NETWORK,
    ),
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Where replies of online sources are kept. Without it, the user's cache folder.",
        rich_help_panel=NETWORK,
    ),
]
KeysOption = Annotated[
    Path | None,
    typer.Option(
        "--keys",
        metavar="FILE",
        help="API keys, one NAME = KEY a line. CSI_KEY_NAME in the environment goes first.",
        rich_help_panel=NETWORK,
    ),
]
ContactOption = Annotated[
    str,
    typer.Option(
        metavar="TEXT",
        help="Your e-mail or site, told to providers that want to know who asks.",
        rich_help_panel=NETWORK,
    ),
]
MaxRequestsOption = Annotated[
    int,
    typer.Option(
        "--max-requests",
        min=0,
        metavar="NUMBER",
        help="Most requests of a run; 0 sets no limit.",
        rich_help_panel=NETWORK,
    ),
]
MaxMegabytesOption = Annotated[
    int,
    typer.Option(
        "--max-mb",
        min=0,
        metavar="NUMBER",
        help="Most megabytes of a run; 0 sets no limit.",
        rich_help_panel=NETWORK,
    ),
]
PackOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="A pack that fetch made; stands for sources that are not named.",
        rich_help_panel=SOURCES_PANEL,
    ),
]


def default_cache_folder(
    environment: Mapping[str, str] = os.environ, platform: str = sys.platform
) -> Path:
    """Return the folder where a user's programs keep what can be fetched again."""
    home = Path(environment.get("HOME") or environment.get("USERPROFILE") or Path.home())
    if platform == "win32":
        base = Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(environment.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "csi-geolocator"


def network_params(
    offline: bool, cache: Path | None, contact: str, max_requests: int, max_mb: int
) -> contract.NetworkParams:
    """Return how the network is reached, as the contract says it."""
    folder = default_cache_folder() if cache is None else cache
    return contract.NetworkParams(
        offline=offline,
        cache_folder=str(folder.absolute()),
        contact=contact,
        max_requests=max_requests,
        max_bytes=max_mb * 1_000_000,
    )


def read_keys(path: Path | None, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return API keys by source name.

    Args:
        path: A file of ``name = key`` lines; ``#`` begins a comment.
        environment: ``CSI_KEY_GOOGLE_MAPS`` is the key of ``google-maps``.

    Raises:
        InputError: The file cannot be read, or a line is none.
    """
    keys: dict[str, str] = {}
    for number, line in enumerate([] if path is None else _lines(path), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, key = text.partition("=")
        if not equals or not key.strip():
            raise InputError(f"{path}: line {number} is no key; write NAME = KEY")
        keys[name.strip()] = key.strip()
    for name, key in environment.items():
        if name.startswith(KEY_PREFIX) and key:
            keys[name.removeprefix(KEY_PREFIX).lower().replace("_", "-")] = key
    return keys


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as err:
        raise InputError(f"{path}: API keys cannot be read ({err}); check the file") from err


def source_argument(text: str | Path | None, kind: SourceKind) -> str | None:
    """Return a source's text as it stands where it names one, else the absolute path."""
    from model_core.references.catalogue import find_source

    if text is None:
        return None
    if find_source(str(text), kind) is not None:
        return str(text)
    return str(Path(text).absolute())


def sources_table(result: contract.SourcesResult) -> Table:
    """Return every source with what its terms forbid."""
    table = Table(title="Sources", title_justify="left")
    for column in ("name", "for", "key"):
        table.add_column(column, no_wrap=True)
    table.add_column("forbidden")
    table.add_column("licence", overflow="fold", max_width=32)
    for source in result.sources:
        forbidden = {
            "storing": source.cacheable,
            "training": source.trainable,
            "beside maps": source.displayable_beside_map,
        }
        table.add_row(
            escape(source.name),
            source.kind.replace("_", " "),
            "" if source.key == "none" else source.key,
            ", ".join(use for use, is_allowed in forbidden.items() if not is_allowed),
            escape(source.licence),
        )
    return table


def print_source(console: Console, source: contract.SourceInfo) -> None:
    """Print one source at length."""
    console.print(f"[bold]{escape(source.title)}[/bold] ({escape(source.name)})")
    facts: dict[str, Any] = {
        "licence": source.licence,
        "attribution": source.attribution,
        "key": source.key_help or ("" if source.key == "none" else source.key),
        "notice": source.notice,
        "example": source.example,
    }
    for name, value in facts.items():
        if value:
            console.print(f"  {name:<12}{escape(str(value))}", soft_wrap=True, highlight=False)
    for option, words in source.options.items():
        console.print(f"  |{escape(option)}=  {escape(words)}", soft_wrap=True, highlight=False)


def estimate_line(estimate: contract.EstimateResult) -> str:
    """Return an estimate in a line."""
    return (
        f"about {estimate.places} places, {estimate.requests} requests, "
        f"{estimate.bytes / 1e6:.0f} MB, {max(1, round(estimate.seconds / 60))} min"
    )


def print_estimate(estimate: contract.EstimateResult, as_json: bool) -> None:
    """Print what a fetch would take."""
    if as_json:
        print_json(estimate.to_json())
        return
    typer.echo(estimate_line(estimate))
    for source in estimate.sources:
        typer.echo(f"  {source.source}: {source.requests} requests, {source.bytes / 1e6:.0f} MB")
    for note in (*estimate.notes, *filter(None, [estimate.over_limit])):
        typer.echo(f"note: {note}")


def street_view_arguments(texts: list[str] | None) -> tuple[str, ...]:
    """Return the sources of street views as the contract takes them."""
    named = (source_argument(text, "street_view") for text in texts or ())
    return tuple(text for text in named if text is not None)


def options_argument(chosen: dict[str, Any], assignments: list[str] | None) -> dict[str, Any]:
    """Return the options of a run, nested; those of ``--set`` win."""
    return merge_options(chosen, parse_assignments(assignments or ()))


def area_argument(text: str) -> str:
    """Return an area as the contract takes it."""
    return text if contract.is_bounds(text) else absolute(Path(text))


def fetch(
    area: AreaOption,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER",
            help="Folder of the pack. A fetch that was stopped goes on.",
            rich_help_panel=OUTPUT_PANEL,
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
        typer.Option("--dry-run", metavar="", help="Only estimate.", rich_help_panel=OUTPUT_PANEL),
    ] = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Fetch an area's references into a pack that works offline."""
    from model_core import fetch as fetching
    from model_core import source_jobs
    from model_core.request import EstimateRequest

    with plain_errors(debug), job() as (progress, cancel):
        params = contract.FetchParams(
            area=area_argument(area),
            out=absolute(out),
            imagery=source_argument(imagery, "imagery"),
            roads=source_argument(roads, "roads"),
            street_views=street_view_arguments(street_views),
            keys=read_keys(keys),
            network=network_params(False, cache, contact, max_requests, max_mb),
            config=options_argument({}, options),
        )
        request = source_jobs.fetch_request(params)
        asked = EstimateRequest(request.area, request.sources, 0, request.config)
        estimate = source_jobs.estimate_result(fetching.estimate(asked))
        if not dry_run:
            if estimate.over_limit:
                raise InputError(estimate.over_limit)
            result = source_jobs.fetch_result(fetching.fetch(request, progress, cancel))
    if dry_run:
        print_estimate(estimate, as_json)
    elif as_json:
        print_json(result.to_json())
    else:
        typer.echo(f"pack: {result.pack}\n{result.summary}")
        for note in result.notes:
            typer.echo(f"note: {note}")


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
        say_error(f"{name} is no source; run sources without a name to see them all")
        raise typer.Exit(EXIT_ERROR)
    if as_json:
        print_json({"sources": [source.to_json() for source in chosen]})
    elif name is None:
        Console().print(sources_table(result))
    else:
        for source in chosen:
            print_source(Console(), source)
