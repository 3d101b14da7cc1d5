"""A pipeline that answers at once, for tests of what stands around the real one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from model_core.errors import Cancelled, GeolocatorError, PhotoError
from model_core.request import GalleryRequest, LocateOutcome, LocateRequest
from model_core.types import (
    AnswerCallback,
    CancelCheck,
    Candidate,
    LonLat,
    PhotoResult,
    Progress,
    ProgressCallback,
    ignore_answer,
)


def candidate(photo: str, rank: int = 1, **changes: object) -> Candidate:
    """Return a candidate with every field filled."""
    values: dict[str, object] = {
        "photo": photo,
        "rank": rank,
        "lonlat": LonLat(13.19 + rank * 0.001, 55.7),
        "score": 5.5,
        "probability": 0.8,
        "heading_deg": 271.4,
        "heading_sigma_deg": 4.0,
        "fov_deg": 66.0,
        "place_id": "road-17",
        "street_view": "real",
        "street_view_date": datetime(2024, 5, 1, tzinfo=UTC),
        "street_view_source": "local",
        "imagery_source": "",
        "inliers": 31,
    }
    return Candidate(**{**values, **changes})  # type: ignore[arg-type]


class FakePipeline:
    """Answers each photo by its name; remembers what it was asked."""

    def __init__(
        self, raises: Exception | None = None, during: Callable[[], None] | None = None
    ) -> None:
        self.requests: list[LocateRequest | GalleryRequest] = []
        self._raises = raises
        self._during = during

    def __call__(self) -> FakePipeline:
        """Stand in for the function that loads the pipeline."""
        return self

    def locate(
        self,
        request: LocateRequest,
        progress: ProgressCallback,
        cancel: CancelCheck,
        answer: AnswerCallback = ignore_answer,
    ) -> LocateOutcome:
        """Fail photos named ``bad*``, place ``far*`` elsewhere, and the others in the area."""
        self._begin(request, progress, cancel)
        results = tuple(self._result(photo) for photo in request.photos)
        for done, result in enumerate(results, start=1):
            answer(result, done, len(results))
        return LocateOutcome(
            results,
            summary="a summary",
            notes=("a [note]",),
        )

    def build_gallery(
        self, request: GalleryRequest, progress: ProgressCallback, cancel: CancelCheck
    ) -> Path:
        """Return the folder that was asked for."""
        self._begin(request, progress, cancel)
        return request.out

    def _begin(
        self,
        request: LocateRequest | GalleryRequest,
        progress: ProgressCallback,
        cancel: CancelCheck,
    ) -> None:
        self.requests.append(request)
        progress(Progress("references", 1, 2, "reading [x]"))
        progress(Progress("search", 5, 0))
        print("a library prints")
        if self._during is not None:
            self._during()
        if cancel():
            raise Cancelled("stopped by the user")
        if self._raises is not None:
            raise self._raises

    @staticmethod
    def _result(photo: Path) -> PhotoResult:
        if photo.name.startswith("bad"):
            error: GeolocatorError = PhotoError(f"{photo}: is damaged; open it in a viewer")
            return PhotoResult(photo, error=str(error), error_code=error.code)
        far = photo.name.startswith("far")
        found = (candidate(photo.name), candidate(photo.name, 2, heading_sigma_deg=float("nan")))
        return PhotoResult(
            photo,
            "ab" * 32,
            found,
            probability_elsewhere=0.9 if far else 0.05,
            not_in_area=far,
            notes=("no date",),
        )


if __name__ == "__main__":
    from model_core.cli import app

    wanted = os.environ.get("FAKE_WAIT_FOR_INTERRUPT")

    def wait() -> None:
        """Be interrupted as Ctrl-C does."""
        os.kill(os.getpid(), 2)

    app(sys.argv[1:], obj=FakePipeline(during=wait if wanted else None))
