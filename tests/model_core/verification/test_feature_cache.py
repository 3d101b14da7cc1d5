"""The cache: extracted once, made again when damaged or changed, never in the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model_core.config import VerificationConfig
from model_core.errors import StreetViewError
from model_core.types import LonLat, SourceTerms, StreetView
from model_core.verification.cache import FeatureCache
from model_core.verification.local_features import LocalFeatures

CONFIG = VerificationConfig()


class Extractor:
    """Counts its calls; the features tell them apart."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, view: StreetView) -> LocalFeatures:
        self.calls += 1
        rng = np.random.default_rng(self.calls)
        return LocalFeatures(
            view.projection,
            (640, 480),
            rng.normal(size=(50, 2)).astype(np.float32),
            rng.integers(0, 256, (50, 128)).astype(np.uint8),
            1.25,
        )


def view_of(path: Path, *, cacheable: bool = True, pitch_deg: float = 0.0) -> StreetView:
    terms = SourceTerms("test", cacheable=cacheable)
    return StreetView(
        "v", path, LonLat(13.2, 55.7), "perspective", 0.0, 60.0, terms, pitch_deg=pitch_deg
    )


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "view.jpg"
    path.write_bytes(b"what the cache hashes")
    return path


def stored(folder: Path) -> list[Path]:
    return sorted(folder.glob("*"))


def test_another_run_reads_what_was_stored(tmp_path: Path, image: Path) -> None:
    extract = Extractor()
    first = FeatureCache(tmp_path / "kept").features(view_of(image), CONFIG, extract)
    again = FeatureCache(tmp_path / "kept").features(view_of(image), CONFIG, extract)
    assert extract.calls == 1
    assert np.array_equal(first.points, again.points)
    assert np.array_equal(first.descriptors, again.descriptors)
    assert (again.projection, again.size_px, again.roll_deg) == ("perspective", (640, 480), 1.25)
    assert [path.suffix for path in stored(tmp_path / "kept")] == [".safetensors"]


def test_memory_alone_serves_one_run(image: Path) -> None:
    extract, cache = Extractor(), FeatureCache(None)
    for _ in range(3):
        cache.features(view_of(image), CONFIG, extract)
    assert extract.calls == 1


def test_memory_is_bounded(tmp_path: Path) -> None:
    extract, cache = Extractor(), FeatureCache(None, memory_limit_bytes=20_000)
    paths = [tmp_path / f"{name}.jpg" for name in "abcd"]
    for path in paths:
        path.write_text(path.name)
        cache.features(view_of(path), CONFIG, extract)
    cache.features(view_of(paths[3]), CONFIG, extract)
    assert extract.calls == 4
    cache.features(view_of(paths[0]), CONFIG, extract)
    assert extract.calls == 5


@pytest.mark.parametrize("damage", [b"", b"not safetensors", b"cut"])
def test_damaged_file_is_made_again(tmp_path: Path, image: Path, damage: bytes) -> None:
    extract, folder = Extractor(), tmp_path / "kept"
    FeatureCache(folder).features(view_of(image), CONFIG, extract)
    (path,) = stored(folder)
    path.write_bytes(path.read_bytes()[:200] if damage == b"cut" else damage)
    FeatureCache(folder).features(view_of(image), CONFIG, extract)
    assert extract.calls == 2
    FeatureCache(folder).features(view_of(image), CONFIG, extract)
    assert extract.calls == 2
    assert stored(folder) == [path]


def test_changed_image_is_extracted_again(tmp_path: Path, image: Path) -> None:
    extract, cache = Extractor(), FeatureCache(tmp_path / "kept")
    cache.features(view_of(image), CONFIG, extract)
    image.write_bytes(b"another image altogether")
    cache.features(view_of(image), CONFIG, extract)
    assert extract.calls == 2


def test_renamed_image_is_not(tmp_path: Path, image: Path) -> None:
    extract, folder = Extractor(), tmp_path / "kept"
    FeatureCache(folder).features(view_of(image), CONFIG, extract)
    renamed = image.rename(tmp_path / "renamed.jpg")
    FeatureCache(folder).features(view_of(renamed), CONFIG, extract)
    assert extract.calls == 1


@pytest.mark.parametrize(
    ("config", "pitch_deg"),
    [
        (VerificationConfig(max_side_px=800), 0.0),
        (VerificationConfig(max_features=99), 0.0),
        (CONFIG, 5.0),
    ],
)
def test_other_extraction_is_kept_apart(
    tmp_path: Path, image: Path, config: VerificationConfig, pitch_deg: float
) -> None:
    extract, cache = Extractor(), FeatureCache(tmp_path / "kept")
    cache.features(view_of(image), CONFIG, extract)
    cache.features(view_of(image, pitch_deg=pitch_deg), config, extract)
    assert extract.calls == 2


def test_settings_of_matching_do_not_matter(tmp_path: Path, image: Path) -> None:
    extract, cache = Extractor(), FeatureCache(tmp_path / "kept")
    cache.features(view_of(image), CONFIG, extract)
    cache.features(view_of(image), VerificationConfig(ratio=0.7, budget_views=3), extract)
    assert extract.calls == 1


def test_views_that_may_not_be_kept_leave_no_file(tmp_path: Path, image: Path) -> None:
    extract, cache = Extractor(), FeatureCache(tmp_path / "kept")
    for _ in range(2):
        cache.features(view_of(image, cacheable=False), CONFIG, extract)
    assert extract.calls == 1
    assert stored(tmp_path / "kept") == []


def test_folder_that_cannot_be_written_costs_no_answer(
    tmp_path: Path, image: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    extract, cache = Extractor(), FeatureCache(tmp_path / "kept")
    assert len(cache.features(view_of(image), CONFIG, extract)) == 50
    assert "cannot be kept" in caplog.text


def test_missing_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(StreetViewError, match=r"gone\.jpg"):
        FeatureCache(None).features(view_of(tmp_path / "gone.jpg"), CONFIG, Extractor())
