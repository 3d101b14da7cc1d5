"""Roads from Overpass: OSMnx does the work, under the client's rules and no others."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
import time

import pytest
import shapely
from servers.base import (
    BAD_GZIP,
    EMPTY,
    HALF,
    HTML,
    RESET,
    SERVER_ERROR,
    TRUNCATED,
    WRONG_TYPE,
    Fault,
    delay,
    rate_limit,
)
from servers.overpass import OverpassServer, elements_of

from model_core.config import NetworkConfig, PlaceConfig
from model_core.errors import Cancelled, InputError, ProviderError
from model_core.references.http import HttpClient
from model_core.references.places import lay_places
from model_core.references.roads.overpass import SOURCES
from model_core.references.source import SourceContext, parse_source
from model_core.references.web import NetworkAccess
from model_core.types import Area

osmnx = pytest.importorskip("osmnx")

LON, LAT = 13.19, 55.7
AREA = Area.from_bounds(LON, LAT, LON + 0.002, LAT + 0.001)
ACROSS = [(LON - 0.01, LAT + 0.0005), (LON + 0.01, LAT + 0.0005)]
WALK = [(LON + 0.0005, LAT + 0.0002), (LON + 0.0005, LAT + 0.0008), (LON + 0.001, LAT + 0.0008)]
FAR = [(LON + 0.1, LAT), (LON + 0.11, LAT)]


def source(client, url, **options):
    text = "|".join(["overpass", f"url={url}", *(f"{k}={v}" for k, v in options.items())])
    return SOURCES[0].open(parse_source(text), SourceContext(client))


@pytest.fixture
def server(serve):
    return serve(OverpassServer(elements_of({"residential": ACROSS, "footway": WALK})))


def test_every_recorded_road_comes_whole(serve, make_client, shared_data) -> None:
    file = shared_data / "city" / "overpass-response-4.json.gz"
    elements = json.loads(gzip.decompress(file.read_bytes()))["elements"]
    nodes = {e["id"]: (e["lon"], e["lat"]) for e in elements if e["type"] == "node"}
    ways = [e for e in elements if e["type"] == "way"]
    server = serve(OverpassServer(elements))
    everywhere = shapely.MultiPoint(list(nodes.values()))
    roads = source(make_client(), server.api_url).read(Area.from_bounds(*everywhere.bounds))
    expected = {tuple(nodes[node] for node in way["nodes"]) for way in ways}
    assert {tuple(road.coords) for road in roads} == expected
    assert len(expected) == 287


@pytest.mark.parametrize("number", [3, 5, 12])
def test_recorded_answers_give_the_ways_that_people_use(
    serve, make_client, shared_data, number
) -> None:
    file = shared_data / "api" / "overpass" / f"overpass-response-{number}.json.gz"
    elements = json.loads(gzip.decompress(file.read_bytes()))["elements"]
    server = serve(OverpassServer(elements))
    points = [(e["lon"], e["lat"]) for e in elements if e["type"] == "node"]
    area = Area.from_bounds(*shapely.MultiPoint(points).bounds)
    roads = source(make_client(), server.api_url).read(area)
    kinds = [e["tags"].get("highway") for e in elements if e["type"] == "way"]
    assert 0 < len(roads) <= len([kind for kind in kinds if kind])
    assert len(roads) >= 0.95 * len([kind for kind in kinds if kind])


@pytest.mark.parametrize("name", ["clapham_common", "mis_tagged_bus_route", "new_river_head"])
def test_recorded_parks_and_bus_routes_are_no_roads(serve, make_client, shared_data, name) -> None:
    answer = json.loads((shared_data / "api" / "overpass" / f"{name}.json").read_bytes())
    server = serve(OverpassServer(answer["elements"]))
    points = [(e["lon"], e["lat"]) for e in answer["elements"] if e["type"] == "node"]
    area = Area.from_bounds(*shapely.MultiPoint(points).bounds)
    ways = [e.get("tags", {}) for e in answer["elements"] if e["type"] == "way"]
    roads = source(make_client(), server.api_url).read(area)
    assert len(roads) == len([tags for tags in ways if "highway" in tags])


def test_a_road_that_only_passes_through_counts_a_far_one_does_not(serve, make_client) -> None:
    made = serve(OverpassServer(elements_of({"primary": ACROSS, "tertiary": FAR})))
    (road,) = source(make_client(), made.api_url).read(AREA)
    assert list(road.coords) == ACROSS


def test_footways_are_roads_and_platforms_are_none(serve, make_client) -> None:
    kinds = ("footway", "steps", "cycleway", "path", "service", "platform", "construction")
    lines = {kind: [(x, y + 1e-5 * n) for x, y in WALK] for n, kind in enumerate(kinds)}
    made = serve(OverpassServer(elements_of(lines)))
    assert len(source(make_client(), made.api_url).read(AREA)) == 5


def test_squares_are_no_lines_and_roundabouts_are(serve, make_client) -> None:
    ring = [*WALK, WALK[0]]
    square = serve(OverpassServer(elements_of({"pedestrian": ring}, area="yes")))
    assert source(make_client(), square.api_url).read(AREA) == []
    roundabout = serve(OverpassServer(elements_of({"residential": ring})))
    assert len(source(make_client(), roundabout.api_url).read(AREA)) == 1


def test_places_are_laid_along_the_roads_that_were_read(server, make_client) -> None:
    roads = source(make_client(), server.api_url).read(AREA)
    places = lay_places(AREA, roads, PlaceConfig(grid="never", spacing_m=20.0))
    lines = shapely.multilinestrings(roads)
    assert len(places) > 5
    assert all(lines.distance(shapely.Point(*p.lonlat.__dict__.values())) < 1e-6 for p in places)


def test_an_area_without_roads_is_empty_not_an_error(serve, make_client, tmp_path) -> None:
    made = serve(OverpassServer([]))
    client = make_client(tmp_path)
    assert source(client, made.api_url).read(AREA) == []
    assert source(client, made.api_url).read(AREA) == []
    assert len(made.requests) == 1


def test_the_request_is_ours(server) -> None:
    access = NetworkAccess(contact="somebody@example.org")
    client = HttpClient(NetworkConfig(), access)
    source(client, server.api_url).read(AREA)
    (request,) = server.requests
    assert request.method == "POST"
    assert request.headers["User-Agent"].startswith("csi-geolocator/")
    assert "somebody@example.org" in request.headers["User-Agent"]
    assert "referer" not in {name.lower() for name in request.headers}
    assert "[timeout:60]" in server.queries[0]
    assert (client.count.requests, client.count.bytes) == (1, len(server.body))


def test_a_proxy_is_used_and_its_password_is_not_shown(server, make_client) -> None:
    proxy = server.url.replace("http://", "http://someone:proxy-password@")
    client = HttpClient(NetworkConfig(retries=0), NetworkAccess(proxy=proxy))
    roads = source(client, "http://overpass.invalid/api")
    assert len(roads.read(AREA)) == 2
    assert server.requests[0].headers["Host"] == "overpass.invalid"
    server.choose_fault = lambda request: SERVER_ERROR
    with pytest.raises(ProviderError, match="HTTP 500") as error:
        roads.read(Area.from_bounds(LON, LAT, LON + 1e-3, LAT + 1e-3))
    assert "proxy-password" not in str(error.value)


def test_certificates_of_an_organisation_are_trusted(serve, tmp_path) -> None:
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    made = serve(OverpassServer(elements_of({"footway": WALK})))
    made._server.socket = context.wrap_socket(made._server.socket, server_side=True)
    url = made.api_url.replace("http://", "https://")
    with pytest.raises(ProviderError, match="certificate that is not trusted"):
        source(HttpClient(NetworkConfig(retries=0)), url).read(AREA)
    bundle = tmp_path / "organisation.pem"
    authority.cert_pem.write_to_path(str(bundle))
    client = HttpClient(NetworkConfig(retries=0), NetworkAccess(ca_bundle=bundle))
    assert len(source(client, url).read(AREA)) == 1


def test_roads_are_kept_by_area_and_server(server, serve, make_client, tmp_path) -> None:
    first = source(make_client(tmp_path), server.api_url)
    assert first.plan(AREA).requests == 1
    roads = first.read(AREA)
    assert first.plan(AREA).requests == 0
    again = source(make_client(tmp_path), server.api_url).read(AREA)
    assert [road.wkb for road in again] == [road.wkb for road in roads]
    assert len(server.requests) == 1
    source(make_client(tmp_path), server.api_url).read(
        Area.from_bounds(LON, LAT, LON + 1e-3, LAT + 1e-3)
    )
    assert len(server.requests) == 2
    other = serve(OverpassServer([]))
    assert source(make_client(tmp_path), other.api_url).read(AREA) == []


def test_offline_asks_nothing_and_uses_what_is_kept(server, make_client, tmp_path) -> None:
    with pytest.raises(ProviderError, match="offline"):
        source(make_client(tmp_path, offline=True), server.api_url).read(AREA)
    assert server.requests == []
    source(make_client(tmp_path), server.api_url).read(AREA)
    server.forget()
    assert len(source(make_client(tmp_path, offline=True), server.api_url).read(AREA)) == 2
    assert server.requests == []


BUSY = Fault("status", 504, body=b"<html><body>Gateway timeout</body></html>")
BROKEN_OFF = json.dumps(
    {
        "elements": [],
        "remark": 'runtime error: Query timed out in "query" at line 1 after 61 seconds',
    }
).encode()
TIMED_OUT = Fault("body", body=BROKEN_OFF, content_type="application/json")


@pytest.mark.parametrize(
    "fault",
    [
        rate_limit(),
        BUSY,
        SERVER_ERROR,
        HTML,
        EMPTY,
        WRONG_TYPE,
        TRUNCATED,
        HALF,
        RESET,
        BAD_GZIP,
        TIMED_OUT,
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_what_may_pass_is_tried_again_without_long_pauses(
    server, make_client, tmp_path, fault
) -> None:
    server.fail(fault, times=2)
    client = make_client(tmp_path)
    began = time.monotonic()
    assert len(source(client, server.api_url).read(AREA)) == 2
    assert time.monotonic() - began < 5.0
    assert client.count.requests == 3
    assert sum(client.count.failures.values()) == 2


@pytest.mark.parametrize("fault", [rate_limit(), BUSY, HTML, TRUNCATED, TIMED_OUT])
def test_what_does_not_pass_is_our_error_and_is_not_kept(
    server, make_client, tmp_path, fault
) -> None:
    server.choose_fault = lambda request: fault
    with pytest.raises(ProviderError, match="OpenStreetMap by Overpass"):
        source(make_client(tmp_path, retries=1), server.api_url).read(AREA)
    assert len(server.requests) == 2
    server.choose_fault = None
    assert len(source(make_client(tmp_path), server.api_url).read(AREA)) == 2


def test_a_query_that_is_too_large_is_not_repeated(server, make_client) -> None:
    said = b'{"elements": [], "remark": "runtime error: Query run out of memory using 512 MB"}'
    server.choose_fault = lambda request: Fault("body", body=said)
    with pytest.raises(ProviderError, match=r"out of memory.*make the area smaller"):
        source(make_client(), server.api_url).read(AREA)
    assert len(server.requests) == 1


def test_elements_that_do_not_fit_together_are_an_error(serve, make_client) -> None:
    elements = elements_of({"residential": ACROSS})
    made = serve(OverpassServer([{k: v for k, v in e.items() if k != "lat"} for e in elements]))
    with pytest.raises(ProviderError, match="do not fit together"):
        source(make_client(), made.api_url).read(AREA)


def test_a_server_that_does_not_answer_is_given_up(server, make_client) -> None:
    server.choose_fault = lambda request: delay(4.0)
    began = time.monotonic()
    with pytest.raises(ProviderError, match="did not answer in time"):
        source(make_client(retries=0), server.api_url, timeout_s=1).read(AREA)
    assert time.monotonic() - began < 3.0


def test_cancel_is_heard_at_once(server, make_client) -> None:
    server.choose_fault = lambda request: delay(3.0)
    cancelled = threading.Event()
    threading.Timer(0.3, cancelled.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        source(make_client(cancel=cancelled.is_set), server.api_url).read(AREA)
    assert time.monotonic() - began < 1.0


def test_the_cap_on_requests_holds(server, make_client) -> None:
    server.choose_fault = lambda request: SERVER_ERROR
    with pytest.raises(InputError, match="limit of 2 requests"):
        source(make_client(max_requests=2), server.api_url).read(AREA)
    assert len(server.requests) == 2


def test_the_library_is_left_as_it_was_and_writes_nothing(
    server, make_client, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = dict(vars(osmnx.settings))
    resolver = socket.getaddrinfo
    source(make_client(), server.api_url).read(AREA)
    server.choose_fault = lambda request: HTML
    with pytest.raises(ProviderError):
        source(make_client(retries=0), f"{server.api_url}/").read(
            Area.from_bounds(LON, LAT, LON + 0.003, LAT + 0.001)
        )
    assert dict(vars(osmnx.settings)) == before
    assert socket.getaddrinfo is resolver
    assert list(tmp_path.iterdir()) == []


def test_parts_of_an_area_are_asked_for_one_by_one(server, make_client) -> None:
    far = shapely.box(LON + 1.0, LAT, LON + 1.001, LAT + 0.001)
    area = Area(shapely.union(AREA.geometry, far))
    roads = source(make_client(), server.api_url)
    assert roads.plan(area).requests == 2
    assert len(roads.read(area)) == 2
    assert server.most_at_once == 1


def test_two_runs_at_once_do_not_disturb_each_other(serve, make_client) -> None:
    servers = [
        serve(OverpassServer(elements_of(lines), latency_s=0.2))
        for lines in ({"primary": ACROSS}, {"footway": WALK})
    ]
    found = [None, None]

    def read(number: int) -> None:
        found[number] = source(make_client(), servers[number].api_url).read(AREA)

    threads = [threading.Thread(target=read, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [list(roads[0].coords) for roads in found] == [ACROSS, WALK]


def test_wrong_options_are_named(make_client) -> None:
    with pytest.raises(InputError, match="timeout_s is 'soon'"):
        source(make_client(), "http://127.0.0.1", timeout_s="soon")
    with pytest.raises(InputError, match="choose 1 to 900"):
        source(make_client(), "http://127.0.0.1", timeout_s=0)
