"""A token that a token asked for doesn't outlive it."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from partsemble_core.errors import Forbidden
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import Person, find_token_holder, found_company
from partsemble_core.services.issuing import issue, revoke
from partsemble_core.store.companies import ApiToken
from partsemble_core.store.database import reading_anywhere, write_anywhere
from tests.services.makers import NOW, Shop
from tests.services.test_admitting import PASSWORD, an_address

ACT = Act(by="x", at=NOW, today=NOW.date())
Issued = tuple[int, str]


@pytest.fixture
def firm(shop: Shop) -> tuple[Shop, Issued]:
    """A company with a token of its owner's that ends in ten days."""

    def found(session: sa.orm.Session) -> tuple[int, int, int]:
        company, user = found_company(
            session, name="Firm", currency="NZD", email=an_address(), password=PASSWORD, now=NOW
        )
        member = session.execute(
            sa.text("SELECT id FROM memberships WHERE user_id = :id"), {"id": user.id}
        ).scalar_one()
        return company.id, user.id, member

    company_id, user_id, member_id = write_anywhere(shop.engine, found)
    owner = Person(user_id=user_id, membership_id=member_id, company_id=company_id, role="owner", by="o@firm.test")
    firm = Shop(engine=shop.engine, company_id=company_id)
    return firm, issued(firm, owner, days=10)


def issued(shop: Shop, person: Person, days: object = None) -> Issued:
    return shop.write(lambda session: _issued(issue(session, ACT, person, name="t", days=days)))


def _issued(made: tuple[ApiToken, str]) -> Issued:
    return made[0].id, made[1]


def holder(shop: Shop, token: Issued, *, days: float = 0) -> Person | None:
    with reading_anywhere(shop.engine) as session:
        return find_token_holder(session, token[1], now=NOW + dt.timedelta(days=days))


def must_hold(shop: Shop, token: Issued) -> Person:
    found = holder(shop, token)
    assert found is not None
    return found


@pytest.mark.parametrize("days", [None, 3650])
def test_it_ends_no_later(firm: tuple[Shop, Issued], days: object) -> None:
    shop, first = firm
    second = issued(shop, must_hold(shop, first), days=days)
    third = issued(shop, must_hold(shop, second))
    short = issued(shop, must_hold(shop, first), days=2)
    for token in (first, second, third):
        assert holder(shop, token, days=9.9)
        assert holder(shop, token, days=10) is None
    assert holder(shop, short, days=1.9)
    assert holder(shop, short, days=2) is None


def test_it_is_revoked_with_it_at_any_depth(firm: tuple[Shop, Issued]) -> None:
    shop, first = firm
    second = issued(shop, must_hold(shop, first))
    third = issued(shop, must_hold(shop, second))
    beside = issued(shop, must_hold(shop, first))
    person = must_hold(shop, second)
    shop.write(lambda session: revoke(session, second[0], now=NOW))
    assert [holder(shop, token) is None for token in (first, second, third, beside)] == [False, True, True, False]
    with pytest.raises(Forbidden):
        issued(shop, person)
    shop.write(lambda session: revoke(session, first[0], now=NOW))
    assert holder(shop, beside) is None
