"""How the engine's environment stands, in words: the same in its window and on the options page."""

from __future__ import annotations

from ..engine.environment import EnvironmentState
from ..i18n import tr
from .notice import ERROR, HINT, WARNING, WELL


def introduction() -> str:
    """Return what the engine is, and what fetching it tells to whom."""
    return tr(
        "Photos are compared by an engine in a process and a Python environment of its own. "
        "Nothing is installed into the Python of QGIS. The packages are pinned and come from "
        "the usual package index of the installer, which hears your address and what is "
        "fetched, and nothing of your photos or projects."
    )


def main_action(state: EnvironmentState) -> str:
    """Return what the main button does."""
    return {
        "unfinished": tr("Finish set-up"),
        "outdated": tr("Update"),
        "ready": tr("Set up again"),
    }.get(state.kind, tr("Set up"))


def state_in_words(state: EnvironmentState) -> tuple[str, str]:
    """Return the kind of notice, and how the environment stands in words."""
    made = state.installation
    if state.kind == "chosen":
        if state.python is None:
            return ERROR, tr("The Python that was chosen for the engine is not there any more.")
        return WELL, tr("The engine uses the Python that was chosen: {}").format(state.python)
    if state.kind == "ready" and made is not None:
        if made.warning:
            return WARNING, tr("The engine is set up, but: {}").format(made.warning)
        return WELL, tr("The engine is set up. It computes on {}.").format(made.device)
    words = {
        "missing": (HINT, tr("The engine is not set up yet.")),
        "unfinished": (
            WARNING,
            tr("A set-up was not finished. It goes on where it stopped; what was fetched is kept."),
        ),
        "outdated": (
            WARNING,
            tr("This version of the plugin needs other packages: update the environment."),
        ),
        "foreign": (
            ERROR,
            tr("The chosen place is a folder that this plugin did not make: choose another."),
        ),
    }
    return words[state.kind]
