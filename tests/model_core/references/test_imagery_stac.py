"""Pictures of a catalogue serve by their date, resolution and licence."""

from __future__ import annotations

import socket

import numpy as np
import pyproj
import pytest
import rasterio
from rasterio.transform import from_origin
from servers import base
from servers.stac import Listed, StacServer

from model_core.config import LocateConfig
from model_core.errors import ImageryError, InputError, ProviderError
from model_core.references.imagery import open_imagery
from model_core.references.imagery.stac import SOURCES
from model_core.references.source import SourceContext, parse_source
from model_core.references.survey import Sources, survey_area
from model_core.references.terms import may_train
from model_core.types import LonLat

EAST, NORTH = 501_000.0, 5_338_700.0
TO_LONLAT = pyproj.Transformer.from_crs("EPSG:32633", "EPSG:4326", always_xy=True)
CENTER = LonLat(*TO_LONLAT.transform(EAST, NORTH))


def open_stac(text, client):
    source = parse_source(text)
    known = {one.name: one for one in SOURCES}[source.name]
    return known.open(source, SourceContext(client))


def write_picture(folder, name, level, west_m, east_m, size_m=200.0):
    """A GeoTIFF of one brightness with a little texture, between two eastings from the centre."""
    width, height = round((east_m - west_m) * 2), round(size_m * 2)
    noise = np.random.default_rng(level).integers(0, 20, (3, height, width), np.uint8)
    path = folder / f"{name}.tif"
    transform = from_origin(EAST + west_m, NORTH + size_m / 2, 0.5, 0.5)
    profile = {"driver": "GTiff", "width": width, "height": height, "count": 3, "dtype": "uint8"}
    with rasterio.open(
        path, "w", crs="EPSG:32633", transform=transform, tiled=True, **profile
    ) as out:
        out.write(noise + np.uint8(level))
    west, south = TO_LONLAT.transform(EAST + west_m, NORTH - size_m / 2)
    east, north = TO_LONLAT.transform(EAST + east_m, NORTH + size_m / 2)
    return path, (west, south, east, north)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stac")

    def listed(name, level, day, west_m=-100.0, east_m=100.0, **more):
        path, outline = write_picture(folder, name, level, west_m, east_m)
        return Listed(name, path, outline, day, **more)

    return [
        listed("old", 40, "2019-05-01", properties={"license": "CC-BY-4.0"}),
        listed(
            "before",
            80,
            "2023-12-20",
            properties={
                "license": "CC-BY-SA-4.0",
                "providers": [{"name": "City of Krems", "roles": ["producer"]}],
            },
        ),
        listed("after-west", 120, "2024-01-05", -100.0, 5.0),
        listed("after-all", 160, "2024-02-01", properties={"license": "CC-BY-NC-4.0"}),
        listed("coarse", 200, "2024-03-01", gsd=10.0),
        listed("maxar", 220, "2024-01-07", collection="maxar-opendata"),
        listed("noaa", 230, "2020-03-07", collection="noaa-emergency-response", asset="cog"),
    ]


def brightness(image):
    return round(float(image.image[image.valid].mean()) - 9.5, -1)


@pytest.mark.parametrize(
    ("choice", "level", "day"),
    [
        ("|max_gsd=1", 160, "2024-02-01"),
        ("", 200, "2024-03-01"),
        ("|date=before:2024-01-01", 80, "2023-12-20"),
        ("|date=before:2023-12-20", 40, "2019-05-01"),
        ("|date=after:2024-02-01|max_gsd=1", 160, "2024-02-01"),
        ("|date=2019-05-01", 40, "2019-05-01"),
    ],
)
def test_the_date_and_the_pixel_size_choose_the_picture(
    serve, make_client, pictures, choice, level, day
):
    server = serve(StacServer(pictures))
    source = open_stac(f"openaerialmap|url={server.url}/stac{choice}", make_client())
    found = source.read(CENTER, 60.0, 64)
    assert brightness(found) == level
    assert found.captured_at.date().isoformat() == day


def test_the_first_picture_after_a_day_is_completed_by_the_next(serve, make_client, pictures):
    server = serve(StacServer(pictures))
    source = open_stac(
        f"openaerialmap|url={server.url}/stac|date=after:2024-01-01|max_gsd=1", make_client()
    )
    found = source.read(CENTER, 60.0, 64)
    assert found.valid.all()
    assert round(float(found.image[:, :30].mean()) - 9.5, -1) == 120
    assert round(float(found.image[:, 42:].mean()) - 9.5, -1) == 160
    assert "after-west" in found.terms.provider
    assert "after-all" in found.terms.provider
    with pytest.raises(InputError, match="forbid training"):
        may_train(found.terms)


def test_a_survey_names_the_terms_of_the_pictures_it_used(serve, pictures):
    server = serve(StacServer(pictures))
    half = 0.0003
    area = ",".join(
        str(one)
        for one in (CENTER.lon - half, CENTER.lat - half, CENTER.lon + half, CENTER.lat + half)
    )
    text = f"openaerialmap|url={server.url}/stac|max_gsd=1"
    survey = survey_area(area, Sources(imagery=text), LocateConfig())
    assert survey.used_terms == survey.terms
    found = survey.imagery.read(CENTER, 60.0, 64)
    assert found.terms.licence == "CC-BY-NC-4.0"
    assert found.terms in survey.used_terms
    assert found.terms not in survey.terms, "galleries are named by what is known beforehand"


def test_every_picture_keeps_its_own_licence_and_attribution(serve, make_client, pictures):
    server = serve(StacServer(pictures))

    def terms(choice, name="openaerialmap"):
        source = open_stac(f"{name}|url={server.url}/stac{choice}", make_client())
        return source.read(CENTER, 60.0, 64).terms

    share_alike = terms("|date=before:2024-01-01")
    assert (share_alike.licence, share_alike.attribution) == ("CC-BY-SA-4.0", "City of Krems")
    assert share_alike.trainable
    assert not terms("|max_gsd=1").trainable
    assert terms("").licence == "CC BY 4.0"
    maxar = terms("", "maxar-opendata")
    assert (maxar.trainable, maxar.licence) == (False, "CC BY-NC 4.0")
    noaa = terms("", "noaa-emergency-response")
    assert (noaa.trainable, noaa.licence) == (True, "public domain")
    unknown = terms("|collection=maxar-opendata", "stac")
    assert (unknown.trainable, unknown.licence) == (False, "not stated")


def test_all_pages_are_read_and_each_search_and_part_is_asked_once(
    serve, make_client, pictures, tmp_path
):
    server = serve(StacServer(pictures, page_items=1))
    client = make_client(tmp_path)
    source = open_stac(f"openaerialmap|url={server.url}/stac", client)
    places = [LonLat(CENTER.lon + 0.0001 * step, CENTER.lat) for step in range(4)]
    assert source.plan(places, 60.0, 64).requests > 0
    assert server.requests == []
    told = []
    assert source.prepare(places, 60.0, 64, lambda *count: told.append(count)) == []
    assert told
    assert len(server.asked("/stac/search")) == 5
    before = len(server.requests)
    for place in places:
        assert source.read(place, 60.0, 64) is not None
    assert len(server.requests) == before
    assert source.plan(places, 60.0, 64).requests == 0
    asked = [(one.address, one.headers.get("Range")) for one in server.requests]
    assert len(asked) == len(set(asked))


def test_the_older_interface_is_asked_where_the_catalogue_fails(serve, make_client, pictures):
    server = serve(StacServer(pictures))
    server.is_down = True
    text = f"openaerialmap|url={server.url}/stac|older_url={server.url}/meta|max_gsd=1"
    found = open_stac(text, make_client(retries=1)).read(CENTER, 60.0, 64)
    assert brightness(found) == 160
    assert found.terms.attribution == "A Mapper"
    server.choose_fault = lambda request: base.SERVER_ERROR
    source = open_stac(text, make_client(retries=1))
    with pytest.raises(ProviderError, match="/stac/search"):
        source.prepare([CENTER], 60.0, 64)


def test_a_picture_that_fails_is_passed_over_for_the_next(serve, make_client, pictures):
    server = serve(StacServer(pictures))
    server.choose_fault = lambda request: base.SERVER_ERROR if "after-all" in request.path else None
    source = open_stac(f"openaerialmap|url={server.url}/stac|max_gsd=1", make_client(retries=1))
    (failure,) = source.prepare([CENTER], 60.0, 64)
    assert "after-all" in str(failure)
    found = source.read(CENTER, 30.0, 64)
    assert found.valid.all()
    assert found.failed
    assert round(float(found.image[:, :30].mean()) - 9.5, -1) == 120
    server.choose_fault = lambda request: base.RESET if "/files/" in request.path else None
    source = open_stac(f"openaerialmap|url={server.url}/stac|max_gsd=1", make_client(retries=1))
    with pytest.raises(ProviderError, match="OpenAerialMap"):
        source.read(CENTER, 60.0, 64)


@pytest.mark.parametrize(
    "fault",
    [
        base.HTML,
        base.HALF,
        base.Fault("body", body=b'{"features": 3}', content_type="application/json"),
        base.Fault(
            "body",
            body=b'{"features": [{"id": "x"}], "links": [{"rel": "next", "href": "/etc/passwd"}]}',
            content_type="application/json",
        ),
    ],
)
def test_a_catalogue_that_answers_nonsense_is_an_error(serve, make_client, pictures, fault):
    server = serve(StacServer(pictures))
    server.choose_fault = lambda request: fault
    source = open_stac(f"stac|url={server.url}/stac", make_client(retries=1))
    with pytest.raises(ProviderError, match="STAC"):
        source.prepare([CENTER], 60.0, 64)


def test_items_without_a_usable_picture_are_passed_over(serve, make_client, pictures):
    path, outline = pictures[0].path, pictures[0].outline
    odd = [
        Listed("no-asset", path, outline, "2025-01-01", asset="elevation"),
        Listed("no-day", path, outline, "long ago"),
    ]
    server = serve(StacServer([*odd, *pictures[:2]]))
    source = open_stac(f"openaerialmap|url={server.url}/stac|date=before:2026-01-01", make_client())
    server.pictures[0].properties["extra"] = None
    assert source.read(CENTER, 60.0, 64) is not None


def test_a_saved_copy_reads_like_the_catalogue(serve, make_client, pictures, tmp_path):
    server = serve(StacServer(pictures))
    source = open_stac(
        f"openaerialmap|url={server.url}/stac|date=after:2024-01-01|max_gsd=1", make_client()
    )
    places = [LonLat(CENTER.lon + 0.0004 * step, CENTER.lat) for step in (-1, 0, 1)]
    local = open_imagery(source.save(tmp_path / "copy", places, 60.0, 64))
    for place in places:
        one, other = source.read(place, 60.0, 64), local.read(place, 60.0, 64)
        assert np.array_equal(one.image, other.image)
        assert one.captured_at == other.captured_at
        assert one.terms == other.terms
    assert not local.terms.trainable
    far = LonLat(CENTER.lon + 1.0, CENTER.lat)
    with pytest.raises(ImageryError, match="nothing is saved"):
        source.save(tmp_path / "far", [far], 60.0, 64)
    assert source.read(far, 60.0, 64) is None


def test_offline_repeats_the_run_without_a_single_connection(
    serve, make_client, pictures, tmp_path, monkeypatch
):
    server = serve(StacServer(pictures))
    text = f"openaerialmap|url={server.url}/stac|max_gsd=1"
    online = open_stac(text, make_client(tmp_path))
    online.prepare([CENTER], 60.0, 64)
    first = online.read(CENTER, 60.0, 64)
    opened = []
    monkeypatch.setattr(socket.socket, "connect", lambda *_: opened.append(_))
    again = open_stac(text, make_client(tmp_path, offline=True)).read(CENTER, 60.0, 64)
    assert np.array_equal(first.image, again.image)
    assert opened == []


def test_limits_that_make_no_sense_are_refused(make_client):
    with pytest.raises(InputError, match="max_gsd"):
        open_stac("openaerialmap|max_gsd=0", make_client())
    with pytest.raises(InputError, match="date"):
        open_stac("openaerialmap|date=after:05/01/2024", make_client())
    with pytest.raises(InputError, match=r"stac\|url"):
        open_stac("stac", make_client())
