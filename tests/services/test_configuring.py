"""Settings of accounting systems that are entered in the console, and the keys that seal them."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.config import BadSetting
from partsemble_core.domain.exports import ExportState
from partsemble_core.errors import Invalid
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.services.configuring import (
    SettingsShared,
    change_settings,
    check_environment,
    missing_settings,
    settings_of,
    show_settings,
)
from partsemble_core.services.crashing import watch_crashpoints
from partsemble_core.services.resealing import (
    KeyNeeded,
    check_removable,
    examine_seals,
    key_uses,
    reseal_all,
    sealed_columns,
)
from partsemble_core.services.subscribing import add_endpoint
from partsemble_core.services.vouching import begin_second_factor
from partsemble_core.store.backend_settings import BackendSetting
from partsemble_core.store.companies import Membership, User
from partsemble_core.store.connections import TokenSet
from partsemble_core.vault import Vault
from tests.faults.stage import KEY, an_engine
from tests.faults.xero_stage import XeroStage, a_xero_stage
from tests.services.crew import a_crew

NEW_KEY = "k2:" + base64.b64encode(b"n" * 32).decode()
ID, SECRET = "xero_client_id", "xero_client_secret"


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with an_engine(database_url) as opened:
        yield opened


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Iterator[XeroStage]:
    with a_xero_stage(engine, tmp_path) as made:
        yield made


def bare(stage: XeroStage, *more: str) -> XeroStage:
    """Nobody has set the id and secret of the app in the environment, nor ``more``."""
    given = {k: v for k, v in stage.house.settings.plugin_settings.items() if k not in (ID, SECRET, *more)}
    settings = dataclasses.replace(stage.house.settings, plugin_settings=given)
    return dataclasses.replace(stage, house=dataclasses.replace(stage.house, settings=settings))


def enter(stage: XeroStage, **values: object) -> None:
    change_settings(stage.house, stage.act, "xero", values)


def test_an_app_entered_in_the_console_signs_in_and_posts(stage: XeroStage) -> None:
    stage = bare(stage)
    assert missing_settings(stage.house, "xero") == [f"PARTSEMBLE_PLUGIN_{n}".upper() for n in (ID, SECRET)]
    enter(stage, client_id=stage.sandbox.client_id, client_secret=stage.sandbox.client_secret)
    assert missing_settings(stage.house, "xero") == []
    stage.connect()
    stage.advance(minutes=31)
    assert stage.post(stage.queue()) == ExportState.POSTED


def test_what_was_entered_is_sealed_and_a_secret_is_never_shown(stage: XeroStage) -> None:
    stage = bare(stage)
    enter(stage, client_id="THE-ID", client_secret="THE-SECRET-OF-THE-APP")
    shown = {each.name: each for each in show_settings(stage.house, "xero")}
    assert (shown["client_id"].value, shown["client_id"].source) == ("THE-ID", "console")
    assert (shown["client_secret"].value, shown["client_secret"].source) == ("", "console")
    assert shown["api_url"].editable is False
    rows = stage.shop.rows(sa.select(BackendSetting))
    assert not any("THE-" in each.value_sealed for each in rows)
    enter(stage, client_secret=None)
    assert "client_secret" not in settings_of(stage.house, "xero")
    assert settings_of(stage.house, "xero")["client_id"] == Secret("THE-ID")


def test_the_environment_wins_and_says_so(stage: XeroStage) -> None:
    enter(bare(stage), client_id="OTHER", client_secret="OTHER-SECRET")
    assert settings_of(stage.house, "xero")["client_id"] == Secret(stage.sandbox.client_id)
    shown = {each.name: each for each in show_settings(stage.house, "xero")}
    assert (shown["client_id"].source, shown["client_id"].editable) == ("environment", False)
    with pytest.raises(Invalid, match="PARTSEMBLE_PLUGIN_XERO_CLIENT_ID") as refused:
        enter(stage, client_id="MINE")
    assert refused.value.field == "client_id"


@pytest.mark.parametrize(
    ("name", "value"),
    [("token_url", "https://evil.example"), ("nonsense", "x"), ("client_id", "a\nb"), ("client_id", "x" * 2001),
     ("client_id", 7)],
)  # fmt: skip
def test_what_may_not_be_entered_is_refused_and_nothing_is_changed(stage: XeroStage, name: str, value: object) -> None:
    stage = bare(stage)
    with pytest.raises(Invalid) as refused:
        enter(stage, client_secret="good", **{name: value})
    assert refused.value.field == name
    assert stage.shop.rows(sa.select(BackendSetting)) == []


@pytest.mark.parametrize("value", ["abc", "-5", "0", "9", "1000001", "1e99", "1,000", "10.0", "٣٠٠", "9" * 1500])
def test_a_number_that_cant_be_is_refused_when_entered_and_at_the_start(stage: XeroStage, value: str) -> None:
    free = bare(stage, "xero_daily_calls")
    with pytest.raises(Invalid) as refused:
        enter(free, daily_calls=value)
    assert refused.value.field == "daily_calls"
    assert stage.shop.rows(sa.select(BackendSetting)) == []
    given = {**stage.house.settings.plugin_settings, "xero_daily_calls": Secret(value)}
    house = dataclasses.replace(stage.house, settings=dataclasses.replace(stage.house.settings, plugin_settings=given))
    with pytest.raises(BadSetting, match="PARTSEMBLE_PLUGIN_XERO_DAILY_CALLS: must be a whole number from 10 to 1,000"):
        check_environment(house)


@pytest.mark.parametrize("value", ["10", "5000", "1000000"])
def test_a_number_that_can_be_is_taken(stage: XeroStage, value: str) -> None:
    free = bare(stage, "xero_daily_calls")
    enter(free, daily_calls=value)
    assert settings_of(free.house, "xero")["daily_calls"] == Secret(value)
    check_environment(stage.house)


def test_nobody_decides_for_companies_of_others(stage: XeroStage) -> None:
    free = bare(stage)
    stage.connect()
    with pytest.raises(SettingsShared):
        enter(free, client_id="X")

    def join(session: sa.orm.Session) -> None:
        user = User(email="ann@example.com", name="Ann", password_hash="", created_at=stage.clock())
        session.add(user)
        session.flush()
        session.add(Membership(company_id=stage.company_id, user_id=user.id, role="admin"))

    stage.shop.write(join)
    enter(free, client_id="X")
    other = dataclasses.replace(stage.act, by="eve@example.com")
    with pytest.raises(SettingsShared):
        change_settings(free.house, other, "xero", {"client_id": "Y"})
    change_settings(free.house, other, "xero", {"client_id": "Y"}, at_the_machine=True)


def test_a_changed_client_id_is_named_by_exports_that_wait(stage: XeroStage) -> None:
    free = bare(stage)
    enter(free, client_id=stage.sandbox.client_id, client_secret=stage.sandbox.client_secret)
    free.connect()
    change_settings(free.house, free.act, "xero", {"client_id": "ANOTHER-APP"}, at_the_machine=True)
    free.advance(minutes=31)
    export_id = free.queue()
    free.post(export_id)
    assert "client id of xero was changed" in free.export(export_id).problem
    assert free.tries() == [], "nothing was sent"


# ---- keys


def sealed_everywhere(stage: XeroStage) -> XeroStage:
    """Something in every place where secrets are kept."""
    free = bare(stage)
    enter(free, client_id=stage.sandbox.client_id, client_secret=stage.sandbox.client_secret)
    free.connect()
    free.shop.write(lambda session: add_endpoint(free.house, session, free.act, url="https://example.com/hooks"))
    crew = a_crew(free.house.engine)
    person = crew.enter("owner")
    free.house.write(crew.company_id, lambda session: begin_second_factor(free.house, session, person))
    return free


def with_keys(stage: XeroStage, keys: str) -> XeroStage:
    return dataclasses.replace(stage, house=dataclasses.replace(stage.house, vault=Vault(Secret(keys))))


def test_every_secret_moves_to_the_new_key_and_the_old_one_may_go(stage: XeroStage) -> None:
    stage = sealed_everywhere(stage)
    both = with_keys(stage, f"{NEW_KEY},{KEY}")
    old = both.house.vault.names[1]
    assert {f"{t.name}.{c.name}" for t, c in sealed_columns()} >= {
        "token_sets.access_sealed",
        "token_sets.refresh_sealed",
        "sign_in_flows.verifier_sealed",
        "event_endpoints.secret_sealed",
        "backend_settings.value_sealed",
        "users.second_factor_sealed",
    }
    total = sum(key_uses(both.house).values())
    assert key_uses(both.house) == {old: total}
    with pytest.raises(KeyNeeded, match=f"{old} is needed to open {total} of the secrets"):
        check_removable(both.house, old)
    resealed = reseal_all(both.house)
    assert (resealed.done, resealed.broken) == (total, 0)
    assert key_uses(both.house) == {"k2": total}
    check_removable(both.house, old)
    alone = with_keys(stage, NEW_KEY)
    assert examine_seals(alone.house, stage.company_id) == []
    alone.advance(minutes=31)
    assert alone.post(alone.queue()) == ExportState.POSTED
    assert reseal_all(both.house).done == 0
    with pytest.raises(KeyNeeded, match="key that seals"):
        check_removable(both.house, "k2")
    with pytest.raises(KeyNeeded, match="no key"):
        check_removable(both.house, "k9")


class Interrupted(Exception):
    pass


def test_a_rotation_that_is_interrupted_is_begun_again(stage: XeroStage) -> None:
    stage = sealed_everywhere(stage)
    both = with_keys(stage, f"{NEW_KEY},{KEY}")
    seen: list[str] = []

    def stop(point: str) -> None:
        seen.append(point)
        if len(seen) == 2:
            raise Interrupted

    with watch_crashpoints(stop), pytest.raises(Interrupted):
        reseal_all(both.house)
    assert set(seen) == {"resealing.after_batch"}
    assert len(key_uses(both.house)) == 2, "half of it is done"
    assert examine_seals(both.house, stage.company_id) == []
    reseal_all(both.house)
    assert set(key_uses(both.house)) == {"k2"}


def test_the_doctor_names_what_no_key_opens(stage: XeroStage) -> None:
    stage = sealed_everywhere(stage)
    lost = with_keys(stage, NEW_KEY)
    found = examine_seals(lost.house, stage.company_id)
    tables = {"token_sets", "sign_in_flows", "event_endpoints", "backend_settings", "users"}
    assert {each.table for each in found} == tables
    assert reseal_all(lost.house).done == 0
    stage.shop.write(lambda session: session.execute(sa.update(TokenSet).values(refresh_sealed=TokenSet.access_sealed)))
    [moved] = examine_seals(stage.house, stage.company_id)
    assert (moved.law, moved.table) == ("seal", "token_sets")
    assert "refresh_sealed" in moved.message
