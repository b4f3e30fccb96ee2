"""Your account: the password, and the browsers that are signed in with it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from partsemble_core.errors import Invalid
from partsemble_core.services.preferring import LOCALES, prefer_locale
from partsemble_core.services.resetting import change_password
from partsemble_core.services.signing_in import end_all, end_one, is_of, open_sign_ins
from partsemble_core.services.staffing import get_member
from partsemble_core.services.vouching import codes_left
from partsemble_web.forms import Form
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, the_person, write
from partsemble_web.signing_in import session_key
from partsemble_web.speaking import speak_anew
from partsemble_web.writing import name_of

pages = Blueprint("account", __name__, template_folder="templates")
PATH = "/account"


@pages.get(PATH)
def show() -> str:
    return render_template("account/account.html", **_page())


@pages.post(f"{PATH}/password")
def set_password() -> Answer:
    """This browser stays signed in, all others are signed out."""
    person, key, now = the_person(), session_key(), act().at
    old, new = request.form.get("old_password", ""), request.form.get("password", "")
    try:
        if new != request.form.get("password_again", ""):
            raise Invalid("password_again", "The two new passwords differ. Type them again.")
        write(lambda session: change_password(session, person, old=old, new=new, key=key, now=now))
    except Invalid as error:
        return refused("account/account.html", error, asked="password", **_page())
    flash(_("Your password is changed. Other browsers were signed out."), "success")
    return redirect(url_for("account.show"), code=303)


@pages.post(f"{PATH}/locale")
def set_locale() -> Answer:
    """The answer speaks the new language already."""
    person, form = the_person(), Form.of(request.form, "locale")
    try:
        write(lambda session: prefer_locale(session, person, form.values["locale"]))
    except Invalid as error:
        return refused("account/account.html", error, **_page())
    speak_anew(form.values["locale"])
    flash(_("Language and formats are changed."), "success")
    return redirect(url_for("account.show"), code=303)


@pages.post(f"{PATH}/sign-ins/<id:sign_in_id>/end")
def end_sign_in(sign_in_id: int) -> Answer:
    person, now = the_person(), act().at
    write(lambda session: end_one(session, sign_in_id, now=now, of=person.membership_id))
    flash(_("That browser is signed out."), "success")
    return redirect(url_for("account.show"), code=303)


@pages.post(f"{PATH}/sign-ins/end-others")
def end_others() -> Answer:
    person, key, now = the_person(), session_key(), act().at
    ended = write(lambda session: end_all(session, person.membership_id, now=now, but_key=key))
    flash(ngettext("%(num)s other browser signed out.", "%(num)s other browsers signed out.", ended), "success")
    return redirect(url_for("account.show"), code=303)


def _page() -> dict[str, object]:
    person, key = the_person(), session_key()
    with reading() as session:
        user = get_member(session, person.membership_id)[1]
        left = codes_left(session, person.user_id)
        found = open_sign_ins(session, person.membership_id, now=act().at)
    return {
        "user": user,
        "locales": {tag: name_of(tag) for tag in LOCALES},
        "sign_ins": [(sign_in, is_of(sign_in, key)) for sign_in in found],
        "form": Form(values={}),
        "codes_left": left,
    }
