"""How far a street view's strip must be turned to agree with the satellite image of its place.

The metadata's heading comes first. ``orb`` and ``sift`` match keypoints between the two strips
(paper, section on spatial feature calibration) and take the circular mode of the horizontal
offsets, since their linear mean is wrong on a circle; ``features`` correlates the two branches'
feature maps around the circle. A measured turn is applied only where it passes the gate.
``release`` does what the released code does, its faults included, as a baseline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from model_core.alignment.circular import (
    GRID_STEPS,
    Angles,
    circular_difference_deg,
    circular_mode_deg,
    circular_resultant,
)
from model_core.errors import ConfigError, ShapeError
from model_core.types import Calibration, CalibrationMethod, FloatArray, Strip

KEYPOINT_HEIGHT_PX = 128
"""Strips lower than this are enlarged before keypoints are sought."""

WRAP_PX = 32
"""Columns repeated beyond each end of the circle, so that patches may straddle north."""

MODE_BANDWIDTH_DEG = 3.0
MODE_WINDOW_DEG = 3 * MODE_BANDWIDTH_DEG

OUTLIER_SHARE = 0.05
"""Weight, against the metadata's heading, of one that is wrong altogether."""


@dataclass(frozen=True)
class CalibrationGate:
    """What a measured turn must reach to be applied.

    The first three are for keypoints: matches in all, matches at the mode, confidence. Strips of
    unrelated places stay below 0.11 there, and unrelated feature maps below 0.5 in 98 of 100. The
    packaged model's features spoil 0.6 % of right headings at 0.61 and 1.7 % at 0.5
    (``python -m training calibrate-headings``).
    """

    min_matches: int = 10
    min_mode_matches: int = 6
    min_confidence: float = 0.2
    min_feature_confidence: float = 0.6


def calibrate(
    street: Strip,
    satellite: Strip | None,
    method: CalibrationMethod,
    prior_sigma_deg: float = 5.0,
    encoder_features: tuple[FloatArray, FloatArray] | None = None,
    gate: CalibrationGate | None = None,
) -> Calibration:
    """Return the turn that brings a street view's strip into the satellite strip's frame.

    Args:
        street: Full-circle strip of a street view, at its metadata's heading.
        satellite: Full-circle strip of the satellite image, true north at column 0; None where
            there is none, which keeps the metadata.
        method: How to measure; ``metadata`` and ``none`` measure nothing.
        prior_sigma_deg: Spread of the metadata's heading; infinite where there is none.
        encoder_features: For ``features``: float (C, h, bins) of street view and satellite image,
            bins around the circle.
        gate: The least evidence for a turn to be applied.

    Returns:
        ``shift_deg`` in [-180, 180), to be added to the strip's headings; 0 and not accepted where
        the gate kept the metadata.

    Raises:
        ConfigError: ``features`` without feature arrays, or an unknown method.
        ShapeError: The feature arrays differ in shape.
    """
    gate = gate or CalibrationGate()
    if method == "none":
        return Calibration("none")
    if method == "metadata":
        spread = float(np.radians(prior_sigma_deg))
        return Calibration("metadata", 0.0, float(np.exp(-(spread**2) / 2)), True)
    if method not in ("orb", "sift", "features", "release"):
        raise ConfigError(
            f"unknown calibration {method!r}; known: metadata, orb, sift, features, release, none"
        )
    if satellite is None and encoder_features is None:
        return Calibration(method)
    if method == "features":
        if encoder_features is None:
            raise ConfigError(
                "calibration by features needs the encoder's maps of both branches; "
                "pass encoder_features or choose another method"
            )
        return _from_features(street, encoder_features, prior_sigma_deg, gate)
    if satellite is None:
        return Calibration(method)
    if method == "release":
        return _as_released(street, satellite, gate)
    offsets_deg = keypoint_offsets_deg(street, satellite, method)
    return _from_offsets(offsets_deg, method, prior_sigma_deg, gate)


def apply_calibration(strip: Strip, calibration: Calibration) -> Strip:
    """Return a full-circle strip turned clockwise by the calibration's shift.

    Whole columns are rolled; a fraction of a column is interpolated, without masked pixels.
    """
    columns = calibration.shift_deg * strip.mask.shape[1] / 360.0
    whole = round(columns)
    if abs(columns - whole) < 1e-3:
        if whole == 0:
            return strip
        return Strip(
            np.roll(strip.pixels, whole, axis=1),
            np.roll(strip.mask, whole, axis=1),
            strip.heading_at_col0_deg,
        )
    whole = int(np.floor(columns))
    fraction = np.float32(columns - whole)
    weight = strip.mask.astype(np.float32)
    mixed_weight = _mixed(weight, whole, fraction)
    mixed = _mixed(strip.pixels * weight[..., None], whole, fraction)
    mask = mixed_weight >= 0.5
    pixels = np.rint(mixed / np.maximum(mixed_weight, 1e-6)[..., None])
    pixels = np.where(mask[..., None], pixels, 0).astype(np.uint8)
    return Strip(pixels, mask, strip.heading_at_col0_deg)


def keypoint_offsets_deg(street: Strip, satellite: Strip, method: CalibrationMethod) -> Angles:
    """Return the azimuth offset, satellite minus street view, of every mutual keypoint match.

    Args:
        street: Full-circle strip of a street view.
        satellite: Full-circle strip of the satellite image.
        method: ``orb`` (Hamming distance) or ``sift`` (L2).

    Returns:
        float64 (M,) degrees in [0, 360); empty where either strip has no keypoint.
    """
    street_deg, satellite_deg = _matched_deg(street, satellite, method)
    offsets: Angles = (satellite_deg - street_deg) % 360.0
    return offsets


def _matched_deg(
    street: Strip, satellite: Strip, method: CalibrationMethod
) -> tuple[Angles, Angles]:
    """Return the azimuths (M,) of mutual keypoint matches in both strips."""
    detector = _detector(method)
    street_deg, street_words = _keypoints(street, detector)
    satellite_deg, satellite_words = _keypoints(satellite, detector)
    if street_words is None or satellite_words is None:
        return np.empty(0), np.empty(0)
    norm = cv2.NORM_L2 if method == "sift" else cv2.NORM_HAMMING
    matches = cv2.BFMatcher(norm, crossCheck=True).match(street_words, satellite_words)
    pairs = np.array([(m.queryIdx, m.trainIdx) for m in matches], dtype=np.int64).reshape(-1, 2)
    return street_deg[pairs[:, 0]], satellite_deg[pairs[:, 1]]


def _as_released(street: Strip, satellite: Strip, gate: CalibrationGate) -> Calibration:
    """Return the linear mean of ORB's offsets in whole columns, with the wrong sign.

    Not accepted below ``gate.min_matches``, where that code drops the place.
    """
    street_deg, satellite_deg = _matched_deg(street, satellite, "release")
    if street_deg.size < max(1, gate.min_matches):
        return Calibration("release")
    deg_per_px = 360.0 / street.mask.shape[1]
    columns = int((satellite_deg - street_deg).mean() / deg_per_px)
    return _gated("release", -columns * deg_per_px, 1.0, True)


def feature_correlation(
    street: FloatArray, satellite: FloatArray, coverage: FloatArray | None = None
) -> FloatArray:
    """Return the cosine of two feature maps at every turn of the street view, by FFT.

    Args:
        street: float (C, h, bins).
        satellite: float (C, h, bins).
        coverage: float (bins,), the street view's coverage; all where None.

    Returns:
        float32 (bins,): at ``k``, the cosine after the street view moved ``k`` bins clockwise, each
        normalised over the bins that the street view covers there.

    Raises:
        ShapeError: The maps differ in shape, or the coverage does not fit them.
    """
    if street.ndim != 3 or street.shape != satellite.shape:
        raise ShapeError(
            f"feature maps must share one (C, h, bins), not {street.shape} and {satellite.shape}"
        )
    bins = street.shape[-1]
    weight = np.ones(bins) if coverage is None else np.asarray(coverage, dtype=np.float64)
    if weight.shape != (bins,):
        raise ShapeError(f"coverage must be ({bins},), one value a bin, not {weight.shape}")
    covered = street.astype(np.float64) * weight
    other = satellite.astype(np.float64)
    product = np.fft.rfft(other) * np.conj(np.fft.rfft(covered))
    dot = np.fft.irfft(product.sum(axis=(0, 1)), bins)
    energy = (other**2).sum(axis=(0, 1))
    window = np.fft.irfft(np.fft.rfft(energy) * np.conj(np.fft.rfft(weight**2)), bins)
    norm = np.sqrt(np.maximum(window, 0.0) * (covered**2).sum())
    cosine = np.where(norm > 1e-9, dot / np.maximum(norm, 1e-9), 0.0)
    return cast(FloatArray, cosine.astype(np.float32))


def _from_offsets(
    offsets_deg: Angles, method: CalibrationMethod, prior_sigma_deg: float, gate: CalibrationGate
) -> Calibration:
    """Return the mode of the offsets, if enough of them gather there.

    The confidence is the share of offsets at the mode beyond what chance puts there, times their
    resultant with the mode's window stretched to the circle (0 for a flat window, 1 for a spike).
    """
    if offsets_deg.size < max(1, gate.min_matches):
        return Calibration(method)
    grid_deg = np.arange(GRID_STEPS) * 360.0 / GRID_STEPS
    mode_deg = circular_mode_deg(
        offsets_deg, MODE_BANDWIDTH_DEG, _heading_prior(grid_deg, prior_sigma_deg)
    )
    off_deg = (offsets_deg - mode_deg + 180.0) % 360.0 - 180.0
    near = np.abs(off_deg) <= MODE_WINDOW_DEG
    by_chance = 2 * MODE_WINDOW_DEG / 360.0
    excess = max(0.0, (float(near.mean()) - by_chance) / (1.0 - by_chance))
    confidence = 0.0
    if near.any():
        confidence = excess * circular_resultant(off_deg[near] * 180.0 / MODE_WINDOW_DEG)
    enough = int(near.sum()) >= gate.min_mode_matches and confidence >= gate.min_confidence
    return _gated(method, mode_deg, confidence, enough)


def _from_features(
    street: Strip,
    features: tuple[FloatArray, FloatArray],
    prior_sigma_deg: float,
    gate: CalibrationGate,
) -> Calibration:
    """Return the correlation's peak between bins.

    The confidence is the mass of the peak's three bins in a softmax of the standardised
    correlation, beyond what a flat one would hold.
    """
    bins = features[0].shape[-1]
    columns = np.array_split(street.mask.mean(axis=0), bins)
    coverage = np.array([column.mean() for column in columns], dtype=np.float32)
    cosine = feature_correlation(features[0], features[1], coverage).astype(np.float64)
    spread = cosine.std()
    if bins < 4 or spread < 1e-9:
        return Calibration("features")
    standard = np.exp((cosine - cosine.mean()) / spread)
    turns_deg = np.arange(bins) * 360.0 / bins
    peak = int(np.argmax(standard * _heading_prior(turns_deg, prior_sigma_deg)))
    before, at, after = cosine[peak - 1], cosine[peak], cosine[(peak + 1) % bins]
    bend = before - 2 * at + after
    part = float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < -1e-12 else 0.0
    mass = standard[[peak - 1, peak, (peak + 1) % bins]].sum() / standard.sum()
    confidence = max(0.0, float((mass - 3 / bins) / (1 - 3 / bins)))
    enough = confidence >= gate.min_feature_confidence
    return _gated("features", (peak + part) * 360.0 / bins, confidence, enough)


def _gated(
    method: CalibrationMethod, shift_deg: float, confidence: float, enough: bool
) -> Calibration:
    if not enough:
        return Calibration(method, 0.0, confidence, False)
    return Calibration(method, circular_difference_deg(shift_deg, 0.0), confidence, True)


def _heading_prior(turns_deg: Angles, sigma_deg: float) -> Angles:
    """Return the weight of each turn: near 0 as the metadata has it, with a floor for blunders."""
    off_deg = (turns_deg + 180.0) % 360.0 - 180.0
    near = np.exp(-(off_deg**2) / (2 * max(sigma_deg, 0.1) ** 2))
    prior: Angles = OUTLIER_SHARE + (1.0 - OUTLIER_SHARE) * near
    return prior


def _detector(method: CalibrationMethod) -> cv2.Feature2D:
    if method != "sift":
        return cv2.ORB.create(nfeatures=500, nlevels=4, edgeThreshold=16, fastThreshold=7)
    return cv2.SIFT.create(nfeatures=500)


def _keypoints(strip: Strip, detector: cv2.Feature2D) -> tuple[Angles, npt.NDArray[Any] | None]:
    """Return the azimuths of a strip's keypoints and their descriptors, None where it has none."""
    factor = max(1.0, KEYPOINT_HEIGHT_PX / strip.mask.shape[0])
    height, width = (round(side * factor) for side in strip.mask.shape)
    grey = cv2.resize(cv2.cvtColor(strip.pixels, cv2.COLOR_RGB2GRAY), (width, height))
    covered = cv2.resize(
        strip.mask.astype(np.uint8) * 255, (width, height), interpolation=cv2.INTER_NEAREST
    )
    wrap = min(WRAP_PX, width)
    around = cv2.copyMakeBorder(grey, 0, 0, wrap, wrap, cv2.BORDER_WRAP)
    allowed = cv2.copyMakeBorder(covered, 0, 0, wrap, wrap, cv2.BORDER_WRAP)
    allowed = cv2.erode(allowed, np.ones((5, 5), np.uint8))
    points, words = detector.detectAndCompute(around, allowed)
    if words is None:
        return np.empty(0), None
    columns = np.array([point.pt[0] for point in points]) - wrap + 0.5
    once = (columns >= 0) & (columns < width)
    azimuth_deg = columns[once] * 360.0 / width + strip.heading_at_col0_deg
    return azimuth_deg, words[once] if once.any() else None


def _mixed(values: FloatArray, whole: int, fraction: np.float32) -> FloatArray:
    """Return values moved right by ``whole`` columns and a fraction of one."""
    moved = np.roll(values, whole, axis=1)
    return cast(FloatArray, moved * (1 - fraction) + np.roll(moved, 1, axis=1) * fraction)
