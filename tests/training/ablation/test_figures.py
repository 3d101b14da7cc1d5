"""From scores to rows: means over seeds, intervals, orderings that differ."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.ablation.figures import (
    AGREES,
    DIFFERS,
    UNCLEAR,
    RowFigures,
    SeedScore,
    mark_orderings,
    row_figures,
    seed_score,
    times_of,
)
from training.ablation.report import Report, markdown, write_report
from training.ablation.tables import TABLES, Table

LOSSES = TABLES["losses"]


def score(seed: int, share: float, photos: int = 200) -> SeedScore:
    return SeedScore(seed, {"1": share, "5": min(1.0, 2 * share)}, 0.05, photos)


def figure(share: float) -> RowFigures:
    found = row_figures([score(1, share)])
    assert found is not None
    return found


def test_a_score_is_the_mean_over_photos_fields_of_view() -> None:
    rows = [
        {"kind": k, "fov_deg": f, "photos": 9, "recall_at_1": r, "recall_at_5": 0.5, "chance": 0.1}
        for k, f, r in (("both", 60, 0.2), ("both", 90, 0.4), ("both", 360, 1.0), ("si", 90, 0.9))
    ]
    found = seed_score(4, rows, "both")
    assert found is not None
    assert found.recall == {"1": pytest.approx(0.3), "5": 0.5}
    assert (found.seed, found.photos) == (4, 9)
    assert seed_score(4, rows, "strict") is None


def test_strict_over_all_photos_as_scores_once_held_it_was_not_measured() -> None:
    older = {"kind": "strict", "fov_deg": 45.0, "photos": 9, "recall_at_1": 0.2, "chance": 0.1}
    assert seed_score(1, [older], "strict") is None
    found = seed_score(1, [older | {"queries": "common"}], "strict")
    assert found is not None
    assert found.recall == {"1": 0.2}
    assert seed_score(1, [older | {"kind": "hybrid"}], "hybrid") is not None


def test_intervals_narrow_with_photos_and_widen_with_disagreeing_seeds() -> None:
    few, many = (row_figures([score(1, 0.4, n)]) for n in (50, 5000))
    apart = row_figures([score(1, 0.2, 5000), score(2, 0.6, 5000), score(3, 0.4, 5000)])
    assert few is not None
    assert many is not None
    assert apart is not None
    assert few.low < many.low < 0.4 < many.high < few.high
    assert few.high - few.low == pytest.approx(4 * (0.24 / 50) ** 0.5, rel=0.15)
    assert apart.recall["1"] == pytest.approx(0.4)
    assert apart.high - apart.low > 5 * (many.high - many.low)
    assert apart.seeds == (1, 2, 3)
    assert row_figures([]) is None


def places(shares: np.ndarray, photos: int = 2, fov_deg: float = 90.0) -> dict[str, object]:
    """Figures of places of two cities, all of whose photos are right or wrong together."""
    count = len(shares)
    by_place = {
        "city": (np.arange(count) % 2).tolist(),
        "place": np.arange(count).tolist(),
        "photos": [photos] * count,
        "right": (photos * shares).tolist(),
    }
    shown = {"kind": "both", "fov_deg": fov_deg, "photos": photos * count, "chance": 0.1}
    return {**shown, "recall_at_1": float(shares.mean()), "by_place": by_place}


def on_places(seed: int, *figures: dict[str, object]) -> SeedScore:
    found = seed_score(seed, figures, "both")
    assert found is not None
    return found


def test_photos_of_one_place_and_fields_of_view_of_one_photo_are_no_more_places() -> None:
    shares = (np.arange(200) < 80).astype(int)[np.random.default_rng(0).permutation(200)]
    once = row_figures([on_places(1, places(shares, 1))])
    often = row_figures([on_places(1, *(places(shares, 2, fov) for fov in (60.0, 90.0, 120.0)))])
    assert once is not None
    assert often is not None
    assert once.over_places
    assert (often.low, often.high) == pytest.approx((once.low, once.high))
    assert often.high - often.low == pytest.approx(4 * (0.24 / 200) ** 0.5, rel=0.15)


def test_rows_are_compared_over_the_same_places() -> None:
    chance = np.random.default_rng(1)
    few = (chance.random(400) < 0.3).astype(int)
    more = np.where(chance.random(400) < 0.2, 1, few)
    first, other = on_places(1, places(more)), on_places(1, places(few))
    value, low, high = times_of([first], [other])
    assert value == pytest.approx(more.mean() / few.mean())
    assert 1.0 < low < value < high
    apart = on_places(1, places(few[::-1]))
    wider = times_of([first], [apart])
    assert high - low < 0.9 * (wider[2] - wider[1])
    assert times_of([first], [score(1, 0.2)]) == (pytest.approx(more.mean() / 0.2),)
    assert times_of([first], []) == ()


def orders(table: Table, **scores: list[SeedScore]) -> dict[str, str]:
    """The order of every row that is measured."""
    found = {row.name: row_figures(scores.get(row.name, [])) for row in table.rows}
    given = {row.name: scores.get(row.name, []) for row in table.rows}
    marked = mark_orderings(table, given, found, "same")
    return {name: figures.order for name, figures in marked.items() if figures is not None}


def test_rows_that_stand_elsewhere_than_in_the_paper_are_marked() -> None:
    found = orders(
        LOSSES,
        triplet=[score(1, 0.3)],
        soft_margin_triplet=[score(1, 0.1)],
        infonce=[score(1, 0.5)],
    )
    assert found == {"triplet": DIFFERS, "soft_margin_triplet": DIFFERS, "infonce": AGREES}


def test_rows_whose_intervals_overlap_contradict_nothing_and_confirm_nothing() -> None:
    found = orders(LOSSES, triplet=[score(1, 0.32)], soft_margin_triplet=[score(1, 0.3)])
    assert found == {"triplet": UNCLEAR, "soft_margin_triplet": UNCLEAR}
    assert orders(LOSSES, triplet=[score(1, 0.3)]) == {"triplet": ""}
    unprinted = orders(TABLES["headline"], default=[score(1, 0.3)], linear=[score(1, 0.1)])
    assert unprinted == {"default": "", "linear": ""}


def test_orders_are_judged_over_the_same_places_where_rows_have_them() -> None:
    few = (np.random.default_rng(1).random(200) < 0.3).astype(int)
    more = few.copy()
    more[np.flatnonzero(few == 0)[:9]] = 1
    triplet, soft = ([on_places(1, places(shares))] for shares in (more, few))
    intervals = [row_figures(some) for some in (triplet, soft)]
    assert intervals[0] is not None
    assert intervals[1] is not None
    assert intervals[0].low < intervals[1].high
    assert orders(LOSSES, triplet=triplet, soft_margin_triplet=soft)["triplet"] == DIFFERS
    assert soft[0].by_place is not None
    apart = replace(soft[0].by_place, place=soft[0].by_place.place + 1)
    elsewhere = [replace(soft[0], by_place=apart)]
    assert orders(LOSSES, triplet=triplet, soft_margin_triplet=elsewhere)["triplet"] == UNCLEAR


def test_a_report_says_what_its_intervals_are_over() -> None:
    shares = (np.arange(40) < 10).astype(int)
    one = row_figures([on_places(1, places(shares))])
    two = row_figures([on_places(seed, places(shares)) for seed in (1, 2)])

    def said(**rows: RowFigures | None) -> str:
        figures = {row.name: rows.get(row.name) for row in LOSSES.rows}
        return markdown(Report(LOSSES, {}, {"cross": figures}, []))

    assert "over seeds" not in said(triplet=one, infonce=one)
    assert "within each city; of one seed, so that how much trainings differ" in said(triplet=one)
    assert "over seeds, and over places within each city." in said(triplet=two, infonce=two)
    assert "over seeds" in said(triplet=one, infonce=two)
    assert "of one seed are triplet, so" in said(triplet=one, infonce=two)


def test_recall_at_one_percent_is_not_shown_where_it_is_that_of_the_first_answer() -> None:
    alike, other = (
        replace(figure(0.2), recall={"1": 0.2, "5": 0.4, "10": 0.5, "1%": share})
        for share in (0.2, 0.3)
    )

    def said(**rows: RowFigures) -> str:
        figures = {row.name: rows.get(row.name) for row in LOSSES.rows}
        return markdown(Report(LOSSES, {}, {"cross": figures}, []))

    text = said(triplet=alike, infonce=alike)
    assert "| R@10 | 95 % of R@1 |" in text
    assert "R@1% is not shown" in text
    text = said(triplet=alike, infonce=other)
    assert "| R@10 | R@1% |" in text
    assert "| triplet | 20.0% | 40.0% | 50.0% | - |" in text
    assert "| infonce | 20.0% | 40.0% | 50.0% | 30.0% |" in text
    assert "is not shown" not in said(infonce=other)


def test_the_table_shows_ours_beside_the_papers_and_what_is_missing(tmp_path: Path) -> None:
    figures = {
        "triplet": None,
        "soft_margin_triplet": figure(0.2),
        "infonce": replace(figure(0.5), order=DIFFERS),
    }
    report = Report(LOSSES, {"steps": 10}, {"cross": figures}, ["Not measured yet: triplet."])
    text = markdown(report)
    lines = {line.split("|")[1].strip(): line for line in text.splitlines() if "|" in line}
    assert "50.0%" in lines["infonce"]
    assert "32.12 / 46.82 / 63.51 / 74.44" in lines["infonce"]
    assert lines["infonce"].rstrip("| ").endswith("differs")
    assert "| - |" in lines["triplet"]
    assert "11.45" in lines["triplet"]
    assert "steps 10" in text
    assert "the default options" in text
    assert "Not measured yet" in text
    assert "over photos, which is too narrow, of soft_margin_triplet, infonce" in text
    path = write_report(report, tmp_path / "out")
    document = json.loads(path.with_suffix(".json").read_text())
    assert document["rows"][2]["ours"]["cross"]["recall"]["1"] == 0.5
    assert document["rows"][0]["ours"]["cross"] is None
    assert "finds" not in text
    started = replace(
        report, options={"start_from": "packaged", "batch": 7, "mining.from_step": None}
    )
    assert "start_from=packaged, batch=7, mining.from_step=null." in markdown(started)
    assert "alike to it begin ahead" in markdown(started)
    asked = replace(report, table=replace(LOSSES, times=True))
    asked.figures["cross"]["infonce"] = replace(figure(0.5), times=(1.5, 1.25, 1.75))  # type: ignore[index]
    assert "1.50 times (1.25 to 1.75) |" in markdown(asked)
    headline = TABLES["headline"]
    found = {row.name: replace(figure(0.2), times=(2.0,)) for row in headline.rows}
    text = markdown(Report(headline, {}, {"cross": found}, []))
    assert text.count("2.00 times; gallery photos, not places; headings not searched |") == 1
    assert text.count("2.00 times |") == len(found) - 1
    assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
