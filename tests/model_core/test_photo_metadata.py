"""What EXIF and XMP mean, tag by tag."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from model_core.photo import read_photo_metadata
from model_core.photo_metadata import (
    captured_at,
    heading,
    lens_facts,
    panorama_crop,
    position,
    tilt,
)
from model_core.photo_tags import Tags, number, parse_xmp

UTC = UTC


def tags(exif: dict[str, Any] | None = None, xmp: dict[str, str] | None = None) -> Tags:
    return Tags(exif or {}, xmp or {})


# ---------------------------------------------------------------- time


def test_an_offset_makes_the_time_exact() -> None:
    moment, notes = captured_at(
        tags({"DateTimeOriginal": "2021:07:04 15:30:00", "OffsetTimeOriginal": "+05:30"})
    )
    assert moment == datetime(2021, 7, 4, 10, 0, tzinfo=UTC)
    assert notes == ()


def test_gps_time_tells_the_zone_of_the_cameras_clock() -> None:
    moment, notes = captured_at(
        tags(
            {
                "DateTimeOriginal": "2021:07:04 15:31:10",
                "GPSDateStamp": "2021:07:04",
                "GPSTimeStamp": (19.0, 31.0, 2.0),
            }
        )
    )
    assert moment == datetime(2021, 7, 4, 19, 31, 10, tzinfo=UTC)
    assert moment is not None
    assert moment.utcoffset() == timedelta(hours=-4)
    assert notes == ()


def test_gps_time_alone_is_utc() -> None:
    moment, _ = captured_at(tags({"GPSDateStamp": "2020:02:29", "GPSTimeStamp": (7.0, 5.0, 9.9)}))
    assert moment == datetime(2020, 2, 29, 7, 5, 9, tzinfo=UTC)


def test_without_a_zone_utc_is_assumed_and_said() -> None:
    moment, notes = captured_at(tags({"DateTimeOriginal": "2014:06:07 10:24:05"}))
    assert moment == datetime(2014, 6, 7, 10, 24, 5, tzinfo=UTC)
    assert any("taken as UTC" in note for note in notes)


def test_a_gps_day_that_contradicts_the_clock_is_ignored_and_said(shared_data: Path) -> None:
    metadata = read_photo_metadata(shared_data / "exif_edge" / "gps" / "DSCN0010.jpg")
    assert metadata.captured_at == datetime(2008, 10, 22, 16, 28, 39, tzinfo=UTC)
    assert any("GPS time contradicts" in note for note in metadata.notes)


@pytest.mark.parametrize(
    "written",
    [
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "yesterday",
        "1970:01:01 00:00:00",
        "2014:13:45 10:00:00",
        "2014:06:07 25:00:00",
    ],
)
def test_a_date_that_is_none_is_noted_not_guessed(written: str) -> None:
    moment, notes = captured_at(
        tags({"DateTimeOriginal": written, "DateTime": "2020:01:01 00:00:00"})
    )
    assert moment is None
    assert any("every street view counts as available" in note for note in notes)


def test_xmp_dates_and_iso_dates_are_understood() -> None:
    moment, _ = captured_at(tags(xmp={"photoshop:DateCreated": "2013-07-05T03:18:27.00+02:00"}))
    assert moment == datetime(2013, 7, 5, 1, 18, 27, tzinfo=UTC)
    moment, _ = captured_at(tags({"DateTimeOriginal": "2021-07-28T17:58:01.848000"}))
    assert moment == datetime(2021, 7, 28, 17, 58, 1, tzinfo=UTC)


def test_a_scans_date_of_digitising_is_used_last_and_said() -> None:
    moment, notes = captured_at(tags({"DateTimeDigitized": "2001:01:01 01:01:01"}))
    assert moment is not None
    assert any("digitising" in note for note in notes)


# ---------------------------------------------------------------- position


@pytest.mark.parametrize(
    ("lat_ref", "lon_ref", "lat", "lon"),
    [("N", "E", 10.5, 20.25), ("S", "W", -10.5, -20.25), ("s", "w\x00", -10.5, -20.25)],
)
def test_hemispheres_are_honoured(lat_ref: str, lon_ref: str, lat: float, lon: float) -> None:
    found, notes = position(
        tags(
            {
                "GPSLatitude": (10.0, 30.0, 0.0),
                "GPSLatitudeRef": lat_ref,
                "GPSLongitude": (20.0, 0.0, 900.0),
                "GPSLongitudeRef": lon_ref,
            }
        )
    )
    assert found is not None
    assert (found.lat, found.lon) == (lat, lon)
    assert notes == ()


@pytest.mark.parametrize(
    "bad",
    [
        {"GPSLatitudeRef": ""},
        {"GPSLatitude": (float("nan"), 0.0, 0.0)},
        {"GPSLatitude": (95.0, 0.0, 0.0)},
        {"GPSLatitude": ()},
        {"GPSLongitude": "east"},
        {"GPSLatitude": (0.0, 0.0, 0.0), "GPSLongitude": (0.0, 0.0, 0.0)},
    ],
)
def test_a_damaged_position_is_ignored_with_a_note(bad: dict[str, Any]) -> None:
    good = {
        "GPSLatitude": (10.0, 30.0, 0.0),
        "GPSLatitudeRef": "N",
        "GPSLongitude": (20.0, 0.0, 0.0),
        "GPSLongitudeRef": "E",
    }
    found, notes = position(tags({**good, **bad}))
    assert found is None
    assert len(notes) == 1


def test_xmp_positions_are_understood() -> None:
    found, _ = position(tags({"GPSLatitude": "43,28.0469N", "GPSLongitude": "11,53,6.5W"}))
    assert found is not None
    assert found.lat == pytest.approx(43.467448, abs=1e-6)
    assert found.lon == pytest.approx(-11.885139, abs=1e-6)


# ---------------------------------------------------------------- heading and tilt


@pytest.mark.parametrize(
    ("reference", "said", "note"),
    [
        ("T", "true", ""),
        ("M", "magnetic", "magnetic"),
        (None, "unknown", "which north"),
        ("\x00", "unknown", "which north"),
    ],
)
def test_the_reference_of_a_gps_direction_is_honoured(
    reference: str | None, said: str, note: str
) -> None:
    found = heading(tags({"GPSImgDirection": 291.39, "GPSImgDirectionRef": reference}))
    assert found.heading_deg == pytest.approx(291.39)
    assert found.reference == said
    assert note in " ".join(found.notes)
    assert bool(found.notes) == bool(note)


def test_mapillary_descriptions_give_heading_accuracy_and_time() -> None:
    description = json.dumps(
        {
            "MAPCompassHeading": {
                "TrueHeading": -10.0,
                "MagneticHeading": 80.0,
                "AccuracyDegrees": 21,
            },
            "MAPCaptureTime": "2014_06_07_10_24_05_656",
        }
    )
    found = heading(tags({"ImageDescription": description}))
    assert (found.heading_deg, found.reference, found.sigma_deg) == (350.0, "true", 21.0)
    assert any("21 degrees" in note for note in found.notes)
    moment, _ = captured_at(tags({"ImageDescription": description}))
    assert moment == datetime(2014, 6, 7, 10, 24, 5, 656000, tzinfo=UTC)


@pytest.mark.parametrize(
    "description",
    [
        "{",
        "{}",
        "[1]",
        '{"MAPCompassHeading": 4}',
        "{" * 5000,
        '{"MAPCompassHeading": {"TrueHeading": "north"}}',
    ],
)
def test_other_descriptions_give_no_heading(description: str) -> None:
    assert heading(tags({"ImageDescription": description})).heading_deg is None


def test_drones_say_heading_and_tilt() -> None:
    dji = tags(
        xmp={
            "dji:GimbalYawDegree": "-12.50",
            "dji:GimbalPitchDegree": "-23.4",
            "dji:GimbalRollDegree": "+0.0",
        }
    )
    assert heading(dji).heading_deg == 347.5
    assert tilt(dji) == (-23.4, 0.0)
    parrot = tags(xmp={"Camera:Yaw": "146.78", "Camera:Pitch": "38.01", "Camera:Roll": "-0.04"})
    assert heading(parrot).heading_deg == 146.78
    assert tilt(parrot) == (pytest.approx(-51.99), -0.04)


def test_nonsense_tilt_is_dropped() -> None:
    assert tilt(tags(xmp={"GPano:PosePitchDegrees": "400", "GPano:PoseRollDegrees": "x"})) == (
        None,
        None,
    )


# ---------------------------------------------------------------- lens and panorama tags


def test_drone_focal_lengths_in_pixels_follow_the_photos_own_size() -> None:
    exif = {"PixelXDimension": 4000, "PixelYDimension": 3000}
    for name in ("dji:CalibratedFocalLength", "dji:DewarpData"):
        value = "2000.0" if name.endswith("Length") else "2023-01-01;2000.0,2000.0,0,0,0,0,0,0,0"
        facts = lens_facts(tags(exif, {name: value}), (2000, 1500))
        assert facts.stated_fov_deg == pytest.approx(90.0)
        facts = lens_facts(tags(exif, {name: value}), (1500, 2000))
        assert facts.stated_fov_deg == pytest.approx(73.74, abs=0.01)


def test_broken_lens_numbers_are_left_out() -> None:
    facts = lens_facts(
        tags(
            {
                "FocalLength": "0/0",
                "FocalLengthIn35mmFilm": 0,
                "PixelXDimension": 0,
                "PixelYDimension": "many",
                "FNumber": (),
                "Make": 7,
            }
        ),
        (640, 480),
    )
    assert facts.focal_mm is facts.focal_35mm_mm is facts.recorded_size_px is facts.f_number is None
    assert facts.camera == ""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("427/100", 4.27),
        ("+3.5", 3.5),
        (b"12", 12.0),
        ((2.5,), 2.5),
        ((), None),
        ("1/0", None),
        (float("inf"), None),
        (None, None),
    ],
)
def test_numbers_are_read_in_every_disguise(value: object, expected: float | None) -> None:
    assert number(value) == (None if expected is None else pytest.approx(expected))


def test_xmp_is_read_from_attributes_and_elements_and_refuses_entities() -> None:
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        'xmlns:g="http://ns.google.com/photos/1.0/panorama/" g:PoseHeadingDegrees="12">'
        "<g:PosePitchDegrees>-3</g:PosePitchDegrees></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    assert parse_xmp(packet) == {"GPano:PoseHeadingDegrees": "12", "GPano:PosePitchDegrees": "-3"}
    bomb = b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><l>&b;</l>'
    with pytest.raises(ValueError, match="Entit"):
        parse_xmp(bomb)
    with pytest.raises(SyntaxError):
        parse_xmp(b"<x:xmpmeta")


def test_damaged_xmp_is_noted_and_costs_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (400, 300)).save(path, xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><broken")
    metadata = read_photo_metadata(path)
    assert any("XMP block is damaged" in note for note in metadata.notes)


@pytest.mark.parametrize(
    "change",
    [
        {"FullPanoWidthPixels": "-4000"},
        {"CroppedAreaLeftPixels": "-5"},
        {"CroppedAreaImageWidthPixels": "10"},
        {"CroppedAreaTopPixels": "1900"},
        {"FullPanoHeightPixels": "4000"},
        {"ProjectionType": "cylindrical"},
    ],
)
def test_impossible_panorama_crops_are_refused(change: dict[str, str]) -> None:
    good = {
        "FullPanoWidthPixels": "4000",
        "FullPanoHeightPixels": "2000",
        "CroppedAreaImageWidthPixels": "2000",
        "CroppedAreaImageHeightPixels": "1000",
        "CroppedAreaLeftPixels": "1000",
        "CroppedAreaTopPixels": "500",
    }
    xmp = {f"GPano:{key}": value for key, value in good.items()}
    assert panorama_crop(tags(xmp=xmp), (1000, 500)) is not None
    xmp.update({f"GPano:{key}": value for key, value in change.items()})
    assert panorama_crop(tags(xmp=xmp), (1000, 500)) is None
