"""Web map services, asked for the tiles of the web-Mercator grid."""

from __future__ import annotations

from collections.abc import Mapping

import defusedxml.ElementTree as ElementTree

from model_core.errors import InputError, ProviderError
from model_core.references.bodies import image_body
from model_core.references.imagery.online_tiles import OnlineTiles, TileService
from model_core.references.imagery.pyramid import HALF_WORLD_M, TO_MERCATOR, TileKey
from model_core.references.imagery.stated import (
    EXPIRY_OPTION,
    OFFSET_OPTIONS,
    TERMS_OPTIONS,
    TILE_OPTIONS,
    expiry_s,
    shifted,
    stated_terms,
    tile_limits,
)
from model_core.references.imagery.template import read_address, with_params
from model_core.references.source import KnownSource, SourceContext, SourceText
from model_core.references.web import HttpRequest
from model_core.types import SourceTerms

_MERCATOR = ("EPSG:3857", "EPSG:900913", "EPSG:3785", "EPSG:102100")
_DEGREES = ("EPSG:4326", "CRS:84")
_LEAST_ZOOM_IN_DEGREES = 12
"""From here on a tile in degrees is straight in web Mercator to a small part of a pixel."""


def _open(text: SourceText, context: SourceContext) -> OnlineTiles:
    """Return the source of a ``wms`` text."""
    options = text.options
    crs = options.get("crs", _MERCATOR[0]).upper()
    version = options.get("version", "1.3.0")
    if crs not in _MERCATOR + _DEGREES:
        raise InputError(
            f"wms: crs {crs} cannot be asked for as tiles; say one of "
            f"{', '.join(_MERCATOR + _DEGREES)}"
        )
    if version not in ("1.1.0", "1.1.1", "1.3.0"):
        raise InputError(f"wms: version {version} is unknown; say 1.1.1 or 1.3.0")
    layers = text.required("layers")
    address = read_address("wms", text.required("url"), context.keys.get("wms", ""))
    least = _LEAST_ZOOM_IN_DEGREES if crs in _DEGREES else 0
    limits = tile_limits(text, min_zoom=least)
    fixed = {
        "SERVICE": "WMS",
        "VERSION": version,
        "REQUEST": "GetMap",
        "LAYERS": layers,
        "STYLES": options.get("styles", ""),
        "FORMAT": options.get("format", "image/png"),
        "TRANSPARENT": "TRUE",
        "WIDTH": str(limits.tile_px),
        "HEIGHT": str(limits.tile_px),
        "CRS" if version == "1.3.0" else "SRS": crs,
    }
    if "time" in options:
        fixed["TIME"] = options["time"]

    def request_of(tile: TileKey) -> HttpRequest:
        box = tile_box(tile, crs, version)
        return address.request(with_params(address.url, {**fixed, "BBOX": box}))

    service = TileService(
        request_of,
        stated_terms(text, f"WMS {layers}"),
        max(least, limits.min_zoom),
        limits.max_zoom,
        limits.tile_px,
        expiry_s(text),
        map_body,
    )
    return OnlineTiles(context.client, service)


def tile_box(tile: TileKey, crs: str, version: str) -> str:
    """Return a tile's BBOX; in WMS 1.3.0 the latitude of EPSG:4326 comes first."""
    zoom, x, y = tile
    side = 2.0 * HALF_WORLD_M / (1 << zoom)
    west, north = x * side - HALF_WORLD_M, HALF_WORLD_M - y * side
    box = (west, north - side, west + side, north)
    if crs in _DEGREES:
        low = TO_MERCATOR.transform(box[0], box[1], direction="INVERSE")
        high = TO_MERCATOR.transform(box[2], box[3], direction="INVERSE")
        box = (low[0], low[1], high[0], high[1])
        if crs == "EPSG:4326" and version == "1.3.0":
            box = (low[1], low[0], high[1], high[0])
    return ",".join(f"{value:.10f}".rstrip("0").rstrip(".") for value in box)


def map_body(body: bytes) -> None:
    """Return where the body is a whole image.

    Raises:
        ProviderError: It is a service's exception, or something else.
    """
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and b"Exception" in body[:4096]:
        raise ProviderError(
            f"the service says: {exception_text(body)}; check layers, styles and format",
            reason="service exception",
        )
    image_body(body)


def exception_text(body: bytes) -> str:
    """Return what an OGC exception report says, in a line."""
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError):
        return "an exception that cannot be read"
    parts = []
    for element in root.iter():
        code = element.get("code") or element.get("exceptionCode") or ""
        said = " ".join((element.text or "").split())
        parts += [one for one in (code, said) if one]
    text = ": ".join(dict.fromkeys(parts))
    return text[:300] or "an exception without a word"


OPTIONS: Mapping[str, str] = {
    "url": "address of the service",
    "layers": "layers, separated by commas",
    "styles": "styles, the default ones if not given",
    "format": "image/png if not given; image/jpeg is smaller",
    "version": "1.3.0 if not given; or 1.1.1",
    "crs": "EPSG:3857 if not given; EPSG:4326 for services without it",
    "time": "value of the TIME dimension",
    **TILE_OPTIONS,
    **TERMS_OPTIONS,
    **EXPIRY_OPTION,
    **OFFSET_OPTIONS,
}

WMS = KnownSource(
    name="wms",
    title="Web map service (WMS)",
    kind="imagery",
    terms=SourceTerms("WMS", "not stated", trainable=False),
    open=shifted(_open),
    key="optional",
    key_help="Stands for {key} in the address.",
    example="wms|url=https://maps.example.org/wms|layers=ortho|licence=CC BY 4.0",
    options=OPTIONS,
)
