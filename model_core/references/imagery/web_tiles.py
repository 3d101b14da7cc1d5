"""Sources of web-Mercator tiles: templates, the catalogue of known ones, Esri, WMS and WMTS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import xyzservices.providers

from model_core.errors import InputError
from model_core.references.imagery.online_tiles import OnlineTiles, TileService
from model_core.references.imagery.pyramid import HALF_WORLD_M, TO_MERCATOR, TileKey
from model_core.references.imagery.stated import (
    EXPIRY_OPTION,
    OFFSET_OPTIONS,
    TERMS_OPTIONS,
    TILE_OPTIONS,
    UNSTATED_LICENCE,
    TileLimits,
    expiry_s,
    shifted,
    stated_terms,
    tile_limits,
)
from model_core.references.imagery.template import TileTemplate, read_template
from model_core.references.imagery.wayback import ESRI_TERMS, WAYBACK
from model_core.references.imagery.wms import WMS
from model_core.references.imagery.wmts import WMTS
from model_core.references.source import KnownSource, SourceContext, SourceText
from model_core.types import SourceTerms

ESRI_URL = (
    "https://server.arcgisonline.com/ArcGIS/rest/services/World_Imagery/MapServer/tile/{z}/{y}/{x}"
    "?blankTile=false"
)
_KEY_PLACEHOLDER = re.compile(r"^<insert|^your_")
_KEPT_FIELDS = ("x", "y", "z", "s", "r")


def _open_xyz(text: SourceText, context: SourceContext) -> OnlineTiles:
    """Return the source of an ``xyz`` text."""
    subdomains = _subdomains(text.options.get("subdomains", "abc"))
    template = read_template("xyz", text.required("url"), context.keys.get("xyz", ""), subdomains)
    host = template.address.url.split("/")[2]
    terms = stated_terms(text, text.options.get("title", "") or f"tiles of {host}")
    return _tiles(text, context, template, terms, tile_limits(text))


def _open_esri(text: SourceText, context: SourceContext) -> OnlineTiles:
    """Return the source of an ``esri-world-imagery`` text."""
    template = read_template(text.name, text.options.get("url", ESRI_URL))
    return _tiles(text, context, template, ESRI_TERMS, tile_limits(text))


def _open_catalogued(text: SourceText, context: SourceContext) -> OnlineTiles:
    """Return the source of a ``catalog`` text."""
    name = text.required("name")
    try:
        provider = xyzservices.providers.query_name(name)
    except ValueError as err:
        raise InputError(
            f"catalog: {name!r} is no name of the catalogue; for example Esri.WorldImagery, "
            "BasemapAT.orthofoto, GeoportailFrance.orthos, SwissFederalGeoportal.SWISSIMAGE"
        ) from err
    values = dict(provider)
    _check_grid(name, values)
    needs_key = any(
        _KEY_PLACEHOLDER.match(str(values.get(field, "")))
        for field in re.findall(r"\{(\w+)\}", values["url"])
    )
    key = context.key("catalog") if needs_key else ""
    url = text.options.get("url") or _filled(values)
    template = read_template(f"catalog {name}", url, key, _subdomains(values.get("subdomains")))
    is_esri = values["name"].startswith("Esri.")
    known = SourceTerms(
        values["name"],
        ESRI_TERMS.licence if is_esri else UNSTATED_LICENCE,
        values.get("attribution", ""),
        cacheable=not (is_esri or needs_key),
        trainable=False,
    )
    side = int(values.get("tileSize", 256))
    deepest = int(values.get("max_zoom", 19)) + int(values.get("zoomOffset", 0))
    limits = tile_limits(text, int(values.get("min_zoom", 0)), deepest, side)
    terms = stated_terms(text, values["name"], known)
    return _tiles(text, context, template, terms, limits, values.get("bounds"))


def _tiles(
    text: SourceText,
    context: SourceContext,
    template: TileTemplate,
    terms: SourceTerms,
    limits: TileLimits,
    bounds: Any = None,
) -> OnlineTiles:
    service = TileService(
        template.request,
        terms,
        limits.min_zoom,
        limits.max_zoom,
        limits.tile_px,
        expiry_s(text),
    )
    if bounds is not None:
        service = replace(service, covers=_within(bounds))
    return OnlineTiles(context.client, service)


def _check_grid(name: str, values: Mapping[str, Any]) -> None:
    """Refuse what the catalogue marks as broken, or as tiles of another projection."""
    if values.get("status") == "broken":
        raise InputError(f"catalog: {name} does not work any more; choose another one")
    crs = str(values.get("crs", "EPSG:3857"))
    matrix_set = str(values.get("TileMatrixSet", "PM"))
    is_known_grid = matrix_set.startswith("PM") or "3857" in matrix_set or "Google" in matrix_set
    if "3857" not in crs or not is_known_grid:
        raise InputError(
            f"catalog: the tiles of {name} are not in web Mercator "
            f"({crs if '3857' not in crs else matrix_set}); choose another one"
        )


def _filled(values: Mapping[str, Any]) -> str:
    """Return a provider's template with all but the tile's numbers filled in."""

    def value(found: re.Match[str]) -> str:
        field = found[1]
        if field in _KEPT_FIELDS:
            return "{-y}" if field == "y" and values.get("tms") else found[0]
        filled = str(values.get(field, ""))
        return "{key}" if _KEY_PLACEHOLDER.match(filled) else filled

    return re.sub(r"\{(\w+)\}", value, values["url"])


def _subdomains(given: Any) -> tuple[str, ...]:
    """Return what ``{s}`` stands for: letters of a word, or a list."""
    if isinstance(given, str) and "," in given:
        given = given.split(",")
    return tuple(str(one) for one in given or "abc")


def _within(bounds: Any) -> Any:
    """Return whether a tile touches the box of ``[[south, west], [north, east]]``."""
    (south, west), (north, east) = bounds
    low = TO_MERCATOR.transform(west, max(south, -85.0))
    high = TO_MERCATOR.transform(east, min(north, 85.0))

    def covers(key: TileKey) -> bool:
        zoom, x, y = key
        side = 2.0 * HALF_WORLD_M / (1 << zoom)
        left, top = x * side - HALF_WORLD_M, HALF_WORLD_M - y * side
        return bool(
            left < high[0] and left + side > low[0] and top - side < high[1] and top > low[1]
        )

    return covers


XYZ = KnownSource(
    name="xyz",
    title="Tiles by a template (XYZ, TMS)",
    kind="imagery",
    terms=SourceTerms("tiles", UNSTATED_LICENCE, trainable=False),
    open=shifted(_open_xyz),
    key="optional",
    key_help="Stands for {key} in the address.",
    example="xyz|url=https://tiles.example.org/{z}/{x}/{y}.png|max_zoom=20|licence=CC BY 4.0",
    options={
        "url": "template with {x} {y} or {-y} {z}, or {q}; {s} and {key} may stand in it",
        "title": "name for people",
        "subdomains": "what {s} stands for: abc, or a list with commas",
        **TILE_OPTIONS,
        **TERMS_OPTIONS,
        **EXPIRY_OPTION,
        **OFFSET_OPTIONS,
    },
)

CATALOGUE = KnownSource(
    name="catalog",
    title="A tile provider of the xyzservices catalogue",
    kind="imagery",
    terms=SourceTerms("tile catalogue", UNSTATED_LICENCE, trainable=False),
    open=shifted(_open_catalogued),
    key="optional",
    key_help="The key or token of the provider that is named, where it needs one.",
    example="catalog|name=BasemapAT.orthofoto|licence=CC BY 4.0",
    options={
        "name": "the provider's name in the catalogue, such as Esri.WorldImagery",
        "url": "another template in place of the catalogue's",
        **TILE_OPTIONS,
        **TERMS_OPTIONS,
        **EXPIRY_OPTION,
        **OFFSET_OPTIONS,
    },
)

ESRI = KnownSource(
    name="esri-world-imagery",
    title="Esri World Imagery",
    kind="imagery",
    terms=ESRI_TERMS,
    open=shifted(_open_esri),
    notice="For display; it is neither stored nor trained on.",
    example="esri-world-imagery",
    options={"url": "another template in its place", **TILE_OPTIONS, **OFFSET_OPTIONS},
)

SOURCES: tuple[KnownSource, ...] = (XYZ, WMTS, WMS, CATALOGUE, ESRI, WAYBACK)
