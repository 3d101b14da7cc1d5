"""Runs inside a real QGIS (``qgis --code``): uses and reloads the plugin, writes what it saw.

The report's path comes in the environment; the test that started QGIS judges it.
"""

import json
import os
import sys
import traceback
from pathlib import Path

import qgis.utils
from qgis.core import Qgis, QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, QEvent, QMimeData, QPointF, Qt, QTimer, QUrl
from qgis.PyQt.QtGui import QDragEnterEvent, QDropEvent
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QAction, QDockWidget, QLabel, QMenu, QToolBar

NAME = "csi_geolocator"
ENGINE_ONLY = ("torch", "torchvision", "cv2", "rasterio", "pyogrio", "geopandas", "lightning")
START_DELAY_MS = 1500
DROP_WAIT_MS = 6000


def settle():
    """Let Qt finish, deferred deletions included."""
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()


def seen():
    """Return what of the plugin is in the main window."""
    iface = qgis.utils.iface
    window = iface.mainWindow()
    docks = window.findChildren(QDockWidget, "CsiGeolocatorPanel")
    actions = window.findChildren(QAction, "CsiGeolocatorAction")
    toolbars = [bar for bar in window.findChildren(QToolBar) if set(bar.actions()) & set(actions)]
    menus = [menu for menu in window.findChildren(QMenu) if set(menu.actions()) & set(actions)]
    helps = [a for a in iface.pluginHelpMenu().actions() if a.objectName() == "CsiGeolocatorHelp"]
    return {
        "docks": len(docks),
        "visible": [dock.isVisible() for dock in docks],
        "actions": len(actions),
        "checked": [action.isChecked() for action in actions],
        "icon_empty": [action.icon().isNull() for action in actions],
        "toolbars": len(toolbars),
        "menus": len(menus),
        "helps": len(helps),
        "providers": int(QgsApplication.processingRegistry().providerById(NAME) is not None),
        "canvas_items": len(iface.mapCanvas().scene().items()),
        "labels": [
            {label.objectName(): label.text() for label in dock.findChildren(QLabel)}
            for dock in docks
        ],
        "started": NAME in qgis.utils.plugins,
    }


def drop(path):
    """Drop a file on QGIS's main window and return how many photos the panel lists then."""
    window = qgis.utils.iface.mainWindow()
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(path)])
    where, how = QPointF(600, 400), Qt.DropAction.CopyAction
    held = (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    QCoreApplication.sendEvent(window, QDragEnterEvent(where.toPoint(), how, mime, *held))
    QCoreApplication.sendEvent(window, QDropEvent(where, how, mime, *held))
    plugin = qgis.utils.plugins[NAME]
    waited = 0
    while plugin._panel.form.photos.model.rowCount() == 0 and waited < DROP_WAIT_MS:
        QTest.qWait(50)
        waited += 50
    return plugin._panel.form.photos.model.rowCount()


def open_dialogs():
    """Show every dialog of the panel once and return their titles."""
    plugin = qgis.utils.plugins[NAME]
    form = plugin._panel.form
    titles = []
    for dialog in (plugin.help_dialog(), form.model.card_dialog(), form.photos.make_editor(0)):
        dialog.show()
        QTest.qWait(200)
        titles.append(dialog.windowTitle())
        dialog.close()
        dialog.deleteLater()
    return titles


def apply_options():
    """Hide a source, apply the options page, and return whether the panel knew before and after."""
    plugin = qgis.utils.plugins[NAME]
    plugin._page._settings.hidden_sources = ["some-source"]
    page = plugin._page.createWidget(None)
    known = [plugin._panel._catalogue.is_hidden("some-source")]
    page.apply()
    known.append(plugin._panel._catalogue.is_hidden("some-source"))
    page.deleteLater()
    return known


def exercise(report):
    """Use the panel; load and unload twice over the load at start-up."""
    report["at_start"] = seen()
    action = qgis.utils.iface.mainWindow().findChild(QAction, "CsiGeolocatorAction")
    action.trigger()
    settle()
    report["hidden"] = seen()
    action.trigger()
    settle()
    report["shown"] = seen()
    report["dropped"] = drop(os.environ["CSI_TEST_PHOTO"])
    report["layers"] = qgis.utils.iface.mapCanvas().layerCount()
    report["dialogs"] = open_dialogs()
    report["options"] = apply_options()
    screenshot = os.environ.get("CSI_TEST_SCREENSHOT")
    if screenshot:
        qgis.utils.iface.mainWindow().grab().save(screenshot)
    report["rounds"] = []
    for _ in range(2):
        unloaded = qgis.utils.unloadPlugin(NAME)
        settle()
        after_unload = seen()
        loaded = qgis.utils.loadPlugin(NAME) and qgis.utils.startPlugin(NAME)
        settle()
        report["rounds"].append(
            {"unloaded": unloaded, "gone": after_unload, "loaded": loaded, "back": seen()}
        )
    report["engine_modules"] = [name for name in ENGINE_ONLY if name in sys.modules]
    report["contract_file"] = sys.modules[f"{NAME}.model_core.contract"].__file__
    report["qgis"] = Qgis.version()


def run():
    """Write the report, whatever happens, and leave QGIS."""
    report = {}
    try:
        exercise(report)
    except Exception:
        report["failure"] = traceback.format_exc()
    Path(os.environ["CSI_TEST_REPORT"]).write_text(json.dumps(report), encoding="utf-8")
    qgis.utils.unloadPlugin(NAME)
    QgsApplication.exit(0)


QTimer.singleShot(START_DELAY_MS, run)
