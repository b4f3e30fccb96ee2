"""Our own static files: served with a hash in the address, so that a browser may keep them for a year."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import Blueprint, Flask, Response, request, send_from_directory, url_for

FOLDER = Path(__file__).parent / "static"
YEAR = 365 * 24 * 3600

files = Blueprint("assets", __name__)


def register(app: Flask) -> None:
    """Serves the files under ``/static`` and gives templates ``asset()``."""
    app.register_blueprint(files)
    app.jinja_env.globals["asset"] = asset


@files.get("/static/<path:name>", endpoint="static")
def send_file(name: str) -> Response:
    """One file. An address without the file's own hash may be old, so it is kept for a minute only."""
    is_current = request.args.get("v", "") == _hash_or_empty(name)
    return send_from_directory(FOLDER, name, max_age=YEAR if is_current else 60)


def asset(name: str) -> str:
    """The address of a static file, with the hash of its content."""
    return url_for("assets.static", name=name, v=digest(name))


@cache
def digest(name: str) -> str:
    """The first 12 hex digits of the file's SHA-256. Raises OSError for a file that isn't there."""
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]


def _hash_or_empty(name: str) -> str:
    known = FOLDER / name
    is_ours = known.is_file() and known.resolve().is_relative_to(FOLDER)
    return digest(name) if is_ours else ""
