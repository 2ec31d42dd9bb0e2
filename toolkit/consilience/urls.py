"""Addresses that users give, checked before anything is fetched from them (CWE-918)."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from consilience.errors import UnsafeUrl

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Where clouds answer with credentials; the second lies in a private range.
_METADATA = frozenset(map(ipaddress.ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200")))


@dataclass(frozen=True, slots=True)
class CheckedUrl:
    """A URL whose addresses were looked up and allowed.

    Parameters
    ----------
    url
        As it was given.
    host, port
        Of the URL; the scheme's usual port where it names none.
    addresses
        To connect to. A second look-up might give others, so connect to these.
    """

    url: str
    host: str
    port: int
    addresses: tuple[str, ...]

    def __str__(self) -> str:
        return self.url


def checked_url(
    url: str, *, allow_private: bool = False, resolve: Callable[[str, int], list[str]] | None = None
) -> CheckedUrl:
    """Return a URL that may be fetched, with the addresses of its host; it may block for the look-up.

    Parameters
    ----------
    url
        ``http`` or ``https``, without a user or password in it.
    allow_private
        Whether loopback and private ranges are allowed, as a model server on this machine needs. Link-local addresses
        and those where clouds give out credentials never are.
    resolve
        Looks up a host, ``(host, port) -> addresses``; the system's resolver by default.

    Raises
    ------
    UnsafeUrl
        The URL is no such address, its host is unknown, or one of its addresses is not allowed.

    Examples
    --------
    >>> checked_url("http://127.0.0.1:8080/v1", allow_private=True).addresses
    ('127.0.0.1',)
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UnsafeUrl(f"A URL such as https://example.org/data is required: {error}.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise UnsafeUrl(
            f"A URL with http or https and a host is required, one with {parts.scheme or 'no scheme'!r} came."
        )
    if "@" in parts.netloc:
        raise UnsafeUrl("A URL without a user or password is required: give credentials as a header.")
    port = port or (443 if parts.scheme == "https" else 80)
    addresses = (resolve or _looked_up)(host, port)
    if not addresses:
        raise UnsafeUrl(f"The host {host!r} has no address.")
    for text in addresses:
        reason = _against(ipaddress.ip_address(text.partition("%")[0]), allow_private)
        if reason:
            hint = " Say allow_private=True if that is meant." if reason == _PRIVATE else ""
            raise UnsafeUrl(f"{host!r} is at {text}, which is {reason}: it is not fetched.{hint}")
    return CheckedUrl(url, host, port, tuple(addresses))


def checked_server(
    url: str, *, allow_private: bool = False, resolve: Callable[[str, int], list[str]] | None = None
) -> CheckedUrl:
    """Return the address of a server that a user named, as `checked_url` does; this machine by its own name is allowed.

    A model server such as ``http://localhost:11434`` is meant as it is written; a public name that leads to this
    machine or into its network is not.

    Examples
    --------
    >>> checked_server("http://127.0.0.1:8080/v1").port
    8080
    """
    return checked_url(url, allow_private=allow_private or names_this_machine(url), resolve=resolve)


def names_this_machine(url: str) -> bool:
    """Whether a URL names this machine outright: ``localhost``, or a loopback address.

    Examples
    --------
    >>> names_this_machine("http://localhost:8000"), names_this_machine("http://localhost.example.org")
    (True, False)
    """
    host = urlsplit(url).hostname or ""
    address = as_address(host)
    return host == "localhost" or (address is not None and _embedded(address).is_loopback)


def as_address(host: str) -> _Address | None:
    """Return a host that is an IP address as one; ``None`` for a name, which must be looked up."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


_PRIVATE = "a loopback, private or reserved address"


def _against(address: _Address, allow_private: bool) -> str | None:
    address = _embedded(address)
    if address in _METADATA or address.is_link_local:
        return "link-local or gives out a cloud's credentials"
    if address.is_multicast or address.is_unspecified:
        return "no address of one machine"
    return None if address.is_global or allow_private else _PRIVATE


def _embedded(address: _Address) -> _Address:
    """Return the IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _looked_up(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnsafeUrl(f"The host {host!r} cannot be looked up: {error}.") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
