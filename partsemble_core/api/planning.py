"""Planned builds: their order, their lines, executing them, and the review of what was made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from partsemble_core.api import build_schemas as schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.builds import build_body, picked, preview_body, short_body
from partsemble_core.api.door import Json, reading, today, writing
from partsemble_core.api.products import components_of
from partsemble_core.api.tags import check_match
from partsemble_core.services.acting import Act, parse_day
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.building import execute_planned, preview_planned
from partsemble_core.services.noticing import subject_of
from partsemble_core.services.planning import (
    cancel_planned,
    edit_planned,
    list_buildable,
    list_overdue,
    list_shortages,
    list_suggestions,
    plan_build,
    refresh_to_active_bom,
    reorder,
    sync_automatic,
)
from partsemble_core.services.queueing import change_planned, list_queue, move_planned
from partsemble_core.services.replenishing import list_reorder_alerts
from partsemble_core.services.reviewing import approve, reject
from partsemble_core.store.builds import Build
from partsemble_core.store.products import named_product
from partsemble_core.store.session import CompanySession

area = Area("planning", "Planned builds in their order, their execution and review, and what to build and buy next.")


@area.route("POST", "/builds/plan", takes=schemas.PlanIn, gives=schemas.BuildOut, status=201, roles=MAY_WRITE)
def plan(body: dict[str, Any]) -> Json:
    """A planned build with a number of its own and its BOM's lines as they are now. It moves no stock."""

    sku = body.pop("sku")  # once: a transaction may be repeated

    def planned(session: CompanySession, act: Act) -> Json:
        product = named_product(session, sku)
        return build_body(session, plan_build(session, act, product_id=product.id, **body).id)

    return writing(planned)


@area.route("GET", "/builds/planned", gives=schemas.PlannedList)
def list_plans() -> Json:
    """All planned builds in order of priority: the first is served first."""
    day = today()
    with reading() as session:
        return _planned_list(session, today=day)


@area.route("GET", "/builds/overdue", gives=schemas.PlannedList)
def list_overdue_builds() -> Json:
    """Planned builds whose target date has passed, the longest overdue first."""
    day = today()
    with reading() as session:
        late = [build.id for build in list_overdue(session, today=day)]
        found = _planned_list(session, today=day, only=lambda build: build.id in late)
    return {"rows": sorted(found["rows"], key=lambda row: late.index(row["id"]))}


@area.route("POST", "/builds/planned/suggested", gives=schemas.PlannedList, roles=MAY_WRITE)
def plan_suggested() -> Json:
    """Plans what is suggested: one automatic build a product, made, adjusted or given up. Answers all plans."""

    def suggested(session: CompanySession, act: Act) -> Json:
        sync_automatic(session, act)
        return _planned_list(session, today=act.today)

    return writing(suggested)


@area.route("PUT", "/builds/planned/order", takes=schemas.OrderIn, gives=schemas.PlannedList, roles=MAY_WRITE)
def put_order(body: dict[str, Any]) -> Json:
    """Puts planned builds in the order given, before all others, which keep theirs."""

    def order(session: CompanySession, act: Act) -> Json:
        reorder(session, act, body["build_ids"])
        return _planned_list(session, today=act.today)

    return writing(order)


@area.route("POST", "/builds/<id:build_id>/move", takes=schemas.MoveIn, gives=schemas.PlannedList, roles=MAY_WRITE)
def move_build(body: dict[str, Any], build_id: int) -> Json:
    """Moves one planned build within the order of now: after another one, or to the top, up, down, to the bottom."""

    def move(session: CompanySession, act: Act) -> Json:
        move_planned(session, act, build_id, to=body["to"], after=body["after"])
        return _planned_list(session, today=act.today)

    return writing(move)


@area.route("POST", "/builds/planned/change", takes=schemas.ManyIn, gives=schemas.PlannedList, roles=MAY_WRITE)
def change_builds(body: dict[str, Any]) -> Json:
    """Cancels, refreshes or dates several planned builds: all or none. Answers all plans."""

    def change(session: CompanySession, act: Act) -> Json:
        change_planned(session, act, **body)
        return _planned_list(session, today=act.today)

    return writing(change)


@area.route("PUT", "/builds/<id:build_id>", takes=schemas.PlanEdit, gives=schemas.BuildOut, roles=MAY_WRITE)
def put_build(body: dict[str, Any], build_id: int) -> Json:
    """Changes what is given of a planned build; ``components`` replaces all its lines, and null ends the target day."""
    changes = dict(body)
    if "components" in changes:
        changes["components"] = components_of(changes["components"])
    if "target_on" in changes:
        changes["target_on"] = changes["target_on"] or ""

    def save(session: CompanySession, act: Act) -> Json:
        check_match(session, subject_of(Build, build_id))
        return build_body(session, edit_planned(session, act, build_id, **changes).id)

    return writing(save)


@area.route("POST", "/builds/<id:build_id>/preview", takes=schemas.ExecuteAsk, gives=schemas.PreviewOut)
def preview_plan(body: dict[str, Any], build_id: int) -> Json:
    """What executing a planned build would take and cost, and every shortage. Nothing is written."""
    built_on = parse_day(body["built_on"], field="built_on", today=today())
    with reading() as session:
        found = preview_planned(
            session,
            build_id,
            built_on=built_on,
            lots=picked(body),
            build_subassemblies=body["build_subassemblies"],
        )
    return preview_body(found)


@area.route("POST", "/builds/<id:build_id>/execute", takes=schemas.ExecuteAsk, gives=schemas.BuildOut, roles=MAY_WRITE)
def execute_build(body: dict[str, Any], build_id: int) -> Json:
    """Executes a planned build by its own lines, under its number. With quality review it then waits for that."""

    def execute(session: CompanySession, act: Act) -> Json:
        execute_planned(
            session,
            act,
            build_id,
            built_on=body["built_on"],
            lots=picked(body),
            build_subassemblies=body["build_subassemblies"],
        )
        return build_body(session, build_id)

    return writing(execute)


@area.route("POST", "/builds/<id:build_id>/cancel", gives=schemas.BuildOut, roles=MAY_WRITE)
def cancel_build(build_id: int) -> Json:
    """Gives a planned build up. It keeps its number."""
    return writing(lambda session, act: build_body(session, cancel_planned(session, act, build_id).id))


@area.route("POST", "/builds/<id:build_id>/refresh", gives=schemas.BuildOut, roles=MAY_WRITE)
def refresh_build(build_id: int) -> Json:
    """Lets a planned build go by the active BOM version. Edited lines are given up."""
    return writing(lambda session, act: build_body(session, refresh_to_active_bom(session, act, build_id).id))


@area.route("POST", "/builds/<id:build_id>/approve", takes=schemas.ApprovalIn, gives=schemas.BuildOut, roles=MAY_WRITE)
def approve_build(body: dict[str, Any], build_id: int) -> Json:
    """The build was good: its lot comes in at exactly what it cost, and its posting is queued."""
    return writing(
        lambda session, act: build_body(session, approve(session, act, build_id, note=body["note"]).id),
    )


@area.route("POST", "/builds/<id:build_id>/reject", takes=schemas.RejectionIn, gives=schemas.BuildOut, roles=MAY_WRITE)
def reject_build(body: dict[str, Any], build_id: int) -> Json:
    """The build was no good: what can be used goes back to its lots, the rest is waste at its cost."""
    return writing(lambda session, act: build_body(session, reject(session, act, build_id, **body).id))


@area.route("GET", "/shortages", gives=schemas.ShortagesOut)
def show_shortages() -> Json:
    """What all planned builds together lack of what can be taken today, by SKU, and what is coming of it."""
    day = today()
    with reading() as session:
        return {
            "rows": [
                {**short_body(short, product.sku), "coming": short.coming}
                for product, short in list_shortages(session, today=day)
            ]
        }


@area.route("GET", "/buildable", gives=schemas.BuildablesOut)
def show_buildable() -> Json:
    """How many of each active product with a BOM can be built today, each by itself, by SKU."""
    day = today()
    with reading() as session:
        return {
            "rows": [
                {"product_id": found.product.id, "sku": found.product.sku, "quantity": found.quantity}
                for found in list_buildable(session, today=day)
            ]
        }


@area.route("GET", "/suggestions", gives=schemas.SuggestionsOut)
def show_suggestions() -> Json:
    """Products at or near their build point, and what to build of each, by SKU."""
    with reading() as session:
        return {
            "rows": [
                {
                    "product_id": found.product.id,
                    "sku": found.product.sku,
                    "stock": found.stock,
                    "coming": found.coming,
                    "quantity": found.suggestion.quantity,
                    "alert": found.suggestion.alert,
                }
                for found in list_suggestions(session)
            ]
        }


@area.route("GET", "/reorder-alerts", gives=schemas.ReorderAlertsOut)
def show_reorder_alerts() -> Json:
    """Active products at or below their reorder point, by SKU."""
    with reading() as session:
        return {
            "rows": [
                {
                    "product_id": alert.product.id,
                    "sku": alert.product.sku,
                    "stock": alert.stock,
                    "reorder_point": alert.product.reorder_point,
                }
                for alert in list_reorder_alerts(session)
            ]
        }


def _planned_list(
    session: CompanySession, *, today: dt.date, only: Callable[[Build], bool] = lambda build: True
) -> Json:
    same = schemas.PlannedOut._declared_fields.keys() - {"sku", "newer_bom_version", "shortages"}
    return {
        "rows": [
            {
                **{key: getattr(each.build, key) for key in same},
                "sku": each.product.sku,
                "newer_bom_version": each.newer,
                "shortages": [short_body(short, product.sku) for product, short in each.shortages],
            }
            for each in list_queue(session, today=today)
            if only(each.build)
        ]
    }
