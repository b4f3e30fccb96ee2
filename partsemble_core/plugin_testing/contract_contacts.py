"""The part of the contract about contacts: all of them are read, and each pushed one is created at most once."""

from __future__ import annotations

import pytest

from partsemble_core.plugin_api import BackendError, Contact, ContactOutcome, Unsupported
from partsemble_core.plugin_host import PluginHost
from partsemble_core.plugin_testing.contract_reading import ContractFixtures
from partsemble_core.plugin_testing.harness import Fault, Harness

AWKWARD = 'Müller "Ø" & Söhne \\ 部品'


def contact(local_id: str, name: str) -> Contact:
    """A supplier of ours that the books don't know yet."""
    return Contact(local_id=local_id, external_id=None, name=name, email="orders@example.com")


def push(host: PluginHost, harness: Harness, *contacts: Contact) -> list[ContactOutcome]:
    """The outcomes, in the order of what was pushed; nothing is pulled."""
    result = host.sync_contacts(harness.name, harness.ctx, push=contacts, limit=0)
    outcomes = {outcome.local_id: outcome for outcome in result.pushed}
    return [outcomes[each.local_id or ""] for each in contacts]


def pull(host: PluginHost, harness: Harness, *, limit: int) -> list[Contact]:
    """Every contact, page by page."""
    found: list[Contact] = []
    cursor: str | None = None
    for _ in range(1000):
        page = host.sync_contacts(harness.name, harness.ctx, cursor=cursor, limit=limit).pulled
        found += page.records
        cursor = page.next_cursor
        if not page.has_more:
            return found
    pytest.fail("paging doesn't end")


class ContactsContract(ContractFixtures):
    """What holds for every backend that reads contacts, and for those that create them."""

    @pytest.fixture
    def reads_contacts(self, host: PluginHost, harness: Harness) -> None:
        try:
            host.sync_contacts(harness.name, harness.ctx)
        except Unsupported as error:
            pytest.skip(str(error))

    @pytest.fixture
    def creates_contacts(self, host: PluginHost, harness: Harness) -> None:
        if not host.info(harness.name).capabilities.contacts_push:
            pytest.skip("The backend creates no contacts.")

    @pytest.mark.usefixtures("reads_contacts")
    def test_contacts_are_paged_without_duplicates_or_gaps(self, host: PluginHost, harness: Harness) -> None:
        whole = pull(host, harness, limit=1000)
        parts = pull(host, harness, limit=2)
        assert sorted(each.external_id or "" for each in parts) == sorted(each.external_id or "" for each in whole)
        assert len({each.external_id for each in parts}) == len(parts)
        assert all(each.external_id and each.name for each in whole)
        assert not [each.name for each in whole if each.merged_into and each.active]

    @pytest.mark.usefixtures("reads_contacts")
    def test_a_limit_of_none_pulls_nothing(self, host: PluginHost, harness: Harness) -> None:
        page = host.sync_contacts(harness.name, harness.ctx, limit=0).pulled
        assert (page.records, page.has_more) == ((), False)

    @pytest.mark.usefixtures("creates_contacts")
    @pytest.mark.parametrize("name", ["Plain Parts", AWKWARD])
    def test_a_contact_is_created_once_and_found_again(self, host: PluginHost, harness: Harness, name: str) -> None:
        (first,) = push(host, harness, contact("7-first", name))
        assert (first.outcome, bool(first.external_id)) == ("created", True)
        (second,) = push(host, harness, contact("7-first", name))
        assert (second.outcome, second.external_id) == ("unchanged", first.external_id)
        assert harness.contact_names().count(name) == 1
        pulled = {each.external_id: each for each in pull(host, harness, limit=1000)}
        assert (pulled[first.external_id].name, pulled[first.external_id].active) == (name, True)

    @pytest.mark.usefixtures("creates_contacts")
    @pytest.mark.parametrize("name", ["Taken Parts", "TAKEN parts", AWKWARD])
    def test_a_name_that_is_taken_is_a_conflict_and_nothing_is_written(
        self, host: PluginHost, harness: Harness, name: str
    ) -> None:
        theirs = harness.add_contact(AWKWARD if name == AWKWARD else "Taken Parts")
        before = harness.contact_names()
        (outcome,) = push(host, harness, contact("8-second", name))
        assert (outcome.outcome, outcome.external_id) == ("conflict", theirs)
        assert outcome.message
        assert harness.contact_names() == before

    @pytest.mark.usefixtures("creates_contacts")
    def test_one_bad_contact_never_fails_the_others(self, host: PluginHost, harness: Harness) -> None:
        harness.add_contact("Taken Parts")
        wanted = [contact("1-a", "Good One"), contact("2-b", "Taken Parts"), contact("3-c", "x" * 5000)]
        outcomes = push(host, harness, *wanted, contact("4-d", "Good Two"))
        assert [each.outcome for each in outcomes] == ["created", "conflict", "rejected", "created"]
        assert {"Good One", "Good Two"} <= set(harness.contact_names())

    @pytest.mark.usefixtures("creates_contacts")
    @pytest.mark.parametrize("fault", [Fault.AFTER, Fault.BEFORE])
    def test_a_lost_answer_makes_no_second_contact(self, host: PluginHost, harness: Harness, fault: Fault) -> None:
        harness.inject_contact(fault)
        with pytest.raises(BackendError):
            push(host, harness, contact("9-lost", "Lost Parts"))
        (outcome,) = push(host, harness, contact("9-lost", "Lost Parts"))
        assert outcome.outcome == ("unchanged" if fault is Fault.AFTER else "created")
        assert harness.contact_names().count("Lost Parts") == 1
