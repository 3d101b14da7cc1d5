"""Runs inside QGIS: uses the plugin as the user guide tells, and makes a picture at every step."""

import json
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, os.environ["CSI_INSIDE"])
import qgis.utils
import window
from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtCore import QSize, Qt, QTimer
from qgis.PyQt.QtWidgets import QApplication, QComboBox, QDockWidget, QLabel, QTabWidget

PICTURES = Path(os.environ["CSI_PICTURES"])
PHOTOS = ("photo_03.jpg", "photo_05.jpg", "photo_01.jpg")
WINDOW = QSize(1400, 880)
PANEL_PX = 470
RUN_TIMEOUT_S = 1200.0
made = []


def save(name, widget):
    """Write the picture of a widget as it is now."""
    window.settle()
    if not widget.grab().save(str(PICTURES / f"{name}.png")):
        raise OSError(f"{PICTURES / name}.png cannot be written")
    made.append(name)


def set_the_stage():
    """Size QGIS's window, leave in it what the guide speaks of, and open the demo."""
    main = qgis.utils.iface.mainWindow()
    main.showNormal()
    main.resize(WINDOW)
    for dock in main.findChildren(QDockWidget):
        if dock.objectName() == "Browser":
            dock.hide()
    panel = window.panel()
    panel.show()
    panel.raise_()
    main.resizeDocks([panel], [PANEL_PX], Qt.Orientation.Horizontal)
    layers = window.open_demo()
    window.settle(1500)
    return main, panel, layers


def show_locating():
    """From the empty panel to the results of three photos."""
    main, panel, layers = set_the_stage()
    save("empty", main)
    photos = [str(window.DEMO / "photos" / name) for name in PHOTOS]
    window.choose_demo(layers, photos)
    rows = panel.form.photos.model
    window.wait_until(lambda: all(row.info for row in rows.rows), "what the photos say", 300.0)
    estimate = panel.findChild(QLabel, "estimate")
    window.wait_until(lambda: estimate.text() != "", "the estimate", 300.0)
    save("photos-and-area", main)
    panel.form.verticalScrollBar().setValue(panel.form.verticalScrollBar().maximum())
    panel.form.options.setCollapsed(False)
    window.settle()
    panel.form.ensureWidgetVisible(panel.form.options)
    save("references-and-options", panel)
    panel.form.options.setCollapsed(True)
    panel.form.verticalScrollBar().setValue(0)
    tab = panel.locate_tab
    seen = []
    tab.answered.connect(seen.append)
    tab.run()
    window.wait_until(lambda: seen or not tab.is_running, "the first answer", RUN_TIMEOUT_S)
    panel.findChild(QTabWidget, "panelTabs").setCurrentIndex(0)
    save("running", main)
    window.wait_until(lambda: not tab.is_running, "the end of the run", RUN_TIMEOUT_S)
    panel._results.layers.settle()
    show_results(main, panel)
    show_an_error(main, panel)


def show_results(main, panel):
    """The table with the map, the comparison, the export."""
    layers = panel._results.layers
    results = panel._results._table
    path = next(path for path in layers.photos if path.endswith(PHOTOS[0]))
    best = layers.candidates_of(path)[0]
    chooser = panel.findChild(QComboBox, "photoFilter")
    chooser.setCurrentIndex(chooser.findData(path))
    results.table.select([best.fid])
    results._on_selected()
    tree = qgis.utils.iface.layerTreeView()
    tree.setExpanded(tree.node2index(layers.group), True)
    qgis.utils.iface.mapCanvas().setExtent(layers.candidates_layer.extent().buffered(0.0002))
    qgis.utils.iface.mapCanvas().refresh()
    window.settle(2500)
    save("results", main)
    results.compare_current()
    compare = results.compare
    window.wait_until(lambda: compare.comparison(best) is not None, "the comparison", 600.0)
    save("compare", compare)
    compare.close()
    results.export()
    dialog = next(w for w in QApplication.topLevelWidgets() if w.objectName() == "exportDialog")
    dialog.findChild(QTabWidget, "exportTabs").setCurrentIndex(1)
    window.settle(1500)
    save("export", dialog)
    dialog.close()


def show_an_error(main, panel):
    """The engine ends in the middle of a run."""
    tab = panel.locate_tab
    panel.findChild(QTabWidget, "panelTabs").setCurrentIndex(0)
    panel.form.verticalScrollBar().setValue(0)
    tab.run()
    window.settle(1500)
    os.kill(panel._engine._process.processId(), signal.SIGKILL)
    window.wait_until(lambda: not tab.is_running, "the end of the broken run")
    save("error", main)


def show_settings():
    """The options page, in QGIS's own dialog."""
    timer = QTimer()

    def take():
        dialog = QApplication.activeModalWidget()
        if dialog is None or not dialog.isVisible():
            return
        timer.stop()
        dialog.resize(1000, 760)
        window.settle(2500)
        save("settings", dialog)
        dialog.reject()

    timer.timeout.connect(take)
    timer.start(500)
    window.panel().open_settings()


def show_set_up():
    """The window that sets the engine up, as on a computer where it never was."""
    from csi_geolocator.gui.environment_dialog import EnvironmentDialog
    from csi_geolocator.settings import Settings

    settings = Settings()
    python = settings.engine_python
    settings.engine_python = ""
    dialog = EnvironmentDialog(settings, qgis.utils.iface.mainWindow())
    dialog.show()
    window.wait_until(lambda: dialog._machine is not None, "a look at the computer")
    save("set-up", dialog)
    dialog.close()
    settings.engine_python = python


def show_processing():
    """The dialog of the algorithm that locates photos."""
    import processing

    dialog = processing.createAlgorithmDialog(
        "csi_geolocator:locatephotos",
        {
            "PHOTOS": [str(window.DEMO / "photos" / name) for name in PHOTOS],
            "AREA_LAYER": layer_named("Demo area"),
            "IMAGERY_LAYER": layer_named("Demo imagery"),
            "ROADS_LAYER": layer_named("Demo roads"),
            "STREET_VIEW_FOLDER": str(window.DEMO / "street_views"),
        },
    )
    dialog.resize(980, 760)
    dialog.show()
    save("processing", dialog)
    dialog.close()


def layer_named(name):
    """Return the id of a layer of the demo."""
    return QgsProject.instance().mapLayersByName(name)[0].id()


def take_all():
    """Make every picture."""
    show_set_up()
    show_locating()
    show_settings()
    QgsApplication.processEvents()
    show_processing()


def report(failure):
    """Write which pictures there are, and what failed."""
    text = json.dumps({"pictures": made, "failure": failure})
    Path(os.environ["CSI_REPORT"]).write_text(text, encoding="utf-8")


window.run_then_exit(take_all, report)
