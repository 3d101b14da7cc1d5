"""An orthophoto as ground: itself from above, only its broad lights and darks from the street.

Seen from above and from below the ground must not share fine texture or colour, or a network
would match those; what reality shares are patches of light and dark material.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from model_core.types import ImageU8

_BLUR_M = 2.0
_TONES = (0.65, 1.45)


@dataclass(frozen=True)
class PhotoGround:
    """A city's orthophoto on a device, at the cells of its ground.

    ``color`` (R, R, 3) uint8; ``seen`` (R, R) where the photo shows something; ``tone`` (R, R)
    how much lighter than the city's mean the surroundings of a cell are.
    """

    color: Tensor
    seen: Tensor
    tone: Tensor

    def over(self, ground: Tensor) -> Tensor:
        """Return the ground's colours (R, R, 3) with the photo where it shows something."""
        return torch.where(self.seen[..., None], self.color.to(ground) / 255, ground)


def photo_ground(photo: ImageU8 | None, cell_m: float, device: torch.device) -> PhotoGround | None:
    """Return an orthophoto (R, R, 3), black where it shows nothing, ready for rendering."""
    if photo is None:
        return None
    seen = photo.max(axis=2) > 0
    grey = np.where(seen, photo.mean(axis=2), 0).astype(np.float32)
    weight = cv2.GaussianBlur(seen.astype(np.float32), (0, 0), _BLUR_M / cell_m)
    broad = cv2.GaussianBlur(grey, (0, 0), _BLUR_M / cell_m) / np.maximum(weight, 1e-3)
    mean = float(grey.sum()) / max(int(seen.sum()), 1)
    tone = np.where(seen, np.clip(broad / max(mean, 1.0), *_TONES), 1.0).astype(np.float32)
    return PhotoGround(*(torch.from_numpy(a).to(device) for a in (photo, seen, tone)))
