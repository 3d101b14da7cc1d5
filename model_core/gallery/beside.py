"""Places seen from a few metres beside: satellite features for the best of a search, made late.

Places lie farther apart than a satellite strip can be off its centre and still be like the photo.
A gallery of places every few metres would cost many times as much to build, so only the places
that a photo may well have been taken at are looked at again, from ``LOOKS`` points around each,
out of the image that they were encoded from. A place known by a street view that was taken there
is left alone: that view has one standpoint. Where street views are made, each look gets its own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from model_core.alignment.polar import satellite_strip
from model_core.device import choose_dtype, run_in_batches
from model_core.errors import ImageryError, ProviderError
from model_core.gallery.around import shifts_around_m
from model_core.gallery.build import Bundle, Encoding
from model_core.gallery.places import PlaceTable
from model_core.gallery.weighting import weigh_bins
from model_core.references.collect import ReferenceSummary
from model_core.references.imagery.base import ImagerySource, OnlineImagery
from model_core.types import (
    AlignedReference,
    CancelCheck,
    FloatArray,
    LonLat,
    Progress,
    ProgressCallback,
    SatelliteImage,
    ignore_progress,
    never_cancelled,
)

FillIn = Callable[[Iterable[AlignedReference]], Iterable[AlignedReference]]
STAGE = "beside"
KEPT_BYTES = 256 << 20


@dataclass(frozen=True)
class LooksBeside:
    """The places ``rows`` (n,) of a gallery, ``LOOKS`` rows each, to be searched as one.

    ``features`` float16 (n * LOOKS, h, bins, C), ``energy`` and ``coverage`` float32
    (n * LOOKS, bins), as in a gallery.
    """

    rows: npt.NDArray[np.int64]
    features: npt.NDArray[np.float16]
    energy: FloatArray
    coverage: FloatArray


class PlacesBeside:
    """Makes and remembers the looks of a gallery's places.

    A place whose image cannot be read is left out and counted; after an online source has failed
    once, no more is asked of it. Images that may not be kept are looked at only while in memory.

    Args:
        places: The gallery's places.
        imagery: What they were encoded from.
        model: What encoded them.
        device: Where the model is.
        may_look: bool (N,), the places that may be looked at.
        step_m: How far beside.
        batch_size: Strips encoded at once.
        summary: Counts what fails.
        kept_bytes: Most memory for what is remembered; the longest unused goes first.
        fill_in: Makes a street view for every look where the policy asks for it.
        dtype: The encoder's precision; the fastest one here if None.
    """

    def __init__(
        self,
        places: PlaceTable,
        imagery: ImagerySource,
        model: Bundle,
        device: torch.device,
        may_look: npt.NDArray[np.bool_],
        step_m: float,
        batch_size: int,
        summary: ReferenceSummary,
        kept_bytes: int = KEPT_BYTES,
        fill_in: FillIn = iter,
        dtype: torch.dtype | None = None,
    ) -> None:
        self._places = places
        self._imagery = imagery
        self._model = model
        self._device = device
        self._step_m = step_m
        self._encoding = Encoding(model, device, batch_size, dtype or choose_dtype(device))
        self._summary = summary
        self._fill_in = fill_in
        self._kept_bytes = kept_bytes
        self._out_of_reach = False
        self._kept: OrderedDict[int, tuple[npt.NDArray[np.float16], FloatArray, FloatArray]] = (
            OrderedDict()
        )
        self._may_look = may_look & (places.frame["imagery_source"] != "").to_numpy()

    def look(
        self,
        rows: Sequence[int],
        progress: ProgressCallback = ignore_progress,
        cancel: CancelCheck = never_cancelled,
    ) -> LooksBeside | None:
        """Return the looks of those of some places that can be looked at, None if none can.

        Args:
            rows: Of the gallery, in any order.
            progress: Told after every place that was not known yet.
            cancel: Asked before every place.

        Raises:
            Cancelled: The user asked to stop.
            DeviceError: Not even one strip fits into the device's memory.
        """
        wanted = [row for row in rows if self._may_look[row]]
        missing = [row for row in wanted if row not in self._kept]

        def make(start: int, stop: int) -> None:
            for row in missing[start:stop]:
                looks = self._encode(row)
                if looks is not None:
                    self._kept[row] = looks
            progress(Progress(STAGE, stop, len(missing)))

        run_in_batches(make, len(missing), 1, self._device, cancel)
        found = [row for row in wanted if row in self._kept]
        if not found:
            return None
        for row in found:
            self._kept.move_to_end(row)
        features, energy, coverage = (
            np.concatenate(part) for part in zip(*(self._kept[row] for row in found), strict=True)
        )
        self._forget()
        return LooksBeside(np.array(found, np.int64), features, energy, coverage)

    def _encode(self, row: int) -> tuple[npt.NDArray[np.float16], FloatArray, FloatArray] | None:
        """Return features, energy and coverage of one place's looks, None without an image."""
        image = self._read(row)
        if image is None:
            return None
        place, geometry = self._places.place(row), self._model.config.geometry
        looks = (
            AlignedReference(place, satellite_strip(image, geometry, shift_m), None)
            for shift_m in shifts_around_m(self._step_m)
        )
        features, coverage = self._encoding.batch(list(self._fill_in(looks)))
        stored, energy = weigh_bins(features.permute(0, 2, 3, 1), coverage)
        return stored.numpy(), energy.numpy(), coverage.numpy()

    def _read(self, row: int) -> SatelliteImage | None:
        geometry = self._model.config.geometry
        lonlat = self._places.place(row).lonlat
        if self._out_of_reach or self._would_be_asked_again(lonlat):
            return None
        try:
            return self._imagery.read(lonlat, geometry.footprint_m, geometry.satellite_px)
        except ImageryError as err:
            self._summary.add_failure(self._imagery.terms.provider, str(err))
        except ProviderError as err:
            self._summary.add_failure(self._imagery.terms.provider, str(err), err.reason)
            self._out_of_reach = True
        return None

    def _would_be_asked_again(self, lonlat: LonLat) -> bool:
        """Return whether an image that may not be kept is gone: its source may charge for it."""
        imagery, geometry = self._imagery, self._model.config.geometry
        if imagery.terms.cacheable or not isinstance(imagery, OnlineImagery):
            return False
        plan = imagery.plan([lonlat], geometry.footprint_m, geometry.satellite_px)
        return plan.requests > 0

    def _forget(self) -> None:
        """Drop what was used longest ago until the rest fits."""
        size = sum(part.nbytes for looks in self._kept.values() for part in looks)
        while len(self._kept) > 1 and size > self._kept_bytes:
            _, looks = self._kept.popitem(last=False)
            size -= sum(part.nbytes for part in looks)
