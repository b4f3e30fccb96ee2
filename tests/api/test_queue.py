"""The queue of exports, decisions about many, health, and the history of reconciling, over the API."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from partsemble_core.store.companies import Role
from partsemble_core.store.connections import Connection
from partsemble_core.store.exports import Export
from tests.api.callers import Firm
from tests.services.makers import connect


@pytest.fixture
def three(firm: Firm) -> list[int]:
    """Exports of three receipts that wait for a worker, which there isn't."""
    connect(firm.shop)
    firm.shop.write(lambda s: s.execute(sa.update(Connection).values(backend="qbo_stub")))
    firm.shop.products("PANEL")
    for _ in range(3):
        firm.shop.stock("PANEL", "5", "2.50")
    return [row["id"] for row in firm.owner.get("/exports?sort=created_at")["rows"]]


def set_all(firm: Firm, **values: object) -> None:
    firm.shop.write(lambda s: s.execute(sa.update(Export).values(values)))


def states(firm: Firm) -> list[str]:
    return [row["state"] for row in firm.owner.get("/exports?sort=created_at")["rows"]]


def test_the_queue_says_what_waits_and_until_when(firm: Firm, three: list[int]) -> None:
    queue = firm.callers[Role.VIEWER].get("/exports/queue")
    assert (queue["waiting"], queue["held"], queue["failed"], queue["held_up"]) == (3, 0, 0, "")
    assert queue["forecast"] == {"calls": 3, "per_minute": None, "seconds": 3}
    assert queue["oldest_at"] is not None
    firm.shop.write(lambda s: s.execute(sa.update(Connection).values(state="reconnect_needed")))
    queue = firm.owner.get("/exports/queue")
    assert queue["forecast"] is None
    assert "has to be reconnected first" in queue["held_up"]


def test_what_rests_or_is_behind_another_is_no_part_of_the_forecast(firm: Firm, three: list[int]) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    firm.shop.write(lambda s: s.execute(sa.update(Export).where(Export.id == three[0]).values(not_before=later)))
    behind = {"after_export_id": three[0]}
    firm.shop.write(lambda s: s.execute(sa.update(Export).where(Export.id == three[1]).values(behind)))
    queue = firm.owner.get("/exports/queue")
    assert (queue["waiting"], queue["resting"], queue["behind"]) == (3, 1, 1)
    assert queue["forecast"]["calls"] == 1
    assert dt.datetime.fromisoformat(queue["rests_until"]) == later
    firm.shop.write(lambda s: s.execute(sa.update(Export).where(Export.id == three[2]).values(behind)))
    assert firm.owner.get("/exports/queue")["forecast"] is None


def test_many_are_held_back_and_let_go_again_all_or_none(firm: Firm, three: list[int]) -> None:
    assert [row["state"] for row in firm.owner.send("POST", "/exports/hold", {"ids": three[:2]})["rows"]] == [
        "held"
    ] * 2
    assert states(firm) == ["held", "held", "pending"]
    assert firm.owner.refused("POST", "/exports/hold", {"ids": three})[:2] == (409, "wrong-state")
    assert states(firm) == ["held", "held", "pending"]
    firm.owner.send("POST", "/exports/post", {"ids": three[:2]})
    set_all(firm, attempts=1)
    assert firm.owner.refused("POST", "/exports/hold", {"ids": three[:1]})[:2] == (409, "wrong-state")


def test_many_are_tried_again_all_or_none(firm: Firm, three: list[int]) -> None:
    assert firm.owner.refused("POST", "/exports/retry", {"ids": three})[:2] == (409, "wrong-state")
    set_all(firm, state="review", problem="Refused.")
    assert len(firm.owner.send("POST", "/exports/retry", {"ids": three})["rows"]) == 3
    assert states(firm) == ["pending"] * 3


def test_many_are_left_out_and_each_says_what_became_of_it(firm: Firm, three: list[int]) -> None:
    firm.shop.write(lambda s: s.execute(sa.update(Export).where(Export.id == three[1]).values(attempts=1)))
    found = firm.owner.send("POST", "/exports/skip", {"ids": three, "reason": "Entered by hand"})["rows"]
    assert [bool(row["problem"]) for row in found] == [False, True, False]
    assert states(firm) == ["skipped", "pending", "skipped"]
    assert firm.owner.refused("POST", "/exports/skip", {"ids": three, "reason": ""}) == (422, "invalid", "reason")
    assert firm.owner.refused("POST", "/exports/skip", {"ids": [10**12], "reason": "x"})[:2] == (404, "not-found")
    assert firm.owner.get("/doctor")["is_well"]


def test_a_holding_back_stands_in_the_audit_log(firm: Firm, three: list[int]) -> None:
    firm.owner.send("POST", "/exports/hold", {"ids": three[:1]})
    rows = firm.owner.get("/audit-log?kind=export")["rows"]
    assert len(rows) == 1


def test_the_health_of_a_connection_without_limits_or_tokens(firm: Firm, three: list[int]) -> None:
    connection = firm.owner.get("/connections")["rows"][0]["id"]
    health = firm.callers[Role.VIEWER].get(f"/connections/{connection}/health")
    assert health["is_well"]
    assert (health["minute_limit"], health["day_limit"], health["renewed_at"]) == (None, None, None)
    assert (health["last_posted_at"], health["troubles"]) == (None, 0)
    firm.shop.write(lambda s: s.execute(sa.update(Connection).values(troubles=5)))
    assert not firm.owner.get(f"/connections/{connection}/health")["is_well"]


def test_each_asking_of_the_books_is_kept(firm: Firm, three: list[int]) -> None:
    assert firm.owner.get("/reconcile/runs")["rows"] == []
    firm.owner.get("/reconcile")
    assert firm.owner.get("/reconcile/runs")["rows"] == [], "our side alone is no run"
    found = firm.owner.send("POST", "/reconcile", {"on": ""})
    rows = firm.callers[Role.VIEWER].get("/reconcile/runs")["rows"]
    assert len(rows) == 1
    for key in ("on", "verdict", "stock", "posted", "books", "difference", "unexplained", "organisation"):
        assert rows[0][key] == found[key], key
    assert "(token" in rows[0]["asked_by"]
    assert firm.owner.get("/reconcile/runs?verdict=agrees")["total"] == (found["verdict"] == "agrees")
    assert firm.owner.refused("GET", "/reconcile/runs?verdict=perhaps")[:2] == (422, "invalid")


def test_asking_where_no_books_are_connected_leaves_nothing(firm: Firm) -> None:
    assert firm.owner.send("POST", "/reconcile", {"on": ""})["verdict"] == "unknown"
    assert firm.owner.get("/reconcile/runs")["total"] == 0
