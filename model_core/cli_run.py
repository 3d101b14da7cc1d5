"""What every command of the command line shares: options, errors in one line, JSON, long jobs."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from model_core.contract import ContractError
from model_core.errors import Cancelled, GeolocatorError
from model_core.terminal import StageBars, cancel_on_interrupt

EXIT_NOTHING_ANSWERED = 1
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130
OUTPUT_PANEL = "Output"

JsonOption = Annotated[
    bool,
    typer.Option(
        "--json", metavar="", help="Print JSON instead of a table.", rich_help_panel=OUTPUT_PANEL
    ),
]
DebugOption = Annotated[
    bool,
    typer.Option(
        "--debug", metavar="", help="Show where an error arose.", rich_help_panel=OUTPUT_PANEL
    ),
]


@contextlib.contextmanager
def job() -> Iterator[tuple[StageBars, Callable[[], bool]]]:
    """Yield progress and cancel of a long job; what libraries print goes to standard error."""
    console = Console(stderr=True)
    with (
        contextlib.redirect_stdout(sys.stderr),
        cancel_on_interrupt(console) as cancelled,
        StageBars(console) as bars,
    ):
        yield bars, cancelled


@contextlib.contextmanager
def plain_errors(debug: bool) -> Iterator[None]:
    """Turn an error into one line and an exit status; with ``debug`` let it through."""
    try:
        yield
    except (Cancelled, KeyboardInterrupt) as error:
        say_error("interrupted")
        raise typer.Exit(EXIT_INTERRUPTED) from error
    except (GeolocatorError, ContractError) as error:
        if debug:
            raise
        say_error(str(error))
        raise typer.Exit(EXIT_ERROR) from error
    except Exception as error:
        if debug:
            raise
        say_error(f"{type(error).__name__}: {error}; run again with --debug to see where")
        raise typer.Exit(EXIT_ERROR) from error


def say_error(message: str) -> None:
    """Print an error in one line."""
    console = Console(stderr=True)
    console.print(f"[red]error:[/red] {escape(message)}", soft_wrap=True, highlight=False)


def print_json(values: dict[str, Any]) -> None:
    """Print a result as JSON."""
    typer.echo(json.dumps(values, indent=1, allow_nan=False))


def absolute(path: Path) -> str:
    """Return a path as the contract wants it."""
    return str(path.absolute())


def optional(path: Path | None) -> str | None:
    """Return a path as the contract wants it, None where there is none."""
    return None if path is None else absolute(path)
