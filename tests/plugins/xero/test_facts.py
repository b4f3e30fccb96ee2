"""Facts about Xero that no story of its own holds; docs/reference/xero-facts.md lists them all."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import responses

from partsemble_core.plugin_api import (
    BatchEntry,
    ConnectRequest,
    ConnectStep,
    Contact,
    Http,
    HttpAnswer,
    JournalEntry,
    JournalLine,
    JournalStep,
    PostStep,
    json_text,
)
from partsemble_core.plugin_host import PluginHost
from partsemble_core.plugin_testing.contract_posting import bring_in, create
from partsemble_xero import CAPABILITIES, SETTINGS, contacts, plugin
from partsemble_xero.client import DEFAULTS
from partsemble_xero.journals import MAX_NARRATION, TOKEN_ROOM, journal_body, result_from, wire_narration
from partsemble_xero.sandbox.testing import ConsentFailed, RunningSandbox, consent
from partsemble_xero.scopes import SCOPE_NEEDS
from tests.plugins.xero.test_mapping import ENTRY, ROW
from tests.plugins.xero.xero_harness import BOOKS, REDIRECT, XeroHarness

UNPAGED = {"Accounts", "Items", "Organisation", "TrackingCategories", "Reports/TrialBalance"}
PAGED = {"Contacts", "CreditNotes", "Invoices", "ManualJournals"}


class Listening(Http):
    """Notes what goes out with each request."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, str, dict[str, Any]]] = []

    def request(self, method: str, url: str, **given: Any) -> HttpAnswer:
        self.sent.append((method, url.partition("/api.xro/2.0/")[2], given))
        return super().request(method, url, **given)


@pytest.fixture
def wire(harness: XeroHarness) -> Iterator[Listening]:
    with Listening() as listening:
        harness.ctx = dataclasses.replace(harness.ctx, http=listening)
        yield listening


def do_everything(host: PluginHost, harness: XeroHarness) -> None:
    """Each hook that speaks to Xero, once."""
    ctx = harness.ctx
    for step in (ConnectStep.COMPLETE, ConnectStep.CHECK):
        host.connect("xero", ctx, ConnectRequest(step=step, organisation_id=ctx.organisation_id))
    host.list_accounts("xero", ctx)
    host.list_items("xero", ctx)
    host.list_tracking("xero", ctx)
    host.list_balances("xero", ctx, on=harness.date)
    host.list_journals("xero", ctx)
    cursor = host.fetch_sales("xero", ctx).next_cursor
    host.fetch_sales("xero", ctx, cursor=cursor)
    mill = Contact(local_id="1-mill", external_id=None, name="Mill & Sons")
    host.sync_contacts("xero", ctx, push=[mill], limit=50)
    entries = [harness.entry(), harness.entry()]
    host.find_journals("xero", ctx, entries=entries, since=dt.datetime.now(dt.UTC))
    steps = [JournalStep(kind=PostStep.CREATE, key="a-batch")] * 2
    host.post_journals("xero", ctx, entries=list[BatchEntry](zip(entries, steps, strict=True)))
    draft = create(host, harness, harness.entry())
    host.find_journal("xero", ctx, entry=harness.entry())
    host.discard_draft("xero", ctx, entry=entries[0], external_id=found(host, harness, entries[0]))
    bring_in(host, harness, harness.entry())
    assert draft.external_id


def found(host: PluginHost, harness: XeroHarness, entry: JournalEntry) -> str:
    (hit,) = host.find_journal("xero", harness.ctx, entry=entry)
    return hit.external_id


def test_every_call_asks_for_json_and_names_its_organisation(
    host: PluginHost, harness: XeroHarness, wire: Listening, sandbox: RunningSandbox
) -> None:
    """Xero answers XML to whoever doesn't ask for JSON."""
    do_everything(host, harness)
    assert {path.partition("/")[0] for _, path, _ in wire.sent} >= {"Accounts", "Items", *PAGED}
    for method, path, given in wire.sent:
        assert given["headers"]["Accept"] == "application/json", path
        assert given["headers"].get("Xero-Tenant-Id") == (harness.ctx.organisation_id if path else None)
        assert given["bearer"] == harness.ctx.access_token
        if path and method != "GET":
            assert given["params"] == {"summarizeErrors": "false"}
    asked = [each for each in sandbox.requests() if each["path"].startswith("/api.xro/")]
    assert {each["status"] for each in asked if "/Contacts/PSB-" not in each["path"]} == {200}


def test_lists_with_lines_are_read_by_pages_and_the_others_in_one_call(
    host: PluginHost, harness: XeroHarness, wire: Listening
) -> None:
    """Without a page Xero leaves the lines out; with one, Items would never end."""
    do_everything(host, harness)
    asked = {path: given.get("params") or {} for method, path, given in wire.sent if method == "GET" and path}
    for path in UNPAGED:
        assert "page" not in asked[path], path
    for path in PAGED:
        assert int(asked[path]["page"]) >= 1, path
        assert 1 <= int(asked[path]["pageSize"]) <= 1000, path
        assert "summaryOnly" not in asked[path], "it leaves the lines out too"
    assert asked["Items"]["unitdp"] == asked["Invoices"]["unitdp"] == asked["CreditNotes"]["unitdp"] == "4"


def test_contacts_are_created_by_put_alone(host: PluginHost, harness: XeroHarness, wire: Listening) -> None:
    """POST would change a contact that is there, and drop its persons."""
    do_everything(host, harness)
    assert {method for method, path, _ in wire.sent if path.startswith("Contacts")} == {"GET", "PUT"}


def test_no_request_carries_a_list_of_ids_and_every_address_is_short(
    host: PluginHost, harness: XeroHarness, wire: Listening
) -> None:
    """53 ids in an address are a 404 in Xero. The longest of ours is the look-up of a narration."""
    longest = harness.entry(narration="%" * (MAX_NARRATION - TOKEN_ROOM))
    assert len(wire_narration(longest)) == MAX_NARRATION
    draft = create(host, harness, longest)
    assert found(host, harness, longest) == draft.external_id
    do_everything(host, harness)
    queries = [given.get("params") or {} for _, _, given in wire.sent]
    assert not any(name.lower() == "ids" for query in queries for name in query)
    assert max(sum(len(quote(str(value))) for value in query.values()) for query in queries) < 1000


def test_a_refusal_that_xero_remembers_is_not_believed(
    host: PluginHost, harness: XeroHarness, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For six minutes a key gives the old error, though its cause is gone."""
    mill = Contact(local_id="1-mill", external_id=None, name="Acme Components")
    with monkeypatch.context() as blind:
        blind.setattr(contacts, "_by_name", lambda ctx, name: None)
        (refused,) = host.sync_contacts("xero", harness.ctx, push=[mill], limit=0).pushed
    assert (refused.outcome, "already assigned" in refused.message) == ("rejected", True)
    theirs = next(each["contact_id"] for each in sandbox.contacts(BOOKS) if each["name"] == "Acme Components")
    sandbox.change_contact(BOOKS, theirs, name="Acme of old")
    (made,) = host.sync_contacts("xero", harness.ctx, push=[mill], limit=0).pushed
    assert made.outcome == "created"


def test_one_organisations_contact_is_never_anothers(
    host: PluginHost, harness: XeroHarness, sandbox: RunningSandbox
) -> None:
    """Keys belong to the app, whichever organisation they are used for."""
    mill = Contact(local_id="1-mill", external_id=None, name="Mill & Sons")
    sandbox.sign_in(organisation="Second Books Ltd", redirect_uri=REDIRECT)
    other = dataclasses.replace(harness.ctx, organisation_id=sandbox.tenant_id("Second Books Ltd"))
    made = [host.sync_contacts("xero", ctx, push=[mill], limit=0).pushed[0] for ctx in (harness.ctx, other)]
    assert [each.outcome for each in made] == ["created", "created"]
    assert made[0].external_id != made[1].external_id


@responses.activate
def test_a_contact_from_the_future_hides_none_that_changes_now(host: PluginHost, harness: XeroHarness) -> None:
    """Times of change ahead of their own clock were seen on Xero's demo company."""
    harness.ctx = dataclasses.replace(harness.ctx, settings={"api_url": "https://xero.example"})
    ahead = {"ContactID": "c-1", "Name": "Ahead", "UpdatedDateUTC": "/Date(1999999999000+0000)/"}
    pages = {"pagination": {"page": 1, "pageSize": 1, "pageCount": 2, "itemCount": 2}}
    url = "https://xero.example/api.xro/2.0/Contacts"
    responses.get(url, json={**pages, "Contacts": [ahead], "DateTimeUTC": "/Date(1793404800000)/"})
    responses.get(url, json={**pages, "Contacts": [ahead], "DateTimeUTC": "/Date(1793404900000)/"})
    cursor: str | None = None
    for _ in range(3):
        cursor = host.sync_contacts("xero", harness.ctx, cursor=cursor, limit=1).pulled.next_cursor
    asked = [call.request.headers.get("If-Modified-Since") for call in responses.calls]
    assert asked == [None, None, "2026-10-30T23:50:00"], "ten minutes before the first page was read"


def test_prices_have_four_decimals(host: PluginHost, harness: XeroHarness) -> None:
    costs = {item.code: str(item.purchase_cost) for item in host.list_items("xero", harness.ctx).records}
    assert (costs["BOLT-M6"], costs["PCB-BLANK"]) == ("0.1250", "4.1999")


def test_a_positive_amount_is_a_debit(host: PluginHost, harness: XeroHarness) -> None:
    bring_in(host, harness, harness.entry("12.34"))
    shown = {account["code"]: account["balance"] for account in harness.sandbox.books(BOOKS)["accounts"]}
    assert (shown["622"], shown["621"]) == ("12.34", "-12.34")
    balances = {each.account_code: each.balance for each in host.list_balances("xero", harness.ctx, on=harness.date)}
    assert (balances["622"], balances["621"]) == (Decimal("12.34"), Decimal("-12.34"))


def test_an_account_code_is_text() -> None:
    line = JournalLine(account_id="id", account_code="010", amount=Decimal(1))
    entry = dataclasses.replace(ENTRY, lines=(line, dataclasses.replace(line, amount=Decimal(-1))))
    assert json_text(journal_body(entry, status="DRAFT")).count('"AccountCode": "010"') == 2


def test_what_is_new_in_an_answer_breaks_nothing() -> None:
    row = {**ROW, "CreatedDateUTC": None, "Surprise": {"a": [1]}, "Warnings": "odd", "LineAmountTypes": "NEW"}
    result = result_from(row)
    assert result is not None
    assert result.external_id == ROW["ManualJournalID"]


def test_the_limits_are_xeros() -> None:
    limits = (
        CAPABILITIES.calls_at_once,
        CAPABILITIES.calls_per_minute,
        CAPABILITIES.calls_per_day,
        CAPABILITIES.app_calls_per_minute,
    )
    assert limits == (5, 60, 1_000, 10_000), "the day of the lowest tier, until a higher one is set"
    assert {each.name: each.default for each in SETTINGS}["daily_calls"] == "1000"
    assert CAPABILITIES.key_window == dt.timedelta(minutes=6)
    assert CAPABILITIES.batch_size == 50
    assert CAPABILITIES.max_narration == MAX_NARRATION - TOKEN_ROOM
    headers = CAPABILITIES.limit_headers
    assert headers is not None
    assert (headers.minute_left, headers.day_left) == ("X-MinLimit-Remaining", "X-DayLimit-Remaining")
    assert (headers.app_minute_left, headers.problem) == ("X-AppMinLimit-Remaining", "X-Rate-Limit-Problem")


def test_quantities_stay_here() -> None:
    """Xero has no call that adjusts them."""
    assert [str(mode) for mode in CAPABILITIES.inventory_modes] == ["journal_only"]
    assert "no interface to change quantities" in CAPABILITIES.inventory_mode_reason


def test_the_addresses_are_xeros() -> None:
    assert {name: url for name, url in DEFAULTS.items() if name != "scopes"} == {
        "authorize_url": "https://login.xero.com/identity/connect/authorize",
        "token_url": "https://identity.xero.com/connect/token",
        "revoke_url": "https://identity.xero.com/connect/revocation",
        "api_url": "https://api.xero.com",
    }
    offered = {each.name: each.default for each in plugin.describe_backend().settings}
    assert {name: offered[name] for name in DEFAULTS} == dict(DEFAULTS)


def test_scopes_are_granular_and_no_wider_than_what_is_done(sandbox: RunningSandbox) -> None:
    scopes = DEFAULTS["scopes"].split()
    assert set(scopes) == {
        *("offline_access", "openid", "profile", "email"),
        *("accounting.settings.read", "accounting.manualjournals", "accounting.contacts", "accounting.invoices.read"),
    }
    lacking = {need.feature for need in SCOPE_NEEDS if not set(need.any_of) & set(scopes)}
    assert {str(feature) for feature in lacking} == {"balances"}, "asked for where somebody reconciles"
    url = sandbox.authorize_url(redirect_uri=REDIRECT, scopes=" ".join(scopes))
    assert "code" in parse_qs(urlsplit(consent(url, organisation=BOOKS)).query)
    old = sandbox.authorize_url(redirect_uri=REDIRECT, scopes="offline_access accounting.transactions")
    with pytest.raises(ConsentFailed, match=r"400|scope"):
        consent(old, organisation=BOOKS)


def test_everything_that_has_a_default_in_xero_is_sent() -> None:
    """A day left out is today over there, a status DRAFT, and the tax that of the account."""
    (body,) = json.loads(json_text(journal_body(ENTRY, status="DRAFT")))["ManualJournals"]
    assert (body["Date"], body["Status"], body["LineAmountTypes"]) == ("2026-10-31", "DRAFT", "NoTax")
    assert [line["TaxType"] for line in body["JournalLines"]] == ["NONE", "NONE"]
    assert not {"CurrencyCode", "CurrencyRate"} & {*body, *(name for line in body["JournalLines"] for name in line)}
