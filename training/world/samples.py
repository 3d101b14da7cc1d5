"""Training samples of one city: satellite crops, street-view strips, photo strips, layouts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from model_core.config import StripGeometry
from model_core.errors import ConfigError
from model_core.types import FloatArray, ImageU8
from training.datasets.places import CROP_MARGIN, CROP_PX
from training.world.appearance import GroundAppearance
from training.world.batches import views_at_once
from training.world.cities import check_seed, style_of
from training.world.city import City, CityDraft, build_city, draft_city
from training.world.crops import crop_squares
from training.world.dates import StreetView
from training.world.geometry import CityGeometry, build_geometry
from training.world.ground import CameraPose, StripFrame, develop
from training.world.layout import draw_layout
from training.world.mesh.choose import choose_mesh, render_image, render_views
from training.world.photo import stand_in_the_way
from training.world.plan import (
    FULL_CIRCLE_DEG,
    SUNS,
    TRAFFIC_SETS,
    DistrictPlan,
    Tier,
    plan_district,
    spot_near,
)
from training.world.ranges import BLOCK_M
from training.world.satellite import SatelliteAppearance
from training.world.states import STATES, geometry_in_state, state_of

LAYOUT_BINS = 32
_EDGE_M = 10.0


@dataclass(frozen=True)
class CitySamples:
    """N places of one city; images uint8, north at column 0 of strips, north up in crops.

    ``satellite`` (N, 160, 160, 3) covers ``crop_m`` metres around the place, give or take the
    imagery's errors; ``satellite_after`` shows the second date in its state, None in everyday
    cities; ``street`` (N, H, W, 3) is the full circle near the place, zero where ``street_seen``
    (N, W) is false; ``query`` (N, Q, H, W, 3) photos taken ``query_offset_m`` (N, Q, 2) metres
    east and north of the place at the second date, zero where ``query_seen`` (N, Q, W) is false;
    ``street_days`` (N,) and ``query_days`` (N, Q) since 1970-01-01; ``query_state`` (N, Q) indexes
    ``states.STATES``; ``heading_known`` (N, Q); ``block`` (N,) a cell of 60 m of this city;
    ``place_xy`` (N, 2) metres; ``street_offset_m`` (N, 2); ``imagery_shift_m`` (N, 2), how far east
    and north of their place the imagery shows things; ``layout`` (N, 32, 16)
    and ``query_layout`` (N, Q, 32, 16) float16, see ``layout.LAYOUT_CHANNELS``.
    """

    satellite: ImageU8
    satellite_after: ImageU8 | None
    street: ImageU8
    street_seen: npt.NDArray[np.bool_]
    street_days: npt.NDArray[np.int32]
    query: ImageU8
    query_seen: npt.NDArray[np.bool_]
    query_days: npt.NDArray[np.int32]
    query_state: npt.NDArray[np.uint8]
    heading_known: npt.NDArray[np.bool_]
    query_offset_m: FloatArray
    street_offset_m: FloatArray
    imagery_shift_m: FloatArray
    place_xy: FloatArray
    block: npt.NDArray[np.int64]
    layout: npt.NDArray[np.float16]
    query_layout: npt.NDArray[np.float16]
    crop_m: float


def render_city_samples(
    city_seed: int,
    places: int,
    strips: StripGeometry,
    device: torch.device | str,
    queries_per_place: int = 2,
    geometry: CityGeometry | None = None,
    state: str = "none",
    tier: Tier = "everyday",
) -> CitySamples:
    """Return the samples of a training city, the same for the same arguments.

    Args:
        city_seed: The city: 0 to 4999, a district of a named city, or a number for real geometry.
        places: How many places at most; a city of few streets gives fewer.
        strips: The strips' frame.
        device: Where to render.
        queries_per_place: Photo strips a place.
        geometry: From real data; drawn by the seed if absent.
        state: One of ``states.STATES``, or ``mixed``: drawn by the seed.
        tier: ``hard`` for narrow photos, heavy occlusion and imagery of the other date.

    Raises:
        ConfigError: The seed is kept for the demo, a number is below one, or no such state.
    """
    drafted = draft_samples(city_seed, places, strips, queries_per_place, geometry, state, tier)
    return render_samples(drafted, strips, device)


@dataclass(frozen=True)
class SamplesDraft:
    """Samples as far as no device is needed; made in worker processes.

    ``city`` is the district in its state, ``before`` the same without what the state changed.
    """

    city: CityDraft
    plan: DistrictPlan
    before: CityDraft


def draft_samples(
    seed: int,
    places: int,
    strips: StripGeometry,
    queries: int = 2,
    geometry: CityGeometry | None = None,
    state: str = "none",
    tier: Tier = "everyday",
) -> SamplesDraft:
    """Return the draft of a district's samples; for the arguments see ``render_city_samples``.

    Raises:
        ConfigError: The seed is kept for the demo, a number is below one, or no such state.
    """
    check_seed(seed)
    if places < 1 or queries < 1:
        raise ConfigError("places and queries_per_place must be at least 1")
    if geometry is None:
        geometry = build_geometry(seed, style_of(seed), traffic_sets=TRAFFIC_SETS)
    changed, plan = plan_samples(seed, places, strips, queries, geometry, state, tier)
    city = draft_city(changed)
    return SamplesDraft(city, plan, city if changed is geometry else draft_city(geometry))


def render_samples(
    drafted: SamplesDraft, strips: StripGeometry, device: torch.device | str
) -> CitySamples:
    """Return the samples that were drafted, rendered on a device."""
    style = drafted.city.geometry.style
    where = torch.device(device)
    city = build_city(drafted.plan.seed, style, where, suns=SUNS, draft=drafted.city)
    with torch.inference_mode():
        return _render(city, drafted.plan, strips)


def plan_samples(
    seed: int,
    places: int,
    strips: StripGeometry,
    queries: int = 2,
    geometry: CityGeometry | None = None,
    state: str = "none",
    tier: Tier = "everyday",
) -> tuple[CityGeometry, DistrictPlan]:
    """Return a district's geometry in its state and the plan of its samples, nothing rendered."""
    if geometry is None:
        geometry = build_geometry(seed, style_of(seed), traffic_sets=TRAFFIC_SETS)
    state = state_of(seed, state)
    geometry = geometry_in_state(geometry, state, seed)
    reach_m = geometry.half_m - strips.footprint_m * CROP_MARGIN / 2 - _EDGE_M
    return geometry, plan_district(geometry, seed, places, reach_m, queries, state, tier)


def _render(city: City, plan: DistrictPlan, strips: StripGeometry) -> CitySamples:
    crop_m = strips.footprint_m * CROP_MARGIN
    centers, query_xy = plan.place_xy, plan.query_xy
    count, queries = query_xy.shape[:2]
    mesh = choose_mesh(plan)
    views = _render_views(city, plan, strips, mesh.views)
    street, query = views[:, 0], views[:, 1:]
    street_seen = np.repeat(plan.street_view[:, None] != StreetView.NONE, strips.width, axis=1)
    query_seen = _columns_seen(plan.photo_window_deg, strips.width)
    layout = _draw_layouts(city, plan, strips)
    return CitySamples(
        satellite=_crop_satellites(
            city, plan, plan.satellites, mesh.satellites, plan.image, crop_m
        ),
        satellite_after=None
        if plan.after is None
        else _crop_satellites(
            city, plan, (plan.after,), np.array([mesh.after]), np.zeros_like(plan.image), crop_m
        ),
        street=street * street_seen[:, None, :, None],
        street_seen=street_seen,
        street_days=plan.street_days,
        query=query * query_seen[:, :, None, :, None],
        query_seen=query_seen,
        query_days=plan.query_days,
        query_state=np.full((count, queries), STATES.index(plan.state), np.uint8),
        heading_known=np.ones((count, queries), np.bool_),
        query_offset_m=query_xy - centers[:, None],
        street_offset_m=plan.street_xy - centers,
        imagery_shift_m=-plan.registration.shift_m,
        place_xy=centers,
        block=cell_of(centers, city.half_m),
        layout=layout[:, 0],
        query_layout=layout[:, 1:],
        crop_m=crop_m,
    )


def cell_of(xy: FloatArray, half_m: float) -> npt.NDArray[np.int64]:
    """Return the number of the 60-m cell that each point (N, 2) lies in, unique in its city."""
    across = int(np.ceil(2 * half_m / BLOCK_M))
    col, row = (np.floor((xy[:, k] + half_m) / BLOCK_M).astype(np.int64) for k in (0, 1))
    return np.asarray(row.clip(0, across - 1) * across + col.clip(0, across - 1))


def _columns_seen(window_deg: FloatArray, width: int) -> npt.NDArray[np.bool_]:
    """Return which columns (N, Q, W) lie in the photos' windows (N, Q, 2)."""
    at = (np.arange(width) + 0.5) * FULL_CIRCLE_DEG / width
    return np.asarray((at - window_deg[..., :1]) % FULL_CIRCLE_DEG < window_deg[..., 1:])


def _draw_layouts(city: City, plan: DistrictPlan, strips: StripGeometry) -> npt.NDArray[np.float16]:
    """Return the true layout around places and photos, (N, 1 + Q, bins, K)."""
    spots = np.concatenate([plan.place_xy[:, None], plan.query_xy], 1)
    count, each = spots.shape[:2]
    layout = draw_layout(
        city,
        torch.from_numpy(spots.reshape(-1, 2)).to(city.device),
        torch.from_numpy(np.tile([0] + [1] * (each - 1), count)).to(city.device),
        strips,
        LAYOUT_BINS,
    )
    return np.asarray(layout.cpu().numpy().reshape(count, each, LAYOUT_BINS, -1))


def camera_near(
    city: City,
    center: FloatArray,
    way: FloatArray,
    reach_m: tuple[float, float],
    rng: np.random.Generator,
) -> FloatArray:
    """Return a free point near a point of a city; see ``plan.spot_near``."""
    return spot_near(city.geometry, center, way, reach_m, rng)


def _crop_satellites(
    city: City,
    plan: DistrictPlan,
    looks: Sequence[SatelliteAppearance],
    mesh: npt.NDArray[np.bool_],
    image: npt.NDArray[np.int64],
    crop_m: float,
) -> ImageU8:
    """Return the places' crops, each from one of several renderings of the city."""
    crops = np.empty((len(plan.place_xy), CROP_PX, CROP_PX, 3), np.uint8)
    spots = plan.place_xy + plan.registration.shift_m
    for k, look in enumerate(looks):
        whole = render_image(city, look, bool(mesh[k]))
        cell = city.heights[0].cell_m
        here = image == k
        side_m = crop_m * plan.registration.scale[here].astype(np.float64)
        crops[here] = crop_squares(
            whole, spots[here], side_m, CROP_PX, city.half_m, cell, city.device
        )
    return crops


def _render_views(
    city: City, plan: DistrictPlan, geometry: StripGeometry, mesh: npt.NDArray[np.bool_]
) -> ImageU8:
    """Return the strips of all cameras (N, 1 + Q, H, W, 3); the first of each is street view."""
    poses: Sequence[CameraPose] = plan.poses
    looks: Sequence[GroundAppearance] = plan.looks
    places, each = len(plan.place_xy), 1 + plan.query_xy.shape[1]
    frame = StripFrame(
        geometry.width, geometry.height, geometry.elevation_min_deg, geometry.elevation_max_deg
    )
    generator = torch.Generator(city.device).manual_seed(plan.seed)
    many = views_at_once(frame, city.device)
    strips = []
    for start in range(0, len(poses), many):
        part = slice(start, start + many)
        images = render_views(city, poses[part], looks[part], frame, mesh[part])
        strips.append(develop(images, looks[part], generator))
    out = torch.cat(strips).cpu().numpy()
    views = np.asarray(out.reshape(places, each, geometry.height, geometry.width, 3))
    _put_passers(views[:, 1:], plan)
    return views


def _put_passers(photos: ImageU8, plan: DistrictPlan) -> None:
    """Put people close to the camera into the photos (N, Q, H, W, 3), in place."""
    width = photos.shape[3]
    for photo, who in zip(photos.reshape(-1, *photos.shape[2:]), plan.passers, strict=True):
        if not who.count:
            continue
        span = max(2, round(who.span_deg / FULL_CIRCLE_DEG * width))
        columns = (np.arange(span) + round(who.start_deg / FULL_CIRCLE_DEG * width)) % width
        rng = np.random.default_rng([who.seed, 5])
        sector = stand_in_the_way(photo[:, columns].astype(np.float32), rng, who.count)
        photo[:, columns] = sector.clip(0, 255).astype(np.uint8)
