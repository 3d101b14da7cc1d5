"""The card that travels in a bundle: what the model is, learned from, and must not be used for."""

from __future__ import annotations

from typing import Any

from model_core.config import ModelConfig


def write_card(config: ModelConfig, summary: dict[str, Any], pairs: str = "") -> str:
    """Return the card as Markdown.

    Args:
        config: Of the model.
        summary: Written by training: steps, configuration, figures on held-out cities.
        pairs: Figures on real pairs as a Markdown table, where they were measured.
    """
    rows = "\n".join(
        f"| {r['kind']} | {r['fov_deg']:.0f} | {r['recall_at_1']:.1%} | {r['recall_at_5']:.1%} | "
        f"{r['chance']:.1%} | {r['median_heading_error_deg']:.0f} deg |"
        for r in summary["held_out"]
    )
    bins = config.azimuth_bins
    return f"""# Model card: {config.preset}

**What it is.** ConvNeXt ({config.backbone}, stages 1 to 3, weights shared:
{config.shared_weights}), {config.fusion} fusion, features
{config.feature_channels} x {config.feature_height} x {bins}, satellite footprint
{config.geometry.footprint_m:.0f} m. Trained from scratch.

**What it learned from.** Rendered cities only, {summary["steps"]} steps. No real photo, satellite
image or street view. Expect it to be much weaker on real imagery than the figures below; where real
street views exist, verification by local features carries the answer.

**Held-out rendered cities**, unknown heading, right within 25 m of the photo's place, a gallery
for each city:

| references | field of view | R@1 | R@5 | chance R@1 | median heading error |
|---|---|---|---|---|---|
{rows}

**Real pairs** (never used for selection).

{pairs or "Not measured for this bundle; run `python -m training pairs`."}

**Must not be used** to identify or follow people, or as the only evidence for a decision about a
person. Answers are hypotheses: confirm them by eye against the imagery.

**Licence** of the weights: GPL-2.0-or-later, like the code that made them.
"""
