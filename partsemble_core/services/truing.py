"""Truing up: rounding that postings left on the accounts of stock goes to the account for rounding, in one journal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import sqlalchemy as sa

from partsemble_core.domain.amounts import from_minor, to_minor
from partsemble_core.domain.exports import ExportState
from partsemble_core.domain.journals import AccountRole, Journal, Line
from partsemble_core.domain.products import clean_text
from partsemble_core.domain.reconciliation import explain_ours, rounding_in
from partsemble_core.errors import Conflict, Invalid, InvariantBroken, Wording, WrongState, say, word
from partsemble_core.plugin_api.entries import entry_from_bytes
from partsemble_core.services.acting import Act, parse_day
from partsemble_core.services.closing import check_day_is_open
from partsemble_core.services.exporting import ROLE_LABELS, AccountNotSet, queue_journal
from partsemble_core.services.syncing import get_live_connection
from partsemble_core.services.tallying import Tally, tally
from partsemble_core.store.companies import get_company, next_number
from partsemble_core.store.connections import Connection, RemoteAccount, get_connection, mapped_accounts
from partsemble_core.store.exports import Export, find_for_document
from partsemble_core.store.lots import DocumentKind
from partsemble_core.store.session import CompanySession
from partsemble_core.store.true_ups import TrueUp, get_true_up

REASON = 500
OVER = (ExportState.POSTED, ExportState.SKIPPED, ExportState.CANCELLED)
"""States in which a true-up's posting has come to its end."""
ON_ITS_WAY = "is on its way to the books. Wait until it is posted, then try again."
WHY_NOT_OVER = {
    ExportState.HELD: "waits for somebody to post it. Post it or leave it out under Exports, then try again.",
    ExportState.REVIEW: "wasn't taken by the books. Decide about it under Exports, then try again.",
    ExportState.UNKNOWN: "is being checked in the books. Wait until that is done, then try again.",
}


class NothingToTrueUp(Conflict):
    """The rounding comes to less than the currency's smallest amount."""

    code = "nothing-to-true-up"


def true_up(session: CompanySession, act: Act, *, on: object = None) -> TrueUp:
    """Queues the journal that takes the rounding of all that was posted through ``on`` (today) off the stock account.

    What is left is less than the smallest amount of the currency. Raises NothingToTrueUp, AccountNotSet(ROUNDING),
    NotConnected, Conflict while another true-up of these books isn't over, PeriodLocked, Invalid.
    """
    day = parse_day(on, field="on", today=act.today)
    number = next_number(session, "true-up")  # holds back others that want the same
    check_day_is_open(session, day, field="on")
    connection = get_live_connection(session)
    accounts = _accounts(session, connection)
    side = tally(session, day)
    _check_rounding_is_apart(accounts[AccountRole.ROUNDING], side)
    _check_others(session, connection, day)
    minor = -_rounding_in(side)
    if not minor:
        raise NothingToTrueUp("The rounding comes to less than the smallest amount of the currency. Nothing to do.")
    return _book(session, act, connection, accounts, number=number, day=day, minor=minor)


def take_back(session: CompanySession, act: Act, true_up_id: int, *, reason: object, on: object = None) -> TrueUp:
    """Queues the opposite of a true-up that is posted, on the same accounts, as a true-up of its own.

    Raises Conflict when it is taken back already, WrongState when it isn't posted, PeriodLocked, Invalid, NotFound.
    """
    original = get_true_up(session, true_up_id)
    why = clean_text(reason, field="reason", length=REASON)
    day = parse_day(on, field="on", today=act.today)
    number = next_number(session, "true-up")
    check_day_is_open(session, day, field="on")
    _check_can_be_taken_back(session, original, day)
    export = export_of(session, original)
    accounts = _accounts_of(session, export)
    connection = get_live_connection(session)
    if export.state != ExportState.POSTED or connection.id != export.connection_id:
        raise WrongState(_why_not_taken_back(session, original, export, connection))
    minor = -to_minor(original.amount, decimals=get_company(session).decimals)
    return _book(session, act, connection, accounts, number=number, day=day, minor=minor, original=original, reason=why)


def list_true_ups(session: CompanySession) -> list[tuple[TrueUp, Export]]:
    """Newest first, each with its posting."""
    return [(found, export) for found, export in session.execute(_newest_first())]


def latest_true_ups(session: CompanySession, *, limit: int) -> list[tuple[TrueUp, Export]]:
    """The first few of these."""
    return [(found, export) for found, export in session.execute(_newest_first().limit(limit))]


def taken_back_by(session: CompanySession, found: TrueUp) -> TrueUp | None:
    """The true-up that takes this one back, if there is one."""
    return session.scalar(sa.select(TrueUp).where(TrueUp.reverses_id == found.id))


def _newest_first() -> sa.Select[TrueUp, Export]:
    its_export = sa.and_(
        Export.company_id == TrueUp.company_id,
        Export.document_kind == DocumentKind.TRUE_UP,
        Export.document_id == TrueUp.id,
    )
    return sa.select(TrueUp, Export).join(Export, its_export).order_by(TrueUp.id.desc())


def _accounts(session: CompanySession, connection: Connection) -> dict[AccountRole, RemoteAccount]:
    mapped = mapped_accounts(session, connection.id)
    for role in (AccountRole.RECEIVING_DEBIT, AccountRole.ROUNDING):
        if role not in mapped:
            raise AccountNotSet(role)
    return {role: mapped[role] for role in (AccountRole.RECEIVING_DEBIT, AccountRole.ROUNDING)}


def _accounts_of(session: CompanySession, export: Export) -> dict[AccountRole, RemoteAccount]:
    """The two accounts that a true-up was posted to, whatever has been chosen since."""
    lines = entry_from_bytes(bytes(export.body)).lines
    rows = session.scalars(
        sa.select(RemoteAccount).where(
            RemoteAccount.connection_id == export.connection_id,
            RemoteAccount.external_id.in_([line.account_id for line in lines]),
        )
    )
    known = {account.external_id: account for account in rows}
    roles = (AccountRole.RECEIVING_DEBIT, AccountRole.ROUNDING)
    return {role: known[line.account_id] for role, line in zip(roles, lines, strict=True)}


def _check_rounding_is_apart(rounding: RemoteAccount, side: Tally) -> None:
    """From one account of stock to another it would stay in stock, and be found there again."""
    if rounding.external_id in side.account_ids:
        raise Conflict(
            say(
                "{code} {name} holds stock, so rounding can't leave stock by it. Choose another account for "
                "{role} in Integrations → Export accounts.",
                code=rounding.code,
                name=rounding.name,
                role=word(ROLE_LABELS[AccountRole.ROUNDING]),
            )
        )


def _check_others(session: CompanySession, connection: Connection, day: dt.date) -> None:
    """One at a time in the same books, in the order of their days: else the same rounding would be moved twice."""
    for other, export in list_true_ups(session):
        if export.connection_id != connection.id:
            continue  # it is about rounding that lies in other books
        if export.state not in OVER:
            raise Conflict(
                say(
                    "{reference} {why}",
                    reference=other.reference,
                    why=word(WHY_NOT_OVER.get(ExportState(export.state), ON_ITS_WAY)),
                )
            )
        if export.state == ExportState.POSTED and other.trued_up_on > day:
            raise Invalid(
                "on",
                say(
                    "{reference} is of {trued_up_on}. Choose that day or a later one.",
                    reference=other.reference,
                    trued_up_on=other.trued_up_on,
                ),
            )


def _why_not_taken_back(session: CompanySession, original: TrueUp, export: Export, connection: Connection) -> Wording:
    if export.connection_id != connection.id:
        books = get_connection(session, export.connection_id).organisation_name
        return say(
            "{reference} belongs to {books}, which isn't connected now. Connect it again first.",
            reference=original.reference,
            books=books,
        )
    if export.state in OVER:
        return say("{reference} was never posted. Nothing is there to undo.", reference=original.reference)
    return say("{reference} isn't posted. Leave it out under Exports instead.", reference=original.reference)


def _rounding_in(side: Tally) -> int:
    """In minor units: what rounding put on the accounts of stock."""
    decimals = side.company.decimals
    lines = explain_ours(side.documents, side.day, least=from_minor(1, decimals=decimals))
    return to_minor(rounding_in(lines), decimals=decimals)


def _check_can_be_taken_back(session: CompanySession, original: TrueUp, day: dt.date) -> None:
    if original.reverses_id is not None:
        raise Conflict(
            say("{reference} takes back another one. Make a new true-up instead.", reference=original.reference)
        )
    done = taken_back_by(session, original)
    if done is not None:
        raise Conflict(
            say(
                "{original_reference} is taken back by {done_reference} already. Nothing is left to undo.",
                original_reference=original.reference,
                done_reference=done.reference,
            )
        )
    if day < original.trued_up_on:
        raise Invalid(
            "on",
            say(
                "{reference} is of {trued_up_on}. Choose that day or a later one.",
                reference=original.reference,
                trued_up_on=original.trued_up_on,
            ),
        )


def export_of(session: CompanySession, found: TrueUp) -> Export:
    """Its posting."""
    export = find_for_document(session, DocumentKind.TRUE_UP, found.id)
    if export is None:
        raise InvariantBroken(say("{reference} was never queued", reference=found.reference))
    return export


def _book(
    session: CompanySession,
    act: Act,
    connection: Connection,
    accounts: Mapping[AccountRole, RemoteAccount],
    *,
    number: int,
    day: dt.date,
    minor: int,
    original: TrueUp | None = None,
    reason: str = "",
) -> TrueUp:
    """The document and its place in the outbox. ``minor`` is what the stock account is debited."""
    decimals = get_company(session).decimals
    amount = from_minor(minor, decimals=decimals)
    made = TrueUp(
        number=number,
        reference=f"PSB-TRU-{number:04d}",
        amount=amount,
        trued_up_on=day,
        reverses_id=original.id if original else None,
        reason=reason,
        created_at=act.at,
        created_by=act.by,
    )
    session.add(made)
    session.flush()
    words = f"takes back {original.reference}" if original else f"rounding of postings through {day}"
    journal = Journal(
        reference=made.reference,
        date=day,
        narration=f"{made.reference} {words}",
        decimals=decimals,
        lines=(
            Line(account=accounts[AccountRole.RECEIVING_DEBIT].external_id, minor=minor, description=words),
            Line(account=accounts[AccountRole.ROUNDING].external_id, minor=-minor, description=words),
        ),
        exact=from_minor(0, decimals=decimals),
        posted=amount,
    )
    queue_journal(session, act, connection, accounts, journal, kind=DocumentKind.TRUE_UP, document_id=made.id)
    return made
