"""The REST API under ``/api/v1``: parse, one transaction, one service, answer. OpenAPI at ``/api/v1/openapi.json``."""

from __future__ import annotations

from flask import Flask

from partsemble_core.api import (
    account,
    audits,
    backends,
    beginning,
    boms,
    books,
    builds,
    counts,
    events,
    exports,
    heard,
    incoming,
    labels,
    lists,
    lots,
    people,
    planning,
    products,
    queue,
    receipts,
    reconciling,
    reversals,
    sales,
    scanning,
    search,
    suppliers,
    syncs,
    tokens,
    valuation,
    versions,
)
from partsemble_core.api.areas import publish
from partsemble_core.api.door import PREFIX, guard_addresses
from partsemble_core.services.house import House

__all__ = ["AREAS", "register_api"]
AREAS = (
    products.area,
    versions.area,
    boms.area,
    receipts.area,
    suppliers.area,
    lots.area,
    counts.area,
    builds.area,
    planning.area,
    reversals.area,
    valuation.area,
    reconciling.area,
    exports.area,
    queue.area,
    books.area,
    beginning.area,
    backends.area,
    events.area,
    audits.area,
    people.area,
    account.area,
    tokens.area,
    syncs.area,
    search.area,
    scanning.area,
    labels.area,
    sales.area,
    heard.area,
    lists.area,
)
INFO = """Parts, BOMs, FIFO builds and exact cost, posted to the books exactly once.

Send `Authorization: Bearer TOKEN` with every request. Amounts are decimals in JSON strings, days are `2026-04-30`.
An error is `{"error": {"code", "message", "field"}}`; the code is stable, the message ends with the cure.
"""


def register_api(app: Flask, house: House) -> None:
    """Hangs the API on the app. It needs no cookie and no CSRF token, and answers all its errors itself, as JSON."""
    app.config.update(
        API_TITLE="Partsemble",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=PREFIX,
        OPENAPI_JSON_PATH="openapi.json",
    )
    app.extensions.setdefault("partsemble", house)
    licence = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    incoming.register(app)
    publish(app, AREAS, info={"description": INFO, "license": licence}, address=house.settings.base_url)
    guard_addresses(app)
