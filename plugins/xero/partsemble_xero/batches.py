"""Many manual journals in one call, each settled by itself.

Answers are matched by the token in the narration, never by their place: a list that is one short, in another order or
holds a stranger's journal leaves doubt about those it doesn't answer for, and about no other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from partsemble_core.plugin_api import (
    BackendContext,
    BackendError,
    BatchAnswer,
    BatchEntry,
    HttpAnswer,
    JournalEntry,
    JournalResult,
    JournalStatus,
    JsonBody,
    PeriodClosed,
    PostStep,
    Rejected,
    say,
)
from partsemble_xero.client import json_object, write
from partsemble_xero.connecting import lock_date, organisation_row
from partsemble_xero.journals import fields_of, holds_token, journal_element, result_from, since_text
from partsemble_xero.posting import LOOK_BACK, accepted_row, all_pages

BATCH_SIZE = 50
"""What Xero advises for one request."""
PAGE_SIZE = 200


def post_journals(ctx: BackendContext, entries: Sequence[BatchEntry]) -> Sequence[BatchAnswer]:
    """All as DRAFT, or all by their ids as POSTED, in one call under the key of the first step.

    Raises what is about the whole call; Rejected for one says that nothing of it was written.
    """
    kind, key = entries[0][1].kind, entries[0][1].key
    bodies: list[JsonBody] = []
    refused: dict[str, BackendError] = {}
    for entry, step in entries:
        try:
            bodies.append(_body(entry, kind, step.external_id or ""))
        except Rejected as error:
            refused[entry.token] = error
    if not bodies:
        return [refused[entry.token] for entry, _ in entries]
    answer = write(ctx, "ManualJournals", {"ManualJournals": bodies}, key=key)
    rows = _rows(answer)
    answers = [refused.get(entry.token) or _answer_of(answer, rows, entry, kind) for entry, _ in entries]
    return _with_lock_date(ctx, answers)


def _body(entry: JournalEntry, kind: PostStep, external_id: str) -> JsonBody:
    if kind is PostStep.CREATE:
        return journal_element(entry, status="DRAFT")
    return journal_element(entry, status="POSTED", external_id=external_id)


def _rows(answer: HttpAnswer) -> list[Mapping[str, object]]:
    rows = json_object(answer).get("ManualJournals")
    if not isinstance(rows, list):
        raise answer.unreadable("holds no list of journals.")
    return [row for row in rows if isinstance(row, dict)]


def _answer_of(
    answer: HttpAnswer, rows: Sequence[Mapping[str, object]], entry: JournalEntry, kind: PostStep
) -> BatchAnswer:
    mine = [row for row in rows if holds_token(row, entry)]
    try:
        if len(mine) != 1:
            raise answer.unreadable(
                say("names the journal of {reference} {count} times.", reference=entry.reference, count=len(mine))
            )
        wanted = JournalStatus.DRAFT if kind is PostStep.CREATE else JournalStatus.POSTED
        return accepted_row(answer, mine[0], entry, wanted=wanted)
    except PeriodClosed as error:
        return error
    except Rejected as error:
        return Rejected(error.message, problems=error.problems, fields=error.fields or fields_of(error.problems, entry))
    except BackendError as error:
        return error


def _with_lock_date(ctx: BackendContext, answers: Sequence[BatchAnswer]) -> Sequence[BatchAnswer]:
    """Refusals for a closed period say through which day, asked for once for all of them."""
    if not any(isinstance(answer, PeriodClosed) for answer in answers):
        return answers
    try:
        locked = lock_date(organisation_row(ctx, ctx.organisation_id or ""))
    except BackendError:
        return answers  # the refusals stand without the date
    return [
        PeriodClosed(answer.message, locked_through=locked) if isinstance(answer, PeriodClosed) else answer
        for answer in answers
    ]


def find_journals(
    ctx: BackendContext, entries: Sequence[JournalEntry], since: dt.datetime
) -> Sequence[Sequence[JournalResult]]:
    """By token, in whatever changed since: a few calls, however many are looked for.

    Clocks differ by a day or so, and a later look costs a page more, never a journal.
    """
    rows = all_pages(ctx, {}, modified_since=since_text(since - LOOK_BACK), page_size=PAGE_SIZE)
    return [_hits(rows, entry) for entry in entries]


def _hits(rows: Sequence[Mapping[str, object]], entry: JournalEntry) -> tuple[JournalResult, ...]:
    hits = {result.external_id: result for row in rows if holds_token(row, entry) and (result := result_from(row))}
    return tuple(hits[key] for key in sorted(hits))
