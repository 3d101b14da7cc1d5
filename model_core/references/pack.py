"""A reference pack: what an area's sources hold, in one folder that works offline elsewhere.

``pack.json`` is written last, so that a folder without it is an unfinished pack; fetching again
goes on where it stopped. A finished pack stays one while it is brought up to date. Every image
keeps the terms of its source.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from model_core import __version__
from model_core.config import StripGeometry
from model_core.errors import Cancelled, InputError, ProviderError
from model_core.files import claim_folder, make_folder, replacing, without_marks
from model_core.references.pack_imagery import save_imagery
from model_core.references.prefetch import FETCHED_AHEAD, prefetch_views
from model_core.references.terms import may_cache, terms_path, write_terms
from model_core.types import (
    CancelCheck,
    Progress,
    ProgressCallback,
    SourceTerms,
    StreetView,
)

if TYPE_CHECKING:
    from model_core.references.survey import Survey

PACK_FILE = "pack.json"
UNFINISHED_FILE = "unfinished"
ATTRIBUTION_FILE = "ATTRIBUTION.txt"
TABLE_FILE = "street_views.csv"
_FORMAT = 1
_DEEPEST = 5
"""Folders that a tile of a pack lies in: imagery, its name, zoom, column, and the pack."""
_ENDINGS = ((b"\xff\xd8\xff", ".jpg"), (b"\x89PNG", ".png"), (b"RIFF", ".webp"))
_COLUMNS = (
    "path",
    "view_id",
    "lon",
    "lat",
    "heading_deg",
    "heading_sigma_deg",
    "pitch_deg",
    "roll_deg",
    "fov_deg",
    "captured_at",
    "projection",
    "sequence",
    "provider",
    "licence",
    "attribution",
    "trainable",
    "displayable_beside_map",
)


@dataclass(frozen=True)
class PackedSources:
    """The paths of what a pack holds, None where it holds none."""

    imagery: str | None = None
    roads: str | None = None
    street_views: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pack:
    """A written pack: its files by kind, counts, and what could not be fetched."""

    folder: Path
    files: Mapping[str, Path] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    summary: str = ""
    notes: tuple[str, ...] = ()


def find_pack(path: Path) -> Path | None:
    """Return the ``pack.json`` of the pack that a file belongs to, None where it is in none."""
    above = [*path.parents][:_DEEPEST]
    return next((one / PACK_FILE for one in above if (one / PACK_FILE).is_file()), None)


def read_pack(folder: Path) -> PackedSources:
    """Return the sources that a pack holds.

    Raises:
        InputError: The folder is no finished pack, or of another format.
    """
    try:
        content: Any = json.loads((folder / PACK_FILE).read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise InputError(
                f"{folder}: the pack has format {content['format']}, this version reads {_FORMAT}; "
                "fetch it again"
            )
        files = {name: str(folder / path) for name, path in content["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise InputError(
            f"{folder}: is no finished reference pack ({err}); fetch the area again"
        ) from err
    views = files.get("street_views")
    return PackedSources(
        files.get("imagery"), files.get("roads"), () if views is None else (views,)
    )


def write_pack(
    survey: Survey,
    folder: Path,
    geometry: StripGeometry,
    progress: ProgressCallback,
    cancel: CancelCheck,
    shown_m: float = 0.0,
) -> Pack:
    """Fetch what an area's places need into a folder; what fails costs itself and is counted.

    Args:
        survey: The area.
        folder: Made if absent; an earlier pack of it is brought up to date.
        geometry: Footprint and pixels of the satellite images.
        progress: Told of images and tiles.
        cancel: Asked all the time; what was fetched by then stays.
        shown_m: Width of the ground that is shown around a place; local imagery reaches that far.

    Raises:
        InputError: The folder holds something else, or a source's terms forbid storing.
        Cancelled: The user asked to stop.
    """
    for terms in survey.terms:
        may_cache(terms)
    claim_folder(folder, UNFINISHED_FILE, PACK_FILE)
    files: dict[str, Path] = {}
    counts = {"places": len(survey.places)}
    if survey.imagery is not None:
        files["imagery"] = save_imagery(survey, folder, geometry, shown_m, progress, cancel)
    if len(survey.views):
        files["street_views"], counts["street_views"] = _save_views(
            survey, folder, progress, cancel
        )
    if survey.roads is not None:
        files["roads"] = _save_roads(survey.roads, survey.roads_terms, folder)
        counts["roads"] = len(survey.roads)
    counts["failed"] = sum(reasons.total() for reasons in survey.summary.failures.values())
    _write_attribution(folder / ATTRIBUTION_FILE, survey.used_terms)
    content = {
        "format": _FORMAT,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "software_version": __version__,
        "area": mapping(survey.area.geometry),
        "files": {name: path.relative_to(folder).as_posix() for name, path in files.items()},
        "counts": counts,
    }
    _replace(folder / PACK_FILE, json.dumps(content, indent=1).encode())
    (folder / UNFINISHED_FILE).unlink()
    failures = survey.summary.describe()
    return Pack(folder, files, counts, _summary(counts), (failures,) if failures else ())


def _save_roads(roads: Sequence[BaseGeometry], terms: SourceTerms | None, folder: Path) -> Path:
    path = folder / "roads.gpkg"
    lines = geopandas.GeoDataFrame(geometry=list(roads), crs="EPSG:4326")
    with replacing(path) as unfinished, without_marks(unfinished) as writable:
        lines.to_file(writable, driver="GPKG", layer="roads", engine="pyogrio")
    if terms is not None:
        write_terms(terms_path(path), terms)
    return path


def _save_views(
    survey: Survey, folder: Path, progress: ProgressCallback, cancel: CancelCheck
) -> tuple[Path, int]:
    """Write every street view that can be had, and the table that lists them."""
    target = folder / "street_views"
    make_folder(target)
    rows: list[dict[str, Any]] = []
    views = survey.views.views
    for done, view in enumerate(views):
        if cancel():
            raise Cancelled("stopped while the pack was being written")
        if done % FETCHED_AHEAD == 0:
            some = views[done : done + FETCHED_AHEAD]
            prefetch_views(survey.client, some, survey.summary, progress)
        progress(Progress("write street views", done, len(views), view.view_id))
        try:
            data = view.path.read_bytes() if view.remote is None else view.remote.read()
        except ProviderError as err:
            survey.summary.add_view_failure(view, str(err), err.reason)
            continue
        except OSError as err:
            survey.summary.add_view_failure(view, f"{view.path}: {err.strerror}")
            continue
        path = target / _file_name(view, data)
        if not path.exists() or path.stat().st_size != len(data):
            _replace(path, data)
        rows.append(_row(view, path.name))
    progress(Progress("write street views", len(views), len(views)))
    table = target / TABLE_FILE
    with (
        replacing(table) as unfinished,
        unfinished.open("w", encoding="utf-8", newline="") as stream,
    ):
        writer = csv.DictWriter(stream, fieldnames=_COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return table, len(rows)


def _file_name(view: StreetView, data: bytes) -> str:
    """Return a name that any file system takes, and that stays the same."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "_", view.view_id)[-60:].strip("._") or "view"
    ending = next((name for start, name in _ENDINGS if data.startswith(start)), view.path.suffix)
    digest = hashlib.sha256(view.view_id.encode()).hexdigest()[:8]
    return f"{Path(readable).stem}-{digest}{ending}"


def _row(view: StreetView, name: str) -> dict[str, Any]:
    values = {column: getattr(view, column, None) for column in _COLUMNS}
    values.update(
        path=name,
        lon=repr(view.lonlat.lon),
        lat=repr(view.lonlat.lat),
        captured_at="" if view.captured_at is None else view.captured_at.isoformat(),
        provider=view.terms.provider,
        licence=view.terms.licence,
        attribution=view.terms.attribution,
        trainable="yes" if view.terms.trainable else "no",
        displayable_beside_map="yes" if view.terms.displayable_beside_map else "no",
    )
    return {column: "" if value is None else value for column, value in values.items()}


def _write_attribution(path: Path, terms: Sequence[SourceTerms]) -> None:
    _replace(path, "".join(f"{line}\n" for line in _attribution_lines(terms)).encode())


def _attribution_lines(terms: Sequence[SourceTerms]) -> Iterator[str]:
    yield "What this folder holds comes from:"
    for one in terms:
        uses = [] if one.trainable else ["no training"]
        uses += [] if one.displayable_beside_map else ["not beside other maps"]
        yield f"- {one.provider}: {one.licence}" + (f" ({', '.join(uses)})" if uses else "")
        if one.attribution:
            yield f"  {one.attribution}"


def _replace(path: Path, data: bytes) -> None:
    with replacing(path) as unfinished:
        unfinished.write_bytes(data)


def _summary(counts: Mapping[str, int]) -> str:
    words = {"places": "places", "street_views": "street views", "roads": "roads"}
    parts = [f"{counts[name]} {word}" for name, word in words.items() if name in counts]
    return ", ".join(parts) + (f"; {counts['failed']} failed" if counts["failed"] else "")
