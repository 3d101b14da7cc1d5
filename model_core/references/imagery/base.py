"""What every source of satellite imagery offers, local or online."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from model_core.errors import ProviderError
from model_core.references.source import FetchPlan
from model_core.references.workers import Done
from model_core.types import LonLat, SatelliteImage, SourceTerms


class ImagerySource(Protocol):
    """A source of north-up satellite images."""

    @property
    def terms(self) -> SourceTerms:
        """Where the imagery comes from and what may be done with it."""
        ...

    def read(self, center: LonLat, footprint_m: float, size_px: int) -> SatelliteImage | None:
        """Return the image centred on a place, or None where the source has no pixels.

        Args:
            center: The place.
            footprint_m: Ground width of the image in metres, in the plane tangent at the place.
            size_px: Width and height of the image.

        Raises:
            ImageryError: A local source cannot be read.
            ProviderError: An online source failed.
        """
        ...


@runtime_checkable
class OnlineImagery(ImagerySource, Protocol):
    """A source of satellite images that asks the network, ahead of reading and in parallel."""

    def plan(self, centers: Sequence[LonLat], footprint_m: float, size_px: int) -> FetchPlan:
        """Return what ``prepare`` would ask for and is not kept yet; nothing is asked."""
        ...

    def prepare(
        self,
        centers: Sequence[LonLat],
        footprint_m: float,
        size_px: int,
        done: Done | None = None,
    ) -> list[ProviderError]:
        """Fetch what ``read`` will need at all places, each thing once, and return what failed.

        Args:
            centers: The places.
            footprint_m: As in ``read``.
            size_px: As in ``read``.
            done: Told how many of how many requests are done.

        Raises:
            ProviderError: The source as a whole failed.
            Cancelled: The user asked to stop.
        """
        ...

    def save(
        self, folder: Path, centers: Sequence[LonLat], footprint_m: float, size_px: int
    ) -> Path:
        """Write what ``read`` needs at the places into a folder; return what is to be opened there.

        Raises:
            InputError: The source's terms forbid storing what it delivers.
            ProviderError: The source failed.
        """
        ...
