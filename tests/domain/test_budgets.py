"""How many calls may still be made: tables, and the law that no limit is ever passed."""

from __future__ import annotations

import pytest

from partsemble_core.domain.budgets import (
    Budget,
    Limit,
    Urgency,
    Usage,
    aim_at_once,
    aim_per_minute,
    exhausted,
    kept_back,
    told_anew,
)

XERO = Budget(at_once=5, per_minute=60, per_day=1_000, app_per_minute=10_000)
WRITE, LOOK_UP, SYNC = Urgency.WRITE, Urgency.LOOK_UP, Urgency.SYNC


def test_we_aim_a_little_below_each_limit() -> None:
    assert (aim_at_once(5), aim_per_minute(60), aim_per_minute(10_000)) == (4, 55, 9_166)
    assert (aim_at_once(1), aim_per_minute(1)) == (1, 1), "some calls are always left"


@pytest.mark.parametrize(
    ("usage", "urgency", "limit"),
    [
        (Usage(), WRITE, None),
        (Usage(at_once=3), WRITE, None),
        (Usage(at_once=4), WRITE, Limit.AT_ONCE),
        (Usage(in_minute=54), WRITE, None),
        (Usage(in_minute=55), WRITE, Limit.MINUTE),
        (Usage(in_minute=55), LOOK_UP, Limit.MINUTE),
        (Usage(app_in_minute=9_166), LOOK_UP, Limit.APP_MINUTE),
        (Usage(in_day=899), WRITE, None),
        (Usage(in_day=900), WRITE, Limit.DAY),
        (Usage(in_day=900), SYNC, Limit.DAY),
        (Usage(in_day=900), LOOK_UP, None),
        (Usage(in_day=1_000), LOOK_UP, Limit.DAY),
        (Usage(day_told=101), WRITE, None),
        (Usage(day_told=100), WRITE, Limit.DAY),
        (Usage(day_told=100, is_told_lately=False), WRITE, None),
        (Usage(day_told=0, is_told_lately=False), WRITE, Limit.DAY),
        (Usage(day_told=1), LOOK_UP, None),
    ],
)
def test_what_stands_in_the_way_of_one_more_call(usage: Usage, urgency: Urgency, limit: Limit | None) -> None:
    assert exhausted(XERO, usage, urgency) == limit


def test_writes_stop_first_then_syncs_and_look_ups_last() -> None:
    assert [kept_back(5_000, urgency) for urgency in (WRITE, SYNC, LOOK_UP)] == [500, 100, 0]
    assert [kept_back(1_000, urgency) for urgency in (WRITE, SYNC, LOOK_UP)] == [100, 100, 0]


def test_without_limits_nothing_is_exhausted() -> None:
    assert exhausted(Budget(), Usage(at_once=99, in_minute=999, in_day=99_999, day_told=0), WRITE) is None
    assert not Budget().is_limited
    assert Budget(per_day=9).is_limited


@pytest.mark.parametrize(
    ("known", "heard", "left", "is_new"),
    [(None, 4_000, 4_000, False), (500, 499, 499, False), (500, 503, 500, False), (500, 900, 900, True)],
)
def test_answers_may_overtake_each_other_and_a_day_may_begin_anew(
    known: int | None, heard: int, left: int, is_new: bool
) -> None:
    assert told_anew(known, heard) == (left, is_new)
