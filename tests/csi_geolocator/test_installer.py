"""An environment set up for real, from a tiny wheel and without a network; and the true engine."""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from qgis.PyQt.QtWidgets import QLabel, QPushButton

ENGINE = '''
"""A tiny engine: it needs the module of the wheel, and does what the folder's files say."""
import json, pathlib, runpy, sys
here = pathlib.Path(__file__).parent
command = sys.argv[1]
def check(name, ok, detail, next_step=""):
    return {"name": name, "ok": ok, "detail": detail, "next_step": next_step}
if command == "doctor":
    print("a library prints", file=sys.stderr)
    try:
        import tiny_engine
        libraries = check("Libraries", True, "tiny_engine " + tiny_engine.__version__)
    except ImportError as error:
        libraries = check("Libraries", False, str(error), "make the environment again")
    device = sys.argv[sys.argv.index("--device") + 1]
    works = not (here / "no_gpu").exists() or device != "cuda"
    checks = [libraries, check("Device", works, device + (" computes" if works else " is broken"))]
    print(json.dumps({"checks": checks}))
    sys.exit(0 if all(c["ok"] for c in checks) else 1)
if command == "serve":
    sys.argv = ["fake_engine.py"]
    runpy.run_path(str(here / "fake_engine.py"), run_name="__main__")
'''


@pytest.fixture
def module(staged: Path, qgis_app: Any) -> Any:
    return importlib.import_module("csi_geolocator.engine.installer")


@pytest.fixture
def wheelhouse(tmp_path: Path) -> Path:
    """A folder with one wheel, as ``pip download`` would fill it."""
    folder = tmp_path / "wheel house ☂"
    folder.mkdir()
    write_wheel(folder / "tiny_engine-1.0-py3-none-any.whl", "1.0")
    return folder


def write_wheel(path: Path, version: str) -> None:
    info = f"tiny_engine-{version}.dist-info"
    files = {
        "tiny_engine.py": f'__version__ = "{version}"\n' + "#" * int(float(version)),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tiny-engine\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},{digest(text)},{len(text)}\n" for name, text in files.items())
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in {**files, f"{info}/RECORD": record + f"{info}/RECORD,,\n"}.items():
            wheel.writestr(name, text)


def digest(text: str) -> str:
    raw = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture
def plugin_folder(tmp_path: Path, wheelhouse: Path) -> Path:
    """A plugin whose engine is tiny and needs the wheel."""
    folder = tmp_path / "plugin"
    (folder / "model_core").mkdir(parents=True)
    (folder / "model_core" / "__init__.py").touch()
    (folder / "model_core" / "__main__.py").write_text(ENGINE)
    shutil.copy(Path(__file__).with_name("fake_engine.py"), folder / "model_core")
    pin(folder, wheelhouse, "1.0")
    return folder


def pin(plugin_folder: Path, wheelhouse: Path, version: str) -> None:
    """Write the plugin's requirements: the wheel with its hash."""
    wheel = wheelhouse / f"tiny_engine-{version}-py3-none-any.whl"
    path = plugin_folder / "resources" / "requirements" / "engine.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    path.write_text(f"tiny-engine=={version} \\\n    --hash=sha256:{sha256}\n")


class SetUp:
    """An installer and all it told."""

    def __init__(self, module: Any, plugin_folder: Path, wait_until: Callable[..., None]) -> None:
        self.installer = module.Installer(plugin_folder)
        self.wait_until = wait_until
        self.steps: list[str] = []
        self.shares: list[float] = []
        self.outcomes: list[Any] = []
        self.installer.stepStarted.connect(lambda number, count, title: self.steps.append(title))
        self.installer.progressed.connect(lambda share, words: self.shares.append(share))
        self.installer.finished.connect(self.outcomes.append)

    def outcome(self) -> Any:
        self.wait_until(lambda: not self.installer.is_running and self.outcomes, timeout_s=300)
        (outcome,) = self.outcomes
        self.outcomes.clear()
        return outcome


@pytest.fixture
def set_up(module: Any, plugin_folder: Path, wait_until: Callable[..., None]) -> Iterator[SetUp]:
    made = SetUp(module, plugin_folder, wait_until)
    yield made
    made.installer.cancel()
    wait_until(lambda: not made.installer.is_running)


@pytest.fixture
def machine(staged: Path) -> Any:
    """What this machine has; a Python that makes environments is needed."""
    launch = importlib.import_module("csi_geolocator.engine.launch")
    found = importlib.import_module("csi_geolocator.engine.machine").look(launch.this_python())
    if not any(python.has_ensurepip for python in found.pythons):
        pytest.skip("no Python here makes environments; install python3-venv")
    return found


@pytest.fixture
def order(machine: Any, plugin_folder: Path, wheelhouse: Path, tmp_path: Path) -> Any:
    """Set up from the folder of wheels, with uv where it is there: it is quicker."""
    plan = importlib.import_module("csi_geolocator.engine.plan")
    gpu = importlib.import_module("csi_geolocator.engine.gpu")
    return plan.Order(
        folder=tmp_path / "pro file ☂" / "engine",
        plugin_folder=plugin_folder,
        build=gpu.cpu_build("", "linux", False),
        downloads=tmp_path / "downloads",
        uv=machine.uv,
        python=next(python for python in machine.pythons if python.has_ensurepip),
        wheelhouse=str(wheelhouse),
    )


def installation(order: Any) -> dict[str, Any]:
    return json.loads((order.folder / "installation.json").read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_life_of_an_environment(
    set_up: SetUp, order: Any, machine: Any, wheelhouse: Path, plugin_folder: Path, tool: str
) -> None:
    environment = importlib.import_module("csi_geolocator.engine.environment")
    requirements = importlib.import_module("csi_geolocator.engine.requirements")
    if tool == "uv" and machine.uv is None:
        pytest.skip("uv is not installed here")
    order = replace(order, uv=machine.uv if tool == "uv" else None)

    def kind() -> str:
        text = requirements.read_requirements(plugin_folder)
        return environment.environment_state("", order.folder, requirements.digest(text)).kind

    set_up.installer.set_up(order)
    outcome = set_up.outcome()
    assert outcome.kind == "ready", outcome.message + set_up.installer.log()
    assert outcome.python == order.folder / "bin" / "python"
    assert "computes on cpu" in outcome.message
    assert [check.name for check in outcome.checks] == ["Libraries", "Device"]
    assert set_up.steps == [
        "Making the environment",
        "Installing the packages",
        "Checking the engine",
        "Starting the engine",
    ]
    assert set_up.shares == sorted(set_up.shares)
    assert set_up.shares[-1] == 1.0
    assert kind() == "ready"
    assert installation(order)["tool"].startswith(tool)
    assert "a library prints" in set_up.installer.log()

    write_wheel(wheelhouse / "tiny_engine-2.0-py3-none-any.whl", "2.0")
    pin(plugin_folder, wheelhouse, "2.0")
    assert kind() == "outdated", "another version of the plugin asks for an update"
    set_up.installer.set_up(order)
    outcome = set_up.outcome()
    assert "tiny_engine 2.0" in outcome.checks[0].detail
    assert kind() == "ready"

    for broken in order.folder.rglob("tiny_engine.py"):
        broken.write_text("import nothing_like_this")
    for stale in order.folder.rglob("tiny_engine*.pyc"):
        stale.unlink()
    set_up.installer.verify(order.engine_python, "cpu")
    outcome = set_up.outcome()
    assert outcome.kind == "failed"
    assert "Libraries: No module named 'nothing_like_this'" in outcome.message
    set_up.installer.repair(order)
    assert set_up.outcome().kind == "ready"

    set_up.installer.remove(order.folder, (order.downloads,))
    assert set_up.outcome().kind == "removed"
    assert kind() == "missing"
    assert not order.downloads.exists()
    assert not list(order.folder.parent.glob("engine*removed*"))
    assert wheelhouse.exists()


@pytest.mark.slow
def test_stopped_set_up_leaves_no_process_and_goes_on_later(
    set_up: SetUp, order: Any, wait_until: Callable[..., None]
) -> None:
    order = replace(order, uv=None)
    set_up.installer.set_up(order)
    process = set_up.installer._process._process
    wait_until(lambda: process.processId() > 0)
    pid = process.processId()
    set_up.installer.cancel()
    outcome = set_up.outcome()
    assert outcome.kind == "cancelled"
    assert "goes on where this one stopped" in outcome.message
    assert not Path(f"/proc/{pid}").exists()
    assert installation(order)["state"] == "unfinished"
    set_up.installer.set_up(order)
    assert set_up.outcome().kind == "ready"
    assert installation(order)["state"] == "ready"


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_package_that_is_missing_offline_is_said_and_the_environment_completed_later(
    set_up: SetUp, order: Any, wheelhouse: Path, tmp_path: Path, tool: str
) -> None:
    order = replace(order, uv=order.uv if tool == "uv" else None)
    wheel = next(wheelhouse.glob("*.whl"))
    wheel.rename(tmp_path / wheel.name)
    set_up.installer.set_up(order)
    outcome = set_up.outcome()
    assert outcome.kind == "failed"
    assert "tiny-engine" in outcome.message
    assert "offline folder has to hold every package" in outcome.message
    (tmp_path / wheel.name).rename(wheel)
    set_up.installer.set_up(order)
    assert set_up.outcome().kind == "ready"


@pytest.mark.slow
def test_altered_package_is_refused(set_up: SetUp, order: Any, wheelhouse: Path) -> None:
    with zipfile.ZipFile(next(wheelhouse.glob("*.whl")), "a") as wheel:
        wheel.comment = b"evil"
    set_up.installer.set_up(order)
    outcome = set_up.outcome()
    assert outcome.kind == "failed"
    assert "not the one that was tested" in outcome.message


@pytest.mark.slow
def test_gpu_that_does_not_compute_is_a_warning_and_the_processor_is_used(
    set_up: SetUp, order: Any, plugin_folder: Path
) -> None:
    gpu = importlib.import_module("csi_geolocator.engine.gpu")
    (plugin_folder / "model_core" / "no_gpu").touch()
    set_up.installer.set_up(replace(order, build=gpu.cuda_build("a GPU")))
    outcome = set_up.outcome()
    assert outcome.kind == "ready"
    assert "Device: cuda is broken" in outcome.warning
    assert "Device: cuda is broken" in installation(order)["warning"]


@pytest.mark.slow
def test_window_sets_the_engine_up_and_the_panel_can_start_it(
    order: Any, machine: Any, plugin_folder: Path, settings_folder: Path, wait_until: Any
) -> None:
    dialogs = importlib.import_module("csi_geolocator.gui.environment_dialog")
    launch = importlib.import_module("csi_geolocator.engine.launch")
    settings = importlib.import_module("csi_geolocator.settings").Settings()
    settings.engine_folder = order.folder
    settings.engine_python = "/gone/python"
    settings.wheelhouse = order.wheelhouse
    dialog = dialogs.EnvironmentDialog(settings, plugin_folder=plugin_folder)
    outcomes: list[Any] = []
    dialog.installer.finished.connect(outcomes.append)
    dialog.show_machine(machine)
    stop = dialog.findChild(QPushButton, "cancelButton")
    dialog.findChild(QPushButton, "setUpButton").click()
    assert stop.isEnabled()
    wait_until(lambda: bool(outcomes), timeout_s=120)
    assert outcomes[0].kind == "ready", dialog.diagnostics()
    assert not stop.isEnabled()
    assert "The engine is set up." in dialog.findChild(QLabel, "engineStateWords").text()
    assert settings.engine_python == "", "the new environment takes the place of what was chosen"
    python = settings.find_engine()
    assert python == order.folder / "bin" / "python"
    found = launch.engine_launch(python, plugin_folder, launch.this_python())
    assert found.program == str(python)
    assert "ok   Libraries: tiny_engine 1.0" in dialog.diagnostics()
    dialog.deleteLater()


def test_second_window_is_told_who_is_at_work(set_up: SetUp, order: Any) -> None:
    removal = importlib.import_module("csi_geolocator.engine.removal")
    lock = removal.FolderLock(order.folder)
    assert lock.take() == ""
    set_up.installer.set_up(order)
    assert "another QGIS window" in set_up.outcome().message
    set_up.installer.remove(order.folder)
    assert "another QGIS window" in set_up.outcome().message
    lock.give_back()


def test_folder_of_others_is_left_alone(set_up: SetUp, order: Any) -> None:
    order.folder.mkdir(parents=True)
    letter = order.folder / "letter.txt"
    letter.write_text("dear")
    for act in (set_up.installer.set_up, set_up.installer.repair):
        act(order)
        assert "was not made by this plugin" in set_up.outcome().message
    set_up.installer.remove(order.folder)
    assert "was not made by this plugin" in set_up.outcome().message
    assert letter.read_text() == "dear"


def test_python_of_qgis_is_never_started_as_the_engine(set_up: SetUp) -> None:
    set_up.installer.verify(Path("/usr/bin/python3"), "cpu")
    outcome = set_up.outcome()
    assert outcome.kind == "failed"
    assert "QGIS itself runs on" in outcome.message
    assert set_up.installer.log() == outcome.message, "nothing was started"


def test_tool_that_does_not_run_is_said(set_up: SetUp, order: Any, tmp_path: Path) -> None:
    absent = replace(order.python, path=str(tmp_path / "absent"))
    set_up.installer.set_up(replace(order, python=absent, uv=None))
    outcome = set_up.outcome()
    assert outcome.kind == "failed"
    assert str(tmp_path / "absent") in outcome.message


def test_password_of_the_proxy_is_in_no_log(set_up: SetUp, order: Any, tmp_path: Path) -> None:
    index = "https://ann:s3cret@127.0.0.1:9/simple"
    absent = replace(order.python, path=str(tmp_path / "s3cret"))
    set_up.installer.set_up(
        replace(order, python=absent, package_index=index, proxy="http://b:pw7@127.0.0.1:9")
    )
    outcome = set_up.outcome()
    for text in (outcome.message, set_up.installer.log()):
        assert "s3cret" not in text
        assert "pw7" not in text


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_environment_of_this_project_is_taken_as_it_is(
    module: Any, staged: Path, repository: Path, wait_until: Callable[..., None]
) -> None:
    python = repository / ".venv" / "bin" / "python"
    if not python.is_file():
        pytest.skip("the engine's own environment is not made here")
    check = SetUp(module, staged, wait_until)
    check.installer.verify(python, "cpu")
    outcome = check.outcome()
    assert outcome.kind == "ready", outcome.message
    assert {"Libraries", "Device", "Model", "Coordinates"} <= {c.name for c in outcome.checks}
    assert all(c.ok for c in outcome.checks if c.name not in ("Memory", "Disk"))
    assert outcome.device.startswith("cpu")
