"""One person's sign-in serves five companies; two people's serve one organisation. Real plugin, sandbox, HTTP."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_api.errors import SignedOut
from partsemble_core.services import connecting, disconnecting
from partsemble_core.services.acting import Act
from partsemble_core.services.connecting import SignInRefused
from partsemble_core.services.refreshing import access_token, refresh_due
from partsemble_core.services.token_keeping import purge_sign_ins
from partsemble_core.store.connections import Connection, ConnectionState, Grant, GrantState, TokenSet
from partsemble_core.store.database import reading_anywhere
from partsemble_xero.sandbox.options import OrganisationOption
from partsemble_xero.sandbox.testing import ConsentFailed, consent
from tests.faults.stage import an_engine
from tests.faults.xero_stage import ORGANISATION, XeroStage, a_xero_stage, params_of
from tests.services.makers import a_shop

FIVE = tuple(f"Books {number}" for number in range(1, 6))
OPTIONS = {
    "organisations": tuple(OrganisationOption(name=name, currency="NZD") for name in (*FIVE, ORGANISATION)),
    "users": ("Ann Lee", "Bob Ray"),
}


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with an_engine(database_url) as opened:
        yield opened


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Iterator[XeroStage]:
    with a_xero_stage(engine, tmp_path, **OPTIONS) as made:
        yield made


def another(stage: XeroStage) -> XeroStage:
    """A second company of the same installation."""
    act = Act(by="ben@example.com", at=stage.clock() - dt.timedelta(minutes=1), today=stage.clock().date())
    shop = dataclasses.replace(a_shop(stage.house.engine), act=act)
    shop.product("BOLT")
    return dataclasses.replace(stage, shop=shop)


def five_companies(stage: XeroStage) -> list[XeroStage]:
    companies = [stage, *(another(stage) for _ in range(4))]
    for company, name in zip(companies, FIVE, strict=True):
        company.connect(name, user="Ann Lee")
    return companies


def states(stage: XeroStage) -> list[str]:
    with reading_anywhere(stage.house.engine) as session:
        return list(session.scalars(sa.select(Connection.state).order_by(Connection.id)))


def revocations(stage: XeroStage) -> int:
    return sum(1 for request in stage.sandbox.requests() if request["path"] == "/connect/revocation")


def test_five_companies_of_one_person_share_one_sign_in(stage: XeroStage) -> None:
    companies = five_companies(stage)
    assert len(stage.shop.rows(sa.select(Grant))) == 1
    assert {company.connection().grant_id for company in companies} == {stage.grant().id}
    exports = [company.queue() for company in companies]
    stage.advance(minutes=31)
    before = stage.token_requests()
    assert [c.post(e) for c, e in zip(companies, exports, strict=True)] == [ExportState.POSTED] * 5
    assert stage.token_requests() - before == 1, "one set of tokens, renewed once for all"
    assert [len(stage.sandbox.books(name)["journals"]) for name in FIVE] == [1] * 5


def test_a_refusal_stops_all_five_and_one_reconnect_lets_all_go_on(stage: XeroStage) -> None:
    companies = five_companies(stage)
    waiting = companies[3].queue()
    stage.sandbox.revoke_grant()
    stage.advance(minutes=31)
    with pytest.raises(SignedOut):
        access_token(stage.house, stage.grant().id)
    assert states(stage) == [ConnectionState.RECONNECT_NEEDED] * 5
    for name in FIVE[1:]:  # on Xero's side each organisation has to be allowed again
        companies[1].sign_in(name, user="Ann Lee")
    assert states(stage) == [ConnectionState.RECONNECT_NEEDED, *[ConnectionState.ACTIVE] * 4]
    assert companies[3].post(waiting) == ExportState.POSTED


def test_the_sign_in_outlives_all_but_its_last_connection(stage: XeroStage) -> None:
    companies = five_companies(stage)
    for company in companies[:4]:
        disconnecting.disconnect(stage.house, company.company_id, company.connection().id)
    assert revocations(stage) == 0
    assert access_token(stage.house, stage.grant().id)
    last = companies[4]
    assert last.post(last.queue()) == ExportState.POSTED
    disconnecting.disconnect(stage.house, last.company_id, last.connection().id)
    assert revocations(stage) == 1
    assert stage.grant().state == GrantState.ENDED
    assert {(each.state, each.access_sealed, each.refresh_sealed) for each in stage.token_sets()} == {("dead", "", "")}
    with pytest.raises(SignedOut):
        access_token(stage.house, stage.grant().id)
    last.connect(FIVE[4], user="Ann Lee")
    assert stage.grant().state == GrantState.ACTIVE
    assert last.post(last.queue()) == ExportState.POSTED


def test_two_companies_in_the_same_books_are_ended_one_by_one(stage: XeroStage) -> None:
    other = another(stage)
    for company in (stage, other):
        company.connect(FIVE[0], user="Ann Lee")
    disconnecting.disconnect(stage.house, stage.company_id, stage.connection().id)
    assert other.post(other.queue()) == ExportState.POSTED, "the link is theirs too"
    disconnecting.disconnect(stage.house, other.company_id, other.connection().id)
    ended = [r["status"] for r in stage.sandbox.requests() if r["method"] == "DELETE"]
    assert ended == [204]


def test_two_people_are_two_sign_ins_for_one_organisation(stage: XeroStage) -> None:
    other = another(stage)
    stage.connect(user="Ann Lee")
    other.connect(user="Bob Ray")
    grants = stage.shop.rows(sa.select(Grant).order_by(Grant.id))
    assert len({grant.subject for grant in grants}) == 2
    disconnecting.disconnect(stage.house, stage.company_id, stage.connection().id)
    assert other.post(other.queue()) == ExportState.POSTED
    assert [g.state for g in stage.shop.rows(sa.select(Grant).order_by(Grant.id))] == ["ended", "active"]


def test_another_person_reconnects_and_exports_go_on_where_they_stopped(stage: XeroStage) -> None:
    first = stage.connect(user="Ann Lee")
    waiting = stage.queue()
    stage.sandbox.disconnect(ORGANISATION)
    stage.post(waiting)
    assert stage.connection().state == ConnectionState.RECONNECT_NEEDED
    again = stage.connect(user="Bob Ray")
    assert (again.id, again.grant_id != first.grant_id) == (first.id, True)
    assert stage.post(waiting) == ExportState.POSTED
    stage.advance(minutes=8 * 24 * 60)
    assert refresh_due(stage.house) == 1, "the one that is in use"
    assert purge_sign_ins(stage.house) == 1, "nobody has used Ann's for a week"
    with reading_anywhere(stage.house.engine) as session:
        left = session.scalars(sa.select(TokenSet).where(TokenSet.grant_id == first.grant_id)).all()
    assert [each for each in left if each.refresh_sealed] == []


def test_a_company_gets_no_organisation_that_its_own_sign_in_did_not_show(stage: XeroStage) -> None:
    """The sign-in is shared; what it opens isn't."""
    stage.connect(FIVE[0], user="Ann Lee")
    grant_id, shown = stage.grant().id, stage.connection().organisation_id
    other = another(stage)
    with pytest.raises(SignInRefused, match="offered this organisation"):
        connecting.choose(
            other.house, other.act, other.company_id, backend="xero", organisation_id=shown, grant_id=grant_id
        )
    assert other.shop.rows(sa.select(Connection)) == []
    other.complete(consent(other.begin(), organisation=FIVE[1], user="Bob Ray"))
    with pytest.raises(SignInRefused, match="offered this organisation"):
        connecting.choose(
            other.house, other.act, other.company_id, backend="xero", organisation_id=shown, grant_id=grant_id
        )


def test_an_offer_is_too_old_after_a_quarter_of_an_hour(stage: XeroStage) -> None:
    grant_id, found = stage.sign_in(user="Ann Lee")
    stage.advance(minutes=16)
    with pytest.raises(SignInRefused, match="last minutes"):
        connecting.choose(
            stage.house,
            stage.act,
            stage.company_id,
            backend="xero",
            organisation_id=found[0].external_id,
            grant_id=grant_id,
        )


def test_a_sign_in_that_was_never_used_is_erased_after_a_week(stage: XeroStage) -> None:
    stage.sign_in(user="Ann Lee")
    assert purge_sign_ins(stage.house) == 0
    stage.advance(minutes=8 * 24 * 60)
    assert purge_sign_ins(stage.house) == 1
    assert stage.grant().state == GrantState.ENDED
    assert stage.token_sets() == []


def test_an_app_that_is_full_says_so_over_there_and_connects_nothing(engine: sa.Engine, tmp_path: Path) -> None:
    with a_xero_stage(engine, tmp_path, **OPTIONS, connections_max=1) as stage:
        stage.connect(FIVE[0], user="Ann Lee")
        with pytest.raises(ConsentFailed, match="complete certification"):
            consent(stage.begin(), organisation=FIVE[1], user="Ann Lee")
        said = "This app needs to complete certification before it can connect to more Xero organisations"
        state = params_of(stage.begin())["state"]
        with pytest.raises(SignInRefused, match="as many organisations as it may have"):
            stage.complete(f"http://localhost:8000/x?error=access_denied&error_description={said}&state={state}")
        stage.connect(FIVE[0], user="Bob Ray")  # one that is connected counts once
