"""Photos cut out of full circles: where they look, what they show."""

import torch

from model_core.config import ModelConfig
from training.datasets.augmentation import (
    bend_frames,
    bins_for_fov,
    cut_windows,
    hide_rectangles,
    hide_sectors,
    jitter_colors,
    soften,
    stitch_circles,
)

CONFIG = ModelConfig()


def ramp(batch: int) -> torch.Tensor:
    """Circles whose red channel is the azimuth of the column, in turns."""
    width, height = CONFIG.geometry.width, CONFIG.geometry.height
    turns = (torch.arange(width) + 0.5) / width
    return turns.expand(batch, 3, height, width).clone()


def layout(batch: int) -> torch.Tensor:
    bins = CONFIG.azimuth_bins
    return ((torch.arange(bins) + 0.5) / bins).expand(batch, bins)[..., None].clone()


def test_a_window_looks_where_its_start_says():
    chance = torch.Generator().manual_seed(1)
    fov = torch.full((16,), 70.0)
    n_bins = bins_for_fov(70.0, CONFIG)
    windows = cut_windows(ramp(16), layout(16), fov, n_bins, CONFIG, chance)
    axis = (windows.start_bin + n_bins / 2) / CONFIG.azimuth_bins % 1.0
    middle = windows.images.shape[-1] // 2
    rows = CONFIG.geometry.height // 2
    seen = windows.images[:, 0, rows, middle - 1 : middle + 1].mean(-1)
    away = (seen - axis + 0.5) % 1.0 - 0.5
    inside = (axis > 0.02) & (axis < 0.98)  # a mean across north is no azimuth
    assert inside.sum() > 10
    assert float(away[inside].abs().max()) < 1.0 / CONFIG.geometry.width


def test_labels_turn_with_the_window():
    chance = torch.Generator().manual_seed(2)
    n_bins = 6
    windows = cut_windows(ramp(32), layout(32), torch.full((32,), 60.0), n_bins, CONFIG, chance)
    first = (windows.start_bin + 0.5) / CONFIG.azimuth_bins % 1.0
    inside = (first > 0.05) & (first < 0.95)
    assert torch.allclose(windows.layout[inside, 0, 0], first[inside], atol=1e-3)


def test_the_mask_is_as_wide_as_the_field_of_view():
    chance = torch.Generator().manual_seed(3)
    n_bins = bins_for_fov(60.0, CONFIG)
    windows = cut_windows(ramp(4), layout(4), torch.full((4,), 60.0), n_bins, CONFIG, chance)
    columns = windows.mask.amax(dim=1).sum(dim=1) * CONFIG.geometry.deg_per_px
    assert torch.allclose(columns, torch.full((4,), 60.0), atol=2 * CONFIG.geometry.deg_per_px)
    assert float((windows.images * (1 - windows.mask[:, None])).abs().max()) == 0.0


def test_a_full_circle_is_whole_and_only_turned():
    chance = torch.Generator().manual_seed(4)
    full = CONFIG.azimuth_bins
    windows = cut_windows(ramp(3), layout(3), torch.full((3,), 355.0), full, CONFIG, chance)
    assert float(windows.mask.min()) == 1.0
    assert torch.allclose(
        windows.images[0, 0, 0].sort().values, ramp(1)[0, 0, 0].sort().values, atol=1e-5
    )


def test_a_very_wide_photo_still_shows_something():
    chance = torch.Generator().manual_seed(5)
    n_bins = bins_for_fov(250.0, CONFIG)
    windows = cut_windows(ramp(8), layout(8), torch.full((8,), 250.0), n_bins, CONFIG, chance)
    assert float(windows.mask.mean(dim=(1, 2)).min()) > 0.1


def test_colour_changes_keep_the_range_and_hit_every_image_differently():
    chance = torch.Generator().manual_seed(6)
    images = ramp(6)
    for change in (jitter_colors, soften, hide_rectangles):
        changed = change(images, chance)
        assert changed.shape == images.shape
        assert float(changed.min()) >= 0.0
        assert float(changed.max()) <= 1.0
    brightness = jitter_colors(images, chance).mean(dim=(1, 2, 3))
    assert len(set(brightness.tolist())) == 6


def partly_seen(batch: int, first: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Circles of which ``count`` columns from ``first`` show a photo, black above and below it."""
    width, height = CONFIG.geometry.width, CONFIG.geometry.height
    seen = torch.zeros(batch, width, dtype=torch.bool)
    seen[:, (torch.arange(count) + first) % width] = True
    circles = ramp(batch) * seen[:, None, None, :]
    circles[:, :, : height // 4] = 0.0
    circles[:, :, -height // 4 :] = 0.0
    return circles, seen


def test_whole_circles_are_cut_as_if_nothing_were_said_of_them():
    for fov, n_bins in ((70.0, 3), (355.0, CONFIG.azimuth_bins)):
        cuts = [
            cut_windows(
                ramp(9),
                layout(9),
                torch.full((9,), fov),
                n_bins,
                CONFIG,
                torch.Generator().manual_seed(7),
                seen=seen,
            )
            for seen in (None, torch.ones(9, CONFIG.geometry.width, dtype=torch.bool))
        ]
        for name in ("images", "mask", "start_bin", "layout"):
            assert torch.equal(getattr(cuts[0], name), getattr(cuts[1], name)), name


def test_a_window_is_cut_only_where_the_picture_is():
    count = 21  # 59 degrees, across north
    circles, seen = partly_seen(64, 120, count)
    for fov in (40.0, 59.0, 110.0):
        n_bins = bins_for_fov(fov, CONFIG)
        chance = torch.Generator().manual_seed(8)
        windows = cut_windows(
            circles, layout(64), torch.full((64,), fov), n_bins, CONFIG, chance, seen=seen
        )
        shown = windows.mask.amax(dim=1).sum(dim=1)
        wanted = min(fov / CONFIG.geometry.deg_per_px, count)
        assert float(shown.min()) >= 0.85 * wanted - 2
        assert float(shown.max()) <= wanted + 1
        valid = windows.mask[:, None].expand_as(windows.images) > 0
        assert float(windows.images[valid].min()) > 0.0, "a masked-in pixel shows nothing"
        assert float(windows.mask[:, : CONFIG.geometry.height // 4].max()) == 0.0
        assert float(windows.mask[:, CONFIG.geometry.height // 2].max()) == 1.0


def test_narrow_windows_wander_over_the_whole_picture():
    circles, seen = partly_seen(200, 30, 40)
    chance = torch.Generator().manual_seed(9)
    windows = cut_windows(
        circles, layout(200), torch.full((200,), 45.0), 2, CONFIG, chance, seen=seen
    )
    centres = windows.start_bin * CONFIG.width_stride + CONFIG.width_stride
    assert 36 < float(centres.min()) < 40
    assert 60 < float(centres.max()) < 64


def test_a_window_may_be_placed_where_one_wants():
    circles, seen = partly_seen(2, 30, 40)
    start = torch.tensor([34, 100])
    windows = cut_windows(
        circles,
        layout(2),
        torch.full((2,), 45.0),
        2,
        CONFIG,
        torch.Generator().manual_seed(12),
        seen=seen,
        start_px=start,
    )
    assert torch.equal(windows.start_bin * CONFIG.width_stride, start.float())
    assert float(windows.mask[0, 32].mean()) > 0.8
    assert float(windows.mask[1].max()) == 0.0


def test_a_picture_that_is_not_there_gives_an_empty_window():
    circles, seen = partly_seen(3, 0, 0)
    chance = torch.Generator().manual_seed(10)
    windows = cut_windows(circles, layout(3), torch.full((3,), 60.0), 3, CONFIG, chance, seen=seen)
    assert float(windows.mask.max()) == 0.0
    assert torch.isfinite(windows.images).all()


def test_rows_that_a_cropped_panorama_lacks_are_masked():
    circles = ramp(5)
    circles[:, :, -10:] = 0.0
    seen = torch.ones(5, CONFIG.geometry.width, dtype=torch.bool)
    full = CONFIG.azimuth_bins
    chance = torch.Generator().manual_seed(11)
    windows = cut_windows(
        circles, layout(5), torch.full((5,), 355.0), full, CONFIG, chance, seen=seen
    )
    assert float(windows.mask[:, -10:].max()) == 0.0
    assert float(windows.mask[:, :-10].min()) == 1.0


def test_lenses_bend_the_corners_and_leave_the_middle():
    """Each channel is a coordinate, so that what is seen says where it was."""
    y, x = torch.meshgrid(torch.linspace(0, 1, 64), torch.linspace(0, 1, 32), indexing="ij")
    flat = torch.stack([x, y, torch.ones_like(x)]).expand(200, 3, 64, 32)
    whole = torch.ones(200, 64, 32)
    bent, seen = bend_frames(flat, whole, torch.Generator().manual_seed(3), 0.1)
    moved = (bent - flat)[:, :2].abs().amax(dim=1)
    assert moved[:, 30:34, 14:18].max() < 0.01
    shown = seen[:, 4, 4] > 0
    off = (bent - flat)[:, 0, 4, 4]
    assert off[shown].max() > 0.02, "pincushions show what lies further in"
    assert off[shown].min() < -0.005, "barrels show what lies further out"
    assert 0.2 < seen[:, 0, 0].mean() < 0.8, "what no picture shows is masked"
    assert bent[seen.unsqueeze(1).expand_as(bent) == 0].abs().max() == 0.0
    half = whole.clone()
    half[:, :, 16:] = 0.0
    assert bend_frames(flat, half, torch.Generator().manual_seed(3))[1][:, :, 20:].sum() == 0.0


def test_stitched_circles_have_four_seams_and_the_others_none():
    height, width = 64, 128
    rows = (torch.arange(height) / height)[None, None, :, None].expand(300, 3, height, width)
    stitched = stitch_circles(rows, torch.Generator().manual_seed(4))
    step = (stitched - stitched.roll(1, dims=3))[:, 0, height // 2].abs()
    seams = (step > 1e-5).sum(dim=1)
    assert set(seams.tolist()) == {0, 4}
    assert 0.4 < (seams > 0).float().mean() < 0.6
    assert step.max() < 2.1 / height + 0.12
    assert len(set(step.argmax(dim=1).tolist())) > 20, "seams lie anywhere"
    assert stitched.min() >= 0.0
    assert stitched.max() <= 1.0


def test_some_circles_are_put_together_from_a_few_photos():
    whole = torch.ones(2000, 360, dtype=torch.bool)
    whole[:, :20] = False
    shown = hide_sectors(whole, torch.Generator().manual_seed(5), share=0.25)
    assert not shown[:, :20].any(), "what was unseen stays unseen"
    partial = ~(shown == whole).all(dim=1)
    assert 0.2 < partial.float().mean() < 0.3
    degrees = shown[partial].sum(dim=1)
    assert degrees.max() <= 240
    assert degrees.float().mean() < 160
    edges = (shown[partial] != shown[partial].roll(1, dims=1)).sum(dim=1)
    assert set(edges.tolist()) <= {0, 2, 4, 6, 8}
    assert {2, 4, 6} <= set(edges.tolist())
    first = shown[partial].float().argmax(dim=1)
    assert len(set(first.tolist())) > 100, "photos look anywhere"
