from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.xero.sandbox.client import KITS, App, journal, line, messages


def write(app: App, method: str, journals: list[dict[str, object]], **query: str) -> list[dict[str, Any]]:
    answer = app.call(method, "/ManualJournals", {"ManualJournals": journals}, query=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["ManualJournals"]
    return found


def test_a_journal_is_a_draft_unless_told(app: App) -> None:
    created = app.create()
    assert created["Status"] == "DRAFT"
    assert app.sandbox.balance(KITS, code="310") == "0.00"
    assert app.get(created["ManualJournalID"]) == created


def test_a_created_journal_is_shown_with_everything(app: App) -> None:
    created = app.create(Url="https://stock.example.com/j/1", ShowOnCashBasisReports=False)
    assert created["Date"] == "/Date(1793404800000+0000)/"
    assert created["Url"] == "https://stock.example.com/j/1"
    assert (created["ShowOnCashBasisReports"], created["HasAttachments"]) == (False, False)
    first = created["JournalLines"][0]
    assert (first["AccountCode"], first["LineAmount"], first["TaxAmount"], first["TaxType"]) == ("310", 100, 0, "NONE")
    assert (first["Tracking"], first["IsBlank"]) == ([], False)


def test_one_journal_may_come_without_the_list_around_it(app: App) -> None:
    answer = app.call("PUT", "/ManualJournals", journal(Narration="Alone"))
    assert answer.json()["ManualJournals"][0]["Narration"] == "Alone"


def test_an_id_in_a_put_is_not_looked_at(app: App) -> None:
    first = app.create()
    second = app.create(ManualJournalID=first["ManualJournalID"])
    assert second["ManualJournalID"] != first["ManualJournalID"]


def test_cents_stay_exact(app: App) -> None:
    for _ in range(3):
        app.create(Status="POSTED", JournalLines=[line("310", 0.1), line("622", -0.1)])
    app.create(Status="POSTED", JournalLines=[line("310", 9_999_999_999.99), line("622", -9_999_999_999.99)])
    assert app.sandbox.balance(KITS, code="310") == "10000000000.29"
    answer = app.call("GET", "/ManualJournals", query={"page": "1"})
    assert '"LineAmount":-9999999999.99' in answer.text


@pytest.mark.parametrize(
    ("steps", "is_allowed"),
    [
        (["DRAFT", "DRAFT"], True),
        (["DRAFT", "POSTED"], True),
        (["DRAFT", "DELETED"], True),
        (["POSTED", "VOIDED"], True),
        (["POSTED", "POSTED"], True),
        (["DRAFT", "VOIDED"], False),
        (["POSTED", "DRAFT"], False),
        (["POSTED", "DELETED"], False),
        (["POSTED", "VOIDED", "POSTED"], False),
        (["POSTED", "VOIDED", "VOIDED"], False),
        (["DRAFT", "DELETED", "DRAFT"], False),
        (["DRAFT", "DELETED", "DELETED"], False),
        (["DRAFT", "ARCHIVED"], False),
    ],
)
def test_a_status_can_only_go_where_xero_lets_it(app: App, steps: list[str], is_allowed: bool) -> None:
    journal_id = app.create(Status=steps[0])["ManualJournalID"]
    for status in steps[1:-1]:
        assert app.change(journal_id, Status=status).status_code == 200
    last = app.change(journal_id, Status=steps[-1])
    if is_allowed:
        assert last.json()["ManualJournals"][0]["Status"] == steps[-1]
    else:
        assert messages(last) == [f"The status '{steps[-1]}' cannot be applied to the document"]
        assert app.get(journal_id)["Status"] == steps[-2]


def test_posting_a_draft_by_its_id_moves_the_balances_once(app: App) -> None:
    draft = app.create()
    for _ in range(3):
        answer = app.change(draft["ManualJournalID"], Status="POSTED", JournalLines=draft["JournalLines"])
        assert answer.status_code == 200
    assert app.sandbox.balance(KITS, code="310") == "100.00"
    assert app.sandbox.balance(KITS, code="622") == "-100.00"


def test_a_void_takes_the_balances_back(app: App) -> None:
    posted = app.create(Status="POSTED")["ManualJournalID"]
    app.change(posted, Status="VOIDED", Narration="Ignored but required")
    assert app.sandbox.balance(KITS, code="310") == "0.00"
    assert app.get(posted)["Narration"] == "Cost of goods"
    assert len(app.get(posted)["JournalLines"]) == 2


def test_an_update_without_lines_keeps_them(app: App) -> None:
    draft = app.create(Url="https://stock.example.com/1")
    bodies: list[dict[str, object]] = [{}, {"JournalLines": []}, {"Status": "DRAFT"}]
    for body in bodies:
        changed = app.change(draft["ManualJournalID"], **body).json()["ManualJournals"][0]
        assert changed["JournalLines"] == draft["JournalLines"]
        assert (changed["Date"], changed["Url"]) == (draft["Date"], draft["Url"])
        assert changed["Narration"] == "Changed"


def test_an_update_with_lines_replaces_them(app: App) -> None:
    posted = app.create(Status="POSTED")["ManualJournalID"]
    app.change(posted, JournalLines=[line("320", 7), line("621", -7)])
    assert [app.sandbox.balance(KITS, code=code) for code in ("310", "320", "621", "622")] == [
        "0.00",
        "7.00",
        "-7.00",
        "0.00",
    ]


def test_an_update_needs_the_narration(app: App) -> None:
    draft = app.create()["ManualJournalID"]
    answer = app.change(draft, Narration=None, Status="POSTED")
    assert messages(answer) == ["Narration must be specified."]
    assert answer.json()["Elements"][0]["ManualJournalID"] == draft


def test_an_address_and_a_body_that_name_two_journals_are_refused(app: App) -> None:
    first, second = app.create()["ManualJournalID"], app.create()["ManualJournalID"]
    assert app.change(first, ManualJournalID=second, Status="POSTED").status_code == 400
    assert app.change(first, ManualJournalID=first, Status="POSTED").status_code == 200


def test_a_batch_creates_and_changes_together(app: App) -> None:
    draft = app.create()["ManualJournalID"]
    shown = write(app, "POST", [journal(ManualJournalID=draft, Status="POSTED"), journal(Narration="New")])
    assert [each["Status"] for each in shown] == ["POSTED", "DRAFT"]
    assert shown[0]["ManualJournalID"] == draft
    assert "StatusAttributeString" not in shown[0]


def test_one_bad_journal_stops_the_batch(app: App) -> None:
    body = {"ManualJournals": [journal(Status="POSTED"), journal(JournalLines=[])]}
    answer = app.call("PUT", "/ManualJournals", body)
    assert messages(answer) == ["A manual journal must have at least two lines."]
    assert app.sandbox.books(KITS)["journals"] == []


@pytest.mark.parametrize("word", ["false", "False"])
def test_summarize_errors_false_keeps_the_good_ones(app: App, word: str) -> None:
    bad = journal(Narration="Bad", JournalLines=[line("310", 1), line("622", -2)])
    shown = write(app, "PUT", [journal(Narration="Good"), bad, journal(Narration="Fine")], summarizeErrors=word)
    assert [each["StatusAttributeString"] for each in shown] == ["OK", "ERROR", "OK"]
    assert shown[1]["ValidationErrors"] == [{"Message": "The total debits (1.00) must equal total credits (-2.00)"}]
    assert shown[1]["ManualJournalID"] == "00000000-0000-0000-0000-000000000000"
    assert app.listed() == ["Good", "Fine"]


def test_an_unknown_id_in_a_batch_is_an_error_of_that_journal(app: App) -> None:
    unknown = journal(ManualJournalID="55555555-1111-4222-8333-666666666666")
    shown = write(app, "POST", [unknown], summarizeErrors="false")
    assert shown[0]["ValidationErrors"] == [{"Message": "The manual journal could not be found."}]


def test_a_list_has_lines_only_with_a_page(app: App) -> None:
    app.create()
    plain = app.call("GET", "/ManualJournals").json()
    paged = app.call("GET", "/ManualJournals", query={"page": "1"}).json()
    assert plain["ManualJournals"][0]["JournalLines"] == []
    assert "pagination" not in plain
    assert len(paged["ManualJournals"][0]["JournalLines"]) == 2
    assert paged["pagination"] == {"page": 1, "pageSize": 100, "pageCount": 1, "itemCount": 1}


def test_pages_hold_every_journal_once(app: App) -> None:
    write(app, "PUT", [journal(Narration=f"J{number}") for number in range(7)])
    pages = [app.listed(page=str(page), pageSize="3") for page in (1, 2, 3, 4)]
    assert pages == [["J0", "J1", "J2"], ["J3", "J4", "J5"], ["J6"], []]
    answer = app.call("GET", "/ManualJournals", query={"page": "2", "pageSize": "3"})
    assert answer.json()["pagination"] == {"page": 2, "pageSize": 3, "pageCount": 3, "itemCount": 7}


def test_the_default_page_has_a_hundred(app: App) -> None:
    write(app, "PUT", [journal(Narration=f"J{number}") for number in range(101)])
    assert [len(app.listed(page=page)) for page in ("1", "2")] == [100, 1]
    assert len(app.listed()) == 101


def test_the_list_goes_by_last_change(app: App) -> None:
    first = app.create(Narration="First")["ManualJournalID"]
    app.create(Narration="Second")
    app.sandbox.advance(1)
    app.change(first, Narration="First again")
    assert app.listed() == ["Second", "First again"]
    assert app.listed(order="UpdatedDateUTC DESC") == ["First again", "Second"]
    assert app.listed(order="Narration ASC") == ["First again", "Second"]


def test_a_narration_is_found_exactly(app: App) -> None:
    for narration in ("COGS [A]", "COGS [A] ", "cogs [a]", 'Say "x" \\ y', "COGS [AB]"):
        app.create(Narration=narration)
    assert app.listed(where='Narration=="COGS [A]"', page="1") == ["COGS [A]"]
    assert app.listed(where=r'Narration=="Say \"x\" \\ y"') == ['Say "x" \\ y']


def test_status_and_id_can_be_asked_for(app: App) -> None:
    posted = app.create(Narration="P", Status="POSTED")["ManualJournalID"]
    app.create(Narration="D")
    voided = app.create(Narration="V", Status="POSTED")["ManualJournalID"]
    app.change(voided, Status="VOIDED")
    assert app.listed(where='Status=="POSTED"') == ["P"]
    assert app.listed(where='Status=="DRAFT" OR Status=="VOIDED"') == ["D", "V"]
    assert app.listed(where=f'ManualJournalID==guid("{posted}")') == ["P"]
    assert app.listed(where="Date>=DateTime(2026,11,01)") == []


def test_a_change_counts_to_the_second(app: App) -> None:
    app.sandbox.admin("POST", "clock", {"now": "2031-05-01T13:00:00.200"})
    app.tokens = app.sandbox.sign_in(organisation=KITS)
    app.create()
    for since, count in (("13:00:00.900", 1), ("13:00:01", 0)):
        answer = app.call("GET", "/ManualJournals", headers={"If-Modified-Since": f"2031-05-01T{since}"})
        assert len(answer.json()["ManualJournals"]) == count


def test_only_what_changed_since_is_listed(app: App) -> None:
    app.create(Narration="Old")
    app.sandbox.advance(10)
    since = app.sandbox.admin("GET", "clock")["now"][:19]
    app.create(Narration="New")
    headers = {"If-Modified-Since": since}
    answer = app.call("GET", "/ManualJournals", headers=headers, query={"page": "1"}).json()
    assert [each["Narration"] for each in answer["ManualJournals"]] == ["New"]
    assert answer["pagination"]["itemCount"] == 1
