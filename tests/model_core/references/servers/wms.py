"""A map server that speaks WMS 1.1.1 and 1.3.0 and WMTS, over the tiles of a folder."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from servers.base import Answer, LoopbackServer, Recorded
from servers.xyz import TileKey, tiles_of

HALF_WORLD_M = 20037508.342789244
_XML = "text/xml"


def exception(code: str, said: str) -> Answer:
    """Return what WMS servers send, with status 200, instead of a picture."""
    text = (
        '<?xml version="1.0"?><ServiceExceptionReport version="1.3.0">'
        f'<ServiceException code="{code}">{said}</ServiceException></ServiceExceptionReport>'
    )
    return Answer(text.encode(), content_type=_XML)


class MapServer(LoopbackServer):
    """``/wms`` with the layer ``ortho``; ``/wmts`` by KVP and ``/rest/...`` with the same layer.

    ``crs`` is what the WMTS tiles say they are in; ``limits`` the rows and columns by zoom that it
    says it has; ``rest`` whether the capabilities name a REST template.
    """

    def __init__(
        self,
        tiles: Path | Mapping[TileKey, bytes],
        crs: str = "urn:ogc:def:crs:EPSG::3857",
        rest: bool = False,
        limits: Mapping[int, tuple[int, int, int, int]] | None = None,
    ) -> None:
        super().__init__()
        self.tiles = dict(tiles_of(tiles) if isinstance(tiles, Path) else tiles)
        self.crs = crs
        self.rest = rest
        self.limits = dict(limits or {})

    def answer(self, request: Recorded) -> Answer:
        query = {name.upper(): value for name, value in request.query.items()}
        if request.path.startswith("/rest/"):
            found = re.search(r"/EPSG:3857:(\d+)/(\d+)/(\d+)\.png$", request.path)
            zoom, row, column = (int(one) for one in found.groups())
            return self._tile((zoom, column, row))
        if query.get("SERVICE") == "WMTS" and query.get("REQUEST") == "GetCapabilities":
            return Answer(self._capabilities().encode(), content_type=_XML)
        if query.get("SERVICE") == "WMTS":
            zoom = int(query["TILEMATRIX"].rpartition(":")[2])
            return self._tile((zoom, int(query["TILECOL"]), int(query["TILEROW"])))
        return self._map(query)

    def _map(self, query: Mapping[str, str]) -> Answer:
        if query.get("LAYERS") != "ortho":
            return exception("LayerNotDefined", f"unknown layer {query.get('LAYERS')}")
        is_new = query["VERSION"] == "1.3.0"
        crs = query.get("CRS" if is_new else "SRS")
        if crs not in ("EPSG:3857", "EPSG:4326"):
            return exception("InvalidCRS" if is_new else "InvalidSRS", str(crs))
        west, south, east, north = (float(one) for one in query["BBOX"].split(","))
        if crs == "EPSG:4326":
            if is_new:
                south, west, north, east = west, south, east, north
            west, east = (value / 180 * HALF_WORLD_M for value in (west, east))
            south, north = (
                math.asinh(math.tan(math.radians(value))) / math.pi * HALF_WORLD_M
                for value in (south, north)
            )
        side = east - west
        zoom = round(math.log2(2 * HALF_WORLD_M / side))
        x, y = round((west + HALF_WORLD_M) / side), round((HALF_WORLD_M - north) / side)
        if abs(north - south - side) > side * 1e-3:
            return exception("InvalidBBOX", "not square")
        return self._tile((zoom, x, y), int(query["WIDTH"]))

    def _tile(self, key: TileKey, size: int = 256) -> Answer:
        body = self.tiles.get(key)
        if body is None:
            clear = np.zeros((size, size, 4), np.uint8)
            return Answer(cv2.imencode(".png", clear)[1].tobytes(), content_type="image/png")
        return Answer(body, content_type="image/png")

    def _capabilities(self) -> str:
        zooms = range(15, 23)
        matrices = "".join(
            f"""<TileMatrix><ows:Identifier>EPSG:3857:{zoom}</ows:Identifier>
            <ScaleDenominator>{559082264.0287178 / 2**zoom!r}</ScaleDenominator>
            <TopLeftCorner>-20037508.34278925 20037508.34278925</TopLeftCorner>
            <TileWidth>256</TileWidth><TileHeight>256</TileHeight>
            <MatrixWidth>{2**zoom}</MatrixWidth><MatrixHeight>{2**zoom}</MatrixHeight>
            </TileMatrix>"""
            for zoom in zooms
        )
        limits = "".join(
            f"""<TileMatrixLimits><TileMatrix>EPSG:3857:{zoom}</TileMatrix>
            <MinTileRow>{rows[0]}</MinTileRow><MaxTileRow>{rows[1]}</MaxTileRow>
            <MinTileCol>{rows[2]}</MinTileCol><MaxTileCol>{rows[3]}</MaxTileCol>
            </TileMatrixLimits>"""
            for zoom, rows in self.limits.items()
        )
        if limits:
            limits = f"<TileMatrixSetLimits>{limits}</TileMatrixSetLimits>"
        template = f"{self.url}/rest/ortho/{{TileMatrixSet}}/{{TileMatrix}}/{{TileRow}}/{{TileCol}}"
        rest = f'<ResourceURL format="image/png" resourceType="tile" template="{template}.png"/>'
        return f"""<?xml version="1.0"?>
        <Capabilities xmlns="http://www.opengis.net/wmts/1.0" version="1.0.0"
            xmlns:ows="http://www.opengis.net/ows/1.1" xmlns:xlink="http://www.w3.org/1999/xlink">
        <ows:OperationsMetadata><ows:Operation name="GetTile"><ows:DCP><ows:HTTP>
        <ows:Get xlink:href="{self.url}/wmts?"/></ows:HTTP></ows:DCP></ows:Operation>
        </ows:OperationsMetadata>
        <Contents><Layer><ows:Title>Orthophotos</ows:Title>
        <ows:Identifier>ortho</ows:Identifier>
        <Style isDefault="true"><ows:Identifier>default</ows:Identifier></Style>
        <Format>image/png</Format>
        <TileMatrixSetLink><TileMatrixSet>grid</TileMatrixSet>{limits}</TileMatrixSetLink>
        {rest if self.rest else ""}</Layer>
        <TileMatrixSet><ows:Identifier>grid</ows:Identifier>
        <ows:SupportedCRS>{self.crs}</ows:SupportedCRS>{matrices}</TileMatrixSet>
        </Contents></Capabilities>"""
