"""A console, served over HTTP on this machine for as long as a test needs it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from flask import Flask
from werkzeug.serving import make_server

from partsemble_core.services.house import House
from partsemble_web import create_app
from tests.web.shop import Shop, open_house, open_shop


@contextmanager
def served_shop(
    database_url: str, folder: Path, *, plugin_settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[Shop, str]]:
    """A fresh shop and its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = address_of(listening)
        shop = open_shop(database_url, folder, base_url=address, plugin_settings=plugin_settings)
        with serving(listening, shop.app, shop.house):
            yield shop, address


@contextmanager
def served_house(database_url: str, folder: Path, *, plugin_settings: Mapping[str, str]) -> Iterator[tuple[House, str]]:
    """An installation that nobody has founded a company in, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = address_of(listening)
        house = open_house(database_url, folder, base_url=address, plugin_settings=plugin_settings)
        with serving(listening, create_app(house.settings, house), house):
            yield house, address


def address_of(listening: socket.socket) -> str:
    return f"http://localhost:{listening.getsockname()[1]}"


@contextmanager
def serving(listening: socket.socket, app: Flask, house: House) -> Iterator[None]:
    server = make_server("127.0.0.1", 0, app, threaded=True, fd=listening.fileno())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        house.engine.dispose()
