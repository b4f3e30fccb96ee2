"""What a document leaves in the outbox: one frozen, balanced posting, whose rounding is on record."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from partsemble_core.domain.fifo import StockShort
from partsemble_core.domain.journals import REQUIRED_ROLES, AccountRole
from partsemble_core.errors import Invalid
from partsemble_core.plugin_api.entries import entry_bytes, entry_from_bytes
from partsemble_core.plugin_api.types import JournalEntry
from partsemble_core.services import building
from partsemble_core.services.cataloguing import CostInput
from partsemble_core.services.exporting import ALPHABET, AccountNotSet, new_token
from partsemble_core.services.house import House
from partsemble_core.services.mapping import map_account
from partsemble_core.store.connections import Connection, RemoteAccount
from partsemble_core.store.exports import Export
from partsemble_core.store.session import CompanySession
from tests.services.laws import broken_laws
from tests.services.makers import NOW, ROLES, Shop, a_line, a_shop, an_account, connect, refused

LABOUR = CostInput(kind="labour", label="Assembly", rate="25.00", quantity="0.5")
PACKAGING = CostInput(kind="other", label="Packaging", amount="2.00")
CODES = {role: f"6{number:02d}" for number, role in enumerate(ROLES, start=1)}
"""As `connect` gives them out."""


def exports_of(shop: Shop) -> list[Export]:
    return shop.rows(sa.select(Export).order_by(Export.id))


def lines_of(entry: JournalEntry) -> list[tuple[str, str]]:
    """Account code and amount of each line."""
    return [(line.account_code, str(line.amount)) for line in entry.lines]


def stocked(shop: Shop) -> Shop:
    """Ten panels for 33.34 in all, and a kit of three."""
    shop.products("panel", "kit")
    shop.receive(a_line("panel", "10", total_cost="33.34"))
    shop.bom("kit", {"panel": "3"}, LABOUR, PACKAGING)
    return shop


def test_n24_a_receipt_leaves_one_posting_of_its_total_cost(shop: Shop) -> None:
    connection = connect(shop)
    shop.products("bolt", "nut")
    receipt = shop.receive(a_line("bolt", "10", total_cost="5.01"), a_line("nut", "1", total_cost="2"), on="2026-04-30")
    (export,) = exports_of(shop)
    entry = entry_from_bytes(export.body)
    debit, credit = CODES[AccountRole.RECEIVING_DEBIT], CODES[AccountRole.RECEIVING_CREDIT]
    assert lines_of(entry) == [(debit, "7.01"), (credit, "-7.01")]
    assert (entry.reference, entry.date, entry.currency) == ("PSB-RCV-0001", dt.date(2026, 4, 30), "NZD")
    assert entry.narration == "PSB-RCV-0001 received from ACM Supplies: 10 × bolt, 1 × nut"
    assert (export.document_kind, export.document_id, export.connection_id) == ("receipt", receipt.id, connection.id)
    assert (export.state, export.doubt, export.attempts, export.external_id) == ("pending", "", 0, None)
    assert (export.exact, export.posted, export.rounding) == (Decimal("7.01"), Decimal("7.01"), 0)
    assert (export.created_at, export.posted_at) == (NOW, None)
    assert export.not_before <= dt.datetime.now(dt.UTC), "due at once, by the database's own clock"


def test_a_build_leaves_components_and_applied_costs_against_its_output(shop: Shop) -> None:
    connect(shop)
    stocked(shop).build("kit", "2")
    export = exports_of(shop)[1]
    entry = entry_from_bytes(export.body)
    assert lines_of(entry) == [
        (CODES[AccountRole.BUILD_DEBIT], "49.00"),
        (CODES[AccountRole.BUILD_CREDIT], "-20.00"),
        (CODES[AccountRole.APPLIED_COSTS], "-29.00"),
    ]
    assert (export.exact, export.posted, export.rounding) == (Decimal("49.004"), 49, Decimal("-0.004"))
    assert export.exact == shop.lots("kit")[0].cost_in
    assert entry.narration == "PSB-000001 built 2 × kit from 6 × panel"
    assert [line.description for line in entry.lines] == ["Built 2 × kit", "Used 6 × panel", "Assembly; Packaging"]
    assert broken_laws(shop) == {}


def test_without_an_account_for_applied_costs_the_build_credit_bears_them(shop: Shop) -> None:
    connect(shop, roles=REQUIRED_ROLES)
    stocked(shop).build("kit", "2")
    assert [line.amount for line in entry_from_bytes(exports_of(shop)[1].body).lines] == [49, -49]


@pytest.mark.parametrize(
    ("currency", "decimals", "amounts", "rounding"),
    [
        ("KWD", 3, ["49.004", "-20.004", "-29.000"], "0"),
        ("JPY", 0, ["49", "-20", "-29"], "-0.004"),
        ("NZD", 2, ["49.00", "-20.00", "-29.00"], "-0.004"),
    ],
)
def test_postings_are_in_the_currencys_minor_unit(
    engine: sa.Engine, currency: str, decimals: int, amounts: list[str], rounding: str
) -> None:
    shop = a_shop(engine, currency=currency, decimals=decimals)
    connect(shop)
    stocked(shop).build("kit", "2")
    export = exports_of(shop)[1]
    entry = entry_from_bytes(export.body)
    assert [str(line.amount) for line in entry.lines] == amounts
    assert (entry.currency, entry.decimals) == (currency, decimals)
    assert export.rounding == export.posted - export.exact == Decimal(rounding)
    assert broken_laws(shop) == {}


def test_over_many_documents_the_books_differ_by_the_recorded_rounding(shop: Shop) -> None:
    """Law 5, to the last digit: what went to the accounts is the stock's value and what was rounded."""
    connect(shop)
    shop.products("panel", "kit")
    for n in range(1, 8):
        shop.receive(a_line("panel", "7", total_cost=f"{n}.{n}4567{n}"))
    shop.bom("kit", {"panel": "3"}, PACKAGING)
    for quantity in ("1", "2.333333", "0.7", "5"):
        shop.build("kit", quantity)
    exports = exports_of(shop)
    worth = sum(lot.cost_in for sku in ("panel", "kit") for lot in shop.lots(sku))
    debits = [sum(line.amount for line in entry_from_bytes(export.body).lines if line.amount > 0) for export in exports]
    assert sum(export.exact for export in exports) == worth
    assert [export.posted for export in exports] == debits
    assert sum(debits) - worth == sum(export.rounding for export in exports) != 0
    assert broken_laws(shop) == {}


def test_the_bytes_are_canonical_whole_and_sealed_by_their_hash(shop: Shop) -> None:
    shop = replace(shop, act=replace(shop.act, console="https://parts.example.com"))
    connect(shop)
    build = stocked(shop).build("kit", "2")
    for export in exports_of(shop):
        entry = entry_from_bytes(export.body)
        assert entry_bytes(entry) == export.body
        assert hashlib.sha256(export.body).hexdigest() == export.body_sha256
        assert (entry.token, entry.reference) == (export.token, export.reference)
        assert json.loads(export.body)["format"] == 1
    assert entry_from_bytes(exports_of(shop)[1].body).source_url == f"https://parts.example.com/builds/{build.id}"


def test_a_token_is_twelve_characters_without_look_alikes_and_never_twice(shop: Shop) -> None:
    connect(shop)
    shop.product("bolt")
    for _ in range(5):
        shop.stock("bolt", "1")
    kept = [export.token for export in exports_of(shop)]
    made = [new_token() for _ in range(2000)]
    assert len({*kept, *made}) == 2005
    assert {len(token) for token in (*kept, *made)} == {12}
    assert set("".join(made)) == set(ALPHABET)
    assert not set(ALPHABET) & set("01ILO")


def test_nothing_is_posted_for_goods_that_were_free(shop: Shop) -> None:
    connect(shop)
    shop.products("bolt", "kit")
    shop.stock("bolt", "10", "0")
    shop.bom("kit", {"bolt": "1"})
    shop.build("kit", "1")
    for export in exports_of(shop):
        assert (export.state, export.exact, export.posted, export.rounding) == ("skipped", 0, 0, 0)
        assert "Nothing to post" in export.problem
        assert entry_from_bytes(export.body).lines == ()


def test_an_amount_that_rounds_to_nothing_is_skipped_and_its_rounding_kept(shop: Shop) -> None:
    connect(shop)
    shop.product("bolt")
    shop.stock("bolt", "1", "0.004")
    (export,) = exports_of(shop)
    assert (export.state, export.posted, export.rounding) == ("skipped", 0, Decimal("-0.004"))


def test_with_one_account_on_both_sides_there_is_nothing_to_post(shop: Shop) -> None:
    connect(shop, one_account=True)
    stocked(shop).build("kit", "2")
    assert [export.state for export in exports_of(shop)] == ["skipped", "skipped"]
    assert broken_laws(shop) == {}


@pytest.mark.parametrize("state", [None, "setup", "disconnected"])
def test_without_a_ready_connection_a_document_is_only_recorded(shop: Shop, state: str | None) -> None:
    if state is not None:
        connect(shop, state=state)
    build = stocked(shop).build("kit", "2")
    assert (build.state, exports_of(shop)) == ("completed", [])


def test_while_a_reconnection_is_needed_exports_are_kept_for_later(shop: Shop) -> None:
    connect(shop, state="reconnect_needed")
    stocked(shop).build("kit", "2")
    assert [export.state for export in exports_of(shop)] == ["pending", "pending"]


def test_a_change_of_accounts_touches_later_exports_only(shop: Shop) -> None:
    connection = connect(shop)
    shop.product("bolt")
    shop.stock("bolt", "1")
    before = exports_of(shop)[0].body
    shop.write(lambda s: s.add(an_account(connection.id, "999")))
    shop.write(lambda s: map_account(s, connection_id=connection.id, role="receiving_debit", code="999"))
    shop.stock("bolt", "1")
    first, second = exports_of(shop)
    assert first.body == before
    assert lines_of(entry_from_bytes(second.body))[0] == ("999", "1.00")


def test_a_long_list_is_cut_and_fits_every_backend(shop: Shop) -> None:
    connect(shop)
    skus = [f"part {n}" for n in range(6)]
    long = "a very long name, " * 3
    shop.products(*skus, *(long + sku for sku in skus))
    shop.receive(*(a_line(sku) for sku in skus))
    shop.receive(*(a_line(long + sku) for sku in skus))
    short, cut = (entry_from_bytes(export.body) for export in exports_of(shop))
    assert short.narration.endswith("from ACM Supplies: 10 × part 0, 10 × part 1, 10 × part 2 and 3 more")
    assert len(cut.narration) == 180
    assert {text[-1] for text in (cut.narration, cut.lines[0].description)} == {"…"}


def test_the_missing_account_is_named_and_nothing_happens(shop: Shop) -> None:
    stocked(shop)
    draft = shop.draft(a_line("panel"))
    connect(shop, roles=[AccountRole.RECEIVING_DEBIT, AccountRole.BUILD_CREDIT])
    with refused(shop, AccountNotSet, "account-not-set", field="receiving_credit", says="Receiving credit"):
        shop.confirm(draft)
    with refused(shop, AccountNotSet, "account-not-set", field="build_debit", says="Build debit"):
        shop.build("kit", "1")


@pytest.mark.parametrize(
    ("role", "code", "field", "says"),
    [
        ("nonsense", "601", "role", "There is no role 'nonsense'"),
        ("WASTE", "601", "role", "There is no role 'WASTE'"),
        ("waste", "000", "waste", "has no account with code '000'"),
        ("waste", "", "waste", "has no account with code ''"),
        ("waste", "BANK", "waste", "can't be used. A bank account can't be in a journal"),
        ("waste", "GONE", "waste", "has no account with code 'GONE'"),
    ],
)
def test_an_account_that_cannot_be_used_is_refused(shop: Shop, role: str, code: str, field: str, says: str) -> None:
    connection = connect(shop)
    gone = an_account(connection.id, "GONE")
    gone.is_gone = True
    bank = an_account(connection.id, "BANK", is_usable=False, why_not="A bank account can't be in a journal.")
    shop.write(lambda s: s.add_all([gone, bank]))
    with refused(shop, Invalid, "invalid", field=field, says=says):
        shop.write(lambda s: map_account(s, connection_id=connection.id, role=role, code=code))


def test_a_connection_is_ready_once_the_four_accounts_are_set(shop: Shop) -> None:
    connection = connect(shop, state="setup", roles=[])
    shop.write(lambda s: s.add(an_account(connection.id, "600")))
    states = []
    for role in REQUIRED_ROLES:
        shop.write(lambda s, role=role: map_account(s, connection_id=connection.id, role=role, code="600"))
        states += [found.state for found in shop.rows(sa.select(Connection))]
    assert states == ["setup", "setup", "setup", "active"]
    assert [account.code for account in shop.rows(sa.select(RemoteAccount))] == ["600"]


def test_the_bell_is_rung_for_what_was_committed_and_waits_to_be_posted(shop: Shop) -> None:
    connect(shop)
    kit = stocked(shop).find("kit").id
    rung: list[tuple[int, int, bool]] = []

    def ring(company_id: int, export_id: int) -> None:
        committed = export_id in {export.id for export in exports_of(shop)}
        rung.append((company_id, export_id, committed))

    house = a_house(shop, ring)

    def build(session: CompanySession, quantity: str = "1") -> None:
        building.build_now(session, shop.act, product_id=kit, quantity=quantity)

    def build_and_fail(session: CompanySession) -> None:
        build(session)
        raise ZeroDivisionError

    house.write(shop.company_id, build)
    assert rung == [(shop.company_id, exports_of(shop)[-1].id, True)]
    with pytest.raises(StockShort):
        house.write(shop.company_id, lambda session: build(session, "1000"))
    with pytest.raises(ZeroDivisionError):
        house.write(shop.company_id, build_and_fail)
    assert len(rung) == 1, "what was rolled back rings no bell"


def a_house(shop: Shop, ring: Callable[[int, int], None]) -> House:
    """A house of which only database, clock and bell are used."""
    nothing: Any = None
    return House(settings=nothing, engine=shop.engine, host=nothing, vault=nothing, clock=lambda: NOW, ring=ring)


def test_the_highest_receipt_is_confirmed_though_its_posting_rounds_up_past_the_limit(shop: Shop) -> None:
    connect(shop)
    shop.product("gold")
    shop.stock("gold", "1", "999999999.999999")
    (export,) = exports_of(shop)
    assert (export.posted, export.rounding) == (Decimal("1000000000"), Decimal("0.000001"))
