"""Routes with a contract: what each takes, gives and needs is said once, checked on the way in and published."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import marshmallow as ma
from flask import Flask
from flask_smorest import Api, Blueprint  # type: ignore[import-untyped]
from werkzeug.exceptions import default_exceptions
from werkzeug.routing import IntegerConverter, Map

from partsemble_core.api.door import PREFIX, admit, answer_error, needs
from partsemble_core.api.schemas import ErrorBody
from partsemble_core.store.companies import Role

View = TypeVar("View", bound=Callable[..., object])
SchemaClass = type[ma.Schema]
EVERYBODY = frozenset(Role)


class Area:
    """A group of routes that all need a token and answer errors as JSON."""

    def __init__(self, name: str, description: str) -> None:
        self.name = name
        blueprint: Any = Blueprint(f"api_{name}", __name__, url_prefix=PREFIX, description=description)
        blueprint.before_request(admit)
        for code in default_exceptions:  # by code too, or the app's own page for that code would come first
            blueprint.register_error_handler(code, answer_error)
        blueprint.register_error_handler(Exception, answer_error)
        self.blueprint = blueprint

    def route(
        self,
        method: str,
        path: str,
        *,
        gives: SchemaClass | None,
        takes: SchemaClass | None = None,
        asks: SchemaClass | None = None,
        roles: frozenset[Role] = EVERYBODY,
        status: int = 200,
        endpoint: str = "",
    ) -> Callable[[View], View]:
        """Adds a route. The view is given the body (``takes``) or the query (``asks``), then what the path holds.

        ``gives`` None: the view answers a file. ``roles`` are refused or let in before anything is read.
        """

        def decorate(view: View) -> View:
            guarded: Any = needs(roles)(self._checked(view, gives=gives, takes=takes, asks=asks, status=status))
            documented = self.blueprint.doc(operationId=endpoint or view.__name__)(guarded)
            self.blueprint.route(path, methods=[method], endpoint=endpoint or view.__name__)(documented)
            return view

        return decorate

    def _checked(
        self,
        view: Callable[..., object],
        *,
        gives: SchemaClass | None,
        takes: SchemaClass | None,
        asks: SchemaClass | None,
        status: int,
    ) -> Callable[..., object]:
        if gives is None:
            checked = self.blueprint.response(status, content_type="application/octet-stream")(view)
        else:
            checked = self.blueprint.response(status, gives)(view)
        if takes is not None:
            checked = self.blueprint.arguments(takes)(checked)
        if asks is not None:
            unknown = asks.Meta.unknown
            checked = self.blueprint.arguments(asks, location="query", unknown=unknown)(checked)
        result: Callable[..., object] = checked
        return result


class IdConverter(IntegerConverter):
    """An id in an address. A larger number than any database holds is no address at all, nor are foreign digits."""

    regex = "[0-9]{1,19}"

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=2**63 - 1)


class DocumentedApi(Api):  # type: ignore[misc]
    """flask-smorest for its description only: our areas answer their own errors, and so does the console."""

    ERROR_SCHEMA = ErrorBody

    def _register_error_handlers(self) -> None:
        """None: it would take over the error pages of the whole app."""


def publish(app: Flask, areas: tuple[Area, ...], *, info: Mapping[str, object], address: str) -> None:
    """Registers the areas on the app, and their description at ``openapi.json``."""
    app.url_map.converters["id"] = IdConverter
    spec = {"info": dict(info), "servers": [{"url": address}], "security": [{"token": []}]}
    api: Any = DocumentedApi(app, spec_kwargs=spec)
    api.spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    for area in areas:
        api.register_blueprint(area.blueprint)
