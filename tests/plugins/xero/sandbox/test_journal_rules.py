"""Which journals are refused, and in which words."""

from __future__ import annotations

import pytest

from tests.plugins.xero.sandbox.client import KITS, App, journal, line, messages

NOT_VALID = "Account code '{}' is not a valid code for this document."
ARCHIVED = "Account code '479' has been archived, or has been deleted. Each line item must reference a valid account."
TWO_LINES = "A manual journal must have at least two lines."
DECIMALS = "LineAmount must have no more than two decimal places."
INVENTORY = "You cannot save this transaction using an inventory account type"


def put(app: App, **changes: object) -> list[str]:
    return messages(app.call("PUT", "/ManualJournals", {"ManualJournals": [journal(**changes)]}))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([line("310", 100), line("622", -10)], ["The total debits (100.00) must equal total credits (-10.00)"]),
        ([line("310", 0.01), line("622", 0.01)], ["The total debits (0.02) must equal total credits (0.00)"]),
        ([line("310", 0)], [TWO_LINES]),
        ([], [TWO_LINES]),
        (None, [TWO_LINES]),
        ([line("999", 1), line("622", -1)], [NOT_VALID.format("999")]),
        ([line("610", 1), line("800", -1)], [NOT_VALID.format("610"), NOT_VALID.format("800")]),
        ([line("610", 1), line("610", -1)], [NOT_VALID.format("610")]),
        ([line("960", 1), line("622", -1)], [NOT_VALID.format("960")]),
        ([line("090", 1), line("622", -1)], [NOT_VALID.format("090")]),
        ([line("630", 1), line("622", -1)], [INVENTORY]),
        ([line("479", 1), line("622", -1)], [ARCHIVED]),
        ([line(None, 1), line("622", -1)], ["Account code or ID must be specified."]),
        ([line("", 1), line("622", -1)], ["Account code or ID must be specified."]),
        ([line("310", None), line("622", -1)], ["LineAmount must be specified."]),
        ([line("310", 1.001), line("622", -1.001)], [DECIMALS]),
        ([line("310", 1e-30), line("622", -1)], [DECIMALS]),
        ([line("310", 10_000_000_000), line("622", -1)], ["LineAmount is too large."]),
        ([line("310", 10**4000), line("622", -1)], ["LineAmount is too large."]),
        (
            [line("310", 1, TaxType="OUTPUT2"), line("622", -1)],
            ["The TaxType code 'OUTPUT2' cannot be used with account code '310'."],
        ),
        (
            [line("310", 1, TaxType="BOGUS"), line("622", -1)],
            ["The TaxType code 'BOGUS' cannot be used with account code '310'."],
        ),
        (
            [line("310", 1, Tracking=[{"Name": "Region", "Option": "West"}]), line("622", -1)],
            ["The tracking option 'West' could not be found, or is not active."],
        ),
    ],
)
def test_lines_are_refused_in_xeros_words(shared_app: App, lines: object, expected: list[str]) -> None:
    assert put(shared_app, JournalLines=lines) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Narration": None}, "Narration must be specified."),
        ({"Narration": " "}, "Narration must be specified."),
        ({"Date": "2026-02-30"}, "The Date '2026-02-30' is not valid. Use YYYY-MM-DD."),
        ({"Date": "31/10/2026"}, "The Date '31/10/2026' is not valid. Use YYYY-MM-DD."),
        ({"Status": "VOID"}, "The status 'VOID' cannot be applied to the document"),
        ({"Status": "VOIDED"}, "The status 'VOIDED' cannot be applied to the document"),
        ({"Status": "ARCHIVED"}, "The status 'ARCHIVED' cannot be applied to the document"),
        ({"LineAmountTypes": "NO_TAX"}, "The LineAmountTypes 'NO_TAX' is not valid."),
        ({"Url": "nonsense"}, "Url must be a valid http or https address that does not contain 'xero'."),
        ({"Url": "javascript:alert(1)"}, "Url must be a valid http or https address that does not contain 'xero'."),
        ({"Url": "http://x/Xero/1"}, "Url must be a valid http or https address that does not contain 'xero'."),
    ],
)
def test_the_head_of_a_journal_is_refused(shared_app: App, changes: dict[str, object], expected: str) -> None:
    assert put(shared_app, **changes) == [expected]


def test_every_reason_is_given_at_once(shared_app: App) -> None:
    found = put(shared_app, Narration=None, Status="VOID", JournalLines=[line("999", 1), line("622", 0.001)])
    assert len(found) == 4


@pytest.mark.parametrize(
    "change",
    [
        {"JournalLines": [line("310", "100"), line("622", "-100")]},
        {"JournalLines": [line("310", True), line("622", -1)]},
        {"JournalLines": [{"LineAmount": 1, "AccountCode": 310}, line("622", -1)]},
        {"JournalLines": "310"},
        {"JournalLines": [None]},
        {"Narration": 7},
        {"ShowOnCashBasisReports": "yes"},
        {"ManualJournalID": "nonsense"},
    ],
)
def test_a_field_of_the_wrong_kind_is_refused(shared_app: App, change: dict[str, object]) -> None:
    answer = shared_app.call("PUT", "/ManualJournals", journal(**change))
    assert (answer.status_code, answer.json()["ErrorNumber"]) == (400, 14)


def test_a_refused_journal_is_shown_again_with_its_errors(shared_app: App) -> None:
    lines = [line("310", 100), line("622", -10)]
    answer = shared_app.call("PUT", "/ManualJournals", journal(JournalLines=lines, Status="POSTED"))
    (element,) = answer.json()["Elements"]
    assert element["ManualJournalID"] == "00000000-0000-0000-0000-000000000000"
    assert element["JournalLines"] == lines
    assert (element["Narration"], element["Status"]) == ("Cost of goods", "POSTED")
    assert answer.json()["Message"] == "A validation exception occurred"


def test_nothing_of_a_refused_journal_stays(app: App) -> None:
    put(app, JournalLines=[line("310", 1), line("622", -2)], Status="POSTED")
    books = app.sandbox.books(KITS)
    assert books["journals"] == []
    assert {account["balance"] for account in books["accounts"]} == {"0.00"}


@pytest.mark.parametrize(
    ("locks", "name", "shown"),
    [
        ({"period": "2026-10-31"}, "period", "31-Oct-2026"),
        ({"end_of_year": "2026-12-01"}, "end of year", "01-Dec-2026"),
    ],
)
def test_a_day_on_or_before_a_lock_date_is_refused(app: App, locks: dict[str, str], name: str, shown: str) -> None:
    app.sandbox.lock(KITS, **locks)
    text = f"The document date cannot be before the {name} lock date, currently set at {shown}"
    assert put(app) == [text]
    assert put(app, Status="POSTED") == [text]


def test_the_day_after_the_lock_is_open(app: App) -> None:
    app.sandbox.lock(KITS, period="2026-10-30", end_of_year="2026-03-31")
    assert app.create(Status="POSTED")["Status"] == "POSTED"


def test_a_draft_locked_in_cannot_be_posted_but_can_be_thrown_away(app: App) -> None:
    draft = app.create()["ManualJournalID"]
    app.sandbox.lock(KITS, period="2026-11-30")
    assert "period lock date" in messages(app.change(draft, Status="POSTED"))[0]
    assert "period lock date" in messages(app.change(draft, Status="POSTED", Date="2026-12-01"))[0]
    assert app.change(draft, Status="DELETED").status_code == 200


def test_a_posted_journal_cannot_be_voided_or_moved_into_a_locked_period(app: App) -> None:
    early = app.create(Status="POSTED")["ManualJournalID"]
    late = app.create(Status="POSTED", Date="2026-12-01")["ManualJournalID"]
    app.sandbox.lock(KITS, period="2026-11-30")
    assert len(messages(app.change(early, Status="VOIDED"))) == 1
    assert len(messages(app.change(late, Date="2026-11-30"))) == 1
    assert app.change(late, Status="VOIDED").status_code == 200


def test_a_draft_whose_account_was_archived_cannot_be_posted(app: App) -> None:
    draft = app.create()["ManualJournalID"]
    app.sandbox.archive_account(KITS, code="310")
    assert "'310' has been archived" in messages(app.change(draft, Status="POSTED"))[0]
    assert app.change(draft, Status="DELETED").status_code == 200


def test_a_system_account_that_journals_may_use_is_taken(app: App) -> None:
    for code in ("840", "860", "499", "820"):
        app.create(Status="POSTED", JournalLines=[line(code, 1), line("622", -1)])
    assert app.sandbox.balance(KITS, code="622") == "-4.00"


def test_an_account_can_be_named_by_its_id(app: App) -> None:
    chart = {each.get("Code"): each["AccountID"] for each in app.call("GET", "/Accounts").json()["Accounts"]}
    by_id = [line(None, 1, AccountID=chart["310"].upper()), line("622", -1, AccountID=chart["622"])]
    assert app.create(JournalLines=by_id)["JournalLines"][0]["AccountCode"] == "310"
    crossed = [line("310", 1, AccountID=chart["622"]), line("622", -1)]
    assert put(app, JournalLines=crossed) == [NOT_VALID.format("310")]
    assert put(app, JournalLines=[line(None, 1, AccountID=chart[None]), line("622", -1)]) == [
        NOT_VALID.format(chart[None])
    ]


@pytest.mark.parametrize(
    ("types", "amount", "tax", "net"), [("Exclusive", 100, "15.00", "100.00"), ("Inclusive", 115, "15.00", "100.00")]
)
def test_tax_goes_to_its_own_account(app: App, types: str, amount: int, tax: str, net: str) -> None:
    lines = [line("429", amount, TaxType="INPUT2"), line("970", -115)]
    app.create(Status="POSTED", LineAmountTypes=types, JournalLines=lines)
    balances = [app.sandbox.balance(KITS, code=code) for code in ("429", "820", "970")]
    assert balances == [net, tax, "-115.00"]


def test_the_accounts_own_tax_unbalances_a_journal_that_leaves_it_out(app: App) -> None:
    lines = [line("429", 100, TaxType=None), line("970", -100)]
    assert put(app, LineAmountTypes="Exclusive", JournalLines=lines) == [
        "The total debits (115.00) must equal total credits (-100.00)"
    ]
    assert app.create(JournalLines=lines)["JournalLines"][0]["TaxAmount"] == 0


def test_without_a_date_a_journal_is_dated_today_where_the_organisation_is(app: App) -> None:
    app.sandbox.admin("POST", "clock", {"now": "2031-05-01T13:00:00"})
    app.tokens = app.sandbox.sign_in(organisation=KITS)
    app.create(Date=None)
    assert app.sandbox.books(KITS)["journals"][0]["date"] == "2031-05-02"
