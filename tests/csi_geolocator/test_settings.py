"""What is kept of a person's choices, and what never is."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from qgis.core import QgsApplication, QgsAuthMethodConfig, QgsNetworkAccessManager, QgsSettings
from qgis.PyQt.QtNetwork import QNetworkProxy

SECRET = "a secret that no file may hold"


@pytest.fixture
def module(staged: Path, qgis_app: Any) -> Any:
    return importlib.import_module("csi_geolocator.settings")


@pytest.fixture
def contract(staged: Path) -> Any:
    return importlib.import_module("csi_geolocator.model_core.contract")


@pytest.fixture
def settings(module: Any, settings_folder: Path) -> Any:
    return module.Settings()


@pytest.fixture
def proxy(qgis_app: Any) -> Iterator[Any]:
    manager = QgsNetworkAccessManager.instance()
    before, excluded, direct = (
        manager.fallbackProxy(),
        manager.excludeList(),
        manager.noProxyList(),
    )

    def use(kind: QNetworkProxy.ProxyType, *parts: Any) -> None:
        manager.setFallbackProxyAndExcludes(QNetworkProxy(kind, *parts), [], [])

    yield use
    manager.setFallbackProxyAndExcludes(before, excluded, direct)


def test_defaults_work_without_any_choice(settings: Any, settings_folder: Path) -> None:
    assert settings.engine_python == ""
    assert settings.find_engine() is None
    assert settings.device == "auto"
    assert settings.cache_folder == settings_folder / "csi_geolocator" / "csi_geolocator_cache"
    assert settings.cache_max_bytes == 2_000_000_000
    assert settings.known_sources == ()
    assert settings.hidden_sources == frozenset()
    assert settings.default_street_views == ()
    assert settings.api_keys() == {}
    assert not settings.offline


def test_choices_are_there_again(settings: Any, module: Any) -> None:
    chosen = {
        "engine_python": "/opt/engine/bin/python",
        "device": "cuda",
        "analyst": "Ada L.",
        "contact": "ada@example.org",
        "package_index": "https://packages.example.org/simple",
        "wheelhouse": "/media/wheels",
        "engine_folder": Path("/var/engine"),
        "cache_max_bytes": 7_000_000_000,
        "max_requests": 500,
        "max_bytes": 10_000_000_000,
        "offline": True,
        "hidden_sources": frozenset({"a", "b"}),
        "default_imagery": "xyz|url=https://tiles.example.org/{z}/{x}/{y}",
        "default_roads": "openroads",
        "default_street_views": ("openview",),
    }
    for name, value in chosen.items():
        setattr(settings, name, value)
    again = module.Settings()
    assert {name: getattr(again, name) for name in chosen} == chosen


def test_cache_is_always_a_folder_of_its_own(settings: Any, tmp_path: Path) -> None:
    settings.cache_folder = tmp_path
    assert settings.cache_folder == tmp_path / "csi_geolocator_cache"
    settings.cache_folder = settings.cache_folder
    assert settings.cache_folder == tmp_path / "csi_geolocator_cache"


def test_unknown_device_counts_as_auto(settings: Any) -> None:
    settings.device = "abacus"
    assert settings.device == "auto"


def test_sources_are_remembered_and_which_are_hidden(settings: Any, contract: Any) -> None:
    settings.known_sources = (
        contract.SourceInfo("tiles", "Tiles", "imagery", options={"url": "the address"}),
        contract.SourceInfo("openview", "Open View", "street_view"),
        contract.SourceInfo("keyview", "Key View", "street_view", key="required"),
    )
    settings.hidden_sources = {"openview"}
    assert settings.known_sources[0].options == {"url": "the address"}
    assert settings.hidden_sources == frozenset({"openview"})


def test_list_of_sources_of_another_version_is_forgotten(settings: Any) -> None:
    QgsSettings().setValue("csi_geolocator/known_sources", '{"sources": [{"nom": "x"}]}')
    assert settings.known_sources == ()


def test_key_is_kept_by_the_authentication_store_alone(settings: Any, module: Any) -> None:
    QgsApplication.authManager().setMasterPassword("master", True)
    entry = module.store_key("keyview", SECRET)
    assert entry
    settings.set_key_entry("keyview", entry)
    assert settings.api_keys() == {"keyview": SECRET}
    assert settings.api_keys(["openview"]) == {}
    kept = QgsSettings()
    values = [str(kept.value(key)) for key in kept.allKeys()]
    assert not [value for value in values if SECRET in value]
    assert SECRET not in repr(settings.network_params())
    settings.set_key_entry("keyview", "")
    assert settings.api_keys() == {}


def test_key_is_written_over_in_its_entry(settings: Any, module: Any) -> None:
    QgsApplication.authManager().setMasterPassword("master", True)
    entry = module.store_key("keyview", "old")
    assert module.store_key("keyview", "new", entry) == entry
    assert module.read_key(entry) == "new"


@pytest.mark.parametrize(
    ("method", "values"),
    [("EsriToken", {"token": SECRET}), ("APIHeader", {"X-Key": SECRET})],
)
def test_key_is_read_from_other_kinds_of_entries(
    module: Any, settings: Any, method: str, values: dict[str, str]
) -> None:
    manager = QgsApplication.authManager()
    manager.setMasterPassword("master", True)
    config = QgsAuthMethodConfig(method)
    config.setName("made by hand")
    config.setConfigMap(values)
    assert manager.storeAuthenticationConfig(config)
    settings.set_key_entry("keyview", config.id())
    assert settings.api_keys() == {"keyview": SECRET}


def test_key_that_is_gone_is_left_out_and_said(settings: Any) -> None:
    said: list[str] = []
    QgsApplication.messageLog().messageReceived.connect(
        lambda words, tag, level: said.append(words)
    )
    settings.set_key_entry("keyview", "zzzzzzz")
    assert settings.api_keys() == {}
    assert any("The key of keyview cannot be read" in words for words in said)


@pytest.mark.parametrize(
    ("kind", "parts", "address", "shown"),
    [
        ("NoProxy", (), None, "none, a direct connection"),
        (
            "HttpProxy",
            ("proxy.example.org", 3128),
            "http://proxy.example.org:3128",
            "http://proxy.example.org:3128",
        ),
        (
            "HttpProxy",
            ("proxy.example.org", 3128, "ann", "p@ss:/word"),
            "http://ann:p%40ss%3A%2Fword@proxy.example.org:3128",
            "http://proxy.example.org:3128 (with a user)",
        ),
        ("Socks5Proxy", ("::1", 1080), "socks5h://[::1]:1080", "socks5h://[::1]:1080"),
    ],
)
def test_proxy_of_qgis_is_used_and_shown_without_its_secret(
    settings: Any, proxy: Any, kind: str, parts: tuple[Any, ...], address: str, shown: str
) -> None:
    network = importlib.import_module("csi_geolocator.network")
    proxy(getattr(QNetworkProxy.ProxyType, kind), *parts)
    assert settings.network_params().proxy == address
    assert network.describe_proxy(network.proxy_of_qgis()) == shown


def test_system_proxy_is_asked_where_qgis_says_so(
    settings: Any, proxy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy(QNetworkProxy.ProxyType.DefaultProxy)
    monkeypatch.setenv("http_proxy", "http://gate.example.org:8080")
    monkeypatch.setenv("https_proxy", "http://gate.example.org:8080")
    assert settings.network_params().proxy == "http://gate.example.org:8080"


def test_certificates_added_to_qgis_reach_the_engine(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = importlib.import_module("csi_geolocator.network")
    some = QgsApplication.authManager().systemRootCAs()[:2]
    assert settings.network_params().ca_bundle is None
    monkeypatch.setattr(network, "own_certificates", lambda: some)
    bundle = Path(settings.network_params().ca_bundle)
    assert bundle.read_text().count("BEGIN CERTIFICATE") == 2
    trusted = network.with_system_certificates(some)
    assert len(trusted) > len(some)
    assert network.with_system_certificates([]) == []
    monkeypatch.setattr(network, "own_certificates", list)
    assert settings.network_params().ca_bundle is None
    assert not bundle.exists()


def test_network_carries_limits_and_contact(settings: Any) -> None:
    settings.contact = "ada@example.org\nEvil: header"
    settings.offline = True
    settings.max_requests = 12
    params = settings.network_params()
    assert params.contact == "ada@example.org Evil: header"
    assert (params.offline, params.max_requests) == (True, 12)
    assert params.cache_folder == str(settings.cache_folder)


def test_engine_is_launched_from_the_profile_or_the_chosen_python(
    settings: Any, settings_folder: Path, tmp_path: Path
) -> None:
    launch = importlib.import_module("csi_geolocator.engine.launch")
    with pytest.raises(launch.EngineUnavailable, match="is not set up"):
        settings.engine_launch()
    inside = settings.engine_folder / "bin" / "python"
    inside.parent.mkdir(parents=True)
    inside.touch(mode=0o755)
    (settings.engine_folder / "pyvenv.cfg").write_text("home = /usr/bin\n")
    assert settings.engine_launch().program == str(inside)
    settings.engine_python = str(tmp_path / "gone")
    with pytest.raises(launch.EngineUnavailable, match="There is no Python at"):
        settings.engine_launch()
