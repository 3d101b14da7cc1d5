"""How often calibration mends a wrong street-view heading, and how often it spoils a right one.

A share of the street views of rendered places is turned by 30 to 180 degrees. Every method then
measures each place's turn against its satellite image. The paper calibrates everything; here the
least confidence for a turn to be applied is derived on half of the places and judged on the rest.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

from model_core.alignment.calibration import CalibrationGate, apply_calibration, calibrate
from model_core.alignment.circular import circular_difference_deg
from model_core.alignment.polar import polar_transform_torch
from model_core.config import ModelConfig, StripGeometry, from_mapping
from model_core.errors import InputError
from model_core.features.preprocess import normalize_images
from model_core.fusion.place_encoder import PlaceEncoder
from model_core.types import Calibration, CalibrationMethod, FloatArray, ImageU8, MaskArray, Strip
from training.datasets.places import CROP_MARGIN, PlaceSet
from training.evaluate import evaluate_matcher

METHODS: tuple[CalibrationMethod, ...] = ("none", "metadata", "orb", "sift", "features")
CORRUPTED_SHARE = 0.3
CORRUPTED_DEG = (30.0, 180.0)
RIGHT_WITHIN_DEG = 10.0
ACCEPTABLE_HARM = 0.01
_KEYPOINTS: tuple[str, ...] = ("orb", "sift", "release")
# Keypoints still need their numbers of matches; only the confidence is left open.
_OPEN = CalibrationGate(min_confidence=-1.0, min_feature_confidence=-1.0)
_PART = 64
_FOV_DEG = 90.0

PixelT = TypeVar("PixelT", np.uint8, np.bool_)
FeaturePair = tuple[FloatArray, FloatArray]


@dataclass(frozen=True)
class GateFigures:
    """What a gate lets through: shares in [0, 1].

    ``recovered`` of the turned street views that are right afterwards, ``harmed`` of the others
    that are wrong afterwards, ``accepted`` of all.
    """

    min_confidence: float | None
    recovered: float
    harmed: float
    accepted: float


@dataclass(frozen=True)
class CalibrationFigures:
    """One method on N places, ``turned`` of them with a wrong heading.

    ``shipped`` is the gate of the software, ``derived`` the one found on every other place and
    judged on those between: the least confidence at which at most 1 % of right headings are spoilt.
    ``recall_at_1`` is that of photos of 90 degrees against satellite image and calibrated street
    view, None without a model.
    """

    method: str
    places: int
    turned: int
    shipped: GateFigures
    derived: GateFigures
    median_error_deg: float
    ms_a_place: float
    recall_at_1: float | None


def calibrates(method: str) -> bool:
    """Return whether a method turns street views by what it finds in them without a model."""
    return method in _KEYPOINTS


def study_calibration(
    places: PlaceSet,
    config: ModelConfig,
    encoder: PlaceEncoder | None,
    device: torch.device,
    methods: Sequence[CalibrationMethod] = METHODS,
    seed: int = 0,
    say: Callable[[str], None] = print,
    prior_sigma_deg: float = 5.0,
) -> list[CalibrationFigures]:
    """Return the figures of every method on the same wrong headings.

    Args:
        places: With street views whose headings are true.
        config: The strips' frame and, with an encoder, the model's.
        encoder: For the method ``features`` and for recall; both are left out without.
        device: Where the encoder runs.
        methods: Which to measure.
        seed: Of the wrong headings.
        say: Where lines for people go.
        prior_sigma_deg: How far the metadata's headings are trusted; infinite not at all.

    Raises:
        InputError: Fewer than two places have a street view, or no photo shows 90 degrees.
    """
    rows = np.flatnonzero(places.street_seen.any(axis=1))
    if len(rows) < 2:
        raise InputError("calibration needs two places with street views or more; render some")
    places = places.take(rows)
    if encoder is not None:
        say(f"true headings: R@1 {_recall(encoder, config, places, device):.1%}")
    off_columns = wrong_headings(len(places), places.street.shape[2], seed)
    street = _rolled(places.street, off_columns, axis=1)
    seen = _rolled(places.street_seen, off_columns, axis=0)
    satellite = satellite_strips(places.satellite, config.geometry, device)
    features = _features(encoder, street, seen, satellite, device)
    found = []
    for method in methods:
        if method == "features" and features is None:
            say("features: left out, there is no model")
            continue
        started = time.perf_counter()
        turns = measure_turns(street, seen, satellite, method, features, _OPEN, prior_sigma_deg)
        ms = 1e3 * (time.perf_counter() - started) / len(places)
        confidence = np.array([turn.confidence if turn.accepted else -np.inf for turn in turns])
        shift_deg = np.array([turn.shift_deg for turn in turns])
        figures = _judge(method, shift_deg, confidence, off_columns * 360.0 / street.shape[2], ms)
        if encoder is not None:
            applied = _gated_turns(turns, _shipped_confidence(method))
            turned = turned_streets(street, seen, applied)
            again = replace(places, street=turned[0], street_seen=turned[1])
            figures = replace(figures, recall_at_1=_recall(encoder, config, again, device))
        say(
            f"{method}: {figures.shipped.recovered:.1%} mended, {figures.shipped.harmed:.1%} spoilt"
        )
        found.append(figures)
    return found


def wrong_headings(count: int, width: int, seed: int) -> npt.NDArray[np.int64]:
    """Return by how many columns each street view is turned clockwise; 0 for most, int64 (N,)."""
    rng = np.random.default_rng(seed)
    off_deg = rng.uniform(*CORRUPTED_DEG, count) * rng.choice((-1.0, 1.0), count)
    chosen = rng.permutation(count) < round(CORRUPTED_SHARE * count)
    return np.where(chosen, np.rint(off_deg * width / 360.0), 0).astype(np.int64)


def satellite_strips(crops: ImageU8, geometry: StripGeometry, device: torch.device) -> ImageU8:
    """Return polar strips, uint8 (N, H, W, 3), of crops (N, S, S, 3)."""
    footprint_m = geometry.footprint_m * CROP_MARGIN
    parts = []
    for some in torch.split(torch.from_numpy(crops), _PART):
        images = some.to(device).permute(0, 3, 1, 2).float() / 255.0
        strips = polar_transform_torch(images, geometry, image_footprint_m=footprint_m)
        parts.append((strips * 255.0).round().byte().permute(0, 2, 3, 1).cpu().numpy())
    return np.concatenate(parts)


def measure_turns(
    street: ImageU8,
    seen: MaskArray,
    satellite: ImageU8,
    method: CalibrationMethod,
    features: Sequence[FeaturePair] | None = None,
    gate: CalibrationGate | None = None,
    prior_sigma_deg: float = 5.0,
) -> list[Calibration]:
    """Return what a method measures at every place, many at a time.

    Args:
        street: (N, H, W, 3) strips of street views.
        seen: (N, W) their seen columns.
        satellite: (N, H, W, 3) strips of satellite images.
        method: How to measure.
        features: For ``features``: the maps of street view and satellite image of each place.
        gate: The least evidence for a turn.
        prior_sigma_deg: How far the metadata's headings are trusted.
    """

    def measure(row: int) -> Calibration:
        views = _strip(street[row], seen[row])
        whole = _strip(satellite[row], np.ones_like(seen[row]))
        maps = None if features is None else features[row]
        return calibrate(views, whole, method, prior_sigma_deg, maps, gate)

    with ThreadPoolExecutor() as pool:
        return list(pool.map(measure, range(len(street))))


def turned_streets(
    street: ImageU8, seen: MaskArray, turns: Sequence[Calibration]
) -> tuple[ImageU8, MaskArray]:
    """Return the strips after their turns; a place that ``release`` gives up shows nothing."""
    strips, masks = street.copy(), seen.copy()
    for row, turn in enumerate(turns):
        strip = apply_calibration(_strip(street[row], seen[row]), turn)
        given_up = turn.method == "release" and not turn.accepted
        strips[row], masks[row] = strip.pixels, strip.mask[0] & (not given_up)
    return strips, masks


def calibrate_dataset(folder: Path, out: Path, method: CalibrationMethod) -> None:
    """Write rendered cities with street views turned as a method turns them.

    The rest are links, or copies where the system lets nobody make links.
    Cities that ``out`` holds are kept, so a killed run goes on.

    Args:
        folder: Rendered cities.
        out: The folder to make.
        method: Measured without a model: ``orb``, ``sift`` or ``release``.

    Raises:
        InputError: The folder holds no rendered city.
    """
    cities = sorted(path for path in folder.glob("city_?????") if (path / "street.npy").exists())
    if not cities:
        raise InputError(f"{folder} holds no rendered city whose street views can be calibrated")
    out.mkdir(parents=True, exist_ok=True)
    for city in cities:
        target = out / city.name
        if target.is_dir():
            continue
        partial = target.with_suffix(f".partial{os.getpid()}")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        street, seen = _calibrated_city(city, method)
        np.save(partial / "street.npy", street, allow_pickle=False)
        np.save(partial / "street_seen.npy", seen, allow_pickle=False)
        for path in city.iterdir():
            if path.name not in ("street.npy", "street_seen.npy"):
                _link(partial / path.name, path.resolve())
        partial.rename(target)


def _link(made: Path, there: Path) -> None:
    try:
        made.symlink_to(there)
    except OSError:  # Windows asks for a right that few people have
        shutil.copy2(there, made)


def _calibrated_city(city: Path, method: CalibrationMethod) -> tuple[ImageU8, MaskArray]:
    geometry = from_mapping(StripGeometry, json.loads((city / "geometry.json").read_text()))
    street = np.load(city / "street.npy", allow_pickle=False)
    seen = np.ones((len(street), street.shape[2]), np.bool_)
    if (city / "street_seen.npy").exists():
        seen = np.load(city / "street_seen.npy", allow_pickle=False)
    crops = np.load(city / "satellite.npy", allow_pickle=False)
    satellite = satellite_strips(crops, geometry, torch.device("cpu"))
    return turned_streets(street, seen, measure_turns(street, seen, satellite, method))


def _strip(pixels: ImageU8, seen: MaskArray) -> Strip:
    return Strip(pixels, np.broadcast_to(seen, pixels.shape[:2]).copy())


def _rolled(
    strips: npt.NDArray[PixelT], columns: npt.NDArray[np.int64], axis: int
) -> npt.NDArray[PixelT]:
    """Return strips (N, ...) turned clockwise by their columns, each along its own ``axis``."""
    rolled = [np.roll(strip, by, axis=axis) for strip, by in zip(strips, columns, strict=True)]
    return np.stack(rolled)


@torch.inference_mode()
def _features(
    encoder: PlaceEncoder | None,
    street: ImageU8,
    seen: MaskArray,
    satellite: ImageU8,
    device: torch.device,
) -> list[FeaturePair] | None:
    """Return the maps (C, h, bins) of both branches of every place."""
    if encoder is None:
        return None
    encoder.eval().to(device)
    pairs: list[FeaturePair] = []
    for start in range(0, len(street), _PART):
        part = slice(start, start + _PART)
        views, whole = (
            torch.from_numpy(strips[part]).to(device).permute(0, 3, 1, 2).float() / 255.0
            for strips in (street, satellite)
        )
        mask = torch.from_numpy(seen[part]).to(device)[:, None, :].expand(-1, views.shape[2], -1)
        of_street = encoder.encode_street(normalize_images(views, mask), mask).cpu().numpy()
        of_satellite = encoder.encode_satellite(normalize_images(whole)).cpu().numpy()
        pairs += list(zip(of_street, of_satellite, strict=True))
    return pairs


def _judge(
    method: str,
    shift_deg: npt.NDArray[np.float64],
    confidence: npt.NDArray[np.float64],
    off_deg: npt.NDArray[np.float64],
    ms: float,
) -> CalibrationFigures:
    """Return a method's figures without recall; ``off_deg`` is how far headings were turned."""
    wrong = off_deg != 0.0
    after = np.array(
        [abs(circular_difference_deg(s, -o)) for s, o in zip(shift_deg, off_deg, strict=True)]
    )
    before = np.abs((off_deg + 180.0) % 360.0 - 180.0)
    least = _shipped_confidence(method)
    every = np.arange(len(after))
    learn, judge = every[::2], every[1::2]
    derived = _derive(confidence[learn], after[learn], before[learn], wrong[learn])
    final = np.where(confidence >= least, after, before)
    return CalibrationFigures(
        method,
        len(after),
        int(wrong.sum()),
        _through(least, confidence, after, before, wrong),
        _through(derived, confidence[judge], after[judge], before[judge], wrong[judge]),
        float(np.median(final)),
        ms,
        None,
    )


def _shipped_confidence(method: str) -> float:
    gate = CalibrationGate()
    if method in _KEYPOINTS:
        return -1.0 if method == "release" else gate.min_confidence
    return gate.min_feature_confidence if method == "features" else np.inf


def _through(
    least: float,
    confidence: npt.NDArray[np.float64],
    after: npt.NDArray[np.float64],
    before: npt.NDArray[np.float64],
    wrong: npt.NDArray[np.bool_],
) -> GateFigures:
    accepted = confidence >= least
    right = np.where(accepted, after, before) <= RIGHT_WITHIN_DEG
    recovered = float(right[wrong].mean()) if wrong.any() else 0.0
    harmed = float((~right[~wrong]).mean()) if (~wrong).any() else 0.0
    applied = float(least) if np.isfinite(least) else None
    return GateFigures(applied, recovered, harmed, float(accepted.mean()))


def _derive(
    confidence: npt.NDArray[np.float64],
    after: npt.NDArray[np.float64],
    before: npt.NDArray[np.float64],
    wrong: npt.NDArray[np.bool_],
) -> float:
    """Return the least confidence at which few enough right headings are spoilt."""
    for least in np.unique(confidence[np.isfinite(confidence)]):
        if _through(least, confidence, after, before, wrong).harmed <= ACCEPTABLE_HARM:
            return float(least)
    return float(np.inf)


def _gated_turns(turns: Sequence[Calibration], least: float) -> list[Calibration]:
    return [
        turn if turn.accepted and turn.confidence >= least else replace(turn, shift_deg=0.0)
        for turn in turns
    ]


def _recall(
    encoder: PlaceEncoder, config: ModelConfig, places: PlaceSet, device: torch.device
) -> float:
    fovs_deg = ((_FOV_DEG, _FOV_DEG),)
    recalls = evaluate_matcher(encoder, config, places, fovs_deg, device=device)
    for recall in recalls:
        if recall.kind == "both":
            return recall.recall_at_1
    raise InputError(
        f"no photo shows the {_FOV_DEG:g} degrees by which calibrations are judged; name places "
        "whose photos show more, such as rendered ones"
    )
