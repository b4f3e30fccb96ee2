from __future__ import annotations

import csv
import dataclasses
import io

import pytest

from partsemble_core.services import connecting
from partsemble_core.services.syncing import work_on
from partsemble_core.store.companies import Role
from tests.api.callers import Caller, Firm, Served, found_firm


@pytest.fixture
def firm(served: Served) -> Firm:
    """A company in US dollars, so that the QuickBooks stub can be connected."""
    return found_firm(served, currency="USD")


@pytest.fixture
def connection_id(firm: Firm) -> int:
    house = firm.served.house
    act = house.act(firm.company_id, by="ann")
    return connecting.choose(house, act, firm.company_id, backend="qbo_stub", organisation_id="9130-0001").id


def test_a_sync_without_a_queue_is_done_in_the_answer(firm: Firm, connection_id: int) -> None:
    firm.shop.products("PUMP")
    run = firm.owner.send("POST", f"/connections/{connection_id}/syncs", {"kind": "items"}, status=202)
    assert (run["state"], run["records"], run["added"], run["cause"]) == ("done", 2, 2, "person")
    assert firm.owner.get(f"/syncs/{run['id']}") == run
    rows = firm.callers[Role.VIEWER].get("/items?sort=code")["rows"]
    assert [(row["code"], row["matched"], row["product_sku"], row["tracked"]) for row in rows] == [
        ("FOUNTAIN", "not matched", "", "not tracked"),
        ("PUMP", "matched", "PUMP", "tracked"),
    ]
    assert "counted twice" in rows[1]["warning"]
    assert firm.owner.get("/items?matched=matched&search=pum")["total"] == 1
    assert firm.owner.get("/syncs?kind=items&state=done")["total"] == 1
    assert firm.owner.get("/contacts")["total"] == 0


def test_what_the_books_refuse_is_the_message_of_the_run(firm: Firm, connection_id: int) -> None:
    run = firm.owner.send("POST", f"/connections/{connection_id}/syncs", {"kind": "contacts"}, status=202)
    assert run["state"] == "failed"
    assert run["message"] == "The QuickBooks stub holds no contacts; enter them by hand."


def test_with_a_queue_the_answer_names_the_run_and_a_worker_does_it(
    firm: Firm, connection_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[tuple[int, int]] = []
    house = dataclasses.replace(
        firm.served.house, ring_sync=lambda company_id, run_id: rung.append((company_id, run_id)) is None
    )
    monkeypatch.setitem(firm.served.app.extensions, "partsemble", house)
    address = f"/connections/{connection_id}/syncs"
    run = firm.owner.send("POST", address, {"kind": "items"}, status=202)
    assert (run["state"], run["ended_at"], rung) == ("running", None, [(firm.company_id, run["id"])])
    assert firm.owner.refused("POST", address, {"kind": "items"}) == (409, "sync-running", None)
    assert firm.owner.refused("POST", "/hooks/run/sync-items") == (409, "sync-running", None)
    work_on(house, *rung[0])
    assert firm.owner.get(f"/syncs/{run['id']}")["state"] == "done"


def test_bad_input_is_refused_by_field(firm: Firm, connection_id: int) -> None:
    owner, address = firm.owner, f"/connections/{connection_id}"
    assert owner.refused("POST", f"{address}/syncs", {"kind": "bills"}) == (422, "invalid", "kind")
    assert owner.refused("POST", f"{address}/syncs", {}) == (422, "invalid", "kind")
    assert owner.refused("POST", "/connections/999999/syncs", {"kind": "items"}) == (404, "not-found", None)
    assert owner.refused("GET", "/syncs/999999") == (404, "not-found", None)
    assert owner.refused("PUT", f"{address}/schedules/items", {"every": "4m"}) == (422, "invalid", "every")
    assert owner.refused("PUT", f"{address}/schedules/bills", {"every": "1h"}) == (422, "invalid", "kind")
    assert owner.refused("DELETE", f"{address}/schedules/items") == (404, "not-found", None)
    assert owner.refused("GET", "/connections/999999/schedules") == (404, "not-found", None)
    assert owner.refused("POST", "/hooks/run/sales") == (404, "not-found", None)
    assert owner.get("/syncs")["total"] == 0


def test_another_companys_syncs_do_not_exist(firm: Firm, connection_id: int, served: Served) -> None:
    run = firm.owner.send("POST", f"/connections/{connection_id}/syncs", {"kind": "items"}, status=202)
    stranger = found_firm(served).owner
    assert stranger.refused("GET", f"/syncs/{run['id']}") == (404, "not-found", None)
    assert stranger.refused("POST", f"/connections/{connection_id}/syncs", {"kind": "items"})[0] == 404
    assert stranger.refused("PUT", f"/connections/{connection_id}/schedules/items", {"every": "1h"})[0] == 404
    assert stranger.refused("POST", "/hooks/run/sync-items") == (409, "not-connected", None)
    assert stranger.get("/items")["total"] == 0
    assert stranger.get("/syncs")["total"] == 0


def test_a_schedule_is_put_listed_and_taken_away(firm: Firm, connection_id: int) -> None:
    address = f"/connections/{connection_id}/schedules"
    put = firm.owner.send("PUT", f"{address}/items", {"every": "6h"})
    assert (put["kind"], put["every_minutes"]) == ("items", 360)
    assert firm.owner.get(address)["rows"] == [put]
    assert firm.owner.send("DELETE", f"{address}/items") == {"rows": []}


def test_hooks_begin_what_their_name_says(firm: Firm, connection_id: int) -> None:
    accountant = firm.callers[Role.ACCOUNTANT]
    for kind, records in (("accounts", 7), ("items", 2)):
        answer = accountant.send("POST", f"/hooks/run/sync-{kind}", status=202)
        assert (answer["hook"], answer["exports"]) == (f"sync-{kind}", [])
        sync = answer["sync"]
        assert (sync["kind"], sync["cause"], sync["state"]) == (kind, "hook", "done")
        assert sync["records"] >= records
    assert accountant.send("POST", "/hooks/run/sync-contacts", status=202)["sync"]["state"] == "failed"


def test_the_hook_for_exports_posts_what_is_due(firm: Firm, connection_id: int) -> None:
    codes = {"receiving_debit": "1300", "receiving_credit": "2100", "build_debit": "1310", "build_credit": "1300"}
    for role, code in codes.items():
        firm.owner.send("PUT", f"/connections/{connection_id}/accounts/{role}", {"code": code})
    firm.shop.product("PANEL")
    firm.shop.stock("PANEL", "20", "34.50")
    (export,) = firm.owner.get("/exports")["rows"]
    answer = firm.owner.send("POST", "/hooks/run/export-run", status=202)
    assert answer == {"hook": "export-run", "exports": [export["id"]], "sync": None}
    assert firm.owner.get(f"/exports/{export['id']}")["state"] == "posted"
    assert firm.owner.send("POST", "/hooks/run/export-run", status=202)["exports"] == []


@pytest.mark.parametrize("role", [Role.BUILDER, Role.VIEWER])
def test_only_who_may_export_may_sync(firm: Firm, connection_id: int, role: Role) -> None:
    caller = firm.callers[role]
    for method, path, body in (
        ("POST", f"/connections/{connection_id}/syncs", {"kind": "items"}),
        ("PUT", f"/connections/{connection_id}/schedules/items", {"every": "1h"}),
        ("DELETE", f"/connections/{connection_id}/schedules/items", None),
        ("POST", "/hooks/run/sync-items", None),
        ("POST", "/hooks/run/export-run", None),
    ):
        assert caller.refused(method, path, body) == (403, "forbidden", None)
    assert caller.get("/syncs")["total"] == 0


def test_without_a_token_a_hook_is_refused(firm: Firm) -> None:
    assert Caller(firm.served.app.test_client(), None).refused("POST", "/hooks/run/sync-items")[0] == 401


def test_the_lists_are_files_too(firm: Firm, connection_id: int) -> None:
    firm.owner.send("POST", "/hooks/run/sync-items", status=202)
    for name, column, wanted in (("items", "Code", ["FOUNTAIN", "PUMP"]), ("syncs", "What", ["items"])):
        answer = firm.owner.call("GET", f"/{name}.csv")
        rows = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))
        assert [row[column] for row in rows] == wanted
    assert firm.owner.call("GET", "/contacts.xlsx").status_code == 200
