"""Photos resized to one width whatever they show: where a direction ends up, and what is masked."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from model_core.alignment.panorama import RESIZED_FOV_DEG, resized_strip
from model_core.config import PRESETS, ModelConfig, at_geometry
from training.datasets.augmentation import bins_for_fov, cut_windows
from training.datasets.resized import resize_frames

CONFIG = dataclasses.replace(ModelConfig(), photo_fit="resized")
GEOMETRY = CONFIG.geometry
WINDOW_PX = 40
NORTH_PX = torch.tensor([64.0])


def circle_of_azimuths() -> torch.Tensor:
    """Red is the sine of the azimuth, green its cosine, blue the row; (1, 3, H, W) in [0, 1]."""
    azimuth = (torch.arange(GEOMETRY.width) + 0.5) * 2 * math.pi / GEOMETRY.width
    row = (torch.arange(GEOMETRY.height) + 0.5) / GEOMETRY.height
    red, green = (
        0.5 + 0.5 * f(azimuth).expand(GEOMETRY.height, -1) for f in (torch.sin, torch.cos)
    )
    return torch.stack([red, green, row[:, None].expand(-1, GEOMETRY.width)])[None]


def resize(fov_deg, half_height_deg=20.0, pitch_deg=0.0, centre_px=NORTH_PX, seen=None):
    everything = torch.ones(1, GEOMETRY.width, dtype=torch.bool)
    of = [torch.tensor([float(x)]) for x in (fov_deg, half_height_deg, pitch_deg)]
    seen = everything if seen is None else seen
    images, mask = resize_frames(circle_of_azimuths(), seen, centre_px, *of, WINDOW_PX, GEOMETRY)
    return images[0], mask[0]


def azimuth_deg(image, row=GEOMETRY.height // 2):
    return torch.rad2deg(torch.atan2(image[0, row] - 0.5, image[1, row] - 0.5)) % 360


@pytest.mark.parametrize("fov_deg", [45.0, 90.0, 115.0])
def test_a_photos_edges_are_the_windows_edges_and_its_plane_is_kept(fov_deg):
    image, _ = resize(fov_deg)
    across = (torch.arange(WINDOW_PX) + 0.5) * 2 / WINDOW_PX - 1
    expected = 180 + torch.rad2deg(torch.atan(across * math.tan(math.radians(fov_deg / 2))))
    assert torch.allclose(azimuth_deg(image), expected, atol=0.3)


def test_a_part_of_a_panorama_keeps_equal_angles():
    image, _ = resize(200.0)
    steps = azimuth_deg(image).diff()
    assert torch.allclose(steps, torch.full_like(steps, 200.0 / WINDOW_PX), atol=0.3)


def test_a_photo_across_north_has_no_seam():
    image, mask = resize(90.0, centre_px=torch.tensor([0.0]))
    turned = (azimuth_deg(image) + 180) % 360
    assert mask.all()
    assert (turned.diff() > 0).all()


def test_rows_fill_the_window_and_pitch_moves_them():
    level, _ = resize(60.0, half_height_deg=10.0)
    up, _ = resize(60.0, half_height_deg=10.0, pitch_deg=5.0)
    rows_shown = (level[2, -1, 20] - level[2, 0, 20]) * 70.0
    assert rows_shown == pytest.approx(20.0, abs=1.0)
    assert (level[2] - up[2])[:, 20].mean() * 70.0 == pytest.approx(5.0, abs=0.2)


def test_what_the_circle_does_not_show_is_masked():
    seen = torch.ones(1, GEOMETRY.width, dtype=torch.bool)
    seen[:, 64:] = False
    image, mask = resize(90.0, seen=seen)
    assert mask[:, : WINDOW_PX // 2 - 1].all()
    assert not mask[:, WINDOW_PX // 2 + 1 :].any()
    assert not image[:, :, WINDOW_PX // 2 + 1 :].any()
    _, high = resize(90.0, half_height_deg=60.0)  # the strips end at 40 degrees
    assert not high[0, WINDOW_PX // 2]


def test_every_photo_is_as_wide_as_the_released_code_takes_it():
    widths = {bins_for_fov(fov, CONFIG) for fov in (45.0, 60.0, 90.0, 120.0, 180.0)}
    assert widths == {int(RESIZED_FOV_DEG / CONFIG.bin_deg)}
    assert bins_for_fov(360.0, CONFIG) == CONFIG.azimuth_bins
    full = PRESETS["release"]
    assert bins_for_fov(70.0, full) * full.width_stride == 160  # 170 px at stride 32: five bins
    assert at_geometry(full, GEOMETRY).photo_fit == "resized"


def test_windows_of_a_resizing_model_are_photos_and_not_cut_out_of_the_circle():
    count, chance = 8, torch.Generator().manual_seed(0)
    circles = circle_of_azimuths().expand(count, -1, -1, -1)
    start = torch.full((count,), 64 - WINDOW_PX // 2)
    fov_deg = torch.full((count,), 50.0)
    windows = cut_windows(
        circles, torch.zeros(count, 16, 1), fov_deg, 5, CONFIG, chance, start_px=start
    )
    shown = azimuth_deg(windows.images[0])
    assert shown[-1] - shown[0] == pytest.approx(50.0, abs=7.0)
    assert windows.images.shape[-1] == WINDOW_PX


def test_the_engine_resizes_a_photo_to_the_same_window():
    photo = np.zeros((300, 400, 3), np.uint8)
    photo[:, :200, 0] = 200
    strip = resized_strip(photo, GEOMETRY, CONFIG.width_stride)
    assert strip.pixels.shape == (GEOMETRY.height, WINDOW_PX, 3)
    assert strip.mask.all()
    assert strip.heading_at_col0_deg == pytest.approx(360 - 56.25)
    assert (strip.pixels[:, : WINDOW_PX // 2, 0] == 200).all()
    assert not strip.pixels[:, WINDOW_PX // 2 :].any()
