"""Organisation, Accounts and Items: what is only read."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.xero.sandbox.client import KITS, App


def accounts(app: App, **query: str) -> list[dict[str, Any]]:
    answer = app.call("GET", "/Accounts", query=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["Accounts"]
    return found


def items(app: App, **query: str) -> dict[str, dict[str, Any]]:
    return {item["Code"]: item for item in app.call("GET", "/Items", query=query).json()["Items"]}


def test_the_organisation_shows_its_currency_and_no_lock_date(shared_app: App) -> None:
    (shown,) = shared_app.call("GET", "/Organisation").json()["Organisations"]
    assert (shown["Name"], shown["BaseCurrency"]) == (KITS, "NZD")
    assert "PeriodLockDate" not in shown
    assert shown["OrganisationID"] != shared_app.tenant_id


def test_lock_dates_show_once_they_are_set(app: App) -> None:
    app.sandbox.lock(KITS, period="2026-10-31", end_of_year="2026-03-31")
    (shown,) = app.call("GET", "/Organisation").json()["Organisations"]
    assert shown["PeriodLockDate"] == "/Date(1793404800000+0000)/"
    assert shown["EndOfYearLockDate"] == "/Date(1774915200000+0000)/"


def test_the_chart_holds_what_a_client_must_tell_apart(shared_app: App) -> None:
    chart = accounts(shared_app)
    by_code = {account.get("Code"): account for account in chart}
    assert {account.get("SystemAccount") for account in chart} >= {"DEBTORS", "CREDITORS", "GST", "ROUNDING"}
    assert by_code["610"]["SystemAccount"] == "DEBTORS"
    assert by_code["630"]["Type"] == "INVENTORY"
    assert by_code["479"]["Status"] == "ARCHIVED"
    assert by_code[None]["Type"] == "BANK"
    assert by_code["621"] == {
        **by_code["621"],
        "Name": "Stock on Hand - Components",
        "Type": "CURRENT",
        "Class": "ASSET",
        "Status": "ACTIVE",
        "TaxType": "NONE",
    }
    assert "SystemAccount" not in by_code["621"]


def test_accounts_come_all_at_once_and_can_be_filtered(shared_app: App) -> None:
    everything = accounts(shared_app)
    assert accounts(shared_app, page="2") == everything
    banks = accounts(shared_app, where='Type=="BANK" AND Status=="ACTIVE"', order="Name DESC")
    assert [account["Name"] for account in banks] == ["Business Savings Account", "Business Bank Account"]


def test_an_account_is_found_by_its_id(shared_app: App) -> None:
    account = accounts(shared_app)[3]
    answer = shared_app.call("GET", f"/Accounts/{account['AccountID'].upper()}")
    assert answer.json()["Accounts"] == [account]


def test_an_archived_account_shows_up_as_modified(app: App) -> None:
    app.sandbox.advance(60)
    since = {"If-Modified-Since": app.sandbox.admin("GET", "clock")["now"][:19]}
    assert app.call("GET", "/Accounts", headers=since).json()["Accounts"] == []
    app.sandbox.archive_account(KITS, code="623")
    (changed,) = app.call("GET", "/Accounts", headers=since).json()["Accounts"]
    assert (changed["Code"], changed["Status"]) == ("623", "ARCHIVED")


def test_a_date_of_the_wrong_form_is_a_412(shared_app: App) -> None:
    headers = {"If-Modified-Since": "Mon, 23 Nov 2026 08:00:00 GMT"}
    assert shared_app.call("GET", "/Accounts", headers=headers).status_code == 412


@pytest.mark.parametrize("path", ["/Accounts", "/Items", "/ManualJournals"])
def test_a_where_that_cannot_be_read_is_a_query_error(shared_app: App, path: str) -> None:
    answer = shared_app.call("GET", path, query={"where": "Colour==1"})
    assert (answer.status_code, answer.json()["ErrorNumber"]) == (400, 16)


def test_items_show_prices_with_two_or_four_decimals(shared_app: App) -> None:
    assert '"UnitPrice":0.13' in shared_app.call("GET", "/Items/BOLT-M6").text
    assert '"UnitPrice":0.1250' in shared_app.call("GET", "/Items/BOLT-M6", query={"unitdp": "4"}).text


def test_items_differ_as_they_do_in_xero(shared_app: App) -> None:
    found = items(shared_app, page="9")
    assert "Name" not in found["PCB-BLANK"]
    assert found["SETUP"]["PurchaseDetails"] == {}
    tracked = found["MOTOR-12V"]
    assert tracked["IsTrackedAsInventory"] is True
    assert tracked["InventoryAssetAccountCode"] == "630"
    assert tracked["PurchaseDetails"]["COGSAccountCode"] == "310"
    assert "AccountCode" not in tracked["PurchaseDetails"]
    assert (tracked["QuantityOnHand"], tracked["TotalCostPool"]) == (40, 740)


def test_an_item_is_found_by_id_or_code(shared_app: App) -> None:
    item = items(shared_app)["PANEL-A"]
    assert shared_app.call("GET", f"/Items/{item['ItemID']}").json()["Items"] == [item]
    assert shared_app.call("GET", "/Items/PANEL-A").json()["Items"] == [item]


def test_sold_items_can_be_asked_for(shared_app: App) -> None:
    assert set(items(shared_app, where="IsSold==true AND IsTrackedAsInventory==false")) == {"SENSOR-KIT", "SETUP"}
