"""How long a backlog takes, by hand-made figures."""

from __future__ import annotations

import datetime as dt

import pytest

from partsemble_core.domain.budgets import Budget, Usage
from partsemble_core.domain.forecasts import Backlog, calls_for, forecast

XERO = Budget(at_once=5, per_minute=60, per_day=1_000, app_per_minute=10_000)
NIGHT = dt.timedelta(hours=8)


@pytest.mark.parametrize(
    ("backlog", "batch_size", "drafts", "calls"),
    [
        (Backlog(), 50, True, 0),
        (Backlog(to_create=1), 50, True, 2),
        (Backlog(to_create=600), 50, True, 24),
        (Backlog(to_create=600), 1, True, 1_200),
        (Backlog(to_create=600), 1, False, 600),
        (Backlog(to_create=1, to_post=50, to_look_up=51), 50, True, 1 + 2 + 2),
        (Backlog(to_create=2, to_post=3, to_look_up=4), 1, False, 2 + 3 + 4),
    ],
)
def test_a_backlog_takes_so_many_calls(backlog: Backlog, batch_size: int, drafts: bool, calls: int) -> None:
    assert calls_for(backlog, batch_size=batch_size, posts_drafts=drafts) == calls


@pytest.mark.parametrize(
    ("calls", "in_minute", "seconds"),
    [(0, 0, 0), (24, 0, 24), (55, 0, 55), (56, 0, 60), (24, 40, 60), (110, 0, 110), (165, 55, 180), (600, 0, 600)],
)
def test_calls_beyond_the_minute_wait_for_the_next(calls: int, in_minute: int, seconds: int) -> None:
    found = forecast(calls, XERO, Usage(in_minute=in_minute), day_ends_in=NIGHT)
    assert found.takes == dt.timedelta(seconds=seconds)
    assert (found.calls, found.per_minute) == (calls, 55)


def test_calls_beyond_the_day_wait_for_the_next_days() -> None:
    """Of 1,000 a tenth is kept for look-ups: 900 a day; 100 are used, so 800 are left."""
    used = Usage(in_day=100)
    assert forecast(800, XERO, used, day_ends_in=NIGHT).takes < NIGHT
    assert forecast(801, XERO, used, day_ends_in=NIGHT).takes == NIGHT + dt.timedelta(seconds=1)
    later = forecast(800 + 900 + 56, XERO, used, day_ends_in=NIGHT).takes
    assert later == NIGHT + dt.timedelta(days=1, seconds=60)
    told = Usage(in_day=0, day_told=110)
    assert forecast(11, XERO, told, day_ends_in=NIGHT).takes == NIGHT + dt.timedelta(seconds=1)
    spent = Usage(in_day=1_000)
    assert forecast(1, XERO, spent, day_ends_in=NIGHT).takes == NIGHT + dt.timedelta(seconds=1)


def test_books_without_limits_take_a_call_after_the_other() -> None:
    found = forecast(90, Budget(), Usage(), day_ends_in=NIGHT)
    assert (found.per_minute, found.takes) == (None, dt.timedelta(seconds=90))
