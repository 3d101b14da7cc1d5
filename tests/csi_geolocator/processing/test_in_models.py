"""The algorithms in a model and from Python, as people put them together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterFile,
    QgsVectorLayer,
)

AREA = "13.170,13.210,55.695,55.715 [EPSG:4326]"
Source = QgsProcessingModelChildParameterSource


def child(name: str, sources: dict[str, Source]) -> QgsProcessingModelChildAlgorithm:
    """A step; what is not given has its default, as the modeler's dialog fills it in."""
    step = QgsProcessingModelChildAlgorithm(f"csi_geolocator:{name}")
    step.setChildId(name)
    for definition in step.algorithm().parameterDefinitions():
        if definition.defaultValue() is not None and not definition.isDestination():
            default = Source.fromStaticValue(definition.defaultValue())
            step.addParameterSources(definition.name(), [default])
    for parameter, source in sources.items():
        step.addParameterSources(parameter, [source])
    return step


def gallery_then_photos(imagery: str, gallery: str) -> QgsProcessingModelAlgorithm:
    """A model: build a gallery of a fixed area, then locate a photo with it."""
    model = QgsProcessingModelAlgorithm("Two steps", "", "")
    model.addModelParameter(
        QgsProcessingParameterFile("photo", "Photo"), QgsProcessingModelParameter("photo")
    )
    area = {"AREA_EXTENT": Source.fromStaticValue(AREA), "IMAGERY": Source.fromStaticValue(imagery)}
    model.addChildAlgorithm(
        child("buildgallery", {**area, "OUTPUT": Source.fromStaticValue(gallery)})
    )
    photos = child(
        "locatephotos",
        {
            **area,
            "PHOTOS": Source.fromModelParameter("photo"),
            "GALLERY": Source.fromChildOutput("buildgallery", "OUTPUT"),
        },
    )
    found = QgsProcessingModelOutput("found", "found")
    found.setChildId("locatephotos")
    found.setChildOutputName("CANDIDATES")
    photos.setModelOutputs({"found": found})
    model.addChildAlgorithm(photos)
    model.updateDestinationParameters()
    return model


def test_model_builds_a_gallery_and_locates_with_it(
    provider: Any, fake_engine: Any, use_launch: Any, heard: Any, repository: Path, tmp_path: Path
) -> None:
    use_launch(fake_engine(candidates=4))
    demo = repository / "resources" / "demo"
    gallery = str(tmp_path / "gallery")
    model = gallery_then_photos(str(demo / "imagery.tif"), gallery)
    fits, reason = model.validate()
    assert fits, reason
    feedback, context = heard(), QgsProcessingContext()
    parameters = {
        "photo": str(demo / "photos" / "photo_01.jpg"),
        "locatephotos:found": str(tmp_path / "found.gpkg"),
    }
    _, ok = model.run(parameters, context, feedback)
    assert ok, feedback.text()
    build, locate = [
        request["params"]
        for request in fake_engine.requests()
        if request["method"] in ("build_gallery", "locate")
    ]
    assert build["out"] == locate["gallery"] == gallery
    assert locate["photos"] == [parameters["photo"]]
    assert QgsVectorLayer(str(tmp_path / "found.gpkg"), "found").featureCount() == 4


def test_python_runs_an_algorithm_in_a_line(
    provider: Any, fake_engine: Any, use_launch: Any, qgis_processing: Any, repository: Path
) -> None:
    import processing

    use_launch(fake_engine(candidates=4))
    demo = repository / "resources" / "demo"
    found = processing.run(
        "csi_geolocator:locatephotos",
        {
            "PHOTOS": [str(demo / "photos" / "photo_01.jpg")],
            "AREA_LAYER": str(demo / "area.geojson"),
            "IMAGERY_LAYER": str(demo / "imagery.tif"),
            "OUTPUT": "TEMPORARY_OUTPUT",
            "CANDIDATES": "memory:",
        },
    )
    assert [feature["rank"] for feature in found["CANDIDATES"].getFeatures()] == [1, 2, 3, 4]
    assert Path(found["OUTPUT"], "analysis.gpkg").is_file()
