"""Requeueing: a document's posting made anew, by the accounts of today, where the old one surely never got out."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from partsemble_core.errors import WrongState, say
from partsemble_core.services.acting import Act
from partsemble_core.services.exporting import queue_adjustment, queue_build, queue_receipt, queue_waste
from partsemble_core.services.reviewing import costing_of
from partsemble_core.store import receipts
from partsemble_core.store.adjustments import get_adjustment
from partsemble_core.store.builds import get_build
from partsemble_core.store.exports import Export
from partsemble_core.store.lots import DocumentKind
from partsemble_core.store.products import get_product, products_by_id
from partsemble_core.store.receipts import Supplier, get_receipt
from partsemble_core.store.session import CompanySession


def requeue(session: CompanySession, act: Act, old: Export, *, on: dt.date) -> Export | None:
    """Queues the same document once more, dated ``on``; None when no books are connected.

    Raises AccountNotSet, and WrongState for a reversal: its accounts are those of what it takes back.
    """
    if old.document_kind == DocumentKind.RECEIPT:
        return _receipt(session, act, old.document_id)
    if old.document_kind == DocumentKind.BUILD:
        return _build(session, act, old.document_id, on=on)
    if old.document_kind == DocumentKind.WASTE:
        build = get_build(session, old.document_id)
        product = get_product(session, build.product_id)
        return queue_waste(session, act, build, cost=build.waste_cost, product=product, posted_on=on)
    if old.document_kind == DocumentKind.ADJUSTMENT:
        adjustment = get_adjustment(session, old.document_id)
        return queue_adjustment(session, act, adjustment, product=get_product(session, adjustment.product_id))
    if old.document_kind == DocumentKind.TRUE_UP:
        raise WrongState(
            say("{reference} is a true-up. Leave it out of the books, then make a new one.", reference=old.reference)
        )
    raise WrongState(
        say(
            "{reference} takes back what was posted, on the same accounts. Let the books take those accounts "
            "again, then try again.",
            reference=old.reference,
        )
    )


def _receipt(session: CompanySession, act: Act, receipt_id: int) -> Export | None:
    receipt = get_receipt(session, receipt_id)
    lines = receipts.lines_of(session, receipt.id)
    return queue_receipt(
        session,
        act,
        receipt,
        supplier=session.scalars(sa.select(Supplier).where(Supplier.id == receipt.supplier_id)).one(),
        lines=lines,
        products=products_by_id(session, {line.product_id for line in lines}),
    )


def _build(session: CompanySession, act: Act, build_id: int, *, on: dt.date) -> Export | None:
    build = get_build(session, build_id)
    costing = costing_of(session, build)
    products = products_by_id(session, {build.product_id, *(need.product_id for need in costing.needs)})
    return queue_build(
        session,
        act,
        build,
        product=products[build.product_id],
        costing=costing,
        components=products,
        posted_on=on,
    )
