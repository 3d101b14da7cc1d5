"""READ FIRST: from photos and an area to ranked places, one line a stage.

``locate`` answers a request: it surveys the area once, opens one scene for all photos that the
same street views may serve (``scene.encode_area`` builds its gallery, stages 2 to 7), and asks
``locate_photo`` for each photo (stages 8 to 10).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from model_core.bundle import ModelBundle, default_bundle_path, load_bundle
from model_core.candidates import rank_candidates
from model_core.config import EvidenceModel, LocateConfig, RankingConfig
from model_core.device import choose_device, is_out_of_memory
from model_core.errors import AreaError, Cancelled, DeviceError, GeolocatorError, InputError
from model_core.gallery.places import PlaceTable
from model_core.matching.query import photo_queries
from model_core.matching.search import RetrievalResult, search_gallery
from model_core.output.picture import thumbnail
from model_core.photo import PhotoFailure, find_photos
from model_core.photo_edits import read_edited_photo, read_edited_photos
from model_core.references.prefetch import prefetch_views
from model_core.references.survey import Survey, survey_area
from model_core.references.terms import may_cache
from model_core.report import describe_run, prepare_output, summarize, write_outcome
from model_core.request import GalleryRequest, LocateOutcome, LocateRequest
from model_core.scene import Scene, encode_area, group_by_street_views, open_scene
from model_core.synthesis.fill_in import check_generator
from model_core.types import (
    AnswerCallback,
    CancelCheck,
    Photo,
    PhotoResult,
    Progress,
    ProgressCallback,
    StreetView,
    Verification,
    ignore_answer,
    ignore_progress,
    never_cancelled,
)
from model_core.verification.verify import verify_photo

__all__ = [
    "Evidence",
    "GalleryRequest",
    "LocateOutcome",
    "LocateRequest",
    "build_gallery",
    "gather_evidence",
    "locate",
    "locate_photo",
    "rank_evidence",
]

log = logging.getLogger(__name__)

PHOTO_MAX_SIDE_PX = 1024
"""Photos are decoded no larger, unless verification asks for more."""


@dataclass(frozen=True)
class Evidence:
    """All that was found out about one photo, before it is ranked, and what it is worth."""

    photo: Photo
    places: PlaceTable
    retrieval: RetrievalResult | None
    verifications: tuple[Verification, ...]
    views: tuple[StreetView, ...]
    worth: EvidenceModel = EvidenceModel()


EvidenceCallback = Callable[[Evidence], None]


def ignore_evidence(evidence: Evidence) -> None:
    """Take a photo's evidence and do nothing with it."""


def locate(
    request: LocateRequest,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelCheck = never_cancelled,
    answer: AnswerCallback = ignore_answer,
    observe: EvidenceCallback = ignore_evidence,
) -> LocateOutcome:
    """Return a result for every photo, and write them where the request names a folder.

    A photo that cannot be read, or fails later, costs only itself: its result says why. So does a
    scene that cannot be opened after others were.

    Args:
        request: Photos, area, sources, options.
        progress: Told of every stage.
        cancel: Asked between batches.
        answer: Told of every photo's result as soon as it is known.
        observe: Told of what a result was made from, which is not kept.

    Raises:
        GeolocatorError: The area, its sources, the model or the gallery cannot be used.
        Cancelled: The user asked to stop.
    """
    config = request.config
    device = choose_device(config.device)
    paths = find_photos(request.photos)
    if not paths:
        raise InputError("no photo was given or found; name photos, or folders that hold some")
    truth = prepare_output(request.out, request.truth)
    photos, results = _read_photos(paths, request, progress, cancel)  # 1 photo
    model = _load_model(request.bundle, config, device) if config.use_retrieval else None
    survey = survey_area(request.area, request.sources, config, progress, cancel)  # 2 references
    unreadable = len(results)

    def keep(result: PhotoResult) -> None:
        results[result.path] = result
        answer(result, len(results), len(paths))

    def begin(photo: Photo) -> None:
        progress(Progress("locate", len(results) - unreadable, len(photos), photo.name))

    for result in tuple(results.values()):
        keep(result)
    with _folder(request, survey) as folder:
        groups = group_by_street_views(photos, survey, config)
        for number, group in enumerate(groups):
            date = group[0].captured_at
            opener = partial(
                open_scene, survey, date, model, folder, device, config, progress, cancel
            )
            try:
                _locate_group(group, opener, request, begin, keep, observe, progress, cancel)
            except Cancelled:
                raise
            except Exception as error:
                # an AreaError: of these photos' time nothing is known of any place
                if len(groups) == 1 or (number == 0 and not isinstance(error, AreaError)):
                    raise
                for photo in group:
                    if photo.path not in results:
                        keep(_failed_photo(photo, error))
    ordered = tuple(results[path] for path in paths)
    run = describe_run(request, survey, model, datetime.now(UTC))
    files, notes = write_outcome(
        request.out, ordered, photos, survey, model, run, truth, progress, cancel
    )
    return LocateOutcome(ordered, files, summarize(ordered), notes, run, survey.places)


def _locate_group(
    group: Sequence[Photo],
    opener: Callable[[], Scene],
    request: LocateRequest,
    begin: Callable[[Photo], None],
    keep: Callable[[PhotoResult], None],
    observe: EvidenceCallback,
    progress: ProgressCallback,
    cancel: CancelCheck,
) -> None:
    """Locate photos that share a scene; nothing holds the scene's files open afterwards.

    Raises:
        AreaError: Nothing at all is known of any place.
    """
    scene = opener()
    for known in group:
        begin(known)
        try:
            photo = read_edited_photo(known.path, request.edits.get(known.path), _side_px(request))
            result = locate_photo(photo, scene, request.config, progress, cancel, observe)
        except Cancelled:
            raise
        except Exception as error:
            result = _failed_photo(known, error)
        keep(result)


def locate_photo(
    photo: Photo,
    scene: Scene,
    config: LocateConfig,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelCheck = never_cancelled,
    observe: EvidenceCallback = ignore_evidence,
) -> PhotoResult:
    """Return one photo's ranked candidates; arguments as for ``gather_evidence`` and ``locate``."""
    evidence = gather_evidence(photo, scene, config, progress, cancel)
    observe(evidence)
    return rank_evidence(evidence, config.ranking)


def gather_evidence(
    photo: Photo,
    scene: Scene,
    config: LocateConfig,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelCheck = never_cancelled,
) -> Evidence:
    """Return what the model and local features say of a photo and the places of a scene.

    Args:
        photo: The photo.
        scene: What it is compared with.
        config: The run.
        progress: Told of every step of a stage.
        cancel: Asked between blocks and street views.

    Raises:
        GeolocatorError: The photo cannot be compared.
        Cancelled: The user asked to stop.
    """
    retrieval = None
    if scene.model is not None and scene.gallery is not None:
        model, search = scene.model, config.search
        queries = photo_queries(photo, model.encoder, model.config, search, scene.device)  # 5
        retrieval = search_gallery(  # 8
            scene.gallery, queries, search, scene.device, progress, cancel, scene.beside
        )
    views = _views_best_first(scene, retrieval)
    summary = scene.survey.summary
    verifications = verify_photo(  # 9 verification
        photo,
        views,
        config.verification,
        scene.local_features,
        device=scene.device,
        on_failure=lambda view, err: summary.add_view_failure(view, str(err)),
        fetch_ahead=lambda some: prefetch_views(scene.survey.client, some, summary, progress),
        progress=progress,
        cancel=cancel,
    )
    worth = scene.model.evidence if scene.model is not None else EvidenceModel()
    seen = tuple(view for _, view in views)
    return Evidence(photo, scene.places, retrieval, tuple(verifications), seen, worth)


def rank_evidence(
    evidence: Evidence,
    config: RankingConfig,
    *,
    use_retrieval: bool = True,
    use_verification: bool = True,
) -> PhotoResult:
    """Return the ranked candidates of a photo's evidence, or of a part of it (stage 10)."""
    return rank_candidates(
        evidence.photo,
        evidence.places,
        evidence.retrieval if use_retrieval else None,
        evidence.verifications if use_verification else (),
        config,
        evidence.views,
        evidence.worth,
    )


def build_gallery(
    request: GalleryRequest,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelCheck = never_cancelled,
) -> Path:
    """Build the gallery of an area in ``request.out`` and return the folder.

    Raises:
        GeolocatorError: The area, its sources or the model cannot be used.
        Cancelled: The user asked to stop; the next build goes on.
    """
    config = request.config
    device = choose_device(config.device)
    model = _load_model(request.bundle, config, device)
    survey = survey_area(request.area, request.sources, config, progress, cancel)
    for terms in survey.terms:
        may_cache(terms)
    return encode_area(survey, None, model, request.out, device, config, progress, cancel).path


def _read_photos(
    paths: Sequence[Path],
    request: LocateRequest,
    progress: ProgressCallback,
    cancel: CancelCheck,
) -> tuple[list[Photo], dict[Path, PhotoResult]]:
    """Return the photos that can be read, and a result that says why for each other one.

    Of their pixels thumbnails are kept: each photo is read again when its turn comes.
    """
    photos: list[Photo] = []
    failed: dict[Path, PhotoResult] = {}
    for done, photo in enumerate(read_edited_photos(paths, request.edits, _side_px(request))):
        if cancel():
            raise Cancelled("stopped while the photos were being read")
        progress(Progress("photos", done + 1, len(paths)))
        if isinstance(photo, PhotoFailure):
            failed[photo.path] = _failed(photo.path, photo.error)
        else:
            photos.append(replace(photo, image=thumbnail(photo), coverage=None))
    return photos, failed


def _side_px(request: LocateRequest) -> int:
    return max(PHOTO_MAX_SIDE_PX, request.config.verification.max_side_px)


def _failed_photo(photo: Photo, error: Exception) -> PhotoResult:
    """Return what says that a photo failed, and why; what is not foreseen is logged."""
    if not isinstance(error, GeolocatorError):
        log.error("%s", photo.path, exc_info=error)
        what = f"{photo.path}: {type(error).__name__}: {error}"
        error = (
            DeviceError(f"{what}; close other programs, or choose the processor (cpu)")
            if is_out_of_memory(error)
            else GeolocatorError(f"{what}; the log says where")
        )
    return _failed(photo.path, error, photo.sha256)


def _failed(path: Path, error: GeolocatorError, sha256: str = "") -> PhotoResult:
    return PhotoResult(path=path, photo_sha256=sha256, error=str(error), error_code=error.code)


def _load_model(path: Path | None, config: LocateConfig, device: torch.device) -> ModelBundle:
    model = load_bundle(path or default_bundle_path(), device)
    check_generator(model.generator, config.street_view.policy)
    return model


def _views_best_first(
    scene: Scene, retrieval: RetrievalResult | None
) -> Sequence[tuple[int, StreetView]]:
    """Return every street view of the area with its place, in the order of the learned score."""
    rows = range(len(scene.survey.places))
    order = rows if retrieval is None else retrieval.scores.argsort(kind="stable")[::-1].tolist()
    return [(row, view) for row in order for view in scene.survey.views_of_place[row]]


@contextmanager
def _folder(request: LocateRequest, survey: Survey) -> Iterator[Path]:
    """Yield where galleries and local features are kept.

    It is a brief place where none was named, or where a source's terms forbid keeping anything.
    """
    kept = request.gallery or (request.out and request.out / "gallery")
    if kept is not None and survey.may_be_kept:
        yield kept
        return
    with TemporaryDirectory(prefix="csi-geolocator-", ignore_cleanup_errors=True) as brief:
        yield Path(brief)
