"""From a reference to strips in one frame: polar transform, re-projection, calibration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from model_core.alignment.calibration import apply_calibration, calibrate
from model_core.alignment.panorama import merge_strips, street_strip, without_padding
from model_core.alignment.polar import satellite_strip
from model_core.config import ModelConfig, StripGeometry
from model_core.errors import InputError, ProviderError
from model_core.references.street_view.pixels import read_view
from model_core.types import (
    AlignedReference,
    Calibration,
    FloatArray,
    ImageU8,
    Reference,
    StreetView,
    Strip,
)

VIEW_MAX_SIDE_PX = 2048
"""Street views are decoded no larger: strips are a few hundred pixels wide."""

BranchFeatures = Callable[[Strip, Strip], tuple[FloatArray, FloatArray]]
FailedView = Callable[[StreetView, str], None]


def align_references(
    references: Iterable[Reference],
    config: ModelConfig,
    *,
    branch_features: BranchFeatures | None = None,
    on_failure: FailedView = lambda view, reason: None,
) -> Iterator[AlignedReference]:
    """Yield every place's strips, north at column 0; one damaged street view costs only itself.

    Args:
        references: Places with their satellite image and street views.
        config: The strips' frame and how street views are calibrated.
        branch_features: For calibration by features: (C, h, bins) of a street strip and a
            satellite strip.
        on_failure: Told of every street view that cannot be used, with the reason.
    """
    for reference in references:
        yield align_reference(reference, config, branch_features, on_failure)


def align_reference(
    reference: Reference,
    config: ModelConfig,
    branch_features: BranchFeatures | None = None,
    on_failure: FailedView = lambda view, reason: None,
) -> AlignedReference:
    """Return one place's strips; arguments as for ``align_references``."""
    geometry = config.geometry
    image = reference.satellite
    satellite = None if image is None else satellite_strip(image, geometry)
    strips: list[Strip] = []
    used: list[StreetView] = []
    calibration, failed = Calibration("none"), reference.failed
    for view in reference.street_views:
        try:
            strip = _view_strip(view, geometry)
        except InputError as err:
            on_failure(view, str(err))
            failed = failed or isinstance(err.__cause__, ProviderError)
            continue
        calibration = calibrate(
            strip,
            satellite,
            config.calibration,
            view.heading_sigma_deg,
            _features_for(config, strip, satellite, branch_features),
        )
        if calibration.method == "release" and not calibration.accepted:
            on_failure(view, "too few keypoints match the satellite image")
            continue
        strips.append(apply_calibration(strip, calibration))
        used.append(view)
    dates = [view.captured_at for view in used if view.captured_at is not None]
    return AlignedReference(
        place=reference.place,
        satellite_strip=satellite,
        street_strip=merge_strips(strips) if strips else None,
        street_view_kind="real" if strips else "none",
        calibration=calibration,
        street_view_ids=tuple(view.view_id for view in used),
        street_view_captured_at=dates[0] if dates else None,
        failed=failed,
    )


def _view_strip(view: StreetView, geometry: StripGeometry) -> Strip:
    """Return a street view's strip, masked where it is blind or was padded."""
    if view.heading_deg is None:
        raise InputError(f"street view {view.view_id} has no heading; add one to its table")
    pixels = read_view(view, VIEW_MAX_SIDE_PX)
    camera = (view.projection, view.heading_deg, view.fov_deg, view.pitch_deg, view.roll_deg)

    def strip_of(image: ImageU8) -> Strip:
        return street_strip(image, *camera, geometry)

    return without_padding(strip_of(pixels.image), pixels.coverage, strip_of)


def _features_for(
    config: ModelConfig,
    street: Strip,
    satellite: Strip | None,
    branch_features: BranchFeatures | None,
) -> tuple[FloatArray, FloatArray] | None:
    if config.calibration != "features" or satellite is None or branch_features is None:
        return None
    return branch_features(street, satellite)
