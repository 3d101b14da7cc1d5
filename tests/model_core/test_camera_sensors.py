"""Field of view from lens facts, and crops that make it unknown."""

from __future__ import annotations

import math
import re

import pytest

from model_core.camera_sensors import SENSORS, LensFacts, field_of_view, find_sensor


def facts(**changes: object) -> LensFacts:
    values: dict[str, object] = {"size_px": (4000, 3000), "recorded_size_px": (4000, 3000)}
    return LensFacts(**{**values, **changes})  # type: ignore[arg-type]


def test_thirty_five_millimetres_are_taken_by_diagonal() -> None:
    wide = field_of_view(facts(focal_35mm_mm=26.0))
    assert wide.source == "35 mm equivalent"
    assert wide.fov_deg == pytest.approx(67.31, abs=0.02)
    film = field_of_view(facts(focal_35mm_mm=28.0, size_px=(6000, 4000), recorded_size_px=None))
    assert film.fov_deg == pytest.approx(2 * math.degrees(math.atan(18 / 28)))


def test_portrait_photos_get_their_narrow_side() -> None:
    upright = field_of_view(facts(focal_35mm_mm=26.0, size_px=(3000, 4000)))
    assert upright.fov_deg == pytest.approx(53.07, abs=0.02)


def test_known_sensors_are_preferred() -> None:
    phone = facts(camera="Apple iPhone 4S", focal_mm=4.28, focal_35mm_mm=35.0)
    assert field_of_view(phone).source == "sensor table"
    assert field_of_view(phone).fov_deg == pytest.approx(55.95, abs=0.1)
    stripped = facts(focal_mm=4.3, focal_35mm_mm=35.0, f_number=2.4)
    assert field_of_view(stripped).fov_deg == pytest.approx(55.7, abs=0.5)
    other = facts(focal_mm=4.3, focal_35mm_mm=35.0, f_number=1.8)
    assert field_of_view(other).source == "35 mm equivalent"


def test_a_phones_other_lens_is_not_taken_for_its_main_one() -> None:
    front = facts(camera="Apple iPhone 6 front camera", focal_mm=2.65, focal_35mm_mm=31.0)
    assert find_sensor(front) is None
    assert field_of_view(front).source == "35 mm equivalent"


def test_the_focal_plane_gives_the_sensor() -> None:
    camera = facts(
        camera="Canon PowerShot X",
        focal_mm=7.0,
        size_px=(1000, 750),
        focal_plane_px_per_mm=(4000 / 7.0, 3000 / 5.25),
    )
    found = field_of_view(camera)
    assert found.source == "focal plane"
    assert found.fov_deg == pytest.approx(2 * math.degrees(math.atan(0.5)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size_px": (4000, 2250)}, "so it was cropped"),
        ({"size_px": (3000, 3000)}, "so it was cropped"),
        ({"size_px": (4000, 2250), "recorded_size_px": (4000, 2250)}, "aspect 1.78:1"),
        ({"size_px": (2000, 2000), "recorded_size_px": None}, "aspect 1.00:1"),
        ({"size_px": (9000, 2000), "recorded_size_px": None}, "aspect 4.50:1"),
        ({"edited_crop": True}, "marked the photo as cropped"),
        ({"fisheye": True}, "fisheye"),
        ({"focal_35mm_mm": None}, "no focal length"),
        ({"focal_35mm_mm": 3.0}, "implausible"),
    ],
)
def test_a_crop_makes_the_field_of_view_unknown(change: dict[str, object], words: str) -> None:
    found = field_of_view(facts(**{"focal_35mm_mm": 26.0, **change}))
    assert found.fov_deg is None
    assert words in found.notes[0]


def test_a_crop_whose_size_was_rewritten_shows_in_the_focal_plane() -> None:
    camera = facts(
        camera="Canon PowerShot X",
        focal_mm=7.0,
        focal_35mm_mm=35.0,
        size_px=(2000, 1500),
        recorded_size_px=(2000, 1500),
        focal_plane_px_per_mm=(4000 / 7.0, 3000 / 5.25),
    )
    found = field_of_view(camera)
    assert found.fov_deg is None
    assert "may be cropped" in found.notes[0]


def test_a_resized_photo_keeps_its_field_of_view() -> None:
    for size_px in ((1024, 768), (640, 480), (481, 361), (4000, 3000)):
        assert field_of_view(facts(focal_35mm_mm=26.0, size_px=size_px)).fov_deg == pytest.approx(
            67.3, abs=0.1
        )


def test_a_rotated_record_is_no_crop() -> None:
    turned = facts(focal_35mm_mm=26.0, size_px=(3000, 4000), recorded_size_px=(3000, 4000))
    assert field_of_view(turned).fov_deg is not None


def test_sensors_that_are_wide_by_nature_are_no_crop() -> None:
    wide = facts(
        camera="samsung SM-G900F", focal_mm=4.8, size_px=(5312, 2988), recorded_size_px=None
    )
    assert field_of_view(wide).fov_deg == pytest.approx(63.6, abs=0.5)
    cut = facts(camera="samsung SM-G900F", focal_mm=4.8)
    assert field_of_view(cut).fov_deg is None


def test_digital_zoom_narrows_the_view() -> None:
    main = facts(camera="Apple iPhone 7", focal_mm=3.99, focal_35mm_mm=28.0)
    zoomed = facts(camera="Apple iPhone 7", focal_mm=3.99, focal_35mm_mm=56.0, digital_zoom=2.0)
    silent = facts(camera="Apple iPhone 7", focal_mm=3.99, focal_35mm_mm=56.0)
    half = math.tan(math.radians(field_of_view(main).fov_deg or 0) / 2)
    for narrow in (zoomed, silent):
        found = field_of_view(narrow)
        assert found.fov_deg is not None
        assert math.tan(math.radians(found.fov_deg) / 2) == pytest.approx(half / 2, rel=0.1)
        assert "digital zoom" in found.notes[0]


def test_a_lens_wider_than_the_sensor_allows_is_a_contradiction() -> None:
    found = field_of_view(facts(camera="Apple iPhone 7", focal_mm=3.99, focal_35mm_mm=14.0))
    assert found.fov_deg is None


def test_an_unknown_phone_is_named_in_the_note() -> None:
    found = field_of_view(facts(camera="Acme Phone 3", focal_mm=4.0))
    assert found.fov_deg is None
    assert "Acme Phone 3" in found.notes[0]


@pytest.mark.parametrize(
    ("camera", "focal_mm", "diagonal_mm"),
    [
        ("Canon Canon EOS 5D Mark III", 50.0, 43.3),
        ("Canon Canon EOS 80D", 50.0, 26.8),
        ("NIKON CORPORATION NIKON D300", 105.0, 28.3),
        ("NIKON CORPORATION NIKON D750", 50.0, 43.1),
        ("SONY ILCE-7M3", 35.0, 42.9),
        ("SONY ILCE-6000", 16.0, 28.2),
        ("LGE Nexus 5", 3.97, 5.71),
        ("LG Electronics LG-D855", 3.97, 5.83),
        ("DJI FC330", 3.61, 7.67),
    ],
)
def test_the_table_tells_camera_families_apart(
    camera: str, focal_mm: float, diagonal_mm: float
) -> None:
    sensor = find_sensor(facts(camera=camera, focal_mm=focal_mm))
    assert sensor is not None
    assert sensor.diagonal_mm == pytest.approx(diagonal_mm, abs=0.15)


def test_the_table_is_well_formed() -> None:
    for sensor in SENSORS:
        re.compile(sensor.pattern)
        assert 1.3 < sensor.long_mm / sensor.short_mm < 1.8
        assert 4.0 < sensor.diagonal_mm < 60.0
