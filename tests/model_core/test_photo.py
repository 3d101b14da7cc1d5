"""Photos of every format and state: upright pixels, or one clear error each."""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import piexif
import pillow_heif
import pytest
from PIL import Image

from model_core.errors import PhotoError
from model_core.photo import (
    MAX_PIXELS,
    PhotoFailure,
    find_photos,
    read_photo,
    read_photo_metadata,
    read_pixels,
)
from model_core.photo_edits import read_edited_photos
from model_core.types import Photo

GPANO = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" {}/></rdf:RDF></x:xmpmeta>'
)


def scene(width: int = 320, height: int = 240) -> Image.Image:
    """A picture whose four corners tell its orientation: red, green, blue, white."""
    pixels = np.full((height, width, 3), 90, np.uint8)
    half_h, half_w = height // 2, width // 2
    pixels[:half_h, :half_w] = (220, 30, 30)
    pixels[:half_h, half_w:] = (30, 220, 30)
    pixels[half_h:, :half_w] = (30, 30, 220)
    pixels[half_h:, half_w:] = (230, 230, 230)
    return Image.fromarray(pixels)


def corner_names(pixels: np.ndarray) -> str:
    names = {(220, 30, 30): "r", (30, 220, 30): "g", (30, 30, 220): "b", (230, 230, 230): "w"}
    height, width = pixels.shape[:2]
    corners = [(10, 10), (10, width - 10), (height - 10, 10), (height - 10, width - 10)]
    found = [pixels[corner].astype(int) for corner in corners]
    return "".join(
        names[min(names, key=lambda colour: float(np.abs(pixel - np.array(colour)).sum()))]
        for pixel in found
    )


def coarse(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).convert("L").resize((20, 20)), float).ravel()


def panorama(width: int = 1200) -> np.ndarray:
    """A full sphere that closes at its seam and its poles, unlike along every other column."""
    lon = (np.arange(width) + 0.5) / width * 2 * np.pi
    lat = (np.arange(width // 2) + 0.5) / (width // 2) * np.pi
    wave = 60 * np.sin(3 * lon)[None, :] * np.sin(lat)[:, None]
    grey = 128 + wave + 40 * np.cos(lat)[:, None]
    return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)


def gpano_xmp(**properties: object) -> bytes:
    return GPANO.format(" ".join(f'GPano:{k}="{v}"' for k, v in properties.items())).encode()


# ---------------------------------------------------------------- formats and orientation


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_every_format_gives_the_same_upright_rgb_pixels(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"photo{suffix}"
    scene().save(path, quality=95) if suffix in (".jpg", ".webp") else scene().save(path)
    photo = read_photo(path)
    assert photo.image.shape == (240, 320, 3)
    assert photo.image.dtype == np.uint8
    assert photo.image.flags.writeable
    assert corner_names(photo.image) == "rgbw"
    assert photo.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert photo.name == f"photo{suffix}"


def test_heic_is_read_upright_with_its_exif(tmp_path: Path) -> None:
    path = tmp_path / "photo.HEIC"
    exif = piexif.dump(
        {
            "0th": {piexif.ImageIFD.Orientation: 6, piexif.ImageIFD.Model: b"x"},
            "Exif": {piexif.ExifIFD.FocalLengthIn35mmFilm: 26},
        }
    )
    pillow_heif.from_pillow(scene()).save(path, exif=exif, quality=95)
    photo = read_photo(path)
    assert photo.image.shape == (320, 240, 3), "orientation 6 turns landscape into portrait"
    assert corner_names(photo.image) == "brwg"
    assert photo.fov_deg == pytest.approx(53.1, abs=0.2), "the narrow side of 26 mm by diagonal"


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_orientations_come_out_upright(
    tmp_path: Path, suffix: str, orientation: int
) -> None:
    stored = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    image = scene() if stored is None else scene().transpose(stored)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"turned{suffix}"
    image.save(path, exif=exif)
    pixels = read_pixels(path)
    assert pixels.shape == (240, 320, 3)
    assert corner_names(pixels) == "rgbw"


def test_real_photos_of_all_orientations_look_alike(shared_data: Path) -> None:
    folder = shared_data / "exif_edge" / "orientation"
    for kind, shape in (("landscape", (450, 600, 3)), ("portrait", (600, 450, 3))):
        upright = read_pixels(folder / f"{kind}_1.jpg")
        assert upright.shape == shape
        for number in range(2, 9):
            other = read_pixels(folder / f"{kind}_{number}.jpg")
            assert other.shape == shape
            likeness = np.corrcoef(coarse(upright), coarse(other))[0, 1]
            assert likeness > 0.9, f"{kind}_{number} is not upright"


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "CMYK", "1"])
def test_other_colour_modes_become_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "photo.tif"
    scene().convert(mode).save(path)
    assert read_pixels(path).shape == (240, 320, 3)


def test_sixteen_bit_greys_are_scaled_not_clipped(tmp_path: Path) -> None:
    path = tmp_path / "deep.png"
    ramp = np.tile(np.linspace(0, 65535, 300).astype(np.uint16), (200, 1))
    Image.fromarray(ramp).save(path)
    pixels = read_pixels(path)
    assert pixels[100, 0, 0] == 0
    assert pixels[100, -1, 0] == 255
    assert abs(int(pixels[100, 150, 0]) - 128) <= 2


def test_large_photos_are_scaled_down_and_keep_their_field_of_view(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    exif = piexif.dump({"Exif": {piexif.ExifIFD.FocalLengthIn35mmFilm: 28}})
    scene(3200, 2400).save(path, exif=exif)
    photo, full = read_photo(path), read_photo(path, max_side_px=None)
    assert photo.image.shape == (1536, 2048, 3)
    assert full.image.shape == (2400, 3200, 3)
    assert photo.fov_deg == full.fov_deg == pytest.approx(63.4, abs=0.2)
    assert corner_names(photo.image) == "rgbw"
    assert read_pixels(path, 500).shape == (375, 500, 3)


# ---------------------------------------------------------------- what cannot be read


def png_chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


@pytest.mark.parametrize("side", [40_000, 13_500])
def test_a_pixel_bomb_is_refused_before_it_unpacks(tmp_path: Path, side: int) -> None:
    path = tmp_path / "bomb.png"
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compressobj(9)
    body = b"".join(rows.compress(bytes(1 + 3 * side)) for _ in range(64)) + rows.flush()
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", body)
        + png_chunk(b"IEND", b"")
    )
    assert side * side > MAX_PIXELS
    with pytest.raises(PhotoError, match=r"bomb\.png.*million pixels.*scale the image down"):
        read_photo(path)
    with pytest.raises(PhotoError):
        read_pixels(path)


def test_a_truncated_jpeg_says_that_it_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "half.jpg"
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(PhotoError, match=r"half\.jpg: damaged.*copy it"):
        read_photo(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.jpg", b"", r"empty\.jpg.*empty.*copy it"),
        ("text.jpg", b"this is a letter, not a photo", r"text\.jpg.*not a JPEG.*convert"),
        ("head.jpg", b"\xff\xd8\xff\xe0", r"head\.jpg"),
        ("head.png", b"\x89PNG\r\n\x1a\n", r"head\.png"),
        ("broken.heic", b"\0\0\0\x18ftypheic" + bytes(64), r"broken\.heic.*damaged"),
        ("vector.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", r"vector\.svg.*convert"),
    ],
)
def test_what_is_no_photo_gives_one_error_that_names_it(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(PhotoError, match=message):
        read_photo(path)


def test_missing_files_and_folders_give_errors(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match=r"gone\.jpg.*no such file"):
        read_photo(tmp_path / "gone.jpg")
    with pytest.raises(PhotoError, match="cannot be read"):
        read_photo(tmp_path)


def test_a_photo_too_small_to_locate_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dot.png"
    Image.new("RGB", (1, 4000)).save(path)
    with pytest.raises(PhotoError, match=r"1 x 4000 pixels is too small"):
        read_photo(path)


def test_one_bad_photo_never_costs_the_others(tmp_path: Path) -> None:
    scene().save(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").write_bytes(b"no photo")
    scene().save(tmp_path / "c.png")
    results = list(read_edited_photos(find_photos([tmp_path]), {}))
    assert [type(result) for result in results] == [Photo, PhotoFailure, Photo]
    failure = results[1]
    assert isinstance(failure, PhotoFailure)
    assert failure.path.name == "b.jpg"
    assert "b.jpg" in str(failure.error)


def test_every_damaged_real_photo_is_read_or_refused_with_its_name(shared_data: Path) -> None:
    paths = find_photos([shared_data / "exif_edge"])
    assert len(paths) == 45
    for result in read_edited_photos(paths, {}):
        if isinstance(result, PhotoFailure):
            assert result.path.name in str(result.error)
        else:
            assert result.image.ndim == 3
            assert result.fov_deg is None or 5 < result.fov_deg < 130
            assert result.captured_at is None or result.captured_at.tzinfo is not None


@pytest.mark.parametrize("cut", [0.02, 0.1, 0.5, 0.9])
def test_real_photos_cut_anywhere_or_with_flipped_bytes_never_crash(
    shared_data: Path, tmp_path: Path, cut: float
) -> None:
    data = bytearray((shared_data / "exif_edge" / "gps" / "DSCN0010.jpg").read_bytes())
    rng = np.random.default_rng(int(cut * 100))
    for position in rng.integers(2, 3000, 20):
        data[position] ^= int(rng.integers(1, 255))
    path = tmp_path / "cut.jpg"
    path.write_bytes(data[: int(len(data) * cut)])
    (result,) = read_edited_photos([path], {})
    assert isinstance(result, PhotoFailure)
    path.write_bytes(data)
    (result,) = read_edited_photos([path], {})
    assert isinstance(result, (Photo, PhotoFailure))


# ---------------------------------------------------------------- finding


def test_folders_are_searched_and_named_files_always_kept(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.heic", "sub/c.tiff", "notes.txt", ".hidden/d.jpg", "sub/._c.jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    found = find_photos([tmp_path / "notes.txt", tmp_path, tmp_path / "b.JPG"])
    assert [str(p.relative_to(tmp_path)) for p in found] == [
        "notes.txt",
        "a.heic",
        "b.JPG",
        os.path.join("sub", "c.tiff"),
    ]


# ---------------------------------------------------------------- panoramas


def test_a_full_gpano_panorama_is_a_circle_with_heading_and_tilt(tmp_path: Path) -> None:
    path = tmp_path / "pano.jpg"
    xmp = gpano_xmp(
        ProjectionType="equirectangular",
        FullPanoWidthPixels=8000,
        FullPanoHeightPixels=4000,
        CroppedAreaImageWidthPixels=8000,
        CroppedAreaImageHeightPixels=4000,
        CroppedAreaLeftPixels=0,
        CroppedAreaTopPixels=0,
        PoseHeadingDegrees="-90.5",
        PosePitchDegrees="2.5",
        PoseRollDegrees="-1",
    )
    Image.fromarray(panorama()).save(path, xmp=xmp)
    photo = read_photo(path)
    assert (photo.projection, photo.fov_deg, photo.fov_source) == (
        "equirectangular",
        360.0,
        "GPano",
    )
    assert photo.heading_deg == pytest.approx(269.5)
    assert (photo.pitch_deg, photo.roll_deg) == (2.5, -1.0)
    assert photo.coverage is None
    assert photo.image.shape == (600, 1200, 3)


def test_a_cropped_panorama_is_padded_and_says_what_it_covers(tmp_path: Path) -> None:
    whole = panorama(2000)
    part = whole[250:750, 500:1500]
    path = tmp_path / "part.jpg"
    xmp = gpano_xmp(
        ProjectionType="equirectangular",
        FullPanoWidthPixels=4000,
        FullPanoHeightPixels=2000,
        CroppedAreaImageWidthPixels=2000,
        CroppedAreaImageHeightPixels=1000,
        CroppedAreaLeftPixels=1000,
        CroppedAreaTopPixels=500,
    )
    Image.fromarray(part).save(path, xmp=xmp, quality=95)
    photo = read_photo(path)
    assert photo.projection == "equirectangular"
    assert photo.image.shape == (1000, 2000, 3)
    assert photo.coverage is not None
    assert photo.coverage.mean() == pytest.approx(0.25, abs=0.001)
    assert photo.coverage[500, 1000]
    assert not photo.coverage[500, 100]
    assert not photo.coverage[100, 1000]
    assert not photo.image[~photo.coverage].any()
    error = np.abs(photo.image.astype(int) - whole)[photo.coverage]
    assert error.mean() < 3
    assert any("180 x 90 degrees" in note for note in photo.notes)
    assert read_photo(path, max_side_px=500).image.shape == (500, 1000, 3)


def test_a_panorama_part_across_the_seam_wraps(tmp_path: Path) -> None:
    whole = panorama(2000)
    part = np.concatenate([whole[:, 1800:], whole[:, :200]], axis=1)
    path = tmp_path / "seam.png"
    xmp = gpano_xmp(
        FullPanoWidthPixels=2000,
        FullPanoHeightPixels=1000,
        CroppedAreaImageWidthPixels=400,
        CroppedAreaImageHeightPixels=1000,
        CroppedAreaLeftPixels=1800,
        CroppedAreaTopPixels=0,
    )
    Image.fromarray(part).save(tmp_path / "seam.webp", xmp=xmp, lossless=True)
    photo = read_photo(tmp_path / "seam.webp")
    assert path.suffix != photo.path.suffix
    assert photo.coverage is not None
    assert photo.coverage[:, :200].all()
    assert photo.coverage[:, 1800:].all()
    assert not photo.coverage[:, 200:1800].any()
    np.testing.assert_array_equal(photo.image[:, 1800:], whole[:, 1800:])


def test_panorama_tags_that_do_not_fit_leave_the_field_of_view_unknown(tmp_path: Path) -> None:
    path = tmp_path / "edited.jpg"
    xmp = gpano_xmp(
        FullPanoWidthPixels=4000,
        FullPanoHeightPixels=2000,
        CroppedAreaImageWidthPixels=4000,
        CroppedAreaImageHeightPixels=2000,
        CroppedAreaLeftPixels=0,
        CroppedAreaTopPixels=0,
    )
    exif = piexif.dump({"Exif": {piexif.ExifIFD.FocalLengthIn35mmFilm: 26}})
    scene(640, 480).save(path, xmp=xmp, exif=exif)
    photo = read_photo(path)
    assert (photo.projection, photo.fov_deg) == ("perspective", None)
    assert any("do not fit" in note for note in photo.notes)


def test_a_closing_image_twice_as_wide_as_high_is_a_panorama_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "plain.png"
    Image.fromarray(panorama()).save(path)
    photo = read_photo(path)
    assert (photo.projection, photo.fov_deg) == ("equirectangular", 360.0)
    assert any("taken as a 360-degree panorama" in note for note in photo.notes)


def test_a_wide_ordinary_photo_is_no_panorama(tmp_path: Path, shared_data: Path) -> None:
    paths = find_photos([shared_data / "photos"])
    assert len(paths) == 32
    for source in paths[::6]:
        pixels = read_pixels(source)
        height, width = pixels.shape[:2]
        path = tmp_path / "wide.png"
        Image.fromarray(pixels[(height - width // 2) :]).save(path)
        photo = read_photo(path)
        assert (photo.projection, photo.fov_deg) == ("perspective", None), source


def test_real_panoramas_without_tags_are_recognised(shared_data: Path) -> None:
    paths = find_photos([shared_data / "panoramas"])
    assert len(paths) >= 5
    for path in paths:
        metadata = read_photo_metadata(path)
        assert metadata.projection == "equirectangular", path
        assert metadata.heading_deg is not None
        assert metadata.heading_reference == "unknown"


# ---------------------------------------------------------------- what real files say


def test_real_phone_photos_say_where_when_and_how_wide(shared_data: Path) -> None:
    photos = [read_photo(path, 256) for path in find_photos([shared_data / "photos"])]
    assert len(photos) == 32
    for photo in photos:
        assert photo.fov_deg == pytest.approx(55.7, abs=0.5), "an iPhone 4S: 3264 px at f = 3085 px"
        assert photo.lonlat is not None
        assert photo.heading_deg is not None
        assert any("compass" in note for note in photo.notes)
        assert photo.captured_at is not None
        assert photo.captured_at.year == 2014
    first = next(p for p in photos if p.path.parts[-2:] == ("lund", "01.jpg"))
    assert first.captured_at == datetime(2014, 6, 7, 10, 24, 5, 656000, tzinfo=UTC)
    assert first.lonlat is not None
    assert first.lonlat.lat == pytest.approx(55.698167, abs=1e-5)
    assert first.heading_deg == pytest.approx(179.2156)


def test_the_files_own_times_are_never_the_date(tmp_path: Path) -> None:
    path = tmp_path / "undated.jpg"
    exif = piexif.dump({"0th": {piexif.ImageIFD.DateTime: b"2019:05:04 12:00:00"}})
    scene().save(path, exif=exif)
    photo = read_photo(path)
    assert photo.captured_at is None
    assert any("every street view counts as available" in note for note in photo.notes)
