"""Figures of made street views against values computed by hand, and the table they end in."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model_core.errors import ShapeError
from model_core.synthesis.panogan import PanoGANConfig, PanoGANGenerator
from training.strip_pairs import StripPairs
from training.synthesis_metrics import (
    classifier_figures,
    frechet_distance,
    imagenet_classifier,
    inception_score,
    pixel_figures,
    psnr_db,
    sharpness_difference_db,
    ssim,
)
from training.synthesis_report import (
    PAPER_FIGURES,
    evaluate_synthesis,
    synthesis_markdown,
    write_report,
)

HEIGHT, WIDTH = 16, 48


def flat(*levels: float) -> torch.Tensor:
    return torch.tensor(levels).view(-1, 1, 1, 1).expand(-1, 3, HEIGHT, WIDTH).clone()


def all_seen(count: int) -> torch.Tensor:
    return torch.ones(count, WIDTH, dtype=torch.bool)


def test_psnr_is_that_of_the_mean_squared_error_on_seen_columns():
    made, real, seen = flat(0.5, 0.5), flat(0.4, 0.4), all_seen(2)
    made[1, ..., :24] = 1.0
    seen[1, :24] = False
    expected = 10 * math.log10(1 / 0.1**2)
    assert psnr_db(made, real, seen).tolist() == pytest.approx([expected, expected], abs=1e-4)
    assert psnr_db(real, real, seen).tolist() == [100.0, 100.0]


def test_ssim_of_flat_strips_is_the_luminance_term():
    found = ssim(flat(0.5), flat(0.3), all_seen(1))
    c1 = 0.01**2
    assert found.item() == pytest.approx((2 * 0.5 * 0.3 + c1) / (0.25 + 0.09 + c1), abs=1e-4)


def test_ssim_does_not_look_at_what_the_street_view_does_not_show():
    chance = torch.Generator().manual_seed(1)
    real = torch.rand(1, 3, HEIGHT, WIDTH, generator=chance)
    made = (real + 0.2 * torch.rand(real.shape, generator=chance)).clamp(0, 1)
    seen = all_seen(1)
    seen[:, 20:30] = False
    other = made.clone()
    other[..., 20:30] = 0.9
    assert ssim(made, real, seen).item() == ssim(other, real, seen).item()
    assert ssim(real, real, seen).item() == pytest.approx(1.0)
    seen[:] = False
    assert math.isnan(ssim(made, real, seen).item())


def test_sharpness_difference_counts_steps_that_are_missing():
    real = flat(0.2)
    real[..., 8:16] = 0.7
    # Two edges of 0.5 among 48 columns, on every row and colour; a flat strip has none.
    mean = 2 * 0.5 / WIDTH
    expected = 10 * math.log10((255 / 128) ** 2 / mean)
    assert sharpness_difference_db(flat(0.2), real, all_seen(1)).item() == pytest.approx(expected)
    brighter = real + 0.1
    assert sharpness_difference_db(brighter, real, all_seen(1)).item() > 50
    upright = flat(0.2)
    upright[:, :, 4:] = 0.7
    expected = 10 * math.log10((255 / 128) ** 2 / (0.5 / (HEIGHT - 1)))
    assert sharpness_difference_db(flat(0.2), upright, all_seen(1)).item() == pytest.approx(
        expected
    )


def test_figures_are_means_over_strips_and_leave_out_what_cannot_be_judged():
    made, real, seen = flat(0.5, 0.9, 0.1), flat(0.4, 0.7, 0.9), all_seen(3)
    seen[2] = False
    found = pixel_figures([made[:2], made[2:]], [real[:2], real[2:]], [seen[:2], seen[2:]])
    assert found.l1 == pytest.approx(0.15, abs=1e-5)
    assert found.psnr_db == pytest.approx((20 + 20 * math.log10(5)) / 2, abs=1e-3)


def test_strips_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match="fit together"):
        ssim(flat(0.5), flat(0.5, 0.4), all_seen(1))


def test_inception_score_is_the_number_of_classes_told_apart():
    sure = torch.eye(4).repeat(5, 1) * 60
    with pytest.warns(UserWarning, match="buffer"):
        one_part = inception_score(sure[:1])
    assert one_part == pytest.approx(1.0)
    assert 1.0 < inception_score(sure) <= 2.001  # ten parts of two strips: two classes at most
    assert inception_score(torch.zeros(20, 4)) == pytest.approx(1.0)


def test_frechet_distance_of_shifted_features_is_the_squared_shift():
    real = torch.randn(200, 4, generator=torch.Generator().manual_seed(2))
    shifted = frechet_distance(real + torch.tensor([3.0, 0, 0, 0]), real)
    assert shifted == pytest.approx(9.0, rel=1e-3)
    assert frechet_distance(real[:1], real) is None


def test_a_classifier_is_asked_which_class_and_how_surely():
    made, real = flat(0.9, 0.1), flat(0.8, 0.9)

    def bright_or_dark(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        level = images.mean(dim=(1, 2, 3))
        odds = torch.stack((level, 1 - level), dim=1).log()
        return images.mean(dim=(2, 3)), odds

    found = classifier_figures([made], [real], [all_seen(2)], bright_or_dark)
    assert found.top1_agreement == 0.5
    assert found.top5_agreement == 1.0
    each = [
        0.9 * math.log(0.9 / 0.8) + 0.1 * math.log(0.1 / 0.2),
        0.1 * math.log(0.1 / 0.9) + 0.9 * math.log(0.9 / 0.1),
    ]
    assert found.kl == pytest.approx(sum(each) / 2, rel=1e-4)
    assert found.kl_spread == pytest.approx(abs(each[0] - each[1]) / 2, rel=1e-4)


def test_without_weights_the_line_says_that_nothing_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    classifier, line = imagenet_classifier(torch.device("cpu"))
    assert classifier is None
    assert line.startswith("not measured: weights cannot be fetched")


def test_the_table_holds_both_passes_the_baselines_and_the_papers_figures(tmp_path: Path):
    torch.manual_seed(0)
    sizes = PanoGANConfig(channels=4, max_channels=8, levels=2, critic_channels=4)
    chance = torch.Generator().manual_seed(1)
    street = torch.randint(0, 256, (3, 3, HEIGHT, WIDTH), generator=chance, dtype=torch.uint8)
    pairs = StripPairs(street, street.clone(), all_seen(3), torch.zeros(3, 4, 0).half())
    report = evaluate_synthesis(PanoGANGenerator(sizes), pairs)
    by_name = {row.name: row.pixels for row in report.rows}
    assert by_name["the satellite strip itself"].psnr_db == 100.0
    mean = by_name["mean street view"]
    assert mean.l1 < by_name["PanoGAN, second pass"].l1
    table = synthesis_markdown(replace(report, classifier="not measured: no network"))
    assert "not measured: no network" in table
    assert table.count("| paper: ") == len(PAPER_FIGURES)
    write_report(report, tmp_path)
    written = json.loads((tmp_path / "synthesis.json").read_text())
    assert written["rows"][2]["pixels"]["l1"] == mean.l1
    assert written["paper"][-1]["ssim"] == 0.454
