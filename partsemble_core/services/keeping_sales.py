"""Keeping sales: documents of the books as they were last, and where the reading of them goes on.

They are a record: nothing here moves stock, and nothing is ever deleted. What comes twice, late or in another order
changes nothing, for the newest version by their own clock is the one that stays.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.amounts import add, to_millionths
from partsemble_core.domain.products import sku_key
from partsemble_core.plugin_api.types import Page, SalesDocument, SalesLine
from partsemble_core.services.keeping import Fields, Kept, plain
from partsemble_core.store.remote_sales import RemoteSale, RemoteSaleLine, SyncCursor
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import SyncKind

LARGEST = Decimal(10) ** 12
TINIEST_EXPONENT = -30
NOT_KEPT = "Its amounts are too large, or have more than six decimals, to be kept here. Look at it in your books."
LINE_KEY = ("position", "external_id", "item_id", "item_code", "code_key", "description", "quantity", "net")


def keep_sales(
    session: CompanySession, connection_id: int, documents: Iterable[SalesDocument], now: dt.datetime
) -> Kept:
    """Writes documents by their external id. One that is older than what is kept is left out."""
    found = _newest(documents)
    known = _known(session, connection_id, list(found))
    lines = _lines_of(session, [sale.id for sale in known.values()])
    fresh: list[tuple[Fields, list[Fields]]] = []
    changed: list[tuple[RemoteSale, list[Fields]]] = []
    for external_id, document in found.items():
        fields, wanted = _fields(document)
        sale = known.get(external_id)
        if sale is None:
            fresh.append(({**fields, "connection_id": connection_id, "external_id": external_id}, wanted))
        elif not _is_older(document.updated_at, sale.updated_at):
            if _differs(sale, fields) or lines[sale.id] != wanted:
                changed.append((sale, wanted))
            for name, value in {**fields, "synced_at": now}.items():
                setattr(sale, name, value)
    ids = session.insert_all(RemoteSale, [{**fields, "synced_at": now} for fields, _ in fresh])
    _replace_lines(session, [sale.id for sale, _ in changed])
    wanted_lines = [*zip(ids, (each for _, each in fresh), strict=True), *((sale.id, each) for sale, each in changed)]
    session.insert_all(
        RemoteSaleLine, [{**line, "sale_id": sale_id} for sale_id, each in wanted_lines for line in each]
    )
    return Kept(added=len(fresh), changed=len(changed))


def keep_sales_page(session: CompanySession, connection_id: int, page: Page[SalesDocument], now: dt.datetime) -> Kept:
    """A page and the cursor after it, in one transaction: a crash loses both or neither."""
    kept = keep_sales(session, connection_id, page.records, now)
    if page.next_cursor is not None:
        row = {"connection_id": connection_id, "kind": SyncKind.SALES, "cursor": page.next_cursor, "saved_at": now}
        session.insert_missing(SyncCursor, row, key=("company_id", "connection_id", "kind"))
        session.execute(sa.update(SyncCursor).where(*_of(connection_id)).values(cursor=page.next_cursor, saved_at=now))
    return kept


def cursor_of(session: CompanySession, connection_id: int) -> str | None:
    """Where the last sync of sales came to; None for the first."""
    return session.scalar(sa.select(SyncCursor.cursor).where(*_of(connection_id)))


def ids_of(page: Page[SalesDocument]) -> set[str]:
    """Which documents are on a page: the overlap of two pages is counted once."""
    return {plain(each.external_id) for each in page.records}


def _of(connection_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return SyncCursor.connection_id == connection_id, SyncCursor.kind == SyncKind.SALES


def _newest(documents: Iterable[SalesDocument]) -> dict[str, SalesDocument]:
    """One of each; of several versions on a page the newest, or the last told."""
    found: dict[str, SalesDocument] = {}
    for document in documents:
        external_id = plain(document.external_id)
        other = found.get(external_id)
        if external_id and not (other and _is_older(document.updated_at, other.updated_at)):
            found[external_id] = document
    return found


def _known(session: CompanySession, connection_id: int, ids: Sequence[str]) -> dict[str, RemoteSale]:
    rows = session.scalars(
        sa.select(RemoteSale).where(RemoteSale.connection_id == connection_id, RemoteSale.external_id.in_(ids))
    )
    return {row.external_id: row for row in rows}


def _lines_of(session: CompanySession, sale_ids: Sequence[int]) -> defaultdict[int, list[Fields]]:
    rows = session.scalars(
        sa.select(RemoteSaleLine).where(RemoteSaleLine.sale_id.in_(sale_ids)).order_by(RemoteSaleLine.position)
    )
    found: defaultdict[int, list[Fields]] = defaultdict(list)
    for row in rows:
        found[row.sale_id].append({name: getattr(row, name) for name in LINE_KEY})
    return found


def _replace_lines(session: CompanySession, sale_ids: Sequence[int]) -> None:
    session.flush()
    session.execute(sa.delete(RemoteSaleLine).where(RemoteSaleLine.sale_id.in_(sale_ids)))


def _fields(document: SalesDocument) -> tuple[Fields, list[Fields]]:
    """A document's columns, and those of its lines: none where its amounts can't be kept."""
    lines = [_line_fields(position, line) for position, line in enumerate(document.lines, start=1)]
    amounts = [line.net_amount for line in document.lines]
    fit = all(_fits(each) for line in document.lines for each in (line.quantity, line.net_amount))
    is_kept = fit and _fits(add(amounts))
    fields: Fields = {
        "kind": document.kind.value,
        "status": document.status.value,
        "number": plain(document.number),
        "date": document.date,
        "contact_id": plain(document.contact_id or ""),
        "contact_name": plain(document.contact_name),
        "currency": plain(document.currency),
        "rate": _digits(document.rate),
        "net": add(amounts) if is_kept else Decimal(0),
        "problem": "" if is_kept else NOT_KEPT,
        "updated_at": document.updated_at,
    }
    return fields, lines if is_kept else []


def _line_fields(position: int, line: SalesLine) -> Fields:
    code = plain(line.item_code or "")
    return {
        "position": position,
        "external_id": plain(line.line_id),
        "item_id": plain(line.item_id or ""),
        "item_code": code,
        "code_key": sku_key(code),
        "description": plain(line.description),
        "quantity": line.quantity,
        "net": line.net_amount,
    }


def _fits(value: Decimal) -> bool:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < TINIEST_EXPONENT or not -LARGEST < value < LARGEST:
        return False
    try:
        to_millionths(value)
    except ValueError:
        return False
    return True


def _digits(rate: Decimal) -> str:
    """The rate as it was told; empty for what is none."""
    exponent = rate.as_tuple().exponent
    is_rate = isinstance(exponent, int) and abs(exponent) <= -TINIEST_EXPONENT and rate > 0
    return f"{rate:f}" if is_rate else ""


def _differs(sale: RemoteSale, fields: Fields) -> bool:
    return any(getattr(sale, name) != value for name, value in fields.items() if name != "updated_at")


def _is_older(moment: dt.datetime | None, than: dt.datetime | None) -> bool:
    return moment is not None and than is not None and moment < than
