"""The card that travels in a bundle: what the model is, learned from, and must not be used for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from model_core.bundle import only_rendered
from model_core.config import ModelConfig, StreetViewConfig
from training.data_sources import UNKNOWN
from training.evaluate import KIND_NAMES
from training.search_figures import SearchFigures, search_markdown
from training.train_config import PACKAGED

GENERATOR_TITLE = "## Made street views"
ANSWERING = ("hybrid", "nearest", "synthetic")
"""Policies that search every place, with what was seen of it or made."""
_PAIRS_TITLE = "**Real pairs** (never used for selection)."
_NO_PAIRS = "Not measured for this bundle; run `python -m training pairs`."
_LIMITS_TITLE = "**Limits.**"
_PHOTOS = {"": "photos", "in_time_": "with a street view in time", "without_": "without"}
_SHARE = "{:.1%}"
_COLUMNS: dict[str, tuple[str, str]] = {
    "kind": ("references", "{}"),
    "data": ("places of", "{}"),
    "policy": ("street views", "{}"),
    "fov_deg": ("field of view", "{:.0f}"),
    "radius_m": ("right within m", "{:.0f}"),
    "photos": ("photos", "{}"),
    "recall_at_1": ("R@1", _SHARE),
    "recall_at_5": ("R@5", _SHARE),
    "recall_at_10": ("R@10", _SHARE),
    "recall_at_1_percent": ("R@1%", _SHARE),
    "chance": ("chance R@1", _SHARE),
    "median_heading_error_deg": ("median heading error", "{:.0f} deg"),
}


def write_card(config: ModelConfig, summary: Mapping[str, Any], pairs: str = "") -> str:
    """Return the card as Markdown.

    Args:
        config: Of the model.
        summary: Written by training: steps, configuration, data, figures on held-out places.
        pairs: Figures on real pairs as a Markdown table, where they were measured.
    """
    run = summary.get("train", {})
    return f"""# Model card: {summary.get("name", config.preset)}

**What it is.** {_what_it_is(config, summary, run)}

**What it learned from.** {_learned_from(summary)}

**How it was made.** {_how_made(summary, run)}

**Held-out places**, none of which it learned from, unknown heading. Right is what lies within 25 m
of the photo's place, along roads of the camera, where nothing else is said; chance is the expected
R@1 of a random order:

{_table(summary["held_out"])}{_watched_by(summary)}

{_policies(summary.get("policies", ()))}{_searches(summary.get("searches"))}{_PAIRS_TITLE}

{pairs or _NO_PAIRS}

{_LIMITS_TITLE} The figures hold for places like those above and for photos at eye level. They fall
with the field of view, where buildings look alike, and wherever imagery and photo differ more than
the training's did. A heading is good for what the table says and no better. A place outside the
searched area is answered too, with a place inside it: trust the answer's own confidence, and check.

**Must not be used** to identify or follow people, or as the only evidence for a decision about a
person. Answers are hypotheses: confirm them by eye against the imagery.

**Licence** of the weights: GPL-2.0-or-later, like the code that made them; the terms of the data
above hold beside it.
"""


def rewrite_card(
    config: ModelConfig, summary: Mapping[str, Any], card: str, pairs: str | None = None
) -> str:
    """Return a card written anew that keeps what is not in the summary.

    Args:
        config: Of the model.
        summary: As for ``write_card``.
        card: The one before, whose generator and, where ``pairs`` is None, real pairs are kept.
        pairs: As for ``write_card``.
    """
    text = write_card(config, summary, _pairs_section(card) if pairs is None else pairs)
    made = generator_section(card)
    return f"{text}\n{made}" if made else text


def generator_section(card: str) -> str:
    """Return what a card says of the model's generator of street views, nothing without one."""
    _, title, text = card.partition(GENERATOR_TITLE)
    return f"{title}{text}"


def _pairs_section(card: str) -> str:
    """Return a card's figures on real pairs, nothing where they were not measured."""
    section = card.partition(_PAIRS_TITLE)[2].partition(_LIMITS_TITLE)[0].strip()
    return "" if section == _NO_PAIRS else section


def _what_it_is(config: ModelConfig, summary: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    start = "Trained from scratch."
    if run.get("pretrained"):
        start = "Its backbone began with ImageNet weights (torchvision)."
    elif run.get("start_from"):
        begun = run["start_from"]
        whose = "the model that was packaged before it" if begun == PACKAGED else begun
        start = f"It began with the weights of {whose}."
    size = ""
    if "sizes_mb" in summary:
        parts = ", ".join(f"{k} {v:.1f} MB" for k, v in summary["sizes_mb"].items() if v)
        size = f" {summary['parameters'] / 1e6:.1f} million weights ({parts} in fp16)."
    return (
        f"Backbone {config.backbone}, weights shared: {config.shared_weights}; {config.fusion} "
        f"fusion; features {config.feature_channels} x {config.feature_height} x "
        f"{config.azimuth_bins}; satellite footprint {config.geometry.footprint_m:.0f} m.{size} "
        f"{start}"
    )


def _learned_from(summary: Mapping[str, Any]) -> str:
    sources: Sequence[Mapping[str, Any]] = summary.get("sources", ())
    text = f"{summary['steps']} steps."
    if only_rendered(summary):
        text = (
            f"Rendered cities only, {summary['steps']} steps. No real photo or "
            "street view: expect it to be much weaker on real imagery than on rendered. "
            "Where real street views exist, verification by local features carries the answer."
        )
    if not sources:
        return text
    return "\n\n".join([text, sources_table(sources), *_stages_before(summary)])


def sources_table(sources: Sequence[Mapping[str, Any]]) -> str:
    """Return whose data something learned from, as ``data_sources`` gives it, as Markdown."""
    rows = "\n".join(
        f"| {source['name']} | {source['provider']} | {source['licence']} | {_amount(source)} |"
        for source in sources
    )
    return f"| data | provider | licence | amount |\n|---|---|---|---|\n{rows}"


def _stages_before(summary: Mapping[str, Any]) -> list[str]:
    """Return a table of what the weights it began with had learned from, if that is known."""
    told = [
        {**source, "name": f"{source['name']}, {stage['steps']} steps"}
        for stage in summary.get("before", ())
        for source in stage.get("sources") or [{"name": "unknown data", **UNKNOWN}]
    ]
    if not told:
        return []
    return ["The weights it began with had learned from, last first:", sources_table(told)]


def _amount(source: Mapping[str, Any]) -> str:
    for unit in ("cities", "images"):
        if unit in source:
            return f"{source[unit]} {unit}"
    return "not counted"


def _how_made(summary: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    seeds = [
        f"{name} {run[name]['seed']}" for name in ("matcher", "ground", "heads") if name in run
    ]
    device = summary.get("device", "not noted")
    places = f" {summary['places']} places." if "places" in summary else ""
    command = summary.get("command", "train")
    return (
        f"`python -m training {command}`, with the options under `training.train` in config.json; "
        f"computed on: {device}. Seeds: {', '.join(seeds) or 'not noted'}.{places}"
    )


def _policies(figures: Sequence[Mapping[str, Any]]) -> str:
    """Return what each policy for street views finds, and which one finds most."""
    answering = [row for row in figures if row["policy"] in ANSWERING]
    if len(answering) < 2:
        return ""
    default = StreetViewConfig().policy
    best = max(answering, key=lambda row: float(row["recall_at_1"]))["policy"]
    names = [f"`{row['policy']}`" for row in answering]
    taken = "it is" if best == default else f"`{default}` is"
    rows = "\n".join(
        f"| {row['policy']} | "
        + " | ".join(
            "-" if row[f"{of}recall_at_1"] is None else _SHARE.format(row[f"{of}recall_at_1"])
            for of in _PHOTOS
        )
        + " |"
        for row in figures
    )
    photos = (f"{figures[0][f'{of}photos']} {what}".strip() for of, what in _PHOTOS.items())
    return f"""**Street views under each policy**, both references, fields of view mixed, R@1:

| street views | {" | ".join(photos)} |
|---|---|---|---|
{rows}

Of the policies that search every place ({", ".join(names)}), `{best}` finds most; {taken} taken
unless another is asked for (`street_view.policy`). `strict` leaves out places without a street
view in time; a mask, the mean street view and the satellite image again stand for one that is
missing, to tell what a made one has to beat.

"""


def _searches(searches: Mapping[str, Any] | None) -> str:
    """Return how often whole searches of areas are right, nothing where none were measured."""
    if searches is None:
        return ""
    figures = [SearchFigures(**one) for one in searches["figures"]]
    return f"""**Whole searches** of areas that it did not learn from (areas: {searches["areas"]},
places: {figures[0].places}): laid along roads, looked at from beside, the best checked against the
street views themselves. Heading unknown, right within 25 m; `heading` is the median error of right
answers. Of first answers `said` is the mean probability, given that the photo is of the area, and
`error of it` the mean gap to the share that is right:

{search_markdown(figures)}

"""


def _watched_by(summary: Mapping[str, Any]) -> str:
    """Return a warning where figures are of the places that a training was watched by."""
    watched = {str(source["name"]) for source in summary.get("held_out_sources", ())}
    shown = sorted(watched & {str(row.get("data", "")) for row in summary["held_out"]})
    if not shown:
        return ""
    return f"""

The training was watched by the places of {", ".join(shown)}: what was decided by them
flatters their figures."""


def _table(figures: Sequence[Mapping[str, Any]]) -> str:
    """Return the figures, a row each, with the columns that they all have and that say something.

    One percent of a small gallery is its first place.
    """
    columns = [c for c in _COLUMNS if all(row.get(c) is not None for row in figures)]
    first, percent = "recall_at_1", "recall_at_1_percent"
    if percent in columns and all(row[first] == row[percent] for row in figures):
        columns.remove(percent)
    lines = [
        "| " + " | ".join(_COLUMNS[c][0] for c in columns) + " |",
        "|" + "---|" * len(columns),
    ]
    for row in figures:
        named = {**row, "kind": KIND_NAMES.get(row["kind"], row["kind"])}
        cells = (_COLUMNS[c][1].format(named[c]) for c in columns)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
