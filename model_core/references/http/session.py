"""How a run is connected: proxy, certificates, user agent, connections kept open."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from model_core import __version__
from model_core.config import NetworkConfig
from model_core.errors import InputError
from model_core.references.web import NetworkAccess


class Adapter(HTTPAdapter):
    """Keeps as many connections a host as are used, and trusts further certificates."""

    def __init__(self, connections: int, ca_bundle: Path | None) -> None:
        self._context: ssl.SSLContext | None = None
        if ca_bundle is not None:
            try:
                self._context = ssl.create_default_context()
                self._context.load_verify_locations(ca_bundle)
            except OSError as err:
                raise InputError(
                    f"{ca_bundle}: cannot be read as certificates ({err}); give a PEM file"
                ) from err
        super().__init__(pool_connections=16, pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pool of connections."""
        super().init_poolmanager(*args, **self._trusting(kwargs))

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        """Return the pool of connections through a proxy."""
        return super().proxy_manager_for(proxy, **self._trusting(kwargs))

    def _trusting(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        return kwargs if self._context is None else {**kwargs, "ssl_context": self._context}


def open_session(config: NetworkConfig, access: NetworkAccess) -> requests.Session:
    """Return a session; nothing is asked yet.

    Raises:
        InputError: The file of certificates cannot be read.
    """
    logging.getLogger("urllib3.connectionpool").addFilter(keeps_addresses_out)
    session = requests.Session()
    adapter = Adapter(max(1, config.connections), access.ca_bundle)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    contact = f" (+{access.contact})" if access.contact else ""
    session.headers["User-Agent"] = f"csi-geolocator/{__version__}{contact}"
    session.auth = no_auth  # keeps requests from reading passwords out of a .netrc
    if access.proxy is not None:
        session.trust_env = False
        session.proxies = {"http": access.proxy, "https": access.proxy}
        direct = (host for address in access.no_proxy for host in _hosts_of(address))
        session.proxies.update(dict.fromkeys(direct, ""))
    return session


def _hosts_of(address: str) -> list[str]:
    """Return the host as a session names its proxies: of each scheme it may be asked by."""
    scheme, _, rest = address.strip().rpartition("://")
    host = urlsplit(f"//{rest}").hostname or ""
    return [f"{one}://{host}" for one in ([scheme.lower()] if scheme else ["http", "https"])]


def keeps_addresses_out(record: logging.LogRecord) -> bool:
    """Return False for what a library logs of each request: keys stand in addresses."""
    return record.levelno > logging.DEBUG


def no_auth(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """Return a request as it is."""
    return prepared


def proxy_secrets(proxy: str | None) -> Iterator[str]:
    """Yield what of a proxy's address must not be seen."""
    if proxy is not None:
        parts = urlsplit(proxy)
        for secret in (parts.password, parts.username):
            if secret:
                yield secret
