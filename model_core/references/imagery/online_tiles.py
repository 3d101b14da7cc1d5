"""Satellite images out of web-Mercator tiles that a server delivers, each fetched once a run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import cv2

from model_core.errors import ImageryError, ProviderError
from model_core.files import make_folder, replacing
from model_core.references.bodies import BodyCheck, image_body
from model_core.references.http import HttpClient
from model_core.references.imagery.pyramid import (
    TO_MERCATOR,
    RgbaTile,
    TileKey,
    TilePyramid,
    decode_tile,
    is_blank,
)
from model_core.references.imagery.resample import choose_window, resample, sampling_grid
from model_core.references.source import FetchPlan
from model_core.references.terms import may_cache, terms_path, write_terms
from model_core.references.web import HttpRequest
from model_core.references.workers import Done
from model_core.types import LonLat, SatelliteImage, SourceTerms, until_cancelled

log = logging.getLogger(__name__)

_TYPICAL_BYTES_PX = 0.35
_DESCRIPTION_BYTES = 200_000
_DESCRIPTION_EXPIRES_S = 86_400.0
_SUFFIXES = ((b"\xff\xd8\xff", ".jpg"), (b"\x89PNG", ".png"), (b"RIFF", ".webp"))


def _everywhere(key: TileKey) -> bool:
    return True


@dataclass(frozen=True)
class TileService:
    """How the tiles of a service are asked for.

    ``request_of`` makes the request of a tile; ``check`` tells errors apart from images and is
    called before the tile is decoded. ``covers`` says where the service has tiles at all.
    """

    request_of: Callable[[TileKey], HttpRequest]
    terms: SourceTerms
    min_zoom: int = 0
    max_zoom: int = 19
    tile_px: int = 256
    expires_s: float | None = None
    check: BodyCheck = image_body
    covers: Callable[[TileKey], bool] = _everywhere


@dataclass(frozen=True)
class Description:
    """What a service says of itself, to be asked before its tiles: capabilities, releases.

    ``read`` makes the service of the body; ``guess`` serves estimates until then.
    """

    request: HttpRequest
    read: Callable[[bytes], TileService]
    guess: TileService


class OnlineTiles:
    """North-up satellite images from a tile service; the same pixels as from a folder of its tiles.

    A tile that is missing (404, 204, or blank) is made from its relatives: the four below it and
    those above. One that fails has no pixels and costs nothing else; an image whose tiles all
    failed is an error. May be read from several threads.
    """

    def __init__(self, client: HttpClient, service: TileService | Description) -> None:
        self._client = client
        self._described = service
        self._lock = threading.RLock()
        self._opened: _Opened | None = None

    @property
    def terms(self) -> SourceTerms:
        """Where the tiles come from and what may be done with them."""
        if self._opened is not None:
            return self._opened.server.service.terms
        service = self._described
        return service.guess.terms if isinstance(service, Description) else service.terms

    def read(self, center: LonLat, footprint_m: float, size_px: int) -> SatelliteImage | None:
        """Return the image centred on a place, or None where there are (almost) no tiles.

        Args:
            center: The place.
            footprint_m: Ground width in metres, in the plane tangent at the place.
            size_px: Width and height of the image.

        Raises:
            ProviderError: The service failed, or none of the tiles could be had.
            ImageryError: The service does not offer what was asked for.
        """
        opened = self._open()
        pyramid = opened.pyramid
        keys = opened.keys([center], footprint_m, size_px)
        self._fetch(opened, [key for key in keys if not pyramid.is_at_hand(key)], None)
        with self._lock:
            pyramid.failures.clear()
            grid = sampling_grid(center, footprint_m, TO_MERCATOR, pyramid.pixel_of_mercator)
            found = resample(pyramid.levels, grid, size_px)
            failed = bool(pyramid.failures)
            if found is None and failed:
                raise pyramid.failures[0]
        if found is None:
            return None
        image, valid = found
        return SatelliteImage(image, valid, footprint_m, center, self.terms, failed=failed)

    def plan(self, centers: Sequence[LonLat], footprint_m: float, size_px: int) -> FetchPlan:
        """Return how many tiles at the places are not kept yet; nothing is asked.

        What missing tiles' relatives need is not foreseen.
        """
        described, extra = self._described, FetchPlan()
        if self._opened is not None or isinstance(described, TileService):
            opened = self._open()
        elif self._client.is_kept(described.request, described.guess.terms):
            opened = self._open(expires_s=None)
        else:
            extra = FetchPlan(1, _DESCRIPTION_BYTES)
            opened = _Opened.of(self._client, described.guess)
        keys = opened.keys(centers, footprint_m, size_px)
        watched = until_cancelled(keys, self._client.is_cancelled)
        missing = sum(not opened.server.is_kept(key) for key in watched)
        tile_bytes = _TYPICAL_BYTES_PX * opened.pyramid.tile_px**2
        return FetchPlan(missing, round(missing * tile_bytes)) + extra

    def prepare(
        self,
        centers: Sequence[LonLat],
        footprint_m: float,
        size_px: int,
        done: Done | None = None,
    ) -> list[ProviderError]:
        """Fetch the tiles of all places, each once, and return why some could not be had.

        Raises:
            ProviderError: The service's description could not be had.
            ImageryError: The service does not offer what was asked for.
            Cancelled: The user asked to stop.
        """
        opened = self._open()
        return self._fetch(opened, opened.keys(centers, footprint_m, size_px), done)

    def save(
        self, folder: Path, centers: Sequence[LonLat], footprint_m: float, size_px: int
    ) -> Path:
        """Write the tiles that the places need, as they were served, and their terms.

        Returns:
            The folder, which reads like the service.

        Raises:
            InputError: The service's terms forbid storing, or it has no tiles there.
            ProviderError: The service failed.
        """
        opened = self._open()
        may_cache(self.terms)
        keys = opened.keys(centers, footprint_m, size_px)
        failures = self._fetch(opened, keys, None)
        used = dict.fromkeys(one for key in keys for one in opened.used(key))
        if not used and failures:
            raise failures[0]
        if not used:
            raise ImageryError(f"{self.terms.provider}: has no imagery there; nothing is saved")
        if failures:
            log.warning("%d tiles are left out of %s: %s", len(failures), folder, failures[0])
        for key in used:
            _write_tile(folder, key, opened.server.body(key))
        write_terms(terms_path(folder), self.terms)
        return folder

    def _open(self, expires_s: float | None = _DESCRIPTION_EXPIRES_S) -> _Opened:
        with self._lock:
            if self._opened is None:
                service = self._described
                if isinstance(service, Description):
                    service = self._described_service(service, expires_s)
                self._opened = _Opened.of(self._client, service)
            return self._opened

    def _described_service(self, description: Description, expires_s: float | None) -> TileService:
        terms = description.guess.terms
        reply = self._client.get(description.request, terms, expires_s)
        if reply is None:
            raise ProviderError(
                f"{terms.provider}: there is nothing at {description.request.label}; "
                "check the address",
                reason="no such service",
            )
        return description.read(reply.body)

    def _fetch(
        self, opened: _Opened, keys: list[TileKey], done: Done | None
    ) -> list[ProviderError]:
        """Bring tiles, and the relatives of missing ones, within reach; return what failed."""
        failures: list[ProviderError] = []
        asked: set[TileKey] = set()
        wanted = keys
        while wanted:
            tell = None if done is None else _counting_on(done, len(asked))
            asked.update(wanted)
            results = self._client.map(opened.is_there, wanted, tell)
            failures += [one for one in results if isinstance(one, ProviderError)]
            missing = [key for key, found in zip(wanted, results, strict=True) if found is False]
            relatives = opened.relatives(missing, keys)
            wanted = [one for one in relatives if one not in asked]
        return failures


@dataclass(frozen=True)
class _Opened:
    """A service that is ready to be asked, and its tiles as one grid."""

    server: _TileServer
    pyramid: TilePyramid

    @classmethod
    def of(cls, client: HttpClient, service: TileService) -> _Opened:
        server = _TileServer(client, service)
        return cls(server, TilePyramid(server))

    def keys(self, centers: Sequence[LonLat], footprint_m: float, size_px: int) -> list[TileKey]:
        """Return the tiles that images at the places are read from, each once, west first."""
        found: set[TileKey] = set()
        for center in until_cancelled(centers, self.server.client.is_cancelled):
            grid = sampling_grid(center, footprint_m, TO_MERCATOR, self.pyramid.pixel_of_mercator)
            chosen = choose_window(self.pyramid.levels, grid, size_px)
            if chosen is not None:
                level, window, _ = chosen
                found.update(level.keys(window))
        return sorted(found)

    def is_there(self, key: TileKey) -> bool:
        return self.pyramid.own(key) is not None

    def relatives(self, missing: list[TileKey], keys: list[TileKey]) -> list[TileKey]:
        """Return what to ask next for missing tiles: those above, and below those wanted."""
        wanted = set(keys)
        coarsest = min(zoom for zoom, _, _ in keys) - self.pyramid.tile_px.bit_length() + 1
        found: dict[TileKey, None] = {}
        for key in missing:
            if key in wanted:
                found.update(dict.fromkeys(self.pyramid.finer(key)))
            above = self.pyramid.coarser(key)
            if above is not None and above[0] >= coarsest and key[0] <= keys[-1][0]:
                found[above] = None
        return list(found)

    def used(self, key: TileKey) -> list[TileKey]:
        """Return the tiles whose pixels show where a tile belongs: itself, or its relatives."""
        try:
            if self.is_there(key):
                return [key]
            below = [one for one in self.pyramid.finer(key) if self.is_there(one)]
            above = (one for one in self.pyramid.ancestors(key) if self.is_there(one))
            return [*below, *islice(above, 1)]
        except ProviderError:
            return []  # it failed when it was fetched, and was reported there


class _TileServer:
    """The tiles of a service, through the client and what it keeps."""

    def __init__(self, client: HttpClient, service: TileService) -> None:
        self.client = client
        self.service = service
        self.tile_px = service.tile_px
        self.zooms = (service.min_zoom, service.max_zoom)
        self._found: dict[TileKey, bool] = {}

    def pixels(self, key: TileKey) -> RgbaTile | None:
        decoded: list[RgbaTile] = []

        def check(body: bytes) -> None:
            self.service.check(body)
            decoded.append(_decoded(body))

        body = self.body(key, check)
        pixels = None if body is None else decoded[-1] if decoded else _decoded(body)
        if pixels is not None and is_blank(pixels):
            pixels = None
        self._found[key] = pixels is not None
        return pixels

    def has_content(self, key: TileKey) -> bool:
        found = self._found.get(key)
        return self.pixels(key) is not None if found is None else found

    def body(self, key: TileKey, check: BodyCheck | None = None) -> bytes | None:
        """Return a tile as it was served, None where there is none."""
        if not self.service.covers(key):
            return None
        request = self.service.request_of(key)
        request = replace(request, check=check or self.service.check)
        reply = self.client.get(request, self.service.terms, self.service.expires_s)
        return None if reply is None else reply.body

    def is_kept(self, key: TileKey) -> bool:
        """Return whether a tile needs no request."""
        if not self.service.covers(key) or key in self._found:
            return True
        return self.client.is_kept(self.service.request_of(key), self.service.terms)


def _decoded(body: bytes) -> RgbaTile:
    pixels = decode_tile(body)
    if pixels is None:
        raise ProviderError(
            "sent an image that cannot be decoded", reason="damaged image", transient=True
        )
    return pixels


def _counting_on(done: Done, before: int) -> Done:
    return lambda number, total: done(before + number, before + total)


def _write_tile(folder: Path, key: TileKey, body: bytes | None) -> None:
    if body is None:
        return
    zoom, x, y = key
    suffix = next((suffix for start, suffix in _SUFFIXES if body.startswith(start)), "")
    if not suffix:
        rgba = _decoded(body)
        suffix, body = ".png", cv2.imencode(".png", rgba[..., [2, 1, 0, 3]])[1].tobytes()
    column = folder / str(zoom) / str(x)
    make_folder(column)
    with replacing(column / f"{y}{suffix}") as unfinished:
        unfinished.write_bytes(body)
