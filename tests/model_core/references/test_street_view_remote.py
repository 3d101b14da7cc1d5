"""Online views serve like files: pixels, features, and an error that costs one view only."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model_core.config import VerificationConfig
from model_core.errors import PhotoError, ProviderError, StreetViewError
from model_core.photo import read_photo, read_pixels
from model_core.references.street_view import read_view
from model_core.types import LonLat, SourceTerms, StreetView
from model_core.verification.cache import FeatureCache
from model_core.verification.local_features import LocalFeatures


class Held:
    """An image in memory that counts how often it was asked for."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.reads = 0

    def read(self) -> bytes:
        self.reads += 1
        if not self.data:
            raise ProviderError("the server is away")
        return self.data


def remote_view(data: bytes, *, cacheable: bool = True, **said) -> StreetView:
    fields = {
        "view_id": "somewhere/1",
        "path": Path("somewhere/1.jpg"),
        "lonlat": LonLat(13.0, 55.0),
        "projection": "perspective",
        "heading_deg": 0.0,
        "fov_deg": 60.0,
        "terms": SourceTerms("somewhere", cacheable=cacheable),
        "remote": Held(data),
    }
    return StreetView(**{**fields, **said})


def jpeg(size=(64, 48), seed=0, **options) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(stream, "JPEG", **options)
    return stream.getvalue()


def test_bytes_are_decoded_as_the_file_would_be(tmp_path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = jpeg(exif=exif)
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    assert np.array_equal(read_pixels(Path("no/file.jpg"), data=data), read_pixels(path))
    assert read_pixels(path).shape == (64, 48, 3)
    assert read_photo(Path("no/file.jpg"), data=data).sha256 == read_photo(path).sha256


def test_a_sphere_without_tags_is_known_from_its_bytes_alone(shared_data) -> None:
    panorama = next((shared_data / "panoramas" / "strasbourg").glob("*.jpg"))
    with Image.open(panorama) as image:
        stream = io.BytesIO()
        image.convert("RGB").save(stream, "JPEG", quality=95)
    photo = read_photo(Path("no/file.jpg"), 512, stream.getvalue())
    assert photo.projection == "equirectangular"


@pytest.mark.parametrize("data", [b"", b"no image", jpeg()[:700]])
def test_bytes_that_are_no_image_are_an_error_that_names_the_view(data) -> None:
    with pytest.raises(StreetViewError, match="somewhere/1"):
        read_view(remote_view(data))


def test_empty_bytes_are_not_looked_for_in_a_file() -> None:
    with pytest.raises(PhotoError, match="not a JPEG"):
        read_pixels(Path("no/file.jpg"), data=b"")


def features_of(view: StreetView) -> LocalFeatures:
    points = np.zeros((3, 2), np.float32)
    return LocalFeatures(view.projection, (64, 48), points, np.zeros((3, 128), np.uint8), 0.0)


def test_features_of_online_views_are_kept_by_what_the_bytes_are(tmp_path) -> None:
    made = []

    def extract(view: StreetView) -> LocalFeatures:
        made.append(view.view_id)
        return features_of(view)

    config = VerificationConfig()
    view = remote_view(jpeg())
    cache = FeatureCache(tmp_path)
    cache.features(view, config, extract)
    cache.features(view, config, extract)
    assert view.remote.reads == 1
    FeatureCache(tmp_path).features(remote_view(jpeg()), config, extract)
    assert len(made) == 1
    FeatureCache(tmp_path).features(remote_view(jpeg(seed=1)), config, extract)
    assert len(made) == 2


def test_features_of_views_that_may_not_be_stored_stay_in_memory(tmp_path) -> None:
    view = remote_view(jpeg(), cacheable=False)
    FeatureCache(tmp_path).features(view, VerificationConfig(), features_of)
    assert list(tmp_path.rglob("*")) == []


def test_a_source_that_fails_costs_the_view(tmp_path) -> None:
    view = replace(remote_view(b""), remote=Held(b""))
    with pytest.raises(StreetViewError, match="somewhere/1 cannot be used: the server is away"):
        FeatureCache(tmp_path).features(view, VerificationConfig(), features_of)
