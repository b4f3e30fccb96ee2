"""The log of events: what ended is kept for thirty days, what waits for as long as it waits."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.services import pruning
from partsemble_core.services.pruning import prune_deliveries
from partsemble_core.store.events import DeliveryState, EventDelivery
from partsemble_core.wiring import utc_now
from tests.services.hearing import Listened, listened
from tests.services.test_delivering import tell_test


@pytest.fixture
def heard(engine: sa.Engine, tmp_path: Path) -> Listened:
    return listened(engine, tmp_path)


def ended(heard: Listened, delivery_id: int, *, days: int) -> None:
    values = {"state": DeliveryState.DELIVERED, "ended_at": utc_now() - dt.timedelta(days=days)}
    statement = sa.update(EventDelivery).where(EventDelivery.id == delivery_id).values(values)
    heard.shop.write(lambda session: session.execute(statement))


def test_what_ended_thirty_days_ago_goes_and_what_waits_stays(heard: Listened, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint_id, _ = heard.listen("https://example.com/hooks")
    for _ in range(5):
        tell_test(heard, endpoint_id)
    *gone, lately, waiting = [each.id for each in heard.deliveries()]
    for delivery_id in gone:
        ended(heard, delivery_id, days=31)
    ended(heard, lately, days=29)
    year = {"created_at": utc_now() - dt.timedelta(days=365)}
    heard.shop.write(
        lambda session: session.execute(sa.update(EventDelivery).where(EventDelivery.id == waiting).values(year))
    )
    monkeypatch.setattr(pruning, "AT_ONCE", 2)
    assert [prune_deliveries(heard.house) for _ in range(3)] == [2, 1, 0]
    assert [each.id for each in heard.deliveries()] == [lately, waiting]
