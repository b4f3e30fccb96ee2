"""A shop's console, served over HTTP on this machine for as long as a test needs it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from werkzeug.serving import make_server

from tests.web.shop import Shop, open_shop


@contextmanager
def served_shop(
    database_url: str, folder: Path, *, plugin_settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[Shop, str]]:
    """A fresh shop and its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    address = f"http://localhost:{listening.getsockname()[1]}"
    shop = open_shop(database_url, folder, base_url=address, plugin_settings=plugin_settings)
    server = make_server("127.0.0.1", 0, shop.app, threaded=True, fd=listening.fileno())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield shop, address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        listening.close()
        shop.house.engine.dispose()
