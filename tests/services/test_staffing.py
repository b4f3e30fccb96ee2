"""People come by invitation, change roles, leave; a company has exactly one owner; a sign-in ends on the server."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from partsemble_core.errors import Conflict, Forbidden, Invalid, NotFound, WrongState
from partsemble_core.services import admitting, permitting
from partsemble_core.services.admitting import find_token_holder, issue_token
from partsemble_core.services.inviting import InvitationOver, accept, invite, link_of, revoke_invitation
from partsemble_core.services.resetting import ResetOver, ask_reset, change_password, reset_password
from partsemble_core.services.signing_in import (
    begin_sign_in,
    end_all,
    end_one,
    end_sign_in,
    find_signed_in,
    open_sign_ins,
)
from partsemble_core.services.staffing import change_role, deactivate, get_member, reactivate, transfer_ownership
from partsemble_core.store import database
from partsemble_core.store.companies import Membership, Role, User
from partsemble_core.store.people import Invitation, PasswordReset, SignIn
from tests.services.crew import PASSWORD, Crew, a_crew
from tests.services.makers import NOW, in_threads

NEW = "another horse battery"


def begin(crew: Crew, role: str, key: str) -> None:
    person = crew.enter(role)
    crew.write(
        lambda s: begin_sign_in(s, person, key=key + str(crew.number), address="192.0.2.7", agent="Firefox", now=NOW)
    )


def is_in(crew: Crew, key: str, *, now: dt.datetime = NOW) -> bool:
    with database.reading_anywhere(crew.house.engine) as session:
        return find_signed_in(session, key + str(crew.number), now=now) is not None


def invited(crew: Crew, email: str = "", role: str = "builder") -> str:
    _, code = crew.write(lambda s: invite(s, crew.act, email=email or crew.email("new"), role=role))
    return str(code.reveal())


def owners(crew: Crew) -> list[int]:
    with crew.house.reading(crew.company_id) as session:
        return list(session.scalars(sa.select(Membership.id).where(Membership.role == Role.OWNER)))


def test_an_invitation_lets_one_person_in_with_its_role(engine: sa.Engine) -> None:
    crew = a_crew(engine)
    code = invited(crew)
    user = accept(crew.house, f" {code} ", name="Nora", password=PASSWORD, address="192.0.2.9")
    person = crew.enter("new")
    assert (person.role, person.company_id, user.name) == (Role.BUILDER, crew.company_id, "Nora")
    with pytest.raises(InvitationOver):
        accept(crew.house, code, name="Again", password=PASSWORD)


def test_of_two_who_accept_at_once_one_is_let_in(engine: sa.Engine) -> None:
    crew = a_crew(engine)
    code = invited(crew)
    outcomes: list[object] = []

    def join() -> None:
        try:
            outcomes.append(accept(crew.house, code, name="Nora", password=PASSWORD))
        except (InvitationOver, Conflict) as refusal:
            outcomes.append(refusal)

    in_threads((join,), (join,))
    assert sum(isinstance(outcome, User) for outcome in outcomes) == 1
    assert len(outcomes) == 2


def test_an_invitation_that_is_over_lets_nobody_in(engine: sa.Engine) -> None:
    crew = a_crew(engine)
    replaced, code = invited(crew), invited(crew)
    late = crew.at(NOW + dt.timedelta(days=7))
    for house, bad in ((crew.house, replaced), (crew.house, "x"), (crew.house, ""), (late.house, code)):
        with pytest.raises(InvitationOver):
            accept(house, bad, name="Nora", password=PASSWORD)
    with crew.house.reading(crew.company_id) as session:
        found = session.scalars(sa.select(Invitation).order_by(Invitation.id.desc())).first()
    assert found is not None
    crew.write(lambda s: revoke_invitation(s, found.id, now=NOW))
    with pytest.raises(InvitationOver):
        accept(crew.house, code, name="Nora", password=PASSWORD)


def test_what_was_typed_wrong_leaves_the_invitation_open(engine: sa.Engine) -> None:
    crew = a_crew(engine)
    code = invited(crew)
    for name, password in (("", PASSWORD), ("Nora", "short")):
        with pytest.raises(Invalid):
            accept(crew.house, code, name=name, password=password)
    assert accept(crew.house, code, name="Nora", password=PASSWORD).email == crew.email("new")


@pytest.mark.parametrize(
    ("email", "role"), [("nobody", "viewer"), ("a@b.test", "owner"), ("a@b.test", None), ("", "viewer")]
)
def test_an_invitation_that_makes_no_sense_is_refused(engine: sa.Engine, email: object, role: object) -> None:
    crew = a_crew(engine)
    with pytest.raises(Invalid):
        crew.write(lambda s: invite(s, crew.act, email=email, role=role))


def test_somebody_who_is_here_already_is_not_invited(engine: sa.Engine) -> None:
    crew = a_crew(engine, "viewer")
    with pytest.raises(Conflict):
        invited(crew, crew.email("viewer").upper())


def test_the_code_stands_where_browsers_send_it_to_nobody_and_is_not_kept(engine: sa.Engine) -> None:
    crew = a_crew(engine)
    made, code = crew.write(lambda s: invite(s, crew.act, email="x@y.test", role="viewer"))
    assert link_of(crew.house, code) == f"https://stock.test/join#{code.reveal()}"
    with crew.house.reading(crew.company_id) as session:
        row = session.execute(sa.select(Invitation.__table__).where(Invitation.id == made.id)).one()
    assert code.reveal() not in str(row)
    assert code.reveal() not in repr(code)


def test_a_company_has_exactly_one_owner(engine: sa.Engine) -> None:
    crew = a_crew(engine, "admin", "viewer")
    owner, admin = crew.enter("owner"), crew.enter("admin")
    with pytest.raises(Invalid) as caught:
        crew.write(lambda s: transfer_ownership(s, owner, admin.membership_id, password="wrong"))
    assert caught.value.field == "password"
    with pytest.raises(Forbidden):
        crew.write(lambda s: transfer_ownership(s, admin, admin.membership_id, password=PASSWORD))
    for role in ("owner", "nonsense"):
        with pytest.raises(Invalid):
            crew.write(lambda s, r=role: change_role(s, admin.membership_id, role=r))
    with pytest.raises(Conflict):
        crew.write(lambda s: change_role(s, owner.membership_id, role="viewer"))
    with pytest.raises(Conflict):
        crew.write(lambda s: deactivate(s, owner.membership_id, now=NOW))
    crew.write(lambda s: transfer_ownership(s, owner, admin.membership_id, password=PASSWORD))
    assert owners(crew) == [admin.membership_id]
    assert (crew.enter("owner").role, crew.enter("admin").role) == (Role.ADMIN, Role.OWNER)
    with pytest.raises(IntegrityError):
        crew.write(lambda s: setattr(get_member(s, owner.membership_id)[0], "role", "owner"))


def test_two_transfers_at_once_leave_one_owner(engine: sa.Engine) -> None:
    crew = a_crew(engine, "admin", "viewer")
    heirs = [crew.enter("admin").membership_id, crew.enter("viewer").membership_id]

    def transfer(heir: int) -> None:
        crew.write(lambda s: transfer_ownership(s, None, heir, password=None))

    in_threads(*((transfer, heir) for heir in heirs))
    assert len(owners(crew)) == 1


def test_the_company_is_not_handed_to_somebody_who_left(engine: sa.Engine) -> None:
    crew = a_crew(engine, "admin")
    owner, admin = crew.enter("owner"), crew.enter("admin")
    crew.write(lambda s: deactivate(s, admin.membership_id, now=NOW))
    with pytest.raises(WrongState):
        crew.write(lambda s: transfer_ownership(s, owner, admin.membership_id, password=PASSWORD))


def test_who_is_deactivated_is_out_at_once_and_by_every_door(engine: sa.Engine) -> None:
    crew = a_crew(engine, "admin")
    admin = crew.enter("admin")
    begin(crew, "admin", "k")
    token = crew.write(lambda s: issue_token(s, membership_id=admin.membership_id, name="scales", now=NOW))
    sending = crew.house.act(crew.company_id, by=crew.email("admin"))
    _, code = crew.write(lambda s: invite(s, sending, email="friend@x.test", role="admin"))
    crew.write(lambda s: deactivate(s, admin.membership_id, now=NOW))
    assert not is_in(crew, "k")
    with database.reading_anywhere(engine) as session:
        assert find_token_holder(session, token, now=NOW) is None
    with pytest.raises(Forbidden):
        crew.enter("admin")
    with pytest.raises(InvitationOver):
        accept(crew.house, code.reveal(), name="Friend", password=PASSWORD)
    crew.write(lambda s: reactivate(s, admin.membership_id))
    assert crew.enter("admin").role == Role.ADMIN
    assert not is_in(crew, "k")
    with database.reading_anywhere(engine) as session:
        assert find_token_holder(session, token, now=NOW) is None


def test_a_role_counts_from_the_next_request_on(engine: sa.Engine) -> None:
    crew = a_crew(engine, "viewer")
    viewer = crew.enter("viewer")
    begin(crew, "viewer", "k")
    crew.write(lambda s: change_role(s, viewer.membership_id, role="accountant"))
    with database.reading_anywhere(engine) as session:
        found = find_signed_in(session, f"k{crew.number}", now=NOW)
    assert found is not None
    assert found.role == Role.ACCOUNTANT


def test_nobody_touches_the_people_of_another_company(engine: sa.Engine) -> None:
    ours, theirs = a_crew(engine), a_crew(engine, "viewer")
    stranger = theirs.enter("viewer").membership_id
    begin(theirs, "viewer", "k")
    with theirs.house.reading(theirs.company_id) as session:
        (sign_in,) = open_sign_ins(session, stranger, now=NOW)
    for work in (
        lambda s: change_role(s, stranger, role="admin"),
        lambda s: deactivate(s, stranger, now=NOW),
        lambda s: reactivate(s, stranger),
        lambda s: transfer_ownership(s, None, stranger, password=None),
        lambda s: end_one(s, sign_in.id, now=NOW),
    ):
        with pytest.raises(NotFound):
            ours.write(work)
    ours.write(lambda s: end_all(s, stranger, now=NOW))
    assert is_in(theirs, "k")


def test_a_sign_in_ends_by_itself_by_hand_and_with_all_others(engine: sa.Engine) -> None:
    crew = a_crew(engine, "viewer")
    for key in ("a", "b", "c", "d"):
        begin(crew, "viewer", key)
    member_id = crew.enter("viewer").membership_id
    assert is_in(crew, "a", now=NOW + dt.timedelta(hours=12, seconds=-1))
    assert not is_in(crew, "a", now=NOW + dt.timedelta(hours=12))
    crew.write(lambda s: end_sign_in(s, key=f"a{crew.number}", now=NOW))
    assert [is_in(crew, key) for key in "abcd"] == [False, True, True, True]
    with crew.house.reading(crew.company_id) as session:
        newest = open_sign_ins(session, member_id, now=NOW)[0]
    crew.write(lambda s: end_one(s, newest.id, now=NOW, of=member_id))
    assert [is_in(crew, key) for key in "abcd"] == [False, True, True, False]
    assert crew.write(lambda s: end_all(s, member_id, now=NOW, but_key=f"b{crew.number}")) == 1
    assert [is_in(crew, key) for key in "abcd"] == [False, True, False, False]


def test_a_changed_password_spares_this_browser_alone(engine: sa.Engine) -> None:
    crew = a_crew(engine, "viewer")
    viewer = crew.enter("viewer")
    begin(crew, "viewer", "here")
    begin(crew, "viewer", "there")
    key = f"here{crew.number}"
    for old, new, field in (("wrong", NEW, "old_password"), (PASSWORD, "short", "password")):
        with pytest.raises(Invalid) as caught:
            crew.write(lambda s, o=old, n=new: change_password(s, viewer, old=o, new=n, key=key, now=NOW))
        assert caught.value.field == field
    crew.write(lambda s: change_password(s, viewer, old=PASSWORD, new=NEW, key=key, now=NOW))
    assert (is_in(crew, "here"), is_in(crew, "there")) == (True, False)
    assert crew.enter("viewer", password=NEW)


def code_of(crew: Crew, role: str) -> str:
    letter = ask_reset(crew.house, crew.email(role).upper())
    assert letter is not None
    assert letter.to == crew.email(role)
    assert "reset-password" not in repr(letter)
    return letter.text.split("https://stock.test/reset-password#")[1].split()[0]


def test_a_forgotten_password_is_replaced_once_within_an_hour(engine: sa.Engine) -> None:
    crew = a_crew(engine, "viewer")
    begin(crew, "viewer", "k")
    older, code = code_of(crew, "viewer"), code_of(crew, "viewer")
    late = crew.at(NOW + dt.timedelta(hours=1))
    for house, bad in ((crew.house, older), (crew.house, "x"), (late.house, code)):
        with pytest.raises(ResetOver):
            reset_password(house, bad, password=NEW)
    with pytest.raises(Invalid):
        reset_password(crew.house, code, password="short")
    assert is_in(crew, "k")
    assert reset_password(crew.house, code, password=NEW) == crew.email("viewer")
    assert not is_in(crew, "k")
    assert crew.enter("viewer", password=NEW)
    with pytest.raises(ResetOver):
        reset_password(crew.house, code, password=PASSWORD)


def test_nobody_gets_a_letter_who_has_no_account(engine: sa.Engine) -> None:
    crew = a_crew(engine, "viewer")
    crew.write(lambda s: setattr(get_member(s, crew.enter("viewer").membership_id)[1], "is_active", False))
    assert ask_reset(crew.house, "nobody@nowhere.test") is None
    assert ask_reset(crew.house, "\x00") is None
    assert ask_reset(crew.house, crew.email("viewer")) is None


def test_no_secret_of_people_is_kept_or_told(engine: sa.Engine) -> None:
    crew = a_crew(engine, "viewer")
    begin(crew, "viewer", "a-very-secret-key")
    code = code_of(crew, "viewer")
    with database.reading_anywhere(engine) as session:
        rows = [
            str(session.execute(sa.select(model.__table__)).all())
            for model in (SignIn, PasswordReset, User, Invitation)
        ]
    assert "a-very-secret-key" not in str(rows)
    assert code not in str(rows)


def test_the_matrix_names_every_rule_of_the_code() -> None:
    in_code = {name for name in vars(admitting) if name.startswith("MAY_")}
    assert in_code | {""} == set(permitting.WORDS), "say in permitting.WORDS what the rule lets somebody do"
    assert {p.rule: p.roles for p in permitting.permissions()} == {"": frozenset(Role), **permitting.rules()}
