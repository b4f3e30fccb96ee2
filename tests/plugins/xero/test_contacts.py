"""Contacts of the Xero plugin against the sandbox: pages, archived and merged ones, faults, and odd answers."""

from __future__ import annotations

import dataclasses
import json

import pytest
import responses

from partsemble_core.plugin_api import Contact, ContactOutcome, NotPermitted, OutcomeUnknown, Page, RetryLater
from partsemble_core.plugin_host import PluginHost
from partsemble_xero.contacts import contact_from
from partsemble_xero.sandbox.testing import SCOPES, RunningSandbox
from tests.plugins.xero.xero_harness import BOOKS, XeroHarness

ID = "9d3b8a1c-0000-4000-8000-000000000001"
API = "https://xero.example/api.xro/2.0/Contacts"


def ours(local_id: str = "7-ABCD", name: str = "Mill & Sons", email: str = "a@b.example") -> Contact:
    return Contact(local_id=local_id, external_id=None, name=name, email=email)


def push(host: PluginHost, harness: XeroHarness, *contacts: Contact) -> tuple[ContactOutcome, ...]:
    return host.sync_contacts("xero", harness.ctx, push=contacts, limit=0).pushed


def pull(host: PluginHost, harness: XeroHarness, cursor: str | None = None, *, limit: int = 50) -> list[Page[Contact]]:
    pages = []
    while True:
        page = host.sync_contacts("xero", harness.ctx, cursor=cursor, limit=limit).pulled
        pages.append(page)
        cursor = page.next_cursor
        if not page.has_more:
            return pages


def test_contacts_come_in_pages_and_are_complete(
    host: PluginHost, harness: XeroHarness, sandbox: RunningSandbox
) -> None:
    for number in range(120):
        sandbox.add_contact(BOOKS, f"Contact {number:03}")
    pages = pull(host, harness)
    assert [len(page.records) for page in pages] == [50, 50, 26]
    assert all(page.complete for page in pages)
    names = [each.name for page in pages for each in page.records]
    assert len(set(names)) == 126
    assert {"Contact 000", "Contact 119", "Old Foundry Ltd", "Éclair Électronique"} <= set(names)


@pytest.mark.parametrize("is_first_read", [True, False])
def test_an_edit_between_two_pages_makes_no_other_contact_missing(
    host: PluginHost, harness: XeroHarness, sandbox: RunningSandbox, is_first_read: bool
) -> None:
    cursor = None
    if not is_first_read:
        cursor = pull(host, harness)[-1].next_cursor
        sandbox.advance(700)
        for each in sandbox.contacts(BOOKS):
            sandbox.change_contact(BOOKS, each["contact_id"], email="new@x.example")
    everyone = {each["contact_id"] for each in sandbox.contacts(BOOKS)}
    page = host.sync_contacts("xero", harness.ctx, cursor=cursor, limit=2).pulled
    sandbox.advance(60)
    for each in page.records:
        sandbox.change_contact(BOOKS, str(each.external_id), email="newer@x.example")
    rest = pull(host, harness, page.next_cursor, limit=2)
    assert {each.external_id for each in (*page.records, *(each for more in rest for each in more.records))} == everyone


def test_archived_and_merged_contacts_say_so(host: PluginHost, harness: XeroHarness, sandbox: RunningSandbox) -> None:
    one, two = (sandbox.add_contact(BOOKS, name, is_supplier=True) for name in ("One", "Two"))
    sandbox.change_contact(BOOKS, one, merged_into=two)
    (page,) = pull(host, harness)
    found = {each.name: each for each in page.records}
    assert (found["One"].active, found["One"].merged_into) == (False, two)
    assert (found["Two"].active, found["Two"].merged_into, found["Two"].is_supplier) == (True, "", True)
    assert (found["Old Foundry Ltd"].active, found["Old Foundry Ltd"].merged_into) == (False, "")
    assert found["Kiwi Instruments"].email == "accounts@kiwi.example"


def test_the_last_cursor_reads_what_changes_from_then_on(
    host: PluginHost, harness: XeroHarness, sandbox: RunningSandbox
) -> None:
    cursor = pull(host, harness)[-1].next_cursor
    sandbox.advance(700)
    sandbox.add_contact(BOOKS, "Fresh Ltd")
    first = pull(host, harness, cursor)
    assert not any(page.complete for page in first)
    assert "Fresh Ltd" in {each.name for each in first[-1].records}
    sandbox.advance(700)
    second = pull(host, harness, first[-1].next_cursor)
    assert [each.name for each in second[-1].records] == ["Fresh Ltd"], "the overlap of ten minutes, and no more"
    assert [each.name for each in pull(host, harness, second[-1].next_cursor)[-1].records] == ["Fresh Ltd"]


@pytest.mark.parametrize("cursor", ["nonsense", "[]", "[0, 1, 2]", '["1", "", "", ""]', "{}", "5", '[1, "", "", 7]'])
def test_a_cursor_that_is_none_of_ours_begins_anew(host: PluginHost, harness: XeroHarness, cursor: str) -> None:
    (page,) = pull(host, harness, cursor)
    assert (len(page.records), page.complete) == (6, True)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, ("", "", False, "")),
        ({"ContactStatus": "HIBERNATING", "Name": "N"}, ("N", "", False, "")),
        ({"ContactStatus": "ACTIVE", "Name": None, "EmailAddress": 7, "Zodiac": {}}, ("", "", True, "")),
        ({"ContactStatus": "GDPRREQUEST"}, ("", "", False, "")),
        ({"ContactStatus": "ACTIVE", "MergedToContactID": ID}, ("", "", False, ID)),
        (
            {"ContactStatus": "ACTIVE", "MergedToContactID": "00000000-0000-0000-0000-000000000000"},
            ("", "", True, ""),
        ),
    ],
)
def test_odd_contacts_are_read(row: dict[str, object], expected: tuple[str, str, bool, str]) -> None:
    contact = contact_from(row)
    assert (contact.name, contact.email, contact.active, contact.merged_into) == expected


def test_a_push_carries_our_number_and_the_mail(
    host: PluginHost, harness: XeroHarness, sandbox: RunningSandbox
) -> None:
    (outcome,) = push(host, harness, ours())
    (found,) = [each for each in sandbox.contacts(BOOKS) if each["contact_id"] == outcome.external_id]
    assert (found["name"], found["contact_number"], found["email"]) == ("Mill & Sons", "PSB-S-7-ABCD", "a@b.example")


def test_a_contact_of_ours_that_was_renamed_is_still_ours(
    host: PluginHost, harness: XeroHarness, sandbox: RunningSandbox
) -> None:
    (first,) = push(host, harness, ours())
    sandbox.change_contact(BOOKS, str(first.external_id), name="Renamed there")
    (again,) = push(host, harness, ours())
    assert (again.outcome, again.external_id) == ("unchanged", first.external_id)
    assert "Mill & Sons" not in harness.contact_names()


def test_a_contact_of_ours_that_was_merged_is_followed(
    host: PluginHost, harness: XeroHarness, sandbox: RunningSandbox
) -> None:
    (first,) = push(host, harness, ours())
    other = sandbox.add_contact(BOOKS, "The other")
    sandbox.change_contact(BOOKS, str(first.external_id), merged_into=other)
    (again,) = push(host, harness, ours())
    assert (again.outcome, again.external_id) == ("unchanged", other)


def test_an_archived_name_is_a_conflict_that_says_so(host: PluginHost, harness: XeroHarness) -> None:
    before = harness.contact_names()
    (outcome,) = push(host, harness, ours(name="old foundry LTD"))
    assert outcome.outcome == "conflict"
    assert outcome.message == (
        "A contact named Old Foundry Ltd is archived in Xero; restore it there before it is used, and it isn't ours. "
        "Link to it, or rename the supplier."
    )
    assert harness.contact_names() == before


def test_a_name_that_xero_refuses_is_told_in_its_words(host: PluginHost, harness: XeroHarness) -> None:
    outcomes = push(host, harness, ours("1-a", "A <b>"), ours("2-b", "Good"), ours("3-" + "x" * 60, "Long key"))
    assert [each.outcome for each in outcomes] == ["rejected", "created", "rejected"]
    assert outcomes[0].message.startswith("Xero refused it: The contact name cannot hold angle brackets")


@pytest.mark.parametrize("kind", ["close-after", "cut", "empty", "html", "status-after"])
def test_an_answer_that_is_lost_or_spoilt_makes_no_second_contact(
    host: PluginHost, harness: XeroHarness, sandbox: RunningSandbox, kind: str
) -> None:
    sandbox.add_fault("PUT /api.xro/2.0/Contacts", kind=kind)
    with pytest.raises(OutcomeUnknown):
        push(host, harness, ours())
    sandbox.advance(600)  # no idempotency key helps any more
    (outcome,) = push(host, harness, ours())
    assert outcome.outcome == "unchanged"
    assert harness.contact_names().count("Mill & Sons") == 1
    assert len([each for each in sandbox.requests() if each["method"] == "PUT"]) == 1


def test_a_limit_ends_the_push_and_the_next_one_goes_on(
    host: PluginHost, harness: XeroHarness, sandbox: RunningSandbox
) -> None:
    sandbox.add_fault("PUT /api.xro/2.0/Contacts", kind="status", status=429)
    with pytest.raises(RetryLater):
        push(host, harness, ours("1-a", "One"), ours("2-b", "Two"))
    assert [each.outcome for each in push(host, harness, ours("1-a", "One"), ours("2-b", "Two"))] == ["created"] * 2


def test_without_the_scope_nothing_is_read_or_written(sandbox: RunningSandbox, host: PluginHost) -> None:
    harness = XeroHarness(sandbox, scopes=SCOPES.replace(" accounting.contacts", ""))
    for pushed in ((), (ours(),)):
        with pytest.raises(NotPermitted, match="connect again"):
            host.sync_contacts("xero", harness.ctx, push=pushed)
    harness.ctx.http.close()


def _mocked(harness: XeroHarness) -> XeroHarness:
    harness.ctx = dataclasses.replace(harness.ctx, settings={**harness.ctx.settings, "api_url": "https://xero.example"})
    return harness


def _put(status: int, contact: dict[str, object]) -> None:
    responses.get(f"{API}/PSB-S-7-ABCD", status=404)
    responses.get(API, json={"Contacts": []})
    responses.put(API, status=status, json={"Contacts": [contact], "Elements": [contact]})


@responses.activate
def test_somebody_faster_is_found_after_the_refusal(host: PluginHost, harness: XeroHarness) -> None:
    mine = {"ContactID": ID, "ContactNumber": "PSB-S-7-ABCD", "Name": "Mill & Sons", "ContactStatus": "ACTIVE"}
    responses.get(f"{API}/PSB-S-7-ABCD", status=404)
    responses.get(f"{API}/PSB-S-7-ABCD", json={"Contacts": [mine]})
    responses.get(API, json={"Contacts": []})
    refused = {"ValidationErrors": [{"Message": "Another contact has this contact number."}]}
    responses.put(API, status=400, json={"Elements": [refused]})
    (outcome,) = push(host, _mocked(harness), ours())
    assert (outcome.outcome, outcome.external_id) == ("unchanged", ID)


@responses.activate
def test_a_contact_that_answers_with_another_number_is_not_taken_for_ours(
    host: PluginHost, harness: XeroHarness
) -> None:
    _put(200, {"ContactID": ID, "ContactNumber": "THEIRS", "Name": "Mill & Sons", "StatusAttributeString": "OK"})
    with pytest.raises(OutcomeUnknown):
        push(host, _mocked(harness), ours())


@responses.activate
def test_200_alone_does_not_mean_created(host: PluginHost, harness: XeroHarness) -> None:
    _put(200, {"ContactID": "00000000-0000-0000-0000-000000000000", "StatusAttributeString": "ERROR"})
    (outcome,) = push(host, _mocked(harness), ours())
    assert (outcome.outcome, outcome.external_id) == ("rejected", None)


@responses.activate
def test_a_name_is_quoted_in_the_filter_and_searched_as_it_is(host: PluginHost, harness: XeroHarness) -> None:
    _put(200, {"ContactID": ID, "ContactNumber": "PSB-S-7-ABCD", "StatusAttributeString": "OK"})
    push(host, _mocked(harness), ours(name='"A" \\ B" OR Name!="'))
    queries = [dict(call.request.params) for call in responses.calls if call.request.method == "GET"][1:]  # type: ignore[attr-defined]
    assert queries[0]["where"] == r'Name=="\"A\" \\ B\" OR Name!=\""'
    assert queries[1]["searchTerm"] == '"A" \\ B" OR Name!="'
    assert all(query["includeArchived"] == "true" for query in queries)
    body = json.loads(next(call.request.body for call in responses.calls if call.request.method == "PUT"))
    assert body["Contacts"][0]["Name"] == '"A" \\ B" OR Name!="'
