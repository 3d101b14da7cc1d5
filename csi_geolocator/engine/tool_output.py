"""What uv, pip and the engine's own check say, read for progress and for words about failures."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..i18n import tr

_FETCHING = re.compile(r"^\s*(?:Downloading|Using cached)\s+(\S+)(?:\s+\(([^)]+)\))?")
_COLLECTING = re.compile(r"^\s*(?:Collecting|Processing|Requirement already satisfied:)\s+(\S+)")
_PREPARED = re.compile(r"^\s*(Prepared|Installed|Audited|Checked|Resolved)\s+(\d+)\s+package")
_ERROR = re.compile(
    r"(?i)(error|fatal|\u00d7|\u2570|cause:|caused by)"
)  # uv tells its causes below
MAX_TOLD = 400
_SHARE_FETCHING = 0.7
_SHARE_INSTALLING = 0.85


@dataclass(frozen=True)
class Progress:
    """How far one step is, from 0 to 1, and what it is at."""

    share: float
    words: str


class InstallProgress:
    """Follows the output of uv or pip, line by line.

    Args:
        packages: How many packages are installed.
    """

    def __init__(self, packages: int) -> None:
        self._packages = max(1, packages)
        self._seen: set[str] = set()
        self._share = 0.0

    def read(self, line: str) -> Progress | None:
        """Return where the step is after a line; None where the line does not say."""
        words = self._words(line)
        return None if words is None else Progress(self._share, words)

    def _words(self, line: str) -> str | None:
        fetching = _FETCHING.match(line)
        collecting = _COLLECTING.match(line)
        prepared = _PREPARED.match(line)
        if fetching:
            self._see(fetching[1])
            size = f" ({fetching[2]})" if fetching[2] else ""
            return tr("Fetching {}").format(_package(fetching[1]) + size)
        if collecting:
            self._see(collecting[1])
            return tr("Looking at {}").format(_package(collecting[1]))
        if line.lstrip().startswith("Installing collected packages"):
            self._reach(_SHARE_INSTALLING)
            return tr("Installing {} packages").format(self._packages)
        if prepared:
            self._reach({"Resolved": 0.02, "Prepared": _SHARE_INSTALLING}.get(prepared[1], 1.0))
            return line.strip()
        if line.startswith("Successfully installed"):
            self._reach(1.0)
            return tr("Installed")
        return None

    def _see(self, package: str) -> None:
        self._seen.add(_package(package).lower())
        self._reach(_SHARE_FETCHING * min(1.0, len(self._seen) / self._packages))

    def _reach(self, share: float) -> None:
        self._share = max(self._share, share)


def _package(text: str) -> str:
    """Return a package's name from a file's name or a requirement."""
    name = text.replace("\\", "/").rsplit("/", 1)[-1]
    if name.endswith((".whl", ".gz", ".metadata")):
        return name.split("-")[0].replace("_", "-")
    return re.split(r"[=<>!~;\[]", name)[0]


def explain_failure(title: str, exit_code: int, output: str) -> str:
    """Return in words why a step of the set-up failed, and what to do."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if _ERROR.match(line)]
    told = "; ".join((errors[-2:] or lines[-1:]) or [tr("it said nothing")])[:MAX_TOLD]
    advice = next((words for pattern, words in _advice() if re.search(pattern, output)), None)
    failed = tr("{0} failed (exit code {1}): {2}").format(title, exit_code, told)
    return f"{failed}\n{advice or _usual_advice()}"


def _usual_advice() -> str:
    return tr(
        "What was fetched is kept: try again, and the set-up goes on where it stopped. If it fails "
        "again, copy the diagnostics."
    )


def _advice() -> Sequence[tuple[str, str]]:
    return (
        (
            r"(?i)no space left|Errno 28|not enough space|disk full|os error 112",
            tr("The disk is full: free some space or choose another place, then try again."),
        ),
        (
            r"(?i)do not match the hashes|hash mismatch",
            tr(
                "A package is not the one that was tested with this plugin. If you use an offline "
                "folder, fill it anew with the packages of this version; else a proxy may alter "
                "what it passes on: delete the downloads and try again."
            ),
        ),
        (
            r"(?i)CERTIFICATE_VERIFY_FAILED|invalid peer certificate|UnknownIssuer|SSLError",
            tr(
                "The connection's certificate is not trusted. If your organisation uses one of its "
                "own, add it under Settings > Options > Authentication > Manage certificates, then "
                "try again."
            ),
        ),
        (
            r"(?i)407 |proxy authentication|ProxyError|tunnel",
            tr("The proxy refused: check it under Settings > Options > Network, then try again."),
        ),
        (
            r"(?i)name resolution|getaddrinfo|dns error|network is unreachable|connection refused"
            r"|NewConnectionError|failed to fetch|timed out|tcp connect error",
            tr(
                "The package index cannot be reached: check the network, and the proxy under "
                "Settings > Options > Network; or set up from an offline folder."
            ),
        ),
        (
            r"(?i)ensurepip",
            tr(
                "This Python cannot make environments. On Debian and Ubuntu install the package "
                "python3-venv; or choose another Python, or install uv."
            ),
        ),
        (
            r"(?i)no matching distribution|no solution found|could not find a version|no wheels",
            tr(
                "A package is not there for this Python and system. Choose Python 3.11 or 3.12; "
                "an offline folder has to hold every package for it."
            ),
        ),
        (
            r"(?i)WinError 206|filename or extension is too long|os error 3\b|Errno 36",
            tr("A path is too long for this system: choose a shorter place, near a drive's root."),
        ),
        (
            r"(?i)permission denied|WinError 5\b|WinError 32\b|os error 5\b|access is denied",
            tr(
                "A file cannot be written. Close other QGIS windows that use the engine, check "
                "that the folder is yours and that no virus scanner holds it, then try again."
            ),
        ),
    )


@dataclass(frozen=True)
class Check:
    """One finding of the engine's check of itself."""

    name: str
    ok: bool
    detail: str = ""
    next_step: str = ""


def parse_checks(output: str) -> tuple[Check, ...]:
    """Return the checks that ``doctor --json`` printed; empty where it printed none."""
    start = output.find("{")
    try:
        found = json.loads(output[start:]) if start >= 0 else {}
    except ValueError:
        return ()
    checks = found.get("checks", []) if isinstance(found, Mapping) else []
    return tuple(
        Check(
            str(check.get("name", "")),
            bool(check.get("ok")),
            str(check.get("detail", "")),
            str(check.get("next_step", "")),
        )
        for check in checks
        if isinstance(check, Mapping)
    )


def failed_checks_in_words(checks: Sequence[Check]) -> str:
    """Return the checks that failed, one a line, with what to do; empty where all passed."""
    return "\n".join(
        f"{check.name}: {check.detail}" + (f" ({check.next_step})" if check.next_step else "")
        for check in checks
        if not check.ok
    )
