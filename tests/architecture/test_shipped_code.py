"""What no shipped file may hold."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

PICKLES = ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")
UNPICKLING_CALLS = (
    "torch.load",
    "torch.save",
    "torch.package",
    "read_pickle",
    "to_pickle",
    "load_from_checkpoint",
    "save_checkpoint",
    "ModelCheckpoint",
)


def test_nothing_is_pickled(sources: Sequence[Any]) -> None:
    wrong = [
        f"{source.where(node)} imports {name}"
        for source in sources
        for name, node in source.imports()
        if name.split(".")[0] in PICKLES or name == "multiprocessing.reduction"
    ]
    wrong += [
        f"{source.where(node)} calls {name}"
        for source in sources
        for name, node in source.calls()
        if name in UNPICKLING_CALLS or name.split(".")[-1] in UNPICKLING_CALLS
    ]
    assert not wrong, "\n".join(wrong)


def test_arrays_are_never_unpickled(sources: Sequence[Any]) -> None:
    wrong = [
        f"{source.where(node)} {name}"
        for source in sources
        for name, node in source.calls()
        for keyword in node.keywords
        if keyword.arg == "allow_pickle"
        and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
    ]
    assert not wrong, "\n".join(wrong)


def test_input_is_not_checked_by_assert(sources: Sequence[Any]) -> None:
    wrong = [
        source.where(node)
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Assert)
    ]
    assert not wrong, "\n".join(wrong)


def _catches_everything(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or ast.unparse(handler.type) in ("Exception", "BaseException")


def test_no_error_is_swallowed(sources: Sequence[Any]) -> None:
    wrong = []
    for source in sources:
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            silent = all(isinstance(line, ast.Pass | ast.Continue) for line in node.body)
            if node.type is None or (_catches_everything(node) and silent):
                wrong.append(source.where(node))
            elif silent and any(isinstance(line, ast.Pass) for line in node.body):
                wrong.append(f"{source.where(node)} (say it with contextlib.suppress)")
    assert not wrong, "\n".join(wrong)


def test_no_shell_no_eval_no_archive_extraction(sources: Sequence[Any]) -> None:
    wrong = []
    for source in sources:
        for name, node in source.calls():
            shell = any(
                keyword.arg == "shell" and ast.unparse(keyword.value) != "False"
                for keyword in node.keywords
            )
            if shell or name in ("eval", "exec", "os.system", "os.popen"):
                wrong.append(f"{source.where(node)} {name}")
            if name.split(".")[-1] in ("extractall", "unpack_archive"):
                wrong.append(f"{source.where(node)} {name}")
    assert not wrong, "\n".join(wrong)


def test_request_has_a_timeout(sources: Sequence[Any]) -> None:
    verbs = ("get", "post", "head", "put", "request")
    wrong = [
        f"{source.where(node)} {name}"
        for source in sources
        for name, node in source.calls()
        if name in {f"requests.{verb}" for verb in verbs}
        and not any(keyword.arg == "timeout" for keyword in node.keywords)
    ]
    assert not wrong, "\n".join(wrong)


def test_import_changes_no_state_at_the_top_of_a_file(sources: Sequence[Any]) -> None:
    effects = (
        "seed",
        "manual_seed",
        "basicConfig",
        "addHandler",
        "filterwarnings",
        "setNumThreads",
    )
    wrong = []
    for source in sources:
        for statement in source.tree.body:
            if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
                continue
            name = ast.unparse(statement.value.func)
            last = name.split(".")[-1]
            if last in effects or last.startswith("set_"):
                wrong.append(f"{source.where(statement)} {name}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "pattern", ["csi_geolocator/**/*.py", "model_core/__init__.py", "model_core/contract/*.py"]
)
def test_what_qgis_loads_keeps_to_python_39(repository: Path, pattern: str) -> None:
    found = sorted(repository.glob(pattern))
    assert found
    for path in found:
        tree = ast.parse(path.read_text(), feature_version=(3, 9))
        unions = any(
            isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)
            for node in ast.walk(tree)
        )
        future = any(
            isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body
        )
        assert future or not unions, f"{path}: 'X | Y' needs 'from __future__ import annotations'"


def test_qt_enums_are_fully_scoped(sources: Sequence[Any]) -> None:
    wrong = []
    for source in sources:
        if source.package != "csi_geolocator":
            continue
        inner = {
            id(node.value) for node in ast.walk(source.tree) if isinstance(node, ast.Attribute)
        }
        inner |= {
            id(part)
            for node in ast.walk(source.tree)
            if isinstance(node, ast.arg) and node.annotation is not None
            for part in ast.walk(node.annotation)
        }
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
                continue
            if node.value.id == "Qt" and id(node) not in inner:
                wrong.append(f"{source.where(node)} {ast.unparse(node)}")
            if node.attr == "exec_":
                wrong.append(f"{source.where(node)} {ast.unparse(node)}: exec()")
    assert not wrong, "\n".join(wrong)
