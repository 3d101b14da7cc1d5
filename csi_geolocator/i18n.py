"""The plugin's words in the language of QGIS."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, QLocale, QTranslator

CONTEXT = "CsiGeolocator"
TRANSLATIONS = "csi_geolocator"
FOLDER = Path(__file__).resolve().parent / "resources" / "i18n"


def tr(text: str) -> str:
    """Return the text in the language of QGIS, as it is where no translation is installed."""
    return QCoreApplication.translate(CONTEXT, text)


def number(value: float, decimals: int = 0) -> str:
    """Return a number as the language of QGIS writes it, thousands apart."""
    return str(QLocale().toString(float(value), "f", decimals))


def install_translator(locale: str | None = None, folder: Path = FOLDER) -> QTranslator | None:
    """Return the translator that was installed, None where there is none for the language.

    The caller keeps it for as long as the plugin is loaded, and hands it to
    ``QCoreApplication.removeTranslator`` when it unloads.

    Args:
        locale: A language as "de" or "pt_BR"; None takes the one of QGIS.
        folder: Where ``csi_geolocator_<language>.qm`` are.
    """
    translator = QTranslator()
    language = QLocale(QgsApplication.locale() if locale is None else locale)
    if not translator.load(language, TRANSLATIONS, "_", str(folder)):
        return None
    QCoreApplication.installTranslator(translator)
    return translator
