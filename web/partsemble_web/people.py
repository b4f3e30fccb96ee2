"""Users: who works here, who was invited, who is signed in where, and what each role may do."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from partsemble_core.errors import Conflict, Invalid
from partsemble_core.services.admitting import MAY_MANAGE, MAY_OWN
from partsemble_core.services.inviting import get_invitation, invite, link_of, mail_invitation, revoke_invitation
from partsemble_core.services.listing.people_tables import INVITATION_STATES, MEMBER_STATES, SIGN_IN_STATES
from partsemble_core.services.mailing import can_mail
from partsemble_core.services.noticing import check_unchanged, last_number, subject_of
from partsemble_core.services.permitting import permissions
from partsemble_core.services.signing_in import end_all, end_one, open_sign_ins
from partsemble_core.services.staffing import change_role, deactivate, get_member, reactivate, transfer_ownership
from partsemble_core.services.vouching import take_off
from partsemble_core.store.companies import Membership, Role, User
from partsemble_core.store.people import InvitedRole
from partsemble_core.store.session import CompanySession
from partsemble_web import lists
from partsemble_web.forms import Form
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, the_house, the_person, write
from partsemble_web.showing import word
from partsemble_web.speaking import within

pages = Blueprint("people", __name__, template_folder="templates")
PATH = "/settings/users"


@pages.before_request
def only_who_manages() -> None:
    """What a role may do is for everybody to read."""
    if request.endpoint != "people.show_permissions":
        require(MAY_MANAGE)


def member_name(session: CompanySession, text: str) -> str:
    """Raises NotFound; the list itself has refused what isn't a number."""
    return get_member(session, int(text))[1].email


MEMBERS = lists.ListPage(
    name="members",
    template="people/list.html",
    shown=("name", "email", "role", "state", "created_at"),
    minor=frozenset({"created_at"}),
    links={"name": lambda row: url_for("people.show_member", member_id=row["id"])},
    choices={"role": ("Role", tuple(Role)), "state": ("State", MEMBER_STATES)},
)
INVITATIONS = lists.ListPage(
    name="invitations",
    template="people/invitations.html",
    shown=("email", "role", "state", "invited_by", "invited_at", "expires_at"),
    minor=frozenset({"invited_by", "expires_at"}),
    links={
        "email": lambda row: (
            url_for("people.show_revoking", invitation_id=row["id"]) if row["state"] == "open" else None
        )
    },
    choices={"role": ("Role", tuple(InvitedRole)), "state": ("State", INVITATION_STATES)},
)
SIGN_INS = lists.ListPage(
    name="sign_ins",
    template="people/sign_ins.html",
    shown=("email", "state", "begun_at", "address", "agent", "ended_at"),
    minor=frozenset({"agent", "ended_at"}),
    links={"email": lambda row: url_for("people.show_member", member_id=row["member_id"])},
    choices={"state": ("State", SIGN_IN_STATES)},
    extra={"member": member_name},
)
lists.route(pages, MEMBERS, path=PATH)
lists.route(pages, INVITATIONS, path=f"{PATH}/invitations", noun="invitations")
lists.route(pages, SIGN_INS, path="/settings/sign-ins", noun="sign_ins")


@pages.get("/settings/permissions")
def show_permissions() -> str:
    return render_template("people/permissions.html", permissions=permissions(), roles=tuple(Role))


@pages.get(f"{PATH}/new")
def show_form() -> str:
    return render_template("people/form.html", **_form_page(Form.of({}, "email", "role")))


@pages.post(PATH)
def invite_one() -> Answer:
    """A link that isn't mailed is shown in this answer and never again, so that isn't redirected."""
    form, doing, house = Form.of(request.form, "email", "role"), act(), the_house()
    try:
        made, code = write(lambda session: invite(session, doing, email=form.values["email"], role=form.values["role"]))
    except (Invalid, Conflict) as error:
        return refused("people/form.html", error, **_form_page(form))
    if not mail_invitation(house, the_person().company_id, made, code):
        return render_template("people/link.html", invitation=made, link=link_of(house, code))
    flash(_("A link was mailed to %(email)s.", email=made.email), "success")
    return redirect(url_for("people.show_invitations"), code=303)


@pages.get(f"{PATH}/invitations/<id:invitation_id>/revoke")
def show_revoking(invitation_id: int) -> str:
    """Asks before it is done."""
    with reading() as session:
        invitation = get_invitation(session, invitation_id)
    return render_template("people/revoke.html", invitation=invitation)


@pages.post(f"{PATH}/invitations/<id:invitation_id>/revoke")
def revoke(invitation_id: int) -> Answer:
    now = act().at
    revoked = write(lambda session: revoke_invitation(session, invitation_id, now=now))
    flash(_("The invitation of %(email)s lets nobody in any more.", email=revoked.email), "success")
    return redirect(url_for("people.show_invitations"), code=303)


@pages.get(f"{PATH}/<id:member_id>")
def show_member(member_id: int) -> str:
    return render_template("people/member.html", **_member_page(member_id))


@pages.post(f"{PATH}/<id:member_id>/role")
def set_role(member_id: int) -> Answer:
    form = Form.of(request.form, "role")

    def save(session: CompanySession) -> tuple[Membership, User]:
        check_unchanged(session, subject_of(Membership, member_id), seen=request.form.get("seen"))
        return change_role(session, member_id, role=form.values["role"])

    try:
        member, user = write(save)
    except (Invalid, Conflict) as error:
        return refused("people/member.html", error, **{**_member_page(member_id), "form": form})
    flash(_("%(email)s is %(role)s now.", email=user.email, role=within(word(member.role))), "success")
    return _to_member(member_id)


@pages.post(f"{PATH}/<id:member_id>/deactivate")
def deactivate_one(member_id: int) -> Answer:
    now = act().at
    try:
        user = write(lambda session: deactivate(session, member_id, now=now))[1]
    except Conflict as error:
        return refused("people/member.html", error, **_member_page(member_id))
    flash(_("%(email)s may sign in no more.", email=user.email), "success")
    return _to_member(member_id)


@pages.post(f"{PATH}/<id:member_id>/reactivate")
def reactivate_one(member_id: int) -> Answer:
    user = write(lambda session: reactivate(session, member_id))[1]
    flash(_("%(email)s may sign in again.", email=user.email), "success")
    return _to_member(member_id)


@pages.post(f"{PATH}/<id:member_id>/own")
def hand_over(member_id: int) -> Answer:
    require(MAY_OWN)
    person, password = the_person(), request.form.get("password", "")
    try:
        user = write(lambda session: transfer_ownership(session, person, member_id, password=password))[1]
    except (Invalid, Conflict) as error:
        return refused("people/member.html", error, asked="own", **_member_page(member_id))
    flash(_("%(email)s owns the company now. You are an admin.", email=user.email), "success")
    return _to_member(member_id)


@pages.post(f"{PATH}/<id:member_id>/end-sign-ins")
def end_sign_ins(member_id: int) -> Answer:
    now = act().at

    def work(session: CompanySession) -> int:
        return end_all(session, get_member(session, member_id)[0].id, now=now)

    ended = write(work)
    flash(ngettext("%(num)s sign-in ended.", "%(num)s sign-ins ended.", ended), "success")
    return _to_member(member_id)


@pages.post("/settings/sign-ins/<id:sign_in_id>/end")
def end_sign_in(sign_in_id: int) -> Answer:
    now = act().at
    ended = write(lambda session: end_one(session, sign_in_id, now=now))
    flash(_("That browser is signed out."), "success")
    return _to_member(ended.membership_id)


@pages.post(f"{PATH}/<id:member_id>/take-off-second-factor")
def take_off_second_factor(member_id: int) -> Answer:
    require(MAY_OWN)
    user = write(lambda session: take_off(session, member_id))
    flash(_("%(email)s signs in with the password alone now.", email=user.email), "success")
    return _to_member(member_id)


def _to_member(member_id: int) -> Answer:
    if member_id == the_person().membership_id and request.endpoint in ("people.end_sign_ins", "people.end_sign_in"):
        return redirect(url_for("account.show"), code=303)
    return redirect(url_for("people.show_member", member_id=member_id), code=303)


def _form_page(form: Form) -> dict[str, object]:
    return {"form": form, "roles": tuple(InvitedRole), "can_mail": can_mail(the_house().settings)}


def _member_page(member_id: int) -> dict[str, object]:
    with reading() as session:
        seen = last_number(session, subject_of(Membership, member_id))
        member, user = get_member(session, member_id)
        sign_ins = open_sign_ins(session, member.id, now=act().at)
    return {
        "member": member,
        "user": user,
        "sign_ins": sign_ins,
        "form": Form(values={"role": member.role, "password": ""}),
        "roles": tuple(InvitedRole),
        "is_me": member.id == the_person().membership_id,
        "seen": seen,
    }
