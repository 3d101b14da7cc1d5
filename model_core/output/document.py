"""The answers as plain values: the content of ``results.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from shapely.geometry import mapping

from model_core.output.layers import Provenance, candidate_columns, verdict
from model_core.scoring import Truth, truth_for
from model_core.types import Area, Photo, PhotoResult

RESULTS_FORMAT = 1


def results_document(
    results: Sequence[PhotoResult],
    photos: Mapping[Path, Photo],
    area: Area,
    provenance: Provenance,
    truth: Mapping[str, Truth] | None = None,
) -> dict[str, Any]:
    """Return the content of ``results.json``: provenance, area, every photo with its answer."""
    document = {
        "format": RESULTS_FORMAT,
        "provenance": {
            "created_at": provenance.created_at,
            "software_version": provenance.software_version,
            "model_hash": provenance.model_hash,
            "sources": [asdict(source) for source in provenance.sources],
            "settings": provenance.settings,
        },
        "area": mapping(area.geometry),
        "photos": [
            _photo_document(result, photos.get(result.path), provenance, truth)
            for result in results
        ],
    }
    plain: dict[str, Any] = _plain(document)
    return plain


def _photo_document(
    result: PhotoResult,
    photo: Photo | None,
    provenance: Provenance,
    truth: Mapping[str, Truth] | None,
) -> dict[str, Any]:
    known = truth_for(result.path, truth)
    camera = None
    if photo is not None:
        names = ("projection", "fov_deg", "fov_source", "captured_at", "heading_deg")
        camera = {name: getattr(photo, name) for name in (*names, "pitch_deg", "roll_deg")}
    return {
        "photo": result.path.name,
        "path": str(result.path),
        "photo_sha256": result.photo_sha256,
        "verdict": verdict(result),
        "not_in_area": result.not_in_area,
        "probability_elsewhere": result.probability_elsewhere,
        "error": result.error,
        "error_code": result.error_code,
        "notes": [*(photo.notes if photo else ()), *(n for n in result.notes)],
        "camera": camera,
        "truth": asdict(known) if known else None,
        "candidates": [
            {
                "lon": candidate.lonlat.lon,
                "lat": candidate.lonlat.lat,
                **candidate_columns(candidate, result, provenance, truth),
            }
            for candidate in result.candidates
        ],
    }


def _plain(value: Any) -> Any:
    """Return a value as JSON holds it: times as ISO 8601, no number that is none."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
