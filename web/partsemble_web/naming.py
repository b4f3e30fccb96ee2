"""Where documents have their pages, and what the filters that a link set are called."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _

from partsemble_core.store.lots import DocumentKind, get_lot
from partsemble_core.store.products import get_product
from partsemble_core.store.receipts import get_receipt
from partsemble_core.store.session import CompanySession


def product_name(session: CompanySession, text: str) -> str:
    """Its SKU. Raises NotFound; the list itself has refused what isn't a number."""
    return get_product(session, int(text)).sku


def lot_name(session: CompanySession, text: str) -> str:
    """Its number. Raises NotFound."""
    return get_lot(session, int(text)).number


def receipt_name(session: CompanySession, text: str) -> str:
    """Its reference. Raises NotFound."""
    return get_receipt(session, int(text)).reference or str(_("draft receipt"))


def document_link(kind: object, document_id: object) -> str | None:
    """The page of a document; None for a kind that has none yet."""
    if kind == DocumentKind.RECEIPT:
        return url_for("receipts.show_receipt", receipt_id=document_id)
    if kind == DocumentKind.BUILD:
        return url_for("builds.show_build", build_id=document_id)
    if kind == DocumentKind.ADJUSTMENT:
        return url_for("adjustments.show_adjustment", adjustment_id=document_id)
    if kind == DocumentKind.TRUE_UP:
        return url_for("reconciling.show")
    return None
