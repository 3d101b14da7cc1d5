"""Tiles and street views of a square kilometre, by the engine and by a bare loop over one server.

Run ``PYTHONPATH=. python tests/bench/bench_fetch.py`` from the project's root. The server stands on
loopback and answers each request after 50 ms, in a process of its own. Both use as many
connections; the engine also checks and keeps every image on disk, and decodes tiles. The fastest
round of each counts, as others at work on the machine slow rounds down. The ratio should stay under
1.3.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import cv2
import numpy as np
import requests

from model_core.config import NetworkConfig
from model_core.references.area import LocalFrame
from model_core.references.bodies import image_body
from model_core.references.collect import ReferenceSummary
from model_core.references.http import HttpClient
from model_core.references.imagery.web_tiles import SOURCES
from model_core.references.prefetch import prefetch_views
from model_core.references.source import SourceContext, parse_source
from model_core.references.street_view.online import RemotePhoto
from model_core.references.web import HttpRequest, NetworkAccess
from model_core.types import LonLat, SourceTerms, StreetView, ignore_progress

CENTER = LonLat(9.19, 40.0)
FOOTPRINT_M, SIZE_PX = 60.0, 256
ZOOM = 19
VIEWS = 300
SERVERS = Path(__file__).parents[1] / "model_core" / "references"


def make_tile() -> bytes:
    """Return a JPEG of the size that aerial tiles have, some 20 KB."""
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    image = cv2.resize(noise, (256, 256))
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 75])[1].tobytes()


def make_view() -> bytes:
    """Return a JPEG of the size that street views have, some 300 KB."""
    noise = np.random.default_rng(1).integers(0, 255, (256, 512, 3), np.uint8)
    image = cv2.resize(noise, (2048, 1024))
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 70])[1].tobytes()


def serve(answers: Connection, latency_s: float) -> None:
    """Serve one tile or one street view at every address until the other end says so."""
    sys.path.insert(0, str(SERVERS))
    from servers.base import Answer, LoopbackServer, Recorded

    tile, view = make_tile(), make_view()

    class TileServer(LoopbackServer):
        def answer(self, request: Recorded) -> Answer:
            body = view if request.path.startswith("/views/") else tile
            return Answer(body, content_type="image/jpeg")

    with TileServer(latency_s) as server:
        answers.send(server.url)
        while True:
            answers.recv()
            answers.send([one.path for one in server.requests])
            server.forget()


def fetch_tiles(url: str, connections: int) -> float:
    """Return the seconds the engine takes for the tiles of all places."""
    frame = LocalFrame(CENTER)
    steps = np.arange(-470.0, 471.0, 40.0)
    lons, lats = frame.to_lonlat(*(grid.ravel() for grid in np.meshgrid(steps, steps)))
    places = [LonLat(float(lon), float(lat)) for lon, lat in zip(lons, lats, strict=True)]
    known = {source.name: source for source in SOURCES}["xyz"]
    text = parse_source(f"xyz|url={url}/{{z}}/{{x}}/{{y}}.jpg|max_zoom={ZOOM}")
    with tempfile.TemporaryDirectory() as folder:
        access = NetworkAccess(cache_folder=Path(folder))
        client = HttpClient(NetworkConfig(connections=connections), access)
        imagery = known.open(text, SourceContext(client))
        began = time.perf_counter()
        failures = imagery.prepare(places, FOOTPRINT_M, SIZE_PX)
        seconds = time.perf_counter() - began
    if failures:
        raise failures[0]
    return seconds


def fetch_views(url: str, connections: int) -> float:
    """Return the seconds the engine takes for the street views."""
    terms = SourceTerms("views")
    with tempfile.TemporaryDirectory() as folder:
        access = NetworkAccess(cache_folder=Path(folder))
        client = HttpClient(NetworkConfig(connections=connections), access)
        views = []
        for number in range(VIEWS):
            request = HttpRequest(f"{url}/views/{number}.jpg", check=image_body)
            remote = RemotePhoto(client, request, terms)
            views.append(
                StreetView(
                    str(number), Path("v"), CENTER, "perspective", 0.0, 90.0, terms, remote=remote
                )
            )
        summary = ReferenceSummary()
        began = time.perf_counter()
        prefetch_views(client, views, summary, ignore_progress)
        seconds = time.perf_counter() - began
    if summary.failures:
        raise RuntimeError(summary.describe())
    return seconds


def fetch_by_loop(urls: list[str], connections: int) -> float:
    """Return the seconds a bare loop takes: a pool of threads, a session each, nothing kept."""
    local = threading.local()

    def get(url: str) -> int:
        if not hasattr(local, "session"):
            local.session = requests.Session()
        return len(local.session.get(url, timeout=20).content)

    began = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        total = sum(pool.map(get, urls))
    seconds = time.perf_counter() - began
    if total == 0:
        raise RuntimeError("the loop fetched nothing")
    return seconds


def main() -> None:
    """Print both times and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--latency-ms", type=float, default=50.0)
    parser.add_argument("--connections", type=int, default=NetworkConfig().connections)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(there, options.latency_ms / 1000.0), daemon=True
    )
    server.start()
    url = here.recv()
    for name, fetch in (("tiles", fetch_tiles), ("street views", fetch_views)):
        engine, loop, count = [], [], 0
        for _ in range(options.rounds):
            engine.append(fetch(url, options.connections))
            here.send("what was asked")
            urls = [f"{url}{path}" for path in here.recv()]
            count = len(urls)
            loop.append(fetch_by_loop(urls, options.connections))
            here.send("what was asked")
            here.recv()
        ours, bare = min(engine), min(loop)
        print(
            f"{count} {name}, {options.connections} connections, {options.latency_ms:.0f} ms each"
        )
        print(f"bare loop  {bare:6.2f} s   {count / bare:6.0f} a second   1.00")
        print(f"engine     {ours:6.2f} s   {count / ours:6.0f} a second   {ours / bare:.2f}")
    server.terminate()


if __name__ == "__main__":
    main()
