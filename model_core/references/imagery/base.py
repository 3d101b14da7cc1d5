"""What every source of satellite imagery offers, local or online."""

from __future__ import annotations

from typing import Protocol

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
