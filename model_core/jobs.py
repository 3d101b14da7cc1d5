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
from model_core.contract import ContractError
from model_core.errors import GeolocatorError
from model_core.options import read_options

if TYPE_CHECKING:
    from model_core.references.estimate import Estimate
    from model_core.references.pack import Pack
    from model_core.references.source import SourceKind
    from model_core.references.survey import Sources
    from model_core.references.web import NetworkAccess
    from model_core.request import (
        EstimateRequest,
        FetchRequest,
        GalleryRequest,
        LocateOutcome,
        LocateRequest,
    )
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
        return locate_result(load().locate(request, progress, cancel, answer)).to_json()

    def build_gallery(
        params: Mapping[str, Any], progress: ProgressCallback, cancel: CancelCheck, tell: Tell
    ) -> Mapping[str, Any]:
        request = gallery_request(contract.BuildGalleryParams.from_json(params))
        folder = load().build_gallery(request, progress, cancel)
        return contract.BuildGalleryResult(str(folder.absolute())).to_json()

    def estimate(
        params: Mapping[str, Any], progress: ProgressCallback, cancel: CancelCheck, tell: Tell
    ) -> Mapping[str, Any]:
        from model_core.fetch import estimate as estimate_fetching

        request = estimate_request(contract.EstimateParams.from_json(params))
        return estimate_result(estimate_fetching(request)).to_json()

    def fetch(
        params: Mapping[str, Any], progress: ProgressCallback, cancel: CancelCheck, tell: Tell
    ) -> Mapping[str, Any]:
        from model_core.fetch import fetch as fetch_pack

        request = fetch_request(contract.FetchParams.from_json(params))
        return fetch_result(fetch_pack(request, progress, cancel)).to_json()

    def sources(
        params: Mapping[str, Any], progress: ProgressCallback, cancel: CancelCheck, tell: Tell
    ) -> Mapping[str, Any]:
        contract.SourcesParams.from_json(params)
        return describe_sources().to_json()

    def info(
        params: Mapping[str, Any], progress: ProgressCallback, cancel: CancelCheck, tell: Tell
    ) -> Mapping[str, Any]:
        asked = contract.InfoParams.from_json(params)
        return describe(_optional_path("bundle", asked.bundle), asked.device).to_json()

    return {
        contract.LOCATE: locate,
        contract.BUILD_GALLERY: build_gallery,
        contract.ESTIMATE: estimate,
        contract.FETCH: fetch,
        contract.SOURCES: sources,
        contract.INFO: info,
    }


def locate_request(params: contract.LocateParams) -> LocateRequest:
    """Return the pipeline's request.

    Raises:
        ContractError: A path is relative: the engine's folder is not the client's.
        ConfigError: An option is unknown or of a wrong kind.
    """
    from model_core.request import LocateRequest

    return LocateRequest(
        photos=tuple(_path("photos", photo) for photo in params.photos),
        area=_area(params.area),
        sources=read_sources(params),
        gallery=_optional_path("gallery", params.gallery),
        bundle=_optional_path("bundle", params.bundle),
        out=_optional_path("out", params.out),
        truth=_optional_path("truth", params.truth),
        config=read_options(params.config),
    )


def gallery_request(params: contract.BuildGalleryParams) -> GalleryRequest:
    """Return the pipeline's request; raises as ``locate_request``."""
    from model_core.request import GalleryRequest

    return GalleryRequest(
        area=_area(params.area),
        out=_path("out", params.out),
        sources=read_sources(params),
        bundle=_optional_path("bundle", params.bundle),
        config=read_options(params.config),
    )


def estimate_request(params: contract.EstimateParams) -> EstimateRequest:
    """Return the pipeline's request; raises as ``locate_request``."""
    from model_core.request import EstimateRequest

    return EstimateRequest(
        area=_area(params.area),
        sources=read_sources(params),
        photos=params.photos,
        config=read_options(params.config),
    )


def fetch_request(params: contract.FetchParams) -> FetchRequest:
    """Return the pipeline's request; raises as ``locate_request``."""
    from model_core.request import FetchRequest

    return FetchRequest(
        area=_area(params.area),
        out=_path("out", params.out),
        sources=read_sources(params),
        config=read_options(params.config),
    )


class SourceParams(Protocol):
    """What the params of several requests have in common; not all have a pack or keys."""

    @property
    def imagery(self) -> str | None:
        """Path or text of the imagery."""
        ...

    @property
    def roads(self) -> str | None:
        """Path or text of the roads."""
        ...

    @property
    def street_views(self) -> tuple[str, ...]:
        """Paths or texts of street views."""
        ...

    @property
    def network(self) -> contract.NetworkParams:
        """How the network is reached."""
        ...


def read_sources(params: SourceParams) -> Sources:
    """Return the sources that a request names.

    Raises:
        ContractError: A path is relative: the engine's folder is not the client's.
        InputError: A source is unknown, or has no such option.
    """
    from model_core.references.survey import Sources

    return Sources(
        imagery=_source("imagery", params.imagery, "imagery"),
        roads=_source("roads", params.roads, "roads"),
        street_views=tuple(
            source
            for text in params.street_views
            if (source := _source("street_views", text, "street_view")) is not None
        ),
        pack=_optional_path("pack", getattr(params, "pack", None)),
        keys=getattr(params, "keys", {}),
        access=_access(params.network),
    )


def _access(params: contract.NetworkParams) -> NetworkAccess:
    from model_core.references.web import NetworkAccess

    return NetworkAccess(
        proxy=params.proxy,
        ca_bundle=_optional_path("ca_bundle", params.ca_bundle),
        contact=params.contact,
        offline=params.offline,
        cache_folder=_optional_path("cache_folder", params.cache_folder),
        cache_max_bytes=params.cache_max_bytes,
        max_requests=params.max_requests,
        max_bytes=params.max_bytes,
    )


def _source(name: str, text: str | None, kind: SourceKind) -> str | None:
    """Return a source's text as it stands where it names one, else an absolute path."""
    from model_core.references.catalogue import find_source

    if text is None or find_source(text, kind) is not None:
        return text
    return str(_path(name, text))


def _path(name: str, text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise ContractError(f"'{name}' must be an absolute path, not {text!r}")
    return path


def _area(text: str) -> str:
    return text if contract.is_bounds(text) else str(_path("area", text))


def _optional_path(name: str, text: str | None) -> Path | None:
    return None if text is None else _path(name, text)


def locate_result(outcome: LocateOutcome) -> contract.LocateResult:
    """Return the pipeline's outcome as the contract says it."""
    files = {} if outcome.files is None else dataclasses.asdict(outcome.files)
    run = outcome.provenance
    return contract.LocateResult(
        photos=tuple(photo_answer(result) for result in outcome.results),
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


def estimate_result(estimate: Estimate) -> contract.EstimateResult:
    """Return an estimate as the contract says it."""
    return contract.EstimateResult(
        places=estimate.places,
        requests=estimate.plan.requests,
        bytes=estimate.plan.bytes,
        seconds=round(estimate.seconds, 1),
        sources=tuple(
            contract.SourceEstimate(one.source, one.kind, one.plan.requests, one.plan.bytes)
            for one in estimate.sources
        ),
        over_limit=estimate.over_limit,
        notes=estimate.notes,
    )


def fetch_result(pack: Pack) -> contract.FetchResult:
    """Return a pack as the contract says it."""
    return contract.FetchResult(
        pack=str(pack.folder.absolute()),
        files={name: str(path.absolute()) for name, path in pack.files.items()},
        counts=dict(pack.counts),
        summary=pack.summary,
        notes=pack.notes,
    )


def describe_sources() -> contract.SourcesResult:
    """Return every known source with its terms."""
    from model_core.references.catalogue import list_sources

    return contract.SourcesResult(
        tuple(
            contract.SourceInfo(
                name=source.name,
                title=source.title,
                kind=source.kind,
                licence=source.terms.licence,
                attribution=source.terms.attribution,
                cacheable=source.terms.cacheable,
                trainable=source.terms.trainable,
                displayable_beside_map=source.terms.displayable_beside_map,
                key=source.key,
                key_help=source.key_help,
                notice=source.notice,
                example=source.example or source.name,
                options=dict(source.options),
            )
            for source in list_sources()
        )
    )


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
