"""The account: every lot drawn, every journal line as the books hold it, and the proof that both agree."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from partsemble_core.demo.stage import DemoFailed, Stage
from partsemble_core.demo.story import EMAIL, Made
from partsemble_core.domain.amounts import add, format_amount, format_quantity, format_unit_cost, unit_cost
from partsemble_core.domain.reconciliation import Verdict
from partsemble_core.errors import say
from partsemble_core.plugin_api.http import Http
from partsemble_core.services.reconciling import (
    DocumentProof,
    prove_documents,
    reconcile,
    stock_accounts,
    stock_value,
)
from partsemble_core.store.builds import Build, cost_lines_of
from partsemble_core.store.lots import DocumentKind, DrawRow, Lot
from partsemble_core.store.products import Product
from partsemble_core.store.receipts import Receipt, ReceiptLine, Supplier
from partsemble_core.store.session import CompanySession


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the proof."""

    says: str
    holds: bool


def print_account(stage: Stage, made: Made) -> bool:
    """Prints everything; True if every check of the proof holds."""
    books = _read_books(stage, made.organisation_id)
    with stage.house.reading(made.company_id) as session:
        _print_receipts(session)
        _print_builds(session)
        proofs = prove_documents(session)
        checks = _documents(proofs, books) + _stock(session, made, books)
    checks.append(_reconciled(stage, made))
    _print_journals(proofs, books)
    print("\nProof")
    for check in checks:
        print(f"  {'✓' if check.holds else '✗'} {check.says}")
    return all(check.holds for check in checks)


def _read_books(stage: Stage, organisation_id: str) -> dict[str, Any]:
    with Http() as http:
        answer = http.request("GET", f"{stage.sandbox_url}/sandbox/books/{organisation_id}.json")
    if answer.status != 200:
        raise DemoFailed(say("The sandbox's books can't be read (status {status}).", status=answer.status))
    books: dict[str, Any] = json.loads(answer.body)
    return books


def _print_receipts(session: CompanySession) -> None:
    print("\nReceived")
    rows = session.execute(
        sa.select(Receipt, Supplier.name, ReceiptLine, Product.sku, Lot.number)
        .join(Supplier, Supplier.id == Receipt.supplier_id)
        .join(ReceiptLine, ReceiptLine.receipt_id == Receipt.id)
        .join(Product, Product.id == ReceiptLine.product_id)
        .join(Lot, Lot.receipt_line_id == ReceiptLine.id)
        .order_by(Receipt.id, ReceiptLine.position)
    )
    for receipt, supplier, line, sku, lot in rows:
        each = format_unit_cost(unit_cost(line.cost, line.quantity), decimals=2)
        print(
            f"  {receipt.reference}  {receipt.received_on}  {supplier:<18} {format_quantity(line.quantity):>6} "
            f"{sku:<10} @ {each:<8} = {_money(line.cost):>9}   lot {lot}"
        )


def _print_builds(session: CompanySession) -> None:
    for build, sku in session.execute(
        sa.select(Build, Product.sku).join(Product, Product.id == Build.product_id).order_by(Build.id)
    ):
        total = add([build.components_cost, build.added_cost])
        print(f"\nBuilt     {build.reference}  {build.built_on}  {format_quantity(build.quantity)} × {sku}")
        for lot, product, draw in session.execute(
            sa.select(Lot.number, Product.sku, DrawRow)
            .join(Lot, Lot.id == DrawRow.lot_id)
            .join(Product, Product.id == Lot.product_id)
            .where(DrawRow.document_kind == DocumentKind.BUILD, DrawRow.document_id == build.id)
            .order_by(DrawRow.line, DrawRow.id)
        ):
            taken = format_quantity(draw.quantity)
            print(f"  from lot {lot:<18} {taken:>6} {product:<10} cost {_money(draw.cost):>12}")
        for line in cost_lines_of(session, build.id):
            print(f"  {line.label:<45} cost {_money(line.cost):>12}")
        each = format_unit_cost(unit_cost(total, build.quantity), decimals=2)
        print(f"  {'total':<45} cost {_money(total):>12}   = {each} each")


def _print_journals(proofs: Sequence[DocumentProof], books: dict[str, Any]) -> None:
    print("\nJournals, as read back from the sandbox's books")
    for proof in proofs:
        for journal in _journals_of(proof, books):
            print(f"  {proof.reference:<12}  {journal['date']}  {journal['status']}  {journal['narration']}")
            for line in journal["lines"]:
                amount = Decimal(line["amount"])
                side = f"{_money(amount):>12}" if amount > 0 else f"{'':>12} {_money(-amount):>12}"
                print(f"      {line['account_code']:<4} {line['account_name']:<34} {side}")


def _documents(proofs: Sequence[DocumentProof], books: dict[str, Any]) -> list[Check]:
    once = [proof for proof in proofs if [j["status"] for j in _journals_of(proof, books)] == ["POSTED"]]
    same = [proof for proof in once if _posted_lines(proof, books) == _sent_lines(proof)]
    exact = add([proof.exact for proof in proofs])
    posted = add([_debits(proof, books) for proof in proofs])
    rounding = add([proof.rounding for proof in proofs])
    difference = add([exact, rounding, -posted])
    return [
        Check(
            says=f"{len(once)} of {len(proofs)} documents have exactly one POSTED journal, and no draft is left",
            holds=len(once) == len(proofs) > 0 and len(books["journals"]) == len(proofs),
        ),
        Check(
            says=f"{len(same)} of {len(proofs)} journals are balanced and hold exactly the lines that were sent",
            holds=len(same) == len(proofs),
        ),
        Check(
            says=f"documents: sub-ledger {_money(exact)} + recorded rounding {_money(rounding)} "
            f"= posted {_money(posted)}, difference {_money(difference)}",
            holds=difference == 0 and all(proof.holds for proof in proofs),
        ),
    ]


def _stock(session: CompanySession, made: Made, books: dict[str, Any]) -> list[Check]:
    codes = set(stock_accounts(session, made.connection_id).values())
    in_books = add([Decimal(a["balance"]) for a in books["accounts"] if a["code"] in codes])
    value = stock_value(session)
    difference = add([value, -in_books])
    return [
        Check(
            says=f"stock: sub-ledger {_money(value)} = accounts {' + '.join(sorted(codes))} in the books "
            f"{_money(in_books)}, difference {_money(difference)}",
            holds=difference == 0,
        )
    ]


def _reconciled(stage: Stage, made: Made) -> Check:
    """The product's own comparison, by what the books answer."""
    today = stage.house.act(made.company_id, by=EMAIL).today
    found = reconcile(stage.house, made.company_id, on=today)
    holds = found.verdict == Verdict.AGREES
    says = "agree" if holds else f"don't, or can't tell: {found.problem}"
    return Check(says=f"reconciled: stock and books {says}, rounding {_money(found.rounding)}", holds=holds)


def _journals_of(proof: DocumentProof, books: dict[str, Any]) -> list[dict[str, Any]]:
    return [journal for journal in books["journals"] if f"[{proof.token}]" in journal["narration"]]


def _posted_lines(proof: DocumentProof, books: dict[str, Any]) -> list[tuple[str, Decimal]]:
    lines = [line for journal in _journals_of(proof, books) for line in journal["lines"]]
    return sorted((line["account_code"], Decimal(line["amount"])) for line in lines)


def _sent_lines(proof: DocumentProof) -> list[tuple[str, Decimal]]:
    return sorted((line.account_code, line.amount) for line in proof.entry.lines)


def _debits(proof: DocumentProof, books: dict[str, Any]) -> Decimal:
    return add([amount for _, amount in _posted_lines(proof, books) if amount > 0])


def _money(value: Decimal) -> str:
    return format_amount(value, decimals=2)
