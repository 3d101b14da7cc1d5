"""Make the pictures of ``docs/user-guide.md`` from real windows: ``make screenshots``.

QGIS runs on a virtual screen, in a fresh profile, on the demo, with the true engine of ``.venv``.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from PIL import Image
from qgis_profile import ENGINE_PYTHON, NAME, ROOT, make_profile, run_qgis

PICTURES = ROOT / "docs" / "images"
TIMEOUT_S = 3000.0
# Paths of the profile are seen in the pictures, and should be those of nobody.
HOME = Path("/var/tmp/qgis")


def shrink(path: Path) -> None:
    """Write a picture with a palette of its own: a third of the size, and nobody sees it."""
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(256, method=Image.Quantize.FASTOCTREE)
    small.save(path, optimize=True)


def main(arguments: list[str]) -> int:
    """Run the command line; a language may be named, as in ``de``."""
    locale = arguments[0] if arguments else "en_US"
    pictures = PICTURES if locale == "en_US" else ROOT / "build" / f"pictures_{locale}"
    pictures.mkdir(parents=True, exist_ok=True)
    make_profile(HOME, engine_python=HOME / "engine/bin/python", with_plugin=True, locale=locale)
    (HOME / "engine").symlink_to(ENGINE_PYTHON.parents[1])
    demo = HOME / "profiles" / "default" / "python" / "plugins" / NAME / "resources" / "demo"
    written = HOME / "report.json"
    variables = {
        "CSI_DEMO": str(demo),
        "CSI_PICTURES": str(pictures),
        "CSI_REPORT": str(written),
    }
    code, said = run_qgis(HOME, "screenshots.py", variables, timeout_s=TIMEOUT_S)
    if not written.exists():
        print(f"QGIS ended with {code} and wrote no report:\n{said}", file=sys.stderr)
        return 1
    seen = json.loads(written.read_text(encoding="utf-8"))
    shutil.rmtree(HOME)
    for name in seen["pictures"]:
        path = pictures / f"{name}.png"
        shrink(path)
        print(f"{path.relative_to(ROOT)} ({path.stat().st_size / 1000:.0f} kB)")
    if seen["failure"]:
        print(seen["failure"], file=sys.stderr)
    return 1 if seen["failure"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
