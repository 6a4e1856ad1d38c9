"""Where outgoing connections may go: the address that is really connected to is checked, not the name.

Names are resolved once, here, and the socket goes to the checked address, so that a name cannot answer with a public
address for the check and a private one for the connection (DNS rebinding). Odd spellings of addresses (decimal,
hexadecimal, IPv4 within IPv6) end in the same check, because it looks at what the resolver made of them.
"""

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

from hub.kit.clock import monotonic

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
Resolver = Callable[[str, int], list[str]]

METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254")
)
"""Addresses at which clouds hand credentials to whoever asks from inside; never allowed."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")

deadline: ContextVar[float] = ContextVar("orderhub_http_deadline", default=float("inf"))
"""The instant (`hub.kit.clock.monotonic`) by which the present call must be over, every read and write included."""


class AddressRefused(Exception):
    """The name leads only to addresses that this connection may not call; `address` is one of them."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


def may_call(address: Address, *, allow_private: bool) -> bool:
    """Whether a connection may go to the address; with `allow_private` everything but cloud metadata."""
    inner = _embedded(address)
    if inner is not None:
        return may_call(inner, allow_private=allow_private)
    if address in METADATA:
        return False
    return allow_private or (address.is_global and not address.is_multicast and not address.is_reserved)


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name in the system's order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class GuardedBackend(httpcore.NetworkBackend):
    """Opens sockets to checked addresses only."""

    def __init__(self, *, allow_private: bool, resolver: Resolver = resolve) -> None:
        self._allow_private = allow_private
        self._resolve = resolver
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.NetworkStream:
        """A socket to the first checked address that answers; `AddressRefused` where none may be called."""
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("the name cannot be resolved") from error
        allowed = [text for text in addresses if self._allowed(text)]
        if not allowed:
            raise AddressRefused(addresses[0] if addresses else host)
        options = list(socket_options or ())
        for last, text in _marking_last(allowed):
            try:
                stream = self._plain.connect_tcp(text, port, _within(timeout), local_address, options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if last:
                    raise
            else:
                return DeadlineStream(stream)
        raise httpcore.ConnectError("no address answers")

    def _allowed(self, text: str) -> bool:
        return may_call(ipaddress.ip_address(text.partition("%")[0]), allow_private=self._allow_private)


class DeadlineStream(httpcore.NetworkStream):
    """A stream whose every read and write ends by the present call's deadline, so that a drip cannot hold a thread."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Up to `max_bytes`; `httpcore.ReadTimeout` past the deadline."""
        return self._stream.read(max_bytes, _within(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of the buffer; `httpcore.WriteTimeout` past the deadline."""
        self._stream.write(buffer, _within(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the socket."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same stream under TLS; the certificate is checked for the name, not for the address."""
        return DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, _within(timeout)))

    def get_extra_info(self, info: str) -> Any:
        """What the socket knows (its state, its TLS object)."""
        return self._stream.get_extra_info(info)


class GuardedTransport(httpx.HTTPTransport):
    """httpx's transport over a pool that opens only guarded sockets; knows no proxy and no environment."""

    def __init__(
        self, *, allow_private: bool, tls: ssl.SSLContext, connections: int = 100, resolver: Resolver = resolve
    ) -> None:
        super().__init__(verify=tls, trust_env=False)
        self._pool.close()
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=30.0,
            network_backend=GuardedBackend(allow_private=allow_private, resolver=resolver),
        )


def _marking_last(items: list[str]) -> list[tuple[bool, str]]:
    return [(place == len(items), item) for place, item in enumerate(items, start=1)]


def _within(timeout: float | None, late: type[httpcore.TimeoutException] = httpcore.ConnectTimeout) -> float | None:
    left = deadline.get() - monotonic()
    if left <= 0:
        raise late("the time for this call is over")
    if left == float("inf"):
        return timeout
    return left if timeout is None else min(left, timeout)
