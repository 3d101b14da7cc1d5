"""Open QGIS on the demo project, the plugin in a profile of its own: ``make qgis-demo``."""

from __future__ import annotations

import sys

from qgis_profile import ENGINE_PYTHON, NAME, ROOT, make_profile, run_qgis


def main() -> int:
    """Run QGIS until it is closed."""
    home = ROOT / "build" / "qgis-demo"
    make_profile(home, engine_python=ENGINE_PYTHON, with_plugin=True)
    demo = home / "profiles" / "default" / "python" / "plugins" / NAME / "resources" / "demo"
    variables = {"CSI_DEMO": str(demo), "CSI_PROJECT": str(home / "demo.qgz")}
    code, _ = run_qgis(home, "open_demo.py", variables, on_screen=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
