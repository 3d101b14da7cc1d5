"""The gallery folder: whole or resumable, of one model, refused when damaged."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch

from model_core.config import ModelConfig, SearchConfig, StripGeometry
from model_core.errors import Cancelled, DeviceError, GalleryError
from model_core.fusion.place_encoder import PlaceEncoder
from model_core.gallery import known as known_rows
from model_core.gallery.build import write_features, write_gallery
from model_core.gallery.known import NOTHING_KNOWN, KnownRows, find_known_rows
from model_core.gallery.places import PlaceRecord, PlaceTable
from model_core.gallery.store import GalleryMeta, open_gallery
from model_core.gallery.writer import GalleryWriter, gallery_fingerprint
from model_core.matching.correlation import PhotoFeatures
from model_core.matching.search import search_gallery
from model_core.types import (
    AlignedReference,
    Area,
    Calibration,
    LonLat,
    Place,
    Progress,
    Reference,
    SourceTerms,
    StreetView,
    Strip,
)

CONFIG = ModelConfig(geometry=StripGeometry(height=8, width=32), width_stride=4)
HEIGHT, BINS, CHANNELS = 4, 8, 16
COUNT = 23
BATCH = 4
CPU = torch.device("cpu")
AREA = Area.from_bounds(13.0, 55.0, 13.01, 55.01)
FILES = ("places.parquet", "features.npy", "coverage.npy", "energy.npy", "gallery.json")


class AveragingEncoder:
    """Features from the mean colours of each bin; the satellite strip unless there is none."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(1)
        self.mixing = torch.randn((CHANNELS, 6), generator=generator)
        self.batches: list[int] = []
        self.most = 10**6

    def encode_reference(
        self,
        satellite: torch.Tensor,
        satellite_present: torch.Tensor,
        street: torch.Tensor,
        street_mask: torch.Tensor,
        street_present: torch.Tensor,
        street_weight: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        count = len(satellite)
        self.batches.append(count)
        if count > self.most:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        both = torch.cat([satellite, street], 1)
        pooled = both.view(count, 6, HEIGHT, 2, BINS, 4).mean((3, 5))
        features = torch.einsum("ck,nkhb->nchb", self.mixing, pooled)
        seen = street_mask.mean(1).view(count, BINS, 4).mean(2) * street_present[:, None]
        coverage = torch.where(satellite_present[:, None], torch.ones_like(seen), seen)
        return features, coverage


@dataclass(frozen=True)
class Model:
    encoder: AveragingEncoder
    config: ModelConfig = CONFIG


def some_places() -> list[Place]:
    return [
        Place(index, f"road-{index:03d}", LonLat(13.0 + index * 1e-4, 55.005))
        for index in range(COUNT)
    ]


def random_strip(rng: np.random.Generator, seen_columns: int = 32) -> Strip:
    pixels = rng.integers(0, 255, (8, 32, 3), dtype=np.uint8)
    mask = np.zeros((8, 32), bool)
    mask[:, :seen_columns] = True
    return Strip(pixels * mask[..., None], mask)


def aligned_from(start: int) -> Iterator[AlignedReference]:
    """Places with a satellite image, a partial street view, both or nothing."""
    for place in some_places()[start:]:
        rng = np.random.default_rng(place.index)
        satellite, street = random_strip(rng), random_strip(rng, seen_columns=12)
        kind = place.index % 4
        yield AlignedReference(
            place=place,
            satellite_strip=satellite if kind in (0, 1) else None,
            street_strip=street if kind in (1, 2) else None,
            street_view_kind="real" if kind in (1, 2) else "none",
            calibration=Calibration("orb", 3.5, 0.7, accepted=True),
            street_view_ids=(f"view-{place.index}", "other") if kind in (1, 2) else (),
            street_view_captured_at=datetime(2021, 5, 1, 12, tzinfo=UTC) if kind == 1 else None,
        )


def some_meta(model_hash: str = "abc", **options: str) -> GalleryMeta:
    sources = (SourceTerms("Orthophoto", licence="CC0"),)
    return GalleryMeta(
        model_hash=model_hash,
        feature_shape=(HEIGHT, BINS, CHANNELS),
        count=COUNT,
        fingerprint=gallery_fingerprint(model_hash, AREA, some_places(), sources, options),
        area=AREA,
        sources=sources,
        created_at="2024-01-01T00:00:00+00:00",
        software_version="0.1.0",
        config=options,
    )


def build(
    folder: Path,
    meta: GalleryMeta | None = None,
    encoder: AveragingEncoder | None = None,
    references: Callable[[int], Iterable[AlignedReference]] = aligned_from,
    steps: list[Progress] | None = None,
    known: KnownRows = NOTHING_KNOWN,
    cancel: Callable[[], bool] = lambda: False,
) -> None:
    write_gallery(
        folder,
        some_places(),
        meta or some_meta(),
        references,
        Model(encoder or AveragingEncoder()),
        CPU,
        BATCH,
        progress=(lambda step: None) if steps is None else steps.append,
        cancel=cancel,
        known=known,
        imagery_source="Orthophoto",
        provider_of_view={f"view-{index}": "Folder" for index in range(COUNT)},
    )


@pytest.fixture
def gallery_folder(tmp_path: Path) -> Path:
    build(tmp_path / "gallery")
    return tmp_path / "gallery"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_gallery_keeps_every_place(gallery_folder: Path) -> None:
    gallery = open_gallery(gallery_folder, "abc")
    assert sorted(contents(gallery_folder)) == sorted(FILES)
    assert gallery.meta == some_meta()
    assert gallery.features.shape == (COUNT, HEIGHT, BINS, CHANNELS)
    assert gallery.features.dtype == np.float16
    assert isinstance(gallery.features, np.memmap)
    assert gallery.places.places() == some_places()
    record = gallery.places.record(5)
    assert record == PlaceRecord(
        place=some_places()[5],
        street_view="real",
        street_view_ids=("view-5", "other"),
        street_view_captured_at=datetime(2021, 5, 1, 12, tzinfo=UTC),
        street_view_source="Folder",
        imagery_source="Orthophoto",
        calibration=Calibration("orb", 3.5, 0.7, accepted=True),
    )
    only_satellite, only_street = gallery.places.record(4), gallery.places.record(6)
    assert (only_satellite.street_view, only_satellite.imagery_source) == ("none", "Orthophoto")
    assert (only_street.imagery_source, only_street.street_view_captured_at) == ("", None)


def test_features_are_weighted_by_coverage_and_empty_where_nothing_is_seen(
    gallery_folder: Path,
) -> None:
    gallery = open_gallery(gallery_folder)
    energy = np.square(gallery.features.astype(np.float32)).sum((1, 3))
    assert (gallery.coverage[0] == 1.0).all()
    np.testing.assert_allclose(energy[0], gallery.energy[0], rtol=1e-5)
    assert gallery.coverage[2].tolist() == [1.0] * 3 + [0.0] * 5
    assert (gallery.energy[2, 3:] == 0.0).all()
    assert (gallery.energy[2, :3] > 0.0).all()
    assert (gallery.coverage[3] == 0.0).all()
    assert not gallery.features[3].any()


def test_it_is_searched_as_it_lies(gallery_folder: Path) -> None:
    gallery = open_gallery(gallery_folder)
    columns = [6, 7, 0]
    seen = np.array(gallery.features[9][:, columns], np.float32).transpose(2, 0, 1)
    photo = PhotoFeatures(seen, np.ones(3, np.float32), 135.0)
    result = search_gallery(gallery, [photo], SearchConfig(), CPU)
    assert result.top[0].place_index == 9
    assert result.top[0].correlation == pytest.approx(1.0, abs=1e-3)
    assert np.isneginf(result.scores[3])


def test_the_places_are_a_geoparquet_layer_in_wgs84(gallery_folder: Path) -> None:
    import geopandas

    frame = geopandas.read_parquet(gallery_folder / "places.parquet")
    assert frame.crs.to_epsg() == 4326
    assert list(frame.geometry.x) == [place.lonlat.lon for place in some_places()]


CHILD = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
import test_gallery_module as t
import model_core.gallery.writer as writer
writer.FLUSH_ROWS = {flush}

def stops(start):
    for one in t.aligned_from(start):
        if one.place.index == {stop}:
            print("there", flush=True)
            sys.stdin.readline()
        yield one

t.build(Path({folder!r}), references=stops)
"""


@pytest.mark.slow
def test_a_killed_build_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    """SIGKILL in the middle of a batch; then an ordinary build of the same inputs."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    build(whole)
    module = tmp_path / "test_gallery_module.py"
    module.write_text(Path(__file__).read_text(encoding="utf-8"), encoding="utf-8")
    path = [str(tmp_path), str(Path(__file__).resolve().parents[2])]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD.format(path=path, folder=str(broken), flush=8, stop=22)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "there\n"
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert child.returncode == -signal.SIGKILL
    assert not broken.exists()
    with pytest.raises(GalleryError, match="unfinished"):
        open_gallery(broken)
    steps: list[Progress] = []
    asked: list[int] = []

    def references(start: int) -> Iterator[AlignedReference]:
        asked.append(start)
        return aligned_from(start)

    build(broken, references=references, steps=steps)
    assert asked == [16]
    assert "going on at place 16" in steps[0].message
    assert contents(broken) == contents(whole)
    assert not (tmp_path / "broken.partial").exists()


def test_a_cancelled_build_keeps_its_rows(tmp_path: Path) -> None:
    answers = iter([False, False, True])
    with (
        pytest.raises(Cancelled),
        GalleryWriter(tmp_path / "g", some_places(), some_meta()) as writer,
    ):
        write_features(
            writer,
            aligned_from(0),
            Model(AveragingEncoder()),
            CPU,
            BATCH,
            cancel=lambda: next(answers),
        )
    encoder = AveragingEncoder()
    build(tmp_path / "g", encoder=encoder)
    assert sum(encoder.batches) == COUNT - 2 * BATCH


def test_rows_already_written_are_skipped_when_they_come_again(tmp_path: Path) -> None:
    answers = iter([False, True])
    with (
        pytest.raises(Cancelled),
        GalleryWriter(tmp_path / "g", some_places(), some_meta()) as writer,
    ):
        write_features(
            writer,
            aligned_from(0),
            Model(AveragingEncoder()),
            CPU,
            BATCH,
            cancel=lambda: next(answers),
        )
    encoder = AveragingEncoder()
    build(tmp_path / "g", encoder=encoder, references=lambda start: aligned_from(0))
    assert sum(encoder.batches) == COUNT - BATCH


def known_from(folder: Path, meta: GalleryMeta, rows: set[int]) -> KnownRows:
    return find_known_rows([folder], meta, lambda places: np.isin(range(len(places)), list(rows)))


def all_rows(places: PlaceTable) -> np.ndarray:
    return np.ones(len(places), bool)


@pytest.mark.parametrize("rows", [{0, 1, 5, 6, 7, 20, 22}, set(range(COUNT)), {3}, set()])
def test_known_rows_are_copied_and_the_others_encoded(tmp_path: Path, rows: set[int]) -> None:
    first, second = (replace(some_meta(day=day), family="one") for day in ("1", "2"))
    build(tmp_path / "alone", second)
    build(tmp_path / "first", first)
    encoder, asked = AveragingEncoder(), []

    def references(start: int) -> Iterator[AlignedReference]:
        for one in aligned_from(start):
            if one.place.index not in rows:
                asked.append(one.place.index)
                yield one

    known = known_from(tmp_path / "first", second, rows)
    build(tmp_path / "second", second, encoder, references, known=known)
    assert sum(encoder.batches) == len(asked) == COUNT - len(rows)
    assert contents(tmp_path / "second") == contents(tmp_path / "alone")


def test_a_cancelled_build_goes_on_with_known_rows(tmp_path: Path) -> None:
    meta, rows = replace(some_meta(), family="one"), set(range(4, 15))
    build(tmp_path / "first", meta)
    known = known_from(tmp_path / "first", meta, rows)
    answers = iter([False, True])
    with pytest.raises(Cancelled):
        build(tmp_path / "g", meta, known=known, cancel=lambda: next(answers))
    encoder = AveragingEncoder()
    build(tmp_path / "g", meta, encoder, known=known)
    assert sum(encoder.batches) == COUNT - len(rows) - BATCH
    assert contents(tmp_path / "g") == contents(tmp_path / "first")


def test_only_galleries_of_the_same_family_know_rows(tmp_path: Path) -> None:
    meta = replace(some_meta(), family="one")
    for name, family in (("other", "two"), ("none", "")):
        build(tmp_path / name, replace(meta, family=family))
    build(tmp_path / "damaged", meta)
    os.truncate(tmp_path / "damaged" / "features.npy", 300)
    folders = [*(tmp_path / name for name in ("other", "none", "damaged", "absent"))]
    nothing = find_known_rows(folders, meta, all_rows)
    assert not any(row in nothing for row in range(COUNT))
    assert not any(
        row in find_known_rows(folders, replace(meta, family=""), all_rows) for row in range(COUNT)
    )
    build(tmp_path / "same", meta)
    all_known = find_known_rows([*folders, tmp_path / "same"], meta, all_rows)
    assert all(row in all_known for row in range(COUNT))
    with (
        GalleryWriter(tmp_path / "g", some_places(), replace(meta, model_hash="new")) as writer,
        pytest.raises(GalleryError, match="another model"),
    ):
        writer.copy_row(all_known.gallery_of(0))
    moved = [replace(place, lonlat=LonLat(1.0, 2.0)) for place in some_places()]
    with (
        GalleryWriter(tmp_path / "h", moved, meta) as writer,
        pytest.raises(GalleryError, match="no such place"),
    ):
        writer.copy_row(all_known.gallery_of(0))


def test_only_the_galleries_that_know_the_most_stay_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_rows, "MOST_OPEN", 2)
    meta = replace(some_meta(), family="one")
    parts = {"a": {0}, "b": {0}, "c": {1, 2}, "d": {3, 4, 5}}
    for name in parts:
        build(tmp_path / name, replace(meta, created_at=name))

    def known_to(places: PlaceTable) -> np.ndarray:
        return np.isin(range(COUNT), list(next(left)))

    left = iter(parts.values())
    known = find_known_rows([tmp_path / name for name in parts], meta, known_to)
    assert [gallery.path.name for gallery in known.galleries] == ["c", "d"]
    assert [row for row in range(COUNT) if row in known] == [1, 2, 3, 4, 5]
    assert known.gallery_of(1).path.name == "c"


@pytest.mark.parametrize(
    "damage",
    [
        "other inputs",
        "torn progress",
        "torn array",
        "no records",
        "records in another order",
        "records without rows",
    ],
)
def test_an_unusable_partial_gallery_is_built_anew(tmp_path: Path, damage: str) -> None:
    folder, partial = tmp_path / "g", tmp_path / "g.partial"
    with GalleryWriter(folder, some_places(), some_meta()) as writer:
        batch = list(aligned_from(0))[:BATCH]
        encoder = AveragingEncoder()
        write_features(writer, batch, Model(encoder), CPU, BATCH)
    meta = some_meta()
    if damage == "other inputs":
        meta = some_meta(footprint="70 m")
    elif damage == "torn progress":
        (partial / "progress.json").write_text("{")
    elif damage == "torn array":
        os.truncate(partial / "features.npy", 300)
    elif damage == "no records":
        (partial / "records.jsonl").unlink()
    elif damage == "records in another order":
        lines = (partial / "records.jsonl").read_text().splitlines()
        (partial / "records.jsonl").write_text("\n".join(lines[::-1]))
    else:
        text = (partial / "records.jsonl").read_text()
        (partial / "records.jsonl").write_text(text.replace('"row"', '"line"'))
    steps: list[Progress] = []
    encoder = AveragingEncoder()
    build(folder, meta, encoder, steps=steps)
    assert "anew" in steps[0].message
    assert sum(encoder.batches) == COUNT
    assert open_gallery(folder).meta == meta


def test_a_new_gallery_replaces_an_old_one_only_when_whole(gallery_folder: Path) -> None:
    before = contents(gallery_folder)
    with GalleryWriter(gallery_folder, some_places(), some_meta("new")) as writer:
        write_features(writer, list(aligned_from(0))[:5], Model(AveragingEncoder()), CPU, BATCH)
        with pytest.raises(GalleryError, match="5 of 23"):
            writer.finish()
    assert contents(gallery_folder) == before
    build(gallery_folder, some_meta("new"))
    assert open_gallery(gallery_folder, "new").meta.model_hash == "new"
    assert sorted(path.name for path in gallery_folder.parent.iterdir()) == ["gallery"]


@pytest.mark.parametrize("by_system", [True, False])
def test_an_unfinished_gallery_has_its_room_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_system: bool
) -> None:
    if not by_system:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    meta = replace(some_meta(), feature_shape=(HEIGHT, BINS, 4096))
    with GalleryWriter(tmp_path / "g", some_places(), meta):
        state = (tmp_path / "g.partial" / "features.npy").stat()
    assert state.st_blocks * 512 >= state.st_size > 2_000_000
    assert not np.load(tmp_path / "g.partial" / "features.npy").any()


def test_a_disk_that_is_full_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, offset: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(GalleryError, match="choose another disk, a smaller area"):
        build(tmp_path / "g")
    assert not list(tmp_path.iterdir())


class Held:
    """References that stop at the tenth place until they are let go."""

    def __init__(self) -> None:
        self.begun, self.free = threading.Event(), threading.Event()

    def __call__(self, start: int) -> Iterator[AlignedReference]:
        for one in aligned_from(start):
            if one.place.index == 10:
                self.begun.set()
                self.free.wait(30)
            yield one


def test_a_second_run_waits_for_the_gallery_that_the_first_one_builds(tmp_path: Path) -> None:
    folder, held = tmp_path / "g", Held()
    first = threading.Thread(target=build, args=(folder,), kwargs={"references": held})
    first.start()
    assert held.begun.wait(30)
    with pytest.raises(Cancelled, match="another run"):
        build(folder, cancel=lambda: True)
    steps: list[Progress] = []
    encoder = AveragingEncoder()

    class Steps(list[Progress]):
        def append(self, step: Progress) -> None:
            steps.append(step)
            held.free.set()

    build(folder, encoder=encoder, steps=Steps())
    first.join()
    assert f"waiting for another run that builds {folder}" in steps[0].message
    assert encoder.batches == []
    assert open_gallery(folder, "abc").meta == some_meta()
    assert [path.name for path in tmp_path.iterdir()] == ["g"]


def test_another_folder_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "photo.jpg").write_bytes(b"mine")
    with pytest.raises(GalleryError, match="no gallery"):
        build(tmp_path / "holiday")
    assert (tmp_path / "holiday" / "photo.jpg").read_bytes() == b"mine"


def test_a_gallery_of_another_model_is_refused_with_the_next_step(gallery_folder: Path) -> None:
    with pytest.raises(GalleryError, match="build the gallery again with this model"):
        open_gallery(gallery_folder, "def")


def _cut(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        size = (folder / name).stat().st_size
        os.truncate(folder / name, size - 40)

    return damage


def _rewrite(name: str, array: np.ndarray) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / name, array)


def _edit_meta(**changes: object) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        meta = json.loads((folder / "gallery.json").read_text())
        meta.update(changes)
        (folder / "gallery.json").write_text(json.dumps(meta))

    return damage


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (_cut("features.npy"), "features.npy is damaged"),
        (_cut("coverage.npy"), "coverage.npy is damaged"),
        (_cut("places.parquet"), "places.parquet cannot be read"),
        (_cut("gallery.json"), "gallery.json cannot be read"),
        (lambda folder: (folder / "energy.npy").unlink(), "energy.npy is missing"),
        (lambda folder: (folder / "gallery.json").unlink(), "gallery.json is missing"),
        (lambda folder: (folder / "places.parquet").unlink(), "places.parquet is missing"),
        (lambda folder: (folder / "features.npy").write_bytes(b""), "features.npy is damaged"),
        (_rewrite("features.npy", np.zeros((COUNT, 4, 9, 16), np.float16)), "instead of"),
        (_rewrite("energy.npy", np.zeros((COUNT, BINS), np.float64)), "instead of"),
        (_rewrite("energy.npy", np.full((COUNT, BINS), np.nan, np.float32)), "impossible"),
        (_rewrite("features.npy", np.array([{"a": 1}], object)), "features.npy is damaged"),
        (_edit_meta(count=COUNT - 1), "instead of"),
        (_edit_meta(format_version=7), "format version 7"),
        (_edit_meta(feature_shape="wide"), "garbles"),
        (_edit_meta(area={"type": "Blob"}), "garbles"),
    ],
)
def test_damage_is_one_clear_error(
    gallery_folder: Path, damage: Callable[[Path], None], named: str
) -> None:
    damage(gallery_folder)
    with pytest.raises(GalleryError, match=named) as caught:
        open_gallery(gallery_folder)
    assert "again" in str(caught.value)


def test_no_gallery_at_all_says_so(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="build one first"):
        open_gallery(tmp_path / "nothing")


def test_memory_that_runs_out_is_answered_by_smaller_batches(tmp_path: Path) -> None:
    build(tmp_path / "whole")
    encoder = AveragingEncoder()
    encoder.most = 1
    build(tmp_path / "small", encoder=encoder)
    assert encoder.batches[:8] == [4, 2, 1, 1, 1, 1, 1, 1]
    whole, small = open_gallery(tmp_path / "whole"), open_gallery(tmp_path / "small")
    np.testing.assert_allclose(
        small.features.astype(np.float32), whole.features.astype(np.float32), atol=2e-3
    )
    encoder.most = 0
    with pytest.raises(DeviceError, match="cpu"):
        build(tmp_path / "none", encoder=encoder)


def test_rows_out_of_order_and_bad_features_are_refused(tmp_path: Path) -> None:
    references = list(aligned_from(0))
    with GalleryWriter(tmp_path / "g", some_places(), some_meta()) as writer:
        with pytest.raises(GalleryError, match="row 0 is next"):
            write_features(writer, references[1:], Model(AveragingEncoder()), CPU, BATCH)
        records = [PlaceRecord(references[0].place)]
        features = torch.full((1, CHANNELS, HEIGHT, BINS), torch.nan)
        with pytest.raises(GalleryError, match="not finite"):
            writer.append(features, torch.ones(1, BINS), records)
        with pytest.raises(GalleryError, match="use one model"):
            writer.append(torch.zeros(1, 8, HEIGHT, BINS), torch.ones(1, BINS), records)
        assert writer.rows_done == 0


def test_the_fingerprint_follows_every_input() -> None:
    places, sources = some_places(), [SourceTerms("a")]
    base = gallery_fingerprint("m", AREA, places, sources, {"footprint": 50})
    moved = [replace(places[0], lonlat=LonLat(13.00001, 55.005)), *places[1:]]
    others = [
        gallery_fingerprint("n", AREA, places, sources, {"footprint": 50}),
        gallery_fingerprint("m", Area.from_bounds(0, 0, 1, 1), places, sources, {"footprint": 50}),
        gallery_fingerprint("m", AREA, moved, sources, {"footprint": 50}),
        gallery_fingerprint("m", AREA, places, [SourceTerms("b")], {"footprint": 50}),
        gallery_fingerprint("m", AREA, places, sources, {"footprint": 70}),
    ]
    assert base == gallery_fingerprint("m", AREA, list(places), sources, {"footprint": 50})
    assert len({base, *others}) == 6


def test_records_come_from_references_without_strips() -> None:
    place = some_places()[0]
    terms = SourceTerms("Folder")
    views = tuple(
        StreetView(f"v{year}", Path("x.jpg"), place.lonlat, "perspective", 0, 60, terms, date)
        for year, date in ((2019, datetime(2019, 1, 1)), (2022, datetime(2022, 1, 1)), (0, None))
    )
    record = PlaceRecord.of_reference(Reference(place, None, views))
    assert (record.street_view, record.street_view_source) == ("real", "Folder")
    assert record.street_view_captured_at == datetime(2022, 1, 1)
    assert PlaceRecord.of_reference(Reference(place, None)).street_view == "none"
    table = PlaceTable.from_records([record])
    assert table.record(0) == record
    with pytest.raises(GalleryError):
        PlaceTable.from_records([record, record])


def test_the_real_encoder_fills_a_gallery(tmp_path: Path) -> None:
    config = ModelConfig(geometry=StripGeometry(height=64, width=128))
    torch.manual_seed(0)
    model = PlaceEncoder(config).eval()
    rng = np.random.default_rng(0)
    mask = np.ones((64, 128), bool)
    part = mask.copy()
    part[:, 64:] = False
    strips = [Strip(rng.integers(0, 255, (64, 128, 3), dtype=np.uint8), mask) for _ in range(3)]
    half = Strip(strips[2].pixels * part[..., None], part)
    places = some_places()[:3]
    aligned = [
        AlignedReference(places[0], strips[0], None),
        AlignedReference(places[1], strips[1], half, "real"),
        AlignedReference(places[2], None, half, "real"),
    ]

    @dataclass(frozen=True)
    class Real:
        config: ModelConfig
        encoder: PlaceEncoder

    meta = replace(
        some_meta(), count=3, feature_shape=(config.feature_height, config.azimuth_bins, 16)
    )
    gallery = write_gallery(
        tmp_path / "g", places, meta, lambda start: aligned[start:], Real(config, model), CPU
    )
    np.testing.assert_allclose(gallery.energy.sum(1), 1.0, atol=1e-2)
    assert (gallery.coverage[:2] == 1.0).all()
    assert (gallery.coverage[2, :8] == 1.0).all()
    assert (gallery.coverage[2, 8:] == 0.0).all()
    with torch.no_grad():
        whole = model.encode_photo(
            *_as_photo(strips[0]),
            circular=True,
        )[0].numpy()
    photo = PhotoFeatures(whole, np.ones(config.azimuth_bins, np.float32), 360.0)
    result = search_gallery(gallery, [photo], SearchConfig(), CPU)
    assert result.top[0].place_index == 0
    assert result.top[0].correlation == pytest.approx(1.0, abs=1e-2)


def _as_photo(strip: Strip) -> tuple[torch.Tensor, torch.Tensor]:
    from model_core.features.preprocess import to_tensor

    return to_tensor([strip])
