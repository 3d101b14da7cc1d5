"""Copies of photos: where they say they were taken, what they keep, what nobody can read again."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import piexif
import pillow_heif
import pytest
from PIL import Image, ImageDraw, ImageFilter, PngImagePlugin

from model_core.errors import InputError, PhotoError
from model_core.photo import read_photo_metadata, read_pixels
from model_core.photo_export import PhotoExport, Region, export_photo
from model_core.photo_export.jpeg import split_jpeg
from model_core.types import LonLat

HERE = LonLat(-13.4123456, -55.7098765)
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    b'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    b'xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" exif:GPSLatitude="48,34.5N" '
    b'exif:GPSLongitude="7,45.1E" drone-dji:GimbalYawDegree="77" dc:creator="Somebody">'
    b"<exif:GPSAltitude>140/1</exif:GPSAltitude></rdf:Description></rdf:RDF></x:xmpmeta>"
)


def export(photo: Path, out: Path, **wanted: object):
    return export_photo(PhotoExport(photo, out, wanted.pop("lonlat", HERE), **wanted))


def picture(width: int = 320, height: int = 240) -> Image.Image:
    """Fine text and shapes in colour."""
    image = Image.new("RGB", (width, height), (90, 120, 60))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width // 2, height // 2), fill=(200, 40, 40))
    for row in range(0, height, 16):
        draw.text((4, row), "SECRET 0123456789 PLATE " * 3, fill=(255, 255, 255))
    return image


def full_exif(orientation: int = 1) -> bytes:
    thumbnail = io.BytesIO()
    picture(64, 48).save(thumbnail, "JPEG")
    return piexif.dump(
        {
            "0th": {
                piexif.ImageIFD.Make: b"Maker",
                piexif.ImageIFD.Orientation: orientation,
                piexif.ImageIFD.XResolution: (300, 1),
            },
            "Exif": {
                piexif.ExifIFD.DateTimeOriginal: b"2021:05:06 07:08:09",
                piexif.ExifIFD.ExifVersion: b"0231",
                piexif.ExifIFD.MakerNote: b"secret notes of the maker",
                piexif.ExifIFD.UserComment: b"ASCII\0\0\0a comment",
                piexif.ExifIFD.ExposureTime: (10, 600),
            },
            "GPS": {
                piexif.GPSIFD.GPSLatitudeRef: b"N",
                piexif.GPSIFD.GPSLatitude: ((48, 1), (34, 1), (5123, 100)),
                piexif.GPSIFD.GPSLongitudeRef: b"E",
                piexif.GPSIFD.GPSLongitude: ((7, 1), (45, 1), (1999, 100)),
                piexif.GPSIFD.GPSAltitude: (140, 1),
                piexif.GPSIFD.GPSDOP: (17, 10),
                piexif.GPSIFD.GPSDateStamp: b"2021:05:06",
            },
            "Interop": {piexif.InteropIFD.InteroperabilityIndex: b"R98"},
            "1st": {piexif.ImageIFD.Compression: 6},
            "thumbnail": thumbnail.getvalue(),
        }
    )


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A JPEG with EXIF, preview, maker's notes, XMP and a comment."""
    path = tmp_path / "photo.jpg"
    picture().save(path, quality=90, exif=full_exif(), xmp=XMP, comment=b"a private comment")
    return path


def degrees(value: tuple, reference: bytes) -> float:
    whole = sum(top / bottom / 60.0**i for i, (top, bottom) in enumerate(value))
    return -whole if reference in (b"S", b"W") else whole


def position(path: Path) -> tuple[float, float]:
    gps = piexif.load(str(path))["GPS"]
    return degrees(gps[4], gps[3]), degrees(gps[2], gps[1])


def decoded(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


# ------------------------------------------------------------------ position and heading


def test_copy_says_where_and_which_way_and_keeps_the_rest(photo: Path, tmp_path: Path) -> None:
    before = photo.read_bytes()
    out = tmp_path / "new" / "copy.jpg"
    result = export(photo, out, heading_deg=-88.126)
    assert result.path == out
    assert position(out) == pytest.approx((HERE.lon, HERE.lat), abs=1e-9)
    old, new = piexif.load(before), piexif.load(str(out))
    assert new["GPS"][piexif.GPSIFD.GPSImgDirectionRef] == b"T"
    assert new["GPS"][piexif.GPSIFD.GPSImgDirection] == (27187, 100)
    assert new["GPS"][piexif.GPSIFD.GPSDateStamp] == b"2021:05:06"
    assert piexif.GPSIFD.GPSAltitude not in new["GPS"]
    assert piexif.GPSIFD.GPSDOP not in new["GPS"]
    assert new["Interop"] == old["Interop"]
    for block in (old, new):
        del block["0th"][piexif.ImageIFD.ExifTag]
        del block["0th"][piexif.ImageIFD.GPSTag]
        del block["Exif"][piexif.ExifIFD.InteroperabilityTag]
    assert new["0th"] == old["0th"]
    assert new["Exif"] == old["Exif"]
    assert any("preview" in note for note in result.notes)
    assert photo.read_bytes() == before


def test_compressed_pixels_of_a_jpeg_stay_to_the_byte(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy.jpg"
    for strip in (False, True):
        export(photo, out, strip_metadata=strip)
        scans = [[s for s in split_jpeg(p.read_bytes())[0] if s.scan] for p in (photo, out)]
        assert scans[0] == scans[1]
        assert np.array_equal(decoded(photo), decoded(out))


def test_xmp_does_not_contradict_the_new_position_and_heading(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy.jpg"
    export(photo, out, heading_deg=10.0)
    xmp = Image.open(out).info["xmp"]
    assert b"GPS" not in xmp
    assert b"Gimbal" not in xmp
    assert b"Somebody" in xmp
    read = read_photo_metadata(out)
    assert read.heading_deg == pytest.approx(10.0)
    assert (read.lonlat.lon, read.lonlat.lat) == pytest.approx((HERE.lon, HERE.lat))
    export(photo, out)
    assert read_photo_metadata(out).heading_deg == pytest.approx(77.0)


@pytest.mark.parametrize("decimals", [0, 1, 3, 5, 8])
def test_rounded_position_is_rounded_in_the_file(
    photo: Path, tmp_path: Path, decimals: int
) -> None:
    out = tmp_path / "copy.jpg"
    result = export(photo, out, decimals=decimals)
    rounded = (round(HERE.lon, decimals), round(HERE.lat, decimals))
    assert position(out) == pytest.approx(rounded, abs=1e-9)
    assert any(f"rounded to {decimals} decimals" in note for note in result.notes)
    assert any("may still tell more" in note for note in result.notes)


@pytest.mark.parametrize("degree", [59.9999999999, 0.0, -179.99999999999, 7.0166666666666666])
def test_arcs_never_have_sixty_seconds(photo: Path, tmp_path: Path, degree: float) -> None:
    out = tmp_path / "copy.jpg"
    export(photo, out, lonlat=LonLat(degree, degree / 2))
    gps = piexif.load(str(out))["GPS"]
    for value in (gps[2], gps[4]):
        assert value[1][0] < 60
        assert value[2][0] < 60 * value[2][1]
    assert position(out) == pytest.approx((degree, degree / 2), abs=1e-9)


# ------------------------------------------------------------------ nothing of its own is left


def segments_of(path: Path) -> list[int]:
    return [s.marker for s in split_jpeg(path.read_bytes())[0] if s.is_metadata]


def test_stripped_copy_holds_the_new_position_alone(photo: Path, tmp_path: Path) -> None:
    photo.write_bytes(photo.read_bytes() + b"a trailer with a second picture")
    out = tmp_path / "copy.jpg"
    export(photo, out, strip_metadata=True, heading_deg=90.0)
    data = out.read_bytes()
    for word in (b"Maker", b"2021", b"secret", b"comment", b"Somebody", b"xap", b"trailer"):
        assert word not in data
    exif = piexif.load(data)
    assert set(exif["0th"]) == {piexif.ImageIFD.GPSTag}
    assert not exif["Exif"]
    assert not exif["Interop"]
    assert not exif["1st"]
    assert exif["thumbnail"] is None
    assert set(exif["GPS"]) == {0, 1, 2, 3, 4, 16, 17, 18}
    assert segments_of(out) == [0xE0, 0xE1]


def test_stripping_real_files_leaves_only_profile_and_position(
    shared_data: Path, tmp_path: Path
) -> None:
    photos = sorted((shared_data / "exif_edge").rglob("*.jp*g"))
    assert len(photos) > 40
    for path in photos:
        before = path.read_bytes()
        out = tmp_path / f"{path.parent.name}-{path.name}"
        export(path, out, strip_metadata=True)
        assert path.read_bytes() == before
        assert position(out) == pytest.approx((HERE.lon, HERE.lat), abs=1e-9)
        exif = piexif.load(str(out))
        assert set(exif["0th"]) == {piexif.ImageIFD.GPSTag}
        left = [s for s in split_jpeg(out.read_bytes())[0] if s.is_metadata]
        for segment in left:
            assert segment.payload[:5] in (b"JFIF\0", b"Exif\0", b"Adobe", b"ICC_P"), segment
        assert split_jpeg(out.read_bytes())[1] == b""
        turned = read_photo_metadata(path).orientation != 1
        if not turned:
            assert np.array_equal(read_pixels(out), read_pixels(path))
        difference = np.abs(read_pixels(out).astype(int) - read_pixels(path).astype(int))
        assert difference.mean() < 3.0, path


def test_every_real_file_is_geotagged_without_losing_a_pixel(
    shared_data: Path, tmp_path: Path
) -> None:
    photos = sorted((shared_data / "exif_edge").rglob("*.jp*g"))
    photos += sorted((shared_data / "photos").rglob("*.jpg"))[:4]
    photos += sorted((shared_data / "panoramas").rglob("*.jpg"))[:2]
    assert len(photos) > 10
    for path in photos:
        before, read = path.read_bytes(), read_photo_metadata(path)
        out = tmp_path / f"{path.parent.name}-{path.name}"
        export(path, out, heading_deg=123.0)
        assert path.read_bytes() == before
        copied = read_photo_metadata(out)
        assert (copied.lonlat.lon, copied.lonlat.lat) == pytest.approx((HERE.lon, HERE.lat))
        assert copied.heading_deg == pytest.approx(123.0)
        assert copied.captured_at == read.captured_at
        assert copied.orientation == read.orientation
        assert copied.fov_deg == read.fov_deg
        assert np.array_equal(read_pixels(out), read_pixels(path))


# ------------------------------------------------------------------ other formats


def stored(tmp_path: Path, suffix: str, orientation: int = 1) -> Path:
    path = tmp_path / f"photo{suffix}"
    exif = full_exif(orientation)
    if suffix == ".heic":
        pillow_heif.from_pillow(picture()).save(path, quality=90, exif=exif, xmp=XMP)
    elif suffix == ".png":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", "a private comment")
        text.add_itxt("XML:com.adobe.xmp", XMP.decode())
        picture().save(path, exif=exif, pnginfo=text)
    elif suffix == ".tif":
        tags = Image.Exif()
        tags.load(exif)
        tags[700] = XMP
        picture().save(path, exif=tags)
    else:
        picture().save(path, exif=exif, xmp=XMP, quality=90)
    return path


def contents(path: Path) -> tuple[float, float, bytes]:
    read = read_photo_metadata(path)
    return read.lonlat.lon, read.lonlat.lat, path.read_bytes()


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".heic"])
def test_other_formats_are_geotagged_and_stripped(tmp_path: Path, suffix: str) -> None:
    photo = stored(tmp_path, suffix)
    before = photo.read_bytes()
    out = tmp_path / f"copy{suffix}"
    export(photo, out, heading_deg=200.0)
    lon, lat, data = contents(out)
    assert (lon, lat) == pytest.approx((HERE.lon, HERE.lat))
    read = read_photo_metadata(out)
    assert read.heading_deg == pytest.approx(200.0)
    assert read.captured_at == read_photo_metadata(photo).captured_at
    assert b"Somebody" in data
    assert b"48,34.5N" not in data
    difference = np.abs(read_pixels(out).astype(int) - read_pixels(photo).astype(int))
    assert difference.mean() < (0.01 if suffix in (".png", ".tif") else 4.0)
    export(photo, out, strip_metadata=True)
    lon, lat, data = contents(out)
    assert (lon, lat) == pytest.approx((HERE.lon, HERE.lat))
    for word in (b"Maker", b"2021", b"secret", b"Somebody", b"comment", b"48,34.5N"):
        assert word not in data
    assert photo.read_bytes() == before


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", [3, 6])
def test_copy_stands_upright_as_the_photo_does(
    tmp_path: Path, suffix: str, orientation: int
) -> None:
    photo = stored(tmp_path, suffix, orientation)
    out = tmp_path / f"copy{suffix}"
    for strip in (False, True):
        export(photo, out, strip_metadata=strip)
        difference = np.abs(read_pixels(out).astype(int) - read_pixels(photo).astype(int))
        assert difference.mean() < 4.0
        if strip and suffix == ".jpg":
            assert set(piexif.load(str(out))["0th"]) == {piexif.ImageIFD.GPSTag}


def test_heic_becomes_a_jpeg_where_the_name_says_so(tmp_path: Path) -> None:
    photo = stored(tmp_path, ".heic")
    out = tmp_path / "copy.jpg"
    export(photo, out, heading_deg=1.0)
    assert Image.open(out).format == "JPEG"
    assert position(out) == pytest.approx((HERE.lon, HERE.lat), abs=1e-9)
    assert piexif.load(str(out))["Exif"][piexif.ExifIFD.DateTimeOriginal] == b"2021:05:06 07:08:09"


def test_grey_of_sixteen_bits_keeps_its_depth(tmp_path: Path) -> None:
    photo, out = tmp_path / "photo.png", tmp_path / "copy.png"
    grey = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16
    Image.fromarray(grey).save(photo)
    export(photo, out)
    assert np.array_equal(np.asarray(Image.open(out)), grey)


# ------------------------------------------------------------------ blurred regions

REGION = Region(0.25, 0.25, 0.75, 0.5)


def region_pixels(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    return pixels[height // 4 : height // 2, width // 4 : width * 3 // 4].astype(float)


def detail(pixels: np.ndarray) -> float:
    """Mean difference of neighbours: what text is made of."""
    return float(np.abs(np.diff(pixels, axis=1)).mean())


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".heic"])
def test_blurred_region_cannot_be_read_and_the_rest_is_sharp(tmp_path: Path, suffix: str) -> None:
    photo = stored(tmp_path, suffix)
    out = tmp_path / f"copy{suffix}"
    export(photo, out, regions=(REGION,))
    before, after = read_pixels(photo), read_pixels(out)
    assert detail(region_pixels(after)) < 0.1 * detail(region_pixels(before))
    below = slice(before.shape[0] * 6 // 10, None)
    difference = np.abs(before[below].astype(int) - after[below].astype(int))
    assert difference.mean() < 4.0
    data = out.read_bytes()
    assert b"secret notes" not in data
    assert b"2021" in data


def test_two_different_texts_are_alike_once_blurred(tmp_path: Path) -> None:
    seen = []
    for text in ("B 4711 XY", "M 9038 KQ"):
        photo, out = tmp_path / "photo.png", tmp_path / "copy.png"
        image = Image.new("RGB", (400, 100), "white")
        ImageDraw.Draw(image).text((10, 10), text, fill="black", font_size=80)
        image.save(photo)
        export(photo, out, regions=(Region(0.0, 0.0, 1.0, 1.0),))
        seen.append((np.asarray(image, float), read_pixels(out).astype(float)))
    unblurred = np.abs(seen[0][0] - seen[1][0]).mean()
    assert np.abs(seen[0][1] - seen[1][1]).mean() < 0.25 * unblurred
    for text, blurred in seen:
        sharpened = Image.fromarray(blurred.astype(np.uint8)).filter(
            ImageFilter.UnsharpMask(8, 500, 0)
        )
        shape = np.corrcoef(np.asarray(sharpened, float).ravel(), text.ravel())[0, 1]
        assert shape < 0.5


@pytest.mark.parametrize("orientation", range(1, 9))
def test_regions_lie_in_the_upright_photo(tmp_path: Path, orientation: int) -> None:
    photo, out = stored(tmp_path, ".jpg", orientation), tmp_path / "copy.jpg"
    export(photo, out, regions=(REGION,))
    before, after = read_pixels(photo), read_pixels(out)
    assert after.shape == before.shape
    changed = np.abs(before.astype(int) - after.astype(int)).max(axis=2) > 60
    height, width = changed.shape
    inside = np.zeros_like(changed)
    inside[height // 4 : height // 2, width // 4 : width * 3 // 4] = True
    assert changed[inside].mean() > 0.05
    assert changed[~inside].mean() < 0.01
    exif = piexif.load(str(out))
    assert piexif.ImageIFD.Orientation not in exif["0th"]
    assert exif["thumbnail"] is None


def test_preview_in_xmp_goes_with_a_blurred_region(tmp_path: Path) -> None:
    photo, out = tmp_path / "photo.jpg", tmp_path / "copy.jpg"
    picture().save(photo, xmp=XMP.replace(b"dc:creator", b"xmp:Thumbnails"))
    result = export(photo, out, regions=(REGION,))
    assert "xmp" not in Image.open(out).info
    assert any("unblurred" in note for note in result.notes)


# ------------------------------------------------------------------ what is refused


def test_photo_itself_is_never_replaced(photo: Path, tmp_path: Path) -> None:
    before = photo.read_bytes()
    hard, soft = tmp_path / "hard.jpg", tmp_path / "soft.jpg"
    os.link(photo, hard)
    soft.symlink_to(photo)
    for out in (photo, hard, soft, photo.parent / "." / photo.name):
        with pytest.raises(InputError, match="is the photo itself"):
            export(photo, out)
    assert photo.read_bytes() == before
    assert soft.is_symlink()


def test_an_earlier_copy_is_replaced(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy.jpg"
    out.write_text("an earlier one")
    export(photo, out)
    assert position(out) == pytest.approx((HERE.lon, HERE.lat), abs=1e-9)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy.jpg", "photo.jpg"]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"lonlat": LonLat(200.0, 0.0)}, "no longitude"),
        ({"lonlat": LonLat(float("nan"), 0.0)}, "no longitude"),
        ({"heading_deg": float("inf")}, "heading"),
        ({"decimals": 12}, "decimals"),
        ({"decimals": -1}, "decimals"),
    ],
)
def test_impossible_request_is_refused(
    photo: Path, tmp_path: Path, wanted: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        export(photo, tmp_path / "copy.jpg", **wanted)


def test_region_without_size_is_refused() -> None:
    for edges in ((0.5, 0.0, 0.5, 1.0), (0.0, -0.1, 1.0, 1.0), (0.0, 0.0, float("nan"), 1.0)):
        with pytest.raises(InputError, match="region to blur"):
            Region(*edges)


def test_unknown_ending_missing_photo_and_unwritable_folder_are_said(
    photo: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"copy\.gif: a copy ends in \.jpg"):
        export(photo, tmp_path / "copy.gif")
    with pytest.raises(PhotoError, match=r"missing\.jpg: there is no such file"):
        export(tmp_path / "missing.jpg", tmp_path / "copy.jpg")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match="choose another folder"):
        export(photo, tmp_path / "file" / "copy.jpg")
