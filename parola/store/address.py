"""Addresses of databases: ``postgresql://user:password@host:port/database?host=/run/postgresql``."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_PASSWORD_OPTION = re.compile(r"(?<=[?&]password=)[^&]*")


def without_password(address: str) -> str:
    """To be shown. A password with characters that should have been escaped is hidden as a whole."""
    scheme, mark, rest = address.partition("://")
    if not mark:
        return "****"
    user, at, host = rest.rpartition("@")
    if at and ":" in user:
        rest = f"{user.partition(':')[0]}:****@{host}"
    return _PASSWORD_OPTION.sub("****", f"{scheme}://{rest}")


def is_on_this_machine(address: str) -> bool:
    """Whether all hosts of the address are sockets of the file system, or loopback."""
    parts = urlsplit(address)
    options = parse_qs(parts.query)
    named = [host for name in ("host", "hostaddr") for value in options.get(name, ()) for host in value.split(",")]
    hosts = named or [_host(entry) for entry in parts.netloc.rpartition("@")[2].split(",")]
    return all(not host or host.startswith(("/", "@")) or host in LOOPBACK for host in hosts)


def _host(entry: str) -> str:
    """Of ``host:port`` or ``[host]:port``."""
    return entry[1:].partition("]")[0] if entry.startswith("[") else entry.partition(":")[0]
