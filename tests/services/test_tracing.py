"""From any lot back to suppliers' lots and forward to where it is now, on one report that adds up."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from partsemble_core.domain.tracing import Share
from partsemble_core.errors import NotFound
from partsemble_core.services import adjusting, holding, reversing, tracing
from partsemble_core.services.tracing import TraceReport
from partsemble_core.store.session import CompanySession
from tests.services.estate import an_estate
from tests.services.makers import Shop, a_shop

D = Decimal


def trace(shop: Shop, lot_id: int) -> TraceReport:
    with shop.reading() as session:
        return tracing.trace_lot(session, lot_id)


def exact(value: object) -> Share:
    return Share(least=D(str(value)), most=D(str(value)))


def sources(report: TraceReport) -> list[tuple[int, str, Share]]:
    return [(source.level, source.lot.number, source.quantity) for source in report.sources]


def products(report: TraceReport) -> list[tuple[int, str, Share, Share]]:
    return [(product.level, product.lot.number, product.quantity, product.on_hand) for product in report.products]


@pytest.fixture
def kits(shop: Shop) -> Shop:
    """Boards of two chips each, kits of one board and three screws; five kits were made, of one lot of chips."""
    shop.products("chip", "board", "screw", "kit")
    shop.bom("board", {"chip": "2"})
    shop.bom("kit", {"board": "1", "screw": "3"})
    shop.stock("chip", "100", "0.50", on="2026-01-01")
    shop.stock("screw", "10", "0.01", on="2026-01-01")
    shop.stock("screw", "90", "0.02", on="2026-01-02")
    shop.build("board", "8", on="2026-02-01")
    shop.build("kit", "5", on="2026-03-01")
    return shop


def test_a_product_is_traced_back_to_every_supplier_lot_over_all_levels(kits: Shop) -> None:
    (kit,), (board,), (chip,) = kits.lots("kit"), kits.lots("board"), kits.lots("chip")
    screws = kits.lots("screw")
    report = trace(kits, kit.id)
    assert sources(report) == [
        (1, board.number, exact(5)),
        (1, screws[0].number, exact(10)),
        (1, screws[1].number, exact(5)),
        (2, chip.number, exact(10)),
    ]
    assert [(s.lot.number, s.lot.supplier, s.lot.origin) for s in report.suppliers] == [
        (screws[0].number, "ACM ACM Supplies", "PSB-RCV-0002"),
        (screws[1].number, "ACM ACM Supplies", "PSB-RCV-0003"),
        (chip.number, "ACM ACM Supplies", "PSB-RCV-0001"),
    ]
    assert report.products == () == report.problems


def test_a_supplier_lot_is_traced_to_all_it_is_in_and_what_of_it_is_still_there(kits: Shop) -> None:
    (kit,), (board,), (chip,) = kits.lots("kit"), kits.lots("board"), kits.lots("chip")
    report = trace(kits, chip.id)
    assert products(report) == [
        (1, board.number, exact(16), exact(6)),
        (2, kit.number, exact(10), exact(10)),
    ]
    assert report.balance.came_in == 100
    assert (report.balance.drawn, report.balance.on_hand, report.balance.difference) == (16, 84, 0)
    assert report.accounted == exact(100)
    assert report.customers == () == report.problems == report.sources


def test_pooled_lots_give_bounds_and_the_sheet_still_adds_up(kits: Shop) -> None:
    """Pain 20: three of five kits with pooled screws are split off; nobody knows in which the ten old screws are."""
    (kit,) = kits.lots("kit")
    kits.write(lambda session: holding.split(session, kits.act, kit.id, quantity="3"))
    report = trace(kits, kits.lots("screw")[0].id)
    assert products(report) == [
        (1, kit.number, exact(10), Share(least=D(1), most=D(6))),
        (2, f"{kit.number}-S2", Share(least=D(4), most=D(9)), Share(least=D(4), most=D(9))),
    ]
    assert report.accounted == Share(least=D(5), most=D(15))
    assert report.problems == ()


def test_splits_and_adjustments_stand_on_the_report(kits: Shop) -> None:
    (chip,) = kits.lots("chip")
    part = kits.write(lambda session: holding.split(session, kits.act, chip.id, quantity="30"))
    kits.write(lambda s: adjusting.adjust_lot(s, kits.act, chip.id, quantity="-4", reason="breakage"))
    kits.write(lambda s: adjusting.adjust_lot(s, kits.act, chip.id, quantity="1", reason="count_correction"))
    undone = kits.write(lambda s: adjusting.adjust_lot(s, kits.act, chip.id, quantity="-9", reason="loss"))
    kits.write(lambda s: reversing.reverse(s, kits.act, "adjustment", undone.id, reason="they were found"))
    report = trace(kits, chip.id)
    balance = report.balance
    assert (balance.came_in, balance.drawn, balance.split_off, balance.adjusted, balance.reversed, balance.on_hand) == (
        100, 16, 30, 3, 0, 51,
    )  # fmt: skip
    assert balance.difference == 0
    assert [(place.kind, place.reference, place.moved, place.quantity) for place in report.places] == [
        ("adjustment", "PSB-ADJ-0001", 4, exact(4)),
        ("adjustment", "PSB-ADJ-0002", -1, exact(-1)),
    ]
    assert (1, part.number, exact(30), exact(30)) in products(report)
    assert report.accounted == exact(100)
    assert report.problems == ()
    assert sources(trace(kits, part.id)) == [(1, chip.number, exact(30))]


def test_a_reversed_build_holds_nothing_and_gave_everything_back(kits: Shop) -> None:
    (kit,), (board,), (chip,) = kits.lots("kit"), kits.lots("board"), kits.lots("chip")
    kits.write(lambda s: reversing.reverse(s, kits.act, "build", kit.build_id or 0, reason="wrong day"))
    report = trace(kits, chip.id)
    assert products(report) == [(1, board.number, exact(16), exact(16))]
    assert report.accounted == exact(100)
    gone = trace(kits, kit.id)
    assert (gone.balance.came_in, gone.balance.reversed, gone.balance.on_hand) == (5, 5, 0)
    assert gone.sources == () == gone.problems


def test_a_reversed_receipt_is_all_accounted_for(shop: Shop) -> None:
    shop.products("chip")
    receipt = shop.stock("chip", "7")
    shop.write(lambda s: reversing.reverse(s, shop.act, "receipt", receipt.id, reason="sent back"))
    report = trace(shop, shop.lots("chip")[0].id)
    assert [(p.kind, p.reference, p.quantity) for p in report.places] == [("reversal", "PSB-REV-0001", exact(7))]
    assert report.balance.difference == 0
    assert report.problems == ()


def test_the_sheet_has_a_row_for_each_source_product_and_place(kits: Shop) -> None:
    (chip,) = kits.lots("chip")
    kits.write(lambda s: adjusting.adjust_lot(s, kits.act, chip.id, quantity="-4", reason="breakage"))
    rows = tracing.recall_rows(trace(kits, chip.id))
    assert [(row["what"], row["sku"], row["least"], row["most"], row["reference"]) for row in rows] == [
        ("traced", "chip", 100, 100, "PSB-RCV-0001"),
        ("made", "board", 16, 16, "PSB-000001"),
        ("on_hand", "board", 6, 6, "PSB-000001"),
        ("made", "kit", 10, 10, "PSB-000002"),
        ("on_hand", "kit", 10, 10, "PSB-000002"),
        ("on_hand", "chip", 80, 80, "PSB-RCV-0001"),
        ("adjustment", "chip", 4, 4, "PSB-ADJ-0001"),
    ]
    assert len({tuple(row) for row in rows}) == 1, "every row has the same columns"


def test_another_company_s_lot_is_not_there(kits: Shop, engine: sa.Engine) -> None:
    with pytest.raises(NotFound):
        trace(a_shop(engine), kits.lots("chip")[0].id)


def test_a_trace_of_any_size_is_the_same_few_statements(shop: Shop) -> None:
    shop.products("a", "b")
    shop.bom("b", {"a": "1"})
    shop.stock("a", "100")
    shop.build("b", "1")
    few = statements(shop, shop.lots("a")[0].id)
    for _ in range(12):
        shop.build("b", "2")
    assert statements(shop, shop.lots("a")[0].id) == few <= 4


def statements(shop: Shop, lot_id: int) -> int:
    seen: list[str] = []

    def count(*args: Any) -> None:
        if not args[2].startswith("BEGIN"):
            seen.append(args[2])

    event.listen(shop.engine, "before_cursor_execute", count)
    try:
        trace(shop, lot_id)
    finally:
        event.remove(shop.engine, "before_cursor_execute", count)
    return len(seen)


def test_ten_levels_are_followed_to_the_end(shop: Shop) -> None:
    names = [f"level-{i}" for i in range(11)]
    shop.products(*names)
    shop.stock(names[0], "1024")
    for below, above in itertools.pairwise(names):
        shop.bom(above, {below: "2"})
    for level, name in enumerate(names[1:], start=1):
        shop.build(name, str(1024 // 2**level))
    top, bottom = shop.lots(names[10])[0], shop.lots(names[0])[0]
    report = trace(shop, top.id)
    assert (report.sources[-1].level, report.sources[-1].lot.lot_id, report.sources[-1].quantity) == (
        10, bottom.id, exact(1024),
    )  # fmt: skip
    forward = trace(shop, bottom.id)
    assert (forward.products[-1].level, forward.products[-1].on_hand) == (10, exact(1024))


def test_builds_in_review_and_waste_are_places_too(engine: sa.Engine) -> None:
    """Two chips went into each: one build waits, of one half a chip is lost (one and a half came back), of one all."""
    estate = an_estate(engine)
    second = estate.lots("chip")[1]
    report = trace(estate, second.id)
    assert [(p.kind, p.moved, p.quantity) for p in report.places if p.kind in ("in_review", "waste")] == [
        ("waste", 1, exact("0.5")),
        ("waste", 1, exact(2)),
        ("in_review", 1, exact(2)),
    ]
    for sku in ("chip", "screw", "board", "kit"):
        for lot in estate.lots(sku):
            report = trace(estate, lot.id)
            assert report.problems == (), lot.number
            assert report.balance.difference == 0


def test_a_lot_that_holds_too_much_is_said_on_the_report(kits: Shop) -> None:
    (chip,) = kits.lots("chip")
    with kits.engine.connect() as connection, CompanySession(connection, company_id=kits.company_id) as session:
        session.execute(
            sa.text("UPDATE lots SET quantity_left = quantity_left - 1000000 WHERE id = :i"), {"i": chip.id}
        )
        report = tracing.trace_lot(session, chip.id)
        session.rollback()
    assert report.balance.difference == 1
    assert report.problems == (
        f"Lot {chip.number}: 1 of what came in isn't accounted for. Run the doctor.",
        "100 came in, but between 99 and 99 was found again. Run the doctor.",
    )
