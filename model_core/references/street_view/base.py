"""What every source of street views offers, local or online."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import shapely

from model_core.references.area import LocalFrame
from model_core.references.source import FetchPlan
from model_core.types import Area, SourceTerms, StreetView


class StreetViewSource(Protocol):
    """A source of geolocated ground photos and panoramas."""

    @property
    def terms(self) -> SourceTerms:
        """Where the street views come from and what may be done with them."""
        ...

    @property
    def skipped(self) -> dict[str, str]:
        """What could not be used so far, with the reason, by file name or id."""
        ...

    def find(self, area: Area, margin_m: float) -> list[StreetView]:
        """Return the street views within an area and a margin around it, pixels unread.

        Args:
            area: Where to look.
            margin_m: How far outside the area a view may lie, since it serves places nearby.

        Raises:
            StreetViewError: A local source cannot be used at all.
            ProviderError: An online source failed.
        """
        ...


@runtime_checkable
class OnlineStreetViews(StreetViewSource, Protocol):
    """A source of street views that asks the network; its views carry ``StreetView.remote``."""

    def plan(self, area: Area, margin_m: float) -> FetchPlan:
        """Return about what finding and fetching an area's views would ask; nothing is asked."""
        ...


def views_within(views: Sequence[StreetView], area: Area, margin_m: float) -> list[StreetView]:
    """Return the views within an area and ``margin_m`` metres around it, in their order."""
    frame = LocalFrame(area.center_lonlat)
    x_m, y_m = frame.to_xy([v.lonlat.lon for v in views], [v.lonlat.lat for v in views])
    flat = frame.project(area.geometry)
    shapely.prepare(flat)
    near = np.asarray(shapely.dwithin(flat, shapely.points(x_m, y_m), max(0.0, margin_m)))
    return [view for view, is_near in zip(views, near.tolist(), strict=True) if is_near]
