"""What becomes of a place's street views on their way into its strips."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from model_core.alignment.align import align_reference
from model_core.config import ModelConfig
from model_core.errors import ProviderError
from model_core.types import LonLat, Place, Reference, SatelliteImage, SourceTerms, StreetView

TERMS = SourceTerms("test")


@pytest.fixture
def plain_place(tmp_path: Path) -> Reference:
    """A place whose street view shows nothing that could be matched."""
    path = tmp_path / "plain.png"
    cv2.imwrite(str(path), np.full((128, 256, 3), 120, np.uint8))
    where = LonLat(13.0, 55.0)
    view = StreetView("plain", path, where, "equirectangular", 0.0, 360.0, TERMS)
    noise = np.random.default_rng(0).integers(0, 255, (160, 160, 3), np.uint8)
    image = SatelliteImage(noise, np.ones((160, 160), bool), 100.0, where, TERMS)
    return Reference(Place(0, "a", where), image, (view,))


def test_a_view_without_matches_keeps_its_metadata(plain_place: Reference) -> None:
    aligned = align_reference(plain_place, replace(ModelConfig(), calibration="orb"))
    assert aligned.street_strip is not None
    assert not aligned.calibration.accepted


def test_the_released_code_gives_such_a_view_up(plain_place: Reference) -> None:
    lost: list[tuple[str, str]] = []
    aligned = align_reference(
        plain_place,
        replace(ModelConfig(), calibration="release"),
        on_failure=lambda view, reason: lost.append((view.view_id, reason)),
    )
    assert aligned.street_strip is None
    assert aligned.satellite_strip is not None
    assert lost == [("plain", "too few keypoints match the satellite image")]


class Unreachable:
    """An image whose source fails."""

    def read(self) -> bytes:
        raise ProviderError("street views: cannot be reached", reason="connection")


def test_a_view_that_a_source_failed_at_may_come_later(plain_place: Reference) -> None:
    (view,) = plain_place.street_views
    remote = replace(plain_place, street_views=(replace(view, remote=Unreachable()),))
    assert align_reference(remote, ModelConfig()).failed
    view.path.write_bytes(b"damaged")
    assert not align_reference(plain_place, ModelConfig()).failed
