"""TrackingCategories: two active ones at most, each with its options, read only through the API."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .accounts import SETTINGS_READ
from .endpoint import Call, Endpoint, Route
from .problems import Answer, not_found
from .queries import Column, read_order, read_where
from .tenants import Tenant

ACTIVE_MAX = 2
ON_LINE_MAX = 2
_SCHEMA = """
CREATE TABLE IF NOT EXISTS tracking_categories (
    category_id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL REFERENCES tenants, name TEXT NOT NULL,
    status TEXT NOT NULL, UNIQUE (tenant_id, name)
) STRICT;
CREATE TABLE IF NOT EXISTS tracking_options (
    option_id TEXT PRIMARY KEY, category_id TEXT NOT NULL REFERENCES tracking_categories, name TEXT NOT NULL,
    status TEXT NOT NULL, UNIQUE (category_id, name)
) STRICT;
CREATE TABLE IF NOT EXISTS journal_line_tracking (
    journal_id TEXT NOT NULL, position INTEGER NOT NULL, option_id TEXT NOT NULL REFERENCES tracking_options,
    PRIMARY KEY (journal_id, position, option_id)
) STRICT;
"""
_COLUMNS = {
    "TrackingCategoryID": Column("category_id", "guid"),
    "Name": Column("name", "text"),
    "Status": Column("status", "text"),
}
_FIRST: Mapping[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "Department": ("ACTIVE", (("Workshop", "ACTIVE"), ("Sales", "ACTIVE"), ("Warehouse", "ARCHIVED"))),
    "Region": ("ACTIVE", (("North", "ACTIVE"), ("South", "ACTIVE"))),
    "Project": ("ARCHIVED", (("Prototype", "ACTIVE"),)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """An option with the category that it belongs to. ``is_active``: both are."""

    category_id: str
    category: str
    option_id: str
    name: str
    is_active: bool


def list_categories(call: Call) -> Answer:
    """GET /TrackingCategories: active ones, with ``includeArchived=true`` all."""
    where = read_where(call.query.get("where"), columns=_COLUMNS, entity="TrackingCategory")
    order = read_order(call.query.get("order"), columns=_COLUMNS, entity="TrackingCategory", default="Name ASC")
    with_archived = call.query.get("includeArchived", "").lower() == "true"
    rows = call.connection.execute(
        "SELECT * FROM tracking_categories WHERE tenant_id = ? AND (status = 'ACTIVE' OR ?)"  # noqa: S608 - words from queries.py, values bound
        f" AND {where.sql} ORDER BY {order}",
        (call.tenant.tenant_id, with_archived, *where.values),
    ).fetchall()
    return call.answer({"TrackingCategories": [_shown(call.connection, row, with_archived) for row in rows]})


def get_category(call: Call) -> Answer:
    """GET /TrackingCategories/{TrackingCategoryID}."""
    row = call.connection.execute(
        "SELECT * FROM tracking_categories WHERE tenant_id = ? AND category_id = ?",
        (call.tenant.tenant_id, call.path["category_id"].lower()),
    ).fetchone()
    if row is None:
        raise not_found()
    return call.answer({"TrackingCategories": [_shown(call.connection, row, True)]})


def options_of(connection: sqlite3.Connection, tenant_id: str) -> list[Option]:
    """Every option of an organisation."""
    rows = connection.execute(
        "SELECT c.category_id, c.name AS category, o.option_id, o.name, c.status AS c_status, o.status AS o_status"
        " FROM tracking_options o JOIN tracking_categories c USING (category_id) WHERE c.tenant_id = ?"
        " ORDER BY c.name, o.name",
        (tenant_id,),
    )
    return [
        Option(
            category_id=row["category_id"],
            category=row["category"],
            option_id=row["option_id"],
            name=row["name"],
            is_active=row["c_status"] == row["o_status"] == "ACTIVE",
        )
        for row in rows
    ]


def chosen_options(sent: Sequence[Mapping[str, object]], options: Sequence[Option]) -> tuple[list[Option], list[str]]:
    """The options that a line's ``Tracking`` names by ids or by names, and every reason against it."""
    if len(sent) > ON_LINE_MAX:
        return [], ["Only 2 Tracking elements are allowed per line."]  # own
    found: list[Option] = []
    reasons: list[str] = []
    for each in sent:
        option = next((option for option in options if _fits(each, option)), None)
        if option is None or not option.is_active:
            named = each.get("Option") or each.get("TrackingOptionID") or each.get("Name") or ""
            reasons.append(f"The tracking option '{named}' could not be found, or is not active.")  # own
        elif any(option.category_id == other.category_id for other in found):
            reasons.append(f"The tracking category '{option.category}' is named more than once.")  # own
        else:
            found.append(option)
    return found, reasons


def _fits(sent: Mapping[str, object], option: Option) -> bool:
    """By id where there is one, else by name; whatever of the category is given has to agree."""
    named = [
        ("TrackingCategoryID", option.category_id),
        ("TrackingOptionID", option.option_id),
        ("Name", option.category),
        ("Option", option.name),
    ]
    given = [(str(sent[name]).lower(), value.lower()) for name, value in named if sent.get(name)]
    has_option = bool(sent.get("TrackingOptionID") or sent.get("Option"))
    has_category = bool(sent.get("TrackingCategoryID") or sent.get("Name"))
    return has_option and has_category and all(wanted == value for wanted, value in given)


def shown_on_line(option: Option) -> dict[str, object]:
    """As a journal line shows it."""
    return {
        "Name": option.category,
        "Option": option.name,
        "TrackingCategoryID": option.category_id,
        "TrackingOptionID": option.option_id,
    }


def set_tracking_status(
    connection: sqlite3.Connection, *, tenant_id: str, category: str, option: str | None, status: str
) -> bool | None:
    """What a person does in Xero. None where there is no such name, False for a third active category."""
    row = connection.execute(
        "SELECT * FROM tracking_categories WHERE tenant_id = ? AND name = ?", (tenant_id, category)
    ).fetchone()
    if row is None:
        return None
    if option is not None:
        changed = connection.execute(
            "UPDATE tracking_options SET status = ? WHERE category_id = ? AND name = ?",
            (status, row["category_id"], option),
        )
        return True if changed.rowcount else None
    (active,) = connection.execute(
        "SELECT count(*) FROM tracking_categories WHERE tenant_id = ? AND status = 'ACTIVE' AND name <> ?",
        (tenant_id, category),
    ).fetchone()
    if status == "ACTIVE" and active >= ACTIVE_MAX:
        return False
    connection.execute("UPDATE tracking_categories SET status = ? WHERE category_id = ?", (status, row["category_id"]))
    return True


def _shown(connection: sqlite3.Connection, row: sqlite3.Row, with_archived: bool) -> dict[str, object]:
    options = connection.execute(
        "SELECT * FROM tracking_options WHERE category_id = ? AND (status = 'ACTIVE' OR ?) ORDER BY name",
        (row["category_id"], with_archived),
    )
    return {
        "Name": row["name"],
        "Status": row["status"],
        "TrackingCategoryID": row["category_id"],
        "Options": [
            {"TrackingOptionID": each["option_id"], "Name": each["name"], "Status": each["status"]} for each in options
        ],
    }


def _seed(connection: sqlite3.Connection, tenant: Tenant, now_ms: int) -> None:
    for name, (status, options) in _FIRST.items():
        category_id = str(uuid.uuid4())
        connection.execute(
            "INSERT INTO tracking_categories VALUES (?, ?, ?, ?)", (category_id, tenant.tenant_id, name, status)
        )
        connection.executemany(
            "INSERT INTO tracking_options VALUES (?, ?, ?, ?)",
            [(str(uuid.uuid4()), category_id, option, option_status) for option, option_status in options],
        )


ENDPOINT = Endpoint(
    name="TrackingCategories",
    schema=_SCHEMA,
    seed=_seed,
    routes=(
        Route(method="GET", path="/TrackingCategories", handler=list_categories, scopes=SETTINGS_READ),
        Route(method="GET", path="/TrackingCategories/<category_id>", handler=get_category, scopes=SETTINGS_READ),
    ),
)
