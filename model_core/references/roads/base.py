"""What every source of roads offers, local or online."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from shapely.geometry.base import BaseGeometry

from model_core.references.source import FetchPlan
from model_core.types import Area, SourceTerms


class RoadSource(Protocol):
    """A source of the lines that people walk, ride or drive along; footways are among them."""

    @property
    def terms(self) -> SourceTerms:
        """Where the roads come from and what may be done with them."""
        ...

    def read(self, area: Area) -> list[BaseGeometry]:
        """Return the roads that reach into an area, whole lines in EPSG:4326; none: [].

        Raises:
            InputError: A local file cannot be read.
            ProviderError: An online source failed.
        """
        ...


@runtime_checkable
class OnlineRoads(RoadSource, Protocol):
    """A source of roads that asks the network."""

    def plan(self, area: Area) -> FetchPlan:
        """Return about what reading an area's roads would ask; nothing is asked."""
        ...
