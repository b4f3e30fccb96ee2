"""Where books call: ``POST /webhooks/<backend>``. Answers have no body and no cookie, whatever happens.

A message is verified and kept, and that is all: reading what it tells of is a worker's. No session is opened here, so
there is nothing to forge; who may speak is told by the signature alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException, default_exceptions

from partsemble_core.errors import PartsembleError
from partsemble_core.plugin_api.errors import Unsupported
from partsemble_core.plugin_api.webhooks import NotGenuine
from partsemble_core.plugin_host import UnknownBackend
from partsemble_core.services.hearing import hear
from partsemble_core.services.house import House

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)
PREFIX = "/webhooks/"
BODY_SIZE = 1024 * 1024


def receive_webhook(backend: str) -> Response:
    """200: kept, or known already. 401: not signed with the key. 404: these books tell nothing. 413: above 1 MB."""
    request.max_content_length = BODY_SIZE
    body = request.get_data(cache=False)
    hear(cast(House, current_app.extensions["partsemble"]), backend, headers=dict(request.headers), body=body)
    return _answer(200)


def register(app: Flask) -> None:
    """Hangs the door on the app, before the console's guard is there to ask for a cookie."""
    door = Blueprint("incoming", __name__)
    door.add_url_rule(f"{PREFIX}<backend>", view_func=receive_webhook, methods=["POST"])
    for code in default_exceptions:  # by code too, or the app's own page for that code would come first
        door.register_error_handler(code, _refuse)
    door.register_error_handler(Exception, _refuse)
    app.register_blueprint(door)
    app.before_request(_refuse_other_ways)
    app.wsgi_app = _Cookieless(app.wsgi_app)  # type: ignore[method-assign]


def _refuse_other_ways() -> Response | None:
    """Another method, or an address below this one: the app's own pages for these open a session."""
    if request.path.startswith(PREFIX) and request.routing_exception is not None:
        return _refuse(request.routing_exception)
    return None


def _refuse(error: Exception) -> Response:
    if isinstance(error, NotGenuine):
        return _answer(401)
    if isinstance(error, UnknownBackend | Unsupported):
        return _answer(404)
    if isinstance(error, HTTPException):
        return _answer(error.code or 500)
    # Their server sends it again: what is wrong with ours is told by the log alone.
    code = error.code if isinstance(error, PartsembleError) else type(error).__name__
    log.error("a webhook could not be kept (%s)", code, exc_info=error)
    return _answer(500)


def _answer(status: int) -> Response:
    answer = Response(status=status)
    answer.headers.pop("Content-Type", None)
    return answer


class _Cookieless:
    """Takes cookies out of a call to this door: a session that was sent by mistake is neither read nor renewed."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if str(environ.get("PATH_INFO", "")).startswith(PREFIX):
            environ.pop("HTTP_COOKIE", None)
        return self._application(environ, start_response)
