"""Bundles: what is saved comes back; whatever is damaged is named and refused."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from model_core import bundle as bundle_module
from model_core.bundle import (
    CONFIG_FILE,
    ENCODER_FILE,
    GENERATOR_FILE,
    SUMS_FILE,
    default_bundle_path,
    init_bundle,
    load_bundle,
    save_bundle,
)
from model_core.config import EvidenceModel, ModelConfig, StripGeometry
from model_core.errors import BundleError, DeviceError
from model_core.fusion.place_encoder import PlaceEncoder
from model_core.synthesis.panogan import PanoGANConfig, PanoGANGenerator

CONFIG = ModelConfig(preset="small", geometry=StripGeometry(height=64, width=128), fusion="aff")
GENERATOR = PanoGANConfig(channels=4, max_channels=8, critic_channels=4)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    return save_bundle(
        tmp_path_factory.mktemp("bundles") / "model",
        CONFIG,
        PlaceEncoder(CONFIG),
        PanoGANGenerator(GENERATOR),
        card="# A model\n\nKnows nothing, über all.\n",
        extra={"steps": 3, "held_out": [{"r1": 0.5}]},
        street_view_trained=True,
    )


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


def sign(folder: Path) -> None:
    """Write sums that fit the folder's present files."""
    names = sorted(p.name for p in folder.iterdir() if p.name != SUMS_FILE)
    lines = [f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in names]
    (folder / SUMS_FILE).write_text("".join(lines))


def edit_config(folder: Path, **changes: Any) -> None:
    path = folder / CONFIG_FILE
    described = json.loads(path.read_text())
    described.update(changes)
    path.write_text(json.dumps(described))
    sign(folder)


def refused(folder: Path, *words: str) -> None:
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    message = str(caught.value)
    for word in words:
        assert word in message, message


def test_constants_fitted_to_a_model_travel_with_it(tmp_path: Path) -> None:
    fitted = EvidenceModel(informed=0.7, separation=2.25)
    path = save_bundle(tmp_path / "m", CONFIG, PlaceEncoder(CONFIG), card="", evidence=fitted)
    written = json.loads((path / CONFIG_FILE).read_text())["evidence"]
    assert written == {"informed": 0.7, "separation": 2.25}
    assert load_bundle(path).evidence == fitted
    plain = save_bundle(tmp_path / "n", CONFIG, PlaceEncoder(CONFIG), card="")
    assert "evidence" not in json.loads((plain / CONFIG_FILE).read_text())
    assert load_bundle(plain).evidence == EvidenceModel()


@pytest.mark.parametrize("evidence", [{"luck": 1.0}, {"informed": "often"}, {"seen": 1.5}, [0.5]])
def test_constants_that_are_none_are_refused(copy: Path, evidence: object) -> None:
    described = json.loads((copy / CONFIG_FILE).read_text())
    (copy / CONFIG_FILE).write_text(json.dumps({**described, "evidence": evidence}))
    sign(copy)
    with pytest.raises(BundleError, match=r"config\.json"):
        load_bundle(copy)


def test_what_is_saved_comes_back_as_float32_in_evaluation_mode(saved: Path) -> None:
    torch.manual_seed(0)
    encoder = PlaceEncoder(CONFIG).eval()
    bundle = load_bundle(saved)
    assert bundle.config == CONFIG
    assert bundle.path == saved
    assert bundle.street_view_trained
    assert bundle.training == {"steps": 3, "held_out": [{"r1": 0.5}]}
    assert "über all" in bundle.card
    assert re.fullmatch("[0-9a-f]{64}", bundle.model_hash)
    assert not bundle.encoder.training
    assert bundle.generator is not None
    assert bundle.generator.config == GENERATOR
    assert not bundle.generator.training
    tensors = list(bundle.encoder.parameters()) + list(bundle.generator.parameters())
    assert {t.dtype for t in tensors} == {torch.float32}
    strips = torch.randn(1, 3, 64, 128)
    with torch.no_grad():
        expected = encoder.encode_satellite(strips)
        found = bundle.encoder.encode_satellite(strips)
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)
    assert (found * expected).sum() > 0.9999


def test_a_loaded_bundle_can_be_trained_on_and_saved_again(copy: Path, tmp_path: Path) -> None:
    bundle = load_bundle(copy)
    bundle.encoder.train()
    bundle.encoder.encode_satellite(torch.randn(1, 3, 64, 128)).square().sum().backward()
    again = save_bundle(tmp_path / "again", bundle.config, bundle.encoder, card="again")
    reloaded = load_bundle(again)
    assert reloaded.model_hash == bundle.model_hash
    assert reloaded.generator is None
    assert not reloaded.street_view_trained


def test_the_hash_follows_weights_and_configuration_only(saved: Path, tmp_path: Path) -> None:
    first = load_bundle(saved)
    same = save_bundle(tmp_path / "a", CONFIG, first.encoder, card="another card")
    assert load_bundle(same).model_hash == first.model_hash
    wider = replace(CONFIG, geometry=replace(CONFIG.geometry, footprint_m=50.0))
    other = save_bundle(tmp_path / "b", wider, first.encoder, card="")
    assert load_bundle(other).model_hash != first.model_hash
    with torch.no_grad():
        next(first.encoder.parameters()).add_(0.5)
    changed = save_bundle(tmp_path / "c", CONFIG, first.encoder, card="")
    assert load_bundle(changed).model_hash != load_bundle(same).model_hash


def test_saving_replaces_an_older_bundle_whole(copy: Path) -> None:
    torch.manual_seed(1)
    save_bundle(copy, CONFIG, PlaceEncoder(CONFIG), card="new")
    assert load_bundle(copy).card == "new"
    assert not (copy / GENERATOR_FILE).exists()
    assert [p.name for p in copy.parent.iterdir()] == ["model"]


def test_a_save_that_fails_leaves_the_older_bundle(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = load_bundle(copy).model_hash
    real_write = Path.write_bytes

    def full_disk(self: Path, data: bytes) -> int:
        if self.name == SUMS_FILE:
            raise OSError(28, "No space left on device")
        return real_write(self, data)

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(BundleError, match=r"No space left.*choose a folder"):
        save_bundle(copy, CONFIG, PlaceEncoder(CONFIG), card="new")
    monkeypatch.undo()
    assert load_bundle(copy).model_hash == before
    assert [p.name for p in copy.parent.iterdir()] == ["model"]


def test_saving_refuses_a_folder_that_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("x")
    with pytest.raises(BundleError, match="no model bundle"):
        init_bundle(tmp_path, CONFIG)
    assert (tmp_path / "precious.txt").exists()


def test_saving_refuses_weights_and_summaries_that_cannot_be_stored(tmp_path: Path) -> None:
    encoder = PlaceEncoder(CONFIG)
    with pytest.raises(BundleError, match="JSON"):
        save_bundle(tmp_path / "m", CONFIG, encoder, card="", extra={"loss": float("nan")})
    with torch.no_grad():
        next(encoder.parameters()).flatten()[0] = 1e30
    with pytest.raises(BundleError, match="not finite"):
        save_bundle(tmp_path / "m", CONFIG, encoder, card="")
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("name", [ENCODER_FILE, GENERATOR_FILE, CONFIG_FILE, "card.md"])
def test_a_damaged_file_is_named(copy: Path, name: str) -> None:
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(bytes(data))
    refused(copy, name, "damaged", "again")


@pytest.mark.parametrize("name", [ENCODER_FILE, GENERATOR_FILE, CONFIG_FILE, "card.md", SUMS_FILE])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    refused(copy, name, "missing", "again")


def test_a_truncated_or_foreign_weights_file_is_refused(copy: Path) -> None:
    path = copy / ENCODER_FILE
    path.write_bytes(path.read_bytes()[:-100])
    sign(copy)
    refused(copy, ENCODER_FILE, "not a safetensors file")
    path.write_bytes(b"\x80\x04pickle")
    sign(copy)
    refused(copy, ENCODER_FILE, "not a safetensors file")


def test_weights_that_are_not_finite_are_refused(copy: Path) -> None:
    weights = load_file(copy / ENCODER_FILE)
    key = sorted(weights)[3]
    weights[key].view(-1)[0] = float("nan")
    save_file(weights, copy / ENCODER_FILE)
    sign(copy)
    refused(copy, ENCODER_FILE, key, "not finite")


def test_weights_of_another_model_are_refused(copy: Path) -> None:
    weights = load_file(copy / ENCODER_FILE)
    weights.pop(sorted(weights)[0])
    save_file(weights, copy / ENCODER_FILE)
    sign(copy)
    refused(copy, ENCODER_FILE, "another model")


def test_sums_that_are_damaged_or_name_other_files_are_refused(copy: Path) -> None:
    sums = copy / SUMS_FILE
    good = sums.read_text()
    sums.write_text("nonsense\n")
    refused(copy, SUMS_FILE, "damaged")
    sums.write_text(good + f"{'0' * 64}  ../../etc/passwd\n")
    refused(copy, SUMS_FILE, "damaged")
    sums.write_text("".join(x for x in good.splitlines(True) if ENCODER_FILE not in x))
    refused(copy, SUMS_FILE, ENCODER_FILE)


def test_another_format_version_is_refused(copy: Path) -> None:
    edit_config(copy, format_version=99)
    refused(copy, CONFIG_FILE, "99", "update")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": {"backbone": "atto", "colour": 1}}, ("'colour'", "feature_channels")),
        ({"model": {"geometry": {"tall": 1}}}, ("'geometry.tall'", "satellite_px")),
        ({"model": {"width_stride": "8"}}, ("'width_stride'", "whole number")),
        ({"model": {"geometry": 5}}, ("'geometry'", "StripGeometry")),
        ({"model": {"backbone": "giant"}}, ("giant", "atto")),
        ({"model": {"calibration": "by eye"}}, ("'calibration'", "orb")),
        ({"model": [1]}, ("not a mapping",)),
        ({"generator": {"levels": 2.5}}, ("'levels'", "whole number")),
        ({"street_view_trained": "yes"}, ("street_view_trained",)),
        ({"unheard_of": 1}, ("unheard_of", "known here")),
    ],
)
def test_options_that_cannot_be_are_refused(
    copy: Path, changes: dict[str, Any], words: tuple[str, ...]
) -> None:
    edit_config(copy, **changes)
    refused(copy, CONFIG_FILE, *words)


def test_a_config_that_is_not_json_is_refused(copy: Path) -> None:
    for text in ("{", "[1]"):
        (copy / CONFIG_FILE).write_text(text)
        sign(copy)
        refused(copy, CONFIG_FILE)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".ckpt"])
def test_pickled_files_are_never_loaded(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    torch.save({"a": torch.zeros(1)}, path)
    refused(path, path.name, "never loaded", ENCODER_FILE)
    refused(tmp_path, ENCODER_FILE, "missing", path.name)


def test_a_path_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    refused(tmp_path / "nothing", "no model bundle", "nothing")


def test_a_device_that_is_not_there_is_a_device_error(saved: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has an accelerator")
    with pytest.raises(DeviceError, match="choose cpu"):
        load_bundle(saved, "cuda")


def test_an_untrained_bundle_is_repeatable_and_leaves_the_seed_alone(tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first = load_bundle(init_bundle(tmp_path / "a", CONFIG))
    second = load_bundle(init_bundle(tmp_path / "b", CONFIG))
    other = load_bundle(init_bundle(tmp_path / "c", CONFIG, seed=1))
    assert torch.equal(torch.rand(1), expected)
    assert first.model_hash == second.model_hash != other.model_hash
    assert not first.street_view_trained
    assert "Untrained" in first.card


def test_the_packaged_bundle_is_sought_beside_the_package(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert default_bundle_path() == repository / "resources" / "models" / "default"
    package = tmp_path / "csi_geolocator" / "model_core"
    package.mkdir(parents=True)
    monkeypatch.setattr(bundle_module, "__file__", str(package / "bundle.py"))
    inside = tmp_path / "csi_geolocator" / "resources" / "models" / "default"
    assert default_bundle_path() == inside
    outside = tmp_path / "resources" / "models" / "default"
    outside.mkdir(parents=True)
    assert default_bundle_path() == outside
    inside.mkdir(parents=True)
    assert default_bundle_path() == inside


def test_the_packaged_models_are_small_enough_to_travel_with_the_plugin() -> None:
    matcher, generator = (
        (default_bundle_path() / name).stat().st_size
        for name in ("encoder.safetensors", "generator.safetensors")
    )
    assert matcher <= 8_000_000
    assert generator <= 5_000_000
    assert matcher + generator <= 12_000_000
    assert "## Made street views" in load_bundle(default_bundle_path()).card
