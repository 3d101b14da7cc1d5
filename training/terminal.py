"""What every command of the training package shares: where it prints, and errors in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from model_core.cli_run import EXIT_ERROR, say_error
from model_core.errors import GeolocatorError

console = Console(markup=False)  # a path may hold brackets


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn the project's errors into one line on standard error and an exit status."""
    try:
        yield
    except GeolocatorError as error:
        say_error(str(error))
        raise typer.Exit(EXIT_ERROR) from error
