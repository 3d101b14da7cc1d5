"""The answers as one web page that needs no network: pictures inside, nothing fetched."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from model_core.errors import Cancelled
from model_core.output.picture import map_jpeg, thumbnail
from model_core.output.scene import Backdrop, MapScene
from model_core.scoring import Truth, truth_for
from model_core.types import (
    Area,
    CancelCheck,
    Photo,
    PhotoResult,
    Place,
    Progress,
    ProgressCallback,
    ignore_progress,
    never_cancelled,
)

STAGE = "write results"
PHOTOS_SHOWN = 100
"""Some 25 MB; browsers struggle with much more."""

SHOWN_CANDIDATES = 10

_STYLE = """
:root { color-scheme: light; --ink: #263238; --soft: #607d8b; --line: #cfd8dc; --first: #ff6d00; }
body { margin: 0 auto; max-width: 1180px; padding: 24px; color: var(--ink); background: #fafafa;
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 0; overflow-wrap: anywhere; }
article { background: white; border: 1px solid var(--line); border-radius: 8px; padding: 16px;
  margin: 16px 0; display: grid; grid-template-columns: 320px 1fr; gap: 8px 20px; }
article > header { grid-column: 1 / -1; display: flex; gap: 12px; align-items: baseline;
  flex-wrap: wrap; }
img { max-width: 100%; height: auto; border-radius: 4px; display: block; }
.map { width: 440px; } .split { display: grid; grid-template-columns: auto 1fr; gap: 16px; }
.chip { border-radius: 99px; padding: 2px 10px; font-size: 13px; background: #e8f5e9; }
.chip.no { background: #ffcdd2; color: #b71c1c; font-weight: 600; }
table { border-collapse: collapse; font-size: 13px; width: 100%;
  font-variant-numeric: tabular-nums; }
th { text-align: left; color: var(--soft); font-weight: 500; }
th, td { padding: 3px 8px 3px 0; border-bottom: 1px solid #eceff1; white-space: nowrap; }
tr.first td { font-weight: 600; color: #bf360c; }
ul { margin: 8px 0 0; padding-left: 18px; color: var(--soft); font-size: 13px; }
.soft { color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
@media (max-width: 900px) { article, .split { grid-template-columns: 1fr; } }
"""


def write_page(
    path: Path,
    document: Mapping[str, Any],
    results: Sequence[PhotoResult],
    photos: Mapping[Path, Photo],
    places: Sequence[Place],
    area: Area,
    truth: Mapping[str, Truth] | None = None,
    backdrop: Backdrop | None = None,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelCheck = never_cancelled,
) -> None:
    """Write the page, of ``PHOTOS_SHOWN`` photos at most.

    Args:
        path: The HTML file.
        document: The content of ``results.json``; its photos stand in the results' order.
        results: One a photo.
        photos: Pixels for the thumbnails, by path.
        places: Drawn as dots.
        area: Its outline is drawn.
        truth: Where the photos were really taken.
        backdrop: What lies under the maps.
        progress: Told of each photo.
        cancel: Asked before each photo.

    Raises:
        OSError: The file cannot be written.
        Cancelled: The user asked to stop.
    """
    scene = MapScene.of(area, places, backdrop)
    inside = sum(not result.not_in_area and not result.error for result in results)
    with path.open("w", encoding="utf-8", errors="replace") as page:
        page.write(
            "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
            "<meta name='viewport' content='width=device-width, initial-scale=1'>"
            f"<title>Photo locations</title><style>{_STYLE}</style></head><body>"
            f"<h1>Photo locations</h1><p class='soft'>{len(results)} photos, {inside} placed in "
            f"the area, {len(places)} places searched</p>"
        )
        shown = list(zip(results, document["photos"], strict=True))
        for done, (result, described) in enumerate(shown[:PHOTOS_SHOWN]):
            if cancel():
                raise Cancelled("stopped while the page of results was being written")
            progress(Progress(STAGE, done, min(len(shown), PHOTOS_SHOWN), result.path.name))
            known = truth_for(result.path, truth)
            page.write(_article(scene, result, photos.get(result.path), known, described))
        if len(shown) > PHOTOS_SHOWN:
            page.write(
                f"<p>{len(shown) - PHOTOS_SHOWN} more photos are in candidates.gpkg and "
                "results.json; a page of them all would be too large to open.</p>"
            )
        page.write(_provenance(document["provenance"]) + "</body></html>")


def _article(
    scene: MapScene,
    result: PhotoResult,
    photo: Photo | None,
    known: Truth | None,
    described: Mapping[str, Any],
) -> str:
    chip = "chip no" if result.not_in_area or result.error else "chip"
    parts = [
        f"<article><header><h2>{html.escape(result.path.name)}</h2>",
        f"<span class='{chip}'>{html.escape(described['verdict'])}</span></header><div>",
    ]
    if photo is not None:
        parts.append(_image(_jpeg(photo), "image/jpeg", f"photo {result.path.name}"))
    parts.append(f"<p class='soft'>{html.escape(_camera(described['camera']))}</p>")
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in described["notes"])
    parts.append(f"<ul>{notes}</ul></div><div class='split'>" if notes else "</div><div>")
    if result.candidates:
        picture = _image(map_jpeg(scene, result, known), "image/jpeg", "map of the candidates")
        parts.append(f"<div class='map'>{picture}</div>{_table(described['candidates'])}")
    parts.append("</div></article>")
    return "".join(parts)


def _image(content: bytes, kind: str, alt: str) -> str:
    data = base64.b64encode(content).decode("ascii")
    return f"<img alt='{html.escape(alt, quote=True)}' src='data:{kind};base64,{data}'>"


def _jpeg(photo: Photo) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(thumbnail(photo)).save(buffer, "JPEG", quality=82)
    return buffer.getvalue()


def _camera(camera: Mapping[str, Any] | None) -> str:
    if camera is None:
        return "not read"
    fov_deg, taken = camera["fov_deg"], camera["captured_at"]
    view = f"{fov_deg:.0f}° ({camera['fov_source']})" if fov_deg else "unknown"
    return f"Field of view {view}. Taken {taken or 'at an unknown time'}."


def _table(candidates: Sequence[Mapping[str, Any]]) -> str:
    scored = any(candidate["error_m"] is not None for candidate in candidates)
    heads = ["rank", "probability", "heading", "latitude", "longitude", "street view", "inliers"]
    heads += ["off", "turned"] if scored else []
    rows = []
    for candidate in candidates[:SHOWN_CANDIDATES]:
        cells = [
            f"{candidate['rank']}",
            f"{candidate['probability']:.3f}",
            f"{candidate['heading_deg']:.0f}° ± {candidate['heading_sigma_deg']:.0f}°",
            f"{candidate['lat']:.6f}",
            f"{candidate['lon']:.6f}",
            _street_view(candidate),
            f"{candidate['inliers']}",
        ]
        if scored:
            cells += [_or_dash(candidate["error_m"], " m")]
            cells += [_or_dash(candidate["heading_error_deg"], "°")]
        first = " class='first'" if candidate["rank"] == 1 else ""
        rows.append(f"<tr{first}>{''.join(f'<td>{html.escape(c)}</td>' for c in cells)}</tr>")
    more = len(candidates) - SHOWN_CANDIDATES
    below = f"<p class='soft'>and {more} more in candidates.gpkg</p>" if more > 0 else ""
    head = "".join(f"<th>{name}</th>" for name in heads)
    return f"<div><table><tr>{head}</tr>{''.join(rows)}</table>{below}</div>"


def _street_view(candidate: Mapping[str, Any]) -> str:
    date = str(candidate["street_view_date"] or "")[:10]
    return f"{candidate['street_view']} {date}".strip()


def _or_dash(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:.0f}{unit}"


def _provenance(provenance: Mapping[str, Any]) -> str:
    lines = [
        f"Made {provenance['created_at']} with version {provenance['software_version']}, "
        f"model {provenance['model_hash'] or 'none'}."
    ]
    for source in provenance["sources"]:
        said = (source["provider"], source["licence"], source["attribution"])
        lines.append(", ".join(text for text in said if text) + ".")
    return "<p class='soft'>" + "<br>".join(html.escape(line) for line in lines) + "</p>"
