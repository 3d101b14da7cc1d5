"""Results on disk, in formats that QGIS, a browser and a script can read."""

from model_core.output.document import results_document
from model_core.output.layers import CANDIDATE_COLUMNS, Provenance, wedge, write_geopackage
from model_core.output.scene import Backdrop
from model_core.output.write import OutputFiles, write_results

__all__ = [
    "CANDIDATE_COLUMNS",
    "Backdrop",
    "OutputFiles",
    "Provenance",
    "results_document",
    "wedge",
    "write_geopackage",
    "write_results",
]
