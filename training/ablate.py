"""Train and score the rows of a table under equal conditions; reads top to bottom.

python -m training ablate --table fusion --data build/world --held-out build/held_out
    --out build/ablate --steps 2000 --seeds 1,2,3 --minutes 8.5

Weights live in ``out/runs/<hash of everything that made them>/seed_<n>``: rows of any table that
ask for the same training share them, a run that was stopped goes on where it was, and what has
all its scores is not trained again even where its weights are gone.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_core.bundle import ENCODER_FILE, default_bundle_path, load_bundle, write_bundle
from model_core.config import PRESETS, ModelConfig, at_geometry, from_mapping, to_mapping
from model_core.device import choose_device
from model_core.errors import BundleError, ConfigError, DeviceError, GeolocatorError, InputError
from model_core.options import merge_options, parse_assignments
from training.ablation.calibration import write_calibration
from training.ablation.figures import (
    RowFigures,
    SeedScore,
    mark_orderings,
    row_figures,
    seed_score,
    times_of,
)
from training.ablation.report import Report, write_report
from training.ablation.scoring import score_bundle
from training.ablation.tables import CALIBRATION, Row, Table
from training.calibration_study import (
    METHODS,
    calibrate_dataset,
    calibrates,
    study_calibration,
)
from training.datasets.load import load_test
from training.datasets.rendered import FACTS_FILE
from training.generator_files import generator_hash, load_generator
from training.run_config import flat_options
from training.train import TrainConfig, override, train
from training.train_config import start_bundle

Clock = Callable[[], float]
_SMALL_FILE = 1 << 16


@dataclass(frozen=True)
class Ablation:
    """What all rows of a table share.

    Attributes:
        data: Training set.
        held_out: Cities of none of the training set: the paper's cross-area protocol.
        same_area: Held-out places of the training cities, where there are any.
        watch: Places that trainings are watched by, a few of them; the held-out ones if None.
        out: Where weights, scores and tables go.
        steps: Of every training.
        seeds: One training of every row each.
        base: The configuration that rows change.
        options: Assignments that every row gets, except where the row is about that very option.
        device: cpu, cuda or auto.
        minutes: Stop after this long.
        generator: A run folder of panogan, or a bundle, whose generator makes the street views of
            the row ``synthetic``.
        resume: Go on with trainings that were stopped, instead of beginning them again.
    """

    data: Path
    held_out: Path
    out: Path
    steps: int
    seeds: tuple[int, ...] = (1, 2, 3)
    base: TrainConfig = TrainConfig()
    options: tuple[str, ...] = ()
    device: str = "auto"
    minutes: float | None = None
    same_area: Path | None = None
    watch: Path | None = None
    generator: Path | None = None
    resume: bool = True

    def areas(self) -> dict[str, Path]:
        """Return the sets that every row is scored on."""
        same = {} if self.same_area is None else {"same": self.same_area}
        return {**same, "cross": self.held_out}


def ablate(
    table: Table,
    ablation: Ablation,
    say: Callable[[str], None] = print,
    clock: Clock = time.monotonic,
) -> Path:
    """Train and score what is not there yet, write the table and return its Markdown's path.

    A row that fails is noted with its reason, and the others go on.

    Args:
        table: Its rows.
        ablation: What they share.
        say: Where lines for people go.
        clock: Seconds.

    Raises:
        ConfigError: An option is unknown, or has no part in the table.
        InputError: There is nothing to train on or to score, or both are the same places.
        GeolocatorError: Every row fails; what the first one does.
    """
    _check_folders(ablation)
    if table.name == CALIBRATION.name:
        return _ablate_calibration(table, ablation, say)
    deadline = None if ablation.minutes is None else clock() + 60 * ablation.minutes
    notes: list[str] = []
    # Every row gets its first seed before any gets a second, so that a table cut short compares.
    for seed in ablation.seeds:
        errors: list[GeolocatorError] = []
        for row in table.rows:
            if _is_scored(row, ablation, seed):
                continue
            left = None if deadline is None else deadline - clock()
            if left is not None and left <= 0:
                notes.append("The time was up before every row was done; run it again to go on.")
                return _report(table, ablation, notes)
            say(f"{table.name}: {row.name}, seed {seed}")
            try:
                finished = train_row(row, ablation, seed, left, say)
                if finished and (deadline is None or clock() < deadline):
                    score_row(row, ablation, seed)
            except (BundleError, DeviceError, InputError) as error:
                errors.append(error)
                notes.append(f"{row.name}, seed {seed}, could not be trained or scored: {error}")
                say(notes[-1])
        if len(errors) == len(table.rows):
            raise errors[0]
    return _report(table, ablation, notes)


def _check_folders(ablation: Ablation) -> None:
    others = {
        "--held-out": ablation.held_out,
        "--same-area": ablation.same_area,
        "--watch": ablation.watch,
    }
    for option, folder in others.items():
        if folder is None:
            continue
        if not folder.is_dir():
            raise InputError(
                f"{option} {folder} is no folder of places; run: python -m training render"
            )
        if folder.resolve() == ablation.data.resolve():
            raise InputError(
                f"{option} {folder} is the folder of --data, which rows learn from; name places "
                "that they do not: other cities to be held out, other districts of the same ones "
                "as the same area, made by python -m training render"
            )


def row_config(row: Row, ablation: Ablation, seed: int) -> TrainConfig:
    """Return the configuration of a row's training, which has all its steps whatever patience says.

    Raises:
        ConfigError: An option is unknown.
    """
    base = override(ablation.base, ablation.options)
    if row.preset != "default":
        model = at_geometry(PRESETS[row.preset], base.model.geometry)
        base = dataclasses.replace(base, model=model)
    own = {option.split("=", 1)[0] for option in row.options}
    shared = [o for o in ablation.options if o.split("=", 1)[0].strip() not in own]
    equal = [
        "matcher.satellite_center=place",  # rows are scored from the places' centres
        f"matcher.steps={ablation.steps}",
        "patience=0",
        f"matcher.seed={seed}",
        f"evaluate_every={min(base.evaluate_every, max(1, ablation.steps // 2))}",
        f"accelerator={choose_device(ablation.device).type}",
    ]
    return override(base, [*row.options, *shared, *equal])


def run_folder(row: Row, ablation: Ablation, seed: int) -> Path:
    """Return where the weights of a row and a seed live, the same for the same training."""
    config = to_mapping(row_config(row, ablation, 0))
    config.pop("accelerator")
    if config["start_from"] is not None:
        config["start_from"] = _model_at(config["start_from"])
    made_of = json.dumps([config, fingerprint(ablation.data)], sort_keys=True)
    digest = hashlib.sha256(made_of.encode()).hexdigest()[:12]
    return ablation.out / "runs" / digest / f"seed_{seed}"


def _model_at(start_from: str) -> str:
    """Return the hash of the model to start from, since a path may hold another one tomorrow."""
    bundle = start_bundle(start_from)
    weights = bundle / ENCODER_FILE
    return _model_hash(bundle, weights.stat().st_mtime_ns if weights.exists() else 0)


@functools.lru_cache
def _model_hash(bundle: Path, _written_ns: int) -> str:
    return load_bundle(bundle).model_hash


def fingerprint(folder: Path) -> str:
    """Return what tells two sets apart: names, sizes and, of small ones, contents of their files.

    Links are followed: a set may be put together from cities of others. Arrays of a rendered city
    are known by the facts beside them, since another processor renders the last digits otherwise.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder of places; run: python -m training render")
    files = []
    for place, folders, names in os.walk(folder, followlinks=True):
        folders.sort()
        for path in (Path(place, name) for name in sorted(names)):
            size = path.stat().st_size
            by_facts = FACTS_FILE in names and path.suffix == ".npy"
            small = path.read_bytes() if size <= _SMALL_FILE and not by_facts else b""
            held = hashlib.sha256(small).hexdigest()
            files.append((path.relative_to(folder).as_posix(), size, held))
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()[:16]


def train_row(
    row: Row,
    ablation: Ablation,
    seed: int,
    seconds: float | None,
    say: Callable[[str], None] = print,
) -> bool:
    """Train a row, or what is left of it, and return whether all its steps are done.

    Args:
        row: What to train.
        ablation: What rows share.
        seed: Of the training.
        seconds: Stop after this long.
        say: Where lines for people go.

    Raises:
        BundleError: The training diverged.
    """
    run, config = run_folder(row, ablation, seed), row_config(row, ablation, seed)
    if _is_trained(run, config):
        return True
    if not ablation.resume:
        shutil.rmtree(run, ignore_errors=True)
    train(
        _calibrated(ablation.data, config.model, ablation),
        _calibrated(ablation.watch or ablation.held_out, config.model, ablation),
        run,
        config,
        resume=any(run.glob("*.safetensors")),
        minutes=None if seconds is None else seconds / 60,
        say=say,
    )
    return _is_trained(run, config)


def _is_trained(run: Path, config: TrainConfig) -> bool:
    if not (run / "bundle").is_dir():
        return False
    steps: int = load_bundle(run / "bundle").training["steps"]
    return steps >= config.matcher.steps


def _is_scored(row: Row, ablation: Ablation, seed: int) -> bool:
    """Return whether a row has all its scores: its weights are needed no more."""
    return all(_scores_path(row, ablation, seed, area).exists() for area in ablation.areas())


def score_row(row: Row, ablation: Ablation, seed: int) -> None:
    """Score a trained row on every set that it has not been scored on yet."""
    for area, data in ablation.areas().items():
        path = _scores_path(row, ablation, seed, area)
        if path.exists():
            continue
        bundle = _bundle_to_score(row, ablation, seed)
        data = _calibrated(data, load_bundle(bundle).config, ablation)
        figures = score_bundle(data, bundle, ablation.device, row.gallery)
        path.parent.mkdir(exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(figures), encoding="utf-8")
        partial.rename(path)


def _scores_path(row: Row, ablation: Ablation, seed: int, area: str) -> Path:
    scored = _own_scoring(row, ablation)
    name = "_".join(filter(None, (area, fingerprint(ablation.areas()[area]), scored)))
    return run_folder(row, ablation, seed) / "scores" / f"{name}.json"


def _own_scoring(row: Row, ablation: Ablation) -> str:
    """Return what tells how a row is scored from how its weights are scored as they are."""
    generator = ablation.generator if row.kind == "synthetic" else None
    if not row.scored and generator is None and row.gallery == "places":
        return ""
    made_of = [row.scored, None if generator is None else generator_hash(generator), row.gallery]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:8]


def _bundle_to_score(row: Row, ablation: Ablation, seed: int) -> Path:
    """Return the bundle, or a copy of it that says how this row is scored."""
    run, scored = run_folder(row, ablation, seed), _own_scoring(row, ablation)
    if not scored:
        return run / "bundle"
    model, generator = load_bundle(run / "bundle"), None
    if row.kind == "synthetic" and ablation.generator is not None:
        generator, _ = load_generator(ablation.generator)
    values = merge_options(to_mapping(model.config), parse_assignments(row.scored))
    as_scored = dataclasses.replace(
        model,
        path=run / f"bundle_{scored}",
        config=from_mapping(ModelConfig, values),
        generator=generator,
    )
    return write_bundle(as_scored)


def _calibrated(data: Path, model: ModelConfig, ablation: Ablation) -> Path:
    """Return the set with street views turned as the model's calibration turns them."""
    if not calibrates(model.calibration):
        return data
    made = ablation.out / "calibrated" / f"{fingerprint(data)}_{model.calibration}"
    calibrate_dataset(data, made, model.calibration)
    return made


def _ablate_calibration(table: Table, ablation: Ablation, say: Callable[[str], None]) -> Path:
    """Study calibration with the default row's weights, or the packaged ones where it has none."""
    if ablation.same_area is not None or ablation.minutes is not None:
        raise ConfigError(
            "the table calibration trains nothing and is of the held-out places alone; leave out "
            "--same-area and --minutes"
        )
    seed = ablation.seeds[0]
    run = run_folder(Row("default"), ablation, seed)
    trained = (run / "bundle").is_dir()
    bundle = run / "bundle" if trained else default_bundle_path()
    device = choose_device(ablation.device)
    model = load_bundle(bundle, device)
    places = load_test(ablation.held_out, model.config, say=say)
    wanted = tuple(method for method in METHODS if method in {row.name for row in table.rows})
    figures = study_calibration(places, model.config, model.encoder, device, wanted, say=say)
    whose = f"of the row default, seed {seed} alone" if trained else "as packaged"
    setting = (
        f"{len(places)} places of {ablation.held_out.name}, model {model.model_hash[:12]} {whose}"
    )
    return write_calibration(figures, ablation.out, setting)


def _report(table: Table, ablation: Ablation, notes: Sequence[str]) -> Path:
    figures: dict[str, Mapping[str, RowFigures | None]] = {}
    missing = list(notes)
    for area in ablation.areas():
        scores = {row.name: _seed_scores(row, ablation, area) for row in table.rows}
        found = {name: row_figures(some) for name, some in scores.items()}
        if table.times:
            found = _with_times(table.rows[0].name, scores, found)
        figures[area] = mark_orderings(table, scores, found, area)
        missing += _lacking(table, ablation, found, area)
    config = row_config(Row("default"), ablation, ablation.seeds[0])
    geometry = config.model.geometry
    setting: dict[str, Any] = {
        "data": ablation.data.name,
        "steps": ablation.steps,
        "batch": config.batch,
        "strips": f"{geometry.height} x {geometry.width}",
        "seeds": "/".join(map(str, ablation.seeds)),
    }
    options = _set_otherwise(config)
    return write_report(Report(table, setting, figures, missing, options), ablation.out)


def _set_otherwise(config: TrainConfig) -> dict[str, Any]:
    """Return the options that differ from the default, but for those that reports say anyway."""
    default, own = (flat_options(to_mapping(some)) for some in (TrainConfig(), config))
    said = ("matcher.steps", "matcher.seed", "batch", "accelerator")
    options = {k: v for k, v in own.items() if k not in said and v != default.get(k)}
    if config.start_from is not None:
        options["start_from"] = f"{config.start_from} (model {_model_at(config.start_from)[:12]})"
    return options


def _lacking(
    table: Table, ablation: Ablation, found: Mapping[str, RowFigures | None], area: str
) -> list[str]:
    """Return what to say of the rows without figures."""
    rows = [row for row in table.rows if found[row.name] is None]
    paths = {row.name: _scores_path(row, ablation, ablation.seeds[0], area) for row in rows}
    waiting = [name for name, path in paths.items() if not path.exists()]
    said = [f"Not measured yet, {area} area: {', '.join(waiting)}."] if waiting else []
    return said + [
        f"Not in the scores, {area} area: {name}; once {path} is removed, the next run scores it "
        "again."
        for name, path in paths.items()
        if path.exists()
    ]


def _with_times(
    first: str,
    scores: Mapping[str, Sequence[SeedScore]],
    found: Mapping[str, RowFigures | None],
) -> dict[str, RowFigures | None]:
    """Return figures that say how many times as much the first row finds as each other one."""
    return {
        name: figures
        if figures is None or name == first
        else dataclasses.replace(figures, times=times_of(scores[first], scores[name]))
        for name, figures in found.items()
    }


def _seed_scores(row: Row, ablation: Ablation, area: str) -> list[SeedScore]:
    scores = []
    for seed in ablation.seeds:
        path = _scores_path(row, ablation, seed, area)
        if path.exists():
            score = seed_score(seed, json.loads(path.read_text(encoding="utf-8")), row.kind)
            scores += [] if score is None else [score]
    return scores
