"""The second factor: codes of this moment, once each; recovery codes, once each; nothing kept that could be stolen."""

from __future__ import annotations

import datetime as dt

import pyotp
import pytest
import sqlalchemy as sa

from partsemble_core.errors import Conflict, Forbidden, Invalid, NotFound, WrongState
from partsemble_core.services import vouching
from partsemble_core.services.admitting import Person
from partsemble_core.services.listing import ListQuery, list_audit_log
from partsemble_core.services.resetting import change_password
from partsemble_core.store import database
from partsemble_core.store.companies import User
from partsemble_core.store.people import RecoveryCode
from tests.services.crew import PASSWORD, Crew, a_crew
from tests.services.makers import NOW, in_threads


def begun(crew: Crew, person: Person) -> pyotp.TOTP:
    crew.write(lambda s: vouching.begin_second_factor(crew.house, s, person))
    with crew.house.reading(crew.company_id) as session:
        secret = vouching.pending_secret(crew.house, session, person)
    assert secret is not None
    return pyotp.parse_uri(vouching.address_of(secret, person).reveal())  # type: ignore[return-value]


def turned_on(crew: Crew, person: Person) -> tuple[pyotp.TOTP, list[str]]:
    app = begun(crew, person)
    code = app.at(NOW)
    return app, crew.write(lambda s: vouching.turn_on(crew.house, s, person, code=code, now=NOW))


def mark(crew: Crew, person: Person) -> str:
    with database.reading_anywhere(crew.house.engine) as session:
        return vouching.mark_of(session, person.user_id)


def is_let_in(crew: Crew, person: Person, code: str, *, after: int = 0) -> bool:
    house = crew.at(NOW + dt.timedelta(seconds=after)).house
    try:
        found = vouching.vouch(house, person.membership_id, mark=mark(crew, person), code=code)
    except Forbidden:
        return False
    assert found == person
    return True


def is_on(crew: Crew, person: Person) -> bool:
    with database.reading_anywhere(crew.house.engine) as session:
        return vouching.is_vouched_for(session, person.user_id)


def test_it_counts_only_after_the_first_code(engine: sa.Engine) -> None:
    crew = a_crew(engine)
    owner = crew.enter("owner")
    with pytest.raises(WrongState):
        crew.write(lambda s: vouching.turn_on(crew.house, s, owner, code="000000", now=NOW))
    app = begun(crew, owner)
    assert app.issuer == "Partsemble"
    assert app.name == crew.email("owner")
    wrong = f"{(int(app.at(NOW)) + 1) % 1_000_000:06}"
    with pytest.raises(Invalid):
        crew.write(lambda s: vouching.turn_on(crew.house, s, owner, code=wrong, now=NOW))
    assert not is_on(crew, owner)
    codes = crew.write(lambda s: vouching.turn_on(crew.house, s, owner, code=app.at(NOW), now=NOW))
    assert is_on(crew, owner)
    assert len(set(codes)) == 10
    with pytest.raises(Conflict):
        begun(crew, owner)


def test_a_code_holds_for_its_moment_and_works_once(engine: sa.Engine) -> None:
    crew = a_crew(engine)
    owner = crew.enter("owner")
    app, _ = turned_on(crew, owner)
    assert not is_let_in(crew, owner, app.at(NOW)), "it turned the factor on"
    later = app.at(NOW + dt.timedelta(seconds=300))
    assert not is_let_in(crew, owner, later, after=300 - 61)
    assert not is_let_in(crew, owner, later, after=300 + 61)
    assert is_let_in(crew, owner, f" {later[:3]} {later[3:]} ", after=330)
    assert not is_let_in(crew, owner, later, after=330)
    for nonsense in ("", "000000000", "\ud800", "１２３４５６"):
        assert not is_let_in(crew, owner, nonsense, after=330)


def test_a_code_that_is_typed_twice_at_once_works_once(engine: sa.Engine) -> None:
    crew = a_crew(engine)
    owner = crew.enter("owner")
    app, codes = turned_on(crew, owner)
    for code, after in ((app.at(NOW + dt.timedelta(seconds=90)), 90), (codes[0], 90)):
        outcomes: list[bool] = []

        def attempt(code: str = code, after: int = after, outcomes: list[bool] = outcomes) -> None:
            outcomes.append(is_let_in(crew, owner, code, after=after))

        in_threads((attempt,), (attempt,))
        assert sorted(outcomes) == [False, True]


def test_each_recovery_code_works_once(engine: sa.Engine) -> None:
    crew = a_crew(engine, "admin")
    owner, admin = crew.enter("owner"), crew.enter("admin")
    _, codes = turned_on(crew, owner)
    _, others = turned_on(crew, admin)
    assert is_let_in(crew, owner, codes[3].upper().replace("-", " "))
    assert not is_let_in(crew, owner, codes[3])
    assert not is_let_in(crew, owner, others[0])
    with crew.house.reading(crew.company_id) as session:
        assert vouching.codes_left(session, owner.user_id) == 9
        log = list_audit_log(session, ListQuery(filters={"kind": "recovery code"})).rows
    assert [row["subject"] for row in log] == [crew.email("owner")]
    renewed = crew.write(lambda s: vouching.renew_codes(s, owner, password=PASSWORD))
    assert not is_let_in(crew, owner, codes[4])
    assert is_let_in(crew, owner, renewed[0])


def test_it_is_turned_off_with_the_password_alone(engine: sa.Engine) -> None:
    crew = a_crew(engine)
    owner = crew.enter("owner")
    _, codes = turned_on(crew, owner)
    for work in (vouching.turn_off, vouching.renew_codes):
        with pytest.raises(Invalid):
            crew.write(lambda s, w=work: w(s, owner, password="wrong"))
    crew.write(lambda s: vouching.turn_off(s, owner, password=PASSWORD))
    assert not is_on(crew, owner)
    assert not is_let_in(crew, owner, codes[0])
    with pytest.raises(WrongState):
        crew.write(lambda s: vouching.renew_codes(s, owner, password=PASSWORD))


def test_the_owner_takes_it_off_within_the_company_only(engine: sa.Engine) -> None:
    crew, other = a_crew(engine, "viewer"), a_crew(engine)
    viewer = crew.enter("viewer")
    turned_on(crew, viewer)
    with pytest.raises(NotFound):
        other.write(lambda s: vouching.take_off(s, viewer.membership_id))
    assert is_on(crew, viewer)
    crew.write(lambda s: vouching.take_off(s, viewer.membership_id))
    assert not is_on(crew, viewer)


def test_half_a_sign_in_ends_with_the_password(engine: sa.Engine) -> None:
    crew = a_crew(engine)
    owner = crew.enter("owner")
    _, codes = turned_on(crew, owner)
    old = mark(crew, owner)
    new = "another horse battery"
    crew.write(lambda s: change_password(s, owner, old=PASSWORD, new=new, key="k", now=NOW))
    with pytest.raises(Forbidden):
        vouching.vouch(crew.house, owner.membership_id, mark=old, code=codes[0])
    assert is_let_in(crew, owner, codes[0])


def test_nothing_that_is_kept_or_told_opens_the_door(engine: sa.Engine) -> None:
    crew = a_crew(engine)
    owner = crew.enter("owner")
    app, codes = turned_on(crew, owner)
    with database.reading_anywhere(engine) as session:
        kept = str([session.execute(sa.select(model.__table__)).all() for model in (User, RecoveryCode)])
    with crew.house.reading(crew.company_id) as session:
        told = str(list_audit_log(session, ListQuery()).rows)
    for secret in (app.secret, *codes):
        assert secret not in kept
        assert secret not in told
    assert "second factor since" in told
