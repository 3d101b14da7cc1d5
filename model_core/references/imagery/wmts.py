"""Web map tile services: REST templates, or whatever their capabilities offer in web Mercator."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import defusedxml.ElementTree as ElementTree
from defusedxml.common import DefusedXmlException

from model_core.errors import ImageryError, InputError
from model_core.references.bodies import xml_body
from model_core.references.imagery.online_tiles import Description, OnlineTiles, TileService
from model_core.references.imagery.pyramid import HALF_WORLD_M, TileKey
from model_core.references.imagery.stated import (
    EXPIRY_OPTION,
    OFFSET_OPTIONS,
    TERMS_OPTIONS,
    TILE_OPTIONS,
    TileLimits,
    expiry_s,
    shifted,
    stated_terms,
    tile_limits,
)
from model_core.references.imagery.template import Address, read_address, with_params
from model_core.references.imagery.wms import map_body
from model_core.references.source import KnownSource, SourceContext, SourceText
from model_core.references.web import HttpRequest
from model_core.types import SourceTerms

_PIXEL_M = 0.28e-3
"""A pixel's size by which the standard defines scales."""

_MERCATOR_CODES = frozenset({"3857", "900913", "3785", "102100", "102113", "41001"})
_FORMATS = ("image/jpeg", "image/jpgpng", "image/png", "image/webp")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_NAMED_CRS = re.compile(r"(?:EPSG|epsg)\D*(\d{4,6})")


@dataclass(frozen=True)
class _Matrix:
    """One zoom of a service: its name there, and the columns and rows that it has."""

    name: str
    columns: tuple[int, int]
    rows: tuple[int, int]


def _open(text: SourceText, context: SourceContext) -> OnlineTiles:
    """Return the source of a ``wmts`` text."""
    address = read_address("wmts", text.required("url"), context.keys.get("wmts", ""))
    reader = _Reader(text, address, tile_limits(text))
    if _PLACEHOLDER.search(address.url.replace("{key}", "")):
        return OnlineTiles(context.client, reader.from_template())
    text.required("layer")
    url = address.url
    if not (url.lower().endswith(".xml") or "getcapabilities" in url.lower()):
        url = with_params(url, {"SERVICE": "WMTS", "REQUEST": "GetCapabilities"})
    asked = address.request(url)
    request = replace(asked, check=xml_body)
    guess = reader.service({}, {}, address.url, reader.limits.tile_px)
    return OnlineTiles(context.client, Description(request, reader.from_capabilities, guess))


@dataclass(frozen=True)
class _Reader:
    """Makes the service out of a template or of capabilities."""

    text: SourceText
    address: Address
    limits: TileLimits

    def service(
        self,
        matrices: Mapping[int, _Matrix],
        values: Mapping[str, str],
        template: str,
        tile_px: int,
    ) -> TileService:
        """Return the service of an address with the placeholders of the standard."""

        def request_of(tile: TileKey) -> HttpRequest:
            zoom, x, y = tile
            matrix = matrices[zoom].name if zoom in matrices else str(zoom)
            filled = {**values, "TileMatrix": matrix, "TileCol": str(x), "TileRow": str(y)}
            url = _PLACEHOLDER.sub(lambda found: filled.get(found[1], found[0]), template)
            return self.address.request(url)

        def covers(tile: TileKey) -> bool:
            matrix = matrices.get(tile[0])
            if matrix is None:
                return not matrices
            return (
                matrix.columns[0] <= tile[1] <= matrix.columns[1]
                and matrix.rows[0] <= tile[2] <= matrix.rows[1]
            )

        low, high = self.limits.min_zoom, self.limits.max_zoom
        if matrices:
            low = max(low, min(matrices))
            high = max(matrices) if "max_zoom" not in self.text.options else high
            high = max(low, min(high, max(matrices)))
        layer = self.text.options.get("layer", "")
        terms = stated_terms(self.text, f"WMTS {layer}".strip())
        expires_s = expiry_s(self.text)
        return TileService(request_of, terms, low, high, tile_px, expires_s, map_body, covers)

    def from_template(self) -> TileService:
        """Return the service of a REST template that the user wrote."""
        options = self.text.options
        matrix_set = options.get("matrix_set", "GoogleMapsCompatible")
        named = _NAMED_CRS.search(matrix_set)
        if named and named[1] not in _MERCATOR_CODES:
            raise InputError(
                f"wmts: tiles in {matrix_set} cannot be used; choose a matrix set in web Mercator "
                "(GoogleMapsCompatible, EPSG:3857)"
            )
        values = {
            "TileMatrixSet": matrix_set,
            "Layer": options.get("layer", ""),
            "layer": options.get("layer", ""),
            "Style": options.get("style", "default"),
            "style": options.get("style", "default"),
            "Time": options.get("time", ""),
        }
        unknown = set(_PLACEHOLDER.findall(self.address.url)) - values.keys()
        unknown -= {"TileMatrix", "TileCol", "TileRow", "key"}
        if unknown:
            raise InputError(f"wmts: {{{min(unknown)}}} in the address is unknown")
        return self.service({}, values, self.address.url, self.limits.tile_px)

    def from_capabilities(self, body: bytes) -> TileService:
        """Return the service that capabilities describe.

        Raises:
            ImageryError: They cannot be read, lack the layer, or offer it in no usable matrix set.
        """
        try:
            root = ElementTree.fromstring(body)
        except (ElementTree.ParseError, DefusedXmlException, ValueError) as err:
            raise ImageryError(f"wmts: the capabilities cannot be read ({err})") from err
        layer = self._layer(root)
        matrix_set, matrices, tile_px = self._matrix_set(root, layer)
        image_format = self._format(layer)
        values = {
            "TileMatrixSet": matrix_set,
            "Style": self._style(layer),
            "Time": self.text.options.get("time", ""),
        }
        for dimension in _all(layer, "Dimension"):
            name, default = _value(dimension, "Identifier"), _value(dimension, "Default")
            values[name] = self.text.options.get(name.lower(), default)
        template = self._rest_template(layer, image_format)
        if not template:
            template = self._kvp_template(root, values, image_format)
        return self.service(matrices, values, template, tile_px)

    def _layer(self, root: Any) -> Any:
        wanted = self.text.required("layer")
        layers = {_value(one, "Identifier"): one for one in _all(root, "Layer")}
        if wanted not in layers:
            names = ", ".join(sorted(layers)[:12]) or "none at all"
            raise ImageryError(f"wmts: there is no layer {wanted!r}; offered are {names}")
        return layers[wanted]

    def _matrix_set(self, root: Any, layer: Any) -> tuple[str, dict[int, _Matrix], int]:
        """Return the name, the zooms and the tile size of the layer's web-Mercator grid."""
        links = {_value(one, "TileMatrixSet"): one for one in _all(layer, "TileMatrixSetLink")}
        wanted = self.text.options.get("matrix_set", "")
        refused = []
        for element in _all(root, "TileMatrixSet"):
            name = _value(element, "Identifier")
            if name not in links or (wanted and name != wanted):
                continue
            crs = _value(element, "SupportedCRS")
            found = _mercator_zooms(element, links[name]) if _is_mercator(crs) else None
            if found is not None and found[0]:
                return name, *found
            refused.append(f"{name} ({crs})")
        raise ImageryError(
            "wmts: the layer's tiles do not lie in the usual web-Mercator grid "
            f"(GoogleMapsCompatible, EPSG:3857); offered: {', '.join(refused or sorted(links))}; "
            "use another layer, or the provider's WMS"
        )

    def _format(self, layer: Any) -> str:
        offered = [(one.text or "").strip() for one in _all(layer, "Format")]
        wanted = self.text.options.get("format", "")
        for one in (wanted,) if wanted else _FORMATS:
            if one in offered:
                return one
        raise ImageryError(
            f"wmts: the layer comes as {', '.join(offered)}; "
            f"{wanted or 'an image format that can be read'} is not among them"
        )

    def _style(self, layer: Any) -> str:
        if "style" in self.text.options:
            return self.text.options["style"]
        styles = list(_all(layer, "Style"))
        default = [one for one in styles if one.get("isDefault", "").lower() == "true"]
        return _value((default or styles)[0], "Identifier") if styles else "default"

    @staticmethod
    def _rest_template(layer: Any, image_format: str) -> str:
        for one in _all(layer, "ResourceURL"):
            if one.get("resourceType") == "tile" and one.get("format") == image_format:
                return str(one.get("template", ""))
        return ""

    def _kvp_template(self, root: Any, values: Mapping[str, str], image_format: str) -> str:
        base = self.address.url
        for operation in _all(root, "Operation"):
            get = next(_all(operation, "Get"), None)
            if operation.get("name") == "GetTile" and get is not None:
                base = get.get("{http://www.w3.org/1999/xlink}href") or base
        names = {
            "SERVICE": "WMTS",
            "REQUEST": "GetTile",
            "VERSION": "1.0.0",
            "LAYER": self.text.required("layer"),
            "STYLE": values["Style"],
            "FORMAT": image_format,
            "TILEMATRIXSET": values["TileMatrixSet"],
            "TILEMATRIX": "{TileMatrix}",
            "TILEROW": "{TileRow}",
            "TILECOL": "{TileCol}",
        }
        dimensions = {
            name.upper(): value
            for name, value in values.items()
            if name not in ("TileMatrixSet", "Style") and value
        }
        return with_params(base, {**names, **dimensions})


def _is_mercator(crs: str) -> bool:
    return crs.rpartition(":")[2] in _MERCATOR_CODES


def _mercator_zooms(matrix_set: Any, link: Any) -> tuple[dict[int, _Matrix], int] | None:
    """Return the zooms of a matrix set and its tile size; None where the grid is another one."""
    limits = {_value(one, "TileMatrix"): one for one in _all(link, "TileMatrixLimits")}
    found: dict[int, _Matrix] = {}
    sides = set()
    for element in _all(matrix_set, "TileMatrix"):
        name = _value(element, "Identifier")
        side_px = int(_value(element, "TileWidth"))
        extent_m = side_px * float(_value(element, "ScaleDenominator")) * _PIXEL_M
        zoom = math.log2(2.0 * HALF_WORLD_M / extent_m)
        corner = [float(value) for value in _value(element, "TopLeftCorner").split()]
        is_usual = abs(zoom - round(zoom)) < 1e-3 and all(
            abs(abs(value) - HALF_WORLD_M) < 1.0 for value in corner
        )
        if not is_usual:
            return None
        sides.add(side_px)
        last = (1 << max(0, round(zoom))) - 1
        limit = limits.get(name)
        found[round(zoom)] = _Matrix(
            name,
            (0, last) if limit is None else _span(limit, "MinTileCol", "MaxTileCol"),
            (0, last) if limit is None else _span(limit, "MinTileRow", "MaxTileRow"),
        )
    if limits:
        found = {zoom: one for zoom, one in found.items() if one.name in limits}
    return (found, sides.pop()) if len(sides) == 1 else None


def _span(limit: Any, first: str, last: str) -> tuple[int, int]:
    return int(_value(limit, first)), int(_value(limit, last))


def _all(element: Any, name: str) -> Iterator[Any]:
    """Yield the elements of a name, whatever their namespace, that are described, not named.

    A matrix set is both described in an element of its own and named in a layer's link; the latter
    has no children.
    """
    for one in element.iter():
        if one.tag.rpartition("}")[2] == name and (
            len(one) or name not in ("TileMatrixSet", "TileMatrix")
        ):
            yield one


def _value(element: Any, name: str) -> str:
    """Return the text of an element's child, empty without one."""
    for child in element:
        if child.tag.rpartition("}")[2] == name:
            return (child.text or "").strip()
    return ""


OPTIONS: Mapping[str, str] = {
    "url": "address of the service or of its capabilities, or a template with {TileMatrix}, "
    "{TileRow} and {TileCol}",
    "layer": "the layer's identifier",
    "style": "the default one if not given",
    "matrix_set": "a web-Mercator one is found by itself",
    "format": "image/jpeg before image/png if not given",
    "time": "value of the Time dimension",
    **TILE_OPTIONS,
    **TERMS_OPTIONS,
    **EXPIRY_OPTION,
    **OFFSET_OPTIONS,
}

WMTS = KnownSource(
    name="wmts",
    title="Web map tile service (WMTS)",
    kind="imagery",
    terms=SourceTerms("WMTS", "not stated", trainable=False),
    open=shifted(_open),
    key="optional",
    key_help="Stands for {key} in the address.",
    example="wmts|url=https://maps.example.org/wmts|layer=ortho|licence=CC BY 4.0",
    options=OPTIONS,
)
