"""Tileable textures that every surface is made of, drawn once from fixed seeds."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model_core.types import FloatArray

_SIZE = 512
_TABLE = 4096
FIRST_CITY_FAMILY = 10
"""Families from here on have a grain of their own besides their own numbers."""


def fractal_noise(size: int, falloff: float, rng: np.random.Generator) -> FloatArray:
    """Return tileable noise (size, size) of mean 0 and deviation 1; steeper falloff is smoother."""
    spectrum = np.fft.fft2(rng.standard_normal((size, size)))
    fy, fx = np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None]
    radius = np.sqrt(fx**2 + fy**2)
    radius[0, 0] = 1.0
    shaped = np.fft.ifft2(spectrum / (radius + 1.0 / size) ** falloff).real
    shaped -= shaped.mean()
    return np.asarray(np.clip(shaped / shaped.std(), -2.5, 2.5), np.float32)


def _glyphs(rng: np.random.Generator) -> FloatArray:
    """Return a sheet of made-up letters in cells of 8 x 12, 1 where there is ink."""
    down, across = _SIZE // 12, _SIZE // 8
    strokes = (rng.random((down, 5, across, 3)) < 0.55).astype(np.float32)
    letters = np.zeros((down, 12, across, 8), np.float32)
    letters[:, 1:11, :, 1:7] = strokes.repeat(2, axis=1).repeat(2, axis=3)
    sheet = np.zeros((_SIZE, _SIZE), np.float32)
    sheet[: down * 12, : across * 8] = letters.reshape(down * 12, across * 8)
    return sheet


@dataclass(frozen=True)
class NoiseBank:
    """Textures on one device: ``rough``, ``soft`` and ``leafy`` noise, ``glyphs``, ``table``.

    ``table`` holds 4096 uniform numbers, the random draw of a whole-numbered key, and ``colors``
    (4096, 3) as many triples.
    """

    rough: Tensor
    soft: Tensor
    leafy: Tensor
    glyphs: Tensor
    table: Tensor
    colors: Tensor

    @classmethod
    @functools.lru_cache(maxsize=8)
    def make(cls, device: torch.device, family: int = 0) -> NoiseBank:
        """Return the textures of a family; families share nothing."""
        rng = np.random.default_rng([90210, family])
        falloff = (0.6, 1.4, 0.9)
        if family >= FIRST_CITY_FAMILY:
            falloff = tuple(rng.uniform((0.45, 1.15, 0.7), (0.85, 1.7, 1.2)))
        arrays = (
            fractal_noise(_SIZE, falloff[0], rng),
            fractal_noise(_SIZE, falloff[1], rng),
            fractal_noise(_SIZE, falloff[2], rng),
            _glyphs(rng),
            rng.random(_TABLE).astype(np.float32),
            rng.random((_TABLE, 3)).astype(np.float32),
        )
        return cls(*(torch.from_numpy(a).to(device) for a in arrays))

    def draw(self, key: Tensor) -> Tensor:
        """Return a uniform number in [0, 1) for every whole-numbered key."""
        return self.table[((key * 2654435761) >> 13) & (_TABLE - 1)]

    def draw_color(self, key: Tensor) -> Tensor:
        """Return three uniform numbers in [0, 1) for every whole-numbered key, (..., 3)."""
        return self.colors[((key * 2654435761) >> 13) & (_TABLE - 1)]


def look_up_own(bank: NoiseBank, x: Tensor, y: Tensor, key: Tensor) -> Tensor:
    """Return noise that no other key has: the sum of two textures shifted by the key."""
    shift = bank.draw_color(key) * _SIZE
    first = look_up(bank.rough, x + shift[..., 0], y + shift[..., 1])
    second = look_up(bank.leafy, x + shift[..., 2], y + shift[..., 0] * 7)
    return (first + second) * 0.75


def look_up(texture: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return the texture's values at texel coordinates, wrapped around."""
    col = x.floor().int() & (_SIZE - 1)
    row = y.floor().int() & (_SIZE - 1)
    return texture.view(-1)[row * _SIZE + col]
