"""The window that sets the engine up: what it says and offers, with real widgets."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtGui import QGuiApplication
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QLabel,
    QLineEdit,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QWidget,
)


@pytest.fixture
def settings(staged: Path, settings_folder: Path) -> Any:
    return importlib.import_module("csi_geolocator.settings").Settings()


@pytest.fixture
def machine(staged: Path) -> Any:
    """A machine with a GPU, a Python, and no uv."""
    module = importlib.import_module("csi_geolocator.engine.machine")
    gpu = importlib.import_module("csi_geolocator.engine.gpu")
    return module.Machine(
        pythons=(
            module.PythonFound("/opt/python3.13", (3, 13, 0)),
            module.PythonFound("/opt/python3.12", (3, 12, 4)),
        ),
        gpus=(gpu.Gpu("RTX 4090", "581.1", "24 GiB", (8, 9)),),
        driver_cuda=(13, 2),
    )


@pytest.fixture
def make_dialog(settings: Any, machine: Any) -> Iterator[Callable[..., Any]]:
    module = importlib.import_module("csi_geolocator.gui.environment_dialog")
    made: list[Any] = []

    def make(found: Any = machine, **options: Any) -> Any:
        dialog = module.EnvironmentDialog(settings, **options)
        made.append(dialog)
        if found is not None:
            dialog.show_machine(found)
        return dialog

    yield make
    for dialog in made:
        dialog.installer.cancel()
        dialog.deleteLater()


def said(dialog: Any, name: str) -> str:
    return dialog.findChild(QLabel, name).text()


def button(dialog: Any, name: str) -> QPushButton:
    return dialog.findChild(QPushButton, f"{name}Button")


def enabled(dialog: Any) -> set[str]:
    names = ("setUp", "repair", "check", "remove", "use")
    return {name for name in names if button(dialog, name).isEnabled()}


def make_environment(settings: Any, state: str, **values: Any) -> None:
    environment = importlib.import_module("csi_geolocator.engine.environment")
    requirements = importlib.import_module("csi_geolocator.engine.requirements")
    folder = importlib.import_module("csi_geolocator.settings").PLUGIN_FOLDER
    digest = requirements.digest(requirements.read_requirements(folder))
    found = {"requirements_sha256": digest, "device": "cuda:0 (RTX 4090)", **values}
    environment.write_installation(settings.engine_folder, environment.Installation(state, **found))
    python = settings.engine_folder / "bin" / "python"
    python.parent.mkdir(exist_ok=True)
    python.touch(mode=0o755)


def test_plan_is_shown_before_anything_happens(make_dialog: Any, settings: Any) -> None:
    dialog = make_dialog()
    assert said(dialog, "engineStateWords") == "The engine is not set up yet."
    assert said(dialog, "buildReason") == "RTX 4090, driver 581.1: it runs CUDA 13."
    assert dialog.findChild(QComboBox, "build").currentText() == "Automatic: NVIDIA GPU (CUDA)"
    assert "Python 3.12.4" in dialog.findChild(QComboBox, "basePython").currentText()
    assert said(dialog, "tool") == "pip, in the environment"
    assert said(dialog, "size").startswith("about 5.7 GB (2.9 GB to fetch), ")
    assert "minutes at 50 Mbit/s" in said(dialog, "time")
    assert dialog.findChild(QgsFileWidget, "place").filePath() == str(settings.engine_folder)
    assert button(dialog, "setUp").text() == "Set up"
    assert enabled(dialog) == {"setUp"}
    assert not settings.engine_folder.exists()


def test_nothing_can_be_set_up_before_the_machine_was_looked_at(make_dialog: Any) -> None:
    assert enabled(make_dialog(found=None)) == set()


def test_machine_is_looked_at_in_the_background_once_the_window_is_shown(
    make_dialog: Any, wait_until: Any
) -> None:
    dialog = make_dialog(found=None)
    started = time.monotonic()
    dialog.show()
    assert time.monotonic() - started < 1.0
    wait_until(lambda: dialog._machine is not None)


def test_choice_of_the_processor_is_kept_to(make_dialog: Any) -> None:
    dialog = make_dialog()
    build = dialog.findChild(QComboBox, "build")
    build.setCurrentIndex(build.findData("cpu"))
    assert dialog._form.order.build.name == "cpu"
    assert said(dialog, "buildReason").startswith("Chosen by hand.")


def test_package_index_makes_the_processors_build_small(make_dialog: Any) -> None:
    dialog = make_dialog()
    build = dialog.findChild(QComboBox, "build")
    build.setCurrentIndex(build.findData("cpu"))
    index = dialog.findChild(QLineEdit, "packageIndex")
    index.setText("https://packages.example.org/cpu")
    index.editingFinished.emit()
    assert said(dialog, "size").startswith("about 2.0 GB")
    assert dialog._form.order.torch_apart


def test_machine_without_any_python_is_told_what_to_install(make_dialog: Any) -> None:
    module = importlib.import_module("csi_geolocator.engine.machine")
    dialog = make_dialog(module.Machine(notes=(module.no_python_words("linux"),)))
    assert "apt install python3" in said(dialog, "setUpProblemWords")
    assert enabled(dialog) == set()


def test_folder_of_others_is_refused_before_anything_happens(
    make_dialog: Any, tmp_path: Path
) -> None:
    dialog = make_dialog()
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").touch()
    dialog.findChild(QgsFileWidget, "place").setFilePath(str(tmp_path / "letters"))
    assert "choose an empty folder" in said(dialog, "setUpProblemWords")
    assert enabled(dialog) == set()


@pytest.mark.parametrize(
    ("state", "values", "words", "main", "offered"),
    [
        (
            "ready",
            {},
            "The engine is set up. It computes on cuda:0 (RTX 4090).",
            "Set up again",
            {"setUp", "repair", "check", "remove"},
        ),
        (
            "ready",
            {"warning": "Device: cuda is broken"},
            "The engine is set up, but: Device: cuda is broken",
            "Set up again",
            {"setUp", "repair", "check", "remove"},
        ),
        (
            "ready",
            {"requirements_sha256": "old"},
            "This version of the plugin needs other packages: update the environment.",
            "Update",
            {"setUp", "repair", "check", "remove"},
        ),
        (
            "unfinished",
            {},
            "A set-up was not finished. It goes on where it stopped; what was fetched is kept.",
            "Finish set-up",
            {"setUp", "repair", "remove"},
        ),
    ],
)
def test_state_decides_what_is_offered(
    make_dialog: Any,
    settings: Any,
    state: str,
    values: dict[str, str],
    words: str,
    main: str,
    offered: set[str],
) -> None:
    make_environment(settings, state, **values)
    dialog = make_dialog()
    assert said(dialog, "engineStateWords") == words
    assert button(dialog, "setUp").text() == main
    assert enabled(dialog) == offered


def test_progress_failure_and_next_step_are_shown(make_dialog: Any) -> None:
    dialog = make_dialog()
    verification = importlib.import_module("csi_geolocator.engine.verification")
    changed: list[bool] = []
    dialog.engineChanged.connect(lambda: changed.append(True))
    dialog._begin(Path("/tmp"))
    dialog.installer.stepStarted.emit(2, 4, "Installing the packages")
    dialog.installer.progressed.emit(0.4, "Fetching torch (780.5 MB)")
    assert said(dialog, "step") == "Step 2 of 4: Installing the packages"
    assert dialog.findChild(QProgressBar, "progressBar").value() == 400
    assert said(dialog, "detail").endswith("Fetching torch (780.5 MB)")
    dialog.installer.finished.emit(verification.Outcome("failed", "The disk is full: free some."))
    assert said(dialog, "outcomeWords") == "The disk is full: free some."
    assert changed == [True]


class Engine:
    """One that counts how often it was stopped."""

    def __init__(self, is_busy: bool = False) -> None:
        self.is_busy = is_busy
        self.stopped = 0

    def stop(self) -> None:
        self.stopped += 1


def test_engine_is_ended_before_its_environment_changes(
    make_dialog: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine()
    dialog = make_dialog(engine=engine)
    monkeypatch.setattr(dialog.installer, "set_up", lambda order: None)
    button(dialog, "setUp").click()
    assert engine.stopped == 1


def test_engine_that_works_is_ended_only_once_a_person_agreed(
    make_dialog: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_environment(settings, "ready")
    engine = Engine(is_busy=True)
    dialog = make_dialog(engine=engine)
    begun: list[str] = []
    for name in ("set_up", "repair", "verify", "remove"):
        monkeypatch.setattr(dialog.installer, name, lambda *_, name=name: begun.append(name))
    asked: list[str] = []

    def answer(button: Any) -> None:
        monkeypatch.setattr(
            QMessageBox, "question", lambda _p, _t, words, *_: asked.append(words) or button
        )

    answer(QMessageBox.StandardButton.No)
    dialog.findChild(QgsFileWidget, "existingPython").setFilePath("/opt/python3.12")
    for name in ("setUp", "repair", "use"):
        button(dialog, name).click()
    assert (begun, engine.stopped, len(asked)) == ([], 0, 3)
    assert all(words.startswith("The engine is working.") for words in asked)
    assert all(words.endswith("Stop the engine?") for words in asked)
    answer(QMessageBox.StandardButton.Yes)
    for name in ("setUp", "repair", "use", "remove"):
        button(dialog, name).click()
    assert begun == ["set_up", "repair", "verify", "remove"]
    assert engine.stopped == 4


def test_check_leaves_the_running_engine_at_its_work(
    make_dialog: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_environment(settings, "ready")
    engine = Engine(is_busy=True)
    dialog = make_dialog(engine=engine)
    checked: list[Path] = []
    monkeypatch.setattr(dialog.installer, "verify", lambda python, device: checked.append(python))
    button(dialog, "check").click()
    assert len(checked) == 1
    assert engine.stopped == 0


def test_python_of_qgis_is_refused_in_words(
    make_dialog: Any, settings: Any, wait_until: Any
) -> None:
    dialog = make_dialog()
    dialog.findChild(QgsFileWidget, "existingPython").setFilePath("/usr/bin/python3")
    button(dialog, "use").click()
    wait_until(lambda: said(dialog, "outcomeWords") != "")
    assert "QGIS itself runs on" in said(dialog, "outcomeWords")
    assert settings.engine_python == ""


def test_removing_asks_first(
    make_dialog: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, wait_until: Any
) -> None:
    make_environment(settings, "ready")
    dialog = make_dialog()
    answers = [QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes]
    monkeypatch.setattr(QMessageBox, "question", lambda *_: answers.pop(0))
    button(dialog, "remove").click()
    assert settings.engine_folder.exists()
    button(dialog, "remove").click()
    wait_until(lambda: "was removed" in said(dialog, "outcomeWords"))
    assert not settings.engine_folder.exists()
    assert said(dialog, "engineStateWords") == "The engine is not set up yet."


def test_closing_in_the_middle_asks_and_stops(
    make_dialog: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = make_dialog()
    dialog.show()
    cancelled: list[bool] = []
    monkeypatch.setattr(type(dialog.installer), "is_running", property(lambda _: not cancelled))
    monkeypatch.setattr(dialog.installer, "cancel", lambda: cancelled.append(True))
    answers = [QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes]
    monkeypatch.setattr(QMessageBox, "question", lambda *_: answers.pop(0))
    dialog.reject()
    assert dialog.isVisible()
    assert not cancelled
    dialog.reject()
    assert not dialog.isVisible()
    assert cancelled


def test_diagnostics_are_copied_without_any_password(
    make_dialog: Any, settings: Any, tmp_path: Path
) -> None:
    settings.package_index = "https://ann:s3cret@packages.example.org"
    dialog = make_dialog()
    button(dialog, "copy").click()
    copied = QGuiApplication.clipboard().text()
    assert copied.startswith("CSI Geolocator ")
    assert "GPU: Gpu(name='RTX 4090'" in copied
    assert "Python 3.12.4: /opt/python3.12" in copied
    assert "Environment: missing" in copied
    assert "s3cret" not in copied


def test_every_control_has_a_name_and_a_tool_tip(make_dialog: Any) -> None:
    dialog = make_dialog()
    kinds = (QPushButton, QComboBox, QgsFileWidget, QProgressBar)
    controls: list[QWidget] = [widget for kind in kinds for widget in dialog.findChildren(kind)]
    own = [w for w in controls if not isinstance(w.parent(), QgsFileWidget)]
    assert len(own) > 10
    assert not [w for w in own if not w.objectName() or not w.toolTip()]


@pytest.mark.parametrize("width", [420, 1200])
def test_words_are_not_cut_off_at_any_width(make_dialog: Any, wait_until: Any, width: int) -> None:
    dialog = make_dialog()
    dialog.resize(width, 700)
    dialog.show()
    label = dialog.findChild(QLabel, "introduction")
    wait_until(lambda: label.height() == label.heightForWidth(label.width()))
    assert label.height() >= label.fontMetrics().height()
