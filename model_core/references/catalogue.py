"""Every source the engine knows by name, in the order in which they are offered."""

from __future__ import annotations

from pathlib import Path

from model_core.errors import InputError
from model_core.references.imagery import (
    ImagerySource,
    cog,
    google_maps,
    open_imagery,
    stac,
    web_tiles,
)
from model_core.references.roads import RoadFile, RoadSource, overpass
from model_core.references.source import (
    KnownSource,
    SourceContext,
    SourceKind,
    SourceText,
    parse_source,
)
from model_core.references.street_view import (
    FolderStreetViews,
    StreetViewSource,
    google,
    kartaview,
    mapillary,
    panoramax,
)

SOURCES: tuple[KnownSource, ...] = (
    *stac.SOURCES,
    *web_tiles.SOURCES,
    *cog.SOURCES,
    *google_maps.SOURCES,
    *panoramax.SOURCES,
    *mapillary.SOURCES,
    *kartaview.SOURCES,
    *overpass.SOURCES,
    *google.SOURCES,
)


def list_sources(kind: SourceKind | None = None) -> list[KnownSource]:
    """Return the known sources, of one kind where it is given."""
    return [source for source in SOURCES if kind is None or source.kind == kind]


def find_source(text: str, kind: SourceKind) -> tuple[KnownSource, SourceText] | None:
    """Return the known source that a text names, None where the text is a path.

    Raises:
        InputError: It names a source of another kind, or an option that the source does not have.
    """
    name = text.strip().partition("|")[0].strip()
    named = [source for source in SOURCES if source.name == name]
    if not named or Path(text).exists():
        return None
    found = next((source for source in named if source.kind == kind), None)
    if found is None:
        others = ", ".join(source.name for source in list_sources(kind))
        raise InputError(
            f"{name} is a source of {_words(named[0].kind)}, not of {_words(kind)}; "
            f"give a file, or one of {others}"
        )
    parsed = parse_source(text)
    unknown = sorted(set(parsed.options) - set(found.options))
    if unknown:
        raise InputError(
            f"{name}: unknown option {unknown[0]!r}; known: {', '.join(found.options) or 'none'}"
        )
    return found, parsed


def open_imagery_source(text: str, context: SourceContext) -> ImagerySource:
    """Return the imagery that a text names: a known source, or the path of a local one.

    Raises:
        InputError: There is no such source, a key is missing, or an option is wrong.
        ImageryError: The local raster or folder cannot serve.
    """
    found = find_source(text, "imagery")
    if found is None:
        return open_imagery(Path(text))
    source: ImagerySource = found[0].open(found[1], context)
    return source


def open_street_view_source(text: str, context: SourceContext) -> StreetViewSource:
    """Return the street views that a text names: a known source, or a local folder or table.

    Raises:
        InputError: There is no such source, a key is missing, or an option is wrong.
    """
    found = find_source(text, "street_view")
    if found is None:
        return FolderStreetViews(Path(text), context.client.is_cancelled)
    source: StreetViewSource = found[0].open(found[1], context)
    return source


def open_roads(text: str, context: SourceContext) -> RoadSource:
    """Return the roads that a text names: a known source, or the path of a vector file.

    Raises:
        InputError: There is no such source, or an option is wrong.
    """
    found = find_source(text, "roads")
    if found is None:
        return RoadFile(Path(text))
    source: RoadSource = found[0].open(found[1], context)
    return source


def _words(kind: SourceKind) -> str:
    return {"imagery": "imagery", "street_view": "street views", "roads": "roads"}[kind]
