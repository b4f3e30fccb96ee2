"""Tallying: our side of reconciling. What each document moved in stock by a day, and what was posted for it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.amounts import add
from partsemble_core.domain.builds import BuildState
from partsemble_core.domain.exports import ExportState
from partsemble_core.domain.journals import STOCK_ROLES, AccountRole
from partsemble_core.domain.reconciliation import NOTHING, Document, DocumentKey, Posting
from partsemble_core.plugin_api.entries import entry_from_bytes
from partsemble_core.plugin_api.types import JournalLine
from partsemble_core.services.valuing import stock_at
from partsemble_core.store.adjustments import Reversal
from partsemble_core.store.builds import Build
from partsemble_core.store.companies import Company, get_company
from partsemble_core.store.connections import Connection, RemoteAccount, find_live, mapped_accounts
from partsemble_core.store.exports import Export
from partsemble_core.store.lots import DocumentKind, Lot, StockEntry
from partsemble_core.store.session import CompanySession
from partsemble_core.store.true_ups import TrueUp


@dataclass(frozen=True, slots=True, kw_only=True)
class StockAccount:
    """An account of the books that holds, or once held, the value of stock. ``stock`` is what belongs on it by lots."""

    external_id: str
    code: str
    name: str
    stock: Decimal
    posted: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Our side at the end of ``day``. Without a connection there are no accounts, and nothing is posted."""

    day: dt.date
    company: Company
    connection: Connection | None
    stock: Decimal
    accounts: tuple[StockAccount, ...]
    documents: tuple[Document, ...]

    @property
    def posted(self) -> Decimal:
        return add([account.posted for account in self.accounts])

    @property
    def account_ids(self) -> frozenset[str]:
        return frozenset(account.external_id for account in self.accounts)


def tally(session: CompanySession, day: dt.date) -> Tally:
    """Everything that our side knows of ``day``, in a constant number of statements."""
    connection = find_live(session)
    exports = session.scalars(sa.select(Export).where(sa.not_(Export.is_replaced)).order_by(Export.id)).all()
    here = connection.id if connection else 0
    mapped = mapped_accounts(session, connection.id) if connection else {}
    ids = {mapped[role].external_id for role in STOCK_ROLES if role in mapped}
    ids |= {found for export in exports if _may_hold(export, here) for found in export.stock_accounts}
    postings: defaultdict[DocumentKey, list[Posting]] = defaultdict(list)
    for export in exports:
        postings[_key_of(export)].append(_posting(export, here=here, ids=ids))
    documents = _documents(session, day, postings)
    counted = [posting for document in documents for posting in document.postings if posting.counts(day)]
    value, by_account = _stock_by_account(session, day, mapped)
    return Tally(
        day=day,
        company=get_company(session),
        connection=connection,
        stock=value,
        accounts=tuple(_accounts(session, here, ids, counted, by_account)),
        documents=documents,
    )


def _may_hold(export: Export, here: int) -> bool:
    """Whether its accounts hold some of it, or may yet: an account chosen by mistake holds nothing."""
    return export.connection_id == here and export.state not in (ExportState.SKIPPED, ExportState.CANCELLED)


def _key_of(export: Export) -> DocumentKey:
    """A loss is posted for its build, whose components it is about."""
    kind = DocumentKind.BUILD if export.document_kind == DocumentKind.WASTE else export.document_kind
    return kind, export.document_id


def _posting(export: Export, *, here: int, ids: set[str]) -> Posting:
    entry = entry_from_bytes(bytes(export.body))
    return Posting(
        export_id=export.id,
        state=ExportState(export.state),
        date=entry.date,
        token=export.token,
        external_id=export.external_id,
        is_here=export.connection_id == here,
        by_account=sums_on(entry.lines, ids),
        leaves_stock=any(line.account_id not in ids for line in entry.lines),
        is_nothing=not entry.lines and export.state == ExportState.SKIPPED,
        problem=export.problem,
    )


def sums_on(lines: tuple[JournalLine, ...], ids: set[str] | frozenset[str]) -> Mapping[str, Decimal]:
    """The amounts on some accounts."""
    found: defaultdict[str, list[Decimal]] = defaultdict(list)
    for line in lines:
        if line.account_id in ids:
            found[line.account_id].append(line.amount)
    return {account: add(amounts) for account, amounts in found.items()}


def _documents(
    session: CompanySession, day: dt.date, postings: Mapping[DocumentKey, list[Posting]]
) -> tuple[Document, ...]:
    """Every document that moved stock's value or was exported, in the order in which they came."""
    moves = _moves(session, day)
    reviews = set(session.scalars(sa.select(Build.id).where(Build.state == BuildState.PENDING_QA)))
    roots = {
        (str(DocumentKind.REVERSAL), row[0]): (row[1], row[2])
        for row in session.execute(sa.select(Reversal.id, Reversal.document_kind, Reversal.document_id))
    }
    true_ups = {("true_up", row.id): row for row in session.scalars(sa.select(TrueUp))}
    names = {key: row.reference for key, row in true_ups.items()}
    keys = dict.fromkeys([*moves, *postings])
    return tuple(
        Document(
            key=key,
            reference=moves[key][0] if key in moves else names.get(key, f"{key[0]} {key[1]}"),
            root=roots.get(key, key),
            moved=moves[key][1] if key in moves else NOTHING,
            moves=moves[key][2] if key in moves else NOTHING,
            postings=tuple(postings.get(key, ())),
            is_in_review=key[0] == DocumentKind.BUILD and key[1] in reviews,
            trued=true_ups[key].amount if key in true_ups else None,
        )
        for key in keys
    )


def _moves(session: CompanySession, day: dt.date) -> dict[DocumentKey, tuple[str, Decimal, Decimal]]:
    """Reference, value moved by ``day`` and value moved in all, of each document; what splits lots moves none."""
    by_day = sa.func.sum(StockEntry.cost).filter(StockEntry.effective_on <= day)
    rows = session.execute(
        sa.select(
            StockEntry.document_kind,
            StockEntry.document_id,
            sa.func.min(StockEntry.reference),
            by_day,
            sa.func.sum(StockEntry.cost),
        )
        .where(StockEntry.document_kind != DocumentKind.SPLIT)
        .group_by(StockEntry.document_kind, StockEntry.document_id)
        .order_by(sa.func.min(StockEntry.id))
    )
    return {(kind, i): (reference, moved or NOTHING, moves) for kind, i, reference, moved, moves in rows}


def _stock_by_account(
    session: CompanySession, day: dt.date, mapped: Mapping[AccountRole, RemoteAccount]
) -> tuple[Decimal, Mapping[str, Decimal]]:
    """Value of stock, and how much of it belongs on which account: lots made on build debit, others on receiving."""
    value = stock_at(session, day)
    origins = {row[0]: (row[1], row[2]) for row in session.execute(sa.select(Lot.id, Lot.build_id, Lot.split_from_id))}
    sums: defaultdict[str, list[Decimal]] = defaultdict(list)
    for lot in (lot for product in value.products for lot in product.lots):
        role = AccountRole.BUILD_DEBIT if _was_made(lot.lot_id, origins) else AccountRole.RECEIVING_DEBIT
        if role in mapped:
            sums[mapped[role].external_id].append(lot.cost)
    return value.total, {account: add(costs) for account, costs in sums.items()}


def _was_made(lot_id: int, origins: Mapping[int, tuple[int | None, int | None]]) -> bool:
    """Whether a build made the lot, or the one that it was split off."""
    build_id, split_from_id = origins[lot_id]
    while split_from_id is not None:
        build_id, split_from_id = origins[split_from_id]
    return build_id is not None


def _accounts(
    session: CompanySession,
    here: int,
    ids: set[str],
    counted: list[Posting],
    stock: Mapping[str, Decimal],
) -> list[StockAccount]:
    rows = session.execute(
        sa.select(RemoteAccount.external_id, RemoteAccount.code, RemoteAccount.name).where(
            RemoteAccount.connection_id == here, RemoteAccount.external_id.in_(ids)
        )
    )
    names = {external_id: (code, name) for external_id, code, name in rows}
    return [
        StockAccount(
            external_id=external_id,
            code=names.get(external_id, ("", ""))[0],
            name=names.get(external_id, ("", "unknown account"))[1],
            stock=stock.get(external_id, NOTHING),
            posted=add([posting.by_account.get(external_id, NOTHING) for posting in counted]),
        )
        for external_id in sorted(ids, key=lambda each: (names.get(each, ("", ""))[0], each))
    ]
