"""Commands that score models: ``evaluate``, ``compare`` and ``pairs``."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from training.cli import app
from training.terminal import console, plain_errors

if TYPE_CHECKING:
    from training.evaluate_bundle import EvaluationReport
    from training.evaluation.options import EvaluateOptions


@app.command()
def evaluate(
    data: Annotated[Path, typer.Option(help="Folder of held-out places.")],
    bundle: Annotated[Path | None, typer.Option(help="Model; the packaged one if absent.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for report, plots and photos; or a .json file for figures only."),
    ] = None,
    protocol: Annotated[
        str,
        typer.Option(
            help="Of rendered cities: cross, all of each, or same, the test fifth of each that "
            "training leaves out. Others say in their own lists what to test on."
        ),
    ] = "cross",
    gallery: Annotated[
        str,
        typer.Option(
            help="places of a city, satellites along its roads, pooled cities, or photos: places "
            "centred on them, as in published pairs."
        ),
    ] = "places",
    policy: Annotated[
        str,
        typer.Option(help="Of street views: strict, hybrid, nearest, synthetic, or a fill-in."),
    ] = "hybrid",
    fov: Annotated[
        str, typer.Option(help="Fields of view in degrees; 45-120 mixed is always measured.")
    ] = "360,180,120,90,70,55,45",
    state: Annotated[str | None, typer.Option(help="Only photos of this state.")] = None,
    imagery: Annotated[str, typer.Option(help="Of before the disaster, or after it.")] = "before",
    street_photos: Annotated[
        int, typer.Option(help="Street views put together of so many photos; 0: whole circles.")
    ] = 0,
    beside: Annotated[
        bool, typer.Option(help="Look at places from around them too, as a search does.")
    ] = True,
    controls: Annotated[bool, typer.Option(help="Also chance's neighbours and an oracle.")] = False,
    study: Annotated[bool, typer.Option(help="Also every policy and fill-in.")] = True,
    samples: Annotated[int, typer.Option(help="Bootstrap draws.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of headings and fields of view.")] = 5,
    card: Annotated[
        bool, typer.Option(help="Write the figures into the model's card; of held-out places.")
    ] = False,
) -> None:
    """Score a model: recall, headings, states, policies, confidence, cost; chance beside all."""
    from model_core.types import Progress as Step
    from training.evaluate import KIND_NAMES, recall_table
    from training.evaluate_bundle import evaluate_bundle
    from training.evaluation.options import read_options
    from training.evaluation.write import write_report
    from training.run_config import read_numbers

    with plain_errors():
        options = read_options(
            protocol=protocol,
            gallery=gallery,
            policy=policy,
            fovs_deg=read_numbers("--fov", fov),
            state=state,
            imagery=imagery,
            street_photos=street_photos,
            beside=beside,
            controls=controls,
            study=study,
            samples=samples,
            seed=seed,
        )
        if card:
            _check_card(data, bundle, options)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeRemainingColumn(), console=console) as bar:
            task = bar.add_task("locating photos")

            def show(step: Step) -> None:
                bar.update(task, completed=step.done, total=step.total)

            report = evaluate_bundle(data, bundle, device, options, show)
        if out is not None:
            write_report(report, out)
    console.print(recall_table([r for r in report.recalls if r.kind in KIND_NAMES]))
    for note in report.notes:
        console.print(note)
    if out is not None:
        console.print(f"report: {out}")
    if card:
        with plain_errors():
            console.print(f"card: {_write_card(report)}")


def _check_card(data: Path, bundle: Path | None, options: EvaluateOptions) -> None:
    """Raise an error, before hours of work, if a card may not hold what will be measured."""
    from model_core.bundle import default_bundle_path, load_bundle
    from training.data_sources import check_not_learned
    from training.export import check_usual

    check_usual(asdict(options))
    if options.protocol == "cross":
        check_not_learned(data, load_bundle(bundle or default_bundle_path()).training)


def _write_card(report: EvaluationReport) -> Path:
    """Write a report's figures into its model's card and return the card's path."""
    from model_core.bundle import CARD_FILE, load_bundle, write_bundle
    from training.evaluation.write import report_mapping
    from training.export import figures_for_card
    from training.model_card import rewrite_card

    model = load_bundle(report.bundle)
    summary = {**model.training, **figures_for_card(report_mapping(report), model.training)}
    text = rewrite_card(model.config, summary, model.card)
    return write_bundle(replace(model, card=text, training=summary)) / CARD_FILE


@app.command()
def compare(
    reports: Annotated[list[Path], typer.Argument(help="report.json of two evaluations or more.")],
    fov: Annotated[str, typer.Option(help="Field of view, or a range as the reports name it.")] = (
        "45-120"
    ),
    out: Annotated[Path | None, typer.Option(help="Write the table as Markdown.")] = None,
) -> None:
    """Print reports side by side, with intervals of their differences over the same photos."""
    from training.evaluation.compare import compare_reports, comparison_markdown, comparison_table

    with plain_errors():
        comparison = compare_reports(reports, fov)
        if out is not None:
            out.write_text(comparison_markdown(comparison), encoding="utf-8")
    console.print(comparison_table(comparison))
    for note in comparison.notes:
        console.print(note)


@app.command()
def pairs(
    data: Annotated[Path, typer.Option(help="Folder that holds cvusa/ and cvact/.")],
    bundle: Annotated[Path | None, typer.Option(help="Model; the packaged one if absent.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
    out: Annotated[Path | None, typer.Option(help="Write the figures as JSON.")] = None,
    card: Annotated[bool, typer.Option(help="Write them into the model's card.")] = False,
    history: Annotated[
        Path | None, typer.Option(help="Append them to this file and print it over time.")
    ] = None,
    label: Annotated[str, typer.Option(help="What changed, for the history.")] = "",
) -> None:
    """Print zero-shot figures on real satellite and panorama pairs, chance beside them."""
    from model_core.bundle import CARD_FILE, default_bundle_path, load_bundle, write_bundle
    from model_core.device import choose_device
    from training.model_card import rewrite_card
    from training.pairs_history import append_run, history_table, read_history
    from training.real_pairs import evaluate_pairs, pairs_markdown, pairs_table, write_pairs

    with plain_errors():
        model = load_bundle(bundle or default_bundle_path(), choose_device(device))
        figures = evaluate_pairs(model, data)
        console.print(pairs_table(figures))
        if out is not None:
            write_pairs(figures, out)
        if history is not None:
            append_run(history, figures, model.model_hash, label, datetime.now(UTC))
            console.print(history_table(read_history(history)))
        if card:
            text = rewrite_card(model.config, model.training, model.card, pairs_markdown(figures))
            write_bundle(replace(model, card=text))
            console.print(f"card: {model.path / CARD_FILE}")
