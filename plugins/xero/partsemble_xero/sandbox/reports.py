"""Reports: the trial balance, from the ledger at any day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from . import books
from .accounts import Account, chart_of
from .endpoint import Call, Endpoint, Route
from .problems import Answer, query_refused
from .wire import WireError, from_ms, instant, money, read_day

_SCOPES = ("accounting.reports.trialbalance.read",)
_HEADINGS = ("Account", "Debit", "Credit", "YTD Debit", "YTD Credit")
_SECTIONS = {
    "REVENUE": "Revenue",
    "EXPENSE": "Expenses",
    "ASSET": "Assets",
    "LIABILITY": "Liabilities",
    "EQUITY": "Equity",
}
_OF_THE_YEAR = {"REVENUE", "EXPENSE"}
_YEAR_BEGINS = 4
"""April: the organisations' financial year ends on 31 March."""


def get_trial_balance(call: Call) -> Answer:
    """GET /Reports/TrialBalance: the month in two columns, and the balance in the two called YTD.

    An asset, liability or equity account has its whole balance there; revenue and expenses that of the financial
    year, and what was earned in the years before stands under retained earnings. Accounts without any line are absent.
    """
    day = _day_of(call)
    now = from_ms(call.now_ms)
    report = {
        "ReportID": "TrialBalance",
        "ReportName": "Trial Balance",
        "ReportType": "TrialBalance",
        "ReportTitles": ["Trial Balance", call.tenant.name, f"As at {_in_words(day)}"],
        "ReportDate": _in_words(now.date()),
        "UpdatedDateUTC": instant(call.now_ms),
        "Fields": [],
        "Rows": _rows(call, day),
    }
    return call.answer({"Reports": [report]})


def _day_of(call: Call) -> date:
    text = call.query.get("date")
    if not text:
        return from_ms(call.now_ms).astimezone(ZoneInfo(call.tenant.region.zone)).date()
    try:
        return read_day(text)
    except WireError as error:
        raise query_refused(f"The date '{text[:40]}' could not be read") from error


def _in_words(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _rows(call: Call, day: date) -> list[Mapping[str, object]]:
    tenant_id = call.tenant.tenant_id
    chart = chart_of(call.connection, tenant_id)
    month = books.balances(call.connection, tenant_id, first=day.replace(day=1), last=day)
    balances = _balances(call, chart, day)
    rows: list[Mapping[str, object]] = [{"RowType": "Header", "Cells": [{"Value": text} for text in _HEADINGS]}]
    for account_class, title in _SECTIONS.items():
        shown = [each for each in chart if each.account_class == account_class and each.account_id in balances]
        if shown:
            lines = [_row(each, month.get(each.account_id, 0), balances[each.account_id]) for each in shown]
            rows.append({"RowType": "Section", "Title": title, "Rows": lines})
    totals = [_total(month, 1), _total(month, -1), _total(balances, 1), _total(balances, -1)]
    cells = [{"Value": "Total"}, *({"Value": text} for text in totals)]
    rows.append({"RowType": "Section", "Title": "", "Rows": [{"RowType": "SummaryRow", "Cells": cells}]})
    return rows


def _balances(call: Call, chart: Sequence[Account], day: date) -> dict[str, int]:
    """What the YTD columns show, in cents by account id."""
    begin = date(day.year if day.month >= _YEAR_BEGINS else day.year - 1, _YEAR_BEGINS, 1)
    tenant_id = call.tenant.tenant_id
    everything = books.balances(call.connection, tenant_id, last=day)
    this_year = books.balances(call.connection, tenant_id, first=begin, last=day)
    yearly = {account.account_id for account in chart if account.account_class in _OF_THE_YEAR}
    earned = sum(everything.get(each, 0) - this_year.get(each, 0) for each in yearly)
    kept = next(account.account_id for account in chart if account.system_account == "RETAINEDEARNINGS")
    balances = {each: (this_year if each in yearly else everything).get(each, 0) for each in everything}
    return balances | ({kept: balances.get(kept, 0) + earned} if earned else {})


def _row(account: Account, month: int, balance: int) -> Mapping[str, object]:
    name = f"{account.name} ({account.code})" if account.code else account.name
    texts = [name, _side(month, 1), _side(month, -1), _side(balance, 1), _side(balance, -1)]
    attributes = [{"Value": account.account_id, "Id": "account"}]
    return {"RowType": "Row", "Cells": [{"Value": text, "Attributes": attributes} for text in texts]}


def _side(cents: int, sign: int) -> str:
    """The amount if it is on this side, else an empty text."""
    return format(money(cents * sign), "f") if cents * sign > 0 else ""


def _total(cents: Mapping[str, int], sign: int) -> str:
    return format(money(sum(each * sign for each in cents.values() if each * sign > 0)), "f")


ENDPOINT = Endpoint(
    name="Reports",
    routes=(Route(method="GET", path="/Reports/TrialBalance", handler=get_trial_balance, scopes=_SCOPES),),
)
