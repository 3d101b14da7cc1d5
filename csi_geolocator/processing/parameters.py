"""The parameters that several algorithms share: names, words, and what they take."""

from __future__ import annotations

from collections.abc import Iterable

from qgis.core import (
    QgsProcessing,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from ..i18n import tr

PHOTOS, PHOTO_FOLDER = "PHOTOS", "PHOTO_FOLDER"
AREA_EXTENT, AREA_LAYER = "AREA_EXTENT", "AREA_LAYER"
IMAGERY_LAYER, IMAGERY = "IMAGERY_LAYER", "IMAGERY"
ROADS_LAYER, ROADS = "ROADS_LAYER", "ROADS"
STREET_VIEW_FOLDER, STREET_VIEWS = "STREET_VIEW_FOLDER", "STREET_VIEWS"
PACK, GALLERY, BUNDLE = "PACK", "GALLERY", "BUNDLE"
DEVICE, OFFLINE = "DEVICE", "OFFLINE"
OPTIONS, EDITS, TRUTH = "OPTIONS", "EDITS", "TRUTH"
MAX_REQUESTS, MAX_MEGABYTES = "MAX_REQUESTS", "MAX_MEGABYTES"
OUTPUT, REPORT = "OUTPUT", "REPORT"

DEVICES = ("auto", "cpu", "cuda", "mps")

Parameters = list[QgsProcessingParameterDefinition]


def explained(
    parameter: QgsProcessingParameterDefinition, words: str, *, advanced: bool = False
) -> QgsProcessingParameterDefinition:
    """Return the parameter with its explanation, folded away where it is for few."""
    parameter.setHelp(words)
    if advanced:
        flag = QgsProcessingParameterDefinition.Flag.FlagAdvanced
        parameter.setFlags(parameter.flags() | flag)
    return parameter


def folder(
    name: str, title: str, words: str, *, optional: bool = True
) -> QgsProcessingParameterDefinition:
    """Return a parameter that takes a folder that is there."""
    behavior = QgsProcessingParameterFile.Behavior.Folder
    return explained(
        QgsProcessingParameterFile(name, title, behavior=behavior, optional=optional), words
    )


def whole_number(
    name: str,
    title: str,
    words: str,
    *,
    default: int | None,
    minimum: int = 0,
    advanced: bool = False,
) -> QgsProcessingParameterDefinition:
    """Return a parameter that takes a whole number; optional where it has no default."""
    kind = QgsProcessingParameterNumber.Type.Integer
    number = QgsProcessingParameterNumber(
        name, title, kind, default, optional=default is None, minValue=minimum
    )
    return explained(number, words, advanced=advanced)


def text_lines(name: str, title: str, words: str, *, advanced: bool = False):
    """Return an optional parameter that takes several lines of text."""
    parameter = QgsProcessingParameterString(name, title, multiLine=True, optional=True)
    return explained(parameter, words, advanced=advanced)


def photos() -> Parameters:
    """Return where the photos are."""
    files = QgsProcessingParameterMultipleLayers(
        PHOTOS, tr("Photos"), QgsProcessing.SourceType.TypeFile, optional=True
    )
    return [
        explained(files, tr("JPEG, PNG, TIFF, WebP or HEIC files. They are only read.")),
        folder(PHOTO_FOLDER, tr("Folder of photos"), tr("Every photo in it, to the bottom.")),
    ]


def area() -> Parameters:
    """Return the area: an extent, or a layer of polygons."""
    return [
        explained(
            QgsProcessingParameterExtent(AREA_EXTENT, tr("Area: extent"), optional=True),
            tr("The rectangle that may hold the place. Give this or polygons, not both."),
        ),
        explained(
            QgsProcessingParameterFeatureSource(
                AREA_LAYER,
                tr("Area: polygons"),
                [QgsProcessing.SourceType.TypeVectorPolygon],
                optional=True,
            ),
            tr("Polygons that may hold the place. Give these or an extent, not both."),
        ),
    ]


def sources() -> Parameters:
    """Return imagery, roads and street views: of the project, or by the name of a source."""
    return [
        explained(
            QgsProcessingParameterRasterLayer(IMAGERY_LAYER, tr("Imagery: layer"), optional=True),
            tr("Satellite or aerial imagery: a raster or tile layer."),
        ),
        explained(
            QgsProcessingParameterString(IMAGERY, tr("Imagery: source"), optional=True),
            tr(
                "Instead of a layer: a file, or an online source as the panel lists them, "
                "such as xyz|url=https://tiles.example.org/{z}/{x}/{y}.jpg"
            ),
        ),
        explained(
            QgsProcessingParameterFeatureSource(
                ROADS_LAYER,
                tr("Roads: layer"),
                [QgsProcessing.SourceType.TypeVectorLine],
                optional=True,
            ),
            tr("Places are laid out along these lines. Without roads, on a grid."),
        ),
        explained(
            QgsProcessingParameterString(ROADS, tr("Roads: source"), optional=True),
            tr("Instead of a layer: a file of lines, or an online source such as overpass"),
        ),
        folder(
            STREET_VIEW_FOLDER,
            tr("Street views: folder"),
            tr("Photos or panoramas with coordinates in their files."),
        ),
        text_lines(
            STREET_VIEWS,
            tr("Street views: sources"),
            tr(
                "One a line: a folder, a table with one row an image, or an online source such as "
                "panoramax"
            ),
        ),
    ]


def pack() -> Parameters:
    """Return the folder of references that were fetched before."""
    return [
        folder(
            PACK,
            tr("Fetched references"),
            tr("A folder that 'Fetch references' wrote; it stands for sources not named here."),
        )
    ]


def bundle() -> Parameters:
    """Return the folder of a model."""
    return [
        folder(BUNDLE, tr("Model"), tr("The folder of a model. Empty: the one of this plugin."))
    ]


def device() -> Parameters:
    """Return what to compute on."""
    choice = QgsProcessingParameterEnum(
        DEVICE, tr("Device"), list(DEVICES), defaultValue=DEVICES[0], usesStaticStrings=True
    )
    return [
        explained(
            choice,
            tr("auto takes a graphics card where there is one; cuda is NVIDIA's, mps Apple's."),
        )
    ]


def network() -> Parameters:
    """Return what of the network may be used."""
    return [
        explained(
            QgsProcessingParameterBoolean(OFFLINE, tr("Offline"), defaultValue=False),
            tr("Make no request: local files and what was fetched before only."),
        ),
        whole_number(
            MAX_REQUESTS,
            tr("At most this many requests"),
            tr("Stop rather than ask online sources more often. 0: as the settings say."),
            default=0,
            advanced=True,
        ),
        whole_number(
            MAX_MEGABYTES,
            tr("At most this many megabytes"),
            tr("Stop rather than fetch more. 0: as the settings say."),
            default=0,
            advanced=True,
        ),
    ]


def options() -> Parameters:
    """Return every other option of a run."""
    return [
        text_lines(
            OPTIONS,
            tr("Options (JSON)"),
            tr('Any other option of the engine, such as {"search": {"top_k": 100}}'),
            advanced=True,
        )
    ]


def add_all(algorithm, groups: Iterable[Parameters]) -> None:
    """Add the parameters of every group to an algorithm."""
    for group in groups:
        for parameter in group:
            algorithm.addParameter(parameter)
