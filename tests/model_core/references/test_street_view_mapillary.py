"""Mapillary: the better pose, boxes small enough, addresses that expire, a token never seen."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from servers.base import HTML, TRUNCATED, Answer, Fault, LoopbackServer, Recorded
from servers.mapillary import TOKEN, MapillaryServer
from servers.views import bytes_under, row_of_views

from model_core.errors import InputError, ProviderError
from model_core.references.source import SourceContext, parse_source
from model_core.references.street_view.mapillary import SOURCES
from model_core.types import Area

LON, LAT = 13.19, 55.7
AREA = Area.from_bounds(LON - 0.0005, LAT - 0.0005, LON + 0.004, LAT + 0.0005)


def source(client, url, token=TOKEN, **options):
    text = "|".join(["mapillary", f"url={url}", *(f"{k}={v}" for k, v in options.items())])
    return SOURCES[0].open(parse_source(text), SourceContext(client, {"mapillary": token}))


class Listing(LoopbackServer):
    """Answers every listing with the same images."""

    def __init__(self, images: list[dict]) -> None:
        super().__init__()
        self.body = json.dumps({"data": images}).encode()

    def answer(self, request: Recorded) -> Answer:
        return Answer(self.body, content_type="application/json")


def image_said(**said):
    known = {
        "id": "1",
        "geometry": {"type": "Point", "coordinates": [LON, LAT]},
        "camera_type": "perspective",
        "width": 4000,
        "height": 3000,
        "camera_parameters": [0.85, 0, 0],
        "compass_angle": 100.0,
    }
    return {**known, **said}


def only_view(serve, make_client, **said):
    server = serve(Listing([image_said(**said)]))
    found = source(make_client(), server.url)
    views = found.find(AREA, 0.0)
    return views[0] if views else found.skipped["1"]


@pytest.fixture
def recorded(shared_data):
    """The recorded images, without what a listing would not send."""
    folder = shared_data / "api" / "mapillary_v4" / "graph"
    entities = [json.loads(path.read_bytes()) for path in sorted(folder.glob("[0-9]*.json"))]
    return [one for one in entities if "camera_type" in one]


def test_recorded_images_have_the_reconstructed_pose(serve, make_client, recorded) -> None:
    server = serve(Listing(recorded))
    area = Area.from_bounds(-108.572, 39.065, -108.570, 39.070)
    views = {v.path.stem: v for v in source(make_client(), server.url).find(area, 0.0)}
    assert len(views) == len(recorded) >= 6
    view = views["135511895288847"]
    assert view.lonlat == (view.lonlat.__class__)(-108.57081597085, 39.068354912098)
    assert view.heading_deg == pytest.approx(1.2866, abs=1e-3)
    assert view.fov_deg == pytest.approx(60.87, abs=0.05)
    assert view.captured_at == datetime(2019, 7, 21, 14, 57, 52, 184000, tzinfo=UTC)
    assert view.terms.licence == "CC BY-SA 4.0"


def test_headings_are_as_sure_as_their_spread_says(serve, make_client, recorded) -> None:
    # The recorded drive goes due north; of some images the reconstruction only repeats the phone.
    server = serve(Listing(recorded))
    area = Area.from_bounds(-108.572, 39.065, -108.570, 39.070)
    views = source(make_client(), server.url).find(area, 0.0)
    errors_deg = [abs((v.heading_deg + 180.0) % 360.0 - 180.0) for v in views]
    assert {v.heading_sigma_deg for v in views} == {8.0, 25.0}
    for view, error_deg in zip(views, errors_deg, strict=True):
        assert error_deg < 2.0 * view.heading_sigma_deg


def test_raw_pose_serves_where_nothing_was_reconstructed(serve, make_client) -> None:
    view = only_view(serve, make_client)
    assert (view.heading_deg, view.heading_sigma_deg) == (100.0, 25.0)
    assert view.lonlat.lon == LON
    assert only_view(serve, make_client, compass_angle=-1).heading_deg is None


def test_the_sequence_is_kept_where_one_is_named(serve, make_client) -> None:
    assert only_view(serve, make_client, sequence="7nfc").sequence == "7nfc"
    assert only_view(serve, make_client).sequence == ""


def test_field_of_view_is_that_of_the_upright_width(serve, make_client) -> None:
    assert only_view(serve, make_client).fov_deg == pytest.approx(60.93, abs=0.01)
    upright = only_view(serve, make_client, width=3000, height=4000)
    assert upright.fov_deg == pytest.approx(47.6, abs=0.1)
    assert only_view(serve, make_client, exif_orientation=6).fov_deg == upright.fov_deg
    assert only_view(serve, make_client, camera_parameters=None).fov_deg is None


@pytest.mark.parametrize(
    "said", [{"camera_type": "equirectangular"}, {"camera_type": "spherical"}, {"is_pano": True}]
)
def test_panoramas_are_known(serve, make_client, said) -> None:
    view = only_view(serve, make_client, **said)
    assert (view.projection, view.fov_deg) == ("equirectangular", 360.0)


def test_a_wide_fisheye_is_left_out_a_narrow_one_serves(serve, make_client) -> None:
    narrow = only_view(serve, make_client, camera_type="fisheye", camera_parameters=[0.7, 0, 0])
    assert narrow.fov_deg == pytest.approx(81.9, abs=0.1)
    assert "fisheye" in only_view(
        serve, make_client, camera_type="fisheye", camera_parameters=[0.4, 0, 0]
    )


def test_an_area_is_asked_for_in_small_boxes(serve, make_client, tmp_path) -> None:
    held = row_of_views(tmp_path, 60, LON, LAT, step_m=50.0)
    server = serve(MapillaryServer(held))
    area = Area.from_bounds(LON - 0.001, LAT - 0.011, LON + 0.049, LAT + 0.011)
    views = source(make_client(), server.url).find(area, 50.0)
    assert len(views) == len(held)
    for request in server.asked("/images"):
        west, south, east, north = (float(side) for side in request.query["bbox"].split(","))
        assert max(east - west, north - south) < 0.01


def test_a_box_with_more_than_the_limit_is_split(serve, make_client, tmp_path) -> None:
    server = serve(MapillaryServer(row_of_views(tmp_path, 30, LON, LAT, step_m=8.0)))
    views = source(make_client(), server.url, limit=8).find(AREA, 0.0)
    assert len(views) == 30


def test_a_box_that_is_refused_as_too_much_is_split(serve, make_client, tmp_path) -> None:
    server = serve(MapillaryServer(row_of_views(tmp_path, 30, LON, LAT, step_m=8.0), most_items=8))
    assert len(source(make_client(), server.url).find(AREA, 0.0)) == 30


def test_many_images_on_one_spot_end_the_splitting(serve, make_client, tmp_path) -> None:
    server = serve(MapillaryServer(row_of_views(tmp_path, 12, LON, LAT, step_m=0.0)))
    views = source(make_client(), server.url, limit=4).find(AREA, 0.0)
    assert len(views) == 4


def test_images_are_fetched_without_the_token(serve, make_client, tmp_path) -> None:
    held = row_of_views(tmp_path, 2, LON, LAT)
    server = serve(MapillaryServer(held))
    views = source(make_client(), server.url).find(AREA, 0.0)
    assert [v.remote.read() for v in views] == [one.path.read_bytes() for one in held]
    assert len(server.requests) == 3
    assert all("Authorization" not in one.headers for one in server.asked("/scontent/"))
    assert server.asked("/images")[0].headers["Authorization"] == f"OAuth {TOKEN}"
    assert not [one for one in server.requests if TOKEN in one.address]


@pytest.mark.parametrize("status", [403, 410])
def test_an_expired_address_is_asked_for_once_more(serve, make_client, tmp_path, status) -> None:
    held = row_of_views(tmp_path, 1, LON, LAT)
    server = serve(MapillaryServer(held))
    (view,) = source(make_client(), server.url).find(AREA, 0.0)
    server.expire(status)
    assert view.remote.read() == held[0].path.read_bytes()
    assert [one.path for one in server.requests] == [
        "/images",
        "/scontent/img000_2048.jpg",
        "/img000",
        "/scontent/img000_2048.jpg",
    ]


def test_an_address_that_stays_refused_is_an_error(serve, make_client, tmp_path) -> None:
    server = serve(MapillaryServer(row_of_views(tmp_path, 1, LON, LAT)))
    (view,) = source(make_client(), server.url).find(AREA, 0.0)
    server.choose_fault = lambda request: (
        Fault("status", 403, body=b"no") if request.path.startswith("/scontent/") else None
    )
    with pytest.raises(ProviderError, match="mapillary image img000, 2048 px: HTTP 403"):
        view.remote.read()
    assert len(server.asked("/img000?")) == 1


def test_an_image_that_is_gone_is_an_error_each_time(serve, make_client, tmp_path) -> None:
    server = serve(MapillaryServer(row_of_views(tmp_path / "held", 1, LON, LAT)))
    (view,) = source(make_client(tmp_path / "cache"), server.url).find(AREA, 0.0)
    server.choose_fault = lambda request: (
        Fault("status", 404) if request.path.startswith("/scontent/") else None
    )
    for _ in range(2):
        with pytest.raises(ProviderError, match="img000"):
            view.remote.read()


def test_neither_token_nor_address_is_kept_or_shown(serve, make_client, tmp_path, caplog) -> None:
    caplog.set_level(logging.INFO)
    held = row_of_views(tmp_path / "held", 2, LON, LAT)
    server = serve(MapillaryServer(held))
    client = make_client(tmp_path / "cache", retries=0)
    views = source(client, server.url).find(AREA, 0.0)
    views[0].remote.read()
    server.fail(TRUNCATED, matching="/scontent/img001")
    with pytest.raises(ProviderError) as error:
        views[1].remote.read()
    kept = bytes_under(tmp_path / "cache")
    assert held[0].path.read_bytes() in kept
    shown = f"{error.value!r} {error.value} {caplog.text} {views!r} {views[0].remote!r}"
    for secret in (TOKEN, "scontent", "signed-"):
        assert secret.encode() not in kept
        assert secret not in shown


def test_an_address_stays_hidden_when_its_server_is_away(serve, make_client, tmp_path) -> None:
    server = serve(MapillaryServer(row_of_views(tmp_path, 1, LON, LAT)))
    found = source(make_client(retries=0), server.url)
    (view,) = found.find(AREA, 0.0)
    found.addresses["img000"] = "http://127.0.0.1:9/scontent/img000_2048.jpg?oh=signed-1&oe=65A0"
    with pytest.raises(ProviderError, match="cannot be reached") as error:
        view.remote.read()
    assert "scontent" not in str(error.value)
    assert "signed-" not in str(error.value)


def test_a_second_run_asks_only_for_what_is_not_kept(serve, make_client, tmp_path) -> None:
    held = row_of_views(tmp_path / "held", 2, LON, LAT)
    server = serve(MapillaryServer(held))
    first = source(make_client(tmp_path / "cache"), server.url).find(AREA, 0.0)
    first[0].remote.read()
    server.forget()
    server.expire()
    second = source(make_client(tmp_path / "cache"), server.url)
    assert second.plan(AREA, 0.0).requests == 1
    assert [v.remote.read() for v in second.find(AREA, 0.0)] == [
        one.path.read_bytes() for one in held
    ]
    assert [one.path for one in server.requests] == ["/img001", "/scontent/img001_2048.jpg"]


def test_offline_makes_no_request(serve, make_client, tmp_path) -> None:
    server = serve(MapillaryServer(row_of_views(tmp_path / "held", 2, LON, LAT)))
    online = source(make_client(tmp_path / "cache"), server.url).find(AREA, 0.0)
    seen = online[0].remote.read()
    server.forget()
    offline = source(make_client(tmp_path / "cache", offline=True), server.url)
    views = offline.find(AREA, 0.0)
    assert views[0].remote.read() == seen
    with pytest.raises(ProviderError, match="offline"):
        views[1].remote.read()
    assert server.requests == []


@pytest.mark.parametrize("status", [200, 403, 400])
def test_the_recorded_rate_limit_is_waited_for(
    serve, make_client, tmp_path, shared_data, status
) -> None:
    folder = shared_data / "api" / "mapillary_v4" / "graph"
    said = (folder / "application_request_limit_reached.json").read_bytes()
    server = serve(MapillaryServer(row_of_views(tmp_path, 2, LON, LAT)))
    server.fail(Fault("status", status, body=said, content_type="application/json"), times=2)
    client = make_client()
    assert len(source(client, server.url).find(AREA, 0.0)) == 2
    assert client.count.failures == {"rate limit": 2}


def test_a_refused_token_is_tried_once_and_not_shown(
    serve, make_client, tmp_path, shared_data
) -> None:
    folder = shared_data / "api" / "mapillary_v4" / "graph"
    said = (folder / "internal_server_error.json").read_bytes()
    server = serve(MapillaryServer([]))
    server.choose_fault = lambda request: Fault("status", 500, body=said)
    area = Area.from_bounds(LON, LAT, LON + 0.05, LAT + 0.05)
    wrong = "MLY|of-somebody-else"
    with pytest.raises(ProviderError, match="refuses the key") as error:
        source(make_client(tmp_path / "cache"), server.url, token=wrong).find(area, 0.0)
    assert error.value.reason == "key refused"
    assert len(server.requests) == 1
    assert wrong not in str(error.value)
    assert wrong.encode() not in bytes_under(tmp_path / "cache")


def test_a_token_that_a_server_repeats_is_blackened(serve, make_client) -> None:
    server = serve(MapillaryServer([]))
    body = json.dumps({"error": {"message": f"bad token {TOKEN}", "code": 100}}).encode()
    server.choose_fault = lambda request: Fault("status", 400, body=body)
    with pytest.raises(ProviderError, match=r"bad token \*\*\*"):
        source(make_client(), server.url).find(AREA, 0.0)


def test_a_web_page_or_half_a_list_is_asked_for_again(serve, make_client, tmp_path) -> None:
    server = serve(MapillaryServer(row_of_views(tmp_path / "held", 3, LON, LAT)))
    server.fail(HTML)
    server.fail(TRUNCATED)
    client = make_client(tmp_path / "cache")
    assert len(source(client, server.url).find(AREA, 0.0)) == 3
    assert client.count.failures == {"web page": 1, "truncated": 1}


def test_without_a_token_the_source_says_what_it_needs(make_client) -> None:
    with pytest.raises(InputError, match="mapillary needs an API key"):
        source(make_client(), "http://127.0.0.1", token=" ")


def test_an_image_without_a_position_is_noted(serve, make_client) -> None:
    assert "no position" in only_view(serve, make_client, geometry=None)


def test_the_smaller_size_is_kept_apart(serve, make_client, tmp_path) -> None:
    held = replace(row_of_views(tmp_path / "held", 1, LON, LAT)[0])
    server = serve(MapillaryServer([held]))
    for size in (2048, 1024):
        client = make_client(tmp_path / "cache")
        (view,) = source(client, server.url, size=size).find(AREA, 0.0)
        view.remote.read()
    assert [one.path for one in server.asked("/scontent/")] == [
        "/scontent/img000_2048.jpg",
        "/scontent/img000_1024.jpg",
    ]
