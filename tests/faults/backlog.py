"""A backlog of journals against Xero's limits: how many calls it takes, how long, and what the books hold in the end.

Minutes pass by moving the clocks, in the database and in the sandbox alike, so hours are proved in moments.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from partsemble_core.domain.exports import ExportState
from partsemble_core.services.draining import drain
from partsemble_core.store.connections import Connection, Grant
from partsemble_core.store.database import database_now, reading_anywhere, write_anywhere
from partsemble_core.store.exports import Export, ExportAttempt
from partsemble_core.store.rates import RateBucket, RateCall
from tests.faults.xero_stage import ORGANISATION, XeroStage

TIMES = (
    (Export, ("not_before", "lease_until")),
    (ExportAttempt, ("sent_at",)),
    (Connection, ("paused_until",)),
    (Grant, ("lease_until", "quarantine_until")),
    (RateBucket, ("held_until", "day_ends_at", "day_told_at")),
    (RateCall, ("under_way_until", "counts_until")),
)
LONGEST_STEP = 15
"""Seconds: the sweep looks as often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """``seconds`` passed on the sandbox's clock. ``in_a_minute`` is the most in any sixty seconds."""

    posted: int
    calls: int
    writes: int
    refused: int
    in_a_minute: int
    seconds: int


def pass_seconds(stage: XeroStage, seconds: int) -> None:
    """Time passes everywhere: what the database remembers is that much longer ago."""
    gone = dt.timedelta(seconds=seconds)

    def shift(session: Session) -> None:
        for table, names in TIMES:
            key = sa.inspect(table).primary_key[0]
            columns = [getattr(table, name) for name in names]
            set_ones = sa.or_(*(column.is_not(None) for column in columns))
            rows = session.execute(sa.select(key, *columns).where(set_ones)).all()
            changed = [
                {"row_id": row[0], **{f"new_{n}": v - gone if v else None for n, v in zip(names, row[1:], strict=True)}}
                for row in rows
            ]
            if changed:
                raw = sa.inspect(table).local_table
                values = {name: sa.bindparam(f"new_{name}") for name in names}
                session.connection().execute(
                    sa.update(raw).where(raw.c.id == sa.bindparam("row_id")).values(values), changed
                )

    write_anywhere(stage.house.engine, shift)
    stage.clock.ahead += gone
    stage.sandbox.advance(seconds)


def run_dry(
    stage: XeroStage,
    *,
    work: Callable[[], object] | None = None,
    seconds: int = 86_400,
    tell: Callable[[int], None] | None = None,
) -> Result:
    """Works and lets time pass by turns until nothing waits. ``tell`` hears how many are posted so far."""
    first, passed = len(stage.sandbox.requests()), 0
    step = work or (lambda: drain(stage.house, stage.company_id, seconds=3600))
    while waiting(stage) and passed < seconds:
        step()
        if tell is not None:
            tell(posted_here(stage))
        if waiting(stage):
            pause = min(max(until_due(stage), 1), seconds)
            pass_seconds(stage, pause)
            passed += pause
    return result(stage, seconds=passed, after=first)


def waiting(stage: XeroStage) -> int:
    resting = (ExportState.POSTED, ExportState.REVIEW, ExportState.HELD)
    return stage.shop.rows(sa.select(sa.func.count()).select_from(Export).where(Export.state.not_in(resting)))[0]


def posted_here(stage: XeroStage) -> int:
    is_posted = Export.state == ExportState.POSTED
    return stage.shop.rows(sa.select(sa.func.count()).select_from(Export).where(is_posted))[0]


def until_due(stage: XeroStage) -> int:
    """Seconds until the connection's pause ends, and the next sweep sees it."""
    with reading_anywhere(stage.house.engine) as session:
        now = database_now(session)
        held = session.scalar(sa.select(sa.func.max(RateBucket.held_until))) or now
        paused = session.scalar(sa.select(sa.func.max(Connection.paused_until))) or now
        resting = sa.select(sa.func.min(Export.not_before)).where(Export.state == ExportState.PENDING)
        rests = session.scalar(resting) or now
    return max(LONGEST_STEP, int((max(held, paused, rests) - now).total_seconds()) + 1)


def result(stage: XeroStage, *, seconds: int, after: int) -> Result:
    """Counted on the sandbox's side."""
    requests = [each for each in stage.sandbox.requests()[after:] if each["path"].startswith("/api.xro/")]
    times = sorted(dt.datetime.fromisoformat(each["at"]) for each in requests)
    return Result(
        posted=sum(journal["status"] == "POSTED" for journal in stage.journals()),
        calls=len(requests),
        writes=sum(each["method"] == "POST" for each in requests),
        refused=sum(each["status"] == 429 for each in requests),
        in_a_minute=most_in(times, dt.timedelta(seconds=60)),
        seconds=seconds,
    )


def most_in(times: list[dt.datetime], length: dt.timedelta) -> int:
    """The most of these times that lie within any ``length``."""
    most, start = 0, 0
    for end, time in enumerate(times):
        while times[start] <= time - length:
            start += 1
        most = max(most, end - start + 1)
    return most


def assert_all_posted_once(stage: XeroStage) -> None:
    """Every export is posted, under its id, once; the sandbox's books hold nothing else, and the right amount."""
    exports = stage.shop.rows(sa.select(Export))
    assert {export.state for export in exports} == {ExportState.POSTED}
    kept = [journal for journal in stage.journals() if journal["status"] != "DELETED"]
    assert {journal["status"] for journal in kept} == {"POSTED"}
    assert sorted(journal["journal_id"] for journal in kept) == sorted(str(export.external_id) for export in exports)
    tokens = Counter(journal["narration"][-13:-1] for journal in kept)
    assert set(tokens.values()) == {1}
    assert set(tokens) == {export.token for export in exports}
    cents = 1250 * len(exports)
    assert stage.sandbox.balance(ORGANISATION, code="621") == f"{cents // 100}.{cents % 100:02}"
