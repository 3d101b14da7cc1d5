"""Distances and shares, and tables of truth in every state."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from model_core.errors import InputError
from model_core.scoring import (
    Truth,
    distance_m,
    heading_difference_deg,
    read_truth,
    score_results,
    score_table,
    summarise,
    truth_for,
)
from model_core.types import Candidate, LonLat, PhotoResult, Place

ORIGIN = LonLat(13.2, 55.7)
METRE_NORTH = 1.0 / 111_340.0


def north(metres: float) -> LonLat:
    return LonLat(ORIGIN.lon, ORIGIN.lat + metres * METRE_NORTH)


def result(name: str, *away_m: float, heading_deg: float = 10.0) -> PhotoResult:
    candidates = tuple(
        Candidate(
            name,
            rank,
            north(metres),
            1.0,
            0.5 / rank,
            heading_deg,
            5.0,
            60.0,
            f"p{rank}",
            "none",
            None,
            "",
            "",
            0,
        )
        for rank, metres in enumerate(away_m, start=1)
    )
    return PhotoResult(Path("/a/b") / name, candidates=candidates, not_in_area=False)


def test_distances_are_geodesic() -> None:
    assert distance_m(LonLat(0.0, 0.0), LonLat(1.0, 0.0)) == pytest.approx(111_319.49, abs=0.01)
    assert distance_m(LonLat(0.0, 60.0), LonLat(1.0, 60.0)) == pytest.approx(55_800.0, abs=1.0)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(10.0, 350.0, 20.0), (350.0, 10.0, 20.0), (0.0, 180.0, 180.0), (-90.0, 270.0, 0.0)],
)
def test_headings_differ_the_short_way_round(first: float, second: float, expected: float) -> None:
    assert heading_difference_deg(first, second) == pytest.approx(expected)


def test_rows_give_rank_one_best_of_five_and_heading() -> None:
    truth = {"a.jpg": Truth(ORIGIN, 340.0), "b.jpg": Truth(ORIGIN)}
    results = [
        result("a.jpg", 20.0, 3.0, 90.0),
        result("b.jpg", 300.0, 200.0, 100.0, 90.0, 60.0, 5.0),
        result("unknown.jpg", 1.0),
    ]
    first, second = score_results(results, truth)
    assert first.rank1_m == pytest.approx(20.0, abs=0.1)
    assert first.best_of_top_m == pytest.approx(3.0, abs=0.1)
    assert first.heading_error_deg == pytest.approx(30.0)
    assert first.right
    assert second.best_of_top_m == pytest.approx(60.0, abs=0.2), "the sixth is not among five"
    assert second.heading_error_deg is None
    assert not second.right
    assert not second.in_top


def test_candidates_are_taken_by_rank_not_by_order() -> None:
    mixed = result("a.jpg", 20.0, 300.0)
    mixed = replace(mixed, candidates=tuple(reversed(mixed.candidates)))
    (row,) = score_results([mixed], {"a.jpg": Truth(ORIGIN)})
    assert row.rank1_m == pytest.approx(20.0, abs=0.1)


def test_oracle_and_chance_come_from_the_places() -> None:
    places = [Place(i, f"p{i}", north(20.0 * i)) for i in range(10)]
    truth = {"a.jpg": Truth(ORIGIN), "b.jpg": Truth(north(1000.0))}
    rows = score_results([result("a.jpg", 0.0), result("b.jpg", 0.0)], truth, places)
    assert [(row.places_near, row.places) for row in rows] == [(2, 10), (0, 10)]
    score = summarise(rows)
    assert score.oracle == 0.5
    assert score.chance == pytest.approx(0.1)
    assert score.rank1 == 0.5
    assert summarise(score_results([result("a.jpg", 0.0)], truth)).oracle is None


def test_a_failed_photo_counts_as_not_found() -> None:
    failed = PhotoResult(Path("a.jpg"), error="a.jpg: damaged", error_code=-32011)
    rows = score_results(
        [failed, result("b.jpg", 1.0)], {"a.jpg": Truth(ORIGIN, 5.0), "b.jpg": Truth(ORIGIN, 5.0)}
    )
    score = summarise(rows)
    assert (score.photos, score.rank1, score.top5) == (2, 0.5, 0.5)
    assert score.heading_error_deg == pytest.approx(5.0)
    assert rows[0].error == "a.jpg: damaged"


def test_the_median_heading_error_is_of_the_right_ones() -> None:
    truth = {f"{n}.jpg": Truth(ORIGIN, 0.0) for n in range(4)}
    results = [
        result("0.jpg", 1.0, heading_deg=2.0),
        result("1.jpg", 1.0, heading_deg=-6.0),
        result("2.jpg", 1.0, heading_deg=10.0),
        result("3.jpg", 900.0, heading_deg=180.0),
    ]
    assert summarise(score_results(results, truth)).heading_error_deg == pytest.approx(6.0)


def test_an_empty_set_scores_nothing() -> None:
    assert summarise([]).rank1 == 0.0
    assert summarise([]).chance is None


def test_the_table_reads_in_a_terminal() -> None:
    away = replace(result("far.jpg", 500.0), not_in_area=True)
    rows = score_results(
        [result("near.jpg", 4.0), away, PhotoResult(Path("bad.jpg"), error="bad.jpg: damaged")],
        {name: Truth(ORIGIN, 15.0, None, True) for name in ("near.jpg", "far.jpg", "bad.jpg")},
        [Place(0, "p", ORIGIN)],
    )
    console = Console(width=140, record=True, force_terminal=False)
    console.print(score_table(rows, "verification alone"))
    text = console.export_text()
    for words in (
        "verification alone",
        "near.jpg",
        "4 m",
        "not here",
        "bad.jpg: damaged",
        "33%",
        "median 5°",
        "oracle 100%",
        "right in 25 m",
    ):
        assert words in text


# ---------------------------------------------------------------- tables of truth


def test_truth_is_read_with_and_without_the_optional_columns(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(
        "\ufefffile,lon,lat,heading_deg,fov_deg,near_street_view,comment\n"
        "a.jpg,13.2,55.7,350.5,60,1,x\nsub/b.jpg,-13.2,-55.7,,,no,\n",
        encoding="utf-8",
    )
    truth = read_truth(path)
    assert truth["a.jpg"] == Truth(ORIGIN, 350.5, 60.0, True)
    assert truth["sub/b.jpg"] == Truth(LonLat(-13.2, -55.7), None, None, False)
    path.write_text("file,lon,lat\na.jpg,13.2,55.7\n")
    assert read_truth(path)["a.jpg"].near_street_view is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "at least one row"),
        ("file,lon\na.jpg,1\n", "missing: lat"),
        ("file,lon,lat\na.jpg,east,55\n", "line 2: lon must be a number"),
        ("file,lon,lat\na.jpg,,55\n", "line 2: lon and lat must be"),
        ("file,lon,lat\na.jpg,13,95\n", "line 2: lon and lat must be"),
        ("file,lon,lat\na.jpg,nan,5\n", "finite"),
        ("file,lon,lat\na.jpg,13,55\na.jpg,13,55\n", "line 3: .*stands twice"),
        ("file,lon,lat,near_street_view\na.jpg,13,55,perhaps\n", "must be 1 or 0"),
    ],
)
def test_a_bad_table_gives_one_error_with_its_line(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        read_truth(path)
    assert "truth.csv" in str(caught.value)


def test_a_missing_table_gives_one_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv"):
        read_truth(tmp_path / "none.csv")


def test_names_that_repeat_are_told_apart_by_their_folder() -> None:
    truth = {"lund/01.jpg": Truth(ORIGIN), "01.jpg": Truth(north(5.0))}
    assert truth_for(Path("/data/lund/01.jpg"), truth) == truth["lund/01.jpg"]
    assert truth_for(Path("/data/berlin/01.jpg"), truth) == truth["01.jpg"]
    assert truth_for(Path("/data/02.jpg"), truth) is None
    assert truth_for(Path("01.jpg"), None) is None
