"""Perspective photos as the crowd takes them, resampled from a sector rendered finer."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from model_core.types import FloatArray, ImageU8
from training.world.appearance import GroundAppearance
from training.world.city import City
from training.world.ground import CameraPose, StripFrame, develop, render_strips

FULL_FRAME_DIAGONAL_MM = 43.2666
_TOP_DEG = 82.0


@dataclass(frozen=True)
class Lens:
    """A lens on a sensor of ``width`` x ``height`` pixels; ``fov_deg`` is across the width.

    ``bend`` is the radial distortion at the corner as a share of its distance from the centre.
    """

    width: int
    height: int
    fov_deg: float
    bend: float = 0.0

    @property
    def focal_px(self) -> float:
        """The focal length in pixels."""
        return float(self.width / 2 / np.tan(np.radians(self.fov_deg) / 2))

    @property
    def focal_35mm(self) -> float:
        """The focal length that has the same diagonal field of view on 36 x 24 mm."""
        return float(FULL_FRAME_DIAGONAL_MM * self.focal_px / np.hypot(self.width, self.height))


def lens_of_35mm(width: int, height: int, focal_35mm: float, bend: float = 0.0) -> Lens:
    """Return the lens whose 35-mm equivalent (by diagonal) is given."""
    focal_px = focal_35mm * np.hypot(width, height) / FULL_FRAME_DIAGONAL_MM
    fov = 2 * np.degrees(np.arctan(width / 2 / focal_px))
    return Lens(width, height, float(fov), bend)


def lens_rays(lens: Lens, pose: CameraPose) -> tuple[FloatArray, FloatArray]:
    """Return azimuth off the heading and elevation of every pixel, degrees, (H, W) each.

    Positive pitch looks up, positive roll turns the camera clockwise as seen from behind it.
    """
    col = (np.arange(lens.width) + 0.5 - lens.width / 2) / lens.focal_px
    row = (lens.height / 2 - np.arange(lens.height) - 0.5) / lens.focal_px
    x, y = np.meshgrid(col, row)
    corner = np.hypot(lens.width, lens.height) / 2 / lens.focal_px
    grow = 1 + lens.bend * (x**2 + y**2) / corner**2
    x, y = x * grow, y * grow
    roll, pitch = np.radians(pose.roll_deg), np.radians(pose.pitch_deg)
    right = x * np.cos(roll) + y * np.sin(roll)
    above = y * np.cos(roll) - x * np.sin(roll)
    ahead = np.cos(pitch) - above * np.sin(pitch)
    up = np.sin(pitch) + above * np.cos(pitch)
    azimuth = np.degrees(np.arctan2(right, ahead))
    elevation = np.degrees(np.arctan2(up, np.hypot(right, ahead)))
    return azimuth.astype(np.float32), elevation.astype(np.float32)


def render_photo(
    city: City, pose: CameraPose, look: GroundAppearance, lens: Lens, seed: int
) -> ImageU8:
    """Return a perspective photo, uint8 (height, width, 3).

    Args:
        city: The city.
        pose: Where it is taken; ``heading_deg`` is the optical axis.
        look: Light, season, sensor.
        lens: The lens and the picture's size.
        seed: Of the sensor's noise and of what stands in the way.
    """
    azimuth, elevation = lens_rays(lens, pose)
    per_deg = lens.focal_px * np.pi / 180
    left, right = float(azimuth.min()) - 0.5, float(azimuth.max()) + 0.5
    low = max(-_TOP_DEG, float(elevation.min()) - 0.5)
    top = min(_TOP_DEG, float(elevation.max()) + 0.5)
    frame = StripFrame(
        width=round((right - left) * per_deg),
        height=round((top - low) * per_deg),
        elevation_min_deg=low,
        elevation_max_deg=top,
        azimuth_0_deg=pose.heading_deg + left,
        span_deg=right - left,
    )
    level = CameraPose(pose.xy, pose.height_m)
    with torch.inference_mode():
        sector = render_strips(city, [level], [look], frame)[0].permute(1, 2, 0).cpu().numpy()
    across = (azimuth - left) / (right - left) * frame.width - 0.5
    down = (top - elevation) / (top - low) * frame.height - 0.5
    image = cv2.remap(sector, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    rng = np.random.default_rng([seed, 5])
    image = stand_in_the_way(np.asarray(image, np.float32), rng)
    generator = torch.Generator().manual_seed(seed)
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None]
    return np.asarray(develop(tensor, [look], generator)[0].numpy())


def render_panorama(
    city: City, pose: CameraPose, look: GroundAppearance, width: int, seed: int
) -> ImageU8:
    """Return an equirectangular panorama, uint8 (width / 2, width, 3), heading in its centre."""
    frame = StripFrame(
        width=width,
        height=width // 2,
        elevation_min_deg=-90.0,
        elevation_max_deg=90.0,
        azimuth_0_deg=pose.heading_deg - 180.0,
    )
    with torch.inference_mode():
        image = render_strips(city, [pose], [look], frame)
        generator = torch.Generator().manual_seed(seed)
        return np.asarray(develop(image, [look], generator)[0].cpu().numpy())


def stand_in_the_way(
    image: FloatArray, rng: np.random.Generator, count: int | None = None
) -> FloatArray:
    """Return the picture with passers-by close to the camera.

    Args:
        image: (H, W, 3).
        rng: Source of chance.
        count: How many; none in six of ten pictures, one or two in the others if absent.
    """
    tall, wide = image.shape[:2]
    out = image.copy()
    if count is None:
        count = int(rng.choice([0, 1, 2], p=[0.6, 0.3, 0.1]))
    for _ in range(count):
        half = float(np.sqrt(wide * tall)) * float(rng.uniform(0.06, 0.12))
        middle = wide * float(rng.choice([rng.uniform(0.0, 0.3), rng.uniform(0.7, 1.0)]))
        head = tall * float(rng.uniform(0.45, 0.7))
        mask = np.zeros((tall, wide), np.uint8)
        size = (int(half * 0.42), int(half * 0.55))
        cv2.ellipse(mask, (int(middle), int(head)), size, 0, 0, 360, 1, -1)
        chest = int(head + half * 1.25)
        shoulders = (int(half), int(half * 0.75))
        cv2.ellipse(mask, (int(middle), chest), shoulders, 0, 0, 360, 2, -1)
        corners = (int(middle - half), chest), (int(middle + half), tall)
        cv2.rectangle(mask, *corners, 2, -1)
        light = float(out.mean())
        for value, color in ((1, rng.uniform(0.3, 0.7, 3)), (2, rng.uniform(0.05, 0.8, 3))):
            out[mask == value] = color * light * 1.4
    return out
