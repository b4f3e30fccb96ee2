"""One table from error class to HTTP status, and the body that carries it. API and console answer alike."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from partsemble_core.domain.boms import BomCycle, BomTooDeep
from partsemble_core.domain.fifo import StockShort
from partsemble_core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PartsembleError,
    Refused,
    WrongState,
    say,
)
from partsemble_core.plugin_api.errors import BackendError
from partsemble_core.plugin_host import PluginError, UnknownBackend
from partsemble_core.services.altering import ProductsInUse
from partsemble_core.services.ascertaining import AlreadyInBooks, OutcomeUncertain
from partsemble_core.services.building import NoActiveBom
from partsemble_core.services.closing import PeriodLocked
from partsemble_core.services.configuring import SettingsShared
from partsemble_core.services.connecting import CurrencyDiffers
from partsemble_core.services.counting import CountBelowZero, CountOpen
from partsemble_core.services.deciding import DigestDiffers, NotTheSamePosting
from partsemble_core.services.dialling import PrivateAddress
from partsemble_core.services.downloading import TooManyRows
from partsemble_core.services.executing import ReviewFirst
from partsemble_core.services.exporting import AccountNotSet
from partsemble_core.services.importing import FileHasProblems
from partsemble_core.services.introducing import BooksWithoutContacts
from partsemble_core.services.resealing import KeyNeeded
from partsemble_core.services.reversing import DocumentInUse
from partsemble_core.services.syncing import NotConnected
from partsemble_core.services.token_keeping import SignInBroken

log = logging.getLogger(__name__)


class TokenRefused(Refused):
    """No API token, or one that is unknown or revoked."""

    code = "token-refused"

    def __init__(self) -> None:
        super().__init__("Send a valid API token: 'Authorization: Bearer psb_live_…'. An owner issues one.")


class RequestMalformed(Refused):
    """The request can't be read: its JSON, its address or its headers."""

    code = "request-malformed"


class RequestTooLarge(Refused):
    """The body is larger than is taken."""

    code = "request-too-large"

    def __init__(self) -> None:
        super().__init__("The request is too large. Send less at a time.")


class NoSuchAddress(Refused):
    """Nothing is served at this address."""

    code = "no-such-address"

    def __init__(self) -> None:
        super().__init__("Nothing is served at this address. Look at /api/v1/openapi.json for what there is.")


class MethodNotAllowed(Refused):
    """The address doesn't know this method."""

    code = "method-not-allowed"

    def __init__(self) -> None:
        super().__init__("This address doesn't take this method. Look at /api/v1/openapi.json for what it takes.")


class DatabaseBusy(PartsembleError):
    """Another long write holds the database. Nothing was changed; try again in a moment."""

    code = "database-busy"

    def __init__(self) -> None:
        super().__init__("The database is busy with another long write; nothing was changed. Try again in a moment.")


class ServerFault(PartsembleError):
    """A fault of ours. Nothing was changed; the log tells more under the id given."""

    code = "server-fault"

    def __init__(self, error_id: str) -> None:
        super().__init__(
            say(
                "Something broke on our side; nothing was changed. Report it with the id {error_id}.", error_id=error_id
            )
        )
        self.error_id = error_id


STATUSES: Mapping[type[PartsembleError], int] = {
    PartsembleError: 500,
    DatabaseBusy: 503,
    Refused: 400,
    NotFound: 404,
    UnknownBackend: 404,
    NoSuchAddress: 404,
    Invalid: 422,
    FileHasProblems: 422,
    BomCycle: 422,
    BomTooDeep: 422,
    TooManyRows: 422,
    PrivateAddress: 422,
    Conflict: 409,
    WrongState: 409,
    StockShort: 409,
    NoActiveBom: 409,
    AccountNotSet: 409,
    AlreadyInBooks: 409,
    DigestDiffers: 409,
    NotTheSamePosting: 409,
    OutcomeUncertain: 409,
    NotConnected: 409,
    BooksWithoutContacts: 409,
    CurrencyDiffers: 409,
    SettingsShared: 409,
    KeyNeeded: 409,
    CountBelowZero: 409,
    CountOpen: 409,
    DocumentInUse: 409,
    PeriodLocked: 409,
    ReviewFirst: 409,
    Forbidden: 403,
    TokenRefused: 401,
    MethodNotAllowed: 405,
    RequestTooLarge: 413,
    BackendError: 502,
    PluginError: 502,
    SignInBroken: 502,
}
"""The nearest ancestor of a class that stands here decides."""
OF_HTTP: Mapping[int, type[RequestTooLarge | NoSuchAddress | MethodNotAllowed]] = {
    404: NoSuchAddress,
    405: MethodNotAllowed,
    413: RequestTooLarge,
}

CURES = {
    "Unknown field.": "This is not known here. Correct its spelling, or take it out.",
    "Missing data for required field.": "This is missing. Fill it in.",
    "Field may not be null.": "This may not be null. Fill it in, or leave it out.",
    "Invalid input type.": "Send an object in braces here.",
    "Not a valid string.": "Send a text in quotes here.",
    "Not a valid list.": "Send a list in square brackets here.",
    "Invalid JSON body.": "The body isn't valid JSON. Send JSON in UTF-8.",
}
"""What the parser finds, in words that say what to do."""


def status_of(error: PartsembleError) -> int:
    """The HTTP status that an error is answered with."""
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def error_body(error: PartsembleError) -> dict[str, Any]:
    """``{"error": {"code", "message", "field"}}``, and what else the error lists."""
    body: dict[str, Any] = {
        "code": error.code,
        "message": str(error),
        "field": getattr(error, "field", None) or None,
    }
    if isinstance(error, StockShort):
        body["shortages"] = [
            {
                "product_id": shortage.product_id,
                "needed": f"{shortage.needed:f}",
                "available": f"{shortage.available:f}",
                "missing": f"{shortage.missing:f}",
                "held": f"{shortage.held:f}",
            }
            for shortage in error.shortages
        ]
    if isinstance(error, FileHasProblems):
        body["problems"] = list(error.problems)
    if isinstance(error, DocumentInUse | CountOpen | ProductsInUse):
        body["references"] = list(error.references)
    if isinstance(error, CountBelowZero):
        body["lots"] = list(error.numbers)
    return {"error": body}


def refusal_of(error: Exception) -> PartsembleError:
    """Whatever was raised, as an error that may be shown. What is our fault is logged, and told by its id alone."""
    if isinstance(error, PartsembleError) and status_of(error) != 500:
        return error
    if isinstance(error, HTTPException):
        return _of_http(error)
    if isinstance(error, ValueError) and "integer string conversion" in str(error):
        return RequestMalformed('A number in the request has too many digits. Send amounts as text, such as "12.50".')
    if isinstance(error, OperationalError) and "locked" in str(error.orig):
        return DatabaseBusy()
    if isinstance(error, RecursionError):
        return RequestMalformed("The request is nested too deeply. Send plainer JSON.")
    error_id = secrets.token_hex(6)
    log.error("fault %s: %s", error_id, type(error).__name__, exc_info=error)
    return ServerFault(error_id)


def _of_http(error: HTTPException) -> PartsembleError:
    kind = OF_HTTP.get(error.code or 0)
    if kind is not None:
        return kind()
    messages = (getattr(error, "data", None) or {}).get("messages")
    if isinstance(messages, Mapping):
        field, found = next(_flat(messages), ("", "The request can't be read."))
        message = CURES.get(found, found)
        if error.code == 422:
            return Invalid(field, message)
        return RequestMalformed(message)
    return RequestMalformed(say("The request was refused ({name}).", name=error.name))


def _flat(messages: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Field and message of each finding, the field as its sender would write it: ``lines[0].quantity``."""
    for found in messages.values():  # by place: json, query …
        yield from _flat_in(found, "")


def _flat_in(found: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(found, Mapping):
        for key, below in found.items():
            is_position = str(key).isdigit()
            step = f"[{key}]" if is_position else f".{key}" if path else str(key)
            yield from _flat_in(below, "" if key == "_schema" else f"{path}{step}")
    elif isinstance(found, list):
        for message in found:
            yield path.removesuffix("."), str(message)
    else:
        yield path, str(found)
