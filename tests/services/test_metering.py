"""The meter: permits for all processes together, what answers teach, and holds that no restart forgets."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.budgets import Budget
from partsemble_core.plugin_api.errors import OutcomeUnknown
from partsemble_core.plugin_api.http import HttpAnswer
from partsemble_core.plugin_api.limits import LimitHeaders
from partsemble_core.services import metering
from partsemble_core.services.house import House
from partsemble_core.services.metering import CallGate, LimitNear, Meter
from partsemble_core.store.database import write_anywhere
from partsemble_core.store.rates import RateBucket, RateCall, find_buckets
from tests.faults.stage import a_stage, an_engine

HEADERS = LimitHeaders(
    minute_left="X-MinLimit-Remaining",
    day_left="X-DayLimit-Remaining",
    app_minute_left="X-AppMinLimit-Remaining",
    problem="X-Rate-Limit-Problem",
)
METER = Meter(
    backend="xero",
    title="Xero",
    organisation="xero/one",
    budget=Budget(at_once=5, per_minute=60, per_day=1_000, app_per_minute=10_000),
    headers=HEADERS,
)
OTHER = dataclasses.replace(METER, organisation="xero/two")
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    with an_engine(database_url) as engine:
        yield a_stage(engine, tmp_path).house


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metering, "LONGEST_WAIT", 0.0)


def gate(house: House, meter: Meter = METER, *, is_urgent: bool = True) -> CallGate:
    return CallGate(house, meter, is_urgent=is_urgent)


def answer(status: int = 200, **headers: str) -> HttpAnswer:
    return HttpAnswer(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


def call(house: House, meter: Meter = METER, said: HttpAnswer | None = None, *, is_read: bool = False) -> None:
    """One call from beginning to end."""
    passed = gate(house, meter)
    passed.leave(passed.enter(is_read=is_read), said)


def bucket(house: House, whose: str = METER.organisation) -> RateBucket:
    return write_anywhere(house.engine, lambda session: find_buckets(session, whose)[whose])


def held_for(house: House, whose: str = METER.organisation) -> int:
    """Seconds from now, by this machine's clock."""
    until = bucket(house, whose).held_until
    return round((until - dt.datetime.now(dt.UTC)).total_seconds()) if until else 0


def change(house: House, **values: object) -> None:
    write_anywhere(house.engine, lambda session: session.execute(sa.update(RateBucket).values(values)))


def test_the_fifty_sixth_call_of_a_minute_waits(house: House) -> None:
    for _ in range(55):
        call(house)
    with pytest.raises(LimitNear) as refused:
        call(house)
    assert refused.value.whole_organisation
    assert 1 <= refused.value.after <= 60
    call(house, OTHER)
    past = dt.datetime.now(dt.UTC) - HOUR
    write_anywhere(house.engine, lambda session: session.execute(sa.update(RateCall).values(counts_until=past)))
    call(house)


def test_four_are_under_way_at_once_and_a_killed_one_gives_its_place_back(house: House) -> None:
    permits = [gate(house).enter(is_read=False) for _ in range(4)]
    with pytest.raises(LimitNear) as refused:
        gate(house).enter(is_read=True)
    assert not refused.value.whole_organisation, "the next one ends soon"
    gate(house).leave(permits[0], None)
    call(house)
    past = dt.datetime.now(dt.UTC) - HOUR
    write_anywhere(house.engine, lambda session: session.execute(sa.update(RateCall).values(under_way_until=past)))
    for _ in range(4):
        gate(house).enter(is_read=False)


def test_a_call_counts_until_a_minute_after_its_end(house: House) -> None:
    """Their minute may begin anywhere between its permit and its end."""
    passed = gate(house)
    permit = passed.enter(is_read=False)
    [before] = write_anywhere(house.engine, lambda session: session.scalars(sa.select(RateCall.counts_until)).all())
    passed.leave(permit, None)
    [after] = write_anywhere(house.engine, lambda session: session.scalars(sa.select(RateCall.counts_until)).all())
    now = dt.datetime.now(dt.UTC)
    assert 110 < (before - now).total_seconds() <= 121
    assert 50 < (after - now).total_seconds() <= 61


def test_many_threads_share_one_budget(house: House) -> None:
    got: list[int] = []

    def work() -> None:
        for _ in range(20):
            try:
                call(house)
            except LimitNear:
                continue
            got.append(1)

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(got) <= 55
    for _ in range(55 - len(got)):  # what was refused for being too many at once
        call(house)
    with pytest.raises(LimitNear):
        call(house)


@pytest.mark.parametrize(
    ("problem", "retry_after", "seconds"),
    [
        ("minute", "17", 17), ("Minute", "", 60), ("day", "66975", 66_975), ("DayLimit", "86400", 86_400),
        ("Daily", "", 3_600), ("concurrent", "", 2), ("", "", 60), ("whatever", "", 60), ("minute", "-5", 60),
        ("minute", "0", 1), ("minute", "Wed, 21 Oct 2015 07:28:00 GMT", 1), ("minute", "soon", 60),
    ],
)  # fmt: skip
def test_each_429_holds_the_organisation_for_as_long_as_it_says(
    house: House, problem: str, retry_after: str, seconds: int
) -> None:
    call(house, said=answer(429, X_Rate_Limit_Problem=problem, Retry_After=retry_after))
    assert abs(held_for(house) - seconds) <= 2
    if seconds > 2:
        with pytest.raises(LimitNear):
            call(house, is_read=True)
    call(house, OTHER)


def test_a_429_of_the_app_holds_all_of_its_organisations(house: House) -> None:
    call(house, said=answer(429, X_Rate_Limit_Problem="appminute", Retry_After="40"))
    for meter in (METER, OTHER):
        with pytest.raises(LimitNear):
            call(house, meter)
    assert abs(held_for(house, "xero") - 40) <= 2


def test_a_shorter_wait_never_ends_a_longer_one(house: House) -> None:
    passed = [gate(house) for _ in range(2)]
    permits = [each.enter(is_read=False) for each in passed]
    passed[0].leave(permits[0], answer(429, X_Rate_Limit_Problem="day", Retry_After="30000"))
    passed[1].leave(permits[1], answer(429, X_Rate_Limit_Problem="minute", Retry_After="20"))
    assert held_for(house) > 29_000


def test_a_limit_of_the_day_is_known_to_whoever_starts_next(house: House) -> None:
    call(house, said=answer(429, X_Rate_Limit_Problem="day", Retry_After="30000"))
    with an_engine(house.engine.url.render_as_string(hide_password=False)) as engine:
        restarted = dataclasses.replace(house, engine=engine)
        with pytest.raises(LimitNear):
            call(restarted)


def test_a_tenth_of_the_day_is_kept_for_look_ups(house: House) -> None:
    call(house, said=answer(X_DayLimit_Remaining="101"))
    call(house, said=answer(X_DayLimit_Remaining="100"))
    with pytest.raises(LimitNear) as refused:
        call(house)
    assert not refused.value.whole_organisation, "look-ups go on"
    assert refused.value.after <= 3_600
    with pytest.raises(LimitNear):
        gate(house, is_urgent=False).enter(is_read=True)
    call(house, is_read=True, said=answer(X_DayLimit_Remaining="1"))
    call(house, is_read=True, said=answer(X_DayLimit_Remaining="0"))
    with pytest.raises(LimitNear):
        call(house, is_read=True)


def test_our_own_count_of_the_day_holds_where_nothing_is_told(house: House) -> None:
    call(house)
    change(house, in_day=899)
    call(house)
    with pytest.raises(LimitNear):
        call(house)
    change(house, day_ends_at=dt.datetime.now(dt.UTC) - HOUR)
    call(house)
    assert bucket(house).in_day == 1


def test_a_day_that_began_anew_over_there_is_noticed(house: House) -> None:
    call(house, said=answer(X_DayLimit_Remaining="100"))
    with pytest.raises(LimitNear):
        call(house)
    change(house, day_told_at=dt.datetime.now(dt.UTC) - 2 * HOUR)
    call(house, said=answer(X_DayLimit_Remaining="999"))
    assert bucket(house).in_day == 1
    call(house)


def test_what_others_use_of_the_same_app_is_left_to_them(house: House) -> None:
    call(house, said=answer(X_MinLimit_Remaining="5"))
    call(house, said=answer(X_MinLimit_Remaining="4"))
    with pytest.raises(LimitNear):
        call(house)
    call(house, OTHER, said=answer(X_AppMinLimit_Remaining="833"))
    with pytest.raises(LimitNear):
        call(house, OTHER)


def test_after_a_write_nobody_says_that_nothing_was_written(house: House) -> None:
    passed = gate(house)
    passed.leave(passed.enter(is_read=False), answer(429, X_Rate_Limit_Problem="minute", Retry_After="30"))
    with pytest.raises(OutcomeUnknown):
        passed.enter(is_read=True)


def test_nonsense_in_the_headers_teaches_nothing(house: House) -> None:
    call(house, said=answer(X_DayLimit_Remaining="many", X_MinLimit_Remaining="-3", X_AppMinLimit_Remaining="１"))
    assert bucket(house).day_told is None
    call(house)
