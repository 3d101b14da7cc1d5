"""What the engine is asked, as the pipeline takes it, and what it answers, as the contract says.

The server and the command line both go through here, so that both answer alike. Nothing heavy is
imported before a job begins.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import math
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from model_core import __version__, contract
from model_core.errors import GeolocatorError
from model_core.options import read_options
from model_core.photo_jobs import photo_edits, photo_handlers
from model_core.source_jobs import (
    absolute_path,
    area_text,
    optional_path,
    read_sources,
    source_handlers,
)

if TYPE_CHECKING:
    from model_core.request import GalleryRequest, LocateOutcome, LocateRequest
    from model_core.serve import Handler, Tell
    from model_core.types import (
        AnswerCallback,
        CancelCheck,
        Candidate,
        PhotoResult,
        ProgressCallback,
        SourceTerms,
    )

REPORTED_LIBRARIES = ("torch", "torchvision", "numpy", "opencv-python-headless", "rasterio")


class Pipeline(Protocol):
    """The two jobs of the model; ``model_core.pipeline`` is the one that computes."""

    def locate(
        self,
        request: LocateRequest,
        progress: ProgressCallback,
        cancel: CancelCheck,
        answer: AnswerCallback = ...,
    ) -> LocateOutcome:
        """Answer photos within an area."""
        ...

    def build_gallery(
        self, request: GalleryRequest, progress: ProgressCallback, cancel: CancelCheck
    ) -> Path:
        """Build an area's gallery and return its folder."""
        ...


def load_pipeline() -> Pipeline:
    """Return the pipeline that computes; torch loads here."""
    from model_core import pipeline

    return pipeline


def handlers(load: Callable[[], Pipeline] = load_pipeline) -> Mapping[str, Handler]:
    """Return what answers each method of the contract.

    Args:
        load: Returns the pipeline; called when the first job begins.
    """

    def locate(
        params: Mapping[str, Any], progress: ProgressCallback, cancel: CancelCheck, tell: Tell
    ) -> Mapping[str, Any]:
        def answer(result: PhotoResult, done: int, total: int) -> None:
            tell(contract.ANSWER, {"answer": photo_answer(result), "done": done, "total": total})

        request = locate_request(contract.LocateParams.from_json(params))
        outcome = load().locate(request, progress, cancel, answer)
        return locate_result(outcome, are_told=True).to_json()

    def build_gallery(
        params: Mapping[str, Any], progress: ProgressCallback, cancel: CancelCheck, tell: Tell
    ) -> Mapping[str, Any]:
        request = gallery_request(contract.BuildGalleryParams.from_json(params))
        folder = load().build_gallery(request, progress, cancel)
        return contract.BuildGalleryResult(str(folder.absolute())).to_json()

    def info(
        params: Mapping[str, Any], progress: ProgressCallback, cancel: CancelCheck, tell: Tell
    ) -> Mapping[str, Any]:
        asked = contract.InfoParams.from_json(params)
        return describe(optional_path("bundle", asked.bundle), asked.device).to_json()

    return {
        contract.LOCATE: locate,
        contract.BUILD_GALLERY: build_gallery,
        contract.INFO: info,
        **source_handlers(),
        **photo_handlers(),
    }


def locate_request(params: contract.LocateParams) -> LocateRequest:
    """Return the pipeline's request.

    Raises:
        ContractError: A path is relative: the engine's folder is not the client's.
        ConfigError: An option is unknown or of a wrong kind.
    """
    from model_core.request import LocateRequest

    return LocateRequest(
        photos=tuple(absolute_path("photos", photo) for photo in params.photos),
        area=area_text(params.area),
        sources=read_sources(params),
        gallery=optional_path("gallery", params.gallery),
        bundle=optional_path("bundle", params.bundle),
        out=optional_path("out", params.out),
        truth=optional_path("truth", params.truth),
        edits=photo_edits(params.edits),
        config=read_options(params.config),
    )


def gallery_request(params: contract.BuildGalleryParams) -> GalleryRequest:
    """Return the pipeline's request; raises as ``locate_request``."""
    from model_core.request import GalleryRequest

    return GalleryRequest(
        area=area_text(params.area),
        out=absolute_path("out", params.out),
        sources=read_sources(params),
        bundle=optional_path("bundle", params.bundle),
        config=read_options(params.config),
    )


def locate_result(outcome: LocateOutcome, *, are_told: bool = False) -> contract.LocateResult:
    """Return the pipeline's outcome as the contract says it.

    Args:
        outcome: What was found.
        are_told: Whether the photos' answers went ahead, and are not to be repeated.
    """
    files = {} if outcome.files is None else dataclasses.asdict(outcome.files)
    run = outcome.provenance
    return contract.LocateResult(
        photos=() if are_told else tuple(photo_answer(result) for result in outcome.results),
        files={name: str(path.absolute()) for name, path in files.items() if path is not None},
        summary=outcome.summary,
        notes=tuple(outcome.notes),
        attributions=() if run is None else attributions(run.sources),
        provenance={}
        if run is None
        else {
            "model_hash": run.model_hash,
            "software_version": run.software_version,
            "created_at": run.created_at.isoformat(timespec="seconds"),
        },
    )


def attributions(terms: Iterable[SourceTerms]) -> tuple[str, ...]:
    """Return what has to be shown beside the results, each once."""
    return tuple(dict.fromkeys(one.attribution for one in terms if one.attribution))


def photo_answer(result: PhotoResult) -> contract.PhotoAnswer:
    """Return one photo's result, its candidates as GeoJSON."""
    return contract.PhotoAnswer(
        path=str(result.path.absolute()),
        photo_sha256=result.photo_sha256,
        candidates=feature_collection(result.candidates),
        probability_elsewhere=float(result.probability_elsewhere),
        not_in_area=bool(result.not_in_area),
        notes=tuple(result.notes),
        error=result.error,
        error_code=int(result.error_code),
    )


def feature_collection(candidates: Sequence[Candidate]) -> dict[str, Any]:
    """Return candidates as a GeoJSON FeatureCollection of points, in their order.

    Times are ISO 8601; a number that is not finite becomes null, as JSON wants it.
    """
    features = []
    for candidate in candidates:
        fields = {f.name: getattr(candidate, f.name) for f in dataclasses.fields(candidate)}
        position = fields.pop("lonlat")
        geometry = {"type": "Point", "coordinates": [position.lon, position.lat]}
        properties = {name: _json_value(value) for name, value in fields.items()}
        features.append({"type": "Feature", "geometry": geometry, "properties": properties})
    return {"type": "FeatureCollection", "features": features}


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value


def describe(bundle: Path | None, device: str) -> contract.InfoResult:
    """Return versions, device and model; what of it fails is said, not raised.

    Args:
        bundle: The model's folder, None for the packaged one.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        DeviceError: There is no such device.
    """
    from model_core.bundle import default_bundle_path, load_bundle
    from model_core.device import choose_device
    from model_core.doctor import device_name

    chosen = choose_device(device)
    path = bundle or default_bundle_path()
    found: dict[str, str] = {}
    failed = ""
    try:
        model = load_bundle(path)
        found = {
            "path": str(path),
            "model_hash": model.model_hash,
            "preset": model.config.preset,
            "backbone": model.config.backbone,
            "fusion": model.config.fusion,
        }
    except GeolocatorError as error:
        failed = str(error)
    return contract.InfoResult(
        software_version=__version__,
        python_version=platform.python_version(),
        platform=platform.platform(),
        device=str(chosen),
        device_name=device_name(chosen),
        bundle=found,
        bundle_error=failed,
        libraries={name: importlib.metadata.version(name) for name in REPORTED_LIBRARIES},
    )
