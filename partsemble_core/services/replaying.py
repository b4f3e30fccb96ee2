"""Replaying: lots and balances rebuilt from the ledger alone, entry by entry, and compared byte for byte (I18)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.amounts import from_millionths
from partsemble_core.store.session import CompanySession

BATCH = 10_000
LEDGER = sa.text("""
SELECT e.id, e.lot_id, e.product_id, e.quantity, e.cost,
  CASE WHEN d.id IS NULL AND r.id IS NULL AND e.document_kind <> 'reversal'
    AND NOT (e.document_kind = 'adjustment' AND e.quantity < 0) THEN 1 ELSE 0 END AS came_in
FROM stock_entries e
LEFT JOIN draws d ON d.company_id = e.company_id AND d.stock_entry_id = e.id
LEFT JOIN returns r ON r.company_id = e.company_id AND r.stock_entry_id = e.id
WHERE e.company_id = :company ORDER BY e.id""")
LOTS = sa.text("""
SELECT l.id, l.product_id, l.quantity_in, l.cost_in, l.quantity_left, l.cost_left,
  CASE WHEN l.state IN ('open', 'held') THEN 1 ELSE 0 END AS holds
FROM lots l WHERE l.company_id = :company ORDER BY l.id""")
BALANCES = sa.text("""
SELECT b.product_id, b.quantity, b.value FROM stock_balances b
WHERE b.company_id = :company AND (b.quantity <> 0 OR b.value <> 0) ORDER BY b.product_id""")


@dataclass(slots=True, kw_only=True)
class Tally:
    """What the ledger says of a lot, in millionths."""

    product_id: int
    quantity_in: int = 0
    cost_in: int = 0
    quantity_left: int = 0
    cost_left: int = 0


def replay_differences(session: CompanySession) -> Iterator[tuple[str, str, list[tuple[int, str]]]]:
    """(law, table, rows with what differs) for each of the two dumps that isn't the same, byte for byte."""
    tallies = _replay(session)
    kept_lots = {row["id"]: _lot_line(row) for row in _rows(session, LOTS)}
    kept_balances = {row["product_id"]: _balance_line(row) for row in _rows(session, BALANCES)}
    balances = _balances_of(tallies.values())
    dumps = (
        ("replay-lot", "lots", {i: _tally_line(i, tally) for i, tally in tallies.items()}, kept_lots),
        ("replay-balance", "products", balances, kept_balances),
    )
    for law, table, rebuilt, kept in dumps:
        if dump(rebuilt) != dump(kept):
            yield law, table, _differing(rebuilt, kept)


def dump(lines: Mapping[int, str]) -> bytes:
    """Canonical text: a line a row in order of ids, amounts as plain decimals, UTF-8."""
    return "".join(f"{lines[key]}\n" for key in sorted(lines)).encode()


def _replay(session: CompanySession) -> dict[int, Tally]:
    tallies: dict[int, Tally] = {}
    for row in _rows(session, LEDGER):
        tally = tallies.setdefault(row["lot_id"], Tally(product_id=row["product_id"]))
        quantity, cost = _whole(row["quantity"]), _whole(row["cost"])
        if row["came_in"]:
            tally.quantity_in += quantity
            tally.cost_in += cost
        tally.quantity_left += quantity
        tally.cost_left += cost
    return tallies


def _whole(amount: object) -> int:
    """Nothing, for an entry whose amount is none: then the ledger gives something else than what is kept."""
    return int(amount) if isinstance(amount, int | Decimal) else 0


def _rows(session: CompanySession, statement: sa.TextClause) -> Iterable[sa.RowMapping]:
    found = session.connection().execute(
        statement, {"company": session.company_id}, execution_options={"yield_per": BATCH}
    )
    return found.mappings()


def _balances_of(tallies: Iterable[Tally]) -> dict[int, str]:
    sums: dict[int, tuple[int, int]] = {}
    for tally in tallies:
        quantity, value = sums.get(tally.product_id, (0, 0))
        sums[tally.product_id] = (quantity + tally.quantity_left, value + tally.cost_left)
    return {
        product_id: _line("product", product_id, quantity, value)
        for product_id, (quantity, value) in sums.items()
        if quantity or value
    }


def _tally_line(lot_id: int, tally: Tally) -> str:
    amounts = (tally.quantity_in, tally.cost_in, tally.quantity_left, tally.cost_left)
    return f"{_line('lot', lot_id, *amounts)} product {tally.product_id} holds {int(tally.quantity_left > 0)}"


def _lot_line(row: sa.RowMapping) -> str:
    amounts = (row["quantity_in"], row["cost_in"], row["quantity_left"], row["cost_left"])
    return f"{_line('lot', row['id'], *amounts)} product {row['product_id']} holds {row['holds']}"


def _balance_line(row: sa.RowMapping) -> str:
    return _line("product", row["product_id"], row["quantity"], row["value"])


def _line(what: str, key: int, *amounts: object) -> str:
    return f"{what} {key} " + " ".join(_shown(amount) for amount in amounts)


def _shown(amount: object) -> str:
    """What is no whole number of millionths is shown as it stands."""
    return f"{from_millionths(int(amount)):f}" if isinstance(amount, int | Decimal) else repr(amount)


def _differing(rebuilt: Mapping[int, str], kept: Mapping[int, str]) -> list[tuple[int, str]]:
    return [
        (key, f"the ledger gives “{rebuilt.get(key, 'nothing')}”, kept is “{kept.get(key, 'nothing')}”")
        for key in sorted(rebuilt.keys() | kept.keys())
        if rebuilt.get(key) != kept.get(key)
    ]
