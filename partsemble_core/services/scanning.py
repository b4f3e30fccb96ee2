"""Scanning: what a barcode or QR code says, and the one thing that it means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import sqlalchemy as sa

from partsemble_core.domain.lots import LotState
from partsemble_core.domain.products import clean_text, sku_key
from partsemble_core.services.searching import Hit, only_exact
from partsemble_core.store.adjustments import Adjustment, StockCount
from partsemble_core.store.builds import Build
from partsemble_core.store.exports import Export
from partsemble_core.store.lots import Lot
from partsemble_core.store.products import Product
from partsemble_core.store.receipts import Receipt, Supplier, SupplierPart
from partsemble_core.store.session import CompanySession

CODE_LENGTH = 2_000
MOST = 50
"""Hits of one kind. More than one is rare: a lot number is a product's own."""
PATH = "/scan"
SYMBOLOGY = re.compile(r"^\][A-Za-z][0-9A-Za-z]")
"""What some scanners type before the text to say which kind of code it was, such as ``]C0``."""
REVERSED = LotState.REVERSED.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What was read. ``sku`` says whose lot it is, where a label said so; else it is empty."""

    text: str
    sku: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A code and all that goes by it."""

    code: Code
    hits: tuple[Hit, ...]

    @property
    def only(self) -> Hit | None:
        """The one thing that was meant. None where there is none or a person has to choose.

        A build and the lot that it made bear one number: that is the build, whose page shows its lot. A label says
        whose lot it is, so it means the lot.
        """
        return only_exact(self.hits)


def lot_address(base_url: str, *, number: str, sku: str) -> str:
    """What the QR code of a lot's label holds: a phone's camera opens it, a scanner types it."""
    return f"{base_url}{PATH}?{urlencode({'code': number, 'sku': sku})}"


def read_code(text: object, *, sku: str = "") -> Code:
    """The code as it was scanned or typed: a name of something, or the address on a label.

    Raises Invalid for what can't be a code.
    """
    found = SYMBOLOGY.sub("", clean_text(text, field="code", length=CODE_LENGTH, required=False))
    asked = clean_text(sku, field="sku", length=CODE_LENGTH, required=False)
    if "://" not in found:
        return Code(text=found, sku=asked)
    try:
        address = urlsplit(found)
        query = parse_qs(address.query, max_num_fields=20)
    except ValueError:  # no address, or one with so many fields that it is none of ours
        return Code(text=found, sku=asked)
    if not address.path.endswith(PATH) or "code" not in query:
        return Code(text=found, sku=asked)
    said = {key: clean_text(query.get(key, [""])[0], field=key, length=CODE_LENGTH, required=False) for key in query}
    return Code(text=said["code"], sku=said.get("sku", ""))


def scan(session: CompanySession, code: Code) -> Scan:
    """What the code is the very name of: lots, products, documents, and where there is none of these, a supplier's
    number of a product or an export.

    A lot that was reversed counts only where no other has its number.
    """
    if not code.text:
        return Scan(code=code, hits=())
    lots = _lots(session, code)
    if code.sku and lots:
        return Scan(code=code, hits=tuple(lots))
    found = [*_products(session, code.text), *lots, *_documents(session, code.text)]
    found = found or [*_their_parts(session, code.text), *_exports(session, code.text)]
    return Scan(code=code, hits=tuple(found))


def _lots(session: CompanySession, code: Code) -> list[Hit]:
    of_product = sa.and_(Product.id == Lot.product_id, Product.company_id == Lot.company_id)
    rows = session.execute(
        sa.select(Lot.id, Lot.number.label("title"), Product.sku.label("subtitle"), Product.sku_key, Lot.state)
        .join(Product, of_product)
        .where(Lot.number_key == code.text.upper())
        .order_by(Product.sku_key, Lot.id)
        .limit(MOST)
    ).all()
    rows = [row for row in rows if row.state != REVERSED] or rows
    own = [row for row in rows if row.sku_key == sku_key(code.sku)] if code.sku else []
    return _hits("lot", own or rows)


def _products(session: CompanySession, text: str) -> list[Hit]:
    statement = sa.select(Product.id, Product.sku.label("title"), Product.name.label("subtitle"))
    return _hits("product", session.execute(statement.where(Product.sku_key == sku_key(text))).all())


def _documents(session: CompanySession, text: str) -> list[Hit]:
    """Documents have numbers in capitals; they may be typed small."""
    kinds: tuple[tuple[str, Any], ...] = (
        ("build", Build),
        ("receipt", Receipt),
        ("adjustment", Adjustment),
        ("count", StockCount),
    )
    return [
        hit
        for kind, table in kinds
        for hit in _hits(
            kind,
            session.execute(
                sa.select(table.id, table.reference.label("title"), sa.literal("").label("subtitle"))
                .where(table.reference == text.upper())
                .limit(MOST)
            ).all(),
        )
    ]


def _their_parts(session: CompanySession, text: str) -> list[Hit]:
    rows = session.execute(
        sa.select(Product.id, Product.sku.label("title"), Supplier.name.label("subtitle"))
        .select_from(SupplierPart)
        .join(Product, sa.and_(Product.id == SupplierPart.product_id, Product.company_id == SupplierPart.company_id))
        .join(Supplier, sa.and_(Supplier.id == SupplierPart.supplier_id, Supplier.company_id == Product.company_id))
        .where(sa.func.lower(SupplierPart.part_number) == text.lower())
        .order_by(Product.sku_key)
        .limit(MOST)
    ).all()
    return _hits("product", list({row.id: row for row in rows}.values()))


def _exports(session: CompanySession, text: str) -> list[Hit]:
    names = sa.or_(Export.token == text, Export.external_id == text, Export.reference == text.upper())
    statement = sa.select(Export.id, Export.reference.label("title"), Export.token.label("subtitle"))
    return _hits("export", session.execute(statement.where(names).order_by(Export.id).limit(MOST)).all())


def _hits(kind: str, rows: Sequence[Any]) -> list[Hit]:
    return [Hit(kind=kind, id=row.id, title=row.title, subtitle=row.subtitle, is_exact=True) for row in rows]
