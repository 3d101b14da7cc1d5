"""The commands that set an environment up, and how their output is read; nothing runs here."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

PINNED = """\
affine==3.0.1 \\
    --hash=sha256:aa \\
    --hash=sha256:ab
    # via rasterio
cuda-toolkit==13.2.2 \\
    --hash=sha256:cc
nvidia-cublas==13.4.1.3 \\
    --hash=sha256:dd
torch==2.15.0 \\
    --hash=sha256:ee
    # via
    #   torchvision
torchvision==0.29.2 \\
    --hash=sha256:ff
triton==3.9.0 \\
    --hash=sha256:gg
"""
INDEX = "https://ann:token@packages.example.org/cpu"


@pytest.fixture
def plan(staged: Path) -> Any:
    return importlib.import_module("csi_geolocator.engine.plan")


@pytest.fixture
def machine(staged: Path) -> Any:
    return importlib.import_module("csi_geolocator.engine.machine")


@pytest.fixture
def requirements(staged: Path) -> Any:
    return importlib.import_module("csi_geolocator.engine.requirements")


@pytest.fixture
def output(staged: Path) -> Any:
    return importlib.import_module("csi_geolocator.engine.tool_output")


@pytest.fixture
def order(plan: Any, machine: Any, staged: Path) -> Any:
    """An order to set up with pip on Linux."""
    gpu = importlib.import_module("csi_geolocator.engine.gpu")
    return plan.Order(
        folder=Path("/home/Zoë Q/engine"),
        plugin_folder=staged,
        build=gpu.cuda_build("a GPU"),
        downloads=Path("/home/Zoë Q/downloads"),
        python=machine.PythonFound("/usr/bin/python3.12", (3, 12, 1)),
        platform="linux",
    )


class TestRequirements:
    def test_pinned_versions_are_read(self, requirements: Any) -> None:
        assert list(requirements.parse(PINNED)) == [
            "affine",
            "cuda-toolkit",
            "nvidia-cublas",
            "torch",
            "torchvision",
            "triton",
        ]
        assert requirements.version_of(PINNED, "torch") == "2.15.0"
        assert requirements.needed_cuda(PINNED) == 13
        assert requirements.needed_cuda("nvidia-cudnn-cu12==9.1\n") == 12
        assert requirements.needed_cuda("affine==1.0\n") == 0

    @pytest.mark.parametrize(
        ("platform", "apart", "names"),
        [
            (
                "linux",
                False,
                ["affine", "cuda-toolkit", "nvidia-cublas", "torch", "torchvision", "triton"],
            ),
            ("linux", True, ["affine"]),
            ("win32", False, ["affine", "torch", "torchvision"]),
            ("win32", True, ["affine"]),
            ("darwin", False, ["affine", "torch", "torchvision"]),
        ],
    )
    def test_machine_gets_what_it_needs_with_hashes(
        self, requirements: Any, platform: str, apart: bool, names: list[str]
    ) -> None:
        text = requirements.select(PINNED, platform, apart)
        assert list(requirements.parse(text)) == names
        assert "affine==3.0.1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:ab\n" in text
        assert "#" not in text

    def test_packaged_requirements_are_whole(self, requirements: Any, staged: Path) -> None:
        text = requirements.read_requirements(staged)
        selected = requirements.select(text, "linux", torch_apart=False)
        assert requirements.parse(selected) == requirements.parse(text)
        assert requirements.count(text) > 80
        assert all("--hash=sha256:" in block for block in requirements.parse(text).values())
        assert requirements.version_of(text, "torch")
        assert requirements.needed_cuda(text) >= 12

    def test_digest_does_not_know_line_ends(self, requirements: Any) -> None:
        assert requirements.digest(PINNED) == requirements.digest(PINNED.replace("\n", "\r\n"))
        assert requirements.digest(PINNED) != requirements.digest(PINNED + "x==1\n")


class TestSteps:
    def test_pip_makes_the_environment_then_installs_into_it(self, plan: Any, order: Any) -> None:
        make, install = plan.set_up_steps(order, PINNED)
        assert make.program == "/usr/bin/python3.12"
        assert make.arguments == ("-m", "venv", "/home/Zoë Q/engine")
        assert install.program == "/home/Zoë Q/engine/bin/python"
        assert install.arguments[:3] == ("-m", "pip", "install")
        assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(install.arguments)
        assert install.arguments[-2:] == ("-r", "/home/Zoë Q/engine/requirements.txt")
        assert install.packages == 6

    def test_uv_does_the_same_and_compiles(self, plan: Any, machine: Any, order: Any) -> None:
        with_uv = replace(order, uv=machine.Uv("/opt/uv", "0.9.0"))
        make, install = plan.set_up_steps(with_uv, PINNED)
        assert make.arguments[-3:] == ("--python", "/usr/bin/python3.12", "/home/Zoë Q/engine")
        assert "--allow-existing" in make.arguments
        assert install.program == "/opt/uv"
        assert install.arguments[:4] == (
            "pip",
            "install",
            "--python",
            "/home/Zoë Q/engine/bin/python",
        )
        assert "--compile-bytecode" in install.arguments

    def test_uv_brings_its_own_python_where_there_is_none(
        self, plan: Any, machine: Any, order: Any
    ) -> None:
        alone = replace(order, uv=machine.Uv("/opt/uv", "0.9.0"), python=None)
        assert "--managed-python" in plan.set_up_steps(alone, PINNED)[0].arguments
        with pytest.raises(plan.CannotSetUp, match="Without a network"):
            plan.set_up_steps(replace(alone, wheelhouse="/media/wheels"), PINNED)

    def test_nothing_to_make_it_with_is_said(self, plan: Any, machine: Any, order: Any) -> None:
        with pytest.raises(plan.CannotSetUp, match="neither"):
            plan.set_up_steps(replace(order, python=None), PINNED)
        bare = machine.PythonFound("/usr/bin/python3.11", (3, 11, 2), has_ensurepip=False)
        with pytest.raises(plan.CannotSetUp, match="python3-venv"):
            plan.set_up_steps(replace(order, python=bare), PINNED)

    def test_named_index_serves_torch_alone(self, plan: Any, order: Any) -> None:
        _, torch, rest = plan.set_up_steps(replace(order, package_index=INDEX), PINNED)
        assert torch.arguments[-4:] == (
            "--index-url",
            INDEX,
            "torch==2.15.0",
            "torchvision==0.29.2",
        )
        assert "--require-hashes" not in torch.arguments
        assert "--index-url" not in rest.arguments
        assert rest.packages == 1

    def test_folder_of_packages_stands_for_every_index(self, plan: Any, order: Any) -> None:
        offline = replace(order, package_index=INDEX, wheelhouse="/media/wheels")
        _, install = plan.set_up_steps(offline, PINNED)
        assert install.arguments[install.arguments.index("--no-index") + 1 :][:2] == (
            "--find-links",
            "/media/wheels",
        )
        assert "--require-hashes" in install.arguments

    def test_windows_has_its_own_folders_and_quoting(self, plan: Any, order: Any) -> None:
        there = replace(order, platform="win32", folder=Path("engine"))
        assert there.engine_python.parts[-2:] == ("Scripts", "python.exe")
        step = plan.Step("", "C:\\Program Files\\Python312\\python.exe", ("-m", "venv", "C:\\a b"))
        line = '"C:\\Program Files\\Python312\\python.exe" -m venv "C:\\a b"'
        assert step.command_line("win32") == line
        assert plan.Step("", "/a b/python", ("-V",)).command_line("linux") == "'/a b/python' -V"

    def test_installers_get_the_proxy_and_nothing_of_qgis(self, plan: Any, order: Any) -> None:
        proxied = replace(order, proxy="http://ann:pw@gate:3128", certificates="/certs.pem")
        found = plan.step_environment(proxied, {"PYTHONPATH": "/qgis", "PIP_TARGET": "/x"})
        assert found["HTTPS_PROXY"] == "http://ann:pw@gate:3128"
        assert found["PIP_CERT"] == found["SSL_CERT_FILE"] == "/certs.pem"
        assert found["PIP_CACHE_DIR"] == "/home/Zoë Q/downloads/pip"
        assert "PYTHONPATH" not in found
        assert "PIP_TARGET" not in found
        assert "pw" not in repr(proxied)

    def test_company_certificates_of_the_system_are_used_on_windows(
        self, plan: Any, order: Any
    ) -> None:
        found = plan.step_environment(replace(order, platform="win32"), {})
        assert found["UV_NATIVE_TLS"] == "1"
        assert "UV_NATIVE_TLS" not in plan.step_environment(order, {})

    def test_place_is_judged_before_anything_is_fetched(self, plan: Any) -> None:
        long = Path("C:/Users/" + "x" * 100)
        assert "C:\\csi\\engine" in plan.place_problem(long, "win32", 1, 10)
        assert plan.place_problem(long, "linux", 1, 10) == ""
        words = plan.place_problem(Path("/x"), "linux", 5_700_000_000, 2_000_000_000)
        assert words == "Only 2.0 GB are free there, 5.7 GB are needed."
        assert plan.place_problem(Path("/x"), "linux", 5, None) == ""

    def test_free_space_is_known_for_a_folder_that_is_not_there(
        self, plan: Any, tmp_path: Path
    ) -> None:
        assert plan.free_bytes(tmp_path / "not" / "there") > 0

    def test_time_is_shorter_without_fetching(self, plan: Any, order: Any) -> None:
        online = plan.seconds_needed(order.build, is_offline=False)
        assert plan.seconds_needed(order.build, is_offline=True) < online < 1800


PIP_OUTPUT = """\
Looking in links: /media/wheels
Collecting affine==3.0.1
  Downloading affine-3.0.1-py3-none-any.whl (16 kB)
Collecting torch==2.15.0
  Downloading torch-2.15.0-cp312-none-linux_x86_64.whl (780.5 MB)
Installing collected packages: affine, torch
Successfully installed affine-3.0.1 torch-2.15.0
"""
UV_OUTPUT = """\
Using Python 3.12.1 environment at: /home/ann/engine
Resolved 2 packages in 12ms
Downloading torch (744.2MiB)
 Downloaded torch
Prepared 2 packages in 41.02s
Installed 2 packages in 1.2s
Bytecode compiled 9321 files in 12s
 + affine==3.0.1
"""


class TestOutput:
    @pytest.mark.parametrize("said", [PIP_OUTPUT, UV_OUTPUT])
    def test_progress_grows_and_names_what_takes_long(self, output: Any, said: str) -> None:
        progress = output.InstallProgress(2)
        steps = [step for step in map(progress.read, said.splitlines()) if step]
        shares = [step.share for step in steps]
        assert shares == sorted(shares)
        assert shares[-1] == 1.0
        assert any(step.words.startswith("Fetching torch (7") for step in steps)

    def test_lines_of_no_interest_say_nothing(self, output: Any) -> None:
        assert output.InstallProgress(2).read("[notice] A new release of pip is available") is None

    @pytest.mark.parametrize(
        ("said", "advice"),
        [
            ("OSError: [Errno 28] No space left on device", "disk is full"),
            ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "not the one that was tested"),
            ("\u00d7 Failed to download torch\n  Hash mismatch", "not the one that was tested"),
            ("[SSL: CERTIFICATE_VERIFY_FAILED] unable to get local issuer", "Authentication"),
            ("invalid peer certificate: UnknownIssuer", "Authentication"),
            ("OSError('Tunnel connection failed: 407 Proxy Authentication')", "The proxy refused"),
            ("Temporary failure in name resolution", "offline folder"),
            ("error: Failed to fetch: tcp connect error: Connection refused", "offline folder"),
            ("The virtual environment ... ensurepip is not available.", "python3-venv"),
            ("ERROR: No matching distribution found for torch==2.15.0", "Python 3.11 or 3.12"),
            ("\u00d7 No solution found when resolving dependencies", "Python 3.11 or 3.12"),
            ("OSError: [WinError 206] The filename or extension is too long", "shorter place"),
            ("PermissionError: [WinError 5] Access is denied", "Close other QGIS windows"),
            ("something new", "goes on where it stopped"),
        ],
    )
    def test_failure_is_explained_with_the_next_step(
        self, output: Any, said: str, advice: str
    ) -> None:
        words = output.explain_failure("Installing the packages", 2, "Collecting x\n" + said)
        assert words.startswith("Installing the packages failed (exit code 2): ")
        assert advice in words

    def test_failure_of_uv_is_told_with_its_cause(self, output: Any) -> None:
        said = "error: Failed to download `torch==2.15.0`\n  cause: Hash mismatch for `torch`\n"
        words = output.explain_failure("Installing", 1, said)
        assert "Failed to download `torch==2.15.0`; cause: Hash mismatch" in words
        assert "not the one that was tested" in words

    def test_failure_without_words_is_explained_too(self, output: Any) -> None:
        assert "it said nothing" in output.explain_failure("Making", -1, "\n")

    def test_checks_of_the_engine_are_read(self, output: Any) -> None:
        said = (
            'warning: x\n{"checks": [{"name": "Python", "ok": true, "detail": "3.12"}, '
            '{"name": "Device", "ok": false, "detail": "no CUDA", "next_step": "update"}]}\n'
        )
        checks = output.parse_checks(said)
        assert [check.ok for check in checks] == [True, False]
        assert output.failed_checks_in_words(checks) == "Device: no CUDA (update)"
        assert output.parse_checks("Traceback") == ()
        assert output.parse_checks("{no json") == ()


def test_passwords_are_hidden_wherever_they_turn_up(staged: Path) -> None:
    redaction = importlib.import_module("csi_geolocator.engine.redaction")
    redact = redaction.Redactor(["http://ann:p%40ss@gate:3128", "https://token@index", None])
    shown = redact("failed: http://ann:p%40ss@gate:3128 with p@ss at https://token@index")
    assert "p@ss" not in shown
    assert "p%40ss" not in shown
    assert "token" not in shown
    assert redaction.Redactor()("nothing to hide") == "nothing to hide"
