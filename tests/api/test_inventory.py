from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from partsemble_core.store.companies import Role
from tests.api.callers import Firm
from tests.api.test_work import kit, stock
from tests.services.makers import connect, contents

BUILD = {"sku": "KIT", "quantity": "60", "built_on": "2026-03-10"}


def built(firm: Firm) -> Any:
    """Sixty kits from panels of three lots, as in N1."""
    kit(firm)
    return firm.owner.send("POST", "/builds", BUILD, status=201)


def reviewed(firm: Firm, quantity: str = "60") -> Any:
    """A build that waits for review."""
    kit(firm)
    firm.owner.send("PUT", "/company/options", {"qa_review": True})
    build = firm.owner.send("POST", "/builds", {**BUILD, "quantity": quantity}, status=201)
    assert (build["label"], build["lot_id"], build["export_id"]) == ("Pending QA", None, None)
    return build


def panels(firm: Firm) -> list[tuple[str, str]]:
    """Quantity and cost left of each lot of panels, oldest first."""
    rows = firm.owner.get("/lots?sort=received_on&search=panel")["rows"]
    return [(row["quantity_left"], firm.owner.get(f"/lots/{row['id']}")["cost_left"]) for row in rows]


def test_a_reversed_build_gives_everything_back_to_the_lots_it_came_from(firm: Firm) -> None:
    build = built(firm)
    assert panels(firm) == [("0", "0"), ("10", "355"), ("100", "3600")]
    undone = firm.owner.send("POST", f"/builds/{build['id']}/reverse", {"reason": "wrong kit"}, status=201)
    assert (undone["reference"], undone["reversed_reference"]) == ("PSB-REV-0001", build["reference"])
    assert panels(firm) == [("20", "690"), ("50", "1775"), ("100", "3600")]
    assert firm.owner.get(f"/builds/{build['id']}")["label"] == "Reversed"
    again = firm.owner.refused("POST", f"/builds/{build['id']}/reverse", {"reason": "again"})
    assert again[:2] == (409, "conflict")


def test_a_receipt_in_use_names_every_document_in_the_way(firm: Firm) -> None:
    build = built(firm)
    receipt_id = firm.owner.get("/receipts?sort=received_on")["rows"][0]["id"]
    answer = firm.owner.call("POST", f"/receipts/{receipt_id}/reverse", json={"reason": "sent back"})
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "document-in-use")
    assert answer.json["error"]["references"] == [build["reference"]]
    firm.owner.send("POST", f"/builds/{build['id']}/reverse", {"reason": "first this"}, status=201)
    firm.owner.send("POST", f"/receipts/{receipt_id}/reverse", {"reason": "sent back"}, status=201)
    assert panels(firm) == [("0", "0"), ("50", "1775"), ("100", "3600")]


def test_a_lot_is_adjusted_at_its_cost_and_the_adjustment_taken_back(firm: Firm) -> None:
    kit(firm)
    lot_id = firm.shop.lots("PANEL")[0].id
    body = {"quantity": "-3", "reason": "breakage", "notes": "fell"}
    made = firm.owner.send("POST", f"/lots/{lot_id}/adjust", body, status=201)
    assert (made["reference"], made["quantity"], made["cost"]) == ("PSB-ADJ-0001", "-3", "-103.5")
    assert panels(firm)[0] == ("17", "586.5")
    assert firm.callers[Role.VIEWER].get(f"/adjustments/{made['id']}") == made
    firm.owner.send("POST", f"/adjustments/{made['id']}/reverse", {"reason": "found"}, status=201)
    assert panels(firm)[0] == ("20", "690")
    assert firm.owner.get(f"/adjustments/{made['id']}")["state"] == "reversed"


def test_opening_stock_opens_a_lot_at_its_cost(firm: Firm) -> None:
    firm.shop.product("BOLT")
    body = {"sku": "bolt", "quantity": "40", "total_cost": "10.00", "on": "2026-04-04"}
    made = firm.owner.send("POST", "/stock/opening", body, status=201)
    assert (made["is_opening"], made["cost"]) == (True, "10")
    lot = firm.owner.get(f"/lots/{made['lot_id']}")
    assert (lot["number"], lot["quantity_left"], lot["unit_cost"]) == ("OPEN-20260404", "40", "0.25")
    assert lot["adjustment_id"] == made["id"]


def test_a_held_lot_is_passed_over_until_it_is_released(firm: Firm) -> None:
    kit(firm)
    lot_id = firm.shop.lots("PANEL")[0].id
    held = firm.owner.send("POST", f"/lots/{lot_id}/hold", {"reason": "damp"})
    assert (held["state"], held["hold_reason"]) == ("held", "damp")
    ask = {"sku": "KIT", "quantity": "10"}
    assert firm.owner.send("POST", "/builds/preview", ask)["total_cost"] == "355"
    assert firm.owner.send("POST", f"/lots/{lot_id}/release")["state"] == "open"
    assert firm.owner.send("POST", "/builds/preview", ask)["total_cost"] == "345"
    assert firm.owner.refused("POST", f"/lots/{lot_id}/release") == (409, "wrong-state", None)


def test_a_split_carries_cost_exactly(firm: Firm) -> None:
    kit(firm)
    lot_id = firm.shop.lots("PANEL")[0].id
    parts = firm.owner.send("POST", f"/lots/{lot_id}/split", {"quantity": "7"}, status=201)
    assert (parts["stays"]["quantity_left"], parts["stays"]["cost_left"]) == ("13", "448.5")
    assert (parts["moved"]["quantity_left"], parts["moved"]["cost_left"]) == ("7", "241.5")
    assert parts["moved"]["split_from_id"] == lot_id


def test_an_approved_build_brings_its_lot_at_exactly_its_cost(firm: Firm) -> None:
    build = reviewed(firm)
    done = firm.owner.send("POST", f"/builds/{build['id']}/approve", {"note": "good"})
    assert (done["state"], done["review_note"], done["total_cost"]) == ("completed", "good", "2110")
    assert firm.owner.get(f"/lots/{done['lot_id']}")["cost_in"] == "2110"


@pytest.mark.parametrize(
    ("body", "waste", "left"),
    [
        ({"recovery": "full"}, "0", [("20", "690"), ("50", "1775"), ("100", "3600")]),
        ({"recovery": "total_loss"}, "2110", [("0", "0"), ("10", "355"), ("100", "3600")]),
        (
            {"recovery": "partial", "recovered": {"0": "45"}},
            "517.5",
            [("5", "172.5"), ("50", "1775"), ("100", "3600")],
        ),
    ],
)
def test_a_rejected_build_gives_back_what_can_be_used_and_the_rest_is_waste(
    firm: Firm, body: dict[str, Any], waste: str, left: list[tuple[str, str]]
) -> None:
    build = reviewed(firm)
    done = firm.owner.send("POST", f"/builds/{build['id']}/reject", {"reason": "quality_defect", **body})
    assert (done["state"], done["waste_cost"], done["recovery"]) == ("rejected", waste, body["recovery"])
    assert panels(firm) == left


def test_a_rejection_names_what_is_wrong_with_it(firm: Firm) -> None:
    path = f"/builds/{reviewed(firm)['id']}/reject"
    partial = {"reason": "other", "recovery": "partial"}
    assert firm.owner.refused("POST", path, {"reason": "mood", "recovery": "full"}) == (422, "invalid", "reason")
    assert firm.owner.refused("POST", path, {"reason": "other", "recovery": "some"}) == (422, "invalid", "recovery")
    for recovered, field in (
        ({"0": "61"}, "recovered[0]"),
        ({"7": "1"}, "recovered[7]"),
        ({"0": 5}, "recovered[0]"),
        ({"panel": "1"}, "recovered"),
        ({"0": "1", "00": "2"}, "recovered"),
    ):
        assert firm.owner.refused("POST", path, {**partial, "recovered": recovered}) == (422, "invalid", field)


def test_planned_builds_are_ordered_edited_and_executed(firm: Firm) -> None:
    kit(firm)
    body = {"sku": "KIT", "quantity": "5", "target_on": "2026-12-01", "assignee": "Ann"}
    first = firm.owner.send("POST", "/builds/plan", body, status=201)
    second = firm.owner.send("POST", "/builds/plan", {"sku": "KIT", "quantity": "20"}, status=201)
    assert (first["label"], first["target_on"], first["built_on"]) == ("Planned", "2026-12-01", None)
    ordered = firm.owner.send("PUT", "/builds/planned/order", {"build_ids": [second["id"], first["id"]]})
    assert [row["id"] for row in ordered["rows"]] == [second["id"], first["id"]]
    assert firm.owner.get("/builds/planned") == ordered
    lines = [{"sku": "PANEL", "quantity": "2"}]
    edited = firm.owner.send("PUT", f"/builds/{first['id']}", {"components": lines, "target_on": None})
    assert (edited["is_modified"], edited["target_on"], edited["assignee"]) == (True, None, "Ann")
    assert edited["components"][0]["quantity_needed"] == "10"
    preview = firm.owner.send("POST", f"/builds/{first['id']}/preview", {})
    done = firm.owner.send("POST", f"/builds/{first['id']}/execute", {"built_on": "2026-03-10"})
    assert done["total_cost"] == preview["total_cost"] == "345"
    assert (done["id"], done["reference"], done["label"]) == (first["id"], first["reference"], "Recorded")
    assert firm.owner.refused("POST", f"/builds/{first['id']}/execute", {}) == (409, "wrong-state", None)
    assert firm.owner.send("POST", f"/builds/{second['id']}/cancel")["label"] == "Cancelled"
    assert firm.owner.get("/builds/planned")["rows"] == []


def test_a_planned_build_is_refreshed_to_the_active_version(firm: Firm) -> None:
    kit(firm)
    build = firm.owner.send("POST", "/builds/plan", {"sku": "KIT", "quantity": "5"}, status=201)
    firm.shop.bom("KIT", {"PANEL": "3"})
    assert firm.owner.get(f"/builds/{build['id']}")["components"][0]["quantity_needed"] == "5"
    fresh = firm.owner.send("POST", f"/builds/{build['id']}/refresh")
    assert (fresh["bom_version"], fresh["components"][0]["quantity_needed"]) == (2, "15")


def test_lots_are_picked_by_hand(firm: Firm) -> None:
    kit(firm)
    last = firm.shop.lots("PANEL")[2].id
    body = {"sku": "KIT", "quantity": "10", "lots": {"0": [{"lot_id": last, "quantity": "10"}]}}
    assert firm.owner.send("POST", "/builds/preview", body)["total_cost"] == "360"
    assert firm.owner.send("POST", "/builds", body, status=201)["total_cost"] == "360"
    for lots, field in (
        ({"0": [{"lot_id": last, "quantity": "9"}]}, "lots[0]"),
        ({"0": [{"lot_id": 10**12, "quantity": "10"}]}, "lots[0]"),
        ({"0": [{"lot_id": 10**30, "quantity": "10"}]}, "lots[0][0].lot_id"),
        ({"0": [{"lot_id": str(last), "quantity": "10"}]}, "lots[0][0].lot_id"),
        ({"4": []}, "lots[4]"),
    ):
        assert firm.owner.refused("POST", "/builds", {**body, "lots": lots}) == (422, "invalid", field)


def test_short_sub_assemblies_are_built_first(firm: Firm) -> None:
    firm.shop.products("BOARD", "UNIT", "CHIP")
    stock(firm, "CHIP", "8", "2.50", "2026-03-01")
    firm.shop.bom("BOARD", {"CHIP": "2"})
    firm.shop.bom("UNIT", {"BOARD": "1"})
    ask = {"sku": "UNIT", "quantity": "3", "build_subassemblies": True}
    preview = firm.owner.send("POST", "/builds/preview", ask)
    assert [(row["sku"], row["quantity"], row["total_cost"]) for row in preview["built_first"]] == [
        ("BOARD", "3", "15")
    ]
    assert preview["components"][0]["draws"] == [
        {"lot_id": None, "lot_number": "built first", "quantity": "3", "cost": "15"}
    ]
    assert firm.owner.send("POST", "/builds", ask, status=201)["total_cost"] == "15"
    assert firm.owner.get("/builds")["total"] == 2


def test_a_recall_goes_back_and_forth_and_balances(firm: Firm) -> None:
    build = built(firm)
    lot_id = firm.shop.lots("PANEL")[0].id
    trace = firm.callers[Role.VIEWER].get(f"/lots/{lot_id}/trace")
    assert [made["lot"]["lot_id"] for made in trace["products"]] == [build["lot_id"]]
    assert trace["products"][0]["quantity"] == {"least": "20", "most": "20"}
    assert (trace["balance"]["came_in"], trace["balance"]["drawn"], trace["balance"]["difference"]) == ("20", "20", "0")
    back = firm.owner.get(f"/lots/{build['lot_id']}/trace")
    assert [(s["lot"]["supplier"], s["quantity"]["most"]) for s in back["suppliers"]] == [
        ("ACM ACM Supplies", "20"),
        ("ACM ACM Supplies", "40"),
    ]
    answer = firm.owner.call("GET", f"/lots/{lot_id}/trace.csv")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [(row["what"], row["sku"], row["most"]) for row in rows] == [
        ("traced", "PANEL", "20"),
        ("made", "KIT", "20"),
        ("on_hand", "KIT", "20"),
        ("on_hand", "PANEL", "0"),
    ]
    assert answer.headers["Content-Disposition"] == f"attachment; filename=trace-{lot_id}.csv"


def test_value_of_stock_is_known_at_any_day_and_as_known_then(firm: Firm) -> None:
    built(firm)
    assert firm.owner.get("/valuation?on=2026-03-02")["total"] == "2465"
    then = firm.owner.get("/valuation?on=2026-03-10")
    assert (then["total"], then["by_kind"]) == ("6065", {"component": "3955", "finished_good": "2110"})
    assert [(p["sku"], p["quantity"], p["value"]) for p in then["products"]] == [
        ("KIT", "60", "2110"),
        ("PANEL", "110", "3955"),
    ]
    assert [lot["cost"] for lot in then["products"][1]["lots"]] == ["355", "3600"]
    assert firm.owner.get("/valuation?on=2026-03-10&known_at=2026-01-01T00:00:00Z")["total"] == "0"
    trend = firm.owner.get("/valuation/trend")["rows"]
    assert (len(trend), trend[-1]["value"]) == (13, "6065")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/valuation?on=2999-01-01", "on"),
        ("/valuation?on=today", "on"),
        ("/valuation?known_at=2026-01-01", "known_at"),
        ("/valuation?known_at=2026-01-01T00:00:00", "known_at"),
        ("/valuation?known_at=0001-01-01T00:00:00%2B23:00", "known_at"),
        ("/valuation?known_at=2026-13-01T00:00:00Z", "known_at"),
        ("/doctor?replay=yes", "replay"),
    ],
)
def test_a_question_that_can_not_be_answered_names_its_field(firm: Firm, path: str, field: str) -> None:
    assert firm.owner.refused("GET", path) == (422, "invalid", field)


def test_the_doctor_finds_nothing_wrong_with_sound_books(firm: Firm) -> None:
    built(firm)
    well = {"is_well": True, "findings": []}
    assert firm.owner.get("/doctor") == firm.owner.get("/doctor?replay=true") == well


def test_the_doctor_names_what_is_broken(firm: Firm) -> None:
    kit(firm)
    lot = firm.shop.lots("PANEL")[0]

    def corrupt(session: Any) -> None:
        session.get(type(lot), lot.id).cost_left -= 1

    firm.shop.write(corrupt)
    found = firm.owner.get("/doctor?replay=true")
    assert found["is_well"] is False
    assert {finding["law"] for finding in found["findings"]} >= {"replay-lot"}
    assert any(lot.id in finding["ids"] for finding in found["findings"])


def test_options_are_turned_one_by_one(firm: Firm) -> None:
    assert firm.owner.get("/company/options")["qa_review"] is False
    firm.owner.send("PUT", "/company/options", {"qa_review": True})
    options = firm.owner.send("PUT", "/company/options", {"draw_order": "fefo"})
    assert (options["qa_review"], options["draw_order"], options["locked_through"]) == (True, "fefo", None)
    assert firm.owner.refused("PUT", "/company/options", {"draw_order": "lifo"}) == (422, "invalid", "draw_order")
    assert firm.owner.refused("PUT", "/company/options", {"qa_review": "yes"}) == (422, "invalid", "qa_review")


def test_nothing_is_dated_in_a_locked_period(firm: Firm) -> None:
    kit(firm)
    accountant = firm.callers[Role.ACCOUNTANT]
    locked = accountant.send("PUT", "/company/locked-through", {"locked_through": "2026-03-31"})
    assert locked["locked_through"] == "2026-03-31"
    before = contents(firm.shop)
    assert firm.owner.refused("POST", "/builds", BUILD) == (409, "period-locked", "built_on")
    lot_id = firm.shop.lots("PANEL")[0].id
    body = {"quantity": "-1", "reason": "loss", "adjusted_on": "2026-03-31"}
    assert firm.owner.refused("POST", f"/lots/{lot_id}/adjust", body) == (409, "period-locked", "adjusted_on")
    assert contents(firm.shop) == before
    for wrong in ("2999-01-01", "soon"):
        body = {"locked_through": wrong}
        assert firm.owner.refused("PUT", "/company/locked-through", body) == (422, "invalid", "locked_through")
    assert accountant.send("PUT", "/company/locked-through", {"locked_through": None})["locked_through"] is None
    firm.owner.send("POST", "/builds", BUILD, status=201)


def test_a_count_shows_its_variances_and_makes_them_adjustments(firm: Firm) -> None:
    kit(firm)
    lots = [lot.id for lot in firm.shop.lots("PANEL")]
    count = firm.owner.send("POST", "/counts", {"skus": ["PANEL"]}, status=201)
    assert (count["reference"], [line["expected"] for line in count["lines"]]) == ("PSB-CNT-0001", ["20", "50", "100"])
    path = f"/counts/{count['id']}"
    entered = firm.owner.send("PUT", f"{path}/lines", {"counted": {str(lots[0]): "18", str(lots[1]): "50"}})
    assert [line["variance"] for line in entered["lines"]] == ["-2", "0", None]
    done = firm.owner.send("POST", f"{path}/confirm")
    assert [(a["lot_id"], a["quantity"], a["cost"]) for a in done["adjustments"]] == [(lots[0], "-2", "-69")]
    assert (done["state"], firm.owner.get(path)) == ("confirmed", done)
    assert panels(firm) == [("18", "621"), ("50", "1775"), ("100", "3600")]
    assert firm.owner.refused("POST", f"{path}/confirm") == (409, "wrong-state", None)


def test_a_count_names_what_is_wrong_with_it(firm: Firm) -> None:
    kit(firm)
    lot = firm.shop.lots("PANEL")[0]
    assert firm.owner.refused("POST", "/counts", {"skus": ["NONE"]}) == (422, "invalid", "skus")
    assert firm.owner.refused("POST", "/counts", {"lot_ids": [10**12]})[:2] == (404, "not-found")
    assert firm.owner.refused("POST", "/counts", {"lot_ids": [10**30]}) == (422, "invalid", "lot_ids[0]")
    path = f"/counts/{firm.owner.send('POST', '/counts', {'lot_ids': [lot.id]}, status=201)['id']}"
    assert firm.owner.refused("POST", f"{path}/confirm") == (422, "invalid", "counted")
    for key, value in ((str(lot.id), "-1"), (str(lot.id), 5), ("999999", "1")):
        wrong = firm.owner.refused("PUT", f"{path}/lines", {"counted": {key: value}})
        assert wrong == (422, "invalid", f"counted[{key}]")
    firm.owner.send("PUT", f"{path}/lines", {"counted": {str(lot.id): "5"}})
    firm.owner.send("POST", "/builds", {"sku": "KIT", "quantity": "15"}, status=201)
    answer = firm.owner.call("POST", f"{path}/confirm")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "count-below-zero")
    assert answer.json["error"]["lots"] == [lot.number]


def test_a_loss_without_a_waste_account_is_refused_naming_the_setting(firm: Firm) -> None:
    kit(firm)
    connect(firm.shop, roles=())
    lot_id = firm.shop.lots("PANEL")[0].id
    before = contents(firm.shop)
    refusal = firm.owner.refused("POST", f"/lots/{lot_id}/adjust", {"quantity": "-1", "reason": "loss"})
    assert refusal[:2] == (409, "account-not-set")
    assert contents(firm.shop) == before
