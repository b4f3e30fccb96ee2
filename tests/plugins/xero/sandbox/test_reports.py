"""The trial balance: at any day, in Xero's rows and cells, and as the plugin reads it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest

from partsemble_core.plugin_api import BookedJournal, JournalStatus, NotPermitted, Page
from partsemble_xero import books
from partsemble_xero.sandbox.testing import RunningSandbox, SandboxRefused
from tests.plugins.xero.sandbox.client import KITS, App, line
from tests.plugins.xero.sandbox.stranger import Stranger
from tests.plugins.xero.xero_harness import XeroHarness

WITHOUT_REPORTS = "offline_access openid accounting.settings.read accounting.manualjournals"
APRIL, OCTOBER = dt.date(2026, 4, 30), dt.date(2026, 10, 31)


@pytest.fixture
def stranger(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stranger]:
    with closing(Stranger(sandbox, sandbox.sign_in(organisation=KITS), monkeypatch)) as sdk:
        yield sdk


def post(app: App, day: str, *lines: dict[str, object], **more: object) -> str:
    shown = app.create(Date=day, Status="POSTED", JournalLines=list(lines), **more)
    return str(shown["ManualJournalID"])


def cells(app: App, **query: str) -> dict[str, list[str]]:
    """The texts of each row by its first."""
    answer = app.call("GET", "/Reports/TrialBalance", query=query)
    assert answer.status_code == 200, answer.text
    (report,) = answer.json()["Reports"]
    sections: list[dict[str, Any]] = [each for each in report["Rows"] if each["RowType"] == "Section"]
    rows = [[cell["Value"] for cell in row["Cells"]] for section in sections for row in section["Rows"]]
    return {first: rest for first, *rest in rows}


def test_the_balance_is_that_of_the_day_and_the_month_stands_beside_it(app: App) -> None:
    post(app, "2026-09-30", line("622", 100.00), line("970", -100.00))
    post(app, "2026-10-31", line("622", -12.34), line("310", 12.34))
    post(app, "2026-11-01", line("622", 5.00), line("310", -5.00))
    at_end = cells(app, date="2026-10-31")
    assert at_end["Stock on Hand - Finished Goods (622)"] == ["", "12.34", "87.66", ""]
    assert at_end["Cost of Goods Sold (310)"] == ["12.34", "", "12.34", ""]
    assert at_end["Total"] == ["12.34", "12.34", "100.00", "100.00"]
    assert "Stock on Hand - Components (621)" not in at_end
    assert cells(app, date="2026-09-30")["Stock on Hand - Finished Goods (622)"] == ["100.00", "", "100.00", ""]


def test_what_was_earned_in_years_before_stands_under_retained_earnings(app: App) -> None:
    post(app, "2026-03-31", line("200", -30.00), line("970", 30.00))
    assert cells(app, date="2026-03-31")["Sales (200)"] == ["", "30.00", "", "30.00"]
    later = cells(app, date="2026-04-30")
    assert later["Sales (200)"] == ["", "", "", ""]
    assert later["Retained Earnings (960)"] == ["", "", "", "30.00"]
    assert later["Total"][2:] == ["30.00", "30.00"]


def test_a_day_that_is_none_is_refused(app: App) -> None:
    answer = app.call("GET", "/Reports/TrialBalance", query={"date": "soon"})
    assert answer.status_code == 400
    assert "could not be read" in answer.text


def test_the_sdk_reads_the_report(stranger: Stranger) -> None:
    tenant_id = stranger.tenant_id(KITS)
    stranger.accounting.get_report_trial_balance(tenant_id)
    report = stranger.accounting.get_report_trial_balance(tenant_id, date="2026-10-31").reports[0]
    assert report.report_titles == ["Trial Balance", KITS, "As at 31 October 2026"]
    assert [cell.value for cell in report.rows[0].cells][3:] == ["YTD Debit", "YTD Credit"]


def test_the_plugin_reads_balances_with_debit_positive(sandbox: RunningSandbox) -> None:
    harness = XeroHarness(sandbox)
    sandbox.enter(KITS, date="2026-10-30", code="621", against="800", amount="1250.05")
    found = {each.account_code: each for each in books.list_balances(harness.ctx, OCTOBER)}
    assert (found["621"].balance, found["800"].balance) == (Decimal("1250.05"), Decimal("-1250.05"))
    assert found["621"].account_id == harness.account("621").external_id
    assert books.list_balances(harness.ctx, APRIL) == ()


def test_without_the_scope_the_refusal_names_it(sandbox: RunningSandbox) -> None:
    harness = XeroHarness(sandbox, scopes=WITHOUT_REPORTS)
    with pytest.raises(NotPermitted, match=r"Add accounting\.reports\.trialbalance\.read to the scopes"):
        books.list_balances(harness.ctx, OCTOBER)


def test_the_plugin_lists_what_people_posted_too_net_of_tax(sandbox: RunningSandbox) -> None:
    app, harness = App(sandbox), XeroHarness(sandbox)
    taxed = [line("429", 115.00, TaxType="INPUT2"), line("970", -115.00)]
    inclusive = post(app, "2026-10-31", *taxed, LineAmountTypes="Inclusive", Narration="By hand [ABCDEFGH2345]")
    app.change(inclusive, Narration="By hand [ABCDEFGH2345]", **{"Status": "VOIDED"})
    kept = post(app, "2026-10-30", *taxed, LineAmountTypes="Inclusive")
    found = {each.external_id: each for each in every(harness)}
    assert (found[inclusive].status, found[inclusive].token) == (JournalStatus.VOIDED, "ABCDEFGH2345")
    assert [each.amount for each in found[kept].lines or ()] == [Decimal("100.00"), Decimal("-115.00")]
    assert (found[kept].date, found[kept].token) == (dt.date(2026, 10, 30), "")


def every(harness: XeroHarness) -> list[BookedJournal]:
    found: list[BookedJournal] = []
    cursor: str | None = None
    has_more = True
    while has_more:
        page: Page[BookedJournal] = books.list_journals(harness.ctx, cursor, 1)
        found += page.records
        cursor, has_more = page.next_cursor, page.has_more
    return found


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"date": "x"}, "date"), ({"code": "NOPE"}, "code"), ({"against": 5}, "against"), ({"amount": "1"}, "amount")],
)
def test_an_entry_that_cannot_be_is_refused_by_its_field(
    sandbox: RunningSandbox, changes: dict[str, object], field: str
) -> None:
    good: dict[str, object] = {"date": "2026-10-31", "code": "621", "against": "800", "amount": "1.00"}
    path = f"organisations/{sandbox.tenant_id(KITS)}/entries"
    with pytest.raises(SandboxRefused, match=f'"field":"{field}"'):
        sandbox.admin("POST", path, {**good, **changes})
