"""KartaView: the code inside the answer decides, photos come page by page."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from servers.base import HALF, HTML
from servers.kartaview import KartaViewServer
from servers.views import form_of, row_of_views

from model_core.errors import InputError, ProviderError
from model_core.references.source import SourceContext, parse_source
from model_core.references.street_view.kartaview import SOURCES
from model_core.types import Area

LON, LAT = 26.1, 44.43
AREA = Area.from_bounds(LON - 0.0005, LAT - 0.0005, LON + 0.006, LAT + 0.0005)


def source(client, server, **options):
    said = {"url": server.url, "images_url": server.images_url, **options}
    text = "|".join(["kartaview", *(f"{k}={v}" for k, v in said.items())])
    return SOURCES[0].open(parse_source(text), SourceContext(client))


def test_photos_of_an_area_come_once_each(serve, make_client, tmp_path) -> None:
    held = row_of_views(tmp_path, 40, LON, LAT)
    server = serve(KartaViewServer(held))
    views = source(make_client(), server).find(AREA, 0.0)
    assert sorted(v.path.stem for v in views) == [one.name for one in held]
    assert views[0].remote.read() == held[0].path.read_bytes()
    assert {request.method for request in server.asked("nearby-photos")} == {"POST"}


def test_pages_are_followed(serve, make_client, tmp_path) -> None:
    server = serve(KartaViewServer(row_of_views(tmp_path, 9, LON, LAT, step_m=1.0)))
    assert len(source(make_client(), server, limit=4).find(AREA, 0.0)) == 9
    pages = {form_of(request)["page"] for request in server.asked("nearby-photos")}
    assert pages == {"1", "2", "3"}


def test_what_is_told_of_a_photo(serve, make_client, tmp_path) -> None:
    told, silent = row_of_views(tmp_path, 2, LON, LAT)
    told = replace(told, captured_at=datetime(2020, 6, 1, 12, 30))
    silent = replace(silent, heading_deg=None)
    server = serve(KartaViewServer([told, silent]))
    one, other = source(make_client(), server).find(AREA, 0.0)
    assert (one.heading_deg, one.heading_sigma_deg, one.fov_deg) == (90.0, 20.0, None)
    assert one.captured_at == datetime(2020, 6, 1, 12, 30)
    assert one.terms.licence == "CC BY-SA 4.0"
    assert (other.heading_deg, other.captured_at) == (None, None)


def test_an_area_without_photos_is_empty_not_an_error(serve, make_client) -> None:
    server = serve(KartaViewServer([]))
    found = source(make_client(), server)
    assert found.find(AREA, 0.0) == []
    assert found.skipped == {}


def test_an_error_inside_status_200_is_an_error(serve, make_client, tmp_path) -> None:
    server = serve(KartaViewServer(row_of_views(tmp_path, 2, LON, LAT)))
    server.refuse("610", "The parameter lat is missing", 400, times=9)
    cache = tmp_path / "cache"
    with pytest.raises(ProviderError, match=r"code 610 .The parameter lat is missing"):
        source(make_client(cache), server).find(AREA, 0.0)
    server.refusals.clear()
    assert len(source(make_client(cache), server).find(AREA, 0.0)) == 2


def test_a_trouble_inside_the_server_is_tried_again(serve, make_client, tmp_path) -> None:
    server = serve(KartaViewServer(row_of_views(tmp_path, 2, LON, LAT)))
    server.refuse("690", "Internal error", 500)
    client = make_client()
    assert len(source(client, server).find(AREA, 0.0)) == 2
    assert client.count.failures == {"code 690": 1}


def test_broken_lists_are_asked_for_again(serve, make_client, tmp_path) -> None:
    server = serve(KartaViewServer(row_of_views(tmp_path, 2, LON, LAT)))
    server.fail(HTML)
    server.fail(HALF)
    assert len(source(make_client(), server).find(AREA, 0.0)) == 2


def test_offline_uses_what_is_kept(serve, make_client, tmp_path) -> None:
    server = serve(KartaViewServer(row_of_views(tmp_path / "held", 2, LON, LAT)))
    cache = tmp_path / "cache"
    seen = [v.remote.read() for v in source(make_client(cache), server).find(AREA, 0.0)]
    server.forget()
    offline = source(make_client(cache, offline=True), server)
    assert [v.remote.read() for v in offline.find(AREA, 0.0)] == seen
    assert offline.plan(AREA, 0.0).requests == 0
    assert server.requests == []


def test_wrong_options_are_named(make_client) -> None:
    context = SourceContext(make_client())
    with pytest.raises(InputError, match="radius_m is 5"):
        SOURCES[0].open(parse_source("kartaview|radius_m=5"), context)
    with pytest.raises(InputError, match="limit is 5000"):
        SOURCES[0].open(parse_source("kartaview|limit=5000"), context)
