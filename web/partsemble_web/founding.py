"""Founding: the first page of a new installation, where whoever runs it makes the company and its owner."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from partsemble_core.errors import Conflict, Invalid
from partsemble_core.services.incorporating import (
    SET_UP,
    Founding,
    SetUpCodeWrong,
    SetUpOver,
    found_first,
    has_company,
    timezones,
)
from partsemble_web.first_steps import SETTING_UP
from partsemble_web.forms import Form
from partsemble_web.naming_money import currencies
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import the_house
from partsemble_web.signing_in import PER_ADDRESS, let_in, limiter, was_refused
from partsemble_web.speaking import said

pages = Blueprint("founding", __name__, template_folder="templates")
PER_INSTALLATION = "60 per hour"
"""Wrong codes, wherever they come from: sixteen letters aren't guessed at that pace."""
FIELDS = ("code", "name", "currency", "timezone", "owner", "email")


@pages.get(SET_UP)
def show() -> Answer:
    """Gone as soon as there is a company."""
    if has_company(the_house()):
        return redirect(url_for("home.show"))
    return render_template("founding/set_up.html", **_page(Form(values={})))


@pages.post(SET_UP)
@limiter.limit(PER_ADDRESS, deduct_when=was_refused)
@limiter.limit(PER_INSTALLATION, key_func=lambda: "set-up", deduct_when=was_refused)
def found() -> Answer:
    """Founds the company and signs its owner in. Of two who do so at once, the second is told to sign in."""
    form = Form.of(request.form, *FIELDS)
    try:
        person = found_first(the_house(), form.values["code"], _typed(form), address=request.remote_addr or "")
    except SetUpOver as error:
        flash(said(error.message), "info")
        return redirect(url_for("signing_in.show_form"), code=303)
    except (SetUpCodeWrong, Invalid, Conflict) as error:
        return refused("founding/set_up.html", error, **_page(form))
    answer: Response = let_in(person, url_for("first_steps.show_step", step="books"))
    session[SETTING_UP] = True
    return answer


def _typed(form: Form) -> Founding:
    """Raises Invalid."""
    password = request.form.get("password", "")
    if form.values["currency"] not in dict(currencies()):
        raise Invalid("currency", _("Choose the currency that your books are in."))
    if password != request.form.get("password_again", ""):
        raise Invalid("password_again", _("The two passwords differ. Type them again."))
    given = {name: form.values[name] for name in FIELDS if name != "code"}
    return Founding(**given, password=password)


def _page(form: Form) -> dict[str, object]:
    return {"form": form, "currencies": currencies(), "zones": timezones()}
