"""Doctoring: every law of the books is checked against the rows. What breaks one is named; nothing is ever repaired.

What is checked, by invariant:

- I1, I2, I5 (law 1): lot-in, lot-left, lot-bounds, draw-entry; by replay: replay-lot.
- I3, I4 (law 2): balance-lots, balance-ledger, lot-left, entry-product; by replay: replay-balance.
- I6: negative-stock, by lot and day of what is dated, so by product too.
- I8 (law 4): journal, on the frozen bytes. I9 (law 5): export-rounding, for our side; what their ledger says is
  reconciling's question.
- I10: entry-document, receipt-line, adjustment-entry, build-entry, lot-origin, export-once. A document without an
  export is no finding: documents from before a connection are only recorded, and connections keep no history of that.
- I11, I20 (law 6): reversal-exact, reversed-receipt, reversed-build, reversed-adjustment, return-draw.
- I12: locked-period, by the ledger's last line when the lock was set.
- I13 (law 6): append-only: the triggers are there and on. A chain of hashes comes with the audit log.
- I14: receipt-line, receipt-total, receipt-landed, build-line, split-pair, adjustment-entry.
- I19 (law 3): build-cost, build-output.
- I15: export-once. I17: company, for every foreign key of the schema. I18: month-end, and `replay`.
- Numbers without gaps: number-gap. One active BOM a product: active-bom. One open lot a number: lot-number. The unique
  indexes that keep both are there: unique-index.
- Days and references: receipt-day, build-day, adjustment-day, reversal-day, lot-day. Values that SQLite would keep
  although they are none (text for an amount, a day that isn't one): value-type.
- Counts: count-adjustment. What the calls say of an export: export-attempt.

Not checked: I7 (FIFO order) can't be decided from the rows. A lot may have been passed over because it was on hold,
expired, reserved, back-dated or because lots were picked by hand, and what was so at that moment isn't kept. I16
(imports): imports leave no rows to count yet. Sales join with their own documents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import sqlalchemy as sa

from partsemble_core.domain.amounts import add, from_millionths
from partsemble_core.domain.exports import ExportState
from partsemble_core.errors import Invalid
from partsemble_core.plugin_api.entries import entry_from_bytes
from partsemble_core.plugin_api.types import JournalEntry
from partsemble_core.services.replaying import replay_differences
from partsemble_core.store.everything import metadata
from partsemble_core.store.exports import Export
from partsemble_core.store.guards import missing_guards, missing_indexes
from partsemble_core.store.laws_of_days import DAY_LAWS
from partsemble_core.store.laws_of_documents import DOCUMENT_LAWS
from partsemble_core.store.laws_of_stock import STOCK_LAWS, Law
from partsemble_core.store.mistyped import mistyped_rows
from partsemble_core.store.session import CompanySession

LISTED = 1_000
"""Ids named in one finding; the message says when there are more."""
SHOWN = 3
BATCH = 1_000
MILLION = 10**6
ENTERED = sa.text("""
SELECT rc.id, rc.reference, rc.rate, rc.total_cost, n.entered_cost AS amount FROM receipts rc
JOIN receipt_lines n ON n.company_id = rc.company_id AND n.receipt_id = rc.id
WHERE rc.company_id = :company AND rc.state <> 'draft'
UNION ALL SELECT rc.id, rc.reference, rc.rate, rc.total_cost, h.amount FROM receipts rc
JOIN receipt_charges h ON h.company_id = rc.company_id AND h.receipt_id = rc.id
WHERE rc.company_id = :company AND rc.state <> 'draft'""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A broken law: the rows of ``table`` that break it, and a sentence with the first few of them."""

    law: str
    table: str
    ids: tuple[int, ...]
    message: str


def examine(session: CompanySession, *, replay: bool = False) -> list[Finding]:
    """Checks every law for the company; empty when all is well. Reads only.

    One statement a law and a foreign key, whatever the size; journals are read in batches. With ``replay``, lots and
    balances are also rebuilt from the ledger alone and compared byte for byte with those kept (I18).
    """
    session.flush()
    rule = "A value is of the kind that its column is for."
    mistyped = mistyped_rows(session, limit=LISTED + 1)
    findings = [_finding("value-type", table, said, rule=rule) for table, said in mistyped]
    findings += [found for law in (*STOCK_LAWS, *DOCUMENT_LAWS, *DAY_LAWS) if (found := _check(session, law))]
    findings += _check_journals(session)
    findings += _check_landed(session)
    findings += _check_companies(session)
    findings += [
        Finding(law="append-only", table=table, ids=(), message=f"The trigger {name} is missing or switched off.")
        for table, name in missing_guards(session)
    ]
    findings += [
        Finding(law="unique-index", table=table, ids=(), message=f"The unique index {name} is missing or not in use.")
        for table, name in missing_indexes(session)
    ]
    if replay:
        findings += [_finding(law, table, said) for law, table, said in replay_differences(session)]
    return findings


def report_lines(findings: Sequence[Finding]) -> list[str]:
    """What a person reads: a line a finding, or one that says that all is well."""
    if not findings:
        return ["Every law holds."]
    lines = []
    for found in findings:
        ids = ", ".join(str(i) for i in found.ids[:20]) + (", …" if len(found.ids) > 20 else "")
        rows = f"{found.table} {ids}" if ids else found.table
        lines.append(f"{found.law}: {rows}: {found.message}")
    return [*lines, f"{len(findings)} laws are broken. Nothing was changed."]


def _check(session: CompanySession, law: Law) -> Finding | None:
    asked = {"company": session.company_id, "limit": LISTED + 1}
    rows = session.connection().execute(sa.text(law.sql + "\nLIMIT :limit"), asked).mappings().all()
    said = [(int(row["id"]), law.shown.format(**_readable(row))) for row in rows]
    return _finding(law.name, law.table, said, rule=law.rule) if said else None


def _readable(row: sa.RowMapping) -> dict[str, object]:
    """Numbers are millionths, but for ids."""
    return {
        name: from_millionths(int(value)) if isinstance(value, int | Decimal) and not name.endswith("id") else value
        for name, value in row.items()
    }


def _finding(law: str, table: str, said: Sequence[tuple[int, str]], *, rule: str = "") -> Finding:
    """``said`` are row ids with what is wrong there."""
    first = "; ".join(words for _, words in said[:SHOWN])
    count = f"more than {LISTED}" if len(said) > LISTED else f"{len(said)}"
    more = f"; {count} rows in all" if len(said) > SHOWN else ""
    ids = tuple(row_id for row_id, _ in said[:LISTED])
    return Finding(law=law, table=table, ids=ids, message=f"{rule} {first}{more}.".lstrip())


def _check_journals(session: CompanySession) -> list[Finding]:
    raw = (sa.type_coerce(column, sa.types.NullType()).label(column.key) for column in (Export.body, Export.posted))
    statement = sa.select(Export.id, Export.body_sha256, Export.state, Export.token, Export.reference, *raw).order_by(
        Export.id
    )
    rows = session.execute(statement.execution_options(yield_per=BATCH))
    said = [(row.id, f"{row.reference} {wrong}") for row in rows if (wrong := _wrong_journal(row))]
    rule = "A journal is frozen, balanced and in whole minor units."
    return [_finding("journal", "exports", said, rule=rule)] if said else []


def _wrong_journal(row: Any) -> str:
    """What is wrong with the frozen bytes; empty for nothing."""
    if isinstance(row.body, str) or not isinstance(row.posted, int | Decimal):
        return f"has a {'body' if isinstance(row.body, str) else 'posted amount'} of the wrong kind"
    body = bytes(row.body)
    if hashlib.sha256(body).hexdigest() != row.body_sha256:
        return "isn't what its checksum was made of"
    try:
        entry = entry_from_bytes(body)
    except Invalid as error:
        return f"can't be read: {error}"
    if entry.token != row.token or entry.reference != row.reference:
        return "is another document's"
    if add([line.amount for line in entry.lines]):
        return "doesn't balance"
    if any(line.amount * 10**entry.decimals % 1 for line in entry.lines):
        return "has a line that isn't a whole number of minor units"
    posted = from_millionths(int(row.posted))
    return "" if _posts(entry, posted) or row.state == ExportState.SKIPPED else "posts another amount"


def _posts(entry: JournalEntry, posted: Decimal) -> bool:
    """Lines of one account are merged, so at most the posted amount is debited; a skipped one may have no lines."""
    debit = add([line.amount for line in entry.lines if line.amount > 0])
    return len(entry.lines) >= 2 and 0 < debit <= abs(posted)


def _check_landed(session: CompanySession) -> list[Finding]:
    """What was entered on a receipt, lines and charges at its rate, is what it costs (I14)."""
    receipts: dict[int, tuple[str, int, list[int]]] = {}
    for row in session.connection().execute(ENTERED, {"company": session.company_id}).mappings():
        if all(isinstance(row[name], int | Decimal) for name in ("rate", "amount", "total_cost")):
            landed = receipts.setdefault(row["id"], (row["reference"], int(row["total_cost"]), []))
            landed[2].append(_at_rate(int(row["amount"]), int(row["rate"])))
    said = [
        (i, f"{reference}: {from_millionths(cost):f}, entered {from_millionths(sum(amounts)):f}")
        for i, (reference, cost, amounts) in sorted(receipts.items())
        if sum(amounts) != cost
    ]
    rule = "A receipt costs what was entered, lines and charges, at its rate."
    return [_finding("receipt-landed", "receipts", said, rule=rule)] if said else []


def _at_rate(amount: int, rate: int) -> int:
    """In millionths, half-even."""
    whole, rest = divmod(amount * rate, MILLION)
    return whole + (rest * 2 > MILLION or (rest * 2 == MILLION and whole % 2 == 1))


def _check_companies(session: CompanySession) -> Iterator[Finding]:
    """No row of this company points to another's, or to nothing, and none of another's to this one's (I17)."""
    for table in metadata.sorted_tables:
        for key in sorted(table.foreign_key_constraints, key=lambda k: str(k.name)):
            if [column.name for column in key.columns][:1] != ["company_id"] or len(key.columns) != 2:
                continue
            said = _strays(session, table, key)
            if said:
                yield _finding("company", table.name, said, rule="A row points to rows of its own company.")


def _strays(session: CompanySession, table: sa.Table, key: sa.ForeignKeyConstraint) -> list[tuple[int, str]]:
    column = list(key.columns)[1]
    asked = {"company": session.company_id}
    rows: Iterable[Any] = session.connection().execute(_strays_of(table, key), asked).all()
    return [(row[0], f"{column.name} {row[1]} isn't in {key.referred_table.name} of the company") for row in rows]


@cache
def _strays_of(table: sa.Table, key: sa.ForeignKeyConstraint) -> sa.Select[int, int]:
    """The statement for a foreign key: made once, since making all of them takes longer than asking a small company."""
    column = list(key.columns)[1]
    company: sa.BindParameter[int] = sa.bindparam("company", type_=sa.BigInteger())
    target = key.referred_table.alias("target")
    mine = table.c.company_id == company
    astray = sa.and_(
        mine, column.is_not(None), sa.or_(target.c.id.is_(None), target.c.company_id != table.c.company_id)
    )
    taken_away = sa.and_(~mine, target.c.company_id == company)
    return (
        sa.select(table.c.id, column)
        .select_from(table.outerjoin(target, target.c.id == column))
        .where(sa.or_(astray, taken_away))
        .order_by(table.c.id)
        .limit(LISTED + 1)
    )
