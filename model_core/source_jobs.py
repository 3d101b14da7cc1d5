"""What the engine is asked about sources, and what it answers: estimates, packs, the list of them.

Nothing heavy is imported before a job begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from model_core import contract
from model_core.contract import ContractError
from model_core.options import read_options

if TYPE_CHECKING:
    from model_core.references.estimate import Estimate
    from model_core.references.pack import Pack
    from model_core.references.source import SourceKind
    from model_core.references.survey import Sources
    from model_core.references.web import NetworkAccess
    from model_core.request import EstimateRequest, FetchRequest
    from model_core.serve import Handler, Tell
    from model_core.types import CancelCheck, ProgressCallback


def source_handlers() -> Mapping[str, Handler]:
    """Return what answers the methods about sources."""
    return {
        contract.ESTIMATE: _estimate,
        contract.FETCH: _fetch,
        contract.SOURCES: _sources,
    }


def _estimate(
    params: Mapping[str, Any], progress: ProgressCallback, cancel: CancelCheck, tell: Tell
) -> Mapping[str, Any]:
    from model_core.fetch import estimate

    request = estimate_request(contract.EstimateParams.from_json(params))
    return estimate_result(estimate(request, cancel)).to_json()


def _fetch(
    params: Mapping[str, Any], progress: ProgressCallback, cancel: CancelCheck, tell: Tell
) -> Mapping[str, Any]:
    from model_core.fetch import fetch

    request = fetch_request(contract.FetchParams.from_json(params))
    return fetch_result(fetch(request, progress, cancel)).to_json()


def _sources(
    params: Mapping[str, Any], progress: ProgressCallback, cancel: CancelCheck, tell: Tell
) -> Mapping[str, Any]:
    contract.SourcesParams.from_json(params)
    return describe_sources().to_json()


def estimate_request(params: contract.EstimateParams) -> EstimateRequest:
    """Return the pipeline's request; raises as ``locate_request``."""
    from model_core.request import EstimateRequest

    return EstimateRequest(
        area=area_text(params.area),
        sources=read_sources(params),
        photos=params.photos,
        config=read_options(params.config),
    )


def fetch_request(params: contract.FetchParams) -> FetchRequest:
    """Return the pipeline's request; raises as ``locate_request``."""
    from model_core.request import FetchRequest

    return FetchRequest(
        area=area_text(params.area),
        out=absolute_path("out", params.out),
        sources=read_sources(params),
        config=read_options(params.config),
    )


class SourceParams(Protocol):
    """What the params of several requests have in common; not all have roads, a pack or keys."""

    @property
    def imagery(self) -> str | None:
        """Path or text of the imagery."""
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
        roads=_source("roads", getattr(params, "roads", None), "roads"),
        street_views=tuple(
            source
            for text in params.street_views
            if (source := _source("street_views", text, "street_view")) is not None
        ),
        pack=optional_path("pack", getattr(params, "pack", None)),
        keys=getattr(params, "keys", {}),
        access=_access(params.network),
    )


def _access(params: contract.NetworkParams) -> NetworkAccess:
    from model_core.references.web import NetworkAccess

    return NetworkAccess(
        proxy=params.proxy,
        no_proxy=params.no_proxy,
        ca_bundle=optional_path("ca_bundle", params.ca_bundle),
        contact=params.contact,
        offline=params.offline,
        cache_folder=optional_path("cache_folder", params.cache_folder),
        cache_max_bytes=params.cache_max_bytes,
        max_requests=params.max_requests,
        max_bytes=params.max_bytes,
    )


def _source(name: str, text: str | None, kind: SourceKind) -> str | None:
    """Return a source's text as it stands where it names one, else an absolute path."""
    from model_core.references.catalogue import find_source, list_sources

    if text is None or find_source(text, kind) is not None or Path(text).is_absolute():
        return text
    known = ", ".join(source.name for source in list_sources(kind))
    raise ContractError(
        f"'{name}' must be an absolute path, or begin with a source's name ({known}), not {text!r}"
    )


def area_text(text: str) -> str:
    """Return an area as the pipeline takes it; raises as ``absolute_path``."""
    return text if contract.is_bounds(text) else str(absolute_path("area", text))


def absolute_path(name: str, text: str) -> Path:
    """Return a path of a request.

    Raises:
        ContractError: It is relative: the engine's folder is not the client's.
    """
    path = Path(text)
    if not path.is_absolute():
        raise ContractError(f"'{name}' must be an absolute path, not {text!r}")
    return path


def optional_path(name: str, text: str | None) -> Path | None:
    """Return a path of a request, None where there is none; raises as ``absolute_path``."""
    return None if text is None else absolute_path(name, text)


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
