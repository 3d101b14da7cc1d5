"""Google's Static Maps: the right picture of a place, signed, and never kept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
from urllib.parse import urlencode

import cv2
import numpy as np
import pytest
from servers import base

from model_core.errors import InputError, ProviderError
from model_core.references.area import LocalFrame
from model_core.references.imagery.google_maps import LARGEST_PX, SOURCES, choose_view
from model_core.references.source import SourceContext, parse_source
from model_core.references.terms import may_display, may_train
from model_core.types import LonLat

PLACE = LonLat(24.94, 60.17)
SPOT_M = (9.0, -6.0)
KEY, SECRET = "AIzaTheUsersKey", "dGhlIHNpZ25pbmcgc2VjcmV0"


class StaticMaps(base.LoopbackServer):
    """Draws a bright spot at a known place, in the view that is asked for."""

    def answer(self, request: base.Recorded) -> base.Answer:
        if request.query.get("key") != KEY:
            said = b"The Google Maps Platform server rejected your request. Invalid key."
            return base.Answer(said, 403, "text/plain")
        lat, lon = (float(one) for one in request.query["center"].split(","))
        scale = int(request.query["scale"])
        side = int(request.query["size"].split("x")[0]) * scale
        world_px = (256 << int(request.query["zoom"])) * scale
        at = np.arange(side) + 0.5 - side / 2
        lons = lon + at / world_px * 360
        middle = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
        lats = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * (middle + at / world_px)))))
        east, north = LocalFrame(PLACE).to_xy(*np.meshgrid(lons, lats))
        distance2 = (east - SPOT_M[0]) ** 2 + (north - SPOT_M[1]) ** 2
        grey = 20 + 220 * np.exp(-distance2 / 4.5)
        image = np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)
        return base.Answer(cv2.imencode(".png", image)[1].tobytes(), content_type="image/png")


def open_maps(server, client, key=KEY):
    text = f"google-maps|url={server.url}/maps/api/staticmap"
    return SOURCES[0].open(parse_source(text), SourceContext(client, {"google-maps": key}))


@pytest.mark.parametrize(("footprint_m", "size_px"), [(40.0, 128), (60.0, 512), (150.0, 256)])
def test_the_picture_shows_the_place_at_its_true_scale(serve, make_client, footprint_m, size_px):
    server = serve(StaticMaps())
    found = open_maps(server, make_client()).read(PLACE, footprint_m, size_px)
    assert found.valid.all()
    metres = ((np.arange(size_px) + 0.5) / size_px - 0.5) * footprint_m
    weight = np.where(found.image[..., 0] > 40, found.image[..., 0] - 20.0, 0.0)
    east = (weight * metres[None, :]).sum() / weight.sum()
    north = (weight * -metres[:, None]).sum() / weight.sum()
    assert math.hypot(east - SPOT_M[0], north - SPOT_M[1]) < 0.3


@pytest.mark.parametrize("latitude_deg", [0.0, 45.0, 70.0])
@pytest.mark.parametrize(("footprint_m", "size_px"), [(40.0, 128), (60.0, 512), (300.0, 256)])
def test_a_view_holds_the_footprint_and_little_more(latitude_deg, footprint_m, size_px):
    view = choose_view(latitude_deg, footprint_m, size_px)
    map_px_m = 156543.03392 * math.cos(math.radians(latitude_deg)) / 2**view.zoom
    assert view.width_px <= LARGEST_PX
    assert footprint_m <= view.width_px * map_px_m < footprint_m + 3.1 * map_px_m
    is_finest = view.zoom == 21 or 2 * view.width_px - 4 > LARGEST_PX
    assert map_px_m / view.scale <= footprint_m / size_px or is_finest


def test_addresses_are_signed_with_the_secret_of_the_key(serve, make_client):
    server = serve(StaticMaps())
    open_maps(server, make_client(), f"{KEY}:{SECRET}").read(PLACE, 40.0, 128)
    (asked,) = server.requests
    query = {name: value for name, value in asked.query.items() if name != "signature"}
    text = f"{asked.path}?{urlencode(query)}"
    digest = hmac.new(base64.urlsafe_b64decode(SECRET), text.encode(), hashlib.sha1).digest()
    assert asked.query["signature"] == base64.urlsafe_b64encode(digest).decode()


def test_nothing_is_kept_trained_on_or_shown_beside_a_map(serve, make_client, tmp_path):
    server = serve(StaticMaps())
    client = make_client(tmp_path)
    imagery = open_maps(server, client)
    places = [PLACE, PLACE, LonLat(PLACE.lon + 0.001, PLACE.lat)]
    assert imagery.plan(places, 40.0, 128).requests == 2
    assert imagery.prepare(places, 40.0, 128) == []
    assert imagery.plan(places, 40.0, 128).requests == 0
    for place in places:
        assert imagery.read(place, 40.0, 128) is not None
    assert len(server.requests) == 2
    assert not list(tmp_path.rglob("*"))
    for forbidden in (may_train, may_display):
        with pytest.raises(InputError):
            forbidden(imagery.terms)
    with pytest.raises(InputError, match="forbid storing"):
        imagery.save(tmp_path / "copy", places, 40.0, 128)
    assert SOURCES[0].notice


def test_a_refused_key_is_named_without_being_shown(serve, make_client, caplog):
    caplog.set_level("DEBUG", logger="model_core")
    server = serve(StaticMaps())
    wrong = "AIzaSomebodyElses"
    with pytest.raises(ProviderError, match="Invalid key") as refused:
        open_maps(server, make_client(), f"{wrong}:{SECRET}").read(PLACE, 40.0, 128)
    shown = str(refused.value) + repr(refused.value) + caplog.text
    assert wrong not in shown
    assert SECRET not in shown
    with pytest.raises(InputError, match="API key"):
        open_maps(server, make_client(), "")
    with pytest.raises(InputError, match="copy it again"):
        open_maps(server, make_client(), f"{KEY}:a")


@pytest.mark.parametrize("fault", [base.HTML, base.HALF, base.EMPTY, base.TRUNCATED])
def test_what_is_no_picture_is_an_error(serve, make_client, fault):
    server = serve(StaticMaps())
    server.choose_fault = lambda request: fault
    imagery = open_maps(server, make_client(retries=1))
    (failure,) = imagery.prepare([PLACE], 40.0, 128)
    assert "Google Maps" in str(failure)
