"""Options of a run from plain values."""

from __future__ import annotations

from typing import Any

import pytest

from model_core.config import LocateConfig
from model_core.errors import ConfigError
from model_core.options import merge_options, parse_assignments, read_options


def test_nothing_said_is_the_default() -> None:
    assert read_options({}) == LocateConfig()


def test_nested_option_is_taken() -> None:
    config = read_options({"search": {"top_k": 7, "fov_hypotheses_deg": [60, 75.5]}})
    assert config.search.top_k == 7
    assert config.search.fov_hypotheses_deg == (60, 75.5)
    assert config.verification == LocateConfig().verification


def test_budget_may_be_a_number_or_null() -> None:
    assert read_options({"verification": {"budget_views": 0}}).verification.budget_views == 0
    assert read_options({"verification": {"budget_views": None}}).verification.budget_views is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sarch": {}}, "unknown option 'sarch'; known here: .*search"),
        ({"search": {"topk": 5}}, "unknown option 'search.topk'; known here: .*top_k"),
        ({"search": {"top_k": "many"}}, "'search.top_k' is 'many'; a whole number is expected"),
        ({"search": {"top_k": True}}, "'search.top_k' is True; a whole number"),
        ({"search": 5}, "'search' is 5; a group of options"),
        ({"use_retrieval": "no"}, "'use_retrieval' is 'no'; true or false"),
        ({"places": {"grid": "sometimes"}}, "one of auto, always, never"),
        ({"verification": {"budget_views": 1.5}}, "a whole number or null"),
        ({"search": {"fov_hypotheses_deg": ["wide"]}}, "a list of a number"),
    ],
)
def test_wrong_option_is_refused_in_words(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_options(values)


def test_assignments_become_nested_options() -> None:
    lines = ["search.top_k=5", "device=cpu", "search.fov_hypotheses_deg=[60, 70]", "a.b=null"]
    assert parse_assignments(lines) == {
        "search": {"top_k": 5, "fov_hypotheses_deg": [60, 70]},
        "device": "cpu",
        "a": {"b": None},
    }


@pytest.mark.parametrize("line", ["search.top_k", "=5", ""])
def test_line_without_name_or_value_is_refused(line: str) -> None:
    with pytest.raises(ConfigError, match="NAME=VALUE"):
        parse_assignments([line])


def test_contradicting_lines_are_refused() -> None:
    with pytest.raises(ConfigError, match="'search' is set to a value"):
        parse_assignments(["search=5", "search.top_k=5"])


def test_later_options_win_name_by_name() -> None:
    base = {"search": {"top_k": 5, "block_rows": 10}, "device": "auto"}
    merged = merge_options(base, {"search": {"top_k": 6}, "device": "cpu"})
    assert merged == {"search": {"top_k": 6, "block_rows": 10}, "device": "cpu"}
    assert base["search"] == {"top_k": 5, "block_rows": 10}
