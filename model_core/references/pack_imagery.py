"""The imagery of a reference pack: of a source, what an area's images need."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import shapely
import shapely.affinity
from shapely.geometry.base import BaseGeometry

from model_core.config import StripGeometry
from model_core.errors import Cancelled, ImageryError, InputError
from model_core.files import make_folder, remove, replacing, replacing_folder
from model_core.references.area import LocalFrame
from model_core.references.collect import ReferenceSummary
from model_core.references.imagery.base import ImagerySource, OnlineImagery
from model_core.references.imagery.mosaic import RASTER_SUFFIXES, MosaicImagery
from model_core.references.imagery.raster import RasterImagery
from model_core.references.imagery.raster_copy import save_raster
from model_core.references.imagery.raster_part import RasterPart, find_part
from model_core.references.imagery.resample import READ_BEYOND_PX
from model_core.references.imagery.shifted import ShiftedImagery, write_offset
from model_core.references.imagery.tiles import TileFolderImagery
from model_core.references.prefetch import IMAGERY_STAGE, prefetch_imagery
from model_core.references.terms import terms_path, write_terms
from model_core.types import Area, CancelCheck, LonLat, Progress, ProgressCallback

if TYPE_CHECKING:
    from model_core.references.survey import Survey

_EDGE_DEG = 0.001
"""Edges of an area longer than that, some 100 metres, bend where they are projected."""


def save_imagery(
    survey: Survey,
    folder: Path,
    geometry: StripGeometry,
    shown_m: float,
    progress: ProgressCallback,
    cancel: CancelCheck,
) -> Path:
    """Write what images of the area are read from; return what is to be opened of it.

    Args:
        survey: The area, with imagery.
        folder: The pack.
        geometry: Footprint and pixels of the satellite images.
        shown_m: Width of the ground that is shown around a place.
        progress: Told of requests, and of blocks of rasters.
        cancel: Asked before each block.

    Raises:
        InputError: The imagery shows nothing of the area, or cannot be written.
        ProviderError: An online source failed.
        Cancelled: The user asked to stop.
    """
    imagery = survey.imagery
    if imagery is None:
        raise ImageryError("the survey has no imagery to save; name some")
    centers = [place.lonlat for place in survey.places]
    target = folder / "imagery"
    if isinstance(imagery, OnlineImagery):
        prefetch_imagery(imagery, survey.places, geometry, survey.summary, progress)
        with replacing_folder(target) as unfinished:
            saved = imagery.save(unfinished, centers, geometry.footprint_m, geometry.satellite_px)
        return target / saved.relative_to(unfinished)
    make_folder(target)
    source = Path(str(survey.sources.imagery).partition("|")[0])
    shown, offset_m = imagery, (0.0, 0.0)
    if isinstance(imagery, ShiftedImagery):
        shown, offset_m = imagery.imagery, (imagery.east_m, imagery.north_m)
        centers = [imagery.seen_at(center) for center in centers]
    ground = ground_around(survey.area, geometry, shown_m, offset_m)
    copy = _LocalCopy(ground, centers, geometry, survey.summary, progress, cancel)
    saved = copy.save(shown, source, target)
    if isinstance(imagery, ShiftedImagery):
        write_offset(saved, *offset_m)
    return saved


def ground_around(
    area: Area,
    geometry: StripGeometry,
    shown_m: float = 0.0,
    offset_m: tuple[float, float] = (0.0, 0.0),
) -> BaseGeometry:
    """Return the ground that images of an area's places show, a polygon in EPSG:4326.

    Args:
        area: Where the places are.
        geometry: Footprint and pixels of the images.
        shown_m: Width of the ground that is shown around a place, where that is more.
        offset_m: How far east and north of itself the imagery shows the ground.
    """
    read_m = geometry.footprint_m * (1.0 + 2.0 * READ_BEYOND_PX / geometry.satellite_px)
    frame = LocalFrame(area.center_lonlat)

    def to_lonlat(xy_m: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(frame.to_lonlat(xy_m[:, 0], xy_m[:, 1]))

    flat = frame.project(shapely.segmentize(area.geometry, _EDGE_DEG))
    corner_m = max(read_m, shown_m) / math.sqrt(2.0)
    shown = shapely.affinity.translate(flat.buffer(corner_m), *offset_m)
    return shapely.transform(shown, to_lonlat)


@dataclass(frozen=True)
class _LocalCopy:
    """Copies what a pack needs of local imagery: ground and places, as the imagery shows them."""

    ground: BaseGeometry
    centers: list[LonLat]
    geometry: StripGeometry
    summary: ReferenceSummary
    progress: ProgressCallback
    cancel: CancelCheck

    def save(self, imagery: ImagerySource, source: Path, folder: Path) -> Path:
        """Write what is needed of a raster or a folder into another folder; return what to open."""
        if isinstance(imagery, RasterImagery):
            saved = self._save_raster(imagery, source, folder)
        elif isinstance(imagery, MosaicImagery):
            saved = self._save_mosaic(imagery, folder / source.name)
        elif isinstance(imagery, TileFolderImagery):
            saved = folder / source.name
            _copy_folder(source, saved, imagery.files_off(self.ground))
        else:
            raise ImageryError(f"{source}: is imagery of a kind that no pack holds; give a raster")
        if saved is None:
            raise ImageryError(
                f"{source}: shows nothing of the area, so nothing of it is saved; choose imagery "
                "that covers the area, or leave it out"
            )
        return saved

    def _save_mosaic(self, mosaic: MosaicImagery, folder: Path) -> Path | None:
        paths = [Path(member.file.name) for member in mosaic.members]
        theirs = {
            file for file in mosaic.path.iterdir() if any(_belongs_to(path, file) for path in paths)
        }
        _copy_folder(mosaic.path, folder, theirs)
        saved = [
            self._save_raster(member, path, folder)
            for member, path in zip(mosaic.members, paths, strict=True)
        ]
        return folder if any(saved) else None

    def _save_raster(self, raster: RasterImagery, source: Path, folder: Path) -> Path | None:
        """Write what is needed of a raster and return the file; None where it lies elsewhere."""
        is_tiff = source.suffix.lower() in (".tif", ".tiff")
        target = folder / (source.name if is_tiff else f"{source.name}.tif")
        if source.suffix.lower() == ".vrt":
            size = self.geometry.footprint_m, self.geometry.satellite_px
            if not raster.windows(self.centers, *size):
                return None
            return save_raster(raster, target, self.centers, *size)
        part = find_part(source, self.ground)
        if part is None:
            return _copy_whole(source, folder)
        if part.block_count == 0:
            return None
        self._save_part(part, raster, target)
        return target

    def _save_part(self, part: RasterPart, raster: RasterImagery, target: Path) -> None:

        def step(done: int) -> None:
            if self.cancel():
                raise Cancelled("stopped while the pack was being written")
            self.progress(Progress(IMAGERY_STAGE, done, part.block_count, part.path.name))

        for failure in part.save(target, step):
            self.summary.add_failure(raster.terms.provider, str(failure))
        _forget_others(target, part.files(target))
        write_terms(terms_path(target), raster.terms)


def _copy_whole(source: Path, folder: Path) -> Path:
    """Copy a raster with what belongs to it; return the copy."""
    make_folder(folder)
    files = [file for file in source.parent.iterdir() if _belongs_to(source, file)]
    for file in files:
        _copy_file(file, folder / file.name)
    target = folder / source.name
    _forget_others(target, [folder / file.name for file in files])
    return target


def _copy_folder(source: Path, target: Path, left_out: set[Path]) -> None:
    """Copy a folder with all that is in it, but for some files."""

    def ignore(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if Path(folder) / name in left_out]

    try:
        shutil.copytree(source, target, ignore=ignore, dirs_exist_ok=True, copy_function=_copy_file)
    except (OSError, shutil.Error) as err:
        raise InputError(
            f"{target}: cannot be written ({err}); make room, or choose another folder"
        ) from err


def _copy_file(source: str | Path, target: str | Path) -> None:
    """Copy a file so that it is whole, or the earlier one, whenever the copying is stopped."""
    with replacing(Path(target)) as unfinished:
        shutil.copyfile(source, unfinished)


def _belongs_to(raster: Path, file: Path) -> bool:
    """Return whether a file is a raster, or lies beside it under its name."""
    if file == raster or file.name.startswith(f"{raster.name}."):
        return file.is_file()
    is_other = file.suffix.lower() in RASTER_SUFFIXES
    return file.stem == raster.stem and not is_other and file.is_file()


def _forget_others(raster: Path, files: Iterable[Path]) -> None:
    """Delete what an earlier copy left beside a raster: overviews and notes of other pixels."""
    kept = set(files)
    for file in raster.parent.iterdir():
        if not file.name.startswith(f"{raster.name}.") or file in kept:
            continue
        try:
            remove(file)
        except OSError as err:
            raise InputError(
                f"{file}: is of an earlier pack and cannot be deleted ({err}); close it in other "
                "programs, or fetch into another folder"
            ) from err
