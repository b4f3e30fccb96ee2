"""Ascertaining: what the books hold of a failed export, asked with no transaction open before a person decides."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from partsemble_core.domain.amounts import add
from partsemble_core.domain.exports import ExportState, StepKind
from partsemble_core.errors import Conflict, PartsembleError, Refused, Wording, WrongState, say, word
from partsemble_core.plugin_api.entries import entry_from_bytes
from partsemble_core.plugin_api.errors import SignedOut, Unsupported
from partsemble_core.plugin_api.types import (
    BackendContext,
    JournalEntry,
    JournalLine,
    JournalResult,
    JournalStatus,
    Posting,
)
from partsemble_core.services.addressing import context_of, token_for
from partsemble_core.services.crashing import crashpoint
from partsemble_core.services.discarding import discard, made_ids, note_gone
from partsemble_core.services.house import House
from partsemble_core.services.retrying import attempts_of, end_claims, export_for_update, is_surely_unwritten
from partsemble_core.store.connections import Connection, get_connection
from partsemble_core.store.database import database_now
from partsemble_core.store.exports import Export, ExportAttempt, get_export
from partsemble_core.store.session import CompanySession

T = TypeVar("T")
LONGEST_JOURNEY = dt.timedelta(days=1)
"""No call is still on its way after that: assumed where the books have no drafts, as the protocol itself must there."""


class OutcomeUncertain(Refused):
    """Nobody knows yet whether the books hold the posting, so nothing may be decided that rests on it."""

    code = "outcome-uncertain"


class AlreadyInBooks(Refused):
    """The books hold the posting: it can't be called off here any more."""

    code = "already-in-books"

    def __init__(self, reference: str, external_id: str) -> None:
        super().__init__(
            say(
                "{reference} is in the books as journal {external_id}. Say that it is there under this id, and "
                "reverse the document if it is wrong; or void it in the books first, then decide again.",
                reference=reference,
                external_id=external_id,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A failed export as it was when somebody began to decide. ``epoch`` tells whether it moved since."""

    export: Export
    epoch: int
    entry: JournalEntry
    connection: Connection
    attempts: Sequence[ExportAttempt]
    now: dt.datetime


def open_case(house: House, company_id: int, export_id: int) -> Case:
    """Raises NotFound, and WrongState for an export that doesn't wait for a person."""
    with house.reading(company_id) as session:
        export = get_export(session, export_id)
        if export.state != ExportState.REVIEW:
            raise WrongState(_why_not(export))
        return Case(
            export=export,
            epoch=export.lease_epoch,
            entry=entry_from_bytes(export.body),
            connection=get_connection(session, export.connection_id),
            attempts=attempts_of(session, export.id),
            now=database_now(session),
        )


def close_case(session: CompanySession, case: Case) -> Export:
    """The export, locked, if nobody decided about it or sent it since. Raises Conflict."""
    export = export_for_update(session, case.export.id)
    if export.state != ExportState.REVIEW or export.lease_epoch != case.epoch:
        raise Conflict(
            say(
                "{reference} was decided about by somebody else meanwhile. Look at it again.",
                reference=export.reference,
            )
        )
    end_claims(export)
    return export


def call_off(house: House, case: Case) -> None:
    """Makes sure that nothing of it is in the ledger, nor can come there: drafts of ours are deleted.

    What a call made, and what the books hold no more, is noted as gone. Raises AlreadyInBooks, OutcomeUncertain, or
    the backend's own error; then nothing was decided.
    """
    if is_surely_unwritten(case.export, case.attempts):
        return
    found = asking(house, case.connection, lambda ctx: look_up(house, case, ctx))
    posted = ids_of(found, JournalStatus.POSTED)
    if posted:
        raise AlreadyInBooks(case.export.reference, posted[0])
    if house.host.info(case.export.backend).capabilities.posting == Posting.DRAFT_THEN_POST:
        delete_drafts(house, case, ids_of(found, JournalStatus.DRAFT))
        _note_gone(house, case, found)
    elif len(_open_keys(case)) > len(ids_of(found, JournalStatus.VOIDED)):  # what is still travelling may be posted yet
        raise OutcomeUncertain(
            say(
                "A call for {reference} got no clear answer, so it may still reach the books. Try it again: it "
                "is looked up first. From a day after that call on, and if the books don't hold it then, you "
                "can decide.",
                reference=case.export.reference,
            )
        )
    else:
        _note_gone(house, case, found)


def look_up(house: House, case: Case, ctx: BackendContext) -> list[JournalResult]:
    """All that the books hold of it, by its token and by its stored id. Raises OutcomeUncertain, BackendError."""
    ask = house.host.find_journal
    try:
        found = list(ask(case.export.backend, ctx, entry=case.entry, external_id=None))
        if case.export.external_id:
            found += ask(case.export.backend, ctx, entry=case.entry, external_id=case.export.external_id)
    except Unsupported as error:
        raise OutcomeUncertain(
            say("These books can't be asked for {reference}. Try it again.", reference=case.export.reference)
        ) from error
    return found


def delete_drafts(house: House, case: Case, drafts: Sequence[str], *, kept: str | None = None) -> None:
    """Deletes drafts of ours but ``kept``. Raises OutcomeUncertain where one stays: it could be posted yet."""
    for draft in drafts:
        if draft == kept:
            continue
        try:
            discard(house, case.export, draft, lambda i=draft: _delete(house, case, i))  # type: ignore[misc]
        except PartsembleError as error:
            raise OutcomeUncertain(
                say(
                    "The draft {draft} of {reference} couldn't be deleted ({error}) Nothing was decided. "
                    "Delete it in the books, or try again.",
                    draft=draft,
                    reference=case.export.reference,
                    error=word(error.message),
                )
            ) from error
        crashpoint("ascertaining.after_discard")


def _delete(house: House, case: Case, draft: str) -> JournalResult:
    ask = house.host.discard_draft
    return asking(
        house, case.connection, lambda ctx: ask(case.export.backend, ctx, entry=case.entry, external_id=draft)
    )


def _note_gone(house: House, case: Case, found: Sequence[JournalResult]) -> None:
    """A draft that somebody deleted over there, a posting that somebody voided, one deleted by who died of it."""
    live = {*ids_of(found, JournalStatus.DRAFT), *ids_of(found, JournalStatus.POSTED)}
    gone = made_ids(case.attempts) - live
    if gone:
        house.write(case.export.company_id, lambda session: note_gone(session, case.export, gone))


def asking(house: House, connection: Connection, ask: Callable[[BackendContext], T]) -> T:
    """Asks the backend; a token that it refuses is refreshed once."""
    token = token_for(house, connection)
    try:
        return _asked(context_of(house, connection, token=token), ask)
    except SignedOut:
        token = token_for(house, connection, refused=token)
        return _asked(context_of(house, connection, token=token), ask)


def is_same_posting(found: JournalResult, entry: JournalEntry) -> bool:
    """Whether a journal has our date, and on each account our amount."""
    return found.posted_on == entry.date and found.lines is not None and sums_of(found.lines) == sums_of(entry.lines)


def ids_of(found: Sequence[JournalResult], status: JournalStatus) -> list[str]:
    """Each once, in order."""
    return sorted({each.external_id for each in found if each.status == status})


def _asked(ctx: BackendContext, ask: Callable[[BackendContext], T]) -> T:
    with closing(ctx.http):
        return ask(ctx)


def _open_keys(case: Case) -> set[str]:
    """Keys of creations that may be written yet, each at most once."""
    recent = [each for each in case.attempts if each.sent_at > case.now - LONGEST_JOURNEY]
    creations = [each for each in recent if each.step == StepKind.CREATE]
    return {each.key for each in creations if each.outcome not in ("refused", "not_sent")}


def sums_of(lines: Sequence[JournalLine]) -> dict[str, Decimal]:
    """Per account, by the code that people read."""
    codes = {line.account_code for line in lines}
    sums = {code: add([line.amount for line in lines if line.account_code == code]) for code in codes}
    return {code: amount for code, amount in sums.items() if amount}


def _why_not(export: Export) -> Wording:
    """Why nothing is to be decided about an export."""
    reference = export.reference
    match ExportState(export.state):
        case ExportState.HELD:
            return say(
                "{reference} waits for you to post it. Post it, or leave it out with a reason.", reference=reference
            )
        case ExportState.UNKNOWN:
            return say(
                "No answer came for {reference}. Wait: it is looked up in the books, and only then can you decide.",
                reference=reference,
            )
        case ExportState.POSTED:
            return say("{reference} is posted. To undo it, reverse its document.", reference=reference)
        case ExportState.SKIPPED:
            return say("{reference} was left out: there is nothing to decide.", reference=reference)
        case ExportState.CANCELLED:
            return say("{reference} was cancelled: there is nothing to decide.", reference=reference)
    return say("{reference} is on its way to the books. Wait until it is posted, or needs you.", reference=reference)
