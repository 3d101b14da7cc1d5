"""What a person chose: plain values in the settings of QGIS, keys in its authentication store.

Read and written in the main thread: the authentication store may ask for its master password.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qgis.core import Qgis, QgsApplication, QgsAuthMethodConfig, QgsMessageLog, QgsSettings

from . import network
from .engine import requirements
from .engine.environment import (
    EnvironmentState,
    default_place,
    environment_state,
    find_python,
)
from .engine.launch import Launch, engine_launch, this_python
from .i18n import tr
from .model_core import contract
from .reference_cache import CACHE_NAME

PREFIX = "csi_geolocator/"
LOG_TAG = "CSI Geolocator"
CERTIFICATES_NAME = "certificates_of_qgis.pem"
CACHE_MAX_BYTES = 2_000_000_000
DEVICES = ("auto", "cuda", "mps", "cpu")
PLUGIN_FOLDER = Path(__file__).resolve().parent

# Where each authentication method keeps its secret; "" takes whichever value there is.
_SECRETS: Mapping[str, str] = {
    "Basic": "password",
    "EsriToken": "token",
    "MapTilerHmacSha256": "token",
    "APIHeader": "",
}


class Settings:
    """The plugin's settings; every read asks QGIS anew, every write is there at once.

    Args:
        store: Where plain values are; the settings of QGIS by default.
        profile_folder: The folder of the QGIS profile; the present one by default.
    """

    def __init__(
        self, store: QgsSettings | None = None, profile_folder: Path | None = None
    ) -> None:
        self._store = QgsSettings() if store is None else store
        self._profile = profile_folder or Path(QgsApplication.qgisSettingsDirPath())

    # The engine

    @property
    def engine_python(self) -> str:
        """The Python that was chosen for the engine; "" takes the one that was set up."""
        return self._text("engine_python")

    @engine_python.setter
    def engine_python(self, python: str) -> None:
        self._write("engine_python", python.strip())

    @property
    def engine_folder(self) -> Path:
        """Where the engine's environment is set up, if it is."""
        chosen = self._text("engine_folder")
        return Path(chosen) if chosen else default_place(self._profile)

    @engine_folder.setter
    def engine_folder(self, folder: Path | str) -> None:
        self._write("engine_folder", str(folder).strip())

    def find_engine(self) -> Path | None:
        """Return the engine's Python, None where its environment is not set up."""
        chosen = self.engine_python
        return Path(chosen) if chosen else find_python(self.engine_folder)

    def engine_state(self, plugin_folder: Path = PLUGIN_FOLDER) -> EnvironmentState:
        """Return how the engine's environment stands.

        Args:
            plugin_folder: Holds the pinned requirements.
        """
        text = requirements.read_requirements(plugin_folder)
        return environment_state(self.engine_python, self.engine_folder, requirements.digest(text))

    def engine_launch(self) -> Launch:
        """Return how the engine is started.

        Raises:
            EngineUnavailable: Its environment is not set up, or its Python is not to be used.
        """
        return engine_launch(self.find_engine(), PLUGIN_FOLDER, this_python(), os.environ)

    @property
    def device(self) -> str:
        """What the engine computes on: "auto", "cuda", "mps" or "cpu"."""
        device = self._text("device")
        return device if device in DEVICES else DEVICES[0]

    @device.setter
    def device(self, device: str) -> None:
        self._write("device", device)

    @property
    def package_index(self) -> str:
        """Where another build of torch is taken from; "" for the usual place of the installer."""
        return self._text("package_index")

    @package_index.setter
    def package_index(self, address: str) -> None:
        self._write("package_index", address.strip())

    @property
    def wheelhouse(self) -> str:
        """The folder of packages to set up from without a network; "" for none."""
        return self._text("wheelhouse")

    @wheelhouse.setter
    def wheelhouse(self, folder: str) -> None:
        self._write("wheelhouse", folder.strip())

    @property
    def downloads(self) -> Path:
        """Where the installer keeps what it fetched, for a repair: beside the environment."""
        folder = self.engine_folder
        return folder.with_name(folder.name + "_downloads")

    # Who works here

    @property
    def analyst(self) -> str:
        """The name written beside decisions."""
        return self._text("analyst")

    @analyst.setter
    def analyst(self, name: str) -> None:
        self._write("analyst", name.strip())

    @property
    def contact(self) -> str:
        """What the engine adds to ``User-Agent``, so that a source can reach who asks."""
        return self._text("contact")

    @contact.setter
    def contact(self, words: str) -> None:
        self._write("contact", " ".join(words.split()))

    # Sources

    @property
    def known_sources(self) -> tuple[contract.SourceInfo, ...]:
        """What the engine last said of its sources; empty before it was asked."""
        text = self._text("known_sources")
        if not text:
            return ()
        try:
            return contract.SourcesResult.from_json(json.loads(text)).sources
        except ValueError as error:  # written by another version
            _log(tr("The list of sources has to be asked for again: {}").format(error))
            return ()

    @known_sources.setter
    def known_sources(self, sources: Iterable[contract.SourceInfo]) -> None:
        self._write("known_sources", json.dumps(contract.SourcesResult(tuple(sources)).to_json()))

    @property
    def hidden_sources(self) -> frozenset[str]:
        """The names of sources that are not offered."""
        return frozenset(self._list("hidden_sources"))

    @hidden_sources.setter
    def hidden_sources(self, names: Iterable[str]) -> None:
        self._write("hidden_sources", sorted(names))

    @property
    def default_imagery(self) -> str:
        """The text of the imagery source that a new run begins with; "" for none."""
        return self._text("default_imagery")

    @default_imagery.setter
    def default_imagery(self, source: str) -> None:
        self._write("default_imagery", source)

    @property
    def default_roads(self) -> str:
        """The text of the roads' source that a new run begins with; "" for none."""
        return self._text("default_roads")

    @default_roads.setter
    def default_roads(self, source: str) -> None:
        self._write("default_roads", source)

    @property
    def default_street_views(self) -> tuple[str, ...]:
        """The texts of the street view sources that a new run begins with."""
        return tuple(self._list("default_street_views"))

    @default_street_views.setter
    def default_street_views(self, sources: Iterable[str]) -> None:
        self._write("default_street_views", list(sources))

    # Keys: only the number of an entry of the authentication store is kept here

    @property
    def key_entries(self) -> dict[str, str]:
        """The entry of QGIS's authentication store that holds each source's key, by source."""
        text = self._text("key_entries")
        entries = json.loads(text) if text else {}
        return {str(name): str(entry) for name, entry in entries.items()}

    def set_key_entry(self, source: str, entry: str) -> None:
        """Keep which entry holds a source's key; "" for none."""
        entries = {**self.key_entries, source: entry}
        self._write("key_entries", json.dumps({n: e for n, e in entries.items() if e}))

    def api_keys(self, sources: Iterable[str] | None = None) -> dict[str, str]:
        """Return the keys by source, for a request and nothing else.

        A key that cannot be read (no master password) is left out and said in QGIS's log; the
        engine names the source that lacks it.

        Args:
            sources: Names of the sources that a run uses; all by default.
        """
        wanted = None if sources is None else set(sources)
        keys = {}
        for source, entry in self.key_entries.items():
            if wanted is None or source in wanted:
                key = read_key(entry)
                if key:
                    keys[source] = key
                else:
                    _log(
                        tr(
                            "The key of {} cannot be read from the authentication store: unlock it "
                            "with the master password, or choose another entry in the settings."
                        ).format(source)
                    )
        return keys

    # Cache and network

    @property
    def cache_folder(self) -> Path:
        """Where the engine keeps what it fetched: always a folder of its own, by its name."""
        chosen = self._text("cache_folder")
        return Path(chosen) if chosen else self._profile / "csi_geolocator" / CACHE_NAME

    @cache_folder.setter
    def cache_folder(self, folder: Path | str) -> None:
        chosen = str(folder).strip()
        if chosen and Path(chosen).name != CACHE_NAME:
            chosen = str(Path(chosen) / CACHE_NAME)
        self._write("cache_folder", chosen)

    @property
    def cache_max_bytes(self) -> int:
        """How large the cache may grow."""
        return self._number("cache_max_bytes", CACHE_MAX_BYTES)

    @cache_max_bytes.setter
    def cache_max_bytes(self, size: int) -> None:
        self._write("cache_max_bytes", str(size))

    @property
    def max_requests(self) -> int:
        """How many requests a run may make; 0 sets no limit."""
        return self._number("max_requests", 0)

    @max_requests.setter
    def max_requests(self, count: int) -> None:
        self._write("max_requests", str(count))

    @property
    def max_bytes(self) -> int:
        """How much a run may fetch; 0 sets no limit."""
        return self._number("max_bytes", 0)

    @max_bytes.setter
    def max_bytes(self, size: int) -> None:
        self._write("max_bytes", str(size))

    @property
    def offline(self) -> bool:
        """Whether the engine makes no request at all."""
        return self._text("offline") == "true"

    @offline.setter
    def offline(self, is_offline: bool) -> None:
        self._write("offline", "true" if is_offline else "false")

    @property
    def installer_certificates(self) -> Path:
        """The file of every certificate that the installers trust, where QGIS has own ones."""
        return self._profile / "csi_geolocator" / "certificates_for_installing.pem"

    def network_params(self) -> contract.NetworkParams:
        """Return how sources are reached: QGIS's proxy and certificates, our cache and limits."""
        path = self._profile / "csi_geolocator" / CERTIFICATES_NAME
        certificates = network.write_certificates(path, network.own_certificates())
        return contract.NetworkParams(
            proxy=network.proxy_address(network.proxy_of_qgis()),
            no_proxy=network.without_proxy(),
            ca_bundle=str(certificates) if certificates else None,
            contact=self.contact,
            offline=self.offline,
            cache_folder=str(self.cache_folder),
            cache_max_bytes=self.cache_max_bytes,
            max_requests=self.max_requests,
            max_bytes=self.max_bytes,
        )

    def _text(self, name: str) -> str:
        value = self._store.value(PREFIX + name, "")
        return "" if value is None else str(value)

    def _number(self, name: str, default: int) -> int:
        text = self._text(name)
        return int(text) if text.isdecimal() else default

    def _list(self, name: str) -> list[str]:
        value = self._store.value(PREFIX + name, [])
        values = [value] if isinstance(value, str) else list(value or [])
        return [str(item) for item in values if item]

    def _write(self, name: str, value: Any) -> None:
        self._store.setValue(PREFIX + name, value)


def read_key(entry: str) -> str:
    """Return the secret of an entry of the authentication store; "" where it cannot be read."""
    config = QgsAuthMethodConfig()
    loaded = QgsApplication.authManager().loadAuthenticationConfig(entry, config, True)
    found = config if isinstance(loaded, bool) else loaded[1]
    if not (loaded if isinstance(loaded, bool) else loaded[0]):
        return ""
    name = _SECRETS.get(found.method())
    if name is None:
        return ""
    values = [found.config(name)] if name else list(found.configMap().values())
    return next((value for value in values if value), "")


def store_key(source: str, key: str, entry: str = "") -> str:
    """Put a key into the authentication store and return its entry; "" where it is locked.

    Args:
        source: The source's name, for the entry's.
        key: The secret.
        entry: The entry to write over; "" makes a new one.
    """
    manager = QgsApplication.authManager()
    config = QgsAuthMethodConfig("Basic")
    config.setName(f"{LOG_TAG}: {source}")
    config.setConfig("username", source)
    config.setConfig("password", key)
    if entry and entry in manager.availableAuthMethodConfigs():
        config.setId(entry)
        return entry if manager.updateAuthenticationConfig(config) else ""
    stored = manager.storeAuthenticationConfig(config)
    is_stored = stored if isinstance(stored, bool) else stored[0]
    made = config if isinstance(stored, bool) else stored[1]
    return made.id() if is_stored else ""


def _log(words: str) -> None:
    QgsMessageLog.logMessage(words, LOG_TAG, Qgis.MessageLevel.Warning)
