"""Esri's World Imagery as it was released over the years (Wayback)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from model_core.errors import ImageryError, ProviderError
from model_core.references.bodies import json_body, read_json
from model_core.references.imagery.online_tiles import Description, OnlineTiles, TileService
from model_core.references.imagery.stated import (
    DATE_OPTION,
    OFFSET_OPTIONS,
    DateChoice,
    date_choice,
    shifted,
    tile_limits,
)
from model_core.references.imagery.template import read_template
from model_core.references.source import KnownSource, SourceContext, SourceText
from model_core.references.web import HttpRequest
from model_core.types import SourceTerms

ESRI_TERMS = SourceTerms(
    "Esri World Imagery",
    licence="Esri Master License Agreement",
    attribution="Esri, Vantor, Earthstar Geographics, and the GIS User Community",
    cacheable=False,
    trainable=False,
)
WAYBACK_TERMS = replace(ESRI_TERMS, provider="Esri World Imagery Wayback")
RELEASES_URL = "https://s3-us-west-2.amazonaws.com/config.maptiles.arcgis.com/waybackconfig.json"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _open(text: SourceText, context: SourceContext) -> OnlineTiles:
    """Return the source of an ``esri-wayback`` text."""
    choice = date_choice(text)
    limits = tile_limits(text)

    def service(template: str, terms: SourceTerms) -> TileService:
        request_of = read_template("esri-wayback", template).request
        return TileService(request_of, terms, limits.min_zoom, limits.max_zoom, limits.tile_px)

    def read(body: bytes) -> TileService:
        day, template = choose_release(read_json(body), choice)
        return service(template, replace(WAYBACK_TERMS, provider=f"{WAYBACK_TERMS.provider} {day}"))

    request = HttpRequest(text.options.get("url", RELEASES_URL), check=json_body)
    guess = service(f"{request.url}?{{z}}/{{x}}/{{y}}", WAYBACK_TERMS)
    return OnlineTiles(context.client, Description(request, read, guess))


def choose_release(releases: Any, choice: DateChoice) -> tuple[str, str]:
    """Return the day and the tile template of the release that a choice by date means.

    Raises:
        ProviderError: The list has another shape.
        ImageryError: No release fits.
    """
    found = []
    try:
        for release in releases.values():
            day = _DAY.search(release["itemTitle"])
            if day is not None:
                moment = datetime.strptime(day[0], "%Y-%m-%d").replace(tzinfo=UTC)
                found.append((moment, str(release["itemURL"])))
    except (AttributeError, KeyError, TypeError, ValueError) as err:
        raise ProviderError(
            f"esri-wayback: the list of releases cannot be read ({err!r})", reason="wrong type"
        ) from err
    fitting = sorted(
        (one for one in found if choice.allows(one[0])), key=lambda one: choice.rank(one[0])
    )
    if not fitting:
        days = sorted(moment.date().isoformat() for moment, _ in found)
        span = f"they run from {days[0]} to {days[-1]}" if days else "there are none"
        raise ImageryError(f"esri-wayback: no release fits the date; {span}")
    moment, template = fitting[0]
    for field, placeholder in (("{level}", "{z}"), ("{row}", "{y}"), ("{col}", "{x}")):
        template = template.replace(field, placeholder)
    return moment.date().isoformat(), template


OPTIONS: Mapping[str, str] = {
    **DATE_OPTION,
    "max_zoom": "greatest zoom, 19 if not given",
    "url": "the list of releases",
    **OFFSET_OPTIONS,
}

WAYBACK = KnownSource(
    name="esri-wayback",
    title="Esri World Imagery Wayback (releases by date)",
    kind="imagery",
    terms=WAYBACK_TERMS,
    open=shifted(_open),
    notice="The date is that of the release; the pictures in it are older.",
    example="esri-wayback|date=before:2023-02-06",
    options=OPTIONS,
)
