"""Your second factor: turned on with an authenticator app, with recovery codes for the day the phone is gone."""

from __future__ import annotations

import segno
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from partsemble_core.errors import Conflict, Invalid, WrongState
from partsemble_core.services.staffing import get_member
from partsemble_core.services.vouching import (
    address_of,
    begin_second_factor,
    codes_left,
    pending_secret,
    renew_codes,
    turn_off,
    turn_on,
)
from partsemble_web.account import PATH
from partsemble_web.forms import Form
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, the_house, the_person, write

pages = Blueprint("factors", __name__, template_folder="templates")
HERE = f"{PATH}/second-factor"
TEMPLATE = "account/second_factor.html"


@pages.get(HERE)
def show() -> str:
    return render_template(TEMPLATE, **_page())


@pages.post(f"{HERE}/begin")
def begin() -> Answer:
    house, person = the_house(), the_person()
    try:
        write(lambda session: begin_second_factor(house, session, person))
    except Conflict as error:
        return refused(TEMPLATE, error, **_page())
    return redirect(url_for("factors.show"), code=303)


@pages.post(HERE)
def confirm() -> Answer:
    """The recovery codes are shown in this answer and never again, so it isn't redirected."""
    house, person, now, code = the_house(), the_person(), act().at, request.form.get("code", "")
    try:
        codes = write(lambda session: turn_on(house, session, person, code=code, now=now))
    except (Invalid, WrongState) as error:
        return refused(TEMPLATE, error, **_page())
    return render_template("account/codes.html", codes=codes)


@pages.post(f"{HERE}/codes")
def make_codes() -> Answer:
    person, password = the_person(), request.form.get("factor_password", "")
    try:
        codes = write(lambda session: renew_codes(session, person, password=password))
    except (Invalid, WrongState) as error:
        return refused(TEMPLATE, error, asked="codes", **_page())
    return render_template("account/codes.html", codes=codes)


@pages.post(f"{HERE}/off")
def stop() -> Answer:
    person, password = the_person(), request.form.get("factor_password", "")
    try:
        write(lambda session: turn_off(session, person, password=password))
    except Invalid as error:
        return refused(TEMPLATE, error, asked="off", **_page())
    flash(_("Your second factor is off."), "success")
    return redirect(url_for("account.show"), code=303)


def _page() -> dict[str, object]:
    house, person = the_house(), the_person()
    with reading() as session:
        user = get_member(session, person.membership_id)[1]
        secret = pending_secret(house, session, person)
        left = codes_left(session, person.user_id)
    picture = None
    if secret is not None:
        picture = segno.make(address_of(secret, person).reveal(), error="m").svg_data_uri(
            scale=5, border=3, light="#fff"
        )
    typed = secret.reveal() if secret else ""
    return {
        "user": user,
        "picture": picture,
        "typed": " ".join(typed[i : i + 4] for i in range(0, len(typed), 4)),
        "codes_left": left,
        "form": Form(values={}),
    }
