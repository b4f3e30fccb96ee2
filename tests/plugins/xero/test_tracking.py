"""Journals that carry tracking options, against the sandbox."""

from __future__ import annotations

import dataclasses

import pytest

from partsemble_core.plugin_api import JournalEntry, JournalStatus, Rejected, Tracking
from partsemble_core.plugin_host import PluginHost
from partsemble_core.plugin_testing.contract_posting import bring_in, create, post
from partsemble_xero.journals import journal_body
from tests.plugins.xero.xero_harness import BOOKS, XeroHarness


def options(host: PluginHost, harness: XeroHarness) -> dict[str, Tracking]:
    """Every option by its name, archived ones too."""
    return {
        option.name: Tracking(
            category_id=category.external_id, category=category.name, option_id=option.external_id, option=option.name
        )
        for category in host.list_tracking("xero", harness.ctx)
        for option in category.options
    }


def tracked(entry: JournalEntry, *tracking: Tracking) -> JournalEntry:
    lines = tuple(dataclasses.replace(line, tracking=tracking) for line in entry.lines)
    return dataclasses.replace(entry, lines=lines)


def test_all_options_are_read_and_archived_ones_told_apart(host: PluginHost, harness: XeroHarness) -> None:
    found = {
        category.name: (category.active, [(option.name, option.active) for option in category.options])
        for category in host.list_tracking("xero", harness.ctx)
    }
    assert found == {
        "Department": (True, [("Sales", True), ("Warehouse", False), ("Workshop", True)]),
        "Project": (False, [("Prototype", True)]),
        "Region": (True, [("North", True), ("South", True)]),
    }


def test_every_line_of_a_posted_journal_carries_them(host: PluginHost, harness: XeroHarness) -> None:
    known = options(host, harness)
    entry = tracked(harness.entry(), known["Workshop"], known["South"])
    result = bring_in(host, harness, entry)
    assert result.status is JournalStatus.POSTED
    answer = harness.ctx.http.request(
        "GET",
        f"{harness.sandbox.address}/api.xro/2.0/ManualJournals/{result.external_id}",
        headers={"Accept": "application/json", "Xero-Tenant-Id": harness.ctx.organisation_id or ""},
        bearer=harness.ctx.access_token,
    ).json()
    assert isinstance(answer, dict)
    for line in answer["ManualJournals"][0]["JournalLines"]:  # type: ignore[index,call-overload,union-attr]
        assert [each["Option"] for each in line["Tracking"]] == ["Workshop", "South"]  # type: ignore[index,call-overload,union-attr]


def test_an_archived_option_is_refused_and_nothing_is_posted(host: PluginHost, harness: XeroHarness) -> None:
    known = options(host, harness)
    with pytest.raises(Rejected, match="could not be found, or is not active"):
        create(host, harness, tracked(harness.entry(), known["Warehouse"]))
    assert harness.count_journals() == 0


def test_an_option_that_is_archived_between_draft_and_posting_is_told_of(
    host: PluginHost, harness: XeroHarness
) -> None:
    entry = tracked(harness.entry(), options(host, harness)["South"])
    drafted = create(host, harness, entry)
    harness.sandbox.set_tracking(BOOKS, category="Region", option="South", status="ARCHIVED")
    with pytest.raises(Rejected, match="could not be found, or is not active"):
        post(host, harness, entry, external_id=drafted.external_id)
    assert harness.count_journals() == 0


def test_lines_without_tracking_do_not_mention_it(harness: XeroHarness) -> None:
    assert "Tracking" not in str(journal_body(harness.entry(), status="DRAFT"))
