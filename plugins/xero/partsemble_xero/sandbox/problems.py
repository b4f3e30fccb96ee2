"""The answers with which Xero says no, in Xero's own shapes.

Validation errors, query errors and unreadable bodies share one shape; refused tokens and tenants
have another; a missing record is plain text.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .wire import encode

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer: status, body and the headers beside the limits."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class Problem(Exception):
    """A refusal that ends the request; carries the answer to send."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def json_answer(payload: object, *, status: int = 200) -> Answer:
    """An answer with ``payload`` as JSON."""
    return Answer(status, encode(payload).encode())


def refused_access(status: int, *, title: str, detail: str, headers: Mapping[str, str] | None = None) -> Problem:
    """The shape of 401, 403 and other refusals that come before the endpoint is reached."""
    payload: dict[str, object] = {
        "Type": None,
        "Title": title,
        "Status": status,
        "Detail": detail,
        "Instance": str(uuid.uuid4()),
        "Extensions": {},
    }
    return Problem(Answer(status, encode(payload).encode(), headers=headers or {}))


def not_found(hint: str = "") -> Problem:
    """404: the path names nothing."""
    text = "The resource you're looking for cannot be found" + (f". {hint}" if hint else "")
    return Problem(Answer(404, text.encode(), TEXT))


def plain_refusal(status: int, text: str) -> Problem:
    """A refusal in plain text, for requests that this sandbox cannot take at all."""
    return Problem(Answer(status, text.encode(), TEXT))


def validation_failed(elements: Sequence[Mapping[str, object]]) -> Problem:
    """400 with the objects that were refused, each holding its ``ValidationErrors``."""
    return _error(10, "ValidationException", "A validation exception occurred", elements)


def query_refused(message: str) -> Problem:
    """400: a ``where``, ``order`` or paging value that cannot be read."""
    return _error(16, "QueryParseException", message, ())


def data_refused(message: str) -> Problem:
    """400: a body that is not the JSON this endpoint takes."""
    return _error(14, "PostDataInvalidException", message, ())


def _error(number: int, kind: str, message: str, elements: Sequence[Mapping[str, object]]) -> Problem:
    payload: dict[str, object] = {"ErrorNumber": number, "Type": kind, "Message": message}
    if elements:
        payload["Elements"] = elements
    return Problem(json_answer(payload, status=400))
