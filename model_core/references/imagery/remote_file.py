"""A file on a server, read in parts: what GDAL asks for goes through the HTTP client."""

from __future__ import annotations

import contextvars
import io
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

import rasterio
from rasterio.io import DatasetReader

from model_core.errors import GeolocatorError, ProviderError
from model_core.references.bodies import BodyCheck
from model_core.references.http import HttpClient
from model_core.references.imagery.template import Address
from model_core.references.web import HttpRequest
from model_core.references.workers import Done
from model_core.types import SourceTerms

ResultT = TypeVar("ResultT")

CHUNK_BYTES = 1 << 18
_CHUNKS_IN_MEMORY = 64
_CHUNKS_BESIDE_DISK = 8
"""Of a file whose chunks are kept on disk: a catalogue opens hundreds of files."""
_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_REMOTE_NAME = "remote.tif"


class RemoteFile:
    """A file on a server, in chunks that are fetched once and kept by the client.

    Args:
        client: Fetches the chunks.
        address: Of the file.
        terms: Whether the chunks may be kept on disk.
        expires_s: Age from which a kept chunk is fetched again.
    """

    def __init__(
        self,
        client: HttpClient,
        address: Address,
        terms: SourceTerms,
        expires_s: float | None = None,
    ) -> None:
        self._client = client
        self._address = address
        self._terms = terms
        self._expires_s = expires_s
        self._size: int | None = None
        self._recent: OrderedDict[int, bytes] = OrderedDict()
        on_disk = client.cache is not None and terms.cacheable
        self._most_recent = _CHUNKS_BESIDE_DISK if on_disk else _CHUNKS_IN_MEMORY
        self._lock = threading.Lock()
        self._failure: Exception | None = None
        # Rasterio finds a Python file through a context variable, at every call of GDAL, whatever
        # the thread; outside of the context that it was opened in, GDAL would read freed memory.
        self._context = contextvars.Context()
        self._path = f"{uuid.uuid4().hex}/{_REMOTE_NAME}"

    @property
    def name(self) -> str:
        """The address, without secrets."""
        return self._address.url

    def open(self, **options: Any) -> DatasetReader:
        """Return the file opened by rasterio, which asks this object for every byte.

        Raises:
            RasterioIOError: It is no GeoTIFF.
            ProviderError: The server failed, or delivers no byte ranges.
        """
        self.size()
        with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"):
            return rasterio.open(self._path, driver="GTiff", opener=self._opener, **options)

    def run(self, function: Callable[..., ResultT], *args: Any) -> ResultT:
        """Return what a function gives that lets GDAL touch the file; one call at a time."""
        return self._context.run(function, *args)

    def failure(self) -> Exception | None:
        """Return why the last read failed where the server or the run is to blame, once."""
        failure, self._failure = self._failure, None
        return failure

    def size(self) -> int:
        """Return the file's length in bytes.

        Raises:
            ProviderError: The server failed, or delivers no byte ranges.
        """
        if self._size is None:
            self.chunk(0)
        return self._size or 0

    def chunk(self, index: int) -> bytes:
        """Return a chunk; all but the last are ``CHUNK_BYTES`` long.

        Raises:
            ProviderError: The server failed, or delivers no byte ranges.
        """
        with self._lock:
            if index in self._recent:
                self._recent.move_to_end(index)
                return self._recent[index]
        request = replace(self._request(index), check=self._check(index))
        try:
            reply = self._client.get(request, self._terms, self._expires_s)
        except ProviderError as err:
            raise self._without_ranges() if err.reason == "too large" else err from None
        if reply is None:
            raise ProviderError(
                f"{self._terms.provider}: there is no file at {self.name}; check the address",
                reason="no such file",
            )
        if index == 0:
            self._size = self._total(reply.content_range, reply.body)
        elif self._size is not None and _total_of(reply.content_range) not in (None, self._size):
            raise ProviderError(
                f"{self._terms.provider}: {self.name} has changed since its first part was kept; "
                "clear the cache (in the settings, or by deleting its folder), and run again",
                reason="file changed",
            )
        with self._lock:
            self._recent[index] = reply.body
            if len(self._recent) > self._most_recent:
                self._recent.popitem(last=False)
        return reply.body

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes of the file; fewer at its end, none where they cannot be had.

        GDAL asks from C, where nothing can be raised: see ``failure``.
        """
        try:
            end = min(offset + length, self.size())
            first, last = offset // CHUNK_BYTES, max(offset, end - 1) // CHUNK_BYTES
            if end <= offset:
                return b""
            data = b"".join(self.chunk(index) for index in range(first, last + 1))
        except GeolocatorError as err:
            self._failure = err
            return b""
        start = offset - first * CHUNK_BYTES
        return data[start : start + end - offset]

    def fetch(self, indices: Iterable[int], done: Done | None = None) -> list[ProviderError]:
        """Fetch chunks in parallel and return what failed.

        Raises:
            Cancelled: The user asked to stop.
        """
        with self._lock:
            wanted = [index for index in sorted(set(indices)) if index not in self._recent]
        results = self._client.map(self._fetch, wanted, done)
        return [one for one in results if isinstance(one, ProviderError)]

    def is_kept(self, index: int) -> bool:
        """Return whether a chunk needs no request."""
        return index in self._recent or self._client.is_kept(self._request(index), self._terms)

    def _fetch(self, index: int) -> None:
        self.chunk(index)

    def _opener(self, path: str, mode: str = "rb", **_: Any) -> _RemoteReader:
        if not path.endswith(_REMOTE_NAME):
            raise FileNotFoundError(path)  # a side file, which a remote raster has none of
        return _RemoteReader(self)

    def _request(self, index: int) -> HttpRequest:
        start = index * CHUNK_BYTES
        headers = (
            ("Range", f"bytes={start}-{start + CHUNK_BYTES - 1}"),
            ("Accept-Encoding", "identity"),
        )
        request = self._address.request(self._address.url)
        return replace(request, headers=headers, max_bytes=CHUNK_BYTES)

    def _check(self, index: int) -> BodyCheck:
        def check(body: bytes) -> None:
            if index == 0 and not body.startswith(_TIFF):
                raise ProviderError(
                    "sent something else than a GeoTIFF", reason="wrong type", transient=True
                )
            if index > 0 and self._size is not None:
                expected = min(CHUNK_BYTES, self._size - index * CHUNK_BYTES)
                if len(body) != expected:
                    raise ProviderError(
                        "sent other bytes than were asked for", reason="truncated", transient=True
                    )

        return check

    def _total(self, content_range: str, body: bytes) -> int:
        if not content_range:
            if len(body) < CHUNK_BYTES:
                return len(body)
            raise self._without_ranges()
        total = _total_of(content_range)
        if not content_range.startswith("bytes 0-") or total is None:
            raise self._without_ranges()
        return total

    def _without_ranges(self) -> ProviderError:
        return ProviderError(
            f"{self._terms.provider}: the server of {self.name} delivers the whole file only, no "
            "parts of it (byte ranges); download it and use it as a local raster",
            reason="no byte ranges",
        )


def _total_of(content_range: str) -> int | None:
    """Return the length of the whole file that a part says, None where it says none."""
    total = content_range.rpartition("/")[2]
    return int(total) if total.isdigit() else None


class _RemoteReader(io.RawIOBase):
    """A position in a remote file, as GDAL wants it."""

    def __init__(self, file: RemoteFile) -> None:
        super().__init__()
        self._file = file
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._file.size()}[whence]
        self._at = base + offset
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        length = self._file.size() - self._at if size < 0 else size
        data = self._file.read(self._at, length)
        self._at += len(data)
        return data
