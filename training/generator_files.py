"""The street-view generator on disk: in a run folder, in a bundle; judged from either."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from model_core.bundle import (
    GENERATOR_FILE,
    hash_generator,
    load_bundle,
    pack_weights,
    write_bundle,
)
from model_core.config import ModelConfig, StripGeometry, from_mapping, to_mapping
from model_core.errors import BundleError, ConfigError, InputError
from model_core.synthesis.panogan import PanoGANConfig, PanoGANGenerator
from training.datasets.load import load_test
from training.model_card import GENERATOR_TITLE, generator_section, sources_table
from training.run_config import RUN_FILE, read_kept_options
from training.strip_pairs import strip_pairs
from training.synthesis_metrics import imagenet_classifier
from training.synthesis_report import (
    SynthesisReport,
    evaluate_synthesis,
    make_strips,
    picture,
    picture_rows,
    write_picture,
    write_report,
)

GENERATOR_CONFIG = "generator.json"
MAX_GENERATOR_BYTES = 5_000_000
_CARD_TEXT = (
    "A generator in the manner of PanoGAN makes a street view from the satellite strip where the "
    "policy `synthetic` asks for one. What it makes is likely, not seen: never show it as a view "
    "of the place."
)
_NO_SOURCES = "What it learned from was not noted."


def check_frame(of_bundle: StripGeometry, of_generator: StripGeometry, path: Path) -> None:
    """Raise ``ConfigError`` where a bundle and a generator take strips of different frames."""
    if of_bundle != of_generator:
        raise ConfigError(
            f"{path} takes strips of another frame ({of_bundle}) than the generator makes "
            f"({of_generator}); train the generator with the model options of that bundle"
        )


def check_size(generator: PanoGANConfig) -> int:
    """Return how many bytes the generator's weights take in fp16.

    Raises:
        ConfigError: More than 5 MB, the most that a bundle may carry.
    """
    with torch.device("meta"):
        count = sum(p.numel() for p in PanoGANGenerator(generator).parameters())
    if 2 * count > MAX_GENERATOR_BYTES:
        raise ConfigError(
            f"the generator would take {2 * count / 1e6:.2f} MB in fp16, more than "
            f"{MAX_GENERATOR_BYTES / 1e6:g} MB; lower channels or max_channels"
        )
    return 2 * count


def write_generator(out: Path, generator: PanoGANGenerator) -> Path:
    """Write the weights, fp16, and the sizes beside them; return the weights' file.

    Raises:
        BundleError: Weights that are not finite.
    """
    path = out / GENERATOR_FILE
    path.write_bytes(pack_weights(generator, GENERATOR_FILE))
    described = json.dumps(to_mapping(generator.config), indent=1, sort_keys=True)
    (out / GENERATOR_CONFIG).write_text(described)
    return path


def read_generator(run: Path, device: torch.device) -> PanoGANGenerator:
    """Return the generator of a run folder, float32, in evaluation mode.

    Raises:
        BundleError: The folder holds none, or weights that do not fit its sizes.
    """
    try:
        sizes = from_mapping(PanoGANConfig, json.loads((run / GENERATOR_CONFIG).read_text()))
        generator = PanoGANGenerator(sizes)
        weights = load_file(run / GENERATOR_FILE)
        generator.load_state_dict({name: value.float() for name, value in weights.items()})
    except (OSError, ValueError, RuntimeError, SafetensorError) as err:
        raise BundleError(
            f"{run} holds no whole generator ({err}); run: python -m training panogan"
        ) from err
    return generator.to(device).eval()


def load_generator(
    path: Path, device: torch.device | str = "cpu"
) -> tuple[PanoGANGenerator, ModelConfig]:
    """Return the generator of a bundle or of a run folder, and the model it makes strips for.

    Args:
        path: Written by ``panogan`` or ``export``.
        device: Where the generator is to be.

    Raises:
        BundleError: There is none.
        ConfigError: The run's options cannot be read.
    """
    if (path / GENERATOR_CONFIG).is_file():
        config = from_mapping(ModelConfig, read_kept_options(path).get("model", {}))
        return read_generator(path, torch.device(device)), config
    model = load_bundle(path, device)
    if model.generator is None:
        raise BundleError(
            f"{path} holds no generator; name a run folder or a bundle written by "
            "python -m training panogan"
        )
    return model.generator, model.config


def generator_hash(path: Path) -> str:
    """Return what tells the generators of two bundles or run folders apart: weights and options.

    Raises:
        BundleError: There is none.
    """
    generator, _ = load_generator(path)
    try:
        weights = (path / GENERATOR_FILE).read_bytes()
        return hash_generator(weights, to_mapping(generator.config))
    except OSError as err:
        raise BundleError(
            f"{path} holds no generator ({err}); run: python -m training panogan"
        ) from err


def read_synthesis(path: Path) -> tuple[str, Any]:
    """Return what a card says of the generator of a bundle or a run folder, and its figures.

    Raises:
        InputError: A run folder has not been judged yet.
    """
    if not (path / GENERATOR_CONFIG).is_file():
        model = load_bundle(path)
        return generator_section(model.card), model.training.get("synthesis")
    try:
        table = (path / "synthesis.md").read_text(encoding="utf-8")
        figures = json.loads((path / "synthesis.json").read_text(encoding="utf-8"))
        figures.pop("paper", None)
        sources = json.loads((path / RUN_FILE).read_text(encoding="utf-8")).get("sources", [])
    except (OSError, ValueError) as err:
        raise InputError(
            f"{path} has no figures of its generator ({err}); run: python -m training panogan "
            "--resume"
        ) from err
    learned = f"It learned from:\n\n{sources_table(sources)}" if sources else _NO_SOURCES
    parts = (GENERATOR_TITLE, _CARD_TEXT, learned, "Figures on held-out places:", table)
    return "\n\n".join(parts), {**figures, "sources": sources}


def join_bundles(bundle: Path, generator: Path, new_bundle: Path) -> Path:
    """Write a copy of a matcher's bundle with a generator in it, and return its folder.

    The card says what the generator is, whose data it learned from and how it did; the matcher's
    features stay comparable.

    Args:
        bundle: The matcher.
        generator: A run folder of panogan, or a bundle with a generator.
        new_bundle: The folder to write.

    Raises:
        ConfigError: The matcher takes strips of another frame.
        BundleError: There is no generator, or a bundle cannot be read or written.
        InputError: The generator has not been judged yet.
    """
    made, of = load_generator(generator)
    section, figures = read_synthesis(generator)
    model = load_bundle(bundle)
    check_frame(model.config.geometry, of.geometry, bundle)
    card = model.card.split(GENERATOR_TITLE)[0].rstrip()
    with_generator = dataclasses.replace(
        model,
        path=new_bundle,
        generator=made.cpu(),
        card=f"{card}\n\n{section}",
        training={**model.training, "synthesis": figures},
    )
    return write_bundle(with_generator)


def judge_generator(
    data: Path,
    out: Path,
    device: torch.device,
    *,
    bundle: Path | None = None,
    run: Path | None = None,
    classifier: bool = True,
) -> SynthesisReport:
    """Write figures and a picture of a generator on places it has not learned from.

    Args:
        data: The places.
        out: Folder for synthesis.md, synthesis.json and synthesis.png.
        device: Where the work is done.
        bundle: The bundle that holds the generator, or
        run: the run folder that made it.
        classifier: Also ask an ImageNet classifier, where its weights can be had.

    Raises:
        BundleError: There is no generator.
        InputError: No place has a street view.
    """
    named = run or bundle
    if named is None:
        raise InputError("no generator was named; give a bundle or a run folder")
    generator, config = load_generator(named, device)
    pairs = strip_pairs(load_test(data, config), config.geometry, device)
    judge, name = imagenet_classifier(device) if classifier else (None, "not asked for")
    report = evaluate_synthesis(generator, pairs, judge, name)
    write_report(report, out)
    rows = picture_rows(len(pairs))
    shown = pairs.take(rows)
    write_picture(picture(shown, *make_strips(generator, shown)), out / "synthesis.png")
    return report
