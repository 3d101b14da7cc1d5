"""Every fusion answers presence and coverage alike, and keeps azimuth's symmetry."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import Tensor

from model_core.config import FusionName
from model_core.errors import ConfigError, ShapeError
from model_core.features.encoder import normalize_features
from model_core.fusion.iaff import Fusion, build_fusion

NAMES = get_args(FusionName)
Case = tuple[Tensor, Tensor, Tensor]


@pytest.fixture
def case() -> Case:
    """Features of two modalities, and a street view over half of the circle."""
    torch.manual_seed(5)
    si = normalize_features(torch.randn(3, 16, 4, 12))
    coverage = torch.zeros(3, 12)
    coverage[:, 3:9] = 1.0
    coverage[:, 9] = 0.5
    svi = normalize_features(torch.randn(3, 16, 4, 12) * (coverage > 0)[:, None, None])
    return si, svi, coverage


def flags(*values: bool) -> Tensor:
    return torch.tensor(values)


def make(name: str) -> Fusion:
    torch.manual_seed(6)
    return build_fusion(name, 16).eval()


@pytest.mark.parametrize("name", NAMES)
def test_coverage_and_shapes_follow_what_is_present(name: str, case: Case) -> None:
    si, svi, seen = case
    fused, coverage = make(name)(si, svi, seen, flags(True, True, False), flags(True, False, True))
    assert fused.shape == si.shape
    torch.testing.assert_close(coverage[0], torch.ones(12))
    torch.testing.assert_close(coverage[1], torch.ones(12))
    torch.testing.assert_close(coverage[2], seen[2])
    assert (fused[2][..., seen[2] == 0] == 0).all()
    assert torch.isfinite(fused).all()


@pytest.mark.parametrize("name", NAMES)
def test_an_absent_modality_is_not_looked_at(name: str, case: Case) -> None:
    si, svi, seen = case
    fusion = make(name)
    yes, no = flags(True, True, True), flags(False, False, False)
    garbage = torch.full_like(si, 3.0)
    alone = fusion(si, svi, seen, yes, no)[0]
    torch.testing.assert_close(fusion(si, garbage, seen, yes, no)[0], alone)
    alone = fusion(si, svi, seen, no, yes)[0]
    torch.testing.assert_close(fusion(garbage, svi, seen, no, yes)[0], alone)
    assert (fusion(si, svi, seen, no, no)[0] == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_bins_that_the_street_view_misses_are_those_of_the_satellite_alone(
    name: str, case: Case
) -> None:
    si, svi, seen = case
    fusion = make(name)
    yes, no = flags(True, True, True), flags(False, False, False)
    both = fusion(si, svi, seen, yes, yes)[0]
    alone = fusion(si, svi, seen, yes, no)[0]
    missed, covered = seen[0] == 0, seen[0] == 1
    torch.testing.assert_close(both[..., missed], alone[..., missed])
    assert (both - alone)[..., covered].abs().amax(dim=(0, 1, 2)).min() > 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_rolling_both_inputs_rolls_the_result(name: str, case: Case) -> None:
    si, svi, seen = case
    fusion = make(name)
    present = flags(True, True, False), flags(True, False, True)
    fused, coverage = fusion(si, svi, seen, *present)
    rolled, rolled_coverage = fusion(si.roll(4, -1), svi.roll(4, -1), seen.roll(4, -1), *present)
    torch.testing.assert_close(rolled, fused.roll(4, -1), atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(rolled_coverage, coverage.roll(4, -1))


@pytest.mark.parametrize("name", NAMES)
def test_gradients_flow_to_both_inputs_and_every_weight_at_batch_one(name: str, case: Case) -> None:
    si, svi = (x[:1].clone().requires_grad_() for x in case[:2])
    fusion = make(name).train()
    both = fusion(si, svi, case[2][:1], flags(True), flags(True))[0]
    svi_alone = fusion(si, svi, case[2][:1], flags(False), flags(True))[0]
    loss = (both * torch.randn_like(both)).sum() + (svi_alone * torch.randn_like(both)).sum()
    loss.backward()
    for gradient in (si.grad, svi.grad, *(p.grad for p in fusion.parameters())):
        assert gradient is not None
        assert torch.isfinite(gradient).all()
    assert si.grad.abs().max() > 0
    assert svi.grad.abs().max() > 0
    weights = list(fusion.parameters())
    assert sum(float(p.grad.abs().max()) > 0 for p in weights) >= 0.8 * len(weights)


def test_iaff_weighs_each_channel_between_the_two_modalities(case: Case) -> None:
    si, svi, _ = case
    svi = torch.where(svi == 0, si, svi)
    everywhere, yes = torch.ones(3, 12), flags(True, True, True)
    for name in ("iaff", "aff", "awa"):
        fused = make(name)(si, svi, everywhere, yes, yes)[0]
        low, high = torch.minimum(si, svi), torch.maximum(si, svi)
        assert (fused >= low - 1e-6).all()
        assert (fused <= high + 1e-6).all()
        torch.testing.assert_close(make(name)(si, si, everywhere, yes, yes)[0], si)


def test_iaff_looks_twice(case: Case) -> None:
    si, svi, _ = case
    everywhere, yes = torch.ones(3, 12), flags(True, True, True)
    fusion = make("iaff")
    before = fusion(si, svi, everywhere, yes, yes)[0]
    with torch.no_grad():
        for parameter in fusion.first.parameters():
            parameter.add_(0.5)
    assert not torch.allclose(fusion(si, svi, everywhere, yes, yes)[0], before)


def test_attention_sees_inputs_at_a_level_where_its_norms_work(case: Case) -> None:
    weights = make("iaff").first(case[0])
    assert weights.std() > 0.02
    assert 0 < weights.min() < weights.max() < 1


def test_linear_mix_is_k_svi_plus_si(case: Case) -> None:
    si, svi, _ = case
    fusion = make("linear")
    with torch.no_grad():
        fusion.k.fill_(0.25)
    yes = flags(True, True, True)
    fused = fusion(si, svi, torch.ones(3, 12), yes, yes)[0]
    torch.testing.assert_close(fused, 0.25 * svi + si)


def test_concatenation_leaves_the_absent_half_empty(case: Case) -> None:
    si, svi, seen = case
    fused = make("concat")(si, svi, seen, flags(True, True, False), flags(False, True, True))[0]
    assert (fused[0, 8:] == 0).all()
    assert (fused[2, :8] == 0).all()
    assert (fused[1] != 0).any()


def test_batch_norm_is_a_choice_that_needs_more_than_one_strip(case: Case) -> None:
    si, svi, seen = case
    yes = flags(True, True, True)
    fusion = build_fusion("iaff", 16, norm="batch").train()
    assert fusion(si, svi, seen, yes, yes)[0].shape == si.shape
    with pytest.raises(ValueError, match="more than 1 value"):
        fusion(si[:1], svi[:1], seen[:1], yes[:1], yes[:1])
    one = build_fusion("iaff", 16, norm="group").train()
    assert torch.isfinite(one(si[:1], svi[:1], seen[:1], yes[:1], yes[:1])[0]).all()


def test_the_released_attention_lacks_one_batch_norm() -> None:
    def norms(name: str) -> int:
        fusion = build_fusion("iaff", 16, norm=name)
        return sum(isinstance(layer, torch.nn.BatchNorm2d) for layer in fusion.modules())

    assert (norms("batch"), norms("batch_missing")) == (8, 6)  # in each of the two passes


def test_what_does_not_fit_is_refused(case: Case) -> None:
    si, svi, seen = case
    yes = flags(True, True, True)
    fusion = make("iaff")
    with pytest.raises(ShapeError, match="features"):
        fusion(si, svi[..., :3], seen, yes, yes)
    with pytest.raises(ShapeError, match="coverage"):
        fusion(si, svi, seen[:, :3], yes, yes)
    with pytest.raises(ShapeError, match="presence"):
        fusion(si, svi, seen, yes[:2], yes)
    with pytest.raises(ConfigError, match="iaff, aff, concat"):
        build_fusion("sum", 16)
    with pytest.raises(ConfigError, match="even"):
        build_fusion("concat", 15)
    with pytest.raises(ConfigError, match="layer, group, batch"):
        build_fusion("iaff", 16, norm="instance")
