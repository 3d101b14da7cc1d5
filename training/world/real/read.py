"""Any of the files that can describe a real city, told apart by what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model_core.errors import InputError
from training.world.real.city import RealCity
from training.world.real.cityjson import cityjson_city
from training.world.real.osm import Elements, add_overpass, osm_city, read_json, read_xml

FORMATS = ".osm, .osm.gz, .osm.bz2, an Overpass response (.json, .json.gz) or CityJSON (.json)"


def read_real_city(paths: Sequence[Path]) -> RealCity:
    """Return the city that one or more files describe together.

    OSM files and Overpass responses may be mixed: one may hold the buildings, another the roads.

    Raises:
        InputError: A file is missing, of no known format, or holds no building.
    """
    elements, models = Elements(), list[tuple[Path, dict[str, Any]]]()
    for path in paths:
        _read_file(path, elements, models)
    source = ", ".join(path.name for path in paths)
    if models and (elements.nodes or len(models) > 1):
        raise InputError(f"{source}: CityJSON cannot be joined with other files; prepare it alone")
    city = cityjson_city(models[0][1], models[0][0]) if models else osm_city(elements, source)
    if not city.buildings:
        raise InputError(f"{source}: holds no building; add the file that has the buildings")
    return city


def _read_file(path: Path, elements: Elements, models: list[tuple[Path, dict[str, Any]]]) -> None:
    if not path.is_file():
        raise InputError(f"{path} is not there; give {FORMATS}")
    name = path.name.removesuffix(".gz").removesuffix(".bz2")
    if name.endswith((".osm", ".xml")):
        read_xml(path, elements)
    elif name.endswith((".json", ".cityjson")):
        data = read_json(path)
        if data.get("type") == "CityJSON":
            models.append((path, data))
        elif "elements" in data:
            add_overpass(data, path, elements)
        else:
            raise InputError(f"{path}: neither Overpass response nor CityJSON; give {FORMATS}")
    else:
        raise InputError(f"{path}: cannot tell what it holds by its name; give {FORMATS}")
