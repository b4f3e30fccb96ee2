"""Builds: previewed without any effect, then executed at exactly the figures that were shown."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from partsemble_core.domain.amounts import add
from partsemble_core.domain.builds import BuildState
from partsemble_core.domain.fifo import NOTHING, Draw, Need
from partsemble_core.domain.lots import OpenLot
from partsemble_core.domain.quality import Recovery, RejectReason
from partsemble_core.errors import Conflict, PartsembleError
from partsemble_core.services.acting import Act, parse_day
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.building import Preview, build_now, preview_build, preview_planned
from partsemble_core.services.explaining import explain_build
from partsemble_core.services.listing import build_label
from partsemble_core.services.picking import newer_versions, offer_products
from partsemble_core.services.unfolding import unfold_costs
from partsemble_core.store.builds import Build
from partsemble_core.store.products import Product
from partsemble_core.store.session import CompanySession
from partsemble_web import lists
from partsemble_web.forms import Form
from partsemble_web.naming import product_name
from partsemble_web.refusals import Answer, Failure, explained, refused
from partsemble_web.scope import act, reading, require, write
from partsemble_web.showing import word
from partsemble_web.speaking import mark

pages = Blueprint("builds", __name__, template_folder="templates")
FIELDS = ("product", "quantity", "built_on", "notes", "first")
LABELS = (
    mark("Planned"),
    mark("Pending QA"),
    mark("Recorded"),
    mark("Pending export"),
    mark("Synced"),
    mark("Held"),
    mark("Failed"),
    mark("Left out"),
    mark("Rejected"),
    mark("Reversed"),
    mark("Cancelled"),
)
BUILDS = lists.ListPage(
    name="builds",
    template="builds/list.html",
    shown=("reference", "product_sku", "built_on", "label", "quantity", "unit_cost", "total_cost"),
    links={
        "reference": lambda row: url_for("builds.show_build", build_id=row["id"]),
        "product_sku": lambda row: url_for("products.show_product", product_id=row["product_id"]),
    },
    subtitles={"product_sku": "product_name"},
    choices={"label": (mark("Status"), LABELS)},
    extra={"product": product_name, "state": lambda _session, text: word(text)},
)
lists.route(pages, BUILDS, path="/builds")


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewPart:
    """One need of a previewed build, with the lots that would be taken."""

    need: Need
    product: Product
    draws: tuple[tuple[OpenLot, Draw], ...]
    held: Decimal = NOTHING
    """What lots on hold have of it, where it falls short."""

    @property
    def taken(self) -> Decimal:
        return add([draw.quantity for _, draw in self.draws])

    @property
    def missing(self) -> Decimal:
        return add([self.need.quantity, -self.taken])

    @property
    def cost(self) -> Decimal:
        return add([draw.cost for _, draw in self.draws])


@pages.get("/builds/<id:build_id>")
def show_build(build_id: int) -> str:
    return render_template("builds/build.html", **build_page(build_id))


def build_page(build_id: int, form: Form | None = None) -> dict[str, object]:
    """What a build's page shows, with ``form`` as it was typed into one of its dialogs. Raises NotFound."""
    today = act().today
    with reading() as session:
        story = explain_build(session, build_id)
        planned, newer = None, None
        tree = unfold_costs(session, build_id) if story.build.executed_at else None
        if story.build.state == BuildState.PLANNED:
            planned = preview_planned(session, build_id, built_on=today, build_subassemblies=False)
            newer = newer_versions(session, [story.build]).get(build_id)
    taken = tuple({"quantity": f"{part.taken:f}"} for part in story.parts)
    blank = Form(
        values={"built_on": today.isoformat(), "reversed_on": today.isoformat(), "recovery": Recovery.FULL.value},
        rows={"recovered": taken},
    )
    return {
        "story": story,
        "label": build_label(story.build.state, story.export.state if story.export else None),
        "planned": planned,
        "tree": tree,
        "newer": newer,
        "form": form or blank,
        "blank": blank,
        "reasons": tuple(RejectReason),
    }


@pages.get("/builds/new")
def show_form() -> str:
    """The form; with a product and a quantity in the address also the preview, which writes nothing."""
    require(MAY_WRITE)
    who = act()
    form = Form.of({"built_on": who.today.isoformat(), **request.args}, *FIELDS)
    failure: Failure | None = None
    preview: Preview | None = None
    with reading() as session:
        choices = _choices(session, form)
        if form.values["product"] and form.values["quantity"]:
            try:
                preview = _preview(session, form, who)
            except PartsembleError as error:
                failure = explained(error)
    return render_template(
        "builds/form.html", form=form, preview=preview, parts=preview_parts(preview), failure=failure, **choices
    )


@pages.post("/builds")
def execute() -> Answer:
    require(MAY_WRITE)
    form = Form.of(request.form, *FIELDS)
    who = act()
    try:
        build = write(lambda session: _execute(session, who, form, expected=request.form.get("expected", "")))
    except PartsembleError as error:
        return _refused(error, form, who)
    waits = build.state == BuildState.PENDING_QA
    if waits:
        flash(_("%(reference)s is executed and waits for review.", reference=build.reference), "success")
    else:
        flash(_("%(reference)s is done.", reference=build.reference), "success")
    return redirect(url_for("builds.show_build", build_id=build.id), code=303)


def _execute(session: CompanySession, who: Act, form: Form, *, expected: str) -> Build:
    """Raises Conflict, and so undoes everything, when the cost isn't the one that the person agreed to."""
    build = build_now(
        session,
        who,
        product_id=_product_id(form),
        quantity=form.values["quantity"],
        built_on=form.values["built_on"],
        notes=form.values["notes"],
        build_subassemblies=bool(form.values["first"]),
    )
    check_expected(build, expected)
    return build


def check_expected(build: Build, expected: str) -> None:
    """Raises Conflict when a build cost something else than its preview showed; nothing shown is nothing to check."""
    total = add([build.components_cost, build.added_cost])
    if expected and expected != f"{total:f}":
        raise Conflict("Stock has changed since the preview. Look at the new figures, then execute.")


def _refused(error: PartsembleError, form: Form, who: Act) -> Answer:
    preview: Preview | None = None
    with reading() as session:
        choices = _choices(session, form)
        try:
            preview = _preview(session, form, who)
        except PartsembleError:
            preview = None  # what the person has to mend is in `error` already
    return refused("builds/form.html", error, form=form, preview=preview, parts=preview_parts(preview), **choices)


def _preview(session: CompanySession, form: Form, who: Act) -> Preview:
    day = parse_day(form.values["built_on"], field="built_on", today=who.today)
    return preview_build(
        session,
        product_id=_product_id(form),
        quantity=form.values["quantity"],
        built_on=day,
        build_subassemblies=bool(form.values["first"]),
    )


def _product_id(form: Form) -> int:
    """A choice that isn't an id is a product that there isn't: the service says so."""
    text = form.values["product"]
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def _choices(session: CompanySession, form: Form) -> dict[str, object]:
    return {"buildable": offer_products(session, buildable=True, chosen=_product_id(form))}


def preview_parts(preview: Preview | None) -> tuple[PreviewPart, ...]:
    """One part a need, each with its lots."""
    if preview is None:
        return ()
    held = {short.product_id: short.held for short in preview.costing.shortages}
    return tuple(
        PreviewPart(
            need=need,
            product=preview.products[need.product_id],
            draws=tuple((preview.lots[draw.lot_id], draw) for draw in preview.costing.draws if draw.line == need.line),
            held=held.get(need.product_id, NOTHING),
        )
        for need in preview.costing.needs
    )
