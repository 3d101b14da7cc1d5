"""An engine that computes nothing: it speaks the contract, and misbehaves as it is told to.

    python fake_engine.py [--mode MODE] [--pace_s S] [--steps N] [--candidates N] [--record FILE]

Standard library only, and nothing of the project, so that it shows what the contract really is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import queue
import shutil
import signal
import struct
import sys
import threading
import time
import zlib
from pathlib import Path

MODES = {
    "good": "answers everything",
    "silent": "never says a word",
    "deaf": "says hello, then neither answers nor stops",
    "stubborn": "answers, but does not hear 'cancel'",
    "garbled": "answers the first request with something that is no JSON",
    "garbled-hello": "is no engine at all",
    "other-protocol": "is of another version",
    "die": "ends in the middle of its first long job, with words in its log",
    "crash": "crashes in the middle of its first long job",
    "die-at-start": "ends before it says hello, as without torch",
    "noisy": "writes megabytes to its log before it answers",
    "pieces": "writes every message in small pieces",
    "chatty": "also sends notifications and answers that nobody knows",
    "failing": "answers every long job with an error",
    "not-here": "finds that no photo is in the area",
    "heat": "gives the imagery as the raster of heat",
}
PROTOCOL_VERSION = 3
CANCELLED = -32800
PHOTO_ERROR = -32011
INVALID_PARAMS = -32602
METHOD_NOT_FOUND = -32601
STAGES = ("photos", "imagery", "places", "street_views", "gallery", "matching", "verification")
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".heic")
SOURCES = [
    {
        "name": "files",
        "title": "Image tiles of any server",
        "kind": "imagery",
        "example": "xyz|url=https://tiles.example.org/{z}/{x}/{y}.png",
        "licence": "as the server says",
        "attribution": "",
        "key": "optional",
        "options": {"url": "the address with {z}, {x} and {y}", "zoom": "0 to 22"},
    },
    {
        "name": "openview",
        "title": "Open View",
        "kind": "street_view",
        "example": "openview",
        "licence": "CC BY-SA 4.0",
        "attribution": "© contributors of Open View",
    },
    {
        "name": "keyview",
        "title": "Key View",
        "kind": "street_view",
        "example": "keyview",
        "licence": "terms of Key View",
        "attribution": "© Key View",
        "cacheable": False,
        "trainable": False,
        "displayable_beside_map": False,
        "key": "required",
        "key_help": "Make a free key in your account at keyview.example.org.",
        "notice": "Key View hears which area you look at, and bills each picture.",
    },
    {
        "name": "openroads",
        "title": "Open Roads",
        "kind": "roads",
        "example": "openroads",
        "licence": "ODbL 1.0",
        "attribution": "© contributors of Open Roads",
    },
]


class Cancelled(Exception):
    """The running job is to stop."""


class Fault(Exception):
    """An error to answer with."""

    def __init__(self, code: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.answer = {"code": code, "message": message, "data": {"kind": kind}}


class FakeEngine:
    """Reads requests in a thread, answers one at a time."""

    def __init__(self, options: argparse.Namespace, wire: int) -> None:
        self.options = options
        self.wire = wire
        self.jobs: queue.Queue = queue.Queue()
        self.cancelled: set = set()
        self.lock = threading.Lock()
        self.is_first = True

    def run(self) -> None:
        threading.Thread(target=self.read, daemon=True).start()
        while True:
            message = self.jobs.get()
            if message is None:
                return
            self.answer(message)

    def read(self) -> None:
        for line in sys.stdin.buffer:
            message = json.loads(line)
            self.record(message)
            method, params = message["method"], message.get("params", {})
            if self.options.mode == "silent":
                continue
            if method == "shutdown":
                if self.options.mode != "deaf":
                    self.send({"id": message["id"], "result": {}})
                    os._exit(0)
            elif method == "cancel":
                if self.options.mode not in ("deaf", "stubborn"):
                    self.cancelled.add(params["id"])
                if "id" in message:
                    self.send({"id": message["id"], "result": {"cancelled": True}})
            else:
                self.jobs.put(message)
        if self.options.mode in ("deaf", "silent"):
            threading.Event().wait()
        os._exit(0)

    def record(self, message: dict) -> None:
        if self.options.record:
            with open(self.options.record, "a", encoding="utf-8") as file:
                file.write(json.dumps(message) + "\n")

    def send(self, body: dict) -> None:
        line = json.dumps({"jsonrpc": "2.0", **body}, ensure_ascii=False).encode() + b"\n"
        with self.lock:
            size = 7 if self.options.mode == "pieces" else len(line)
            for start in range(0, len(line), size):
                os.write(self.wire, line[start : start + size])

    def answer(self, message: dict) -> None:
        request_id, method = message["id"], message["method"]
        handler = getattr(self, "do_" + method, None)
        try:
            if request_id in self.cancelled:
                raise Cancelled
            if handler is None:
                raise Fault(METHOD_NOT_FOUND, "MethodNotFound", f"no method {method!r}")
            if method != "info":
                self.misbehave(request_id, method)
            self.send({"id": request_id, "result": handler(message.get("params", {}), request_id)})
        except Cancelled:
            error = {"code": CANCELLED, "message": "cancelled", "data": {"kind": "Cancelled"}}
            self.send({"id": request_id, "error": error})
        except Fault as fault:
            self.send({"id": request_id, "error": fault.answer})

    def misbehave(self, request_id: int, method: str) -> None:
        mode = self.options.mode
        if mode == "deaf":
            threading.Event().wait()
        if mode == "garbled":
            os.write(self.wire, b"Segmentation fault \xff\xfe in libfoo.so\n")
        if mode == "noisy":
            for number in range(40_000):
                print(f"{number} " + "a library says what nobody asked " * 3, file=sys.stderr)
        if mode == "chatty":
            self.send({"method": "weather", "params": {"id": request_id, "sky": "blue"}})
            self.send({"method": "weather", "params": {}})
            self.send({"id": 987_654, "result": {}})
            self.send({"id": "w1", "method": "ask", "params": {}})
        if mode == "failing" and method in ("locate", "build_gallery", "fetch", "compare"):
            raise Fault(PHOTO_ERROR, "PhotoError", "no photo could be read; choose others")

    def step(self, request_id: int, stage: str, done: int, total: int, words: str = "") -> None:
        """Report one step, at the pace that was asked for; stop where it is cancelled."""
        params = {"id": request_id, "stage": stage, "done": done, "total": total, "message": words}
        self.send({"method": "progress", "params": params})
        deadline = time.monotonic() + self.options.pace_s
        while True:
            if request_id in self.cancelled:
                raise Cancelled
            left = deadline - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(left, 0.02))
        if stage == "gallery" and self.is_first and self.options.mode in ("die", "crash"):
            self.is_first = False
            print("Traceback (most recent call last):", file=sys.stderr)
            print("RuntimeError: the processor took a coffee break", file=sys.stderr, flush=True)
            if self.options.mode == "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            os._exit(3)

    def steps(self, request_id: int, stages: tuple = STAGES) -> None:
        for stage in stages:
            for done in range(self.options.steps + 1):
                self.step(request_id, stage, done, self.options.steps, f"{stage} {done}")

    def do_info(self, params: dict, request_id: int) -> dict:
        if self.options.mode == "die-at-start":
            print("ModuleNotFoundError: No module named 'torch'", file=sys.stderr, flush=True)
            os._exit(1)
        version = 1 if self.options.mode == "other-protocol" else PROTOCOL_VERSION
        return {
            "protocol_version": version,
            "software_version": "0.0.fake",
            "python_version": ".".join(map(str, sys.version_info[:3])),
            "platform": sys.platform,
            "device": "cpu",
            "device_name": "a slow and honest processor",
            "bundle": {
                "path": "/models/fake",
                "model_hash": "fa" * 32,
                "preset": "fake",
                "backbone": "none",
            },
            "libraries": {"torch": "0.0"},
        }

    def do_sources(self, params: dict, request_id: int) -> dict:
        return {"sources": SOURCES}

    def do_estimate(self, params: dict, request_id: int) -> dict:
        west, south, east, north = bounds_of(params["area"])
        places = max(1, int((east - west) * (north - south) * 1e7))
        asked = [("imagery", params.get("imagery")), ("roads", params.get("roads"))]
        asked += [("street_view", source) for source in params.get("street_views", [])]
        sources = [
            {"source": name, "kind": kind, "requests": places, "bytes": places * 50_000}
            for kind, name in asked
            if name
        ]
        network = params.get("network", {})
        requests = places * len(sources)
        limit = network.get("max_requests", 0)
        over = f"{requests} requests, the limit is {limit}" if 0 < limit < requests else ""
        return {
            "places": places,
            "requests": requests,
            "bytes": requests * 50_000,
            "seconds": 0.05 * places,
            "sources": sources,
            "over_limit": over,
            "notes": ["counted, not measured"],
        }

    def do_inspect_photos(self, params: dict, request_id: int) -> dict:
        photos = list_photos(params["photos"])
        found = []
        for number, path in enumerate(photos):
            self.step(request_id, "photos", number + 1, len(photos), path.name)
            found.append(self.inspect(path, number, params.get("thumbnails")))
        return {"photos": found}

    def inspect(self, path: Path, number: int, thumbnails: str | None) -> dict:
        if not path.is_file():
            words = f"{path}: there is no such file"
            return {"path": str(path), "error": words, "error_code": PHOTO_ERROR}
        digest = sha256(path)
        thumbnail = ""
        if thumbnails:
            picture = Path(thumbnails) / f"{digest[:16]}.png"
            write_picture(picture, 96, 72, number)
            thumbnail = str(picture)
        info = {
            "path": str(path),
            "sha256": digest,
            "width_px": 4000,
            "height_px": 3000,
            "projection": "perspective",
            "fov_deg": 65.0 if number % 2 == 0 else None,
            "fov_source": "exif" if number % 2 == 0 else "",
            "captured_at": "2023-06-01T12:30:00" if number % 3 == 0 else "",
            "thumbnail": thumbnail,
        }
        if number % 4 == 1:
            info.update(lon=15.001, lat=55.701, heading_deg=45.0)
        return info

    def do_locate(self, params: dict, request_id: int) -> dict:
        self.steps(request_id)
        photos = list_photos(params["photos"])
        for number, path in enumerate(photos):
            self.step(request_id, "locate", number, len(photos), path.name)
            answer = self.locate(path, number, bounds_of(params["area"]), params)
            body = {
                "id": request_id,
                "answer": answer,
                "done": number + 1,
                "total": len(photos),
            }
            self.send({"method": "answer", "params": body})
        return {
            "photos": [],
            "files": {"heat": params["imagery"]} if self.options.mode == "heat" else {},
            "summary": f"{len(photos)} photos",
            "notes": ["nothing was computed"],
            "attributions": ["© contributors of Open View"],
            "provenance": {
                "model_hash": "fa" * 32,
                "software_version": "0.0.fake",
                "created_at": "2023-06-02T08:00:00+00:00",
            },
        }

    def locate(self, path: Path, number: int, bounds: tuple, params: dict) -> dict:
        if not path.is_file():
            words = f"{path}: there is no such file"
            return {"path": str(path), "error": words, "error_code": PHOTO_ERROR}
        digest = sha256(path)
        elsewhere = 0.9 if self.options.mode == "not-here" else 0.1
        features = [
            candidate(rank, number, bounds, path, digest, elsewhere)
            for rank in range(1, self.options.candidates + 1)
        ]
        return {
            "path": str(path),
            "photo_sha256": digest,
            "candidates": {"type": "FeatureCollection", "features": features},
            "probability_elsewhere": elsewhere,
            "not_in_area": elsewhere > 0.5,
            "notes": ["the field of view was assumed"] if number % 2 else [],
        }

    def do_build_gallery(self, params: dict, request_id: int) -> dict:
        self.steps(request_id, STAGES[1:5])
        folder = Path(params["out"])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "gallery.json").write_text('{"format": 1}', encoding="utf-8")
        return {"gallery": str(folder)}

    def do_fetch(self, params: dict, request_id: int) -> dict:
        self.steps(request_id, STAGES[1:4])
        folder = Path(params["out"])
        folder.mkdir(parents=True, exist_ok=True)
        roads = folder / "roads.geojson"
        roads.write_text('{"type": "FeatureCollection", "features": []}', encoding="utf-8")
        return {
            "pack": str(folder),
            "files": {"roads": str(roads)},
            "counts": {"places": 12, "street_views": 30},
            "summary": "12 places, 30 street views",
            "notes": [],
        }

    def do_compare(self, params: dict, request_id: int) -> dict:
        self.step(request_id, "compare", 0, 1)
        folder = Path(params["out"])
        pictures = {}
        for number, name in enumerate(("photo", "street_view", "satellite")):
            pictures[name] = str(folder / f"{name}.png")
            write_picture(Path(pictures[name]), 320, 240, number)
        points = [[0.2, 0.3], [0.5, 0.5], [0.8, 0.4]]
        return {
            **pictures,
            "matches": {"photo": points, "street_view": [[x + 0.02, y] for x, y in points]},
            "captions": {
                "photo": Path(params["photo"]).name,
                "street_view": "Open View, 2019-05-01",
                "satellite": "imagery, heading up",
            },
            "attributions": {"street_view": "© contributors of Open View"},
            "notes": [],
        }

    def do_export_photo(self, params: dict, request_id: int) -> dict:
        copy = Path(params["out"])
        if copy.resolve() == Path(params["photo"]).resolve():
            raise Fault(INVALID_PARAMS, "InvalidParams", "the copy would replace the photo")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(params["photo"], copy)
        return {"path": str(copy), "notes": ["written without a position: this is a fake"]}


def candidate(
    rank: int, number: int, bounds: tuple, path: Path, digest: str, elsewhere: float
) -> dict:
    """One feature, on a spiral from the middle of the area."""
    west, south, east, north = bounds
    turn = 2.4 * rank + number
    reach = 0.45 * math.sqrt(rank % 997) / math.sqrt(997)
    lon = (west + east) / 2 + (east - west) * reach * math.cos(turn)
    lat = (south + north) / 2 + (north - south) * reach * math.sin(turn)
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "properties": {
            "photo": str(path),
            "rank": rank,
            "score": round(0.9 / rank**0.2, 4),
            "probability": (1.0 - elsewhere) * 0.5**rank,
            "heading_deg": (37.0 * rank + 10.0 * number) % 360.0,
            "heading_sigma_deg": 4.0 + rank % 10,
            "fov_deg": 65.0,
            "place_id": f"place-{rank}",
            "street_view": ("real", "synthetic", "none")[rank % 3],
            "street_view_date": "2019-05-01T00:00:00" if rank % 3 == 0 else None,
            "street_view_source": "openview" if rank % 3 == 0 else None,
            "imagery_source": "imagery.tif",
            "inliers": max(0, 60 - rank),
            "status": "proposed",
            "precision_m": 15.0,
            "analyst": None,
            "decided_at": None,
            "note": None,
            "photo_sha256": digest,
            "model_hash": "fa" * 32,
            "software_version": "0.0.fake",
            "error_m": None,
            "heading_error_deg": None,
        },
    }


def list_photos(paths: list) -> list[Path]:
    """The photos that were named, folders listed to the bottom."""
    photos = []
    for path in map(Path, paths):
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        photos += [p for p in inside if not path.is_dir() or p.suffix.lower() in PHOTO_SUFFIXES]
    return photos


def bounds_of(area: str) -> tuple:
    """West, south, east, north of "w,s,e,n" or of a GeoJSON file; a small box for others."""
    try:
        west, south, east, north = map(float, area.split(","))
        return west, south, east, north
    except ValueError:
        path = Path(area)
    if not path.is_file():
        raise Fault(-32012, "AreaError", f"{area}: there is no such file; choose another area")
    if path.suffix.lower() not in (".geojson", ".json"):
        return 15.0, 55.7, 15.01, 55.71
    points = list(positions(json.loads(path.read_text(encoding="utf-8"))))
    lons, lats = [p[0] for p in points], [p[1] for p in points]
    return min(lons), min(lats), max(lons), max(lats)


def positions(value: object):
    """Every position in a piece of GeoJSON."""
    if isinstance(value, dict):
        for part in value.values():
            yield from positions(part)
    elif isinstance(value, list):
        if len(value) >= 2 and all(isinstance(v, (int, float)) for v in value[:2]):
            yield value
        else:
            for part in value:
                yield from positions(part)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_picture(path: Path, width: int, height: int, number: int) -> None:
    """Write a PNG: sky over ground, in a hue of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sky = bytes((120 + 30 * (number % 4), 160, 220 - 20 * (number % 5)))
    ground = bytes((90, 110 + 20 * (number % 6), 80))
    rows = b"".join(b"\0" + (sky if y < height // 2 else ground) * width for y in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def main() -> None:
    """Take standard output for the protocol, as the real engine does, and serve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mode", choices=sorted(MODES), default="good")
    parser.add_argument("--pace_s", type=float, default=0.0, help="seconds a step takes")
    parser.add_argument("--steps", type=int, default=2, help="steps of each stage")
    parser.add_argument("--candidates", type=int, default=10, help="candidates of each photo")
    parser.add_argument("--record", help="file that every request is added to")
    options = parser.parse_args()
    wire = os.dup(1)
    os.dup2(2, 1)
    if options.mode == "garbled-hello":
        os.write(wire, b"Python 2.7.18 (default)\n>>> ")
        os.write(wire, b"print 'hello'\n")
    FakeEngine(options, wire).run()


if __name__ == "__main__":
    main()
