"""The command line of sources: what ``fetch`` and ``sources`` print, the network's options.

API keys come out of the environment (``CSI_KEY_MAPILLARY``) or a file of ``name = key`` lines,
never out of the command itself, which other users of a machine can read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from model_core import contract
from model_core.errors import InputError

NETWORK = "Network"
KEY_PREFIX = "CSI_KEY_"

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
        rich_help_panel="Sources",
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


def source_argument(text: str | Path | None, kind: str) -> str | None:
    """Return a source's text as it stands where it names one, else the absolute path."""
    from model_core.references.catalogue import find_source

    if text is None:
        return None
    if find_source(str(text), kind) is not None:  # type: ignore[arg-type]
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
