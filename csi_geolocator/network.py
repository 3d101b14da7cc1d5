"""QGIS's way to the network, for a process that is not QGIS: its proxy and its certificates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from qgis.core import QgsApplication, QgsNetworkAccessManager
from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtNetwork import (
    QNetworkProxy,
    QNetworkProxyFactory,
    QNetworkProxyQuery,
    QSslCertificate,
    QSslConfiguration,
)

from .i18n import tr

_SCHEMES = {
    QNetworkProxy.ProxyType.HttpProxy: "http",
    QNetworkProxy.ProxyType.HttpCachingProxy: "http",
    QNetworkProxy.ProxyType.Socks5Proxy: "socks5h",
}
_SOME_ADDRESS = QUrl("https://example.org/")


def proxy_of_qgis() -> QNetworkProxy:
    """Return the proxy that QGIS uses: its own, or the system's where it says so."""
    manager = QgsNetworkAccessManager.instance()
    proxy = manager.fallbackProxy()
    if proxy.type() != QNetworkProxy.ProxyType.DefaultProxy:
        return proxy
    found = QNetworkProxyFactory.systemProxyForQuery(QNetworkProxyQuery(_SOME_ADDRESS))
    return found[0] if found else QNetworkProxy(QNetworkProxy.ProxyType.NoProxy)


def proxy_address(proxy: QNetworkProxy) -> str | None:
    """Return a proxy as an address, user and password included; None for none.

    It is a secret: it goes into a request or an environment, never into a log or a label.
    """
    scheme = _SCHEMES.get(proxy.type())
    if scheme is None or not proxy.hostName():
        return None
    user = quote(proxy.user(), safe="")
    if user and proxy.password():
        user += ":" + quote(proxy.password(), safe="")
    host = proxy.hostName()
    host = f"[{host}]" if ":" in host else host
    port = f":{proxy.port()}" if proxy.port() else ""
    return f"{scheme}://{user}{'@' if user else ''}{host}{port}"


def without_proxy() -> tuple[str, ...]:
    """Return the beginnings of addresses that QGIS reaches without its proxy."""
    manager = QgsNetworkAccessManager.instance()
    return tuple(filter(None, [*manager.noProxyList(), *manager.excludeList()]))


def describe_proxy(proxy: QNetworkProxy) -> str:
    """Return a proxy in words that may be shown: without user and password."""
    shown = QNetworkProxy(proxy.type(), proxy.hostName(), proxy.port())
    address = proxy_address(shown)
    if address is None:
        return tr("none, a direct connection")
    return address + (" " + tr("(with a user)") if proxy.user() else "")


def own_certificates() -> list[QSslCertificate]:
    """Return the certificate authorities that were added to QGIS, as a company's own are."""
    manager = QgsApplication.authManager()
    return [*manager.databaseCAs(), *manager.extraFileCAs()]


def with_system_certificates(own: Sequence[QSslCertificate]) -> list[QSslCertificate]:
    """Return added authorities with the system's, none where none was added.

    It takes a second: in a worker thread.
    """
    return [*QSslConfiguration.systemCaCertificates(), *own] if own else []


def write_certificates(path: Path, certificates: Sequence[QSslCertificate]) -> Path | None:
    """Write authorities as a PEM file; None, and no file, where there are none."""
    if not certificates:
        path.unlink(missing_ok=True)
        return None
    pem = b"".join(bytes(certificate.toPem()) for certificate in certificates)
    if not path.is_file() or path.read_bytes() != pem:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pem)
    return path
