"""Roads: along them people take photos, so places are laid along them."""

from __future__ import annotations

from model_core.references.roads.base import OnlineRoads, RoadSource
from model_core.references.roads.local import RoadFile

__all__ = ["OnlineRoads", "RoadFile", "RoadSource"]
