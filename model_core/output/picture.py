"""A picture of the answers: one panel a photo, its candidates on the map beside its thumbnail.

Drawn in the area's plane in metres, true north up, without a display.
"""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Wedge
from matplotlib.patheffects import withStroke
from PIL import Image

from model_core.files import readable
from model_core.output.scene import Backdrop, MapScene
from model_core.scoring import Truth, distance_m, heading_difference_deg, truth_for
from model_core.types import Area, Candidate, ImageU8, LonLat, Photo, PhotoResult, Place

MAX_PANELS = 24
MAX_NAME = 26
PANEL_IN = (7.4, 4.4)
THUMBNAIL_IN = 2.7
LEGEND_IN = 0.55
DPI = 96
THUMBNAIL_PX = 480

_FIRST, _TOP, _REST = "#ff6d00", "#ffb74d", "#fff3e0"
_TRUTH, _ALARM, _GROUND = "#00c853", "#c62828", "#eceff1"
_INK, _SOFT = "#263238", "#607d8b"
_OUTLINE = [withStroke(linewidth=2.5, foreground="white")]


def draw_map(
    path: Path,
    results: Sequence[PhotoResult],
    photos: Mapping[Path, Photo],
    places: Sequence[Place],
    area: Area,
    truth: Mapping[str, Truth] | None = None,
    backdrop: Backdrop | None = None,
) -> None:
    """Draw the answers as one PNG; at most 24 photos, and a line says how many more there are.

    Args:
        path: The PNG to write.
        results: One a photo.
        photos: Pixels for the thumbnails, by path.
        places: Drawn as dots.
        area: Its outline is drawn.
        truth: Stars where photos were really taken.
        backdrop: What lies under the map.

    Raises:
        OSError: The file cannot be written.
    """
    shown = results[:MAX_PANELS]
    columns = min(max(len(shown), 1), 2 if len(shown) <= 4 else 3)
    rows = max(1, math.ceil(len(shown) / columns))
    width, height = columns * PANEL_IN[0], rows * PANEL_IN[1] + LEGEND_IN
    scene = MapScene.of(area, places, backdrop)
    figure = Figure(figsize=(width, height), dpi=DPI)
    for number, result in enumerate(shown):
        left = (number % columns) * PANEL_IN[0]
        bottom = height - (number // columns + 1) * PANEL_IN[1]
        page = _Page(figure, left, bottom)
        _draw_panel(page, scene, result, photos.get(result.path), truth_for(result.path, truth))
    handles = _legend(bool(truth))
    if len(results) > len(shown):
        said = f"and {len(results) - len(shown)} more photos in map.html"
        handles.append(Line2D([], [], linestyle="", label=said))
    figure.legend(
        handles=handles,
        loc="lower center",
        ncols=len(handles) if columns > 1 else 3,
        frameon=False,
        fontsize=10,
    )
    figure.savefig(path, format="png", facecolor="white")


@dataclass(frozen=True)
class _Page:
    """One panel's rectangle on the figure; positions in inches from its lower left corner."""

    figure: Figure
    left: float
    bottom: float

    def axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        """Return new axes in a part of the panel."""
        full_width, full_height = self.figure.get_size_inches()
        place = (
            (self.left + left) / full_width,
            (self.bottom + bottom) / full_height,
            width / full_width,
            height / full_height,
        )
        return self.figure.add_axes(place)


def map_jpeg(
    scene: MapScene, result: PhotoResult, known: Truth | None, size_px: int = 720
) -> bytes:
    """Return one photo's map as JPEG bytes, which imagery needs a third of PNG's."""
    figure = Figure(figsize=(size_px / 100, size_px / 100), dpi=100)
    chart = figure.add_axes((0.01, 0.01, 0.98, 0.98))
    _draw_candidates(chart, scene, result, known)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="jpeg", facecolor="white", pil_kwargs={"quality": 85})
    return buffer.getvalue()


def thumbnail(photo: Photo, side_px: int = THUMBNAIL_PX) -> ImageU8:
    """Return a photo's pixels scaled to at most a longest side."""
    image = Image.fromarray(photo.image)
    image.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    return np.asarray(image)


def _draw_panel(
    page: _Page, scene: MapScene, result: PhotoResult, photo: Photo | None, known: Truth | None
) -> None:
    """Draw one photo: name, thumbnail and what was found at the left, the map at the right."""
    width, height = PANEL_IN
    card = page.axes(0.1, 0.1, width - 0.2, height - 0.2)
    card.set(xlim=(0, width - 0.2), ylim=(0, height - 0.2), xticks=[], yticks=[])
    card.set_facecolor("#fafafa")
    card.spines[:].set_color("#cfd8dc")
    name = readable(result.path.name)
    short = name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 11]}…{name[-10:]}"
    top = height - 0.6
    card.text(0.15, top, short, fontsize=12, fontweight="bold", color=_INK, parse_math=False)
    below = top - 0.25
    if photo is not None:
        pixels = thumbnail(photo)
        scale = min(THUMBNAIL_IN / side for side in pixels.shape[:2])
        tall, wide = (side * scale for side in pixels.shape[:2])
        picture = page.axes(0.25, top - tall, wide, tall)
        picture.imshow(pixels, aspect="auto")
        picture.set_axis_off()
        below = top - tall - 0.35
    for line, style in _findings(result, photo, known):
        for part in textwrap.wrap(readable(line), 36)[:7]:
            card.text(0.15, below, part, fontsize=9.5, parse_math=False, **style)
            below -= 0.19
    chart = page.axes(THUMBNAIL_IN + 0.5, 0.2, width - THUMBNAIL_IN - 0.7, height - 0.4)
    chart.set_anchor("NE")
    _draw_candidates(chart, scene, result, known)


def _findings(
    result: PhotoResult, photo: Photo | None, known: Truth | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the lines beside a map, each with its text style."""
    plain, alarm = {"color": _INK}, {"color": _ALARM, "fontweight": "bold"}
    if result.error:
        yield result.error, {"color": _ALARM}
        return
    if result.not_in_area:
        yield f"NOT IN THIS AREA ({result.probability_elsewhere:.0%})", alarm
    if result.candidates:
        first = result.candidates[0]
        yield f"rank 1: P = {first.probability:.2f}, heading {first.heading_deg:.0f}°", plain
        if known is not None:
            off = f"off by {distance_m(first.lonlat, known.lonlat):.0f} m"
            if known.heading_deg is not None:
                turned_deg = heading_difference_deg(first.heading_deg, known.heading_deg)
                off += f" and {turned_deg:.0f}°"
            yield off, plain
    else:
        yield "no candidate", alarm
    if photo is not None and photo.fov_deg is not None:
        yield f"field of view {photo.fov_deg:.0f}° ({photo.fov_source})", {"color": _SOFT}
    elif photo is not None:
        yield "field of view unknown", {"color": _SOFT}


def _draw_candidates(
    chart: Axes, scene: MapScene, result: PhotoResult, known: Truth | None
) -> None:
    west, south, east, north = scene.bounds_m
    chart.set_facecolor(_GROUND)
    _draw_backdrop(chart, scene)
    for outline in scene.outlines:
        chart.plot(*outline.T, color="white", linewidth=3.0, zorder=2)
        chart.plot(*outline.T, color=_INK, linewidth=1.2, linestyle=(0, (6, 3)), zorder=2)
    if len(scene.places_m):
        x_m, y_m = scene.places_m.T
        chart.scatter(x_m, y_m, s=9, color="white", edgecolors="none", alpha=0.8)
        chart.scatter(x_m, y_m, s=4, color=_INK, edgecolors="none", alpha=0.8)
    for candidate in sorted(result.candidates, key=lambda c: -c.rank):
        _draw_candidate(chart, scene, candidate, faded=result.not_in_area)
    if known is not None:
        _draw_truth(chart, scene, known)
    _draw_scale(chart, scene)
    chart.set(xlim=(west, east), ylim=(south, north), aspect="equal", xticks=[], yticks=[])
    chart.spines[:].set_color("#b0bec5")


def _draw_backdrop(chart: Axes, scene: MapScene) -> None:
    if scene.backdrop is None:
        return
    ground = scene.backdrop
    west, south = scene.point(LonLat(ground.west, ground.south))
    east, north = scene.point(LonLat(ground.east, ground.north))
    chart.imshow(
        ground.image, extent=(west, east, south, north), origin="upper", alpha=0.85, zorder=0
    )


def _draw_candidate(chart: Axes, scene: MapScene, candidate: Candidate, faded: bool) -> None:
    x_m, y_m = scene.point(candidate.lonlat)
    rank = candidate.rank
    colour = _FIRST if rank == 1 else _TOP if rank <= 5 else _REST
    size, zorder = (210 if rank == 1 else 120 if rank <= 5 else 34), 30 - min(rank, 20)
    alpha = 0.55 if faded else 1.0
    reach_m = max(40.0, (0.15 if rank == 1 else 0.10) * scene.size_m)
    if rank == 1:
        toward_deg = 90.0 - candidate.heading_deg
        half_deg = candidate.fov_deg / 2.0
        chart.add_patch(
            Wedge(
                (x_m, y_m),
                reach_m,
                toward_deg - half_deg,
                toward_deg + half_deg,
                facecolor=colour,
                edgecolor="white",
                alpha=0.4 * alpha,
                zorder=zorder - 1,
            )
        )
    if rank <= 5:
        _draw_arrow(chart, (x_m, y_m), candidate.heading_deg, reach_m, colour, zorder, alpha)
    chart.scatter(
        [x_m],
        [y_m],
        s=size,
        color=colour,
        edgecolors=_INK,
        linewidths=0.9,
        alpha=alpha,
        zorder=zorder,
    )
    if rank <= 5:
        chart.text(
            x_m,
            y_m,
            str(rank),
            ha="center",
            va="center_baseline",
            fontsize=8,
            color="black",
            fontweight="bold",
            zorder=zorder + 0.5,
        )


def _draw_arrow(
    chart: Axes,
    tail: tuple[float, float],
    heading_deg: float,
    length_m: float,
    colour: str,
    zorder: float,
    alpha: float = 1.0,
) -> None:
    toward = math.radians(heading_deg)
    head = tail[0] + length_m * math.sin(toward), tail[1] + length_m * math.cos(toward)
    arrow = chart.annotate(
        "",
        xy=head,
        xytext=tail,
        zorder=zorder - 0.5,
        annotation_clip=False,
        arrowprops={
            "arrowstyle": "simple,head_length=0.7,head_width=0.75,tail_width=0.22",
            "facecolor": colour,
            "edgecolor": _INK,
            "linewidth": 0.7,
            "alpha": alpha,
            "mutation_scale": 17,
            "shrinkA": 0,
            "shrinkB": 0,
        },
    )
    if arrow.arrow_patch is not None:
        arrow.arrow_patch.set_clip_path(chart.patch)


def _draw_truth(chart: Axes, scene: MapScene, known: Truth) -> None:
    x_m, y_m = scene.point(known.lonlat)
    if known.heading_deg is not None:
        _draw_arrow(chart, (x_m, y_m), known.heading_deg, 0.12 * scene.size_m, _TRUTH, 40)
    chart.scatter(
        [x_m],
        [y_m],
        s=260,
        marker="*",
        color=_TRUTH,
        edgecolors="white",
        linewidths=1.2,
        zorder=41,
    )


def _draw_scale(chart: Axes, scene: MapScene) -> None:
    """Draw a scale bar of a round length and an arrow to the north."""
    west, south, east, north = scene.bounds_m
    wanted_m = 0.25 * (east - west)
    power = 10.0 ** math.floor(math.log10(wanted_m))
    length_m = max(step * power for step in (1, 2, 5) if step * power <= wanted_m)
    x_m, y_m = west + 0.04 * (east - west), south + 0.045 * (north - south)
    chart.plot(
        [x_m, x_m + length_m],
        [y_m, y_m],
        color=_INK,
        linewidth=3.0,
        zorder=50,
        path_effects=_OUTLINE,
        solid_capstyle="butt",
    )
    said = f"{length_m:g} m" if length_m < 1000 else f"{length_m / 1000:g} km"
    chart.text(
        x_m + length_m / 2,
        y_m + 0.012 * (north - south),
        said,
        ha="center",
        va="bottom",
        fontsize=9,
        color=_INK,
        path_effects=_OUTLINE,
        zorder=50,
    )
    chart.annotate(
        "N",
        xy=(0.925, 0.95),
        xytext=(0.925, 0.885),
        xycoords="axes fraction",
        ha="center",
        va="center",
        fontsize=9,
        fontweight="bold",
        color=_INK,
        path_effects=_OUTLINE,
        zorder=50,
        arrowprops={"arrowstyle": "-|>", "color": _INK, "linewidth": 1.6, "shrinkA": 0},
    )


def _legend(with_truth: bool) -> list[Line2D]:
    handles = [
        _mark("o", _FIRST, 12, "first candidate, heading"),
        _mark("o", _TOP, 9, "2 to 5"),
        _mark("o", _REST, 6, "further"),
        _mark(".", _INK, 4, "places searched"),
        Line2D([], [], color=_INK, linestyle=(0, (6, 3)), label="area"),
    ]
    if with_truth:
        handles.append(_mark("*", _TRUTH, 14, "true position, heading", edge="white"))
    return handles


def _mark(marker: str, colour: str, size: float, label: str, edge: str = _INK) -> Line2D:
    return Line2D(
        [],
        [],
        marker=marker,
        color=colour,
        markersize=size,
        markeredgecolor=edge,
        linestyle="",
        label=label,
    )
