from __future__ import annotations

from typing import Any

import pytest

from partsemble_core.api import door
from partsemble_core.api.errors import STATUSES, error_body, status_of
from partsemble_core.errors import PartsembleError, error_classes
from tests.api.callers import Firm
from tests.services.makers import contents

LINE = {"sku": "PANEL", "quantity": "1", "unit_cost": "1"}
LOT = {"supplier": "ACM", "lines": [LINE]}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/products", {"sku": "A"}, "name"),
        ("/products", {"sku": "A", "name": "A", "colour": "red"}, "colour"),
        ("/products", {"sku": 5, "name": "A"}, "sku"),
        ("/products", {"sku": None, "name": "A"}, "sku"),
        ("/products", {"sku": "A\x00", "name": "A"}, "sku"),
        ("/products", {"sku": "A\ud800", "name": "A"}, "sku"),
        ("/products", {"sku": "A", "name": "A", "kind": "magic"}, "kind"),
        ("/products", {"sku": "A", "name": "A", "reorder_point": 5}, "reorder_point"),
        ("/products", {"sku": "A", "name": "A", "reorder_point": "NaN"}, "reorder_point"),
        ("/products", {"sku": "A", "name": "A", "reorder_point": "1e5"}, "reorder_point"),
        ("/products", ["sku"], None),
        ("/products", "sku", None),
        ("/products", 5, None),
        ("/products", None, "sku"),
        ("/suppliers", {"code": "acm", "name": "A"}, "code"),
        ("/receipts", {**LOT, "lines": []}, "lines"),
        ("/receipts", {**LOT, "lines": {"0": LINE}}, "lines"),
        ("/receipts", {**LOT, "lines": [{**LINE, "quantity": "-1"}]}, "lines[0].quantity"),
        ("/receipts", {**LOT, "lines": [{**LINE, "quantity": 1.5}]}, "lines[0].quantity"),
        ("/receipts", {**LOT, "lines": [LINE, {**LINE, "sku": "NONE"}]}, "lines[1].sku"),
        ("/receipts", {**LOT, "lines": [LINE, {**LINE, "qty": "1"}]}, "lines[1].qty"),
        ("/receipts", {**LOT, "received_on": "2999-01-01"}, "received_on"),
        ("/receipts", {**LOT, "received_on": "01/02/2026"}, "received_on"),
        ("/receipts", {**LOT, "received_on": 20260101}, "received_on"),
        ("/receipts", {**LOT, "supplier": "A\x00"}, "supplier"),
        ("/receipts", {**LOT, "lines": [{**LINE, "sku": "A\x00"}]}, "lines[0].sku"),
        ("/builds", {"sku": "A\ud800", "quantity": "1"}, "sku"),
        ("/builds", {"sku": "PANEL", "quantity": "0"}, "quantity"),
        ("/builds", {"sku": "PANEL", "quantity": "1" + "0" * 400}, "quantity"),
        ("/builds", {"sku": "PANEL", "quantity": True}, "quantity"),
        ("/builds/preview", {"sku": "PANEL", "quantity": "1", "built_on": "tomorrow"}, "built_on"),
    ],
)
def test_a_body_that_can_not_be_is_refused_by_field_and_changes_nothing(
    firm: Firm, path: str, body: Any, field: str | None
) -> None:
    firm.shop.product("PANEL")
    before = contents(firm.shop)
    assert firm.owner.refused("POST", path, body) == (422, "invalid", field)
    assert contents(firm.shop) == before


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"sku": "A", "name": "A"', b"{'sku': 'A'}", b"NaN{"]
)
def test_what_is_no_json_is_refused(firm: Firm, body: bytes) -> None:
    answer = firm.owner.call("POST", "/products", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "request-malformed")


def test_a_body_that_is_too_large_is_refused_as_json(firm: Firm) -> None:
    body = b'{"sku": "' + b"x" * door.BODY_SIZE + b'"}'
    answer = firm.owner.call("POST", "/products", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "request-too-large")


@pytest.mark.parametrize(
    ("method", "path", "refusal"),
    [
        ("GET", "/nothing", (404, "no-such-address", None)),
        ("GET", "/products/abc", (404, "no-such-address", None)),
        ("GET", "/products/-1", (404, "no-such-address", None)),
        ("GET", "/products/99999999999999999999", (404, "no-such-address", None)),
        ("GET", "/products/9223372036854775807", (404, "not-found", None)),
        ("GET", "/passwords.csv", (404, "no-such-address", None)),
        ("DELETE", "/products", (405, "method-not-allowed", None)),
        ("GET", "/products?page=x", (422, "invalid", "page")),
        ("GET", "/products?colour=red", (422, "invalid", "colour")),
        ("GET", "/products?search=%00", (422, "invalid", "search")),
        ("GET", "/products?search=%FF", (200, "", None)),
        ("GET", "/lots.csv?colour=red", (422, "invalid", "colour")),
    ],
)
def test_an_address_that_can_not_be_is_refused_as_json(
    firm: Firm, method: str, path: str, refusal: tuple[int, str, str | None]
) -> None:
    if refusal[0] == 200:
        assert firm.owner.call(method, path).status_code == 200
    else:
        assert firm.owner.refused(method, path) == refusal


def test_a_fault_of_ours_is_told_by_an_id_alone(firm: Firm, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("partsemble_core.api.books.get_company", broken)
    answer = firm.owner.call("GET", "/company")
    assert (answer.status_code, answer.json["error"]["code"]) == (500, "server-fault")
    assert "secret" not in answer.text
    error_id = answer.json["error"]["message"].split()[-1].rstrip(".")
    assert error_id in caplog.text
    assert "secret detail" in caplog.text


def test_every_error_class_has_a_status_and_only_faults_of_ours_have_500() -> None:
    for found in error_classes():
        if found.__module__.startswith("partsemble_core"):
            nearest = next(kind for kind in found.__mro__ if kind in STATUSES)
            assert 400 <= STATUSES[nearest] <= 503
    assert status_of(PartsembleError("x")) == 500


def test_an_error_body_has_code_message_and_field() -> None:
    assert error_body(PartsembleError("Broken.")) == {"error": {"code": "error", "message": "Broken.", "field": None}}
