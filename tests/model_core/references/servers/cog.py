"""Files served by byte ranges, or by a server that knows none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from servers.base import Answer, LoopbackServer, Recorded


class FileServer(LoopbackServer):
    """Serves files at ``/{name}``; ``with_ranges`` False sends them whole whatever is asked."""

    def __init__(
        self, files: Mapping[str, Path], with_ranges: bool = True, latency_s: float = 0.0
    ) -> None:
        super().__init__(latency_s)
        self.files = dict(files)
        self.with_ranges = with_ranges

    def answer(self, request: Recorded) -> Answer:
        path = self.files.get(request.path.lstrip("/"))
        if path is None:
            return Answer(b"", 404, "text/plain")
        return ranged(path, request.headers.get("Range", ""), self.with_ranges)


def ranged(path: Path, asked: str, with_ranges: bool = True) -> Answer:
    """Return a file, or the part of it that a ``Range`` header asks for."""
    body = path.read_bytes()
    found = re.fullmatch(r"bytes=(\d+)-(\d+)", asked)
    if found is None or not with_ranges:
        return Answer(body, content_type="image/tiff")
    start, end = int(found[1]), min(int(found[2]) + 1, len(body))
    if start >= len(body):
        return Answer(b"", 416, headers={"Content-Range": f"bytes */{len(body)}"})
    headers = {"Content-Range": f"bytes {start}-{end - 1}/{len(body)}"}
    return Answer(body[start:end], 206, "image/tiff", headers)
