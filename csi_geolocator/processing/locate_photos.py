"""``locatephotos``: photos and an area in, candidates, fields of view, heat and a report out."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsFeature,
    QgsFeatureSink,
    QgsFields,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterRasterDestination,
    QgsVectorLayer,
)

from ..i18n import tr
from ..layers import store
from ..layers.candidate import PhotoRecord, candidates_of
from ..layers.locate_run import LocateRun, capture_times, end_values, free_path, started_now
from ..model_core import contract
from . import parameters as names
from .algorithm import GeolocatorAlgorithm
from .inputs import Inputs
from .loaded_layers import forget_layer, style_when_loaded

CANDIDATES, FIELDS_OF_VIEW, HEAT = "CANDIDATES", "FIELDS_OF_VIEW", "HEAT"
SUMMARY, ATTRIBUTIONS = "SUMMARY", "ATTRIBUTIONS"
LOCATED, NOT_IN_AREA, FAILED = "LOCATED", "NOT_IN_AREA", "FAILED"
TABLES = {CANDIDATES: store.CANDIDATES, FIELDS_OF_VIEW: store.VIEWS}
HEAT_STYLE = "heat"


class LocatePhotos(GeolocatorAlgorithm):
    """Ranks the places of an area for each photo."""

    NAME = "locatephotos"
    ICON = "locate"
    GROUP = "locating"

    def displayName(self) -> str:
        """Return the title in the toolbox."""
        return tr("Locate photos")

    def tags(self) -> list[str]:
        """Return words to find it by."""
        words = tr("photo,geolocation,geotag,street view,satellite,heading,where,find")
        return words.split(",")

    def shortDescription(self) -> str:
        """Return what it does in a sentence."""
        return tr("Ranks the places of an area where each photo may have been taken.")

    def shortHelpString(self) -> str:
        """Return how to use it and how to read the answer."""
        return tr(
            "Compares each photo with satellite imagery and street views of every place of an "
            "area and ranks the places, each with a viewing direction, a probability and what "
            "speaks for it. Where nothing fits it says so.\n\n"
            "Give photos, an area and at least imagery or street views; both are better. Roads "
            "say where places lie. A gallery folder keeps what was computed, so that the next "
            "photo of the same area takes seconds.\n\n"
            "A position or heading in a photo's file is never used to find it. Answers are "
            "evidence to check, not proof."
        )

    def initAlgorithm(self, configuration: Mapping[str, Any] | None = None) -> None:
        """Declare parameters and outputs."""
        names.add_all(
            self,
            [
                names.photos(),
                names.area(),
                names.sources(),
                names.pack(),
                [_gallery()],
                names.bundle(),
                names.device(),
                names.network(),
                names.options(),
                [_edits(), _truth()],
                _destinations(),
            ],
        )
        for name, title in (
            (LOCATED, tr("Photos located")),
            (NOT_IN_AREA, tr("Photos probably not in this area")),
            (FAILED, tr("Photos that failed")),
        ):
            self.addOutput(QgsProcessingOutputNumber(name, title))
        self.addOutput(QgsProcessingOutputString(SUMMARY, tr("Summary")))
        self.addOutput(QgsProcessingOutputString(ATTRIBUTIONS, tr("Attributions")))

    def check(self, inputs: Inputs) -> None:
        """Say what does not fit, before anything starts."""
        inputs.photos()
        inputs.check_area()
        inputs.check_imagery()
        inputs.check_roads()
        inputs.check_references()
        inputs.config()
        inputs.edits()

    def processAlgorithm(
        self,
        parameters: Mapping[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Ask the engine, then write what was asked for."""
        inputs = Inputs(self, parameters, context, feedback)
        out = inputs.folder_destination(names.OUTPUT)
        params = contract.LocateParams(
            photos=inputs.photos(),
            area=inputs.area(),
            imagery=inputs.imagery(),
            roads=inputs.roads(),
            street_views=inputs.street_views(),
            pack=inputs.path(names.PACK),
            gallery=inputs.path(names.GALLERY),
            bundle=inputs.path(names.BUNDLE),
            out=out,
            truth=inputs.path(names.TRUTH),
            edits=inputs.edits(),
            keys=self._keys,
            network=inputs.network(self._network),
            config=inputs.config(self._device),
        )
        run = LocateRun(params, started_now())
        answers: list[contract.PhotoAnswer] = []
        try:
            found = self.ask_engine(contract.LOCATE, params, feedback, answers)
        except QgsProcessingException:
            if answers:
                kept = _keep(run, contract.LocateResult(photos=tuple(answers)), has_ended=False)
                told = tr("What was answered until then is in {}, which the panel opens.")
                feedback.pushWarning(told.format(kept.path))
            raise
        result = replace(contract.LocateResult.from_json(found), photos=tuple(answers))
        _tell(result, feedback)
        outputs: dict[str, Any] = {names.OUTPUT: out, **_counts(result)}
        kept = _keep(run, result)
        for name, table in TABLES.items():
            source = QgsVectorLayer(kept.uri(table), table, "ogr")
            outputs[name] = self._copy_layer(source, name, parameters, context)
            if outputs[name] is not None:
                style_when_loaded(context, outputs[name], table, result.attributions)
        heat = inputs.layer_destination(HEAT)
        outputs[HEAT] = _copy(heat, result.files.get("heat"))
        outputs[names.REPORT] = _copy(inputs.destination(names.REPORT), result.files.get("results"))
        if outputs[HEAT] is None:
            forget_layer(context, heat)
        else:
            style_when_loaded(context, outputs[HEAT], HEAT_STYLE, result.attributions)
        return {name: value for name, value in outputs.items() if value is not None}

    def _copy_layer(
        self,
        source: QgsVectorLayer,
        name: str,
        parameters: Mapping[str, Any],
        context: QgsProcessingContext,
    ) -> str | None:
        """Copy a layer to the sink of that name and return where it is, None where it is unwanted.

        The number of a row in its file does not go along: the sink numbers its own.
        """
        kept = [i for i, field in enumerate(source.fields()) if field.name() != "fid"]
        fields = QgsFields()
        for index in kept:
            fields.append(source.fields()[index])
        sink, destination = self.parameterAsSink(
            parameters, name, context, fields, source.wkbType(), source.sourceCrs()
        )
        if sink is None:
            return None
        for row in source.getFeatures():
            copy = QgsFeature(fields)
            copy.setGeometry(row.geometry())
            copy.setAttributes([row.attributes()[index] for index in kept])
            sink.addFeature(copy, QgsFeatureSink.Flag.FastInsert)
        return destination


def _gallery():
    return names.folder(
        names.GALLERY,
        tr("Gallery"),
        tr(
            "A folder to keep what is computed of the area, or one that 'Build gallery' wrote. "
            "The next photo of the same area then takes seconds."
        ),
    )


def _edits():
    return names.text_lines(
        names.EDITS,
        tr("Changes of photos (JSON)"),
        tr(
            "Turn, crop, field of view and time by photo, such as "
            '{"/photos/a.jpg": {"turn_deg": 90, "fov_deg": 65}}. The files stay as they are.'
        ),
        advanced=True,
    )


def _truth():
    table = QgsProcessingParameterFile(
        names.TRUTH, tr("True positions"), optional=True, fileFilter="CSV (*.csv)"
    )
    return names.explained(
        table,
        tr("A table with columns file, lon, lat and heading_deg, to say how far off answers are."),
        advanced=True,
    )


def _destinations() -> names.Parameters:
    point = QgsProcessing.SourceType.TypeVectorPoint
    polygon = QgsProcessing.SourceType.TypeVectorPolygon
    return [
        names.explained(
            QgsProcessingParameterFolderDestination(names.OUTPUT, tr("Results folder")),
            tr("GeoPackage, heat raster, map and report are written here."),
        ),
        names.explained(
            QgsProcessingParameterFeatureSink(
                CANDIDATES, tr("Candidates"), point, optional=True, createByDefault=True
            ),
            tr("Ranked places as points, best first."),
        ),
        names.explained(
            QgsProcessingParameterFeatureSink(
                FIELDS_OF_VIEW, tr("Fields of view"), polygon, optional=True, createByDefault=True
            ),
            tr("What each candidate would see, as wedges."),
        ),
        names.explained(
            QgsProcessingParameterRasterDestination(
                HEAT, tr("Heat"), optional=True, createByDefault=True
            ),
            tr("Probability by place over the area."),
        ),
        names.explained(
            QgsProcessingParameterFileDestination(
                names.REPORT, tr("Report"), "JSON (*.json)", optional=True, createByDefault=True
            ),
            tr("Everything that was found, and what it was found with."),
        ),
    ]


def _tell(result: contract.LocateResult, feedback: QgsProcessingFeedback) -> None:
    """Say notes, failed photos and attributions; raise where no photo could be answered.

    Raises:
        QgsProcessingException: Every photo failed.
    """
    failed = [photo for photo in result.photos if photo.error]
    if result.photos and len(failed) == len(result.photos):
        raise QgsProcessingException(
            tr("No photo could be answered:")
            + "".join(f"\n{photo.path}: {photo.error}" for photo in failed)
        )
    for photo in failed:
        feedback.pushWarning(f"{photo.path}: {photo.error}")
    for note in result.notes:
        feedback.pushWarning(note)
    for attribution in result.attributions:
        feedback.pushInfo(attribution)
    feedback.pushInfo(result.summary)


def _keep(
    run: LocateRun, result: contract.LocateResult, *, has_ended: bool = True
) -> store.ResultStore:
    """Write the answers as the panel keeps them, so that it can open them for decisions.

    Args:
        run: What was asked.
        result: The answers, and what is known at the end.
        has_ended: Whether there was an end.

    Raises:
        QgsProcessingException: The results folder cannot be written, or an answer not be read.
    """
    moments = capture_times(result.files.get("results", ""))
    made_with = result.provenance
    end = end_values(
        result.attributions, result.notes, result.summary, made_with, result.files.get("heat", "")
    )
    try:
        known = {**run.to_values(), **(end if has_ended else {})}
        kept = store.ResultStore.create(free_path(run), known)
        for answer in result.photos:
            captured_at = moments.get(answer.path, "")
            record = PhotoRecord.of(answer, captured_at)
            kept.add(candidates_of(answer, captured_at), record)
        if has_ended:
            kept.set_provenance(
                made_with.get("model_hash", ""), made_with.get("software_version", "")
            )
    except (store.StoreError, contract.ContractError) as error:
        raise QgsProcessingException(str(error)) from error
    return kept


def _counts(result: contract.LocateResult) -> dict[str, Any]:
    failed = [photo for photo in result.photos if photo.error]
    elsewhere = [photo for photo in result.photos if photo.not_in_area and not photo.error]
    return {
        LOCATED: len(result.photos) - len(failed) - len(elsewhere),
        NOT_IN_AREA: len(elsewhere),
        FAILED: len(failed),
        SUMMARY: result.summary,
        ATTRIBUTIONS: "\n".join(result.attributions),
    }


def _copy(destination: str | None, source: str | None) -> str | None:
    """Copy a file of the engine to where it was asked for; None where there is none."""
    if destination is None or not source:
        return None
    Path(destination).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, destination)
    return destination
