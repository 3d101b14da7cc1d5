"""Train the street-view generator and put it into a bundle; reads top to bottom.

python -m training panogan --data data/world --held-out data/held_out --out build/panogan
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, RichProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.data import DataLoader

from model_core.bundle import load_bundle
from model_core.config import ModelConfig
from model_core.errors import InputError
from model_core.fusion.place_encoder import PlaceEncoder
from model_core.synthesis.panogan import PanoGANConfig
from training.checkpoint import (
    restore_averaged,
    restore_module,
    restore_optimizer,
    write_checkpoint,
)
from training.data_sources import describe_data
from training.datasets.load import load_apart
from training.distributed import check_alone
from training.generator_files import check_frame, check_size, write_generator
from training.panogan import PanoGAN, PanoGANRecipe
from training.precision import Asked, choose_precision
from training.run_config import CHECKPOINT, RUN_FILE, claim_data, claim_run_folder, write_json
from training.strip_pairs import (
    RandomRows,
    StripPairs,
    city_names,
    rows_apart,
    rows_of_city,
    strip_pairs,
)
from training.synthesis_report import (
    SynthesisReport,
    evaluate_synthesis,
    make_strips,
    picture,
    picture_rows,
    pixel_figures_of,
    synthesis_markdown,
    write_picture,
    write_report,
)
from training.train_config import BEST


@dataclass(frozen=True)
class PanoGANTrainConfig:
    """One training run of the street-view generator.

    Attributes:
        model: Its frame and bins; those of the matcher that will use the generator.
        generator: Sizes of generator and critic.
        recipe: How they learn.
        city: Learn from this one alone; None: all cities jointly.
        exclude_near_m: Places this near to a test place of the same city are left out.
        perceptual_bundle: The matcher of the perceptual loss.
        batch: Pairs a step.
        evaluate_every: Steps between figures, pictures and checkpoints.
        evaluate_places: Held-out places watched in between; the last figures are on all.
        patience: Evaluations that may pass without a better SSIM of the second pass, before the
            run stops; the generator is then that of the best one. 0 never stops early.
        log_every: Steps between TensorBoard scalars.
        precision: ``bf16-mixed``, ``32-true``, or ``auto``, the faster one where it runs.
    """

    model: ModelConfig = ModelConfig()
    generator: PanoGANConfig = PanoGANConfig()
    recipe: PanoGANRecipe = PanoGANRecipe()
    city: str | None = None
    exclude_near_m: float = 50.0
    perceptual_bundle: str | None = None
    batch: int = 64
    evaluate_every: int = 1000
    evaluate_places: int = 512
    patience: int = 0
    log_every: int = 50
    precision: Asked = "auto"


class Report(Callback):
    """Judges the averaged generator now and then; keeps figures, a picture and a checkpoint."""

    def __init__(
        self,
        held_out: StripPairs,
        out: Path,
        config: PanoGANTrainConfig,
        steps_done: int,
        say: Callable[[str], None],
    ):
        apart = max(1, len(held_out) // config.evaluate_places)
        self.watched = held_out.take(slice(None, None, apart))
        self.out = out
        self.config = config
        self.say = say
        self.history: list[dict[str, Any]] = []
        self.started = time.monotonic()
        self.first_step = steps_done
        if steps_done:
            noted = json.loads((out / "history.json").read_text())
            self.history = [entry for entry in noted if entry["step"] <= steps_done]

    def on_train_start(self, trainer: L.Trainer, module: Any) -> None:
        """Take up the optimiser where the run was left; the module was restored before."""
        self.started = time.monotonic()
        if module.steps_done:
            restore_optimizer(self.out / CHECKPOINT, trainer.optimizers[0])

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, *_: Any) -> None:
        """Judge every so many steps, and stop where it got no better."""
        if module.steps_done % self.config.evaluate_every == 0:
            self.judge(trainer, module)
            trainer.should_stop = trainer.should_stop or self.is_over()

    def on_train_end(self, trainer: L.Trainer, module: Any) -> None:
        """Keep the last step, wherever the run was stopped."""
        if module.steps_done % self.config.evaluate_every:
            self.judge(trainer, module)

    def judge(self, trainer: L.Trainer, module: PanoGAN) -> None:
        """Note figures of both passes, draw the picture and write the checkpoint."""
        seconds = (time.monotonic() - self.started) / max(1, module.steps_done - self.first_step)
        coarse, fine = make_strips(module.averaged, self.watched)
        figures = {
            "coarse": pixel_figures_of(coarse, self.watched),
            "fine": pixel_figures_of(fine, self.watched),
        }
        losses = {k: round(float(v), 4) for k, v in trainer.callback_metrics.items() if k != "step"}
        noted = {name: dataclasses.asdict(found) for name, found in figures.items()}
        entry = {"step": module.steps_done, "seconds_a_step": round(seconds, 4), **noted}
        self.history.append({**entry, "losses": losses})
        write_json(self.out / "history.json", self.history)
        self._draw(trainer, module, coarse, fine)
        self._log(trainer, module.steps_done, noted)
        # The best one first: a run that is killed in between goes on from before it.
        best = (BEST,) if self.config.patience and self._judged_since_best() == 0 else ()
        for name in (*best, CHECKPOINT):
            write_checkpoint(self.out / name, module, trainer.optimizers[0], module.steps_done)
        fine_figures = figures["fine"]
        self.say(
            f"step {module.steps_done} ({seconds:.3f} s each) SSIM {fine_figures.ssim:.3f} PSNR "
            f"{fine_figures.psnr_db:.2f} dB SD {fine_figures.sharpness_db:.2f} dB | {losses}"
        )

    def is_over(self) -> bool:
        """Return whether the patience is spent."""
        patience = self.config.patience
        return bool(patience and self._judged_since_best() >= patience)

    def _judged_since_best(self) -> int:
        likeness = [entry["fine"]["ssim"] for entry in self._judged()]
        return len(likeness) - 1 - likeness.index(max(likeness)) if likeness else 0

    def _judged(self) -> list[dict[str, Any]]:
        """Return the evaluations that count: a run that is stopped often has others between."""
        every, last = self.config.evaluate_every, self.config.recipe.steps
        return [row for row in self.history if row["step"] % every == 0 or row["step"] >= last]

    def _draw(self, trainer: L.Trainer, module: PanoGAN, coarse: Any, fine: Any) -> None:
        rows = picture_rows(len(self.watched))
        image = picture(self.watched.take(rows), coarse[rows], fine[rows])
        write_picture(image, self.out / "pictures" / f"step_{module.steps_done:06d}.png")
        if isinstance(trainer.logger, TensorBoardLogger):
            trainer.logger.experiment.add_image("held out", image, module.steps_done)

    def _log(self, trainer: L.Trainer, step: int, noted: dict[str, dict[str, float]]) -> None:
        if isinstance(trainer.logger, TensorBoardLogger):
            told = {f"{n}/{k}": v for n, found in noted.items() for k, v in found.items()}
            trainer.logger.log_metrics(told, step)


def train_panogan(
    data: Path,
    held_out_data: Path,
    out: Path,
    config: PanoGANTrainConfig,
    device: torch.device,
    *,
    resume: bool = False,
    minutes: float | None = None,
    progress_bar: bool = False,
    say: Callable[[str], None] = print,
) -> SynthesisReport:
    """Train, judge on the held-out places and write the generator; return its figures.

    Args:
        data: Places to learn from.
        held_out_data: Places to judge by; those near them are not learned from. The same folder:
            its own parts for training and validation, rendered cities block by block.
        out: Run folder: config.json, run.json, history.json, last.safetensors, best.safetensors
            where patience is asked for, pictures, tensorboard, generator.safetensors with
            generator.json, synthesis.md and synthesis.json.
        config: The run.
        device: Where the data lies and the work is done.
        resume: Go on from the last checkpoint.
        minutes: Stop early after this long; the rates still follow the steps.
        progress_bar: Draw one.
        say: Where lines for people go.

    Raises:
        ConfigError: The run folder was begun with another configuration or other places, or holds
            a run that nobody asked to go on with, or none to go on with; the generator would be
            larger than 5 MB; or several processes were started.
        InputError: There is nothing to learn from, or the checkpoint is damaged.
    """
    check_alone("panogan")
    check_size(config.generator)
    claim_run_folder(out, config, resume)
    pairs, held_out = _load_pairs(data, held_out_data, out, config, device, say)
    module = _make_module(config, pairs, device)
    if resume:
        module.steps_done = restore_module(out / CHECKPOINT, module)
    report = Report(held_out, out, config, module.steps_done, say)
    rows = RandomRows(pairs, config.batch, config.recipe.seed, module.steps_done)
    left = max(0, config.recipe.steps - module.steps_done)
    trainer = L.Trainer(
        max_epochs=1,
        limit_train_batches=0 if report.is_over() else left,
        max_time=timedelta(minutes=minutes) if minutes else None,
        accelerator="gpu" if device.type == "cuda" else device.type,
        devices=1,
        callbacks=[report, *([RichProgressBar(refresh_rate=20)] if progress_bar else [])],
        logger=TensorBoardLogger(str(out), name="tensorboard", version=""),
        log_every_n_steps=config.log_every,
        enable_checkpointing=False,
        enable_progress_bar=progress_bar,
        enable_model_summary=False,
        benchmark=device.type == "cuda",
    )
    trainer.fit(module, DataLoader(rows, batch_size=None))
    generator = module.averaged.to(device)
    if config.patience:
        restore_averaged(out / BEST, generator)
    write_generator(out, generator)
    figures = evaluate_synthesis(generator, held_out, mean_street=pairs.mean_street())
    write_report(figures, out)
    say(synthesis_markdown(figures))
    return figures


def _load_pairs(
    data: Path,
    held_out_data: Path,
    out: Path,
    config: PanoGANTrainConfig,
    device: torch.device,
    say: Callable[[str], None],
) -> tuple[StripPairs, StripPairs]:
    """Return pairs to learn from, none of them near a test place, and pairs to judge by.

    The run folder notes what they are of.
    """
    places, test = load_apart(data, held_out_data, config.model, say)
    about = describe_data(data, len(places), held_out_data, len(test))
    claim_data(out, about)
    write_json(out / RUN_FILE, about)
    names, test_names = city_names(data, places), city_names(held_out_data, test)
    if config.city is not None:
        places = places.take(rows_of_city(names, places, config.city))
    kept = rows_apart(places, names, test, test_names, config.exclude_near_m)
    if not len(kept):
        raise InputError(
            f"every place of {data} lies within {config.exclude_near_m:g} m of a test place of "
            f"{held_out_data}; give other cities, or a split by blocks"
        )
    pairs = strip_pairs(places.take(kept), config.model.geometry, device)
    held_out = strip_pairs(test, config.model.geometry, device)
    say(
        f"{len(pairs)} places to learn from; left out: {len(places) - len(kept)} within "
        f"{config.exclude_near_m:g} m of a test place, {len(kept) - len(pairs)} without a street "
        f"view. {len(held_out)} of {len(test)} test places have one"
    )
    return pairs, held_out


def _make_module(config: PanoGANTrainConfig, pairs: StripPairs, device: torch.device) -> PanoGAN:
    precision = choose_precision(config.precision, device)
    with torch.random.fork_rng():
        torch.manual_seed(config.recipe.seed)
        return PanoGAN(
            config.generator,
            config.recipe,
            pairs,
            config.model.geometry,
            half_precision=precision == "bf16-mixed",
            judge=_load_judge(config, device),
        )


def _load_judge(config: PanoGANTrainConfig, device: torch.device) -> PlaceEncoder | None:
    if config.perceptual_bundle is None or config.recipe.perceptual_weight <= 0:
        return None
    bundle = load_bundle(Path(config.perceptual_bundle), device)
    check_frame(bundle.config.geometry, config.model.geometry, bundle.path)
    return bundle.encoder
