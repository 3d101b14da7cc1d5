"""The one place where a street view's pixels are fetched."""

from __future__ import annotations

from dataclasses import dataclass

from model_core.errors import PhotoError, ProviderError, StreetViewError
from model_core.photo import read_photo, read_pixels
from model_core.types import ImageU8, MaskArray, StreetView


@dataclass(frozen=True)
class ViewPixels:
    """A street view decoded: ``image`` uint8 (H, W, 3) RGB, upright.

    ``coverage`` bool (H, W) says what of a partial panorama was there; None: all of it.
    """

    image: ImageU8
    coverage: MaskArray | None = None


def read_view(view: StreetView, max_side_px: int | None = None) -> ViewPixels:
    """Return a street view's pixels and what they cover.

    A partial panorama comes padded to the full sphere.

    Args:
        view: What to read.
        max_side_px: Larger images are scaled down to this; None keeps every pixel.

    Raises:
        StreetViewError: The image is missing or damaged, or its source failed.
    """
    try:
        data = None if view.remote is None else view.remote.read()
        if view.projection == "equirectangular":
            photo = read_photo(view.path, max_side_px, data)
            return ViewPixels(photo.image, photo.coverage)
        return ViewPixels(read_pixels(view.path, max_side_px, data))
    except (PhotoError, ProviderError) as err:
        raise StreetViewError(f"street view {view.view_id} cannot be used: {err}") from err
