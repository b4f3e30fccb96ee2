"""Products: what there is of each, what it is made of, and how many could be built now."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from flask import Blueprint, flash, redirect, render_template, request, url_for

from partsemble_core.domain.amounts import multiply
from partsemble_core.domain.boms import CostKind, needs_of
from partsemble_core.domain.products import ProductKind
from partsemble_core.errors import PartsembleError
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.cataloguing import (
    BomView,
    ComponentInput,
    CostInput,
    create_product,
    save_bom,
    update_product,
    view_bom,
)
from partsemble_core.services.explaining import explain_product
from partsemble_core.services.picking import active_products
from partsemble_core.services.versioning import bom_history, where_used
from partsemble_core.store.products import Product, balances_of, get_product
from partsemble_core.store.session import CompanySession
from partsemble_web import lists
from partsemble_web.forms import Form, rows_of
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, write

pages = Blueprint("products", __name__, template_folder="templates")
EMPTY_FORM = Form(values={"kind": ProductKind.COMPONENT.value, "unit": "each", "reorder_point": "0"})
BASIC_FIELDS = ("sku", "name", "kind", "unit", "reorder_point", "notes")
PLANNING_FIELDS = ("build_point", "build_target", "weight")
FIELDS = (*BASIC_FIELDS, *PLANNING_FIELDS)
AMOUNTS = frozenset({"reorder_point", *PLANNING_FIELDS})
COMPONENT_FIELDS = ("sku", "quantity", "scrap_percent", "optional", "designators")
COST_FIELDS = ("kind", "label", "amount", "rate", "hours")
PRODUCTS = lists.ListPage(
    name="products",
    template="products/list.html",
    shown=("sku", "name", "kind", "reorder_point", "stock", "average_cost", "value"),
    minor=frozenset({"kind", "reorder_point"}),
    links={"sku": lambda row: url_for("products.show_product", product_id=row["id"])},
    choices={"kind": ("Kind", tuple(ProductKind)), "state": ("State", ("active", "inactive"))},
)
lists.route(pages, PRODUCTS, path="/products")


@pages.get("/products/<id:product_id>")
def show_product(product_id: int) -> str:
    with reading() as session:
        story = explain_product(session, product_id)
        balance = balances_of(session, [product_id]).get(product_id)
        bom = view_bom(session, product_id)
        used_in = where_used(session, product_id)
    return render_template(
        "products/product.html",
        used_in=used_in,
        story=story,
        balance=balance,
        bom=bom,
        costs=_component_costs(bom) if bom else {},
        nothing=Decimal(0),
    )


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
    flash(f"{product.sku} was added.", "success")
    return redirect(url_for("products.show_product", product_id=product.id), code=303)


@pages.get("/products/<id:product_id>/edit")
def show_edit_form(product_id: int) -> str:
    require(MAY_WRITE)
    with reading() as session:
        product = get_product(session, product_id)
    return render_template("products/form.html", form=_stored(product), product=product, kinds=list(ProductKind))


@pages.post("/products/<id:product_id>/edit")
def change(product_id: int) -> Answer:
    require(MAY_WRITE)
    form = Form.of(request.form, *FIELDS, "is_active")
    who = act()
    with reading() as session:
        product = get_product(session, product_id)
    changes = {**form.values, "is_active": form.values["is_active"] != "no"}
    try:
        changed = write(lambda session: update_product(session, who, product_id, **changes))
    except PartsembleError as error:
        return refused("products/form.html", error, form=form, product=product, kinds=list(ProductKind))
    flash(f"{changed.sku} is changed.", "success")
    return redirect(url_for("products.show_product", product_id=product_id), code=303)


def _stored(product: Product) -> Form:
    values = {name: getattr(product, name) for name in FIELDS}
    texts = {name: plain(value) if name in AMOUNTS else str(value) for name, value in values.items()}
    return Form(values={**texts, "is_active": "yes" if product.is_active else "no"})


@pages.get("/products/<id:product_id>/bom/versions")
def show_bom_versions(product_id: int) -> str:
    with reading() as session:
        product = get_product(session, product_id)
        versions = bom_history(session, product_id)
    return render_template("products/bom_versions.html", product=product, versions=versions)


@pages.get("/products/<id:product_id>/bom")
def show_bom_form(product_id: int) -> str:
    require(MAY_WRITE)
    with reading() as session:
        bom = view_bom(session, product_id)
    return _bom_page(product_id, form=_bom_form(bom))


@pages.post("/products/<id:product_id>/bom")
def change_bom(product_id: int) -> Answer:
    require(MAY_WRITE)
    form = Form(
        values={"output_quantity": request.form.get("output_quantity", "1")},
        rows={
            "components": rows_of(request.form, COMPONENT_FIELDS, key="sku"),
            "cost_lines": rows_of(request.form, COST_FIELDS, key="label", prefix="cost_"),
        },
    )
    who = act()
    try:
        saved = write(
            lambda session: save_bom(
                session,
                who,
                product_id=product_id,
                components=components_of(form.rows["components"]),
                cost_lines=_cost_lines(form.rows["cost_lines"]),
                output_quantity=form.values["output_quantity"],
            )
        )
    except PartsembleError as error:
        return refused("products/bom_form.html", error, form=form, **_bom_choices(product_id))
    flash(f"BOM version {saved.version} is active now.", "success")
    return redirect(url_for("products.show_product", product_id=product_id), code=303)


def _bom_page(product_id: int, *, form: Form) -> str:
    return render_template("products/bom_form.html", form=form, **_bom_choices(product_id))


def _bom_choices(product_id: int) -> dict[str, object]:
    with reading() as session:
        return {
            "product": get_product(session, product_id),
            "offered": active_products(session),
            "cost_kinds": list(CostKind),
        }


def _bom_form(bom: BomView | None) -> Form:
    if bom is None:
        return Form(values={"output_quantity": "1"}, rows={"components": (), "cost_lines": ()})
    components = [
        {
            "sku": bom.products[line.product_id].sku,
            "quantity": plain(line.quantity),
            "scrap_percent": plain(line.scrap_percent),
            "optional": "1" if line.optional else "",
            "designators": ", ".join(line.designators),
        }
        for line in bom.bom.components
    ]
    costs = [
        {
            "kind": line.kind.value,
            "label": line.label,
            "amount": plain(line.amount),
            "rate": plain(line.rate),
            "hours": plain(line.quantity),
        }
        for line in bom.bom.cost_lines
    ]
    return Form(
        values={"output_quantity": plain(bom.bom.output_quantity)},
        rows={"components": tuple(components), "cost_lines": tuple(costs)},
    )


def _component_costs(bom: BomView) -> dict[int, Decimal | None]:
    """What each component adds to the estimated cost, by product; an optional one adds nothing."""
    needs = {need.product_id: need for need in needs_of(bom.bom, bom.bom.output_quantity)}
    return {
        product_id: None if need.optional else multiply(need.quantity, bom.unit_costs[product_id])
        for product_id, need in needs.items()
    }


def plain(value: Decimal | None) -> str:
    """As a form's field holds it."""
    return "" if value is None else f"{value:f}"


def components_of(rows: Sequence[dict[str, str]]) -> list[ComponentInput]:
    """Component lines as typed."""
    return [
        ComponentInput(
            sku=row["sku"],
            quantity=row["quantity"],
            scrap_percent=row["scrap_percent"] or "0",
            optional=row["optional"] == "1",
            designators=tuple(part.strip() for part in row["designators"].split(",") if part.strip()),
        )
        for row in rows
    ]


def _cost_lines(rows: Sequence[dict[str, str]]) -> list[CostInput]:
    return [
        CostInput(kind=row["kind"], label=row["label"], amount=row["amount"], rate=row["rate"], quantity=row["hours"])
        for row in rows
    ]
