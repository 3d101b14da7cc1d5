"""Street views of places: where they are, which to use, and their pixels."""

from __future__ import annotations

from model_core.references.street_view.base import OnlineStreetViews, StreetViewSource
from model_core.references.street_view.local import FolderStreetViews
from model_core.references.street_view.pixels import ViewPixels, read_view

__all__ = [
    "FolderStreetViews",
    "OnlineStreetViews",
    "StreetViewSource",
    "ViewPixels",
    "read_view",
]
