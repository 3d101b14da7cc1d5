"""What the engine is asked about photos beside locating them, and what it answers.

Nothing heavy is imported before a job begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_core import contract
from model_core.contract import ContractError
from model_core.errors import InputError
from model_core.source_jobs import absolute_path, read_sources

if TYPE_CHECKING:
    from model_core.compare import CompareRequest, Comparison
    from model_core.inspection import InspectedPhoto
    from model_core.photo_edits import PhotoEdit
    from model_core.photo_export import PhotoExport
    from model_core.serve import Handler, Tell
    from model_core.types import CancelCheck, ProgressCallback

EDGES = ("left", "top", "right", "bottom")


def photo_handlers() -> Mapping[str, Handler]:
    """Return what answers the methods about photos."""
    return {
        contract.INSPECT_PHOTOS: _inspect,
        contract.COMPARE: _compare,
        contract.EXPORT_PHOTO: _export,
    }


def photo_edits(edits: Mapping[str, Any]) -> dict[Path, PhotoEdit]:
    """Return what a person changed of photos, by path.

    Raises:
        ContractError: A path is relative, or a key is unknown or of the wrong type.
        InputError: An edit is impossible; the message names the photo.
    """
    return {
        path: _photo_edit(path, contract.PhotoEdit.from_json(edits[text]))
        for text in edits
        for path in (absolute_path("edits", text),)
    }


def _photo_edit(path: Path, edit: contract.PhotoEdit) -> PhotoEdit:
    from model_core.photo_edits import PhotoEdit
    from model_core.photo_metadata import parse_time

    taken = parse_time(edit.captured_at)
    if edit.captured_at is not None and taken is None:
        raise InputError(
            f"{path}: {edit.captured_at!r} is no time of capture; write it as 2024-05-31T14:30"
        )
    try:
        return PhotoEdit(
            edit.turn_deg, edit.left, edit.top, edit.right, edit.bottom, edit.fov_deg, taken
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _inspect(
    values: Mapping[str, Any], progress: ProgressCallback, cancel: CancelCheck, tell: Tell
) -> Mapping[str, Any]:
    from model_core.inspection import inspect_photos

    params = contract.InspectPhotosParams.from_json(values)
    folder = params.thumbnails
    found = inspect_photos(
        [absolute_path("photos", photo) for photo in params.photos],
        None if folder is None else absolute_path("thumbnails", folder),
        params.thumbnail_px,
        progress,
        cancel,
    )
    return inspect_result(found).to_json()


def inspect_result(found: list[InspectedPhoto]) -> contract.InspectPhotosResult:
    """Return what was found as the contract says it."""
    return contract.InspectPhotosResult(tuple(_photo_info(photo) for photo in found))


def _photo_info(photo: InspectedPhoto) -> contract.PhotoInfo:
    path, error = str(photo.path.absolute()), photo.error
    words, code = ("", 0) if error is None else (str(error), error.code)
    metadata = photo.metadata
    if metadata is None:
        return contract.PhotoInfo(path, error=words, error_code=code)
    taken, lonlat = metadata.captured_at, metadata.lonlat
    return contract.PhotoInfo(
        path=path,
        sha256=metadata.sha256,
        width_px=metadata.size_px[0],
        height_px=metadata.size_px[1],
        projection=metadata.projection,
        fov_deg=metadata.fov_deg,
        fov_source=metadata.fov_source,
        captured_at="" if taken is None else taken.isoformat(),
        lon=None if lonlat is None else lonlat.lon,
        lat=None if lonlat is None else lonlat.lat,
        heading_deg=metadata.heading_deg,
        notes=photo.notes,
        thumbnail="" if photo.thumbnail is None else str(photo.thumbnail.absolute()),
        error=words,
        error_code=code,
    )


def _compare(
    values: Mapping[str, Any], progress: ProgressCallback, cancel: CancelCheck, tell: Tell
) -> Mapping[str, Any]:
    from model_core.compare import compare

    request = compare_request(contract.CompareParams.from_json(values))
    return compare_result(compare(request, progress, cancel)).to_json()


def compare_request(params: contract.CompareParams) -> CompareRequest:
    """Return what is to be compared.

    Raises:
        ContractError: A path is relative, or an edit is malformed.
        InputError: An option is unknown or of a wrong kind, or an edit is impossible.
    """
    from model_core.compare import CompareRequest
    from model_core.options import read_options
    from model_core.types import LonLat

    photo = absolute_path("photo", params.photo)
    return CompareRequest(
        photo=photo,
        lonlat=LonLat(params.lon, params.lat),
        heading_deg=params.heading_deg,
        out=absolute_path("out", params.out),
        fov_deg=params.fov_deg,
        street_view_id=params.street_view_id,
        sources=read_sources(params),
        edit=photo_edits(params.edits).get(photo),
        config=read_options(params.config),
    )


def compare_result(comparison: Comparison) -> contract.CompareResult:
    """Return the pictures as the contract says it."""
    pictures = {name: str(path.absolute()) for name, path in comparison.pictures.items()}
    matches = comparison.matches
    return contract.CompareResult(
        **pictures,
        matches={}
        if matches is None
        else {
            "photo": matches.photo.round(5).tolist(),
            "street_view": matches.street_view.round(5).tolist(),
        },
        captions=comparison.captions,
        attributions=comparison.attributions,
        notes=comparison.notes,
    )


def _export(
    values: Mapping[str, Any], progress: ProgressCallback, cancel: CancelCheck, tell: Tell
) -> Mapping[str, Any]:
    from model_core.photo_export import export_photo

    exported = export_photo(photo_export(contract.ExportPhotoParams.from_json(values)))
    return contract.ExportPhotoResult(str(exported.path), exported.notes).to_json()


def photo_export(params: contract.ExportPhotoParams) -> PhotoExport:
    """Return what copy is wanted.

    Raises:
        ContractError: A path is relative, or a region has no four edges.
        InputError: Coordinates, decimals or a region are impossible.
    """
    from model_core.photo_export import PhotoExport, Region
    from model_core.types import LonLat

    for region in params.blur:
        numbers = all(isinstance(region.get(edge), int | float) for edge in EDGES)
        if set(region) != set(EDGES) or not numbers:
            raise ContractError(f"'blur' must hold {', '.join(EDGES)} as numbers, not {region}")
    return PhotoExport(
        photo=absolute_path("photo", params.photo),
        out=absolute_path("out", params.out),
        lonlat=LonLat(params.lon, params.lat),
        heading_deg=params.heading_deg,
        decimals=params.decimals,
        strip_metadata=params.strip_metadata,
        regions=tuple(Region(**region) for region in params.blur),
    )
