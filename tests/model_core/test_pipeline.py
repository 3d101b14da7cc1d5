"""Whole runs: bad photos beside good ones, galleries reused, damaged input, other imagery."""

import shutil
import tempfile
import weakref
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio

from model_core import pipeline, report
from model_core.bundle import default_bundle_path, init_bundle
from model_core.config import LocateConfig, SearchConfig, StreetViewConfig, VerificationConfig
from model_core.errors import (
    AreaError,
    BundleError,
    Cancelled,
    GalleryError,
    ImageryError,
    InputError,
    ProviderError,
)
from model_core.photo_edits import PhotoEdit
from model_core.pipeline import GalleryRequest, LocateRequest, build_gallery, locate
from model_core.references.survey import Sources
from model_core.scene import Scene, open_scene
from model_core.types import Progress

AREA = "13.4190,46.9788,13.4212,46.9798"
"""A part of the demo's area."""
NO_VERIFICATION = LocateConfig(verification=VerificationConfig(budget_views=0))
QUICK = replace(NO_VERIFICATION, search=SearchConfig(beside_places=10))
"""Few places are looked at from beside, which takes most of a search's time."""


@pytest.fixture(scope="module")
def demo(repository: Path) -> Path:
    return repository / "resources" / "demo"


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("galleries")


@pytest.fixture(scope="module")
def request_of(demo: Path, gallery: Path):
    def make(*photos: Path, **changes) -> LocateRequest:
        request = LocateRequest(
            photos=photos,
            area=AREA,
            sources=seen_from_above(demo),
            gallery=gallery,
            config=QUICK,
        )
        return replace(request, **changes)

    return make


def seen_from_above(demo: Path) -> Sources:
    return Sources(imagery=str(demo / "imagery.tif"), roads=str(demo / "roads.geojson"))


def demo_photos(demo: Path, count: int = 2) -> list[Path]:
    return sorted((demo / "photos").glob("*.jpg"))[:count]


@pytest.mark.slow
def test_every_edge_case_photo_answers_or_gives_one_clear_error_and_the_rest_goes_on(
    shared_data: Path, demo: Path, request_of, tmp_path: Path
):
    good = demo_photos(demo, 1)[0]
    truncated = tmp_path / "truncated.jpg"
    truncated.write_bytes(good.read_bytes()[:3000])
    empty = tmp_path / "empty.jpg"
    empty.write_bytes(b"")
    text = tmp_path / "text.jpg"
    text.write_text("no photo")
    edge = [
        path
        for path in sorted((shared_data / "exif_edge").rglob("*"))
        if path.suffix.lower() in {".jpg", ".jpeg"}
    ]
    photos = [truncated, empty, text, *edge, good]
    outcome = locate(request_of(*photos))
    by_path = {result.path: result for result in outcome.results}
    assert set(photos) <= set(by_path)
    for path in (truncated, empty, text):
        assert path.name in by_path[path].error
        assert by_path[path].error_code == -32011
        assert not by_path[path].candidates
    for path in edge:
        result = by_path[path]
        assert bool(result.candidates) != bool(result.error)
        assert "Traceback" not in result.error
    assert by_path[good].candidates
    assert "could not be used" in outcome.summary


def test_the_posterior_sums_to_one_and_candidates_are_ranked(demo: Path, request_of):
    outcome = locate(request_of(*demo_photos(demo, 2)))
    for result in outcome.results:
        assert result.place_probability is not None
        total = float(result.place_probability.sum()) + result.probability_elsewhere
        assert total == pytest.approx(1.0, abs=1e-3)
        assert [candidate.rank for candidate in result.candidates] == list(
            range(1, len(result.candidates) + 1)
        )
        chances = [candidate.probability for candidate in result.candidates]
        assert chances == sorted(chances, reverse=True)


def test_a_second_run_reuses_the_gallery_and_says_the_same(demo: Path, request_of):
    photo = demo_photos(demo, 1)[0]
    first = locate(request_of(photo)).results[0]
    stages: list[str] = []
    second = locate(request_of(photo), lambda step: stages.append(step.stage)).results[0]
    assert "gallery" not in stages
    assert [c.place_id for c in first.candidates] == [c.place_id for c in second.candidates]


def test_the_order_of_photos_and_their_names_change_nothing(demo: Path, request_of, tmp_path: Path):
    one, other = demo_photos(demo, 2)
    renamed = tmp_path / "another name, ümlaut.jpg"
    shutil.copy(one, renamed)
    straight = locate(request_of(one, other)).results
    turned = locate(request_of(other, renamed)).results
    assert turned[1].path == renamed
    assert [c.place_id for c in straight[0].candidates] == [
        c.place_id for c in turned[1].candidates
    ]


def test_build_gallery_makes_what_locate_uses(demo: Path, request_of, tmp_path: Path):
    folder = tmp_path / "area-gallery"
    request = GalleryRequest(
        area=AREA,
        out=folder,
        sources=seen_from_above(demo),
        config=QUICK,
    )
    assert build_gallery(request) == folder
    photo = demo_photos(demo, 1)[0]
    stages: list[str] = []
    outcome = locate(request_of(photo, gallery=folder), lambda step: stages.append(step.stage))
    assert "gallery" not in stages
    assert outcome.results[0].candidates
    with pytest.raises(GalleryError, match="another area"):
        locate(request_of(photo, gallery=folder, sources=Sources(seen_from_above(demo).imagery)))
    (folder / "features.npy").write_bytes((folder / "features.npy").read_bytes()[:500])
    with pytest.raises(GalleryError, match="build"):
        locate(request_of(photo, gallery=folder))


def test_an_area_without_sources_or_places_is_refused(demo: Path, request_of):
    photo = demo_photos(demo, 1)[0]
    with pytest.raises(AreaError, match="imagery"):
        locate(request_of(photo, sources=Sources()))
    with pytest.raises(AreaError):
        locate(request_of(photo, area="10,50,10,50"))


def test_an_area_off_the_imagery_is_refused_in_words(demo: Path, request_of):
    photo = demo_photos(demo, 1)[0]
    above = Sources(imagery=str(demo / "imagery.tif"))
    request = request_of(photo, area="10,50,10.002,50.001", sources=above)
    for _ in range(2):  # built, then opened
        with pytest.raises(AreaError, match="overlap"):
            locate(request)


def test_a_raster_without_crs_is_refused_by_name(demo: Path, request_of, tmp_path: Path):
    path = tmp_path / "bare.tif"
    profile = {"driver": "GTiff", "width": 32, "height": 32, "count": 3, "dtype": "uint8"}
    with rasterio.open(path, "w", **profile) as raster:
        raster.write(np.zeros((3, 32, 32), np.uint8))
    with pytest.raises(ImageryError, match=r"bare\.tif"):
        locate(request_of(demo_photos(demo, 1)[0], sources=Sources(imagery=str(path))))


def test_a_damaged_bundle_is_refused_by_name(demo: Path, request_of, tmp_path: Path):
    bundle = tmp_path / "bundle"
    shutil.copytree(default_bundle_path(), bundle)
    weights = bundle / "encoder.safetensors"
    data = bytearray(weights.read_bytes())
    data[-100] ^= 0xFF
    weights.write_bytes(bytes(data))
    with pytest.raises(BundleError, match=r"encoder\.safetensors"):
        locate(request_of(demo_photos(demo, 1)[0], bundle=bundle))


def test_the_packaged_model_makes_street_views_where_it_is_asked_to(
    demo: Path, request_of, tmp_path: Path
):
    making = replace(
        NO_VERIFICATION,
        street_view=StreetViewConfig(policy="synthetic"),
        search=SearchConfig(beside_places=0),
    )
    photo = demo / "photos" / "photo_02.jpg"
    few_places = "13.4206,46.9789,13.4212,46.9794"
    outcome = locate(
        request_of(photo, area=few_places, gallery=tmp_path / "gallery", config=making)
    )
    (result,) = outcome.results
    assert not result.error
    assert {one.street_view for one in result.candidates} == {"synthetic"}
    assert {one.street_view_id for one in result.candidates} == {""}
    assert any("with one made" in note for note in outcome.notes)


def test_a_model_that_makes_no_street_views_is_refused_before_any_source_is_asked(
    demo: Path, request_of, tmp_path: Path
):
    bundle, gallery = init_bundle(tmp_path / "model"), tmp_path / "gallery"
    making = replace(NO_VERIFICATION, street_view=StreetViewConfig(policy="synthetic"))
    steps: list[Progress] = []
    with pytest.raises(BundleError, match="no street-view generator"):
        locate(
            request_of(demo_photos(demo, 1)[0], bundle=bundle, gallery=gallery, config=making),
            steps.append,
        )
    assert {step.stage for step in steps} == {"photos"}
    sources = seen_from_above(demo)
    with pytest.raises(BundleError, match="no street-view generator"):
        build_gallery(GalleryRequest(AREA, gallery, sources, bundle, making))
    assert not gallery.exists()


def test_a_cancelled_run_stops(demo: Path, request_of, tmp_path: Path):
    steps: list[Progress] = []
    with pytest.raises(Cancelled):
        locate(
            request_of(demo_photos(demo, 1)[0], gallery=tmp_path),
            steps.append,
            lambda: any(step.stage == "gallery" and step.done > 0 for step in steps),
        )
    assert not list(tmp_path.glob("gallery-*/gallery.json"))


def test_a_photo_without_field_of_view_is_tried_with_several(
    demo: Path, request_of, tmp_path: Path
):
    bare = tmp_path / "bare.png"
    pixels = cv2.imread(str(demo_photos(demo, 1)[0]))
    cv2.imwrite(str(bare), pixels)
    fields = (40.0, 80.0)
    config = replace(NO_VERIFICATION, search=SearchConfig(fov_hypotheses_deg=fields))
    candidates = locate(request_of(bare, config=config)).results[0].candidates
    height, width = pixels.shape[:2]
    assert {round(c.fov_deg) for c in candidates} <= {
        round(2 * np.degrees(np.arctan(np.tan(np.radians(f) / 2) * width / max(width, height))))
        for f in fields
    }


def test_real_imagery_and_a_photo_of_elsewhere_are_told_apart(shared_data: Path, tmp_path: Path):
    tiles = shared_data / "xyz" / "kampala"
    from model_core.references.imagery import open_imagery

    west, south, east, north = open_imagery(tiles).bounds()  # type: ignore[attr-defined]
    outcome = locate(
        LocateRequest(
            photos=(shared_data / "photos" / "berlin" / "01.jpg",),
            area=f"{west},{south},{east},{north}",
            sources=Sources(imagery=str(tiles)),
            out=tmp_path / "out",
            config=NO_VERIFICATION,
        )
    )
    result = outcome.results[0]
    assert not result.error
    assert result.not_in_area or result.candidates[0].probability < 0.2
    assert outcome.files is not None
    assert outcome.files.page.exists()


def test_photos_of_a_time_of_which_nothing_is_known_cost_only_themselves(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    views = tmp_path / "views"
    views.mkdir()
    rows = ["path,lon,lat,heading_deg,fov_deg,captured_at"]
    for number, path in enumerate(sorted((demo / "street_views").glob("*.jpg"))[:2]):
        shutil.copy(path, views / path.name)
        rows.append(f"{path.name},{13.42 + 0.001 * number},46.98,10,360,2024-05-01")
    (views / "views.csv").write_text("\n".join(rows))
    good, old = demo_photos(demo, 2)
    request = LocateRequest(
        photos=(good, old),
        area="13.4,46.97,13.44,46.99",
        sources=Sources(street_views=(str(views / "views.csv"),)),
        config=NO_VERIFICATION,
        edits={
            good: PhotoEdit(captured_at=datetime(2024, 6, 1, tzinfo=UTC)),
            old: PhotoEdit(captured_at=datetime(2005, 6, 1, tzinfo=UTC)),
        },
    )
    scenes: list[weakref.ref[Scene]] = []

    def opened(*arguments) -> Scene:
        scene = open_scene(*arguments)
        scenes.append(weakref.ref(scene))
        return scene

    class BriefFolder(tempfile.TemporaryDirectory):
        def cleanup(self) -> None:
            assert [one() for one in scenes] == [None], "files of a scene are still open"
            super().cleanup()

        def __exit__(self, *raised) -> None:
            self.cleanup()

    monkeypatch.setattr(pipeline, "open_scene", opened)
    monkeypatch.setattr(pipeline, "TemporaryDirectory", BriefFolder)
    told = []
    outcome = locate(request, answer=lambda result, done, total: told.append((done, total)))
    by_path = {result.path: result for result in outcome.results}
    assert len(scenes) == 1
    assert by_path[good].candidates
    assert "none of the 2 places" in by_path[old].error
    assert told == [(1, 2), (2, 2)]
    with pytest.raises(AreaError, match="none of the 2 places"):
        locate(replace(request, photos=(old,), edits={old: request.edits[old]}))


def test_a_wrong_table_of_truth_costs_no_work(demo: Path, request_of, tmp_path: Path):
    (tmp_path / "truth.csv").write_text("photo\nx.jpg\n")
    stages: list[str] = []
    with pytest.raises(InputError, match=r"truth\.csv"):
        locate(
            request_of(demo_photos(demo, 1)[0], truth=tmp_path / "truth.csv"),
            lambda step: stages.append(step.stage),
        )
    assert stages == []


def test_imagery_that_fails_at_the_end_costs_the_map_its_ground_alone(
    demo: Path, request_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def unreachable(survey) -> None:
        raise ProviderError("some tiles: this run is offline", reason="offline")

    monkeypatch.setattr(report, "_backdrop", unreachable)
    outcome = locate(request_of(demo_photos(demo, 1)[0], out=tmp_path / "out"))
    assert outcome.files is not None
    assert outcome.files.results.is_file()
    assert any("the map has no imagery: some tiles" in note for note in outcome.notes)


def test_a_file_that_cannot_be_written_at_the_end_costs_itself_alone(
    demo: Path, request_of, tmp_path: Path
):
    locked = tmp_path / "out" / "candidates.gpkg"
    locked.mkdir(parents=True)
    (locked / "x").write_text("x")
    outcome = locate(request_of(demo_photos(demo, 1)[0], out=tmp_path / "out"))
    assert outcome.results[0].candidates
    assert outcome.files is not None
    assert outcome.files.candidates is None
    assert outcome.files.results.is_file()
    assert any("candidates.gpkg: cannot be written" in note for note in outcome.notes)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that takes no file")
def test_a_folder_that_takes_no_file_costs_no_work(demo: Path, request_of):
    stages: list[str] = []
    with pytest.raises(InputError, match=r"/proc/self: no file can be written there"):
        locate(
            request_of(demo_photos(demo, 1)[0], out=Path("/proc/self")),
            lambda step: stages.append(step.stage),
        )
    assert stages == []


def test_an_error_that_nobody_foresaw_costs_its_photo_alone(
    demo: Path, request_of, caplog: pytest.LogCaptureFixture
):
    odd, large, good = demo_photos(demo, 3)
    errors = {odd: ValueError("a bug"), large: RuntimeError("CUDA out of memory")}

    def observe(evidence: pipeline.Evidence) -> None:
        if evidence.photo.path in errors:
            raise errors[evidence.photo.path]

    first, second, answered = locate(request_of(odd, large, good), observe=observe).results
    assert f"{odd}: ValueError: a bug; the log says where" in first.error
    assert first.error_code == -32000
    assert f"{large}: " in second.error
    assert "choose the processor" in second.error
    assert second.error_code == -32041
    assert answered.candidates
    assert "Traceback" in caplog.text


def test_a_scene_that_cannot_be_opened_late_costs_its_photos_alone(
    demo: Path, request_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    scenes: list[Scene] = []

    def opened(*arguments) -> Scene:
        if scenes:
            raise GalleryError("the disk is full")
        scenes.append(open_scene(*arguments))
        return scenes[0]

    monkeypatch.setattr(pipeline, "open_scene", opened)
    now, later = demo_photos(demo, 2)
    views = Sources(seen_from_above(demo).imagery, street_views=(str(demo / "street_views"),))
    edits = {
        photo: PhotoEdit(captured_at=datetime(year, 6, 1, tzinfo=UTC))
        for photo, year in ((now, 2000), (later, 2024))
    }
    outcome = locate(request_of(now, later, sources=views, edits=edits, gallery=tmp_path))
    assert outcome.results[0].candidates
    assert outcome.results[1].error == "the disk is full"
