"""The editor of a BOM: costed while one types, saved as the next version, never over somebody else's save unseen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from partsemble_core.domain.boms import CostKind
from partsemble_core.errors import NotFound, PartsembleError
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.cataloguing import save_bom
from partsemble_core.services.differing import describe_overtaking, load_version
from partsemble_core.services.estimating import Estimate, Parts, cost_parts, estimate_bom
from partsemble_core.services.overtaking import BomChanged
from partsemble_core.services.picking import offer_products
from partsemble_core.store.boms import find_active
from partsemble_core.store.products import balances_of, get_product
from partsemble_core.store.session import CompanySession
from partsemble_web.bom_forms import components_of, cost_lines_of, edited, stored_form, typed_form
from partsemble_web.forms import Form
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, write


def route(pages: Blueprint) -> None:
    """Serves the editor and its parts among the pages of products."""
    path = "/products/<id:product_id>/bom"
    pages.add_url_rule(path, view_func=show_bom_form)
    pages.add_url_rule(path, view_func=change_bom, methods=["POST"])
    pages.add_url_rule(f"{path}/estimate", view_func=show_estimate, methods=["POST"])
    pages.add_url_rule(f"{path}/parts", view_func=show_parts)


def show_bom_form(product_id: int) -> str:
    """``version`` in the address copies an older version into the form."""
    require(MAY_WRITE)
    asked = request.args.get("version", "")
    with reading() as session:
        get_product(session, product_id)
        active = find_active(session, product_id)
        number = asked or (active.version if active else "")
        version, bom, products = load_version(session, product_id, number) if number else (None, None, {})
        form = stored_form(bom, products, based_on=active.version if active else 0)
        page = _page(session, product_id, form)
    copied = version if version is not None and active is not None and version.id != active.id else None
    return render_template("products/bom_form.html", form=form, copied=copied, **page)


def change_bom(product_id: int) -> Answer:
    require(MAY_WRITE)
    form = typed_form(request.form)
    who = act()
    try:
        saved = write(
            lambda session: save_bom(
                session, who, product_id=product_id, based_on=form.values["based_on"], **_recipe(form)
            )
        )
    except PartsembleError as error:
        return _refused(product_id, form, error)
    flash(_("BOM version %(version)s is active now.", version=saved.version), "success")
    return redirect(url_for("products.show_product", product_id=product_id), code=303)


def show_estimate(product_id: int) -> str:
    """What the form would cost as it stands: a part of the page, nothing is written."""
    require(MAY_WRITE)
    form = typed_form(request.form)
    with reading() as session:
        estimate = _estimate(session, product_id, form)
    return render_template("products/bom_estimate.html", edited=edited(form, estimate, live=True))


def show_parts(product_id: int) -> str:
    """One level of what ``quantity`` of the product is made of: a part of the page."""
    parts: Parts | None = None
    with reading() as session:
        product = get_product(session, product_id)
        try:
            parts = cost_parts(session, product_id, quantity=request.args.get("quantity", "1"))
        except NotFound:
            parts = None  # it is only bought, maybe since a moment ago
    return render_template("products/bom_parts.html", product=product, parts=parts)


def _refused(product_id: int, form: Form, error: PartsembleError) -> Answer:
    """The form as it was typed. Whoever was overtaken sees by what, and saves over it knowingly with the next click."""
    more: dict[str, object] = {}
    with reading() as session:
        if isinstance(error, BomChanged):
            more = _overtaken(session, product_id, form)
            active = find_active(session, product_id)
            form = Form(values={**form.values, "based_on": str(active.version if active else 0)}, rows=form.rows)
        page = _page(session, product_id, form)
    return refused("products/bom_form.html", error, form=form, copied=None, **page, **more)


def _overtaken(session: CompanySession, product_id: int, form: Form) -> dict[str, object]:
    """What the other save changed, and what this one would change of it."""
    based_on = form.values["based_on"]
    try:
        theirs, mine = describe_overtaking(session, product_id, based_on=based_on, **_recipe(form))
    except PartsembleError:
        return {}  # what was typed can't be read yet: the page says so at its lines
    active = find_active(session, product_id)
    return {"overtaken": {"theirs": theirs, "mine": mine, "began": based_on, "active": active}}


def _page(session: CompanySession, product_id: int, form: Form) -> dict[str, object]:
    offered = offer_products(session, but=product_id)
    balances = balances_of(session, [product.id for product in offered.products])
    return {
        "product": get_product(session, product_id),
        "offered": offered,
        "stock": {i: balance.quantity for i, balance in balances.items()},
        "cost_kinds": list(CostKind),
        "edited": edited(form, _estimate(session, product_id, form), live=request.method == "GET"),
    }


def _estimate(session: CompanySession, product_id: int, form: Form) -> Estimate:
    return estimate_bom(session, product_id, today=act().today, **_recipe(form))


def _recipe(form: Form) -> Mapping[str, Any]:
    return {
        "components": components_of(form.rows["components"]),
        "cost_lines": cost_lines_of(form.rows["cost_lines"]),
        "output_quantity": form.values["output_quantity"],
    }
