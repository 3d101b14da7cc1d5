"""What a search finds out about photos of rendered areas, beside the truth: input of a fit.

Every area is searched for its own photos and for some of the next area, which are not there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from model_core.candidates import place_views
from model_core.config import EvidenceModel, RankingConfig
from model_core.errors import InputError
from model_core.evidence import (
    Vector,
    inlier_threshold,
    log_match_ratio,
)
from model_core.files import make_folder, replacing
from model_core.pipeline import Evidence, locate
from model_core.position import TriedViews, photo_spots
from model_core.references.area import LocalFrame
from model_core.scoring import RIGHT_WITHIN_M, Truth, read_truth
from model_core.types import LonLat, ProgressCallback, ignore_progress
from training.area_requests import TRUTH_FILE, area_request

FOREIGN_PHOTOS = 12
_TRIED = ("inliers", "xy_m", "shown", "heading_deg", "sigma_deg", "bearing_deg")


@dataclass(frozen=True)
class StudiedPhoto:
    """One photo and the N places of the area that it was sought in.

    Attributes:
        area: The area's name.
        scores: (N,) standardised scores of the retrieval.
        xy_m: (N, 2) places.
        tried: The street views that it was compared with.
        photo_m: (2,) where it was taken; None for a photo of another area.
    """

    area: str
    scores: Vector
    xy_m: Vector
    tried: TriedViews
    photo_m: Vector | None

    @cached_property
    def threshold(self) -> float:
        """Inliers from which a street view counts as a match."""
        return inlier_threshold(self.tried, RankingConfig(), EvidenceModel())

    @cached_property
    def log_match(self) -> Vector:
        """What inliers add to the likelihood ratio, (N,); see ``evidence.log_match_ratio``."""
        spots_m, reach_m = photo_spots(self.tried, self.threshold), RankingConfig().merge_radius_m
        return log_match_ratio(
            self.tried, spots_m, self.xy_m, self.threshold, reach_m, EvidenceModel()
        )

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """The places that count as right, bool (N,); none for a photo of another area."""
        if self.photo_m is None:
            return np.zeros(len(self.xy_m), np.bool_)
        return np.asarray(np.hypot(*(self.xy_m - self.photo_m).T) <= RIGHT_WITHIN_M)

    @property
    def view_gap_m(self) -> float:
        """Distance from the nearest full circle that was tried; infinite without one."""
        if self.photo_m is None or not (whole := self.tried.shown >= 1.0).any():
            return float("inf")
        return float(np.hypot(*(self.tried.xy_m[whole] - self.photo_m).T).min())

    @property
    def matched(self) -> bool:
        """Whether a street view near the photo was recognised."""
        if self.photo_m is None:
            return False
        gap = np.hypot(*(self.tried.xy_m - self.photo_m).T)
        reach_m = EvidenceModel().spot_reach_m
        return bool((self.tried.inliers[gap <= reach_m] > self.threshold).any())


def area_folders(data: Path) -> list[Path]:
    """Return the areas in a folder that ``areas`` wrote, by name."""
    return sorted(path for path in data.glob("area_*") if (path / TRUTH_FILE).exists())


def study_areas(
    folders: Sequence[Path],
    bundle: Path | None,
    kept: Path,
    progress: ProgressCallback = ignore_progress,
) -> list[StudiedPhoto]:
    """Return what searches find out about the photos of some areas, and keep it.

    Args:
        folders: Areas, as ``areas`` renders them; two or more.
        bundle: The model; the packaged one if None.
        kept: Folder for galleries and findings of this model; what is there is not sought again.
        progress: Told of every stage.

    Raises:
        InputError: There are fewer than two areas.
        GeolocatorError: An area cannot be searched.
    """
    if len(folders) < 2:
        raise InputError("give two areas or more; photos of one are sought in another")
    make_folder(kept)
    found = []
    for folder, other in zip(folders, [*folders[1:], folders[0]], strict=True):
        path = kept / _kept_name(folder, other)
        if not path.exists():
            foreign = sorted((other / "photos").iterdir())[:FOREIGN_PHOTOS]
            request = replace(
                area_request(folder, folder / "photos", None, kept / "galleries" / folder.name),
                photos=(folder / "photos", *foreign),
                truth=None,
                bundle=bundle,
            )
            truth = read_truth(folder / TRUTH_FILE)
            evidence: list[Evidence] = []
            locate(request, progress, observe=evidence.append)
            photos = [
                _studied(folder.name, one, truth if one.photo.path.parent.parent == folder else {})
                for one in evidence
            ]
            _write(path, photos)
        found += _read(path, folder.name)
    if not found:
        raise InputError(f"no photo in {folders[0].parent} could be compared; render it anew")
    return found


def _studied(area: str, evidence: Evidence, truth: dict[str, Truth]) -> StudiedPhoto:
    if evidence.retrieval is None:
        raise InputError(f"{evidence.photo.path}: was not compared with the places; give a model")
    frame, xy_m, tried = place_views(evidence.places, evidence.verifications, evidence.views)
    known = truth.get(evidence.photo.name)
    photo_m = None if known is None else _xy_of(frame, known.lonlat)
    return StudiedPhoto(area, evidence.retrieval.scores.astype(np.float64), xy_m, tried, photo_m)


def _xy_of(frame: LocalFrame, lonlat: LonLat) -> Vector:
    x, y = frame.to_xy(np.array([lonlat.lon]), np.array([lonlat.lat]))
    return np.array([float(x[0]), float(y[0])])


def _write(path: Path, photos: Sequence[StudiedPhoto]) -> None:
    arrays: dict[str, Vector] = {}
    for number, photo in enumerate(photos):
        nowhere = np.full(2, np.nan)
        arrays[f"{number:04d}.scores"] = photo.scores
        arrays[f"{number:04d}.places_m"] = photo.xy_m
        arrays[f"{number:04d}.photo_m"] = nowhere if photo.photo_m is None else photo.photo_m
        for name in _TRIED:
            arrays[f"{number:04d}.tried_{name}"] = getattr(photo.tried, name)
    with replacing(path) as unfinished:
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, unfinished)


def _read(path: Path, area: str) -> list[StudiedPhoto]:
    photos = []
    try:
        kept = load_file(path)
    except (SafetensorError, OSError) as err:
        raise InputError(f"{path} cannot be read ({err}); delete it, and run again") from err
    for number in sorted({name.split(".")[0] for name in kept}):
        tried = TriedViews((), *(kept[f"{number}.tried_{name}"] for name in _TRIED))
        scores, xy_m, photo_m = (
            kept[f"{number}.{name}"] for name in ("scores", "places_m", "photo_m")
        )
        where = photo_m if np.isfinite(photo_m).all() else None
        photos.append(StudiedPhoto(area, scores, xy_m, tried, where))
    return photos


def _kept_name(folder: Path, other: Path) -> str:
    """Return a file name that is another when either area's photos are."""
    told = b"".join((area / TRUTH_FILE).read_bytes() for area in (folder, other))
    return f"{folder.name}-{hashlib.sha256(told).hexdigest()[:12]}.safetensors"
