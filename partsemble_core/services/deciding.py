"""Deciding: what a person may say about a posting that doesn't go out by itself, or that failed.

Whatever is decided, the books get at most one posting of a document: what rests on their not having one is asked of
them first, with no transaction open, and then holds only if nobody else decided meanwhile.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from partsemble_core.domain.exports import Doubt, ExportState
from partsemble_core.domain.products import clean_text
from partsemble_core.errors import Conflict, Invalid, NotFound, Refused, WrongState, say, word
from partsemble_core.plugin_api.types import JournalStatus, Posting
from partsemble_core.services.acting import Act
from partsemble_core.services.ascertaining import (
    Case,
    asking,
    call_off,
    close_case,
    delete_drafts,
    ids_of,
    is_same_posting,
    look_up,
    open_case,
)
from partsemble_core.services.disowning import refuse_anothers
from partsemble_core.services.exporting import ORIGINAL_NOT_POSTED, is_untouched
from partsemble_core.services.house import House
from partsemble_core.services.requeueing import requeue
from partsemble_core.services.retrying import export_for_update
from partsemble_core.services.reversing import reverse
from partsemble_core.services.syncing import NotConnected
from partsemble_core.services.telling import tell_export
from partsemble_core.store.adjustments import Reversal
from partsemble_core.store.database import database_now
from partsemble_core.store.exports import Export, ExportAttempt, get_export
from partsemble_core.store.lots import DocumentKind
from partsemble_core.store.session import CompanySession, LockRank

REASON = 500
BY_HAND = 50
"""Before the 100 of what goes by itself."""
AT_ONCE = 1_000
EXTERNAL_ID = 200
AT_REST = (ExportState.POSTED, ExportState.SKIPPED, ExportState.CANCELLED)
REVERSIBLE = (DocumentKind.RECEIPT, DocumentKind.BUILD, DocumentKind.ADJUSTMENT)


class DigestDiffers(Refused):
    """What would be posted isn't what the dry run showed."""

    code = "digest-differs"

    def __init__(self, reference: str) -> None:
        super().__init__(
            say(
                "What would be posted for {reference} isn't what your dry run showed. Look at a new dry run, "
                "then post with its digest.",
                reference=reference,
            )
        )
        self.field = "digest"


class NotTheSamePosting(Refused):
    """A journal of the books isn't what this export would have posted, so it can't stand for it."""

    code = "not-the-same-posting"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.field = "external_id"


def held_exports(session: CompanySession, *, kind: str = "") -> list[int]:
    """Ids of what waits to be posted by a person, oldest first; only of one kind of document, if given."""
    if kind and kind not in {known.value for known in DocumentKind}:
        raise Invalid(
            "kind",
            say(
                "{kind!r} is no kind of document. Use one of {kinds}.",
                kind=kind[:40],
                kinds=", ".join(DocumentKind),
            ),
        )
    held = sa.select(Export.id).where(Export.state == ExportState.HELD).order_by(Export.id)
    return list(session.scalars(held.where(Export.document_kind == kind) if kind else held))


def post_held(session: CompanySession, export_ids: Collection[int], *, digest: str | None = None) -> list[Export]:
    """Lets workers post exports that were held, all or none. With ``digest`` (of one) only what the dry run showed.

    Raises NotFound, WrongState naming those that aren't held, DigestDiffers, Invalid.
    """
    wanted = sorted(set(export_ids))
    if not 1 <= len(wanted) <= AT_ONCE:
        raise Invalid("ids", say("Choose 1 to {most} exports.", most=AT_ONCE))
    if digest is not None and len(wanted) > 1:
        raise Invalid("digest", "A digest is that of one export. Post them one by one, or leave it out.")
    session.locking(LockRank.EXPORT)
    statement = sa.select(Export).where(Export.id.in_(wanted)).order_by(Export.id)
    exports = list(session.scalars(statement.with_for_update().execution_options(populate_existing=True)))
    missing = set(wanted) - {export.id for export in exports}
    if missing:
        raise NotFound("export", min(missing))
    others = [f"{export.reference} ({export.state})" for export in exports if export.state != ExportState.HELD]
    if others:
        raise WrongState(
            say(
                "Only what is held can be posted by hand; nothing was done. Leave out {others}.",
                others=", ".join(others),
            )
        )
    if digest is not None and digest.strip().lower() != hashlib.sha256(exports[0].body).hexdigest():
        raise DigestDiffers(exports[0].reference)
    for export in exports:
        _release(session, export)
    return exports


def skip_export(house: House, act: Act, company_id: int, export_id: int, *, reason: object) -> Export:
    """Leaves a posting out of the books for good. Only what is held, not yet tried, or surely isn't there.

    Raises WrongState, AlreadyInBooks, OutcomeUncertain, Conflict, Invalid, NotFound, BackendError.
    """
    why = clean_text(reason, field="reason", length=REASON)
    case = _case_unless_untouched(house, company_id, export_id)
    if case is not None:
        call_off(house, case)

    def skip(session: CompanySession) -> Export:
        export = export_for_update(session, export_id) if case is None else close_case(session, case)
        if case is None and not is_untouched(export):
            raise Conflict(say("{reference} was taken up meanwhile. Look at it again.", reference=export.reference))
        export.state, export.doubt, export.problem = ExportState.SKIPPED, Doubt.NONE, f"Left out by {act.by}: {why}"
        _let_go_of_reversals(session, export)
        return export

    return house.write(company_id, skip)


def adopt(house: House, act: Act, company_id: int, export_id: int, *, external_id: object) -> Export:
    """Says that the failed posting is in the books under an id, once the books themselves say so too.

    The journal must be posted and carry our token; one made by hand must have our date and our amount on each account,
    and then nothing of ours may be there. Raises NotTheSamePosting, OutcomeUncertain, Conflict, WrongState, Invalid.
    """
    theirs = clean_text(external_id, field="external_id", length=EXTERNAL_ID)
    case = open_case(house, company_id, export_id)
    _refuse_other_than_stored(house, case, theirs)
    _verify(house, case, theirs)

    def settle(session: CompanySession) -> Export:
        export = close_case(session, case)
        now = database_now(session)
        said = f"{act.by} said that it is there under this id; the books agree."
        session.add(_noted(export, now=now, external_id=theirs, message=said))
        export.state, export.doubt, export.problem = ExportState.POSTED, Doubt.NONE, ""
        export.external_id, export.posted_at = theirs, now
        tell_export(session, export, at=now, console=act.console)
        return export

    try:
        return house.write(company_id, settle)
    except IntegrityError as error:
        raise Conflict(
            say("Journal {theirs} belongs to another document.", theirs=theirs), field="external_id"
        ) from error


def cancel_and_reverse(
    house: House, act: Act, company_id: int, export_id: int, *, reason: object, reversed_on: object = None
) -> Reversal | None:
    """Calls a failed posting off and undoes its document here, in one transaction; nothing is posted for either.

    A document that was reversed already only has its posting called off: then None. Raises what `reverse` raises, and
    AlreadyInBooks, OutcomeUncertain, WrongState, Conflict, NotFound.
    """
    why = clean_text(reason, field="reason", length=REASON)
    case = open_case(house, company_id, export_id)
    kind = DocumentKind(case.export.document_kind)
    if kind not in REVERSIBLE:
        raise WrongState(
            say(
                "{reference} can't be reversed. Leave the posting out instead, with a reason.",
                reference=case.export.reference,
            )
        )
    call_off(house, case)

    def cancel(session: CompanySession) -> Reversal | None:
        done = None
        if not _reversals_waiting(session, export_id):
            done = reverse(session, act, kind, case.export.document_id, reason=why, reversed_on=reversed_on)
        export = close_case(session, case)
        export.state, export.doubt = ExportState.CANCELLED, Doubt.NONE
        export.problem = f"Cancelled by {act.by}: {why}"
        _let_go_of_reversals(session, export)
        return done

    return house.write(company_id, cancel)


def remap(house: House, act: Act, company_id: int, export_id: int) -> Export:
    """Replaces a failed posting by a new one with the accounts chosen today, and lets it go out.

    The old one is kept, cancelled. Raises AlreadyInBooks, OutcomeUncertain, AccountNotSet, NotConnected, WrongState,
    Conflict, NotFound.
    """
    case = open_case(house, company_id, export_id)
    call_off(house, case)

    def replace(session: CompanySession) -> Export:
        old = close_case(session, case)
        if _reversals_waiting(session, old.id):
            raise WrongState(
                say(
                    "The document of {reference} was reversed. Cancel this posting: nothing is posted for either then.",
                    reference=old.reference,
                )
            )
        old.state, old.doubt, old.is_replaced = ExportState.CANCELLED, Doubt.NONE, True
        old.problem = f"Replaced by a posting with other accounts, by {act.by}."
        session.flush()
        new = requeue(session, act, old, on=case.entry.date)
        if new is None:
            raise NotConnected
        if new.state == ExportState.HELD:
            _release(session, new)
        return new

    return house.write(company_id, replace)


def _release(session: CompanySession, export: Export) -> None:
    """From held to pending; the bell is rung for it after the commit. Somebody waits for it, so it goes first."""
    export.state, export.problem, export.priority = ExportState.PENDING, "", BY_HAND
    export.not_before = database_now(session)
    session.queued_exports.append(export.id)


def _case_unless_untouched(house: House, company_id: int, export_id: int) -> Case | None:
    with house.reading(company_id) as session:
        if is_untouched(get_export(session, export_id)):
            return None
    return open_case(house, company_id, export_id)


def _refuse_other_than_stored(house: House, case: Case, theirs: str) -> None:
    """Raises NotTheSamePosting, or Conflict where it is another document's: that one is right, and is never voided."""
    stored = case.export.external_id
    if stored in (None, theirs):
        return
    refuse_anothers(house, case, theirs)
    raise NotTheSamePosting(
        say(
            "{reference} was created in the books as {stored}. Look for {stored} there and give that id. If "
            "{theirs} is a second posting of {reference}, void it there and try again.",
            reference=case.export.reference,
            stored=stored,
            theirs=theirs,
        )
    )


def _verify(house: House, case: Case, theirs: str) -> None:
    """Raises NotTheSamePosting, OutcomeUncertain, AlreadyInBooks, BackendError."""
    ours = asking(house, case.connection, lambda ctx: look_up(house, case, ctx))
    posted = ids_of(ours, JournalStatus.POSTED)
    extra = [external_id for external_id in posted if external_id != theirs]
    if extra:
        raise NotTheSamePosting(
            say(
                "The books hold {reference} as journal {extra}. Name that one, or void it there.",
                reference=case.export.reference,
                extra=", ".join(extra),
            )
        )
    if theirs in posted:
        if house.host.info(case.export.backend).capabilities.posting == Posting.DRAFT_THEN_POST:
            delete_drafts(house, case, ids_of(ours, JournalStatus.DRAFT))
        return
    refuse_anothers(house, case, theirs)
    found = asking(
        house,
        case.connection,
        lambda ctx: house.host.find_journal(case.export.backend, ctx, entry=case.entry, external_id=theirs),
    )
    named = next((each for each in found if each.external_id == theirs), None)
    if named is None or named.status != JournalStatus.POSTED:
        status = word("not there" if named is None else named.status.value)
        raise NotTheSamePosting(
            say(
                "Journal {theirs} is {status} in the books. Give the id of the posted one.",
                theirs=theirs,
                status=status,
            )
        )
    if not is_same_posting(named, case.entry):
        raise NotTheSamePosting(
            say(
                "Journal {theirs} has another date or other amounts than {reference}. Compare the two, and put "
                "the books right.",
                theirs=theirs,
                reference=case.export.reference,
            )
        )
    call_off(house, case)


def _noted(export: Export, *, now: dt.datetime, external_id: str, message: str) -> ExportAttempt:
    """The look-up that a decision rests on, beside the attempts of workers."""
    return ExportAttempt(
        export_id=export.id,
        epoch=export.lease_epoch,
        step="look_up",
        key="",
        sent_at=now,
        outcome="ok",
        message=message,
        external_id=external_id,
        ended_at=now,
    )


def _reversals_waiting(session: CompanySession, export_id: int) -> Sequence[Export]:
    """Postings of reversals that wait for this one. Raises WrongState where the books may hold one already.

    That is so only after an older copy of the database was put back, and until it was looked up.
    """
    waiting = session.scalars(
        sa.select(Export).where(Export.after_export_id == export_id, Export.state.not_in(AT_REST))
    ).all()
    for reversal in waiting:
        if reversal.state not in (ExportState.HELD, ExportState.PENDING):
            raise WrongState(
                say(
                    "{reference}, which reverses it, is {state}, and may be in the books. Wait until it is "
                    "looked up, or decide about that one first.",
                    reference=reversal.reference,
                    state=word(reversal.state),
                )
            )
    return waiting


def _let_go_of_reversals(session: CompanySession, original: Export) -> None:
    """What would take back a posting that is never made has nothing to post."""
    session.flush()
    for reversal in _reversals_waiting(session, original.id):
        reversal.state, reversal.problem = ExportState.SKIPPED, ORIGINAL_NOT_POSTED
        if reversal.id in session.queued_exports:
            session.queued_exports.remove(reversal.id)
