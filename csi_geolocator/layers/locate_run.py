"""What a run was asked, as it is kept with its results."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ..i18n import tr
from ..model_core import contract
from ..source_text import without_secret

FILE_NAME = "analysis.gpkg"
_SECRET = ("keys", "network")


@dataclass(frozen=True)
class LocateRun:
    """What was asked, and when: ISO 8601. ``captured_at`` says when photos were taken, by path.

    ``attributions`` and ``made_with`` are what the result at its end would say of sources, model
    and software, as far as it is known at the start: a run may be cancelled or fail.
    """

    params: contract.LocateParams
    started_at: str
    captured_at: Mapping[str, str] = field(default_factory=dict)
    attributions: tuple[str, ...] = ()
    made_with: Mapping[str, str] = field(default_factory=dict)

    def to_values(self) -> dict[str, str]:
        """Return the run as it is kept with its results: without keys and proxy.

        ``{key}`` stands where an address held a key; the stored one takes its place. A login
        before the host is left out.
        """
        params = {k: v for k, v in self.params.to_json().items() if k not in _SECRET}
        for name in ("imagery", "roads"):
            if name in params:
                params[name] = without_secret(params[name])
        params["street_views"] = [without_secret(text) for text in params["street_views"]]
        return {
            "params": json.dumps(params),
            "started_at": self.started_at,
            "attributions": json.dumps(list(self.attributions)),
            "provenance": json.dumps(dict(self.made_with)),
        }

    @classmethod
    def from_values(cls, values: Mapping[str, str]) -> LocateRun:
        """Return the run that results were kept with.

        Raises:
            ContractError: It was kept by another version of the plugin.
        """
        try:
            params = json.loads(values["params"])
        except (KeyError, ValueError) as error:
            raise contract.ContractError(
                tr(
                    "The results cannot be read ({}): they are of another version of the plugin."
                ).format(repr(error))
            ) from error
        return cls(
            contract.LocateParams.from_json(params),
            values.get("started_at", ""),
            attributions=tuple(json.loads(values.get("attributions", "[]"))),
            made_with=json.loads(values.get("provenance", "{}")),
        )


def free_path(run: LocateRun) -> Path:
    """Return where the results go: never onto those of an earlier run, which hold decisions."""
    folder = Path(run.params.out or tempfile.mkdtemp(prefix="csi_geolocator_"))
    path, number = folder / FILE_NAME, 1
    while path.exists():
        number += 1
        path = folder / f"{Path(FILE_NAME).stem}_{number}.gpkg"
    return path


def started_now() -> str:
    """Return the present moment as a run notes it: ISO 8601 with the zone."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def has_ended(values: Mapping[str, str]) -> bool:
    """Return whether the values kept with the results tell of the run's end."""
    return "summary" in values


def end_values(
    attributions: Sequence[str],
    notes: Sequence[str],
    summary: str,
    provenance: Mapping[str, str],
    heat: str,
) -> dict[str, str]:
    """Return what is known of a run at its end, as it is kept with the results."""
    return {
        "attributions": json.dumps(list(attributions)),
        "notes": json.dumps(list(notes)),
        "summary": summary,
        "provenance": json.dumps(dict(provenance)),
        "heat": heat,
    }


def capture_times(results: str) -> dict[str, str]:
    """Return when photos were taken, by path, as the engine's document says; "" where not known."""
    if not results or not Path(results).is_file():
        return {}
    document = json.loads(Path(results).read_text(encoding="utf-8"))
    return {
        str(Path(photo["path"])): (photo.get("camera") or {}).get("captured_at") or ""
        for photo in document["photos"]
    }
