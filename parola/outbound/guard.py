"""Where this server may be sent: a check of every address that an agent's configuration, a client or a redirect names.

Whoever can edit an agent could otherwise have the server ask its own network: the router, a database's port, the cloud
provider's metadata service with its credentials. So names are looked up here, every address that comes of it is
checked, and the connection goes to the addresses that were checked and to no others: a name that changes its mind
between check and connection gains nothing.

Addresses are of three kinds. ``open`` ones are the public network. ``local`` ones (this machine, private networks) are
allowed where the owner says so, or where the server listens on loopback and for nobody else, which is development.
``barred`` ones (link-local with the metadata services, multicast, unspecified, reserved) are refused even then.
``outbound_allow`` names what may be reached all the same.

Addresses from the owner's own configuration file are not checked; see ``Connections`` in ``http.py``.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from parola.config import LOOPBACK, Settings
from parola.errors import ClientError
from parola.outbound.addresses import shown, told
from parola.outbound.egress import is_this_machine

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Kind = Literal["open", "local", "barred"]
Lookup = Callable[[str, int, socket.AddressFamily], Awaitable[Sequence[tuple[Any, ...]]]]
"""Like ``loop.getaddrinfo``: (host, port, family) to its answers."""


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


_METADATA = _networks(
    "169.254.0.0/16",  # link-local; 169.254.169.254 at most clouds
    "100.100.100.200/32",  # Alibaba, amid what carriers use
    "168.63.129.16/32",  # Azure, amid the public ones
    "fd00:ec2::/32",  # Amazon, amid the private ones
    "fd20:ce::/32",  # Google
    "fe80::/10",
)
_LOCAL = _networks(
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",  # between carriers and their customers; also of overlay networks
    "::1/128",
    "fc00::/7",
)
_BARRED = _networks(
    "0.0.0.0/8",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "2001::/23",  # protocol assignments, Teredo among them: it carries another address
    "2001:db8::/32",
    "2002::/16",  # 6to4, out of use: it carries another address
    "3fff::/20",
)
_PUBLIC_V6 = IPv6Network("2000::/3")
"""All that is given out; whatever else IPv6 has is special."""

_CARRIES_V4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
"""The last four bytes are the address that is meant: IPv4-mapped, NAT64."""

_ISATAP = (0x00005EFE, 0x02005EFE)
"""Before the last four bytes: they are an IPv4 address, wherever the network is."""

_NEVER_A_NAME = {"metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"}


class AddressRefused(ClientError):
    """The address may not be reached from here; the message says why, and the setting that would allow it."""

    code = "address_refused"


def kind_of(address: Address) -> Kind:
    """What an address is, the one that is carried inside it included."""
    if isinstance(address, IPv6Address):
        for network in _CARRIES_V4:
            if address in network:
                return kind_of(IPv4Address(int(address) & 0xFFFFFFFF))
        if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP and (
            inner := kind_of(IPv4Address(int(address) & 0xFFFFFFFF))
        ) != "open":
            return inner
    if _in(address, _METADATA):
        return "barred"
    if _in(address, _LOCAL):
        return "local"
    if _in(address, _BARRED) or (isinstance(address, IPv6Address) and address not in _PUBLIC_V6):
        return "barred"
    return "open"


def literal(host: str) -> Address | None:
    """The address that a host is, in any spelling that a resolver takes for one: 127.1, 0x7f000001, 017700000001,
    [::1%eth0]. None: a name."""
    bare = host.strip("[]").partition("%")[0].rstrip(".")
    try:
        return ip_address(bare)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(bare)) if bare and bare[0].isdigit() and " " not in bare else None
    except (OSError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class Guard:
    """What may be reached. The default is what a server for others needs: the public network."""

    allows_local: bool = False
    hosts: tuple[str, ...] = ()
    """Names that may be reached whatever their addresses are; ``*.example.com`` means all below it."""
    networks: tuple[Network, ...] = ()
    proxies: frozenset[str] = frozenset()
    """Hosts of the proxies that the environment names: connections go there, requests do not."""
    lookup: Lookup | None = field(default=None, compare=False)
    """In place of the system's resolver."""
    loopback_only: bool = False
    """Nothing but this machine, whatever the others say (``egress = "none"``). Names are not even looked up."""

    @classmethod
    def of(cls, settings: Settings) -> Guard:
        """The owner's: ``outbound_private`` and ``outbound_allow``."""
        hosts, networks = parsed(settings.outbound_allow)
        # A server that others reach through a proxy listens on loopback too.
        public_host = urlsplit(settings.public_url).hostname
        is_development = settings.on_loopback and (public_host is None or public_host in LOOPBACK)
        allows_local = settings.outbound_private == "allow" or (settings.outbound_private == "auto" and is_development)
        if settings.egress == "none":
            return cls(allows_local=True, loopback_only=True)
        return cls(allows_local, hosts, networks, _proxy_hosts())

    # -- checks -------------------------------------------------------------------------------------------------------

    def check_url(self, url: str | URL) -> URL:
        """The URL, whose scheme is HTTP's and whose host, if it is an address, may be reached; names are checked when
        they are looked up. Raises ``AddressRefused``."""
        from yarl import URL

        if isinstance(url, str):
            if any(character <= " " or character in "\\\x7f" for character in url):
                raise AddressRefused(
                    f"Expected a URL without spaces, control characters and backslashes, got {shown(url)!r}."
                )
            try:
                url = URL(url)
            except ValueError as error:
                raise AddressRefused(f"{shown(str(url))!r} is no URL: {told(error)}.") from None
        if url.scheme not in ("http", "https"):
            raise AddressRefused(f"Expected an address that begins with http:// or https://, got {shown(str(url))!r}.")
        host = (url.raw_host or "").lower()
        if not host.strip("."):
            raise AddressRefused(f"The address {shown(str(url))!r} names no host.")
        if (address := literal(host)) is not None:
            self.check_address(host, address)
        else:
            self._check_name(host)
        return url

    def check_address(self, host: str, address: Address) -> None:
        """Raises ``AddressRefused`` unless ``address``, which ``host`` stands for, may be reached."""
        if self.loopback_only:
            if not is_this_machine(str(address)):
                raise AddressRefused(f'{host} is not this machine, and this server asks nobody else (egress = "none").')
            return
        kind = kind_of(address)
        if kind == "open" or (kind == "local" and self.allows_local) or self._is_allowed(host):
            return
        if any(address.version == network.version and address in network for network in self.networks):
            return
        what = "in a private network" if kind == "local" else "reserved for other uses"
        is_literal = literal(host) is not None
        named = f"The address {address}" if is_literal else f"{host} is the address {address}, which"
        raise AddressRefused(
            f"{named} is {what}: this server does not ask it. Its owner can allow that with outbound_allow."
        )

    def _check_name(self, host: str) -> None:
        name = host.rstrip(".")
        if self.loopback_only:
            if not is_this_machine(name):
                what = "would have to be looked up" if is_localhost(name) else "is not this machine"
                raise AddressRefused(f'{name} {what}, and this server asks nobody else (egress = "none").')
            return
        if self._is_allowed(name):
            return
        if name in _NEVER_A_NAME:
            raise AddressRefused(f"{name} is a metadata service: this server does not ask it.")
        if not self.allows_local and (name == "localhost" or name.endswith((".localhost", ".localdomain"))):
            raise AddressRefused(
                f"{name} is this machine: this server does not ask it. Its owner can allow that with outbound_allow."
            )

    def _is_allowed(self, host: str) -> bool:
        name = host.lower().rstrip(".")
        return any(
            name == allowed or (allowed.startswith("*.") and name.endswith(allowed[1:])) for allowed in self.hosts
        )

    async def check(self, url: str | URL) -> None:
        """All of it: the URL, and every address of its host. Raises ``AddressRefused``, and ``OSError`` for a name
        that nobody knows."""
        checked = self.check_url(url)
        await self.addresses(checked.raw_host or "", checked.port or 0)

    async def addresses(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> Sequence[tuple[Any, ...]]:
        """Where a name leads, as ``getaddrinfo`` says it; one bad address among good ones refuses the name."""
        if self.loopback_only and literal(host) is None:
            self._check_name(host)
        found = await self._found(host, port, family)
        for answer in found:
            self.check_address(host, ip_address(str(answer[4][0]).partition("%")[0]))
        return found

    async def _found(self, host: str, port: int, family: socket.AddressFamily) -> Sequence[tuple[Any, ...]]:
        find = _loopback if is_localhost(host) else self.lookup or _system_lookup
        found = await find(host, port, family)
        if not found:
            raise OSError(f"{host} has no address")
        return found

    # -- inside the client --------------------------------------------------------------------------------------------

    async def middleware(
        self,
        request: aiohttp.ClientRequest,
        handler: Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]],
    ) -> aiohttp.ClientResponse:
        """For ``ClientSession(middlewares=…)``: every request goes through it, the one after a redirect too."""
        self.check_url(request.url)
        host = request.url.raw_host or ""
        # A proxy connects in our place: the resolver sees its name only, and lets that pass.
        if request.proxy is not None or host.lower() in self.proxies:
            try:
                await self.addresses(host, request.url.port or 0)
            except OSError:
                pass  # a name that only the proxy knows: what lies behind it is the proxy's to guard
        return await handler(request)

    def resolver(self) -> aiohttp.abc.AbstractResolver:
        """For ``TCPConnector(resolver=…)``: connections go to the addresses it has checked."""

        async def find(host: str, port: int, family: socket.AddressFamily) -> Sequence[tuple[Any, ...]]:
            is_proxy = host.lower() in self.proxies
            return await (self._found if is_proxy else self.addresses)(host, port, family)

        return _resolver(find)

    def unchecked_resolver(self) -> aiohttp.abc.AbstractResolver:
        """The same for addresses that nobody checks."""
        return _resolver(self._found)


def _resolver(find: Lookup) -> aiohttp.abc.AbstractResolver:
    from aiohttp.abc import AbstractResolver, ResolveResult

    class Resolver(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            return [
                ResolveResult(
                    hostname=host,
                    host=str(sockaddr[0]),
                    port=port,
                    family=kind,
                    proto=proto,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
                for kind, _, proto, _, sockaddr in await find(host, port, family)
            ]

        async def close(self) -> None:
            """Nothing is held."""

    return Resolver()


def parsed(allowed: Sequence[str]) -> tuple[tuple[str, ...], tuple[Network, ...]]:
    """Names and networks of ``outbound_allow``: ``crm.internal``, ``*.lan``, ``10.1.0.0/16``, ``192.168.7.2``."""
    hosts: list[str] = []
    networks: list[Network] = []
    for entry in allowed:
        try:
            networks.append(ip_network(entry.strip().strip("[]"), strict=False))
        except ValueError:
            hosts.append(entry.strip().lower().rstrip("."))
    return tuple(hosts), tuple(networks)


def _in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _proxy_hosts() -> frozenset[str]:
    from urllib.request import getproxies

    return frozenset(host for url in getproxies().values() if (host := urlsplit(url).hostname))


def is_localhost(host: str) -> bool:
    """Whether a name is this machine by definition (RFC 6761, section 6.3)."""
    name = host.lower().rstrip(".")
    return name == "localhost" or name.endswith(".localhost")


async def _loopback(host: str, port: int, family: socket.AddressFamily) -> Sequence[tuple[Any, ...]]:
    """What such a name stands for. Nobody is asked: the system's resolver would ask a name server."""
    found: list[tuple[Any, ...]] = [
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port)),
        (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("::1", port, 0, 0)),
    ]
    return [answer for answer in found if family in (socket.AF_UNSPEC, answer[0])]


async def _system_lookup(host: str, port: int, family: socket.AddressFamily) -> Sequence[tuple[Any, ...]]:
    loop = asyncio.get_running_loop()
    return await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
