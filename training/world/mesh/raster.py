"""Polygons to pixels: half-space tests a line at a time, the nearest kept in a depth buffer.

A pixel's line of sight is ``(x, y, 1)`` in the frame of its face. It passes a convex polygon's
edge from a to b on the inner side where ``(a x b) . (x, y, 1) >= 0``, and meets its plane at the
inverse depth ``n . (x, y, 1) / n . a``. Both are linear along a line of pixels, also for polygons
that reach behind the camera, so every line of a polygon is one interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from training.world.mesh.polygons import Polygons, normals

NEAR_M = 0.05
_CHUNK, _CHUNK_CUDA = 3_000_000, 8_000_000
_SLACK = 1e-3
_DOUBLED_M = 0.01

Keep = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""Says which fragments count: polygon, pixel line, pixel, inverse depth -> bool."""


@dataclass(frozen=True)
class Sheet:
    """The pixels of one image: ``width`` x ``height``, ``dx`` and ``dy`` apart, from ``x0, y0``.

    y points up and lines run down from the first; ``x0, y0`` is the first pixel's centre.
    """

    width: int
    height: int
    dx: float
    dy: float
    x0: float
    y0: float

    def x_of(self, col: Tensor) -> Tensor:
        """Return x of columns."""
        return self.x0 + self.dx * col

    def y_of(self, row: Tensor) -> Tensor:
        """Return y of lines."""
        return self.y0 - self.dy * row


@dataclass(frozen=True)
class Flat:
    """F polygons on image sheets, as linear functions (a, b, c) of ``a x + b y + c``.

    ``edges`` (F, 4, 3) not negative inside; ``near`` (F, 3) the larger the nearer, positive where
    the polygon can be seen; ``y`` (F, 2) least and greatest y; ``sheet`` (F,) which image;
    ``polygon`` (F,) the row in ``Polygons``.
    """

    edges: Tensor
    near: Tensor
    y: Tensor
    sheet: Tensor
    polygon: Tensor


def flatten_to_faces(polygons: Polygons, eye: Tensor, to_face: Tensor, sheet: Sheet) -> Flat:
    """Return the polygons as faces see them, those turned away or outside left out.

    Args:
        polygons: Of V views.
        eye: (V, 3) cameras.
        to_face: (V, K, 3, 3) to the frame of face k: right, up, ahead.
        sheet: The pixels of every face.
    """
    corners = polygons.corners - eye[polygons.view][:, None]
    normal = normals(corners)
    front = ((normal * corners[:, 0]).sum(-1) < 0).nonzero().squeeze(1)
    corners, view = corners[front], polygons.view[front]
    faces = to_face.shape[1]
    seen = torch.einsum("pkij,pcj->pkci", to_face[view], corners)
    x, y, z = seen.unbind(-1)
    right, top = sheet.x0 + sheet.dx * sheet.width, sheet.y0 + sheet.dy
    low = sheet.y0 - sheet.dy * sheet.height
    left = sheet.x0 - sheet.dx
    outside = (z < NEAR_M).all(-1) | (x > right * z).all(-1) | (x < left * z).all(-1)
    outside = outside | (y > top * z).all(-1) | (y < low * z).all(-1)
    which, face = (~outside).nonzero(as_tuple=True)
    v = seen[which, face]
    n = normals(v)
    facing = (n * v[:, 0]).sum(-1, keepdim=True)
    edges = edges_of(v)
    ahead = (v[..., 2] > NEAR_M).all(-1)
    slope = v[..., 1] / v[..., 2].clamp_min(NEAR_M)
    span = torch.stack(
        [torch.where(ahead, slope.amin(-1), low), torch.where(ahead, slope.amax(-1), top)], -1
    )
    near = n / torch.where(facing.abs() < 1e-9, -1e-9, facing)
    return Flat(edges, near, span, view[which] * faces + face, front[which])


def edges_of(corners: Tensor) -> Tensor:
    """Return the half-spaces (F, 4, 3) between whose borders polygons (F, 4, 3) lie.

    An edge without length bounds nothing, whatever its rounding says.
    """
    after = corners.roll(-1, 1)
    doubled = (after - corners).norm(dim=-1, keepdim=True) < _DOUBLED_M
    edges = torch.where(doubled, 0.0, torch.linalg.cross(corners, after))
    inward = (edges.sum(1) * corners.mean(1)).sum(-1).sign()
    return edges * inward[:, None, None]


def draw(flat: Flat, sheet: Sheet, sheets: int, keep: Keep | None = None) -> Tensor:
    """Return which polygon every pixel shows, (sheets * height * width,) int64, -1 for none.

    ``keep`` drops single fragments: leaves let light through.
    """
    buffer = torch.full((sheets * sheet.height * sheet.width,), -1, device=flat.near.device)
    which, row, first, last = _lines(flat, sheet)
    chunk = _CHUNK_CUDA if buffer.is_cuda else _CHUNK
    ends = (last - first + 1).cumsum(0)
    start = 0
    while start < len(ends):
        done = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(torch.searchsorted(ends, done + chunk, right=True)))
        part = slice(start, stop)
        _draw_lines(flat, sheet, buffer, (which[part], row[part], first[part], last[part]), keep)
        start = stop
    return torch.where(buffer >= 0, buffer & 0xFFFFFFFF, -1)


def _lines(flat: Flat, sheet: Sheet) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return polygon, row, first and last column of every line of pixels that a polygon fills."""
    row0 = ((sheet.y0 - flat.y[:, 1]) / sheet.dy).clamp(-1, sheet.height).ceil().clamp_min(0)
    row1 = ((sheet.y0 - flat.y[:, 0]) / sheet.dy).clamp(-1, sheet.height).floor()
    row1 = row1.clamp_max(sheet.height - 1)
    count = (row1 - row0 + 1).clamp_min(0).long()
    which = torch.repeat_interleave(count)
    begin = (count.cumsum(0) - count)[which]
    row = torch.arange(len(which), device=which.device) - begin + row0.long()[which]
    sides = torch.cat([flat.edges, flat.near[:, None]], 1)
    slope = sides[..., 0][which]
    rest = sides[..., 1][which] * sheet.y_of(row)[:, None] + sides[..., 2][which]
    cross = -rest / torch.where(slope.abs() < 1e-12, 1e-12, slope)
    at = (cross - sheet.x0) / sheet.dx
    low = torch.where(slope > 1e-12, at, -1.0).amax(-1)
    high = torch.where(slope < -1e-12, at, float(sheet.width)).amin(-1)
    empty = ((slope.abs() <= 1e-12) & (rest < 0)).any(-1)
    first = (low - _SLACK).clamp(-1, sheet.width).ceil().clamp_min(0).long()
    last = (high + _SLACK).clamp(-1, sheet.width - 1).floor().long()
    some = ((first <= last) & ~empty).nonzero().squeeze(1)
    return which[some], row[some], first[some], last[some]


def _draw_lines(
    flat: Flat,
    sheet: Sheet,
    buffer: Tensor,
    lines: tuple[Tensor, Tensor, Tensor, Tensor],
    keep: Keep | None,
) -> None:
    """Put the fragments of some lines into the buffer where they are nearest, in place."""
    which, row, first, last = lines
    count = last - first + 1
    line = torch.repeat_interleave(count)
    col = torch.arange(len(line), device=line.device) - (count.cumsum(0) - count - first)[line]
    a, b, c = flat.near[which].unbind(1)
    fixed = b * sheet.y_of(row) + c
    near = fixed[line] + a[line] * sheet.x_of(col)
    pixel = ((flat.sheet[which] * sheet.height + row) * sheet.width)[line] + col
    polygon = flat.polygon[which][line]
    good = near > 0
    if keep is not None:
        good = good & keep(polygon, flat.sheet[which][line], pixel, near)
    depth = near.clamp_min(0).contiguous().view(torch.int32).long() << 32
    buffer.scatter_reduce_(0, pixel[good], (depth | polygon)[good], "amax")
