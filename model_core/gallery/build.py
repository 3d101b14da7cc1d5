"""Aligned references to gallery rows, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from model_core.config import ModelConfig, StripGeometry
from model_core.device import run_in_batches
from model_core.errors import Cancelled
from model_core.features.preprocess import to_tensor
from model_core.gallery.known import NOTHING_KNOWN, KnownRows
from model_core.gallery.lock import alone
from model_core.gallery.places import PlaceRecord
from model_core.gallery.store import META_FILE, Gallery, GalleryMeta, open_gallery
from model_core.gallery.writer import GalleryWriter
from model_core.types import (
    AlignedReference,
    CancelCheck,
    Place,
    Progress,
    ProgressCallback,
    Strip,
    ignore_progress,
    never_cancelled,
)


class ReferenceEncoder(Protocol):
    """The part of ``PlaceEncoder`` that is needed here."""

    def encode_reference(  # noqa: D102
        self,
        satellite: Tensor,
        satellite_present: Tensor,
        street: Tensor,
        street_mask: Tensor,
        street_present: Tensor,
        street_weight: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]: ...


class Bundle(Protocol):
    """The part of a model bundle that is needed here."""

    @property
    def config(self) -> ModelConfig: ...  # noqa: D102

    @property
    def encoder(self) -> ReferenceEncoder: ...  # noqa: D102


def write_gallery(
    folder: Path,
    places: Sequence[Place],
    meta: GalleryMeta,
    aligned_from: Callable[[int], Iterable[AlignedReference]],
    bundle: Bundle,
    device: torch.device,
    batch_size: int = 32,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelCheck = never_cancelled,
    *,
    known: KnownRows = NOTHING_KNOWN,
    imagery_source: str = "",
    provider_of_view: Mapping[str, str] | None = None,
    dtype: torch.dtype = torch.float32,
) -> Gallery:
    """Build a gallery, or go on with one that was interrupted, and return it open.

    While another run builds the same one, this run waits, and takes it once it is finished.

    Args:
        folder: Where the gallery goes.
        places: Every place, in row order.
        meta: What the gallery is of.
        aligned_from: Gives the strips of the places from a row on; known rows may be left out.
        bundle: The model.
        device: Where the model is.
        batch_size: Places a batch.
        progress: Told after every batch, and whether an earlier build goes on.
        cancel: Asked between batches; what was written is kept.
        known: Rows to copy from other galleries.
        imagery_source: The imagery's provider, for the records.
        provider_of_view: Street-view provider by view id, for the records.
        dtype: The encoder's precision, as ``device.choose_dtype`` gives it.

    Raises:
        AreaError: Nothing is known of any place.
        Cancelled: The user asked to stop.
        DeviceError: Not even one place fits into the device's memory.
        GalleryError: The folder cannot be written, or the rows do not fit.
    """
    with alone(folder, progress, cancel) as has_waited:
        if has_waited and _is_finished(folder, meta):
            return open_gallery(folder, meta.model_hash)
        with GalleryWriter(folder, places, meta) as writer:
            for notice in writer.notices:
                progress(Progress("gallery", writer.rows_done, meta.count, notice))
            write_features(
                writer,
                aligned_from(writer.rows_done),
                bundle,
                device,
                batch_size,
                progress,
                cancel,
                known=known,
                imagery_source=imagery_source,
                provider_of_view=provider_of_view,
                dtype=dtype,
            )
            known.close()
            return writer.finish()


def _is_finished(folder: Path, meta: GalleryMeta) -> bool:
    path = folder / META_FILE
    return path.is_file() and GalleryMeta.read(path).fingerprint == meta.fingerprint


def write_features(
    writer: GalleryWriter,
    aligned: Iterable[AlignedReference],
    bundle: Bundle,
    device: torch.device,
    batch_size: int = 32,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelCheck = never_cancelled,
    *,
    known: KnownRows = NOTHING_KNOWN,
    imagery_source: str = "",
    provider_of_view: Mapping[str, str] | None = None,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Encode aligned references and append them to a gallery.

    References of rows that an earlier build has written are skipped; it saves time to leave them
    out of ``aligned`` from the start (``writer.rows_done`` says where to begin). A batch that does
    not fit the device's memory is halved, and so are those after it.

    Args:
        writer: Takes the rows.
        aligned: Strips of the places, in row order; those of known rows may be left out.
        bundle: The model.
        device: Where the model is.
        batch_size: Places a batch.
        progress: Told after every batch.
        cancel: Asked between batches; what was appended is kept.
        known: Rows to copy from other galleries.
        imagery_source: The imagery's provider, for the records.
        provider_of_view: Street-view provider by view id, for the records.
        dtype: The encoder's precision, as ``device.choose_dtype`` gives it.

    Raises:
        Cancelled: The user asked to stop.
        DeviceError: Not even one place fits into the device's memory.
        GalleryError: References out of order, or features that the gallery cannot take.
    """
    providers = provider_of_view or {}
    start, total = writer.rows_done, writer.meta.count
    waiting = (
        reference
        for reference in aligned
        if reference.place.index >= start and reference.place.index not in known
    )
    encode = Encoding(bundle, device, max(1, batch_size), dtype)
    _copy_known(writer, known)
    progress(Progress("gallery", writer.rows_done, total))
    while True:
        if cancel():
            raise Cancelled("building the gallery was stopped; build it again to go on with it")
        batch = list(islice(waiting, max(1, batch_size)))
        if not batch:
            return
        features, coverage = encode.batch(batch)
        records = [PlaceRecord.of_aligned(one, imagery_source, providers) for one in batch]
        for run in _runs([record.place.index for record in records]):
            writer.append(features[run], coverage[run], records[run])
            _copy_known(writer, known)
        progress(Progress("gallery", writer.rows_done, total))


def _runs(rows: Sequence[int]) -> Iterator[slice]:
    """Yield the parts of rows that follow each other."""
    first = 0
    for stop in range(1, len(rows) + 1):
        if stop == len(rows) or rows[stop] != rows[stop - 1] + 1:
            yield slice(first, stop)
            first = stop


def _copy_known(writer: GalleryWriter, known: KnownRows) -> None:
    """Copy rows up to the next one that is not known."""
    while writer.rows_done < writer.meta.count and writer.rows_done in known:
        writer.copy_row(known.gallery_of(writer.rows_done))


@dataclass
class Encoding:
    """Encodes batches; ``size`` places at once, fewer after the memory ran out."""

    bundle: Bundle
    device: torch.device
    size: int
    dtype: torch.dtype

    def batch(self, references: Sequence[AlignedReference]) -> tuple[Tensor, Tensor]:
        """Return features (n, C, h, bins) and coverage (n, bins) on the processor."""

        def part(start: int, stop: int) -> tuple[Tensor, Tensor]:
            return self._encode(references[start:stop])

        parts = run_in_batches(part, len(references), self.size, self.device)
        self.size = min(self.size, max(len(features) for features, _ in parts))
        features, coverage = zip(*parts, strict=True)
        return torch.cat(features), torch.cat(coverage)

    @torch.inference_mode()
    def _encode(self, references: Sequence[AlignedReference]) -> tuple[Tensor, Tensor]:
        blank = _blank_strip(self.bundle.config.geometry)
        satellites = [one.satellite_strip or blank for one in references]
        streets = [one.street_strip or blank for one in references]
        satellite, _ = to_tensor(satellites, self.device)
        street, street_mask = to_tensor(streets, self.device)
        has_satellite = torch.tensor([strip is not blank for strip in satellites])
        has_street = torch.tensor([strip is not blank for strip in streets])
        weights = [one.street_weight for one in references]
        weight = torch.tensor(weights, device=self.device) if min(weights) < 1.0 else None
        with torch.autocast(
            self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32
        ):
            features, coverage = self.bundle.encoder.encode_reference(
                satellite,
                has_satellite.to(self.device),
                street,
                street_mask,
                has_street.to(self.device),
                weight,
            )
        return features.float().cpu(), coverage.float().cpu()


def _blank_strip(geometry: StripGeometry) -> Strip:
    """Return the strip that stands for a reference that is not there."""
    shape = (geometry.height, geometry.width)
    return Strip(np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.bool_))
