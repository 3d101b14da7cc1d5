"""What the engine says, told to a Processing feedback: one bar, one line a stage and photo."""

from __future__ import annotations

from qgis.core import QgsProcessingFeedback

from .. import wording
from ..i18n import tr
from ..layers.candidate import PhotoRecord, candidates_of
from ..model_core import contract

SPANS = {
    "photos": (0.0, 3.0),
    "survey": (3.0, 6.0),
    "fetch imagery": (6.0, 20.0),
    "fetch street views": (20.0, 35.0),
    "write street views": (35.0, 40.0),
    "gallery": (40.0, 65.0),
    "locate": (65.0, 98.0),
    "write results": (98.0, 100.0),
}
"""Which part of the bar each stage fills; a stage that is not here moves it within its photo."""


class EngineFeedback:
    """Tells one call's progress, answers and log to a feedback."""

    def __init__(self, feedback: QgsProcessingFeedback) -> None:
        self._feedback = feedback
        self._stage = ""
        self._percent = 0.0
        self._photos_done = 0
        self._photos = 0

    def progress(self, step: contract.ProgressParams) -> None:
        """Move the bar, never backwards; say when a stage begins."""
        if step.stage != self._stage:
            self._stage = step.stage
            self._feedback.pushInfo(stage_words(step.stage))
        self._percent = max(self._percent, self._reached(step))
        self._feedback.setProgress(self._percent)

    def answer(self, answered: contract.AnswerParams) -> None:
        """Say what was found for one photo."""
        words = answer_words(answered.answer)
        counted = tr("Photo {0} of {1}: {2}").format(answered.done, answered.total, words)
        if answered.answer.error:
            self._feedback.pushWarning(counted)
        else:
            self._feedback.pushInfo(counted)

    def log(self, line: str) -> None:
        """Pass a line of the engine's log on."""
        self._feedback.pushConsoleInfo(line)

    def _reached(self, step: contract.ProgressParams) -> float:
        share = min(1.0, step.done / step.total) if step.total else 0.0
        if step.stage == "locate":
            self._photos_done, self._photos = step.done, step.total
        elif step.stage not in SPANS:
            if not self._photos:
                return self._percent
            share = (self._photos_done + share) / self._photos
        start, end = SPANS.get(step.stage, SPANS["locate"])
        return start + (end - start) * min(1.0, share)


def stage_words(stage: str) -> str:
    """Return a stage of the engine in words; one that is not known by its own name."""
    words = {
        "photos": tr("Reading the photos"),
        "survey": tr("Looking for street views and roads"),
        "fetch imagery": tr("Fetching imagery"),
        "fetch street views": tr("Fetching street views"),
        "write street views": tr("Writing street views"),
        "gallery": tr("Computing the features of every place"),
        "locate": tr("Locating the photos"),
        "matching": tr("Comparing a photo with every place"),
        "beside": tr("Looking at the best places from a few metres beside"),
        "verification": tr("Comparing a photo with street views"),
        "write results": tr("Writing the results"),
    }
    return words.get(stage, stage)


def answer_words(answer: contract.PhotoAnswer) -> str:
    """Return in a line what was found for one photo."""
    record = PhotoRecord.of(answer)
    if record.error:
        return f"{record.name}: {record.error}"
    best = next(iter(candidates_of(answer)), None)
    guess = wording.best_guess(best, not record.not_in_area)
    return f"{record.name}: {wording.verdict(record)}. {guess}"
