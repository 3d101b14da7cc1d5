"""What a photographer and a camera do to a strip, on tensors of any device.

Strips enter as full circles, north at column 0; photos leave as windows with an unknown heading.
A circle that a photo fills in part gives windows of that part only.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from model_core.alignment.panorama import photo_bins, resized_bins
from model_core.config import ModelConfig
from model_core.device import constant
from model_core.features.preprocess import normalize_images
from training.datasets.resized import WIDEST_PHOTO_DEG, resize_frames


@dataclass(frozen=True)
class PhotoWindows:
    """Photos cut from full circles.

    ``images`` float (B, 3, H, w) in [0, 1] with masked pixels 0; ``mask`` float (B, H, w);
    ``start_bin`` float (B,) left edge in bins, counted from column 0, which is north only where the
    heading is known; ``layout`` (B, bins_w, K) labels under the window.
    """

    images: Tensor
    mask: Tensor
    start_bin: Tensor
    layout: Tensor


def normalize(images: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return ImageNet-normalised images (B, 3, H, W) from [0, 1]; masked pixels are zero."""
    return normalize_images(images, mask)


def to_float(images: Tensor) -> Tensor:
    """Return uint8 (B, H, W, 3) as float (B, 3, H, W) in [0, 1]."""
    return images.permute(0, 3, 1, 2).float() / 255.0


def cut_windows(
    circles: Tensor,
    layout: Tensor,
    fov_deg: Tensor,
    n_bins: int,
    config: ModelConfig,
    generator: torch.Generator,
    *,
    seen: Tensor | None = None,
    start_px: Tensor | None = None,
) -> PhotoWindows:
    """Cut one photo out of each full circle, at a random heading.

    Where a picture fills only a part of its circle, the window lies on that part, is no wider than
    it and keeps the picture's own frame; what no picture shows is masked. Where the model resizes
    photos, the photo fills the window instead.

    Args:
        circles: float (B, 3, H, W) in [0, 1].
        layout: float (B, bins, K) labels of the circle.
        fov_deg: (B,) field of view of each photo, within ``n_bins`` bins unless it is resized.
        n_bins: Width of the window in bins; the full circle when it is all of them.
        config: The strip frame.
        generator: Source of chance, on the circles' device.
        seen: bool (B, W), the columns that a picture shows; all of them if None.
        start_px: int64 (B,), the windows' left columns where they are not left to chance.
    """
    batch, _, height, width = circles.shape
    device = circles.device
    window_px = n_bins * config.width_stride
    start = start_px
    if start is None:
        start = torch.randint(0, width, (batch,), generator=generator, device=device)
        if seen is not None:
            start, fov_deg = _onto_pictures(start, fov_deg, seen, window_px, config)
    full = n_bins == config.azimuth_bins
    stretch = torch.ones(batch, device=device)
    if not full:
        stretch = 1.0 + 0.04 * _normal(batch, generator, device).clamp(-2, 2)
    if config.photo_fit == "resized" and not full:
        images, mask = resize_frames(
            circles,
            torch.ones(batch, width, dtype=torch.bool, device=device) if seen is None else seen,
            start + window_px / 2,
            fov_deg * stretch,
            *draw_frames(fov_deg, generator),
            window_px,
            config.geometry,
        )
    else:
        centred = torch.arange(window_px, device=device) + 0.5 - window_px / 2
        columns = start[:, None] + window_px / 2 + centred[None, :] * stretch[:, None] - 0.5
        images = _gather_columns(circles, columns)
        mask = torch.ones(batch, height, window_px, device=device)
        if not full:
            mask = _frame_mask(fov_deg, centred, config, generator)
        if seen is not None:
            inside = centred.abs()[None, :] * config.geometry.deg_per_px <= fov_deg[:, None] / 2
            mask = _picture_mask(circles, seen, columns, mask, inside | full)
    bins = start[:, None] / config.width_stride + torch.arange(n_bins, device=device)[None, :]
    labels = _gather_columns(layout.permute(0, 2, 1).unsqueeze(2), bins).squeeze(2)
    return PhotoWindows(
        images=images * mask.unsqueeze(1),
        mask=mask,
        start_bin=start.float() / config.width_stride,
        layout=labels.permute(0, 2, 1),
    )


def _onto_pictures(
    start: Tensor, fov_deg: Tensor, seen: Tensor, window_px: int, config: ModelConfig
) -> tuple[Tensor, Tensor]:
    """Return left edges (B,) and fields of view (B,) such that the windows lie on the pictures.

    Full circles keep theirs; ``start`` is the chance by which the others are placed.
    """
    width = seen.shape[1]
    first, length = _longest_run(seen)
    wide_px = torch.minimum(fov_deg / config.geometry.deg_per_px, length.float())
    centre = first + wide_px / 2 + start / width * (length - wide_px)
    moved = torch.round(centre - window_px / 2).long() % width
    whole = length == width
    narrowed = wide_px * config.geometry.deg_per_px
    return torch.where(whole, start, moved), torch.where(whole, fov_deg, narrowed)


def _longest_run(seen: Tensor) -> tuple[Tensor, Tensor]:
    """Return first column and length, each (B,), of the longest run around circles (B, W)."""
    width = seen.shape[1]
    index = torch.arange(2 * width, device=seen.device)
    gap = torch.where(torch.cat([seen, seen], dim=1), -1, index)
    runs = (index - gap.cummax(dim=1).values).clamp(max=width)
    length, last = runs.max(dim=1)
    return (last - length + 1) % width, length


def picture_rows(circles: Tensor, seen: Tensor) -> Tensor:
    """Return bool (B, H, W): which rows of the seen columns circles' pictures reach.

    A flat photo fills a column in part, as a panorama does whose poles were cut off.

    Args:
        circles: float (B, 3, H, W), as read: black where nothing was.
        seen: bool (B, W).
    """
    shown = ((circles.amax(dim=1) > 0.0) & seen[:, None, :]).float()
    # Between its highest and its lowest pixel a picture may well be black.
    return (shown.cumsum(1) > 0) & (shown.flip(1).cumsum(1).flip(1) > 0)


def _picture_mask(
    circles: Tensor, seen: Tensor, columns: Tensor, frame: Tensor, inside: Tensor
) -> Tensor:
    """Return the (B, H, w) masks of windows of circles that may be seen in part.

    Full circles keep ``frame`` but for rows that are blank all around, as in cropped panoramas;
    others keep the part of the picture within ``inside`` (B, w).
    """
    reached = picture_rows(circles, seen)
    own = _gather_columns(reached.float()[:, None], columns)[:, 0] > 0.999
    own = (own & inside[:, None, :]).float()
    rows = reached.any(dim=2, keepdim=True).float()
    whole = seen.all(dim=1)[:, None, None]
    return torch.where(whole, frame * rows, own)


def _gather_columns(circles: Tensor, columns: Tensor) -> Tensor:
    """Return linearly interpolated columns (B, C, H, w) of circles (B, C, H, W), wrapping."""
    width = circles.shape[-1]
    left = torch.floor(columns)
    weight = (columns - left)[:, None, None, :]
    index = left.long() % width
    shape = (-1, circles.shape[1], circles.shape[2], -1)
    first = torch.gather(circles, 3, index[:, None, None, :].expand(shape))
    second = torch.gather(circles, 3, ((index + 1) % width)[:, None, None, :].expand(shape))
    return first * (1 - weight) + second * weight


def _frame_mask(
    fov_deg: Tensor, centred_px: Tensor, config: ModelConfig, generator: torch.Generator
) -> Tensor:
    """Return the (B, H, w) mask of upright photos of several shapes, pitched a little."""
    geometry = config.geometry
    half_width = fov_deg / 2
    half_height, pitch = draw_frames(fov_deg, generator)
    span = geometry.elevation_max_deg - geometry.elevation_min_deg
    rows = torch.arange(geometry.height, device=fov_deg.device) + 0.5
    elevation = geometry.elevation_max_deg - rows * span / geometry.height
    azimuth = centred_px * geometry.deg_per_px
    columns = azimuth.abs()[None, :] <= half_width[:, None]
    # The upper edge of a perspective frame falls towards its sides.
    narrowing = torch.cos(torch.deg2rad(azimuth.clamp(-80, 80)))[None, None, :]
    edge = half_height[:, None, None] * narrowing
    vertical = (elevation[None, :, None] - pitch[:, None, None]).abs() <= edge
    return (vertical & columns[:, None, :]).float()


def draw_frames(fov_deg: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return half the vertical field of view (B,) and the pitch (B,), degrees, of photos' frames.

    Beyond ``WIDEST_PHOTO_DEG`` across a photo is a part of a panorama, as high as a wide photo.
    """
    batch, device = len(fov_deg), fov_deg.device
    shapes = constant((9 / 16, 2 / 3, 3 / 4, 1.0, 4 / 3), device)
    shape = shapes[torch.randint(0, len(shapes), (batch,), generator=generator, device=device)]
    flat = torch.deg2rad(fov_deg.clamp(max=WIDEST_PHOTO_DEG) / 2)
    half_height = torch.rad2deg(torch.atan(torch.tan(flat) * shape))
    return half_height, 3.0 * _normal(batch, generator, device)


def jitter_colors(images: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Return images (B, 3, H, W) under another exposure, white balance, gamma and noise.

    The noise, of up to 5 of 255, stands for compression too: saved at quality 20 and brought into
    strips of 64 x 128, the demo's photos differ by 1.6 of 255 in the mean.
    """
    batch, device = len(images), images.device
    gain = torch.exp(0.2 * strength * _normal(batch, generator, device)).view(-1, 1, 1, 1)
    balance = torch.exp(0.08 * strength * _normal(batch * 3, generator, device)).view(-1, 3, 1, 1)
    gamma = torch.exp(0.15 * strength * _normal(batch, generator, device)).view(-1, 1, 1, 1)
    grey = images.mean(1, keepdim=True)
    saturation = 1 + 0.35 * strength * _normal(batch, generator, device).view(-1, 1, 1, 1)
    changed = grey + (images - grey) * saturation.clamp(0, 2)
    changed = (changed.clamp(1e-4, 1) ** gamma) * gain * balance
    noise = torch.randn(images.shape, generator=generator, device=device)
    level = 0.02 * strength * torch.rand(batch, generator=generator, device=device)
    return (changed + noise * level.view(-1, 1, 1, 1)).clamp(0, 1)


def soften(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return images of which a random half is blurred by three pixels."""
    keep = torch.rand(len(images), generator=generator, device=images.device) < 0.5
    blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    return torch.where(keep.view(-1, 1, 1, 1), images, blurred)


def bend_frames(
    images: Tensor, mask: Tensor, generator: torch.Generator, strength: float = 0.03
) -> tuple[Tensor, Tensor]:
    """Return photos (B, 3, H, w) and masks (B, H, w) as lenses bend them, barrel to pincushion.

    A point at the corner moves by up to ``strength`` of its distance from the middle, points nearer
    to it by the cube of theirs.
    """
    batch, _, height, width = images.shape
    device = images.device
    y, x = torch.meshgrid(
        (torch.arange(height, device=device) + 0.5) * 2 / height - 1,
        (torch.arange(width, device=device) + 0.5) * 2 / width - 1,
        indexing="ij",
    )
    bend = strength * (2 * torch.rand(batch, generator=generator, device=device) - 1)
    grow = 1 + bend.view(-1, 1, 1) * (x**2 + y**2) / 2
    grid = torch.stack([x * grow, y * grow], dim=-1)
    both = torch.cat([images, mask.unsqueeze(1)], dim=1)
    bent = F.grid_sample(both, grid, padding_mode="zeros", align_corners=False)
    seen = (bent[:, 3] > 0.999).to(mask.dtype)
    return bent[:, :3] * seen.unsqueeze(1), seen


def stitch_circles(
    circles: Tensor, generator: torch.Generator, share: float = 0.5, lenses: int = 4
) -> Tensor:
    """Return circles (B, C, H, W) of which a share is stitched from several lenses.

    Between seams at even distances a lens sees up to a row higher or lower and up to 6 % brighter
    or darker than its neighbours. What lies below a panorama's mount, its nadir, is no part of a
    strip.
    """
    batch, _, height, width = circles.shape
    device = circles.device
    chance = torch.rand(batch, 2, generator=generator, device=device)
    stitched = chance[:, 1] < share
    phase = (chance[:, 0] * width).long()
    lens = (torch.arange(width, device=device)[None, :] + phase[:, None]) % width * lenses // width
    rows = (2 * torch.rand(batch, lenses, generator=generator, device=device) - 1).gather(1, lens)
    gain = 1 + 0.06 * (
        2 * torch.rand(batch, lenses, generator=generator, device=device) - 1
    ).gather(1, lens)
    at = torch.arange(height, device=device)[None, :, None] + rows[:, None, :]
    at = at.clamp(0, height - 1)
    upper = at.floor().long()
    lower = (upper + 1).clamp(max=height - 1)
    weight = (at - upper).unsqueeze(1)
    shape = (-1, circles.shape[1], -1, -1)
    first, second = (
        torch.gather(circles, 2, rows_at.unsqueeze(1).expand(shape)) for rows_at in (upper, lower)
    )
    moved = (first * (1 - weight) + second * weight) * gain[:, None, None, :]
    return torch.where(stitched.view(-1, 1, 1, 1), moved.clamp(0, 1), circles)


def hide_sectors(
    seen: Tensor,
    generator: torch.Generator,
    share: float = 0.25,
    most_photos: int = 3,
    least_photos: int = 1,
) -> Tensor:
    """Return seen columns (B, W) of circles of which a share is put together from a few photos.

    ``least_photos`` to ``most_photos`` photos of 50 to 80 degrees at any heading, as where a place
    has no panorama; what was unseen stays unseen.
    """
    batch, width = seen.shape
    device = seen.device
    chance = torch.rand(batch, 2 * most_photos + 2, generator=generator, device=device)
    more = most_photos - least_photos + 1
    photos = least_photos + (chance[:, 1] * more).long().clamp(max=more - 1)
    azimuth = (torch.arange(width, device=device) + 0.5) * (360.0 / width)
    middle = 360.0 * chance[:, 2 : 2 + most_photos, None]
    half_width = 25.0 + 15.0 * chance[:, 2 + most_photos :, None]
    off = (azimuth - middle + 180.0) % 360.0 - 180.0
    taken = torch.arange(most_photos, device=device)[None, :, None] < photos[:, None, None]
    shown = ((off.abs() <= half_width) & taken).any(dim=1)
    return seen & (shown | (chance[:, :1] >= share))


def hide_rectangles(images: Tensor, generator: torch.Generator, share: float = 0.4) -> Tensor:
    """Return images of which a share is partly hidden behind a plain rectangle at the bottom."""
    batch, _, height, width = images.shape
    device = images.device
    chance = torch.rand(batch, 4, generator=generator, device=device)
    color = torch.rand(batch, 3, 1, 1, generator=generator, device=device)
    left = chance[:, 1] * width
    wide = width * 0.35 * chance[:, 2]
    top = height * (0.3 + 0.6 * chance[:, 3])
    x = torch.arange(width, device=device)[None, None, :]
    y = torch.arange(height, device=device)[None, :, None]
    inside = (x >= left.view(-1, 1, 1)) & (x < (left + wide).view(-1, 1, 1))
    inside = inside & (y >= top.view(-1, 1, 1)) & (chance[:, 0].view(-1, 1, 1) < share)
    return torch.where(inside.unsqueeze(1), color, images)


def _normal(count: int, generator: torch.Generator, device: torch.device) -> Tensor:
    return torch.randn(count, generator=generator, device=device)


def bins_for_fov(fov_deg: float, config: ModelConfig) -> int:
    """Return the width in bins of the strip that holds a photo of this field of view."""
    if config.photo_fit == "resized" and fov_deg < 360.0:
        return resized_bins(config.azimuth_bins)
    return photo_bins(fov_deg, config.geometry, config.width_stride)
