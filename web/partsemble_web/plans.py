"""Planned builds in their order, what they lack together, and what should be built or bought next."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from partsemble_core.domain.planning import BuildAlert
from partsemble_core.errors import Conflict, Invalid, PartsembleError, WrongState
from partsemble_core.services.acting import parse_day
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.building import Preview, preview_planned
from partsemble_core.services.listing import Column, Listing, ListQuery, Row
from partsemble_core.services.noticing import check_unchanged, last_number, subject_of
from partsemble_core.services.picking import offer_products
from partsemble_core.services.planning import (
    PlannedView,
    edit_planned,
    list_shortages,
    list_suggestions,
    plan_build,
    refresh_to_active_bom,
    sync_automatic,
    view_planned,
)
from partsemble_core.services.queueing import AT_ONCE, change_planned, list_queue, move_planned
from partsemble_core.services.replenishing import first_reorder_alerts
from partsemble_core.store.builds import Build
from partsemble_core.store.companies import options_of
from partsemble_core.store.session import CompanySession
from partsemble_web.bom_forms import components_of, plain
from partsemble_web.builds import build_page, preview_parts
from partsemble_web.each import ticked
from partsemble_web.forms import Form, rows_of
from partsemble_web.refusals import Answer, Failure, explained, refused
from partsemble_web.scope import act, reading, require, write
from partsemble_web.speaking import mark, said
from partsemble_web.traces import file_of

pages = Blueprint("plans", __name__, template_folder="templates")
FIELDS = ("product", "quantity", "target_on", "assignee", "notes")
ALERTS = 50
"""Products to buy that are shown; the rest are as low, and found in the list of products."""
LINE_FIELDS = ("sku", "quantity", "scrap_percent", "optional")
SHORT = (
    Column("sku", mark("SKU")),
    Column("name", mark("Name")),
    Column("unit", mark("Unit")),
    Column("needed", mark("Needed"), "quantity"),
    Column("available", mark("Available"), "quantity"),
    Column("missing", mark("Missing"), "quantity"),
    Column("coming", mark("Coming"), "quantity"),
    Column("held", mark("On hold"), "quantity"),
)


@pages.get("/planned-builds")
def show_list() -> str:
    return render_template("plans/list.html", **_queue_page())


@pages.get("/planned-builds/shortages.<any(csv, xlsx):file_type>")
def send_shortages(file_type: str) -> Response:
    """What all plans together lack, and what is coming of it, as a file."""
    with reading() as session:
        rows: list[Row] = [
            {"sku": product.sku, "name": product.name, "unit": product.unit}
            | {key: getattr(short, key) for key in ("needed", "available", "missing", "coming", "held")}
            for product, short in list_shortages(session, today=act().today)
        ]
    listing = Listing(name="shortages", title="Shortages", columns=SHORT, rows=rows, total=len(rows), query=ListQuery())
    return file_of(listing, name="shortages", file_type=file_type)


def _queue_page() -> dict[str, object]:
    today = act().today
    with reading() as session:
        alerts, alert_count = first_reorder_alerts(session, most=ALERTS)
        return {
            "queue": list_queue(session, today=today),
            "reserves": options_of(session).reserve_stock,
            "shortages": list_shortages(session, today=today),
            "suggestions": list_suggestions(session),
            "alerts": alerts,
            "alert_count": alert_count,
            "below": BuildAlert.BELOW,
            "today": today,
        }


@pages.get("/planned-builds/new")
def show_form() -> str:
    """``product`` and ``quantity`` in the address fill the form."""
    require(MAY_WRITE)
    form = Form.of(request.args, *FIELDS)
    return render_template("plans/form.html", form=form, **_choices(form))


@pages.post("/planned-builds")
def add() -> Answer:
    require(MAY_WRITE)
    form = Form.of(request.form, *FIELDS)
    who = act()
    product_id = _number(form.values["product"])
    given = {name: form.values[name] for name in ("quantity", "target_on", "assignee", "notes")}
    try:
        build = write(lambda session: plan_build(session, who, product_id=product_id, **given))
    except PartsembleError as error:
        return refused("plans/form.html", error, form=form, **_choices(form))
    flash(_("%(reference)s is planned.", reference=build.reference), "success")
    return redirect(url_for("plans.show_list"), code=303)


@pages.post("/planned-builds/suggested")
def plan_suggested() -> Answer:
    """One planned build for each product at its build point, made or adjusted, never doubled."""
    require(MAY_WRITE)
    who = act()
    changed = write(lambda session: sync_automatic(session, who))
    flash(
        _("Planned builds changed: %(count)s.", count=len(changed))
        if changed
        else _("Everything suggested is planned."),
        "success",
    )
    return redirect(url_for("plans.show_list"), code=303)


@pages.get("/planned-builds/<id:plan_id>/edit")
def show_edit_form(plan_id: int) -> Answer:
    """One that somebody executed or cancelled meanwhile is shown as it is now."""
    require(MAY_WRITE)
    try:
        page = _edit_page(plan_id)
    except WrongState as error:
        return _as_it_is_now(error, plan_id)
    return render_template("plans/edit.html", **page)


@pages.post("/planned-builds/<id:plan_id>/edit")
def change(plan_id: int) -> Answer:
    """Lines sent as they stand don't count as changed, and so neither make the build modified nor a person's own."""
    require(MAY_WRITE)
    form = Form(
        values={name: request.form.get(name, "") for name in FIELDS},
        rows={"components": rows_of(request.form, LINE_FIELDS, key="sku", prefix="line_")},
    )
    who = act()
    try:
        with reading() as session:
            stored = _stored(view_planned(session, plan_id))
    except WrongState as error:
        return _as_it_is_now(error, plan_id)
    rows, quantity = form.rows["components"], form.values["quantity"]
    lines = [{**row, "designators": ""} for row in rows]

    def save(session: CompanySession) -> Build:
        check_unchanged(session, subject_of(Build, plan_id), seen=request.form.get("seen"))
        return edit_planned(
            session,
            who,
            plan_id,
            quantity=None if quantity == stored.values["quantity"] else quantity,
            components=None if list(rows) == list(stored.rows["components"]) else components_of(lines),
            target_on=form.values["target_on"],
            assignee=form.values["assignee"],
            notes=form.values["notes"],
        )

    try:
        build = write(save)
    except PartsembleError as error:
        return refused("plans/edit.html", error, **{**_edit_page(plan_id), "form": form})
    flash(_("%(reference)s is changed.", reference=build.reference), "success")
    return redirect(url_for("builds.show_build", build_id=plan_id), code=303)


@pages.post("/planned-builds/<id:plan_id>/refresh")
def refresh(plan_id: int) -> Answer:
    """Goes by the active BOM version from now on."""
    require(MAY_WRITE)
    who = act()
    try:
        build = write(lambda session: refresh_to_active_bom(session, who, plan_id))
    except WrongState as error:
        return refused("builds/build.html", error, asked="", **build_page(plan_id))
    flash(_("%(reference)s goes by the active BOM version now.", reference=build.reference), "success")
    return redirect(url_for("builds.show_build", build_id=plan_id), code=303)


@pages.get("/planned-builds/<id:plan_id>/execute")
def show_execution(plan_id: int) -> Answer:
    """What executing it would take and cost; ``built_on`` and ``first`` in the address say how.

    One that somebody executed or cancelled meanwhile is shown as it is now.
    """
    form = Form.of({"built_on": act().today.isoformat(), **request.args}, "built_on", "first")
    try:
        page = execution_page(plan_id, form)
    except WrongState as error:
        return _as_it_is_now(error, plan_id)
    return render_template("plans/execute.html", **page)


def _as_it_is_now(error: WrongState, build_id: int) -> Answer:
    """The build's page, with who was faster."""
    flash(said(error.message), "info")
    return redirect(url_for("builds.show_build", build_id=build_id), code=303)


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


@pages.post("/builds/<id:build_id>/move")
def move(build_id: int) -> Answer:
    """Serves a planned build earlier or later: ``to`` the top, up, down, the bottom, or ``after`` another one."""
    require(MAY_WRITE)
    who, to = act(), request.form.get("to") or None
    after = _number(request.form.get("after", "")) if to is None else None
    try:
        write(lambda session: move_planned(session, who, build_id, to=to, after=after))
    except (Conflict, Invalid) as error:
        return refused("plans/list.html", error, **_queue_page())
    return redirect(url_for("plans.show_list"), code=303)


@pages.post("/planned-builds/ticked")
def change_ticked() -> Answer:
    """Cancels, refreshes or dates all planned builds whose ids are sent: all or none."""
    require(MAY_WRITE)
    who, form = act(), Form.of(request.form, "action", "target_on", "assignee")
    given = {name: form.values[name] for name in ("target_on", "assignee") if form.values[name].strip()}
    try:
        ids = ticked(most=AT_ONCE)
        changed = write(lambda session: change_planned(session, who, ids, action=form.values["action"], **given))
    except PartsembleError as error:
        still = {_number(text) for text in request.form.getlist("ids")}
        return refused("plans/list.html", error, ticked=still, form=form, **_queue_page())
    said_so = ngettext("%(num)s planned build is changed.", "%(num)s planned builds are changed.", len(changed))
    if form.values["action"] == "cancel":
        said_so = ngettext("%(num)s planned build is cancelled.", "%(num)s planned builds are cancelled.", len(changed))
    flash(said_so, "success")
    return redirect(url_for("plans.show_list"), code=303)


def _number(text: str) -> int:
    """An id as it was sent; what isn't one is nobody's."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def _choices(form: Form) -> dict[str, object]:
    with reading() as session:
        return {"buildable": offer_products(session, buildable=True, chosen=_number(form.values["product"]))}


def _edit_page(plan_id: int) -> dict[str, object]:
    with reading() as session:
        seen = last_number(session, subject_of(Build, plan_id))
        view = view_planned(session, plan_id)
        return {
            "view": view,
            "form": _stored(view),
            "offered": offer_products(session, but=view.product.id),
            "seen": seen,
        }


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
