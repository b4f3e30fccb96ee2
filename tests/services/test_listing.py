from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from partsemble_core.domain.exports import ExportState
from partsemble_core.errors import Invalid, NotFound
from partsemble_core.services.adjusting import open_stock
from partsemble_core.services.admitting import add_member, issue_token, sign_in
from partsemble_core.services.cataloguing import CostInput
from partsemble_core.services.counting import start_count
from partsemble_core.services.inviting import invite
from partsemble_core.services.keeping import keep
from partsemble_core.services.keeping_sales import keep_sales
from partsemble_core.services.listing import (
    LISTS,
    Listing,
    ListQuery,
    Row,
    get_table,
    parse_list_query,
    rows_for_download,
)
from partsemble_core.services.signing_in import begin_sign_in
from partsemble_core.services.telling import tell
from partsemble_core.store.events import EventEndpoint, EventKind
from partsemble_core.store.exports import Export
from partsemble_core.store.hearing import HeardEvent
from partsemble_core.store.reconcile_runs import ReconcileRun
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import RemoteContact, RemoteItem
from partsemble_core.store.true_ups import TrueUp
from tests.services.makers import NOW, Shop, a_line, a_run, a_shop, connect
from tests.services.sales_shelf import a_sale


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    """Three lots of panels (N1), a kit of one panel and half an hour's work, 60 of them built."""
    shop.products("PANEL", "Bolt")
    shop.product("KIT", kind="finished_good")
    for day, quantity, cost in ((1, "20", "34.50"), (2, "50", "35.50"), (3, "100", "36.00")):
        shop.stock("PANEL", quantity, cost, on=f"2026-03-0{day}")
    shop.bom("KIT", {"PANEL": "1"}, CostInput(kind="labour", label="Assembly", rate="25", quantity="0.5"))
    shop.build("KIT", "60", on="2026-03-05")
    return shop


def listed(shop: Shop, name: str, **query: object) -> Listing:
    with shop.reading() as session:
        return LISTS[name](session, ListQuery(**query))  # type: ignore[arg-type]


def column(listing: Listing, key: str) -> list[object]:
    return [row[key] for row in listing.rows]


def add_listener(shop: Shop) -> None:
    """An address that is told of events, and one event for it."""

    def work(session: CompanySession) -> None:
        session.add(
            EventEndpoint(
                url="https://example.com/hooks",
                row_key="k",
                secret_sealed="s",
                kinds="",
                is_active=True,
                created_by=shop.act.by,
                created_at=shop.act.at,
            )
        )
        session.flush()
        tell(session, EventKind.TEST, {}, at=shop.act.at, link="")

    shop.write(work)


@contextmanager
def counting(engine: sa.Engine) -> Iterator[list[str]]:
    statements: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", count)
    yield statements
    event.remove(engine, "before_cursor_execute", count)


def test_products_are_listed_with_stock_average_cost_and_value(stocked: Shop) -> None:
    rows = {row["sku"]: row for row in listed(stocked, "products").rows}
    assert rows["PANEL"]["stock"] == Decimal(110)
    assert rows["PANEL"]["value"] == Decimal(3955)
    assert rows["PANEL"]["average_cost"] == stocked.balance("PANEL").average_cost == Decimal("35.954545")
    assert (rows["Bolt"]["stock"], rows["Bolt"]["value"], rows["Bolt"]["average_cost"]) == (0, 0, 0)


def test_lots_are_listed_with_what_is_left_and_where_they_came_from(stocked: Shop) -> None:
    listing = listed(stocked, "lots", sort="received_on")
    assert column(listing, "quantity_left") == [0, 10, 100, 60]
    assert column(listing, "unit_cost") == [Decimal("34.5"), Decimal("35.5"), Decimal(36), Decimal("47.666667")]
    assert column(listing, "source") == ["PSB-RCV-0001", "PSB-RCV-0002", "PSB-RCV-0003", "PSB-000001"]
    assert column(listing, "state") == ["exhausted", "open", "open", "open"]


def test_a_build_is_listed_at_its_whole_cost(stocked: Shop) -> None:
    (row,) = listed(stocked, "builds").rows
    assert (row["total_cost"], row["unit_cost"]) == (Decimal(2860), Decimal("47.666667"))
    assert (row["product_sku"], row["built_on"], row["label"]) == ("KIT", dt.date(2026, 3, 5), "Recorded")


def test_the_ledger_lists_every_movement(stocked: Shop) -> None:
    listing = listed(stocked, "entries", sort="effective_on")
    assert column(listing, "quantity") == [20, 50, 100, -20, -40, 60]
    assert sum(Decimal(str(cost)) for cost in column(listing, "cost")) == Decimal(3955 + 2860)


@pytest.mark.parametrize(
    ("state", "label"),
    [
        (ExportState.PENDING, "Pending export"),
        (ExportState.REVIEW, "Failed"),
        (ExportState.HELD, "Held"),
        (ExportState.SKIPPED, "Left out"),
        (ExportState.CANCELLED, "Recorded"),
        (ExportState.POSTED, "Synced"),
    ],
)
def test_a_document_is_called_by_the_state_of_its_export(shop: Shop, state: ExportState, label: str) -> None:
    connect(shop)
    shop.product("PANEL")
    shop.stock("PANEL", "1")
    posted = {"posted_at": shop.act.at, "external_id": "theirs"} if state == ExportState.POSTED else {}
    shop.write(lambda session: session.execute(sa.update(Export).values(state=state, **posted)))
    assert column(listed(shop, "receipts"), "label") == [label]
    assert column(listed(shop, "exports"), "label") == [label]
    assert listed(shop, "receipts", filters={"label": label}).total == 1


def test_an_export_whose_answer_was_lost_is_being_checked_and_its_document_pending(shop: Shop) -> None:
    connect(shop)
    shop.product("PANEL")
    shop.stock("PANEL", "1")
    shop.write(lambda session: session.execute(sa.update(Export).values(state=ExportState.UNKNOWN)))
    assert column(listed(shop, "exports"), "label") == ["Checking"]
    assert listed(shop, "exports", filters={"label": "Pending export"}).total == 0
    assert column(listed(shop, "receipts"), "label") == ["Pending export"]
    assert listed(shop, "receipts", filters={"label": "Pending export"}).total == 1


def test_a_draft_receipt_is_called_a_draft(shop: Shop) -> None:
    shop.product("PANEL")
    shop.draft(a_line("PANEL"))
    assert column(listed(shop, "receipts"), "label") == ["Draft"]


def test_accounts_are_listed_with_the_roles_that_they_play(shop: Shop) -> None:
    connect(shop, one_account=True)
    (row,) = listed(shop, "accounts").rows
    assert row["code"] == "600"
    assert set(str(row["roles"]).split(", ")) >= {"build_debit", "build_credit", "waste"}
    assert row["organisation"] == "Acme Books"


def test_accounts_of_an_ended_connection_are_shown_when_asked_for(shop: Shop) -> None:
    connect(shop, state="disconnected", one_account=True)
    assert listed(shop, "accounts").total == 0
    assert listed(shop, "accounts", filters={"connections": "ended"}).total == 1


def sync_everything(shop: Shop, connection_id: int) -> None:
    """A run, an item, a contact and a sale, and a change that was told of."""
    a_run(shop, connection_id)
    item = {"code": "PANEL", "code_key": "panel", "name": "Panel", "is_tracked": False}
    contact = {"name": "Acme", "email": "", "is_supplier": True, "is_customer": False}
    now = shop.act.at
    shop.write(lambda session: keep(session, RemoteItem, connection_id, {"i1": item}, now))
    shop.write(lambda session: keep(session, RemoteContact, connection_id, {"c1": contact}, now))
    shop.write(lambda session: keep_sales(session, connection_id, [a_sale("s1")], now))
    told = {"subject": "contacts", "category": "CONTACT", "resource_id": "c1", "change": "UPDATE", "happened_at": "now"}
    shop.write(
        lambda session: session.add(HeardEvent(connection_id=connection_id, heard_at=now, state="waiting", **told))
    )


def reconcile_once(shop: Shop) -> None:
    """An asking of the books, and a true-up that is about their rounding."""
    now, day, zero = shop.act.at, shop.act.today, Decimal(0)
    run = ReconcileRun(
        asked_at=now,
        asked_by=shop.act.by,
        compared_on=day,
        organisation="Books",
        verdict="agrees",
        stock=zero,
        posted=zero,
        books=zero,
        difference=zero,
        unexplained=zero,
        problem="",
    )
    made = TrueUp(
        number=1,
        reference="PSB-TRU-0001",
        amount=Decimal("0.02"),
        trued_up_on=day,
        reason="",
        created_at=now,
        created_by=shop.act.by,
    )
    shop.write(lambda session: session.add_all([run, made]))


def add_people(shop: Shop) -> None:
    """A member who is signed in and has an API token, and somebody who is invited."""
    email, password = f"ann.{shop.company_id}@acme.test", "correct horse battery"

    def work(session: CompanySession) -> None:
        add_member(
            session, company_id=shop.company_id, email=email, password=password, role="viewer", name="Ann", now=NOW
        )
        person = sign_in(session, email=email, password=password)
        begin_sign_in(session, person, key=email, address="192.0.2.7", agent="Firefox", now=NOW)
        issue_token(session, membership_id=person.membership_id, name="cron", now=NOW)
        invite(session, shop.act, email=f"new.{email}", role="builder")

    shop.write(work)


@pytest.mark.parametrize("name", LISTS)
def test_no_list_shows_a_row_of_another_company(stocked: Shop, engine: sa.Engine, name: str) -> None:
    stocked.write(lambda session: open_stock(session, stocked.act, sku="BOLT", quantity="1", total_cost="2"))
    stocked.write(lambda session: start_count(session, stocked.act, skus=["PANEL"]))
    sync_everything(stocked, connect(stocked).id)
    add_listener(stocked)
    add_people(stocked)
    reconcile_once(stocked)
    stocked.stock("PANEL", "1")
    stranger = a_shop(engine)
    assert listed(stocked, name).total > 0
    assert listed(stranger, name).total == (1 if name in ("suppliers", "audit_log") else 0)
    with stranger.reading() as session:
        rows = list(rows_for_download(session, name, ListQuery()))
    own = {"suppliers": ["ACM"], "audit_log": ["ACM"]}
    assert [row.get("code") or row.get("subject") for row in rows] == own.get(name, [])


@pytest.mark.parametrize("name", LISTS)
def test_a_page_takes_three_statements_whatever_it_holds(stocked: Shop, engine: sa.Engine, name: str) -> None:
    """A long list takes one for each word that is searched for, and finds and counts in one."""
    with counting(engine) as statements:
        found = listed(stocked, name, search="a")
    selected = [s for s in statements if s.lstrip("(").startswith(("SELECT", "WITH"))]
    assert len(selected) == (3 if found.total else 1)


@pytest.mark.parametrize("name", LISTS)
def test_every_sortable_column_sorts_both_ways(stocked: Shop, name: str) -> None:
    connect(stocked)
    stocked.stock("PANEL", "1")
    for sortable in (c for c in get_table(name).columns if c.sortable):
        up = listed(stocked, name, sort=sortable.key)
        down = listed(stocked, name, sort=sortable.key, descending=True)
        assert up.total == len(up.rows) == len(down.rows)
        values = [value for value in column(up, sortable.key) if value is not None]
        keys = [str(v).casefold() if isinstance(v, str) else v for v in values]
        if sortable.kind != "text":  # a database sorts punctuation of texts in its own way
            assert keys == sorted(keys, key=lambda key: key)  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("panel", {"PANEL"}),
        ("PAN", {"PANEL"}),
        ("the bolt", {"Bolt"}),
        ("the", {"PANEL", "Bolt", "KIT"}),
        ("%", set()),
        ("_ANEL", set()),
        ("\\", set()),
        ("'; DROP TABLE products", set()),
        ("panel kit", set()),
        ("panel PANEL " * 10, {"PANEL"}),
        ("  ", {"PANEL", "Bolt", "KIT"}),
    ],
)
def test_search_finds_all_words_whatever_their_case_and_nothing_is_a_wildcard(
    stocked: Shop, search: str, found: set[str]
) -> None:
    assert set(column(listed(stocked, "products", search=search), "sku")) == found


def test_pages_part_the_rows_without_loss_or_doubling(shop: Shop) -> None:
    shop.products(*(f"P-{i:03d}" for i in range(25)))
    pages = [listed(shop, "products", sort="kind", page=page, page_size=10) for page in (1, 2, 3, 4)]
    skus = [sku for page in pages for sku in column(page, "sku")]
    assert [len(page.rows) for page in pages] == [10, 10, 5, 0]
    assert sorted(skus) == [f"P-{i:03d}" for i in range(25)]
    assert (pages[0].total, pages[0].pages) == (25, 3)


def test_a_download_holds_the_rows_of_all_pages_in_the_order_asked_for(shop: Shop) -> None:
    shop.products(*(f"P-{i:03d}" for i in range(25)))
    with shop.reading() as session:
        query = ListQuery(sort="sku", descending=True, page=2, page_size=10)
        rows: list[Row] = list(rows_for_download(session, "products", query))
    assert [row["sku"] for row in rows] == [f"P-{i:03d}" for i in reversed(range(25))]


def test_filters_narrow_a_list(stocked: Shop) -> None:
    panel = str(stocked.find("PANEL").id)
    assert listed(stocked, "lots", filters={"product": panel}).total == 3
    assert listed(stocked, "lots", filters={"product": panel, "state": "open"}).total == 2
    assert listed(stocked, "lots", filters={"from": "2026-03-02", "to": "2026-03-03"}).total == 2
    assert listed(stocked, "products", filters={"kind": "finished_good"}).total == 1
    assert listed(stocked, "products", filters={"kind": ""}).total == 3


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"sort": "password"}, "sort"),
        ({"sort": "unit_cost"}, "sort"),
        ({"page": 0}, "page"),
        ({"page": 10**9}, "page"),
        ({"page_size": 201}, "page_size"),
        ({"page_size": 0}, "page_size"),
        ({"filters": {"colour": "red"}}, "colour"),
        ({"filters": {"state": "sideways"}}, "state"),
        ({"filters": {"product": "1 OR 1=1"}}, "product"),
        ({"filters": {"product": "9" * 30}}, "product"),
        ({"filters": {"from": "yesterday"}}, "from"),
        ({"search": "a\x00b"}, "search"),
        ({"search": "x" * 201}, "search"),
        ({"search": "a b c d e f g h i j k l m n o p q"}, "search"),
    ],
)
def test_what_a_list_does_not_have_is_refused_by_name(shop: Shop, query: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        listed(shop, "lots", **query)
    assert caught.value.field == field


def test_an_unknown_list_is_not_found(shop: Shop) -> None:
    with shop.reading() as session, pytest.raises(NotFound):
        rows_for_download(session, "passwords", ListQuery())


def test_a_query_is_read_from_an_address() -> None:
    query = parse_list_query({"search": "x", "sort": "-received_on", "page": "3", "state": "open"})
    assert query == ListQuery(search="x", sort="received_on", descending=True, page=3, filters={"state": "open"})


@pytest.mark.parametrize("page", ["-1", "1.5", "٣", "x", "1e3", "9999999999"])
def test_a_page_that_is_no_number_is_refused(page: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_list_query({"page": page})
    assert caught.value.field == "page"
