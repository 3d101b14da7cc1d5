"""What a machine has to set the engine up with: read from what small programs say."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GPU_LINE = "NVIDIA GeForce RTX 4090, 550.54.14, 24564 MiB, 8.9\n"
SMI_HEADER = "| NVIDIA-SMI 550.54.14    Driver Version: 550.54.14    CUDA Version: 12.4     |"


@pytest.fixture
def machine(staged: Path) -> Any:
    return importlib.import_module("csi_geolocator.engine.machine")


@pytest.fixture
def gpu(staged: Path) -> Any:
    return importlib.import_module("csi_geolocator.engine.gpu")


@pytest.fixture
def host(staged: Path, tmp_path: Path) -> Any:
    launch = importlib.import_module("csi_geolocator.engine.launch")
    return launch.HostPython(
        tmp_path / "usr", (3, 9), tmp_path / "usr/bin/python3", (str(tmp_path / "QGIS.app"),)
    )


def answers(said: dict[str, tuple[int, str]]) -> Callable[[list[str]], tuple[int, str]]:
    """A machine on which programs say this, by the start of their command."""

    def run(command: list[str]) -> tuple[int, str]:
        line = " ".join(command)
        fits = [key for key in said if line.startswith(key)]
        return said[max(fits, key=len)] if fits else (-1, "no such program")

    return run


class TestGpu:
    def test_gpu_is_read(self, gpu: Any) -> None:
        (found,) = gpu.parse_gpus(GPU_LINE)
        assert found.name == "NVIDIA GeForce RTX 4090"
        assert found.capability == (8, 9)
        assert gpu.parse_cuda_version(SMI_HEADER) == (12, 4)

    @pytest.mark.parametrize(
        "output",
        [
            "",
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
            "No devices were found",
            'Field "compute_cap" is not a valid field to query.',
            "Unable to determine the device handle for GPU 0000:01:00.0, Unknown Error, x",
        ],
    )
    def test_words_of_failure_are_no_gpu(self, gpu: Any, output: str) -> None:
        assert gpu.parse_gpus(output) == ()
        assert gpu.parse_cuda_version(output) is None

    def test_driver_too_old_to_name_the_capability_is_asked_less(
        self, gpu: Any, machine: Any
    ) -> None:
        asked_more = "smi --query-gpu=name,driver_version,memory.total,compute_cap"
        run = answers(
            {
                asked_more: (2, 'Field "compute_cap" is not a valid field to query.'),
                "smi --query-gpu=name,driver_version,memory.total --": (
                    0,
                    "Tesla K80, 470.82.01, 11441 MiB",
                ),
                "smi": (0, "CUDA Version: 11.4"),
            }
        )
        gpus, cuda = machine.find_gpus("smi", run)
        assert gpus == (gpu.Gpu("Tesla K80", "470.82.01", "11441 MiB"),)
        assert cuda == (11, 4)

    def test_machine_without_a_gpu_has_none(self, machine: Any) -> None:
        assert machine.find_gpus("smi", answers({"smi": (9, "No devices were found")})) == (
            (),
            None,
        )

    @pytest.mark.parametrize(
        ("platform", "machine_name", "gpus", "driver", "index", "build", "words"),
        [
            ("linux", "x86_64", GPU_LINE, (13, 1), False, "cuda", "runs CUDA 13"),
            ("linux", "x86_64", GPU_LINE, (12, 4), False, "cpu", "the driver runs CUDA 12.4"),
            ("linux", "x86_64", GPU_LINE, None, False, "cuda", "runs CUDA 13"),
            ("linux", "x86_64", "GTX 1080, 580.1, 8 GiB, 6.1", (13, 0), False, "cpu", "too old"),
            ("linux", "x86_64", "", None, False, "cpu", "saves about 4 GB"),
            ("win32", "AMD64", GPU_LINE, (13, 0), False, "cpu", "has no CUDA build for Windows"),
            ("win32", "AMD64", GPU_LINE, (13, 0), True, "cuda", "runs CUDA 13"),
            ("win32", "AMD64", "", None, False, "cpu", "No NVIDIA GPU"),
            ("darwin", "arm64", "", None, False, "mps", "Apple silicon"),
        ],
    )
    def test_build_fits_the_machine_and_says_why(
        self,
        gpu: Any,
        platform: str,
        machine_name: str,
        gpus: str,
        driver: Any,
        index: bool,
        build: str,
        words: str,
    ) -> None:
        found = gpu.choose_build(gpu.parse_gpus(gpus), driver, 13, platform, machine_name, index)
        assert found.name == build
        assert words in found.reason

    def test_sizes_are_those_of_what_is_installed(self, gpu: Any) -> None:
        assert gpu.cpu_build("", "linux", False).disk_bytes == 5_700_000_000
        assert gpu.cpu_build("", "linux", True).disk_bytes == 2_000_000_000
        assert gpu.cpu_build("", "win32", False).disk_bytes == 2_000_000_000

    def test_mac_with_an_intel_processor_is_told_that_there_is_no_build(self, gpu: Any) -> None:
        with pytest.raises(gpu.UnsupportedMachine, match="Intel"):
            gpu.choose_build((), None, 13, "darwin", "x86_64", False)


class TestPlaces:
    def test_linux_looks_on_path_then_in_usual_folders_newest_first(self, machine: Any) -> None:
        listed = {"/home/ann/.pyenv/versions": ["3.10.1", "3.11.7", "3.12.1", "3.12.10"]}
        found = machine.python_places(
            "linux",
            {"PATH": "/opt/bin:/home/ann/.pyenv/shims:/usr/bin"},
            "/home/ann",
            lambda folder: listed.get(folder, []),
        )
        assert found[0] == "/opt/bin/python3.13"
        assert "/usr/bin/python3.11" in found
        assert "/home/ann/.pyenv/versions/3.12.10/bin/python3.12" in found
        assert not [path for path in found if "shims" in path or "3.10" in path]
        assert len(found) == len(set(found))

    def test_mac_looks_where_homebrew_and_the_installer_put_it(self, machine: Any) -> None:
        found = machine.python_places("darwin", {"PATH": "/usr/bin"}, "/Users/ann", lambda _: [])
        assert "/opt/homebrew/bin/python3.12" in found
        framework = "/Library/Frameworks/Python.framework/Versions/3.12/bin/python3.12"
        assert framework in found

    def test_windows_looks_in_the_folders_of_installers_and_pyenv(self, machine: Any) -> None:
        environment = {
            "LOCALAPPDATA": "C:\\Users\\Zoë\\AppData\\Local",
            "PROGRAMFILES": "D:\\Programme",
        }
        pyenv = "C:\\Users\\Zoë\\.pyenv\\pyenv-win\\versions"
        found = machine.python_places(
            "win32",
            environment,
            "C:\\Users\\Zoë",
            lambda folder: ["3.9.1", "3.11.4"] if folder == pyenv else [],
        )
        assert "C:\\Users\\Zoë\\AppData\\Local\\Programs\\Python\\Python312\\python.exe" in found
        assert "D:\\Programme\\Python311\\python.exe" in found
        assert pyenv + "\\3.11.4\\python.exe" in found
        assert not [path for path in found if "3.9" in path]

    @pytest.mark.parametrize(
        ("line", "python"),
        [
            (
                " -V:3.12 *        C:\\Users\\Zoë\\Python312\\python.exe",
                "C:\\Users\\Zoë\\Python312\\python.exe",
            ),
            (
                " -3.11-64        C:\\Program Files\\Python311\\python.exe *",
                "C:\\Program Files\\Python311\\python.exe",
            ),
            ("Installed Pythons found by py Launcher for Windows", None),
        ],
    )
    def test_launcher_of_windows_is_understood(
        self, machine: Any, line: str, python: str | None
    ) -> None:
        assert machine.parse_py_launcher(line) == ([python] if python else [])

    def test_output_in_a_code_page_is_read(self, machine: Any) -> None:
        assert machine.decode("Zoë ☂".encode()) == "Zoë ☂"
        assert machine.decode("Zoë".encode("cp850"), "cp850") == "Zoë"

    def test_uv_that_is_an_empty_shim_is_passed_over(self, machine: Any) -> None:
        run = answers(
            {
                "/shims/uv": (127, "pyenv: uv: command not found"),
                "/home/ann/.local/bin/uv": (0, "uv 0.9.2 (abc 2025-10-10)"),
            }
        )
        places = machine.uv_places("linux", "/home/ann", "/shims/uv")
        assert machine.find_uv(places, run) == machine.Uv("/home/ann/.local/bin/uv", "0.9.2")
        assert machine.find_uv(places, answers({})) is None

    def test_uv_of_windows_is_looked_for_where_its_installer_puts_it(self, machine: Any) -> None:
        places = machine.uv_places("win32", "C:\\Users\\ann", None)
        assert places[0] == "C:\\Users\\ann\\.local\\bin\\uv.exe"


class TestPythons:
    def test_only_suitable_pythons_that_answer_are_offered_once(
        self, machine: Any, host: Any, tmp_path: Path
    ) -> None:
        paths = [tmp_path / name for name in ("good", "old", "narrow", "broken", "again")]
        for path in paths[:-1]:
            path.touch(mode=0o755)
        paths[-1].symlink_to(paths[0])
        inside = tmp_path / "QGIS.app" / "python3.12"
        inside.parent.mkdir()
        inside.touch(mode=0o755)
        run = answers(
            {
                f"{tmp_path}/good -c": (0, "3.12.1 64 0\n"),
                f"{tmp_path}/old -c": (0, "3.10.4 64 1\n"),
                f"{tmp_path}/narrow -c": (0, "3.12.1 32 1\n"),
                f"{inside} -c": (0, "3.12.1 64 1\n"),
            }
        )
        places = [str(path) for path in (*paths, inside, tmp_path / "none")]
        (found,) = machine.find_pythons(places, host, run)
        assert found.path == str(paths[0])
        assert (found.version, found.has_ensurepip) == ((3, 12, 1), False)

    def test_real_pythons_of_this_machine_answer(self, machine: Any, host: Any) -> None:
        found = machine.probe_python("/usr/bin/python3", machine.run_program)
        assert found.version >= (3, 9, 0)

    def test_looking_around_takes_no_part_of_qgis(self, machine: Any) -> None:
        launch = importlib.import_module("csi_geolocator.engine.launch")
        found = machine.look(launch.this_python())
        assert all((3, 11) <= python.version[:2] <= (3, 13) for python in found.pythons)
        assert bool(found.notes) == (not found.pythons and found.uv is None)

    @pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
    def test_machine_without_a_python_is_told_what_to_install(
        self, machine: Any, system: str
    ) -> None:
        words = machine.no_python_words(system)
        assert "No Python 3.11 to 3.13" in words
        assert "uv" in words
