"""The people of the company over REST: members, invitations, sign-ins, and what roles may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from partsemble_core.api import people_schemas as schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading, the_house, the_person, writing
from partsemble_core.api.lists import page_of
from partsemble_core.api.schemas import page_schema, query_schema
from partsemble_core.api.tags import check_match, tag
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import MAY_MANAGE, MAY_OWN
from partsemble_core.services.inviting import invite, link_of, mail_invitation, revoke_invitation
from partsemble_core.services.listing import get_table, parse_list_query
from partsemble_core.services.noticing import subject_of
from partsemble_core.services.permitting import permissions
from partsemble_core.services.signing_in import end_all, end_one
from partsemble_core.services.staffing import (
    change_role,
    deactivate,
    get_member,
    reactivate,
    transfer_ownership,
)
from partsemble_core.services.vouching import take_off
from partsemble_core.store.companies import Membership, User
from partsemble_core.store.people import Invitation, SignIn
from partsemble_core.store.session import CompanySession

MEMBERS, INVITATIONS, SIGN_INS = (get_table(name) for name in ("members", "invitations", "sign_ins"))
area = Area("people", "Members of the company, their roles, invitations and sign-ins.")


@area.route("GET", "/members", asks=query_schema(MEMBERS), gives=page_schema(MEMBERS), roles=MAY_MANAGE)
def list_members(arguments: Mapping[str, str]) -> Json:
    """The company's people, a page at a time."""
    return page_of("members", parse_list_query(arguments))


@area.route("GET", "/members/<id:member_id>", gives=schemas.MemberOut, roles=MAY_MANAGE)
def show_member(member_id: int) -> Json:
    """One of them."""
    with reading() as session:
        tag(session, subject_of(Membership, member_id))
        return _member_body(*get_member(session, member_id))


@area.route("PUT", "/members/<id:member_id>/role", takes=schemas.RoleIn, gives=schemas.MemberOut, roles=MAY_MANAGE)
def change_member_role(body: Mapping[str, Any], member_id: int) -> Json:
    """Another role, from the next request on. The owner's is handed over instead."""

    def save(session: CompanySession, _: Act) -> Json:
        check_match(session, subject_of(Membership, member_id))
        return _member_body(*change_role(session, member_id, role=body["role"]))

    return writing(save)


@area.route("POST", "/members/<id:member_id>/deactivate", gives=schemas.MemberOut, roles=MAY_MANAGE)
def deactivate_member(member_id: int) -> Json:
    """Out at once: sign-ins end, tokens and invitations are revoked."""
    return writing(lambda session, act: _member_body(*deactivate(session, member_id, now=act.at)))


@area.route("POST", "/members/<id:member_id>/reactivate", gives=schemas.MemberOut, roles=MAY_MANAGE)
def reactivate_member(member_id: int) -> Json:
    """May sign in again. Revoked tokens stay revoked."""
    return writing(lambda session, act: _member_body(*reactivate(session, member_id)))


@area.route("POST", "/members/<id:member_id>/own", takes=schemas.HeirIn, gives=schemas.MemberOut, roles=MAY_OWN)
def hand_over(body: Mapping[str, Any], member_id: int) -> Json:
    """Makes the member the owner; who owned becomes an admin."""
    person = the_person()
    return writing(
        lambda session, act: _member_body(
            *transfer_ownership(session, person, member_id, password=str(body["password"]))
        )
    )


@area.route("POST", "/members/<id:member_id>/take-off-second-factor", gives=schemas.MemberOut, roles=MAY_OWN)
def take_off_second_factor(member_id: int) -> Json:
    """The member signs in with the password alone again."""

    def work(session: CompanySession, act: Act) -> Json:
        take_off(session, member_id)
        return _member_body(*get_member(session, member_id))

    return writing(work)


@area.route("POST", "/members/<id:member_id>/end-sign-ins", gives=schemas.SignInsEnded, roles=MAY_MANAGE)
def end_sign_ins(member_id: int) -> Json:
    """Ends every open sign-in of the member."""

    def work(session: CompanySession, act: Act) -> Json:
        member, _ = get_member(session, member_id)
        return {"ended": end_all(session, member.id, now=act.at)}

    return writing(work)


@area.route("GET", "/sign-ins", asks=query_schema(SIGN_INS), gives=page_schema(SIGN_INS), roles=MAY_MANAGE)
def list_sign_ins(arguments: Mapping[str, str]) -> Json:
    """Who signed in when, from where, with what browser, a page at a time."""
    return page_of("sign_ins", parse_list_query(arguments))


@area.route("POST", "/sign-ins/<id:sign_in_id>/end", gives=schemas.SignInOut, roles=MAY_MANAGE)
def end_sign_in(sign_in_id: int) -> Json:
    """Signs that browser out."""
    return writing(lambda session, act: _sign_in_body(end_one(session, sign_in_id, now=act.at)))


@area.route("GET", "/invitations", asks=query_schema(INVITATIONS), gives=page_schema(INVITATIONS), roles=MAY_MANAGE)
def list_invitations(arguments: Mapping[str, str]) -> Json:
    """Who was invited and what became of it, a page at a time."""
    return page_of("invitations", parse_list_query(arguments))


@area.route(
    "POST", "/invitations", takes=schemas.InvitationIn, gives=schemas.InvitationMade, roles=MAY_MANAGE, status=201
)
def invite_member(body: Mapping[str, Any]) -> Json:
    """Mails a link that lets one person in, or answers it where no mail is sent."""
    house, company_id = the_house(), the_person().company_id
    made, code = writing(lambda session, act: invite(session, act, email=body["email"], role=body["role"]))
    is_mailed = mail_invitation(house, company_id, made, code)
    return {**_invitation_body(made), "is_mailed": is_mailed, "link": None if is_mailed else link_of(house, code)}


@area.route("POST", "/invitations/<id:invitation_id>/revoke", gives=schemas.InvitationOut, roles=MAY_MANAGE)
def revoke_member_invitation(invitation_id: int) -> Json:
    """Its link lets nobody in any more."""
    return writing(lambda session, act: _invitation_body(revoke_invitation(session, invitation_id, now=act.at)))


@area.route("GET", "/permissions", gives=schemas.PermissionsOut)
def show_permissions() -> Json:
    """What each role may do, as the doors ask it."""
    return {
        "rows": [
            {"rule": p.rule, "title": p.title, "text": p.text, "roles": sorted(role.value for role in p.roles)}
            for p in permissions()
        ]
    }


def _member_body(member: Membership, user: User) -> Json:
    is_active = member.is_active and user.is_active
    return {
        "id": member.id,
        "email": user.email,
        "name": user.name,
        "role": member.role,
        "is_active": is_active,
        "second_factor_since": user.second_factor_since,
    }


def _sign_in_body(sign_in: SignIn) -> Json:
    return {key: getattr(sign_in, key) for key in schemas.SignInOut._declared_fields}


def _invitation_body(invitation: Invitation) -> Json:
    return {key: getattr(invitation, key) for key in schemas.InvitationOut._declared_fields}
