"""A company in which everything has happened once: what the doctor and the trace are shown."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from partsemble_core.services import (
    adjusting,
    building,
    closing,
    counting,
    holding,
    planning,
    reversing,
    reviewing,
    valuing,
)
from partsemble_core.services.cataloguing import CostInput
from partsemble_core.store.builds import Build
from partsemble_core.store.companies import CompanyOptions
from tests.services.makers import TODAY, Shop, a_line, a_shop, connect

LABOUR = CostInput(kind="labour", label="Assembly", rate="25", quantity="0.1")


def an_estate(engine: sa.Engine) -> Shop:
    """Receipts, builds in every state, adjustments, a count, splits, reversals, exports, month ends and a lock."""
    shop = a_shop(engine)
    shop.products("chip", "screw", "board", "kit")
    shop.bom("board", {"chip": "2"})
    shop.bom("kit", {"board": "1", "screw": "3"}, LABOUR)
    shop.stock("chip", "40", "0.333333", on="2026-01-05")
    connect(shop)
    shop.receive(a_line("chip", "60", total_cost="31"), a_line("screw", "500", unit_cost="0.01"), on="2026-01-20")
    wrong = shop.stock("screw", "9", "1", on="2026-02-02")
    shop.build("board", "21", on="2026-02-10")
    shop.build("kit", "7", on="2026-03-10")
    undone = shop.build("kit", "2", on="2026-03-11")
    _reverse(shop, "build", undone.id, on="2026-03-12")
    _reverse(shop, "receipt", wrong.id, on="2026-03-12")
    _correct(shop)
    _review(shop)
    shop.write(lambda s: planning.plan_build(s, shop.act, product_id=shop.find("kit").id, quantity="1"))
    shop.write(lambda s: valuing.refresh_month_ends(s, today=TODAY))
    shop.write(lambda s: closing.lock_through(s, dt.date(2026, 2, 28), today=TODAY))
    return shop


def _reverse(shop: Shop, kind: str, document_id: int, *, on: str) -> None:
    shop.write(lambda s: reversing.reverse(s, shop.act, kind, document_id, reason="entered by mistake", reversed_on=on))


def _correct(shop: Shop) -> None:
    """Adjustments down, up and taken back, opening stock, a count, a split, a hold."""
    screw, chip = shop.lots("screw")[0], shop.lots("chip")[1]
    for quantity, reason in (("-3", "breakage"), ("1.5", "count_correction"), ("-7", "loss")):
        shop.write(lambda s, q=quantity, r=reason: adjusting.adjust_lot(s, shop.act, screw.id, quantity=q, reason=r))
    last = shop.write(lambda s: adjusting.adjust_lot(s, shop.act, screw.id, quantity="2", reason="other"))
    _reverse(shop, "adjustment", last.id, on=f"{TODAY}")
    shop.write(
        lambda s: adjusting.open_stock(s, shop.act, sku="screw", quantity="10", total_cost="0.07", on="2026-01-02")
    )
    count = shop.write(lambda s: counting.start_count(s, shop.act, lot_ids=[chip.id]))
    shop.write(lambda s: counting.enter_counts(s, shop.act, count.id, counted={chip.id: "55"}))
    shop.write(lambda s: counting.confirm_count(s, shop.act, count.id))
    part = shop.write(lambda s: holding.split(s, shop.act, chip.id, quantity="5.5"))
    shop.write(lambda s: holding.hold(s, shop.act, part.id, reason="Waits for a certificate"))


def _review(shop: Shop) -> None:
    """Under review: one build approved, three rejected (all comes back, part of it, nothing), one that waits."""
    with_review = {**closing.DEFAULTS, "qa_review": True}
    shop.write(lambda s: s.insert_missing(CompanyOptions, with_review, key=("company_id",)))
    approved, full, partial, lost, _ = (_board(shop) for _ in range(5))
    shop.write(lambda s: reviewing.approve(s, shop.act, approved.id))
    for build, recovery, recovered in (
        (full, "full", None),
        (partial, "partial", {0: "1.5"}),
        (lost, "total_loss", None),
    ):
        shop.write(
            lambda s, b=build, h=recovery, r=recovered: reviewing.reject(
                s, shop.act, b.id, reason="quality_defect", recovery=h, recovered=r
            )
        )


def _board(shop: Shop) -> Build:
    board = shop.find("board").id
    return shop.write(lambda s: building.build_now(s, shop.act, product_id=board, quantity="1"))
