"""The world outside doesn't exist in a test: only this machine can be reached."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import pytest

LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain", "", None})


class OutsideWorldUsed(AssertionError):
    """A test tried to reach another machine. An assertion: no code takes it for a network error."""


@pytest.fixture(scope="session", autouse=True)
def _no_outside_world() -> Iterator[None]:
    """Refuses connections, datagrams and look-ups that would leave this machine, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
        patch.setattr(socket, "getaddrinfo", guarded_look_up(socket.getaddrinfo))
        yield


def guarded(method: Any) -> Any:
    """The socket method, refusing addresses of other machines. The address is always the last argument."""

    def call(self: socket.socket, *arguments: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            refuse_outside(arguments[-1][0])
        return method(self, *arguments)

    return call


def guarded_look_up(look_up: Any) -> Any:
    """``getaddrinfo``, refusing names and addresses of other machines."""

    def call(host: Any, *arguments: Any, **options: Any) -> Any:
        refuse_outside(host)
        return look_up(host, *arguments, **options)

    return call


def refuse_outside(host: str | bytes | None) -> None:
    """Raise OutsideWorldUsed unless ``host`` is this machine's loopback."""
    name = host.decode() if isinstance(host, bytes) else host
    if name not in LOCAL_NAMES and not is_loopback(name):
        raise OutsideWorldUsed(f"a test tried to reach {name!r}: serve what it needs on 127.0.0.1 instead")


def is_loopback(name: str | None) -> bool:
    """Whether ``name`` is written as an address of the loopback network, or as the address that binds all."""
    try:
        address = ipaddress.ip_address(name or "")
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
