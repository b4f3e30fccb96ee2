"""Planned builds in their order, what they lack together, and what should be built or bought next."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for

from partsemble_core.domain.planning import BuildAlert
from partsemble_core.errors import PartsembleError
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.picking import buildable_products
from partsemble_core.services.planning import (
    list_planned,
    list_reorder_alerts,
    list_shortages,
    list_suggestions,
    plan_build,
    reorder,
    sync_automatic,
)
from partsemble_core.store.builds import get_build
from partsemble_core.store.products import products_by_id
from partsemble_core.store.session import CompanySession
from partsemble_web.forms import Form
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, write

pages = Blueprint("plans", __name__, template_folder="templates")
FIELDS = ("product", "quantity", "target_on", "assignee", "notes")


@pages.get("/planned-builds")
def show_list() -> str:
    today = act().today
    with reading() as session:
        planned = list_planned(session)
        products = products_by_id(session, {build.product_id for build in planned})
        shortages = list_shortages(session, today=today)
        suggestions = list_suggestions(session)
        alerts = list_reorder_alerts(session)
    return render_template(
        "plans/list.html",
        planned=planned,
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
