"""Two renderers of one city: they agree about geometry and about nothing else."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from model_core.config import StripGeometry
from training.world.appearance import draw_ground_appearance
from training.world.city import BoxTensors, City, RoundTensors, build_city
from training.world.columns import cast_columns
from training.world.ground import (
    CameraPose,
    StripFrame,
    frame_azimuths,
    frame_tangents,
    make_cameras,
    render_strips,
)
from training.world.mesh.choose import choose_mesh, render_views
from training.world.mesh.satellite import render_satellite_mesh
from training.world.mesh.strips import (
    FACES,
    make_rig,
    render_strips_mesh,
    strip_grid,
    trace_faces,
)
from training.world.plan import places_on_streets, plan_district
from training.world.samples import plan_samples
from training.world.satellite import draw_satellite_appearance, render_satellite
from training.world.solids import BoxKind, Roof
from training.world.styles import city_generator, draw_style
from training.world.surfaces import Foliage, Surface, trace

FINE = StripFrame(512, 128, -30.0, 40.0)
SMALL = StripFrame(128, 64, -30.0, 40.0)
TINY = StripGeometry(height=16, width=32, footprint_m=60.0)


@pytest.fixture(scope="module")
def city() -> City:
    return build_city(6, draw_style(6), torch.device("cpu"), half_m=80.0, suns=2)


def poses_in(city: City, count: int, **more: float) -> list[CameraPose]:
    places, _ = places_on_streets(city.geometry, count, 40.0, city_generator(6, 99))
    return [CameraPose((float(x), float(y)), **more) for x, y in places]


def look_at(seed: int = 1):
    return draw_ground_appearance(np.random.default_rng(seed), 0, 5, 2, crowd=False)


def bare(city: City) -> City:
    """Return the city's buildings alone: few enough that the columns leave none of them out."""
    b = city.boxes
    houses = (b.kind == BoxKind.BUILDING) | (b.kind == BoxKind.ROOF_HOUSE)
    return dataclasses.replace(
        city,
        boxes=BoxTensors(**{k: v[houses] for k, v in vars(b).items()}),
        rounds=RoundTensors(**{k: v[:0] for k, v in vars(city.rounds).items()}),
    )


def trace_strips(city, poses, looks, frame) -> tuple[torch.Tensor, torch.Tensor]:
    """Surface (V, H, W) and distance along the ground (V, H, W) of every pixel of the mesh."""
    cameras = make_cameras(city, poses, looks)
    rig = make_rig(poses, looks, cameras, frame, 3)
    _, traced = trace_faces(city, cameras, looks, rig)
    away = traced.sight[:, :2].norm(dim=1) * traced.depth
    maps = torch.stack([traced.surface.float(), away], -1)
    sheet = rig.sheet
    atlas = maps.view(len(poses), FACES, sheet.height, sheet.width, 2)
    atlas = atlas.permute(0, 4, 2, 1, 3).reshape(len(poses), 2, sheet.height, -1)
    grid = strip_grid(rig, frame, 1)
    out = functional.grid_sample(atlas, grid, "nearest", "border", align_corners=False)
    return out[:, 0].to(torch.uint8), out[:, 1]


def column_surfaces(city, poses, looks, frame) -> torch.Tensor:
    cameras, azimuth = make_cameras(city, poses, looks), frame_azimuths(frame, city.device)
    columns = cast_columns(city, cameras, azimuth[None].expand(len(poses), -1))
    tangent = frame_tangents(frame, poses, cameras, azimuth)
    one = torch.ones(len(poses))
    return trace(city, cameras, columns, tangent, Foliage(one, one.long())).kind.transpose(1, 2)


def overlap(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a & b).sum() / (a | b).sum())


def skyline_deg(surface: torch.Tensor, frame: StripFrame) -> torch.Tensor:
    sky = surface == Surface.SKY
    rows = torch.where((~sky).any(1), (~sky).float().argmax(1), frame.height)
    return rows * (frame.elevation_max_deg - frame.elevation_min_deg) / frame.height


@pytest.mark.parametrize(("tilt_deg", "agree"), [(0.0, 0.95), (1.5, 0.9)])
def test_both_renderers_see_the_same_skyline_buildings_and_sky(city, tilt_deg, agree):
    empty = bare(city)
    poses = poses_in(empty, 4, pitch_deg=tilt_deg, roll_deg=-tilt_deg, heading_deg=50.0)
    looks = [look_at()] * 4
    mine, _ = trace_strips(empty, poses, looks, FINE)
    theirs = column_surfaces(empty, poses, looks, FINE)
    apart = (skyline_deg(mine, FINE) - skyline_deg(theirs, FINE)).abs()
    assert (apart <= 1.5).float().mean() >= agree
    solid = [(s == Surface.WALL) | (s == Surface.ROOF) for s in (mine, theirs)]
    assert overlap(*solid) > 0.9
    assert overlap(mine == Surface.SKY, theirs == Surface.SKY) > 0.9


def test_trees_stand_where_the_other_renderer_has_them(city):
    poses, looks = poses_in(city, 4), [look_at()] * 4
    green = dataclasses.replace(
        looks[0], season=dataclasses.replace(looks[0].season, leaf_density=1.0)
    )
    mine, _ = trace_strips(city, poses, [green] * 4, FINE)
    theirs = column_surfaces(city, poses, [green] * 4, FINE)
    assert overlap(mine >= Surface.CROWN, theirs >= Surface.CROWN) > 0.8


def lone_tower(city: City, bearing_deg: float, away_m: float) -> City:
    east, north = (away_m * f(np.radians(bearing_deg)) for f in (np.sin, np.cos))
    whole = {"roof": int(Roof.FLAT), "kind": 0, "group": 0, "owner": 0, "seed": 1}
    boxes = BoxTensors(
        torch.tensor([[east, north]], dtype=torch.float32), torch.tensor([[1.0, 0.0]]),
        torch.tensor([[3.0, 3.0]]), torch.tensor([30.0]), torch.tensor([0.0]),
        **{k: torch.tensor([v]) for k, v in whole.items()},
    )  # fmt: skip
    return dataclasses.replace(bare(city), boxes=boxes)


@pytest.mark.parametrize("look_seed", [1, 2])
def test_a_lone_tower_stands_at_its_bearing_and_distance(city, look_seed):
    """Whichever way the view's faces are turned."""
    tower = lone_tower(city, 70.0, 40.0)
    surface, away_m = trace_strips(tower, [CameraPose((0.0, 0.0))], [look_at(look_seed)], FINE)
    rows, columns = (surface[0] == Surface.WALL).nonzero(as_tuple=True)
    assert float((columns + 0.5).mean()) * 360 / 512 == pytest.approx(70.0, abs=1.0)
    assert float(away_m[0, rows, columns].min()) == pytest.approx(36.8, abs=0.8)
    top_deg = 40.0 - float(rows.min()) * 70 / 128
    assert top_deg == pytest.approx(np.degrees(np.arctan2(28.0, 37.0)), abs=1.5)


def test_pitch_lifts_the_horizon_ahead_and_sinks_it_behind(city):
    tower = lone_tower(city, 0.0, 75.0)
    pose = CameraPose((0.0, 0.0), pitch_deg=8.0, heading_deg=90.0)
    surface, _ = trace_strips(tower, [pose], [look_at()], FINE)
    ground = (surface[0] == Surface.GROUND).sum(0)
    level, _ = trace_strips(tower, [CameraPose((0.0, 0.0))], [look_at()], FINE)
    fewer = (level[0] == Surface.GROUND).sum(0) - ground
    assert fewer[128] * 70 / 128 == pytest.approx(8.0, abs=1.2)
    assert fewer[384] * 70 / 128 == pytest.approx(-8.0, abs=1.2)


def test_the_same_view_twice_is_the_same_image_and_alone_as_in_company(city):
    poses, looks = poses_in(city, 2), [look_at(1), look_at(2)]
    first = render_strips_mesh(city, poses, looks, SMALL)
    assert torch.equal(first, render_strips_mesh(city, poses, looks, SMALL))
    alone = render_strips_mesh(city, poses[1:], looks[1:], SMALL)
    assert (first[1] - alone[0]).abs().mean() < 1e-3


def test_the_renderers_share_light_but_no_texture(city):
    """Sky, and ground of one cover, whose fine structure is texture alone."""
    paved = dataclasses.replace(bare(city), ground=torch.full_like(city.ground, 2))
    poses, looks = poses_in(city, 3), [look_at(k) for k in range(3)]
    theirs = render_strips(paved, poses, looks, SMALL)
    mine = render_strips_mesh(paved, poses, looks, SMALL)
    assert mine.shape == theirs.shape
    assert mine.dtype == theirs.dtype
    assert (mine.mean((2, 3)) - theirs.mean((2, 3))).abs().max() < 0.15
    fine = [t.mean(1, keepdim=True) for t in (mine, theirs)]
    fine = [(t - functional.avg_pool2d(t, 5, 1, 2))[:, 0, 3:-3, 3:-3] for t in fine]
    surface = column_surfaces(paved, poses, looks, SMALL)
    for what, rows in ((Surface.SKY, slice(0, 14)), (Surface.GROUND, slice(44, 58))):
        edge = functional.max_pool2d((surface != what).float()[:, None], 9, 1, 4) > 0
        plain = ~edge[:, 0, 3:-3, 3:-3][:, rows]
        alike = torch.corrcoef(torch.stack([t[:, rows][plain] for t in fine]))[0, 1]
        assert plain.sum() > 1000
        assert abs(float(alike)) < 0.3


def test_other_looks_give_other_images(city):
    poses = poses_in(city, 1) * 2
    images = render_strips_mesh(city, poses, [look_at(1), look_at(2)], SMALL)
    assert (images[0] - images[1]).abs().mean() > 0.03


def test_the_views_from_above_lie_on_each_other_and_lean_the_same_way(city):
    look = draw_satellite_appearance(np.random.default_rng(3), 0)
    look = dataclasses.replace(look, lean=(0.35, -0.2), haze=0.0)
    mine = render_satellite_mesh(city, look)
    theirs = render_satellite(city, look)
    upright = render_satellite(city, dataclasses.replace(look, lean=(0.0, 0.0)))
    across = render_satellite(city, dataclasses.replace(look, lean=(-0.35, 0.2)))
    assert mine.shape == theirs.shape
    assert mine.dtype == theirs.dtype

    def alike(other: np.ndarray) -> float:
        inner = slice(30, -30)
        pair = [image[inner, inner].mean(2).ravel() for image in (mine, other)]
        return float(np.corrcoef(np.stack(pair))[0, 1])

    assert alike(theirs) > 0.75
    assert alike(theirs) > alike(upright) > alike(across)


def test_a_mixed_batch_is_what_each_renderer_gives(city):
    poses, looks = poses_in(city, 3), [look_at(k) for k in range(3)]
    mesh = np.array([True, False, True])
    mixed = render_views(city, poses, looks, SMALL, mesh)
    columns, polygons = render_strips(city, poses[1:2], looks[1:2], SMALL), mixed[[0, 2]]
    assert torch.equal(mixed[1:2], columns)
    again = render_strips_mesh(city, [poses[0], poses[2]], [looks[0], looks[2]], SMALL)
    assert torch.equal(polygons, again)


def test_towns_and_everyday_test_cities_are_drawn_as_before_and_training_cities_are_mixed():
    _, town = plan_samples(5, 3, TINY)
    geometry, everyday = plan_samples(16000, 3, TINY)
    hard = plan_district(geometry, 16000, 40, 100.0, 2, "none", "hard")
    assert not choose_mesh(town).views.any()
    assert not choose_mesh(town).satellites.any()
    assert not choose_mesh(everyday).views.any()
    assert 0.3 < choose_mesh(hard).views.mean() < 0.7
    train = dataclasses.replace(hard, seed=11000)
    assert 0.2 < choose_mesh(train).views.mean() < 0.5
    assert np.array_equal(choose_mesh(train).views, choose_mesh(train).views)


def test_flooded_and_lamplit_views_are_left_to_the_renderer_that_knows_them():
    geometry, _ = plan_samples(16000, 3, TINY)
    hard = plan_district(geometry, 16000, 20, 100.0, 2, "none", "hard")
    looks = tuple(
        dataclasses.replace(look, flood_m=0.5 * (k % 2), lamp=1.0 - k % 2)
        for k, look in enumerate(hard.looks)
    )
    assert choose_mesh(hard).views.any()
    assert not choose_mesh(dataclasses.replace(hard, looks=looks)).views.any()
