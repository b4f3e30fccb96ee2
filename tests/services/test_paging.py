"""A page is a slice of the whole list, however it is found: from the front or the end, by few ids or by all rows."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from partsemble_core.services.adjusting import open_stock
from partsemble_core.services.cataloguing import create_product
from partsemble_core.services.counting import start_count
from partsemble_core.services.holding import split
from partsemble_core.services.listing import LISTS, ListQuery, Row, get_table, paging, rows_for_download
from partsemble_core.services.planning import plan_build
from partsemble_core.services.receiving import LineInput
from partsemble_core.services.reversing import reverse
from partsemble_core.store.session import CompanySession
from tests.services.makers import Shop, a_shop, connect

TWO = 2


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    """Something of most kinds, with values that are missing (expiry, day of build, posting) beside some that aren't."""
    connect(shop)
    shop.products("PANEL", "Bolt", "_nut")
    kit = shop.product("KIT", kind="finished_good")
    for day, quantity in ((1, "20"), (2, "50"), (3, "100")):
        shop.stock("PANEL", quantity, "34.50", on=f"2026-03-0{day}")
    shop.receive(LineInput(sku="Bolt", quantity="7", unit_cost="0.01", expires_on="2027-01-01"), on="2026-03-02")
    shop.bom("KIT", {"PANEL": "1"})
    for quantity in ("60", "1", "2"):
        shop.build("KIT", quantity, on="2026-03-05")
    shop.write(lambda session: plan_build(session, shop.act, product_id=kit.id, quantity="3"))
    shop.write(lambda session: open_stock(session, shop.act, sku="Bolt", quantity="1", total_cost="2"))
    shop.write(lambda session: start_count(session, shop.act, skus=["PANEL"]))
    return shop


def pages_of(session: CompanySession, name: str, query: ListQuery) -> list[Row]:
    first = LISTS[name](session, query)
    rest = range(2, first.pages + 1)
    more = [LISTS[name](session, ListQuery(**{**_as_given(query), "page": page})) for page in rest]
    return [row for page in (first, *more) for row in page.rows]


def _as_given(query: ListQuery) -> dict[str, object]:
    names = ("search", "sort", "descending", "page_size", "filters")
    return {name: getattr(query, name) for name in names}


@pytest.mark.parametrize("name", LISTS)
def test_all_pages_together_are_the_list_in_its_order(stocked: Shop, name: str) -> None:
    keys = ["", *(column.key for column in get_table(name).columns if column.sortable)]
    with stocked.reading() as session:
        for key in keys:
            for descending in (False, True):
                query = ListQuery(sort=key, descending=descending, page_size=TWO)
                whole = list(rows_for_download(session, name, query))
                assert pages_of(session, name, query) == whole, (key, descending)


@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.parametrize("search", ["panel", "PSB-0000", "crew", "PANEL psb", "_", "zzz"])
def test_the_ledger_is_searched_alike_whether_few_or_many_are_found(
    stocked: Shop, monkeypatch: pytest.MonkeyPatch, search: str, few: int
) -> None:
    """Compared with what every row of the ledger says."""
    monkeypatch.setattr(paging, "FEW", few)
    read = ("reference", "product_sku", "lot_number", "recorded_by")
    with stocked.reading() as session:
        every = list(rows_for_download(session, "entries", ListQuery()))
        found = pages_of(session, "entries", ListQuery(search=search, page_size=TWO))
    texts = {row["id"]: [str(row[key]).lower() for key in read] for row in every}
    wanted = [
        row["id"]
        for row in every
        if all(any(word in text for text in texts[row["id"]]) for word in search.lower().split())
    ]
    assert [row["id"] for row in found] == wanted


@pytest.mark.parametrize("search", ["étui", "ÉTUI", "Étu"])
def test_letters_beyond_ascii_are_found_in_any_case(shop: Shop, search: str) -> None:
    add_named(shop, "ÉTUI-1", "étui noir")
    with shop.reading() as session:
        found = LISTS["products"](session, ListQuery(search=search)).total
        postgres_knows_ascii_alone = session.get_bind().dialect.name == "postgresql"
    assert found == 1 or postgres_knows_ascii_alone


@pytest.mark.parametrize("search", ["%", "/", "a_b", "\\"])
def test_what_a_pattern_is_made_of_is_searched_for_as_it_is(shop: Shop, search: str) -> None:
    shop.products("axb", "A-1")
    add_named(shop, "ODD", f"is {search} odd")
    with shop.reading() as session:
        assert [row["sku"] for row in LISTS["products"](session, ListQuery(search=search)).rows] == ["ODD"]


def test_a_search_of_the_ledger_stays_in_the_company(stocked: Shop, engine: sa.Engine) -> None:
    stranger = a_shop(engine)
    with stranger.reading() as session:
        assert LISTS["entries"](session, ListQuery(search="PSB")).total == 0
    with stocked.reading() as session:
        assert LISTS["entries"](session, ListQuery(search="PSB")).total > 0


def add_named(shop: Shop, sku: str, name: str) -> None:
    shop.write(lambda session: create_product(session, shop.act, sku=sku, name=name))


@pytest.mark.parametrize("sort", ["", "cost", "reference"])
def test_a_search_of_a_long_list_pages_so_far_and_says_that_there_are_more(
    stocked: Shop, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    with stocked.reading() as session:
        whole = list(rows_for_download(session, "entries", ListQuery(search="panel", sort=sort)))
        monkeypatch.setattr(paging, "MOST_FOUND", len(whole) - 1)
        query = ListQuery(search="panel", sort=sort, page_size=TWO)
        first = LISTS["entries"](session, query)
        assert (first.total, first.has_more) == (len(whole) - 1, True)
        assert pages_of(session, "entries", query) == whole[:-1]
        monkeypatch.setattr(paging, "MOST_FOUND", len(whole))
        first = LISTS["entries"](session, query)
        assert (first.total, first.has_more) == (len(whole), False)
        assert not LISTS["entries"](session, ListQuery(page_size=TWO)).has_more


def test_every_entry_is_found_by_its_document(stocked: Shop) -> None:
    """Also what a split or a reversal moved."""
    lot = next(lot for lot in stocked.lots("PANEL") if lot.quantity_left)
    stocked.write(lambda session: split(session, stocked.act, lot.id, quantity="1"))
    build = stocked.build("KIT", "1", on="2026-03-05")
    stocked.write(lambda session: reverse(session, stocked.act, "build", build.id, reason="A slip"))
    with stocked.reading() as session:
        every = list(rows_for_download(session, "entries", ListQuery()))
        assert {row["kind"] for row in every} == {"receipt", "build", "adjustment", "split", "reversal"}
        for row in every:
            query = ListQuery(search=str(row["reference"]))
            assert row["id"] in {found["id"] for found in rows_for_download(session, "entries", query)}
            assert row["id"] in {found["id"] for found in LISTS["entries"](session, query).rows}
