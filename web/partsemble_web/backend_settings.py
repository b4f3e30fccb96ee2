"""Settings of one accounting system, such as the id and secret of its app: entered once, sealed, never shown again."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from partsemble_core.errors import PartsembleError
from partsemble_core.services.admitting import MAY_SET_UP
from partsemble_core.services.configuring import SettingShown, change_settings, missing_settings, show_settings
from partsemble_core.store.connections import find_live
from partsemble_web.forms import Form
from partsemble_web.integrations import redirect_uri
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, the_house

SIGN_IN = {"client_id", "client_secret", "scopes"}
"""Settings that count from the next sign-in on."""
HELP = {name: name for name in ("client_id", "scopes", "webhook_key")} | {"client_secret": "client_id"}
"""Where the help of a setting stands; others share a place."""
pages = Blueprint("backend_settings", __name__, template_folder="templates")


@pages.before_request
def only_who_sets_up() -> None:
    require(MAY_SET_UP)


@pages.get("/settings/accounting")
def show() -> str:
    """The accounting systems that are installed, and what each still needs."""
    house = the_house()
    infos = sorted(house.host.infos.values(), key=lambda info: info.title)
    unset = {info.name: missing_settings(house, info.name) for info in infos}
    return render_template("integrations/backends.html", backends=infos, unset=unset, failures=house.host.failures)


@pages.get("/integrations/<backend>/settings/edit")
def edit(backend: str) -> str:
    """What is set, and from where; of secrets only that they are."""
    return render_template("integrations/settings.html", **_page(backend))


@pages.post("/integrations/<backend>/settings")
def save(backend: str) -> Answer:
    """A secret that isn't typed stays as it is; a text that is as it was isn't entered."""
    shown = show_settings(the_house(), backend)
    sent = {each.name: request.form.get(each.name, "").strip() for each in shown if each.editable}
    changes = {each.name: sent[each.name] for each in shown if each.editable and _is_changed(each, sent[each.name])}
    try:
        change_settings(the_house(), act(), backend, changes)
    except PartsembleError as error:
        texts = {each.name: sent[each.name] for each in shown if each.editable and not each.secret}
        return refused("integrations/settings.html", error, **_page(backend, texts))
    flash(_("Saved. New sign-ins use it from now on.") if SIGN_IN & changes.keys() else _("Saved."), "success")
    return redirect(url_for("backend_settings.edit", backend=backend), code=303)


@pages.post("/integrations/<backend>/settings/remove")
def remove(backend: str) -> Answer:
    """Takes away one that was entered here."""
    name = request.form.get("name", "")
    try:
        change_settings(the_house(), act(), backend, {name: None})
    except PartsembleError as error:
        return refused("integrations/settings.html", error, **_page(backend))
    flash(_("Removed."), "success")
    return redirect(url_for("backend_settings.edit", backend=backend), code=303)


def _is_changed(shown: SettingShown, sent: str) -> bool:
    return bool(sent) if shown.secret else sent != shown.value


def _page(backend: str, texts: Mapping[str, str] | None = None) -> dict[str, object]:
    info = the_house().host.info(backend)
    settings = show_settings(the_house(), backend)
    values = {each.name: each.value for each in settings if not each.secret} | dict(texts or {})
    with reading() as session:
        is_next = find_live(session) is None and bool(settings) and not missing_settings(the_house(), backend)
    return {
        "info": info,
        "settings": settings,
        "setting_help": HELP,
        "form": Form(values=values),
        "redirect_uri": redirect_uri(backend),
        "can_connect": is_next,
    }
