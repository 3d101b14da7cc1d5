"""Google Street View Static, with the user's own key, off unless it is asked for.

Panoramas are found by asking for the nearest one at every point of a lattice, which is free of
charge; each then comes as four images of a quarter circle. Nothing of it is kept or learnt from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from model_core.errors import InputError, ProviderError
from model_core.references.bodies import image_body, read_json
from model_core.references.google_key import GoogleKey
from model_core.references.source import KnownSource, SourceContext, SourceText
from model_core.references.street_view.online import (
    Ask,
    Item,
    ListedStreetViews,
    RemotePhoto,
    lattice_over,
    lonlat_of,
)
from model_core.references.web import HttpRequest
from model_core.types import Area, LonLat, SourceTerms, StreetView

NAME = "google-street-view"
URL = "https://maps.googleapis.com"
TERMS = SourceTerms(
    provider="Google Street View",
    licence="Google Maps Platform terms of service",
    attribution="Google",
    cacheable=False,
    trainable=False,
    displayable_beside_map=False,
)
HEADINGS_DEG = (0, 90, 180, 270)
FOV_DEG = 90.0
HEADING_SIGMA_DEG = 3.0

_STEP_M = 25.0
_RADIUS_M = 50
_SIZE = "640x640"
_WORDS: dict[str, tuple[str, str, bool]] = {
    "REQUEST_DENIED": ("refuses the key; check it in the settings", "key refused", False),
    "INVALID_REQUEST": ("does not understand the request", "request", False),
    "OVER_QUERY_LIMIT": ("asks to slow down", "rate limit", True),
    "UNKNOWN_ERROR": ("failed inside", "server", True),
}
_ANSWERS = ("OK", "ZERO_RESULTS", "NOT_FOUND")


class GoogleStreetViews(ListedStreetViews[LonLat]):
    """Street View Static: four perspective views of each standpoint.

    Args:
        context: The client and the keys: ``key`` or ``key:secret`` for signed requests.
        url: Of the API's server.
        step_m: Distance between the points where panoramas are looked for.
    """

    views_a_km2 = 2000.0
    image_bytes = 60_000

    def __init__(self, context: SourceContext, url: str = URL, step_m: float = _STEP_M) -> None:
        super().__init__(context.client, TERMS)
        self._url = url.rstrip("/")
        self._step_m = step_m
        self._key = GoogleKey.parse(NAME, context.key(NAME))

    def _parts(self, area: Area, margin_m: float) -> list[LonLat]:
        return lattice_over(area, margin_m, self._step_m)

    def _list(self, part: LonLat, ask: Ask) -> Iterator[tuple[str, Item]]:
        """Yield the panorama nearest to a point."""
        request = self._request(
            "/maps/api/streetview/metadata",
            ("location", f"{part.lat:.6f},{part.lon:.6f}"),
            ("radius", str(_RADIUS_M)),
            ("source", "outdoor"),
        )
        found = read_json(ask(replace(request, check=_metadata_body)).body)
        if found["status"] == "OK":
            yield str(found["pano_id"]), found

    def _views(self, item_id: str, item: Item) -> list[StreetView]:
        lonlat = lonlat_of(item["location"]["lng"], item["location"]["lat"])
        terms = replace(TERMS, attribution=str(item.get("copyright") or TERMS.attribution))
        month = str(item.get("date") or "")
        captured_at = None
        if month:  # the day is not told; the middle of the month is at most half of one off
            captured_at = datetime.fromisoformat(f"{month[:7]}-15").replace(tzinfo=UTC)
        return [
            StreetView(
                view_id=f"{NAME}/{item_id}/{heading_deg:03d}",
                path=Path(f"{NAME}/{item_id}-{heading_deg:03d}.jpg"),
                lonlat=lonlat,
                projection="perspective",
                heading_deg=float(heading_deg),
                fov_deg=FOV_DEG,
                terms=terms,
                captured_at=captured_at,
                heading_sigma_deg=HEADING_SIGMA_DEG,
                remote=RemotePhoto(self.client, self._image(item_id, heading_deg), terms),
            )
            for heading_deg in HEADINGS_DEG
        ]

    def _image(self, pano_id: str, heading_deg: int) -> HttpRequest:
        return self._request(
            "/maps/api/streetview",
            ("pano", pano_id),
            ("heading", str(heading_deg)),
            ("fov", f"{FOV_DEG:.0f}"),
            ("size", _SIZE),
            ("return_error_code", "true"),
        )

    def _request(self, path: str, *params: tuple[str, str]) -> HttpRequest:
        url = f"{self._url}{path}"
        return HttpRequest(
            url, params, secret_params=self._key.params(url, params), check=image_body
        )


def open_google(text: SourceText, context: SourceContext) -> GoogleStreetViews:
    """Return the source that a text names.

    Raises:
        InputError: There is no key, or an option has no such value.
    """
    step_m = text.number("step_m", _STEP_M)
    if not 5.0 <= step_m <= 70.0:
        raise InputError(f"{NAME}: option step_m is {step_m:g}; choose 5 to 70 metres")
    return GoogleStreetViews(context, text.options.get("url", URL), step_m)


def _metadata_body(body: bytes) -> None:
    """Return where a body tells of a panorama, or that there is none.

    Raises:
        ProviderError: It is a refusal, which comes with status 200, or something else.
    """
    answer = read_json(body)
    status = str(answer.get("status", "")) if isinstance(answer, dict) else ""
    if status in _ANSWERS:
        return
    if status not in _WORDS:
        raise ProviderError(
            f"sent no metadata of a panorama (status {status!r}); check the option url",
            reason="no metadata",
        )
    words, reason, is_transient = _WORDS[status]
    said = str(answer.get("error_message") or status)
    raise ProviderError(f"{words} ({said})", reason=reason, transient=is_transient)


SOURCES: tuple[KnownSource, ...] = (
    KnownSource(
        name=NAME,
        title="Google Street View Static",
        kind="street_view",
        terms=TERMS,
        open=open_google,
        key="required",
        key_help="an API key of your own, or key:secret to sign requests",
        notice=(
            "Google charges your key for every image, and forbids keeping the images, learning "
            "from them and showing them beside maps that are not Google's."
        ),
        example=NAME,
        options={
            "url": f"address of the server; {URL} if left out",
            "step_m": f"metres between the points where panoramas are looked for; {_STEP_M:.0f}",
        },
    ),
)
