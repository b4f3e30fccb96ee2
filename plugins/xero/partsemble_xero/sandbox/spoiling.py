"""Answers that are spoilt on order, on their way out: cut, emptied, or about other journals than were asked for."""

from __future__ import annotations

import json
import uuid
from typing import Any

JOURNALS = "ManualJournals"
PAGE = b"<html><body>We are doing some maintenance.</body></html>"
SPOILT = ("cut", "empty", "html", "short", "reversed", "wrong-id", "unseen")


def spoil(kind: str, headers: list[tuple[str, str]], body: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """The headers and the body that are sent instead; the length always fits, so only the content tells."""
    spoilt = {"cut": body[: len(body) // 2], "empty": b"", "html": PAGE}.get(kind)
    if spoilt is None:
        spoilt = _with_other_journals(kind, body)
    kept = [(name, value) for name, value in headers if name.lower() not in ("content-length", "content-type")]
    content_type = "text/html" if kind == "html" else "application/json"
    return [*kept, ("Content-Type", content_type), ("Content-Length", str(len(spoilt)))], spoilt


def _with_other_journals(kind: str, body: bytes) -> bytes:
    try:
        content: Any = json.loads(body)
    except ValueError:
        return body
    if not isinstance(content, dict) or not isinstance(content.get(JOURNALS), list):
        return body
    journals = content[JOURNALS]
    if kind == "unseen":
        content[JOURNALS] = []
    elif kind == "short":
        content[JOURNALS] = journals[:-1]
    elif kind == "reversed":
        content[JOURNALS] = journals[::-1]
    else:
        content[JOURNALS] = [{**journal, "ManualJournalID": str(uuid.uuid4())} for journal in journals]
    return json.dumps(content).encode()
