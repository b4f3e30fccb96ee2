"""The whole day of a workshop, typed in: what each command changes, to the last digit, and what it refuses."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from tests.cli.test_work import SQLITE, kit, left
from tests.cli.typing_in import Shell

pytestmark = SQLITE
LOTS = ("ACM-20260301", "ACM-20260302", "ACM-20260303")


@pytest.fixture
def workshop(shell: Shell) -> Shell:
    """Panels: 20 @ 34.50, 50 @ 35.50, 100 @ 36.00; a kit is made of one."""
    kit(shell)
    return shell


def refused(shell: Shell, code: str, *words: str) -> str:
    """The words of a refusal with that code; the exit code is 1."""
    typed = shell.type(*words)
    assert (typed.code, typed.err.startswith(f"error[{code}]: ")) == (1, True), typed
    return typed.err


def total(shell: Shell, *words: str) -> Any:
    return shell.type("value", "--json", *words).json["total"]


def test_a_lot_is_adjusted_at_its_own_cost(workshop: Shell) -> None:
    words = ("adjust", LOTS[0], "-3", "--reason", "breakage")
    said = workshop.done(*words, "--notes", "Dropped", "--yes")
    assert said == f"PSB-ADJ-0001: lot {LOTS[0]} of PANEL is changed by -3, cost -103.50.\n"
    assert left(workshop) == ["17", "50", "100"]
    assert total(workshop) == "5961.5"


def test_nothing_is_changed_without_a_yes(workshop: Shell) -> None:
    workshop.done("build", "KIT", "60", "--yes")
    workshop.done("count", "start")
    for words in (
        ("adjust", LOTS[1], "-3", "--reason", "loss"),
        ("reverse", "build", "PSB-000001", "--reason", "Wrong"),
        ("count", "confirm", "PSB-CNT-0001"),
        ("count", "cancel", "PSB-CNT-0001"),
        ("lock", "--through", "2026-03-31"),
    ):
        typed = workshop.type(*words, answer="n\n")
        assert (typed.code, typed.out.endswith("Nothing was changed.\n")) == (1, True)
    assert left(workshop) == ["0", "10", "100"]
    assert workshop.type("options", "show", "--json").json["locked_through"] is None


def test_an_adjustment_that_can_t_be_is_refused(workshop: Shell) -> None:
    assert refused(workshop, "invalid", "adjust", LOTS[0], "-21", "--reason", "loss", "--yes").endswith("(quantity)\n")
    assert refused(workshop, "invalid", "adjust", LOTS[0], "2", "--reason", "loss", "--yes").endswith("(quantity)\n")
    assert refused(workshop, "invalid", "adjust", LOTS[0], "2", "--reason", "rats", "--yes").endswith("(reason)\n")
    refused(workshop, "not-found", "adjust", "GHOST", "-1", "--reason", "loss", "--yes")
    assert left(workshop) == ["20", "50", "100"]


def test_opening_stock_gets_a_lot(workshop: Shell) -> None:
    said = workshop.done("opening", "panel", "13", "--cost", "5.00", "--on", "2026-02-01")
    assert said == "PSB-ADJ-0001: lot OPEN-20260201 opens with 13 × PANEL, cost 5.00.\n"
    assert total(workshop) == "6070"
    refused(workshop, "invalid", "opening", "GHOST", "1", "--cost", "1")
    refused(workshop, "conflict", "opening", "PANEL", "1", "--cost", "1", "--lot", LOTS[0])


def test_a_held_lot_is_passed_over_until_it_is_released(workshop: Shell) -> None:
    workshop.done("hold", LOTS[0].lower(), "--reason", "Scratched")
    workshop.done("build", "KIT", "10", "--yes")
    assert left(workshop) == ["20", "40", "100"]
    refused(workshop, "wrong-state", "hold", LOTS[0], "--reason", "Again")
    workshop.done("release", LOTS[0])
    workshop.done("build", "KIT", "10", "--yes")
    assert left(workshop) == ["10", "40", "100"]
    refused(workshop, "wrong-state", "release", LOTS[0])


def test_a_split_carries_its_cost(workshop: Shell) -> None:
    assert "cost 138.00." in workshop.done("split", LOTS[0], "4")
    assert sorted(left(workshop), key=Decimal) == ["4", "16", "50", "100"]
    assert total(workshop) == "6065"
    refused(workshop, "invalid", "split", LOTS[0], "16")


def test_a_lot_is_traced_to_its_supplier_and_to_what_was_made(workshop: Shell) -> None:
    workshop.done("build", "KIT", "15", "--yes")
    workshop.done("adjust", LOTS[0], "-2", "--reason", "loss", "--yes")
    traced = workshop.type("trace", LOTS[0], "--json").json
    assert [(row["what"], row["sku"], row["least"], row["most"]) for row in traced["rows"]] == [
        ("traced", "PANEL", "20", "20"),
        ("made", "KIT", "15", "15"),
        ("on_hand", "KIT", "15", "15"),
        ("on_hand", "PANEL", "3", "3"),
        ("adjustment", "PANEL", "2", "2"),
    ]
    assert traced["rows"][0]["supplier"] == "ACM Acme Parts"
    assert (traced["balance"]["difference"], traced["problems"]) == ("0", [])
    shown = workshop.done("trace", LOTS[0], "--product", "PANEL")
    assert "Balance: 20 in = 15 drawn + 2 adjusted + 3 on hand" in shown
    csv = workshop.done("trace", LOTS[0], "--csv").splitlines()
    assert csv[0].startswith("What,Level,Product,Name,Lot,Supplier,Document")
    assert csv[2].split(",")[:3] == ["made", "1", "KIT"]
    assert len(csv) == 6


def test_a_lot_number_of_two_products_needs_the_product(workshop: Shell) -> None:
    workshop.done("opening", "KIT", "2", "--cost", "9", "--lot", LOTS[0])
    assert "KIT, PANEL. Add --product SKU." in refused(workshop, "invalid", "trace", LOTS[0])
    workshop.done("adjust", LOTS[0], "-1", "--product", "KIT", "--reason", "loss", "--yes")
    assert left(workshop) == ["20", "50", "100"]


def test_counted_differences_become_adjustments(workshop: Shell) -> None:
    assert workshop.done("count", "start", "PANEL").startswith("PSB-CNT-0001 is started: 3 lots to count")
    workshop.done("count", "enter", "psb-cnt-0001", f"{LOTS[0]}=18", f"PANEL:{LOTS[1]}=50", f"{LOTS[2]}=101")
    workshop.done("count", "enter", "PSB-CNT-0001", f"{LOTS[2]}=-")
    lines = workshop.type("count", "show", "PSB-CNT-0001", "--json").json
    assert [(line["lot"], line["variance"]) for line in lines] == [(LOTS[0], "-2"), (LOTS[1], "0"), (LOTS[2], None)]
    said = workshop.done("count", "confirm", "PSB-CNT-0001", "--yes")
    assert "Not counted, and left as they are: 1 lot.\n" in said
    assert said.endswith("PSB-CNT-0001 is confirmed: 1 adjustment, cost -69.00.\n")
    assert left(workshop) == ["18", "50", "100"]
    refused(workshop, "wrong-state", "count", "confirm", "PSB-CNT-0001", "--yes")


def test_a_count_is_given_up_once(workshop: Shell) -> None:
    workshop.done("count", "start", "PANEL")
    refused(workshop, "count-open", "count", "start")
    assert workshop.done("count", "cancel", "PSB-CNT-0001", "--yes").endswith("Nothing was adjusted.\n")
    refused(workshop, "wrong-state", "count", "cancel", "PSB-CNT-0001", "--yes")
    assert workshop.done("count", "start").startswith("PSB-CNT-0002 is started")


def test_a_count_refuses_what_is_not_on_it_and_lots_below_zero(workshop: Shell) -> None:
    refused(workshop, "invalid", "count", "start", "GHOST")
    refused(workshop, "not-found", "count", "show", "PSB-CNT-0001")
    workshop.done("count", "start", "PANEL")
    refused(workshop, "invalid", "count", "enter", "PSB-CNT-0001", "GHOST=1")
    refused(workshop, "invalid", "count", "enter", "PSB-CNT-0001", LOTS[0])
    workshop.done("count", "enter", "PSB-CNT-0001", f"{LOTS[0]}=5")
    workshop.done("build", "KIT", "10", "--yes")
    refused(workshop, "count-below-zero", "count", "confirm", "PSB-CNT-0001", "--yes")
    assert left(workshop) == ["10", "50", "100"]


def test_documents_are_reversed_newest_first(workshop: Shell) -> None:
    workshop.done("build", "KIT", "60", "--yes")
    words = ("--reason", "Entered twice", "--yes")
    assert "PSB-000001" in refused(workshop, "document-in-use", "reverse", "receipt", "PSB-RCV-0001", *words)
    said = workshop.done("reverse", "build", "psb-000001", *words)
    assert said.startswith("PSB-000001 is reversed by PSB-REV-0001")
    assert (left(workshop), total(workshop)) == (["20", "50", "100"], "6065")
    refused(workshop, "conflict", "reverse", "build", "PSB-000001", *words)
    workshop.done("reverse", "receipt", "PSB-RCV-0001", *words)
    workshop.done("adjust", LOTS[1], "-5", "--reason", "other", "--yes")
    workshop.done("reverse", "adjustment", "PSB-ADJ-0001", *words)
    assert (left(workshop), total(workshop)) == (["0", "50", "100"], "5375")
    refused(workshop, "not-found", "reverse", "build", "PSB-000002", *words)
    assert workshop.type("reverse", "supplier", "ACM", *words).code == 2


def test_a_planned_build_is_executed_by_its_number(workshop: Shell) -> None:
    assert workshop.done("plan", "KIT", "60", "--target", "2999-01-01") == "PSB-000001 is planned: 60 × KIT.\n"
    assert left(workshop) == ["20", "50", "100"]
    assert workshop.type("execute", "PSB-000001", answer="n\n").out.endswith("Nothing was built.\n")
    said = workshop.done("execute", "psb-000001", "--yes")
    assert "2,110.00" in said
    assert said.endswith("PSB-000001 is built: 60 × KIT.\n")
    assert left(workshop) == ["0", "10", "100"]
    refused(workshop, "wrong-state", "execute", "PSB-000001", "--yes")
    workshop.done("plan", "KIT", "111")
    refused(workshop, "stock-short", "execute", "PSB-000002", "--yes")
    refused(workshop, "not-found", "execute", "PSB-000003", "--yes")
    refused(workshop, "no-active-bom", "plan", "PANEL", "1")


def test_a_build_under_review_comes_in_when_it_is_approved(workshop: Shell) -> None:
    workshop.done("options", "set", "qa_review", "on")
    said = workshop.done("build", "KIT", "60", "--yes")
    assert "It waits for review: partsemble approve PSB-000001" in said
    assert total(workshop) == "3955"
    assert workshop.done("approve", "PSB-000001", "--note", "Good") == "PSB-000001 is approved: 60 × KIT came in.\n"
    assert total(workshop) == "6065"
    refused(workshop, "wrong-state", "approve", "PSB-000001")


def test_who_built_may_not_approve_where_another_is_asked_for(workshop: Shell) -> None:
    for name in ("qa_review", "approver_differs"):
        workshop.done("options", "set", name, "on")
    workshop.done("build", "KIT", "1", "--yes")
    refused(workshop, "forbidden", "approve", "PSB-000001")


@pytest.mark.parametrize(
    ("recovery", "lots", "waste"),
    [
        (["full"], ["20", "50", "100"], "0.00"),
        (["total_loss"], ["0", "10", "100"], "2,110.00"),
        (["partial", "--recovered", "panel=45"], ["5", "50", "100"], "517.50"),  # 40 @ 35.50 and 5 @ 34.50 come back
    ],
)
def test_a_rejected_build_gives_back_what_can_be_used(
    workshop: Shell, recovery: list[str], lots: list[str], waste: str
) -> None:
    workshop.done("options", "set", "qa_review", "on")
    workshop.done("build", "KIT", "60", "--yes")
    words = ("reject", "PSB-000001", "--reason", "quality_defect", "--recovery", *recovery)
    assert workshop.type(*words, answer="n\n").code == 1
    assert workshop.done(*words, "--yes") == f"PSB-000001 is rejected, waste {waste}.\n"
    assert left(workshop) == lots


def test_a_rejection_that_is_not_clear_is_refused(workshop: Shell) -> None:
    workshop.done("options", "set", "qa_review", "on")
    workshop.done("build", "KIT", "60", "--yes")
    words = ("reject", "PSB-000001", "--yes", "--reason")
    for wrong in (
        ("bad", "--recovery", "full"),
        ("other", "--recovery", "some"),
        ("other", "--recovery", "partial"),
        ("other", "--recovery", "full", "--recovered", "PANEL=1"),
        ("other", "--recovery", "partial", "--recovered", "PANEL=61"),
        ("other", "--recovery", "partial", "--recovered", "KIT=1"),
        ("other", "--recovery", "partial", "--recovered", "PANEL=1", "--recovered", "PANEL=2"),
    ):
        refused(workshop, "invalid", *words, *wrong)
    assert left(workshop) == ["0", "10", "100"]


def test_short_sub_assemblies_are_built_first(workshop: Shell) -> None:
    workshop.done("product", "add", "CASE", "Case", "--kind", "finished_good")
    workshop.done("bom", "set", "CASE", "KIT=2")
    refused(workshop, "stock-short", "build", "CASE", "5", "--yes")
    said = workshop.done("build", "CASE", "5", "--with-subassemblies", "--yes")
    assert "First: 10 × KIT for 345.00" in said
    assert said.endswith("PSB-000002 is built: 5 × CASE.\n")
    assert left(workshop) == ["10", "50", "100"]
    assert workshop.type("lots", "CASE", "--json").json[0]["quantity_left"] == "5"
    workshop.done("plan", "CASE", "1")
    refused(workshop, "stock-short", "execute", "PSB-000003", "--yes")
    assert "First: 2 × KIT for 69.00" in workshop.done("execute", "PSB-000003", "--with-subassemblies", "--yes")
    assert left(workshop) == ["8", "50", "100"]


def test_freight_is_part_of_what_goods_cost(workshop: Shell) -> None:
    said = workshop.done(
        "receive", "--supplier", "ACM", "PANEL=1@10", "KIT=3@10", "--freight", "20", "--by", "quantity"
    )
    assert "2 lines, 60.00" in said
    assert workshop.type("lots", "KIT", "--json").json[0]["cost_left"] == "45"
    refused(workshop, "invalid", "receive", "--supplier", "ACM", "PANEL=1@10", "--freight", "2", "--by", "colour")


def test_a_receipt_in_another_currency_is_kept_at_its_rate(workshop: Shell) -> None:
    words = ("receive", "--supplier", "ACM", "KIT=4@10", "--freight", "2", "--currency", "EUR")
    assert "1 line, 46.20" in workshop.done(*words, "--rate", "1.1")
    refused(workshop, "invalid", *words)


def test_stock_has_its_value_on_every_day(workshop: Shell) -> None:
    days = {day: total(workshop, "--on", day) for day in ("2026-02-28", "2026-03-01", "2026-03-02", "2026-03-03")}
    assert list(days.values()) == ["0", "690", "2465", "6065"]
    assert "Value at the end of 2026-03-02: 2,465.00" in workshop.done("value", "--on", "2026-03-02")
    assert total(workshop, "--known-at", "2026-03-02T12:00Z") == "0"
    assert total(workshop, "--known-at", "2026-03-02") == "0"
    assert total(workshop, "--known-at", "2999-01-01") == total(workshop)
    for wrong in (("--on", "soon"), ("--on", "2999-01-01"), ("--known-at", "2026-03-02T12:00"), ("--known-at", "x")):
        refused(workshop, "invalid", "value", *wrong)


def test_options_are_shown_and_set(workshop: Shell) -> None:
    workshop.done("options", "set", "block_expired", "on")
    workshop.done("options", "set", "draw_order", "FEFO")
    shown = {
        "qa_review": False, "approver_differs": False, "reserve_stock": False, "block_expired": True,
        "draw_order": "fefo", "export_receipts": "automatic", "export_builds": "automatic",
        "export_adjustments": "automatic", "locked_through": None,
    }  # fmt: skip
    assert workshop.type("options", "show", "--json").json == shown
    assert "block_expired       on\n" in workshop.done("options", "show")
    workshop.done("options", "set", "block_expired", "off")
    assert workshop.type("options", "show", "--json").json == shown | {"block_expired": False}
    for wrong in (("qa_review", "maybe"), ("draw_order", "on"), ("locked_through", "on"), ("id", "on")):
        assert refused(workshop, "invalid", "options", "set", *wrong).endswith(f"({wrong[0]})\n")


def test_a_locked_period_takes_no_document_until_it_is_opened(workshop: Shell) -> None:
    workshop.done("lock", "--through", "2026-03-31", "--yes")
    assert workshop.type("options", "show", "--json").json["locked_through"] == "2026-03-31"
    words = ("receive", "--supplier", "ACM", "--on", "2026-03-31", "KIT=1@1")
    refused(workshop, "period-locked", *words)
    refused(workshop, "invalid", "lock", "--through", "2999-01-01", "--yes")
    refused(workshop, "invalid", "lock", "--through", "soon", "--yes")
    workshop.done("lock", "--open", "--yes")
    workshop.done(*words)
    assert workshop.type("lock").code == 2


def test_the_doctor_finds_nothing_or_names_the_row(workshop: Shell) -> None:
    workshop.done("build", "KIT", "60", "--yes")
    assert workshop.done("doctor", "--replay") == "Every law holds.\n"
    engine = sa.create_engine(workshop.database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE lots SET quantity_left = quantity_left - 1000000 WHERE id = 3")
    engine.dispose()
    for words in (["doctor"], ["doctor", "--replay"]):
        typed = workshop.type(*words)
        assert (typed.code, typed.err) == (1, "")
        assert "lot-left: lots 3: " in typed.out
        assert ("replay-lot: lots 3: " in typed.out) == ("--replay" in words)
    assert left(workshop) == ["0", "10", "99"], "it repairs nothing"


def test_today_is_the_company_s_day(workshop: Shell) -> None:
    workshop.done("adjust", LOTS[0], "-1", "--reason", "loss", "--yes")
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    assert (total(workshop), total(workshop, "--on", str(yesterday))) == ("6030.5", "6065")
