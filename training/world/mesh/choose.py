"""Which of the two renderers draws which view of a district, drawn by its seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model_core.types import ImageU8
from training.world.appearance import GroundAppearance
from training.world.cities import FIRST_CITY_SEED, split_of
from training.world.city import City
from training.world.ground import CameraPose, StripFrame, render_strips
from training.world.mesh.satellite import render_satellite_mesh
from training.world.mesh.strips import render_strips_mesh
from training.world.plan import FULL_CIRCLE_DEG, DistrictPlan
from training.world.satellite import SatelliteAppearance, render_satellite
from training.world.styles import city_generator

TRAIN_SHARE, HARD_SHARE = 0.35, 0.5
_TAG = 51

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class MeshViews:
    """What is drawn as polygons: ``views`` in the plan's order, its ``satellites``, ``after``."""

    views: Flags
    satellites: Flags
    after: bool


def choose_mesh(plan: DistrictPlan) -> MeshViews:
    """Return which views of a district are drawn as polygons, each drawn on its own.

    None in towns and in the everyday tier of the named cities kept for tests, which stay what they
    were. Real geometry is drawn as cities to train on are, also where it is kept for tests.
    The draws come from a generator of their own; views in a state that only the column renderer
    knows are left to it.
    """
    rng = city_generator(plan.seed, _TAG)
    share = _share(plan)
    views = rng.random(len(plan.looks)) < share
    satellites = rng.random(len(plan.satellites)) < share
    after = bool(rng.random() < share) and plan.after is not None and _dry_and_clear(plan.after)
    return MeshViews(
        views & np.array([not (look.flood_m or look.lamp) for look in plan.looks], np.bool_),
        satellites & np.array([_dry_and_clear(look) for look in plan.satellites], np.bool_),
        after,
    )


def _share(plan: DistrictPlan) -> float:
    if plan.seed < FIRST_CITY_SEED:
        return 0.0
    if split_of(plan.seed) == "train":
        return TRAIN_SHARE
    narrow = plan.photo_window_deg[..., 1] < FULL_CIRCLE_DEG  # only the hard tier's photos are
    return HARD_SHARE if bool(narrow.all()) else 0.0


def _dry_and_clear(look: SatelliteAppearance) -> bool:
    return not (look.flood_m or look.smoke)


def render_views(
    city: City,
    poses: Sequence[CameraPose],
    looks: Sequence[GroundAppearance],
    frame: StripFrame,
    mesh: Flags,
) -> Tensor:
    """Return what V cameras see, linear colours (V, 3, H, W), each from its own renderer.

    Args:
        city: The city.
        poses: V cameras.
        looks: V appearances.
        frame: Which columns and rows.
        mesh: (V,) which views are drawn as polygons.
    """
    out = torch.empty(len(poses), 3, frame.height, frame.width, device=city.device)
    for render, chosen in ((render_strips, ~mesh), (render_strips_mesh, mesh)):
        at = [int(k) for k in np.flatnonzero(chosen)]
        if at:
            part = render(city, [poses[k] for k in at], [looks[k] for k in at], frame)
            out[torch.tensor(at, device=city.device)] = part
    return out


def render_image(city: City, look: SatelliteAppearance, mesh: bool) -> ImageU8:
    """Return the whole city from above, uint8 (R, R, 3), as polygons or as columns."""
    return render_satellite_mesh(city, look) if mesh else render_satellite(city, look)
