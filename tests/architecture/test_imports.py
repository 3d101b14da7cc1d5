"""Who may import whom."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

# Lower lines know nothing of higher ones; a line's own modules know each other.
FOUNDATION: Sequence[Sequence[str]] = (
    ("errors",),
    ("files",),
    ("config", "option_kinds"),
    ("types",),
    ("device",),
    ("contract",),
)
STAGES: Sequence[Sequence[str]] = (
    ("photo", "photo_metadata", "photo_tags", "camera_sensors"),
    ("references",),
    ("alignment",),
    ("photo_edits",),
    ("synthesis",),
    ("features",),
    ("fusion",),
    ("bundle",),
    ("gallery",),
    ("matching",),
    ("verification",),
    ("candidates", "evidence", "position"),
)
AROUND: Sequence[Sequence[str]] = (
    ("request",),
    ("inspection",),
    ("photo_export",),
    ("compare",),
    ("fetch",),
    ("scene",),
    ("scoring",),
    ("output",),
    ("report",),
    ("pipeline",),
    ("options",),
    ("doctor",),
    ("source_jobs",),
    ("photo_jobs",),
    ("jobs",),
    ("serve",),
    ("terminal",),
    ("cli_run",),
    ("cli_sources", "cli_photos"),
    ("cli",),
    ("__main__",),
)
LAYERS = (*FOUNDATION, *STAGES, *AROUND)
LAYER_OF = {name: level for level, names in enumerate(LAYERS) for name in names}
CONTRACT = "model_core.contract"
STANDARD_LIBRARY_ONLY = ("model_core", "model_core.errors")
OPENS_SOCKETS = (
    "aiohttp",
    "asyncio",
    "ftplib",
    "http",
    "httpx",
    "osmnx",
    "requests",
    "smtplib",
    "socket",
    "socketserver",
    "ssl",
    "telnetlib",
    "torch.hub",
    "urllib.request",
    "urllib3",
    "xmlrpc",
)
MAY_OPEN_SOCKETS = "model_core.references.http"
# OSMnx sends its requests itself, with arguments lent by the HTTP client; see decision 5.
MAY_LEND_SOCKETS = {"model_core.references.roads.overpass": "osmnx"}

ONE_SYSTEM_HAS = (
    *("curses", "fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"),
    *("msvcrt", "winreg", "winsound"),
)

STRICT = {name for names in (*FOUNDATION, *STAGES) for name in names}


def within(name: str, parent: str) -> bool:
    return name == parent or name.startswith(parent + ".")


def engine_module(name: str) -> str | None:
    """The part of ``model_core.x.y`` that has a layer: x; None for the package itself."""
    parts = name.split(".")
    return parts[1] if parts[0] == "model_core" and len(parts) > 1 else None


def test_every_engine_module_has_a_layer(sources: Sequence[Any]) -> None:
    names = {engine_module(s.module) for s in sources if s.package == "model_core"} - {None}
    unplaced = sorted(str(name) for name in names - set(LAYER_OF))
    assert not unplaced, f"say in LAYERS who may import these: {unplaced}"


def test_stage_imports_earlier_stages_only(sources: Sequence[Any]) -> None:
    wrong = []
    for source in sources:
        importer = engine_module(source.module)
        if source.package != "model_core" or importer is None:
            continue
        for name, node in source.imports(for_types=importer in STRICT):
            imported = engine_module(name)
            if imported in LAYER_OF and LAYER_OF[imported] > LAYER_OF[importer]:
                wrong.append(f"{source.where(node)} imports {name}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("package", "never"),
    [
        ("model_core", ("qgis", "PyQt5", "PyQt6", "training", "csi_geolocator")),
        ("training", ("qgis", "PyQt5", "PyQt6", "csi_geolocator")),
        ("csi_geolocator", ("PyQt5", "PyQt6", "model_core", "training", "torch", "numpy", "cv2")),
    ],
)
def test_package_never_imports(sources: Sequence[Any], package: str, never: Sequence[str]) -> None:
    wrong = [
        f"{source.where(node)} imports {name}"
        for source in sources
        if source.package == package
        for name, node in source.imports()
        if any(within(name, parent) for parent in never)
    ]
    assert not wrong, "\n".join(wrong)


def test_plugin_needs_qgis_and_the_standard_library_only(sources: Sequence[Any]) -> None:
    known = {*sys.stdlib_module_names, "qgis", "osgeo", "csi_geolocator"}  # osgeo is QGIS's GDAL
    wrong = [
        f"{source.where(node)} imports {name}"
        for source in sources
        if source.package == "csi_geolocator"
        for name, node in source.imports()
        if name.split(".")[0] not in known
    ]
    assert not wrong, "\n".join(wrong)


def test_plugin_takes_only_the_contract_from_the_engine(sources: Sequence[Any]) -> None:
    taken = {
        name
        for source in sources
        if source.package == "csi_geolocator"
        for name, _ in source.imports()
        if within(name, "csi_geolocator.model_core") or within(name, "csi_geolocator.training")
    }
    contract = "csi_geolocator.model_core.contract"
    assert taken
    assert all(within(name, contract) for name in taken), taken


def test_what_qgis_imports_needs_the_standard_library_only(sources: Sequence[Any]) -> None:
    wrong = [
        f"{source.where(node)} imports {name}"
        for source in sources
        if source.module in STANDARD_LIBRARY_ONLY or within(source.module, CONTRACT)
        for name, node in source.imports()
        if name.split(".")[0] not in sys.stdlib_module_names and not within(name, CONTRACT)
    ]
    assert not wrong, "\n".join(wrong)


def test_what_only_some_systems_have_is_imported_where_it_is_used(sources: Sequence[Any]) -> None:
    at_once = [(source, ast.Module([node], [])) for source in sources for node in source.tree.body]
    wrong = [
        f"{source.where(node)} imports {name}"
        for source, line in at_once
        if isinstance(line.body[0], (ast.Import, ast.ImportFrom))
        for name, node in replace(source, tree=line).imports()
        if name.split(".")[0] in ONE_SYSTEM_HAS
    ]
    assert not wrong, "\n".join(wrong)


def test_one_module_opens_sockets(sources: Sequence[Any]) -> None:
    wrong = [
        f"{source.where(node)} imports {name}"
        for source in sources
        if not within(source.module, MAY_OPEN_SOCKETS)
        for name, node in source.imports()
        if any(within(name, opener) for opener in OPENS_SOCKETS)
        and not within(name, MAY_LEND_SOCKETS.get(source.module, "never"))
    ]
    wrong += [
        f"{source.where(node)} calls {name}"
        for source in sources
        for name, node in source.calls()
        if name.startswith("torch.hub.") or name.endswith("load_state_dict_from_url")
    ]
    assert not wrong, "\n".join(wrong)
