"""Pages for people who can't sign in yet, or not any more: an invitation is accepted, a forgotten password replaced.

A code comes behind the # of a link, which browsers send to nobody; a script of ours puts it into the form.
"""

from __future__ import annotations

import threading
from http import HTTPStatus

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from partsemble_core.errors import Conflict, Invalid
from partsemble_core.services.house import House
from partsemble_core.services.inviting import InvitationOver, accept, check_invitation
from partsemble_core.services.mailing import can_mail, send
from partsemble_core.services.resetting import ResetOver, ask_reset, reset_password
from partsemble_core.store.audits import Actor, Door
from partsemble_web.forms import Form
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import the_house
from partsemble_web.signing_in import PER_ADDRESS, account_tried, limiter
from partsemble_web.speaking import said

pages = Blueprint("joining", __name__, template_folder="templates")
LETTERS = "5 per hour"
"""What one account is sent at most, whoever asks."""


@pages.get("/join")
def show_join() -> str:
    return render_template("joining/join.html", form=Form(values={}))


@pages.post("/join")
@limiter.limit(PER_ADDRESS)
def join() -> Answer:
    form = Form.of(request.form, "code", "name")
    try:
        _check_twice()
        user = accept(
            _house(),
            form.values["code"],
            name=form.values["name"],
            password=request.form.get("password", ""),
            address=request.remote_addr or "",
        )
    except (Invalid, Conflict, InvitationOver) as error:
        return refused("joining/join.html", error, form=form)
    return _done(
        _("Welcome, %(name)s. Sign in with %(email)s and your new password.", name=user.name, email=user.email)
    )


@pages.post("/join/check")
@limiter.limit(PER_ADDRESS)
def check() -> Answer:
    """For the form, as soon as the link has filled it in: one that is over says so before anything is typed."""
    try:
        check_invitation(_house(), request.form.get("code", ""))
    except InvitationOver as error:
        return Response(said(error.message), status=HTTPStatus.CONFLICT, content_type="text/plain; charset=utf-8")
    return Response(status=HTTPStatus.NO_CONTENT)


@pages.get("/forgot-password")
def show_forgotten() -> str:
    return render_template("joining/forgotten.html", can_mail=can_mail(the_house().settings))


@pages.post("/forgot-password")
@limiter.limit(PER_ADDRESS)
@limiter.limit(LETTERS, key_func=account_tried)
def ask() -> Answer:
    """The same answer after the same work, whether there is an account or not; the letter leaves by itself."""
    house = the_house()
    letter = ask_reset(house, request.form.get("email", "")) if can_mail(house.settings) else None
    if letter is not None:
        threading.Thread(target=send, args=(house.settings, letter), daemon=True).start()
    return _done(_("If there is an account with this address, a link is on its way. It works for an hour."))


@pages.get("/reset-password")
def show_reset() -> str:
    return render_template("joining/reset.html", form=Form(values={}))


@pages.post("/reset-password")
@limiter.limit(PER_ADDRESS)
def reset() -> Answer:
    form = Form.of(request.form, "code")
    try:
        _check_twice()
        password = request.form.get("password", "")
        reset_password(_house(), form.values["code"], password=password, address=request.remote_addr or "")
    except (Invalid, ResetOver) as error:
        return refused("joining/reset.html", error, form=form)
    return _done(_("Your password is changed, and every sign-in with the old one is over. Sign in with the new one."))


def _house() -> House:
    return the_house().opened_by(Actor(by="", door=Door.CONSOLE))


def _check_twice() -> None:
    if request.form.get("password", "") != request.form.get("password_again", ""):
        raise Invalid("password_again", "The two passwords differ. Type them again.")


def _done(words: str) -> Answer:
    flash(words, "info")
    return redirect(url_for("signing_in.show_form"), code=303)
