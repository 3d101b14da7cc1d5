"""The files of a rendered area as other programs write them: GeoTIFF, GeoJSON, EXIF and XMP."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rasterio
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational
from pyproj import Transformer
from rasterio.transform import from_origin

from model_core.references.area import LocalFrame
from model_core.types import FloatArray, ImageU8, LonLat

UTM = "EPSG:32633"


def write_geotiff(
    path: Path,
    image: ImageU8,
    frame: LocalFrame,
    origin: LonLat,
    half_m: float,
    cell_m: float,
    quality: int,
) -> None:
    """Write a whole-city image (true north up, local metres) as a GeoTIFF in UTM.

    Args:
        path: The file.
        image: (R, R, 3), the square of ``R * cell_m`` metres around the origin.
        frame: The local plane.
        origin: Its origin.
        half_m: Half of the side to write, metres.
        cell_m: Pixel size, metres.
        quality: JPEG quality.
    """
    to_utm = Transformer.from_crs("EPSG:4326", UTM, always_xy=True)
    east, north = to_utm.transform(origin.lon, origin.lat)
    west, top = round(east - half_m), round(north + half_m)
    size = round(2 * half_m / cell_m)
    at = (np.arange(size) + 0.5) * cell_m
    grid_e, grid_n = np.meshgrid(west + at, top - at)
    lon, lat = to_utm.transform(grid_e, grid_n, direction="INVERSE")
    x, y = frame.to_xy(lon.ravel(), lat.ravel())
    source = image.shape[0]
    source_half = source * cell_m / 2
    col = (np.asarray(x).reshape(size, size) + source_half) / cell_m - 0.5
    row = (source_half - np.asarray(y).reshape(size, size)) / cell_m - 0.5
    if col.min() < -1 or row.min() < -1 or max(col.max(), row.max()) > source:
        raise ValueError(f"{path}: the rendered square is smaller than the raster to write")
    pixels = cv2.remap(
        image, col.astype(np.float32), row.astype(np.float32), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    profile: dict[str, Any] = {
        "driver": "GTiff", "width": size, "height": size, "count": 3, "dtype": "uint8",
        "crs": UTM, "transform": from_origin(west, top, cell_m, cell_m), "tiled": True,
        "blockxsize": 256, "blockysize": 256, "compress": "JPEG", "photometric": "YCBCR",
        "jpeg_quality": quality,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as target:
        target.write(pixels.transpose(2, 0, 1))


def write_geojson(path: Path, features: Sequence[dict[str, Any]]) -> None:
    """Write features in WGS 84."""
    text = json.dumps({"type": "FeatureCollection", "features": list(features)}, indent=None)
    path.write_text(text + "\n", encoding="utf-8")


def feature(kind: str, coordinates: Any, **properties: Any) -> dict[str, Any]:
    """Return one GeoJSON feature."""
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def lonlat_line(frame: LocalFrame, points: FloatArray) -> list[list[float]]:
    """Return a line of local metres as longitudes and latitudes, seven decimals."""
    lon, lat = frame.to_lonlat(points[:, 0], points[:, 1])
    return [[round(float(a), 7), round(float(b), 7)] for a, b in zip(lon, lat, strict=True)]


def write_panorama(
    path: Path,
    image: ImageU8,
    lonlat: LonLat,
    heading_deg: float,
    taken: datetime,
    quality: int,
) -> None:
    """Write a panorama as JPEG with EXIF position, direction and date, and GPano XMP."""
    exif = _exif(taken, "Rendered 360")
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef] = "N" if lonlat.lat >= 0 else "S"
    gps[ExifTags.GPS.GPSLatitude] = _degrees(lonlat.lat)
    gps[ExifTags.GPS.GPSLongitudeRef] = "E" if lonlat.lon >= 0 else "W"
    gps[ExifTags.GPS.GPSLongitude] = _degrees(lonlat.lon)
    gps[ExifTags.GPS.GPSImgDirectionRef] = "T"
    gps[ExifTags.GPS.GPSImgDirection] = IFDRational(round(heading_deg % 360 * 100), 100)
    tall, wide = image.shape[:2]
    values = {
        "ProjectionType": "equirectangular",
        "PoseHeadingDegrees": f"{heading_deg % 360:.2f}",
        "CroppedAreaImageWidthPixels": wide,
        "CroppedAreaImageHeightPixels": tall,
        "FullPanoWidthPixels": wide,
        "FullPanoHeightPixels": tall,
        "CroppedAreaLeftPixels": 0,
        "CroppedAreaTopPixels": 0,
    }
    facts = "".join(f' GPano:{key}="{value}"' for key, value in values.items())
    packet = (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:GPano="http://ns.google.com/photos/1.0/panorama/"'
        f'{facts}/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )
    path.write_bytes(_with_xmp(_jpeg(image, exif, quality), packet.encode("utf-8")))


def write_photo(path: Path, image: ImageU8, focal_35mm: int, taken: datetime, quality: int) -> None:
    """Write a photo as JPEG that knows its lens and date and nothing of its place."""
    exif = _exif(taken, "Rendered camera")
    lens = exif.get_ifd(ExifTags.IFD.Exif)
    lens[ExifTags.Base.FocalLengthIn35mmFilm] = focal_35mm
    path.write_bytes(_jpeg(image, exif, quality))


def _exif(taken: datetime, camera: str) -> Image.Exif:
    exif = Image.Exif()
    stamp = taken.strftime("%Y:%m:%d %H:%M:%S")
    exif[ExifTags.Base.Make] = "Procedural city"
    exif[ExifTags.Base.Model] = camera
    exif[ExifTags.Base.DateTime] = stamp
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = stamp
    return exif


def _degrees(value: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    """Return degrees, minutes and seconds to a hundred-thousandth of a second."""
    whole = abs(value)
    degrees = int(whole)
    minutes = int((whole - degrees) * 60)
    seconds = (whole - degrees - minutes / 60) * 3600
    parts = IFDRational(degrees, 1), IFDRational(minutes, 1)
    return (*parts, IFDRational(round(seconds * 100000), 100000))


def _jpeg(image: ImageU8, exif: Image.Exif, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, optimize=True, exif=exif)
    return buffer.getvalue()


def _with_xmp(jpeg: bytes, packet: bytes) -> bytes:
    """Return a JPEG with an XMP segment behind its EXIF segment."""
    body = b"http://ns.adobe.com/xap/1.0/\x00" + packet
    segment = b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body
    at = 2
    while jpeg[at : at + 2] in (b"\xff\xe0", b"\xff\xe1"):
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return jpeg[:at] + segment + jpeg[at:]
