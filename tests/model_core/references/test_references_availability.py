"""Which street views serve a place depends on distance, age and policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from model_core.config import StreetViewConfig
from model_core.errors import ConfigError
from model_core.references.area import LocalFrame
from model_core.references.availability import (
    StreetViewIndex,
    assign_views,
    choose_street_views,
    is_available,
)
from model_core.references.terms import LOCAL_STREET_VIEWS
from model_core.types import LonLat, Place, StreetView

FRAME = LocalFrame(LonLat(7.75, 48.58))
PHOTO_DATE = datetime(2020, 6, 1, tzinfo=UTC)


def at(x_m: float, y_m: float) -> LonLat:
    lon, lat = FRAME.to_lonlat(x_m, y_m)
    return LonLat(float(lon), float(lat))


def place(x_m: float = 0.0, y_m: float = 0.0, index: int = 0) -> Place:
    return Place(index, f"p{index}", at(x_m, y_m))


def view(
    name: str,
    x_m: float,
    days: float | None = 0.0,
    heading_deg: float | None = None,
    y_m: float = 0.0,
) -> StreetView:
    """Make a panorama, or a perspective photo where a heading is given."""
    return StreetView(
        view_id=name,
        path=Path(name),
        lonlat=at(x_m, y_m),
        projection="equirectangular" if heading_deg is None else "perspective",
        heading_deg=0.0 if heading_deg is None else heading_deg,
        fov_deg=360.0 if heading_deg is None else 60.0,
        terms=LOCAL_STREET_VIEWS,
        captured_at=None if days is None else PHOTO_DATE + timedelta(days=days),
    )


def chosen(views, photo_date=PHOTO_DATE, **config) -> list[str]:
    index = StreetViewIndex(views, FRAME)
    found = choose_street_views(place(), index, photo_date, StreetViewConfig(**config))
    return [one.view_id for one in found]


VIEWS = [view("old_near", 5, -800), view("new_far", 40, 300), view("new_beyond", 60, 0)]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("strict", ["new_far"]),
        ("hybrid", ["new_far"]),
        ("synthetic", ["new_far"]),
        ("nearest", ["old_near"]),
    ],
)
def test_policies(policy, expected):
    assert chosen(VIEWS, policy=policy) == expected


@pytest.mark.parametrize("policy", ["strict", "hybrid", "synthetic", "nearest"])
def test_without_a_photo_date_every_view_is_available(policy):
    assert chosen(VIEWS, photo_date=None, policy=policy) == ["old_near"]


@pytest.mark.parametrize("policy", ["strict", "hybrid", "synthetic", "nearest"])
def test_beyond_the_distance_nothing_is_available(policy):
    assert chosen([view("beyond", 51)], policy=policy) == []
    assert chosen([view("beyond", 51)], policy=policy, max_distance_m=52.0) == ["beyond"]
    assert chosen([], policy=policy) == []


def test_age_counts_both_ways_and_its_limit_is_included():
    assert chosen([view("v", 1, 365)]) == ["v"]
    assert chosen([view("v", 1, -365)]) == ["v"]
    assert chosen([view("v", 1, 366)]) == []
    assert chosen([view("v", 1, 366)], max_age_days=400) == ["v"]


def test_view_without_a_date_serves_unless_the_policy_is_strict():
    undated = [view("undated", 1, None)]
    assert chosen(undated) == ["undated"]
    assert chosen(undated, policy="strict") == []
    assert chosen(undated, photo_date=None, policy="strict") == ["undated"]


def test_dates_with_and_without_a_time_zone_can_be_compared():
    assert chosen([view("v", 1, 10)], photo_date=PHOTO_DATE.replace(tzinfo=None)) == ["v"]


def test_nearest_panorama_comes_alone():
    assert chosen([view("b", 8), view("a", 3), view("c", 4, heading_deg=0.0)]) == ["a"]


def test_photos_from_one_standpoint_come_together_looking_different_ways():
    views = [
        view("north", 2.0, heading_deg=355.0),
        view("north_again", 2.5, heading_deg=5.0),
        view("east", 3.0, heading_deg=90.0),
        view("south", 4.0, heading_deg=180.0),
        view("west", 5.0, heading_deg=270.0),
        view("other_standpoint", 20.0, heading_deg=225.0),
    ]
    assert chosen(views) == ["north", "east", "south", "west"]
    assert chosen(views, max_views_per_place=2) == ["north", "east"]
    assert chosen(views[:1] + views[-1:]) == ["north"]


def test_panorama_of_the_same_standpoint_completes_photos():
    views = [view("photo", 2.0, heading_deg=0.0), view("pano", 5.0), view("more", 6.0, None, 90.0)]
    assert chosen(views) == ["photo", "pano"]


def test_equal_distances_are_told_apart_by_id():
    assert chosen([view("b", 3), view("a", -3)]) == ["a"]


def test_every_view_is_assigned_to_its_nearest_place():
    places = [place(0, 0, 0), place(30, 0, 1), place(0, 500, 2)]
    views = [view("a", 14), view("b", 16), view("c", 2), view("d", 90), view("e", 31)]
    index = StreetViewIndex(views, FRAME)
    names = [[v.view_id for v in found] for found in assign_views(places, index, 50.0)]
    assert names == [["c", "a"], ["e", "b"], []]
    assert assign_views([], index, 50.0) == []
    assert assign_views(places, StreetViewIndex([], FRAME), 50.0) == [[], [], []]


def taken(name: str, day: str | None) -> StreetView:
    moment = None if day is None else datetime.fromisoformat(day).replace(tzinfo=UTC)
    return replace(view(name, 5.0, heading_deg=10.0 * len(name)), captured_at=moment)


ERAS = [
    taken("old", "2022-05-01"),
    taken("eve", "2023-02-05"),
    taken("quake", "2023-02-06"),
    taken("since", "2024-01-01"),
    taken("undated", None),
]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"after": "2023-02-06"}, {"quake", "since"}),
        ({"before": "2023-02-06"}, {"old", "eve"}),
        ({"after": "2023-01-01", "before": "2023-12-31"}, {"eve", "quake"}),
        ({"after": "2023-02-06T06:00:00+00:00"}, {"since"}),
        ({}, {"old", "eve", "quake", "since", "undated"}),
    ],
)
def test_only_views_of_the_time_that_is_asked_for_serve(said, expected) -> None:
    config = StreetViewConfig(policy="nearest", **said)
    assert {one.view_id for one in ERAS if is_available(one, None, config)} == expected
    served = {one.view_id for one in ERAS if chosen([one], policy="nearest", **said)}
    assert served == expected


def test_a_time_limit_adds_to_the_age_limit() -> None:
    photo_date = datetime(2023, 3, 1, tzinfo=UTC)
    config = StreetViewConfig(after="2023-02-06")
    assert [v.view_id for v in ERAS if is_available(v, photo_date, config)] == ["quake", "since"]
    config = StreetViewConfig(after="2023-02-06", max_age_days=60.0)
    assert [v.view_id for v in ERAS if is_available(v, photo_date, config)] == ["quake"]


def test_a_date_that_is_none_is_named() -> None:
    with pytest.raises(ConfigError, match=r"street_view.before is 'last year'"):
        is_available(ERAS[0], None, StreetViewConfig(before="last year"))
