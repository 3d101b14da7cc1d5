"""From a run folder to the bundle that the engine loads, with a card that says what it is."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from model_core.bundle import hash_model, save_bundle
from model_core.config import to_mapping
from model_core.errors import ConfigError, InputError
from model_core.fusion.place_encoder import PlaceEncoder
from model_core.synthesis.panogan import PanoGANGenerator
from training.checkpoint import restore_averaged
from training.evaluation.options import EvaluateOptions
from training.generator_files import (
    MAX_GENERATOR_BYTES,
    check_frame,
    load_generator,
    read_synthesis,
)
from training.model_card import write_card
from training.run_config import CHECKPOINT, RUN_FILE
from training.train_config import BEST, TrainConfig, read_run

HISTORY_FILE = "history.json"

MATCHER_MAX_MB = 8.0
TOGETHER_MAX_MB = 12.0
_BYTES_A_WEIGHT = 2


def export_run(
    run: Path,
    out: Path,
    name: str | None = None,
    generator: Path | None = None,
    figures: Path | None = None,
    packaged: bool = False,
) -> Path:
    """Write the averaged weights of a run as a bundle and return its folder.

    A run that stops for want of patience is exported as it was at its best.

    Args:
        run: Folder written by ``train`` or ``teach``.
        out: The bundle's folder; an older bundle there is replaced.
        name: Of the model, in its card; the preset's when None.
        generator: A run folder of panogan, or a bundle, whose generator is taken along.
        figures: JSON written by ``evaluate``, for the card; what the run was watched by when None.
        packaged: Refuse what is too large to travel with the plugin.

    Raises:
        ConfigError: The run's options cannot be read, the model is too large, or the generator
            makes strips of another frame.
        InputError: The run's files cannot be read, or the figures are of another model.
        BundleError: There is no generator where one was named, or weights are not finite.
    """
    config = read_run(run)
    best = config.patience > 0 and (run / BEST).exists()
    encoder = PlaceEncoder(config.model)
    steps = restore_averaged(run / (BEST if best else CHECKPOINT), encoder)
    made, section, synthesis = _with_generator(generator, config)
    sizes_mb = {"matcher": _size_mb(encoder), "generator": _size_mb(made) if made else 0.0}
    if packaged:
        _check_sizes(sizes_mb)
    summary = {
        **_read_json(run / RUN_FILE),
        "name": name or config.model.preset,
        "steps": steps,
        "train": to_mapping(config),
        **(
            _figures(figures, hash_model(encoder, config.model))
            if figures
            else _watched(run, steps)
        ),
        "sizes_mb": {key: round(size, 2) for key, size in sizes_mb.items()},
        "parameters": sum(p.numel() for p in encoder.parameters()),
        **({"synthesis": synthesis} if synthesis else {}),
    }
    card = write_card(config.model, summary)
    return save_bundle(
        out,
        config.model,
        encoder,
        made,
        card=f"{card}\n{section}" if section else card,
        extra=summary,
        street_view_trained=_knows_street_views(config),
    )


def _with_generator(
    path: Path | None, config: TrainConfig
) -> tuple[PanoGANGenerator | None, str, Any]:
    """Return the generator to take along, what the card says of it, and its figures."""
    if path is None:
        return None, "", None
    made, of = load_generator(path)
    check_frame(config.model.geometry, of.geometry, path)
    return made, *read_synthesis(path)


def _knows_street_views(config: TrainConfig) -> bool:
    shares = dataclasses.asdict(config.matcher.references)
    return any(share > 0.0 for kind, share in shares.items() if kind != "si")


def _size_mb(module: nn.Module) -> float:
    weights: int = sum(
        t.numel() for t in module.state_dict().values() if torch.is_floating_point(t)
    )
    return weights * _BYTES_A_WEIGHT / 1e6


def _check_sizes(sizes_mb: dict[str, float]) -> None:
    limits = {"matcher": MATCHER_MAX_MB, "generator": MAX_GENERATOR_BYTES / 1e6}
    for part, limit in limits.items():
        if sizes_mb[part] > limit:
            raise ConfigError(
                f"the {part} has {sizes_mb[part]:.1f} MB and {limit:.0f} may travel with the "
                "plugin; train a smaller one, or export it without --packaged"
            )
    if sum(sizes_mb.values()) > TOGETHER_MAX_MB:
        raise ConfigError(
            f"matcher and generator have {sum(sizes_mb.values()):.1f} MB together and "
            f"{TOGETHER_MAX_MB:.0f} may travel with the plugin; train a smaller one of them"
        )


def _figures(path: Path, model_hash: str) -> dict[str, Any]:
    report = _read_json(path)
    if not isinstance(report.get("figures"), list) or not report["figures"]:
        raise InputError(f"{path} holds no figures; write it with: python -m training evaluate")
    if report.get("model_hash", model_hash) != model_hash:
        raise InputError(f"{path} is of another model; evaluate the bundle of this run")
    return figures_for_card(report, {})


def figures_for_card(
    report: Mapping[str, Any], before: Mapping[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    """Return what ``evaluate`` wrote as a summary's ``held_out`` and ``policies``.

    Args:
        report: The written report.
        before: The summary before; what it tells of references and policies that the report does
            not is kept.

    Raises:
        ConfigError: The report is of a part of the photos, or of another task than a search's.
    """
    check_usual(report.get("options", {}))
    of = {"data": Path(report["data"]).name} if "data" in report else {}
    figures: list[dict[str, Any]] = [{**row, **of} for row in report["figures"]]
    kinds = {row["kind"] for row in figures}
    others = [row for row in before.get("held_out", ()) if row["kind"] not in kinds]
    policies = _policies(report)
    if len(policies) < 2:  # without --study the report knows its own alone
        policies = before.get("policies", policies)
    return {"held_out": [*figures, *others], "policies": policies}


def check_usual(options: Mapping[str, Any]) -> None:
    """Raise ConfigError if figures under these options are none of everyday searches.

    Args:
        options: Of ``EvaluateOptions``; those that are not there are the usual ones.
    """
    usual = EvaluateOptions()
    for name in ("state", "imagery", "street_photos"):
        if options.get(name, getattr(usual, name)) != getattr(usual, name):
            flag = name.replace("_", "-")
            raise ConfigError(f"a model's card holds figures of all photos; leave out --{flag}")
    if options.get("gallery", usual.gallery) in ("photos", "pooled"):
        raise ConfigError(
            f"a model's card holds figures of what a search looks through, not of --gallery "
            f"{options['gallery']}; leave it out, or name roads"
        )


def _policies(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what each policy for street views finds first, from what ``evaluate`` wrote.

    A mapping a policy: its name, and ``photos`` and ``recall_at_1`` of all photos with both
    references, the same with ``in_time_`` of those whose place has a street view in time, and with
    ``without_`` of the others. Shares without photos are None. Headings are searched as in the
    report's short form.
    """
    share = f"R@1 {report.get('radius_m', 25.0):g}m"
    search = report["figures"][0].get("search", "full")
    found: dict[str, dict[str, tuple[int, float]]] = {}
    for row in report.get("rows", ()):
        asked = (row["model"], row["kind"], row["search"], row["state"])
        if asked == ("model", "both", search, "all") and "-" in row["fov"]:
            right = (row["photos"], row["shares"][share]["value"])
            found.setdefault(row["policy"], {})[row["queries"]] = right
    figures = []
    for policy, of in found.items():
        (photos, recall), (some, common) = of["all"], of.get("common", (0, 0.0))
        others = photos - some
        figures.append(
            {
                "policy": policy,
                "photos": photos,
                "recall_at_1": recall,
                "in_time_photos": some,
                "in_time_recall_at_1": common if some else None,
                "without_photos": others,
                "without_recall_at_1": (
                    (recall * photos - common * some) / others if others else None
                ),
            }
        )
    return figures


def _watched(run: Path, steps: int) -> dict[str, Any]:
    """Return the figures of the evaluation after ``steps``."""
    path = run / HISTORY_FILE
    names = {str(one["name"]) for one in _read_json(run / RUN_FILE).get("held_out_sources", ())}
    of = {"data": ", ".join(sorted(names))} if names else {}
    for row in reversed(_read_json(path)):
        if row["step"] == steps:
            return {"held_out": [{**recall, **of} for recall in row["recalls"]]}
    raise InputError(f"{path} has no figures of step {steps}; resume the run and let it end")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise InputError(f"{path} cannot be read ({err}); name the right file or folder") from err
