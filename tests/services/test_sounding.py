"""The health of a connection, and the queue behind it, with the real Xero plugin: what was used, renewed and left."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.services.forecasting import Queue, foresee
from partsemble_core.services.sounding import Health, health_of
from partsemble_core.store.connections import Connection, ConnectionState
from partsemble_core.wiring import utc_now
from tests.faults.stage import an_engine
from tests.faults.xero_stage import XeroStage, a_xero_stage

SOON = dt.timedelta(minutes=1)


@pytest.fixture
def stage(database_url: str, tmp_path: Path) -> Iterator[XeroStage]:
    with an_engine(database_url) as engine, a_xero_stage(engine, tmp_path) as opened:
        yield opened


def health(stage: XeroStage) -> Health:
    with stage.house.reading(stage.company_id) as session:
        return health_of(stage.house, session, session.scalars(sa.select(Connection)).one())


def queue(stage: XeroStage) -> Queue:
    with stage.house.reading(stage.company_id) as session:
        return foresee(stage.house, session)


def test_what_was_used_and_renewed_is_told(stage: XeroStage) -> None:
    stage.connect()
    first = health(stage)
    assert first.is_well
    assert first.last_posted_at is None
    assert (first.minute_limit, first.day_limit) == (55, 5_000)
    assert first.minute_used is not None
    assert first.renewed_at is not None
    assert first.renews_by == first.renewed_at + dt.timedelta(days=1)
    assert first.alarm_at == first.renewed_at + dt.timedelta(days=50)
    stage.post(stage.queue())
    after = health(stage)
    assert after.minute_used == first.minute_used + 2, "created and posted"
    assert after.last_posted_at is not None
    assert after.last_call_at is not None
    assert abs(after.last_call_at - utc_now()) < SOON
    stage.advance(minutes=29)
    stage.post(stage.queue())
    assert health(stage).renewed_at > after.renewed_at  # type: ignore[operator]


def test_a_revocation_and_a_pause_are_seen(stage: XeroStage) -> None:
    stage.connect()
    stage.sandbox.revoke_grant()
    stage.post(stage.queue())
    assert not health(stage).is_well
    assert queue(stage).forecast is None
    assert "has to be reconnected first" in queue(stage).held_up
    until = utc_now() + dt.timedelta(hours=1)
    values = {"state": ConnectionState.ACTIVE, "paused_until": until, "problem": ""}
    stage.shop.write(lambda session: session.execute(sa.update(Connection).values(values)))
    assert health(stage).waits_until == until
    assert "tried again by itself" in queue(stage).held_up


def test_a_backlog_goes_by_fifty_a_call(stage: XeroStage) -> None:
    stage.connect()
    for _ in range(3):
        stage.queue()
    found = queue(stage)
    assert (found.waiting, found.held_up) == (3, "")
    assert found.forecast is not None
    assert (found.forecast.calls, found.forecast.per_minute) == (2, 55)
    stage.drain()
    assert (queue(stage).waiting, queue(stage).posted, queue(stage).forecast) == (0, 3, None)
