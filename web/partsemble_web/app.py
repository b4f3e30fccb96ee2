"""The Flask app as it is served: house, API and console together."""

from __future__ import annotations

from flask import Flask

from partsemble_core.api import register_api
from partsemble_core.api.areas import IdConverter
from partsemble_core.config import Settings
from partsemble_core.services.house import House
from partsemble_core.wiring import build_app
from partsemble_web import (
    account,
    adjustments,
    assets,
    audits,
    backend_settings,
    builds,
    counts,
    decisions,
    exports,
    factors,
    finding,
    first_steps,
    forms,
    founding,
    headers,
    helping,
    home,
    integrations,
    joining,
    labels,
    live,
    lots,
    options,
    people,
    plans,
    products,
    receipts,
    reconciling,
    refusals,
    scanning,
    sheets,
    showing,
    signing_in,
    speaking,
    stock,
    suppliers,
    tokens,
    traces,
    valuations,
    webhooks,
)

PAGES = (
    signing_in,
    live,
    sheets,
    home,
    products,
    lots,
    labels,
    scanning,
    counts,
    adjustments,
    options,
    stock,
    suppliers,
    receipts,
    builds,
    exports,
    integrations,
    backend_settings,
    traces,
    decisions,
    plans,
    valuations,
    reconciling,
    webhooks,
    finding,
    audits,
    people,
    account,
    factors,
    joining,
    founding,
    first_steps,
    tokens,
    helping,
)


def create_app(settings: Settings, house: House | None = None) -> Flask:
    """The whole app, for gunicorn or any other WSGI server."""
    app, house = build_app(settings, house)
    register_api(app, house)
    register_console(app, house)
    return app


def register_console(app: Flask, house: House) -> None:
    """Hangs the pages, their error pages and the security headers of all answers on an app that has its API."""
    app.url_map.converters["id"] = IdConverter
    assets.register(app)
    speaking.register(app)
    showing.register(app)
    signing_in.guard(app, house)
    forms.register(app, but=signing_in.NO_COOKIES)
    refusals.register(app)
    headers.register(app, secure=house.settings.base_url.startswith("https://"))
    for area in PAGES:
        app.register_blueprint(area.pages)
