from __future__ import annotations

import socket
import urllib.request

import pytest
import requests

from tests.servers.network import OutsideWorldUsed


def test_another_machine_cannot_be_connected_to() -> None:
    with socket.socket() as client:
        with pytest.raises(OutsideWorldUsed, match=r"198\.51\.100\.7"):
            client.connect(("198.51.100.7", 80))
        with pytest.raises(OutsideWorldUsed):
            client.connect_ex(("198.51.100.7", 80))


def test_a_name_of_another_machine_is_not_even_looked_up() -> None:
    with pytest.raises(OutsideWorldUsed, match=r"api\.xero\.com"):
        requests.get("https://api.xero.com/connections", timeout=1)
    with pytest.raises(OutsideWorldUsed):
        urllib.request.urlopen("http://example.com", timeout=1)


def test_no_datagram_leaves_the_machine() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as client, pytest.raises(OutsideWorldUsed):
        client.sendto(b"x", ("198.51.100.7", 53))
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client, pytest.raises(OutsideWorldUsed):
        client.sendto(b"x", 0, ("2001:db8::1", 53))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_can_be_reached(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection((host, server.getsockname()[1]), timeout=5)
        client.close()
