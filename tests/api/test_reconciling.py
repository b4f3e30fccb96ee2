"""Reconciling over the API."""

from __future__ import annotations

from partsemble_core.store.companies import Role
from tests.api.callers import Firm


def test_our_side_without_books(firm: Firm) -> None:
    firm.shop.product("NUT")
    firm.shop.stock("NUT", "3", "2.50")
    found = firm.owner.get("/reconcile")
    assert (found["stock"], found["verdict"], found["books"], found["accounts"]) == ("7.5", "unknown", None, [])
    assert [(each["reason"], each["amount"]) for each in found["reasons"]] == [("not_exported", "-7.5")]
    [line] = found["reasons"][0]["lines"]
    assert (line["document_kind"], line["reference"]) == ("receipt", "PSB-RCV-0001")
    asked = firm.owner.send("POST", "/reconcile", {})
    assert (asked["verdict"], asked["difference"]) == ("unknown", "-7.5")


def test_days_and_true_ups_are_refused_by_name(firm: Firm) -> None:
    assert firm.owner.refused("GET", "/reconcile?on=soon")[1:] == ("invalid", "on")
    assert firm.owner.refused("POST", "/reconcile", {"on": "2999-01-01"})[1:] == ("invalid", "on")
    assert firm.owner.get("/true-ups")["rows"] == []
    assert firm.owner.refused("POST", "/true-ups", {})[:2] == (409, "not-connected")
    assert firm.owner.refused("POST", "/true-ups/1/reverse", {"reason": "x"})[:2] == (404, "not-found")
    viewer = firm.callers[Role.VIEWER]
    assert viewer.refused("POST", "/reconcile", {})[:2] == (403, "forbidden")
    assert viewer.refused("POST", "/true-ups", {})[:2] == (403, "forbidden")
    assert viewer.get("/reconcile")["verdict"] == "unknown"
