"""Each answer that Xero can give becomes the error that says what happens next."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import responses

from partsemble_core.plugin_api import (
    BackendContext,
    BackendError,
    ConnectRequest,
    ConnectStep,
    JournalStatus,
    JournalStep,
    KeyReused,
    NotPermitted,
    OutcomeUnknown,
    PeriodClosed,
    PostStep,
    Rejected,
    RetryLater,
    Secret,
    SignedOut,
    Written,
)
from partsemble_core.plugin_host import PluginHost
from partsemble_core.plugin_testing.memory import make_context
from partsemble_xero import plugin
from tests.plugins.xero.test_mapping import ENTRY, ROW

API = "https://api.xero.com/api.xro/2.0"
CREATE = JournalStep(kind=PostStep.CREATE, key="key-1")
POST = JournalStep(kind=PostStep.POST, key="key-2", external_id=str(ROW["ManualJournalID"]))
TOKEN = "an-access-token-nobody-may-see"
ELEMENT = json.loads(json.dumps({**ROW, "Status": "DRAFT"}, default=float))


@pytest.fixture
def ctx() -> BackendContext:
    return make_context(organisation_id="tenant-1", access_token=Secret(TOKEN))


@pytest.fixture
def host() -> PluginHost:
    host = PluginHost()
    host.add(plugin, "xero")
    return host


@pytest.fixture
def xero() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def create(host: PluginHost, ctx: BackendContext, xero: responses.RequestsMock) -> Callable[..., Any]:
    """Creates the entry against one given answer."""

    def act(**answer: Any) -> Any:
        xero.post(f"{API}/ManualJournals", **answer)
        return host.post_journal("xero", ctx, entry=ENTRY, step=CREATE)

    return act


def validation(*messages: str) -> dict[str, Any]:
    return {
        "ErrorNumber": 10,
        "Type": "ValidationException",
        "Message": "A validation exception occurred",
        "Elements": [{"ValidationErrors": [{"Message": message} for message in messages]}],
    }


def denied(title: str, status: int, detail: str) -> dict[str, Any]:
    return {"Type": None, "Title": title, "Status": status, "Detail": detail, "Extensions": {}}


def test_a_yes_is_the_draft_with_its_id(create: Callable[..., Any], xero: responses.RequestsMock) -> None:
    result = create(json={"ManualJournals": [{**ELEMENT, "StatusAttributeString": "OK"}]})
    assert (result.external_id, result.status) == (ROW["ManualJournalID"], JournalStatus.DRAFT)
    sent = xero.calls[0].request
    assert sent.headers["Idempotency-Key"] == "key-1"
    assert sent.headers["Xero-Tenant-Id"] == "tenant-1"
    assert sent.headers["Accept"] == "application/json"
    assert str(sent.url).endswith("?summarizeErrors=false")


REFUSED = "The total debits (100.00) must equal total credits (-10.00)"
LOCKED = "The document date cannot be before the period lock date, currently set at 30-Nov-2018"
ANSWERS: list[tuple[dict[str, Any], type[BackendError]]] = [
    ({"status": 400, "json": validation(REFUSED)}, Rejected),
    ({"status": 400, "json": {"Type": "QueryParseException", "ErrorNumber": 16, "Message": "bad"}}, Rejected),
    ({"status": 400, "body": "<html>bad request</html>", "content_type": "text/html"}, Rejected),
    ({"status": 400, "json": validation(LOCKED)}, PeriodClosed),
    ({"status": 400, "json": {"Message": "The idempotency key was used with a different request"}}, KeyReused),
    ({"status": 409, "body": "conflict"}, KeyReused),
    ({"status": 401, "json": denied("Unauthorized", 401, "TokenExpired: token expired at …")}, SignedOut),
    ({"status": 401, "body": "oauth_problem=token_rejected"}, SignedOut),
    ({"status": 401, "json": denied("Unauthorized", 401, "AuthorizationUnsuccessful")}, NotPermitted),
    ({"status": 403, "json": denied("Forbidden", 403, "AuthenticationUnsuccessful")}, NotPermitted),
    ({"status": 403, "headers": {"WWW-Authenticate": "insufficient_scope"}, "body": ""}, NotPermitted),
    ({"status": 404, "body": "The resource you're looking for cannot be found"}, NotPermitted),
    ({"status": 412, "body": "precondition"}, Rejected),
    ({"status": 413, "body": "too large"}, Rejected),
    ({"status": 429, "body": ""}, RetryLater),
    ({"status": 408, "body": "time-out"}, OutcomeUnknown),
    ({"status": 500, "json": {"Message": "An error occurred"}}, OutcomeUnknown),
    ({"status": 503, "body": "The Xero API is currently offline for maintenance"}, OutcomeUnknown),
    ({"status": 302, "headers": {"Location": "https://login.example.com"}}, OutcomeUnknown),
    ({"status": 200, "body": "<html>"}, OutcomeUnknown),
    ({"status": 200, "body": '{"ManualJournals": [{"Manua'}, OutcomeUnknown),
    ({"status": 200, "json": []}, OutcomeUnknown),
    ({"status": 200, "json": {"ManualJournals": []}}, OutcomeUnknown),
    ({"status": 200, "json": {"ManualJournals": [ELEMENT, ELEMENT]}}, OutcomeUnknown),
    (
        {
            "status": 200,
            "json": {"ManualJournals": [{**ELEMENT, "ManualJournalID": "0" * 8 + "-0000-0000-0000-" + "0" * 12}]},
        },
        OutcomeUnknown,
    ),
    ({"status": 200, "json": {"ManualJournals": [{**ELEMENT, "Status": "POSTED"}]}}, OutcomeUnknown),
    ({"status": 200, "json": {"ManualJournals": [{**ELEMENT, "StatusAttributeString": "ERROR"}]}}, Rejected),
    ({"status": 200, "json": {"ManualJournals": [{**ELEMENT, "ValidationErrors": [{"Message": "no"}]}]}}, Rejected),
    ({"status": 200, "json": {"ManualJournals": [{**ELEMENT, "JournalLines": []}]}}, Rejected),
    ({"body": requests.ConnectTimeout("no answer")}, RetryLater),
    ({"body": requests.ReadTimeout("no answer")}, OutcomeUnknown),
    ({"body": requests.ConnectionError("reset by peer")}, OutcomeUnknown),
    ({"body": requests.exceptions.ChunkedEncodingError("cut short")}, OutcomeUnknown),
]


@pytest.mark.parametrize(("answer", "error"), ANSWERS)
def test_a_write_that_was_no_yes_is_classified(
    create: Callable[..., Any], answer: dict[str, Any], error: type[BackendError]
) -> None:
    with pytest.raises(BackendError) as caught:
        create(**answer)
    assert caught.value.code == error.code
    assert TOKEN not in f"{caught.value!r}{caught.value.__cause__!r}{caught.value.__context__!r}"
    assert (caught.value.written is Written.MAYBE) is (error is OutcomeUnknown)


READS: list[tuple[dict[str, Any], type[BackendError]]] = [
    ({"status": 500, "body": "trouble"}, RetryLater),
    ({"status": 503, "body": "offline"}, RetryLater),
    ({"status": 200, "body": "<html>"}, RetryLater),
    ({"status": 200, "json": {}}, RetryLater),
    ({"status": 200, "json": {"Accounts": "none"}}, RetryLater),
    ({"status": 404, "body": ""}, NotPermitted),
    ({"body": requests.ReadTimeout("no answer")}, RetryLater),
    ({"status": 401, "body": ""}, SignedOut),
    ({"status": 403, "body": ""}, NotPermitted),
]


@pytest.mark.parametrize(("answer", "error"), READS)
def test_a_read_that_failed_can_be_asked_again(
    host: PluginHost,
    ctx: BackendContext,
    xero: responses.RequestsMock,
    answer: dict[str, Any],
    error: type[BackendError],
) -> None:
    xero.get(f"{API}/Accounts", **answer)
    with pytest.raises(error) as caught:
        host.list_accounts("xero", ctx)
    assert caught.value.written is Written.NO


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"X-Rate-Limit-Problem": "minute", "Retry-After": "17"}, 17),
        ({"X-Rate-Limit-Problem": "Day", "Retry-After": "66975"}, 66975),
        ({"X-Rate-Limit-Problem": "concurrent"}, 2),
        ({"X-Rate-Limit-Problem": "ConcurrentLimit", "Retry-After": "0"}, 1),
        ({"X-Rate-Limit-Problem": "appminute"}, 60),
        ({}, 60),
        ({"Retry-After": "soon"}, 60),
    ],
)
def test_a_limit_pauses_the_organisation_for_as_long_as_told(
    create: Callable[..., Any], headers: dict[str, str], after: int
) -> None:
    with pytest.raises(RetryLater) as caught:
        create(status=429, headers=headers)
    assert (caught.value.after, caught.value.whole_organisation) == (after, True)


def test_xeros_words_are_shown_as_they_are(create: Callable[..., Any]) -> None:
    unknown = "Account code '622' is not a valid code for this document."
    with pytest.raises(Rejected) as caught:
        create(status=400, json=validation(unknown, REFUSED))
    assert caught.value.problems == (unknown, REFUSED)
    assert caught.value.fields == ("lines[0].account_code",)
    assert unknown in str(caught.value)


def test_a_stripped_line_is_a_failure_though_xero_only_warns(create: Callable[..., Any]) -> None:
    warning = "Account code '622' has been removed as it does not match a recognised account."
    element = {**ELEMENT, "StatusAttributeString": "WARNING", "Warnings": [{"Message": warning}]}
    with pytest.raises(Rejected) as caught:
        create(json={"ManualJournals": [element]})
    assert caught.value.problems == (warning,)
    assert caught.value.fields == ("lines[0].account_code",)


def test_another_warning_is_passed_on(create: Callable[..., Any]) -> None:
    element = {**ELEMENT, "StatusAttributeString": "WARNING", "Warnings": [{"Message": "A note."}]}
    assert create(json={"ManualJournals": [element]}).notices == ("A note.",)


def test_a_lock_is_told_with_the_organisations_own_date(
    create: Callable[..., Any], xero: responses.RequestsMock
) -> None:
    organisation = {"PeriodLockDate": "/Date(1793404800000+0000)/"}
    xero.get(f"{API}/Organisation", json={"Organisations": [organisation]})
    with pytest.raises(PeriodClosed) as caught:
        create(status=400, json=validation(LOCKED))
    assert str(caught.value.locked_through) == "2026-10-31"


def test_posting_after_doubt_is_a_success_where_it_is_posted(
    host: PluginHost, ctx: BackendContext, xero: responses.RequestsMock
) -> None:
    url = f"{API}/ManualJournals/{ROW['ManualJournalID']}"
    xero.post(url, status=400, json=validation("The status 'POSTED' cannot be applied to the document"))
    xero.get(url, json={"ManualJournals": [{**ELEMENT, "Status": "POSTED"}]})
    assert host.post_journal("xero", ctx, entry=ENTRY, step=POST).status is JournalStatus.POSTED


def test_a_posted_journal_that_a_person_changed_is_theirs_to_explain(
    host: PluginHost, ctx: BackendContext, xero: responses.RequestsMock
) -> None:
    url = f"{API}/ManualJournals/{ROW['ManualJournalID']}"
    changed = [{**ELEMENT["JournalLines"][0], "LineAmount": 1.5}, ELEMENT["JournalLines"][1]]
    xero.post(url, status=400, json=validation("no"))
    xero.get(url, json={"ManualJournals": [{**ELEMENT, "Status": "POSTED", "JournalLines": changed}]})
    with pytest.raises(Rejected, match=r"was changed: line 1: the amount is 1\.5"):
        host.post_journal("xero", ctx, entry=ENTRY, step=POST)


def test_practices_are_no_organisations(host: PluginHost, ctx: BackendContext, xero: responses.RequestsMock) -> None:
    rows = [
        {"id": "c-1", "tenantId": "t-1", "tenantType": "ORGANISATION", "tenantName": "Books"},
        {"id": "c-2", "tenantId": "t-2", "tenantType": "PRACTICE", "tenantName": "Practice"},
    ]
    xero.get("https://api.xero.com/connections", json=rows)
    xero.delete("https://api.xero.com/connections/c-1", status=404)
    result = host.connect("xero", ctx, ConnectRequest(step=ConnectStep.COMPLETE))
    assert [(each.external_id, each.link_id) for each in result.organisations] == [("t-1", "c-1")]
    host.connect("xero", ctx, ConnectRequest(step=ConnectStep.DISCONNECT, organisation_id="t-1"))
    asked = [f"{call.request.method} {urlsplit(call.request.url).path}" for call in xero.calls]
    currency = "GET /api.xro/2.0/Organisation"  # of each to choose from, as far as it can be had
    assert asked == ["GET /connections", currency, "GET /connections", "DELETE /connections/c-1"]


def test_a_lookup_reads_on_where_pages_are_not_counted(
    host: PluginHost, ctx: BackendContext, xero: responses.RequestsMock
) -> None:
    full = [{**ELEMENT, "ManualJournalID": f"id-{number}", "Narration": "other"} for number in range(200)]
    xero.get(f"{API}/ManualJournals", json={"ManualJournals": full})
    xero.get(f"{API}/ManualJournals", json={"ManualJournals": [ELEMENT]})
    hits = host.find_journal("xero", ctx, entry=ENTRY)
    assert [hit.external_id for hit in hits] == [ROW["ManualJournalID"]]
    wheres = [call.request.params.get("where") for call in xero.calls]  # type: ignore[attr-defined]
    assert wheres[0] == 'Narration=="Build PSB-000123 [AB12CD34EF56]"'
    assert any("If-Modified-Since" in call.request.headers for call in xero.calls)
