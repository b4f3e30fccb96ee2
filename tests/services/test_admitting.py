"""Companies, people, passwords and tokens."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

import pytest
import sqlalchemy as sa

from partsemble_core.errors import Conflict, Forbidden, Invalid, NotFound, PartsembleError
from partsemble_core.services import admitting
from partsemble_core.services.admitting import MAY_EXPORT, MAY_SET_UP, MAY_WRITE, Person
from partsemble_core.store import database
from partsemble_core.store.companies import ApiToken, Company, Membership, Role, User
from tests.services.makers import NOW, in_threads

PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


def an_address() -> str:
    """Not used before: people are of the whole deployment, and these tests share one."""
    return f"person-{next(_numbers)}@example.com"


def founded(engine: sa.Engine, **values: Any) -> tuple[Company, User]:
    given = {"name": "Acme", "currency": "NZD", "email": an_address(), "password": PASSWORD, "now": NOW, **values}
    return database.write_anywhere(engine, lambda s: admitting.found_company(s, **given))


def joined(engine: sa.Engine, company: Company, *, role: str = "builder", **values: Any) -> User:
    given = {"email": an_address(), "password": PASSWORD, "name": "Bob", **values}
    return database.write_anywhere(
        engine, lambda s: admitting.add_member(s, company_id=company.id, role=role, now=NOW, **given)
    )


def signed_in(engine: sa.Engine, email: str, password: str = PASSWORD) -> Person:
    return database.write_anywhere(engine, lambda s: admitting.sign_in(s, email=email, password=password))


def token_for(engine: sa.Engine, person: Person, name: object = "scanner") -> str:
    return database.write_anywhere(
        engine, lambda s: admitting.issue_token(s, membership_id=person.membership_id, name=name, now=NOW)
    )


def holder_of(engine: sa.Engine, token: str) -> Person | None:
    with database.reading_anywhere(engine) as session:
        return admitting.find_token_holder(session, token, now=NOW)


def everything(engine: sa.Engine) -> list[list[tuple[Any, ...]]]:
    with database.reading_anywhere(engine) as session:
        return [
            [tuple(row) for row in session.execute(sa.select(model.__table__).order_by(model.__table__.c.id))]
            for model in (Company, User, Membership, ApiToken)
        ]


def change(engine: sa.Engine, statement: sa.Update | sa.Delete) -> None:
    database.write_anywhere(engine, lambda s: s.execute(statement) and None)


def test_a_company_is_founded_with_its_owner(engine: sa.Engine) -> None:
    company, user = founded(engine, name=" Acme ", currency="nzd", email="Ann.O@Example.COM ", timezone="Asia/Tokyo")
    assert (company.name, company.currency, company.decimals, company.timezone) == ("Acme", "NZD", 2, "Asia/Tokyo")
    person = signed_in(engine, "  ann.o@example.com")
    assert (person.company_id, person.user_id, person.role) == (company.id, user.id, Role.OWNER)
    assert person.by == "ann.o@example.com"


@pytest.mark.parametrize(("currency", "decimals"), [("NZD", 2), ("JPY", 0), ("KWD", 3), ("EUR", 2), ("ISK", 0)])
def test_the_currency_says_how_many_decimals_there_are(engine: sa.Engine, currency: str, decimals: int) -> None:
    assert founded(engine, currency=currency)[0].decimals == decimals


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("currency", "NZ"),
        ("currency", "N2D"),
        ("currency", None),
        ("currency", "ÄÖÜ"),
        ("timezone", "Mars/Olympus"),
        ("timezone", "../etc/passwd"),
        ("email", "nobody"),
        ("email", "a b@example.com"),
        ("email", "a@\x00b"),
        ("email", ""),
        ("password", "short"),
        ("password", "x" * 11),
        ("password", "x" * 129),
        ("password", 123456789012),
        ("password", "\ud800" * 12),
        ("owner_name", ""),
    ],
)
def test_a_company_that_makes_no_sense_is_not_founded(engine: sa.Engine, field: str, value: object) -> None:
    before = everything(engine)
    with pytest.raises(Invalid) as caught:
        founded(engine, **{field: value})
    assert caught.value.field == {"owner_name": "name"}.get(field, field)
    assert everything(engine) == before


def test_an_address_is_used_once_whatever_its_case_and_form(engine: sa.Engine) -> None:
    _, ann = founded(engine, email=f"ren\u00e9-{an_address()}")
    before = everything(engine)
    for again in (ann.email, ann.email.upper(), ann.email.replace("\u00e9", "e\u0301")):
        with pytest.raises(Conflict) as caught:
            founded(engine, email=again)
        assert caught.value.field == "email"
        assert signed_in(engine, again).user_id == ann.id
    assert everything(engine) == before


def test_an_address_that_two_take_at_once_is_given_once(engine: sa.Engine) -> None:
    email = an_address()
    outcomes: list[str] = []

    def found() -> None:
        try:
            founded(engine, email=email)
        except PartsembleError as error:
            outcomes.append(error.code)
        else:
            outcomes.append("founded")

    in_threads(*[(found,)] * 3)
    assert sorted(outcomes) == ["conflict", "conflict", "founded"]


def test_a_password_is_kept_as_argon2id_only(engine: sa.Engine) -> None:
    _, user = founded(engine, password="a canary of a password")
    _, other = founded(engine, password="a canary of a password")
    assert user.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert user.password_hash != other.password_hash
    assert "canary" not in str(everything(engine))


def test_who_is_unknown_and_who_is_wrong_are_told_the_same(engine: sa.Engine) -> None:
    _, ann = founded(engine)
    _, gone = founded(engine)
    change(engine, sa.update(User).where(User.id == gone.id).values(is_active=False))
    tries = [
        (ann.email, "a wrong password"),
        (ann.email, ""),
        (ann.email, PASSWORD + " "),
        (ann.email, "\ud800" * 12),
        (ann.email, "x" * 100_000),
        ("nobody@example.com", PASSWORD),
        ("", PASSWORD),
        ("nul@\x00", PASSWORD),
        ("\ud800@example.com", PASSWORD),
        (gone.email, PASSWORD),
    ]
    for email, password in tries:
        with pytest.raises(Forbidden) as caught:
            signed_in(engine, email, password)
        assert (str(caught.value), caught.value.code) == ("E-mail address or password is wrong.", "forbidden")


def test_an_unknown_address_costs_the_same_work(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    _, ann = founded(engine)
    verified: list[str] = []
    verify = admitting.HASHER.verify

    class Counting:
        def verify(self, hashed: str, password: bytes) -> bool:
            verified.append(hashed.rsplit("$", 2)[0])
            return verify(hashed, password)

    monkeypatch.setattr(admitting, "HASHER", Counting())
    for email in (ann.email, "nobody@example.com", "nul@\x00"):
        with pytest.raises(Forbidden):
            signed_in(engine, email, "a wrong password")
    assert len(verified) == 3
    assert len(set(verified)) == 1, "the same parameters"


def test_who_was_put_out_of_the_only_company_is_told_so(engine: sa.Engine) -> None:
    company, _ = founded(engine)
    bob = joined(engine, company)
    change(engine, sa.delete(Membership).where(Membership.user_id == bob.id))
    with pytest.raises(Forbidden, match="member of no company any more"):
        signed_in(engine, bob.email)


@pytest.mark.parametrize("role", ["owner", "king", "", "OWNER", "Builder"])
def test_a_company_has_one_owner_and_no_made_up_roles(engine: sa.Engine, role: str) -> None:
    company, _ = founded(engine)
    with pytest.raises(Invalid) as caught:
        joined(engine, company, role=role)
    assert caught.value.field == "role"


@pytest.mark.parametrize("role", ["admin", "accountant", "builder", "viewer"])
def test_a_member_has_the_role_that_was_given(engine: sa.Engine, role: str) -> None:
    company, _ = founded(engine)
    person = signed_in(engine, joined(engine, company, role=role).email)
    assert (person.role, person.company_id) == (Role(role), company.id)


def test_a_session_ends_with_the_membership_or_the_person(engine: sa.Engine) -> None:
    company, owner = founded(engine)
    person = signed_in(engine, owner.email)

    def found() -> Person | None:
        with database.reading_anywhere(engine) as session:
            return admitting.find_person(session, person.membership_id)

    assert found() == person
    change(engine, sa.update(User).where(User.id == owner.id).values(is_active=False))
    assert found() is None
    assert company.id == person.company_id


def test_a_token_speaks_for_its_member_and_says_so(engine: sa.Engine) -> None:
    _, owner = founded(engine)
    person = signed_in(engine, owner.email)
    holder = holder_of(engine, token_for(engine, person))
    assert holder is not None
    assert (holder.membership_id, holder.company_id, holder.role) == (
        person.membership_id,
        person.company_id,
        person.role,
    )
    assert holder.by == f"{owner.email} (token scanner)"


def test_of_a_token_only_its_hash_is_kept(engine: sa.Engine) -> None:
    person = signed_in(engine, founded(engine)[1].email)
    first, second = token_for(engine, person), token_for(engine, person)
    assert first != second
    assert first.startswith("psb_live_")
    assert len(first) > 50
    kept = str(everything(engine))
    assert first not in kept
    assert first.removeprefix("psb_live_") not in kept
    assert hashlib.sha256(first.encode()).hexdigest() in kept


def test_a_revoked_unknown_or_orphaned_token_opens_nothing(engine: sa.Engine) -> None:
    _, owner = founded(engine)
    token, revoked = (token_for(engine, signed_in(engine, owner.email)) for _ in range(2))
    digest = hashlib.sha256(revoked.encode()).hexdigest()
    change(engine, sa.update(ApiToken).where(ApiToken.token_sha256 == digest).values(revoked_at=NOW))
    for wrong in (revoked, "", token[:-1], token + "x", token.upper(), digest, "psb_live_", "\x00", "\ud800"):
        assert holder_of(engine, wrong) is None
    assert holder_of(engine, token) is not None
    change(engine, sa.update(User).where(User.id == owner.id).values(is_active=False))
    assert holder_of(engine, token) is None


def test_a_token_needs_a_member_and_a_name(engine: sa.Engine) -> None:
    person = signed_in(engine, founded(engine)[1].email)
    with pytest.raises(Invalid) as caught:
        token_for(engine, person, name="")
    assert caught.value.field == "name"
    with pytest.raises(NotFound):
        database.write_anywhere(
            engine, lambda s: admitting.issue_token(s, membership_id=987_654_321, name="x", now=NOW)
        )


@pytest.mark.parametrize(
    ("roles", "admitted"),
    [
        (MAY_WRITE, {"owner", "admin", "builder"}),
        (MAY_SET_UP, {"owner", "admin"}),
        (MAY_EXPORT, {"owner", "admin", "accountant"}),
    ],
)
def test_a_role_may_what_its_role_may(roles: frozenset[Role], admitted: set[str]) -> None:
    for role in Role:
        person = Person(user_id=1, membership_id=1, company_id=1, role=role, by="x")
        if role.value in admitted:
            admitting.must_be(person, roles)
        else:
            with pytest.raises(Forbidden, match=f"As {role} you may not.*{', '.join(sorted(admitted))}"):
                admitting.must_be(person, roles)
