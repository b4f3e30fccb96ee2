"""Xero's tracking categories: an organisation has two active ones at most, and a line carries one option of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from partsemble_core.plugin_api import BackendContext, JsonBody, Tracking, TrackingCategory, TrackingOption, say
from partsemble_xero.client import read, rows_of, text_of


def list_tracking(ctx: BackendContext) -> Sequence[TrackingCategory]:
    """All of them in one call, archived ones too: a choice made earlier has to be told of."""
    rows = rows_of(read(ctx, "TrackingCategories", params={"includeArchived": "true"}), "TrackingCategories")
    return tuple(category_from(row) for row in rows)


def category_from(row: Mapping[str, object]) -> TrackingCategory:
    """One row of ``/TrackingCategories``."""
    found = row.get("Options")
    options = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return TrackingCategory(
        external_id=text_of(row, "TrackingCategoryID"),
        name=text_of(row, "Name"),
        active=text_of(row, "Status") == "ACTIVE",
        options=tuple(
            TrackingOption(
                external_id=text_of(each, "TrackingOptionID"),
                name=text_of(each, "Name"),
                active=text_of(each, "Status") == "ACTIVE",
            )
            for each in options
        ),
    )


def tracking_body(tracking: Sequence[Tracking]) -> list[JsonBody]:
    """By their ids: a name may have been changed since, and the label is still the same."""
    return [{"TrackingCategoryID": each.category_id, "TrackingOptionID": each.option_id} for each in tracking]


def tracking_difference(line: Mapping[str, object], tracking: Sequence[Tracking]) -> str:
    """What a line of theirs has other than ours; empty where it agrees, or doesn't tell."""
    rows = line.get("Tracking")
    if not isinstance(rows, list):
        return ""
    theirs = {text_of(row, "TrackingOptionID").lower() for row in rows if isinstance(row, dict)} - {""}
    wanted = {each.option_id.lower() for each in tracking}
    if wanted - theirs and (theirs or not rows):
        missing = ", ".join(
            f"{each.category} {each.option}" for each in tracking if each.option_id.lower() not in theirs
        )
        return say("its tracking lacks {missing}", missing=missing)
    return ""
