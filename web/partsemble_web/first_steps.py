"""First steps: from an empty company to its first build, a page for each; every step can wait and be taken up again.

What is done is asked of the company itself, so nothing has to be remembered of where somebody stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from partsemble_core.domain.journals import AccountRole
from partsemble_core.domain.products import ProductKind
from partsemble_core.errors import Conflict, Invalid, PartsembleError
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import MAY_EXPORT, MAY_SET_UP, MAY_WRITE
from partsemble_core.services.beginning import Progress, add_items, items_to_add, load_example, progress_of
from partsemble_core.services.cataloguing import create_product
from partsemble_core.services.configuring import missing_settings
from partsemble_core.services.picking import active_products, buildable_products, pickable_accounts
from partsemble_core.store.companies import Role
from partsemble_core.store.connections import find_live, mapped_accounts
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import SyncKind
from partsemble_web import syncs
from partsemble_web.export_accounts import by_class, role_choices
from partsemble_web.forms import Form, rows_of
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, may, reading, require, the_house, write
from partsemble_web.speaking import mark

pages = Blueprint("first_steps", __name__, template_folder="templates")
PATH = "/first-steps"
SETTING_UP = "setting up"
"""In the browser's session: somebody is on the way, so other pages show how to go on."""
BLANK_ROWS = 3
FOR_SALES = (AccountRole.COGS, AccountRole.FINISHED_GOODS)
"""Roles that nothing posts to yet."""
SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstStep:
    """One of the steps from an empty company to a posted build. ``roles`` may take it; ``done`` names its progress."""

    key: str
    title: str
    short: str
    why: str
    roles: frozenset[Role]
    done: str
    is_done: bool = False

    @property
    def link(self) -> str:
        return url_for("first_steps.show_step", step=self.key)


STEPS = (
    FirstStep(
        key="books",
        title=mark("Connect your books"),
        short=mark("Books"),
        why=mark("Sign in to your accounting system. What you receive and build is posted there, each document once."),
        roles=MAY_SET_UP,
        done="is_connected",
    ),
    FirstStep(
        key="accounts",
        title=mark("Choose the accounts"),
        short=mark("Accounts"),
        why=mark("Say which accounts of your books grow and shrink when parts arrive and products are built."),
        roles=MAY_SET_UP,
        done="has_accounts",
    ),
    FirstStep(
        key="products",
        title=mark("Add your products"),
        short=mark("Products"),
        why=mark("Everything that has stock: what you buy, and what you make."),
        roles=MAY_WRITE,
        done="has_products",
    ),
    FirstStep(
        key="boms",
        title=mark("Say what they are made of"),
        short=mark("BOM"),
        why=mark("A BOM lists the components of one unit, and what labour and overhead it bears."),
        roles=MAY_WRITE,
        done="has_boms",
    ),
    FirstStep(
        key="receipt",
        title=mark("Receive your first parts"),
        short=mark("Receipt"),
        why=mark("A receipt opens a lot for each line, at exactly what it cost."),
        roles=MAY_WRITE,
        done="has_receipts",
    ),
    FirstStep(
        key="build",
        title=mark("Build something"),
        short=mark("Build"),
        why=mark("The oldest lots are taken first, and their exact cost becomes the cost of what you made."),
        roles=MAY_WRITE,
        done="has_builds",
    ),
)
"""In the order in which they make sense."""
KEYS = tuple(step.key for step in STEPS)


def first_steps(progress: Progress) -> list[FirstStep]:
    """Each with whether it is done."""
    return [replace(step, is_done=getattr(progress, step.done)) for step in STEPS]


@pages.app_context_processor
def offer_strip() -> dict[str, object]:
    """For the strip on top of other pages, while somebody is on the way."""
    return {"way_on": _way_on}


def _way_on() -> list[FirstStep]:
    if not session.get(SETTING_UP) or request.blueprint in ("first_steps", "home") or request.method != "GET":
        return []
    return _steps()


def _steps() -> list[FirstStep]:
    with reading() as reader:
        return first_steps(progress_of(reader))


@pages.get(PATH)
def show() -> str:
    """What is done and what isn't, and the end of the way: from here on nothing leads back by itself."""
    session.pop(SETTING_UP, None)
    return render_template("first_steps/summary.html", steps=_steps(), step=None)


@pages.get(f"{PATH}/<step>")
def show_step(step: str) -> str:
    if step not in KEYS:
        abort(404)
    session[SETTING_UP] = True
    return render_template(f"first_steps/{step}.html", **_page(step))


@pages.post(f"{PATH}/products")
def add_products() -> Answer:
    """All lines or none."""
    require(MAY_WRITE)
    rows = rows_of(request.form, ("sku", "name", "kind", "unit"), key="sku")
    form = Form(values={}, rows={"lines": rows})
    who = act()
    try:
        if not rows:
            raise Invalid("lines[0].sku", _("Nothing is filled in. Give an SKU and a name, or skip this step."))
        write(lambda writer: _add_all(writer, who, rows))
    except PartsembleError as error:
        return refused("first_steps/products.html", error, **_page("products", form))
    flash(ngettext("%(num)s product was added.", "%(num)s products were added.", len(rows)), "success")
    return redirect(url_for("first_steps.show_step", step="products"), code=303)


@pages.post(f"{PATH}/example")
def add_example() -> Answer:
    require(MAY_WRITE)
    who = act()
    try:
        lamp = write(lambda writer: load_example(writer, who))
    except PartsembleError as error:
        return refused("first_steps/products.html", error, **_page("products"))
    flash(_("A desk lamp (%(sku)s) with its four parts, its BOM and a supplier was added.", sku=lamp.sku), "success")
    return redirect(url_for("first_steps.show_step", step="receipt"), code=303)


@pages.post(f"{PATH}/items/read")
def read_items() -> Answer:
    require(MAY_EXPORT)
    with reading() as reader:
        connection = find_live(reader)
    if connection is not None:
        syncs.sync_now(connection.id, SyncKind.ITEMS)
    return redirect(url_for("first_steps.show_step", step="products"), code=303)


@pages.post(f"{PATH}/items")
def take_items() -> Answer:
    """Products for the items that are ticked."""
    require(MAY_WRITE)
    ids = [int(text) for text in request.form.getlist("ids") if text.isascii() and text.isdigit() and len(text) < 19]
    who = act()

    def work(writer: CompanySession) -> int:
        connection = find_live(writer)
        return len(add_items(writer, who, connection.id, ids)) if connection is not None else 0

    try:
        added = write(work)
    except PartsembleError as error:
        return refused("first_steps/products.html", error, **_page("products"))
    flash(ngettext("%(num)s product was added.", "%(num)s products were added.", added), "success")
    return redirect(url_for("first_steps.show_step", step="products"), code=303)


def _add_all(writer: CompanySession, who: Act, rows: Sequence[dict[str, str]]) -> None:
    """Raises Invalid and Conflict, naming the line."""
    for index, row in enumerate(rows):
        kind, unit = row["kind"] or ProductKind.COMPONENT, row["unit"] or "each"
        try:
            create_product(writer, who, sku=row["sku"], name=row["name"], kind=kind, unit=unit)
        except (Invalid, Conflict) as error:
            error.field = f"lines[{index}].{error.field}"
            raise


def _page(key: str, form: Form | None = None) -> dict[str, object]:
    """What a step's page shows: the way with this step in it, and what the step works on."""
    with reading() as reader:
        progress = progress_of(reader)
        more = _MORE[key](reader) if key in _MORE else {}
    steps = first_steps(progress)
    at = KEYS.index(key)
    following = steps[at + 1] if at + 1 < len(steps) else None
    before = steps[at - 1] if at else None
    return {
        "steps": steps,
        "step": steps[at],
        "may_do": may(steps[at].roles),
        "before": before,
        "following": following,
        "progress": progress,
        "form": form or Form(values={}, rows={"lines": ()}),
        "blank_rows": BLANK_ROWS,
        **more,
    }


def _books(reader: CompanySession) -> dict[str, object]:
    house = the_house()
    return {
        "connection": find_live(reader),
        "backends": sorted(house.host.infos.values(), key=lambda info: info.title),
        "unset": {name: missing_settings(house, name) for name in house.host.infos},
    }


def accounts_step(typed: Mapping[AccountRole, str]) -> dict[str, object]:
    """The page of the accounts with what was typed into it, for a refusal."""
    page = _page("accounts")
    with reading() as reader:
        return {**page, **_accounts(reader, typed)}


def _accounts(reader: CompanySession, typed: Mapping[AccountRole, str] | None = None) -> dict[str, object]:
    connection = find_live(reader)
    chosen = mapped_accounts(reader, connection.id) if connection else {}
    accounts = pickable_accounts(reader, connection.id) if connection else ()
    choices = role_choices(chosen, typed=typed, accounts=accounts)
    return {
        "connection": connection,
        "account_groups": by_class(accounts),
        "roles": [choice for choice in choices if choice.role not in FOR_SALES],
    }


def _products(reader: CompanySession) -> dict[str, object]:
    connection = find_live(reader)
    return {
        "connection": connection,
        "kinds": sorted(ProductKind, key=lambda kind: kind != ProductKind.COMPONENT),
        "items": items_to_add(reader, connection.id) if connection else (),
        "products": active_products(reader)[:SHOWN],
    }


def _boms(reader: CompanySession) -> dict[str, object]:
    with_bom = {product.id for product in buildable_products(reader)}
    made = [p for p in active_products(reader) if p.kind in (ProductKind.FINISHED_GOOD, ProductKind.SUB_ASSEMBLY)]
    return {"made": made[:SHOWN], "with_bom": with_bom}


def _build(reader: CompanySession) -> dict[str, object]:
    return {"buildable": buildable_products(reader)[:SHOWN]}


_MORE = {"books": _books, "accounts": _accounts, "products": _products, "boms": _boms, "build": _build}
