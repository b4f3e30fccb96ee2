"""API tokens: what programs work with, in whose name, and until when. What a token reads is shown once."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from partsemble_core.errors import Invalid, PartsembleError, word
from partsemble_core.services.admitting import MAY_SET_UP, WITHIN
from partsemble_core.services.issuing import get_token, issue, revoke
from partsemble_core.services.listing.token_tables import TOKEN_STATES
from partsemble_core.services.staffing import get_member
from partsemble_core.store.companies import Role
from partsemble_web import lists
from partsemble_web.forms import Form
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, the_person, write
from partsemble_web.speaking import mark

pages = Blueprint("tokens", __name__, template_folder="templates")
PATH = "/settings/api-tokens"
OWN = "own"
"""As a role: whatever its member may."""
NEVER = "never"
LIVES = (("30", mark("30 days")), ("90", mark("90 days")), ("365", mark("a year")), (NEVER, mark("never")))
TOKENS = lists.ListPage(
    name="api_tokens",
    template="tokens/list.html",
    shown=("name", "email", "role", "state", "created_at", "used_at", "expires_at"),
    minor=frozenset({"created_at", "expires_at"}),
    links={"name": lambda row: url_for("tokens.show_one", token_id=row["id"])},
    choices={"state": ("State", TOKEN_STATES)},
)
lists.route(pages, TOKENS, path=PATH)


@pages.before_request
def only_who_sets_up() -> None:
    require(MAY_SET_UP)


@pages.get(f"{PATH}/new")
def show_form() -> str:
    return render_template("tokens/form.html", **_form_page(Form(values={"role": Role.VIEWER.value, "days": "90"})))


@pages.post(PATH)
def add() -> Answer:
    """The token is shown in this answer and never again, so it isn't redirected."""
    form, doing, person = Form.of(request.form, "name", "role", "days"), act(), the_person()
    try:
        made, text = write(lambda session: issue(session, doing, person, **_wanted(form)))
    except PartsembleError as error:
        return refused("tokens/form.html", error, **_form_page(form))
    return render_template("tokens/issued.html", token=made, text=text)


@pages.get(f"{PATH}/<id:token_id>")
def show_one(token_id: int) -> str:
    with reading() as session:
        token = get_token(session, token_id)
        member, user = get_member(session, token.membership_id)
    is_over = token.expires_at is not None and token.expires_at <= act().at
    state = "revoked" if token.revoked_at else "expired" if is_over else "active"
    return render_template("tokens/token.html", token=token, member=member, user=user, token_state=state)


@pages.post(f"{PATH}/<id:token_id>/revoke")
def revoke_one(token_id: int) -> Answer:
    now = act().at
    token = write(lambda session: revoke(session, token_id, now=now))
    flash(_("%(name)s is revoked. It opens nothing any more.", name=token.name), "success")
    return redirect(url_for("tokens.show_list"), code=303)


def _wanted(form: Form) -> dict[str, object]:
    """What a token without limits is, has to be said: what is left out is refused. Raises Invalid."""
    role, days = form.values["role"], form.values["days"]
    if not days:
        raise Invalid("days", word("Choose after how many days it ends, or that it never does."))
    return {
        "name": form.values["name"],
        "role": None if role == OWN else role,
        "days": None if days == NEVER else days,
    }


def _form_page(form: Form) -> dict[str, object]:
    mine = the_person().role
    lesser = [role for role in Role if role in WITHIN[mine] and role != mine]
    return {"form": form, "mine": mine, "lesser": lesser, "lives": LIVES}
