"""How many views are rendered at once: few on a CPU, whose caches are small, many on a GPU."""

from __future__ import annotations

import os

import torch

from training.world.ground import StripFrame

CPU_VIEWS = 6
"""Views at once on a CPU; more are no faster there and take more memory."""

BYTES_A_PIXEL = 1600
"""Given to a pixel of a strip, of 2 x 2 samples: twice the peak measured on a CPU."""

_BYTES_AT_MOST = 6 * 2**30
_VIEWS_AT_MOST = 256


def views_at_once(frame: StripFrame, device: torch.device) -> int:
    """Return how many views of a frame to render in one batch on a device.

    A GPU gives half of what is free, at most 6 GiB: beyond that nothing gets faster.
    """
    if device.type != "cuda":
        return CPU_VIEWS
    free, _ = torch.cuda.mem_get_info(device)
    usable = min(free // 2, _BYTES_AT_MOST)
    return int(max(1, min(_VIEWS_AT_MOST, usable // (frame.width * frame.height * BYTES_A_PIXEL))))


def workers_beside(device: torch.device) -> int:
    """Return how many processes draft cities while a device renders: none where it is the CPU."""
    if device.type != "cuda":
        return 0
    return max(1, (os.cpu_count() or 1) - 2)
