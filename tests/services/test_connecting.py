"""Connecting a company to its books: the real Xero plugin, the sandbox, real HTTP."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from partsemble_core.domain.journals import AccountRole
from partsemble_core.errors import Conflict, Invalid, WrongState
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.services import connecting, disconnecting, mapping
from partsemble_core.services.connecting import CurrencyDiffers, SignInRefused
from partsemble_core.services.refreshing import access_token
from partsemble_core.services.token_keeping import SignInBroken
from partsemble_core.store.connections import Connection, ConnectionState, Grant, RemoteAccount, SignInFlow
from partsemble_xero.sandbox.testing import cancel_consent, consent
from tests.faults.stage import an_engine
from tests.faults.xero_stage import ORGANISATION, XeroStage, a_xero_stage, params_of
from tests.services.makers import a_shop

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with an_engine(database_url) as opened:
        yield opened


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Iterator[XeroStage]:
    with a_xero_stage(engine, tmp_path) as made:
        yield made


def test_a_company_is_connected_from_consent_to_its_accounts(stage: XeroStage) -> None:
    grant_id, found = stage.sign_in()
    assert [organisation.name for organisation in found] == [ORGANISATION], "a practice has no books"
    connection = connecting.choose(
        stage.house,
        stage.act,
        stage.company_id,
        backend="xero",
        organisation_id=found[0].external_id,
        grant_id=grant_id,
    )
    assert (connection.state, connection.base_currency) == (ConnectionState.SETUP, "NZD")
    for role, code in zip(("receiving_debit", "receiving_credit", "build_debit"), ("621", "623", "622"), strict=True):
        stage.map(connection, role, code)
        assert stage.connection().state == ConnectionState.SETUP
    stage.map(connection, "build_credit", "621")
    assert stage.connection().state == ConnectionState.ACTIVE


def test_the_consent_page_gets_a_challenge_and_never_a_secret(stage: XeroStage) -> None:
    url = stage.begin()
    asked = parse_qs(urlsplit(url).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) >= 40
    assert "offline_access" in asked["scope"][0].split()
    assert stage.sandbox.client_secret not in url


def test_words_with_a_state_of_nobodys_are_not_repeated(stage: XeroStage) -> None:
    stage.begin()
    forged = "http://localhost:8000/integrations/callback?error=access_denied&error_description=Call+0900+666&state=abc"
    with pytest.raises(SignInRefused) as refused:
        stage.complete(forged)
    assert "0900" not in str(refused.value)


def test_a_cancelled_consent_is_explained_and_connects_nothing(stage: XeroStage) -> None:
    callback = cancel_consent(stage.begin())
    with pytest.raises(SignInRefused, match=r"not completed \(.+\)\. It was cancelled .+Nothing was connected"):
        stage.complete(callback)
    assert stage.shop.rows(sa.select(Grant)) == []


def test_a_callback_without_our_state_is_refused(stage: XeroStage) -> None:
    callback = consent(stage.begin(), organisation=ORGANISATION)
    state = params_of(callback)["state"]
    with pytest.raises(SignInRefused, match="wasn't begun here"):
        stage.complete(callback.replace(state, "A" * len(state)))
    assert stage.token_requests() == 0, "the code is not spent"
    stage.complete(callback)


def test_a_callback_in_another_browser_is_refused(stage: XeroStage) -> None:
    callback = consent(stage.begin(), organisation=ORGANISATION)
    with pytest.raises(SignInRefused, match="wasn't begun here"):
        stage.complete(callback, session_key="somebody else's session")


def test_a_callback_in_another_company_is_refused(stage: XeroStage) -> None:
    callback = consent(stage.begin(), organisation=ORGANISATION)
    other = dataclasses.replace(stage, shop=a_shop(stage.house.engine))
    with pytest.raises(SignInRefused, match="wasn't begun here"):
        other.complete(callback)


def test_a_callback_works_once(stage: XeroStage) -> None:
    callback = consent(stage.begin(), organisation=ORGANISATION)
    stage.complete(callback)
    with pytest.raises(SignInRefused, match="used already"):
        stage.complete(callback)


def test_a_sign_in_left_lying_for_too_long_is_refused(stage: XeroStage) -> None:
    url = stage.begin()
    stage.advance(minutes=11)
    with pytest.raises(SignInRefused, match="older than ten minutes"):
        stage.complete(consent(url, organisation=ORGANISATION))


@pytest.mark.parametrize("code", ["", "A" * 32])
def test_a_wrong_code_is_refused_and_its_flow_is_spent(stage: XeroStage, code: str) -> None:
    callback = consent(stage.begin(), organisation=ORGANISATION)
    changed = callback.replace(params_of(callback)["code"], code)
    with pytest.raises(SignInRefused, match="Start again"):
        stage.complete(changed)
    with pytest.raises(SignInRefused, match="used already"):
        stage.complete(callback)


@pytest.mark.parametrize(("kind", "more"), [("close-before", {}), ("status", {"status": 500})])
def test_a_sign_in_service_that_breaks_is_said_to_be_broken(stage: XeroStage, kind: str, more: dict[str, int]) -> None:
    callback = consent(stage.begin(), organisation=ORGANISATION)
    stage.sandbox.add_fault("POST /connect/token", kind=kind, **more)
    with pytest.raises(SignInBroken, match="did not answer"):
        stage.complete(callback)
    assert stage.shop.rows(sa.select(Grant)) == []


def test_without_a_client_secret_the_settings_to_make_are_named(stage: XeroStage) -> None:
    settings = dataclasses.replace(stage.house.settings, plugin_settings={"xero_client_id": Secret("abc")})
    bare = dataclasses.replace(stage, house=dataclasses.replace(stage.house, settings=settings))
    with pytest.raises(SignInBroken, match="PARTSEMBLE_PLUGIN_XERO_CLIENT_SECRET"):
        bare.begin()


def test_books_in_another_currency_are_refused(stage: XeroStage) -> None:
    grant_id, [found] = stage.sign_in("Second Books Ltd")
    with pytest.raises(CurrencyDiffers, match=r"USD.+NZD"):
        connecting.choose(
            stage.house,
            stage.act,
            stage.company_id,
            backend="xero",
            organisation_id=found.external_id,
            grant_id=grant_id,
        )
    assert stage.shop.rows(sa.select(Connection)) == []


def test_a_second_organisation_is_refused_while_one_is_connected(stage: XeroStage) -> None:
    connection = stage.connect()
    stage.shop.write(
        lambda session: session.execute(sa.update(Connection).values(organisation_id="another"))
    )  # as if the connected one were another
    with pytest.raises(Conflict, match=f"{ORGANISATION} is connected. Disconnect it first"):
        stage.connect()
    assert stage.connection().id == connection.id


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("999", "no account with code '999'"),
        ("", "no account with code ''"),
        ("090", "can't be used"),
        ("610", "can't be used"),
        ("630", "can't be used"),
        ("820", "can't be used"),
    ],
)
def test_an_account_that_a_journal_may_not_use_is_refused_with_the_reason(
    stage: XeroStage, code: str, why: str
) -> None:
    connection = stage.connect()
    with pytest.raises(Invalid, match=why) as refused:
        stage.map(connection, AccountRole.BUILD_DEBIT, code)
    assert refused.value.field == "build_debit"
    if code == "630":
        assert "inventory" in str(refused.value).lower()


def test_an_account_archived_in_the_books_can_no_longer_be_chosen(stage: XeroStage) -> None:
    connection = stage.connect()
    stage.sandbox.archive_account(ORGANISATION, code="622")
    mapping.sync_accounts(stage.house, connection)
    with pytest.raises(Invalid, match="622"):
        stage.map(connection, AccountRole.BUILD_DEBIT, "622")
    stage.map(connection, AccountRole.BUILD_DEBIT, "621")


def test_accounts_are_read_once_and_again_without_doubles(stage: XeroStage) -> None:
    connection = stage.connect()
    first = stage.shop.rows(sa.select(RemoteAccount))
    assert mapping.sync_accounts(stage.house, connection) == len(first)
    assert len(stage.shop.rows(sa.select(RemoteAccount))) == len(first) > 15


def test_to_disconnect_ends_the_link_on_both_sides_and_keeps_our_data(stage: XeroStage) -> None:
    connection = stage.connect()
    disconnecting.disconnect(stage.house, stage.company_id, connection.id)
    assert stage.connection().state == ConnectionState.DISCONNECTED
    with pytest.raises(WrongState, match="is disconnected already"):
        disconnecting.disconnect(stage.house, stage.company_id, connection.id)
    deleted = [r for r in stage.sandbox.requests() if r["method"] == "DELETE"]
    assert [request["status"] for request in deleted] == [204]
    again = stage.connect()
    assert (again.id, stage.connection().state) == (connection.id, ConnectionState.ACTIVE), (
        "its accounts are remembered"
    )


def test_a_connection_that_xero_ended_can_still_be_disconnected_here(stage: XeroStage) -> None:
    connection = stage.connect()
    stage.sandbox.revoke_grant()
    stage.advance(minutes=31)
    disconnecting.disconnect(stage.house, stage.company_id, connection.id)
    assert stage.connection().state == ConnectionState.DISCONNECTED


def test_the_same_person_signs_in_again_into_the_same_grant(stage: XeroStage) -> None:
    stage.connect()
    stage.connect()
    assert len(stage.shop.rows(sa.select(Grant))) == 1
    assert [each.state for each in stage.token_sets()] == ["superseded", "current"]


def test_the_database_holds_no_token_secret_verifier_state_or_code(stage: XeroStage, tmp_path: Path) -> None:
    callback = consent(stage.begin(), organisation=ORGANISATION)
    grant_id, _ = stage.complete(callback)
    held = params_of(callback)
    secrets = [held["code"], held["state"], stage.sandbox.client_secret]
    secrets.append(access_token(stage.house, grant_id).reveal())
    assert len(stage.shop.rows(sa.select(SignInFlow))) == 1
    stage.house.engine.dispose()
    dump = b"".join(path.read_bytes() for path in tmp_path.glob("migrated.sqlite3*"))
    assert len(dump) > 100_000
    assert [secret for secret in secrets if secret.encode() in dump] == []


def test_a_sign_in_begun_for_one_backend_is_not_ended_for_another(stage: XeroStage) -> None:
    callback = consent(stage.begin(), organisation=ORGANISATION)
    with pytest.raises(SignInRefused, match="begun for xero, not for qbo_stub"):
        stage.complete(callback, backend="qbo_stub")
