"""Tags: an ETag names the last change of what is shown, and If-Match refuses to change what was changed since.

It is the number of a change that people made, not of the bytes that are sent, so nothing is answered with 304.
"""

from __future__ import annotations

import re

from flask import Response, after_this_request, request

from partsemble_core.errors import Invalid
from partsemble_core.services.noticing import Subject, check_unchanged, last_number
from partsemble_core.store.session import CompanySession

TAG = re.compile(r'"([0-9]{1,18})"', re.ASCII)


def tag(session: CompanySession, subject: Subject) -> None:
    """Sends its last change along as ETag. Call it before what is shown is read."""
    number = last_number(session, subject)

    @after_this_request
    def add(answer: Response) -> Response:
        if answer.status_code == 200:
            answer.headers["ETag"] = f'"{number}"'
        return answer


def check_match(session: CompanySession, subject: Subject) -> None:
    """Raises ChangedMeanwhile when the request goes by an older state; without If-Match nothing is compared."""
    sent = request.headers.get("If-Match", "").strip()
    if sent in ("", "*"):
        return
    found = TAG.fullmatch(sent)
    if found is None:
        raise Invalid("If-Match", 'Send the ETag of what you read, such as "123", or leave the header out.')
    check_unchanged(session, subject, seen=found[1])
