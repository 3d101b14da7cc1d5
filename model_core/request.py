"""What the pipeline is asked and what it answers; plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from model_core.config import LocateConfig
from model_core.photo_edits import PhotoEdit
from model_core.references.survey import Sources
from model_core.types import PhotoResult, Place

if TYPE_CHECKING:
    from model_core.output import OutputFiles, Provenance


@dataclass(frozen=True)
class GalleryRequest:
    """Build the gallery of an area in ``out``; sources as in ``LocateRequest``."""

    area: str
    out: Path
    sources: Sources = Sources()
    bundle: Path | None = None
    config: LocateConfig = LocateConfig()


@dataclass(frozen=True)
class LocateRequest:
    """Locate photos in an area.

    ``photos`` are files or folders; ``area`` is "west,south,east,north" or a vector file;
    ``sources`` say where references come from; ``gallery`` is a folder to keep galleries in, or one
    that ``build_gallery`` made; ``out`` a folder for the results; ``truth`` a table to score by;
    ``edits`` what a person changed of photos, by path.
    """

    photos: tuple[Path, ...]
    area: str
    sources: Sources = Sources()
    gallery: Path | None = None
    bundle: Path | None = None
    out: Path | None = None
    config: LocateConfig = LocateConfig()
    truth: Path | None = None
    edits: Mapping[Path, PhotoEdit] = field(default_factory=dict)


@dataclass(frozen=True)
class FetchRequest:
    """Fetch the references of an area into the pack ``out``; sources as in ``LocateRequest``."""

    area: str
    out: Path
    sources: Sources = Sources()
    config: LocateConfig = LocateConfig()


@dataclass(frozen=True)
class EstimateRequest:
    """Say what a run on an area would fetch and take; sources as in ``LocateRequest``."""

    area: str
    sources: Sources = Sources()
    photos: int = 1
    config: LocateConfig = LocateConfig()


@dataclass(frozen=True)
class LocateOutcome:
    """One result a photo in the order asked for, the files written, and a summary in words.

    ``places`` are the area's, as ``PhotoResult.place_probability`` counts them.
    """

    results: tuple[PhotoResult, ...]
    files: OutputFiles | None = None
    summary: str = ""
    notes: tuple[str, ...] = ()
    provenance: Provenance | None = None
    places: tuple[Place, ...] = field(default=(), repr=False)
