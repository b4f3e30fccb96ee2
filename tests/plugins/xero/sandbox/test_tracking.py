"""Tracking categories, and the lines that carry them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from partsemble_xero.sandbox.testing import SandboxRefused
from tests.plugins.xero.sandbox.client import KITS, App, line, messages

NOT_THERE = "The tracking option '{}' could not be found, or is not active."


def categories(app: App, **query: str) -> list[dict[str, Any]]:
    answer = app.call("GET", "/TrackingCategories", query=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["TrackingCategories"]
    return found


def named(app: App, **query: str) -> dict[str, list[str]]:
    return {each["Name"]: [option["Name"] for option in each["Options"]] for each in categories(app, **query)}


def refused(app: App, tracking: object) -> list[str]:
    body = {"Narration": "x", "JournalLines": [line("310", 1, Tracking=tracking), line("622", -1)]}
    return messages(app.call("PUT", "/ManualJournals", body))


def test_archived_ones_are_shown_when_asked_for(shared_app: App) -> None:
    assert named(shared_app) == {"Department": ["Sales", "Workshop"], "Region": ["North", "South"]}
    assert named(shared_app, includeArchived="true") == {
        "Department": ["Sales", "Warehouse", "Workshop"],
        "Project": ["Prototype"],
        "Region": ["North", "South"],
    }
    assert named(shared_app, where='Name=="Region"') == {"Region": ["North", "South"]}
    first = categories(shared_app)[0]
    again = shared_app.call("GET", f"/TrackingCategories/{first['TrackingCategoryID']}").json()["TrackingCategories"]
    assert again[0]["Name"] == "Department"
    assert shared_app.call("GET", f"/TrackingCategories/{shared_app.tenant_id}").status_code == 404


def test_a_line_carries_two_by_names_or_by_ids(app: App) -> None:
    department, region = categories(app)
    by_ids = {
        "TrackingCategoryID": region["TrackingCategoryID"],
        "TrackingOptionID": region["Options"][1]["TrackingOptionID"],
    }
    sent = [{"Name": "department", "Option": "Workshop"}, by_ids]
    made = app.create(JournalLines=[line("310", 1, Tracking=sent), line("622", -1)])
    for shown in (made, app.get(made["ManualJournalID"])):
        carried = [(each["Name"], each["Option"]) for each in shown["JournalLines"][0]["Tracking"]]
        assert carried == [("Department", "Workshop"), ("Region", "South")]
        assert shown["JournalLines"][1]["Tracking"] == []
    assert made["JournalLines"][0]["Tracking"][0]["TrackingCategoryID"] == department["TrackingCategoryID"]
    app.change(made["ManualJournalID"], Status="POSTED")
    assert len(app.get(made["ManualJournalID"])["JournalLines"][0]["Tracking"]) == 2, "an update without lines keeps it"


def test_what_is_not_there_or_archived_is_refused(shared_app: App) -> None:
    for named_so, text in (
        ({"Name": "Region", "Option": "West"}, "West"),
        ({"Name": "Department", "Option": "South"}, "South"),
        ({"Name": "Department", "Option": "Warehouse"}, "Warehouse"),
        ({"Name": "Project", "Option": "Prototype"}, "Prototype"),
        ({"Name": "Region"}, "Region"),
        ({"Option": "South"}, "South"),
        ({}, ""),
    ):
        assert refused(shared_app, [named_so]) == [NOT_THERE.format(text)], named_so
    south = {"Name": "Region", "Option": "South"}
    twice = [south, {"Name": "Region", "Option": "North"}]
    assert refused(shared_app, twice) == ["The tracking category 'Region' is named more than once."]
    three = [south, {"Name": "Department", "Option": "Sales"}, south]
    assert refused(shared_app, three) == ["Only 2 Tracking elements are allowed per line."]


def test_a_draft_is_checked_again_when_it_is_posted(app: App) -> None:
    south = [{"Name": "Region", "Option": "South"}]
    made = app.create(JournalLines=[line("310", 1, Tracking=south), line("622", -1)])
    app.sandbox.set_tracking(KITS, category="Region", option="South", status="ARCHIVED")
    posted = app.change(made["ManualJournalID"], Status="POSTED")
    assert messages(posted) == [NOT_THERE.format("South")]
    app.sandbox.set_tracking(KITS, category="Region", option="South", status="ACTIVE")
    assert app.change(made["ManualJournalID"], Status="POSTED").status_code == 200


def test_two_are_active_at_most(app: App) -> None:
    with pytest.raises(SandboxRefused) as refusal:
        app.sandbox.set_tracking(KITS, category="Project", status="ACTIVE")
    assert json.loads(refusal.value.text)["error"]["code"] == "two-active-at-most"
    app.sandbox.set_tracking(KITS, category="Region", status="ARCHIVED")
    app.sandbox.set_tracking(KITS, category="Project", status="ACTIVE")
    assert list(named(app)) == ["Department", "Project"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"category": "Region", "status": "GONE"}, "status"),
        ({"category": "Nothing", "status": "ACTIVE"}, "category"),
        ({"category": "Region", "option": "Nothing", "status": "ACTIVE"}, "category"),
    ],
)
def test_a_switch_that_can_not_be_set_says_so(shared_app: App, fields: dict[str, str], field: str) -> None:
    with pytest.raises(SandboxRefused) as refusal:
        shared_app.sandbox.admin("POST", f"organisations/{shared_app.tenant_id}/tracking", fields)
    assert json.loads(refusal.value.text)["error"]["field"] == field
