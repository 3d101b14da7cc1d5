"""A photo as queries: its strip and features under every field of view that it may have."""

from __future__ import annotations

import math

import torch

from model_core.alignment.panorama import photo_strip, resized_strip, without_padding
from model_core.config import ModelConfig, SearchConfig
from model_core.features.preprocess import to_tensor
from model_core.fusion.place_encoder import PlaceEncoder
from model_core.matching.correlation import PhotoFeatures
from model_core.types import ImageU8, Photo, Strip


def fields_of_view(photo: Photo, config: SearchConfig) -> tuple[float, ...]:
    """Return the field of view of a photo in degrees, or every one that it may have.

    The hypotheses are fields of view of the longer side; an upright photo sees less across.
    """
    if photo.projection == "equirectangular":
        return (photo.fov_deg or 360.0,)
    if photo.fov_deg is not None:
        return (photo.fov_deg,)
    height, width = photo.image.shape[:2]
    return tuple(across_from_longer_side(fov, width, height) for fov in config.fov_hypotheses_deg)


def across_from_longer_side(fov_deg: float, width_px: int, height_px: int) -> float:
    """Return the horizontal field of view of a photo from that of its longer side, degrees."""
    half = math.tan(math.radians(fov_deg) / 2) * width_px / max(width_px, height_px)
    return math.degrees(2 * math.atan(half))


@torch.inference_mode()
def photo_queries(
    photo: Photo,
    encoder: PlaceEncoder,
    model: ModelConfig,
    config: SearchConfig,
    device: torch.device,
) -> list[PhotoFeatures]:
    """Return the photo's features under every field of view that it may have.

    Args:
        photo: Upright, with its field of view where known.
        encoder: In evaluation mode, on ``device``.
        model: The encoder's configuration.
        config: The fields of view tried where it is unknown.
        device: Where the encoder is.

    Raises:
        InputError: The field of view in the photo's metadata is impossible.
    """
    queries = []
    for fov_deg in fields_of_view(photo, config):
        strip = _visible_strip(photo, fov_deg, model)
        images, mask = to_tensor([strip])
        images, mask = images.to(device), mask.to(device)
        full = images.shape[-1] == model.geometry.width
        features = encoder.encode_photo(images, mask, circular=full)
        coverage = encoder.photo_coverage(mask)
        queries.append(
            PhotoFeatures(
                features=features[0].float().cpu().numpy(),
                coverage=coverage[0].float().cpu().numpy(),
                fov_deg=fov_deg,
            )
        )
    return queries


def _visible_strip(photo: Photo, fov_deg: float, model: ModelConfig) -> Strip:
    """Return the photo's strip; padding of a partial panorama is masked."""
    if model.photo_fit == "resized" and photo.projection == "perspective":
        return resized_strip(photo.image, model.geometry, model.width_stride)
    pose = (photo.projection, fov_deg, photo.pitch_deg, photo.roll_deg)

    def strip_of(image: ImageU8) -> Strip:
        return photo_strip(image, *pose, model.geometry, model.width_stride)

    return without_padding(strip_of(photo.image), photo.coverage, strip_of)
