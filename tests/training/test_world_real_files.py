"""The real files that the project is tried on: how many buildings, heights and roads they give."""

import numpy as np
import pytest

from training.world.real.boxes import cover_with_boxes
from training.world.real.held_out import split_of
from training.world.real.outlines import polygon_of
from training.world.real.prepare import prepare_geometry
from training.world.real.read import read_real_city
from training.world.real.window import real_geometry
from training.world.solids import BoxKind


@pytest.mark.parametrize(
    ("name", "buildings", "heights", "roads", "split", "least_iou"),
    [
        ("West-Oakland.osm.bz2", 23, 0, 47, "train", 0.95),
        ("berlin-siegessaeule.osm.gz", 21, 17, 37, "test", 0.8),
        ("overpass-response-2.json.gz", 617, 574, 0, "test", 0.95),
        ("delft.json", 160, 160, 0, "test", 0.93),
    ],
)
def test_real_files_are_read_whole(shared_data, name, buildings, heights, roads, split, least_iou):
    city = read_real_city([shared_data / "city" / name])
    assert len(city.buildings) == buildings
    assert sum(b.height_m is not None for b in city.buildings) == heights
    assert len(city.roads) == roads
    assert split_of(city) == split
    assert city.licence
    outlines = [polygon_of(b.rings) for b in city.buildings[::8]]
    shared = [cover_with_boxes(outline).iou for outline in outlines]
    assert np.mean(shared) > least_iou


def test_a_real_city_becomes_a_window_with_its_buildings(shared_data, tmp_path):
    prepare_geometry([shared_data / "city" / "West-Oakland.osm.bz2"], tmp_path / "oakland")
    geometry = real_geometry(tmp_path / "oakland", 2, traffic_sets=1)
    houses = geometry.boxes.kind == BoxKind.BUILDING
    assert houses.sum() > 60
    points = np.concatenate(geometry.road_lines())
    points = points[np.abs(points).max(axis=1) < geometry.half_m - 10]
    assert geometry.free(points).mean() > 0.95
