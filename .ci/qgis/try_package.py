"""Install the zip in a fresh QGIS profile and run the demo there; part of ``make package``.

    python3 .ci/qgis/try_package.py [build/csi_geolocator.zip]

The engine is the true one, from ``.venv``. Exit status 1 where anything failed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qgis_profile import ENGINE_PYTHON, NAME, ROOT, make_profile, run_qgis

TIMEOUT_S = 1000.0


def findings(seen: dict[str, Any]) -> Iterator[str]:
    """Yield in words what did not go as it should."""
    if seen["failure"]:
        yield seen["failure"]
        return
    for name, photo in seen["photos"].items():
        if photo["error"] or not photo["candidates"]:
            yield f"{name}: {photo['error'] or 'no candidate'}"
    if seen["features"] != sum(photo["candidates"] for photo in seen["photos"].values()):
        yield f"the map shows {seen['features']} candidates, not those of the photos"
    if seen["engine_modules"]:
        yield f"QGIS loaded {', '.join(seen['engine_modules'])}"


def main(arguments: list[str]) -> int:
    """Run the command line."""
    package = Path(arguments[0] if arguments else ROOT / "build" / f"{NAME}.zip").resolve()
    home = ROOT / "build" / "try-package"
    make_profile(home, engine_python=ENGINE_PYTHON, with_plugin=False)
    written = home / "report.json"
    plugins = home / "profiles" / "default" / "python" / "plugins"
    variables = {
        "CSI_PACKAGE": str(package),
        "CSI_REPORT": str(written),
        "CSI_DEMO": str(plugins / NAME / "resources" / "demo"),
    }
    code, said = run_qgis(home, "try_package.py", variables, timeout_s=TIMEOUT_S)
    if not written.exists():
        print(f"QGIS ended with {code} and wrote no report:\n{said}")
        return 1
    seen = json.loads(written.read_text(encoding="utf-8"))
    found = list(findings(seen))
    for line in found:
        print(line, file=sys.stderr)
    if not found:
        print(f"installed in QGIS {seen['qgis']}: {len(seen['photos'])} demo photos located")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
