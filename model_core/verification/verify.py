"""Verification: which street views show what a photo shows, and where the photo then looked."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from model_core.config import VerificationConfig
from model_core.errors import Cancelled, StreetViewError
from model_core.references.prefetch import FETCHED_AHEAD
from model_core.references.street_view.pixels import ViewPixels, read_view
from model_core.types import (
    CancelCheck,
    FloatArray,
    Photo,
    Progress,
    ProgressCallback,
    StreetView,
    Verification,
    ignore_progress,
    never_cancelled,
)
from model_core.verification.cache import FeatureCache
from model_core.verification.descriptor_matching import match_descriptors
from model_core.verification.geometry import EpipolarInliers, epipolar_inliers, pinholes
from model_core.verification.heading import Attitude, RelativeHeading, relative_heading
from model_core.verification.local_features import (
    PANORAMA_SCALE,
    LocalFeatures,
    extract_features,
)

log = logging.getLogger(__name__)

STAGE = "verification"

ViewReader = Callable[[StreetView, int | None], ViewPixels]
FailureCallback = Callable[[StreetView, StreetViewError], None]


def log_failure(view: StreetView, error: StreetViewError) -> None:
    """Write a warning for a street view that cannot be used."""
    log.warning("%s", error)


def verify_photo(
    photo: Photo,
    views: Sequence[tuple[int, StreetView]],
    config: VerificationConfig,
    cache: FeatureCache | None = None,
    *,
    device: torch.device | None = None,
    read: ViewReader = read_view,
    on_failure: FailureCallback = log_failure,
    fetch_ahead: Callable[[Sequence[StreetView]], None] = lambda views: None,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelCheck = never_cancelled,
) -> list[Verification]:
    """Return what local features say of a photo and each street view, in the order given.

    Chance gives up to about 12 inliers, up to 20 among many views of one texture; a true place 15
    or more. A view that cannot be read is left out and told to ``on_failure``.

    Args:
        photo: The photo, upright.
        views: Street views with the index of their place, the most promising first, each once.
        config: How many views are tried, and how.
        cache: Keeps the views' features; None extracts them afresh.
        device: Where descriptors are multiplied; None is the processor.
        read: Reads a street view's pixels, at most so long a side.
        on_failure: Hears of views that cannot be used.
        fetch_ahead: Given the next ``FETCHED_AHEAD`` views before they are read one by one.
        progress: Hears of each view.
        cancel: Asked before each view.

    Raises:
        Cancelled: ``cancel`` said so.
    """
    chosen = views if config.budget_views is None else views[: config.budget_views]
    if not chosen:
        return []
    cache = FeatureCache(None) if cache is None else cache
    features = photo_features(photo, config)
    descriptors = features.root_descriptors()
    found = []
    for done, (place_index, view) in enumerate(chosen):
        if cancel():
            raise Cancelled(f"{photo.name}: stopped while comparing it with street views")
        if done % FETCHED_AHEAD == 0:
            fetch_ahead([next_view for _, next_view in chosen[done : done + FETCHED_AHEAD]])
        progress(Progress(STAGE, done, len(chosen), view.view_id))
        try:
            seen = cache.features(view, config, lambda v: view_features(v, config, read))
        except StreetViewError as err:
            on_failure(view, err)
            continue
        found.append(_verify(photo, features, descriptors, place_index, view, seen, config, device))
    progress(Progress(STAGE, len(chosen), len(chosen)))
    return found


def photo_features(photo: Photo, config: VerificationConfig) -> LocalFeatures:
    """Return a photo's features, upright by its known or estimated roll."""
    return extract_features(
        photo.image,
        config,
        photo.projection,
        fov_deg=photo.fov_deg,
        pitch_deg=photo.pitch_deg,
        roll_deg=photo.roll_deg,
        coverage=photo.coverage,
    )


def view_features(
    view: StreetView, config: VerificationConfig, read: ViewReader = read_view
) -> LocalFeatures:
    """Return a street view's features.

    Raises:
        StreetViewError: The image is missing or damaged.
    """
    scale = PANORAMA_SCALE if view.projection == "equirectangular" else 1
    pixels = read(view, config.max_side_px * scale)
    return extract_features(
        pixels.image,
        config,
        view.projection,
        fov_deg=view.fov_deg,
        pitch_deg=view.pitch_deg,
        roll_deg=_known_roll_deg(view),
        coverage=pixels.coverage,
    )


def match_features(
    features: LocalFeatures,
    seen: LocalFeatures,
    fov_deg: float | None,
    seen_fov_deg: float | None,
    config: VerificationConfig,
    descriptors: FloatArray | None = None,
    device: torch.device | None = None,
) -> tuple[npt.NDArray[np.int64], EpipolarInliers | None]:
    """Return the matches of two pictures, and which agree with one motion of the camera.

    Args:
        features: Of the first picture.
        seen: Of the second.
        fov_deg: Of the first picture, None where it is not known.
        seen_fov_deg: Of the second.
        config: How features are matched.
        descriptors: ``features.root_descriptors()``, where they are known already.
        device: Where they are multiplied; None is the processor.

    Returns:
        (M, 2) rows of both; the inliers among them, None where they are too few.
    """
    mine = features.root_descriptors() if descriptors is None else descriptors
    matches = match_descriptors(mine, seen.root_descriptors(), config.ratio, device)
    inliers = epipolar_inliers(
        pinholes(features, matches[:, 0], fov_deg),
        pinholes(seen, matches[:, 1], seen_fov_deg),
        config.min_inliers,
    )
    return matches, inliers


def _verify(
    photo: Photo,
    features: LocalFeatures,
    descriptors: FloatArray,
    place_index: int,
    view: StreetView,
    seen: LocalFeatures,
    config: VerificationConfig,
    device: torch.device | None,
) -> Verification:
    """Return what one street view says."""
    matches, inliers = match_features(
        features, seen, photo.fov_deg, view.fov_deg, config, descriptors, device
    )
    pose = None if inliers is None else _pose(photo, features, view, seen, inliers)
    return Verification(
        place_index=place_index,
        view_id=view.view_id,
        inliers=0 if inliers is None else len(inliers),
        matches=len(matches),
        heading_deg=None if pose is None else pose.heading_deg,
        heading_sigma_deg=None if pose is None else pose.sigma_deg,
        bearing_deg=None if pose is None else pose.bearing_deg,
    )


def _pose(
    photo: Photo,
    features: LocalFeatures,
    view: StreetView,
    seen: LocalFeatures,
    inliers: EpipolarInliers,
) -> RelativeHeading | None:
    """Return the photo's heading and bearing from true north, None where nothing gives them."""
    if view.heading_deg is None:
        return None
    relative = relative_heading(
        inliers,
        _attitude(features, photo.pitch_deg),
        _attitude(seen, view.pitch_deg),
        features.size_px[0] / 2,
        seen.size_px[0] / 2,
    )
    if relative is None:
        return None
    bearing_deg = relative.bearing_deg
    return replace(
        relative,
        heading_deg=(view.heading_deg + relative.heading_deg) % 360.0,
        sigma_deg=math.hypot(relative.sigma_deg, view.heading_sigma_deg),
        bearing_deg=None if bearing_deg is None else (view.heading_deg + bearing_deg) % 360.0,
    )


def _attitude(features: LocalFeatures, pitch_deg: float | None) -> Attitude:
    """Return the attitude of the camera that the points refer to; panoramas' are levelled."""
    if features.projection == "equirectangular":
        return Attitude()
    return Attitude(pitch_deg, features.roll_deg)


def _known_roll_deg(view: StreetView) -> float | None:
    """Return a view's roll; for a photo a zero says nothing, and the image tells it better."""
    if view.projection == "perspective" and view.roll_deg == 0.0:
        return None
    return view.roll_deg
