"""Planned builds in their order, what they lack together, and what should be built or bought next."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for

from partsemble_core.domain.planning import BuildAlert
from partsemble_core.errors import PartsembleError
from partsemble_core.services.acting import parse_day
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.building import Preview, preview_planned
from partsemble_core.services.picking import active_products, buildable_products, newer_versions
from partsemble_core.services.planning import (
    PlannedView,
    edit_planned,
    list_planned,
    list_reorder_alerts,
    list_shortages,
    list_suggestions,
    plan_build,
    refresh_to_active_bom,
    reorder,
    sync_automatic,
    view_planned,
)
from partsemble_core.store.builds import get_build
from partsemble_core.store.products import products_by_id
from partsemble_core.store.session import CompanySession
from partsemble_web.builds import preview_parts
from partsemble_web.forms import Form, rows_of
from partsemble_web.products import components_of, plain
from partsemble_web.refusals import Answer, Failure, explained, refused
from partsemble_web.scope import act, reading, require, write

pages = Blueprint("plans", __name__, template_folder="templates")
FIELDS = ("product", "quantity", "target_on", "assignee", "notes")
LINE_FIELDS = ("sku", "quantity", "scrap_percent", "optional")


@pages.get("/planned-builds")
def show_list() -> str:
    today = act().today
    with reading() as session:
        planned = list_planned(session)
        products = products_by_id(session, {build.product_id for build in planned})
        shortages = list_shortages(session, today=today)
        suggestions = list_suggestions(session)
        alerts = list_reorder_alerts(session)
        newer = newer_versions(session, planned)
    return render_template(
        "plans/list.html",
        planned=planned,
        newer=newer,
        products=products,
        shortages=shortages,
        suggestions=suggestions,
        alerts=alerts,
        below=BuildAlert.BELOW,
        today=today,
    )


@pages.get("/planned-builds/new")
def show_form() -> str:
    """``product`` and ``quantity`` in the address fill the form."""
    require(MAY_WRITE)
    return render_template("plans/form.html", form=Form.of(request.args, *FIELDS), **_choices())


@pages.post("/planned-builds")
def add() -> Answer:
    require(MAY_WRITE)
    form = Form.of(request.form, *FIELDS)
    who = act()
    text = form.values["product"]
    product_id = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0
    given = {name: form.values[name] for name in ("quantity", "target_on", "assignee", "notes")}
    try:
        build = write(lambda session: plan_build(session, who, product_id=product_id, **given))
    except PartsembleError as error:
        return refused("plans/form.html", error, form=form, **_choices())
    flash(f"{build.reference} is planned.", "success")
    return redirect(url_for("plans.show_list"), code=303)


@pages.post("/planned-builds/suggested")
def plan_suggested() -> Answer:
    """One planned build for each product at its build point, made or adjusted, never doubled."""
    require(MAY_WRITE)
    who = act()
    changed = write(lambda session: sync_automatic(session, who))
    flash(f"Planned builds changed: {len(changed)}." if changed else "Everything suggested is planned.", "success")
    return redirect(url_for("plans.show_list"), code=303)


@pages.get("/planned-builds/<id:plan_id>/edit")
def show_edit_form(plan_id: int) -> str:
    require(MAY_WRITE)
    return render_template("plans/edit.html", **_edit_page(plan_id))


@pages.post("/planned-builds/<id:plan_id>/edit")
def change(plan_id: int) -> Answer:
    """Lines sent as they stand don't count as changed, and so neither make the build modified nor a person's own."""
    require(MAY_WRITE)
    form = Form(
        values={name: request.form.get(name, "") for name in FIELDS},
        rows={"components": rows_of(request.form, LINE_FIELDS, key="sku", prefix="line_")},
    )
    who = act()
    with reading() as session:
        stored = _stored(view_planned(session, plan_id))
    rows, quantity = form.rows["components"], form.values["quantity"]
    lines = [{**row, "designators": ""} for row in rows]
    try:
        build = write(
            lambda session: edit_planned(
                session,
                who,
                plan_id,
                quantity=None if quantity == stored.values["quantity"] else quantity,
                components=None if list(rows) == list(stored.rows["components"]) else components_of(lines),
                target_on=form.values["target_on"],
                assignee=form.values["assignee"],
                notes=form.values["notes"],
            )
        )
    except PartsembleError as error:
        return refused("plans/edit.html", error, **{**_edit_page(plan_id), "form": form})
    flash(f"{build.reference} is changed.", "success")
    return redirect(url_for("builds.show_build", build_id=plan_id), code=303)


@pages.post("/planned-builds/<id:plan_id>/refresh")
def refresh(plan_id: int) -> Answer:
    """Goes by the active BOM version from now on."""
    require(MAY_WRITE)
    who = act()
    build = write(lambda session: refresh_to_active_bom(session, who, plan_id))
    flash(f"{build.reference} goes by the active BOM version now.", "success")
    return redirect(url_for("builds.show_build", build_id=plan_id), code=303)


@pages.get("/planned-builds/<id:plan_id>/execute")
def show_execution(plan_id: int) -> str:
    """What executing it would take and cost; ``built_on`` and ``first`` in the address say how."""
    form = Form.of({"built_on": act().today.isoformat(), **request.args}, "built_on", "first")
    return render_template("plans/execute.html", **execution_page(plan_id, form))


def execution_page(plan_id: int, form: Form) -> dict[str, object]:
    """The preview of a planned build as the form asks for it. Raises NotFound, WrongState."""
    who = act()
    preview: Preview | None = None
    failure: Failure | None = None
    with reading() as session:
        view = view_planned(session, plan_id)
        try:
            preview = preview_planned(
                session,
                plan_id,
                built_on=parse_day(form.values["built_on"], field="built_on", today=who.today),
                build_subassemblies=bool(form.values["first"]),
            )
        except PartsembleError as error:
            failure = explained(error)
    return {"view": view, "form": form, "preview": preview, "parts": preview_parts(preview), "failure": failure}


@pages.post("/builds/<id:build_id>/earlier")
def move_up(build_id: int) -> Answer:
    """Serves a planned build before the one that is ahead of it."""
    require(MAY_WRITE)
    who = act()
    write(lambda session: reorder(session, who, _with_earlier(session, build_id)))
    return redirect(url_for("plans.show_list"), code=303)


def _with_earlier(session: CompanySession, build_id: int) -> list[int]:
    """The order with the build one place up. One that isn't planned any more is left for `reorder` to refuse."""
    get_build(session, build_id)
    ids = [build.id for build in list_planned(session)]
    if build_id not in ids:
        return [build_id]
    place = ids.index(build_id)
    ids.insert(max(place - 1, 0), ids.pop(place))
    return ids


def _choices() -> dict[str, object]:
    with reading() as session:
        return {"buildable": buildable_products(session)}


def _edit_page(plan_id: int) -> dict[str, object]:
    with reading() as session:
        view = view_planned(session, plan_id)
        return {"view": view, "form": _stored(view), "offered": active_products(session)}


def _stored(view: PlannedView) -> Form:
    """A planned build as its form shows it: its lines are for one output of its BOM."""
    build = view.build
    return Form(
        values={
            "quantity": plain(build.quantity),
            "target_on": build.target_on.isoformat() if build.target_on else "",
            "assignee": build.assignee,
            "notes": build.notes,
        },
        rows={
            "components": tuple(
                {
                    "sku": view.products[line.product_id].sku,
                    "quantity": plain(line.quantity),
                    "scrap_percent": plain(line.scrap_percent),
                    "optional": "1" if line.optional else "",
                }
                for line in view.bom.components
            )
        },
    )
