"""A gallery on disk: a folder with the features of every place of an area.

::

    gallery.json      format version, model, shape, area, sources
    places.parquet    GeoParquet, one row a place
    features.npy      float16 (N, h, bins, C), weighted by coverage, memory-mapped
    coverage.npy      float32 (N, bins), the share of each bin that a reference covers
    energy.npy        float32 (N, bins), see ``weighting``
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely.geometry
from shapely.errors import ShapelyError

from model_core.errors import GalleryError
from model_core.gallery.places import PlaceTable
from model_core.types import Area, FloatArray, SourceTerms

FORMAT_VERSION = 1
META_FILE = "gallery.json"
PLACES_FILE = "places.parquet"
FEATURES_FILE = "features.npy"
COVERAGE_FILE = "coverage.npy"
ENERGY_FILE = "energy.npy"
PARTIAL_SUFFIX = ".partial"
_AGAIN = "build the gallery again"


@dataclass(frozen=True)
class GalleryMeta:
    """What a gallery is of. ``feature_shape`` is (h, bins, C) of ``count`` places.

    ``fingerprint`` stands for everything the features depend on, see ``gallery_fingerprint``;
    ``family`` for all of that but which street views serve; ``created_at`` is ISO 8601.
    ``failed_rows`` lack what a source failed at, and may be more when they are asked for again.
    ``precision`` is that of the encoder, such as ``bfloat16``; empty where it was not noted.
    """

    model_hash: str
    feature_shape: tuple[int, int, int]
    count: int
    fingerprint: str
    area: Area
    family: str = ""
    sources: tuple[SourceTerms, ...] = ()
    created_at: str = ""
    software_version: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    failed_rows: tuple[int, ...] = ()
    precision: str = ""

    def to_json(self) -> str:
        """Return the text of ``gallery.json``."""
        values = {
            "format_version": FORMAT_VERSION,
            "model_hash": self.model_hash,
            "feature_shape": list(self.feature_shape),
            "count": self.count,
            "fingerprint": self.fingerprint,
            "family": self.family,
            "area": shapely.geometry.mapping(self.area.geometry),
            "sources": [asdict(source) for source in self.sources],
            "created_at": self.created_at,
            "software_version": self.software_version,
            "config": dict(self.config),
            "precision": self.precision,
        }
        if self.failed_rows:
            values["failed_rows"] = list(self.failed_rows)
        return json.dumps(values, indent=1, sort_keys=True) + "\n"

    @classmethod
    def read(cls, path: Path) -> GalleryMeta:
        """Return what a ``gallery.json`` says.

        Raises:
            GalleryError: It is missing, damaged or of another format version.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as err:
            raise GalleryError(f"{path} is missing; {_AGAIN}") from err
        except (OSError, ValueError) as err:
            raise GalleryError(f"{path} cannot be read ({err}); {_AGAIN}") from err
        version = values.get("format_version") if isinstance(values, dict) else None
        if version != FORMAT_VERSION:
            raise GalleryError(
                f"{path} has format version {version!r}, this software reads {FORMAT_VERSION}; "
                f"update the software, or {_AGAIN}"
            )
        try:
            height, bins, channels = (int(size) for size in values["feature_shape"])
            return cls(
                model_hash=str(values["model_hash"]),
                feature_shape=(height, bins, channels),
                count=int(values["count"]),
                fingerprint=str(values["fingerprint"]),
                family=str(values.get("family", "")),
                area=Area(shapely.geometry.shape(values["area"])),
                sources=tuple(SourceTerms(**source) for source in values["sources"]),
                created_at=str(values["created_at"]),
                software_version=str(values["software_version"]),
                config=dict(values["config"]),
                failed_rows=tuple(int(row) for row in values.get("failed_rows", ())),
                precision=str(values.get("precision", "")),
            )
        except (KeyError, TypeError, ValueError, AttributeError, ShapelyError) as err:
            raise GalleryError(f"{path} lacks or garbles {err}; {_AGAIN}") from err


@dataclass(frozen=True)
class Gallery:
    """An open gallery; the arrays are memory-mapped and read-only.

    ``features`` float16 (N, h, bins, C), ``coverage`` and ``energy`` float32 (N, bins).
    """

    path: Path
    meta: GalleryMeta
    places: PlaceTable
    features: npt.NDArray[np.float16]
    coverage: FloatArray
    energy: FloatArray


def open_gallery(path: Path, model_hash: str | None = None) -> Gallery:
    """Return a gallery folder, checked and memory-mapped.

    Args:
        path: The folder.
        model_hash: The model that will describe the photos; None takes any.

    Raises:
        GalleryError: There is none, it is unfinished, damaged, or of another model.
    """
    path = Path(path)
    if not path.is_dir():
        if _partial_path(path).is_dir():
            raise GalleryError(f"the gallery {path} is unfinished; build it again to go on with it")
        raise GalleryError(f"there is no gallery at {path}; build one first")
    meta = GalleryMeta.read(path / META_FILE)
    if model_hash is not None and meta.model_hash != model_hash:
        raise GalleryError(
            f"the gallery {path} was built with model {meta.model_hash[:12]}, the photos are "
            f"described by {model_hash[:12]}; {_AGAIN} with this model, or choose the other model"
        )
    bins = meta.feature_shape[1]
    gallery = Gallery(
        path=path,
        meta=meta,
        places=PlaceTable.read(path / PLACES_FILE),
        features=_open_array(path / FEATURES_FILE, (meta.count, *meta.feature_shape), np.float16),
        coverage=_open_array(path / COVERAGE_FILE, (meta.count, bins), np.float32),
        energy=_open_array(path / ENERGY_FILE, (meta.count, bins), np.float32),
    )
    if len(gallery.places) != meta.count:
        raise GalleryError(
            f"{path / PLACES_FILE} has {len(gallery.places)} rows instead of {meta.count}; {_AGAIN}"
        )
    for name, values in ((ENERGY_FILE, gallery.energy), (COVERAGE_FILE, gallery.coverage)):
        if not bool(np.isfinite(values).all()) or float(values.min(initial=0.0)) < 0.0:
            raise GalleryError(f"{path / name} holds impossible values; {_AGAIN}")
    return gallery


def _partial_path(path: Path) -> Path:
    return path.with_name(path.name + PARTIAL_SUFFIX)


def _open_array(path: Path, shape: tuple[int, ...], dtype: type[np.generic]) -> Any:
    """Return a memory-mapped array of the expected shape and type."""
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as err:
        raise GalleryError(f"{path} is missing; {_AGAIN}") from err
    except (OSError, ValueError, EOFError) as err:
        raise GalleryError(f"{path} is damaged ({err}); {_AGAIN}") from err
    if values.shape != shape or values.dtype != np.dtype(dtype):
        raise GalleryError(
            f"{path} holds {values.dtype} {values.shape} instead of {np.dtype(dtype)} {shape}; "
            f"{_AGAIN}"
        )
    return values
