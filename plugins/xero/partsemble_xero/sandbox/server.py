"""The application and the real HTTP server around it."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from .accounting import Accounting
from .admin import Admin
from .context import Sandbox
from .front_door import FrontDoor
from .identity import Identity
from .pages import Pages
from .state import get_setting
from .webhook_switches import WebhookSwitches

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

STOP_SECONDS = 0.02  # how often the server looks whether it should stop
BODY_MAX = 10_000_000  # Xero's limits page gives 10 MB for a request


def create_app(sandbox: Sandbox) -> Flask:
    """The Flask application over ``sandbox``."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_MAX
    app.config["MAX_FORM_MEMORY_SIZE"] = BODY_MAX
    areas = (Pages(sandbox), Identity(sandbox), Accounting(sandbox), Admin(sandbox), WebhookSwitches(sandbox))
    for area in areas:
        app.register_blueprint(area.blueprint())
    app.wsgi_app = FrontDoor(app.wsgi_app, sandbox)  # type: ignore[method-assign]
    return app


class _Handler(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: an access log would hold codes and states. Requests are listed under /sandbox/."""

    def log_error(self, format: str, *args: object) -> None:
        """Nothing: it repeats request lines that could not be read, with whatever stands in them."""

    def connection_dropped(self, error: BaseException, environ: WSGIEnvironment | None = None) -> None:
        """A fault wants the connection gone; without this the next request on it would be awaited."""
        self.close_connection = True


class SandboxServer:
    """A sandbox listening on ``host`` and ``port`` (0: a free one), served by threads.

    Raises ``OSError`` when it cannot listen there; the sandbox is closed then.
    """

    def __init__(self, sandbox: Sandbox, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.sandbox = sandbox
        try:
            self._server = _listen(create_app(sandbox), host, port)
        except OSError:
            sandbox.close()
            raise
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(STOP_SECONDS,), name="xero-sandbox", daemon=True
        )
        shown_host = f"[{host}]" if ":" in host else host
        self.address = f"http://{shown_host}:{self._server.port}"
        sandbox.sender.address = self.address

    def start(self) -> None:
        """Serve, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and let the data file go. Requests at work end in their own threads."""
        self._server.shutdown()
        self._thread.join()
        self.sandbox.close()

    def facts(self) -> dict[str, str]:
        """What an app has to know to use this sandbox."""
        with self.sandbox.state.reading() as connection:
            credentials = {
                name: get_setting(connection, name) for name in ("client_id", "client_secret", "webhook_key")
            }
        return {"address": self.address, **credentials, "page": f"{self.address}/"}


def _listen(app: Flask, host: str, port: int) -> ThreadedWSGIServer:
    # The server would end the whole process if the port were taken; a socket of ours raises instead.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=128) as listening:
        return ThreadedWSGIServer(host, port, app, handler=_Handler, fd=listening.fileno())
