"""The names by which requests may call this server, in their `Host` header.

A web page of another site can reach a server on this machine through a name of its own that it lets point
here (DNS rebinding); it does not know the token, and cannot use an address as its name.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Iterable

import psutil

LOOPBACK = ("127.0.0.1", "localhost", "::1")

FROM_CONTAINERS = "host.docker.internal"
"""How a container names the machine that it runs on."""


class OwnNames:
    """The names of a server.

    Args:
        host: the address at which it listens.
        more: names that the user has given.
        has_token: whether requests need a token.
    """

    def __init__(self, host: str, more: Iterable[str] = (), *, has_token: bool = False) -> None:
        self._is_exposed = not is_loopback(host)
        self._names = {*LOOPBACK, host, *more}
        if self._is_exposed:
            self._names |= {socket.gethostname(), socket.getfqdn()}
        if has_token:
            self._names.add(FROM_CONTAINERS)
        self._names = {name.lower() for name in self._names}

    def __contains__(self, name: object) -> bool:
        """Whether a request may use a name, which is without a port and in lower case."""
        if not isinstance(name, str):
            return False
        return name in self._names or (self._is_exposed and name in _addresses())


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _addresses() -> set[str]:
    """This machine's addresses now: that of a container network comes with the network."""
    of_all = psutil.net_if_addrs().values()
    return {each.address.split("%")[0].lower() for of_one in of_all for each in of_one}
