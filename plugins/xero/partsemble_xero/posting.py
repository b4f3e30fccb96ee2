"""Posting a manual journal: draft first, then posted by its id.

A draft that was made twice never touches the ledger, so a lost answer costs a look-up and an orphan, never a second
posting.
"""

from __future__ import annotations

import datetime as dt
import urllib.parse
from collections.abc import Mapping, Sequence

from partsemble_core.plugin_api import (
    BackendContext,
    BackendError,
    HttpAnswer,
    JournalEntry,
    JournalResult,
    JournalStatus,
    JournalStep,
    PeriodClosed,
    PostStep,
    Rejected,
    RetryLater,
    say,
    word,
)
from partsemble_xero.client import Missing, json_object, messages_in, read, refusal, rows_of, text_of, write
from partsemble_xero.connecting import lock_date, organisation_row
from partsemble_xero.journals import (
    difference,
    fields_of,
    holds_token,
    journal_body,
    result_from,
    since_text,
    warnings_in,
    wire_narration,
)

LOOK_BACK = dt.timedelta(hours=48)
PAGE_SIZE = 200
MAX_PAGES = 500


def post_journal(ctx: BackendContext, entry: JournalEntry, step: JournalStep) -> JournalResult:
    """create: a DRAFT. post: that draft, named by its id, becomes POSTED."""
    if step.kind is PostStep.CREATE:
        return _create(ctx, entry, key=step.key)
    return _post(ctx, entry, external_id=step.external_id or "", key=step.key)


def _create(ctx: BackendContext, entry: JournalEntry, *, key: str) -> JournalResult:
    try:
        answer = write(ctx, "ManualJournals", journal_body(entry, status="DRAFT"), key=key)
        return _accepted(answer, entry, wanted=JournalStatus.DRAFT)
    except Rejected as error:
        refused = error
    raise _named(ctx, refused, entry)


def _post(ctx: BackendContext, entry: JournalEntry, *, external_id: str, key: str) -> JournalResult:
    body = journal_body(entry, status="POSTED", external_id=external_id)
    try:
        answer = write(ctx, _path(external_id), body, key=key)
        return _accepted(answer, entry, wanted=JournalStatus.POSTED)
    except Missing:
        message = say(
            "The journal {external_id} is not in Xero any more; look there for what happened to it.",
            external_id=external_id,
        )
        refused = Rejected(message, problems=(message,))
    except Rejected as error:
        refused = error
    return _already_posted(ctx, entry, external_id=external_id, refused=refused)


def _path(external_id: str) -> str:
    return f"ManualJournals/{urllib.parse.quote(external_id, safe='')}"


def _already_posted(ctx: BackendContext, entry: JournalEntry, *, external_id: str, refused: Rejected) -> JournalResult:
    """A refusal to post is a success where the journal is posted already as we want it."""
    row = _journal_row(ctx, external_id)
    result = result_from(row) if row is not None else None
    if row is None or result is None or result.status is JournalStatus.DRAFT:
        raise _named(ctx, refused, entry)
    if result.status is not JournalStatus.POSTED:
        message = say(
            "In Xero the journal {external_id} is {status}; somebody took it back there. Decide what is "
            "right, then post it anew or leave it out.",
            external_id=external_id,
            status=text_of(row, "Status"),
        )
        raise Rejected(message, problems=(message,))
    unlike = difference(row, entry)
    if unlike:
        message = say(
            "In Xero the journal {external_id} was changed: {unlike}. Put it right there.",
            external_id=external_id,
            unlike=word(unlike),
        )
        raise Rejected(message, problems=(message,))
    return result


def _accepted(answer: HttpAnswer, entry: JournalEntry, *, wanted: JournalStatus) -> JournalResult:
    """The result of a write, after looking at its one element: 200 alone does not mean that it was done."""
    rows = json_object(answer).get("ManualJournals")
    if not isinstance(rows, list) or len(rows) != 1 or not isinstance(rows[0], dict):
        raise answer.unreadable("doesn't hold the one journal that was sent.")
    return accepted_row(answer, rows[0], entry, wanted=wanted)


def accepted_row(
    answer: HttpAnswer, row: Mapping[str, object], entry: JournalEntry, *, wanted: JournalStatus
) -> JournalResult:
    """The result of one element of a write. Raises Rejected where it was refused, else OutcomeUnknown."""
    problems = messages_in({"Elements": [row]})
    if problems or text_of(row, "StatusAttributeString").upper() == "ERROR":
        problems = problems or ("Xero marked the journal as wrong without saying why.",)
        raise refusal(problems)
    removed = [warning for warning in warnings_in(row) if "removed" in warning.lower()]
    if removed:
        raise refusal(removed)
    result = result_from(row)
    if result is None or result.status is not wanted:
        raise answer.unreadable(say("gives no {wanted} journal with an id.", wanted=wanted))
    unlike = difference(row, entry)
    if unlike and wanted is JournalStatus.DRAFT:
        raise refusal((say("The draft in Xero is not what was sent: {unlike}.", unlike=word(unlike)),))
    if unlike:
        raise answer.unreadable(say("holds another journal than was sent: {unlike}.", unlike=word(unlike)))
    return result


def _named(ctx: BackendContext, error: Rejected, entry: JournalEntry) -> Rejected:
    """A refusal with the lines it is about, or with the lock date as the organisation states it."""
    if not isinstance(error, PeriodClosed):
        fields = error.fields or fields_of(error.problems, entry)
        return Rejected(error.message, problems=error.problems, fields=fields)
    try:
        locked = lock_date(organisation_row(ctx, ctx.organisation_id or ""))
    except BackendError:
        return error  # the refusal stands without the date
    return PeriodClosed(error.message, locked_through=locked)


def _journal_row(ctx: BackendContext, external_id: str) -> Mapping[str, object] | None:
    try:
        rows = rows_of(read(ctx, _path(external_id)), "ManualJournals")
    except Missing:
        return None
    return rows[0] if rows else None


def find_journal(ctx: BackendContext, entry: JournalEntry, external_id: str | None) -> Sequence[JournalResult]:
    """By id where there is one; else by the exact narration, and by the token in whatever changed lately."""
    if external_id:
        row = _journal_row(ctx, external_id)
        rows = [row] if row is not None else []
    else:
        exact = {"where": f'Narration=="{wire_narration(entry)}"'}
        rows = all_pages(ctx, exact)
        rows += all_pages(ctx, {}, modified_since=since_text(ctx.now() - LOOK_BACK))
        rows = [row for row in rows if holds_token(row, entry)]
    hits = {result.external_id: result for row in rows if (result := result_from(row)) is not None}
    return tuple(hits[key] for key in sorted(hits))


def all_pages(
    ctx: BackendContext, params: Mapping[str, str], *, modified_since: str = "", page_size: int = PAGE_SIZE
) -> list[Mapping[str, object]]:
    """Every page, by Xero's own count of pages where it tells, else until a page isn't full."""
    found: list[Mapping[str, object]] = []
    for number in range(1, MAX_PAGES + 1):
        query = {**params, "page": str(number), "pageSize": str(page_size), "order": "UpdatedDateUTC ASC"}
        content = read(ctx, "ManualJournals", params=query, modified_since=modified_since)
        rows = rows_of(content, "ManualJournals")
        found += rows
        pagination = content.get("pagination")
        pages = pagination.get("pageCount") if isinstance(pagination, dict) else None
        if number >= pages if isinstance(pages, int) else len(rows) < page_size:
            return found
    raise RetryLater(
        say(
            "Xero has more than {most} journals to look through; it is tried later.",
            most=MAX_PAGES * page_size,
        )
    )


def discard_draft(ctx: BackendContext, entry: JournalEntry, external_id: str) -> JournalResult:
    """Sets one of our drafts to DELETED. Raises Rejected for anything posted, and for what isn't ours."""
    row = _journal_row(ctx, external_id)
    gone = JournalResult(external_id=external_id, status=JournalStatus.DELETED)
    if row is None or text_of(row, "Status") == "DELETED":
        return gone
    if text_of(row, "Status") != "DRAFT" or not holds_token(row, entry):
        message = say(
            "The journal {external_id} is not a draft of ours ({status}); it stays.",
            external_id=external_id,
            status=text_of(row, "Status"),
        )
        raise Rejected(message, problems=(message,))
    body = journal_body(entry, status="DELETED", external_id=external_id)
    try:
        answer = write(ctx, _path(external_id), body)
    except Missing:
        return gone
    rows = json_object(answer).get("ManualJournals")
    problems = messages_in({"Elements": rows})
    if problems:
        raise refusal(problems)
    return gone
