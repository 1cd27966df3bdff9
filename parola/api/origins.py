"""An agent's allow-list of origins (``platform_settings.auth.allowlist``), exactly as the hosted platform reads it, and
two kinds of entries more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any


def allowed_hosts(auth: Mapping[str, Any]) -> list[str]:
    """The entries, as many as there are, in lower case."""
    return [str(item.get("hostname") or "").lower() for item in auth.get("allowlist") or () if isinstance(item, dict)]


def is_allowed(origin: str, hosts: Sequence[str]) -> bool:
    """Whether ``https://App.example:8443`` is listed: as ``app.example:8443``, under ``*.example`` or
    ``*.example:8443``, or, where it is an address, in a network such as ``10.1.0.0/16``. A port counts: an entry
    without one is for origins without one; networks ask for none. ``*.example`` does not mean ``example`` itself."""
    host = origin_host(origin)
    return bool(host) and any(_fits(host, entry) for entry in hosts)


def is_in_network(address: str, hosts: Sequence[str]) -> bool:
    """Whether a client's address lies in one of the networks that are listed."""
    return any(_is_inside(address, network) for entry in hosts if (network := _network(entry)) is not None)


def origin_host(origin: str) -> str:
    """``https://App.example:8443`` as the allow-list spells it: ``app.example:8443``."""
    return origin.partition("://")[2].rstrip("/").lower()


def _fits(host: str, entry: str) -> bool:
    if entry.startswith("*."):
        return host.endswith(entry[1:]) and len(host) > len(entry) - 1
    network = _network(entry)
    if network is None:
        return host == entry
    return _is_inside(_without_port(host), network)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _network(entry: str) -> IPv4Network | IPv6Network | None:
    if "/" not in entry:
        return None
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        return None


def _is_inside(address: str, network: IPv4Network | IPv6Network) -> bool:
    try:
        return ip_address(address) in network
    except ValueError:
        return False
