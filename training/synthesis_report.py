"""Made street views beside real ones: figures, the figures of the paper, a picture."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch
from torch import Tensor
from torchvision.utils import make_grid

from model_core.synthesis.panogan import PanoGANGenerator
from training.strip_pairs import StripPairs, plain_batch
from training.synthesis_metrics import (
    Classifier,
    ClassifierFigures,
    PixelFigures,
    classifier_figures,
    pixel_figures,
)

_BATCH = 128
_PICTURE_ROWS = 8

PAPER_FIGURES = (
    ("Pix2pix", 3.55, 22.85, 10.51, 0.381, 19.84, 18.88),
    ("X-Fork", 3.86, 31.68, 6.26, 0.453, 20.90, 19.63),
    ("X-Seq", 3.35, 27.05, 7.05, 0.443, 20.79, 19.52),
    ("SelectionGAN", 3.68, 29.87, 6.14, 0.455, 21.75, 20.46),
    ("PanoGAN", 3.95, 38.45, 4.30, 0.454, 22.28, 20.37),
)
"""Method, IS, top-1 %, KL, SSIM, PSNR, SD of Hou et al. 2025, table B1, on data of their own."""


@dataclass(frozen=True)
class SynthesisRow:
    """The figures of one way to make a street view; ``classifier`` is None where not measured."""

    name: str
    pixels: PixelFigures
    classifier: ClassifierFigures | None


@dataclass(frozen=True)
class SynthesisReport:
    """All ways beside each other on the same ``places``; ``classifier`` says which one judged."""

    places: int
    classifier: str
    rows: tuple[SynthesisRow, ...]


@torch.inference_mode()
def make_strips(generator: PanoGANGenerator, pairs: StripPairs) -> tuple[Tensor, Tensor]:
    """Return both passes of all pairs, uint8 (N, 3, H, W) each, in evaluation mode."""
    generator.eval()
    passes: tuple[list[Tensor], list[Tensor]] = ([], [])
    for start in range(0, len(pairs), _BATCH):
        made = generator(plain_batch(pairs.take(slice(start, start + _BATCH))).satellite)
        for kept, image in zip(passes, (made.coarse, made.fine), strict=True):
            kept.append(image.float().add(1.0).mul(127.5).round().clamp(0, 255).to(torch.uint8))
    return torch.cat(passes[0]), torch.cat(passes[1])


def pixel_figures_of(strips: Tensor, pairs: StripPairs) -> PixelFigures:
    """Return how near strips, uint8 (N, 3, H, W), come to the pairs' street views."""
    return pixel_figures(*_batches(strips, pairs))


def evaluate_synthesis(
    generator: PanoGANGenerator,
    pairs: StripPairs,
    classifier: Classifier | None = None,
    classifier_name: str = "not asked for",
    mean_street: Tensor | None = None,
) -> SynthesisReport:
    """Return the figures of both passes, of the mean street view and of the satellite strip.

    Args:
        generator: On the pairs' device.
        pairs: Places to judge by.
        classifier: For inception score, agreement, KL and Frechet distance.
        classifier_name: What it is, or why there is none.
        mean_street: float (3, H, W) in [0, 1] of the training set; the judged places' own mean
            when None, which favours that baseline a little.
    """
    coarse, fine = make_strips(generator, pairs)
    mean = pairs.mean_street() if mean_street is None else mean_street
    ways = {
        "PanoGAN, second pass": fine,
        "PanoGAN, first pass": coarse,
        "mean street view": mean.mul(255).round().to(torch.uint8).expand_as(pairs.street),
        "the satellite strip itself": pairs.satellite,
    }
    rows = []
    for name, strips in ways.items():
        batches = _batches(strips, pairs)
        judged = None if classifier is None else classifier_figures(*batches, classifier)
        rows.append(SynthesisRow(name, pixel_figures(*batches), judged))
    return SynthesisReport(len(pairs), classifier_name, tuple(rows))


def synthesis_markdown(report: SynthesisReport) -> str:
    """Return the report as a Markdown table, the paper's figures below it."""
    lines = [
        "| street view | IS | top-1 % | KL | FID | SSIM | PSNR dB | SD dB | L1 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in report.rows:
        seen = ["-"] * 4
        if row.classifier is not None:
            said = row.classifier
            frechet = "-" if said.frechet_distance is None else f"{said.frechet_distance:.1f}"
            seen = [
                f"{said.inception_score:.2f}",
                f"{100 * said.top1_agreement:.2f}",
                f"{said.kl:.2f} ± {said.kl_spread:.2f}",
                frechet,
            ]
        near = row.pixels
        figures = [f"{near.ssim:.3f}", f"{near.psnr_db:.2f}", f"{near.sharpness_db:.2f}"]
        lines.append("| " + " | ".join([row.name, *seen, *figures, f"{near.l1:.4f}"]) + " |")
    for name, score, top1, kl, ssim, psnr, sharpness in PAPER_FIGURES:
        lines.append(
            f"| paper: {name} | {score:.2f} | {top1:.2f} | {kl:.2f} | - | {ssim:.3f} | "
            f"{psnr:.2f} | {sharpness:.2f} | - |"
        )
    return "\n".join(lines) + f"\n\n{_remarks(report)}\n"


def _remarks(report: SynthesisReport) -> str:
    return (
        f"{report.places} places, on the columns that the real street view shows. Classifier: "
        f"{report.classifier}. The paper's rows are on other data and with a classifier of scenes: "
        "compare orders, not values. The script that the published figures come from scales "
        "squared errors by 128 instead of 255, which adds 5.99 dB to PSNR; SD follows that script, "
        "PSNR here does not."
    )


def write_report(report: SynthesisReport, folder: Path) -> None:
    """Write synthesis.md and synthesis.json, the paper's figures in both."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "synthesis.md").write_text(synthesis_markdown(report), encoding="utf-8")
    names = ("method", "inception_score", "top1_percent", "kl", "ssim", "psnr_db", "sharpness_db")
    paper = [dict(zip(names, row, strict=True)) for row in PAPER_FIGURES]
    described = {**dataclasses.asdict(report), "paper": paper}
    text = json.dumps(described, indent=1, allow_nan=False)
    (folder / "synthesis.json").write_text(text + "\n", encoding="utf-8")


def picture_rows(count: int) -> slice:
    """Return eight rows spread over ``count`` places, all of them where there are fewer."""
    apart = max(1, count // _PICTURE_ROWS)
    return slice(None, _PICTURE_ROWS * apart, apart)


def picture(pairs: StripPairs, coarse: Tensor, fine: Tensor) -> Tensor:
    """Return a picture uint8 (3, h, w): satellite strip, real, first and second pass a row."""
    strips = torch.stack((pairs.satellite, pairs.street, coarse, fine), dim=1)
    image: Tensor = make_grid(strips.flatten(0, 1).cpu(), nrow=4, padding=2, pad_value=255)
    return image


def write_picture(image: Tensor, path: Path) -> None:
    """Write a picture uint8 (3, h, w) as PNG.

    Raises:
        OSError: The folder cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    written, encoded = cv2.imencode(".png", image.permute(1, 2, 0).numpy()[..., ::-1])
    if not written:
        raise OSError(f"{path}: the picture cannot be encoded as PNG")
    path.write_bytes(encoded.tobytes())


def _batches(strips: Tensor, pairs: StripPairs) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    made = [part.float() / 255.0 for part in torch.split(strips, _BATCH)]
    real = [part.float() / 255.0 for part in torch.split(pairs.street, _BATCH)]
    return made, real, list(torch.split(pairs.seen, _BATCH))
