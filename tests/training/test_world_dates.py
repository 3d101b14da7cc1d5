"""When views were taken, which places have a street view, and what an outdated one shows."""

import dataclasses
import shutil

import numpy as np
import pytest
import torch

from model_core.config import ModelConfig, StripGeometry
from model_core.errors import InputError
from training.datasets.places import PlaceSet, take_batch
from training.datasets.rendered import RenderSource, load_rendered, render_dataset
from training.world.cities import style_of
from training.world.dates import StreetView, draw_dates, draw_street_views
from training.world.geometry import build_geometry
from training.world.plan import DistrictPlan, plan_district
from training.world.ranges import BLOCK_M

SEED = 13003
SMALL = StripGeometry(height=32, width=64)
FINE = StripGeometry(height=32, width=128)
CONFIG = ModelConfig(geometry=SMALL)


@pytest.fixture(scope="module")
def plan() -> DistrictPlan:
    return plan_district(build_geometry(SEED, style_of(SEED)), SEED, 120, 120.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory):
    out = tmp_path_factory.mktemp("dated")
    cpu = torch.device("cpu")
    render_dataset(out / "everyday", [SEED], 10, SMALL, cpu)
    render_dataset(out / "hard", [SEED], 2, FINE, cpu, source=RenderSource("smoke", "hard"))
    return out


@pytest.fixture(scope="module")
def places(folder) -> PlaceSet:
    return load_rendered(folder / "everyday", CONFIG)


def test_the_shares_of_street_views_are_the_papers():
    """62.45 % available, of a large set within half a point, of any city within one place."""
    kinds = [draw_street_views(80, np.random.default_rng(seed)) for seed in range(100)]
    shares = np.bincount(np.concatenate(kinds), minlength=3) / 8000
    assert shares[StreetView.AVAILABLE] == pytest.approx(0.6245, abs=0.005)
    assert shares[StreetView.OUTDATED] == pytest.approx(0.2755, abs=0.005)
    assert shares[StreetView.NONE] == pytest.approx(0.10, abs=0.005)
    for kind in kinds:
        assert abs((kind == StreetView.AVAILABLE).sum() - 80 * 0.6245) < 1


def test_which_places_have_one_follows_no_order():
    kinds = draw_street_views(2000, np.random.default_rng(4)) == StreetView.AVAILABLE
    assert abs(np.corrcoef(kinds[1:], kinds[:-1])[0, 1]) < 0.1


@pytest.mark.parametrize("earlier", [False, True])
def test_available_means_within_a_year_of_every_photo(earlier: bool):
    rng = np.random.default_rng(2)
    kinds = draw_street_views(600, rng)
    dates = draw_dates(kinds, 3, rng, earlier=earlier)
    apart = np.abs(dates.query_days - dates.street_days[:, None]).max(1)
    near = kinds == StreetView.AVAILABLE
    assert apart[near].max() <= 365
    assert np.abs(dates.query_days - dates.street_days[:, None]).min(1)[~near].min() > 365
    if earlier:
        assert (dates.street_days[near] <= dates.query_days[near].min(1)).all()


def test_an_outdated_view_lies_farther_away_and_shows_the_other_date(plan):
    away = np.linalg.norm(plan.street_xy - plan.place_xy, axis=1)
    old, near = (plan.street_view == k for k in (StreetView.OUTDATED, StreetView.AVAILABLE))
    assert away[near].max() < 7
    assert away[old].max() < 50
    assert np.median(away[old]) > 3 * np.median(away[near])
    dates = np.array([look.date for look in plan.looks]).reshape(-1, 3)
    assert (dates[:, 1:] == 1).all()
    assert (dates[near, 0] == 1).all()
    assert (dates[old, 0] == 0).all()


def test_photos_and_street_views_share_neither_sun_nor_cars(plan):
    suns = np.array([look.sun for look in plan.looks]).reshape(-1, 3)
    traffic = np.array([look.traffic for look in plan.looks]).reshape(-1, 3)
    assert not set(suns[:, 0]) & set(suns[:, 1:].ravel())
    assert not set(traffic[:, 0]) & set(traffic[:, 1:].ravel())


def test_photos_are_taken_up_to_20_m_away_and_never_at_the_place(plan):
    away = np.linalg.norm(plan.query_xy - plan.place_xy[:, None], axis=-1)
    assert away.min() > 0.2
    assert 15 < away.max() <= 20


def test_cameras_tilt_and_imagery_errs_within_its_ranges(plan):
    tilt = np.array([(p.pitch_deg, p.roll_deg) for p in plan.poses]).reshape(-1, 3, 2)
    assert tilt[:, 1:].std() == pytest.approx(4.0, rel=0.15)
    assert tilt[:, 0].std() < 1.2
    shift = np.linalg.norm(plan.registration.shift_m, axis=1)
    assert 6 < shift.max() <= 10
    assert plan.registration.scale.min() >= 0.85
    assert plan.registration.scale.max() <= 1.15
    assert all(0.15 <= look.m_per_px <= 0.6 for look in plan.satellites)


def test_loaded_places_know_what_is_seen_and_when(places):
    present = places.street_seen.any(1)
    assert places.street_seen.shape == (len(places), 64)
    assert (places.street_seen.all(1) == present).all()
    assert not places.street[~present].any()
    assert places.street[present].any(axis=(1, 2, 3)).all()
    rows = np.arange(len(places))
    batch = take_batch(places, rows, np.zeros_like(rows))
    share = batch.street_available(365).float().mean()
    assert abs(float(share) - 0.6245) < 1 / len(places)
    assert places.heading_known.all()
    assert places.query_seen.all()
    assert not places.query_state.any()


def test_places_of_one_block_lie_together(places):
    for block in np.unique(places.block):
        xy = places.place_xy[places.block == block]
        assert (np.ptp(xy, axis=0) <= BLOCK_M).all()
    assert len(np.unique(places.block)) > 3
    assert (places.block // 10000 == SEED).all()


def test_narrow_photos_are_seen_where_they_look_and_dark_elsewhere(folder):
    hard = load_rendered(folder / "hard", CONFIG)
    share = hard.query_seen.mean(-1) * 360
    assert share.min() > 40
    assert share.max() < 72
    dark = hard.query.max(axis=(2, 4)) == 0
    assert dark[~hard.query_seen].all()
    assert (hard.query_state == 5).all()


def test_columns_count_as_seen_where_all_that_make_them_up_are(folder):
    fine = np.load(folder / "hard" / "city_13003" / "query_seen.npy")
    hard = load_rendered(folder / "hard", CONFIG)
    np.testing.assert_array_equal(hard.query_seen, fine[..., ::2] & fine[..., 1::2])


def test_imagery_after_is_loaded_where_there_is_some(folder):
    after = load_rendered(folder / "hard", CONFIG, imagery="after")
    before = load_rendered(folder / "hard", CONFIG)
    assert (after.satellite != before.satellite).mean() > 0.5
    for name in (f.name for f in dataclasses.fields(PlaceSet) if f.name != "satellite"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    with pytest.raises(InputError, match="no imagery after"):
        load_rendered(folder / "everyday", CONFIG, imagery="after")


def test_a_folder_of_an_older_version_is_refused(folder, tmp_path):
    city = tmp_path / "city_00003"
    city.mkdir()
    (city / "geometry.json").write_text(
        (folder / "everyday" / "city_13003" / "geometry.json").read_text()
    )
    with pytest.raises(InputError, match="older version"):
        load_rendered(tmp_path, CONFIG)
    shutil.copytree(folder / "everyday", tmp_path / "shortened")
    (tmp_path / "shortened" / "city_13003" / "street_offset_m.npy").unlink()
    with pytest.raises(InputError, match=r"city_13003 lacks street_offset_m.npy.*render"):
        load_rendered(tmp_path / "shortened", CONFIG)
