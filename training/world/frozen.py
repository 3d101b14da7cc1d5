"""The frozen test world: a hash of everything that defines it and depends on no device.

``world-v1`` is the everyday tier (five districts of each held-out city), the hard tier (one
district of each: fields of view of 45 to 70 degrees, heavy occlusion, a state of disaster, imagery
of the other date) and the real tier: what ``geometry`` makes of files of OpenStreetMap and CityJSON
of places that no training city shares, by the sha256 of its folders. It is rendered by ``render
--cities test:0:5``, ``render --cities test:900 --tier hard --state mixed`` and ``render --geometry
FOLDER --cities 0:4``.
The hash covers geometry, facades, cameras, appearances, dates, states and registration errors of
every district; what a device makes of them differs in the last bits and is left out. The last bits
of numpy's numbers depend on the processor's instructions: without AVX2 in place of with it, points
lie up to 0.1 mm elsewhere. So ``same_elsewhere`` in the file holds the hashes of the same districts
on processors that have AVX2 alone, or neither; the first hash was made before, elsewhere. Hashes
are written in groups of eight digits, to be compared by eye.

A new version is made when a change to the world is meant: raise ``version.RENDERER_VERSION`` (and
``WORLD_VERSION`` if figures on the old world are no longer to be compared), run
``python -m training world --freeze`` on one processor and ``--freeze --add`` on others (or under
``NPY_DISABLE_CPU_FEATURES=X86_V3``), commit the file they write and say in the change log what
changed. ``python -m training world --check`` names the districts that differ from the
committed file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from model_core.config import StripGeometry
from model_core.errors import InputError
from training.world.cities import CITIES, district_seed, plan_of
from training.world.city import draw_finish
from training.world.families import GROUNDS
from training.world.geometry import CityGeometry
from training.world.plan import SUNS, DistrictPlan, Tier
from training.world.real.prepared import read_about
from training.world.samples import plan_samples
from training.world.states import MIXED
from training.world.version import RENDERER_VERSION

WORLD_VERSION = "world-v1"
FROZEN_FILE = Path(__file__).with_name(f"{WORLD_VERSION}.json")
ELSEWHERE = "same_elsewhere"
PLACES_A_DISTRICT = 80
EVERYDAY_DISTRICTS, HARD_DISTRICT = range(5), 900


@dataclass(frozen=True)
class FrozenDistrict:
    """One district of the frozen world: what it is, how many places, the hash of its plan."""

    city: str
    seed: int
    tier: Tier
    state: str
    places: int
    sha256: str


def frozen_districts() -> list[tuple[int, Tier, str]]:
    """Return seed, tier and asked state of every district of the frozen world."""
    out: list[tuple[int, Tier, str]] = []
    for plan in CITIES:
        if plan.split == "test":
            out += [(district_seed(plan.name, d), "everyday", "none") for d in EVERYDAY_DISTRICTS]
            out.append((district_seed(plan.name, HARD_DISTRICT), "hard", MIXED))
    return out


def freeze_district(seed: int, tier: Tier, state: str) -> FrozenDistrict:
    """Return one district's entry, drawn afresh; nothing is rendered."""
    geometry, plan = plan_samples(
        seed, PLACES_A_DISTRICT, StripGeometry(), state=state, tier=tier
    )  # fmt: skip
    city = plan_of(seed)
    name = city.name if city is not None else "none"
    sha256 = hash_district(geometry, plan)
    return FrozenDistrict(name, seed, tier, plan.state, len(plan.place_xy), sha256)


def hash_district(geometry: CityGeometry, plan: DistrictPlan) -> str:
    """Return the sha256 of a district's geometry and of all that its samples draw."""
    digest = hashlib.sha256()
    style = dataclasses.asdict(geometry.style)
    parts: tuple[object, ...] = (
        json.dumps(style, sort_keys=True), geometry.half_m, geometry.roads, geometry.boxes,
        geometry.rounds, geometry.ground.cells, geometry.standing.cells, geometry.buildings,
        draw_finish(geometry, plan.seed, SUNS), GROUNDS[geometry.style.ground], plan,
    )  # fmt: skip
    for part in parts:
        _feed(digest.update, part)
    return _grouped(digest)


def _grouped(digest: hashlib._Hash) -> str:
    text = digest.hexdigest()
    return " ".join(text[k : k + 8] for k in range(0, len(text), 8))


def _feed(update: Callable[[bytes], object], value: object) -> None:
    """Feed a value to a hash, field by field; arrays with type and shape, little-endian."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            update(field.name.encode())
            _feed(update, getattr(value, field.name))
    elif isinstance(value, np.ndarray):
        array = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
        update(f"{array.dtype.str}{array.shape}".encode())
        update(array.tobytes())
    elif isinstance(value, tuple | list):
        update(f"({len(value)}".encode())
        for item in value:
            _feed(update, item)
    elif isinstance(value, str | int | float | np.integer | np.floating | None):
        plain = value.item() if isinstance(value, np.generic) else value
        update(f"{plain!r};".encode())
    else:
        raise TypeError(f"cannot hash a {type(value).__name__}")


def hash_folder(folder: Path) -> str:
    """Return the sha256 of a prepared folder: names and contents of all its files."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return _grouped(digest)


def freeze_real(folders: Iterable[Path]) -> list[dict[str, str]]:
    """Return the real tier's entries: name and hash of folders of prepared geometry.

    Raises:
        InputError: A folder holds no prepared city, or one that may be trained on.
    """
    entries = []
    for folder in folders:
        if read_about(folder).split != "test":
            raise InputError(f"{folder}: is of a place to train on; the frozen world only tests")
        entries.append({"folder": folder.name, "sha256": hash_folder(folder)})
    return entries


def changed_geometry(world: Mapping[str, Any], folders: Iterable[Path]) -> list[str]:
    """Return one line for every folder of prepared geometry that is not what is frozen.

    Raises:
        InputError: A folder holds no prepared city, or one that may be trained on.
    """
    frozen = {one["folder"]: one["sha256"] for one in world["real"]}
    return [
        f"{one['folder']} (real): {one['sha256']} is not frozen"
        for one in freeze_real(folders)
        if frozen.get(one["folder"]) != one["sha256"]
    ]


def freeze_world(
    real: Iterable[Path] = (), tell: Callable[[FrozenDistrict], object] = lambda _: None
) -> dict[str, Any]:
    """Return the whole frozen world as it is written to its file.

    Args:
        real: Folders of prepared real geometry that test.
        tell: Told every district when it is done.
    """
    districts = []
    for seed, tier, state in frozen_districts():
        districts.append(freeze_district(seed, tier, state))
        tell(districts[-1])
    return {
        "version": WORLD_VERSION,
        "renderer": RENDERER_VERSION,
        "places": sum(d.places for d in districts),
        "sha256": _hash_all(districts),
        "districts": [dataclasses.asdict(d) for d in districts],
        "real": freeze_real(real),
    }


def add_hashes(world: Mapping[str, Any], made: Mapping[str, Any]) -> dict[str, Any]:
    """Return a frozen world that also knows the hashes of the same world on this processor.

    Args:
        world: From ``read_frozen``.
        made: From ``freeze_world`` on this processor.

    Raises:
        InputError: The two differ in more than hashes, or in a city of the real tier.
    """
    first, second = ([FrozenDistrict(**d) for d in one["districts"]] for one in (world, made))
    if [_unhashed(d) for d in first] != [_unhashed(d) for d in second]:
        raise InputError("these are other districts than the frozen ones; freeze the world anew")
    elsewhere = {seed: list(hashes) for seed, hashes in world.get(ELSEWHERE, {}).items()}
    for frozen, now in zip(first, second, strict=True):
        known = elsewhere.setdefault(str(frozen.seed), [])
        if now.sha256 not in (frozen.sha256, *known):
            known.append(now.sha256)
    real = {one["folder"]: one for one in world["real"]}
    for one in made["real"]:
        if real.setdefault(one["folder"], one) != one:
            raise InputError(f"{one['folder']} is frozen with another hash; freeze the world anew")
    return {**world, "real": list(real.values()), ELSEWHERE: elsewhere}


def _unhashed(district: FrozenDistrict) -> FrozenDistrict:
    return replace(district, sha256="")


def _hash_all(districts: Iterable[FrozenDistrict]) -> str:
    return _grouped(hashlib.sha256("".join(d.sha256 for d in districts).encode()))


def read_frozen(path: Path = FROZEN_FILE) -> dict[str, Any]:
    """Return the committed world.

    Raises:
        InputError: There is none, or its whole does not agree with its districts.
    """
    if not path.exists():
        raise InputError(f"{path} is not there; run: python -m training world --freeze")
    world: dict[str, Any] = json.loads(path.read_text())
    if _hash_all(FrozenDistrict(**d) for d in world["districts"]) != world["sha256"]:
        raise InputError(f"{path}: the hash of the whole is not that of its districts")
    return world


def changed_renderer(world: Mapping[str, Any]) -> list[str]:
    """Return a line where the frozen world is of another version of the renderer."""
    if world["renderer"] == RENDERER_VERSION:
        return []
    return [f"renderer: version {RENDERER_VERSION}, {world['renderer']} is frozen"]


def changed_districts(world: dict[str, Any], seeds: Iterable[int] | None = None) -> list[str]:
    """Return one line for every district that is no longer what the frozen world says.

    Args:
        world: From ``read_frozen``.
        seeds: Only these districts; all if None.
    """
    frozen = {d["seed"]: FrozenDistrict(**d) for d in world["districts"]}
    elsewhere: dict[str, list[str]] = world.get(ELSEWHERE, {})
    asked = {seed: (tier, state) for seed, tier, state in frozen_districts()}
    lines = [f"district {seed} is missing" for seed in asked if seed not in frozen]
    for seed in asked if seeds is None else seeds:
        now = freeze_district(seed, *asked[seed])
        known = {frozen[seed].sha256, *elsewhere.get(str(seed), ())} if seed in frozen else set()
        if known and (now.sha256 not in known or _unhashed(now) != _unhashed(frozen[seed])):
            lines.append(f"{now.city}, district {seed} ({now.tier}): {now.sha256} is not frozen")
    return lines
