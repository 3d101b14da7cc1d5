"""The commands about sources, and how keys and the cache folder are found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model_core import contract, source_jobs
from model_core.cli import app
from model_core.cli_sources import default_cache_folder, read_keys
from model_core.contract import ContractError
from model_core.errors import Cancelled, InputError
from model_core.types import ignore_progress, never_cancelled

AREA = "13.4185,46.9785,13.4205,46.9800"


@pytest.fixture
def demo(repository: Path) -> Path:
    return repository / "resources" / "demo"


def run(*arguments: str):
    return CliRunner().invoke(app, arguments)


def ask(method: str, **params: object):
    handler = source_jobs.source_handlers()[method]
    return handler(params, ignore_progress, never_cancelled, lambda method, params: None)


def test_fetch_writes_a_pack_that_locate_takes(demo: Path, tmp_path: Path) -> None:
    out = tmp_path / "pack"
    result = run(
        *("fetch", "--area", AREA, "--out", str(out), "--cache", str(tmp_path / "cache")),
        *("--imagery", str(demo / "imagery.tif"), "--roads", str(demo / "roads.geojson")),
        *("--street-views", str(demo / "street_views"), "--json"),
    )
    assert result.exit_code == 0, result.stderr
    answer = contract.FetchResult.from_json(json.loads(result.stdout))
    assert answer.pack == str(out)
    assert answer.counts["street_views"] > 10
    assert answer.counts["failed"] == 0
    assert (out / "pack.json").exists()


def test_dry_run_estimates_and_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "pack"
    result = run(
        *("fetch", "--area", AREA, "--out", str(out), "--street-views", "panoramax"),
        *("--cache", str(tmp_path / "cache"), "--dry-run"),
    )
    assert result.exit_code == 0, result.stderr
    assert "places" in result.stdout
    assert "Panoramax:" in result.stdout
    assert "note: " in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_fetch_beyond_the_limit_is_refused_before_it_begins(tmp_path: Path) -> None:
    result = run(
        *("fetch", "--area", AREA, "--out", str(tmp_path / "pack"), "--street-views", "panoramax"),
        *("--cache", str(tmp_path / "cache"), "--max-requests", "2"),
    )
    assert result.exit_code == 2
    assert "would pass the limit of 2" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_sources_are_listed_and_explained() -> None:
    table = run("sources").stdout
    assert "google-street-view" in table
    assert "storing" in table
    listed = json.loads(run("sources", "--json").stdout)["sources"]
    assert {source["kind"] for source in listed} == {"imagery", "street_view", "roads"}
    one = run("sources", "mapillary").stdout
    assert "CC BY-SA 4.0" in one
    assert "|size=" in one
    wrong = run("sources", "maplllary")
    assert wrong.exit_code == 2
    assert "is no source" in wrong.stderr


def test_keys_come_from_a_file_and_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    file.write_text("# mine\nmapillary = first\n\ngoogle-maps=abc:def=\n")
    environment = {"CSI_KEY_MAPILLARY": "second", "CSI_KEY_GOOGLE_STREET_VIEW": "g", "OTHER": "x"}
    assert read_keys(file, environment) == {
        "mapillary": "second",
        "google-maps": "abc:def=",
        "google-street-view": "g",
    }
    file.write_text("mapillary: first\n")
    with pytest.raises(InputError, match=r"keys\.txt: line 1 is no key; write NAME = KEY"):
        read_keys(file, {})
    with pytest.raises(InputError, match=r"none\.txt: API keys cannot be read"):
        read_keys(tmp_path / "none.txt", {})


@pytest.mark.parametrize(
    ("environment", "platform", "folder"),
    [
        ({"HOME": "/home/me"}, "linux", "/home/me/.cache/csi-geolocator"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "/c"}, "linux", "/c/csi-geolocator"),
        ({"HOME": "/Users/me"}, "darwin", "/Users/me/Library/Caches/csi-geolocator"),
        ({"LOCALAPPDATA": "/local", "USERPROFILE": "/me"}, "win32", "/local/csi-geolocator"),
    ],
)
def test_cache_lies_where_each_system_keeps_caches(
    environment: dict[str, str], platform: str, folder: str
) -> None:
    assert default_cache_folder(environment, platform) == Path(folder)


def test_requests_about_sources_are_answered_by_the_contract(demo: Path, tmp_path: Path) -> None:
    listed = contract.SourcesResult.from_json(ask("sources"))
    assert "overpass" in [source.name for source in listed.sources]
    answer = ask("estimate", area=AREA, imagery=str(demo / "imagery.tif"), photos=3)
    assert contract.EstimateResult.from_json(answer).places > 10
    pack = ask(
        "fetch", area=AREA, out=str(tmp_path / "pack"), street_views=[str(demo / "street_views")]
    )
    found = contract.FetchResult.from_json(pack)
    assert set(found.files) == {"street_views"}
    again = ask("estimate", area=AREA, pack=found.pack)
    assert contract.EstimateResult.from_json(again).requests == 0


def test_request_for_an_estimate_hears_that_it_is_cancelled(demo: Path) -> None:
    handler = source_jobs.source_handlers()["estimate"]
    params = {"area": AREA, "imagery": str(demo / "imagery.tif")}
    with pytest.raises(Cancelled):
        handler(params, ignore_progress, lambda: True, lambda method, params: None)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"imagery": "ortho.tif"}, "'imagery' must be an absolute path"),
        ({"imagery": "nosuch|x=1"}, r"a source's name \(.*esri.*\), not 'nosuch"),
        ({"street_views": ["views"]}, "'street_views' must be an absolute path"),
        ({"network": {"proxi": "x"}}, "unknown key 'proxi'"),
        ({"network": {"cache_folder": "here"}}, "'cache_folder' must be an absolute path"),
    ],
)
def test_what_breaks_the_contract_is_named(params: dict[str, object], words: str) -> None:
    with pytest.raises(ContractError, match=words):
        ask("estimate", area=AREA, **params)
