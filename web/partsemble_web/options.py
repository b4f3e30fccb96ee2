"""Settings: the company, how its work is done, what goes to the books, and the day through which they are closed."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from partsemble_core.errors import PartsembleError
from partsemble_core.services.acting import parse_iso_day
from partsemble_core.services.admitting import MAY_LOCK, MAY_OWN, MAY_SET_UP
from partsemble_core.services.closing import lock_through, proposed_lock_day
from partsemble_core.services.incorporating import change_company, timezones
from partsemble_core.services.noticing import check_unchanged, last_number, settings
from partsemble_core.services.opting import CHOICES, SWITCHES, set_options
from partsemble_core.store.companies import get_company, options_of
from partsemble_core.store.connections import find_live
from partsemble_core.store.session import CompanySession
from partsemble_core.store.watched import SETTINGS
from partsemble_web.forms import Form
from partsemble_web.naming_money import currency_name
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, may, reading, require, the_company, the_house, write
from partsemble_web.setting_places import rooms
from partsemble_web.showing import day

pages = Blueprint("options", __name__, template_folder="templates")
pages.app_context_processor(lambda: {"setting_rooms": rooms})
MODES = tuple(name for name in CHOICES if name.startswith("export_"))


@pages.get("/settings")
def show() -> str:
    return render_template("options/options.html", **_page())


@pages.post("/settings/options")
def set_switches() -> Answer:
    """A switch that isn't sent is off: so browsers send a box that isn't ticked. Of a choice, one is always sent."""
    require(MAY_SET_UP)
    changes: dict[str, object] = {name: name in request.form for name in SWITCHES}
    changes |= {name: request.form[name] for name in CHOICES if name in request.form}

    def save(session: CompanySession) -> None:
        check_unchanged(session, settings(), seen=request.form.get("seen"))
        set_options(session, changes)

    try:
        write(save)
    except PartsembleError as error:
        page = _page()
        typed = {**{name: getattr(page["options"], name) for name in SETTINGS}, **changes}
        return refused("options/options.html", error, **{**page, "options": typed})
    flash(_("Saved."), "success")
    return redirect(url_for("options.show"), code=303)


@pages.get("/settings/exports")
def show_exports() -> str:
    return render_template("options/exports.html", **_page())


@pages.post("/settings/exports")
def set_exports() -> Answer:
    """When each kind of document goes to the books; the switches of other pages stay as they are."""
    require(MAY_SET_UP)
    changes: dict[str, object] = {name: request.form[name] for name in MODES if name in request.form}

    def save(session: CompanySession) -> None:
        check_unchanged(session, settings(), seen=request.form.get("seen"))
        set_options(session, changes)

    try:
        write(save)
    except PartsembleError as error:
        return refused("options/exports.html", error, **_page())
    flash(_("Saved."), "success")
    return redirect(url_for("options.show_exports"), code=303)


@pages.get("/settings/company")
def show_company() -> str:
    return render_template("options/company.html", **_company_page())


@pages.post("/settings/company")
def set_company() -> Answer:
    require(MAY_OWN)
    form = Form.of(request.form, "name", "timezone")
    now = act().at
    try:
        write(lambda session: change_company(session, **form.values, at=now))
    except PartsembleError as error:
        return refused("options/company.html", error, **_company_page(form))
    flash(_("Saved."), "success")
    return redirect(url_for("options.show_company"), code=303)


@pages.post("/settings/lock")
def lock() -> Answer:
    require(MAY_LOCK)
    form = Form.of(request.form, "locked_through")
    today = act().today

    def locking(session: CompanySession) -> None:
        lock_through(session, parse_iso_day(form.values["locked_through"], field="locked_through"), today=today)

    try:
        write(locking)
    except PartsembleError as error:
        return refused("options/options.html", error, asked="lock", **_page(form))
    through = day(parse_iso_day(form.values["locked_through"], field="locked_through"))
    flash(_("Stock is closed through %(day)s.", day=through), "success")
    return redirect(url_for("options.show"), code=303)


@pages.post("/settings/unlock")
def unlock() -> Answer:
    require(MAY_LOCK)
    today = act().today
    write(lambda session: lock_through(session, None, today=today))
    flash(_("Every period is open."), "success")
    return redirect(url_for("options.show"), code=303)


def _page(form: Form | None = None) -> dict[str, object]:
    with reading() as session:
        seen = last_number(session, settings())
        options = options_of(session)
        proposed = proposed_lock_day(session, today=act().today)
    through = proposed or options.locked_through
    stored = Form(values={"locked_through": through.isoformat() if through else ""})
    return {"options": options, "proposed": proposed, "form": form or stored, "may_lock": may(MAY_LOCK), "seen": seen}


def _company_page(form: Form | None = None) -> dict[str, object]:
    with reading() as session:
        company, connection = get_company(session), find_live(session)
    info = the_house().host.infos.get(connection.backend) if connection else None
    return {
        "company": company,
        "connection": connection,
        "info": info,
        "currency": currency_name(the_company().currency),
        "zones": sorted({*timezones(), company.timezone}),
        "form": form or Form(values={"name": company.name, "timezone": company.timezone}),
    }
