"""The console: pages for people, on the same services as the API."""

from __future__ import annotations

from partsemble_web.app import create_app, register_console

__all__ = ["create_app", "register_console"]
