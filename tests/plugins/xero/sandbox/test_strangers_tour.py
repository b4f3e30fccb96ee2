"""Xero's own SDK does the whole tour: what it takes for Xero, other clients will."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal

import pytest
from xero_python import exceptions
from xero_python.accounting import (
    Contact,
    Contacts,
    ManualJournal,
    ManualJournalLine,
    ManualJournals,
    TrackingCategory,
)

from partsemble_xero.sandbox.testing import RunningSandbox
from tests.plugins.xero.sandbox.client import KITS
from tests.plugins.xero.sandbox.stranger import Stranger, sdk_journal


@pytest.fixture
def stranger(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stranger]:
    # Consent and code exchange by hand: the SDK has none.
    with closing(Stranger(sandbox, sandbox.sign_in(organisation=KITS), monkeypatch)) as sdk:
        yield sdk


def create(stranger: Stranger, tenant_id: str, **changes: object) -> ManualJournal:
    wrapped = ManualJournals(manual_journals=[sdk_journal(**changes)])
    answer = stranger.accounting.create_manual_journals(tenant_id, wrapped, idempotency_key=str(uuid.uuid4()))
    return answer.manual_journals[0]


def test_an_expired_token_is_refreshed_and_the_old_one_is_spent(stranger: Stranger) -> None:
    before = stranger.tokens["refresh_token"]
    stranger.expire()
    assert stranger.tenant_id(KITS)
    assert stranger.tokens["refresh_token"] != before


def test_the_sdk_reads_connections_organisation_accounts_and_items(stranger: Stranger) -> None:
    tenant_id = stranger.tenant_id(KITS)
    (organisation,) = stranger.accounting.get_organisations(tenant_id).organisations
    assert (organisation.name, organisation.base_currency.value) == (KITS, "NZD")
    accounts = stranger.accounting.get_accounts(tenant_id, where='Status=="ACTIVE" AND Type=="INVENTORY"').accounts
    assert [account.code for account in accounts] == ["630"]
    chart = {account.code: account for account in stranger.accounting.get_accounts(tenant_id).accounts}
    assert chart["610"].system_account == "DEBTORS"
    assert stranger.accounting.get_account(tenant_id, chart["310"].account_id).accounts[0].code == "310"
    items = {item.code: item for item in stranger.accounting.get_items(tenant_id, unitdp=4).items}
    assert items["BOLT-M6"].purchase_details.unit_price == Decimal("0.1250")
    assert stranger.accounting.get_item(tenant_id, "MOTOR-12V").items[0].is_tracked_as_inventory is True


def test_the_sdk_reads_tracking_categories_and_posts_with_them(stranger: Stranger) -> None:
    tenant_id = stranger.tenant_id(KITS)
    found = stranger.accounting.get_tracking_categories(tenant_id, include_archived=True).tracking_categories
    assert [(each.name, each.status) for each in found] == [
        ("Department", "ACTIVE"),
        ("Project", "ARCHIVED"),
        ("Region", "ACTIVE"),
    ]
    region = stranger.accounting.get_tracking_category(tenant_id, found[2].tracking_category_id).tracking_categories[0]
    south = TrackingCategory(name=region.name, option=region.options[1].name)
    journal = sdk_journal()
    for line in journal.journal_lines:
        line.tracking = [south]
    made = stranger.accounting.create_manual_journals(tenant_id, ManualJournals(manual_journals=[journal]))
    (carried,) = made.manual_journals[0].journal_lines[0].tracking
    assert (carried.name, carried.option) == ("Region", "South")


def test_a_journal_is_drafted_posted_by_its_id_found_and_voided(stranger: Stranger, sandbox: RunningSandbox) -> None:
    tenant_id = stranger.tenant_id(KITS)
    draft = create(stranger, tenant_id)
    assert (draft.status, draft.date) == ("DRAFT", datetime.date(2026, 10, 31))
    assert draft.journal_lines[0].line_amount == Decimal("1250.40")

    posting = ManualJournals(manual_journals=[sdk_journal(status="POSTED")])
    posted = stranger.accounting.update_manual_journal(tenant_id, draft.manual_journal_id, posting)
    assert posted.manual_journals[0].status == "POSTED"
    assert sandbox.balance(KITS, code="310") == "1250.40"

    found = stranger.accounting.get_manual_journals(
        tenant_id, where=f'Narration=="{draft.narration}"', page=1, page_size=10, order="UpdatedDateUTC ASC"
    )
    assert [each.manual_journal_id for each in found.manual_journals] == [draft.manual_journal_id]
    assert found.pagination.item_count == 1
    again = stranger.accounting.get_manual_journal(tenant_id, draft.manual_journal_id).manual_journals[0]
    assert (again.status, len(again.journal_lines)) == ("POSTED", 2)

    voiding = ManualJournals(manual_journals=[sdk_journal(status="VOIDED")])
    stranger.accounting.update_manual_journal(tenant_id, draft.manual_journal_id, voiding)
    assert sandbox.balance(KITS, code="310") == "0.00"


def test_the_sdk_pages_through_a_list(stranger: Stranger) -> None:
    tenant_id = stranger.tenant_id(KITS)
    for number in range(5):
        create(stranger, tenant_id, narration=f"J{number}")
    seen = [
        each.narration
        for page in (1, 2, 3)
        for each in stranger.accounting.get_manual_journals(tenant_id, page=page, page_size=2).manual_journals
    ]
    assert seen == ["J0", "J1", "J2", "J3", "J4"]


def test_the_sdk_sees_only_what_changed(stranger: Stranger, sandbox: RunningSandbox) -> None:
    tenant_id = stranger.tenant_id(KITS)
    create(stranger, tenant_id, narration="Old")
    sandbox.advance(60)
    since = datetime.datetime.fromisoformat(sandbox.admin("GET", "clock")["now"]).replace(tzinfo=None)
    create(stranger, tenant_id, narration="New")
    found = stranger.accounting.get_manual_journals(tenant_id, if_modified_since=since).manual_journals
    assert [each.narration for each in found] == ["New"]


def test_a_validation_error_reaches_the_sdk(stranger: Stranger) -> None:
    tenant_id = stranger.tenant_id(KITS)
    lines = [ManualJournalLine(line_amount=Decimal(amount), account_code="310") for amount in ("100", "-10")]
    with pytest.raises(exceptions.AccountingBadRequestException) as caught:
        create(stranger, tenant_id, journal_lines=lines)
    assert caught.value.reason == "The total debits (100.00) must equal total credits (-10.00)"


def test_with_summarize_errors_off_each_journal_answers_for_itself(stranger: Stranger) -> None:
    tenant_id = stranger.tenant_id(KITS)
    bad = sdk_journal(narration="Bad", journal_lines=[ManualJournalLine(line_amount=Decimal("1"), account_code="310")])
    both = ManualJournals(manual_journals=[bad, sdk_journal()])
    shown = stranger.accounting.create_manual_journals(tenant_id, both, summarize_errors=False).manual_journals
    assert [each.status_attribute_string for each in shown] == ["ERROR", "OK"]
    assert shown[0].validation_errors[0].message == "A manual journal must have at least two lines."


def test_a_record_that_is_not_there_reaches_the_sdk(stranger: Stranger) -> None:
    tenant_id = stranger.tenant_id(KITS)
    with pytest.raises(exceptions.NotFoundException):
        stranger.accounting.get_manual_journal(tenant_id, "55555555-1111-4222-8333-666666666666")


def test_a_limit_reaches_the_sdk(stranger: Stranger, sandbox: RunningSandbox) -> None:
    tenant_id = stranger.tenant_id(KITS)
    sandbox.add_fault("GET /api.xro/2.0/Accounts", kind="status", status=429)
    with pytest.raises(exceptions.RateLimitException):
        stranger.accounting.get_accounts(tenant_id)


def test_the_sdks_pool_sends_a_dropped_put_again(stranger: Stranger, sandbox: RunningSandbox) -> None:
    # Its urllib3 pool retries a PUT by itself. Here two are lost on their way and the third arrives.
    tenant_id = stranger.tenant_id(KITS)
    sandbox.add_fault("PUT /api.xro/2.0/ManualJournals", kind="close-after", times=2)
    create(stranger, tenant_id)
    assert len([each for each in sandbox.requests() if each["method"] == "PUT"]) == 3
    assert len(sandbox.books(KITS)["journals"]) == 1


def test_contacts_are_created_changed_found_and_paged(stranger: Stranger, sandbox: RunningSandbox) -> None:
    tenant_id, accounting = stranger.tenant_id(KITS), stranger.accounting
    wanted = [Contact(name="Mill & Sons", contact_number="SUP-1"), Contact(name="Acme Components")]
    both = accounting.create_contacts(tenant_id, Contacts(contacts=wanted), summarize_errors=False).contacts
    assert [each.has_validation_errors for each in both] == [False, True]
    mill = both[0]
    found = accounting.get_contact_by_contact_number(tenant_id, "SUP-1").contacts[0]
    assert (found.contact_id, found.name, found.contact_status) == (mill.contact_id, "Mill & Sons", "ACTIVE")
    change = Contacts(contacts=[Contact(contact_id=mill.contact_id, name="Miller", email_address="a@b.example")])
    assert accounting.update_contact(tenant_id, mill.contact_id, change).contacts[0].name == "Miller"
    again = Contacts(contacts=[Contact(contact_number="SUP-1", name="Miller & Co")])
    assert accounting.update_or_create_contacts(tenant_id, again).contacts[0].contact_id == mill.contact_id
    target = sandbox.add_contact(KITS, "Target")
    sandbox.change_contact(KITS, mill.contact_id, merged_into=target)
    assert accounting.get_contact(tenant_id, mill.contact_id).contacts[0].merged_to_contact_id == target
    pages = [
        accounting.get_contacts(tenant_id, page=number, page_size=3, include_archived=True, order="Name ASC")
        for number in (1, 2, 3)
    ]
    assert [len(page.contacts) for page in pages] == [3, 3, 2]
    assert pages[0].pagination.item_count == 8
    few = accounting.get_contacts(tenant_id, i_ds=[target], summary_only=True, search_term="TARG").contacts
    assert [each.name for each in few] == ["Target"]


def test_a_contact_that_is_refused_reaches_the_sdk(stranger: Stranger) -> None:
    tenant_id = stranger.tenant_id(KITS)
    with pytest.raises(exceptions.AccountingBadRequestException) as caught:
        stranger.accounting.create_contacts(tenant_id, Contacts(contacts=[Contact(name="Acme Components")]))
    assert caught.value.reason.startswith("The contact name Acme Components is already assigned to another contact.")


def test_disconnecting_and_revoking_work_from_the_sdk(stranger: Stranger, sandbox: RunningSandbox) -> None:
    connection = stranger.identity.get_connections()[1]
    stranger.identity.delete_connection(connection.id)
    assert [each.tenant_type for each in stranger.identity.get_connections()] == ["PRACTICE"]
    stranger.client.revoke_oauth2_token()
    assert stranger.tokens["refresh_token"] is None
    assert sandbox.requests()[-1]["status"] == 200
