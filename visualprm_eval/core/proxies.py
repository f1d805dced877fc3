"""Proxies and certificates that the environment names: which addresses go through a proxy, and whether all can be used.

This machine's own addresses never do: a proxy would see the key of a request to a server on the next port, and could
not reach that server anyway.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from visualprm_eval.core.errors import ConfigError

Library = Literal["httpx2", "requests"]
"""What sends: our own client, or the host's classes."""

_SOCKS: Mapping[Library, tuple[str, tuple[str, ...]]] = {
    "httpx2": ("socksio", ("socks5", "socks5h")),
    "requests": ("socks", ("socks4", "socks4a", "socks5", "socks5h")),
}
"""By library: the module without which it knows no SOCKS, and the kinds of it that it knows."""

_CERTIFICATES: Mapping[Library, tuple[str, ...]] = {
    "httpx2": ("SSL_CERT_FILE", "SSL_CERT_DIR"),
    "requests": ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
}
"""By library: variables that say where certificates are; the first one that is set counts."""

_LOOPBACK = ("localhost", "127.0.0.1", "127.0.0.0/8", "::1")
_LONGEST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that the environment names.

    Attributes:
        variable: The variable.
        url: Its address, which may hold a password.
    """

    variable: str
    url: str

    def __str__(self) -> str:
        return f"the proxy {without_user(self.url)} ({self.variable})"


def without_user(address: str) -> str:
    """An address without user, password and query, any of which may hold a secret."""
    scheme, mark, rest = address.partition("?")[0].rpartition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"[:_LONGEST_SHOWN]


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: localhost, 127.0.0.0/8, ::1, or the address of no network (0.0.0.0)."""
    host = host.lower().rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    with suppress(ValueError):
        address = ipaddress.ip_address(host.partition("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        return address.is_loopback or address.is_unspecified
    return False


def proxy_of(url: str, library: Library = "httpx2") -> Proxy | None:
    """The proxy through which requests to an address go; ``None`` for none.

    ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` count, in small letters first.

    Args:
        url: The address that is asked.
        library: What sends.

    Raises:
        ConfigError: When the variable names no proxy that the library can use.
    """
    named = getproxies_environment()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # Who asks it will say what is wrong with it.
        return None
    name = next((name for name in (parts.scheme, "all") if named.get(name)), None)
    if name is None or is_loopback(host) or _is_exempt(host, port, named.get("no", "")):
        return None
    value = named[name]
    variable = next(key for key in os.environ if key.lower() == f"{name}_proxy" and os.environ[key] == value)
    proxy = Proxy(variable, value if "://" in value else f"http://{value}")
    if wrong := _wrong_with(proxy.url, library):
        raise ConfigError(
            f"{variable}={without_user(value)} cannot be used as the proxy for {without_user(url)}: {wrong}; mend or "
            f"unset {variable}, or name {host} in NO_PROXY"
        )
    return proxy


def check_way(url: str, library: Library = "httpx2") -> str:
    """Looks whether the environment lets an address be asked at all.

    Args:
        url: The address.
        library: What sends.

    Returns:
        How messages tell of the proxy in between: `` through the proxy ... (VARIABLE)``; ``""`` without one.

    Raises:
        ConfigError: When a variable names a proxy or certificates that cannot be used.
    """
    proxy = proxy_of(url, library)
    if url.startswith("https:") or (proxy is not None and proxy.url.startswith("https:")):
        _check_certificates(library)
    return f" through {proxy}" if proxy else ""


def direct_loopback() -> dict[str, str]:
    """Variables with which other libraries' clients, too, ask this machine's own addresses without a proxy."""
    known = [entry.strip() for entry in getproxies_environment().get("no", "").split(",")]
    entries = ["*"] if "*" in known else [*filter(None, dict.fromkeys([*known, *_LOOPBACK]))]
    return dict.fromkeys(("no_proxy", "NO_PROXY"), ",".join(entries))


def _is_exempt(host: str, port: int | None, entries: str) -> bool:
    """Whether ``NO_PROXY`` names an address: as ``*``, a network, a host with or without its port, or a domain."""
    host = host.rstrip(".")
    for entry in map(str.strip, entries.lower().split(",")):
        if entry == "*":
            return True
        with suppress(ValueError):
            if ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False):
                return True
        name = entry.removeprefix("*").lstrip(".")
        if name and (name in {host, f"{host}:{port}"} or host.endswith(f".{name}")):
            return True
    return False


def _wrong_with(address: str, library: Library) -> str:
    """Why an address is no proxy that the library can use; ``""`` when it is one."""
    module, socks = _SOCKS[library]
    try:
        parts = urlsplit(address)
        whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return "it is no address; expected http://HOST:PORT"
    if parts.scheme in socks and find_spec(module) is None:
        return f"the Python package for SOCKS is not installed ({'PySocks' if module == 'socks' else module})"
    if parts.scheme not in {"http", "https", *socks}:
        return f"expected http://HOST:PORT, or one of {', '.join(f'{scheme}://' for scheme in ('https', *socks))}"
    return "" if whole else "it has no host or no port that there is; expected http://HOST:PORT"


def _check_certificates(library: Library) -> None:
    """Looks at the certificates that the environment names.

    Raises:
        ConfigError: When they are not there or cannot be read.
    """
    variable = next((name for name in _CERTIFICATES[library] if os.environ.get(name)), None)
    if variable is None:
        return
    path, wrong = os.environ[variable], ""
    folders = any(Path(folder).is_dir() for folder in path.split(os.pathsep))
    if variable == "SSL_CERT_DIR":
        wrong = "" if folders else "there is no such folder"
    elif library == "httpx2" or not folders:  # The other one takes folders, too.
        try:
            ssl.create_default_context(cafile=path)
        except OSError as error:  # Of which those of certificates are.
            wrong = error.strerror or str(error)
    if wrong:
        what = "a folder of certificates" if variable == "SSL_CERT_DIR" else "a file of certificates in PEM"
        raise ConfigError(f"{variable}={path}: {wrong}; expected {what}; mend or unset {variable}")
