"""``egress = "none"``: this process connects to nothing but this machine, whoever asks and by whatever library.

The guard (``guard.py``) refuses addresses in time and says why. This is what stands behind it: Python tells of every
connection and every look-up of a name before it is made (``sys.addaudithook``), and one that leads away from this
machine is refused there. It cannot be taken back: only a process that belongs to the server does this.
"""

from __future__ import annotations

import sys
from ipaddress import ip_address
from typing import Any

_NAMES = frozenset({"", "localhost"})
"""No name below ``localhost``: the system's resolver asks others for those, and with a name anything can be told."""


def bar_all_but_this_machine() -> None:
    """From now on, for as long as the process lives. What is refused raises ``PermissionError``."""
    sys.addaudithook(_check)


def is_this_machine(host: Any) -> bool:
    """Whether a host, by name or by address, is this machine without asking anybody."""
    if host is None:
        return True
    name = (host.decode(errors="replace") if isinstance(host, bytes | bytearray) else str(host)).lower().rstrip(".")
    if name in _NAMES:
        return True
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback or address.is_unspecified


def _check(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        # A path is a socket of this machine; None, one that is connected already.
        if isinstance(address, tuple) and not is_this_machine(address[0]):
            raise PermissionError(f'egress is "none": this server does not connect to {address[0]}')
    elif event in ("socket.getaddrinfo", "socket.gethostbyname") and not is_this_machine(arguments[0]):
        raise PermissionError(f'egress is "none": this server does not look up {arguments[0]}')
