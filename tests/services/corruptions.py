"""Ways in which rows can go wrong, at least one for each law, and the row that the doctor has to name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Corruption:
    """``victim`` chooses the id that the law has to name, ``harm`` is done to it."""

    law: str
    victim: str
    harm: str


CORRUPTIONS = [
    Corruption(law=law, victim=victim, harm=harm)
    for law, victim, harm in (
        ("lot-in", "SELECT MIN(id) FROM lots", "UPDATE lots SET quantity_in = quantity_in + 1 WHERE id = :id"),
        ("lot-in", "SELECT MAX(id) FROM lots", "UPDATE lots SET cost_in = cost_in + 1 WHERE id = :id"),
        (
            "lot-left",
            "SELECT MAX(id) FROM lots WHERE state = 'open'",
            "UPDATE lots SET quantity_left = quantity_left - 1 WHERE id = :id",
        ),
        (
            "lot-left",
            "SELECT MIN(id) FROM lots WHERE state = 'held'",
            "UPDATE lots SET cost_left = cost_left - 1 WHERE id = :id",
        ),
        (
            "lot-bounds",
            "SELECT MIN(id) FROM lots WHERE state = 'exhausted'",
            "UPDATE lots SET state = 'open' WHERE id = :id",
        ),
        (
            "lot-bounds",
            "SELECT MIN(id) FROM lots WHERE state = 'exhausted'",
            "UPDATE lots SET cost_left = 1 WHERE id = :id",
        ),
        (
            "lot-bounds",
            "SELECT MIN(id) FROM lots WHERE state = 'held'",
            "UPDATE lots SET hold_reason = '' WHERE id = :id",
        ),
        (
            "lot-bounds",
            "SELECT MIN(id) FROM lots WHERE state = 'open'",
            "UPDATE lots SET quantity_left = quantity_in + 1 WHERE id = :id",
        ),
        (
            "entry-product",
            "SELECT MIN(id) FROM stock_entries",
            "UPDATE stock_entries SET product_id = product_id + 1 WHERE id = :id",
        ),
        (
            "balance-lots",
            "SELECT MIN(product_id) FROM stock_balances",
            "UPDATE stock_balances SET value = value + 1 WHERE product_id = :id",
        ),
        ("balance-lots", "SELECT MIN(product_id) FROM lots", "DELETE FROM stock_balances WHERE product_id = :id"),
        (
            "balance-ledger",
            "SELECT MIN(product_id) FROM stock_balances",
            "UPDATE stock_balances SET quantity = quantity - 1 WHERE product_id = :id",
        ),
        ("draw-entry", "SELECT MIN(id) FROM draws", "UPDATE draws SET cost = cost + 1 WHERE id = :id"),
        (
            "draw-entry",
            "SELECT MAX(id) FROM draws",
            "DELETE FROM stock_entries WHERE id = (SELECT stock_entry_id FROM draws WHERE id = :id)",
        ),
        ("build-entry", "SELECT MIN(stock_entry_id) FROM draws", "DELETE FROM draws WHERE stock_entry_id = :id"),
        (
            "build-entry",
            "SELECT MIN(stock_entry_id) FROM returns WHERE document_kind = 'build'",
            "DELETE FROM returns WHERE stock_entry_id = :id",
        ),
        ("return-draw", "SELECT MIN(id) FROM returns", "UPDATE returns SET cost = cost - 1 WHERE id = :id"),
        (
            "return-draw",
            "SELECT MIN(id) FROM returns",
            "DELETE FROM draws WHERE id = (SELECT draw_id FROM returns WHERE id = :id)",
        ),
        (
            "negative-stock",
            "SELECT MIN(stock_entry_id) FROM draws",
            "UPDATE stock_entries SET effective_on = '2025-12-31' WHERE id = :id",
        ),
        (
            "split-pair",
            "SELECT MIN(id) FROM stock_entries WHERE document_kind = 'split'",
            "UPDATE stock_entries SET cost = cost + 1 WHERE id = :id",
        ),
        (
            "split-pair",
            "SELECT MIN(id) FROM stock_entries WHERE document_kind = 'split'",
            "UPDATE stock_entries SET lot_id = lot_id - 1 WHERE id = :id",
        ),
        (
            "locked-period",
            "SELECT MAX(id) FROM stock_entries WHERE effective_on <= '2026-02-28'",
            "UPDATE company_options SET locked_after_entry_id = :id - 1",
        ),
        (
            "month-end",
            "SELECT MIN(id) FROM month_ends",
            "UPDATE month_end_lots SET cost = cost + 1 WHERE month_end_id = :id",
        ),
        ("month-end", "SELECT MAX(id) FROM month_ends", "DELETE FROM month_end_lots WHERE month_end_id = :id"),
        (
            "month-end-value",
            "SELECT MIN(id) FROM month_ends",
            "UPDATE month_ends SET value = value + 1 WHERE id = :id",
        ),
        (
            "entry-document",
            "SELECT MIN(id) FROM stock_entries WHERE document_kind = 'receipt'",
            "UPDATE stock_entries SET document_id = 999999999 WHERE id = :id",
        ),
        (
            "entry-document",
            "SELECT MIN(id) FROM stock_entries WHERE document_kind = 'adjustment'",
            "UPDATE stock_entries SET document_id = 999999999 WHERE id = :id",
        ),
        (
            "receipt-line",
            "SELECT MAX(id) FROM receipt_lines",
            "UPDATE receipt_lines SET cost = cost + 1 WHERE id = :id",
        ),
        (
            "receipt-line",
            "SELECT MIN(receipt_line_id) FROM lots",
            "UPDATE lots SET receipt_line_id = NULL WHERE receipt_line_id = :id",
        ),
        (
            "receipt-total",
            "SELECT MIN(id) FROM receipts",
            "UPDATE receipts SET total_cost = total_cost + 1 WHERE id = :id",
        ),
        (
            "build-cost",
            "SELECT MIN(id) FROM builds",
            "UPDATE builds SET components_cost = components_cost + 1 WHERE id = :id",
        ),
        (
            "build-cost",
            "SELECT MIN(build_id) FROM build_cost_lines",
            "UPDATE build_cost_lines SET cost = cost + 1 WHERE build_id = :id",
        ),
        (
            "build-cost",
            "SELECT MIN(id) FROM builds WHERE state = 'rejected' AND waste_cost > 0",
            "UPDATE builds SET waste_cost = waste_cost - 1 WHERE id = :id",
        ),
        (
            "build-output",
            "SELECT MIN(id) FROM builds WHERE state = 'pending_qa'",
            "UPDATE builds SET state = 'completed' WHERE id = :id",
        ),
        (
            "build-output",
            "SELECT MIN(id) FROM builds WHERE state = 'completed'",
            "UPDATE builds SET quantity = quantity + 1 WHERE id = :id",
        ),
        (
            "build-line",
            "SELECT MIN(id) FROM build_lines",
            "UPDATE build_lines SET quantity_needed = quantity_needed + 1 WHERE id = :id",
        ),
        (
            "adjustment-entry",
            "SELECT MIN(id) FROM adjustments",
            "UPDATE adjustments SET cost = cost - 1 WHERE id = :id",
        ),
        (
            "reversal-exact",
            "SELECT MIN(document_id) FROM stock_entries WHERE document_kind = 'reversal'",
            "UPDATE stock_entries SET cost = cost + 1 WHERE document_kind = 'reversal' AND document_id = :id",
        ),
        (
            "reversal-exact",
            "SELECT MIN(id) FROM reversals WHERE document_kind = 'adjustment'",
            "UPDATE adjustments SET state = 'confirmed' WHERE id = (SELECT document_id FROM reversals WHERE id = :id)",
        ),
        (
            "reversed-receipt",
            "SELECT MIN(id) FROM receipts WHERE state = 'reversed'",
            "DELETE FROM reversals WHERE document_kind = 'receipt' AND document_id = :id",
        ),
        (
            "reversed-build",
            "SELECT MIN(id) FROM builds WHERE state = 'reversed'",
            "DELETE FROM reversals WHERE document_kind = 'build' AND document_id = :id",
        ),
        (
            "reversed-adjustment",
            "SELECT MIN(id) FROM adjustments WHERE state = 'reversed'",
            "DELETE FROM reversals WHERE document_kind = 'adjustment' AND document_id = :id",
        ),
        (
            "lot-origin",
            "SELECT MIN(id) FROM lots WHERE state = 'exhausted'",
            "UPDATE lots SET state = 'reversed' WHERE id = :id",
        ),
        (
            "lot-origin",
            "SELECT MIN(id) FROM lots WHERE split_from_id IS NOT NULL",
            "UPDATE lots SET split_from_id = NULL WHERE id = :id",
        ),
        (
            "number-gap",
            "SELECT id FROM counters WHERE name = 'build'",
            "UPDATE counters SET last = last + 1 WHERE id = :id",
        ),
        (
            "number-gap",
            "SELECT id FROM counters WHERE name = 'count'",
            "DELETE FROM stock_counts WHERE company_id = (SELECT company_id FROM counters WHERE id = :id)",
        ),
        (
            "true-up",
            "SELECT MIN(id) FROM receipts",
            "INSERT INTO true_ups (id, company_id, number, reference, amount, trued_up_on, reason, created_at, "
            "created_by) SELECT id, company_id, 1, 'PSB-TRU-0001', 10000, received_on, '', created_at, 'x' "
            "FROM receipts WHERE id = :id",
        ),
        ("export-rounding", "SELECT MIN(id) FROM exports", "UPDATE exports SET rounding = rounding + 1 WHERE id = :id"),
        (
            "export-rounding",
            "SELECT MAX(id) FROM exports",
            "UPDATE exports SET exact = exact + 1, rounding = rounding - 1 WHERE id = :id",
        ),
        (
            "export-once",
            "SELECT MIN(id) FROM exports WHERE state = 'pending'",
            "UPDATE exports SET state = 'posted' WHERE id = :id",
        ),
        *(
            (law, f"SELECT MIN(id) FROM {table}{where}", f"UPDATE {table} SET {day} = '2026-01-01' WHERE id = :id")
            for law, table, day, where in (
                ("receipt-day", "receipts", "received_on", ""),
                ("build-day", "builds", "built_on", " WHERE state = 'completed'"),
                ("adjustment-day", "adjustments", "adjusted_on", " WHERE NOT is_opening"),
                ("reversal-day", "reversals", "reversed_on", ""),
                ("lot-day", "lots", "received_on", " WHERE split_from_id IS NOT NULL"),
            )
        ),
        (
            "adjustment-day",
            "SELECT MIN(id) FROM adjustments",
            "UPDATE stock_entries SET reference = 'PSB-X' WHERE document_kind = 'adjustment' AND document_id = :id",
        ),
        ("lot-day", "SELECT MAX(id) FROM lots", "UPDATE lots SET received_on = '2026-01-01' WHERE id = :id"),
        (
            "count-adjustment",
            "SELECT MIN(id) FROM stock_count_lines",
            "UPDATE stock_count_lines SET counted = counted + 1 WHERE id = :id",
        ),
        (
            "count-adjustment",
            "SELECT MIN(id) FROM stock_count_lines",
            "UPDATE adjustments SET count_id = NULL WHERE lot_id = "
            "(SELECT lot_id FROM stock_count_lines WHERE id = :id)",
        ),
        (
            "active-bom",
            "SELECT MIN(product_id) FROM boms WHERE state = 'active'",
            "UPDATE boms SET product_id = :id, version = id + 100 "
            "WHERE company_id = (SELECT company_id FROM products WHERE id = :id)",
        ),
        (
            "lot-number",
            "SELECT MIN(product_id) FROM lots WHERE state = 'held'",
            "UPDATE lots SET number_key = 'SAME' WHERE product_id = :id AND state IN ('open', 'held')",
        ),
        (
            "export-attempt",
            "SELECT MIN(id) FROM exports WHERE state = 'pending'",
            "INSERT INTO export_attempts "
            "(company_id, export_id, epoch, step, key, sent_at, outcome, message, external_id) "
            "SELECT company_id, id, 1, 'post', 'k', created_at, 'ok', '', 'X-1' FROM exports WHERE id = :id",
        ),
        (
            "receipt-landed",
            "SELECT MIN(receipt_id) FROM receipt_lines",
            "UPDATE receipt_lines SET entered_cost = entered_cost + 1 WHERE receipt_id = :id",
        ),
        (
            "company",
            "SELECT MIN(id) FROM bom_lines",
            "UPDATE bom_lines SET company_id = 999999999 WHERE id = :id",
        ),
        ("journal", "SELECT MIN(id) FROM exports", "UPDATE exports SET body_sha256 = 'x' WHERE id = :id"),
        ("company", "SELECT MIN(id) FROM receipts", "UPDATE receipts SET supplier_id = 999999999 WHERE id = :id"),
        ("replay-lot", "SELECT MIN(id) FROM lots", "UPDATE lots SET cost_in = cost_in + 1 WHERE id = :id"),
        ("replay-lot", "SELECT MAX(lot_id) FROM stock_entries", "DELETE FROM stock_entries WHERE lot_id = :id"),
        (
            "replay-balance",
            "SELECT MIN(product_id) FROM stock_balances",
            "UPDATE stock_balances SET value = value + 1 WHERE product_id = :id",
        ),
    )
]
