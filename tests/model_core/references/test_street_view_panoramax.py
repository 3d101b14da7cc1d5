"""Panoramax: every item of an area once, under its own licence, whatever the server does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from servers.base import (
    BAD_GZIP,
    EMPTY,
    FORBIDDEN,
    HALF,
    HTML,
    LATE,
    PATIENCE_S,
    RESET,
    SERVER_ERROR,
    TRUNCATED,
    WRONG_TYPE,
    Answer,
    LoopbackServer,
    Recorded,
    drip,
    oversize,
    random_faults,
    rate_limit,
)
from servers.panoramax import PanoramaxServer
from servers.views import ServedView, bytes_under, row_of_views

from model_core.errors import InputError, ProviderError, StreetViewError
from model_core.references.collect import ReferenceSummary
from model_core.references.prefetch import prefetch_views
from model_core.references.source import SourceContext, parse_source
from model_core.references.street_view import OnlineStreetViews, read_view
from model_core.references.street_view.panoramax import SOURCES
from model_core.types import Area

LON, LAT = 7.75, 48.58
AREA = Area.from_bounds(LON - 0.0005, LAT - 0.0005, LON + 0.004, LAT + 0.0005)


def source(client, url, **options):
    text = "|".join(["panoramax", f"url={url}", *(f"{k}={v}" for k, v in options.items())])
    return SOURCES[0].open(parse_source(text), SourceContext(client))


class Recording(LoopbackServer):
    """Answers every search with one recorded body."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.body = body

    def answer(self, request: Recorded) -> Answer:
        return Answer(self.body, content_type="application/geo+json")


def test_recorded_item_is_read_with_its_own_licence(serve, make_client, shared_data) -> None:
    recorded = shared_data / "api" / "panoramax" / "search_360_strasbourg.json"
    server = serve(Recording(recorded.read_bytes()))
    area = Area.from_bounds(7.7315, 48.5015, 7.7325, 48.502)
    (view,) = source(make_client(), server.url).find(area, 0.0)
    assert (view.projection, view.heading_deg, view.fov_deg) == ("equirectangular", 3.0, 360.0)
    assert (view.lonlat.lon, view.lonlat.lat) == (7.731916, 48.50179)
    assert view.captured_at == datetime(2022, 5, 30, 17, 23, 19, 423000, tzinfo=UTC)
    assert view.terms.licence == "etalab-2.0"
    assert view.terms.attribution == "Eurométropole de Strasbourg on Panoramax, etalab-2.0"
    assert view.remote.request.url.endswith("/sd.jpg")


def test_all_pages_are_followed_and_each_item_comes_once(serve, make_client, tmp_path) -> None:
    server = serve(PanoramaxServer(row_of_views(tmp_path, 10, LON, LAT), page_items=3))
    views = source(make_client(), server.api_url).find(AREA, 0.0)
    assert [view.view_id for view in views] == [f"panoramax/img{n:03d}" for n in range(10)]
    assert len(server.asked("/api/search")) == 4


def test_a_full_page_without_a_next_one_is_asked_for_in_parts(serve, make_client, tmp_path) -> None:
    held = row_of_views(tmp_path, 20, LON, LAT)
    server = serve(PanoramaxServer(held, page_items=5, has_pages=False))
    views = source(make_client(), server.api_url, limit=5).find(AREA, 0.0)
    assert {view.view_id for view in views} == {f"panoramax/{one.name}" for one in held}


def test_pages_that_go_round_in_a_circle_end(serve, make_client) -> None:
    page = b'{"features": [], "links": [{"rel": "next", "href": "/search?page=2"}]}'
    server = serve(Recording(page))
    with pytest.raises(ProviderError, match="round in a circle"):
        source(make_client(), server.url).find(AREA, 0.0)
    assert len(server.requests) == 2


def test_views_outside_the_margin_are_left_out(serve, make_client, tmp_path) -> None:
    server = serve(PanoramaxServer(row_of_views(tmp_path, 60, LON, LAT)))
    area = Area.from_bounds(LON - 0.00005, LAT - 0.00005, LON + 0.00005, LAT + 0.00005)
    found = source(make_client(), server.api_url)
    assert len(found.find(area, 50.0)) == 6
    assert len(found.find(area, 0.0)) == 1


def test_licence_and_provider_come_from_each_item(serve, make_client, tmp_path) -> None:
    held = row_of_views(tmp_path, 5, LON, LAT)
    licences = {
        **{"img001": "CC-BY-SA-4.0", "img002": ""},
        **{"img003": "CC-BY-NC-4.0", "img004": "CC-BY-ND-4.0"},
    }
    server = serve(PanoramaxServer(held, licences=licences))
    terms = [view.terms for view in source(make_client(), server.api_url).find(AREA, 0.0)]
    assert [one.licence for one in terms[:3]] == ["etalab-2.0", "CC-BY-SA-4.0", "not said"]
    assert [one.trainable for one in terms] == [True, True, False, False, False]
    assert terms[1].attribution == "town of tests on Panoramax, CC-BY-SA-4.0"


def test_photos_panoramas_and_what_is_neither(serve, make_client, tmp_path) -> None:
    photo, sphere, part, unsaid = row_of_views(tmp_path, 4, LON, LAT)
    sphere = replace(sphere, projection="equirectangular")
    part = replace(part, fov_deg=220.0)
    unsaid = replace(unsaid, fov_deg=None, heading_deg=None)
    server = serve(PanoramaxServer([photo, sphere, part, unsaid]))
    found = source(make_client(), server.api_url)
    seen = {view.path.stem: view for view in found.find(AREA, 0.0)}
    assert (seen["img000"].projection, seen["img000"].fov_deg) == ("perspective", 60.0)
    assert (seen["img001"].projection, seen["img001"].fov_deg) == ("equirectangular", 360.0)
    assert seen["img001"].heading_sigma_deg < seen["img000"].heading_sigma_deg
    assert (seen["img003"].heading_deg, seen["img003"].fov_deg) == (None, None)
    assert "220 degrees" in found.skipped["img002"]


def test_a_time_is_asked_for_as_the_option_says(serve, make_client, tmp_path) -> None:
    held = row_of_views(tmp_path, 2, LON, LAT)
    held[0] = replace(held[0], captured_at=datetime(2019, 5, 1))
    held[1] = replace(held[1], captured_at=datetime(2023, 5, 1))
    server = serve(PanoramaxServer(held))
    span = "2023-01-01T00:00:00+00:00/2024-01-01T00:00:00+00:00"
    found = source(make_client(), server.api_url, datetime=span).find(AREA, 0.0)
    assert [view.path.stem for view in found] == ["img001"]


@pytest.mark.parametrize("asset", ["sd", "hd"])
def test_the_size_that_is_asked_for_is_fetched(serve, make_client, tmp_path, asset) -> None:
    held = row_of_views(tmp_path, 1, LON, LAT)
    server = serve(PanoramaxServer(held))
    (view,) = source(make_client(), server.api_url, assets=asset).find(AREA, 0.0)
    assert view.remote.read() == held[0].path.read_bytes()
    assert [one.path for one in server.asked("/pictures/")] == [f"/pictures/img000/{asset}.jpg"]


def test_a_panorama_online_has_the_pixels_of_its_file(serve, make_client, shared_data) -> None:
    path = shared_data / "panoramas" / "strasbourg" / "stra_1_1.jpg"
    held = ServedView(path, 7.753173, 48.581761, 234.0, 360.0, projection="equirectangular")
    server = serve(PanoramaxServer([held]))
    area = Area.from_bounds(7.753, 48.5815, 7.7535, 48.582)
    (view,) = source(make_client(), server.api_url).find(area, 0.0)
    local = replace(view, remote=None, path=path)
    assert np.array_equal(read_view(view, 512).image, read_view(local, 512).image)


@pytest.mark.parametrize(
    "fault",
    [SERVER_ERROR, HTML, EMPTY, WRONG_TYPE, TRUNCATED, HALF, RESET, BAD_GZIP, rate_limit()],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_a_search_that_fails_once_is_asked_again(serve, make_client, tmp_path, fault) -> None:
    server = serve(PanoramaxServer(row_of_views(tmp_path / "held", 3, LON, LAT)))
    server.fail(fault, matching="/api/search")
    client = make_client(tmp_path / "cache")
    assert len(source(client, server.api_url).find(AREA, 0.0)) == 3
    assert sum(client.count.failures.values()) == 1


@pytest.mark.parametrize(
    "fault",
    [HTML, TRUNCATED, HALF, WRONG_TYPE, EMPTY, RESET, LATE, drip(6 * PATIENCE_S)],
    ids=lambda fault: fault.kind + str(fault.size_bytes),
)
def test_an_image_that_arrives_broken_is_neither_used_nor_kept(
    serve, make_client, tmp_path, fault
) -> None:
    held = row_of_views(tmp_path / "held", 1, LON, LAT)
    server = serve(PanoramaxServer(held))
    client = make_client(tmp_path / "cache", retries=0, read_timeout_s=PATIENCE_S)
    (view,) = source(client, server.api_url).find(AREA, 0.0)
    server.fail(fault, matching="/pictures/")
    with pytest.raises(StreetViewError, match="panoramax/img000 cannot be used"):
        read_view(view)
    again = source(make_client(tmp_path / "cache"), server.api_url).find(AREA, 0.0)
    assert again[0].remote.read() == held[0].path.read_bytes()


def test_an_oversized_image_is_refused(serve, make_client, tmp_path) -> None:
    server = serve(PanoramaxServer(row_of_views(tmp_path, 1, LON, LAT)))
    client = make_client(max_body_bytes=100_000)
    (view,) = source(client, server.api_url).find(AREA, 0.0)
    server.fail(oversize(1_000_000), matching="/pictures/")
    with pytest.raises(ProviderError, match="more than 0 MB"):
        view.remote.read()


def test_an_image_that_is_gone_says_so(serve, make_client, tmp_path) -> None:
    server = serve(PanoramaxServer(row_of_views(tmp_path, 1, LON, LAT)))
    (view,) = source(make_client(), server.api_url).find(AREA, 0.0)
    server.views.clear()
    with pytest.raises(ProviderError, match="not there any more"):
        view.remote.read()


def test_a_part_that_fails_costs_its_own_views_only(serve, make_client, tmp_path) -> None:
    held = row_of_views(tmp_path, 40, LON, LAT, step_m=50.0)
    server = serve(PanoramaxServer(held))
    border = LON + 0.015

    def choose(request: Recorded):
        is_east = float(request.query.get("bbox", "0").split(",")[0]) > border
        return FORBIDDEN if is_east else None

    server.choose_fault = choose
    area = Area.from_bounds(LON - 0.001, LAT - 0.001, LON + 0.028, LAT + 0.001)
    found = source(make_client(), server.api_url)
    names = {view.path.stem for view in found.find(area, 0.0)}
    assert 0 < len(names) < len(held)
    assert [name for name, why in found.skipped.items() if "HTTP 403" in why]


def test_a_server_that_refuses_everything_is_asked_once(serve, make_client, tmp_path) -> None:
    server = serve(PanoramaxServer([]))
    server.choose_fault = lambda request: FORBIDDEN
    area = Area.from_bounds(LON, LAT, LON + 0.1, LAT + 0.1)
    with pytest.raises(ProviderError, match="HTTP 403"):
        source(make_client(), server.api_url).find(area, 0.0)
    assert len(server.requests) == 1


def test_another_address_is_an_error_that_names_the_option(serve, make_client) -> None:
    server = serve(PanoramaxServer([]))
    with pytest.raises(ProviderError, match="check the option url"):
        source(make_client(), f"{server.url}/elsewhere").find(AREA, 0.0)


def test_a_list_that_makes_no_sense_is_an_error(serve, make_client) -> None:
    server = serve(Recording(b'{"features": [{"name": "without an id"}]}'))
    with pytest.raises(ProviderError, match="cannot be read"):
        source(make_client(), server.url).find(AREA, 0.0)


def test_an_item_that_makes_no_sense_costs_itself_only(serve, make_client, tmp_path) -> None:
    server = serve(PanoramaxServer(row_of_views(tmp_path, 2, LON, LAT)))
    server.item = lambda view: {
        **PanoramaxServer.item(server, view),
        **({"geometry": None} if view.name == "img000" else {}),
    }
    found = source(make_client(), server.api_url)
    assert [view.path.stem for view in found.find(AREA, 0.0)] == ["img001"]
    assert "cannot be read" in found.skipped["img000"]


def test_offline_uses_what_is_kept_and_asks_nothing(serve, make_client, tmp_path) -> None:
    server = serve(PanoramaxServer(row_of_views(tmp_path / "held", 3, LON, LAT)))
    online = source(make_client(tmp_path / "cache"), server.api_url)
    seen = [view.remote.read() for view in online.find(AREA, 0.0)]
    server.forget()
    offline = source(make_client(tmp_path / "cache", offline=True), server.api_url)
    assert [view.remote.read() for view in offline.find(AREA, 0.0)] == seen
    elsewhere = Area.from_bounds(1.0, 1.0, 1.001, 1.001)
    with pytest.raises(ProviderError, match="offline"):
        offline.find(elsewhere, 0.0)
    assert server.requests == []


def test_a_plan_asks_nothing_and_knows_what_is_kept(serve, make_client, tmp_path) -> None:
    server = serve(PanoramaxServer(row_of_views(tmp_path / "held", 10, LON, LAT)))
    found = source(make_client(tmp_path / "cache"), server.api_url)
    assert isinstance(found, OnlineStreetViews)
    guess = found.plan(AREA, 50.0)
    assert server.requests == []
    assert guess.requests > 1
    assert guess.bytes > 0
    views = found.find(AREA, 50.0)
    assert found.plan(AREA, 50.0).requests == 10
    views[0].remote.read()
    assert found.plan(AREA, 50.0).requests == 9


def test_images_are_fetched_in_parallel_and_failures_are_told(serve, make_client, tmp_path) -> None:
    held = row_of_views(tmp_path / "held", 24, LON, LAT)
    server = serve(PanoramaxServer(held, latency_s=0.02))
    client = make_client(tmp_path / "cache", connections=6, retries=0)
    views = source(client, server.api_url).find(AREA, 0.0)
    server.forget()
    server.fail(FORBIDDEN, matching="/img003/")
    told, summary = [], ReferenceSummary()
    prefetch_views(client, views, summary, told.append)
    assert [reasons.total() for reasons in summary.failures.values()] == [1]
    assert "HTTP 403" in "".join(summary.examples.values())
    assert (told[-1].done, told[-1].total) == (24, 24)
    assert 2 <= server.most_at_once <= 6
    server.forget()
    with pytest.raises(ProviderError, match="HTTP 403"):
        views[3].remote.read()
    assert [views[n].remote.read() for n in (0, 23)] == [held[n].path.read_bytes() for n in (0, 23)]
    assert server.requests == []


def test_with_a_third_of_replies_failing_all_that_arrives_is_whole(
    serve, make_client, tmp_path
) -> None:
    held = row_of_views(tmp_path / "held", 60, LON, LAT, step_m=4.0)
    server = serve(PanoramaxServer(held, page_items=10))
    faults = [SERVER_ERROR, HTML, EMPTY, WRONG_TYPE, TRUNCATED, HALF, RESET, BAD_GZIP]
    server.choose_fault = random_faults(0.3, [*faults, rate_limit(), FORBIDDEN], seed=1)
    client = make_client(tmp_path / "cache", retries=8)
    views = source(client, server.api_url).find(AREA, 0.0)
    summary = ReferenceSummary()
    prefetch_views(client, views, summary, lambda step: None)
    assert len(client.count.failures) >= 6
    server.choose_fault = None
    server.forget()
    again = source(make_client(tmp_path / "cache"), server.api_url).find(AREA, 0.0)
    for view, one in zip(again, held, strict=True):
        assert view.remote.read() == one.path.read_bytes()
    failed = sum(reasons.total() for reasons in summary.failures.values())
    assert len(server.requests) == failed


def test_wrong_options_are_named(make_client) -> None:
    with pytest.raises(InputError, match="choose sd, hd, thumb"):
        source(make_client(), "http://127.0.0.1", assets="tiny")
    with pytest.raises(InputError, match="limit is 0"):
        source(make_client(), "http://127.0.0.1", limit=0)


def test_what_is_kept_are_lists_and_images(serve, make_client, tmp_path: Path) -> None:
    held = row_of_views(tmp_path / "held", 1, LON, LAT)
    server = serve(PanoramaxServer(held))
    (view,) = source(make_client(tmp_path / "cache"), server.api_url).find(AREA, 0.0)
    view.remote.read()
    kept = bytes_under(tmp_path / "cache")
    assert held[0].path.read_bytes() in kept
    assert b"etalab-2.0" in kept
