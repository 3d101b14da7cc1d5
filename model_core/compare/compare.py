"""Pictures of one height: the photo, the street view seen as the photo would, the ground ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from model_core.alignment.projection import Camera, make_camera, seen_by
from model_core.candidates import ASSUMED_FOV_DEG
from model_core.compare.matches import MatchedPoints, Picture, matched_points
from model_core.compare.satellite import (
    SOURCE_FOOTPRINT_M,
    SOURCE_PX,
    draw_view,
    heading_up,
    position,
)
from model_core.config import LocateConfig
from model_core.errors import Cancelled, InputError, ProviderError
from model_core.files import make_folder, replacing
from model_core.photo_edits import PhotoEdit, read_edited_photo
from model_core.references.area import LocalFrame
from model_core.references.catalogue import open_imagery_source, open_street_view_source
from model_core.references.collect import ReferenceSummary, find_street_views
from model_core.references.http import HttpClient
from model_core.references.imagery import ImagerySource
from model_core.references.source import SourceContext
from model_core.references.street_view import read_view
from model_core.references.survey import Sources
from model_core.references.terms import may_display
from model_core.types import (
    Area,
    CancelCheck,
    ImageU8,
    LonLat,
    Photo,
    Progress,
    ProgressCallback,
    SourceTerms,
    StreetView,
    ignore_progress,
    never_cancelled,
)

STAGE = "compare"
HEIGHT_PX = 720
QUALITY = 90
CHANCE_INLIERS = 12
NAMED_VIEW_REACH = 4.0
"""A street view that is asked for by its name may stand this many times farther away."""

PHOTO, STREET_VIEW, SATELLITE = "photo", "street_view", "satellite"
_POINT_DEG = 1e-6
_WINDS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


@dataclass(frozen=True)
class CompareRequest:
    """Show a photo beside what stands at a candidate; sources as in ``LocateRequest``.

    ``fov_deg`` is the candidate's, None that of the photo. ``street_view_id`` names a street view,
    None takes the nearest that shows the direction. ``out`` is the folder of the pictures.
    """

    photo: Path
    lonlat: LonLat
    heading_deg: float
    out: Path
    fov_deg: float | None = None
    street_view_id: str | None = None
    sources: Sources = Sources()
    edit: PhotoEdit | None = None
    config: LocateConfig = LocateConfig()


@dataclass(frozen=True)
class Comparison:
    """The pictures by ``photo``, ``street_view``, ``satellite``, as far as there is any.

    ``captions`` and ``attributions`` go with them; ``matches`` is None where nothing was compared;
    ``notes`` say why something is missing.
    """

    pictures: Mapping[str, Path]
    captions: Mapping[str, str]
    attributions: Mapping[str, str]
    matches: MatchedPoints | None = None
    notes: tuple[str, ...] = ()


@dataclass
class _Album:
    """The pictures made so far."""

    folder: Path
    pictures: dict[str, Path] = field(default_factory=dict)
    captions: dict[str, str] = field(default_factory=dict)
    attributions: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(
        self, name: str, pixels: ImageU8, caption: str, terms: SourceTerms | None = None
    ) -> None:
        """Write a picture and note what goes with it."""
        path = self.folder / f"{name}.jpg"
        with replacing(path) as unfinished:
            Image.fromarray(pixels).save(unfinished, "JPEG", quality=QUALITY, subsampling=0)
        self.pictures[name] = path
        self.captions[name] = caption
        if terms is not None and terms.attribution:
            self.attributions[name] = terms.attribution


@dataclass(frozen=True)
class _Chosen:
    """A street view and how far from the candidate it stands."""

    view: StreetView
    distance_m: float


def compare(
    request: CompareRequest,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelCheck = never_cancelled,
) -> Comparison:
    """Write the pictures and return them with what is to be said of them.

    A street view or satellite image that is not to be had, or not to be shown, costs only itself.

    Args:
        request: What to compare.
        progress: Told before each picture.
        cancel: Asked before each picture.

    Raises:
        PhotoError: The photo cannot be read.
        InputError: The folder cannot be written, or the field of view is impossible.
        Cancelled: The user asked to stop.
    """
    album = _Album(request.out)
    make_folder(request.out)
    matches: MatchedPoints | None = None

    def step(done: int, name: str) -> None:
        if cancel():
            raise Cancelled("stopped while the pictures were being made")
        progress(Progress(STAGE, done, 3, name))

    step(0, "photo")
    photo = read_edited_photo(
        request.photo, request.edit, max(2 * HEIGHT_PX, request.config.verification.max_side_px)
    )
    shown = _add_photo(album, photo, request)
    sources, context = _context(request, cancel)
    step(1, "street view")
    chosen: _Chosen | None = None
    try:
        chosen = _choose_street_view(request, sources, context, album.notes)
        if chosen is not None:
            matches = _add_street_view(album, photo, shown, chosen, request)
    except (InputError, ProviderError) as error:
        album.notes.append(f"no street view: {error}")
    step(2, "satellite")
    try:
        if sources.imagery is None:
            album.notes.append("no satellite image: no imagery was named")
        else:
            imagery = open_imagery_source(sources.imagery, context)
            _add_satellite(album, shown, chosen, request, imagery)
    except (InputError, ProviderError) as error:
        album.notes.append(f"no satellite image: {error}")
    progress(Progress(STAGE, 3, 3))
    return Comparison(
        album.pictures, album.captions, album.attributions, matches, tuple(album.notes)
    )


def _context(request: CompareRequest, cancel: CancelCheck) -> tuple[Sources, SourceContext]:
    """Return the sources that are asked and the run's way to the network."""
    sources = request.sources.unpacked()
    client = HttpClient(request.config.network, sources.access, cancel)
    return sources, SourceContext(client, sources.keys)


def _add_photo(album: _Album, photo: Photo, request: CompareRequest) -> Picture:
    """Add the photo and return its picture with the camera that the candidate gives it."""
    fov_deg = request.fov_deg or photo.fov_deg
    said = "" if fov_deg is not None else " (unknown, assumed)"
    if fov_deg is None:
        fov_deg = ASSUMED_FOV_DEG if photo.projection == "perspective" else 360.0
    pixels = _of_height(photo.image)
    camera = make_camera(
        photo.projection, fov_deg, request.heading_deg % 360.0, photo.pitch_deg, photo.roll_deg
    )
    album.add(PHOTO, pixels, f"{photo.name}, field of view {fov_deg:.0f}°{said}")
    return Picture((pixels.shape[1], pixels.shape[0]), camera)


def _choose_street_view(
    request: CompareRequest, sources: Sources, context: SourceContext, notes: list[str]
) -> _Chosen | None:
    """Return the street view to show, None where there is none; then a note says why."""
    opened = [open_street_view_source(text, context) for text in sources.street_views]
    if not opened:
        notes.append("no street view: no source of street views was named")
        return None
    reach_m = request.config.street_view.max_distance_m
    if request.street_view_id is not None:
        reach_m *= NAMED_VIEW_REACH
    summary = ReferenceSummary()
    here = _around(request.lonlat)
    index = find_street_views(here, opened, reach_m, summary)
    failures = summary.describe()
    notes.extend([failures] if failures else [])
    near = [_Chosen(view, far) for far, view in index.within(request.lonlat, reach_m)]
    if request.street_view_id is not None:
        found = [one for one in near if one.view.view_id == request.street_view_id]
        missing = f"{request.street_view_id!r} is not within {reach_m:.0f} m of the candidate"
    else:
        found = _showing(near, request.heading_deg)
        missing = f"none within {reach_m:.0f} m shows this direction"
    if not found:
        notes.append(f"no street view: {missing}")
        return None
    return found[0]


def _around(lonlat: LonLat) -> Area:
    return Area.from_bounds(
        lonlat.lon - _POINT_DEG,
        lonlat.lat - _POINT_DEG,
        lonlat.lon + _POINT_DEG,
        lonlat.lat + _POINT_DEG,
    )


def _showing(near: Sequence[_Chosen], heading_deg: float) -> list[_Chosen]:
    """Return the views that show a direction, then those that do not know what they show."""
    known = [one for one in near if one.view.heading_deg is not None]
    unknown = [one for one in near if one.view.heading_deg is None]
    return [one for one in known if _shows(one.view, heading_deg)] + unknown


def _shows(view: StreetView, heading_deg: float) -> bool:
    if view.projection == "equirectangular":
        return True
    aside_deg = abs((heading_deg - (view.heading_deg or 0.0) + 180.0) % 360.0 - 180.0)
    return aside_deg <= (view.fov_deg or ASSUMED_FOV_DEG) / 2


def _add_street_view(
    album: _Album, photo: Photo, shown: Picture, chosen: _Chosen, request: CompareRequest
) -> MatchedPoints:
    """Add what the street view shows of the candidate's direction; return the matched points.

    Raises:
        InputError: Its terms forbid showing it, or its image is missing or damaged.
    """
    view = chosen.view
    may_display(view.terms)
    pixels, picture = _seen_from(view, shown)
    if view.heading_deg is None:
        album.notes.append("the street view's direction is unknown: it is shown as it is")
    album.add(STREET_VIEW, pixels, _street_view_caption(chosen, request), view.terms)
    matches = matched_points(photo, shown, view, picture, request.config.verification)
    if matches.inliers <= CHANCE_INLIERS:
        album.notes.append(
            f"{matches.inliers} points agree between photo and street view: no more than by chance"
        )
    elif len(matches.photo) < matches.inliers:
        album.notes.append(
            f"{matches.inliers} points agree between photo and street view; "
            f"{matches.inliers - len(matches.photo)} of them lie outside the picture shown"
        )
    return matches


def _seen_from(view: StreetView, shown: Picture) -> tuple[ImageU8, Picture]:
    """Return the picture of a street view: a panorama as the photo's camera would see it."""
    image = read_view(view, None if view.projection == "equirectangular" else 4 * HEIGHT_PX).image
    if view.projection == "perspective" or view.heading_deg is None or shown.camera is None:
        pixels = _of_height(image)
        size = (pixels.shape[1], pixels.shape[0])
        camera = None if view.projection == "perspective" else _camera_of(view)
        return pixels, Picture(size, camera)
    pixels, _ = seen_by(image, _camera_of(view), shown.camera, shown.size_px)
    return pixels, Picture(shown.size_px, shown.camera)


def _camera_of(view: StreetView) -> Camera:
    heading_deg = view.heading_deg or 0.0
    return make_camera(view.projection, view.fov_deg, heading_deg, view.pitch_deg, view.roll_deg)


def _street_view_caption(chosen: _Chosen, request: CompareRequest) -> str:
    view = chosen.view
    x_m, y_m = LocalFrame(request.lonlat).to_xy(view.lonlat.lon, view.lonlat.lat)
    bearing_deg = float(np.degrees(np.arctan2(x_m, y_m))) % 360.0
    parts = [view.view_id]
    if view.captured_at is not None:
        parts.append(view.captured_at.date().isoformat())
    wind = _WINDS[round(bearing_deg / 45.0) % 8]
    where = f"{chosen.distance_m:.0f} m {wind}" if chosen.distance_m >= 1.0 else "at the candidate"
    parts.append(where)
    if view.heading_deg is not None:
        is_panorama = view.projection == "equirectangular"
        heading_deg = request.heading_deg % 360.0 if is_panorama else view.heading_deg
        parts.append(f"looking {heading_deg:.0f}°")
    return ", ".join(parts)


def _add_satellite(
    album: _Album,
    shown: Picture,
    chosen: _Chosen | None,
    request: CompareRequest,
    imagery: ImagerySource,
) -> None:
    """Add the ground ahead of the candidate, or a note that there is none.

    Raises:
        InputError: Its terms forbid showing it, or it cannot be read.
        ProviderError: Its provider failed.
    """
    may_display(imagery.terms)
    image = imagery.read(request.lonlat, SOURCE_FOOTPRINT_M, SOURCE_PX)
    if image is None:
        album.notes.append("no satellite image: the imagery shows nothing of this place")
        return
    heading_deg = request.heading_deg % 360.0
    fov_deg = 360.0 if shown.camera is None else shown.camera.fov_deg
    ground = heading_up(image, heading_deg, HEIGHT_PX)
    marked = None
    if chosen is not None:
        marked = position(chosen.view.lonlat, request.lonlat, heading_deg, HEIGHT_PX)
    drawn = draw_view(ground, heading_deg, fov_deg, marked)
    parts = [image.terms.provider]
    if image.captured_at is not None:
        parts.append(image.captured_at.date().isoformat())
    parts.append(f"heading {heading_deg:.0f}° up")
    if marked is not None:
        parts.append("orange: candidate, blue: street view")
    album.add(SATELLITE, drawn, ", ".join(parts), image.terms)


def _of_height(pixels: ImageU8) -> ImageU8:
    """Return an image scaled to the height that all pictures share."""
    height, width = pixels.shape[:2]
    size = (max(1, round(width * HEIGHT_PX / height)), HEIGHT_PX)
    shrinks = height > HEIGHT_PX
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, size, interpolation=method), np.uint8)
