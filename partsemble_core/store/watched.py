"""What the audit log watches: by table, how a row is called, and which of its columns say what somebody did.

Every table of a company stands either in `WATCHED` or in `UNWATCHED` with the reason; a test compares both with the
schema, so that nobody adds a table and forgets the log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Pair = tuple[object, object]
"""A value before and after."""


def _always(pairs: Mapping[str, Pair]) -> bool:
    return True


def _is_decision(pairs: Mapping[str, Pair]) -> bool:
    """A worker takes no posting out of these states and into none of those: a person does."""
    before, after = pairs.get("state", (None, None))
    return before in ("held", "review") or after in ("held", "skipped", "cancelled")


def _is_used(pairs: Mapping[str, Pair]) -> bool:
    """Old ones are thrown away without a word."""
    return pairs.get("used_at", (None, None))[1] is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """``called`` names a row by its columns; one of another table is looked up by ``looks_up``: column → its table and
    the column there. Values of ``shows`` are written down, of ``hides`` only that they changed. All other columns are
    machinery. ``counts`` says which changes of a row are somebody's doing.
    """

    noun: str
    called: str
    shows: tuple[str, ...]
    hides: tuple[str, ...] = ()
    looks_up: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    counts: Callable[[Mapping[str, Pair]], bool] = _always
    if_added: bool = True
    """Whether a new row is somebody's doing by itself. The export of a document isn't: the document is."""


SETTINGS = (
    "qa_review",
    "approver_differs",
    "reserve_stock",
    "block_expired",
    "draw_order",
    "export_receipts",
    "export_builds",
    "export_adjustments",
    "locked_through",
)
SKU = ("products", "sku")
WATCHED: Mapping[str, Watched] = {
    # People and settings
    "companies": Watched(noun="company", called="{name}", shows=("name", "currency", "timezone")),
    "company_options": Watched(noun="settings", called="", shows=SETTINGS),
    "users": Watched(
        noun="person",
        called="{email}",
        shows=("name", "email", "second_factor_since"),
        hides=("password_hash", "second_factor_sealed"),
    ),
    "recovery_codes": Watched(
        noun="recovery code",
        called="{user_id}",
        shows=("used_at",),
        looks_up={"user_id": ("users", "email")},
        if_added=False,
        counts=_is_used,
    ),
    "memberships": Watched(
        noun="member", called="{user_id}", shows=("role", "is_active"), looks_up={"user_id": ("users", "email")}
    ),
    "invitations": Watched(
        noun="invitation", called="{email}", shows=("role", "expires_at", "accepted_at", "revoked_at")
    ),
    "sign_ins": Watched(noun="sign-in", called="{email}", shows=("address", "agent", "ended_at")),
    "api_tokens": Watched(noun="API token", called="{name}", shows=("role", "expires_at", "revoked_at")),
    # Books
    "connections": Watched(
        noun="connection", called="{organisation_name}", shows=("backend", "state", "inventory_mode")
    ),
    "account_mappings": Watched(
        noun="account",
        called="{role}",
        shows=("remote_account_id",),
        looks_up={"remote_account_id": ("remote_accounts", "code")},
    ),
    "tracking_choices": Watched(
        noun="tracking option",
        called="{category_id}",
        shows=("remote_tracking_id",),
        looks_up={"remote_tracking_id": ("remote_tracking", "name")},
    ),
    "sync_schedules": Watched(noun="sync schedule", called="{kind}", shows=("every_minutes",)),
    "event_endpoints": Watched(
        noun="webhook", called="{id}", shows=("kinds", "is_active"), hides=("url", "secret_sealed")
    ),
    "exports": Watched(
        noun="export",
        called="{reference}",
        shows=("state", "problem", "external_id"),
        counts=_is_decision,
        if_added=False,
    ),
    # Catalogue
    "products": Watched(
        noun="product",
        called="{sku}",
        shows=(
            "sku",
            "name",
            "kind",
            "unit",
            "reorder_point",
            "build_point",
            "build_target",
            "weight",
            "notes",
            "is_active",
        ),
    ),
    "suppliers": Watched(
        noun="supplier", called="{code}", shows=("code", "name", "contact", "email", "phone", "is_active")
    ),
    "supplier_contacts": Watched(
        noun="supplier's contact",
        called="{supplier_id}",
        shows=("state", "external_id"),
        looks_up={"supplier_id": ("suppliers", "code")},
    ),
    "supplier_parts": Watched(
        noun="supplier part",
        called="{part_number}",
        shows=("product_id", "purchase_unit", "per_purchase_unit"),
        looks_up={"product_id": SKU},
    ),
    "boms": Watched(
        noun="BOM",
        called="{product_id} v{version}",
        shows=("state", "output_quantity"),
        looks_up={"product_id": SKU},
    ),
    # Documents
    "receipts": Watched(noun="receipt", called="{reference}", shows=("state", "received_on", "total_cost")),
    "builds": Watched(
        noun="build",
        called="{reference}",
        shows=(
            "state",
            "quantity",
            "target_on",
            "assignee",
            "notes",
            "is_modified",
            "review_note",
            "reject_reason",
            "recovery",
        ),
    ),
    "adjustments": Watched(
        noun="adjustment", called="{reference}", shows=("state", "quantity", "cost", "reason", "adjusted_on")
    ),
    "stock_counts": Watched(noun="count", called="{reference}", shows=("state", "counted_on")),
    "true_ups": Watched(noun="rounding true-up", called="{reference}", shows=("amount", "trued_up_on", "reason")),
    "reversals": Watched(noun="reversal", called="{reference}", shows=("reversed_reference", "reason", "reversed_on")),
    "lots": Watched(noun="lot", called="{number}", shows=("hold_reason", "expires_on")),
}
PART = "part of its document, which is watched"
THEIRS = "read from the books, and kept there"
LEDGER = "append-only itself, with who and when in each row"
MACHINERY = "machinery of ours: nobody's doing"
UNWATCHED: Mapping[str, str] = {
    "audit_entries": "the log itself",
    "backend_records": LEDGER,
    "bom_cost_lines": PART,
    "bom_lines": PART,
    "build_cost_lines": PART,
    "build_lines": PART,
    "counters": MACHINERY,
    "draws": LEDGER,
    "event_deliveries": MACHINERY,
    "export_attempts": LEDGER,
    "heard_events": THEIRS,
    "month_end_lots": MACHINERY,
    "month_ends": MACHINERY,
    "receipt_charges": PART,
    "receipt_lines": PART,
    "reconcile_runs": LEDGER,
    "refresh_tries": MACHINERY,
    "remote_accounts": THEIRS,
    "remote_contacts": THEIRS,
    "remote_items": THEIRS,
    "remote_sales": THEIRS,
    "remote_tracking": THEIRS,
    "remote_sale_lines": THEIRS,
    "sync_cursors": MACHINERY,
    "returns": LEDGER,
    "sign_in_flows": MACHINERY,
    "stock_balances": MACHINERY,
    "stock_count_lines": PART,
    "stock_entries": LEDGER,
    "sync_runs": "a log itself, with who and when in each row",
    "token_sets": MACHINERY,
}
