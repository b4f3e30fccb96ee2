"""What happens on the way with Xero, over HTTP against the sandbox."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest

from partsemble_core.plugin_api import (
    AccountClass,
    BackendContext,
    ConnectRequest,
    ConnectState,
    ConnectStep,
    JournalStatus,
    JournalStep,
    KeyReused,
    NotPermitted,
    PeriodClosed,
    PostStep,
    Rejected,
    Secret,
    SignedOut,
)
from partsemble_core.plugin_host import PluginHost
from partsemble_core.plugin_testing.contract_posting import bring_in, create, post
from partsemble_xero.posting import PAGE_SIZE
from partsemble_xero.sandbox.testing import RunningSandbox, consent
from tests.plugins.xero.xero_harness import BOOKS, REDIRECT, XeroHarness

OTHER_BOOKS = "Second Books Ltd"


def step(kind: ConnectStep, organisation_id: str | None = None) -> ConnectRequest:
    return ConnectRequest(step=kind, organisation_id=organisation_id)


def change(harness: XeroHarness, external_id: str, **fields: object) -> None:
    """What a person does to a journal in Xero."""
    harness.ctx.http.request(
        "POST",
        f"{harness.sandbox.address}/api.xro/2.0/ManualJournals/{external_id}",
        headers={"Accept": "application/json", "Xero-Tenant-Id": harness.ctx.organisation_id or ""},
        json={"ManualJournals": [{"Narration": "changed by hand", **fields}]},  # type: ignore[dict-item]
        bearer=harness.ctx.access_token,
    ).json()


def test_the_sign_in_leads_to_xeros_consent_page(host: PluginHost, harness: XeroHarness) -> None:
    begun = host.connect("xero", harness.ctx, step(ConnectStep.BEGIN))
    sign_in = begun.sign_in
    assert begun.state is ConnectState.SIGN_IN
    assert sign_in is not None
    assert (sign_in.subject_claim, sign_in.refresh_grace_seconds) == ("xero_userid", 1800)
    assert "accounting.manualjournals" in sign_in.scopes
    assert sign_in.authorize_url in harness.sandbox.authorize_url(redirect_uri=REDIRECT)
    url = harness.sandbox.authorize_url(redirect_uri=REDIRECT, scopes=" ".join(sign_in.scopes))
    assert "code=" in consent(url, organisation=BOOKS)


def test_only_organisations_that_were_connected_can_be_chosen(host: PluginHost, harness: XeroHarness) -> None:
    unconnected = dataclasses.replace(harness.ctx, organisation_id=None)
    result = host.connect("xero", unconnected, step(ConnectStep.COMPLETE))
    assert (result.state, [each.name for each in result.organisations]) == (ConnectState.CHOOSE, [BOOKS])
    other = harness.sandbox.tenant_id(OTHER_BOOKS)
    with pytest.raises(NotPermitted):
        host.connect("xero", unconnected, step(ConnectStep.CHOOSE, other))
    harness.sandbox.sign_in(organisation=OTHER_BOOKS, redirect_uri=REDIRECT)
    ready = host.connect("xero", unconnected, step(ConnectStep.CHOOSE, other))
    assert ready.organisations[0].base_currency == "USD"
    assert ready.organisations[0].name == OTHER_BOOKS


def test_the_choice_shows_currencies_and_what_this_consent_added(host: PluginHost, harness: XeroHarness) -> None:
    tokens = harness.sandbox.sign_in(organisation=OTHER_BOOKS, redirect_uri=REDIRECT)
    fresh = dataclasses.replace(harness.ctx, organisation_id=None, access_token=Secret(tokens["access_token"]))
    found = host.connect("xero", fresh, step(ConnectStep.COMPLETE)).organisations
    shown = {each.name: (each.base_currency, each.is_new) for each in found}
    assert shown == {BOOKS: ("NZD", False), OTHER_BOOKS: ("USD", True)}
    harness.sandbox.add_fault("GET /api.xro/2.0/Organisation", kind="status", times=2)
    found = host.connect("xero", fresh, step(ConnectStep.COMPLETE)).organisations
    assert [each.base_currency for each in found] == ["", ""], "it can be chosen all the same"


def test_the_later_lock_date_counts(host: PluginHost, harness: XeroHarness) -> None:
    harness.sandbox.lock(BOOKS, period="2026-08-31", end_of_year="2026-03-31")
    ready = host.connect("xero", harness.ctx, step(ConnectStep.CHECK))
    assert ready.organisations[0].locked_through == dt.date(2026, 8, 31)


def test_disconnecting_takes_the_link_away_and_can_be_repeated(host: PluginHost, harness: XeroHarness) -> None:
    for _ in range(2):
        gone = host.connect("xero", harness.ctx, step(ConnectStep.DISCONNECT))
        assert gone.state is ConnectState.DISCONNECTED
    with pytest.raises(NotPermitted):
        host.connect("xero", harness.ctx, step(ConnectStep.CHECK))
    with pytest.raises(NotPermitted):
        host.connect("xero", harness.ctx, step(ConnectStep.COMPLETE))


def test_a_disconnection_on_xeros_side_is_noticed_at_the_next_call(host: PluginHost, harness: XeroHarness) -> None:
    harness.sandbox.disconnect(BOOKS)
    calls: list[Callable[[], object]] = [
        lambda: host.list_accounts("xero", harness.ctx),
        lambda: create(host, harness, harness.entry()),
        lambda: host.find_journal("xero", harness.ctx, entry=harness.entry()),
    ]
    for call in calls:
        with pytest.raises(NotPermitted, match="Connect it again"):
            call()


def test_an_expired_or_missing_token_is_signed_out(host: PluginHost, harness: XeroHarness) -> None:
    without = dataclasses.replace(harness.ctx, access_token=None)
    for ctx in (without, dataclasses.replace(harness.ctx, access_token=Secret("eyJ.not.ours"))):
        with pytest.raises(SignedOut):
            host.list_items("xero", ctx)
    harness.sandbox.advance(1801)
    with pytest.raises(SignedOut):
        create(host, harness, harness.entry())


def test_a_missing_scope_is_not_permitted(host: PluginHost, sandbox: RunningSandbox) -> None:
    narrow = XeroHarness(sandbox, scopes="offline_access accounting.settings.read")
    assert host.list_accounts("xero", narrow.ctx).records
    with pytest.raises(NotPermitted, match="Adviser"):
        host.find_journal("xero", narrow.ctx, entry=narrow.entry())


def test_accounts_say_why_xero_would_refuse_them(host: PluginHost, harness: XeroHarness) -> None:
    accounts = {account.name: account for account in host.list_accounts("xero", harness.ctx).records}
    refused = {name for name, account in accounts.items() if not account.usable}
    assert refused == {
        *("Business Bank Account", "Business Savings Account", "Old factory overhead", "Bank Revaluations"),
        *("Unrealised Currency Gains", "Accounts Receivable", "Inventory", "Accounts Payable"),
        *("Unpaid Expense Claims", "Wages Payable - Payroll", "GST", "Tracking Transfers", "Retained Earnings"),
    }
    assert "Current Asset" in accounts["Inventory"].why_not
    assert accounts["Historical Adjustment"].warning
    assert accounts["Rounding"].warning == ""
    assert accounts["Goods received clearing"].classification is AccountClass.LIABILITY


@pytest.mark.parametrize("code", ["610", "800", "960", "497", "498", "801", "814", "877", "090", "479", "630"])
def test_what_is_greyed_out_is_what_xero_refuses(host: PluginHost, harness: XeroHarness, code: str) -> None:
    accounts = {account.code: account for account in host.list_accounts("xero", harness.ctx).records}
    assert not accounts[code].usable
    with pytest.raises(Rejected):
        create(host, harness, harness.entry(debit=harness.account(code)))


def test_items_come_with_exact_prices(host: PluginHost, harness: XeroHarness) -> None:
    items = host.list_items("xero", harness.ctx).records
    assert items
    assert any(item.is_tracked and item.quantity_on_hand is not None for item in items)
    prices = [item.purchase_cost for item in items if item.purchase_cost is not None]
    assert prices
    assert all(isinstance(price, Decimal) for price in prices)


def test_the_journal_in_xero_is_what_was_posted(host: PluginHost, harness: XeroHarness) -> None:
    entry = harness.entry("1250.40")
    result = bring_in(host, harness, entry)
    journal = next(each for each in harness.journals() if each["journal_id"] == result.external_id)
    assert journal["narration"] == f"Build 'PSB-000123' / 5 x Eclair; stock [{entry.token}]"
    assert journal["date"] == "2026-10-05"
    seen = [request for request in harness.sandbox.requests() if request["method"] == "POST"][-2:]
    assert all(request["idempotency_key"] for request in seen)


def test_a_voided_journal_is_not_posted_again(host: PluginHost, harness: XeroHarness) -> None:
    entry = harness.entry()
    result = bring_in(host, harness, entry)
    change(harness, result.external_id, Status="VOIDED")
    with pytest.raises(Rejected, match="VOIDED"):
        post(host, harness, entry, external_id=result.external_id)
    hits = host.find_journal("xero", harness.ctx, entry=entry, external_id=result.external_id)
    assert [hit.status for hit in hits] == [JournalStatus.VOIDED]
    assert harness.count_journals() == 0


def test_a_deleted_draft_is_not_posted(host: PluginHost, harness: XeroHarness) -> None:
    entry = harness.entry()
    draft = create(host, harness, entry)
    host.discard_draft("xero", harness.ctx, entry=entry, external_id=draft.external_id)
    with pytest.raises(Rejected, match="DELETED"):
        post(host, harness, entry, external_id=draft.external_id)


def test_a_journal_that_never_was_is_not_posted(host: PluginHost, harness: XeroHarness) -> None:
    nowhere = "00000000-1111-4222-8333-444444444444"
    with pytest.raises(Rejected, match="not in Xero"):
        post(host, harness, harness.entry(), external_id=nowhere)
    assert host.find_journal("xero", harness.ctx, entry=harness.entry(), external_id=nowhere) == ()


def test_a_posting_that_was_done_counts_in_a_period_closed_since(host: PluginHost, harness: XeroHarness) -> None:
    entry = harness.entry()
    result = bring_in(host, harness, entry)
    harness.close_books(harness.date)
    assert post(host, harness, entry, external_id=result.external_id) == result
    draft = harness.entry()
    with pytest.raises(PeriodClosed) as caught:
        create(host, harness, draft)
    assert caught.value.locked_through == harness.date


def test_a_code_that_went_to_another_account_stops_at_the_draft(host: PluginHost, harness: XeroHarness) -> None:
    entry = harness.entry()
    line = dataclasses.replace(entry.lines[0], account_id=harness.account_ids["310"])
    with pytest.raises(Rejected, match="belongs to another account now"):
        create(host, harness, dataclasses.replace(entry, lines=(line, entry.lines[1])))
    assert harness.count_journals() == 0


def test_a_draft_is_found_by_its_token_though_its_narration_was_changed(host: PluginHost, harness: XeroHarness) -> None:
    entry = harness.entry()
    draft = create(host, harness, entry)
    change(harness, draft.external_id, Narration=f"Checked by Kim [{entry.token}]")
    assert [hit.external_id for hit in host.find_journal("xero", harness.ctx, entry=entry)] == [draft.external_id]


def test_twins_are_all_found_on_every_page(host: PluginHost, harness: XeroHarness) -> None:
    entry = harness.entry()
    other = {
        "ManualJournals": [
            {
                "Narration": f"Other {number}",
                "JournalLines": [
                    {"LineAmount": Decimal("1.00"), "AccountCode": "621"},
                    {"LineAmount": Decimal("-1.00"), "AccountCode": "622"},
                ],
            }
            for number in range(PAGE_SIZE)
        ]
    }
    first = create(host, harness, entry)
    harness.ctx.http.request(
        "PUT",
        f"{harness.sandbox.address}/api.xro/2.0/ManualJournals",
        headers={"Accept": "application/json", "Xero-Tenant-Id": harness.ctx.organisation_id or ""},
        json=other,  # type: ignore[arg-type]
        bearer=harness.ctx.access_token,
    ).json()
    twin = create(host, harness, entry)
    change(harness, twin.external_id, Narration=f"Twin [{entry.token}]")
    hits = {hit.external_id for hit in host.find_journal("xero", harness.ctx, entry=entry)}
    assert hits == {first.external_id, twin.external_id}


def test_a_journal_of_somebody_else_is_not_discarded(host: PluginHost, harness: XeroHarness) -> None:
    draft = create(host, harness, harness.entry())
    with pytest.raises(Rejected, match="not a draft of ours"):
        host.discard_draft("xero", harness.ctx, entry=harness.entry(), external_id=draft.external_id)


def test_three_decimals_are_refused_before_anything_is_sent(host: PluginHost, harness: XeroHarness) -> None:
    entry = dataclasses.replace(harness.entry("1.005"), decimals=3, currency="KWD")
    asked = len(harness.sandbox.requests())
    with pytest.raises(Rejected, match="two decimals") as caught:
        create(host, harness, entry)
    assert caught.value.fields == ("lines[0].amount",)
    assert len(harness.sandbox.requests()) == asked


def test_a_key_used_for_another_request_is_our_bug(host: PluginHost, harness: XeroHarness) -> None:
    create(host, harness, harness.entry(), key="one-key")
    with pytest.raises(KeyReused):
        create(host, harness, harness.entry(), key="one-key")


def test_a_refusal_is_remembered_with_its_key_and_gone_with_a_new_one(host: PluginHost, harness: XeroHarness) -> None:
    harness.close_books(harness.date)
    entry = harness.entry()
    with pytest.raises(PeriodClosed):
        create(host, harness, entry, key="closed")
    harness.sandbox.lock(BOOKS)
    with pytest.raises(PeriodClosed):
        create(host, harness, entry, key="closed")
    assert create(host, harness, entry, key="opened").status is JournalStatus.DRAFT


def test_without_an_organisation_nothing_is_asked(host: PluginHost, harness: XeroHarness) -> None:
    ctx: BackendContext = dataclasses.replace(harness.ctx, organisation_id=None)
    with pytest.raises(NotPermitted, match="finish connecting"):
        host.post_journal("xero", ctx, entry=harness.entry(), step=JournalStep(kind=PostStep.CREATE, key="k"))


def test_nothing_is_created_in_the_posted_state(host: PluginHost, harness: XeroHarness) -> None:
    """The law that keeps a lost answer harmless: nothing is created in the posted state."""
    entry = harness.entry()
    created = create(host, harness, entry)
    assert [journal["status"] for journal in harness.journals()] == ["DRAFT"]
    assert created.status is JournalStatus.DRAFT
