"""The scene that photos are compared with: places, gallery, model, cached local features."""

from __future__ import annotations

import glob
import logging
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from model_core import __version__
from model_core.alignment.align import align_references
from model_core.bundle import ModelBundle
from model_core.config import LocateConfig, StripGeometry, to_mapping
from model_core.device import choose_dtype, dtype_name
from model_core.errors import AreaError, GalleryError
from model_core.features.preprocess import to_tensor
from model_core.gallery.beside import PlacesBeside
from model_core.gallery.build import write_gallery
from model_core.gallery.known import KnownRows, find_known_rows
from model_core.gallery.places import PlaceRecord, PlaceTable
from model_core.gallery.store import META_FILE, Gallery, GalleryMeta, open_gallery
from model_core.gallery.writer import gallery_fingerprint
from model_core.references.area import LocalFrame
from model_core.references.availability import choose_street_views
from model_core.references.catalogue import find_source
from model_core.references.collect import collect_references
from model_core.references.imagery.shifted import ShiftedImagery
from model_core.references.imagery.side_files import is_part_of
from model_core.references.pack import find_pack
from model_core.references.prefetch import places_together, prefetch_imagery, prefetch_views
from model_core.references.survey import Survey, available_view_ids
from model_core.synthesis.fill_in import fill_in_street_views
from model_core.types import (
    AlignedReference,
    CancelCheck,
    FloatArray,
    MaskArray,
    Photo,
    Place,
    ProgressCallback,
    Reference,
    StreetView,
    Strip,
)
from model_core.verification.cache import FeatureCache

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scene:
    """What photos are compared with; without retrieval there is neither model nor gallery.

    ``beside`` shows places again from a few metres beside; None without imagery, or if turned off.
    """

    survey: Survey
    places: PlaceTable
    model: ModelBundle | None
    gallery: Gallery | None
    local_features: FeatureCache
    device: torch.device
    beside: PlacesBeside | None = None


def open_scene(
    survey: Survey,
    photo_date: datetime | None,
    model: ModelBundle | None,
    folder: Path,
    device: torch.device,
    config: LocateConfig,
    progress: ProgressCallback,
    cancel: CancelCheck,
) -> Scene:
    """Return the scene for photos of one date, its gallery built or opened.

    Args:
        survey: The area.
        photo_date: Chooses the street views; None: all of them may serve.
        model: None leaves retrieval out.
        folder: Keeps galleries and local features, or is a gallery itself.
        device: Where the model is.
        config: The run.
        progress: Told of the building.
        cancel: Asked between batches.

    Raises:
        AreaError: Nothing at all is known of any place.
        GalleryError: ``folder`` is a gallery of another model or of another area.
    """
    cache = FeatureCache(folder / "local_features")
    if model is None:
        records = (
            PlaceRecord.of_reference(Reference(place, None, views))
            for place, views in zip(survey.places, survey.views_of_place, strict=True)
        )
        return Scene(survey, PlaceTable.from_records(records), None, None, cache, device)
    if (folder / META_FILE).exists():
        gallery = _given_gallery(folder, survey, model, config)
    else:
        meta = describe_gallery(survey, photo_date, model, config)
        target = folder / f"gallery-{meta.fingerprint[:12]}"
        gallery = _kept_gallery(target, survey, model) or encode_area(
            survey, photo_date, model, target, device, config, progress, cancel
        )
    _count_places(survey, gallery)
    beside = _places_beside(survey, gallery, model, device, config)
    return Scene(survey, gallery.places, model, gallery, cache, device, beside)


def _kept_gallery(folder: Path, survey: Survey, model: ModelBundle) -> Gallery | None:
    """Return a gallery built before, None where there is none or now it would know more."""
    if not (folder / META_FILE).exists():
        return None
    try:
        gallery = open_gallery(folder, model.model_hash)
    except GalleryError as err:
        log.warning("%s is built again: %s", folder, err)
        return None
    may_know_more = bool(gallery.meta.failed_rows) and not survey.client.access.offline
    return None if may_know_more or not gallery.coverage.any() else gallery


def _count_places(survey: Survey, gallery: Gallery) -> None:
    """Count what a gallery knows and lacks, whether it was built now or before."""
    lacking = len(set(gallery.meta.failed_rows) - survey.summary.failed_places)
    if lacking:
        survey.summary.add_failure(
            f"gallery {gallery.path.name}",
            "a source failed at these places when it was built; build it again, online",
            count=lacking,
        )
    places = gallery.places
    has_imagery, street_view = places.frame["imagery_source"] != "", places.frame["street_view"]
    for index, (imagery, view) in enumerate(zip(has_imagery, street_view, strict=True)):
        survey.summary.add_place(
            index, bool(imagery), view == "real", has_made_view=view == "synthetic"
        )


def encode_area(
    survey: Survey,
    photo_date: datetime | None,
    model: ModelBundle,
    folder: Path,
    device: torch.device,
    config: LocateConfig,
    progress: ProgressCallback,
    cancel: CancelCheck,
) -> Gallery:
    """Return the area's gallery: stages 2 to 7, one line each; an unfinished one goes on.

    What a source failed at in an earlier run is asked for again, the other rows are kept.

    Raises:
        AreaError: Nothing at all is known of any place.
    """
    meta = describe_gallery(survey, photo_date, model, config)
    known = _rows_known(folder, meta, survey, photo_date, config)

    def references_from(row: int) -> Iterator[Reference]:
        wanted = [place for place in survey.places[row:] if place.index not in known]
        for places in places_together(survey.client, survey.may_be_kept, wanted):
            fetch_references(survey, places, photo_date, model.config.geometry, config, progress)
            yield from collect_references(  # 2 references
                places,
                survey.imagery,
                survey.views,
                config.street_view,
                photo_date,
                model.config.geometry,
                summary=survey.summary,
                cancel=cancel,
            )

    def aligned_from(row: int) -> Iterable[AlignedReference]:
        references = references_from(row)
        aligned = align_references(  # 3 alignment
            references,
            model.config,
            branch_features=partial(_branch_features, model, device),
            on_failure=count_failure,
        )
        return fill_in_street_views(  # 4 synthesis
            noted(aligned), model.generator, config.street_view.policy, device, config.batch_size
        )

    def noted(aligned: Iterable[AlignedReference]) -> Iterator[AlignedReference]:
        for reference in aligned:
            if reference.failed:
                survey.summary.failed_places.add(reference.place.index)
            yield reference

    def count_failure(view: StreetView, reason: str) -> None:
        survey.summary.add_view_failure(view, f"{view.view_id}: {reason}")

    dtype = choose_dtype(device)
    meta = replace(meta, precision=dtype_name(dtype))
    try:
        gallery = write_gallery(  # 5 features, 6 fusion, 7 gallery
            folder,
            survey.places,
            meta,
            aligned_from,
            model,
            device,
            config.batch_size,
            progress,
            cancel,
            known=known,
            imagery_source="" if survey.imagery is None else survey.imagery.terms.provider,
            provider_of_view={view.view_id: view.terms.provider for view in survey.views.views},
            dtype=dtype,
        )
    except AreaError as err:
        failures = survey.summary.describe_failures()
        reasons = failures or ["check that the area and its sources overlap"]
        raise AreaError("; ".join([str(err), *reasons])) from err
    if set(gallery.meta.failed_rows) <= survey.summary.failed_places:
        return gallery
    del gallery  # begun by an earlier run, which failed at rows that were not asked for now
    return encode_area(survey, photo_date, model, folder, device, config, progress, cancel)


def _rows_known(
    folder: Path,
    meta: GalleryMeta,
    survey: Survey,
    photo_date: datetime | None,
    config: LocateConfig,
) -> KnownRows:
    """Return the rows that galleries in and beside ``folder`` hold: same street views, all read."""

    @cache
    def chosen_ids() -> list[set[str]]:
        return [
            {
                view.view_id
                for view in choose_street_views(place, survey.views, photo_date, config.street_view)
            }
            for place in survey.places
        ]

    def same_rows(places: PlaceTable) -> MaskArray:
        is_strict, frame = config.street_view.policy == "strict", places.frame
        same = [
            bool(imagery or survey.imagery is None or (is_strict and not chosen))
            and set(ids) == chosen
            for imagery, ids, chosen in zip(
                frame["imagery_source"], frame["street_view_ids"], chosen_ids(), strict=True
            )
        ]
        return np.array(same, np.bool_)

    others = dict.fromkeys([folder, *sorted(folder.parent.glob("gallery-*"))])
    return find_known_rows(others, meta, same_rows)


def fetch_references(
    survey: Survey,
    places: Sequence[Place],
    photo_date: datetime | None,
    geometry: StripGeometry,
    config: LocateConfig,
    progress: ProgressCallback,
) -> None:
    """Fetch, ahead and in parallel, what places need of online sources."""
    chosen = {
        view.view_id: view
        for place in places
        for view in choose_street_views(place, survey.views, photo_date, config.street_view)
    }
    prefetch_imagery(survey.imagery, places, geometry, survey.summary, progress)
    prefetch_views(survey.client, chosen.values(), survey.summary, progress)


def _branch_features(
    model: ModelBundle, device: torch.device, street: Strip, satellite: Strip
) -> tuple[FloatArray, FloatArray]:
    """Return what a street view's and a satellite strip's branch see, each (C, h, bins)."""
    images, mask = to_tensor([street], device)
    above, _ = to_tensor([satellite], device)
    with torch.inference_mode():
        seen, looked_down_on = (
            model.encoder.encode_street(images, mask),
            model.encoder.encode_satellite(above),
        )
    return seen[0].float().cpu().numpy(), looked_down_on[0].float().cpu().numpy()


def describe_gallery(
    survey: Survey, photo_date: datetime | None, model: ModelBundle, config: LocateConfig
) -> GalleryMeta:
    """Return what a gallery is of; its fingerprint changes with anything its features depend on."""
    options: dict[str, Any] = {
        "places": to_mapping(config.places),
        "street_view": to_mapping(config.street_view),
        "files": [_state_of_view(view) for view in survey.views.views],
        "imagery": _state_of_imagery(survey),
    }
    if config.street_view.policy == "synthetic":
        options["generator"] = model.generator_hash
    fingerprint_with = partial(
        gallery_fingerprint, model.model_hash, survey.area, survey.places, survey.terms
    )
    available = sorted(available_view_ids(survey, photo_date, config))
    shape = (model.config.feature_height, model.config.azimuth_bins, model.config.feature_channels)
    return GalleryMeta(
        model_hash=model.model_hash,
        feature_shape=shape,
        count=len(survey.places),
        fingerprint=fingerprint_with({**options, "available": available}),
        area=survey.area,
        family=fingerprint_with(options),
        sources=survey.terms,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        software_version=__version__,
        config={key: options[key] for key in ("places", "street_view")},
    )


def group_by_street_views(
    photos: Iterable[Photo], survey: Survey, config: LocateConfig
) -> list[list[Photo]]:
    """Return the photos in groups that the same street views may serve; a group shares a scene."""
    groups: dict[frozenset[str], list[Photo]] = {}
    for photo in photos:
        key = available_view_ids(survey, photo.captured_at, config)
        groups.setdefault(key, []).append(photo)
    return list(groups.values())


def _places_beside(
    survey: Survey, gallery: Gallery, model: ModelBundle, device: torch.device, config: LocateConfig
) -> PlacesBeside | None:
    if survey.imagery is None or config.search.beside_places == 0:
        return None

    def fill_in(looks: Iterable[AlignedReference]) -> Iterable[AlignedReference]:
        return fill_in_street_views(
            looks, model.generator, config.street_view.policy, device, config.batch_size
        )

    return PlacesBeside(
        gallery.places,
        survey.imagery,
        model,
        device,
        ~seen_from_the_ground(gallery.places, survey, config.search.near_view_m),
        config.search.beside_step_m,
        config.batch_size,
        survey.summary,
        fill_in=fill_in,
        dtype=choose_dtype(device, like=gallery.meta.precision),
    )


def seen_from_the_ground(
    places: PlaceTable, survey: Survey, near_m: float
) -> npt.NDArray[np.bool_]:
    """Return which places (N,) have a real street view that was taken within reach.

    A view that the survey does not know counts as within reach.
    """
    frame = LocalFrame(survey.area.center_lonlat)
    ids = [tuple(found) for found in places.frame["street_view_ids"]]
    standpoint = {view.view_id: (view.lonlat.lon, view.lonlat.lat) for view in survey.views.views}
    known = [row for row, found in enumerate(ids) if found and found[0] in standpoint]
    seen = (places.frame["street_view"] == "real").to_numpy().copy()
    at = np.array([standpoint[ids[row][0]] for row in known], np.float64).reshape(-1, 2)
    offset_m = np.subtract(frame.to_xy(*at.T), frame.to_xy(*places.lonlat[known].T))
    seen[known] = np.hypot(*offset_m) <= near_m
    return np.asarray(seen)


def _given_gallery(
    folder: Path, survey: Survey, model: ModelBundle, config: LocateConfig
) -> Gallery:
    gallery = open_gallery(folder, model.model_hash)
    expected = describe_gallery(survey, None, model, config)
    if gallery.meta.fingerprint != expected.fingerprint:
        raise GalleryError(
            f"the gallery {folder} is of another area, other sources or other options than this "
            "request; name the ones it was built with, or build it again"
        )
    if not gallery.coverage.any():
        raise AreaError(f"the gallery {folder} knows nothing of any place; build it again")
    return gallery


def _state_of_view(view: StreetView) -> tuple[object, ...]:
    """Return what a view's features depend on: its image, and where and how it was taken."""
    taken_at = "" if view.captured_at is None else view.captured_at.isoformat()
    file = _state_of(view.path) if view.remote is None else (view.view_id, taken_at, -1)
    pose = (view.heading_deg, view.pitch_deg, view.roll_deg, view.fov_deg, view.heading_sigma_deg)
    return (*file, view.lonlat.lon, view.lonlat.lat, view.projection, *pose)


def _state_of_imagery(survey: Survey) -> tuple[object, ...] | None:
    """Return what imagery depends on: its text, its files and how far off it is known to lie."""
    text, imagery = survey.sources.imagery, survey.imagery
    if text is None:
        return None
    offset_m = (imagery.east_m, imagery.north_m) if isinstance(imagery, ShiftedImagery) else None
    if find_source(text, "imagery") is not None:
        return (text, offset_m)
    path, _, options = text.partition("|")
    return (Path(path).name, options, offset_m, _state_of_files(Path(path)))


def _state_of_files(path: Path) -> tuple[int, int, int]:
    """Return number, size and last change of a file and those named after it, or in a folder."""
    if path.is_dir():
        found = [Path(folder) / name for folder, _, names in os.walk(path) for name in names]
    else:
        found = [
            file
            for file in path.parent.glob(f"{glob.escape(path.stem)}.*")
            if file == path or is_part_of(path, file)
        ]
    states = [_state_of(file) for file in found]
    return (
        len(states),
        sum(size for _, size, _ in states),
        max((changed for _, _, changed in states), default=-1),
    )


@lru_cache(maxsize=8)
def _sum_of(pack: Path, _changed: int) -> int:
    return zlib.crc32(pack.read_bytes())


def _state_of(path: Path) -> tuple[str, int, int]:
    """Return name, size and last change of a file; that of its pack, which a copy does not lose."""
    try:
        state = path.stat()
        pack = find_pack(path)
        changed = state.st_mtime_ns if pack is None else _sum_of(pack, pack.stat().st_mtime_ns)
    except OSError:
        return (path.name, -1, -1)
    return (path.name, state.st_size, changed)
