"""Searching: one word typed or scanned finds products, lots, documents and suppliers, the exact one first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from partsemble_core.domain.products import clean_text
from partsemble_core.services.listing.asking import SEARCH_LENGTH, search_words
from partsemble_core.services.listing.paging import holds
from partsemble_core.store.adjustments import Adjustment, StockCount
from partsemble_core.store.builds import Build
from partsemble_core.store.exports import Export
from partsemble_core.store.lots import Lot
from partsemble_core.store.products import Product
from partsemble_core.store.receipts import Receipt, Supplier
from partsemble_core.store.session import CompanySession

EACH = 6
"""How many hits of one kind are shown: who wants more opens that list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One thing found. ``kind`` and ``id`` say where it is; ``is_exact``: the text is its very name."""

    kind: str
    id: int
    title: str
    subtitle: str
    is_exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Where things of a kind are looked for: ``title`` is what identifies one, ``also`` other texts that may match."""

    name: str
    row_id: Any
    title: Any
    subtitle: Any
    also: tuple[Any, ...] = ()
    join: Callable[[sa.Select[Any]], sa.Select[Any]] = lambda statement: statement


def _of_product(key: Any, company: Any) -> Callable[[sa.Select[Any]], sa.Select[Any]]:
    return lambda statement: statement.join(Product, sa.and_(Product.id == key, Product.company_id == company))


KINDS = (
    Kind(name="product", row_id=Product.id, title=Product.sku, subtitle=Product.name, also=(Product.name,)),
    Kind(
        name="lot",
        row_id=Lot.id,
        title=Lot.number,
        subtitle=Product.sku,
        join=_of_product(Lot.product_id, Lot.company_id),
    ),
    Kind(
        name="build",
        row_id=Build.id,
        title=Build.reference,
        subtitle=Product.sku,
        join=_of_product(Build.product_id, Build.company_id),
    ),
    Kind(
        name="receipt",
        row_id=Receipt.id,
        title=Receipt.reference,
        subtitle=Supplier.name,
        join=lambda statement: statement.join(
            Supplier, sa.and_(Supplier.id == Receipt.supplier_id, Supplier.company_id == Receipt.company_id)
        ),
    ),
    Kind(
        name="adjustment",
        row_id=Adjustment.id,
        title=Adjustment.reference,
        subtitle=Product.sku,
        join=_of_product(Adjustment.product_id, Adjustment.company_id),
    ),
    Kind(name="count", row_id=StockCount.id, title=StockCount.reference, subtitle=StockCount.notes),
    Kind(name="supplier", row_id=Supplier.id, title=Supplier.code, subtitle=Supplier.name, also=(Supplier.name,)),
    Kind(
        name="export",
        row_id=Export.id,
        title=Export.token,
        subtitle=Export.reference,
        also=(Export.external_id,),
    ),
)


def search(session: CompanySession, text: str) -> list[Hit]:
    """What holds every word of ``text``, up to six of a kind: exact hits first, then those that begin with it.

    Nothing for an empty text. One statement a kind. Raises Invalid for a text that can't be searched for.
    """
    wanted = clean_text(text, field="search", length=SEARCH_LENGTH, required=False)
    if not wanted:
        return []
    ranked = [hit for kind in KINDS for hit in _hits(session, kind, wanted)]
    return [hit for _, hit in sorted(ranked, key=lambda each: each[0])]


def only_exact(hits: Sequence[Hit]) -> Hit | None:
    """The one thing of that very name, as a scanner types it; None where there is none, or more than one.

    A build and the lot that it made bear one number: that is the build, whose page shows its lot.
    """
    exact = [hit for hit in hits if hit.is_exact]
    builds = [hit for hit in exact if hit.kind == "build"]
    others = [hit for hit in exact if hit.kind not in ("build", "lot")]
    if len(builds) == 1 and not others:
        return builds[0]
    return exact[0] if len(exact) == 1 else None


def _hits(session: CompanySession, kind: Kind, wanted: str) -> list[tuple[int, Hit]]:
    title = _without_case(session, kind.title, wanted)
    rank = sa.case(
        (title == wanted.lower(), 0),
        (title.startswith(wanted.lower(), autoescape=True), 1),
        else_=2,
    ).label("rank")
    texts = (kind.title, *kind.also)
    matches = (holds(session, each) for each in search_words(wanted))
    conditions = [sa.or_(*(match(column) for column in texts)) for match in matches]
    statement = sa.select(kind.row_id.label("id"), kind.title.label("title"), kind.subtitle.label("subtitle"), rank)
    found = session.execute(kind.join(statement).where(*conditions).order_by(rank, title, kind.row_id).limit(EACH))
    return [
        (
            row.rank,
            Hit(
                kind=kind.name,
                id=row.id,
                title=row.title or "(draft)",
                subtitle=row.subtitle or "",
                is_exact=row.rank == 0,
            ),
        )
        for row in found
    ]


def _without_case(session: CompanySession, title: Any, wanted: str) -> Any:
    """The title in small letters; where A to Z are enough, SQLite compares in any case by itself, many times faster."""
    if wanted.isascii() and session.get_bind().dialect.name == "sqlite":
        return title.collate("NOCASE")
    return sa.func.lower(title)
