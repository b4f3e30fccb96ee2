"""Suppliers: who parts are received from."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for

from partsemble_core.errors import PartsembleError
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.cataloguing import create_supplier
from partsemble_web import lists
from partsemble_web.forms import Form
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, require, write

pages = Blueprint("suppliers", __name__, template_folder="templates")
FIELDS = ("code", "name", "contact", "email", "phone")
SUPPLIERS = lists.ListPage(
    name="suppliers",
    template="suppliers/list.html",
    shown=("code", "name", "contact", "email", "phone"),
    minor=frozenset({"contact"}),
    links={"code": lambda row: url_for("receipts.show_list", supplier=row["id"])},
    choices={"state": ("State", ("active", "inactive"))},
)
lists.route(pages, SUPPLIERS, path="/suppliers")


@pages.get("/suppliers/new")
def show_form() -> str:
    require(MAY_WRITE)
    return render_template("suppliers/form.html", form=Form.of({}, *FIELDS))


@pages.post("/suppliers")
def add() -> Answer:
    require(MAY_WRITE)
    form = Form.of(request.form, *FIELDS)
    who = act()
    code = form.values["code"].strip().upper()
    others = {name: form.values[name] for name in FIELDS if name != "code"}
    try:
        supplier = write(lambda session: create_supplier(session, who, code=code, **others))
    except PartsembleError as error:
        return refused("suppliers/form.html", error, form=form)
    flash(f"{supplier.name} was added. Its lots begin with {supplier.code}.", "success")
    return redirect(url_for("suppliers.show_list"), code=303)
