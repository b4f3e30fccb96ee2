"""The part of the contract that reads: description, connection, accounts, items."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from partsemble_core.plugin_api import (
    BACKEND_HOOKS,
    Account,
    ConnectRequest,
    ConnectState,
    ConnectStep,
    InventoryMode,
    NotGenuine,
    Page,
    Posting,
    Secret,
    Unsupported,
    Webhook,
)
from partsemble_core.plugin_host import PluginHost
from partsemble_core.plugin_testing.harness import Harness


class ContractFixtures:
    """A plugin's test class gives ``harness``; the host with that one plugin follows from it."""

    @pytest.fixture
    def host(self, harness: Harness) -> PluginHost:
        host = PluginHost()
        host.add(harness.plugin, harness.name)
        return host


class ReadingContract(ContractFixtures):
    """What holds for every backend before anything is posted."""

    def test_the_description_is_the_same_every_time(self, host: PluginHost, harness: Harness) -> None:
        second = PluginHost()
        second.add(harness.plugin, harness.name)
        assert second.info(harness.name) == host.info(harness.name)

    def test_all_six_hooks_are_there(self, host: PluginHost, harness: Harness) -> None:
        missing = [hook for hook in BACKEND_HOOKS if not host.has_hook(harness.name, hook)]
        assert not missing, f"implement {missing}; raise Unsupported where the backend can't do it"

    def test_the_capabilities_are_kept_by_hooks(self, host: PluginHost, harness: Harness) -> None:
        capabilities = host.info(harness.name).capabilities
        needed = {"find_journal": capabilities.posting in {Posting.DRAFT_THEN_POST, Posting.LOOKUP}}
        needed |= {"discard_draft": capabilities.posting is Posting.DRAFT_THEN_POST}
        needed |= {"list_balances": capabilities.balances, "read_webhook": capabilities.webhooks}
        needed |= dict.fromkeys(("post_journals", "find_journals"), capabilities.batch_size > 1)
        missing = [hook for hook, wanted in needed.items() if wanted and not host.has_hook(harness.name, hook)]
        assert not missing, f"the capabilities promise {missing}"

    def test_a_single_inventory_mode_has_its_reason(self, host: PluginHost, harness: Harness) -> None:
        capabilities = host.info(harness.name).capabilities
        assert capabilities.inventory_modes <= set(InventoryMode)
        assert len(capabilities.inventory_modes) > 1 or capabilities.inventory_mode_reason

    def test_sales_and_contacts_answer_or_say_they_can_not(self, host: PluginHost, harness: Harness) -> None:
        capabilities = host.info(harness.name).capabilities
        calls: list[tuple[bool, Callable[[], Any]]] = [
            (capabilities.sales, lambda: host.fetch_sales(harness.name, harness.ctx)),
            (capabilities.contacts_push, lambda: host.sync_contacts(harness.name, harness.ctx)),
        ]
        for is_promised, call in calls:
            refusal = _refusal_of(call)
            assert not (is_promised and refusal), f"the capabilities promise what the hook refuses: {refusal}"
            assert refusal is None or len(refusal) > 20, "say in a sentence what is missing"

    def test_connecting_begins_with_a_sign_in_or_a_choice(self, host: PluginHost, harness: Harness) -> None:
        result = host.connect(harness.name, harness.ctx, ConnectRequest(step=ConnectStep.BEGIN))
        assert result.state in {ConnectState.SIGN_IN, ConnectState.CHOOSE}
        assert result.state is not ConnectState.CHOOSE or result.organisations

    def test_the_check_can_be_repeated(self, host: PluginHost, harness: Harness) -> None:
        request = ConnectRequest(step=ConnectStep.CHECK)
        first = host.connect(harness.name, harness.ctx, request)
        assert first.state is ConnectState.READY
        assert first.organisations[0].external_id == harness.ctx.organisation_id
        assert len(first.organisations[0].base_currency) in (0, 3), "empty: it takes the company's own currency"
        assert host.connect(harness.name, harness.ctx, request) == first

    def test_paging_ends_without_duplicates(self, host: PluginHost, harness: Harness) -> None:
        whole = _every(lambda cursor: host.list_accounts(harness.name, harness.ctx, cursor=cursor, limit=1000))
        parts = _every(lambda cursor: host.list_accounts(harness.name, harness.ctx, cursor=cursor, limit=3))
        assert [account.external_id for account in parts] == [account.external_id for account in whole]
        assert len({account.external_id for account in parts}) == len(parts)
        items = _every(lambda cursor: host.list_items(harness.name, harness.ctx, cursor=cursor, limit=1))
        assert len({item.external_id for item in items}) == len(items)

    def test_every_account_is_usable_or_says_why_not(self, host: PluginHost, harness: Harness) -> None:
        accounts = self.accounts(host, harness)
        assert accounts
        silent = [account.code for account in accounts if account.usable == bool(account.why_not)]
        assert not silent, f"accounts {silent}: usable without a reason why not, or the other way round"
        usable = {(account.external_id, account.code) for account in accounts if account.usable}
        assert {tuple(harness.debit), tuple(harness.credit)} <= usable

    def test_tracking_options_can_be_told_apart(self, host: PluginHost, harness: Harness) -> None:
        if not host.has_hook(harness.name, "list_tracking"):
            pytest.skip(f"{harness.name} has no tracking categories.")
        categories = host.list_tracking(harness.name, harness.ctx)
        options = [option for category in categories for option in category.options]
        assert all(category.external_id and category.name for category in categories)
        assert all(option.external_id and option.name for option in options)
        assert len({option.external_id for option in options}) == len(options)
        assert len({category.external_id for category in categories}) == len(categories)

    def test_only_a_genuine_message_is_heard(self, host: PluginHost, harness: Harness) -> None:
        settings, headers, body = harness.genuine_webhook()

        def read(headers: Mapping[str, str], body: bytes, settings: Mapping[str, str | Secret] = settings) -> Webhook:
            return host.read_webhook(harness.name, settings=settings, headers=headers, body=body)

        found = read(headers, body)
        assert found == read(headers, body), "it is pure: the same message says the same"
        assert found.events
        assert all(event.organisation_id == harness.ctx.organisation_id for event in found.events)
        forgeries: list[Callable[[], Webhook]] = [
            lambda: read(headers, body + b" "),
            lambda: read(headers, body[:-1]),
            lambda: read({}, body),
            lambda: read(dict.fromkeys(headers, ""), body),
            lambda: read(dict.fromkeys(headers, "\u00e9"), body),
            lambda: read(headers, body, {}),
        ]
        for forgery in forgeries:
            with pytest.raises(NotGenuine):
                forgery()

    def test_no_secret_of_the_connection_shows(self, harness: Harness) -> None:
        shown = f"{harness.ctx!r} {harness.ctx}"
        for value in (harness.ctx.access_token, *harness.ctx.settings.values()):
            assert not isinstance(value, Secret) or not value or value.reveal() not in shown

    def accounts(self, host: PluginHost, harness: Harness) -> list[Account]:
        """All accounts of the connection."""
        return _every(lambda cursor: host.list_accounts(harness.name, harness.ctx, cursor=cursor))


def _refusal_of(call: Callable[[], Any]) -> str | None:
    try:
        call()
    except Unsupported as error:
        return str(error)
    return None


def _every(get_page: Callable[[str | None], Page[Any]]) -> list[Any]:
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(1000):
        page = get_page(cursor)
        found.extend(page.records)
        cursor = page.next_cursor
        if not page.has_more:
            return found
    pytest.fail("paging doesn't end")
