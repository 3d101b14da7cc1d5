"""Google Street View: found free of charge, four images a standpoint, nothing kept or learnt."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from servers.base import HTML, Answer, Fault, LoopbackServer, Recorded
from servers.google import KEY, SECRET, GoogleServer
from servers.views import bytes_under, row_of_views

from model_core.config import StreetViewConfig, VerificationConfig
from model_core.errors import InputError, ProviderError
from model_core.references.area import LocalFrame
from model_core.references.availability import StreetViewIndex, choose_street_views
from model_core.references.source import SourceContext, parse_source
from model_core.references.street_view import read_view
from model_core.references.street_view.google import NAME, SOURCES
from model_core.references.terms import may_cache, may_display, may_train
from model_core.types import Area, Place
from model_core.verification.cache import FeatureCache
from model_core.verification.local_features import extract_features

LON, LAT = 10.014, 46.4143
AREA = Area.from_bounds(LON - 0.0003, LAT - 0.0003, LON + 0.0008, LAT + 0.0003)


def source(client, url, key=KEY, **options):
    text = "|".join([NAME, f"url={url}", *(f"{k}={v}" for k, v in options.items())])
    return SOURCES[0].open(parse_source(text), SourceContext(client, {NAME: key}))


def panoramas(folder: Path, count: int, step_m: float = 20.0):
    said = {"heading_deg": 30.0, "fov_deg": 360.0, "projection": "equirectangular"}
    return row_of_views(folder, count, LON, LAT, step_m, **said)


class Metadata(LoopbackServer):
    """Answers every question for metadata with the same body."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.body = body

    def answer(self, request: Recorded) -> Answer:
        return Answer(self.body, content_type="application/json")


def recorded_body(path: Path) -> bytes:
    """Return the JSON of a documented response, which carries comments and a last comma."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return re.sub(r",\s*}\s*$", "}", "\n".join(lines).strip()).encode()


def test_recorded_metadata_become_four_views(serve, make_client, shared_data) -> None:
    folder = shared_data / "api" / "gsv"
    body = recorded_body(folder / "maps_http_streetview_metadata_response.yml")
    server = serve(Metadata(body))
    views = source(make_client(), server.url).find(AREA, 0.0)
    assert [v.heading_deg for v in views] == [0.0, 90.0, 180.0, 270.0]
    assert {v.fov_deg for v in views} == {90.0}
    assert {v.view_id.split("/")[1] for v in views} == {"vPnURflnc8AZu5NMLYRddw"}
    assert views[0].lonlat.lat == 46.41434210086409
    assert views[0].captured_at == datetime(2014, 4, 15, tzinfo=UTC)
    assert views[0].terms.attribution == "© Google"


def test_recorded_zero_results_are_no_views(serve, make_client, shared_data) -> None:
    folder = shared_data / "api" / "gsv"
    body = recorded_body(folder / "maps_http_streetview_metadata_error_invalid_pano_response.yml")
    server = serve(Metadata(body))
    assert source(make_client(), server.url).find(AREA, 0.0) == []


def test_recorded_image_is_read(serve, make_client, shared_data, tmp_path) -> None:
    picture = shared_data / "api" / "gsv" / "maps_http_streetview_binary_response.jpg"
    held = replace(panoramas(tmp_path, 1)[0], path=picture, projection="perspective")
    server = serve(GoogleServer([held]))
    views = source(make_client(), server.url).find(AREA, 0.0)
    assert read_view(views[0]).image.shape == (300, 600, 3)


def test_each_panorama_is_found_once_and_asked_for_in_quarters(
    serve, make_client, tmp_path
) -> None:
    held = panoramas(tmp_path, 4)
    server = serve(GoogleServer(held))
    views = source(make_client(), server.url).find(AREA, 0.0)
    assert sorted({v.view_id.split("/")[1] for v in views}) == [one.name for one in held]
    assert len(views) == 16
    assert len(server.asked("/metadata")) == len(server.requests)
    asked = server.requests[0].query
    assert (asked["radius"], asked["source"]) == ("50", "outdoor")
    views[1].remote.read()
    query = server.requests[-1].query
    assert {name: query[name] for name in ("pano", "heading", "fov", "size")} == {
        "pano": views[1].view_id.split("/")[1],
        "heading": "90",
        "fov": "90",
        "size": "640x640",
    }
    assert query["return_error_code"] == "true"


def test_an_image_is_paid_for_once_though_its_features_are_dropped(
    serve, make_client, tmp_path
) -> None:
    server = serve(GoogleServer(panoramas(tmp_path / "held", 3)))
    views = source(make_client(tmp_path / "cache"), server.url).find(AREA, 0.0)
    config = VerificationConfig(max_side_px=320)
    drops_all_but_one = FeatureCache(tmp_path / "features", memory_limit_bytes=1)
    extracted = []

    def extract(view):
        extracted.append(view.view_id)
        return extract_features(read_view(view).image, config)

    for _photo in range(3):
        for view in views:
            drops_all_but_one.features(view, config, extract)
    assert len(extracted) == 3 * len(views)
    asked = [(one.query["pano"], one.query["heading"]) for one in server.asked("pano=")]
    assert len(asked) == len(set(asked)) == len(views) == 12


def test_the_four_images_of_a_standpoint_serve_a_place_together(
    serve, make_client, tmp_path
) -> None:
    server = serve(GoogleServer(panoramas(tmp_path, 1)))
    views = source(make_client(), server.url).find(AREA, 50.0)
    index = StreetViewIndex(views, LocalFrame(views[0].lonlat))
    chosen = choose_street_views(
        Place(0, "p", views[0].lonlat), index, None, StreetViewConfig(policy="nearest")
    )
    assert sorted(v.heading_deg for v in chosen) == [0.0, 90.0, 180.0, 270.0]


def test_the_image_of_a_heading_shows_that_direction(serve, make_client, tmp_path) -> None:
    held = panoramas(tmp_path, 1)[0]
    panorama = Image.new("RGB", (1024, 512))
    column = round((90.0 - held.heading_deg + 180.0) / 360.0 * 1024)
    panorama.paste((255, 0, 0), (column - 8, 0, column + 8, 512))
    panorama.save(held.path, quality=95)
    server = serve(GoogleServer([held]))
    views = source(make_client(), server.url).find(AREA, 0.0)
    reds = [read_view(v).image[320, 310:330, 0].mean() for v in views]
    assert max(range(4), key=reds.__getitem__) == 1


def test_nothing_is_kept_on_disk_learnt_from_or_shown_on_a_map(
    serve, make_client, tmp_path
) -> None:
    server = serve(GoogleServer(panoramas(tmp_path / "held", 2)))
    cache = tmp_path / "cache"
    client = make_client(cache)
    found = source(client, server.url)
    views = found.find(AREA, 0.0)
    image = views[0].remote.read()
    asked = len(server.requests)
    assert views[0].remote.read() == image
    assert found.find(AREA, 0.0) == views
    assert len(server.requests) == asked
    assert bytes_under(cache) == b""
    for forbidden in (may_cache, may_train, may_display):
        with pytest.raises(InputError, match="Google Street View"):
            forbidden(views[0].terms)


def test_a_refused_key_is_tried_once_and_not_shown(serve, make_client, tmp_path) -> None:
    server = serve(GoogleServer(panoramas(tmp_path, 2)))
    wrong = "AIza-of-somebody-else"
    with pytest.raises(ProviderError, match="refuses the key") as error:
        source(make_client(), server.url, key=wrong).find(AREA, 0.0)
    assert len(server.requests) == 1
    assert wrong not in str(error.value)
    assert wrong not in repr(error.value)


@pytest.mark.parametrize("status", ["OVER_QUERY_LIMIT", "UNKNOWN_ERROR"])
def test_a_limit_inside_status_200_is_waited_for(serve, make_client, tmp_path, status) -> None:
    server = serve(GoogleServer(panoramas(tmp_path, 2)))
    body = json.dumps({"status": status}).encode()
    server.fail(Fault("body", body=body, content_type="application/json"), times=2)
    client = make_client()
    assert len(source(client, server.url).find(AREA, 0.0)) == 8
    assert sum(client.count.failures.values()) == 2


def test_an_unknown_answer_is_an_error(serve, make_client) -> None:
    server = serve(Metadata(b'{"hello": 1}'))
    with pytest.raises(ProviderError, match="no metadata of a panorama"):
        source(make_client(retries=0), server.url).find(AREA, 0.0)


def test_a_missing_image_and_a_web_page_are_errors(serve, make_client, tmp_path) -> None:
    server = serve(GoogleServer(panoramas(tmp_path, 1)))
    views = source(make_client(retries=0), server.url).find(AREA, 0.0)
    server.fail(HTML)
    with pytest.raises(ProviderError, match="web page") as error:
        views[0].remote.read()
    assert KEY not in str(error.value)
    server.views.clear()
    with pytest.raises(ProviderError, match="not there any more") as error:
        views[1].remote.read()
    assert KEY not in str(error.value)


def test_a_key_stays_hidden_when_the_server_is_away(make_client) -> None:
    with pytest.raises(ProviderError, match="cannot be reached") as error:
        source(make_client(retries=0), "http://127.0.0.1:9").find(AREA, 0.0)
    assert KEY not in str(error.value)


def test_requests_are_signed_where_a_secret_is_given(serve, make_client, tmp_path) -> None:
    server = serve(GoogleServer(panoramas(tmp_path, 1), secret=SECRET))
    signed = source(make_client(), server.url, key=f"{KEY}:{SECRET}")
    views = signed.find(AREA, 0.0)
    assert len(views) == 4
    assert views[0].remote.read().startswith(b"\xff\xd8")
    with pytest.raises(ProviderError, match="refuses the key"):
        source(make_client(), server.url, key=f"{KEY}:{SECRET[:-4]}AAA=").find(AREA, 0.0)


def test_a_secret_that_is_none_is_named_without_showing_it(make_client) -> None:
    with pytest.raises(InputError, match="after the colon") as error:
        source(make_client(), "http://127.0.0.1", key=f"{KEY}:no base 64!")
    assert "no base 64" not in str(error.value)


def test_a_plan_counts_the_lattice_without_asking(serve, make_client, tmp_path) -> None:
    server = serve(GoogleServer(panoramas(tmp_path, 4)))
    found = source(make_client(), server.url)
    guess = found.plan(AREA, 0.0)
    assert server.requests == []
    views = found.find(AREA, 0.0)
    assert guess.requests > len(server.requests)
    assert found.plan(AREA, 0.0).requests == len(views)


def test_offline_makes_no_request(serve, make_client, tmp_path) -> None:
    server = serve(GoogleServer(panoramas(tmp_path, 1)))
    with pytest.raises(ProviderError, match="offline"):
        source(make_client(offline=True), server.url).find(AREA, 0.0)
    assert server.requests == []


def test_the_source_is_introduced_with_a_notice() -> None:
    (known,) = SOURCES
    assert known.key == "required"
    assert "forbids keeping" in known.notice
