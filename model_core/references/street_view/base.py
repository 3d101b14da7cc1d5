"""What every source of street views offers, local or online."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

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
