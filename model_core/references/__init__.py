"""Stage 2: candidate places of an area, and what is known of each from above and from the street.

Sources are local here; an online one needs nothing but the two protocols, ``ImagerySource`` and
``StreetViewSource``.
"""

from __future__ import annotations

from model_core.references.area import LocalFrame, read_area
from model_core.references.availability import StreetViewIndex, assign_views, choose_street_views
from model_core.references.collect import ReferenceSummary, collect_references, find_street_views
from model_core.references.imagery import ImagerySource, open_imagery
from model_core.references.places import lay_places
from model_core.references.street_view import (
    FolderStreetViews,
    StreetViewSource,
    read_view,
)

__all__ = [
    "FolderStreetViews",
    "ImagerySource",
    "LocalFrame",
    "ReferenceSummary",
    "StreetViewIndex",
    "StreetViewSource",
    "assign_views",
    "choose_street_views",
    "collect_references",
    "find_street_views",
    "lay_places",
    "open_imagery",
    "read_area",
    "read_view",
]
