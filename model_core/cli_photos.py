"""The commands about photos themselves: ``inspect`` and ``export-photo``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from model_core.cli_run import (
    EXIT_NOTHING_ANSWERED,
    OUTPUT_PANEL,
    DebugOption,
    JsonOption,
    absolute,
    job,
    plain_errors,
    print_json,
)
from model_core.contract import ContractError, ExportPhotoParams, ExportPhotoResult, PhotoInfo

_WHERE = "Where it was taken"


def inspect(
    photos: Annotated[
        list[Path],
        typer.Argument(metavar="PHOTO", help="Photos, or folders of photos.", show_default=False),
    ],
    thumbnails: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder for upright thumbnails. Without it, none is written.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say what the files of photos hold: size, field of view, time, position, heading."""
    from model_core.inspection import inspect_photos
    from model_core.photo_jobs import inspect_result

    with plain_errors(debug), job() as (progress, cancel):
        found = inspect_photos(photos, thumbnails, progress=progress, cancel=cancel)
    result = inspect_result(found)
    if as_json:
        print_json(result.to_json())
    else:
        for photo in result.photos:
            typer.echo("\n".join(_lines(photo)))
    if all(photo.error for photo in result.photos):
        raise typer.Exit(EXIT_NOTHING_ANSWERED)


def export_photo(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="A photo.", show_default=False)],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="The copy; its ending says its format.",
            rich_help_panel=OUTPUT_PANEL,
            show_default=False,
        ),
    ],
    lon: Annotated[
        float,
        typer.Option(metavar="DEGREES", help="Longitude.", rich_help_panel=_WHERE),
    ],
    lat: Annotated[
        float,
        typer.Option(metavar="DEGREES", help="Latitude.", rich_help_panel=_WHERE),
    ],
    heading: Annotated[
        float | None,
        typer.Option(metavar="DEGREES", help="Clockwise from true north.", rich_help_panel=_WHERE),
    ] = None,
    decimals: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            help="Round the position to so many decimals; 3 is about 100 m.",
            rich_help_panel=_WHERE,
        ),
    ] = None,
    strip: Annotated[
        bool,
        typer.Option(
            "--strip",
            metavar="",
            help="Keep nothing of the photo's own metadata.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = False,
    blur: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EDGES",
            help='A region to make unreadable: "left,top,right,bottom" as shares of the upright '
            "photo. May be repeated.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write a geotagged copy of a photo; the photo itself is never touched."""
    from model_core import photo_export, photo_jobs

    with plain_errors(debug):
        params = ExportPhotoParams(
            photo=absolute(photo),
            out=absolute(out),
            lon=lon,
            lat=lat,
            heading_deg=heading,
            decimals=decimals,
            strip_metadata=strip,
            blur=tuple(_region(text) for text in blur or ()),
        )
        exported = photo_export.export_photo(photo_jobs.photo_export(params))
    if as_json:
        print_json(ExportPhotoResult(str(exported.path), exported.notes).to_json())
        return
    typer.echo(f"copy: {exported.path}")
    for note in exported.notes:
        typer.echo(f"note: {note}")


def _region(text: str) -> dict[str, float]:
    from model_core.photo_jobs import EDGES

    try:
        return dict(zip(EDGES, (float(part) for part in text.split(",")), strict=True))
    except ValueError as error:
        raise ContractError(
            f"--blur takes four numbers, left,top,right,bottom, not {text!r}"
        ) from error


def _lines(photo: PhotoInfo) -> Iterator[str]:
    """Yield what a file says, for people: what it holds in a line, then its notes."""
    if photo.error:
        yield f"{photo.path}: failed"
        yield f"  {photo.error}"
        return
    facts = [f"{photo.width_px} x {photo.height_px}"]
    if photo.projection == "equirectangular":
        facts.append("panorama")
    elif photo.fov_deg is not None:
        facts.append(f"field of view {photo.fov_deg:.0f}° ({photo.fov_source})")
    if photo.captured_at:
        facts.append(f"taken {photo.captured_at[:16].replace('T', ' ')}")
    if photo.lat is not None and photo.lon is not None:
        facts.append(f"at {photo.lat:.6f}, {photo.lon:.6f}")
    if photo.heading_deg is not None:
        facts.append(f"heading {photo.heading_deg:.0f}°")
    yield f"{photo.path}: {', '.join(facts)}"
    yield from (f"  {note}" for note in photo.notes)
