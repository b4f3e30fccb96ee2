"""Products: what there is of each, what it is made of, and how many could be built now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from partsemble_core.domain.amounts import multiply
from partsemble_core.domain.boms import needs_of
from partsemble_core.domain.products import ProductKind
from partsemble_core.errors import PartsembleError
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.altering import activate_products, deactivate_products, set_reorder_points
from partsemble_core.services.cataloguing import BomView, create_product, update_product, view_bom
from partsemble_core.services.depicting import YEAR, StockDay, latest_builds, planned_needs_of, stock_history
from partsemble_core.services.explaining import explain_product, exports_of_builds
from partsemble_core.services.listing import build_label
from partsemble_core.services.noticing import check_unchanged, last_number, subject_of
from partsemble_core.services.picking import find_products
from partsemble_core.services.versioning import first_uses
from partsemble_core.store.boms import active_below
from partsemble_core.store.products import Product, balances_of, get_product
from partsemble_core.store.session import CompanySession
from partsemble_web import bom_versions, boms, lists
from partsemble_web.bom_forms import plain
from partsemble_web.each import change_ticked
from partsemble_web.forms import Form
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, the_company, write
from partsemble_web.speaking import mark

pages = Blueprint("products", __name__, template_folder="templates")
EMPTY_FORM = Form(values={"kind": ProductKind.COMPONENT.value, "unit": "each", "reorder_point": "0"})
BASIC_FIELDS = ("sku", "name", "kind", "unit", "reorder_point", "notes")
PLANNING_FIELDS = ("build_point", "build_target", "weight")
FIELDS = (*BASIC_FIELDS, *PLANNING_FIELDS)
AMOUNTS = frozenset({"reorder_point", *PLANNING_FIELDS})
MOVEMENTS = 20
PLANS = 20
USES = 100
"""Products that it goes into: a screw may go into thousands."""
PRODUCTS_PATH = "/products"
PRODUCTS = lists.ListPage(
    name="products",
    template="products/list.html",
    shown=("sku", "name", "kind", "reorder_point", "stock", "average_cost", "value"),
    minor=frozenset({"kind", "reorder_point"}),
    links={"sku": lambda row: url_for("products.show_product", product_id=row["id"])},
    choices={"kind": (mark("Kind"), tuple(ProductKind)), "state": (mark("State"), ("active", "inactive"))},
    pick=lambda row: True,
    picked_by=MAY_WRITE,
)
lists.route(pages, PRODUCTS, path=PRODUCTS_PATH)
boms.route(pages)
bom_versions.route(pages)


@pages.get("/products/<id:product_id>")
def show_product(product_id: int) -> str:
    today = act().today
    with reading() as session:
        story = explain_product(session, product_id, movements=MOVEMENTS)
        bom = view_bom(session, product_id, today=today)
        builds = latest_builds(session, product_id)
        exports = exports_of_builds(session, [build.id for build in builds])
        history = stock_history(session, product_id, today=today)
        used_in, uses = first_uses(session, product_id, most=USES)
        page = {
            "balance": balances_of(session, [product_id]).get(product_id),
            "used_in": used_in,
            "uses": uses,
            "needs": planned_needs_of(session, product_id, most=PLANS),
            "made": set(active_below(session, [line.product_id for line in bom.bom.components])) if bom else set(),
        }
    return render_template(
        "products/product.html",
        story=story,
        bom=bom,
        costs=_component_costs(bom) if bom else {},
        needed=_needed(bom) if bom else {},
        builds=builds,
        labels={build.id: build_label(build.state, exports.get(build.id)) for build in builds},
        history=history,
        chart=_chart(history),
        nothing=Decimal(0),
        **page,
    )


@pages.get("/products/offered")
def show_offered() -> str:
    """Options of a form, for what is typed as ``search``: a part of the page.

    ``makes``: only what can be built, by id; else by SKU, ``but`` one product, with ``stock`` if that is asked for.
    """
    makes, without = bool(request.args.get("makes")), request.args.get("but", "")
    but = int(without) if without.isascii() and without.isdigit() and len(without) <= 18 else None
    stock: dict[int, Decimal] | None = None
    with reading() as session:
        products = find_products(session, request.args.get("search", ""), buildable=makes, but=but)
        if request.args.get("stock"):
            balances = balances_of(session, [product.id for product in products])
            stock = {product_id: balance.quantity for product_id, balance in balances.items()}
    return render_template("products/options.html", products=products, makes=makes, stock=stock)


@pages.get("/products/new")
def show_form() -> str:
    require(MAY_WRITE)
    return render_template("products/form.html", form=EMPTY_FORM, product=None, kinds=list(ProductKind))


@pages.post("/products")
def add() -> Answer:
    require(MAY_WRITE)
    form = Form.of(request.form, *FIELDS)
    who = act()

    def create(session: CompanySession) -> Product:
        made = create_product(session, who, **{name: form.values[name] for name in BASIC_FIELDS})
        return update_product(session, who, made.id, **{name: form.values[name] for name in PLANNING_FIELDS})

    try:
        product = write(create)
    except PartsembleError as error:
        return refused("products/form.html", error, form=form, product=None, kinds=list(ProductKind))
    flash(_("%(sku)s was added.", sku=product.sku), "success")
    return redirect(url_for("products.show_product", product_id=product.id), code=303)


@pages.get("/products/<id:product_id>/edit")
def show_edit_form(product_id: int) -> str:
    require(MAY_WRITE)
    with reading() as session:
        seen = last_number(session, subject_of(Product, product_id))
        product = get_product(session, product_id)
    form = _stored(product)
    return render_template("products/form.html", form=form, product=product, kinds=list(ProductKind), seen=seen)


@pages.post("/products/<id:product_id>/edit")
def change(product_id: int) -> Answer:
    require(MAY_WRITE)
    form = Form.of(request.form, *FIELDS, "is_active")
    who = act()
    with reading() as session:
        product = get_product(session, product_id)
    changes = {**form.values, "is_active": form.values["is_active"] != "no"}

    def save(session: CompanySession) -> Product:
        check_unchanged(session, subject_of(Product, product_id), seen=request.form.get("seen"))
        return update_product(session, who, product_id, **changes)

    try:
        changed = write(save)
    except PartsembleError as error:
        return refused("products/form.html", error, form=form, product=product, kinds=list(ProductKind))
    flash(_("%(sku)s is changed.", sku=changed.sku), "success")
    return redirect(url_for("products.show_product", product_id=product_id), code=303)


@pages.post("/products/activate")
def activate_many() -> Answer:
    """Offers the ticked ones everywhere again."""
    require(MAY_WRITE)
    try:
        changed = change_ticked(activate_products)
    except PartsembleError as error:
        return _list_refused(error)
    flash(ngettext("%(num)s product is active now.", "%(num)s products are active now.", changed), "success")
    return _back_to_list()


@pages.post("/products/deactivate")
def deactivate_many() -> Answer:
    """Offers the ticked ones nowhere any more, all of them or none."""
    require(MAY_WRITE)
    try:
        changed = change_ticked(deactivate_products)
    except PartsembleError as error:
        return _list_refused(error)
    flash(ngettext("%(num)s product is inactive now.", "%(num)s products are inactive now.", changed), "success")
    return _back_to_list()


@pages.post("/products/reorder-point")
def set_reorder_point() -> Answer:
    """Gives the ticked ones the same reorder point."""
    require(MAY_WRITE)
    point = request.form.get("reorder_point", "")
    try:
        changed = change_ticked(lambda session, who, ids: set_reorder_points(session, who, ids, reorder_point=point))
    except PartsembleError as error:
        return _list_refused(error, asked="set-reorder-point")
    flash(
        ngettext(
            "The reorder point of %(num)s product is set.", "The reorder point of %(num)s products is set.", changed
        ),
        "success",
    )
    return _back_to_list()


def _back_to_list() -> Answer:
    return lists.back_to(PRODUCTS, path=PRODUCTS_PATH)


def _list_refused(error: PartsembleError, *, asked: str = "") -> Answer:
    """The list with its ticks; ``asked``: the dialog that is open again, with what was typed."""
    typed = Form.of(request.form, "reorder_point")
    return lists.show_refused(PRODUCTS, error, path=PRODUCTS_PATH, asked=asked, typed=typed)


def _stored(product: Product) -> Form:
    values = {name: getattr(product, name) for name in FIELDS}
    texts = {name: plain(value) if name in AMOUNTS else str(value) for name, value in values.items()}
    return Form(values={**texts, "is_active": "yes" if product.is_active else "no"})


def _component_costs(bom: BomView) -> dict[int, Decimal | None]:
    """What each component adds to the estimated cost, by product; an optional one adds nothing."""
    needs = {need.product_id: need for need in needs_of(bom.bom, bom.bom.output_quantity)}
    return {
        product_id: None if need.optional else multiply(need.quantity, bom.unit_costs[product_id])
        for product_id, need in needs.items()
    }


def _needed(bom: BomView) -> dict[int, Decimal]:
    """What one output quantity takes of each component, scrap included."""
    return {need.product_id: need.quantity for need in needs_of(bom.bom, bom.bom.output_quantity)}


def _chart(history: Sequence[StockDay]) -> dict[str, object] | None:
    """What the chart draws: the last year, nothing before the first movement; None where nothing ever moved."""
    if not history:
        return None
    begin = history[-1].day - dt.timedelta(days=YEAR)
    rows = [*_before(history[0].day, begin), *history]
    return {
        "days": [row.day.isoformat() for row in rows],
        "quantities": [str(row.quantity) for row in rows],
        "values": [str(row.value) for row in rows],
        "currency": the_company().currency,
    }


def _before(first: dt.date, begin: dt.date) -> list[StockDay]:
    """No stock from ``begin`` until the day before the first movement; empty where the history reaches back to it."""
    days = sorted({begin, first - dt.timedelta(days=1)}) if first > begin else []
    return [StockDay(day=day, quantity=Decimal(0), value=Decimal(0)) for day in days]
