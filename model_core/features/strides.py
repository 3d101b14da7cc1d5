"""How many image rows and columns a feature stands for."""

from __future__ import annotations

from model_core.errors import ConfigError

HEIGHT_STRIDE = 16
WIDTH_STRIDES = (4, 8, 16, 32)


def check_width_stride(width_stride: int) -> None:
    """Check a stride along azimuth.

    Raises:
        ConfigError: No backbone can have it.
    """
    if width_stride not in WIDTH_STRIDES:
        raise ConfigError(
            f"width_stride {width_stride} is not possible; choose one of {WIDTH_STRIDES}"
        )
