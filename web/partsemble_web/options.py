"""How the company works: its switches, and the day through which its books are closed."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for

from partsemble_core.errors import PartsembleError
from partsemble_core.services.acting import parse_iso_day
from partsemble_core.services.admitting import MAY_LOCK, MAY_SET_UP
from partsemble_core.services.closing import lock_through, proposed_lock_day
from partsemble_core.services.opting import CHOICES, SWITCHES, set_options
from partsemble_core.store.companies import options_of
from partsemble_core.store.session import CompanySession
from partsemble_web.forms import Form
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, may, reading, require, write
from partsemble_web.showing import day

pages = Blueprint("options", __name__, template_folder="templates")


@pages.get("/settings")
def show() -> str:
    return render_template("options/options.html", **_page())


@pages.post("/settings/options")
def set_switches() -> Answer:
    """A switch that isn't sent is off: so browsers send a box that isn't ticked. Of a choice, one is always sent."""
    require(MAY_SET_UP)
    changes: dict[str, object] = {name: name in request.form for name in SWITCHES}
    changes |= {name: request.form[name] for name in CHOICES if name in request.form}
    try:
        write(lambda session: set_options(session, changes))
    except PartsembleError as error:
        return refused("options/options.html", error, **_page())
    flash("Saved.", "success")
    return redirect(url_for("options.show"), code=303)


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
    flash(
        f"Stock is closed through {day(parse_iso_day(form.values['locked_through'], field='locked_through'))}.",
        "success",
    )
    return redirect(url_for("options.show"), code=303)


@pages.post("/settings/unlock")
def unlock() -> Answer:
    require(MAY_LOCK)
    today = act().today
    write(lambda session: lock_through(session, None, today=today))
    flash("Every period is open.", "success")
    return redirect(url_for("options.show"), code=303)


def _page(form: Form | None = None) -> dict[str, object]:
    with reading() as session:
        options = options_of(session)
        proposed = proposed_lock_day(session, today=act().today)
    through = proposed or options.locked_through
    stored = Form(values={"locked_through": through.isoformat() if through else ""})
    return {"options": options, "proposed": proposed, "form": form or stored, "may_lock": may(MAY_LOCK)}
