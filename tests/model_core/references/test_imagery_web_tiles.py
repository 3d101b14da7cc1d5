"""Tiles of servers serve as imagery like a folder of the same tiles, whatever the servers do."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import xyzservices.providers
from servers import base
from servers.wms import MapServer
from servers.xyz import XyzServer, blank_tile, tiles_of

from model_core.errors import Cancelled, ImageryError, InputError, ProviderError
from model_core.references.imagery import OnlineImagery, TileFolderImagery, open_imagery
from model_core.references.imagery.web_tiles import SOURCES
from model_core.references.source import SourceContext, parse_source
from model_core.references.terms import may_train
from model_core.types import LonLat

PLACE = LonLat(24.94, 60.17)
ZOOM = 18


def open_source(text: str, client, **keys: str) -> OnlineImagery:
    source = parse_source(text)
    known = {one.name: one for one in SOURCES}[source.name]
    return known.open(source, SourceContext(client, keys))


def tile_at(place: LonLat, zoom: int) -> tuple[int, int]:
    n = 1 << zoom
    y = (1 - math.asinh(math.tan(math.radians(place.lat))) / math.pi) / 2
    return int((place.lon + 180) / 360 * n), int(y * n)


def noise_tile(seed: int, suffix: str = ".png") -> bytes:
    noise = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), np.uint8)
    return cv2.imencode(suffix, cv2.resize(noise, (256, 256)))[1].tobytes()


@pytest.fixture(scope="module")
def tiles() -> dict[tuple[int, int, int], bytes]:
    x0, y0 = tile_at(PLACE, ZOOM)
    return {
        (ZOOM, x, y): noise_tile(31 * (x - x0) + y - y0 + 200)
        for x in range(x0 - 3, x0 + 4)
        for y in range(y0 - 3, y0 + 4)
    }


def write_folder(folder: Path, tiles) -> TileFolderImagery:
    for (zoom, x, y), body in tiles.items():
        path = folder / str(zoom) / str(x) / f"{y}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return TileFolderImagery(folder)


def same(one, other) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one.image, other.image) and np.array_equal(one.valid, other.valid)


@pytest.mark.parametrize(("name", "zoom"), [("kampala", 21), ("nairobi", 21)])
@pytest.mark.parametrize("size_px", [64, 160, 512])
def test_served_tiles_give_the_images_of_their_folder_bit_for_bit(
    shared_data, serve, make_client, name, zoom, size_px
):
    folder = shared_data / "xyz" / name
    server = serve(XyzServer(folder))
    online = open_source(f"xyz|url={server.template}|max_zoom={zoom}", make_client())
    local = TileFolderImagery(folder)
    west, south, east, north = local.bounds()
    places = [
        LonLat(float(lon), float(lat))
        for lon in np.linspace(west, east, 4)
        for lat in np.linspace(south, north, 4)
    ]
    assert online.prepare(places, 50.0, size_px) == []
    found = [(online.read(one, 50.0, size_px), local.read(one, 50.0, size_px)) for one in places]
    assert all(same(*pair) for pair in found)
    assert sum(pair[0] is not None for pair in found) >= 2
    asked = [one.path for one in server.requests]
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize(
    "template", ["/tms/{z}/{x}/{-y}.png", "/q/{q}.png", "/{s}/{z}/{x}/{y}.png"]
)
def test_every_kind_of_template_finds_the_same_tiles(serve, make_client, tiles, tmp_path, template):
    server = serve(XyzServer(tiles))
    online = open_source(f"xyz|url={server.url}{template}|max_zoom={ZOOM}", make_client())
    local = write_folder(tmp_path, tiles)
    assert same(online.read(PLACE, 90.0, 128), local.read(PLACE, 90.0, 128))


@pytest.mark.parametrize(
    "options",
    [
        "wms|url={url}/wms|layers=ortho",
        "wms|url={url}/wms?map=/a.map|layers=ortho|version=1.1.1",
        "wms|url={url}/wms|layers=ortho|crs=EPSG:4326",
        "wms|url={url}/wms|layers=ortho|crs=EPSG:4326|version=1.1.1",
        "wmts|url={url}/wmts|layer=ortho",
        "wmts|url={url}/rest/ortho/grid/EPSG:3857:{{TileMatrix}}/{{TileRow}}/{{TileCol}}.png",
    ],
)
def test_map_services_give_the_same_images_as_a_folder(
    serve, make_client, tiles, tmp_path, options
):
    server = serve(MapServer(tiles))
    online = open_source(f"{options.format(url=server.url)}|max_zoom={ZOOM}", make_client())
    local = write_folder(tmp_path, tiles)
    found = online.read(PLACE, 90.0, 128)
    assert found is not None
    assert same(found, local.read(PLACE, 90.0, 128))


def test_wmts_follows_the_rest_address_and_the_limits_of_the_capabilities(
    serve, make_client, tiles
):
    x0, y0 = tile_at(PLACE, ZOOM)
    limits = {ZOOM: (y0, y0, x0, x0)}
    server = serve(MapServer(tiles, rest=True, limits=limits))
    online = open_source(f"wmts|url={server.url}/wmts|layer=ortho", make_client())
    assert online.plan([PLACE], 90.0, 128).requests >= 2
    assert server.requests == []
    online.read(PLACE, 90.0, 128)
    assert len(server.asked("/rest/")) == 1
    assert len(server.asked("GetCapabilities")) == 1


def test_tiles_in_another_projection_are_refused_in_words(serve, make_client, tiles):
    server = serve(MapServer(tiles, crs="urn:ogc:def:crs:EPSG::25832"))
    online = open_source(f"wmts|url={server.url}/wmts|layer=ortho", make_client())
    with pytest.raises(ImageryError, match=r"web-Mercator.*grid \(urn.*25832\)"):
        online.prepare([PLACE], 90.0, 128)
    online = open_source(f"wmts|url={server.url}/wmts|layer=orto", make_client())
    with pytest.raises(ImageryError, match=r"no layer 'orto'; offered are ortho"):
        online.read(PLACE, 90.0, 128)


def test_an_exception_of_a_map_service_is_an_error_and_never_kept(
    serve, make_client, tiles, tmp_path
):
    server = serve(MapServer(tiles))
    client = make_client(tmp_path / "cache")
    online = open_source(f"wms|url={server.url}/wms|layers=roads|max_zoom={ZOOM}", client)
    with pytest.raises(ProviderError, match="LayerNotDefined: unknown layer roads"):
        online.read(PLACE, 60.0, 128)
    assert client.cache.size_bytes() == 0


@pytest.mark.parametrize("missing", [404, 204, blank_tile((0, 0, 0, 0)), blank_tile((255,) * 4)])
def test_missing_tiles_are_filled_from_coarser_ones(serve, make_client, tiles, tmp_path, missing):
    x0, y0 = tile_at(PLACE, ZOOM)
    kept = {key: body for key, body in tiles.items() if key != (ZOOM, x0, y0)}
    kept[ZOOM - 2, x0 >> 2, y0 >> 2] = noise_tile(999)
    server = serve(XyzServer(kept, missing))
    online = open_source(f"xyz|url={server.template}|max_zoom={ZOOM}", make_client())
    found = online.read(PLACE, 40.0, 128)
    assert found.valid.all()
    assert not found.failed
    assert same(found, write_folder(tmp_path, kept).read(PLACE, 40.0, 128))


def test_places_without_tiles_have_no_image_and_ask_for_each_tile_once(serve, make_client):
    server = serve(XyzServer({}))
    online = open_source(f"xyz|url={server.template}|min_zoom=14|max_zoom={ZOOM}", make_client())
    assert online.read(PLACE, 40.0, 128) is None
    assert online.read(PLACE, 40.0, 128) is None
    asked = [one.path for one in server.requests]
    assert len(asked) == len(set(asked))


def test_a_tile_that_fails_costs_only_its_own_pixels(serve, make_client, tiles):
    x0, y0 = tile_at(PLACE, ZOOM)
    server = serve(XyzServer(tiles))
    server.fail(base.FORBIDDEN, times=50, matching=f"/{ZOOM}/{x0}/{y0}.png")
    online = open_source(f"xyz|url={server.template}|max_zoom={ZOOM}", make_client())
    (failure,) = online.prepare([PLACE], 160.0, 512)
    assert failure.reason == "HTTP 403"
    found = online.read(PLACE, 160.0, 512)
    assert 0.3 < found.valid.mean() < 0.95
    assert found.failed
    assert len(server.asked(f"/{x0}/{y0}.png")) == 1
    whole = open_source(f"xyz|url={server.template}|max_zoom={ZOOM}", make_client())
    assert whole.prepare([PLACE], 160.0, 512) != []


FAULTS = {
    "server error": base.SERVER_ERROR,
    "rate limit": base.rate_limit(),
    "web page": base.HTML,
    "empty": base.EMPTY,
    "wrong type": base.WRONG_TYPE,
    "truncated": base.TRUNCATED,
    "half": base.HALF,
    "reset": base.RESET,
    "bad gzip": base.BAD_GZIP,
    "timeout": base.LATE,
    "damaged": base.Fault(
        "body", body=b"\x89PNG\r\n\x1a\n" + bytes(64) + b"IEND\xaeB`\x82", content_type="image/png"
    ),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_passing_fault_is_survived_and_nothing_corrupt_is_kept(
    serve, make_client, tiles, tmp_path, kind
):
    server = serve(XyzServer(tiles))
    server.fail(FAULTS[kind], times=2)
    client = make_client(tmp_path / "cache", read_timeout_s=base.PATIENCE_S)
    online = open_source(f"xyz|url={server.template}|max_zoom={ZOOM}", client)
    assert online.prepare([PLACE], 60.0, 128) == []
    assert sum(client.count.failures.values()) == 2
    local = write_folder(tmp_path / "tiles", tiles)
    server.forget()
    again = open_source(
        f"xyz|url={server.template}|max_zoom={ZOOM}", make_client(tmp_path / "cache", offline=True)
    )
    assert same(again.read(PLACE, 60.0, 128), local.read(PLACE, 60.0, 128))
    assert server.requests == []


@pytest.mark.parametrize("kind", FAULTS)
def test_a_lasting_fault_is_one_error_a_tile(serve, make_client, tiles, tmp_path, kind):
    server = serve(XyzServer(tiles))
    server.choose_fault = lambda request: FAULTS[kind]
    client = make_client(tmp_path / "cache", retries=1, read_timeout_s=0.2)
    online = open_source(f"xyz|url={server.template}|max_zoom={ZOOM}", client)
    planned = online.plan([PLACE], 60.0, 128).requests
    assert len(online.prepare([PLACE], 60.0, 128)) == planned
    with pytest.raises(ProviderError, match=r"tiles of 127\.0\.0\.1"):
        online.read(PLACE, 60.0, 128)
    assert client.cache.size_bytes() == 0


def test_the_plan_is_what_is_then_asked_and_asks_nothing(serve, make_client, tiles, tmp_path):
    server = serve(XyzServer(tiles))
    places = [LonLat(PLACE.lon + 0.0002 * step, PLACE.lat) for step in range(6)]
    online = open_source(
        f"xyz|url={server.template}|max_zoom={ZOOM}", make_client(tmp_path / "cache")
    )
    plan = online.plan(places, 60.0, 128)
    assert server.requests == []
    told = []
    online.prepare(places, 60.0, 128, lambda done, total: told.append((done, total)))
    assert len(server.requests) == plan.requests
    assert told[-1] == (plan.requests, plan.requests)
    assert online.plan(places, 60.0, 128).requests == 0
    later = open_source(
        f"xyz|url={server.template}|max_zoom={ZOOM}", make_client(tmp_path / "cache")
    )
    assert later.plan(places, 60.0, 128).requests == 0


def test_no_more_connections_than_allowed(serve, make_client, tiles):
    server = serve(XyzServer(tiles, latency_s=0.02))
    online = open_source(f"xyz|url={server.template}|max_zoom={ZOOM}", make_client(connections=3))
    online.prepare([PLACE], 300.0, 512)
    assert 2 <= server.most_at_once <= 3


def test_cancel_is_heard_within_a_second(serve, make_client, tiles):
    server = serve(XyzServer(tiles, latency_s=5.0))
    began = time.monotonic()
    client = make_client(cancel=lambda: time.monotonic() - began > 0.2, read_timeout_s=20.0)
    online = open_source(f"xyz|url={server.template}|max_zoom={ZOOM}", client)
    with pytest.raises(Cancelled):
        online.prepare([PLACE], 60.0, 128)
    assert time.monotonic() - began < 1.2


def test_a_saved_copy_reads_like_the_service(serve, make_client, tiles, tmp_path):
    x0, y0 = tile_at(PLACE, ZOOM)
    kept = {key: body for key, body in tiles.items() if key != (ZOOM, x0, y0)}
    kept[ZOOM - 1, x0 >> 1, y0 >> 1] = noise_tile(998)
    server = serve(XyzServer(kept))
    text = f"xyz|url={server.template}|max_zoom={ZOOM}|licence=CC BY 4.0|attribution=(c) City"
    online = open_source(text, make_client())
    places = [PLACE, LonLat(PLACE.lon + 0.0007, PLACE.lat)]
    path = online.save(tmp_path / "copy", places, 60.0, 128)
    local = open_imagery(path)
    for place in places:
        assert same(local.read(place, 60.0, 128), online.read(place, 60.0, 128))
    assert local.terms == online.terms
    assert local.terms.attribution == "(c) City"
    assert local.terms.trainable
    saved = tiles_of(path)
    assert saved
    assert all(kept[key] == body for key, body in saved.items())


def test_nothing_is_saved_where_terms_forbid_it(serve, make_client, tiles, tmp_path):
    server = serve(XyzServer(tiles))
    client = make_client(tmp_path / "cache")
    online = open_source(f"esri-world-imagery|url={server.template}|max_zoom={ZOOM}", client)
    assert online.read(PLACE, 60.0, 128) is not None
    with pytest.raises(InputError, match="forbid storing"):
        online.save(tmp_path / "copy", [PLACE], 60.0, 128)
    assert not (tmp_path / "copy").exists()
    assert not list(tmp_path.rglob("*.reply"))
    with pytest.raises(InputError, match="forbid training"):
        may_train(online.terms)


def test_the_licence_decides_what_a_source_may_be_used_for(make_client):
    url = "xyz|url=https://tiles.example.org/{z}/{x}/{y}.png"
    unknown = open_source(url, make_client()).terms
    assert (unknown.cacheable, unknown.trainable, unknown.displayable_beside_map) == (
        True,
        False,
        True,
    )
    assert open_source(f"{url}|licence=CC BY-SA 4.0", make_client()).terms.trainable
    assert not open_source(f"{url}|licence=CC BY-NC 4.0", make_client()).terms.trainable
    stated = open_source(f"{url}|licence=own contract|trainable=yes|cacheable=no", make_client())
    assert (stated.terms.cacheable, stated.terms.trainable) == (False, True)
    with pytest.raises(InputError, match="needs licence"):
        open_source(f"{url}|trainable=yes", make_client())


def test_kept_tiles_are_asked_for_again_when_they_expire(serve, make_client, tiles, tmp_path):
    server = serve(XyzServer(tiles))
    text = f"xyz|url={server.template}|max_zoom={ZOOM}"
    open_source(text, make_client(tmp_path)).prepare([PLACE], 40.0, 128)
    server.forget()
    open_source(f"{text}|expires_days=1", make_client(tmp_path)).prepare([PLACE], 40.0, 128)
    assert server.requests == []
    open_source(f"{text}|expires_days=0", make_client(tmp_path)).prepare([PLACE], 40.0, 128)
    assert server.requests != []


SECRET = "s3cr3tK3y0fM1ne"


@pytest.mark.parametrize(
    "template",
    [
        f"/{{z}}/{{x}}/{{y}}.png?token={SECRET}",
        f"/{{z}}/{{x}}/{{y}}.png?style=a&Access_Token={SECRET}",
        "/{z}/{x}/{y}.png?api_key={key}",
        "/keyed/{key}/{z}/{x}/{y}.png",
    ],
)
def test_keys_reach_the_server_and_nothing_else(
    serve, make_client, tiles, tmp_path, template, caplog
):
    caplog.set_level("DEBUG", logger="model_core")
    server = serve(XyzServer(tiles))
    client = make_client(tmp_path / "cache", retries=0)
    text = f"xyz|url={server.url}{template}|max_zoom={ZOOM}"
    online = open_source(text, client, xyz=SECRET)
    assert online.prepare([PLACE], 40.0, 128) == []
    assert all(SECRET in one.address for one in server.requests)
    server.choose_fault = lambda request: base.RESET
    failures = online.prepare([LonLat(PLACE.lon + 0.002, PLACE.lat)], 40.0, 128)
    assert failures
    server.choose_fault = lambda request: base.SERVER_ERROR
    failures += online.prepare([LonLat(PLACE.lon - 0.002, PLACE.lat)], 40.0, 128)
    assert not any(SECRET in str(one) or SECRET in repr(one) for one in failures)
    assert SECRET not in caplog.text
    online.save(tmp_path / "copy", [PLACE], 40.0, 128)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 4
    assert not any(SECRET.encode() in path.read_bytes() for path in written)
    assert SECRET not in repr(online.terms)


def test_the_same_tile_with_another_key_is_the_same_tile(serve, make_client, tiles, tmp_path):
    server = serve(XyzServer(tiles))
    for key in ("firstkey", "secondkey"):
        text = f"xyz|url={server.template}?key={key}|max_zoom={ZOOM}"
        open_source(text, make_client(tmp_path)).prepare([PLACE], 40.0, 128)
    assert {one.query["key"] for one in server.requests} == {"firstkey"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("xyz", "xyz|url="),
        ("xyz|url=tiles.example.org/{z}/{x}/{y}", "https://"),
        ("xyz|url=https://t.example.org/{z}/{x}.png", "{y}"),
        ("xyz|url=https://t.example.org/{z}/{x}/{y}/{time}.png", "{time}"),
        ("xyz|url=https://t.example.org/{z}/{x}/{y}.png?k={key}", "needs an API key"),
        ("xyz|url=https://t.example.org/{z}/{x}/{y}.png|max_zoom=40", "zooms"),
        ("xyz|url=https://t.example.org/{z}/{x}/{y}.png|tile_size=300", "tile_size"),
        ("xyz|url=https://t.example.org/{z}/{x}/{y}.png|cacheable=maybe", "yes or no"),
        ("wms|url=https://t.example.org/wms", "layers"),
        ("wms|url=https://t.example.org/wms|layers=a|crs=EPSG:25832", "EPSG:25832"),
        ("wms|url=https://t.example.org/wms|layers=a|version=2", "version"),
        ("wmts|url=https://t.example.org/wmts", "layer"),
        ("wmts|url=https://h/{TileMatrix}/{TileRow}/{TileCol}|matrix_set=EPSG:2056", "web Merc"),
        ("catalog|name=Nobody.Nothing", "no name of the catalogue"),
        ("catalog|name=MapBox", "API key"),
        ("esri-wayback|date=yesterday", "before:2024-01-31"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(make_client, text, said):
    with pytest.raises(InputError, match="(?s)" + said.replace("|", r"\|").replace("{", r"\{")):
        open_source(text, make_client())


def test_the_catalogue_brings_attribution_zooms_and_keys(serve, make_client, tiles):
    server = serve(XyzServer(tiles))
    esri = open_source("catalog|name=Esri.WorldImagery", make_client())
    assert "Esri" in esri.terms.attribution
    assert not esri.terms.cacheable
    text = f"catalog|name=MapBox|url={server.template}?access_token={{key}}|max_zoom={ZOOM}"
    with pytest.raises(InputError, match="catalog needs an API key"):
        open_source(text, make_client())
    with_key = open_source(text, make_client(), catalog="abcdef")
    with_key.prepare([PLACE], 40.0, 128)
    assert {one.query["access_token"] for one in server.requests} == {"abcdef"}
    names = sorted(xyzservices.providers.flatten())
    assert "BasemapAT.orthofoto" in names
    refused = []
    for name in names[::9]:
        try:
            open_source(f"catalog|name={name}", make_client(), catalog="abcdef")
        except InputError as err:
            refused.append(str(err))
    assert all("choose another one" in said for said in refused)
    assert 0 < len(refused) < len(names) / 18


@pytest.mark.parametrize(
    ("date", "release"),
    [
        ("newest", "30"),
        ("before:2023-01-01", "20"),
        ("after:2015-01-01", "20"),
        ("2014-02-20", "10"),
    ],
)
def test_wayback_takes_the_release_that_the_date_means(serve, make_client, tiles, date, release):
    server = serve(XyzServer(tiles))
    server.releases = {"10": "2014-02-20", "30": "2024-06-06", "20": "2022-11-02"}
    url = f"{server.url}/waybackconfig.json"
    online = open_source(f"esri-wayback|date={date}|url={url}|max_zoom={ZOOM}", make_client())
    found = online.read(PLACE, 60.0, 128)
    assert found is not None
    assert server.releases[release] in found.terms.provider
    assert {one.path.split("/")[2] for one in server.asked("/release/")} == {release}
    with pytest.raises(ImageryError, match="2014-02-20 to 2024-06-06"):
        open_source(f"esri-wayback|date=before:2010-01-01|url={url}", make_client()).read(
            PLACE, 60.0, 128
        )


def test_offline_reads_what_is_kept_and_asks_nothing(serve, make_client, tiles, tmp_path):
    server = serve(MapServer(tiles))
    text = f"wmts|url={server.url}/wmts|layer=ortho|max_zoom={ZOOM}"
    online = open_source(text, make_client(tmp_path)).read(PLACE, 60.0, 128)
    server.forget()
    offline = open_source(text, make_client(tmp_path, offline=True))
    assert offline.plan([PLACE], 60.0, 128).requests == 0
    assert same(offline.read(PLACE, 60.0, 128), online)
    with pytest.raises(ProviderError, match="offline"):
        offline.read(LonLat(PLACE.lon + 0.05, PLACE.lat), 60.0, 128)
    assert server.requests == []


def test_terms_beside_tiles_are_read_and_broken_ones_named(tmp_path, tiles):
    write_folder(tmp_path, tiles)
    path = tmp_path / "terms.json"
    path.write_text(json.dumps({"provider": "City", "licence": "CC0", "trainable": False}))
    found = open_imagery(tmp_path)
    assert (found.terms.provider, found.terms.trainable) == ("City", False)
    for broken in ('{"licence": "CC0"}', '{"provider": "a", "trainable": "no"}', "[]", "{"):
        path.write_text(broken)
        with pytest.raises(InputError, match=r"terms\.json"):
            open_imagery(tmp_path)
